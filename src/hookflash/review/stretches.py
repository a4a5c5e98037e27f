"""Sets of time in words: `Mon to Thu 17:00 to the next day 08:00; Fri 14:00 to Mon 08:00`, in the business' own zone."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hookflash.review.timeline import Timeline, instant_of

_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# A stretch of a week that comes back in at least this share of the weeks is usual.
_USUAL = 0.5
MAX_TOLD = 8


def local(seconds: int, zone: str) -> datetime:
    """Return an instant in a zone."""
    return instant_of(seconds).astimezone(ZoneInfo(zone))


def moment(seconds: int, zone: str) -> str:
    """Return an instant as people say it: `Fri 2026-12-25 14:00`."""
    return f"{local(seconds, zone):%a %Y-%m-%d %H:%M}"


def span(start: int, end: int, zone: str) -> str:
    """Return two instants as people say them."""
    return f"{moment(start, zone)} to {moment(end, zone)}"


def length(seconds: int) -> str:
    """Return a length of time in words: `30 s`, `45 min`, `63 h`, `5 d 3 h`."""
    if seconds < 120:
        return f"{seconds} s"
    minutes = -(-seconds // 60)
    if minutes < 120 and minutes != 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 96:
        return f"{hours} h" + (f" {minutes} min" if minutes else "")
    days, hours = divmod(hours + (minutes > 0), 24)
    return f"{days} d" + (f" {hours} h" if hours else "")


class Weekly(NamedTuple):
    """A stretch as it may come back every week: weekday and wall times, and how many days later it ends."""

    begins: str
    ends: str
    days_later: int
    day: int

    @property
    def times(self) -> str:
        """Its times of day."""
        end = self.ends if not self.days_later else f"{_NAMES[(self.day + self.days_later) % 7]} {self.ends}"
        return f"{self.begins} to {'the next day ' + self.ends if self.days_later == 1 else end}"


def describe(timeline: Timeline, zone: str) -> str:
    """Return a set of time in words: what comes back every week, then how many other stretches and the longest."""
    spans = list(zip(timeline.starts.tolist(), timeline.ends.tolist(), strict=True))
    if len(spans) == 1:
        return span(*spans[0], zone)
    weeks = max(1, (spans[-1][1] - spans[0][0]) // timedelta(days=7).total_seconds())
    counted = Counter(_weekly(start, end, zone) for start, end in spans)
    usual = [label for label, count in counted.items() if count >= weeks * _USUAL]
    told = list(_by_days(usual))
    others = sum(counted.values()) - sum(counted[label] for label in usual)
    if others or len(told) > MAX_TOLD:
        longest = span(*timeline.longest(), zone)
        more = f"{others} other times" if told else f"{others} times"
        told = [*told[:MAX_TOLD], f"{more}, the longest of all {longest}"]
    return "; ".join(told)


def _weekly(start: int, end: int, zone: str) -> Weekly:
    begins, ends = local(start, zone), local(end, zone)
    return Weekly(f"{begins:%H:%M}", f"{ends:%H:%M}", (ends.date() - begins.date()).days, begins.weekday())


def _by_days(labels: Iterable[Weekly]) -> Iterator[str]:
    """Yield `Mon to Thu 12:00 to 13:00` for what is the same on days that follow each other."""
    runs: list[list[Weekly]] = []
    for label in sorted(labels):
        last = runs[-1][-1] if runs else None
        if last is not None and label == last._replace(day=last.day + 1) and label.days_later < 2:
            runs[-1].append(label)
        else:
            runs.append([label])
    for run in sorted(runs, key=lambda run: (run[0].day, run[0].begins)):
        first, last = run[0], run[-1]
        days = _NAMES[first.day] if first is last else f"{_NAMES[first.day]} to {_NAMES[last.day]}"
        yield f"{days} {first.times}"
