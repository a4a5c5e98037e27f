"""The proof against going through a whole window minute by minute, on random calendars and rules."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookflash.hours import after_open_time, is_open
from hookflash.matrix import Matrix, first_match
from hookflash.matrix.values import format_duration
from hookflash.review import year as years
from hookflash.review.situations import situations
from hookflash.review.timeline import OpenTime, between, common, longest_wait, of_calendar, seconds_of, union, without
from hookflash.review.year import Year, late, unstaffed
from tests.strategies import ZONES, calendars

# The last Sunday of March and the first of November lie in some of these windows: days of 23 and 25 hours.
STARTS = st.sampled_from([datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 10, 23, tzinfo=UTC), datetime(2028, 2, 27, tzinfo=UTC)])
DAYS = 4
MINUTE = timedelta(minutes=1)
_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def minutes(start):
    return [start + MINUTE * number for number in range(DAYS * 24 * 60)]


@given(calendars(), calendars(), STARTS)
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
def test_sets_of_time_are_what_their_minutes_are(one, other, start):
    """Union, intersection and difference, minute by minute."""
    end = start + timedelta(days=DAYS)
    a, b = of_calendar(one, start, end), of_calendar(other, start, end)
    at = np.array([seconds_of(minute) for minute in minutes(start)])
    in_a, in_b = (np.array([is_open(calendar, minute) for minute in minutes(start)]) for calendar in (one, other))
    assert (a.holds(at) == in_a).all()
    assert (union([a, b]).holds(at) == (in_a | in_b)).all()
    assert (common(a, b).holds(at) == (in_a & in_b)).all()
    assert (without(a, b).holds(at) == (in_a & ~in_b)).all()


@given(calendars(), st.integers(1, 600), STARTS)
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
def test_due_times_and_the_longest_wait_are_those_of_every_minute(calendar, within, start):
    """The exact maximum is the maximum over all minutes at which anybody can ask."""
    far = start + timedelta(days=60)
    openings = of_calendar(calendar, start, far)
    if openings.total < within * 60 * 3:
        return
    promise = OpenTime(openings, timedelta(minutes=within))
    asked = minutes(start)[::7]
    due = promise.due(np.array([seconds_of(minute) for minute in asked]))
    expected = [after_open_time(calendar, minute, timedelta(minutes=within)) for minute in asked]
    assert due.tolist() == [seconds_of(one) for one in expected]
    every = np.array([seconds_of(minute) for minute in minutes(start)])
    worst = longest_wait(between(seconds_of(start), seconds_of(start + timedelta(days=DAYS))), promise)
    assert worst[1] - worst[0] == int((promise.due(every) - every).max())


def written(calendar):
    """Return a calendar as the matrix writes it."""
    days = {
        _DAY[day]: " ".join(f"{span.start:%H:%M}-{span.end:%H:%M}" for span in spans) for day, spans in enumerate(calendar.week) if spans
    }
    return {**days, "timezone": calendar.zone, "closed": sorted(map(str, calendar.closed))} if days else "always"


TRIGGERS = st.sampled_from(["distress.pain", "distress", "stuck", "scope.fenced", "explicit_request", "scope"])
WHENS = st.fixed_dictionaries(
    {},
    optional={
        "trigger": st.lists(TRIGGERS, min_size=1, max_size=2),
        "channel": st.sampled_from(["chat", "voice"]),
        "language": st.sampled_from(["en", "es"]),
        "severity": st.sampled_from(["moderate", "severe"]),
        "segment": st.just("member"),
        "during": st.sampled_from(["a", "b"]),
        "outside": st.sampled_from(["a", "b"]),
    },
)


@st.composite
def matrices(draw):
    rungs = st.lists(st.sampled_from(["ann", "bob"]), min_size=1, max_size=2)
    routes = [
        {"name": f"r{number}", "when": when, "ladder": [{"to": to, "warm": "60s"} for to in draw(rungs)]}
        for number, when in enumerate([*draw(st.lists(WHENS, max_size=4)), {}])
    ]
    within = format_duration(timedelta(minutes=draw(st.integers(1, 300))))
    line, zone = {"chat": "x"}, draw(ZONES)
    return Matrix.model_validate(
        {
            "hookflash": 1,
            "business": {"name": "x", "timezone": zone, "languages": ["en", "es"], "segments": ["member"]},
            "hours": {"a": written(draw(calendars())), "b": written(draw(calendars()))},
            "desks": {"d": {"kind": "builtin"}},
            "responders": {"ann": {"hours": "a", "line": line, "desk": "d"}, "bob": {"hours": "b", "line": line, "desk": "d"}},
            "routes": routes,
            "nobody": {"desk": "d", "callback": {"within": within, "hours": draw(st.sampled_from(["a", "b"])), "cap": "1d"}},
        }
    )


@pytest.fixture(autouse=True)
def few_days(monkeypatch):
    """A year of four days, so that every minute of it can be gone through."""
    monkeypatch.setattr(years, "YEAR", timedelta(days=DAYS))


@given(matrices(), STARTS)
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
def test_the_proof_says_what_every_minute_says(matrix, start):
    """Which route takes what when, who is reached, and which promises are late or unstaffed."""
    year = Year(matrix, start)
    every = minutes(start)
    at = np.array([seconds_of(minute) for minute in every])
    state = {name: np.array([is_open(calendar, minute) for minute in every]) for name, calendar in matrix.calendars.items()}
    taken = {}
    for situation in situations(matrix):
        for number in range(0, len(every), 11):
            route = first_match(matrix, situation, lambda name, number=number: bool(state[name][number]))
            taken.setdefault(matrix.routes.index(route), set()).add(number)
            index = matrix.routes.index(route)
            mask = year.reach.taken_by[situation][index]
            piece = np.searchsorted(year.reach.bounds, at[number], side="right") - 1
            assert mask[piece]
    for index, numbers in taken.items():
        when = year.reach.when(index).holds(at)
        assert all(when[number] for number in numbers)
        route = matrix.routes[index]
        hours = [matrix.responders[step.to].hours for step in route.ladder]
        nobody = np.logical_and.reduce([~state[name] for name in hours])
        assert (year.uncovered(route, year.reach.when(index)).holds(at) == (when & nobody)).all()
    _promises_agree(matrix, year, every, at, state)


def _promises_agree(matrix, year, every, at, state):
    terms = matrix.nobody.callback
    due = [after_open_time(matrix.calendars[terms.hours], minute, terms.within) for minute in every]
    if any(one is None or one > every[0] + timedelta(days=50) for one in due):
        return
    waits = [one - minute for one, minute in zip(due, every, strict=True)]
    found = late(year, matrix.nobody, year.window)
    assert (found is not None) == (max(waits) > terms.cap)
    if found is not None:
        assert timedelta(seconds=found[1] - found[0]) == max(waits)
    there = state["a"] | state["b"]
    gaps = [number for number in range(len(every)) if not there[number] and (number == 0 or there[number - 1])]
    broken = []
    for number in gaps:
        end = next((later for later in range(number, len(every)) if there[later]), None)
        if end is not None and due[number] <= every[end]:
            broken.append(number)
    first = unstaffed(year, matrix.nobody, year.window)
    assert (first is not None) == bool(broken)
    if first is not None:
        assert first[0] == int(at[broken[0]])
