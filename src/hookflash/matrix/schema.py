"""The escalation matrix as frozen types: what triggers, who receives, what travels, what if nobody is there.

The YAML file has this very shape; `hookflash show --schema` prints it as JSON Schema for editors.
"""

import hashlib
import json
from datetime import date, timedelta
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from hookflash.matrix.values import (
    HolidayCode,
    Language,
    PromiseTime,
    RingTime,
    Spans,
    VoiceAddress,
    Zone,
    parse_days,
    parse_spans,
)
from hookflash.model import BUILTIN_DESK, DISTRESS, Calendar, Channel, Kind, Span, Urgency

DISTRESS_CLASSES = tuple(kind.removeprefix("distress.") for kind in DISTRESS)
CONTEXT_PARTS = ("reason", "summary", "history", "entities", "sentiment", "tried")
TRIGGERS = (
    Kind.EXPLICIT_REQUEST,
    *DISTRESS,
    Kind.FENCED,
    Kind.SCOPE,
    Kind.STUCK,
    Kind.CONFIDENCE,
    Kind.DETECTOR_FAILURE,
    Kind.DRAFT_PROMISE,
    Kind.DRAFT_HUMAN,
    Kind.DRAFT_FENCED,
    Kind.DRAFT_DISCOURAGES,
)


class Section(BaseModel):
    """A part of the matrix: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Business(Section):
    """Who runs the assistant."""

    name: str = Field(min_length=1, description="The name customers know.", examples=["Riverside Dental"])
    timezone: Zone = Field(description="IANA time zone of the business.", examples=["America/Chicago"])
    languages: tuple[Language, ...] = Field(("en",), min_length=1, description="Languages that are answered, main one first.")
    regulated: Literal["hipaa"] | None = Field(None, description="Set it where protected health data is handled.")
    country: str = Field("US", pattern="^[A-Z]{2}$", description="Two-letter country, for phone numbers.")


class Hours(Section):
    """One calendar: openings by weekday, as in `mon-thu: "08:00-12:00 13:00-17:00"`."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, Spans]

    holidays: HolidayCode | None = Field(None, description="Public holidays on which it is closed.", examples=["US-IL"])
    closed: tuple[date, ...] = Field((), description="More days on which it is closed.")
    timezone: Zone | None = Field(None, description="Where it differs from the business' own.")

    def calendar(self, zone: str) -> Calendar:
        """Return the calendar that the openings make; days that are not named are closed."""
        week: list[tuple[Span, ...]] = [()] * 7
        for days, spans in (self.__pydantic_extra__ or {}).items():
            for day in parse_days(days):
                week[day] = parse_spans(spans)
        return Calendar(zone=self.timezone or zone, week=tuple(week), holidays=self.holidays, closed=frozenset(self.closed))


class DeskSpec(Section):
    """A system of record that holds the ticket; keys beyond these belong to its kind."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str = Field(description="`builtin`, `webhook`, or a kind that a plug-in brings.", examples=["builtin"])
    baa: bool = Field(False, description="Whether it is covered by a business associate agreement.")
    url: str | None = Field(None, description="Where a webhook desk listens.")
    secret_env: str | None = Field(None, description="The environment variable that holds its signing secret.")

    @property
    def inside_boundary(self) -> bool:
        """Whether protected data may go there. The built-in desk is our own store and always may."""
        return self.baa or self.kind == BUILTIN_DESK


class LineSpec(Section):
    """Where a responder is reached: by voice, by chat, or both."""

    voice: VoiceAddress | None = Field(None, description="A phone number or SIP address.", examples=["+13125550100"])
    chat: str | None = Field(None, description="A chat queue or name.", examples=["frontdesk"])

    def addresses(self) -> dict[str, str]:
        """Return the addresses by the kind of line."""
        return {kind: address for kind, address in (("voice", self.voice), ("chat", self.chat)) if address}


class Responder(Section):
    """A person or team that takes over."""

    name: str | None = Field(None, description="How customers are told of them.", examples=["our front desk"])
    hours: str = Field(description="When they are there: a name under `hours`.")
    line: LineSpec
    desk: str = Field(description="Where their briefs go: a name under `desks`.")
    baa: bool = Field(False, description="Whether their line is covered by a business associate agreement.")
    skills: tuple[str, ...] = ()
    languages: tuple[Language, ...] = ()


class Examples(Section):
    """What customers say when they mean one thing."""

    examples: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=1, description="Three or more ways to say it.")


class ScopeSpec(Section):
    """What the assistant may do (`intents`) and what it must never answer (`fenced`)."""

    intents: dict[str, Examples] = {}
    fenced: dict[str, Examples] = {}


class Threshold(Section):
    """A distress class fires when its score, combined over the customer's last `over` turns, reaches `at`."""

    at: float = Field(0.5, gt=0, le=1, description="Score from which it fires.")
    over: int = Field(1, ge=1, le=10, description="How many of the customer's latest turns count together.")


class Distress(Section):
    """The distress classes. `red_flag` and `crisis` cannot be switched off."""

    anger: Threshold | Literal["off"] = Threshold(at=0.8, over=2)
    confusion: Threshold | Literal["off"] = Threshold(at=0.8, over=2)
    urgency: Threshold | Literal["off"] = Threshold(at=0.7)
    pain: Threshold | Literal["off"] = Threshold(at=0.5)
    red_flag: Threshold = Threshold(at=0.5)
    crisis: Threshold = Threshold(at=0.5)

    def threshold(self, name: str) -> Threshold | None:
        """Return the threshold of a class, or None where it is off."""
        found = getattr(self, name)
        return found if isinstance(found, Threshold) else None


class ExplicitRequest(Section):
    """Always on: it takes no settings."""


class Confidence(Section):
    """Fires when the intent is less certain than this."""

    below: float = Field(0.55, ge=0, le=1)


class ScopeTrigger(Section):
    """Fires when a turn lies outside the scope, or inside a fenced topic, with at least these scores."""

    at: float = Field(0.6, gt=0, le=1, description="Score from which a turn counts as outside the scope.")
    fenced: float = Field(0.5, gt=0, le=1, description="Score from which a turn counts as a fenced topic.")


class Stuck(Section):
    """Fires when the customer or the assistant repeats itself, or tools fail, this many times running."""

    repeats: int = Field(2, ge=1, le=10)


class Triggers(Section):
    """What counts as worth acting on. Whatever is left out keeps its default; `off` switches a trigger off."""

    explicit_request: ExplicitRequest = ExplicitRequest()
    distress: Distress = Distress()
    confidence: Confidence | Literal["off"] = Confidence()
    scope: ScopeTrigger | Literal["off"] = ScopeTrigger()
    stuck: Stuck | Literal["off"] = Stuck()


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


OneOrMore = Annotated[tuple[str, ...], BeforeValidator(_as_tuple, json_schema_input_type=str | tuple[str, ...])]


class When(Section):
    """Which escalations a route takes. An empty `when` takes them all."""

    trigger: OneOrMore = Field((), description="Triggers or families, like distress.pain or distress.")
    topic: OneOrMore = Field((), description="Fenced topics.")
    channel: Annotated[tuple[Channel, ...], BeforeValidator(_as_tuple)] = ()
    language: OneOrMore = ()

    @property
    def catches_all(self) -> bool:
        """Whether there is no condition at all."""
        return self == When()


class Step(Section):
    """One rung of a ladder: whom to ring, and for how long before the next."""

    to: str = Field(description="A name under `responders`.")
    warm: RingTime | None = Field(None, description="Ring this long, and introduce the customer.")
    cold: RingTime | None = Field(None, description="Ring this long, and pass the customer on.")

    @property
    def ring_for(self) -> timedelta:
        """How long it rings; a checked matrix says either `warm` or `cold`."""
        return self.warm or self.cold or timedelta()


class Callback(Section):
    """By when a person calls back: after so much opening time of a calendar."""

    within: PromiseTime
    hours: str = Field(description="A name under `hours`.")


class Nobody(Section):
    """What happens when nobody comes: a ticket, a promise, and honest words."""

    desk: str
    callback: Callback
    say: str = "nobody"


class Route(Section):
    """Who receives which escalation. The first route that matches is taken."""

    name: str | None = Field(None, description="A short name, for reports.")
    when: When
    urgency: Urgency | None = Field(None, description="How soon a person must be there.")
    ladder: tuple[Step, ...] = Field(min_length=1, description="Whom to ring, in order.")
    say: str | None = Field(None, description="The words said at once: a name under `wording`; left out, the fitting ones.")
    nobody: Nobody | None = Field(None, description="Where it differs from the matrix' own.")


class Matrix(Section):
    """The escalation matrix."""

    hookflash: Literal[1] = Field(description="Version of this format.")
    business: Business
    hours: dict[str, Hours | Literal["always"]] = Field(min_length=1)
    desks: dict[str, DeskSpec] = Field(min_length=1)
    responders: dict[str, Responder] = Field(min_length=1)
    scope: ScopeSpec = ScopeSpec()
    triggers: Triggers = Triggers()
    routes: tuple[Route, ...] = Field(min_length=1)
    nobody: Nobody
    context: tuple[Literal["reason", "summary", "history", "entities", "sentiment", "tried"], ...] = CONTEXT_PARTS  # type: ignore[assignment]
    wording: dict[Language, dict[str, str]] = {}

    @cached_property
    def revision(self) -> str:
        """A digest of the meaning: comments, spacing and the order of keys do not change it."""
        meaning = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(meaning.encode()).hexdigest()[:12]

    @cached_property
    def calendars(self) -> dict[str, Calendar]:
        """Every calendar by its name."""
        zone = self.business.timezone
        return {
            name: Calendar(zone=zone, week=((),) * 7, always=True) if hours == "always" else hours.calendar(zone)
            for name, hours in self.hours.items()
        }

    def spoken_name(self, responder: str) -> str:
        """Return how customers are told of a responder."""
        return self.responders[responder].name or responder.replace("_", " ")

    def route_named(self, name: str) -> Route:
        """Return the route of a name; one that this revision does not know is taken by the last, which takes everything."""
        return next((route for route in self.routes if self.route_name(route) == name), self.routes[-1])

    def route_name(self, route: Route) -> str:
        """Return the route's name, or its place in the file: `routes[2]`."""
        return route.name or f"routes[{self.routes.index(route)}]"
