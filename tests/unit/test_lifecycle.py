from datetime import timedelta

import pytest

from hookflash.errors import ForbiddenMove
from hookflash.lifecycle import ORDERS, TRANSITIONS, begin, diagram
from hookflash.matrix import parse_matrix
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
from hookflash.moves import BRIEF_DEADLINE
from hookflash.testing.samples import AT, a_handoff
from tests.conftest import SHOP

TEAM = Rung(responder="team", hours="office", desk="crm", line="chat", address="team", ring_for=timedelta(seconds=60))
LEAD = Rung(responder="lead", hours="office", desk="crm", line="chat", address="lead", ring_for=timedelta(seconds=45))
NIGHT = Rung(responder="night", hours="always_on", desk="tickets", line="chat", address="night", ring_for=timedelta(seconds=30))
TERMS = PromiseTerms(desk="tickets", within=timedelta(hours=2), hours="office", say="nobody")
NOON = AT.replace(hour=11)  # Tuesday, noon in Madrid
EVENING = AT.replace(hour=20)


def a_plan(*ladder, urgency=Urgency.NORMAL):
    return Plan(route="general", urgency=urgency, ladder=ladder or (TEAM, LEAD), promise=TERMS)


def receipt(desk="crm"):
    return BriefDelivered(receipt=Receipt(desk=desk, ticket="T1", key="k", at=AT))


MATRIX = parse_matrix(SHOP)


def requested(*ladder, urgency=Urgency.NORMAL, now=NOON):
    return begin(a_handoff().model_copy(update={"plan": a_plan(*ladder, urgency=urgency)}), MATRIX, now)


def fresh(*ladder, urgency=Urgency.NORMAL, now=NOON):
    return requested(*ladder, urgency=urgency, now=now).handoff


def of(kind, commands):
    return [command for command in commands if isinstance(command, kind)]


def started(handoff):
    return RingStarted(key=handoff.ringing)


def failed(answer="declined: busy"):
    return lambda handoff: RingFailed(key=handoff.ringing, answer=answer)


def test_it_begins_with_the_brief_and_a_deadline():
    """A request orders the brief first, and does not wait for it forever."""
    handoff, commands = requested(urgency=Urgency.IMMEDIATE)
    assert (handoff.state, handoff.rung) == (State.REQUESTED, 0)
    assert [order.desk for order in of(DeliverBrief, commands)] == ["crm"]
    assert of(SetTimer, commands) == [SetTimer(at=NOON + timedelta(seconds=2), event=BriefLate())]


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
    waiting = fresh(now=EVENING)
    assert waiting.rung is None
    handoff, commands = go(waiting, receipt("tickets"), now=EVENING)
    assert handoff.state is State.PROMISED
    assert [attempt.answer for attempt in handoff.attempts] == ["closed", "closed"]
    assert not of(Ring, commands)
    handoff, commands = go(fresh(TEAM, NIGHT, now=EVENING), receipt("tickets"), now=EVENING)
    assert handoff.rung == 1
    assert of(Ring, commands)[0].to == NIGHT


def test_the_next_rung_has_the_brief_on_its_own_desk_before_it_rings(go):
    """A ladder over two desks: the second is briefed when its turn comes, and rings only then."""
    second, commands = go(fresh(TEAM, NIGHT), receipt(), started, failed())
    assert (second.state, second.rung) == (State.REQUESTED, 1)
    assert [order.desk for order in of(DeliverBrief, commands)] == ["tickets"]
    assert not of(Ring, commands)
    still, commands = go(second, receipt("crm"))
    assert (still.state, of(Ring, commands)) == (State.REQUESTED, [])
    rings, commands = go(still, receipt("tickets"))
    assert of(Ring, commands)[0].to == NIGHT
    assert "already have" in of(Say, go(rings, started)[1])[0].text


def test_an_empty_ladder_is_a_promise(go):
    """Where the roster reaches nobody at all, a promise is made at once."""
    empty = a_handoff().model_copy(update={"plan": a_plan().model_copy(update={"ladder": ()})})
    handoff, _ = go(begin(empty, MATRIX, NOON).handoff, receipt("tickets"))
    assert handoff.state is State.PROMISED


def test_nobody_for_an_emergency_makes_noise(go):
    """An immediate handoff that ends in a promise alerts the people who run the place."""
    _, commands = go(fresh(TEAM, urgency=Urgency.IMMEDIATE, now=EVENING), receipt("tickets"), now=EVENING)
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
    behind, _ = go(handoff, started, receipt("tickets"))
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


def test_the_desk_of_whoever_is_rung_gives_the_ticket(go):
    """A receipt of our own desk in its place does not hide that of the real one, in whatever order they come."""
    first, _ = go(fresh(), BriefLate(), receipt("builtin"))
    assert first.receipt.desk == "builtin"
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
    promised, _ = go(fresh(now=EVENING), receipt("tickets"), now=EVENING)
    near, commands = go(promised, PromiseNear(), now=EVENING)
    assert of(Alert, commands)
    overdue, commands = go(near, PromiseDue(), now=promised.promise.due)
    assert (overdue.state, overdue.promise.state) == (State.OVERDUE, "overdue")
    assert of(Alert, commands)
    kept, _ = go(overdue, PromiseKept(result="called back"), now=EVENING)
    assert (kept.state, kept.promise.state, kept.result) == (State.KEPT, "kept", "called back")
    taken, _ = go(promised, Accepted(responder="lead"), now=EVENING)
    assert (taken.state, taken.promise.state, taken.brief.promise.state) == (State.CONNECTED, "kept", "kept")
    late, _ = go(overdue, Accepted(responder="lead"), now=promised.promise.due + timedelta(minutes=1))
    assert late.promise.state == "late"


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
        before, _ = go(fresh(), *state)
        after, commands = go(before, spoke())
        assert after.brief.revision == before.brief.revision + 1
        assert after.state is before.state
        assert of(DeliverBrief, commands)


def test_more_urgency_starts_again_on_the_new_plan(go):
    """A crisis while waiting overtakes: the old ring stops, the new ladder begins."""
    crisis = a_plan(NIGHT, urgency=Urgency.IMMEDIATE)
    ringing, _ = go(fresh(), receipt(), started)
    promised, _ = go(fresh(now=EVENING), receipt("tickets"), now=EVENING)
    for before, now in ((ringing, NOON), (fresh(), NOON), (promised, EVENING)):
        raised, commands = go(before, spoke(crisis), now=now)
        assert (raised.state, raised.plan.urgency, raised.plan.ladder[raised.rung]) == (State.REQUESTED, Urgency.IMMEDIATE, NIGHT)
        assert bool(of(StopRinging, commands)) is (before is ringing)
        assert of(SetTimer, commands)[0].at == now + timedelta(seconds=2)
        rings, commands = go(raised, receipt("tickets"), now=now)
        assert of(Ring, commands)[0].to == NIGHT


def test_what_was_told_stands_and_is_watched_while_it_rings_anew(go):
    """A second promise never moves the first to later; one whose time passes meanwhile makes noise."""
    promised, _ = go(fresh(now=EVENING), receipt("tickets"), now=EVENING)
    later = EVENING + timedelta(minutes=5)
    ringing, commands = go(promised, spoke(a_plan(NIGHT)), receipt("tickets"), started, now=later)
    assert not {"promise_near", "promise_due"} & {kind for command in of(ClearTimers, commands) for kind in command.events}
    again, _ = go(ringing, failed("no answer"), now=later)
    assert again.promise.due == promised.promise.due
    overdue, commands = go(ringing, PromiseDue(), now=promised.promise.due)
    assert (overdue.state, overdue.promise.state) == (State.RINGING, "overdue")
    assert of(Alert, commands)


def test_an_earlier_time_that_was_told_is_kept(go):
    """Promised for four o'clock, then rung again in vain half an hour later: it stays four o'clock."""
    promised, _ = go(fresh(), receipt(), started, failed(), started, failed())
    later = NOON + timedelta(minutes=30)
    again, _ = go(promised, spoke(a_plan(NIGHT)), receipt("tickets"), started, failed("no answer"), now=later)
    assert again.promise.made_at == promised.promise.made_at
    assert again.promise.due == promised.promise.due == NOON + timedelta(hours=4)


def test_an_emergency_that_waited_once_does_not_wait_again(go):
    """The first desk was late; the next rung on another desk rings at once, its brief on the way."""
    late, _ = go(fresh(TEAM, NIGHT, urgency=Urgency.IMMEDIATE), BriefLate(), started)
    onward, commands = go(late, failed("no answer"))
    assert onward.state is State.BRIEFED
    assert of(Ring, commands)[0].to == NIGHT
    assert [order.desk for order in of(DeliverBrief, commands)] == ["tickets"]


def test_words_are_said_only_while_they_hold(go):
    """What was ordered to be said is not said once it is no longer so."""
    ringing, commands = go(fresh(), receipt(), started)
    (say,) = of(Say, commands)
    assert say.still_holds(ringing)
    taken, _ = go(ringing, Accepted(responder="team"))
    assert not say.still_holds(taken)
    promised, commands = go(fresh(now=EVENING), receipt("tickets"), now=EVENING)
    (say,) = of(Say, commands)
    assert say.still_holds(promised)
    kept, _ = go(promised, PromiseKept(result="called"), now=EVENING)
    assert not say.still_holds(kept)


def test_accepting_twice_is_once(go):
    """The same person may repeat it; another is told who was first."""
    connected, _ = go(fresh(), receipt(), started, Accepted(responder="team"))
    assert step_is_nothing(go, connected, Accepted(responder="team"))
    with pytest.raises(ForbiddenMove, match="taken by team already"):
        go(connected, Accepted(responder="lead"))


def test_orders_that_a_state_does_not_know_are_refused_with_what_it_can_take(go):
    """Facts that come late are passed over; orders are answered."""
    with pytest.raises(ForbiddenMove, match="cannot take handed_back; there is nothing to order"):
        go(fresh(), HandedBack(result="x"))
    connected, _ = go(fresh(), receipt(), started, Accepted(responder="team"))
    wrapped, _ = go(connected, WrappedUp(disposition="done"))
    with pytest.raises(ForbiddenMove, match="nothing to order"):
        go(wrapped, Accepted(responder="lead"))
    assert step_is_nothing(go, connected, CustomerLeft())


def test_a_ticket_that_a_desk_tells_of_late_is_on_record(go):
    """Else nobody would know where it lies once everything else is erased."""
    connected, _ = go(fresh(), receipt(), started, Accepted(responder="team"))
    wrapped, _ = go(connected, WrappedUp(disposition="done"))
    told, commands = go(wrapped, receipt("other"))
    assert (told.state, told.receipt_of("other") is not None, commands) == (State.WRAPPED, True, ())


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
    assert all(not move.leads_to for state in State if state.closed for move in TRANSITIONS[state].values())
    assert all(any(kind in moves for moves in TRANSITIONS.values()) for kind in ORDERS)


def test_the_diagram_is_drawn_from_the_table():
    """What the docs show is the table."""
    assert "briefed --> ringing: ring_started" in diagram()
    assert "requested --> ringing" not in diagram()
