"""What a text is made of: words, their neighbours and groups of letters, hashed into a fixed number of places."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from hookflash.signals.text import words_in

# Groups of letters inside a word, its edges marked: they carry over to typos, endings and related languages.
LETTERS = (3, 4, 5)
# Words longer than this are no words; their letter groups would only cost time.
MAX_WORD = 24
BEGIN, END = "^", "$"
# How many places the n-grams of a matrix' examples are hashed into.
PLACES = 4_096


def features(words: Sequence[str]) -> Iterator[str]:
    """Yield the features of a text's plain words, the same one as often as it stands there."""
    plain = ["0" if word[0].isdigit() else word for word in words]
    framed = [BEGIN, *plain, END]
    yield from plain
    for first, second in pairwise(framed):
        yield f"{first} {second}"
    for first, second, third in zip(framed, framed[1:], framed[2:], strict=False):
        yield f"{first} {second} {third}"
    for word in plain:
        yield from _letters(word)


@lru_cache(maxsize=16_384)
def _letters(word: str) -> tuple[str, ...]:
    padded = f"<{word[:MAX_WORD]}>"
    return tuple(padded[start : start + size] for size in LETTERS for start in range(len(padded) - size + 1))


def hashed(words: Sequence[str], places: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return where a text's features fall and how much each counts; the values have length 1."""
    fallen = np.fromiter((crc32(feature.encode()) % places for feature in features(words)), dtype=np.intp)
    found, counts = np.unique(fallen, return_counts=True)
    values = np.sqrt(counts).astype(np.float32)
    return found, values / (np.linalg.norm(values) or 1.0)


def hashed_text(text: str, places: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return `hashed` of a whole text."""
    return hashed([word.plain for word in words_in(text)], places)


class NgramVectors:
    """Texts as rows of hashed n-grams: what stands in for the encoder where it is missing."""

    def many(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row of `PLACES` numbers for each text, of length 1."""
        rows = np.zeros((len(texts), PLACES), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            places, values = hashed_text(text, PLACES)
            row[places] = values
        return rows
