"""The business' own topics, learned from the matrix' examples in seconds, and whether a turn is any of them.

A softmax regression tells the topics apart; its temperature comes from examples held out of training. Whether a turn is
one of them, somebody else's business or a mere remark comes from how little any topic answers to it (energy) and from
how like it is to the nearest examples, foreign requests and remarks. These are weighed so that held-out examples, foreign
requests and remarks come apart best, each with as much weight as the others.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hookflash.signals.softmax import Regression, best_temperature, energy, fit, held_out_logits, softmax

NEIGHBOURS = 3
# Above this likeness to an example, a request of other businesses is this business' own after all and is left out.
OWN_BUSINESS = 0.5
_DECAY = 2e-4
_FOREIGN_DECAY = 1e-3
# Most of what customers ask is the business' own: so many times as likely as a foreign request, before a word is read.
OWN_IS_LIKELIER = 1.4
# The fewer examples a topic has, the more of it they leave out, and the less it tells to be unlike them.
UNSHOWN = 10.0
# With few examples a topic, those held out of training are judged by fewer still, so that they make it look less sure than
# it is on customers' turns: by so much up to so many examples, less with more of them. Chosen on eleven businesses of `corpora/scope`.
MODESTY, FEW_EXAMPLES = 0.2, 7.0
# So likely a remark, a turn has no intent that one could be unsure of.
SURELY = 0.8
# Vectors are short and close together; spread out, the regression needs fewer steps.
_SPREAD = np.float32(8.0)

Rows = NDArray[np.float32]


class Vectors(Protocol):
    """What turns texts into rows of numbers whose products say how alike the texts are."""

    def many(self, texts: Sequence[str]) -> Rows:
        """Return one row for each text."""
        ...


class Guess(NamedTuple):
    """What the model thinks of a text: the probability of each topic if it is one of them.

    `own` is the probability that it is one of them, `outside` that it is somebody else's business; the rest is remarks.
    """

    topics: Mapping[str, float]
    own: float
    outside: float

    @property
    def is_remark(self) -> bool:
        """Whether it is surely a remark rather than anybody's business."""
        return self.own + self.outside < 1.0 - SURELY

    @property
    def best(self) -> str:
        """Return the likeliest topic."""
        return max(self.topics, key=lambda name: self.topics[name])


class IntentModel:
    """Tells the named topics of examples apart, and from everything else."""

    def __init__(self, examples: Mapping[str, Sequence[str]], foreign: Sequence[str], remarks: Sequence[str], vectors: Vectors) -> None:
        """Train on the examples of each topic, as `vectors` sees them.

        `foreign` is what other businesses are asked, `remarks` what any business is told in between.
        """
        self._names = tuple(examples)
        labels = np.array([number for number, own in enumerate(examples.values()) for _ in own], dtype=np.intp)
        own = vectors.many([text for texts in examples.values() for text in texts])
        others, asides = vectors.many(foreign), vectors.many(remarks)
        self._middle = np.concatenate([own, others, asides]).mean(axis=0)
        self._shown = len(labels) / len(self._names)
        own, others, asides = self._placed(own), self._placed(others), self._placed(asides)
        self._own = _unit(own)
        others = others[(_unit(others) @ self._own.T).max(axis=1) < OWN_BUSINESS]
        self._others, self._asides = _unit(others), _unit(asides)
        held_out, places = held_out_logits(own, labels, len(self._names), decay=_DECAY) if len(labels) > len(self._names) else (None, None)
        topics = fit(own, labels, len(self._names), decay=_DECAY)
        temperature = best_temperature(held_out, labels[places]) if held_out is not None else 1.0
        temperature *= 1.0 - MODESTY * min(1.0, FEW_EXAMPLES / self._shown)
        self._topics = Regression(topics.weights / np.float32(temperature), topics.bias / np.float32(temperature))
        unseen = held_out / np.float32(temperature) if held_out is not None else self._topics.logits(own)
        self._foreign = self._fit_foreign(unseen, own[places] if places is not None else own, others, asides)

    def guess(self, rows: Rows) -> list[Guess]:
        """Classify texts by their rows."""
        placed = self._placed(rows)
        logits = self._topics.logits(placed)
        strange = self._foreign.logits(self._strangeness(logits, placed))
        likelier = np.log(OWN_IS_LIKELIER + UNSHOWN / self._shown)
        kinds = softmax(strange + np.array([likelier, 0.0, 0.0], dtype=np.float32))
        return [
            Guess(dict(zip(self._names, map(float, scores), strict=True)), float(kind[0]), float(kind[1]))
            for scores, kind in zip(softmax(logits), kinds, strict=True)
        ]

    def _placed(self, rows: Rows) -> Rows:
        return np.asarray((rows - self._middle) * _SPREAD, dtype=np.float32)

    def _fit_foreign(self, unseen: Rows, own: Rows, others: Rows, asides: Rows) -> Regression:
        """Learn what tells held-out examples, foreign requests and remarks apart."""
        inside = self._strangeness(unseen, own, own=True)
        outside = self._strangeness(self._topics.logits(others), others, foreign=True)
        between = self._strangeness(self._topics.logits(asides), asides, remark=True)
        labels = np.repeat(np.array([0, 1, 2], dtype=np.intp), [len(inside), len(outside), len(between)])
        return fit(np.concatenate([inside, outside, between]), labels, 3, decay=_FOREIGN_DECAY)

    def _strangeness(self, logits: Rows, placed: Rows, *, own: bool = False, foreign: bool = False, remark: bool = False) -> Rows:
        """Return energy and likeness to the nearest examples, foreign requests and remarks.

        A row that is itself an `own` example, a `foreign` request or a `remark` does not count as its own neighbour.
        """
        rows = _unit(placed)
        columns: list[Rows] = [energy(logits) / np.float32(4)]
        for known, itself in ((self._own, own), (self._others, foreign), (self._asides, remark)):
            nearest = _nearest(rows, known, itself=itself)
            columns += [nearest[:, 0] * np.float32(4), nearest.mean(axis=1) * np.float32(4)]
        return np.stack(columns, axis=1).astype(np.float32)


def _nearest(rows: Rows, known: Rows, *, itself: bool) -> Rows:
    """Return the likeness of each row to the nearest known ones, nearest first; nothing is like nothing."""
    if len(known) <= itself:
        return np.zeros((len(rows), NEIGHBOURS), np.float32)
    likeness = np.sort(rows @ known.T, axis=1)[:, ::-1]
    return likeness[:, int(itself) :][:, :NEIGHBOURS]


def _unit(rows: Rows) -> Rows:
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9), dtype=np.float32)
