"""Every situation that a matrix can be asked about, and which route takes it when."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from hookflash.matrix import TRIGGERS, Matrix, Route, Situation, Stuck, When
from hookflash.matrix.match import MODERATE, SEVERE, covers
from hookflash.matrix.triggers import SEVERE_FROM
from hookflash.model import Channel, Kind
from hookflash.review.timeline import Seconds, Timeline, boundaries, from_pieces
from hookflash.signals.stuck import stuck_score

TOPICAL = (Kind.FENCED, Kind.DRAFT_FENCED)


def situations(matrix: Matrix) -> tuple[Situation, ...]:
    """Return every (trigger x severity x channel x language x topic x segment) that can arise under a matrix.

    A fenced topic may also come from a detector that names none, hence the topic None.
    """
    segments = (None, *matrix.business.segments)
    return tuple(
        Situation(trigger, severity, channel, language, topic, segment)
        for trigger in TRIGGERS
        for severity, channel, language, topic, segment in product(
            severities(trigger, matrix), map(str, Channel), matrix.business.languages, _topics(trigger, matrix), segments
        )
    )


def _topics(trigger: str, matrix: Matrix) -> tuple[str | None, ...]:
    return (*matrix.scope.fenced, None) if trigger in TOPICAL else (None,)


def severities(trigger: str, matrix: Matrix) -> tuple[str, ...]:
    """Return how strong a trigger can be when it fires; nothing where it is off."""
    lowest = _lowest_score(trigger, matrix)
    if lowest is None:
        return ()
    return (SEVERE,) if lowest >= SEVERE_FROM else (MODERATE, SEVERE)


def _lowest_score(trigger: str, matrix: Matrix) -> float | None:
    """Return the lowest score with which a trigger fires, or None where it is off."""
    triggers = matrix.triggers
    if trigger.startswith("distress."):
        threshold = triggers.distress.threshold(trigger.removeprefix("distress."))
        return threshold.at if threshold else None
    if trigger == Kind.CONFIDENCE:
        return None if triggers.confidence == "off" or not triggers.confidence.below else 1 - triggers.confidence.below
    if trigger == Kind.SCOPE:
        return None if triggers.scope == "off" else triggers.scope.at
    if trigger == Kind.FENCED:
        return 0.0 if triggers.scope == "off" else triggers.scope.fenced
    if trigger == Kind.STUCK:
        return stuck_score(triggers.stuck.repeats) if isinstance(triggers.stuck, Stuck) else None
    return 1.0 if trigger == Kind.DETECTOR_FAILURE else 0.0


Pieces = NDArray[np.bool_]


@dataclass(frozen=True)
class Reach:
    """Which pieces of time each route takes of each situation. Pieces lie between `bounds`."""

    bounds: Seconds
    fitting: Mapping[Situation, tuple[int, ...]]
    """The routes whose conditions (time aside) a situation meets, in order."""
    taken_by: Mapping[Situation, Mapping[int, Pieces]]
    """Which routes take a situation, and when."""

    @cached_property
    def taken(self) -> Mapping[int, tuple[Situation, ...]]:
        """The situations that each route takes at some time."""
        found: dict[int, list[Situation]] = defaultdict(list)
        for situation, routes in self.taken_by.items():
            for index in routes:
                found[index].append(situation)
        return {index: tuple(found[index]) for index in sorted(found)}

    def when(self, route: int, *, trigger: str | None = None, topic: str | None = None) -> Timeline:
        """Return when a route takes anything, or anything of a trigger and topic."""
        wanted = (one for one in self.taken.get(route, ()) if trigger is None or (one.trigger, one.topic) == (trigger, topic))
        # Many situations share their pieces, as the very same array.
        pieces = {id(mask): mask for mask in (self.taken_by[one][route] for one in wanted)}
        kept = np.logical_or.reduce(list(pieces.values())) if pieces else np.zeros(self.bounds.size - 1, dtype=bool)
        return from_pieces(self.bounds, kept)

    def routes_of(self, trigger: str, topic: str | None) -> tuple[int, ...]:
        """Return the routes that take anything of a trigger and topic."""
        return self._routes_of.get((trigger, topic), ())

    @cached_property
    def _routes_of(self) -> Mapping[tuple[str, str | None], tuple[int, ...]]:
        found: dict[tuple[str, str | None], set[int]] = defaultdict(set)
        for situation, routes in self.taken_by.items():
            found[situation.trigger, situation.topic] |= set(routes)
        return {about: tuple(sorted(routes)) for about, routes in found.items()}


def reach(matrix: Matrix, window: Timeline, openings: Mapping[str, Timeline]) -> Reach:
    """Go through the rules for every situation and every instant of a window: the first that matches takes it."""
    named = {name for route in matrix.routes for name in (*route.when.during, *route.when.outside)}
    bounds = boundaries([window, *(openings[name] for name in named)])
    bounds = bounds[(bounds >= window.starts[0]) & (bounds <= window.ends[0])]
    timely = [_timely(route, bounds, openings) for route in matrix.routes]
    fitting = _fitting(matrix, situations(matrix))
    shares = {routes: _shares(routes, timely, bounds.size - 1) for routes in set(fitting.values())}
    return Reach(bounds, fitting, {situation: shares[routes] for situation, routes in fitting.items()})


def _shares(routes: tuple[int, ...], timely: Sequence[Pieces], size: int) -> Mapping[int, Pieces]:
    """Deal the pieces of time out to routes in order: each takes of what is left those at which it holds."""
    left: Pieces = np.ones(size, dtype=bool)
    taken: dict[int, Pieces] = {}
    for index in routes:
        mine = left & timely[index]
        if mine.any():
            taken[index] = mine
            left = left & ~mine
        if not left.any():
            break
    return taken


def _fitting(matrix: Matrix, asked: Sequence[Situation]) -> dict[Situation, tuple[int, ...]]:
    """Return the routes whose conditions (time aside) each situation meets, in order.

    A condition looks at one part of a situation, so it is asked once for each value of that part and not for each situation.
    """
    columns = {key: np.array([str(getattr(one, key)) for one in asked]) for key in Situation._fields}
    met = np.ones((len(matrix.routes), len(asked)), dtype=bool)
    for index, route in enumerate(matrix.routes):
        for key, allowed in _conditions(route.when).items():
            met[index] &= np.isin(columns[key], list(allowed))
    return {one: tuple(np.flatnonzero(met[:, place]).tolist()) for place, one in enumerate(asked)}


def _conditions(when: When) -> dict[str, Collection[str]]:
    """Return for each part of a situation that a route looks at the values that it takes."""
    triggers = {trigger for trigger in TRIGGERS if any(covers(name, trigger) for name in when.trigger)}
    given = {"topic": when.topic, "severity": when.severity, "channel": when.channel, "language": when.language, "segment": when.segment}
    conditions: dict[str, Collection[str]] = {key: [str(value) for value in values] for key, values in given.items() if values}
    return conditions | ({"trigger": triggers} if when.trigger else {})


def _timely(route: Route, bounds: Seconds, openings: Mapping[str, Timeline]) -> Pieces:
    pieces: Pieces = np.ones(bounds.size - 1, dtype=bool)
    if route.when.during:
        pieces = np.logical_or.reduce([openings[name].holds(bounds[:-1]) for name in route.when.during])
    for name in route.when.outside:
        pieces = pieces & ~openings[name].holds(bounds[:-1])
    return pieces


def is_off(trigger: str, matrix: Matrix) -> bool:
    """Return whether a trigger, or every member of a family, is off."""
    members = [one for one in TRIGGERS if one == trigger or one.startswith(f"{trigger}.")]
    return not any(severities(one, matrix) for one in members)
