"""Sets of time as sorted arrays of openings, so that a year of every calendar is proved at once instead of sampled.

Times are whole seconds since 1970 in UTC. `hookflash.hours` makes the openings; this module only combines them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from hookflash.hours import open_intervals
from hookflash.model import Calendar

Seconds = NDArray[np.int64]
MINUTE = 60
# A due time that lies beyond everything that was looked at.
NEVER = np.iinfo(np.int64).max // 4


@dataclass(frozen=True, eq=False)
class Timeline:
    """A set of instants: openings from `starts` (included) to `ends` (excluded), in order, never touching."""

    starts: Seconds
    ends: Seconds

    @property
    def is_empty(self) -> bool:
        """Whether it holds no instant."""
        return self.starts.size == 0

    @property
    def total(self) -> int:
        """How many seconds it holds."""
        return int((self.ends - self.starts).sum())

    def holds(self, at: Seconds) -> NDArray[np.bool_]:
        """Return for each instant whether it is in the set."""
        if self.is_empty:
            return np.zeros(at.shape, dtype=bool)
        place = np.searchsorted(self.starts, at, side="right") - 1
        return (place >= 0) & (at < self.ends[np.maximum(place, 0)])

    def longest(self) -> tuple[int, int]:
        """Return the longest opening."""
        place = int(np.argmax(self.ends - self.starts))
        return int(self.starts[place]), int(self.ends[place])

    def lasting(self, seconds: int) -> "Timeline":
        """Return the set with each opening going on for so much longer."""
        bounds = np.unique(np.concatenate([self.starts, self.ends + seconds]))
        begun = np.searchsorted(self.starts, bounds[:-1], side="right")
        over = np.searchsorted(self.ends + seconds, bounds[:-1], side="right")
        return from_pieces(bounds, begun > over) if bounds.size > 1 else self


def empty() -> Timeline:
    """Return the set of no instants."""
    nothing = np.zeros(0, dtype=np.int64)
    return Timeline(nothing, nothing)


def between(start: int, end: int) -> Timeline:
    """Return one opening."""
    return Timeline(np.array([start], dtype=np.int64), np.array([end], dtype=np.int64))


def of_calendar(calendar: Calendar, start: datetime, end: datetime) -> Timeline:
    """Return when a calendar is open between two instants."""
    openings = list(open_intervals(calendar, start, end))
    return Timeline(_seconds(begin for begin, _ in openings), _seconds(finish for _, finish in openings))


def seconds_of(at: datetime) -> int:
    """Return an instant as whole seconds."""
    return int(at.timestamp())


def instant_of(seconds: int) -> datetime:
    """Return whole seconds as an instant."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(seconds))


def union(timelines: Iterable[Timeline]) -> Timeline:
    """Return the instants that are in any of the sets."""
    return combined(lambda inside: reduce(np.logical_or, inside), list(timelines))


def common(*timelines: Timeline) -> Timeline:
    """Return the instants that are in all of the sets."""
    return combined(lambda inside: reduce(np.logical_and, inside), list(timelines))


def without(timeline: Timeline, *others: Timeline) -> Timeline:
    """Return the instants of a set that are in none of the others."""
    return combined(lambda inside: inside[0] & ~reduce(np.logical_or, inside[1:]), [timeline, *others]) if others else timeline


def combined(keep: Callable[[list[NDArray[np.bool_]]], NDArray[np.bool_]], timelines: list[Timeline]) -> Timeline:
    """Cut time where any of the sets begins or ends, and keep the pieces that `keep` chooses by who holds them."""
    bounds = boundaries(timelines)
    if bounds.size < 2:
        return empty()
    return from_pieces(bounds, keep([timeline.holds(bounds[:-1]) for timeline in timelines]))


def boundaries(timelines: Iterable[Timeline]) -> Seconds:
    """Return every instant at which any of the sets begins or ends."""
    edges = [edge for timeline in timelines for edge in (timeline.starts, timeline.ends)]
    return np.unique(np.concatenate(edges)) if edges else np.zeros(0, dtype=np.int64)


def from_pieces(bounds: Seconds, kept: NDArray[np.bool_]) -> Timeline:
    """Return the pieces between bounds that are kept, joined where they touch."""
    padded = np.concatenate([[False], kept, [False]]).astype(np.int8)
    steps = np.diff(padded)
    return Timeline(bounds[np.flatnonzero(steps == 1)], bounds[np.flatnonzero(steps == -1)])


def _seconds(instants: Iterable[datetime]) -> Seconds:
    return np.array([seconds_of(at) for at in instants], dtype=np.int64)


class OpenTime:
    """How open time adds up over a calendar: when a promise of so much open time falls due."""

    def __init__(self, openings: Timeline, within: timedelta) -> None:
        """Take the openings, and how much of them a promise takes."""
        self._openings = openings
        self._amount = int(within.total_seconds())
        self._sums = np.concatenate([[0], np.cumsum(openings.ends - openings.starts)]).astype(np.int64)

    def due(self, at: Seconds) -> Seconds:
        """Return when promises made at these instants fall due, to the minute and never early; `NEVER` where unknown."""
        target = self._passed(at) + self._amount
        place = np.searchsorted(self._sums, target, side="left") - 1
        known = place < self._openings.starts.size
        place = np.minimum(place, self._openings.starts.size - 1)
        due = self._openings.starts[place] + target - self._sums[place]
        return np.where(known, -(-due // MINUTE) * MINUTE, NEVER)

    def jumps(self) -> Seconds:
        """Return the instants after which a promise no longer fits into an opening and falls into the next."""
        last = self._sums[1:] - self._amount
        last = last[last >= 0]
        place = np.searchsorted(self._sums, last, side="right") - 1
        place = np.minimum(place, self._openings.starts.size - 1)
        return self._openings.starts[place] + last - self._sums[place]

    def _passed(self, at: Seconds) -> Seconds:
        place = np.searchsorted(self._openings.starts, at, side="right") - 1
        inside = np.minimum(at, self._openings.ends[np.maximum(place, 0)]) - self._openings.starts[np.maximum(place, 0)]
        return np.where(place < 0, 0, self._sums[np.maximum(place, 0)] + inside)


def longest_wait(asked: Timeline, promise: OpenTime, ringing: int = 0) -> tuple[int, int] | None:
    """Return when asking brings the latest due time, and that time, or None where nobody ever asks.

    A promise is made after `ringing` seconds of rings. Customers ask at whole minutes. The wait shrinks as time goes on,
    except where an asking begins and just after a promise no longer fits: these instants are all that is looked at.
    """
    after_jumps = ((promise.jumps() - ringing) // MINUTE + 1) * MINUTE
    candidates = np.concatenate([asked.starts, after_jumps[asked.holds(after_jumps)]])
    if candidates.size == 0:
        return None
    due = promise.due(candidates + ringing)
    worst = int(np.argmax(due - candidates))
    return int(candidates[worst]), int(due[worst])
