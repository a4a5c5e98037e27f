"""One escalation from request to disposition: its plan, state, events and commands."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from hookflash.model.base import Channel, Frozen, Urgency
from hookflash.model.brief import Brief, Promise
from hookflash.model.conversation import Owner
from hookflash.model.decision import Decision

BUILTIN_DESK = "builtin"


class State(StrEnum):
    """Where a handoff stands."""

    REQUESTED = "requested"
    BRIEFED = "briefed"
    RINGING = "ringing"
    CONNECTED = "connected"
    PROMISED = "promised"
    OVERDUE = "overdue"
    WRAPPED = "wrapped"
    RETURNED = "returned"
    KEPT = "kept"
    ABANDONED = "abandoned"
    """The customer left, and there is no way to reach them. Should they come back, it goes on."""

    @property
    def closed(self) -> bool:
        """Whether nothing more is owed to the customer."""
        return self in (State.WRAPPED, State.RETURNED, State.KEPT)

    @property
    def owner(self) -> Owner:
        """Who answers the customer in this state."""
        if self is State.CONNECTED:
            return Owner.RESPONDER
        return Owner.ASSISTANT if self.closed else Owner.WAITING


class Rung(Frozen):
    """One step of the ladder: whom to ring, where, and how long before the next rung."""

    responder: str
    hours: str
    desk: str
    line: str
    address: str
    ring_for: timedelta
    transfer: Literal["warm", "cold"] = "warm"


class PromiseTerms(Frozen):
    """How a promise is computed when nobody comes: `within` of open time of the calendar `hours`, at most `cap` ahead.

    `per_hour` is how many promises a desk can keep in an hour of open time, where that is known.
    """

    desk: str
    within: timedelta
    hours: str
    say: str
    cap: timedelta = timedelta(days=7)
    per_hour: int | None = None


class Plan(Frozen):
    """Who is asked, in what order; the last rung is always a promise."""

    route: str
    urgency: Urgency
    ladder: tuple[Rung, ...]
    promise: PromiseTerms


class Receipt(Frozen):
    """A desk's word that it holds the brief: its ticket number, and the key it was delivered under."""

    desk: str
    ticket: str
    key: str
    at: AwareDatetime
    revision: int = 0
    """The revision of the brief that was sent, as the courier notes it."""


class RingAttempt(Frozen):
    """Who was rung and what came of it."""

    responder: str
    line: str
    at: AwareDatetime
    answer: str


class Handoff(Frozen):
    """One escalation from request to disposition. `version` counts its stored changes."""

    id: str
    tenant: str
    conversation: str
    channel: Channel
    language: str
    version: int = 1
    state: State
    decision: Decision
    plan: Plan
    brief: Brief
    rung: int | None = None
    """Position in the ladder of the responder who is rung now, or will be once the brief is on their desk."""
    ringing: str | None = None
    """The key of the ring that is under way; an answer to any other comes too late."""
    receipts: tuple[Receipt, ...] = ()
    """The latest receipt of each desk that holds the brief, newest last."""
    briefed_late: bool = False
    brief_from: int = 1
    """The revision of the brief that must be on a desk before anybody is rung: the first, or that of the latest plan."""
    crowded: bool = False
    """Whether its customer had many handoffs open when it was requested; its work then waits behind that of others."""
    attempts: tuple[RingAttempt, ...] = ()
    responder: str | None = None
    promise: Promise | None = None
    result: str | None = None
    """What the responder achieved, for the assistant after a hand-back and for the record."""
    requested_at: AwareDatetime
    changed_at: AwareDatetime

    def receipt_of(self, desk: str) -> Receipt | None:
        """Return the receipt of a desk, or None where it does not hold the brief."""
        return next((receipt for receipt in self.receipts if receipt.desk == desk), None)

    @property
    def receipt(self) -> Receipt | None:
        """Return the receipt of the desk whose responder is rung, else the newest one."""
        rung = self.plan.ladder[self.rung] if self.rung is not None else None
        own = self.receipt_of(rung.desk) if rung else None
        return own or (self.receipts[-1] if self.receipts else None)


# Events: what happened to a handoff, as facts.


class BriefDelivered(Frozen):
    """A desk acknowledged the brief."""

    kind: Literal["brief_delivered"] = "brief_delivered"
    receipt: Receipt


class BriefRefused(Frozen):
    """A desk said no for good; trying again would not help."""

    kind: Literal["brief_refused"] = "brief_refused"
    desk: str
    why: str


class BriefLate(Frozen):
    """The desk has not acknowledged within its time."""

    kind: Literal["brief_late"] = "brief_late"


class RingStarted(Frozen):
    """A line accepted the order to ring."""

    kind: Literal["ring_started"] = "ring_started"
    key: str


class RingFailed(Frozen):
    """A rung came to nothing: declined, voicemail, busy, no answer, or (`broken`) the line is out of order."""

    kind: Literal["ring_failed"] = "ring_failed"
    key: str
    answer: str
    broken: bool = False


class Accepted(Frozen):
    """A person took the conversation."""

    kind: Literal["accepted"] = "accepted"
    responder: str


class CustomerSpoke(Frozen):
    """The customer went on while a person was awaited: a fresh brief, and a plan if it became more urgent."""

    kind: Literal["customer_spoke"] = "customer_spoke"
    decision: Decision
    brief: Brief
    raised: Plan | None = None


class CustomerLeft(Frozen):
    """The customer hung up or closed the chat."""

    kind: Literal["customer_left"] = "customer_left"


class HandedBack(Frozen):
    """The responder returns the conversation to the assistant with a result."""

    kind: Literal["handed_back"] = "handed_back"
    result: str


class WrappedUp(Frozen):
    """The responder closed the case with a disposition."""

    kind: Literal["wrapped_up"] = "wrapped_up"
    disposition: str


class PromiseNear(Frozen):
    """A promise is about to fall due."""

    kind: Literal["promise_near"] = "promise_near"


class PromiseDue(Frozen):
    """A promise's time has come."""

    kind: Literal["promise_due"] = "promise_due"


class PromiseKept(Frozen):
    """A person did what was promised."""

    kind: Literal["promise_kept"] = "promise_kept"
    result: str


class PromiseAttempted(Frozen):
    """Somebody tried to keep a promise in vain, such as "called twice, no answer"."""

    kind: Literal["promise_attempted"] = "promise_attempted"
    by: str
    what: str


class PromiseAssigned(Frozen):
    """Somebody is to keep a promise."""

    kind: Literal["promise_assigned"] = "promise_assigned"
    to: str


class PromiseRescheduled(Frozen):
    """The customer agreed to another time; `word` is what they said."""

    kind: Literal["promise_rescheduled"] = "promise_rescheduled"
    due: AwareDatetime
    by: str
    word: str


class PromiseBroken(Frozen):
    """A person gives a promise up, and says why."""

    kind: Literal["promise_broken"] = "promise_broken"
    why: str


class Superseded(Frozen):
    """The customer asked for a person in another conversation; the handoff goes on as that one."""

    kind: Literal["superseded"] = "superseded"
    by: str


Event = Annotated[
    BriefDelivered
    | BriefRefused
    | BriefLate
    | RingStarted
    | RingFailed
    | Accepted
    | CustomerSpoke
    | CustomerLeft
    | HandedBack
    | WrappedUp
    | PromiseNear
    | PromiseDue
    | PromiseKept
    | PromiseAttempted
    | PromiseAssigned
    | PromiseRescheduled
    | PromiseBroken
    | Superseded,
    Field(discriminator="kind"),
]

# Commands: what the couriers must do, each under a key that makes doing it twice harmless.


class DeliverBrief(Frozen):
    """Put the handoff's latest brief on a desk."""

    kind: Literal["deliver_brief"] = "deliver_brief"
    key: str
    desk: str
    revision: int | None = None
    """The revision that must be there at least."""

    def is_there(self, handoff: "Handoff") -> bool:
        """Return whether the desk holds it already, as it went along with an earlier delivery."""
        held = handoff.receipt_of(self.desk)
        return held is not None and self.revision is not None and held.revision >= self.revision


class Ring(Frozen):
    """Ring one responder. `whisper` is the one-sentence brief that travels with the call."""

    kind: Literal["ring"] = "ring"
    key: str
    to: Rung
    whisper: str


class StopRinging(Frozen):
    """Take a call back that is still ringing."""

    kind: Literal["stop_ringing"] = "stop_ringing"
    key: str
    to: Rung


class Say(Frozen):
    """Tell the customer something that is true, as long as it is: while that ring is under way, or that promise open."""

    kind: Literal["say"] = "say"
    key: str
    text: str
    ringing: str | None = None
    due: AwareDatetime | None = None

    def still_holds(self, handoff: Handoff) -> bool:
        """Return whether it would still be so if it were said now."""
        if self.ringing is not None:
            return handoff.ringing == self.ringing
        promise = handoff.promise
        return promise is not None and promise.state == "open" and promise.due == self.due


class Alert(Frozen):
    """Make noise for the people who run the place. Carries no customer's words."""

    kind: Literal["alert"] = "alert"
    key: str
    what: str
    routine: bool = False
    """Whether it is only to be known, and need not wake anybody."""


class SetTimer(Frozen):
    """Wake the handoff with `event` at a time."""

    kind: Literal["set_timer"] = "set_timer"
    at: AwareDatetime
    event: Annotated[BriefLate | RingFailed | PromiseNear | PromiseDue, Field(discriminator="kind")]

    @property
    def short(self) -> bool:
        """Whether it is a wait of seconds, for a desk or a ring, and not a moment of the calendar."""
        return isinstance(self.event, (BriefLate, RingFailed))


class ClearTimers(Frozen):
    """Forget the timers of the handoff that would bring these kinds of event."""

    kind: Literal["clear_timers"] = "clear_timers"
    events: tuple[str, ...]


Delivery = Annotated[DeliverBrief | Ring | StopRinging | Say | Alert, Field(discriminator="kind")]
"""A command that leaves the process and therefore goes through the outbox."""
Command = DeliverBrief | Ring | StopRinging | Say | Alert | SetTimer | ClearTimers
