"""The topic of a turn by the matrix' own examples, worked out once for the detectors that ask for it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookflash.matrix import Matrix
from hookflash.signals.encoder import LAYER_DIMS, Encoder, Span, encoder, unit
from hookflash.signals.intents import Guess, IntentModel
from hookflash.signals.ngrams import NgramVectors
from hookflash.signals.parts import parts_of, rows_of
from hookflash.signals.text import background, has_request_form, remarks

# Of the encoder's layers the later ones say what is meant, the earlier ones in which words: topics are mostly a matter of
# the former.
_LAYER_WEIGHTS = np.repeat(np.array([0.5, 0.5, 1.0, 1.5], dtype=np.float32), LAYER_DIMS)
# A fenced topic is to be heard in doubt: it weighs so many times as much as one of the assistant's own.
FENCED_WEIGHS = 2.0


class _Meanings:
    """The encoder's rows, weighted for telling topics apart."""

    def __init__(self, reader: Encoder) -> None:
        self._reader = reader

    def many(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return unit(self._reader.many(texts)) * _LAYER_WEIGHTS

    def parts(self, text: str) -> NDArray[np.float32]:
        rows = rows_of(text)
        assert rows is not None
        return unit(rows) * _LAYER_WEIGHTS


class _Ngrams(NgramVectors):
    """Hashed n-grams, where there is no encoder."""

    def parts(self, text: str) -> NDArray[np.float32]:
        return self.many([text[start:end] for start, end in parts_of(text)])


class Reading(NamedTuple):
    """What the classifier thinks of one part of a text: the characters `span`."""

    span: Span
    guess: Guess


class Classifier:
    """Classifies texts into the intents and fenced topics of one matrix."""

    def __init__(self, intents: Mapping[str, Sequence[str]], fenced: Mapping[str, Sequence[str]]) -> None:
        """Train on the examples of each intent and fenced topic."""
        self.intents = tuple(intents)
        self.fenced = tuple(fenced)
        reader = encoder()
        self._vectors = _Meanings(reader) if reader else _Ngrams()
        self._model = IntentModel({**intents, **fenced}, background(), remarks(), self._vectors)
        self._read = lru_cache(maxsize=1_024)(self._read_parts)

    def read(self, text: str) -> tuple[Reading, ...]:
        """Return what the whole text and each of its parts are about, the whole first."""
        return self._read(text)

    def intent(self, text: str) -> tuple[str, float]:
        """Return the likeliest intent of a whole text and how likely it is, among all topics and none of them."""
        guess = self.read(text)[0].guess
        name = max(self.intents, key=lambda intent: guess.topics[intent])
        return name, self.likelihood(text, name)

    def likelihood(self, text: str, topic: str) -> float:
        """Return how likely a whole text is of one topic, among all topics and none of them."""
        guess = self.read(text)[0].guess
        return guess.topics[topic] * (1.0 - guess.outside)

    def fenced_topic(self, text: str) -> tuple[str, float, Span]:
        """Return the likeliest fenced topic of any part of a text, how likely it is, and the characters that show it."""
        return max((self._fenced_in(one) for one in self.read(text)), key=lambda candidate: candidate[1])

    def _fenced_in(self, reading: Reading) -> tuple[str, float, Span]:
        topics = reading.guess.topics
        share = FENCED_WEIGHS * sum(topics[name] for name in self.fenced)
        score = share / (share + sum(topics[name] for name in self.intents))
        return max(self.fenced, key=lambda name: topics[name]), score * reading.guess.own, reading.span

    def outside(self, text: str) -> tuple[float, Span]:
        """Return how likely the most foreign part of a text is none of the business' own topics, and its characters.

        Parts that ask for nothing ("my name is Ana") are left to the whole.
        """
        whole, *parts = self.read(text)
        asking = [one for one in parts if has_request_form(text[one.span[0] : one.span[1]])]
        return max(((one.guess.outside, one.span) for one in (whole, *asking)), key=lambda found: found[0])

    def _read_parts(self, text: str) -> tuple[Reading, ...]:
        rows, spans = self._vectors.parts(text), parts_of(text)
        read = [place for place, row in enumerate(rows) if place == 0 or row.any()]
        return tuple(Reading(spans[place], guess) for place, guess in zip(read, self._model.guess(rows[read]), strict=True))


@lru_cache(maxsize=16)
def _trained(intents: tuple[tuple[str, tuple[str, ...]], ...], fenced: tuple[tuple[str, tuple[str, ...]], ...]) -> Classifier:
    return Classifier(dict(intents), dict(fenced))


def classifier_for(matrix: Matrix) -> Classifier | None:
    """Return a classifier trained on a matrix' examples, or None where it declares none; the same examples train once."""
    if not matrix.scope.intents and not matrix.scope.fenced:
        return None
    intents = tuple((name, tuple(spec.examples)) for name, spec in matrix.scope.intents.items())
    return _trained(intents, tuple((name, tuple(spec.examples)) for name, spec in matrix.scope.fenced.items()))
