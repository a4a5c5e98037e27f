"""The engine as a whole, on a frozen clock with a CRM and lines that do as they are told."""

import asyncio
import json
from datetime import timedelta

import pytest

from hookflash.errors import DeliveryFailed, ForbiddenMove, SequenceError, StoreUnavailable, TurnError, UnknownError
from hookflash.model import Action, Customer, CustomerLeft, Kind, Owner, State, ToolCall, Turn, Urgency
from hookflash.testing import DOWN, REFUSED


def said(text, conversation="chat-1", **rest):
    return Turn(conversation=conversation, speaker="customer", text=text, **rest)


def replied(text, conversation="chat-1", **rest):
    return Turn(conversation=conversation, speaker="assistant", text=text, **rest)


async def escalated(engine, text="I want to talk to a human", **rest):
    decision = await engine.observe(said(text, **rest))
    await engine.courier.drain()
    return await engine.handoff(decision.handoff)


async def told(engine, conversation="chat-1"):
    return [message.text for message in await engine.store.messages("default", conversation, 0)]


async def test_the_brief_is_there_before_it_rings(engine, crm, clock):
    """Decision, brief on the desk, ring, words, in that order, and all of it on record."""
    clock.set(clock.now().replace(hour=11))
    handoff = await escalated(engine)
    assert handoff.state is State.RINGING
    assert crm.tickets[handoff.id].reason_code == Kind.EXPLICIT_REQUEST
    assert await told(engine) == ["I am ringing team now. They already have what you told me."]
    trail = [entry.what for entry in await engine.store.audit("default", "chat-1")]
    assert trail == ["decided_escalate", "requested", "brief_delivered", "ring_started"]


async def test_nobody_there_ends_in_a_stored_promise(engine, clock):
    """At nine in the evening: a ticket, a due time of the next morning, and words that say both."""
    clock.set(clock.now().replace(hour=20))
    handoff = await escalated(engine)
    assert handoff.state is State.PROMISED
    assert handoff.promise.due.isoformat() == "2026-11-25T10:00:00+00:00"
    assert await told(engine) == [handoff.promise.told]
    assert "11:00 AM" in handoff.promise.told.replace("\u202f", " ")
    assert (await engine.store.promises("default", open_only=True))[0].id == handoff.id


async def test_a_number_that_was_misheard_can_be_put_right(engine, clock):
    """At night, on the phone: the number is read back, and what the customer says to that counts from then on."""
    clock.set(clock.now().replace(hour=20))
    handoff = await escalated(engine, text="I want a human, call me on +34 912 345 678", channel="voice")
    assert "+34 912 34 56 78" in handoff.promise.told
    await engine.observe(said("no, my number is +34 912 345 679", channel="voice"))
    await engine.courier.drain()
    again = await engine.handoff(handoff.id)
    assert "+34 912 34 56 79" in again.promise.told
    assert (again.promise.due, again.brief.customer.phone) == (handoff.promise.due, "+34912345679")


async def test_a_promise_not_kept_makes_noise(engine, clock):
    """A reminder before it falls due, an alarm when it is, silence once somebody has wrapped it up."""
    clock.set(clock.now().replace(hour=20))
    handoff = await escalated(engine)
    clock.set(handoff.promise.due - timedelta(minutes=10))
    await engine.watchman.round()
    await engine.courier.drain()
    clock.set(handoff.promise.due)
    await engine.watchman.round()
    await engine.courier.drain()
    noise = [what.split(handoff.id)[-1].strip() for what in engine.noise if handoff.id in what]
    assert noise == ["falls due soon", "is overdue; team is asked to keep it"]
    assert [what for what in engine.noise if what.startswith("default: promises of the last day: 1 made, 0 kept")]
    assert (await engine.handoff(handoff.id)).state is State.OVERDUE
    kept = await engine.wrap_up(handoff.id, "called, all fine")
    assert (kept.state, kept.promise.state) == (State.KEPT, "kept")


async def test_a_clock_that_jumps_breaks_a_promise_once(engine, clock):
    """Set forward an hour it is overdue by the new time; set back it is not broken again; the next contact is asked an hour on."""
    clock.set(clock.now().replace(hour=20))
    handoff = await escalated(engine)

    async def overdue():
        await engine.watchman.round()
        await engine.courier.drain()
        return sum(entry.what == "overdue" for entry in (await engine.handoff(handoff.id)).promise.log)

    clock.set(handoff.promise.due - timedelta(hours=1))
    assert await overdue() == 0
    clock.advance(timedelta(hours=1))
    assert await overdue() == 1
    clock.advance(timedelta(hours=-1))
    assert await overdue() == 1
    clock.advance(timedelta(hours=1, minutes=59))
    assert await overdue() == 1
    clock.advance(timedelta(minutes=1))
    assert await overdue() == 2


async def test_ring_time_outs_lead_to_the_next_and_then_to_a_promise(engine, clock):
    """Nobody answers within their time: the ladder is climbed to its end."""
    clock.set(clock.now().replace(hour=11))
    handoff = await escalated(engine)
    for _ in range(2):
        clock.advance(61)
        await engine.watchman.round()
        await engine.courier.drain()
    handoff = await engine.handoff(handoff.id)
    assert [attempt.answer for attempt in handoff.attempts] == ["no answer", "no answer"]
    assert handoff.state is State.PROMISED


async def test_the_assistant_is_silent_until_the_hand_back_brings_the_result(engine, clock):
    """Law 7: drafts are dropped while a person owns the conversation; the result comes back with it."""
    clock.set(clock.now().replace(hour=11))
    handoff = await escalated(engine)
    await engine.accept(handoff.id, "team")
    dropped = await engine.observe(replied("Let me help you!", draft=True))
    assert (dropped.action, dropped.trigger, dropped.say) == (Action.REPLACE, Kind.DRAFT_OWNED, None)
    assert (await engine.observe(said("and my order is late"))).say is None
    await engine.hand_back(handoff.id, "refunded")
    conversation = await engine.conversation("chat-1")
    assert (conversation.owner, conversation.handoff, conversation.result) == (Owner.ASSISTANT, None, "refunded")
    assert (await engine.observe(said("thank you"))).action is Action.CONTINUE
    again = await engine.observe(said("actually get me a person again"))
    assert again.handoff not in (None, handoff.id)


async def test_later_turns_join_the_brief(engine, crm, clock):
    """What the customer adds while waiting reaches the desk on the same ticket."""
    clock.set(clock.now().replace(hour=11))
    handoff = await escalated(engine)
    await engine.observe(said("my number is +34 911 23 45 67"))
    await engine.courier.drain()
    brief = crm.tickets[handoff.id]
    assert (brief.revision, brief.customer.phone, len(brief.history)) == (2, "+34911234567", 2)
    assert len(crm.tickets) == 1


async def test_a_crisis_in_the_queue_overtakes(engine, clock):
    """A request that turns into an emergency rings the night line at once."""
    clock.set(clock.now().replace(hour=20))
    handoff = await escalated(engine)
    decision = await engine.observe(said("I can't breathe, my throat is closing"))
    await engine.courier.drain()
    raised = await engine.handoff(handoff.id)
    assert (decision.handoff, decision.urgency) == (handoff.id, Urgency.IMMEDIATE)
    assert (raised.state, raised.plan.ladder[raised.rung].responder) == (State.RINGING, "night")
    assert len(await engine.store.handoffs("default")) == 1


async def test_the_same_turn_twice_gives_the_same_decision_once(engine):
    """By sequence number or by key; the same number for other words is refused."""
    first = await engine.observe(said("hello", seq=1))
    assert await engine.observe(said("hello", seq=1)) == first
    second = await engine.observe(said("I want a human", seq=2, key="k"))
    assert await engine.observe(said("I want a human", key="k")) == second
    assert len(await engine.store.handoffs("default")) == 1
    with pytest.raises(SequenceError, match="already used for another turn"):
        await engine.observe(said("something else entirely", seq=2))


async def test_turns_out_of_order_are_refused_with_what_is_expected(engine):
    """A gap is named, so that the missing turn can be sent first."""
    await engine.observe(said("hello", seq=1))
    with pytest.raises(SequenceError, match="the next one is 2"):
        await engine.observe(said("I want a human", seq=3))
    await engine.observe(said("a question", seq=2))
    assert (await engine.observe(said("I want a human", seq=3))).action is Action.ESCALATE


async def test_a_turn_needs_a_conversation_and_a_tenant(engine):
    """Both are named in the refusal."""
    with pytest.raises(TurnError, match="names no conversation"):
        await engine.observe(Turn(speaker="customer", text="hi"))
    with pytest.raises(UnknownError, match="no tenant"):
        await engine.observe(said("hi"), tenant="nobody")


async def test_interim_speech_is_not_kept_unless_it_sets_something_off(engine):
    """The final words come; a request fires before them and is not asked for twice."""
    assert (await engine.observe(said("i would like", final=False))).turn == 1
    with pytest.raises(UnknownError):
        await engine.conversation("chat-1")
    fired = await engine.observe(said("i would like to talk to a human", final=False))
    final = await engine.observe(said("i would like to talk to a human please"))
    assert fired.handoff == final.handoff
    assert len(await engine.store.handoffs("default")) == 1


async def test_tools_that_keep_failing_bring_a_person(engine):
    """The assistant's own turn can be the one that escalates."""
    failed = ToolCall(name="lookup", ok=False)
    await engine.observe(said("where is my parcel"))
    await engine.observe(replied("Let me look.", tools=(failed,)))
    assert (await engine.observe(replied("One more try.", tools=(failed,)))).trigger == Kind.STUCK


async def test_a_desk_that_comes_back_gets_the_brief_once(engine, crm, clock):
    """Down three times, then up: one ticket, one showing, and the ring waited for it."""
    clock.set(clock.now().replace(hour=11))
    crm.failures = [DOWN, DeliveryFailed("slow down", retry_after=3), DOWN]
    handoff = await escalated(engine)
    assert handoff.state is State.REQUESTED
    for _ in range(5):
        clock.advance(4)
        await engine.courier.drain()
    handoff = await engine.handoff(handoff.id)
    assert handoff.state is State.RINGING
    assert crm.shown == [(handoff.id, 1)]


async def test_a_desk_that_refuses_is_replaced_and_the_work_is_a_dead_letter(engine, crm, clock):
    """The brief goes to our own desk, somebody is alarmed, and it rings."""
    clock.set(clock.now().replace(hour=11))
    crm.failures = [REFUSED]
    handoff = await escalated(engine)
    assert (handoff.state, handoff.receipt.desk) == (State.RINGING, "builtin")
    assert "refused the brief" in engine.noise[0]
    assert (await engine.store.counts())["outbox_dead"] == 1


async def test_a_line_that_is_out_of_order_is_a_failed_rung(engine, phone, clock):
    """The next rung is rung; a kind of line that nobody set up counts the same."""
    clock.set(clock.now().replace(hour=11))
    phone.broken = True
    handoff = await escalated(engine, channel="voice")
    await engine.decline(handoff.id, "busy")
    await engine.courier.drain()
    handoff = await engine.handoff(handoff.id)
    assert [attempt.answer.split(":")[0] for attempt in handoff.attempts] == ["declined", "line failed"]
    assert handoff.state is State.PROMISED


async def test_an_adapter_with_a_bug_does_not_stop_the_courier(engine, crm, clock):
    """Whatever it raises counts as a failed try."""
    clock.set(clock.now().replace(hour=11))
    crm.failures = [ZeroDivisionError("secret words")]
    handoff = await escalated(engine)
    assert handoff.state is State.REQUESTED
    clock.advance(5)
    await engine.courier.drain()
    assert (await engine.handoff(handoff.id)).state is State.RINGING


async def test_an_emergency_waits_two_seconds_for_the_desk(engine, crm, clock):
    """Then it rings with the whisper, says only what is so, and the record says that the brief came late."""
    engine.courier._desks["default", "tickets"] = crm
    crm.failures = [DOWN] * 50
    handoff = await escalated(engine, "my chest hurts and I can't breathe")
    assert handoff.state is State.REQUESTED
    clock.advance(2)
    await engine.watchman.round()
    await engine.courier.drain()
    handoff = await engine.handoff(handoff.id)
    assert (handoff.state, handoff.briefed_late, handoff.receipt) == (State.RINGING, True, None)
    assert await told(engine) == ["I am ringing night now."]
    crm.failures = []
    clock.advance(60)
    await engine.courier.drain()
    assert (await engine.handoff(handoff.id)).receipt.ticket == "T1"


async def test_the_customer_leaves_while_it_rings(engine, clock):
    """Somebody will get back to them; nobody is told anything."""
    clock.set(clock.now().replace(hour=11))
    handoff = await escalated(engine)
    before = await told(engine)
    await engine.apply(handoff.id, CustomerLeft())
    await engine.courier.drain()
    assert (await engine.handoff(handoff.id)).state is State.PROMISED
    assert await told(engine) == before


async def test_orders_out_of_place_are_refused_and_change_nothing(engine, clock):
    """Handing back what nobody has taken is refused with what can be done."""
    clock.set(clock.now().replace(hour=11))
    handoff = await escalated(engine)
    with pytest.raises(ForbiddenMove, match="it can take"):
        await engine.hand_back(handoff.id, "x")
    with pytest.raises(UnknownError, match="no handoff"):
        await engine.accept("ho-unknown", "team")
    assert (await engine.handoff(handoff.id)).state is State.RINGING


async def test_a_halted_handoff_is_found_once(engine, clock):
    """Nothing in the outbox and no timer: the watchman says so, once, half a minute after its next step was due."""
    handoff = await escalated(engine)
    await engine.store._writer.run(lambda connection: connection.exec_driver_sql("DELETE FROM timers") and None)
    clock.advance(60 + 31)
    await engine.watchman.round()
    await engine.watchman.round()
    assert engine.noise == [f"handoff {handoff.id} is {handoff.state} and nothing will move it"]


async def test_a_customer_who_asks_again_elsewhere_meets_what_is_owed(engine, clock):
    """In a new conversation a new handoff takes over the promise at its time; the old one ends and its conversation is free."""
    clock.set(clock.now().replace(hour=20))
    ana = Customer(id="ana-7", phone="+13125550148")
    first = await engine.observe(said("I want a human", conversation="chat", customer=ana))
    await engine.courier.drain()
    owed = (await engine.handoff(first.handoff)).promise
    clock.advance(timedelta(minutes=20))
    second = await engine.observe(said("I want a human, again", conversation="another", customer=ana))
    await engine.courier.drain()
    newer, older = await engine.handoff(second.handoff), await engine.handoff(first.handoff)
    assert (newer.brief.earlier, newer.state, newer.promise.due) == (older.id, State.PROMISED, owed.due)
    assert (older.state, older.promise.state, older.result) == (State.WRAPPED, "moved", f"goes on in {newer.id}")
    assert (await engine.conversation("chat")).owner is Owner.ASSISTANT
    assert [one.id for one in await engine.store.promises("default", open_only=True)] == [newer.id]
    stranger = await engine.observe(said("I want a human", conversation="third", customer=Customer(id="ben")))
    assert (await engine.handoff(stranger.handoff)).brief.earlier is None


async def test_what_is_owed_goes_on_in_one_of_the_conversations_begun_at_once(engine, clock):
    """They are called once for it, and not from each."""
    clock.set(clock.now().replace(hour=20))
    ana = Customer(id="ana-7", phone="+13125550148")
    first = await engine.observe(said("I want a human", conversation="chat", customer=ana))
    await engine.courier.drain()
    owed = (await engine.handoff(first.handoff)).promise
    begun = [engine.observe(said("I want a human, again", conversation=name, customer=ana)) for name in "abcde"]
    newer = [await engine.handoff(decision.handoff) for decision in await asyncio.gather(*begun)]
    assert [one.promise for one in newer if one.brief.earlier == first.handoff] == [owed]
    assert (await engine.handoff(first.handoff)).state is State.WRAPPED


async def test_work_that_no_courier_takes_is_found(engine, clock):
    """A courier that died or hangs is noticed by what it leaves."""
    clock.set(clock.now().replace(hour=11))
    decision = await engine.observe(said("I want a human"))
    clock.advance(31)
    await engine.watchman.round()
    assert engine.noise == [f"handoff {decision.handoff} has work that no courier takes, as 0 others have"]


async def test_a_roster_that_fails_keeps_nobody_away(engine, clock):
    """Not knowing who is there, everybody is tried."""

    async def reachable(responders, at):
        raise OSError("no route to roster")

    clock.set(clock.now().replace(hour=11))
    engine._roster.reachable = reachable
    assert (await escalated(engine)).state is State.RINGING


async def test_many_at_once_on_one_conversation_keep_their_order(engine):
    """Turns sent side by side are numbered one after the other, and make one handoff."""
    turns = [said(f"I want a human, number {number}") for number in range(20)]
    decisions = await asyncio.gather(*(engine.observe(turn) for turn in turns))
    assert [decision.turn for decision in decisions] == list(range(1, 21))
    assert len({decision.handoff for decision in decisions}) == 1


async def test_a_store_that_somebody_else_wrote_is_read_again(engine):
    """A version in memory that is stale costs a second try and nothing else."""
    await engine.observe(said("hello"))
    stale = engine._cache["default", "chat-1"]
    await engine.observe(said("hello again"))
    engine._cache["default", "chat-1"] = stale
    assert (await engine.observe(said("and again"))).turn == 3


async def test_nothing_is_acknowledged_that_is_not_kept(engine):
    """When the store cannot write, the caller hears of it, and the same turn can be sent again."""

    async def commit(change):
        raise StoreUnavailable("the disk is full; nothing was accepted.")

    working, engine.store.commit = engine.store.commit, commit
    with pytest.raises(StoreUnavailable):
        await engine.observe(said("I want a human", seq=1))
    engine.store.commit = working
    assert (await engine.observe(said("I want a human", seq=1))).turn == 1


async def test_the_audit_explains_every_decision(engine):
    """All signals, reasons and the matrix revision are on record, as is every step."""
    await escalated(engine)
    decided, requested, *_ = await engine.store.audit("default", "chat-1")
    document = json.loads(decided.document)
    assert document["decision"]["matrix"] == engine.judges["default"].matrix.revision
    assert document["decision"]["reasons"][0]["evidence"][0]["text"]
    assert "deliver_brief" in [command["kind"] for command in json.loads(requested.document)["commands"]]


async def test_a_handoff_keeps_the_matrix_it_began_with(engine, clock):
    """A matrix that changes meanwhile changes nothing for handoffs under way."""
    clock.set(clock.now().replace(hour=11))
    handoff = await escalated(engine)
    engine._matrices.clear()
    await engine.decline(handoff.id, "busy")
    assert (await engine.handoff(handoff.id)).rung == 1
