"""Ten thousand escalations a minute from one caller: how long a crisis of somebody else then takes until a person is rung.

The product as it is, detectors and all, in one process on SQLite. The desk takes a tenth of a second, as a quick vendor does.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.outside import Nothing, no_alarm
from hookflash import Engine, Turn
from hookflash.app.logs import set_up_logs
from hookflash.errors import Overloaded

PER_MINUTE, CRISIS_EVERY, DESK_SECONDS = 10_000, 0.5, 0.1
MATRIX = """
hookflash: 1
business: {name: Lamp Clinic, timezone: Europe/Madrid, languages: [en]}
hours: {office: always}
desks: {crm: {kind: builtin}}
responders: {team: {hours: office, desk: crm, line: {chat: team}}}
triggers: {distress: {crisis: {}}}
routes:
  - {when: {trigger: distress.crisis}, urgency: immediate, ladder: [{to: team, warm: 10m}]}
  - {when: {}, ladder: [{to: team, warm: 10m}]}
nobody: {desk: crm, callback: {within: 2h, hours: office}}
"""
ASKS, CRISIS = "I want to talk to a human", "I want to kill myself"
FLOODS = {
    "no flood": None,
    "one conversation": lambda _: {"conversation": "flood", "text": ASKS},
    "one customer, a conversation for each": lambda number: {"conversation": f"flood-{number}", "text": ASKS},
    "one customer, each a crisis": lambda number: {"conversation": f"flood-{number}", "text": CRISIS},
}


class Outside(Nothing):
    """A quick desk, and a line that notes when each conversation rings."""

    def __init__(self) -> None:
        self.rung: dict[str, float] = {}

    async def deliver(self, brief, key):
        await asyncio.sleep(DESK_SECONDS)
        return await super().deliver(brief, key)

    async def ring(self, handoff, rung, whisper, key):
        self.rung.setdefault(handoff.conversation, time.perf_counter())


async def flooded(flood: Callable[[int], dict[str, str]] | None, seconds: float, folder: Path) -> tuple[list[float], int, int]:
    """Return the seconds from each crisis to its ring, how much of the flood was decided, and how much was told to come again."""
    (folder / "matrix.yaml").write_text(MATRIX)
    outside, decided, refused = Outside(), 0, 0
    desks = {"crm": outside, "builtin": outside}
    begun: dict[str, float] = {}

    async def crisis(name: str) -> None:
        begun[name] = time.perf_counter()
        await engine.observe(Turn(conversation=name, speaker="customer", text=CRISIS, customer={"id": name}))

    async def more(number: int) -> None:
        nonlocal decided, refused
        try:
            await engine.observe(Turn(speaker="customer", customer={"id": "flooder"}, **flood(number)))
            decided += 1
        except Overloaded:
            refused += 1

    async with Engine.open(folder / "matrix.yaml", desks=desks, lines={"chat": outside}, alarm=no_alarm, tell=no_alarm) as engine:
        await crisis("warm")
        tasks, start, floods, crises = [], time.perf_counter(), 0, 0
        while (passed := time.perf_counter() - start) < seconds:
            while flood and floods < passed * PER_MINUTE / 60:
                tasks.append(asyncio.create_task(more(floods)))
                floods += 1
            while crises < passed / CRISIS_EVERY:
                tasks.append(asyncio.create_task(crisis(f"crisis-{crises}")))
                crises += 1
            await asyncio.sleep(0.005)
        told = time.perf_counter() + 30
        while not outside.rung.keys() >= begun.keys() and time.perf_counter() < told:  # noqa: ASYNC110 - until all ring
            await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    waits = [outside.rung.get(name, told) - at for name, at in begun.items() if name != "warm"]
    return waits, decided, refused


def main() -> None:
    set_up_logs(level=50)
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    quiet = None
    for name, flood in FLOODS.items():
        with tempfile.TemporaryDirectory() as folder:
            waits, decided, refused = asyncio.run(flooded(flood, seconds, Path(folder)))
        middle, late = statistics.median(waits), statistics.quantiles(waits, n=100)[98]
        quiet = quiet or middle
        what = f"from a crisis to the ring {middle / quiet:.2f} x at the median, {late / quiet:.2f} x at the 99th percentile"
        print(
            f"{name}: {what} ({middle:.2f} and {late:.2f} s here, longest {max(waits):.2f}; {decided:,} of the flood decided, {refused:,} told to come again)",
            flush=True,
        )


if __name__ == "__main__":
    main()
