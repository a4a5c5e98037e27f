from datetime import UTC, date, datetime, timedelta

import pytest

from hookflash.hours import after_open_time, is_open, next_opening, open_intervals
from hookflash.matrix.values import parse_spans
from hookflash.model import Calendar


def calendar(zone="America/Chicago", **days):
    week = [()] * 7
    for day, text in days.items():
        if day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"):
            week["mon tue wed thu fri sat sun".split().index(day)] = parse_spans(text)
    rest = {key: value for key, value in days.items() if key in ("holidays", "closed", "always")}
    return Calendar(zone=zone, week=tuple(week), **rest)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_lunch_closes_a_split_shift():
    """Between the two halves of a day nobody is there."""
    split = calendar(mon="08:00-12:00 13:00-17:00")
    assert is_open(split, utc(2026, 11, 23, 17, 59))
    assert not is_open(split, utc(2026, 11, 23, 18, 0))
    assert is_open(split, utc(2026, 11, 23, 19, 0))
    assert not is_open(split, utc(2026, 11, 23, 23, 0))


def test_hours_that_cross_midnight_belong_to_the_day_they_begin():
    """A Friday night shift is open on Saturday morning and not before."""
    night = calendar(fri="22:00-06:00")
    assert is_open(night, utc(2026, 11, 28, 11, 59))
    assert not is_open(night, utc(2026, 11, 27, 11, 0))


def test_midnight_to_midnight_is_the_whole_day():
    """00:00-00:00 is open all day and joins the day after without a gap."""
    whole = calendar(zone="UTC", mon="00:00-00:00", tue="00:00-00:00")
    assert list(open_intervals(whole, utc(2026, 11, 23), utc(2026, 11, 26))) == [(utc(2026, 11, 23), utc(2026, 11, 25))]


def test_a_holiday_of_the_region_is_closed():
    """Thanksgiving is closed in Illinois; the day after is not."""
    office = calendar(thu="08:00-17:00", fri="08:00-14:00", holidays="US-IL")
    assert not is_open(office, utc(2026, 11, 26, 16, 0))
    assert is_open(office, utc(2026, 11, 27, 16, 0))


def test_a_closed_day_is_closed():
    """Days named as closed are skipped."""
    office = calendar(thu="08:00-17:00", closed=frozenset({date(2026, 12, 24)}))
    assert next_opening(office, utc(2026, 12, 24, 15, 0)) == utc(2026, 12, 31, 14, 0)


def test_always_is_always():
    """A calendar without hours of its own is open at any instant."""
    always = calendar(always=True)
    now = utc(2026, 3, 8, 9, 0)
    assert is_open(always, now)
    assert next_opening(always, now) == now
    assert list(open_intervals(always, now, now + timedelta(days=1))) == [(now, now + timedelta(days=1))]
    assert after_open_time(always, now, timedelta(hours=5)) == utc(2026, 3, 8, 14, 0)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (utc(2026, 11, 25, 3, 40), utc(2026, 11, 25, 15, 0)),  # 21:40 the evening before -> 9:00
        (utc(2026, 11, 24, 17, 30), utc(2026, 11, 24, 19, 30)),  # 11:30, lunch from 12 to 13 -> 13:30
        (utc(2026, 11, 27, 19, 30), utc(2026, 11, 30, 14, 30)),  # Friday 13:30, closes at 14 -> Monday 8:30
    ],
)
def test_open_time_is_counted_over_lunch_nights_and_weekends(now, due):
    """An hour of open time is an hour in which somebody is there."""
    split = "08:00-12:00 13:00-17:00"
    office = calendar(mon=split, tue=split, wed=split, thu=split, fri="08:00-14:00")
    assert after_open_time(office, now, timedelta(hours=1)) == due


def test_spring_makes_a_night_shorter():
    """On the day the clocks go forward, 00:00-04:00 lasts three hours."""
    night = calendar(sun="00:00-04:00")
    (opening,) = open_intervals(night, utc(2026, 3, 8), utc(2026, 3, 9))
    assert opening[1] - opening[0] == timedelta(hours=3)


def test_autumn_makes_a_night_longer():
    """On the day the clocks go back, 00:00-04:00 lasts five hours."""
    night = calendar(sun="00:00-04:00")
    (opening,) = open_intervals(night, utc(2026, 11, 1), utc(2026, 11, 2))
    assert opening[1] - opening[0] == timedelta(hours=5)


def test_a_calendar_that_never_opens_says_so():
    """No opening within a year is None, not a guess."""
    never = calendar()
    assert next_opening(never, utc(2026, 1, 1)) is None
    assert after_open_time(never, utc(2026, 1, 1), timedelta(minutes=1)) is None
