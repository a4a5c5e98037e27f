"""The intent of a turn by the matrix' own examples, worked out once for the detectors that ask for it."""

import re
from collections.abc import Iterator
from functools import lru_cache

from hookflash.matrix import Matrix
from hookflash.signals.intents import OTHER, Guess, IntentModel
from hookflash.signals.text import background

# A sentence in a long turn may step into a fenced topic that the whole turn hides.
_SENTENCE = re.compile(r"[^.!?¿¡\n]+")
MAX_SENTENCES = 12
# Two thirds alike to an example is the business' own, whatever the classifier says of the rest of the words.
LIKENESS_COUNTS = 1.5


class Classifier:
    """Classifies texts into the intents and fenced topics of one matrix."""

    def __init__(self, matrix: Matrix) -> None:
        """Train on the matrix' examples."""
        self.intents = {name: spec.examples for name, spec in matrix.scope.intents.items()}
        self.fenced = {name: spec.examples for name, spec in matrix.scope.fenced.items()}
        self._model = IntentModel({**self.intents, **self.fenced}, background())
        self._guess = lru_cache(maxsize=1_024)(self._model.guess)

    def guess(self, text: str) -> Guess:
        """Return the probabilities of a whole text."""
        return self._guess(text)

    def outside(self, text: str) -> float:
        """Return how likely a text is none of the business' own topics, less the more it is like one of its examples."""
        guess = self.guess(text)
        return guess.probabilities[OTHER] * max(0.0, 1.0 - LIKENESS_COUNTS * guess.likeness)

    def fenced_topic(self, text: str) -> tuple[str, float, int, int]:
        """Return the likeliest fenced topic, its probability, and the characters that show it."""
        candidates = [
            (topic, self.guess(text[start:end]).probabilities[topic], start, end) for start, end in _parts(text) for topic in self.fenced
        ]
        return max(candidates, key=lambda candidate: candidate[1])


def _parts(text: str) -> Iterator[tuple[int, int]]:
    """Yield the whole text, then its sentences where there are several."""
    yield 0, len(text)
    sentences = [found.span() for found in _SENTENCE.finditer(text) if len(found.group().split()) > 2]
    if len(sentences) > 1:
        yield from sentences[:MAX_SENTENCES]


def classifier_for(matrix: Matrix) -> Classifier | None:
    """Return a classifier trained on a matrix, or None where the matrix declares no examples."""
    if not matrix.scope.intents and not matrix.scope.fenced:
        return None
    return Classifier(matrix)
