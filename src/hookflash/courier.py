"""The courier carries out what the outbox holds: briefs to desks, rings and words to lines, noise to the alarm.

Work is done at least once, under a key that makes a second time harmless, and crossed off in the same transaction that
records its outcome. Everything due is served side by side, the most urgent first, so that a desk that keeps one handoff
waiting never holds up another.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Protocol

import structlog

from hookflash.errors import AlreadyDone, HookflashError, Permanent, Retryable
from hookflash.model import (
    Alert,
    BriefDelivered,
    BriefRefused,
    DeliverBrief,
    Event,
    Handoff,
    Ring,
    RingFailed,
    RingStarted,
    Say,
    StopRinging,
)
from hookflash.ports import Change, Clock, Desk, Line, OutboxItem, Store
from hookflash.retry import delay

log = structlog.get_logger("hookflash.courier")

# How long any one call to a desk or line may take. Vendors that have not answered by then seldom do.
CALL_TIMEOUT = timedelta(seconds=10)
# The outbox is looked into at least this often; new work wakes the courier at once.
POLL = timedelta(seconds=1)
BATCH = 100


class Steps(Protocol):
    """What the courier needs of the engine: to carry a handoff forward."""

    async def apply(self, handoff: str, event: Event, *, tenant: str, done: int | None) -> Handoff:
        """See `Engine.apply`."""
        ...


Alarm = Callable[[str, str], Awaitable[None]]
"""Makes noise: called with the handoff's id and what is wrong."""


class Courier:
    """Empties the outbox until told to stop."""

    def __init__(
        self, steps: Steps, store: Store, clock: Clock, *, desks: Mapping[tuple[str, str], Desk], lines: Mapping[str, Line], alarm: Alarm
    ) -> None:
        """Take the desks by (tenant, name in the matrix), the lines by their kind, and the alarm."""
        self._steps = steps
        self._store = store
        self._clock = clock
        self._desks = desks
        self._lines = lines
        self._alarm = alarm
        self._wake = asyncio.Event()
        self._under_way: dict[int, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Look into the outbox now."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.start_due()
            except HookflashError as error:
                log.error("outbox_unreadable", error=str(error))
            try:
                await asyncio.wait_for(self._wake.wait(), POLL.total_seconds())
            except TimeoutError:
                continue

    async def start_due(self) -> int:
        """Begin all work that is due and not under way; return how much was begun."""
        busy = set(self._under_way)  # taken before the look: what finishes meanwhile is not begun again
        items = await self._store.due_deliveries(self._clock.now(), BATCH)
        fresh = [item for item in items if item.id not in busy | self._under_way.keys()]
        for item in fresh:
            task = asyncio.create_task(self._serve(item))
            self._under_way[item.id] = task
            task.add_done_callback(partial(self._finished, item.id))
        return len(fresh)

    async def drain(self) -> None:
        """Do all work that is due, and all that follows from it at once, and return."""
        while await self.start_due() or self._under_way:
            await asyncio.gather(*self._under_way.values())

    async def stop(self) -> None:
        """Let go of what is under way; it stays in the outbox."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _finished(self, item: int, _: asyncio.Task[None]) -> None:
        self._under_way.pop(item, None)
        self._wake.set()

    async def _serve(self, item: OutboxItem) -> None:
        try:
            await asyncio.wait_for(self._do(item), CALL_TIMEOUT.total_seconds())
        except TimeoutError:
            await self._try_again(item, Retryable(f"no answer within {CALL_TIMEOUT.total_seconds():g} s"))
        except Retryable as error:
            await self._try_again(item, error)
        except Permanent as error:
            await self._give_up(item, error)
        except Exception as error:  # noqa: BLE001 - an adapter's bug must not stop the courier
            await self._try_again(item, Retryable(f"{type(error).__name__} in the adapter"))

    async def _do(self, item: OutboxItem) -> None:
        handoff = await self._store.handoff(item.tenant, item.handoff)
        if handoff is None:
            raise Permanent("Bug! the handoff of this work is not in the store")
        delivery = item.delivery
        if isinstance(delivery, DeliverBrief):
            receipt = await self._desk(item.tenant, delivery.desk).deliver(handoff.brief, delivery.key)
            await self._report(item, BriefDelivered(receipt=receipt))
        elif isinstance(delivery, Ring):
            await self._ring(item, handoff, delivery)
        elif isinstance(delivery, StopRinging):
            await self._line(delivery.to.line).stop(handoff, delivery.to, delivery.key)
            await self._cross_off(item)
        elif isinstance(delivery, Say):
            await self._line(handoff.channel.value).say(handoff, delivery.text, delivery.key)
            await self._cross_off(item)
        elif isinstance(delivery, Alert):
            await self._alarm(handoff.id, delivery.what)
            await self._cross_off(item)

    async def _ring(self, item: OutboxItem, handoff: Handoff, ring: Ring) -> None:
        if handoff.ringing != ring.key:
            await self._cross_off(item)  # somebody took it, or it became more urgent, in the meantime
            return
        await self._line(ring.to.line).ring(handoff, ring.to, ring.whisper, ring.key)
        await self._report(item, RingStarted(key=ring.key))

    def _desk(self, tenant: str, name: str) -> Desk:
        desk = self._desks.get((tenant, name))
        if desk is None:
            raise Permanent(f"no desk `{name}` is set up; check its kind in the matrix with `hookflash doctor`")
        return desk

    def _line(self, kind: str) -> Line:
        line = self._lines.get(kind)
        if line is None:
            raise Permanent(f"no {kind} line is set up; see `hookflash doctor`")
        return line

    async def _report(self, item: OutboxItem, event: Event) -> None:
        await self._steps.apply(item.handoff, event, tenant=item.tenant, done=item.id)

    async def _cross_off(self, item: OutboxItem) -> None:
        with suppress(AlreadyDone):
            await self._store.commit(Change(tenant=item.tenant, now=self._clock.now(), done=item.id))

    async def _try_again(self, item: OutboxItem, error: Retryable) -> None:
        """Put the work off. A ring is not worth waiting for: its rung has failed."""
        log.warning("delivery_failed", handoff=item.handoff, kind=item.delivery.kind, attempt=item.attempts + 1)
        if isinstance(item.delivery, Ring):
            await self._give_up(item, error)
            return
        wait = delay(item.attempts + 1, chance=random.random(), retry_after=error.retry_after)
        if wait is None:
            await self._give_up(item, error)
            return
        await self._safely(self._store.postpone(item.id, self._clock.now() + wait, str(error)))

    async def _give_up(self, item: OutboxItem, error: HookflashError) -> None:
        """Record the failure as an event where the handoff can go on from it; else keep it as a dead letter."""
        log.error("delivery_given_up", handoff=item.handoff, kind=item.delivery.kind)
        if isinstance(item.delivery, Ring):
            await self._safely(self._report(item, RingFailed(key=item.delivery.key, answer=f"line failed: {error}")))
        elif isinstance(item.delivery, DeliverBrief):
            await self._safely(self._refused(item, item.delivery, error))
        else:
            await self._safely(self._store.give_up(item.id, str(error)))

    async def _refused(self, item: OutboxItem, delivery: DeliverBrief, error: HookflashError) -> None:
        await self._store.give_up(item.id, str(error))
        await self._steps.apply(item.handoff, BriefRefused(desk=delivery.desk, why=str(error)), tenant=item.tenant, done=None)

    async def _safely(self, writing: Awaitable[object]) -> None:
        """A store that cannot write now leaves the work where it is; the next look finds it again."""
        try:
            await writing
        except Retryable as error:
            log.error("outbox_unwritable", error=str(error))
