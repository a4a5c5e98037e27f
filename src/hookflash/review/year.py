"""A matrix over the coming year: for every situation and every instant, what it does about it.

It is exact: calendars become sets of openings, rules cut them into pieces, and what can go wrong can only begin at the
edge of a piece. Nothing is sampled. `tests/properties/test_proof.py` compares it with going through minute by minute.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from hookflash.matrix import TRIGGERS, Matrix, Nobody, Route
from hookflash.matrix.values import LONGEST_PROMISE
from hookflash.review.situations import TOPICAL, Reach, reach, severities
from hookflash.review.timeline import OpenTime, Timeline, between, common, longest_wait, of_calendar, seconds_of, union, without

YEAR = timedelta(days=366)
# Promises made at the end of the year fall due after it.
_BEYOND = 2 * LONGEST_PROMISE


@dataclass(frozen=True, slots=True)
class Wait:
    """The worst that can happen to a customer whose trigger fires, in the year that was looked at.

    `seconds` runs from asking until somebody open has been rung, or where nobody is open until the promise falls due.
    `asked` and `until` are instants (seconds since 1970), or None where it is the same at any time.
    `unanswered` is the worst if nobody who is rung answers.
    """

    trigger: str
    topic: str | None
    seconds: int
    asked: int | None
    until: int | None
    unanswered: int
    route: str


class Year:
    """A matrix over a year: its openings, who takes what when, and who is there."""

    def __init__(self, matrix: Matrix, start: datetime) -> None:
        """Look at a matrix from `start` (cut to the minute) for 366 days."""
        self.matrix = matrix
        self.start = start.replace(second=0, microsecond=0)
        self.window = between(seconds_of(self.start), seconds_of(self.start + YEAR))
        self._promises: dict[Nobody, OpenTime] = {}

    @cached_property
    def openings(self) -> dict[str, Timeline]:
        """When each calendar is open, beyond the year as far as a promise may reach."""
        end = self.start + YEAR + _BEYOND
        return {name: of_calendar(calendar, self.start, end) for name, calendar in self.matrix.calendars.items()}

    @cached_property
    def reach(self) -> Reach:
        """Which route takes which situation when."""
        return reach(self.matrix, self.window, self.openings)

    def nobody_of(self, route: Route) -> Nobody:
        """Return what happens when nobody on a route is there."""
        return route.nobody or self.matrix.nobody

    def promise(self, nobody: Nobody) -> OpenTime:
        """Return how the promises of a plan fall due."""
        if nobody not in self._promises:
            self._promises[nobody] = OpenTime(self.openings[nobody.callback.hours], nobody.callback.within)
        return self._promises[nobody]

    def rungs(self, route: Route) -> list[Timeline]:
        """Return when each rung of a ladder is open."""
        return [self.openings[self.matrix.responders[step.to].hours] for step in route.ladder]

    def uncovered(self, route: Route, asked: Timeline) -> Timeline:
        """Return when a route's escalations find nobody on its ladder."""
        return without(asked, *self.rungs(route))

    def ringing(self, route: Route) -> int:
        """Return how long the whole ladder rings, in seconds."""
        return int(sum((step.ring_for for step in route.ladder), timedelta()).total_seconds())

    def keepers(self, nobody: Nobody) -> Timeline:
        """Return when somebody is there to keep a promise: those who work with its desk, or anybody where none does."""
        people = self.matrix.responders.values()
        own = [person.hours for person in people if person.desk == nobody.desk]
        return union(self.openings[hours] for hours in set(own or [person.hours for person in people]))

    def waits(self) -> Iterator[Wait]:
        """Yield the worst wait for every trigger that can fire, and for every fenced topic."""
        for trigger in TRIGGERS:
            topics = (*self.matrix.scope.fenced, None) if trigger in TOPICAL and self.matrix.scope.fenced else (None,)
            for topic in topics if severities(trigger, self.matrix) else ():
                found = [wait for index in self.reach.routes_of(trigger, topic) for wait in self._wait(index, trigger, topic)]
                if found and not (trigger in TOPICAL and topic is None and len(topics) > 1):
                    yield max(found, key=lambda wait: wait.seconds)

    def _wait(self, index: int, trigger: str, topic: str | None) -> Iterator[Wait]:
        asked = self.reach.when(index, trigger=trigger, topic=topic)
        if asked.is_empty:
            return
        route = self.matrix.routes[index]
        promise = self.promise(self.nobody_of(route))
        worst = longest_wait(self.uncovered(route, asked), promise)
        unanswered = longest_wait(asked, promise, self.ringing(route))
        last = unanswered[1] - unanswered[0] if unanswered else 0
        name = self.matrix.route_name(route)
        if worst is None:
            yield Wait(trigger, topic, self._first_ring(route, asked), None, None, last, name)
        else:
            yield Wait(trigger, topic, worst[1] - worst[0], *worst, max(last, worst[1] - worst[0]), name)

    def _first_ring(self, route: Route, asked: Timeline) -> int:
        """Return the longest that the first open rung rings, over the times at which a route is asked."""
        left, longest = asked, 0
        for step, opening in zip(route.ladder, self.rungs(route), strict=True):
            if not common(left, opening).is_empty:
                longest = max(longest, int(step.ring_for.total_seconds()))
            left = without(left, opening)
        return longest


def late(year: Year, nobody: Nobody, made: Timeline) -> tuple[int, int] | None:
    """Return a promise that falls due later than its cap allows, as (made, due), the worst one, or None."""
    worst = longest_wait(common(made, year.window), year.promise(nobody))
    if worst is None or worst[1] - worst[0] <= nobody.callback.cap.total_seconds():
        return None
    return worst


def unstaffed(year: Year, nobody: Nobody, made: Timeline) -> tuple[int, int] | None:
    """Return a promise that falls due before anybody is there to keep it, as (made, due), the first one, or None.

    Within a time at which nobody is there the first promise falls due first: if anybody comes before it, all are kept.
    """
    gaps = without(year.window, year.keepers(nobody))
    promise = year.promise(nobody)
    for start, end in zip(gaps.starts.tolist(), gaps.ends.tolist(), strict=True):
        inside = common(between(start, end), made)
        if inside.is_empty or end >= year.window.ends[0]:
            continue
        due = int(promise.due(inside.starts[:1])[0])
        if due <= end:
            return int(inside.starts[0]), due
    return None
