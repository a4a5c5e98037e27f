"""Learned heads: how likely a turn is a request for a person or shows a class of distress, by what it is made of.

They catch wordings that no phrase of the lexicons foresees, and only add. The weights are made by `make train` from the
turns in `data/turns.jsonl`, all invented and written by hand for hookflash.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from hookflash.model import Kind
from hookflash.signals.intents import OTHER, Vectoriser, softmax
from hookflash.signals.lexicon import excepted
from hookflash.signals.text import phrases_in, words_in

# A word or two tell a head nothing; what they can mean stands in the lexicons.
MIN_WORDS = 4
# From this probability on a head speaks. A missed emergency or request costs more than a needless call, so they speak
# even where they are more likely wrong than right.
SPEAKS = 0.6
SPEAKS_EARLY = {Kind.EXPLICIT_REQUEST: 0.4, Kind.CRISIS: 0.4, Kind.RED_FLAG: 0.4}


class Heads:
    """A softmax over word and letter groups, with the classes of `names`."""

    def __init__(self, vectors: Vectoriser, weights: NDArray[np.float32], temperature: float, names: tuple[str, ...]) -> None:
        """Take what training made."""
        self._vectors = vectors
        self._weights = weights
        self._temperature = temperature
        self._names = names

    def probabilities(self, text: str) -> Mapping[str, float]:
        """Return the probability of each class for a text."""
        places, values = self._vectors.one(text)
        scores = softmax((values @ self._weights[places])[None, :] / self._temperature)[0]
        return dict(zip(self._names, map(float, scores), strict=True))


@cache
def heads() -> Heads:
    """Return the shipped heads, read once."""
    with resources.as_file(resources.files("hookflash.signals").joinpath("data/heads.npz")) as file:
        stored = np.load(file, allow_pickle=False)
        vectors = Vectoriser(str(stored["features"]).split("\n"), stored["rarity"])
        names = tuple(str(stored["names"]).split("\n"))
        return Heads(vectors, stored["weights"].astype(np.float32), float(stored["temperature"]), names)


@lru_cache(maxsize=2_048)
def likely(text: str) -> Mapping[str, float]:
    """Return the classes that a text shows likely enough to be spoken of, and how likely.

    A phrase that a lexicon knows as an exception (a negation, another meaning) keeps the head of its kind silent.
    """
    if len(words_in(text)) < MIN_WORDS:
        return {}
    known = phrases_in(text)
    scores = heads().probabilities(text).items()
    return {
        name: max(score, SPEAKS)
        for name, score in scores
        if name != OTHER and score >= SPEAKS_EARLY.get(name, SPEAKS) and excepted(name) not in known
    }
