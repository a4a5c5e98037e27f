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


def features(words: Sequence[str]) -> Iterator[int]:
    """Yield a number for each feature of a text's plain words, the same one as often as it stands there."""
    plain = ["0" if word[0].isdigit() else word for word in words]
    framed = [BEGIN, *plain, END]
    for word in plain:
        yield from _of_word(word)
    for pair in pairwise(framed):
        yield _number(" ".join(pair))
    for three in zip(framed, framed[1:], framed[2:], strict=False):
        yield _number(" ".join(three))


@lru_cache(maxsize=32_768)
def _of_word(word: str) -> tuple[int, ...]:
    """Return the numbers of a word and its groups of letters; words come again and again."""
    padded = f"<{word[:MAX_WORD]}>"
    groups = (padded[start : start + size] for size in LETTERS for start in range(len(padded) - size + 1))
    return (_number(word), *map(_number, groups))


def _number(feature: str) -> int:
    return crc32(feature.encode())


def hashed(words: Sequence[str], places: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return where a text's features fall and how much each counts; the values have length 1."""
    fallen = np.fromiter(features(words), dtype=np.intp) % places
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
