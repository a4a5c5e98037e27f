"""Put found phrases together into one score: several signs are stronger than one, the same sign twice is not."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from hookflash.signals.lexicon import Found


def distinct(found: Iterable[Found]) -> list[Found]:
    """Return the strongest of each group of overlapping phrases, in the order of the text."""
    kept: list[Found] = []
    starts: list[int] = []
    for candidate in sorted(found, key=lambda one: (-one.score, one.start - one.end)):
        place = bisect_left(starts, candidate.start)
        free_before = place == 0 or kept[place - 1].end <= candidate.start
        if free_before and (place == len(kept) or candidate.end <= starts[place]):
            kept.insert(place, candidate)
            starts.insert(place, candidate.start)
    return kept


def combined(scores: Iterable[float]) -> float:
    """Return how likely at least one of several independent signs is right: 1 - (1 - a)(1 - b)..."""
    missed = 1.0
    for score in scores:
        missed *= 1.0 - score
    return 1.0 - missed


def strength(found: Sequence[Found]) -> float:
    """Return the combined score of phrases of one kind."""
    return combined(one.score for one in distinct(found))
