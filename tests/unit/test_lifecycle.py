from datetime import timedelta

import pytest

from hookflash.errors import ForbiddenMove
from hookflash.lifecycle import BRIEF_DEADLINE, ORDERS, TRANSITIONS, begin, diagram, step
from hookflash.model import (
    Accepted,
    Alert,
    BriefDelivered,
    BriefLate,
    BriefRefused,
    ClearTimers,
    CustomerLeft,
    CustomerSpoke,
    DeliverBrief,
    HandedBack,
    Plan,
    PromiseDue,
    PromiseKept,
    PromiseNear,
    PromiseTerms,
    Receipt,
    Ring,
    RingFailed,
    RingStarted,
    Rung,
    Say,
    SetTimer,
    State,
    StopRinging,
    Urgency,
    WrappedUp,
)
from hookflash.testing.samples import AT, a_handoff

TEAM = Rung(responder="team", hours="office", line="chat", address="team", ring_for=timedelta(seconds=60))
LEAD = Rung(responder="lead", hours="office", line="chat", address="lead", ring_for=timedelta(seconds=45))
NIGHT = Rung(responder="night", hours="always_on", line="chat", address="night", ring_for=timedelta(seconds=30))
TERMS = PromiseTerms(desk="tickets", within=timedelta(hours=2), hours="office", say="nobody")
NOON = AT.replace(hour=11)  # Tuesday, noon in Madrid
EVENING = AT.replace(hour=20)


def a_plan(*ladder, urgency=Urgency.NORMAL):
    return Plan(route="general", urgency=urgency, desk="crm", ladder=ladder or (TEAM, LEAD), promise=TERMS)


def receipt(desk="crm"):
    return BriefDelivered(receipt=Receipt(desk=desk, ticket="T1", key="k", at=AT))


def fresh(*ladder, urgency=Urgency.NORMAL):
    return a_handoff().model_copy(update={"plan": a_plan(*ladder, urgency=urgency)})


def of(kind, commands):
    return [command for command in commands if isinstance(command, kind)]


@pytest.fixture
def go(shop):
    def run(handoff, *events, now=NOON):
        commands = ()
        for event in events:
            event = event(handoff) if callable(event) else event
            handoff, commands = step(handoff, event, shop, now)
        return handoff, commands

    return run


def started(handoff):
    return RingStarted(key=handoff.ringing)


def failed(answer="declined: busy"):
    return lambda handoff: RingFailed(key=handoff.ringing, answer=answer)


def test_it_begins_with_the_brief_and_a_deadline():
    """A request orders the brief first, and does not wait for it forever."""
    brief, timer = begin(fresh(urgency=Urgency.IMMEDIATE), NOON)
    assert isinstance(brief, DeliverBrief)
    assert timer == SetTimer(at=NOON + timedelta(seconds=2), event=BriefLate())


def test_the_brief_arrives_then_the_first_rung_rings(go):
    """With the receipt the first responder is rung, with a whisper; nothing is said yet."""
    handoff, commands = go(fresh(), receipt())
    assert (handoff.state, handoff.rung, handoff.receipt.ticket) == (State.BRIEFED, 0, "T1")
    (ring,) = of(Ring, commands)
    assert (ring.to, ring.key) == (TEAM, handoff.ringing)
    assert "Ticket T1" in ring.whisper
    assert not of(Say, commands)


def test_the_customer_is_told_when_it_rings_and_what_is_so(go):
    """With a receipt: they already have it. Without one that is not said."""
    _, commands = go(fresh(), receipt(), started)
    assert "already have" in of(Say, commands)[0].text
    late, commands = go(fresh(NIGHT, urgency=Urgency.IMMEDIATE), BriefLate(), started)
    assert late.briefed_late
    assert "already have" not in of(Say, commands)[0].text


def test_whoever_fails_is_followed_by_the_next_and_at_last_by_a_promise(go):
    """Declined, then no answer, then an honest sentence with a due time and a ticket."""
    second, commands = go(fresh(), receipt(), started, failed())
    assert (second.state, second.rung) == (State.BRIEFED, 1)
    assert not of(StopRinging, commands)
    promised, commands = go(second, started, failed("no answer"))
    assert promised.state is State.PROMISED
    assert [(attempt.responder, attempt.answer) for attempt in promised.attempts] == [("team", "declined: busy"), ("lead", "no answer")]
    assert of(StopRinging, commands)
    (say,) = of(Say, commands)
    assert "T1" in say.text
    assert say.text == promised.promise.told
    assert of(DeliverBrief, commands)[0].desk == "tickets"
    assert {timer.event.kind: timer.at for timer in of(SetTimer, commands)}["promise_due"] == promised.promise.due
    assert promised.brief.promise == promised.promise


def test_closed_rungs_are_passed_over(go):
    """At eight in the evening nobody of the office is rung."""
    handoff, commands = go(fresh(), receipt(), now=EVENING)
    assert handoff.state is State.PROMISED
    assert [attempt.answer for attempt in handoff.attempts] == ["closed", "closed"]
    assert not of(Ring, commands)
    handoff, _ = go(fresh(TEAM, NIGHT), receipt(), now=EVENING)
    assert handoff.rung == 1


def test_an_empty_ladder_is_a_promise(go):
    """Where the roster reaches nobody at all, a promise is made at once."""
    handoff, _ = go(fresh().model_copy(update={"plan": a_plan().model_copy(update={"ladder": ()})}), receipt())
    assert handoff.state is State.PROMISED


def test_nobody_for_an_emergency_makes_noise(go):
    """An immediate handoff that ends in a promise alerts the people who run the place."""
    _, commands = go(fresh(TEAM, urgency=Urgency.IMMEDIATE), receipt(), now=EVENING)
    assert of(Alert, commands)


def test_late_answers_change_nothing(go):
    """An answer to a ring already given up is passed over."""
    first, _ = go(fresh(), receipt())
    second, _ = go(first, failed())
    assert step_is_nothing(go, second, RingFailed(key=first.ringing, answer="accepted too late"))
    assert step_is_nothing(go, second, RingStarted(key=first.ringing))


def step_is_nothing(go, handoff, event):
    after, commands = go(handoff, event)
    return after is handoff and not commands


def test_a_slow_desk_holds_an_emergency_two_seconds(go):
    """After them the brief travels with the ring, the record says so, and posting goes on behind."""
    handoff, commands = go(fresh(NIGHT, urgency=Urgency.IMMEDIATE), BriefLate())
    assert BRIEF_DEADLINE[Urgency.IMMEDIATE] == timedelta(seconds=2)
    assert (handoff.state, handoff.briefed_late) == (State.BRIEFED, True)
    assert of(Ring, commands)
    assert of(Alert, commands)
    behind, _ = go(handoff, started, receipt())
    assert (behind.state, behind.receipt.ticket) == (State.RINGING, "T1")


def test_a_slow_desk_holds_others_until_our_own_desk_has_the_brief(go):
    """Anybody else waits for the built-in desk; only if that is late too does it ring without a receipt."""
    waiting, commands = go(fresh(), BriefLate())
    assert waiting.state is State.REQUESTED
    assert of(DeliverBrief, commands)[0].desk == "builtin"
    ringing, _ = go(waiting, receipt("builtin"))
    assert ringing.state is State.BRIEFED
    late, _ = go(waiting, BriefLate())
    assert (late.state, late.briefed_late) == (State.BRIEFED, True)


def test_a_desk_that_refuses_is_replaced_by_our_own(go):
    """A refusal for good brings the built-in desk in; if that refuses as well, the ring goes ahead."""
    refused, commands = go(fresh(), BriefRefused(desk="crm", why="HTTP 422"))
    assert of(DeliverBrief, commands)[0].desk == "builtin"
    assert of(Alert, commands)
    late, commands = go(refused, BriefRefused(desk="builtin", why="?"))
    assert (late.state, late.briefed_late) == (State.BRIEFED, True)
    assert of(Ring, commands)


@pytest.mark.parametrize("desk", ["crm", "builtin"])
def test_a_later_refusal_keeps_the_brief_on_our_own_desk(go, desk):
    """A brief refused while it rings is not lost."""
    ringing, _ = go(fresh(), receipt(), started)
    after, commands = go(ringing, BriefRefused(desk=desk, why="gone"))
    assert after.state is State.RINGING
    assert bool(of(DeliverBrief, commands)) is (desk == "crm")
    assert of(Alert, commands)


def test_the_desk_we_meant_has_the_last_word_on_the_ticket(go):
    """A receipt of the fallback desk does not replace that of the real one; the other way round it does."""
    first, _ = go(fresh(), BriefLate(), receipt("builtin"))
    meant, _ = go(first, receipt("crm"))
    assert meant.receipt.desk == "crm"
    kept, _ = go(meant, receipt("builtin"))
    assert kept.receipt.desk == "crm"


def test_a_person_takes_it_and_gives_it_back(go):
    """Accepted, then handed back with a result: the assistant owns it again."""
    connected, commands = go(fresh(), receipt(), started, Accepted(responder="team"))
    assert (connected.state, connected.responder) == (State.CONNECTED, "team")
    assert of(ClearTimers, commands)
    assert connected.attempts[-1].answer == "accepted"
    back, _ = go(connected, HandedBack(result="moved to Friday"))
    assert (back.state, back.result) == (State.RETURNED, "moved to Friday")


def test_somebody_else_may_take_it(go):
    """If the lead takes what rings at the team, the team's ring is stopped."""
    connected, commands = go(fresh(), receipt(), started, Accepted(responder="lead"))
    assert connected.responder == "lead"
    assert of(StopRinging, commands)[0].to == TEAM
    assert connected.attempts[-1].answer == "taken by lead"


def test_a_promise_is_reminded_kept_or_overdue(go):
    """Noise before it falls due, louder when it has, quiet once it is kept."""
    promised, _ = go(fresh(), receipt(), now=EVENING)
    near, commands = go(promised, PromiseNear(), now=EVENING)
    assert of(Alert, commands)
    overdue, commands = go(near, PromiseDue(), now=EVENING)
    assert (overdue.state, overdue.promise.state) == (State.OVERDUE, "overdue")
    assert of(Alert, commands)
    kept, _ = go(overdue, PromiseKept(result="called back"), now=EVENING)
    assert (kept.state, kept.promise.state, kept.result) == (State.KEPT, "kept", "called back")
    taken, _ = go(promised, Accepted(responder="lead"), now=EVENING)
    assert (taken.state, taken.promise.state) == (State.CONNECTED, "kept")


def test_a_customer_who_leaves_is_promised_something_silently(go):
    """Nobody is left to be told, but somebody will get back to them."""
    ringing, _ = go(fresh(), receipt(), started)
    left, commands = go(ringing, CustomerLeft())
    assert (left.state, left.promise.told) == (State.PROMISED, None)
    assert of(StopRinging, commands)
    assert not of(Say, commands)


def spoke(raised=None):
    sample = a_handoff()
    return CustomerSpoke(decision=sample.decision, brief=sample.brief, raised=raised)


def test_what_the_customer_adds_goes_to_the_desk(go):
    """A later turn makes a new revision of the brief, wherever the handoff stands."""
    for state in ((), (receipt(),), (receipt(), started), (receipt(), started, Accepted(responder="team"))):
        before, _ = go(fresh(), *state) if state else (fresh(), ())
        after, commands = go(before, spoke())
        assert after.brief.revision == before.brief.revision + 1
        assert after.state is before.state
        assert of(DeliverBrief, commands)


def test_more_urgency_starts_again_on_the_new_plan(go):
    """A crisis while waiting overtakes: the old ring stops, the new ladder begins."""
    crisis = a_plan(NIGHT, urgency=Urgency.IMMEDIATE)
    ringing, _ = go(fresh(), receipt(), started)
    raised, commands = go(ringing, spoke(crisis))
    assert (raised.plan.urgency, raised.plan.ladder[raised.rung]) == (Urgency.IMMEDIATE, NIGHT)
    assert of(StopRinging, commands)
    assert of(Ring, commands)
    requested, commands = go(fresh(), spoke(crisis))
    assert requested.state is State.REQUESTED
    assert of(SetTimer, commands)[0].at == NOON + timedelta(seconds=2)
    promised, _ = go(fresh(), receipt(), now=EVENING)
    again, _ = go(promised, spoke(crisis), now=EVENING)
    assert again.state is State.BRIEFED


def test_what_was_told_stands(go):
    """A second promise in the same case never moves the first to later."""
    promised, _ = go(fresh(), receipt(), now=EVENING)
    raised, _ = go(promised, spoke(a_plan(NIGHT)), started, now=EVENING + timedelta(hours=13))
    again, _ = go(raised, failed("no answer"), now=EVENING + timedelta(hours=13))
    assert again.promise.due == promised.promise.due


def test_orders_that_a_state_does_not_know_are_refused_with_what_it_can_take(go):
    """Facts that come late are passed over; orders are answered."""
    with pytest.raises(ForbiddenMove, match="cannot take handed_back; it can take: customer_left"):
        go(fresh(), HandedBack(result="x"))
    connected, _ = go(fresh(), receipt(), started, Accepted(responder="team"))
    with pytest.raises(ForbiddenMove):
        go(connected, Accepted(responder="lead"))
    wrapped, _ = go(connected, WrappedUp(disposition="done"))
    with pytest.raises(ForbiddenMove, match="takes no further orders"):
        go(wrapped, Accepted(responder="lead"))
    assert step_is_nothing(go, wrapped, receipt())


def test_the_table_has_no_way_from_requested_to_ringing():
    """Law 4, in the table itself: only a briefed handoff rings."""
    leads_to_ringing = {state for state, moves in TRANSITIONS.items() for move in moves.values() if State.RINGING in move.leads_to}
    assert leads_to_ringing == {State.BRIEFED}


def test_every_open_state_can_end(go):
    """From every state that is not closed some road leads to a closed one or to a promise."""
    def reachable(state, seen=()):
        targets = {target for move in TRANSITIONS[state].values() for target in move.leads_to} - set(seen)
        return targets.union(*(reachable(target, (*seen, *targets)) for target in targets)) if targets else targets

    for state in State:
        assert state.closed or any(target.closed for target in reachable(state))
    assert all(not TRANSITIONS[state] for state in State if state.closed)
    assert all(any(kind in moves for moves in TRANSITIONS.values()) for kind in ORDERS)


def test_the_diagram_is_drawn_from_the_table():
    """What the docs show is the table."""
    assert "briefed --> ringing: ring_started" in diagram()
    assert "requested --> ringing" not in diagram()
