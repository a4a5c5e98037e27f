"""The life of a handoff, as a table.

Rules:
- A handoff changes only by an event. Time, and every deadline, comes as an event too.
- No transition leads from `requested` to `ringing`: the brief comes first. For an immediate handoff the desk has
  `BRIEF_DEADLINE[immediate]`; then the brief travels with the ring, and the record says `briefed_late`.
- Whoever declines, does not answer or cannot be reached, the next rung is tried; after the last comes a promise.
- An event that comes too late (an answer from a rung already given up) changes nothing. A move that a person orders
  and that the state does not allow is refused with `ForbiddenMove`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hookflash.errors import ForbiddenMove
from hookflash.hours import is_open
from hookflash.matrix import Matrix, words
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
    DeliverBrief,
    Event,
    HandedBack,
    Handoff,
    Promise,
    PromiseDue,
    PromiseKept,
    PromiseNear,
    Ring,
    RingAttempt,
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
from hookflash.promise import due_time, reminder_time, spoken_time
from hookflash.redact import whisper

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


class Step(NamedTuple):
    """The handoff after an event, and what must be done about it."""

    handoff: Handoff
    commands: tuple[Command, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """What a transition may look at besides the handoff: the matrix revision it began with, and the time."""

    matrix: Matrix
    now: datetime


Handler = Callable[[Handoff, Any, Setting], Step]


def begin(handoff: Handoff, now: datetime) -> tuple[Command, ...]:
    """Return what must be done about a handoff just requested: brief the desk, and not wait for it forever."""
    late = SetTimer(at=now + BRIEF_DEADLINE[handoff.plan.urgency], event=BriefLate())
    return _deliver(handoff, handoff.plan.desk), late


def step(handoff: Handoff, event: Event, matrix: Matrix, now: datetime) -> Step:
    """Return the handoff after an event, and the commands that follow. Raises `ForbiddenMove`."""
    transition = TRANSITIONS.get(handoff.state, {}).get(event.kind)
    if transition is None:
        if event.kind in ORDERS:
            raise ForbiddenMove(_refusal(handoff, event))
        return Step(handoff)
    after = transition.handler(handoff, event, Setting(matrix, now))
    if after.handoff is handoff:
        return after
    return Step(after.handoff.model_copy(update={"version": handoff.version + 1, "changed_at": now}), after.commands)


def _refusal(handoff: Handoff, event: Event) -> str:
    can = sorted(kind for kind in TRANSITIONS.get(handoff.state, {}) if kind in ORDERS)
    mend = f"it can take: {', '.join(can)}" if can else "it takes no further orders"
    return f"handoff {handoff.id} is {handoff.state} and cannot take {event.kind}; {mend}"


# The brief


def _brief_delivered(handoff: Handoff, event: BriefDelivered, at: Setting) -> Step:
    return _ring_from(_with(handoff, state=State.BRIEFED, receipt=event.receipt), 0, at)


def _receipt_only(handoff: Handoff, event: BriefDelivered, at: Setting) -> Step:
    """A receipt that comes behind: kept where there is none yet, or where it is that of the desk we meant."""
    if handoff.receipt is not None and event.receipt.desk != handoff.plan.desk:
        return Step(handoff)
    return Step(_with(handoff, receipt=event.receipt))


def _brief_refused(handoff: Handoff, event: BriefRefused, at: Setting) -> Step:
    noise = _alert(handoff, "brief_refused", f"desk {event.desk} refused the brief of {handoff.id}: {event.why}")
    if event.desk == BUILTIN_DESK:
        late = _ring_from(_with(handoff, state=State.BRIEFED, briefed_late=True), 0, at)
        return Step(late.handoff, (noise, *late.commands))
    return Step(_with(handoff, briefed_late=True), (noise, _deliver(handoff, BUILTIN_DESK)))


def _kept_here(handoff: Handoff, event: BriefRefused, at: Setting) -> Step:
    """A later brief was refused: keep it on our own desk, so that it is on one at least."""
    noise = _alert(handoff, "brief_refused", f"desk {event.desk} refused the brief of {handoff.id}: {event.why}")
    if event.desk == BUILTIN_DESK:
        return Step(_with(handoff), (noise,))
    return Step(_with(handoff), (noise, _deliver(handoff, BUILTIN_DESK)))


def _brief_late(handoff: Handoff, event: BriefLate, at: Setting) -> Step:
    noise = _alert(handoff, "brief_late", f"desk {handoff.plan.desk} has not acknowledged the brief of {handoff.id}")
    late = _with(handoff, briefed_late=True)
    if handoff.plan.urgency is not Urgency.IMMEDIATE and handoff.plan.desk != BUILTIN_DESK and not handoff.briefed_late:
        again = SetTimer(at=at.now + BRIEF_DEADLINE[handoff.plan.urgency], event=BriefLate())
        return Step(late, (noise, _deliver(handoff, BUILTIN_DESK), again))
    onward = _ring_from(_with(late, state=State.BRIEFED), 0, at)
    return Step(onward.handoff, (noise, *onward.commands))


def _deliver(handoff: Handoff, desk: str) -> DeliverBrief:
    return DeliverBrief(key=f"{handoff.id}:brief:{desk}:{handoff.brief.revision}", desk=desk)


# The ladder


def _ring_from(handoff: Handoff, first: int, at: Setting) -> Step:
    """Ring the first rung from `first` on that is open now; where there is none, make a promise."""
    attempts = list(handoff.attempts)
    for number, rung in enumerate(handoff.plan.ladder[first:], start=first):
        if is_open(at.matrix.calendars[rung.hours], at.now):
            return _order_ring(_with(handoff, state=State.BRIEFED, attempts=tuple(attempts)), number, rung, at)
        attempts.append(RingAttempt(responder=rung.responder, line=rung.line, at=at.now, answer=CLOSED))
    return _make_promise(_with(handoff, attempts=tuple(attempts)), at, tell=True)


def _order_ring(handoff: Handoff, number: int, rung: Rung, at: Setting) -> Step:
    inside = at.matrix.business.regulated is None or at.matrix.responders[rung.responder].baa
    key = f"{handoff.id}:ring:{handoff.version}"
    ring = Ring(key=key, to=rung, whisper=whisper(handoff.brief, handoff.receipt, inside=inside))
    deadline = at.now + rung.ring_for + RING_ORDER_GRACE
    ordered = _with(handoff, rung=number, ringing=key)
    return Step(ordered, (ClearTimers(), ring, SetTimer(at=deadline, event=RingFailed(key=key, answer=NO_ANSWER))))


def _ring_started(handoff: Handoff, event: RingStarted, at: Setting) -> Step:
    if handoff.rung is None or event.key != handoff.ringing:
        return Step(handoff)
    rung = handoff.plan.ladder[handoff.rung]
    attempt = RingAttempt(responder=rung.responder, line=rung.line, at=at.now, answer=RINGING)
    told = "connecting" if handoff.receipt else "ringing"
    text = words(at.matrix, handoff.language, told, responder=at.matrix.spoken_name(rung.responder))
    say = Say(key=f"{handoff.id}:{told}:{handoff.version}", text=text)
    timeout = SetTimer(at=at.now + rung.ring_for, event=RingFailed(key=event.key, answer=NO_ANSWER))
    ringing = _with(handoff, state=State.RINGING, attempts=(*handoff.attempts, attempt))
    return Step(ringing, (say, ClearTimers(), timeout))


def _ring_failed(handoff: Handoff, event: RingFailed, at: Setting) -> Step:
    if handoff.rung is None or event.key != handoff.ringing:
        return Step(handoff)
    rung = handoff.plan.ladder[handoff.rung]
    stop = (_stop(handoff),) if event.answer == NO_ANSWER else ()
    onward = _ring_from(_answered(handoff, rung, event.answer, at.now), handoff.rung + 1, at)
    return Step(onward.handoff, (*stop, *onward.commands))


def _answered(handoff: Handoff, rung: Rung, answer: str, now: datetime) -> Handoff:
    """Note what came of the current rung."""
    earlier = handoff.attempts
    if earlier and earlier[-1].answer == RINGING:
        earlier = earlier[:-1]
    attempt = RingAttempt(responder=rung.responder, line=rung.line, at=now, answer=answer)
    return _with(handoff, attempts=(*earlier, attempt), rung=None, ringing=None)


def _stop(handoff: Handoff) -> StopRinging:
    return StopRinging(key=f"{handoff.id}:stop:{handoff.version}", to=handoff.plan.ladder[handoff.rung or 0])


def _accepted(handoff: Handoff, event: Accepted, at: Setting) -> Step:
    answered = handoff
    stop: tuple[Command, ...] = ()
    if handoff.rung is not None:
        rung = handoff.plan.ladder[handoff.rung]
        mine = rung.responder == event.responder
        answered = _answered(handoff, rung, "accepted" if mine else f"taken by {event.responder}", at.now)
        stop = () if mine else (_stop(handoff),)
    promise = handoff.promise and handoff.promise.model_copy(update={"state": "kept"})
    connected = _with(answered, state=State.CONNECTED, responder=event.responder, promise=promise)
    return Step(connected, (*stop, ClearTimers()))


# The promise


def _make_promise(handoff: Handoff, at: Setting, *, tell: bool) -> Step:
    terms = handoff.plan.promise
    due = due_time(terms, at.matrix, at.now)
    if handoff.promise is not None and at.now < handoff.promise.due < due:
        due = handoff.promise.due  # what was told stands
    text = words(
        at.matrix,
        handoff.language,
        terms.say,
        callback_by=spoken_time(due, at.matrix, handoff.language),
        ticket=handoff.receipt.ticket if handoff.receipt else handoff.id,
        responder="",
    )
    promise = Promise(id=f"{handoff.id}:promise", due=due, made_at=at.now, by=terms.desk, told=text if tell else None)
    brief = handoff.brief.model_copy(update={"promise": promise, "revision": handoff.brief.revision + 1})
    promised = _with(handoff, state=State.PROMISED, rung=None, ringing=None, promise=promise, brief=brief)
    said = (Say(key=f"{handoff.id}:promise:{brief.revision}", text=text),) if tell else ()
    noise = (_alert(handoff, "nobody", f"nobody took {handoff.id}"),) if handoff.plan.urgency is Urgency.IMMEDIATE else ()
    timers = (
        SetTimer(at=reminder_time(due, at.now), event=PromiseNear()),
        SetTimer(at=due, event=PromiseDue()),
    )
    return Step(promised, (ClearTimers(), _deliver(promised, terms.desk), *said, *noise, *timers))


def _customer_left(handoff: Handoff, event: Event, at: Setting) -> Step:
    stop = (_stop(handoff),) if handoff.rung is not None else ()
    promised = _make_promise(handoff, at, tell=False)
    return Step(promised.handoff, (*stop, *promised.commands))


def _promise_near(handoff: Handoff, event: PromiseNear, at: Setting) -> Step:
    return Step(_with(handoff), (_alert(handoff, "promise_near", f"the promise of {handoff.id} falls due soon"),))


def _promise_due(handoff: Handoff, event: PromiseDue, at: Setting) -> Step:
    promise = handoff.promise and handoff.promise.model_copy(update={"state": "overdue"})
    noise = _alert(handoff, "promise_overdue", f"the promise of {handoff.id} is overdue")
    return Step(_with(handoff, state=State.OVERDUE, promise=promise), (noise,))


def _promise_kept(handoff: Handoff, event: PromiseKept, at: Setting) -> Step:
    promise = handoff.promise and handoff.promise.model_copy(update={"state": "kept"})
    return Step(_with(handoff, state=State.KEPT, promise=promise, result=event.result), (ClearTimers(),))


# The customer and the responder


def _more_context(handoff: Handoff, event: CustomerSpoke, at: Setting) -> Step:
    """Add what the customer said to the brief; a responder who is there already needs no more than that."""
    updated = _with(handoff, brief=_next_revision(handoff, event))
    return Step(updated, (_deliver(updated, handoff.plan.desk),))


def _customer_spoke(handoff: Handoff, event: CustomerSpoke, at: Setting) -> Step:
    """Add what the customer said; if it became more urgent, start again on the new plan."""
    if event.raised is None:
        return _more_context(handoff, event, at)
    stop = (_stop(handoff),) if handoff.rung is not None else ()
    raised = _with(handoff, decision=event.decision, plan=event.raised, brief=_next_revision(handoff, event))
    raised = _with(raised, rung=None, ringing=None)
    unbriefed = raised.receipt is None and not raised.briefed_late
    if handoff.state is State.REQUESTED or unbriefed:
        return Step(_with(raised, state=State.REQUESTED), (*stop, *begin(raised, at.now)))
    onward = _ring_from(raised, 0, at)
    return Step(onward.handoff, (*stop, _deliver(raised, event.raised.desk), *onward.commands))


def _next_revision(handoff: Handoff, event: CustomerSpoke) -> Brief:
    return event.brief.model_copy(update={"revision": handoff.brief.revision + 1, "promise": handoff.brief.promise})


def _handed_back(handoff: Handoff, event: HandedBack, at: Setting) -> Step:
    return Step(_with(handoff, state=State.RETURNED, result=event.result), (ClearTimers(),))


def _wrapped_up(handoff: Handoff, event: WrappedUp, at: Setting) -> Step:
    return Step(_with(handoff, state=State.WRAPPED, result=event.disposition), (ClearTimers(),))


def _alert(handoff: Handoff, name: str, what: str) -> Alert:
    return Alert(key=f"{handoff.id}:{name}:{handoff.version}", what=what)


def _with(handoff: Handoff, **changes: Any) -> Handoff:
    return handoff.model_copy(update=changes)


class Transition(NamedTuple):
    """What an event does in a state, and where it may lead."""

    handler: Handler
    leads_to: tuple[State, ...]


_ONWARD = (State.BRIEFED, State.PROMISED)
_PROMISE_MOVES = {
    "brief_delivered": Transition(_receipt_only, ()),
    "brief_refused": Transition(_kept_here, ()),
    "accepted": Transition(_accepted, (State.CONNECTED,)),
    "customer_spoke": Transition(_customer_spoke, (State.REQUESTED, *_ONWARD)),
    "promise_kept": Transition(_promise_kept, (State.KEPT,)),
}

TRANSITIONS: Mapping[State, Mapping[str, Transition]] = {
    State.REQUESTED: {
        "brief_delivered": Transition(_brief_delivered, _ONWARD),
        "brief_refused": Transition(_brief_refused, (State.REQUESTED, *_ONWARD)),
        "brief_late": Transition(_brief_late, (State.REQUESTED, *_ONWARD)),
        "customer_spoke": Transition(_customer_spoke, (State.REQUESTED,)),
        "customer_left": Transition(_customer_left, (State.PROMISED,)),
    },
    State.BRIEFED: {
        "brief_delivered": Transition(_receipt_only, ()),
        "brief_refused": Transition(_kept_here, ()),
        "ring_started": Transition(_ring_started, (State.RINGING,)),
        "ring_failed": Transition(_ring_failed, _ONWARD),
        "accepted": Transition(_accepted, (State.CONNECTED,)),
        "customer_spoke": Transition(_customer_spoke, _ONWARD),
        "customer_left": Transition(_customer_left, (State.PROMISED,)),
    },
    State.RINGING: {
        "brief_delivered": Transition(_receipt_only, ()),
        "brief_refused": Transition(_kept_here, ()),
        "ring_failed": Transition(_ring_failed, _ONWARD),
        "accepted": Transition(_accepted, (State.CONNECTED,)),
        "customer_spoke": Transition(_customer_spoke, _ONWARD),
        "customer_left": Transition(_customer_left, (State.PROMISED,)),
    },
    State.CONNECTED: {
        "brief_delivered": Transition(_receipt_only, ()),
        "brief_refused": Transition(_kept_here, ()),
        "customer_spoke": Transition(_more_context, ()),
        "handed_back": Transition(_handed_back, (State.RETURNED,)),
        "wrapped_up": Transition(_wrapped_up, (State.WRAPPED,)),
    },
    State.PROMISED: {
        **_PROMISE_MOVES,
        "promise_near": Transition(_promise_near, ()),
        "promise_due": Transition(_promise_due, (State.OVERDUE,)),
    },
    State.OVERDUE: _PROMISE_MOVES,
    State.WRAPPED: {},
    State.RETURNED: {},
    State.KEPT: {},
}
# Events that a person orders. In a state that does not know them they are refused, not passed over.
ORDERS = frozenset({"accepted", "handed_back", "wrapped_up", "promise_kept", "customer_left"})


def diagram() -> str:
    """Return the table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.REQUESTED}"]
    for state, transitions in TRANSITIONS.items():
        for kind, transition in transitions.items():
            lines += [f"    {state} --> {target}: {kind}" for target in transition.leads_to]
        if not transitions:
            lines.append(f"    {state} --> [*]")
    return "\n".join(lines)
