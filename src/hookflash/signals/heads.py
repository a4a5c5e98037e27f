"""Learned heads: how likely a turn asks for a person or shows distress, and a draft says what must not be said.

Two models look at each part of a turn: one at its n-grams, one at what the encoder makes of it (`meaning`). A blend of
both and of what the lexicons found gives one calibrated probability a class. In a blend no weight is negative, so that
one more sign can only raise it. Without the encoder the blend does with n-grams and lexicons. The weights are made by
`hookflash train`; `data/MODELS.md` is their card.
"""

import hashlib
import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources
from io import BytesIO
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookflash.signals.combine import strength
from hookflash.signals.encoder import SHA256, Span, encoder
from hookflash.signals.lexicon import Found
from hookflash.signals.meaning import CLASSES, logits_of
from hookflash.signals.ngrams import hashed
from hookflash.signals.parts import parts_of, was_read
from hookflash.signals.text import phrases_in, words_in

Rows = NDArray[np.float32]

SUREST = 0.99


class Score(NamedTuple):
    """How likely a class is, and the characters of the part of the turn that shows it most."""

    probability: float
    span: Span


class Heads:
    """The shipped weights. Arrays: n-gram places x classes, classes x blend."""

    def __init__(self, content: bytes) -> None:
        """Read what `hookflash train` wrote."""
        stored = np.load(BytesIO(content), allow_pickle=False)
        self.version = hashlib.sha256(content).hexdigest()[:12]
        self.names = tuple(str(stored["names"]).split("\n"))
        self._rarity = stored["rarity"].astype(np.float32)
        self._ngrams = stored["ngrams"].astype(np.float32)
        self._ngram_bias = stored["ngram_bias"]
        self._columns = [CLASSES.index(name) for name in self.names]
        self._blend, self._blend_without = stored["blend"], stored["blend_without"]
        self.fires_at = dict(zip(self.names, map(float, stored["fires_at"]), strict=True))

    def read(self, text: str) -> Mapping[str, Score]:
        """Return how likely each class is, by the part of the text that shows it most; nothing for a text without a letter."""
        if not any(letter.isalpha() for letter in text):
            return {}
        spans, meaning = parts_of(text), logits_of(text)
        lexicon = by_lexicon(text, spans, self.names)
        ngrams = np.stack([self.by_ngrams(words_between(text, span)) for span in spans])
        scores = self.blended(ngrams, lexicon, None)
        if meaning is not None:
            read = was_read(text)  # the encoder reads the beginning and the end of a long turn
            scores[read] = self.blended(ngrams[read], lexicon[read], meaning[read][:, self._columns])
        strongest = scores.argmax(axis=0)
        return {
            name: Score(float(scores[part, place]), spans[part])
            for place, (name, part) in enumerate(zip(self.names, strongest, strict=True))
        }

    def by_ngrams(self, words: Sequence[str]) -> Rows:
        """Return one logit a class."""
        places, values = hashed(words, len(self._rarity))
        weighted = values * self._rarity[places]
        length = math.sqrt(float(weighted @ weighted)) or 1.0
        return np.asarray(weighted @ self._ngrams[places] / length + self._ngram_bias, dtype=np.float32)

    def blended(self, ngrams: Rows, lexicon: Rows, meaning: Rows | None) -> Rows:
        """Return one row of probabilities for each row of logits and lexicon scores."""
        if meaning is None:
            by_ngrams, by_lexicon, bias = self._blend_without.T
            logits = ngrams * by_ngrams + lexicon * by_lexicon + bias
        else:
            by_ngrams, by_meaning, by_lexicon, bias = self._blend.T
            logits = ngrams * by_ngrams + meaning * by_meaning + lexicon * by_lexicon + bias
        return np.asarray(1.0 / (1.0 + np.exp(-logits)), dtype=np.float32)


def by_lexicon(text: str, spans: Sequence[Span], names: Sequence[str]) -> Rows:
    """Return how strongly the lexicons' phrases show each class in each part of a text (part x class)."""
    found = phrases_in(text)
    return np.array([[_strength(found.get(name, ()), span) for name in names] for span in spans], dtype=np.float32)


def _strength(found: Sequence[Found], span: Span) -> float:
    first, last = bisect_right(found, span[0], key=lambda one: one.end), bisect_left(found, span[1], key=lambda one: one.start)
    return strength(found[first:last])


def words_between(text: str, span: Span) -> list[str]:
    """Return the plain words of a part of a text."""
    words = words_in(text)
    first, last = (bisect_left(words, place, key=lambda word: word.start) for place in span)
    return [word.plain for word in words[first:last]]


@lru_cache(maxsize=1_024)
def likely(text: str) -> Mapping[str, Score]:
    """Return how likely each class of a customer's turn is, by the part of the text that shows it most."""
    return heads().read(text)


@lru_cache(maxsize=256)
def likely_draft(text: str) -> Mapping[str, Score]:
    """Return how likely each reason against an assistant's draft is, by the part of the text that shows it most."""
    return draft_heads().read(text)


def lifted(probability: float, fires_at: float) -> float:
    """Return a score that is 0.5 where a class speaks for itself: half the way below it, the other half above.

    It stays under 1: nothing that was learned is certain.
    """
    probability = min(probability, SUREST)
    if probability < fires_at:
        return 0.5 * probability / fires_at
    return 0.5 + 0.5 * (probability - fires_at) / (1.0 - fires_at)


@cache
def models() -> tuple[str, ...]:
    """Return the version of each model that decisions rest on; a missing one says so."""
    reader = f"encoder {SHA256[:12] if encoder() else 'missing'}"
    own = f"meaning {hashlib.sha256(_content('meaning.npz')).hexdigest()[:12]}"
    return f"heads {heads().version}", f"drafts {draft_heads().version}", own, reader


@cache
def heads() -> Heads:
    """Return the shipped heads for customers' turns, read once."""
    return _shipped("heads.npz")


@cache
def draft_heads() -> Heads:
    """Return the shipped heads for assistants' drafts, read once."""
    return _shipped("drafts.npz")


def _shipped(name: str) -> Heads:
    return Heads(_content(name))


def _content(name: str) -> bytes:
    return resources.files("hookflash.signals").joinpath("data", name).read_bytes()
