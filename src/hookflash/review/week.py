"""Who would answer, half hour by half hour, over one week."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from hookflash.matrix import Matrix, Route
from hookflash.review.timeline import boundaries, of_calendar, seconds_of

NOBODY, CHANGES = "·", "+"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SLOT = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Week:
    """Who answers on some routes: `days` holds (day, one letter for each half hour), `exact` who is there from when to when."""

    routes: tuple[str, ...]
    legend: tuple[tuple[str, str], ...]
    days: tuple[tuple[str, str], ...]
    exact: tuple[tuple[datetime, datetime, str | None], ...]


def weeks(matrix: Matrix, now: datetime) -> tuple[Week, ...]:
    """Return the seven days from `now` for each ladder that asks other people, in the business' zone."""
    by_people: dict[tuple[str, ...], list[Route]] = {}
    for route in matrix.routes:
        by_people.setdefault(tuple(step.to for step in route.ladder), []).append(route)
    return tuple(_week(matrix, people, routes, now) for people, routes in by_people.items())


def _week(matrix: Matrix, people: tuple[str, ...], routes: list[Route], now: datetime) -> Week:
    zone = ZoneInfo(matrix.business.timezone)
    first = now.astimezone(zone).date()
    edges = [datetime.combine(first + timedelta(days=day), time.min, zone) for day in range(8)]
    order = tuple(dict.fromkeys(people))
    letters = dict(zip(order, LETTERS, strict=False))
    exact = _exact(matrix, order, edges[0], edges[-1])
    days = tuple((f"{start:%a %Y-%m-%d}", _bar(exact, start, letters)) for start in edges[:-1])
    names = tuple(matrix.route_name(route) for route in routes)
    return Week(names, tuple((letter, name) for name, letter in letters.items()), days, exact)


def _exact(matrix: Matrix, people: tuple[str, ...], start: datetime, end: datetime) -> tuple[tuple[datetime, datetime, str | None], ...]:
    """Return who is first on the ladder from when to when."""
    opens = {name: of_calendar(matrix.calendars[matrix.responders[name].hours], start, end) for name in people}
    bounds = np.union1d(boundaries(opens.values()), [seconds_of(start), seconds_of(end)])
    zone = start.tzinfo
    found: list[tuple[datetime, datetime, str | None]] = []
    for begin, finish in pairwise(bounds.tolist()):
        who = next((name for name in people if opens[name].holds(np.array([begin]))[0]), None)
        since = found.pop()[0] if found and found[-1][2] == who else datetime.fromtimestamp(begin, zone)
        found.append((since, datetime.fromtimestamp(finish, zone), who))
    return tuple(found)


def _bar(exact: tuple[tuple[datetime, datetime, str | None], ...], day: datetime, letters: dict[str, str]) -> str:
    """Return one letter for each half hour of the wall clock."""
    bar = ""
    for slot in range(48):
        begin = day + slot * SLOT
        end = begin + SLOT
        there = {who for start, finish, who in exact if start < end and begin < finish}
        bar += CHANGES if len(there) > 1 else letters.get(there.pop() or "", NOBODY) if there else NOBODY
    return bar
