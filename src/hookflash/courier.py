"""The courier carries out what the outbox holds: briefs to desks, rings and words to lines, noise to the alarm.

Work is done at least once, under a key that makes a second time harmless, and crossed off in the same transaction that
records its outcome. It is taken under a lease, which is renewed as long as the work goes on; a courier that dies or is
frozen loses it, and another takes the work over. A part of the places is kept for emergencies, no business takes more
than its share of the others, and a desk that is down is left in peace for a while, so that a flood of one kind never
holds up another.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

import structlog

from hookflash.circuit import Circuit
from hookflash.errors import AlreadyDone, HookflashError, Permanent, Retryable, VersionConflict
from hookflash.model import (
    Alert,
    BriefDelivered,
    BriefRefused,
    DeliverBrief,
    Delivery,
    Event,
    Handoff,
    Ring,
    RingFailed,
    RingStarted,
    StopRinging,
    Urgency,
)
from hookflash.ports import Change, Clock, Desk, Lease, Line, OutboxItem, Share, Store
from hookflash.retry import delay
from hookflash.steady import steady
from hookflash.steps import deliver
from hookflash.taking import Taking, give_back

log = structlog.get_logger("hookflash.courier")

# How long any one call to a desk or line may take. Vendors that have not answered by then seldom do.
CALL_TIMEOUT = timedelta(seconds=10)
# The outbox is looked into at least this often; new work wakes the courier at once.
POLL = timedelta(seconds=1)
# A dead courier's work is free for others after this; with their next look it is theirs within eleven seconds.
LEASE = timedelta(seconds=10)
# Three renewals may fail before a lease is lost.
RENEWAL = timedelta(seconds=3)
# How much is under way at a time. Nearly all of it waits for others; this many connections a process may well have.
PLACES = 256
# Of these, how many ordinary work may take at most, and work for customers with a crowd of open handoffs, ordinary or
# urgent. What is left is for emergencies alone.
ORDINARY_PLACES, CROWD_PLACES, URGENT_CROWD_PLACES = 144, 16, 32
# How many briefs one desk is sent at a time; one that hangs must leave places to the others.
AT_ONE_DESK = 64
# When work that found its desk busy looks again.
BUSY_WAIT = timedelta(seconds=2)
URGENT, ORDINARY = (Urgency.IMMEDIATE,), (Urgency.HIGH, Urgency.NORMAL)


class Steps(Protocol):
    """What the courier needs of the engine: to carry a handoff forward."""

    async def apply(
        self,
        handoff: str,
        event: Event,
        *,
        tenant: str,
        done: Lease | None,
        failed: str | None = None,
        known: Handoff | None = None,
    ) -> Handoff:
        """See `Engine.apply`."""
        ...


Alarm = Callable[[str, str], Awaitable[None]]
"""Makes noise: called with the handoff's id and what is wrong."""


class Courier:
    """Empties the outbox until told to stop."""

    def __init__(
        self,
        steps: Steps,
        store: Store,
        clock: Clock,
        *,
        tenants: Sequence[str],
        desks: Mapping[tuple[str, str], Desk],
        lines: Mapping[str, Line],
        alarm: Alarm,
        tell: Alarm | None = None,
        poll: timedelta = POLL,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Take the tenants to work for, the desks by (tenant, name in the matrix), the lines by their kind, and the alarm.

        `tell` is for what need not wake anybody. The outbox is looked into every `poll`; `chance` (0 to 1) spreads the
        tries of what failed together.
        """
        self.poll, self._chance = poll, chance
        self._tell = tell or alarm
        self._steps = steps
        self._store = store
        self._clock = clock
        self._tenants = deque(tenants)
        self._desks = desks
        self._lines = lines
        self._alarm = alarm
        self._asked: Counter[tuple[str, str] | None] = Counter()
        self._on_the_way: Counter[tuple[str, str] | None] = Counter()
        """How many briefs of a handoff are on the way to a desk, until their receipts are kept."""
        self._circuits: dict[tuple[str, str], Circuit] = {}
        self._taking: Taking[OutboxItem] = Taking()
        self._wake = asyncio.Event()
        self._under_way: dict[asyncio.Task[bool], OutboxItem] = {}
        self._held_until: dict[Lease, float] = {}
        self._recording: set[Lease] = set()

    def wake(self) -> None:
        """Look into the outbox now."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._look())
            both.create_task(self._keep())

    async def _look(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.start_due()
            except Exception as error:  # noqa: BLE001 - whatever happens, the courier goes on
                log.error("outbox_unreadable", error=type(error).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(self.poll.total_seconds()):
                    await self._wake.wait()

    async def _keep(self) -> None:
        """Renew the leases of what is under way, and drop what somebody else has taken over."""
        while True:
            await asyncio.sleep(RENEWAL.total_seconds())
            try:
                await self._renew()
            except Exception as error:  # noqa: BLE001 - a lease that is lost costs a second try under the same key
                log.error("leases_not_renewed", error=type(error).__name__)

    async def _renew(self) -> None:
        working = {item.lease: task for task, item in self._under_way.items()}
        if not working:
            return
        until = steady() + LEASE.total_seconds()
        still_held = await self._store.renew(self._clock.now(), LEASE, tuple(working))
        self._held_until |= dict.fromkeys(still_held, until)
        for lease, task in working.items():
            if lease not in still_held and lease not in self._recording:
                task.cancel()

    async def start_due(self) -> int:
        """Begin work that is due, as far as there are places; return how much was begun."""
        free = PLACES - len(self._under_way)
        if free <= 0:
            return 0
        self._tenants.rotate(-1)  # each time another one comes first
        until = steady() + LEASE.total_seconds()
        items = await self._taking.take(self._store.claim_deliveries(self._clock.now(), LEASE, self._shares(), free))
        for item in items:
            self._held_until[item.lease] = until
            task = asyncio.create_task(self._serve(item))
            self._under_way[task] = item
            task.add_done_callback(self._finished)
        return len(items)

    def _shares(self) -> tuple[Share, ...]:
        return (
            self._share(URGENT, PLACES, of_one=PLACES),
            self._share(ORDINARY, ORDINARY_PLACES, of_one=ORDINARY_PLACES // min(2, len(self._tenants))),
            self._share(URGENT, URGENT_CROWD_PLACES, of_one=URGENT_CROWD_PLACES, crowded=True),
            self._share(ORDINARY, CROWD_PLACES, of_one=CROWD_PLACES, crowded=True),
        )

    def _share(self, urgencies: tuple[Urgency, ...], most: int, *, of_one: int, crowded: bool = False) -> Share:
        """Return what is left of a kind's places, beside what is under way; one tenant may have `of_one` of them."""
        items = self._under_way.values()
        taken = Counter(item.tenant for item in items if item.urgency in urgencies and item.crowded is crowded)
        of_tenant = {name: of_one - taken[name] for name in self._tenants}
        return Share(urgencies=urgencies, crowded=crowded, most=most - taken.total(), of_tenant=of_tenant)

    async def drain(self) -> None:
        """Do all work that is due, and all that follows from it at once, and return."""
        while await self.start_due() or self._under_way:
            await asyncio.gather(*self._under_way)

    async def stop(self, grace: timedelta = timedelta()) -> None:
        """Let what is under way finish within the grace, and give the rest back to the outbox."""
        if self._under_way and grace:
            await asyncio.wait(tuple(self._under_way), timeout=grace.total_seconds())
        left = dict(self._under_way)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await give_back(self._release(left.values()))

    async def _release(self, left: Iterable[OutboxItem]) -> None:
        if held := [item.lease for item in (*left, *await self._taking.left())]:
            await self._store.release(held)

    def _finished(self, task: asyncio.Task[bool]) -> None:
        item = self._under_way.pop(task)
        self._held_until.pop(item.lease, None)
        self._recording.discard(item.lease)
        if not task.cancelled() and task.result():
            self._wake.set()

    async def _serve(self, item: OutboxItem) -> bool:
        """Do one piece of work; return whether its outcome was recorded. Never raises."""
        try:
            error = await self._attempt(item)
            if error is not None:
                await self._failed(item, error)
            return True
        except Exception as error:  # noqa: BLE001 - the work stays in the outbox and is tried again
            log.error("outcome_not_recorded", handoff=item.handoff, error=type(error).__name__)
            with suppress(Exception):
                await self._store.release([item.lease])
            return False

    async def _attempt(self, item: OutboxItem) -> HookflashError | None:
        """Do the work and record that it was done; return what went wrong on the other side."""
        handoff = item.about or await self._store.handoff(item.tenant, item.handoff)
        if handoff is None and not isinstance(item.delivery, Alert):
            return Permanent("Bug! the handoff of this work is not in the store")
        if handoff is not None and isinstance(item.delivery, DeliverBrief) and item.delivery.is_there(handoff):
            await self._record(item, None)
            return None
        if resting := self._resting(item, handoff):
            await self._store.postpone(item.lease, self._clock.now(), resting, "waits for its desk", tried=False)
            return None
        self._require_lease(item)
        way = _way_of(item)
        self._on_the_way[way] += 1
        try:
            event, error = await self._call(item, handoff)
            await self._noted(item, error)
            if error is None:
                await self._record(item, event)
            return error
        finally:
            self._on_the_way[way] -= 1
            if not self._on_the_way[way]:
                del self._on_the_way[way]

    async def _call(self, item: OutboxItem, handoff: Handoff | None) -> tuple[Event | None, HookflashError | None]:
        """Return the event that follows from the work, if any, or what went wrong on the other side."""
        desk = _desk_of(item)
        self._asked[desk] += 1
        try:
            async with asyncio.timeout(CALL_TIMEOUT.total_seconds()):
                return await self._do(item, handoff), None
        except TimeoutError:
            return None, Retryable(f"no answer within {CALL_TIMEOUT.total_seconds():g} s")
        except (Retryable, Permanent) as error:
            return None, error
        except Exception as error:  # noqa: BLE001 - an adapter's bug must not stop the courier
            return None, Retryable(f"{type(error).__name__} in the adapter")
        finally:
            self._asked[desk] -= 1

    def _require_lease(self, item: OutboxItem) -> None:
        """Raise `VersionConflict` if this process stood still for so long that others may have done the work meanwhile."""
        if steady() >= self._held_until[item.lease]:
            raise VersionConflict("the lease of this work has ended")

    def _resting(self, item: OutboxItem, handoff: Handoff | None) -> timedelta:
        """Return how long the desk of a brief is to be left in peace. An emergency asks it all the same.

        While one brief of a handoff is on its way, what was added since waits, and goes with the next.
        """
        desk = _desk_of(item)
        if desk is None or handoff is None:
            return timedelta()
        only_adds = handoff.receipt_of(desk[1]) is not None
        if only_adds and self._on_the_way[_way_of(item)]:
            return BUSY_WAIT * (1 + self._chance())
        if item.urgency is Urgency.IMMEDIATE:
            return timedelta()
        if self._asked[desk] >= AT_ONE_DESK:
            return BUSY_WAIT * (1 + self._chance())
        circuit, now = self._circuits.get(desk, Circuit()), steady()
        if wait := circuit.wait(now):
            return timedelta(seconds=wait * (1 + self._chance()))
        self._circuits[desk] = circuit.asked(now)
        return timedelta()

    async def _noted(self, item: OutboxItem, error: HookflashError | None) -> None:
        """Let the desk's circuit know how it went. That we stood still ourselves is no fault of the desk."""
        if error is not None:
            self._require_lease(item)
        desk = _desk_of(item)
        if desk is None:
            return
        before = self._circuits.get(desk, Circuit())
        self._circuits[desk] = after = before.failed(steady()) if isinstance(error, Retryable) else Circuit()
        if after.broken and not before.broken:
            log.error("desk_down", tenant=item.tenant, desk=desk[1])
            now = self._clock.now()
            noise = Alert(
                key=f"desk-down:{desk[1]}:{now.isoformat()}", what=f"desk {desk[1]} does not answer; its briefs wait and are tried again"
            )
            with suppress(Exception):  # the log has it; what waits goes on to its next rung by its own timers
                await self._store.leave(item.tenant, item.handoff, item.urgency, noise, now)
                self.wake()

    async def _do(self, item: OutboxItem, handoff: Handoff | None) -> Event | None:
        """Call the desk, the line or the alarm, and return the event that follows, if any."""
        tenant, delivery = item.tenant, item.delivery
        if handoff is None or isinstance(delivery, Alert):
            assert isinstance(delivery, Alert)
            await (self._tell if delivery.routine else self._alarm)(item.handoff, delivery.what)
        elif isinstance(delivery, DeliverBrief):
            key = deliver(handoff, delivery.desk).key  # of what is sent now, which may be more than was ordered
            receipt = await self._desk(tenant, delivery.desk).deliver(handoff.brief, key)
            return BriefDelivered(receipt=receipt.model_copy(update={"revision": handoff.brief.revision}))
        elif isinstance(delivery, Ring):
            if handoff.ringing != delivery.key:
                return None  # somebody took it, or it became more urgent, in the meantime
            await self._line(delivery.to.line).ring(handoff, delivery.to, delivery.whisper, delivery.key)
            return RingStarted(key=delivery.key)
        elif isinstance(delivery, StopRinging):
            await self._line(delivery.to.line).stop(handoff, delivery.to, delivery.key)
        elif delivery.still_holds(handoff):
            await self._line(handoff.channel.value).say(handoff, delivery.text, delivery.key)
        return None

    async def _record(self, item: OutboxItem, event: Event | None) -> None:
        """Cross the work off, in one transaction with what follows from it."""
        self._recording.add(item.lease)  # from here on it may be done, and is then no longer held
        if event is None:
            with suppress(AlreadyDone):
                await self._store.commit(Change(tenant=item.tenant, now=self._clock.now(), done=item.lease))
            return
        after = await self._steps.apply(item.handoff, event, tenant=item.tenant, done=item.lease, known=item.about)
        ring = item.delivery
        if isinstance(ring, Ring) and after.ringing != ring.key:  # it was called off while it was placed
            late = StopRinging(key=f"{ring.key}:stop-late", to=ring.to)
            await self._store.leave(item.tenant, item.handoff, item.urgency, late, self._clock.now())

    async def _failed(self, item: OutboxItem, error: HookflashError) -> None:
        """Put the work off, or give it up. A ring is not worth waiting for: its rung has failed."""
        log.warning("delivery_failed", handoff=item.handoff, kind=item.delivery.kind, attempt=item.attempts + 1)
        hint = error.retry_after if isinstance(error, Retryable) else None
        wait = delay(item.attempts + 1, chance=self._chance(), retry_after=hint)
        if isinstance(error, Permanent) or isinstance(item.delivery, Ring) or wait is None:
            await self._give_up(item, str(error))
        else:
            await self._store.postpone(item.lease, self._clock.now(), wait, str(error))

    async def _give_up(self, item: OutboxItem, why: str) -> None:
        """Keep the work as a dead letter, in one transaction with what follows from that."""
        log.error("delivery_given_up", handoff=item.handoff, kind=item.delivery.kind)
        event = _consequence(item.delivery, why)
        if event is not None:
            await self._steps.apply(item.handoff, event, tenant=item.tenant, done=item.lease, failed=why)
            return
        with suppress(AlreadyDone):
            await self._store.commit(Change(tenant=item.tenant, now=self._clock.now(), done=item.lease, failed=why))

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


def _desk_of(item: OutboxItem) -> tuple[str, str] | None:
    return (item.tenant, item.delivery.desk) if isinstance(item.delivery, DeliverBrief) else None


def _way_of(item: OutboxItem) -> tuple[str, str] | None:
    """Return the handoff and the desk of a brief, and None for other work."""
    return (item.handoff, item.delivery.desk) if isinstance(item.delivery, DeliverBrief) else None


def _consequence(delivery: Delivery, why: str) -> Event | None:
    """Return the event by which a handoff goes on from work that was given up."""
    if isinstance(delivery, Ring):
        return RingFailed(key=delivery.key, answer=f"line failed: {why}", broken=True)
    if isinstance(delivery, DeliverBrief):
        return BriefRefused(desk=delivery.desk, why=why)
    return None
