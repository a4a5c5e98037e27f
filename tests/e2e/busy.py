"""A busy engine in a process of its own, to be killed at any moment.

It observes turns of many conversations side by side and writes a line for each one that was acknowledged: what the
caller knows. Its desk and its line write what they are shown to files of their own, synced, one line each, as an outside
system would; both keep the contract that the same key shows once.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from hookflash.app.config import database_at
from hookflash.app.database import open_store
from hookflash.app.logs import set_up_logs
from hookflash.app.wiring import SystemClock
from hookflash.courier import Courier
from hookflash.engine import Engine
from hookflash.matrix import parse_matrix
from hookflash.model import Receipt, Turn
from hookflash.rosters import StaticRoster
from hookflash.testing.simulation.judge import WordJudge
from hookflash.watchman import Watchman
from tests.shop import SHOP


class Ledger:
    """An outside system: what it was shown is on its own disk."""

    def __init__(self, path):
        whole = path.read_text().rpartition("\n")[0] + "\n" if path.exists() else "\n"
        path.write_text(whole.lstrip("\n"))  # a line torn by the kill was never acknowledged
        self._keys = {json.loads(line)["key"] for line in whole.split("\n") if line}
        self._file = path.open("a", encoding="utf-8")

    def show(self, key, **what):
        self.tried = key
        if key in self._keys:
            return
        self._keys.add(key)
        self._file.write(json.dumps({"key": key, **what}) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


class LedgerDesk:
    def __init__(self, ledger):
        self._ledger = ledger

    async def deliver(self, brief, key):
        self._ledger.show(key, handoff=brief.handoff, conversation=brief.conversation, revision=brief.revision)
        await asyncio.sleep(0.001)
        return Receipt(desk="crm", ticket=brief.handoff, key=key, at=brief.created_at)


class LedgerLine:
    def __init__(self, ledger):
        self._ledger = ledger

    async def ring(self, handoff, rung, whisper, key):
        self._ledger.show(key, ring=rung.responder, handoff=handoff.id)

    async def stop(self, handoff, rung, key):
        pass

    async def say(self, handoff, text, key):
        self._ledger.show(key, said=text, handoff=handoff.id)


async def alarm(handoff, what):
    pass


async def main(folder: Path, start: int, count: int, database: str) -> None:
    set_up_logs(sys.stderr, level=50)
    heard = (folder / f"heard-{start}.jsonl").open("a", encoding="utf-8")

    def say(**what):
        heard.write(json.dumps(what) + "\n")
        heard.flush()

    desk, line = Ledger(folder / "desk.jsonl"), Ledger(folder / "line.jsonl")
    matrix = parse_matrix(SHOP.replace('mon-fri: "09:00-13:00 15:00-18:00"', 'mon-sun: "00:00-00:00"'))
    desks = {("default", name): LedgerDesk(desk) for name in ("crm", "tickets", "builtin")}
    store, clock = open_store(database_at(folder, database)), SystemClock()
    # What detectors make of the words is not the matter here; without them a start takes a third of the time.
    engine = Engine({"default": WordJudge(matrix)}, store, StaticRoster(), clock)
    courier = Courier(engine, store, clock, tenants=("default",), desks=desks, lines={"chat": LedgerLine(line)}, alarm=alarm)
    engine.on_work = courier.wake
    await engine.start()
    work = [asyncio.create_task(one.run()) for one in (courier, Watchman(engine, store, clock, alarm=alarm))]
    say(ready=True)

    async def converse(number: int) -> None:
        for seq, text in enumerate(("hello there", "I want to talk to a human", "it is about my lamp"), start=1):
            decision = await engine.observe(Turn(conversation=f"c{number}", speaker="customer", text=text, language="en", seq=seq))
            say(conversation=f"c{number}", seq=seq, turn=decision.turn, handoff=decision.handoff)

    waiting = asyncio.Semaphore(12)

    async def one(number: int) -> None:
        async with waiting:
            await converse(number)

    await asyncio.gather(*(one(number) for number in range(start, start + count)))
    for _ in range(1_200):
        if not (await engine.store.counts()).get("outbox_pending"):
            break
        await asyncio.sleep(0.05)
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    await courier.stop()
    await store.close()
    say(finished=True)


def run(folder: Path, start: int, count: int, database: str) -> None:
    """Be busy; to be killed at any moment."""
    asyncio.run(main(folder, start, count, database))
