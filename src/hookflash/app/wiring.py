"""Settings and matrices in, a working engine with its couriers and its watchman out."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import httpx2
import structlog

from hookflash.app.adapters import build_desks, judge_for, plugged_lines
from hookflash.app.config import database_at
from hookflash.app.database import open_store
from hookflash.app.sinks import log_alarm, log_news
from hookflash.brief.entities import entities
from hookflash.courier import Courier
from hookflash.engine import DEFAULT_TENANT, Engine
from hookflash.errors import ConfigError, ForbiddenMove, Overloaded, StoreUnavailable
from hookflash.intake import Intake
from hookflash.lines import ChatLine
from hookflash.matrix import Matrix, load_matrix
from hookflash.model import (
    Accepted,
    Decision,
    HandedBack,
    Handoff,
    HistoryTurn,
    PromiseAssigned,
    PromiseAttempted,
    PromiseBroken,
    PromiseKept,
    PromiseRescheduled,
    RingFailed,
    Speaker,
    State,
    Turn,
    WrappedUp,
)
from hookflash.model.conversation import identities_of
from hookflash.moves import DECLINED
from hookflash.ports import Clock, Desk, Detector, Line, Roster, Store
from hookflash.rosters import StaticRoster
from hookflash.signals.heads import likely
from hookflash.signals.language import spoken_language
from hookflash.signals.urgent import Pressing, pressing
from hookflash.watchman import Beat, Watchman

log = structlog.get_logger("hookflash")

EVERYTHING = ("couriers", "watchman")
# How many turns are decided on at a time: enough to share a sync of the disk, and few enough that whoever tells of danger
# waits for no more than these. Where outside detectors or a roster are asked, most of the time goes by waiting for them.
AT_A_TIME, AT_A_TIME_WITH_OTHERS = 8, 128
# How many may wait for that: at a few milliseconds each, about two seconds' worth.
MAX_WAITING = 512
# How long work that is under way may take to finish when the engine is closed.
GRACE = timedelta(seconds=2)


class SystemClock:
    """The computer's clock."""

    def now(self) -> datetime:
        """See `Clock`."""
        return datetime.now(UTC)


def warm_up() -> None:
    """Load what is loaded when first needed, so that the first customer in distress does not wait for it."""
    words = "Hola, my name is Ana Ruiz, please call 312-555-0148 tomorrow"
    said = HistoryTurn(number=1, speaker=Speaker.CUSTOMER, text=words)
    entities((said,), now=datetime.now(UTC), zone="UTC", country="US", complaint=False)
    likely(words)
    spoken_language(words, ("en", "es"))


def _caller(turn: Turn) -> tuple[str, ...]:
    """Return who a turn comes from, as far as it says so itself."""
    known = identities_of(turn.customer) if turn.customer is not None else ()
    return known[:1] or ("conversation", turn.conversation or "")


class EmbeddedEngine(Engine):
    """The engine with everything it needs in this process: store, couriers and watchman.

    Use it as `async with Engine.open("matrix.yaml") as engine:`, or open it and `close` it at the end.
    """

    def __init__(
        self,
        matrices: Mapping[str, Matrix],
        store: Store,
        *,
        clock: Clock | None = None,
        roster: Roster | None = None,
        desks: Mapping[str, Desk] | None = None,
        lines: Mapping[str, Line] | None = None,
        detectors: Sequence[Detector] = (),
        alarm: Callable[[str, str], Any] = log_alarm,
        tell: Callable[[str, str], Any] = log_news,
        beat: Beat | None = None,
        duties: Collection[str] = EVERYTHING,
        manual: bool = False,
    ) -> None:
        """Wire the parts. Whatever is not given is built from the matrices. Raises `ConfigError`.

        `duties` says what runs here; the rest is left to other processes on the same database.
        With `manual=True` nothing runs by itself: call `courier.drain()` and `watchman.round()` when it shall go on.
        """
        clock = clock or SystemClock()
        super().__init__({name: judge_for(matrix, detectors) for name, matrix in matrices.items()}, store, roster or StaticRoster(), clock)
        self._client = httpx2.AsyncClient(follow_redirects=False, trust_env=False)
        built = build_desks(matrices, store, clock, self._client) if desks is None else {}
        given = {(tenant, name): desk for tenant in matrices for name, desk in (desks or {}).items()}
        all_lines = {"chat": ChatLine(store, clock), **plugged_lines(), **(lines or {})}
        both = {**built, **given}
        self.courier = Courier(self, store, clock, tenants=tuple(matrices), desks=both, lines=all_lines, alarm=alarm, tell=tell)
        kept = {name: matrix.retention for name, matrix in matrices.items()}
        zones = {name: ZoneInfo(matrix.business.timezone) for name, matrix in matrices.items()}
        self.watchman = Watchman(self, store, clock, alarm=alarm, beat=beat, retention=kept, zones=zones)
        self.on_work = self.courier.wake
        self._tasks: list[asyncio.Task[None]] = []
        asks_others = roster is not None or any(judge.asks_others for judge in self.judges.values())
        self.intake = Intake(AT_A_TIME_WITH_OTHERS if asks_others else AT_A_TIME)
        self._begun = False
        self._closing: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._beginning = asyncio.Lock()
        self.duties = frozenset() if manual else frozenset(duties)

    @classmethod
    def open(cls, matrix: str | Path, database: str | Path | None = None, **parts: Any) -> Self:
        """Return an engine on a matrix file and a database (`hookflash.db` beside the matrix if none is named).

        `database` is the path of an SQLite file or a `postgresql://` address; `HOOKFLASH_DATABASE_URL` names one as well.
        `parts` are the keyword arguments of the constructor. Raises `MatrixError`, `InputError`, `ConfigError`,
        `StoreInUse`, `StoreTooNew`, `StoreUnavailable`.
        """
        loaded = load_matrix(matrix)
        return cls({DEFAULT_TENANT: loaded}, open_store(database_at(Path(matrix), database)), **parts)

    async def observe(self, turn: Turn, *, tenant: str = DEFAULT_TENANT) -> Decision:
        """See `Engine.observe`; begins the couriers and the watchman with the first turn.

        Raises `Overloaded` where too many turns wait already: never for a turn whose words ask for a person or tell of danger.
        """
        self._require_open()
        if not self._begun:
            await self.begin()
        conversation, how = (tenant, turn.conversation), Pressing.ORDINARY
        if self.intake.must_wait(conversation):
            how = pressing(turn)
            if how is Pressing.ORDINARY and self.intake.waiting[how] >= MAX_WAITING:
                raise Overloaded("there is more to do than can be done now; send the turn again in a moment", retry_after=1)
        async with self.intake.place(tenant, conversation, _caller(turn), how):
            self._require_open()  # it may have been closed meanwhile
            return await super().observe(turn, tenant=tenant)

    def _require_open(self) -> None:
        if self._closing is not None:
            raise StoreUnavailable("the engine is closed; open it again")
        if self._loop not in (None, asyncio.get_running_loop()):
            raise ConfigError("this engine works in another event loop; open one in each, and close it there")

    async def begin(self) -> None:
        """Start the couriers and the watchman, which go on with everything left unfinished."""
        async with self._beginning:
            self._require_open()
            if not self._begun:
                await self.start()
                await asyncio.to_thread(warm_up)
                self._require_open()  # it may have been closed meanwhile
                self._set_to_work()
                self._begun, self._loop = True, asyncio.get_running_loop()

    def _set_to_work(self) -> None:
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(self.courier.wake)

        if "couriers" in self.duties:
            self.store.listen(wake)
            self._tasks.append(loop.create_task(self.courier.run()))
        if "watchman" in self.duties:
            self._tasks.append(loop.create_task(self.watchman.run()))

    async def close(self) -> None:
        """Stop: what is under way may finish within the grace; the rest goes on with the next start, or elsewhere at once.

        It is done to the end, also where whoever waits for it gives up.
        """
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        try:
            await asyncio.gather(self.watchman.stop(), self.courier.stop(GRACE))
            await self._client.aclose()
        finally:
            await self.store.close()

    async def __aenter__(self) -> Self:
        """Begin, or let go of the database."""
        try:
            await self.begin()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.close()

    async def accept(self, handoff: str, responder: str, *, tenant: str = DEFAULT_TENANT) -> Handoff:
        """Record that a person took the conversation."""
        return await self.apply(handoff, Accepted(responder=responder), tenant=tenant)

    async def decline(
        self, handoff: str, why: str, *, answer: str = DECLINED, responder: str | None = None, tenant: str = DEFAULT_TENANT
    ) -> Handoff:
        """Record that the responder being rung declines, or is busy, or that voicemail answers; the next rung is rung.

        Where `responder` is named and it rings at somebody else's by now, nothing changes. Raises `ForbiddenMove`.
        """
        found = await self.handoff(handoff, tenant=tenant)
        if found.ringing is None or found.rung is None:
            raise ForbiddenMove(f"handoff {handoff} is {found.state} and rings nowhere; there is nothing to decline")
        rung = found.plan.ladder[found.rung].responder
        if responder not in (None, rung):
            raise ForbiddenMove(f"handoff {handoff} rings at {rung} now, and no longer at {responder}; nothing was changed")
        return await self.apply(handoff, RingFailed(key=found.ringing, answer=f"{answer}: {why}"), tenant=tenant)

    async def hand_back(self, handoff: str, result: str, *, tenant: str = DEFAULT_TENANT) -> Handoff:
        """Return the conversation to the assistant with the responder's result."""
        return await self.apply(handoff, HandedBack(result=result), tenant=tenant)

    async def attempted(self, handoff: str, by: str, what: str, *, tenant: str = DEFAULT_TENANT) -> Handoff:
        """Record that somebody tried to keep the promise in vain, such as "called twice, no answer"."""
        return await self.apply(handoff, PromiseAttempted(by=by, what=what), tenant=tenant)

    async def assign(self, handoff: str, to: str, *, tenant: str = DEFAULT_TENANT) -> Handoff:
        """Record who is to keep the promise."""
        return await self.apply(handoff, PromiseAssigned(to=to), tenant=tenant)

    async def reschedule(self, handoff: str, due: datetime, by: str, word: str, *, tenant: str = DEFAULT_TENANT) -> Handoff:
        """Move the promise to a time that the customer agreed to; `word` is what they said."""
        return await self.apply(handoff, PromiseRescheduled(due=due, by=by, word=word), tenant=tenant)

    async def give_up(self, handoff: str, why: str, *, tenant: str = DEFAULT_TENANT) -> Handoff:
        """Close the promise unkept, and say why."""
        return await self.apply(handoff, PromiseBroken(why=why), tenant=tenant)

    async def wrap_up(self, handoff: str, disposition: str, *, tenant: str = DEFAULT_TENANT) -> Handoff:
        """Close the case with a disposition; a promise thereby counts as kept."""
        found = await self.handoff(handoff, tenant=tenant)
        waiting = found.state in (State.PROMISED, State.OVERDUE)
        event = PromiseKept(result=disposition) if waiting else WrappedUp(disposition=disposition)
        return await self.apply(handoff, event, tenant=tenant)
