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
    BriefDelivered,
    BriefRefused,
    DeliverBrief,
    Delivery,
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

    async def apply(self, handoff: str, event: Event, *, tenant: str, done: int | None, failed: str | None = None) -> Handoff:
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
        self._under_way: dict[int, asyncio.Task[bool]] = {}

    def wake(self) -> None:
        """Look into the outbox now."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.start_due()
            except Exception as error:  # noqa: BLE001 - whatever happens, the courier goes on
                log.error("outbox_unreadable", error=type(error).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL.total_seconds()):
                    await self._wake.wait()

    async def start_due(self) -> int:
        """Begin all work that is due and not under way; return how much was begun."""
        busy = set(self._under_way)  # taken before the look: what finishes meanwhile is not begun again
        items = await self._store.due_deliveries(self._clock.now(), BATCH, besides=busy)
        for item in items:
            task = asyncio.create_task(self._serve(item))
            self._under_way[item.id] = task
            task.add_done_callback(partial(self._finished, item.id))
        return len(items)

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

    def _finished(self, item: int, task: asyncio.Task[bool]) -> None:
        self._under_way.pop(item, None)
        if not task.cancelled() and task.result():
            self._wake.set()

    async def _serve(self, item: OutboxItem) -> bool:
        """Do one piece of work; return whether its outcome was recorded. Never raises."""
        try:
            error = await self._attempt(item)
            if error is not None:
                await self._failed(item, error)
            return True
        except Exception as error:  # noqa: BLE001 - the work stays in the outbox; the next look finds it again
            log.error("outcome_not_recorded", handoff=item.handoff, error=type(error).__name__)
            return False

    async def _attempt(self, item: OutboxItem) -> HookflashError | None:
        """Do the work and record that it was done; return what went wrong on the other side."""
        handoff = await self._store.handoff(item.tenant, item.handoff)
        if handoff is None:
            return Permanent("Bug! the handoff of this work is not in the store")
        try:
            async with asyncio.timeout(CALL_TIMEOUT.total_seconds()):
                event = await self._do(item.tenant, item.delivery, handoff)
        except TimeoutError:
            return Retryable(f"no answer within {CALL_TIMEOUT.total_seconds():g} s")
        except (Retryable, Permanent) as error:
            return error
        except Exception as error:  # noqa: BLE001 - an adapter's bug must not stop the courier
            return Retryable(f"{type(error).__name__} in the adapter")
        await self._record(item, event)
        return None

    async def _do(self, tenant: str, delivery: Delivery, handoff: Handoff) -> Event | None:
        """Call the desk or line, and return the event that follows, if any."""
        if isinstance(delivery, DeliverBrief):
            return BriefDelivered(receipt=await self._desk(tenant, delivery.desk).deliver(handoff.brief, delivery.key))
        if isinstance(delivery, Ring):
            if handoff.ringing != delivery.key:
                return None  # somebody took it, or it became more urgent, in the meantime
            await self._line(delivery.to.line).ring(handoff, delivery.to, delivery.whisper, delivery.key)
            return RingStarted(key=delivery.key)
        if isinstance(delivery, StopRinging):
            await self._line(delivery.to.line).stop(handoff, delivery.to, delivery.key)
        elif isinstance(delivery, Say):
            if delivery.still_holds(handoff):
                await self._line(handoff.channel.value).say(handoff, delivery.text, delivery.key)
        else:
            await self._alarm(handoff.id, delivery.what)
        return None

    async def _record(self, item: OutboxItem, event: Event | None) -> None:
        """Cross the work off, in one transaction with what follows from it."""
        if event is None:
            with suppress(AlreadyDone):
                await self._store.commit(Change(tenant=item.tenant, now=self._clock.now(), done=item.id))
            return
        after = await self._steps.apply(item.handoff, event, tenant=item.tenant, done=item.id)
        ring = item.delivery
        if isinstance(ring, Ring) and after.ringing != ring.key:
            await self._line(ring.to.line).stop(after, ring.to, f"{ring.key}:stop")  # it was called off while it was placed

    async def _failed(self, item: OutboxItem, error: HookflashError) -> None:
        """Put the work off, or give it up. A ring is not worth waiting for: its rung has failed."""
        log.warning("delivery_failed", handoff=item.handoff, kind=item.delivery.kind, attempt=item.attempts + 1)
        hint = error.retry_after if isinstance(error, Retryable) else None
        wait = delay(item.attempts + 1, chance=random.random(), retry_after=hint)
        if isinstance(error, Permanent) or isinstance(item.delivery, Ring) or wait is None:
            await self._give_up(item, str(error))
        else:
            await self._store.postpone(item.id, self._clock.now() + wait, str(error))

    async def _give_up(self, item: OutboxItem, why: str) -> None:
        """Keep the work as a dead letter, in one transaction with what follows from that."""
        log.error("delivery_given_up", handoff=item.handoff, kind=item.delivery.kind)
        event = _consequence(item.delivery, why)
        if event is not None:
            await self._steps.apply(item.handoff, event, tenant=item.tenant, done=item.id, failed=why)
            return
        with suppress(AlreadyDone):
            await self._store.commit(Change(tenant=item.tenant, now=self._clock.now(), done=item.id, failed=why))

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


def _consequence(delivery: Delivery, why: str) -> Event | None:
    """Return the event by which a handoff goes on from work that was given up."""
    if isinstance(delivery, Ring):
        return RingFailed(key=delivery.key, answer=f"line failed: {why}")
    if isinstance(delivery, DeliverBrief):
        return BriefRefused(desk=delivery.desk, why=why)
    return None
