"""The brief: everything the responder needs, before they pick up."""

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime

from hookflash.model.base import Channel, Frozen, Speaker, Urgency
from hookflash.model.conversation import Customer, TurnRecord
from hookflash.model.decision import Reason, Signal

BRIEF_SCHEMA = "1.0"


class EntityKind(StrEnum):
    """What sort of thing an entity is."""

    NAME = "name"
    PHONE = "phone"
    EMAIL = "email"
    ACCOUNT = "account"
    ORDER = "order"
    POLICY = "policy"
    CLAIM = "claim"
    REFERENCE = "reference"
    CARD_LAST_FOUR = "card_last_four"
    POSTCODE = "postcode"
    DATE = "date"
    TIME = "time"
    AMOUNT = "amount"
    COMPLAINT = "complaint_type"


class Entity(Frozen):
    """A fact the customer gave: as said (`value`), as a machine reads it (`normalised`), in which turn, how sure."""

    kind: EntityKind
    value: str
    normalised: str
    turn: int
    confidence: float


class Sentence(Frozen):
    """One sentence of the summary and the turn it rests on."""

    text: str
    turn: int


class Sentiment(Frozen):
    """How the customer feels: score -1 to 1. `None` means unknown, which is not the same as 0 (neutral)."""

    score: float | None
    label: Literal["negative", "neutral", "positive", "unknown"]
    trend: Literal["worsening", "steady", "improving", "unknown"]


class HistoryTurn(Frozen):
    """One turn of the full history."""

    number: int
    speaker: Speaker
    text: str
    at: AwareDatetime | None = None

    @classmethod
    def of(cls, record: TurnRecord) -> "HistoryTurn":
        """Return what a kept turn said."""
        turn = record.turn
        return cls(number=record.number, speaker=turn.speaker, text=turn.text, at=turn.at)


class Attempt(Frozen):
    """What the assistant already tried, so that nobody asks for it again."""

    what: str
    turn: int
    outcome: str


Contact = Literal["phone", "email", "here"]
"""How a customer is reached: by phone, by e-mail, or in the chat that is open with them."""


class PromiseEntry(Frozen):
    """One line of what was done about a promise: `what`, by or to whom, and the words for it."""

    at: AwareDatetime
    what: Literal["assigned", "attempted", "rescheduled", "overdue", "broken"]
    who: str | None = None
    word: str | None = None


class Promise(Frozen):
    """What the customer was told would happen, and by when."""

    id: str
    due: AwareDatetime
    made_at: AwareDatetime
    by: str
    """Who keeps it: a desk by its name in the matrix."""
    state: Literal["open", "kept", "overdue", "late", "broken", "moved"] = "open"
    """`late`: kept, but after its time. `broken`: given up. `moved`: owed by a later handoff of the same customer."""
    told: str | None = None
    """The words said to the customer."""
    contact: Contact | None = None
    """How the customer is to be reached; None where no way is known yet."""
    assigned: str | None = None
    """The person or responder who has taken it on."""
    log: tuple[PromiseEntry, ...] = ()
    """What was done about it, oldest first."""

    @property
    def agreed(self) -> bool:
        """Whether its time is one that the customer agreed to."""
        return any(entry.what == "rescheduled" for entry in self.log)


class Brief(Frozen):
    """The context packet. `revision` counts up as later turns are added; readers refuse unknown major schemas."""

    schema_version: str = BRIEF_SCHEMA
    handoff: str
    conversation: str
    tenant: str
    revision: int
    matrix: str
    business: str
    channel: Channel
    created_at: AwareDatetime
    reason_code: str
    severity: Urgency
    reasons: tuple[Reason, ...]
    signals: tuple[Signal, ...] = ()
    customer: Customer = Customer()
    language: str | None = None
    timezone: str | None = None
    verified: bool | None = None
    summary: tuple[Sentence, ...] = ()
    history: tuple[HistoryTurn, ...] = ()
    entities: tuple[Entity, ...] = ()
    sentiment: Sentiment | None = None
    tried: tuple[Attempt, ...] = ()
    promise: Promise | None = None
    earlier: str | None = None
    """An open handoff of the same customer, from another conversation, that goes on in this one."""
    labels: tuple[str, ...] = ()
    """Protection labels, for example `phi`: where this brief may not go."""
