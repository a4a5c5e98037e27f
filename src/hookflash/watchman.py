"""The watchman fires what is due, finds what has come to a halt, makes noise, and beats an outside heartbeat.

It works apart from the couriers: a courier that died or hangs is exactly what it must find.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from hookflash.errors import HookflashError, Retryable
from hookflash.model import Event, Handoff
from hookflash.ports import Change, Clock, Store, Timer

log = structlog.get_logger("hookflash.watchman")

ROUND = timedelta(milliseconds=250)
# A handoff that nothing will move is found within this; then somebody must look.
HALT = timedelta(seconds=30)
HEARTBEAT = timedelta(seconds=20)
BATCH = 200

Alarm = Callable[[str, str], Awaitable[None]]
Beat = Callable[[], Awaitable[None]]


class Steps(Protocol):
    """What the watchman needs of the engine: to carry a handoff forward."""

    async def apply(self, handoff: str, event: Event, *, tenant: str, fired: int | None) -> Handoff:
        """See `Engine.apply`."""
        ...


class Watchman:
    """Makes rounds until told to stop."""

    def __init__(self, steps: Steps, store: Store, clock: Clock, *, alarm: Alarm, beat: Beat | None = None) -> None:
        """Take the alarm, and `beat` if an outside dead-man's switch listens."""
        self._steps = steps
        self._store = store
        self._clock = clock
        self._alarm = alarm
        self._beat = beat
        self._raised: set[str] = set()
        self._beaten_at: datetime | None = None
        self.last_round: datetime | None = None

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await self.round()
            except Exception as error:  # noqa: BLE001 - whatever happens, the watchman goes on
                log.error("round_failed", error=type(error).__name__)
            await asyncio.sleep(ROUND.total_seconds())

    async def round(self) -> int:
        """Make one round; return how many timers were fired."""
        now = self._clock.now()
        timers = await self._store.due_timers(now, BATCH)
        for timer in timers:
            await self._fire(timer)
        await self._find_halted(now)
        await self._heartbeat(now)
        self.last_round = now
        return len(timers)

    async def _fire(self, timer: Timer) -> None:
        try:
            await self._steps.apply(timer.handoff, timer.timer.event, tenant=timer.tenant, fired=timer.id)
        except Retryable:
            raise
        except HookflashError as error:
            log.error("timer_failed", handoff=timer.handoff, error=type(error).__name__)
            await self._alarm(timer.handoff, f"a timer of handoff {timer.handoff} cannot be applied and was put aside")
            await self._store.commit(Change(tenant=timer.tenant, now=self._clock.now(), fired=timer.id))

    async def _find_halted(self, now: datetime) -> None:
        halted = {handoff.id: handoff for handoff in await self._store.stalled(now - HALT, BATCH)}
        self._raised &= halted.keys()
        for handoff in halted.values():
            if handoff.id not in self._raised:
                log.error("handoff_halted", handoff=handoff.id, state=handoff.state.value)
                await self._alarm(handoff.id, f"handoff {handoff.id} is {handoff.state} and nothing will move it")
                self._raised.add(handoff.id)

    async def _heartbeat(self, now: datetime) -> None:
        if self._beat is None or (self._beaten_at and now - self._beaten_at < HEARTBEAT):
            return
        self._beaten_at = now
        try:
            await self._beat()
        except Exception:  # noqa: BLE001 - whoever listens notices the missing beat; that is its purpose
            log.warning("heartbeat_failed")
