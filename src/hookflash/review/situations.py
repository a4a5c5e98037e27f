"""Every situation that a matrix can be asked about, and which route takes it when."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from hookflash.matrix import TRIGGERS, Matrix, Route, Situation, Stuck
from hookflash.matrix.match import MODERATE, SEVERE, fits
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
        return None if triggers.confidence == "off" else 1 - triggers.confidence.below
    if trigger == Kind.SCOPE:
        return None if triggers.scope == "off" else triggers.scope.at
    if trigger == Kind.FENCED:
        return 0.0 if triggers.scope == "off" else triggers.scope.fenced
    if trigger == Kind.STUCK:
        return stuck_score(triggers.stuck.repeats) if isinstance(triggers.stuck, Stuck) else None
    return 1.0 if trigger == Kind.DETECTOR_FAILURE else 0.0


@dataclass(frozen=True)
class Reach:
    """Which pieces of time each route takes of each situation. Pieces lie between `bounds`."""

    bounds: Seconds
    taken: Mapping[int, Mapping[Situation, NDArray[np.bool_]]]

    def when(self, route: int, *, trigger: str | None = None, topic: str | None = None) -> Timeline:
        """Return when a route takes anything, or anything of a trigger and topic."""
        pieces = [
            mask
            for situation, mask in self.taken.get(route, {}).items()
            if trigger is None or (situation.trigger == trigger and situation.topic == topic)
        ]
        kept = np.logical_or.reduce(pieces) if pieces else np.zeros(self.bounds.size - 1, dtype=bool)
        return from_pieces(self.bounds, kept)


def reach(matrix: Matrix, window: Timeline, openings: Mapping[str, Timeline]) -> Reach:
    """Go through the rules for every situation and every instant of a window: the first that matches takes it."""
    named = {name for route in matrix.routes for name in (*route.when.during, *route.when.outside)}
    bounds = boundaries([window, *(openings[name] for name in named)])
    bounds = bounds[(bounds >= window.starts[0]) & (bounds <= window.ends[0])]
    timely = [_timely(route, bounds, openings) for route in matrix.routes]
    taken: dict[int, dict[Situation, NDArray[np.bool_]]] = {}
    for situation in situations(matrix):
        left = np.ones(bounds.size - 1, dtype=bool)
        for index in matching(matrix, situation):
            mine = left & timely[index]
            if mine.any():
                taken.setdefault(index, {})[situation] = mine
                left = left & ~mine
            if not left.any():
                break
    return Reach(bounds, taken)


def matching(matrix: Matrix, situation: Situation) -> Iterator[int]:
    """Yield the routes whose conditions (time aside) a situation meets, in order."""
    return (index for index, route in enumerate(matrix.routes) if fits(route.when, situation))


def _timely(route: Route, bounds: Seconds, openings: Mapping[str, Timeline]) -> NDArray[np.bool_]:
    pieces = np.ones(bounds.size - 1, dtype=bool)
    if route.when.during:
        pieces = np.logical_or.reduce([openings[name].holds(bounds[:-1]) for name in route.when.during])
    for name in route.when.outside:
        pieces = pieces & ~openings[name].holds(bounds[:-1])
    return pieces


def is_off(trigger: str, matrix: Matrix) -> bool:
    """Return whether a trigger, or every member of a family, is off."""
    members = [one for one in TRIGGERS if one == trigger or one.startswith(f"{trigger}.")]
    return not any(severities(one, matrix) for one in members)
