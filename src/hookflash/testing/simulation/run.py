"""The whole engine on a virtual clock, network and store, with everything going wrong that can, from one seed.

Real are the engine, the life cycle, the couriers, the watchman and every SQL statement; simulated are time, the
database's failures, the desks, the lines, and the people. The same seed always takes the same steps.
"""

import asyncio
import hashlib
import json
import random
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import cast

import structlog
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import StaticPool

from hookflash.engine import DEFAULT_TENANT
from hookflash.matrix import Matrix, parse_matrix
from hookflash.model import BUILTIN_DESK, Handoff, State
from hookflash.ports import AuditEntry, Store
from hookflash.stores.tables import metadata
from hookflash.testing.simulation.loop import VirtualLoop
from hookflash.testing.simulation.process import Process, Weather
from hookflash.testing.simulation.world import World

# One desk of others and one of ours, a ladder of two, short promises: whatever can follow on an event follows soon.
MATRIX = """
hookflash: 1
business: {name: Lamp Shop, timezone: Europe/Madrid, languages: [en]}
hours: {office: always}
desks: {tickets: {kind: builtin}, crm: {kind: builtin}}
responders:
  team: {hours: office, desk: crm, line: {chat: team}}
  lead: {hours: office, desk: tickets, line: {chat: lead}}
routes:
  - {name: emergency, when: {trigger: [distress.crisis, distress.red_flag]}, ladder: [{to: lead, warm: 20s}, {to: team, warm: 20s}]}
  - {name: general, when: {}, ladder: [{to: team, warm: 20s}, {to: lead, cold: 15s}]}
nobody: {desk: tickets, callback: {within: 2m, hours: office}}
context: [reason, history]
"""
SAYINGS = ("hello", "it is about my lamp", "a human please", "this is a crisis", "are you there")
# Who is recognised in another conversation, and who is nobody in particular.
KNOWN = (None, "ana", "ben")
# How long things go wrong, and how long everything then has to settle: two ladders and a promise.
STORM_SECONDS, CALM_SECONDS = 120.0, 200.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a simulation came to. `problems` is empty where everything held; `digest` is the same for the same seed."""

    seed: int
    problems: tuple[str, ...]
    digest: str
    turns: int
    handoffs: int
    kills: int


def simulate(seed: int) -> Outcome:
    """Run one simulation and check what must hold whatever happens.

    Nothing acknowledged is lost; the turns of a conversation and the steps of a handoff keep their order; a conversation
    has one open handoff; what goes on in another conversation does so in one; nobody is rung before the brief is on a desk
    (or the record says it is late); no promise falls due early or is forgotten; nothing comes to a halt.
    """
    loop = VirtualLoop()
    try:
        asyncio.set_event_loop(None)
        with structlog.testing.capture_logs():
            return loop.run_until_complete(_Simulation(seed).run())
    finally:
        loop.close()


class _Simulation:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = chance = random.Random(seed)
        self.database = _database()
        self.weather = Weather(random.Random(chance.random()), failing=chance.choice((0.0, 0.0, 0.01, 0.04)))
        self.world = World(random.Random(chance.random()), self._ask, trouble=chance.choice((0.0, 0.1, 0.3)))
        self.processes: list[Process] = []
        self.kills = 0

    async def run(self) -> Outcome:
        for _ in range(self.chance.randint(1, 3)):
            self._start()
        customers = [
            asyncio.get_running_loop().create_task(self.world.converse(f"c{number}", self._turns(), self.chance.choice(KNOWN)))
            for number in range(self.chance.randint(2, 6))
        ]
        await self._storm()
        await self._calm(customers)
        return await self._judge()

    def _turns(self) -> Sequence[str]:
        return [self.chance.choice(SAYINGS) for _ in range(self.chance.randint(1, 5))]

    def _start(self) -> None:
        process = Process(_matrix(), self.database, self.weather, self.world.desks, {"chat": self.world.line}, self.world.alarm)
        self.processes.append(process)
        process.start()

    def _ask(self) -> Process:
        return self.chance.choice(self.processes)

    async def _storm(self) -> None:
        """Let things go wrong, one after another."""
        loop = asyncio.get_running_loop()
        while loop.time() < STORM_SECONDS:
            await asyncio.sleep(self.chance.uniform(2, 40))
            await self.chance.choice((self._kill, self._kill, self._freeze, self._cut, self._set_clock))()

    async def _kill(self) -> None:
        self.kills += 1
        victim = self._ask()
        victim.kill()
        await asyncio.sleep(self.chance.uniform(0.0, 5))
        self.processes.remove(victim)
        self._start()

    async def _freeze(self) -> None:
        victim = self._ask()
        victim.freeze()
        asyncio.get_running_loop().call_later(self.chance.uniform(1, 60), victim.thaw)

    async def _cut(self) -> None:
        self.weather.down = True
        await asyncio.sleep(self.chance.uniform(0.5, 15))
        self.weather.down = False

    async def _set_clock(self) -> None:
        self._ask().wrong_by = timedelta(seconds=self.chance.choice((-3600, -5, 5, 3600, 0)))

    async def _calm(self, customers: Sequence["asyncio.Task[None]"]) -> None:
        """Let nothing more go wrong, everybody finish, and the team keep what was promised."""
        self.weather.failing = self.world.line.trouble = 0.0
        for desk in self.world.desks.values():
            desk.trouble = 0.0
        for process in self.processes:
            process.wrong_by = timedelta()
            process.thaw()
            process.slow_down()
        await asyncio.gather(*customers)
        for _ in range(3):
            await asyncio.sleep(CALM_SECONDS / 4)
            await self.world.keep_promises(await self._store().promises(DEFAULT_TENANT, open_only=True))
        await asyncio.sleep(CALM_SECONDS / 4)

    def _store(self) -> Store:
        return self.processes[0].engine.store

    async def _judge(self) -> Outcome:
        store, problems = self._store(), list(self.world.problems)
        handoffs = await store.handoffs(DEFAULT_TENANT, limit=10_000)
        problems += await self._lost(store, handoffs)
        problems += _unsettled(handoffs, self.processes[0].now())
        problems += _owed_twice(handoffs)
        problems += [f"{one.id} came to a halt" for one in await store.stalled(self.processes[0].now() - timedelta(seconds=30), 100)]
        trail: list[AuditEntry] = []
        for conversation in sorted({name for name, _ in self.world.acknowledged}):
            entries = await store.audit(DEFAULT_TENANT, conversation)
            problems += _out_of_order(entries)
            trail += entries
        given_up = {item.delivery.key for item in await store.dead_letters(DEFAULT_TENANT, 10_000)}
        problems += _missing_on_desks(trail, self.world.shown, given_up)
        told = json.dumps([self.world.shown, sorted(self.world.said.items()), [entry.model_dump(mode="json") for entry in trail]])
        await _end_everything()
        digest = hashlib.sha256(told.encode()).hexdigest()
        return Outcome(self.seed, tuple(problems), digest, len(self.world.acknowledged), len(handoffs), self.kills)

    async def _lost(self, store: Store, handoffs: Sequence[Handoff]) -> list[str]:
        """Return what was acknowledged and is not there, or not as it was acknowledged."""
        known, lost = {one.id for one in handoffs}, []
        for (conversation, seq), decision in self.world.acknowledged.items():
            kept = await store.turn(DEFAULT_TENANT, conversation, seq=seq, key=None)
            if kept is None or kept.decision != decision or kept.number != seq:
                lost.append(f"turn {seq} of {conversation} is not kept as it was acknowledged")
            if decision.handoff is not None and decision.handoff not in known:
                lost.append(f"handoff {decision.handoff} is lost")
        briefed = {handoff for _, handoff, _ in self.world.shown}
        return lost + [f"{one.id} is on no desk" for one in handoffs if one.id not in briefed]


async def _end_everything() -> None:
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def _unsettled(handoffs: Sequence[Handoff], now: datetime) -> list[str]:
    """Return handoffs that should have come to rest by now, promises that nobody remembers, and doubles."""
    found = [f"{one.id} is still {one.state}" for one in handoffs if one.state in (State.REQUESTED, State.BRIEFED, State.RINGING)]
    late = now - timedelta(seconds=30)
    found += [
        f"the promise of {one.id} is forgotten"
        for one in handoffs
        if one.promise and one.promise.state == "open" and one.promise.due < late
    ]
    open_ones = [one.conversation for one in handoffs if not one.state.closed]
    return found + [f"{name} has two open handoffs" for name in set(open_ones) if open_ones.count(name) > 1]


def _owed_twice(handoffs: Sequence[Handoff]) -> list[str]:
    """Return handoffs that did not end where another goes on from them, or that go on in two, or in none."""
    goes_on = [one.brief.earlier for one in handoffs if one.brief.earlier]
    by_id = {one.id: one for one in handoffs}
    found = [f"{name} goes on in another and is still {by_id[name].state}" for name in goes_on if by_id[name].state is not State.WRAPPED]
    found += [f"{name} goes on in two" for name in sorted(set(goes_on)) if goes_on.count(name) > 1]
    moved = [one.id for one in handoffs if one.promise and one.promise.state == "moved"]
    return found + [f"what {name} owes is owed nowhere" for name in moved if name not in goes_on]


def _missing_on_desks(trail: Sequence[AuditEntry], shown: Sequence[tuple[str, str, int]], given_up: Collection[str]) -> list[str]:
    """Return the revisions of briefs that were ordered and not given up, and that neither their desk nor our own has."""
    there: dict[str, int] = {}
    for key, _, revision in shown:
        place = key.rpartition(":")[0]
        there[place] = max(there.get(place, 0), revision)
    ordered = [
        command["key"]
        for entry in trail
        if entry.handoff is not None and not entry.what.startswith("decided_")
        for command in json.loads(entry.document)["commands"]
        if command["kind"] == "deliver_brief" and command["key"] not in given_up
    ]
    found = []
    for key in ordered:
        place, _, revision = key.rpartition(":")
        own = f"{place.rpartition(':')[0]}:{BUILTIN_DESK}"
        if int(revision) > max(there.get(place, 0), there.get(own, 0)):
            found.append(f"what was ordered as {key} is on no desk")
    return found


def _out_of_order(entries: Sequence[AuditEntry]) -> list[str]:
    """Return steps that do not follow from the one before, and promises that fell due before their time."""
    state: dict[str, str] = {}
    due: dict[str, datetime] = {}
    found = []
    for entry in entries:
        if entry.what.startswith("decided_") or entry.handoff is None:
            continue
        step = json.loads(entry.document)
        if step["from"] != state.get(entry.handoff):
            found.append(f"{entry.handoff} goes on from {step['from']} where it was {state.get(entry.handoff)}")
        state[entry.handoff] = step["to"]
        for command in step["commands"]:
            if ":promise_overdue:" in command.get("key", "") and entry.at < due.get(entry.handoff, entry.at):
                found.append(f"the promise of {entry.handoff} fell due early")
            if command["kind"] == "set_timer" and command["event"]["kind"] == "promise_due":
                due[entry.handoff] = datetime.fromisoformat(command["at"])
    return found


@cache
def _matrix() -> Matrix:
    return parse_matrix(MATRIX)


@cache
def _engines() -> tuple[Engine, sqlite3.Connection]:
    """Return the one database that simulations use in turn, and empty tables to begin with."""
    empty, used = (create_engine("sqlite://", poolclass=StaticPool) for _ in range(2))
    metadata.create_all(empty)
    return used, _connection(empty)


def _database() -> Engine:
    engine, empty = _engines()
    empty.backup(_connection(engine))
    return engine


def _connection(engine: Engine) -> sqlite3.Connection:
    return cast("sqlite3.Connection", engine.raw_connection().driver_connection)
