"""The escalation matrix as frozen types: what triggers, who receives, what travels, what if nobody is there.

The YAML file has this very shape; `hookflash show --schema` prints it as JSON Schema for editors.
"""

import hashlib
import json
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from hookflash.matrix.people import Business, DeskSpec, Hours, Responder
from hookflash.matrix.retention import Retention
from hookflash.matrix.routes import Nobody, Route
from hookflash.matrix.section import Section
from hookflash.matrix.triggers import Triggers
from hookflash.matrix.values import Language, Text, fault
from hookflash.model import Calendar

ContextPart = Literal["reason", "summary", "history", "entities", "sentiment", "tried"]
CONTEXT_PARTS: tuple[ContextPart, ...] = ("reason", "summary", "history", "entities", "sentiment", "tried")


class Examples(Section):
    """What customers say when they mean one thing."""

    examples: tuple[Annotated[Text, Field(min_length=1)], ...] = Field(
        min_length=1, description="Three or more ways to say it.", examples=[["when are you open", "are you open on saturday"]]
    )


class ScopeSpec(Section):
    """What the assistant may do (`intents`) and what it must never answer (`fenced`)."""

    intents: dict[str, Examples] = Field(
        default_factory=dict,
        description="What the assistant may do, by name.",
        examples=[{"opening_hours": {"examples": ["when are you open"]}}],
    )
    fenced: dict[str, Examples] = Field(
        default_factory=dict,
        description="What the assistant must never answer, by name.",
        examples=[{"refunds": {"examples": ["i want my money back"]}}],
    )


def _format_version(value: Any) -> Any:
    if value != 1 or isinstance(value, bool | float):
        raise fault("format-version", "this version of hookflash reads format 1", "write `hookflash: 1`")
    return value


class Matrix(Section):
    """The escalation matrix."""

    hookflash: Annotated[Literal[1], BeforeValidator(_format_version)] = Field(description="Version of this format.", examples=[1])
    business: Business = Field(
        description="Who runs the assistant, where, and in which languages.",
        examples=[{"name": "Riverside Dental", "timezone": "America/Chicago"}],
    )
    hours: dict[str, Hours | Literal["always"]] = Field(
        min_length=1, description="Calendars by name.", examples=[{"office": {"mon-fri": "09:00-17:00"}, "triage": "always"}]
    )
    desks: dict[str, DeskSpec] = Field(
        min_length=1, description="Systems that hold tickets, by name.", examples=[{"tickets": {"kind": "builtin"}}]
    )
    responders: dict[str, Responder] = Field(
        min_length=1,
        description="People and teams that take over, by name.",
        examples=[{"team": {"hours": "office", "desk": "tickets", "line": {"chat": "team"}}}],
    )
    scope: ScopeSpec = Field(ScopeSpec(), description="What the assistant may do, and must never answer.", examples=[{"intents": {}}])
    triggers: Triggers = Field(Triggers(), description="What counts as worth acting on.", examples=[{"confidence": {"below": 0.55}}])
    routes: tuple[Route, ...] = Field(
        min_length=1,
        description="Who receives what: the first that matches is taken, the last takes everything.",
        examples=[[{"when": {}, "ladder": [{"to": "team", "warm": "60s"}]}]],
    )
    nobody: Nobody = Field(
        description="What happens when nobody comes.",
        examples=[{"desk": "tickets", "callback": {"within": "1h", "hours": "office"}}],
    )
    retention: Retention = Field(Retention(), description="How long records are kept.", examples=[{"conversations": "400d"}])
    context: tuple[ContextPart, ...] = Field(
        CONTEXT_PARTS, min_length=1, description="What travels to the person who takes over.", examples=[list(CONTEXT_PARTS)]
    )
    wording: dict[Language, dict[str, Text]] = Field(
        default_factory=dict,
        description="What customers are told, by language and name.",
        examples=[{"en": {"pain": "I am sorry. I am asking our nurse."}}],
    )

    @cached_property
    def revision(self) -> str:
        """A digest of the meaning: comments, spacing, and any order that means nothing do not change it."""
        meaning = json.dumps(self._meaning(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(meaning.encode()).hexdigest()[:12]

    def _meaning(self) -> dict[str, Any]:
        """The whole matrix as plain values, with everything that can be written in several ways written in one."""
        meaning = self.model_dump(mode="json")
        meaning["hours"] = {name: _sorted_closed(calendar) for name, calendar in self.calendars.items()}
        for route in meaning["routes"]:
            route["when"] = {key: sorted(values) for key, values in route["when"].items()}
        meaning["context"] = sorted(meaning["context"])
        return meaning

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


def _sorted_closed(calendar: Calendar) -> dict[str, Any]:
    dump = calendar.model_dump(mode="json")
    return {**dump, "closed": sorted(dump["closed"])}
