"""What each event does to a handoff. `hookflash.lifecycle` says in which state which move applies.

A handoff in `requested` waits for the brief to reach the desk of the rung that comes next (or, where no rung is open, the
desk that keeps promises). Only then is that rung ordered to ring.
"""

from datetime import datetime, timedelta
from typing import Any, Literal

from hookflash.errors import ForbiddenMove
from hookflash.hours import is_open
from hookflash.keeping import OF_LADDER, OF_PROMISE, fulfilled, promise_words, watch, with_promise
from hookflash.matrix import words
from hookflash.model import (
    BUILTIN_DESK,
    Accepted,
    Alert,
    Brief,
    BriefDelivered,
    BriefLate,
    BriefRefused,
    ClearTimers,
    Command,
    CustomerSpoke,
    Event,
    HandedBack,
    Handoff,
    Promise,
    Ring,
    RingAttempt,
    RingFailed,
    RingStarted,
    Rung,
    Say,
    SetTimer,
    State,
    StopRinging,
    Superseded,
    Urgency,
    WrappedUp,
)
from hookflash.promise import contact_of, due_time
from hookflash.redact import whisper
from hookflash.steps import Setting, Step, alert, changed, deliver

# How long a desk may take before the handoff goes on without its receipt. Two seconds is what a frightened caller can
# be kept waiting for a ticket; anybody else is better served by a responder who has the ticket open.
BRIEF_DEADLINE = {
    Urgency.IMMEDIATE: timedelta(seconds=2),
    Urgency.HIGH: timedelta(seconds=20),
    Urgency.NORMAL: timedelta(seconds=20),
}
# A line that has not even begun to ring by then counts as not answering.
RING_ORDER_GRACE = timedelta(seconds=10)
RINGING, CLOSED, NO_ANSWER = "ringing", "closed", "no answer"
DECLINED: Literal["declined"] = "declined"


# Towards the next rung


def approach(handoff: Handoff, first: int, at: Setting) -> Step:
    """Go to the first rung from `first` on that is open now, or to the promise; brief the desk there first."""
    number, passed = _next_open(handoff, first, at)
    ahead = changed(handoff, state=State.REQUESTED, rung=number, ringing=None, attempts=(*handoff.attempts, *passed))
    if _is_briefed(ahead):
        return _go(ahead, at)
    late = SetTimer(at=at.now + BRIEF_DEADLINE[ahead.plan.urgency], event=BriefLate())
    return Step(ahead, (ClearTimers(events=OF_LADDER), deliver(ahead, _desk_ahead(ahead)), late))


def _next_open(handoff: Handoff, first: int, at: Setting) -> tuple[int | None, list[RingAttempt]]:
    """Return the number of the next open rung, if any, and a note on each closed one before it."""
    passed: list[RingAttempt] = []
    for number, rung in enumerate(handoff.plan.ladder[first:], start=first):
        if is_open(at.matrix.calendars[rung.hours], at.now):
            return number, passed
        passed.append(RingAttempt(responder=rung.responder, line=rung.line, at=at.now, answer=CLOSED))
    return None, passed


def _desk_ahead(handoff: Handoff) -> str:
    return handoff.plan.promise.desk if handoff.rung is None else handoff.plan.ladder[handoff.rung].desk


def _is_briefed(handoff: Handoff) -> bool:
    """Whether the handoff may go on: the desk ahead holds the brief, or our own does, or there was no time left."""
    if handoff.rung is None and handoff.receipts:
        return True  # nobody is rung; any ticket will do for the promise
    if handoff.briefed_late and handoff.plan.urgency is Urgency.IMMEDIATE:
        return True
    return bool(handoff.receipt_of(_desk_ahead(handoff)) or handoff.receipt_of(BUILTIN_DESK))


def _go(handoff: Handoff, at: Setting) -> Step:
    """Ring the rung ahead, or make the promise."""
    if handoff.rung is None:
        return _make_promise(handoff, at, tell=True)
    rung = handoff.plan.ladder[handoff.rung]
    key = f"{handoff.id}:ring:{handoff.version}"
    inside = at.matrix.business.regulated is None or at.matrix.responders[rung.responder].baa
    ring = Ring(key=key, to=rung, whisper=whisper(handoff.brief, handoff.receipt, inside=inside))
    timeout = SetTimer(at=at.now + rung.ring_for + RING_ORDER_GRACE, event=RingFailed(key=key, answer=NO_ANSWER))
    behind = () if handoff.receipt_of(rung.desk) else (deliver(handoff, rung.desk),)
    return Step(changed(handoff, state=State.BRIEFED, ringing=key), (ClearTimers(events=OF_LADDER), ring, timeout, *behind))


# The brief


def brief_delivered(handoff: Handoff, event: BriefDelivered, at: Setting) -> Step:
    """The desk ahead (or our own in its place) holds the brief: go on."""
    held = _receive(handoff, event)
    if held is handoff:
        return Step(handoff)
    if event.receipt.desk in (_desk_ahead(handoff), BUILTIN_DESK):
        return approach(held, len(held.plan.ladder) if held.rung is None else held.rung, at)
    return Step(held)


def receipt_only(handoff: Handoff, event: BriefDelivered, at: Setting) -> Step:
    """A receipt that comes behind is kept."""
    return Step(_receive(handoff, event))


def _receive(handoff: Handoff, event: BriefDelivered) -> Handoff:
    """Keep the receipt, unless it is of a brief from before the plan became another, or older than the one there is."""
    known = handoff.receipt_of(event.receipt.desk)
    newest = max(handoff.brief_from, known.revision if known else 0)
    if 0 < event.receipt.revision < newest:
        return handoff
    others = tuple(receipt for receipt in handoff.receipts if receipt.desk != event.receipt.desk)
    return changed(handoff, receipts=(*others, event.receipt))


def brief_refused(handoff: Handoff, event: BriefRefused, at: Setting) -> Step:
    """The desk said no for good: our own takes its place; should that refuse as well, go on without."""
    noise = _refusal(handoff, event)
    if event.desk == BUILTIN_DESK:
        onward = _go(changed(handoff, briefed_late=True), at)
        return Step(onward.handoff, (noise, *onward.commands))
    return Step(changed(handoff, briefed_late=True), (noise, deliver(handoff, BUILTIN_DESK)))


def kept_here(handoff: Handoff, event: BriefRefused, at: Setting) -> Step:
    """A later brief was refused: keep it on our own desk, so that it is on one at least."""
    own = () if event.desk == BUILTIN_DESK else (deliver(handoff, BUILTIN_DESK),)
    return Step(changed(handoff), (_refusal(handoff, event), *own))


def brief_late(handoff: Handoff, event: BriefLate, at: Setting) -> Step:
    """The desk takes too long. An emergency goes on at once; others wait once more, for our own desk."""
    desk = _desk_ahead(handoff)
    noise = alert(handoff, "brief_late", f"desk {desk} has not acknowledged the brief of {handoff.id}")
    late = changed(handoff, briefed_late=True)
    if handoff.plan.urgency is Urgency.IMMEDIATE or desk == BUILTIN_DESK or handoff.briefed_late:
        onward = _go(late, at)
        return Step(onward.handoff, (noise, *onward.commands))
    again = SetTimer(at=at.now + BRIEF_DEADLINE[handoff.plan.urgency], event=BriefLate())
    return Step(late, (noise, deliver(handoff, BUILTIN_DESK), again))


def _refusal(handoff: Handoff, event: BriefRefused) -> Alert:
    """The reason stays with the record: an adapter's words may repeat the customer's."""
    return alert(handoff, "brief_refused", f"desk {event.desk} refused the brief of {handoff.id}")


# The ring


def ring_started(handoff: Handoff, event: RingStarted, at: Setting) -> Step:
    """It rings: only now is the customer told so, and that the brief is there only where it is."""
    if handoff.rung is None or event.key != handoff.ringing:
        return Step(handoff)
    rung = handoff.plan.ladder[handoff.rung]
    attempt = RingAttempt(responder=rung.responder, line=rung.line, at=at.now, answer=RINGING)
    told = "connecting" if handoff.receipt_of(rung.desk) else "ringing"
    text = words(at.matrix, handoff.language, told, responder=at.matrix.spoken_name(rung.responder))
    say = Say(key=f"{event.key}:{told}", text=text, ringing=event.key)
    timeout = SetTimer(at=at.now + rung.ring_for, event=RingFailed(key=event.key, answer=NO_ANSWER))
    return Step(changed(handoff, state=State.RINGING, attempts=(*handoff.attempts, attempt)), (say, timeout))


def ring_failed(handoff: Handoff, event: RingFailed, at: Setting) -> Step:
    """Nobody took it there: stop ringing and go to the next."""
    if handoff.rung is None or event.key != handoff.ringing:
        return Step(handoff)
    stop = () if event.answer.startswith(DECLINED) else _stop(handoff)
    noise = (alert(handoff, "line_failed", f"the line to rung {handoff.rung + 1} of {handoff.id} failed"),) if event.broken else ()
    onward = approach(_answered(handoff, event.answer, at.now), handoff.rung + 1, at)
    return Step(onward.handoff, (*stop, *noise, *onward.commands))


def accepted(handoff: Handoff, event: Accepted, at: Setting) -> Step:
    """A person takes the conversation, whether it rings at theirs or at somebody else's."""
    stop: tuple[Command, ...] = ()
    answered = handoff
    if handoff.rung is not None and handoff.ringing is not None:
        mine = handoff.plan.ladder[handoff.rung].responder == event.responder
        answered = _answered(handoff, "accepted" if mine else f"taken by {event.responder}", at.now)
        stop = () if mine else _stop(handoff)
    connected = fulfilled(changed(answered, state=State.CONNECTED, responder=event.responder), at.now)
    return Step(connected, (*stop, ClearTimers(events=(*OF_LADDER, *OF_PROMISE))))


def accepted_again(handoff: Handoff, event: Accepted, at: Setting) -> Step:
    """The same person may say it twice; a second person is told who was first."""
    if event.responder != handoff.responder:
        raise ForbiddenMove(f"handoff {handoff.id} was taken by {handoff.responder} already; it can take: handed_back, wrapped_up")
    return Step(handoff)


def _answered(handoff: Handoff, answer: str, now: datetime) -> Handoff:
    """Note what came of the ring under way."""
    rung: Rung = handoff.plan.ladder[handoff.rung or 0]
    earlier = handoff.attempts
    if earlier and earlier[-1].answer == RINGING:
        earlier = earlier[:-1]
    attempt = RingAttempt(responder=rung.responder, line=rung.line, at=now, answer=answer)
    return changed(handoff, attempts=(*earlier, attempt), rung=None, ringing=None)


def _stop(handoff: Handoff) -> tuple[Command, ...]:
    if handoff.rung is None or handoff.ringing is None:
        return ()
    return (StopRinging(key=f"{handoff.ringing}:stop", to=handoff.plan.ladder[handoff.rung]),)


# The promise


def _make_promise(handoff: Handoff, at: Setting, *, tell: bool) -> Step:
    """Promise that somebody gets back. What was told before stands, unless its time has passed."""
    terms, customer, before = handoff.plan.promise, handoff.brief.customer, _owed(handoff)
    contact = contact_of(customer, handoff.channel) or (before.contact if before else None)
    due = due_time(terms, at.matrix, at.now, waiting=at.promised, zone=customer.timezone if contact == "phone" else None)
    if before is not None and at.now < before.due and (before.due < due or before.agreed):
        due = before.due
    text = promise_words(handoff, due, contact, at)
    kept = before or handoff.promise
    promise = Promise(
        id=f"{handoff.id}:promise",
        due=due,
        made_at=before.made_at if before else at.now,
        by=terms.desk,
        told=text if tell else before and before.told,
        contact=contact,
        assigned=before.assigned if before else None,
        log=kept.log if kept else (),
    )
    brief = handoff.brief.model_copy(update={"promise": promise, "revision": handoff.brief.revision + 1})
    promised = changed(handoff, state=State.PROMISED, rung=None, ringing=None, promise=promise, brief=brief)
    said = (Say(key=f"{handoff.id}:promise:{brief.revision}", text=text, due=due),) if tell else ()
    noise = (alert(handoff, "nobody", f"nobody took {handoff.id}"),) if handoff.plan.urgency is Urgency.IMMEDIATE else ()
    return Step(promised, (ClearTimers(events=OF_LADDER), deliver(promised, terms.desk), *said, *noise, *watch(due, at.now)))


def _owed(handoff: Handoff) -> Promise | None:
    """Return the promise that stands open, overdue or not."""
    return handoff.promise if handoff.promise and handoff.promise.state in ("open", "overdue") else None


def customer_left(handoff: Handoff, event: Event, at: Setting) -> Step:
    """Nobody is left to be told anything, but somebody will get back to them, if there is any way to."""
    reached = contact_of(handoff.brief.customer, handoff.channel) is not None or _owed(handoff) is not None
    if not reached and handoff.plan.urgency is not Urgency.IMMEDIATE:
        abandoned = changed(handoff, state=State.ABANDONED, rung=None, ringing=None)
        desk = () if handoff.receipts else (deliver(abandoned, handoff.plan.promise.desk),)
        return Step(abandoned, (*_stop(handoff), ClearTimers(events=OF_LADDER), *desk))
    promised = _make_promise(handoff, at, tell=False)
    return Step(promised.handoff, (*_stop(handoff), *promised.commands))


# The customer and the responder


def more_context(handoff: Handoff, event: CustomerSpoke, at: Setting) -> Step:
    """Add what the customer said to the brief; a responder who is there already needs no more than that."""
    updated = changed(handoff, brief=_next_revision(handoff, event))
    desks = dict.fromkeys([*(receipt.desk for receipt in handoff.receipts), *([] if handoff.responder else [_desk_ahead(handoff)])])
    return Step(updated, tuple(deliver(updated, desk) for desk in desks))


def customer_spoke(handoff: Handoff, event: CustomerSpoke, at: Setting) -> Step:
    """Add what the customer said; where it calls for a new plan, start again on that, brief first.

    Who holds a promise and only now says how to be reached, or puts their number right, is told again.
    """
    if event.raised is None:
        more = more_context(handoff, event, at)
        promise, contact = handoff.promise, contact_of(event.brief.customer, handoff.channel)
        changes = promise is not None and (promise.contact, handoff.brief.customer.phone) != (contact, event.brief.customer.phone)
        if handoff.state is State.PROMISED and changes and contact == "phone":
            again = _make_promise(more.handoff, at, tell=True)
            return Step(again.handoff, (*more.commands, *again.commands))
        return more
    brief = _next_revision(handoff, event)
    raised = _with_new_brief(handoff, brief, decision=event.decision, plan=event.raised, rung=None, ringing=None)
    onward = approach(raised, 0, at)
    return Step(onward.handoff, (*_stop(handoff), *onward.commands))


def _with_new_brief(handoff: Handoff, brief: Brief, **changes: Any) -> Handoff:
    """Return the handoff with a brief that must be on a desk anew before anybody is rung."""
    return changed(handoff, brief=brief, brief_from=brief.revision, receipts=(), **changes)


def _next_revision(handoff: Handoff, event: CustomerSpoke) -> Brief:
    before = handoff.brief
    return event.brief.model_copy(update={"revision": before.revision + 1, "promise": before.promise, "earlier": before.earlier})


def came_back(handoff: Handoff, event: CustomerSpoke, at: Setting) -> Step:
    """A customer who had left is there again: begin anew, with what they say now on the desk first."""
    here = _with_new_brief(handoff, _next_revision(handoff, event))
    if event.raised is not None:
        here = changed(here, decision=event.decision, plan=event.raised)
    return approach(here, 0, at)


def go_on_from(handoff: Handoff, earlier: Handoff, at: Setting) -> Step:
    """Begin a handoff whose customer has an open one: what was promised then is owed now."""
    owed = _owed(earlier)
    brief = handoff.brief.model_copy(update={"earlier": earlier.id, "promise": owed})
    onward = approach(changed(handoff, brief=brief, promise=owed), 0, at)
    return Step(onward.handoff, (*onward.commands, *(watch(owed.due, at.now) if owed else ())))


def superseded(handoff: Handoff, event: Superseded, at: Setting) -> Step:
    """The customer asked again in another conversation; what is owed to them is owed there now."""
    brief = handoff.brief.model_copy(update={"revision": handoff.brief.revision + 1})
    ended = changed(handoff, state=State.WRAPPED, result=f"goes on in {event.by}", brief=brief)
    gone = with_promise(ended, state="moved")
    told = tuple(deliver(gone, receipt.desk) for receipt in handoff.receipts)
    return Step(gone, (ClearTimers(events=(*OF_LADDER, *OF_PROMISE)), *told))


def handed_back(handoff: Handoff, event: HandedBack, at: Setting) -> Step:
    """The assistant owns the conversation again."""
    return Step(changed(handoff, state=State.RETURNED, result=event.result))


def wrapped_up(handoff: Handoff, event: WrappedUp, at: Setting) -> Step:
    """The responder closed the case."""
    return Step(changed(handoff, state=State.WRAPPED, result=event.disposition))
