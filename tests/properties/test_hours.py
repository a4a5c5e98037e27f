from datetime import timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from hookflash.hours import after_open_time, is_open, next_opening
from tests.strategies import INSTANTS, calendars

MINUTE = timedelta(minutes=1)


def open_by_the_wall_clock(calendar, at):
    """What somebody with a wall clock and the calendar would say. Only asked away from clock changes."""
    local = at.astimezone(ZoneInfo(calendar.zone))
    for days_back in (0, 1):
        day = (local - timedelta(days=days_back)).date()
        for span in () if day in calendar.closed else calendar.week[day.weekday()]:
            wall = local.time()
            if days_back == 0 and span.start <= wall and (span.crosses_midnight or wall < span.end):
                return True
            if days_back == 1 and span.crosses_midnight and wall < span.end:
                return True
    return False


def changes_clock(calendar, at):
    zone = ZoneInfo(calendar.zone)
    return (
        at.astimezone(zone).utcoffset() != (at - timedelta(days=2)).astimezone(zone).utcoffset()
        or at.astimezone(zone).utcoffset() != (at + timedelta(days=2)).astimezone(zone).utcoffset()
    )


@given(calendars(), INSTANTS)
def test_open_agrees_with_a_wall_clock(calendar, at):
    """Interval arithmetic and a look at the clock agree, except around clock changes, which have tests of their own."""
    if not changes_clock(calendar, at):
        assert is_open(calendar, at) == open_by_the_wall_clock(calendar, at)


@given(calendars(), INSTANTS)
def test_the_next_opening_is_open_and_nothing_before_it_is(calendar, at):
    """next_opening is the first open instant."""
    opening = next_opening(calendar, at)
    if opening is None:
        assert not any(calendar.week)
        return
    assert is_open(calendar, opening)
    if opening > at:
        assert not is_open(calendar, at)
        assert not is_open(calendar, opening - timedelta(microseconds=1))


@given(calendars(), INSTANTS, st.integers(1, 300))
def test_open_time_is_exactly_as_much_as_asked_for(calendar, at, minutes):
    """Counted minute by minute, exactly so much open time lies before the due time."""
    due = after_open_time(calendar, at, minutes * MINUTE)
    if due is None or due - at > timedelta(days=3):
        return
    counted = sum(is_open(calendar, at + minute * MINUTE) for minute in range(int((due - at) / MINUTE)))
    assert counted == minutes
