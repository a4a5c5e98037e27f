"""One situation at one time: the way through the rules, and what then happens, step by step."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import dateparser

from hookflash.decide import urgency_of, words_at_once
from hookflash.errors import InputError
from hookflash.hours import is_open, next_opening
from hookflash.matrix import TRIGGERS, Matrix, Route, Situation, words
from hookflash.matrix.findings import choices
from hookflash.matrix.match import MODERATE, SEVERE, unmet, untimely
from hookflash.model import Channel, Urgency
from hookflash.promise import due_time, spoken_time
from hookflash.review.situations import TOPICAL, severities
from hookflash.route import rung_of, terms_of

KEYS = ("trigger", "severity", "channel", "language", "topic", "segment")
NOBODY = "nobody"
# Public holidays are known about so far.
MAX_YEARS = 50


@dataclass(frozen=True, slots=True)
class Rule:
    """A route that was looked at, and why it was not taken; nothing for the one that was."""

    route: str
    why_not: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ring:
    """A rung as it comes: rung from `at` on for `seconds`, or passed over, with why."""

    responder: str
    at: datetime
    seconds: int
    line: str
    address: str
    transfer: str
    passed_over: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a matrix does in a situation at a time."""

    situation: Situation
    at: datetime
    rules: tuple[Rule, ...]
    route: str
    urgency: Urgency
    said: str
    rings: tuple[Ring, ...]
    promised_at: datetime
    due: datetime
    desk: str
    said_if_nobody: str

    @property
    def order(self) -> tuple[str, ...]:
        """Who is rung, in order; `nobody` where nobody is there."""
        return tuple(ring.responder for ring in self.rings if ring.passed_over is None) or (NOBODY,)


def situation_of(pairs: Iterable[str], matrix: Matrix) -> Situation:
    """Read `trigger=distress.pain channel=voice`. What is left out is the usual. Raises `InputError`."""
    given: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key not in KEYS:
            raise InputError(f"`{pair}` is not part of a situation; write KEY=VALUE with one of {', '.join(KEYS)}")
        if key in given:
            raise InputError(f"the situation gives {key} twice; one situation is looked at at a time")
        given[key] = value
    if "trigger" not in given:
        raise InputError(f"the situation names no trigger; add trigger=..., one of {', '.join(TRIGGERS)}")
    trigger = given["trigger"]
    known = {
        "trigger": TRIGGERS,
        "severity": (MODERATE, SEVERE),
        "channel": tuple(Channel),
        "language": matrix.business.languages,
        "topic": tuple(matrix.scope.fenced),
        "segment": matrix.business.segments,
    }
    for key, value in given.items():
        if value not in known[key]:
            raise InputError(f"{key}={value} is not known; {choices(value, known[key])}")
    possible = severities(trigger, matrix)
    if not possible:
        raise InputError(f"{trigger} is off in this matrix, so that nothing happens; switch it on under `triggers`")
    if given.get("severity", possible[-1]) not in possible:
        raise InputError(f"{trigger} fires only when it is {possible[0]} in this matrix; leave severity out, or lower its threshold")
    if "topic" in given and trigger not in TOPICAL:
        raise InputError(f"{trigger} has no topic; only {' and '.join(TOPICAL)} have")
    return Situation(
        trigger=trigger,
        severity=given.get("severity", possible[-1]),
        channel=given.get("channel", Channel.CHAT.value),
        language=given.get("language", matrix.business.languages[0]),
        topic=given.get("topic"),
        segment=given.get("segment"),
    )


def time_of(text: str | None, matrix: Matrix, now: datetime) -> datetime:
    """Read an ISO time, or one as people say it (`Fri 21:40`), in the business' zone. Raises `InputError`."""
    zone = ZoneInfo(matrix.business.timezone)
    if text is None:
        return now.astimezone(zone)
    try:
        found: datetime | None = datetime.fromisoformat(text)
    except ValueError:
        found = dateparser.parse(
            text,
            languages=["en", *(language.partition("-")[0] for language in matrix.business.languages if not language.startswith("en"))],
            settings={"RELATIVE_BASE": now.astimezone(zone).replace(tzinfo=None), "PREFER_DATES_FROM": "future"},
        )
    if found is None:
        raise InputError(f"`{text}` is not a time; write it like 2026-12-25T03:00, `Fri 21:40` or `tomorrow 3am`")
    if abs(found.year - now.year) > MAX_YEARS:
        raise InputError(f"`{text}` is too far from today; calendars are known {MAX_YEARS} years around it")
    return found.replace(tzinfo=zone) if found.tzinfo is None else found.astimezone(zone)


def explain(matrix: Matrix, situation: Situation, at: datetime) -> Explanation:
    """Return what a matrix does in a situation at a time."""
    rules = []
    for route in matrix.routes:
        why = (*unmet(route.when, situation), *untimely(route.when, lambda name: is_open(matrix.calendars[name], at)))
        rules.append(Rule(matrix.route_name(route), why))
        if not why:
            break
    chosen = matrix.route_named(rules[-1].route)
    rings, done = _rings(matrix, chosen, situation, at)
    nobody = chosen.nobody or matrix.nobody
    due = due_time(terms_of(nobody), matrix, done).astimezone(at.tzinfo)
    spoken = spoken_time(due, matrix, situation.language)
    return Explanation(
        situation=situation,
        at=at,
        rules=tuple(rules),
        route=rules[-1].route,
        urgency=urgency_of(chosen, situation.trigger),
        said=words(matrix, situation.language, words_at_once(chosen, situation.trigger)),
        rings=rings,
        promised_at=done,
        due=due,
        desk=nobody.desk,
        said_if_nobody=words(matrix, situation.language, nobody.say, callback_by=spoken, ticket="<number>"),
    )


def _rings(matrix: Matrix, route: Route, situation: Situation, at: datetime) -> tuple[tuple[Ring, ...], datetime]:
    """Go up the ladder on a clock: whoever is closed when their turn comes is passed over."""
    rings, clock = [], at
    for rung in (rung_of(step, Channel(situation.channel), matrix) for step in route.ladder):
        calendar = matrix.calendars[rung.hours]
        closed = None if is_open(calendar, clock) else _closed(rung.hours, next_opening(calendar, clock), at)
        seconds = int(rung.ring_for.total_seconds()) if closed is None else 0
        rings.append(Ring(rung.responder, clock, seconds, rung.line, rung.address, rung.transfer, closed))
        clock += timedelta(seconds=seconds)
    return tuple(rings), clock


def _closed(hours: str, opens: datetime | None, at: datetime) -> str:
    until = f"until {opens.astimezone(at.tzinfo):%a %Y-%m-%d %H:%M}" if opens else "for more than a year"
    return f"{hours} is closed {until}"
