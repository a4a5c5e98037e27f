"""Who is there and when: the business, its calendars, its desks, and the people who take over."""

from datetime import date
from typing import Any, Literal

from pydantic import ConfigDict, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from hookflash.matrix.section import OneOrMore, Section
from hookflash.matrix.values import (
    Country,
    HolidayCode,
    Language,
    Name,
    Spans,
    Switch,
    Text,
    Url,
    VoiceAddress,
    Zone,
    parse_days,
    parse_spans,
)
from hookflash.model import Calendar, Span

_DAY = "(mon|tue|wed|thu|fri|sat|sun)"
DAYS_PATTERN = rf"^{_DAY}(-{_DAY})?( *, *{_DAY}(-{_DAY})?)*$"


class Business(Section):
    """Who runs the assistant."""

    name: Name = Field(min_length=1, description="The name customers know.", examples=["Riverside Dental"])
    timezone: Zone = Field(description="IANA time zone of the business.", examples=["America/Chicago"])
    languages: tuple[Language, ...] = Field(
        ("en",), min_length=1, description="Languages that are answered, main one first.", examples=[["en", "es"]]
    )
    regulated: Literal["hipaa"] | None = Field(None, description="Set it where protected health data is handled.", examples=["hipaa"])
    country: Country = Field("US", description="Two-letter country, for phone numbers.", examples=["US"])
    segments: OneOrMore = Field((), description="Kinds of customers that routes tell apart.", examples=[["member", "guest"]])


class Hours(Section):
    """One calendar: openings by weekday, as in `mon-thu: "08:00-12:00 13:00-17:00"`."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)
    __pydantic_extra__: dict[str, Spans]

    holidays: HolidayCode | None = Field(None, description="Public holidays on which it is closed.", examples=["US-IL"])
    closed: tuple[date, ...] = Field((), description="More days on which it is closed.", examples=[["2026-12-24"]])
    timezone: Zone | None = Field(None, description="Where it differs from the business' own.", examples=["America/Denver"])

    def calendar(self, zone: str) -> Calendar:
        """Return the calendar that the openings make; days that are not named are closed."""
        week: list[tuple[Span, ...]] = [()] * 7
        for days, spans in (self.__pydantic_extra__ or {}).items():
            for day in parse_days(days):
                week[day] = parse_spans(spans)
        return Calendar(zone=self.timezone or zone, week=tuple(week), holidays=self.holidays, closed=frozenset(self.closed))

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Tell editors that the other keys are days."""
        schema = handler.resolve_ref_schema(handler(core))
        schema["patternProperties"] = {DAYS_PATTERN: schema.pop("additionalProperties")}
        schema["additionalProperties"] = False
        return schema


class DeskSpec(Section):
    """A system of record that holds the ticket; keys beyond these belong to its kind."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    kind: Text = Field(description="`builtin`, `webhook`, or a kind that a plug-in brings.", examples=["builtin", "webhook"])
    baa: Switch = Field(False, description="Whether it is covered by a business associate agreement.", examples=[True])
    url: Url | None = Field(None, description="Where a webhook desk listens.", examples=["https://crm.example.com/briefs"])
    secret_env: Text | None = Field(
        None, description="The environment variable that holds its signing secret.", examples=["HOOKFLASH_CRM_SECRET"]
    )


class LineSpec(Section):
    """Where a responder is reached: by voice, by chat, or both."""

    voice: VoiceAddress | None = Field(None, description="A phone number or SIP address.", examples=["+13125550100"])
    chat: Name | None = Field(None, min_length=1, description="A chat queue or name.", examples=["frontdesk"])

    def addresses(self) -> dict[str, str]:
        """Return the addresses by the kind of line."""
        return {kind: address for kind, address in (("voice", self.voice), ("chat", self.chat)) if address}


class Responder(Section):
    """A person or team that takes over."""

    name: Name | None = Field(None, min_length=1, description="How customers are told of them.", examples=["our front desk"])
    hours: Text = Field(description="When they are there: a name under `hours`.", examples=["office"])
    line: LineSpec = Field(description="Where they are reached.", examples=[{"voice": "+13125550100", "chat": "frontdesk"}])
    desk: Text = Field(description="Where their briefs go: a name under `desks`.", examples=["tickets"])
    baa: Switch = Field(
        False,
        description="Whether they and their line are inside the boundary for protected health data: your own staff, or under an agreement.",
        examples=[True],
    )
    skills: OneOrMore = Field((), description="What they can do, for your own reading.", examples=[["clinical"]])
    languages: tuple[Language, ...] = Field((), description="Languages they speak; left out, all that are answered.", examples=[["en"]])
