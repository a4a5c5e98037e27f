"""Opening hours: open now, next opening, and a time that lies so much open time ahead.

All answers are exact intervals computed from the calendar, never sampled. Wall times become instants through the
calendar's zone, so a day of 23 or 25 hours comes out right: a wall time that a spring change skips moves forward by
the gap, and one that autumn repeats is taken at its first occurrence.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from hookflash.model import Calendar, Span

# A calendar that has no opening in this long is closed for good as far as a customer is concerned.
HORIZON = timedelta(days=366)

Interval = tuple[datetime, datetime]


@lru_cache(maxsize=512)
def public_holidays(code: str, year: int) -> frozenset[date]:
    """Return the public holidays of a country (`US`) or subdivision (`US-IL`) in a year.

    Raises `NotImplementedError` for a code that the `holidays` library does not know.
    """
    country, _, subdivision = code.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Return whether the calendar is open at an instant."""
    return any(start <= at for start, _ in _ahead(calendar, at, at + timedelta(microseconds=1)))


def next_opening(calendar: Calendar, at: datetime) -> datetime | None:
    """Return `at` if open, else the start of the next opening, or None where there is none within a year."""
    for start, _ in _ahead(calendar, at, at + HORIZON):
        return max(start, at)
    return None


def after_open_time(calendar: Calendar, at: datetime, amount: timedelta, also: Calendar | None = None) -> datetime | None:
    """Return the instant at which `amount` of open time has passed since `at`, or None if not within a year.

    With a second calendar only the time counts in which both are open.
    """
    left = amount
    for start, end in _both_ahead(calendar, also, at, at + HORIZON):
        begin = max(start, at)
        if end - begin >= left:
            return begin + left
        left -= end - begin
    return None


def _both_ahead(calendar: Calendar, also: Calendar | None, start: datetime, end: datetime) -> Iterator[Interval]:
    for begin, finish in _ahead(calendar, start, end):
        if also is None:
            yield begin, finish
        else:
            yield from open_intervals(also, max(begin, start), finish)


def open_intervals(calendar: Calendar, start: datetime, end: datetime) -> Iterator[Interval]:
    """Yield the openings between two instants, in order, merged where they touch, cut to the window."""
    for begin, finish in _ahead(calendar, start, end):
        yield max(begin, start), min(finish, end)


def _ahead(calendar: Calendar, start: datetime, end: datetime) -> Iterator[Interval]:
    """Yield merged UTC openings that end after `start` and begin before `end`."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if calendar.always:
        yield start, end
        return
    current: Interval | None = None
    for opening in _openings(calendar, start, end):
        if current is not None and opening[0] <= current[1]:
            current = current[0], max(current[1], opening[1])
            continue
        if current is not None and current[1] > start:
            yield current
        current = opening
    if current is not None and current[1] > start:
        yield current


def _openings(calendar: Calendar, start: datetime, end: datetime) -> Iterator[Interval]:
    """Yield one UTC interval a span, from the day before `start` (a span may run past midnight) up to `end`."""
    zone = ZoneInfo(calendar.zone)
    day = start.astimezone(zone).date() - timedelta(days=1)
    while _instant(day, time.min, zone) < end:
        for span in _spans_on(calendar, day):
            opening = _interval(day, span, zone)
            if opening[0] < min(opening[1], end):
                yield opening
        day += timedelta(days=1)


def _spans_on(calendar: Calendar, day: date) -> tuple[Span, ...]:
    if day in calendar.closed:
        return ()
    if calendar.holidays and day in public_holidays(calendar.holidays, day.year):
        return ()
    return calendar.week[day.weekday()]


def _interval(day: date, span: Span, zone: ZoneInfo) -> Interval:
    last = day + timedelta(days=1) if span.crosses_midnight else day
    return _instant(day, span.start, zone), _instant(last, span.end, zone)


def _instant(day: date, wall: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, wall, zone).astimezone(UTC)
