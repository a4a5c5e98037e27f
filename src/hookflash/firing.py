"""Timers whose time has come are answered beside one another, so that none waits behind another's conversation."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from hookflash.errors import HookflashError, Retryable
from hookflash.model import Event, Handoff
from hookflash.ports import Change, Clock, Store, Timer
from hookflash.taking import Taking, give_back

log = structlog.get_logger("hookflash.watchman")

# How many timers are answered at a time.
AT_A_TIME = 200
# The timers of a process that died are free for others after this.
LEASE = timedelta(seconds=10)
# How long to wait for answers before going on beside them; nearly all come within.
MOMENT = timedelta(milliseconds=250)

Sound = Callable[[str, str, str], None]
"""Makes noise once for a key, about a handoff."""


class Steps(Protocol):
    """What is needed of the engine: to carry a handoff forward."""

    async def apply(self, handoff: str, event: Event, *, tenant: str, fired: int | None) -> Handoff:
        """See `Engine.apply`."""
        ...


class Firing:
    """Takes timers that are due and answers them."""

    def __init__(self, steps: Steps, store: Store, clock: Clock, sound: Sound) -> None:
        """Take the engine, and what makes noise about a timer that cannot be answered."""
        self._steps, self._store, self._clock, self._sound = steps, store, clock, sound
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._unanswered: set[int] = set()
        """What is still held although the store refused the answer."""
        self._taking: Taking[Timer] = Taking()

    async def fire_due(self, now: datetime) -> int:
        """Take timers that are due and answer them, or at least begin to; return how many were taken."""
        if unanswered := set(self._unanswered):
            await self._store.release_timers(sorted(unanswered))
            self._unanswered -= unanswered
        timers = await self._taking.take(self._store.claim_timers(now, LEASE, AT_A_TIME - len(self._under_way)))
        for timer in timers:
            if timer.id not in self._under_way:  # one that takes longer than its lease is taken again
                self._under_way[timer.id] = asyncio.create_task(self._fire(timer))
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=MOMENT.total_seconds())
        return len(timers)

    async def stop(self) -> None:
        """Stop answering, and give back what is left, so that another process may go on at once."""
        left = dict(self._under_way)
        for task in left.values():
            task.cancel()
        await asyncio.gather(*left.values(), return_exceptions=True)
        await give_back(self._release(left))

    async def _release(self, left: Iterable[int]) -> None:
        unbegun = [timer.id for timer in await self._taking.left()]
        if held := sorted({*left, *self._unanswered, *unbegun}):
            await self._store.release_timers(held)

    async def _fire(self, timer: Timer) -> None:
        """Answer a timer. Never raises: what the store refuses is tried again with the next round."""
        try:
            await self._answer(timer)
        except Retryable as error:
            log.warning("timer_waits", handoff=timer.handoff, error=type(error).__name__)
            self._unanswered.add(timer.id)
        except Exception as error:  # noqa: BLE001 - one handoff that cannot be read holds up no other
            log.error("timer_failed", handoff=timer.handoff, error=type(error).__name__)
            self._sound(f"timer-{timer.id}", timer.handoff, f"a timer of handoff {timer.handoff} fails and is tried again")
        finally:
            self._under_way.pop(timer.id, None)

    async def _answer(self, timer: Timer) -> None:
        try:
            await self._steps.apply(timer.handoff, timer.timer.event, tenant=timer.tenant, fired=timer.id)
        except Retryable:
            raise
        except HookflashError as error:
            log.error("timer_failed", handoff=timer.handoff, error=type(error).__name__)
            self._sound(f"timer-{timer.id}", timer.handoff, f"a timer of handoff {timer.handoff} cannot be applied and was put aside")
            await self._store.commit(Change(tenant=timer.tenant, now=self._clock.now(), fired=timer.id))
