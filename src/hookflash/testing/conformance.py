"""One suite for each port. Subclass it in your own tests, give it your adapter, and pytest runs the contract.

```python
class TestMyDesk(DeskContract):
    @pytest.fixture
    def desk(self):
        return MyDesk(...)
```
"""

from datetime import UTC, datetime, timedelta

import pytest

from hookflash.errors import AlreadyDone, VersionConflict
from hookflash.model import Action, Alert, Conversation, Decision, Handoff, SetTimer, Speaker, State, Turn, TurnRecord
from hookflash.model.handoff import PromiseDue
from hookflash.ports import AuditEntry, Change, Desk, Line, Store
from hookflash.testing.samples import a_brief, a_handoff

NOW = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)


class DeskContract:
    """What every desk keeps. Provide a `desk` fixture."""

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
        (item,) = await store.due_deliveries(NOW, 10)
        await store.postpone(item.id, NOW + timedelta(minutes=1), "down")
        assert not await store.due_deliveries(NOW, 10)
        (again,) = await store.due_deliveries(NOW + timedelta(minutes=1), 10)
        assert (again.attempts, again.last_error) == (1, "down")
        done = Change(tenant="default", now=NOW, done=item.id)
        await store.commit(done)
        with pytest.raises(AlreadyDone):
            await store.commit(done)

    async def test_the_same_key_is_not_ordered_twice(self, store: Store) -> None:
        """A delivery key stands for one delivery."""
        await store.commit(_with_handoff())
        again = _with_handoff(version=2)
        await store.commit(again)
        assert len(await store.due_deliveries(NOW, 10)) == 1

    async def test_timers_fire_once(self, store: Store) -> None:
        """A timer is due at its time and gone once it is answered."""
        due = NOW + timedelta(hours=1)
        await store.commit(_with_handoff(timers=(SetTimer(at=due, event=PromiseDue()),)))
        assert not await store.due_timers(NOW, 10)
        (timer,) = await store.due_timers(due, 10)
        fired = Change(tenant="default", now=due, fired=timer.id)
        await store.commit(fired)
        with pytest.raises(AlreadyDone):
            await store.commit(fired)

    async def test_a_halted_handoff_is_found(self, store: Store) -> None:
        """An open handoff without work and without a timer is what the watchman looks for."""
        change = _with_handoff(outbox=())
        await store.commit(change)
        assert change.handoff is not None
        assert await store.stalled(NOW + timedelta(minutes=1), 10) == (change.handoff,)
        assert not await store.stalled(NOW, 10)

    async def test_messages_are_kept_once(self, store: Store) -> None:
        """A message under a known key is not shown again."""
        for _ in range(2):
            await store.put_message("default", "c", "hello", "say-1", NOW)
        assert [message.text for message in await store.messages("default", "c", 0)] == ["hello"]

    async def test_tenants_do_not_see_each_other(self, store: Store) -> None:
        """Nothing of one business is found under another."""
        await store.commit(_with_handoff())
        assert not await store.handoffs("other")
        assert await store.handoff("other", "ho-1") is None
        assert not await store.audit("other", "c")


def _change(version: int, *, what: str = "first", key: str | None = None, seq: int | None = None) -> Change:
    turn = Turn(conversation="c", speaker=Speaker.CUSTOMER, text="hello", at=NOW, key=key, seq=seq)
    decision = Decision(conversation="c", turn=version, action=Action.CONTINUE, matrix="m")
    conversation = Conversation(id="c", version=version, spoken=version)
    entry = AuditEntry(at=NOW, what=what, conversation="c", document="{}")
    record = TurnRecord(number=version, turn=turn, decision=decision)
    return Change(tenant="default", now=NOW, conversation=conversation, turn=record, audit=(entry,))


def _with_handoff(
    version: int = 1, *, outbox: tuple[Alert, ...] = (Alert(key="ho-1:alert", what="look"),), timers: tuple[SetTimer, ...] = ()
) -> Change:
    handoff: Handoff = a_handoff(version=version, state=State.PROMISED)
    return Change(tenant="default", now=NOW, handoff=handoff, outbox=outbox, timers=timers)


__all__ = ["DeskContract", "LineContract", "StoreContract"]
