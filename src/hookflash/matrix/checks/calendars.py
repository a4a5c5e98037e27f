"""Calendars: each day is given once, openings do not overlap even past midnight, and something is open at all."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from pydantic_core import PydanticCustomError

from hookflash.matrix.findings import Finding, Steps, at, nearest
from hookflash.matrix.values import DAYS, parse_days, parse_spans
from hookflash.model import Span

SETTINGS = ("holidays", "closed", "timezone")
_MINUTES_A_DAY = 24 * 60


def days(document: Any) -> Iterator[Finding]:
    """Yield keys that are no days, days that are given twice, and openings that run into the next day's."""
    for path, calendar in at(document, ("hours", "*")):
        if isinstance(calendar, dict):
            yield from _of_calendar(path, calendar)


def _of_calendar(path: Steps, calendar: dict[Any, Any]) -> Iterator[Finding]:
    week: dict[int, tuple[str, tuple[Span, ...]]] = {}
    for key, spans in calendar.items():
        if key in SETTINGS:
            continue
        try:
            given = parse_days(str(key))
        except PydanticCustomError:
            setting = nearest(str(key), SETTINGS)
            mend = f"did you mean `{setting}`?" if setting else f"use {', '.join(DAYS)}, or a range like mon-fri"
            yield Finding("bad-day", (*path, key), f"`{key}` is not a day", mend)
            continue
        twice = sorted(set(given) & set(week))
        if twice or len(set(given)) < len(given):
            named = ", ".join(DAYS[day] for day in twice) or str(key)
            yield Finding("day-given-twice", (*path, key), f"{named} is given twice", "put all openings of a day in one string")
        week.update(dict.fromkeys(given, (str(key), _readable(spans))))
    yield from _overlaps(path, week)


def _readable(spans: Any) -> tuple[Span, ...]:
    try:
        return parse_spans(spans) if isinstance(spans, str) else ()
    except PydanticCustomError:
        return ()


def _overlaps(path: Steps, week: dict[int, tuple[str, tuple[Span, ...]]]) -> Iterator[Finding]:
    """Yield each opening that is still going on when another day's begins."""
    openings = sorted((*_minutes(day, span), key) for day, (key, spans) in week.items() for span in spans)
    if not openings:
        return
    first = openings[0]
    around = (first[0] + 7 * _MINUTES_A_DAY, first[1] + 7 * _MINUTES_A_DAY, first[2])
    told: set[str] = set()
    for earlier, later in pairwise([*openings, around]):
        if later[0] < earlier[1] and earlier[2] not in told:
            told.add(earlier[2])
            what = f"`{earlier[2]}` is still open when `{later[2]}` opens on {DAYS[later[0] // _MINUTES_A_DAY % 7]}"
            yield Finding("overlapping-hours", (*path, earlier[2]), what, "end one where the other begins")


def _minutes(day: int, span: Span) -> tuple[int, int]:
    start = day * _MINUTES_A_DAY + span.start.hour * 60 + span.start.minute
    end = day * _MINUTES_A_DAY + span.end.hour * 60 + span.end.minute
    return start, end + (_MINUTES_A_DAY if span.crosses_midnight else 0)


def openings(document: Any) -> Iterator[Finding]:
    """Yield calendars that name no day: they keep no promise and answer no ring."""
    for path, calendar in at(document, ("hours", "*")):
        if isinstance(calendar, dict) and not set(calendar) - set(SETTINGS):
            mend = 'name days, like mon-fri: "09:00-17:00", or write `always`'
            yield Finding("never-open", path, "the calendar is never open", mend)
