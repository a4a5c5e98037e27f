"""An intent classifier trained from the matrix' own examples, in well under a second, with calibrated scores.

Words, word pairs and letter groups are weighted by how rare they are among the examples; a softmax regression is
trained on them in its dual form, so that its cost depends on the number of examples and not on the number of features.
A class of ordinary requests of other businesses stands for "somebody else's business". The temperature that makes the
scores honest is found by cross-validation on the examples themselves.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookflash.signals.text import stop_words, words_in

OTHER = "(other)"
# Above this likeness to an example, a background line is the business' own after all and is left out.
OWN_BUSINESS = 0.35
# A feature never seen among the examples says "something else" about as loudly as a rather common one.
UNKNOWN_WEIGHT = 2.0
_STEPS = 150
_RATE = 4.0
_DECAY = 1e-3
_FOLDS = 5
_TEMPERATURES = np.geomspace(0.05, 2.0, 30)
_LETTERS = (3, 4, 5)

Matrix2 = NDArray[np.float32]


class Guess(NamedTuple):
    """What the classifier thinks of a text: probabilities by class, and the likeness (0 to 1) to the nearest example."""

    probabilities: Mapping[str, float]
    likeness: float

    @property
    def best(self) -> str:
        """Return the likeliest class."""
        return max(self.probabilities, key=lambda name: self.probabilities[name])


class IntentModel:
    """Tells the named classes of examples apart, and from everything else."""

    def __init__(self, examples: Mapping[str, Sequence[str]], background: Sequence[str]) -> None:
        """Train on the examples of each class; `background` is what other businesses are asked."""
        texts = [text for own in examples.values() for text in own]
        names = list(examples)
        labels = [names.index(name) for name, own in examples.items() for _ in own]
        self._vectors = Vectoriser.fitted([*texts, *background])
        own = self._vectors.many(texts)
        foreign = self._vectors.many(background)
        foreign = foreign[(foreign @ own.T).max(axis=1) < OWN_BUSINESS]
        self._own = own
        self._names = (*names, OTHER)
        rows = np.vstack([own, foreign])
        targets = np.array([*labels, *([len(names)] * len(foreign))])
        self._weights, self._temperature = train(rows, targets, len(self._names))

    def guess(self, text: str) -> Guess:
        """Classify a text."""
        places, values = self._vectors.one(text)
        logits = values @ self._weights[places]
        scores = softmax(logits[None, :] / self._temperature)[0]
        likeness = float((self._own[:, places] @ values).max(initial=0.0))
        return Guess(dict(zip(self._names, map(float, scores), strict=True)), likeness)


class Vectoriser:
    """Text to unit vectors of weighted features."""

    def __init__(self, features: Sequence[str], rarity: NDArray[np.float32]) -> None:
        self.features = tuple(features)
        self.rarity = rarity
        self._places = {feature: place for place, feature in enumerate(features)}

    @classmethod
    def fitted(cls, texts: Sequence[str], at_least: int = 1) -> "Vectoriser":
        """Return a vectoriser of the features that stand in at least so many of the texts."""
        counts = Counter(feature for text in texts for feature in set(_features(text)))
        kept = {feature: count for feature, count in counts.items() if count >= at_least}
        rarity = [1.0 + math.log(len(texts) / count) for count in kept.values()]
        return cls(list(kept), np.array(rarity, dtype=np.float32))

    def one(self, text: str) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Return the places and values of a text's known features; unknown ones still lengthen the vector."""
        counts = Counter(_features(text))
        unknown = sum(1 for feature in counts if feature not in self._places)
        known = [(self._places[feature], count) for feature, count in counts.items() if feature in self._places]
        places = np.array([place for place, _ in known], dtype=np.intp)
        values = np.sqrt(np.array([count for _, count in known], dtype=np.float32)) * self.rarity[places]
        length = math.sqrt(float(values @ values) + unknown * UNKNOWN_WEIGHT) or 1.0
        return places, values / length

    def many(self, texts: Sequence[str]) -> Matrix2:
        """Return one row for each text."""
        rows = np.zeros((len(texts), len(self._places)), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            places, values = self.one(text)
            row[places] = values
        return rows


def _features(text: str) -> list[str]:
    words = ["0" if any(letter.isdigit() for letter in word.plain) else word.plain for word in words_in(text)]
    telling = [word for word in words if word not in stop_words()]
    features = [f"w {word}" for word in telling]
    features += [f"p {first} {second}" for first, second in pairwise(words)]
    for word in telling:
        padded = f"<{word}>"
        features += [padded[start : start + size] for size in _LETTERS for start in range(len(padded) - size + 1)]
    return features


def train(rows: Matrix2, targets: NDArray[np.intp], classes: int, *, balanced: bool = True) -> tuple[Matrix2, float]:
    """Return the weights (features x classes) and the temperature.

    `balanced` makes every class weigh the same; without it the last one, usually the largest, weighs by its size.
    """
    kernel = rows @ rows.T
    dual = _fit(kernel, targets, classes, balanced=balanced)
    temperature = _temperature(kernel, targets, classes, balanced=balanced)
    return (rows.T @ dual).astype(np.float32), temperature


def _fit(kernel: Matrix2, targets: NDArray[np.intp], classes: int, *, balanced: bool) -> Matrix2:
    """Softmax regression by gradient descent on the dual coefficients."""
    wanted = np.eye(classes, dtype=np.float32)[targets]
    sizes = np.maximum(wanted.sum(axis=0), 1.0)
    weight = (1.0 / sizes)[targets][:, None] / (sizes > 0).sum() * len(targets) if balanced else np.float32(1.0)
    dual = np.zeros((len(targets), classes), dtype=np.float32)
    for _ in range(_STEPS):
        error = (wanted - softmax(kernel @ dual)) * weight
        dual += _RATE * (error / math.sqrt(len(targets)) - _DECAY * dual)
    return dual


def _temperature(kernel: Matrix2, targets: NDArray[np.intp], classes: int, *, balanced: bool) -> float:
    """Return the temperature under which held-out examples are the least surprising."""
    fold = np.arange(len(targets)) * 7919 % _FOLDS
    held_out = np.zeros((len(targets), classes), dtype=np.float32)
    for number in range(_FOLDS):
        inside, outside = fold != number, fold == number
        if outside.any() and inside.any():
            held_out[outside] = kernel[np.ix_(outside, inside)] @ _fit(
                kernel[np.ix_(inside, inside)], targets[inside], classes, balanced=balanced
            )
    own = targets < classes - 1
    losses = [_surprise(softmax(held_out / degree), targets, own, balanced=balanced) for degree in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def _surprise(scores: Matrix2, targets: NDArray[np.intp], own: NDArray[np.bool_], *, balanced: bool) -> float:
    """Return the mean log loss; `balanced` lets own examples and background weigh the same."""
    losses = -np.log(scores[np.arange(len(targets)), targets] + 1e-9)
    if not balanced:
        return float(losses.mean())
    parts = [losses[mask].mean() for mask in (own, ~own) if mask.any()]
    return float(np.mean(parts))


def softmax(logits: NDArray[np.float32]) -> Matrix2:
    """Return probabilities, one row for each row of logits."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)
