"""One suite for each port. Subclass it in your own tests, give it your adapter, and pytest runs the contract.

```python
class TestMyDesk(DeskContract):
    @pytest.fixture
    def desk(self):
        return MyDesk(...)
```
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from hookflash.errors import AlreadyDone, StoreUnavailable, UnknownError, VersionConflict
from hookflash.model import (
    Action,
    Alert,
    Conversation,
    Customer,
    Decision,
    Handoff,
    Promise,
    SetTimer,
    Speaker,
    State,
    Turn,
    TurnRecord,
    Urgency,
)
from hookflash.model.handoff import BriefLate, PromiseDue
from hookflash.ports import AuditEntry, Change, Desk, Halted, Line, OutboxItem, Share, Store
from hookflash.testing.samples import a_brief, a_handoff

LEASE = timedelta(seconds=10)
NOW = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)


class DeskContract:
    """What every desk keeps. Provide a `desk` fixture; the briefs are of the handoffs `ho-1` and `ho-other`."""

    async def test_a_brief_gets_a_receipt_under_its_key(self, desk: Desk) -> None:
        """A delivered brief is acknowledged under the key it was sent with."""
        receipt = await desk.deliver(a_brief(), "key-1")
        assert receipt.key == "key-1"
        assert receipt.ticket

    async def test_the_same_key_shows_the_brief_once(self, desk: Desk) -> None:
        """A repeated delivery answers with the first ticket."""
        first = await desk.deliver(a_brief(), "key-1")
        assert (await desk.deliver(a_brief(), "key-1")).ticket == first.ticket

    async def test_a_later_revision_stays_on_its_ticket(self, desk: Desk) -> None:
        """What the customer adds goes to the ticket that is already there."""
        first = await desk.deliver(a_brief(), "key-1")
        later = await desk.deliver(a_brief(revision=2), "key-2")
        assert later.ticket == first.ticket

    async def test_another_handoff_gets_another_ticket(self, desk: Desk) -> None:
        """Two handoffs are never mixed on one ticket."""
        first = await desk.deliver(a_brief(), "key-1")
        other = await desk.deliver(a_brief(handoff="ho-other"), "key-9")
        assert other.ticket != first.ticket


class LineContract:
    """What every line keeps. Provide a `line` fixture."""

    async def test_everything_may_be_ordered_twice(self, line: Line) -> None:
        """Ring, stop and say accept the same key again without an error."""
        handoff = a_handoff()
        rung = handoff.plan.ladder[0]
        for _ in range(2):
            await line.ring(handoff, rung, "explicit request: Ana.", "ring-1")
            await line.say(handoff, "I am ringing reception now.", "say-1")
            await line.stop(handoff, rung, "stop-1")


class StoreContract:
    """What every store keeps. Provide a `store` fixture that is empty."""

    async def test_a_commit_is_all_or_nothing(self, store: Store) -> None:
        """A change with one part that conflicts leaves no part behind."""
        await store.commit(_change(1))
        with pytest.raises(VersionConflict):
            await store.commit(_change(1, what="second"))
        assert [entry.what for entry in await store.audit("default", "c")] == ["first"]

    async def test_a_stale_version_is_refused(self, store: Store) -> None:
        """Whoever read before somebody else wrote must read again."""
        await store.commit(_change(1))
        await store.commit(_change(2))
        with pytest.raises(VersionConflict):
            await store.commit(_change(2))

    async def test_a_conversation_comes_back_with_its_turns(self, store: Store) -> None:
        """What was committed is what is read."""
        change = _change(1)
        await store.commit(change)
        found = await store.conversation("default", "c")
        assert found is not None
        assert found.turns == (change.turn,)
        assert await store.conversation("other", "c") is None

    async def test_a_turn_is_found_by_key_and_by_number(self, store: Store) -> None:
        """A turn sent again is recognised."""
        change = _change(1, key="k", seq=1)
        await store.commit(change)
        assert await store.turn("default", "c", seq=None, key="k") == change.turn
        assert await store.turn("default", "c", seq=1, key=None) == change.turn
        assert await store.turn("default", "c", seq=2, key=None) is None

    async def test_outgoing_work_is_kept_until_done(self, store: Store) -> None:
        """Work is due at once, can be put off, and is crossed off once."""
        await store.commit(_with_handoff())
        (item,) = await _claim(store, NOW)
        await store.postpone(item.lease, NOW, timedelta(minutes=1), "down")
        assert not await _claim(store, NOW)
        (again,) = await _claim(store, NOW + timedelta(minutes=1))
        assert (again.attempts, again.last_error) == (1, "down")
        done = Change(tenant="default", now=NOW, done=again.lease)
        await store.commit(done)
        with pytest.raises(AlreadyDone):
            await store.commit(done)

    async def test_work_is_held_by_one_at_a_time(self, store: Store) -> None:
        """Nobody takes what another holds, until the lease ends; a renewed lease ends later, a released one at once."""
        await store.commit(_with_handoff())
        (item,) = await _claim(store, NOW)
        assert not await _claim(store, NOW + LEASE / 2)
        assert await store.renew(NOW + LEASE / 2, LEASE, [item.lease]) == (item.lease,)
        assert not await _claim(store, NOW + LEASE)
        await store.release([item.lease])
        assert len(await _claim(store, NOW + LEASE)) == 1

    async def test_whoever_lost_a_lease_writes_nothing_more(self, store: Store) -> None:
        """After a takeover, whatever the first one still wants to say of the work is refused."""
        await store.commit(_with_handoff())
        (item,) = await _claim(store, NOW)
        (taken_over,) = await _claim(store, NOW + LEASE)
        assert taken_over.lease.epoch > item.lease.epoch
        assert await store.renew(NOW + LEASE, LEASE, [item.lease]) == ()
        await store.release([item.lease])
        await store.postpone(item.lease, NOW, timedelta(), "late")
        assert not await _claim(store, NOW + LEASE)
        with pytest.raises(AlreadyDone):
            await store.commit(Change(tenant="default", now=NOW, done=item.lease))
        await store.commit(Change(tenant="default", now=NOW, done=taken_over.lease))

    async def test_work_is_taken_by_urgency_tenant_and_number(self, store: Store) -> None:
        """Only what was asked for is taken, and no more of it than was asked for."""
        await store.commit(_with_handoff(outbox=tuple(Alert(key=f"a{number}", what="look") for number in range(5))))
        assert not await _claim(store, NOW, urgencies=(Urgency.IMMEDIATE,))
        assert not await _claim(store, NOW, limits={"other": 9})
        assert len(await _claim(store, NOW, limits={"default": 2})) == 2
        assert len(await _claim(store, NOW, limit=1)) == 1
        assert len(await _claim(store, NOW)) == 2

    async def test_the_work_of_a_crowd_has_a_share_of_its_own(self, store: Store) -> None:
        """It is taken only where it is asked for, with the urgency of its handoff."""
        change = _with_handoff()
        assert change.handoff is not None
        await store.commit(change.model_copy(update={"handoff": change.handoff.model_copy(update={"crowded": True})}))
        for crowded in (False, True):
            share = Share(urgencies=tuple(Urgency), crowded=crowded, most=9, of_tenant={"default": 9})
            found = await store.claim_deliveries(NOW, LEASE, [share], 9)
            assert [(item.crowded, item.urgency) for item in found] == [(True, change.handoff.plan.urgency)] * crowded
            assert all(item.about is not None and item.about.id == item.handoff for item in found)

    async def test_what_was_given_up_can_be_taken_up_again(self, store: Store) -> None:
        """A dead letter is kept, shown, and tried again when somebody says so."""
        await store.commit(_with_handoff())
        (item,) = await _claim(store, NOW)
        await store.commit(Change(tenant="default", now=NOW, done=item.lease, failed="refused"))
        assert not await _claim(store, NOW + LEASE)
        (dead,) = await store.dead_letters("default", 10)
        assert (dead.last_error, dead.attempts) == ("refused", 1)
        assert await store.retry("default", "another") == await store.retry("other", None) == 0
        assert await store.retry("default", "ho-1") == 1
        (again,) = await _claim(store, NOW + LEASE)
        assert again.attempts == 0
        assert not await store.dead_letters("default", 10)

    async def test_the_same_key_is_not_ordered_twice(self, store: Store) -> None:
        """A delivery key stands for one delivery."""
        await store.commit(_with_handoff())
        again = _with_handoff(version=2)
        await store.commit(again)
        assert len(await _claim(store, NOW)) == 1

    async def test_neglected_work_is_found(self, store: Store) -> None:
        """What is due and held by nobody is what the watchman looks for."""
        await store.commit(_with_handoff())
        assert not await store.neglected(NOW, 10)
        (item,) = await store.neglected(NOW + timedelta(minutes=1), 10)
        assert item.handoff == "ho-1"
        await _claim(store, NOW + timedelta(minutes=1))
        assert not await store.neglected(NOW + timedelta(minutes=1), 10)

    async def test_what_was_given_back_is_not_held_longer(self, store: Store) -> None:
        """A renewal that comes late holds nothing."""
        await store.commit(_with_handoff())
        (item,) = await _claim(store, NOW)
        await store.postpone(item.lease, NOW, timedelta(seconds=1), "down")
        assert await store.renew(NOW, LEASE, [item.lease]) == ()
        assert await _claim(store, NOW + timedelta(seconds=2))

    async def test_timers_fire_once(self, store: Store) -> None:
        """A timer is due at its time, held by one at a time, and gone once it is answered."""
        due = NOW + timedelta(hours=1)
        await store.commit(_with_handoff(timers=(SetTimer(at=due, event=PromiseDue()),)))
        assert not await store.claim_timers(NOW, LEASE, 10)
        (timer,) = await store.claim_timers(due, LEASE, 10)
        assert not await store.claim_timers(due, LEASE, 10)
        assert await store.claim_timers(due + LEASE, LEASE, 10) == (timer,)
        await store.release_timers([timer.id])
        assert await store.claim_timers(due + LEASE, LEASE, 10) == (timer,)
        fired = Change(tenant="default", now=due, fired=timer.id)
        await store.commit(fired)
        with pytest.raises(AlreadyDone):
            await store.commit(fired)

    async def test_a_clock_that_is_set_back_keeps_nobody_waiting(self, store: Store) -> None:
        """A wait of seconds that began in what is now the future is over; a moment of the calendar stays where it is."""
        wait = SetTimer(at=NOW + timedelta(seconds=20), event=BriefLate())
        promise = SetTimer(at=NOW + timedelta(hours=1), event=PromiseDue())
        await store.commit(_with_handoff(timers=(wait, promise)))
        earlier = NOW - timedelta(hours=1)
        (timer,) = await store.claim_timers(earlier, LEASE, 10)
        assert timer.timer == wait

    async def test_what_was_held_or_put_off_by_a_clock_set_back_is_free(self, store: Store) -> None:
        """Leases and waits that lie further ahead than any does are forgotten; others stay."""
        await store.commit(_with_handoff(outbox=tuple(Alert(key=f"a{number}", what="look") for number in range(3))))
        put_off, *_ = await _claim(store, NOW)
        await store.postpone(put_off.lease, NOW, timedelta(minutes=5), "down")
        earlier = NOW - timedelta(hours=1)
        assert not await _claim(store, earlier)
        await store.clock_was_set(earlier)
        assert len(await _claim(store, earlier)) == 3
        await store.clock_was_set(earlier)
        assert not await _claim(store, earlier)

    async def test_a_halted_handoff_is_found(self, store: Store) -> None:
        """An open handoff without work, and without a timer that is still to come, is what the watchman looks for."""
        timer = SetTimer(at=NOW, event=PromiseDue())
        change = _with_handoff(outbox=(), timers=(timer,))
        await store.commit(change)
        assert change.handoff is not None
        assert not await store.stalled(NOW, 10)
        assert await store.stalled(NOW + timedelta(seconds=1), 10) == (Halted(id="ho-1", state=State.PROMISED),)
        (fired,) = await store.claim_timers(NOW, LEASE, 10)
        await store.commit(Change(tenant="default", now=NOW, fired=fired.id))
        assert await store.stalled(NOW - timedelta(minutes=1), 10) == (Halted(id="ho-1", state=State.PROMISED),)

    async def test_a_customer_is_known_again_in_another_conversation(self, store: Store) -> None:
        """Their open handoffs are found by any way in which they are known; closed ones, and other tenants', are not."""
        customer = Customer(id="ana", email="Ana@Example.com")
        change = _change(1)
        assert change.turn is not None
        assert change.conversation is not None
        said = change.turn.turn.model_copy(update={"customer": customer})
        known = {"turn": change.turn.model_copy(update={"turn": said}), "handoff": a_handoff(state=State.PROMISED)}
        await store.commit(
            change.model_copy(update=known | {"conversation": change.conversation.model_copy(update={"customer": customer})})
        )
        (found,) = await store.open_handoffs_of("default", ["phone:+1", "email:ana@example.com"], 9)
        assert found.id == "ho-1"
        assert not await store.open_handoffs_of("default", ["id:ben"], 9)
        assert not await store.open_handoffs_of("default", ["id:ana"], 0)
        assert not await store.open_handoffs_of("other", ["id:ana"], 9)
        wrapped = a_handoff(version=2, state=State.WRAPPED)
        await store.commit(Change(tenant="default", now=NOW, handoff=wrapped))
        assert not await store.open_handoffs_of("default", ["id:ana"], 9)

    async def test_open_promises_of_a_desk_are_counted(self, store: Store) -> None:
        """As many as are open, of that desk alone."""
        promise = Promise(id="p", due=NOW, made_at=NOW, by="clinic")
        handoff = a_handoff(state=State.PROMISED).model_copy(update={"promise": promise})
        await store.commit(Change(tenant="default", now=NOW, handoff=handoff))
        assert await store.promised("default", "clinic") == 1
        assert await store.promised("default", "crm") == await store.promised("other", "clinic") == 0
        assert len(await store.promises("default", open_only=False, since=NOW + timedelta(days=1))) == 1
        kept = handoff.model_copy(update={"version": 2, "state": State.KEPT})
        await store.commit(Change(tenant="default", now=NOW, handoff=kept))
        assert await store.promised("default", "clinic") == 0
        assert not await store.promises("default", open_only=False, since=handoff.changed_at + timedelta(days=1))

    async def test_noise_about_no_handoff_is_left_once(self, store: Store) -> None:
        """Whoever leaves it under a key that was used before leaves nothing."""
        for _ in range(2):
            await store.leave("default", "", Urgency.NORMAL, Alert(key="summary:1", what="3 made"), NOW)
        (item,) = await _claim(store, NOW)
        assert (item.handoff, item.delivery) == ("", Alert(key="summary:1", what="3 made"))

    async def test_messages_are_kept_once(self, store: Store) -> None:
        """A message under a known key is not shown again; for a conversation that is not there, or no more, none is kept."""
        with pytest.raises(UnknownError):
            await store.put_message("default", "c", "hello", "say-1", NOW)
        await store.commit(_change(1))
        for _ in range(2):
            await store.put_message("default", "c", "hello", "say-1", NOW)
        assert [message.text for message in await store.messages("default", "c", 0)] == ["hello"]

    async def test_tickets_are_kept_once(self, store: Store) -> None:
        """A brief under a known key gets the first receipt; for a handoff that is not there, or no more, none is kept."""
        with pytest.raises(UnknownError):
            await store.put_ticket(a_brief(), "key-1", NOW)
        await store.commit(_with_handoff())
        first = await store.put_ticket(a_brief(), "key-1", NOW)
        assert await store.put_ticket(a_brief(), "key-1", NOW) == first

    async def test_tenants_do_not_see_each_other(self, store: Store) -> None:
        """Nothing of one business is found under another."""
        await store.commit(_with_handoff())
        assert not await store.handoffs("other")
        assert await store.handoff("other", "ho-1") is None
        assert not await store.audit("other", "c")

    async def test_what_is_under_way_when_it_is_closed_is_finished(self, store: Store) -> None:
        """Each commit is either acknowledged or refused, none is left waiting, and later ones are refused at once."""
        under_way = [asyncio.create_task(store.commit(_of_conversation(f"c{number}"))) for number in range(50)]
        await asyncio.sleep(0)
        await store.close()
        async with asyncio.timeout(1):
            outcomes = await asyncio.gather(*under_way, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} <= {type(None), StoreUnavailable}
        async with asyncio.timeout(1):
            with pytest.raises(StoreUnavailable):
                await store.commit(_change(1))


async def _claim(
    store: Store, at: datetime, *, urgencies: Sequence[Urgency] = tuple(Urgency), limits: Mapping[str, int] | None = None, limit: int = 10
) -> tuple[OutboxItem, ...]:
    shares = [Share(urgencies=tuple(urgencies), crowded=crowded, most=10, of_tenant=limits or {"default": 10}) for crowded in (False, True)]
    return await store.claim_deliveries(at, LEASE, shares, limit)


def _change(version: int, *, what: str = "first", key: str | None = None, seq: int | None = None) -> Change:
    turn = Turn(conversation="c", speaker=Speaker.CUSTOMER, text="hello", at=NOW, key=key, seq=seq)
    decision = Decision(conversation="c", turn=version, action=Action.CONTINUE, matrix="m")
    conversation = Conversation(id="c", version=version, spoken=version)
    entry = AuditEntry(at=NOW, what=what, conversation="c", document="{}")
    record = TurnRecord(number=version, turn=turn, decision=decision)
    return Change(tenant="default", now=NOW, conversation=conversation, turn=record, audit=(entry,))


def _of_conversation(name: str) -> Change:
    """Return the first turn of a conversation as a change."""
    turn = Turn(conversation=name, speaker=Speaker.CUSTOMER, text="hello", at=NOW, seq=1)
    decision = Decision(conversation=name, turn=1, action=Action.CONTINUE, matrix="m")
    conversation = Conversation(id=name, version=1, spoken=1)
    return Change(tenant="default", now=NOW, conversation=conversation, turn=TurnRecord(number=1, turn=turn, decision=decision))


def _with_handoff(
    version: int = 1, *, outbox: tuple[Alert, ...] = (Alert(key="ho-1:alert", what="look"),), timers: tuple[SetTimer, ...] = ()
) -> Change:
    handoff: Handoff = a_handoff(version=version, state=State.PROMISED)
    return Change(tenant="default", now=NOW, handoff=handoff, outbox=outbox, timers=timers)


__all__ = ["DeskContract", "LineContract", "StoreContract"]
