"""The ground every noun stands on: frozen, strict about its keys, and made of plain values."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value that never changes once made; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Channel(StrEnum):
    """What carries the talk."""

    CHAT = "chat"
    VOICE = "voice"


class Speaker(StrEnum):
    """Who says a turn. `ASSISTANT` is the AI, `RESPONDER` the person who takes over."""

    CUSTOMER = "customer"
    ASSISTANT = "assistant"
    RESPONDER = "responder"


class Urgency(StrEnum):
    """How soon a person must be there, mildest first."""

    NORMAL = "normal"
    HIGH = "high"
    IMMEDIATE = "immediate"

    @property
    def rank(self) -> int:
        """0 for normal, 1 for high, 2 for immediate."""
        return list(Urgency).index(self)

    @classmethod
    def highest(cls, *urgencies: "Urgency") -> "Urgency":
        """Return the most urgent of the given ones."""
        return max(urgencies, key=lambda urgency: urgency.rank)
