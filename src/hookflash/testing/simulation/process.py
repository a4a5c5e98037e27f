"""A process of the simulation: engine, couriers and watchman on the shared database, which can be frozen, killed and set wrong."""

import asyncio
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from hookflash.courier import Courier
from hookflash.engine import DEFAULT_TENANT
from hookflash.engine import Engine as EscalationEngine
from hookflash.errors import StoreUnavailable, VersionConflict
from hookflash.matrix import Matrix
from hookflash.ports import Change, Desk, Line
from hookflash.rosters import StaticRoster
from hookflash.stores.sql import SqlStore
from hookflash.stores.tables import to_micros
from hookflash.testing.simulation.judge import WordJudge
from hookflash.watchman import Watchman

T = TypeVar("T")
BEGINNING = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
# How seldom couriers and watchman look of themselves: more often would find nothing more, only later in real time.
LOOK = timedelta(seconds=4)
# The share of steps that take a moment, in which others go first.
SLOW_STEPS = 0.3


class Weather:
    """How the database behaves: its delays, and how often it fails before or after it has written."""

    def __init__(self, chance: random.Random, *, failing: float) -> None:
        """`failing` is the share of statements that fail."""
        self.chance = chance
        self.failing = failing
        self.down = False


class Process:
    """One process. After `kill` it does nothing more; start another in its place."""

    def __init__(
        self, matrix: Matrix, database: Engine, weather: Weather, desks: Mapping[str, Desk], lines: Mapping[str, Line], alarm: Any
    ) -> None:
        """Take the shared database and the outside world."""
        self.weather = weather
        self.wrong_by = timedelta()
        """How far its clock is wrong."""
        self.dead = False
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._tasks: dict[asyncio.Task[Any], None] = {}  # in order, so that a kill ends them in the same order every time
        store = _Store(database, self)
        self.engine = EscalationEngine({DEFAULT_TENANT: WordJudge(matrix)}, store, StaticRoster(), self)
        named = {(DEFAULT_TENANT, name): desk for name, desk in desks.items()}
        self._courier = Courier(
            self.engine,
            store,
            self,
            tenants=(DEFAULT_TENANT,),
            desks=named,
            lines=lines,
            alarm=alarm,
            poll=LOOK,
            chance=weather.chance.random,
        )
        self._watchman = Watchman(self.engine, store, self, alarm=alarm, every=LOOK)
        self.engine.on_work = self._courier.wake

    def now(self) -> datetime:
        """See `Clock`: the time as this process has it."""
        return BEGINNING + timedelta(seconds=asyncio.get_running_loop().time()) + self.wrong_by

    def start(self) -> None:
        """Begin to work."""
        self.spawn(self._run())

    async def _run(self) -> None:
        while True:
            try:
                await self.engine.start()
                break
            except StoreUnavailable:
                await asyncio.sleep(0.5)
        self.spawn(self._courier.run())
        self.spawn(self._watchman.run())

    def spawn(self, work: Any) -> asyncio.Task[Any]:
        """Do something within this process, so that it ends with it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._ended)
        return task

    def slow_down(self) -> None:
        """Look seldom: from now on little happens that is not heard of at once."""
        self._courier.poll, self._watchman.every = 4 * LOOK, 2 * LOOK

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled():
            task.exception()  # whoever waited for it may have given up

    def freeze(self) -> None:
        """Stand still at the next step."""
        self._thawed.clear()

    def thaw(self) -> None:
        """Go on."""
        self._thawed.set()

    def kill(self) -> None:
        """End at once; nothing is tidied up."""
        self.dead = True
        self._thawed.set()
        for task in tuple(self._tasks):
            task.cancel()

    async def step(self) -> None:
        """Take a moment for the next step, however long that may be."""
        if self.weather.chance.random() < SLOW_STEPS:
            await asyncio.sleep(self.weather.chance.uniform(0.0, 0.05))
        await self._thawed.wait()
        if self.dead:
            raise asyncio.CancelledError


class _Store(SqlStore):
    """The store on the shared database, in line, with the faults of its weather."""

    def __init__(self, database: Engine, process: Process) -> None:
        self.where, self.revision = "the simulated database", "head"
        super().__init__(database, database, _translate, worker=partial(_Inline, process))

    def _lease_time(self, now: datetime) -> int:
        """Leases run by the database's clock, which is right."""
        return to_micros(BEGINNING + timedelta(seconds=asyncio.get_running_loop().time()))


class _Inline:
    """Does what `Worker` does, at once, and fails as a database over a network fails."""

    def __init__(self, process: Process, engine: Engine, name: str, translate: Any, write: Any = None, written: Any = None) -> None:
        self._engine, self._translate, self._write, self._process = engine, translate, write, process

    async def run(self, job: Callable[[Connection], T]) -> T:
        weather = self._process.weather
        await self._process.step()
        if weather.down or weather.chance.random() < weather.failing:
            raise StoreUnavailable("the database does not answer")
        try:
            with self._engine.begin() as connection:
                result = job(connection)
        except Exception as error:  # noqa: BLE001 - translated for whoever waits
            raise self._translate(error) from None
        await self._process.step()
        if weather.chance.random() < weather.failing:
            raise StoreUnavailable("the answer of the database was lost")
        return result

    async def commit(self, change: Change) -> None:
        await self.run(lambda connection: self._write(connection, [change]))

    async def stop(self) -> bool:
        """Nothing is left to stop."""
        return True


def _translate(error: Exception) -> Exception:
    if isinstance(error, IntegrityError):
        return VersionConflict("somebody else wrote first")
    return StoreUnavailable(type(error).__name__) if isinstance(error, DBAPIError) else error
