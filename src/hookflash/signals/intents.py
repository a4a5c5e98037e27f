"""The business' own topics, learned from the matrix' examples in seconds, and whether a turn is any of them.

A softmax regression tells the topics apart; its temperature comes from examples held out of training. How foreign a
turn is comes from three things: how little any topic answers to it (energy), how unlike it is to its nearest examples,
and how much it is like what other businesses are asked. They are weighed so that held-out examples and such
foreign requests come apart best, with as much weight on the one side as on the other.
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
# Vectors are short and close together; spread out, the regression needs fewer steps.
_SPREAD = np.float32(8.0)

Rows = NDArray[np.float32]


class Vectors(Protocol):
    """What turns texts into rows of numbers whose products say how alike the texts are."""

    def many(self, texts: Sequence[str]) -> Rows:
        """Return one row for each text."""
        ...


class Guess(NamedTuple):
    """What the model thinks of a text: the probability of each topic if it is one of them, and of its being none."""

    topics: Mapping[str, float]
    outside: float

    @property
    def best(self) -> str:
        """Return the likeliest topic."""
        return max(self.topics, key=lambda name: self.topics[name])


class IntentModel:
    """Tells the named topics of examples apart, and from everything else."""

    def __init__(self, examples: Mapping[str, Sequence[str]], foreign: Sequence[str], vectors: Vectors) -> None:
        """Train on the examples of each topic, as `vectors` sees them; `foreign` is what other businesses are asked."""
        self._names = tuple(examples)
        labels = np.array([number for number, own in enumerate(examples.values()) for _ in own], dtype=np.intp)
        own = vectors.many([text for texts in examples.values() for text in texts])
        others = vectors.many(foreign)
        self._middle = np.concatenate([own, others]).mean(axis=0)
        self._shown = len(labels) / len(self._names)
        own, others = self._placed(own), self._placed(others)
        self._own = _unit(own)
        others = others[(_unit(others) @ self._own.T).max(axis=1) < OWN_BUSINESS]
        held_out, places = held_out_logits(own, labels, len(self._names), decay=_DECAY) if len(labels) > len(self._names) else (None, None)
        topics = fit(own, labels, len(self._names), decay=_DECAY)
        temperature = best_temperature(held_out, labels[places]) if held_out is not None else 1.0
        self._topics = Regression(topics.weights / np.float32(temperature), topics.bias / np.float32(temperature))
        unseen = held_out / np.float32(temperature) if held_out is not None else self._topics.logits(own)
        self._foreign = self._fit_foreign(unseen, own[places] if places is not None else own, others)

    def guess(self, rows: Rows) -> list[Guess]:
        """Classify texts by their rows."""
        placed = self._placed(rows)
        logits = self._topics.logits(placed)
        strange = self._foreign.logits(self._strangeness(logits, placed, seen=False))
        outside = softmax(strange + np.array([np.log(OWN_IS_LIKELIER + UNSHOWN / self._shown), 0.0], dtype=np.float32))[:, 1]
        return [
            Guess(dict(zip(self._names, map(float, scores), strict=True)), float(share))
            for scores, share in zip(softmax(logits), outside, strict=True)
        ]

    def _placed(self, rows: Rows) -> Rows:
        return np.asarray((rows - self._middle) * _SPREAD, dtype=np.float32)

    def _fit_foreign(self, unseen: Rows, own: Rows, others: Rows) -> Regression:
        """Learn what tells held-out examples from foreign requests."""
        inside = self._strangeness(unseen, own, seen=True)
        outside = self._strangeness(self._topics.logits(others), others, seen=False)
        labels = np.repeat(np.array([0, 1], dtype=np.intp), [len(inside), len(outside)])
        return fit(np.concatenate([inside, outside]), labels, 2, decay=_FOREIGN_DECAY)

    def _strangeness(self, logits: Rows, placed: Rows, *, seen: bool) -> Rows:
        """Return energy and likeness to the nearest examples; a row that is itself an example does not count."""
        likeness = np.sort(_unit(placed) @ self._own.T, axis=1)[:, ::-1]
        nearest = likeness[:, 1 if seen else 0 :][:, :NEIGHBOURS]
        return np.stack([energy(logits) / 4, nearest[:, 0] * 4, nearest.mean(axis=1) * 4], axis=1).astype(np.float32)


def _unit(rows: Rows) -> Rows:
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9), dtype=np.float32)
