"""What is said: turns, who says them, and the conversation they make up."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

from hookflash.model.base import Channel, Frozen, Speaker
from hookflash.model.decision import Decision, Reason

# The largest message body that chat and messaging vendors carry; anything longer is a file, not a turn.
MAX_TEXT_CHARACTERS = 32_768
# Long enough for any vendor's call or chat id, short enough to sit in a URL and an index.
MAX_ID_CHARACTERS = 200
# How many latest turns the detectors see. Older turns stay in the store and in the brief.
WINDOW_TURNS = 24

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def _storable(text: str) -> str:
    found = _UNSTORABLE.search(text)
    if found is None:
        return text
    what = "a NUL character" if found.group() == "\x00" else "half of a surrogate pair"
    raise ValueError(f"holds {what} at character {found.start()}; remove it, or send the text as valid UTF-8")


def _short(text: str) -> str:
    if len(text) <= MAX_TEXT_CHARACTERS:
        return text
    raise ValueError(
        f"is {len(text):,} characters long; a turn holds at most {MAX_TEXT_CHARACTERS:,}. "
        "Send documents as a link and the words about them as the turn"
    )


def _identifier(value: str) -> str:
    if not value or len(value) > MAX_ID_CHARACTERS:
        raise ValueError(f"must be 1 to {MAX_ID_CHARACTERS} characters long, not {len(value)}")
    if _CONTROL.search(value):
        raise ValueError("holds a control character; use the plain id of the call or chat")
    return value


StorableText = Annotated[str, AfterValidator(_storable), AfterValidator(_short)]
Identifier = Annotated[str, AfterValidator(_identifier)]


class Owner(StrEnum):
    """Who answers the customer now."""

    ASSISTANT = "assistant"
    WAITING = "waiting"
    """A person was asked for and has not yet come: the assistant is silent already."""
    RESPONDER = "responder"


class Intent(Frozen):
    """What the customer wants, by name, and how sure the classifier is (0 to 1)."""

    name: StorableText
    confidence: float = Field(ge=0, le=1)


class ReportedSentiment(Frozen):
    """A sentiment that an outside service measured: -1 (worst) to 1 (best). It can only raise a verdict."""

    score: float = Field(ge=-1, le=1)
    source: StorableText = "outside"


class ToolCall(Frozen):
    """One tool that the assistant called while it made its turn."""

    name: StorableText
    ok: bool
    error: StorableText | None = None


class Customer(Frozen):
    """What is known of the customer; every field may be unknown."""

    id: StorableText | None = None
    name: StorableText | None = None
    phone: StorableText | None = None
    email: StorableText | None = None
    language: StorableText | None = None
    timezone: StorableText | None = None
    segment: StorableText | None = None
    """The kind of customer, as the matrix tells them apart under `business.segments`."""
    verified: bool | None = None

    @property
    def certainty(self) -> int:
        """How sure it is that it is they: 2 where that was verified, 1 where nobody says, 0 where it was not."""
        return 1 if self.verified is None else 2 * self.verified

    def updated_by(self, newer: "Customer | None") -> "Customer":
        """Return this customer with everything that `newer` knows laid over it."""
        if newer is None:
            return self
        return self.model_copy(update=newer.model_dump(exclude_none=True))


def identities_of(customer: Customer) -> tuple[str, ...]:
    """Return by what a customer is known, or says to be."""
    known = (("id", customer.id), ("phone", customer.phone), ("email", customer.email and customer.email.lower()))
    return tuple(f"{kind}:{value}" for kind, value in known if value)


class Turn(Frozen):
    """One thing said, as the assistant's side reports it.

    `final=False` marks interim speech, `draft=True` an assistant reply that is not yet sent. `seq` (1, 2, 3 ...)
    or `key` makes sending the same turn twice harmless.
    """

    conversation: Identifier | None = None
    speaker: Speaker
    text: StorableText
    channel: Channel = Channel.CHAT
    language: StorableText | None = None
    at: AwareDatetime | None = None
    final: bool = True
    intent: Intent | None = None
    sentiment: ReportedSentiment | None = None
    draft: bool = False
    dtmf: StorableText | None = None
    tools: tuple[ToolCall, ...] = ()
    customer: Customer | None = None
    seq: int | None = Field(default=None, ge=1)
    key: Identifier | None = None

    @property
    def from_customer(self) -> bool:
        """Whether the customer says it."""
        return self.speaker is Speaker.CUSTOMER


class TurnRecord(Frozen):
    """A turn as it was kept: its number in the conversation and what was decided on it."""

    number: int
    turn: Turn
    decision: Decision


class Conversation(Frozen):
    """A conversation as the detectors and `decide` see it: its latest turns and who owns it.

    `version` counts the stored changes (0: never stored); `spoken` counts the turns of its whole life. One that begins anew
    after an erasure counts on from `begins_after`, so that nobody who remembers the erased one can write to this one.
    """

    id: str
    tenant: str = "default"
    version: int = 0
    begins_after: int = 0
    turns: tuple[TurnRecord, ...] = ()
    spoken: int = 0
    owner: Owner = Owner.ASSISTANT
    handoff: str | None = None
    escalated: Reason | None = None
    """Why a person was asked for, as long as the handoff is open."""
    result: str | None = None
    """What the responder achieved, after the last hand-back."""
    fresh_from: int = 0
    """Turns up to this number lie before the last handoff's end and count no more."""
    customer: Customer = Customer()
    channel: Channel = Channel.CHAT
    language: str | None = None
    last_seq: int | None = None

    def said_by(self, speaker: Speaker) -> tuple[TurnRecord, ...]:
        """Return the remembered turns of one speaker since the last handoff ended, oldest first; drafts are not said."""
        return tuple(past for past in self.turns if past.turn.speaker is speaker and self._counts(past))

    def since_handoff(self) -> tuple[TurnRecord, ...]:
        """Return the remembered turns that were said since the last handoff ended, oldest first."""
        return tuple(past for past in self.turns if self._counts(past))

    def _counts(self, past: TurnRecord) -> bool:
        return past.number > self.fresh_from and not past.turn.draft

    def with_turn(self, record: TurnRecord) -> "Conversation":
        """Return the conversation after one more turn, its window slid on."""
        turn = record.turn
        return self.model_copy(
            update={
                "version": self.version + 1,
                "turns": (*self.turns, record)[-WINDOW_TURNS:],
                "spoken": record.number,
                "customer": self.customer.updated_by(turn.customer),
                "channel": turn.channel,
                "last_seq": turn.seq or self.last_seq,
            }
        )
