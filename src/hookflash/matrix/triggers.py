"""What counts as worth acting on."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from hookflash.matrix.section import Section
from hookflash.matrix.values import Count, Score, fault
from hookflash.model import DISTRESS, Kind

DISTRESS_CLASSES = tuple(kind.removeprefix("distress.") for kind in DISTRESS)
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
    Kind.DRAFT_REASSURES,
)
FAMILIES = ("distress", "scope", "draft")
# A signal of this score or more is severe; the lexicons' strong and certain phrases reach it.
SEVERE_FROM = 0.8


def _nothing_is_default(value: Any) -> Any:
    return {} if value is None else value


def _settings_or_off(value: Any) -> Any:
    if value == "off" or isinstance(value, dict | Section):
        return value
    if value is None:
        return {}
    raise fault("bad-value", "it takes settings or `off`", "write `off`, or settings like {at: 0.7}")


def _always_on(value: Any) -> Any:
    """`off`, `no`, `false`: all mean the same, and none is possible."""
    if value is None or isinstance(value, dict | Section):
        return value or {}
    raise fault("cannot-be-switched-off", "this trigger is always on", "leave the key out, or lower its `at`")


def _unconditional(value: Any) -> Any:
    if value is None or value == {} or isinstance(value, Section):
        return value or {}
    if not isinstance(value, dict):
        raise fault("cannot-be-switched-off", "a request for a person is always on", "write {} or leave it out")
    raise fault("explicit-request-conditioned", "a request for a person takes no settings: it always escalates", "write {} or leave it out")


class Threshold(Section):
    """A distress class fires when its score, combined over the customer's last `over` turns, reaches `at`."""

    at: Score = Field(0.5, gt=0, le=1, description="Score from which it fires.", examples=[0.7])
    over: Count = Field(1, ge=1, le=10, description="How many of the customer's latest turns count together.", examples=[2])


MaybeOff = Annotated[Threshold | Literal["off"], BeforeValidator(_settings_or_off)]


def _not_deaf(value: Threshold) -> Threshold:
    """Plain words of crisis score 0.8 and more; a threshold above that is a switch by another name."""
    if value.at > SEVERE_FROM:
        what = f"at {value.at:g} plain words of an emergency would pass unheard"
        raise fault("cannot-be-switched-off", what, f"write {SEVERE_FROM:g} or less")
    return value


AlwaysOn = Annotated[Threshold, BeforeValidator(_always_on), AfterValidator(_not_deaf)]


class Distress(Section):
    """The distress classes. `red_flag` and `crisis` cannot be switched off."""

    anger: MaybeOff = Field(Threshold(at=0.8, over=2), description="Anger and insults.", examples=[{"at": 0.8, "over": 2}])
    confusion: MaybeOff = Field(Threshold(at=0.8, over=2), description="Not understanding, being lost.", examples=["off"])
    urgency: MaybeOff = Field(Threshold(at=0.7), description="Hurry and deadlines.", examples=[{"at": 0.7}])
    pain: MaybeOff = Field(Threshold(at=0.5), description="Bodily pain.", examples=[{"at": 0.5}])
    red_flag: AlwaysOn = Field(Threshold(at=0.5), description="Medical emergencies. Always on.", examples=[{"at": 0.4}])
    crisis: AlwaysOn = Field(Threshold(at=0.5), description="Danger to life, suicidal words. Always on.", examples=[{"at": 0.4}])

    def threshold(self, name: str) -> Threshold | None:
        """Return the threshold of a class, or None where it is off."""
        found = getattr(self, name)
        return found if isinstance(found, Threshold) else None


class ExplicitRequest(Section):
    """Always on: it takes no settings."""


class Confidence(Section):
    """Fires when the intent is less certain than this."""

    below: Score = Field(0.55, ge=0, le=1, description="Confidence under which it fires.", examples=[0.55])


class ScopeTrigger(Section):
    """Fires when a turn lies outside the scope, or inside a fenced topic, with at least these scores."""

    at: Score = Field(0.6, gt=0, le=1, description="Score from which a turn counts as outside the scope.", examples=[0.6])
    fenced: Score = Field(0.5, gt=0, le=1, description="Score from which a turn counts as a fenced topic.", examples=[0.5])


class Stuck(Section):
    """Fires when the customer or the assistant repeats itself, or tools fail, this many times running."""

    repeats: Count = Field(2, ge=1, le=10, description="After how many repetitions it fires.", examples=[2])


class Triggers(Section):
    """What counts as worth acting on. Whatever is left out keeps its default; `off` switches a trigger off."""

    explicit_request: Annotated[ExplicitRequest, BeforeValidator(_unconditional)] = Field(
        ExplicitRequest(), description="A request for a person. Always on; takes no settings.", examples=[{}]
    )
    distress: Annotated[Distress, BeforeValidator(_nothing_is_default)] = Field(
        Distress(), description="The distress classes.", examples=[{"pain": {"at": 0.5}}]
    )
    confidence: Annotated[Confidence | Literal["off"], BeforeValidator(_settings_or_off)] = Field(
        Confidence(), description="An intent that is not certain enough.", examples=[{"below": 0.55}]
    )
    scope: Annotated[ScopeTrigger | Literal["off"], BeforeValidator(_settings_or_off)] = Field(
        ScopeTrigger(), description="Whatever lies outside the scope. Fenced topics fire even where this is off.", examples=[{"at": 0.6}]
    )
    stuck: Annotated[Stuck | Literal["off"], BeforeValidator(_settings_or_off)] = Field(
        Stuck(), description="Going round in circles.", examples=[{"repeats": 2}]
    )
