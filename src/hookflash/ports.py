"""The plug-in points. Each Protocol's docstring is its contract; `hookflash.testing` judges implementations by it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from hookflash.matrix.retention import Retention
from hookflash.model import (
    Brief,
    Conversation,
    Delivery,
    Frozen,
    Handoff,
    HistoryTurn,
    Receipt,
    Rung,
    SetTimer,
    Signal,
    State,
    Turn,
    TurnRecord,
    Urgency,
)


class Clock(Protocol):
    """Where the shell reads the time. The core never does: it is given `now`."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        ...


class Detector(Protocol):
    """Measures one thing on one turn.

    `detect` is synchronous, keeps no state between calls and may be called from any thread. It must take time linear
    in the text. If it raises or is not done within `deadline` seconds, the engine records a `detector_failure` signal.
    """

    name: str
    deadline: float

    def detect(self, turn: Turn, conversation: Conversation) -> Sequence[Signal]:
        """Return the signals of `turn`, given the conversation before it."""
        ...


class Desk(Protocol):
    """A system of record that holds the brief as a ticket.

    `deliver` is called at least once for each `key` and shows the brief once: a key seen before answers with the first
    receipt. A later revision of the same handoff is added to the same ticket. Raises `DeliveryFailed` where trying
    again may help, `DeliveryRefused` where it cannot.
    """

    async def deliver(self, brief: Brief, key: str) -> Receipt:
        """Put the brief on the desk and return its receipt."""
        ...


class Line(Protocol):
    """What carries the talk between customer and responder.

    Every method may be called more than once under one `key` and acts once. Raises `DeliveryFailed` where trying again
    may help, `DeliveryRefused` where it cannot. What a responder answers comes back through the engine.
    """

    async def ring(self, handoff: Handoff, rung: Rung, whisper: str, key: str) -> None:
        """Start to ring the responder; `whisper` is what they hear or see before they accept."""
        ...

    async def stop(self, handoff: Handoff, rung: Rung, key: str) -> None:
        """Stop ringing the responder."""
        ...

    async def say(self, handoff: Handoff, text: str, key: str) -> None:
        """Tell the customer something."""
        ...


class Roster(Protocol):
    """Who is reachable. Opening hours are the matrix' business and are applied by the engine besides."""

    async def reachable(self, responders: Sequence[str], at: datetime) -> frozenset[str]:
        """Return which of the named responders can be reached at an instant."""
        ...


class AuditEntry(Frozen):
    """One line of the audit trail: what happened, as a name, and the facts as a document."""

    at: datetime
    what: str
    conversation: str
    handoff: str | None = None
    document: str


class Lease(Frozen):
    """The right to do a piece of outgoing work, for a while. A later lease of the same work counts one `epoch` more.

    Whoever held an earlier one (and was frozen meanwhile, perhaps) can no longer write what came of it.
    """

    item: int
    epoch: int


class OutboxItem(Frozen):
    """One piece of outgoing work, kept until it is done or given up, and the lease under which it was taken."""

    lease: Lease
    tenant: str
    handoff: str
    urgency: Urgency
    crowded: bool = False
    """Whether the handoff is one of a crowd (see `Handoff.crowded`)."""
    delivery: Delivery
    about: Handoff | None = None
    """The handoff as it was when the work was taken."""
    attempts: int = 0
    last_error: str | None = None


class Share(Frozen):
    """How much outgoing work of one kind may be taken: of these urgencies, and of a crowd's handoffs or all others."""

    urgencies: tuple[Urgency, ...]
    crowded: bool = False
    most: int
    of_tenant: Mapping[str, int]
    """Of each tenant at most this much; of one that is not named, nothing."""


class Timer(Frozen):
    """A wake-up call for a handoff."""

    id: int
    tenant: str
    handoff: str
    timer: SetTimer


class Change(Frozen):
    """Everything that one step writes: all of it, or nothing.

    A conversation or handoff is written only if the stored version is one less than its own (none stored: 1, or one more
    than a conversation's `begins_after`).
    """

    tenant: str
    now: datetime
    conversation: Conversation | None = None
    turn: TurnRecord | None = None
    handoff: Handoff | None = None
    audit: tuple[AuditEntry, ...] = ()
    outbox: tuple[Delivery, ...] = ()
    timers: tuple[SetTimer, ...] = ()
    clear_timers: tuple[str, ...] = ()
    """The kinds of event whose timers are forgotten; a timer that is set replaces the one of its kind."""
    done: Lease | None = None
    """The outgoing work whose outcome this change is."""
    failed: str | None = None
    """Why the item of `done` was given up; it then becomes a dead letter."""
    fired: int | None = None
    """The timer that this change answers."""
    also: "Change | None" = None
    """What is written with it or not at all: the end of a handoff that goes on as this one's."""


class Halted(Frozen):
    """A waiting handoff that nothing will move."""

    id: str
    state: State


class Tombstone(Frozen):
    """What is left of an erased conversation: its version, and the number of its last turn where turns were numbered."""

    version: int
    last_seq: int | None


class Message(Frozen):
    """Something hookflash told the customer, for the chat that shows it."""

    number: int
    text: str
    at: datetime


class Store(Protocol):
    """Keeps everything, durably.

    A `commit` that returned has survived any kill of the process and any loss of power. One that raised `StoreUnavailable`
    wrote nothing, unless its message says that this is not known; one that raised `VersionConflict` wrote nothing because
    somebody else was first.
    """

    async def conversation(self, tenant: str, conversation: str) -> Conversation | None:
        """Return the conversation with its latest turns, or None."""
        ...

    async def recall(self, tenant: str, conversation: str) -> Conversation | Tombstone | None:
        """Return the conversation as `conversation` does, or what is still known of it if it was erased."""
        ...

    async def turn(self, tenant: str, conversation: str, *, seq: int | None, key: str | None) -> TurnRecord | None:
        """Return the kept turn of that sequence number or key, or None."""
        ...

    async def history(self, tenant: str, conversation: str) -> tuple[HistoryTurn, ...]:
        """Return every turn said in the conversation, in order, drafts left out."""
        ...

    async def handoff(self, tenant: str, handoff: str) -> Handoff | None:
        """Return the handoff, or None."""
        ...

    async def handoffs(self, tenant: str, states: Sequence[State] = (), limit: int = 100) -> tuple[Handoff, ...]:
        """Return handoffs in the given states (none given: all), newest first."""
        ...

    async def open_handoffs_of(self, tenant: str, identities: Sequence[str], limit: int) -> tuple[Handoff, ...]:
        """Return handoffs that are not closed, of conversations with a customer known by any of these: the newest, newest first."""
        ...

    async def promised(self, tenant: str, desk: str) -> int:
        """Return how many promises are open that a desk keeps."""
        ...

    async def promises(self, tenant: str, *, open_only: bool, since: datetime | None = None, limit: int = 100) -> tuple[Handoff, ...]:
        """Return handoffs that made a promise, soonest due first: all, or those that are open, or also changed `since`."""
        ...

    async def audit(self, tenant: str, conversation: str) -> tuple[AuditEntry, ...]:
        """Return the audit trail of a conversation, oldest first."""
        ...

    async def commit(self, change: Change) -> None:
        """Write the change durably, or raise and write nothing."""
        ...

    async def claim_deliveries(self, now: datetime, lease: timedelta, shares: Sequence[Share], limit: int) -> tuple[OutboxItem, ...]:
        """Take outgoing work that is due and that nobody holds, and hold it for the time of `lease`.

        Taken is at most what the shares allow, one share after the other, and at most `limit` in all: of each share the
        most urgent first, oldest first. Each piece comes with its handoff as it is now.
        """
        ...

    async def renew(self, now: datetime, lease: timedelta, held: Sequence[Lease]) -> tuple[Lease, ...]:
        """Hold work for longer and return what is still held; what somebody else has taken meanwhile stays theirs."""
        ...

    async def release(self, held: Sequence[Lease]) -> None:
        """Give back work that was not done; others may take it at once."""
        ...

    async def postpone(self, held: Lease, now: datetime, wait: timedelta, error: str, *, tried: bool = True) -> None:
        """Give work back, to be tried again after a while; `tried` counts it as an attempt."""
        ...

    async def leave(self, tenant: str, handoff: str, urgency: Urgency, delivery: Delivery, at: datetime) -> None:
        """Leave work for the couriers; the same key is left once. An `Alert` may be about no handoff at all (empty)."""
        ...

    async def dead_letters(self, tenant: str, limit: int) -> tuple[OutboxItem, ...]:
        """Return outgoing work that was given up, newest first."""
        ...

    async def retry(self, tenant: str, handoff: str | None) -> int:
        """Take up again what was given up, of one handoff or of all; return how much."""
        ...

    async def claim_timers(self, now: datetime, lease: timedelta, limit: int) -> tuple[Timer, ...]:
        """Take timers whose time has come and that nobody holds, oldest first, and hold them for a while.

        A wait of seconds (for a desk, for a ring) that was set in what is now the future by more than a minute is due
        too: the clock was set back, and nobody shall wait for it to come round again.
        """
        ...

    async def release_timers(self, timers: Sequence[int]) -> None:
        """Let go of timers, so that they are taken again at once."""
        ...

    async def clock_was_set(self, now: datetime) -> None:
        """Take note that this process' clock was set: nobody shall wait for the old time to come round again."""
        ...

    async def neglected(self, before: datetime, limit: int) -> tuple[OutboxItem, ...]:
        """Return outgoing work that has been due, and held by nobody, since before an instant."""
        ...

    async def stalled(self, before: datetime, limit: int) -> tuple[Halted, ...]:
        """Return waiting handoffs that nothing will move: no work in the outbox, and no timer that is due after an instant."""
        ...

    async def expire(self, tenant: str, now: datetime, retention: Retention) -> int:
        """Forget a batch of what is past its time and neither open nor held; return how many records went."""
        ...

    async def probe(self, now: datetime) -> None:
        """Write something small, durably. Raises `StoreUnavailable` where a turn could not be written either."""
        ...

    async def counts(self) -> Mapping[str, int]:
        """Return how much is open, for metrics: rows by name."""
        ...

    async def save_matrix(self, tenant: str, revision: str, document: str) -> None:
        """Keep a matrix revision for as long as a handoff may need it."""
        ...

    async def matrix(self, tenant: str, revision: str) -> str | None:
        """Return a kept matrix revision, or None."""
        ...

    async def put_ticket(self, brief: Brief, key: str, at: datetime) -> Receipt:
        """Keep the brief as a ticket of the built-in desk; the same key answers with the first receipt."""
        ...

    async def put_message(self, tenant: str, conversation: str, text: str, key: str, at: datetime) -> None:
        """Keep a message for the customer; the same key is kept once."""
        ...

    async def messages(self, tenant: str, conversation: str, after: int) -> tuple[Message, ...]:
        """Return the messages with a number above `after`, in order."""
        ...

    def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake`, from any thread, when another process has left work. A hint: it may be late, or never come."""
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of the database."""
        ...
