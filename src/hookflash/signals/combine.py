"""Put found phrases together into one score: several signs are stronger than one, the same sign twice is not."""

from collections.abc import Iterable, Sequence

from hookflash.signals.lexicon import Found


def distinct(found: Iterable[Found]) -> list[Found]:
    """Return the strongest of each group of overlapping phrases, in the order of the text."""
    kept: list[Found] = []
    for candidate in sorted(found, key=lambda one: (-one.score, one.start - one.end)):
        if all(candidate.end <= other.start or other.end <= candidate.start for other in kept):
            kept.append(candidate)
    return sorted(kept, key=lambda one: one.start)


def combined(scores: Iterable[float]) -> float:
    """Return how likely at least one of several independent signs is right: 1 - (1 - a)(1 - b)..."""
    missed = 1.0
    for score in scores:
        missed *= 1.0 - score
    return 1.0 - missed


def strength(found: Sequence[Found]) -> float:
    """Return the combined score of phrases of one kind."""
    return combined(one.score for one in distinct(found))
