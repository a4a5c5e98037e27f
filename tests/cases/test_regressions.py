"""What once went wrong, or would have: each as a customer or an operator meets it."""

import asyncio
import sys
from datetime import timedelta

import pytest

from hookflash.app.wiring import EmbeddedEngine
from hookflash.errors import DeliveryFailed, ForbiddenMove, StoreUnavailable
from hookflash.matrix import parse_matrix
from hookflash.model import Action, Customer, CustomerLeft, Kind, Owner, Signal, State, ToolCall, Turn, Urgency
from hookflash.stores import SqliteStore
from hookflash.testing import DOWN, FrozenClock, ScriptedLine
from tests.cases.test_engine import escalated, replied, said, told
from tests.conftest import SHOP

NOON = FrozenClock().now().replace(hour=11)


@pytest.mark.parametrize("pause", [0, 0.005, 0.02])
async def test_closing_right_after_an_escalation_ends(tmp_path, shop, pause):
    """And what is unfinished goes on with the next start; after closing nothing is accepted."""
    engine = EmbeddedEngine({"default": shop}, SqliteStore(tmp_path / "x.db"), desks={})
    async with asyncio.timeout(20):
        await engine.observe(said("I want a human"))
        await asyncio.sleep(pause)
        await engine.close()
        await engine.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await engine.observe(said("hello?"))


async def test_a_matrix_that_changed_meanwhile_keeps_nobody_away(engine, clock):
    """A route renamed while a handoff is open: the next crisis is still decided, by the revision it began with."""
    clock.set(NOON)
    handoff = await escalated(engine)
    engine.judges["default"].matrix = parse_matrix(SHOP.replace("name: emergency", "name: danger"))
    decision = await engine.observe(said("I can't breathe and my chest hurts"))
    assert (decision.handoff, decision.urgency) == (handoff.id, Urgency.IMMEDIATE)


async def test_no_words_of_a_customer_can_keep_a_person_away(engine, monkeypatch):
    """If the brief cannot be made whole, the person comes with the reason and the history."""
    for part in ("entities", "summary", "sentiment", "tried"):
        monkeypatch.setattr(sys.modules["hookflash.brief.compose"], part, lambda *_, **__: 1 / 0)
    decision = await engine.observe(said("I want a human"))
    brief = (await engine.handoff(decision.handoff)).brief
    assert (brief.reason_code, brief.history[0].text) == (Kind.EXPLICIT_REQUEST, "I want a human")


async def test_a_look_alike_currency_is_no_stumbling_block(engine):
    """A letter that folds to another one once made the brief fail."""
    decision = await engine.observe(said("i want to talk to a person, you charged me 50 u\u017fd"))
    assert decision.action is Action.ESCALATE


async def test_long_odd_texts_are_briefed_in_no_time(engine):
    """Thousands of digits or dates in one turn stop nothing."""
    async with asyncio.timeout(10):
        await engine.observe(said("I want a human " + "1" * 16_000))
        await engine.observe(said("3/4 " * 4_000))


async def test_two_topics_are_two_reasons(clinic):
    """A second, louder topic does not take the urgent route away from the first."""
    from hookflash.decide import decide
    from hookflash.model import Conversation
    from hookflash.testing.samples import AT

    turn = Turn(speaker="customer", text="x")
    medical = Signal(kind=Kind.FENCED, score=0.7, topic="medical_advice")
    billing = Signal(kind=Kind.FENCED, score=0.9, topic="billing")
    both = decide([medical, billing], turn, Conversation(id="c"), clinic, AT)
    assert [(reason.topic, reason.route) for reason in both.reasons] == [("billing", "money"), ("medical_advice", "advice")]


async def test_a_milder_wish_does_not_calm_an_emergency(engine):
    """After a red flag, asking for a person is still answered as the emergency that it is."""
    await engine.observe(said("I can't breathe and my chest hurts"))
    assert (await engine.observe(said("can I talk to a person"))).urgency is Urgency.IMMEDIATE


async def test_interim_speech_leaves_number_and_room_to_the_final_words(engine):
    """The final turn comes under the same number; partials while a person is awaited are not kept."""
    fired = await engine.observe(said("get me a human", final=False, seq=1, key="k"))
    final = await engine.observe(said("get me a human please", seq=1, key="k"))
    assert fired.handoff == final.handoff
    for _ in range(5):
        await engine.observe(said("and one more", final=False))
    assert len(await engine.store.history("default", "chat-1")) == 2


async def test_a_turn_of_long_ago_is_recognised_by_its_key(engine):
    """Sent again after many others, it gets its first answer: with its number, and without."""
    for number in range(1, 40):
        await engine.observe(said(f"line {number}", seq=number, key=f"k{number}"))
    assert (await engine.observe(said("line 3", seq=3, key="k3"))).turn == 3
    assert (await engine.observe(said("line 4", key="k4"))).turn == 4
    assert (await engine.conversation("chat-1")).spoken == 39


async def test_a_responder_who_speaks_takes_it_and_one_who_lingers_does_not(engine, clock):
    """Speaking in a conversation that waits is taking it; a last word after the hand-back takes nothing."""
    clock.set(NOON)
    handoff = await escalated(engine)
    await engine.observe(Turn(conversation="chat-1", speaker="responder", text="Hi, this is Ana"))
    assert (await engine.handoff(handoff.id)).state is State.CONNECTED
    assert (await engine.conversation("chat-1")).owner is Owner.RESPONDER
    await engine.hand_back(handoff.id, "done")
    await engine.observe(Turn(conversation="chat-1", speaker="responder", text="You are welcome, bye"))
    assert (await engine.conversation("chat-1")).owner is Owner.ASSISTANT


async def test_thanks_after_a_hand_back_brings_nobody_again(engine, clock):
    """What went in circles before the handoff does not count after it."""
    clock.set(NOON)
    await engine.observe(said("where is my lamp"))
    await engine.observe(said("I already told you, where is my lamp"))
    decision = await engine.observe(said("I already told you, where is my lamp"))
    assert decision.trigger == Kind.STUCK
    await engine.courier.drain()
    await engine.accept(decision.handoff, "team")
    await engine.hand_back(decision.handoff, "lamp found")
    assert (await engine.observe(said("thanks"))).action is Action.CONTINUE


async def test_a_tool_that_failed_once_is_not_counted_twice(engine):
    """The draft and the reply that was sent report the same call."""
    failed = ToolCall(name="lookup", ok=False)
    await engine.observe(said("where is my lamp"))
    await engine.observe(replied("Let me see.", draft=True, tools=(failed,)))
    assert (await engine.observe(replied("Let me see.", tools=(failed,)))).action is Action.CONTINUE


async def test_a_customer_who_comes_back_in_the_morning_is_rung_through(engine, clock):
    """Who holds a promise and asks again while somebody is there does not wait for the callback."""
    clock.set(NOON.replace(hour=20))
    handoff = await escalated(engine)
    clock.set(handoff.promise.due - timedelta(hours=1))
    await engine.observe(said("good morning, can I talk to a person now?"))
    await engine.courier.drain()
    assert (await engine.handoff(handoff.id)).state is State.RINGING


async def test_a_decline_where_nothing_rings_is_refused(engine, clock):
    """Too late is said, not swallowed; and what comes late of one ring ends no other."""
    clock.set(NOON)
    handoff = await escalated(engine)
    rung = handoff.plan.ladder[handoff.rung].responder
    with pytest.raises(ForbiddenMove, match=f"rings at {rung} now, and no longer at lead"):
        await engine.decline(handoff.id, "her voicemail", answer="voicemail", responder="lead")
    assert (await engine.handoff(handoff.id)).ringing == handoff.ringing
    await engine.accept(handoff.id, "team")
    with pytest.raises(ForbiddenMove, match="nothing to decline"):
        await engine.decline(handoff.id, "busy")


async def test_a_ring_placed_while_it_was_called_off_is_taken_back(engine, clock, phone):
    """The line is slow, somebody takes the handoff meanwhile: the ring that comes after all is stopped."""
    clock.set(NOON)
    decision = await engine.observe(said("I want a human", channel="voice"))
    ordinary = phone.ring

    async def slow(handoff, rung, whisper, key):
        await engine.accept(handoff.id, "somebody quick")
        await asyncio.sleep(0.05)  # the first order to stop is carried out before there is anything to stop
        await ordinary(handoff, rung, whisper, key)
        phone.order.append("ring")

    async def stop(handoff, rung, key):
        phone.order.append("stop")
        await ScriptedLine.stop(phone, handoff, rung, key)

    engine.courier._lines["chat"] = phone
    phone.ring, phone.stop, phone.order = slow, stop, []
    await engine.courier.drain()
    assert (await engine.handoff(decision.handoff)).state is State.CONNECTED
    assert set(phone.stopped) == {"team"}
    assert phone.order.index("ring") < max(place for place, what in enumerate(phone.order) if what == "stop")


async def test_words_that_came_too_late_are_not_said(engine, clock):
    """The chat line is down while it rings; once it is back, `I am ringing` is no longer so."""
    clock.set(NOON)
    chat = engine.courier._lines["chat"]
    working = chat.say

    async def down(*_):
        raise DeliveryFailed("down")

    chat.say = down
    handoff = await escalated(engine)
    await engine.accept(handoff.id, "team")
    chat.say = working
    clock.advance(600)
    await engine.courier.drain()
    assert await told(engine) == []


async def test_a_stale_timer_touches_no_others(engine, clock, crm):
    """A timer that was cleared and fires all the same changes nothing, whatever came to take its number."""
    clock.set(NOON)
    crm.failures = [DOWN] * 99
    first = await engine.observe(said("I want a human", conversation="x"))
    clock.advance(20)
    due = await engine.store.claim_timers(clock.now(), timedelta(), 10)
    crm.failures = []
    await engine.courier.drain()
    await engine.accept(first.handoff, "team")
    crm.failures = [DOWN] * 99
    second = await engine.observe(said("I want a human", conversation="y"))
    for timer in due:
        await engine.watchman._firing._fire(timer)
    clock.advance(20)
    await engine.watchman.round()
    await engine.courier.drain()
    assert (await engine.handoff(second.handoff)).state is State.RINGING


async def test_the_voice_line_says_what_is_said(engine, clock, phone):
    """On a call the words go to the call."""
    clock.set(NOON.replace(hour=20))
    assert isinstance(phone, ScriptedLine)
    handoff = await escalated(engine, channel="voice")
    assert phone.said == [("chat-1", handoff.promise.told)]


async def test_an_emergency_is_not_taken_over_by_a_question(engine, clock):
    """The same customer asks in a chat while the nurse is being rung for them: both go on."""
    clock.set(NOON)
    ana = Customer(id="ana-7")
    crisis = await engine.observe(said("I took all my pills, I want to die", conversation="call", customer=ana))
    question = await engine.observe(said("I want a human for my invoice", conversation="chat", customer=ana))
    await engine.courier.drain()
    assert (await engine.handoff(crisis.handoff)).state is State.RINGING
    assert (await engine.handoff(question.handoff)).brief.earlier is None
    await engine.apply(crisis.handoff, CustomerLeft())
    again = await engine.observe(said("I want a human please", conversation="third", customer=ana))
    assert (await engine.handoff(again.handoff)).brief.earlier != crisis.handoff
