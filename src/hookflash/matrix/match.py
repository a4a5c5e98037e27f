"""Which route takes an escalation: conditions against a situation."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from hookflash.matrix.routes import Route, When
from hookflash.matrix.schema import Matrix
from hookflash.matrix.triggers import SEVERE_FROM

MODERATE, SEVERE = "moderate", "severe"
IsOpen = Callable[[str], bool]


class Situation(NamedTuple):
    """What a route can look at, the time aside."""

    trigger: str
    severity: str
    channel: str
    language: str
    topic: str | None = None
    segment: str | None = None


def severity_of(score: float) -> str:
    """Return how strong a reason of this score is."""
    return SEVERE if score >= SEVERE_FROM else MODERATE


def first_match(matrix: Matrix, situation: Situation, is_open: IsOpen) -> Route:
    """Return the first route that matches; the last one of a checked matrix matches everything."""
    return next(route for route in matrix.routes if fits(route.when, situation) and is_timely(route.when, is_open))


def fits(when: When, situation: Situation) -> bool:
    """Return whether every condition but those on time is met."""
    return next(unmet(when, situation), None) is None


def unmet(when: When, situation: Situation) -> Iterator[str]:
    """Yield each condition (time aside) that the situation does not meet, in words."""
    if when.trigger and not any(covers(name, situation.trigger) for name in when.trigger):
        yield f"trigger is {situation.trigger}, not {_or(when.trigger)}"
    if when.topic and situation.topic not in when.topic:
        yield f"topic is {situation.topic or 'none'}, not {_or(when.topic)}"
    if when.severity and situation.severity not in when.severity:
        yield f"severity is {situation.severity}, not {_or(when.severity)}"
    if when.channel and situation.channel not in when.channel:
        yield f"channel is {situation.channel}, not {_or(when.channel)}"
    if when.language and situation.language not in when.language:
        yield f"language is {situation.language}, not {_or(when.language)}"
    if when.segment and situation.segment not in when.segment:
        yield f"segment is {situation.segment or 'none'}, not {_or(when.segment)}"


def is_timely(when: When, is_open: IsOpen) -> bool:
    """Return whether the conditions on time are met."""
    return next(untimely(when, is_open), None) is None


def untimely(when: When, is_open: IsOpen) -> Iterator[str]:
    """Yield each condition on time that is not met, in words."""
    if when.during and not any(is_open(name) for name in when.during):
        yield f"{_or(when.during)} is closed then"
    yield from (f"{name} is open then" for name in when.outside if is_open(name))


def covers(name: str, trigger: str) -> bool:
    """Return whether a name in a route means a trigger: itself, or the family it belongs to."""
    return trigger == name or trigger.startswith(f"{name}.")


def _or(values: tuple[str, ...]) -> str:
    return " or ".join(str(value) for value in values)
