"""Sets of time in words: `Mon to Thu 17:00 to 08:00; Fri 14:00 to Mon 08:00`, in the business' own zone."""

from collections import Counter
from datetime import datetime, timedelta
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
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 96:
        return f"{hours} h" + (f" {minutes} min" if minutes else "")
    days, hours = divmod(hours + (minutes > 0), 24)
    return f"{days} d" + (f" {hours} h" if hours else "")


def describe(timeline: Timeline, zone: str) -> str:
    """Return a set of time in words: what comes back every week, then how many other stretches and the longest."""
    spans = list(zip(timeline.starts.tolist(), timeline.ends.tolist(), strict=True))
    if len(spans) == 1:
        return span(*spans[0], zone)
    weeks = max(1, (spans[-1][1] - spans[0][0]) // timedelta(days=7).total_seconds())
    labels = Counter(_weekly(start, end, zone) for start, end in spans)
    usual = sorted((label for label, count in labels.items() if count >= weeks * _USUAL), key=lambda label: label[:2])
    told = [f"{_NAMES[day]} {begin} to {end}" for day, begin, end in usual[:MAX_TOLD]]
    others = sum(labels.values()) - sum(labels[label] for label in usual)
    if others or len(usual) > MAX_TOLD:
        longest = span(*timeline.longest(), zone)
        told.append(f"{others} other times, the longest of all {longest}" if told else f"{others} times, the longest {longest}")
    return "; ".join(told)


def _weekly(start: int, end: int, zone: str) -> tuple[int, str, str]:
    """Return weekday and wall times; the day of the end is said where it is another."""
    begins, ends = local(start, zone), local(end, zone)
    same = begins.date() == ends.date()
    return begins.weekday(), f"{begins:%H:%M}", f"{ends:%H:%M}" if same else f"{ends:%a %H:%M}"
