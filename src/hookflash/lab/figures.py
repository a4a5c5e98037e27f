"""The arithmetic of an evaluation: shares with exact bounds, ranking, calibration. Plain functions of numbers."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BINS = 10
_HALVINGS = 50


class Share(NamedTuple):
    """A share `hits` of `total` with its exact 95 % bounds (Clopper and Pearson, Biometrika 26, 1934)."""

    hits: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        """Return the share, or None of nothing."""
        return self.hits / self.total if self.total else None

    def __str__(self) -> str:
        """Say it as a percentage with its bounds."""
        if not self.total:
            return "no data"
        return f"{100 * self.hits / self.total:.1f} % ({100 * self.low:.1f} to {100 * self.high:.1f})"


def share(hits: int, total: int) -> Share:
    """Return a share with the bounds outside which so few, or so many, hits would come up in 2.5 % of cases."""
    low = 0.0 if not hits else _solve(lambda p: 1.0 - _at_most(hits - 1, total, p), 0.025)
    high = 1.0 if hits == total else _solve(lambda p: 1.0 - _at_most(hits, total, p), 0.975)
    return Share(hits, total, low, high)


def _at_most(hits: int, total: int, p: float) -> float:
    """Return the probability of at most so many hits."""
    if hits < 0:
        return 0.0
    counts = np.arange(hits + 1)
    ways = math.lgamma(total + 1) - _log_factorial(counts) - _log_factorial(total - counts)
    return float(np.exp(ways + counts * math.log(p) + (total - counts) * math.log1p(-p)).sum())


def _log_factorial(numbers: NDArray[np.int_]) -> NDArray[np.float64]:
    sums = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, max(1, int(numbers.max(initial=0))) + 1)))])
    return np.asarray(sums[numbers])


def _solve(rising: Callable[[float], float], target: float) -> float:
    low, high = 1e-12, 1.0 - 1e-12
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < target else (low, middle)
    return (low + high) / 2


def ranking(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Return how often a positive scores above a negative (AUROC, ties counting half), or None where one side is empty."""
    if not positive or not negative:
        return None
    scores = np.array([*positive, *negative])
    order = scores.argsort(kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    for value in np.unique(scores):  # ties share their mean rank
        same = scores == value
        if same.sum() > 1:
            ranks[same] = ranks[same].mean()
    count = len(positive)
    return float((ranks[:count].sum() - count * (count + 1) / 2) / (count * len(negative)))


class Bin(NamedTuple):
    """Scores of one tenth: of how many turns, their mean, and how many of them were right."""

    turns: int
    score: float
    right: float


def reliability(scores: Sequence[float], truths: Sequence[bool]) -> tuple[Bin, ...]:
    """Return what scores of each tenth came true, leaving out empty tenths."""
    values, right = np.array(scores, dtype=float), np.array(truths, dtype=float)
    tenth = np.minimum((values * BINS).astype(int), BINS - 1) if len(values) else np.array([], dtype=int)
    masks = [tenth == number for number in range(BINS)]
    return tuple(Bin(int(mask.sum()), float(values[mask].mean()), float(right[mask].mean())) for mask in masks if mask.any())


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """Return the expected calibration error: how far scores and what came true lie apart, weighted by turns."""
    total = sum(one.turns for one in bins)
    return sum(one.turns * abs(one.score - one.right) for one in bins) / total if total else None


def precision_at(prevalence: float, recall: float | None, false_alarms: float | None) -> float | None:
    """Return which part of the alarms would be right where so many of all turns are positive."""
    if recall is None or false_alarms is None:
        return None
    right = prevalence * recall
    alarms = right + (1.0 - prevalence) * false_alarms
    return right / alarms if alarms else None


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value under which so many per cent of the values lie."""
    return float(np.percentile(np.array(values), percent)) if values else 0.0
