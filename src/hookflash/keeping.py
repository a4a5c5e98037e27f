"""What becomes of a promise: reminded of, attempted, moved at the customer's word, kept, or broken and taken further."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hookflash.errors import ForbiddenMove
from hookflash.hours import is_open
from hookflash.matrix import words_about
from hookflash.model import (
    ClearTimers,
    Command,
    Contact,
    Handoff,
    Promise,
    PromiseAssigned,
    PromiseAttempted,
    PromiseBroken,
    PromiseDue,
    PromiseEntry,
    PromiseKept,
    PromiseNear,
    PromiseRescheduled,
    Rung,
    Say,
    SetTimer,
    State,
    Urgency,
)
from hookflash.promise import number_heard, reminder_time, spoken_time
from hookflash.steps import Setting, Step, alert, changed, deliver

OF_LADDER = ("brief_late", "ring_failed")
OF_PROMISE = ("promise_near", "promise_due")
# How long whoever took over a broken promise has before it goes to the next contact: an emergency waits for nobody.
NEXT_BREACH = {
    Urgency.IMMEDIATE: timedelta(minutes=5),
    Urgency.HIGH: timedelta(minutes=30),
    Urgency.NORMAL: timedelta(hours=1),
}


def promise_words(handoff: Handoff, due: datetime, contact: Contact | None, at: Setting) -> str:
    """Return what the customer is told of a promise, in their own time.

    The number told is the ticket's where a desk holds one, else the handoff's own, by which we find it.
    """
    number = handoff.receipt.ticket if handoff.receipt else handoff.id
    by = spoken_time(due, at.matrix, handoff.language, handoff.brief.customer.timezone)
    heard = number_heard(handoff.brief)
    return words_about(at.matrix, handoff.language, handoff.plan.promise.say, contact, heard, callback_by=by, ticket=number)


def watch(due: datetime, now: datetime) -> tuple[SetTimer, ...]:
    """Return the timers of a promise: a reminder, and its end. One that is overdue already ends at once."""
    end = SetTimer(at=max(due, now), event=PromiseDue())
    return (SetTimer(at=reminder_time(due, now), event=PromiseNear()), end) if due > now else (end,)


def promise_near(handoff: Handoff, event: PromiseNear, at: Setting) -> Step:
    """Remind those who must keep it."""
    who = handoff.promise.assigned if handoff.promise else None
    named = f"; {who} has it" if who else ""
    return Step(changed(handoff), (alert(handoff, "promise_near", f"the promise of {handoff.id} falls due soon{named}"),))


def promise_due(handoff: Handoff, event: PromiseDue, at: Setting) -> Step:
    """Its time has come and nobody kept it: the next contact of the matrix gets it, and after them the next.

    A ladder that is being climbed meanwhile goes on. Where the clock was set back since the timer was taken, it is set anew.
    """
    if handoff.promise is not None and at.now < handoff.promise.due:
        return Step(changed(handoff), watch(handoff.promise.due, at.now))
    following = _next_contact(handoff, at)
    entry = PromiseEntry(at=at.now, what="overdue", who=following.responder if following else None)
    overdue = _noted(handoff, entry, state="overdue", assigned=entry.who)
    named = f"; {entry.who} is asked to keep it" if entry.who else ""
    noise = alert(handoff, "promise_overdue", f"the promise of {handoff.id} is overdue{named}")
    brief = (deliver(overdue, following.desk),) if following else ()
    again = SetTimer(at=at.now + NEXT_BREACH[handoff.plan.urgency], event=PromiseDue())
    state = State.OVERDUE if handoff.state is State.PROMISED else handoff.state
    return Step(changed(overdue, state=state), (noise, *brief, again))


def _next_contact(handoff: Handoff, at: Setting) -> Rung | None:
    """Return the rung of the ladder that comes after whoever has the promise now; those who are there come first."""
    ladder: Sequence[Rung] = handoff.plan.ladder
    names = [rung.responder for rung in ladder]
    assigned = handoff.promise.assigned if handoff.promise else None
    start = names.index(assigned) + 1 if assigned in names else 0
    order = [*ladder[start:], *ladder[:start]]
    there = [rung for rung in order if is_open(at.matrix.calendars[rung.hours], at.now)]
    return next(iter([*there, *order]), None)


def promise_kept(handoff: Handoff, event: PromiseKept, at: Setting) -> Step:
    """A person did what was promised."""
    kept = fulfilled(changed(handoff, state=State.KEPT, result=event.result), at.now)
    return Step(kept, (ClearTimers(events=(*OF_LADDER, *OF_PROMISE)),))


def promise_broken(handoff: Handoff, event: PromiseBroken, at: Setting) -> Step:
    """A person closes it unkept, and says why."""
    broken = _noted(handoff, PromiseEntry(at=at.now, what="broken", word=event.why), state="broken")
    noise = alert(handoff, "promise_broken", f"the promise of {handoff.id} was given up")
    return Step(changed(broken, state=State.WRAPPED, result=event.why), (noise, ClearTimers(events=OF_PROMISE)))


def promise_attempted(handoff: Handoff, event: PromiseAttempted, at: Setting) -> Step:
    """Somebody tried to keep it, and the customer was not to be reached. It stays open."""
    return Step(_noted(handoff, PromiseEntry(at=at.now, what="attempted", who=event.by, word=event.what)))


def promise_assigned(handoff: Handoff, event: PromiseAssigned, at: Setting) -> Step:
    """Somebody takes it on themselves, or is given it."""
    return Step(_noted(handoff, PromiseEntry(at=at.now, what="assigned", who=event.to), assigned=event.to))


def promise_rescheduled(handoff: Handoff, event: PromiseRescheduled, at: Setting) -> Step:
    """The customer agreed to another time. It is told them again, and watched from now on."""
    if event.due <= at.now:
        raise ForbiddenMove("a promise cannot be moved into the past; name a time that is still to come")
    entry = PromiseEntry(at=at.now, what="rescheduled", who=event.by, word=event.word)
    moved = _noted(handoff, entry, state="open", due=event.due)
    text = promise_words(moved, event.due, moved.promise.contact if moved.promise else None, at)
    moved = with_promise(changed(moved, state=State.PROMISED), told=text)
    say = Say(key=f"{handoff.id}:promise:{moved.brief.revision}", text=text, due=event.due)
    commands: tuple[Command, ...] = (deliver(moved, handoff.plan.promise.desk), say, *watch(event.due, at.now))
    return Step(moved, commands)


def fulfilled(handoff: Handoff, now: datetime) -> Handoff:
    """Return the handoff with its promise, if it made one, kept: in time or late."""
    if handoff.promise is None:
        return handoff
    return with_promise(handoff, state="kept" if now <= handoff.promise.due else "late")


def with_promise(handoff: Handoff, **changes: Any) -> Handoff:
    """Return the handoff with its promise changed, in the brief as well."""
    promise: Promise | None = handoff.promise and handoff.promise.model_copy(update=changes)
    return changed(handoff, promise=promise, brief=handoff.brief.model_copy(update={"promise": promise}))


def _noted(handoff: Handoff, entry: PromiseEntry, **changes: Any) -> Handoff:
    """Return the handoff with one more line in the record of its promise, as a new revision of the brief."""
    log = (*handoff.promise.log, entry) if handoff.promise else ()
    brief = handoff.brief.model_copy(update={"revision": handoff.brief.revision + 1})
    return with_promise(changed(handoff, brief=brief), log=log, **changes)
