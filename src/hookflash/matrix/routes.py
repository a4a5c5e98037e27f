"""Who receives which escalation, in what order, and what if nobody is there."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, JsonValue

from hookflash.matrix.section import OneOrMore, Section, as_tuple
from hookflash.matrix.triggers import FAMILIES, TRIGGERS
from hookflash.matrix.values import Name, PromiseTime, RingTime, Text
from hookflash.model import Channel, Urgency

Strength = Literal["moderate", "severe"]
# For editors, which then complete them.
_TRIGGER: dict[str, JsonValue] = {"type": "string", "enum": [*TRIGGERS, *FAMILIES]}
# Without a `cap` of its own a promise may lie this far ahead at most.
DEFAULT_CAP = timedelta(days=7)


class When(Section):
    """Which escalations a route takes: those that meet every condition given. An empty `when` takes them all."""

    trigger: OneOrMore = Field(
        (),
        description="Triggers or families, like distress.pain or distress.",
        examples=["distress.pain"],
        json_schema_extra={"anyOf": [_TRIGGER, {"type": "array", "items": _TRIGGER}]},
    )
    topic: OneOrMore = Field((), description="Fenced topics: names under `scope.fenced`.", examples=["billing"])
    severity: Annotated[tuple[Strength, ...], BeforeValidator(as_tuple, json_schema_input_type=Strength | tuple[Strength, ...])] = Field(
        (), description="How strong it is: `severe` is a score of 0.8 or more.", examples=["severe"]
    )
    channel: Annotated[tuple[Channel, ...], BeforeValidator(as_tuple, json_schema_input_type=Channel | tuple[Channel, ...])] = Field(
        (), description="What carries the talk: `chat` or `voice`.", examples=["voice"]
    )
    language: OneOrMore = Field((), description="The customer's language, of those under `business.languages`.", examples=["es"])
    segment: OneOrMore = Field((), description="The kind of customer, of those under `business.segments`.", examples=["member"])
    during: OneOrMore = Field((), description="Only while one of these calendars is open.", examples=["office"])
    outside: OneOrMore = Field((), description="Only while all of these calendars are closed.", examples=["office"])

    @property
    def catches_all(self) -> bool:
        """Whether there is no condition at all."""
        return self == When()


class Step(Section):
    """One rung of a ladder: whom to ring, and for how long before the next."""

    to: Text = Field(description="A name under `responders`.", examples=["nurse"])
    warm: RingTime | None = Field(None, description="Ring this long, and introduce the customer.", examples=["60s"])
    cold: RingTime | None = Field(None, description="Ring this long, and pass the customer on.", examples=["45s"])

    @property
    def ring_for(self) -> timedelta:
        """How long it rings; a checked matrix says either `warm` or `cold`."""
        return self.warm or self.cold or timedelta()


class Callback(Section):
    """By when a person calls back: after so much opening time of a calendar."""

    within: PromiseTime = Field(description="How much opening time a person may take to get back.", examples=["1h"])
    hours: Text = Field(description="Whose opening time counts: a name under `hours`.", examples=["office"])
    per_hour: int | None = Field(
        None, ge=1, le=1_000, description="How many callbacks can be kept in an hour of opening time; more fall due later.", examples=[6]
    )
    cap: PromiseTime = Field(DEFAULT_CAP, description="However the calendar lies, never later than this.", examples=["4d"])


class Nobody(Section):
    """What happens when nobody comes: a ticket, a promise, and honest words."""

    desk: Text = Field(description="Where the ticket goes: a name under `desks`.", examples=["tickets"])
    callback: Callback = Field(description="By when somebody gets back.", examples=[{"within": "1h", "hours": "office"}])
    say: Text = Field("nobody", description="The words that tell the customer: a name under `wording`.", examples=["nobody"])


class Route(Section):
    """Who receives which escalation. The first route that matches is taken."""

    name: Name | None = Field(None, min_length=1, description="A short name, for reports.", examples=["emergency"])
    when: When = Field(description="Which escalations it takes.", examples=[{"trigger": "distress.pain"}, {}])
    urgency: Urgency | None = Field(None, description="How soon a person must be there; left out, by the trigger.", examples=["immediate"])
    ladder: tuple[Step, ...] = Field(min_length=1, description="Whom to ring, in order.", examples=[[{"to": "nurse", "warm": "60s"}]])
    say: Text | None = Field(
        None, description="The words said at once: a name under `wording`; left out, the fitting ones.", examples=["crisis"]
    )
    nobody: Nobody | None = Field(
        None,
        description="Where it differs from the matrix' own.",
        examples=[{"desk": "tickets", "callback": {"within": "2h", "hours": "office"}}],
    )
