"""The parts of a turn: a long turn may hold one sentence that matters, which the whole of it hides."""

import re
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hookflash.signals.encoder import LAYER_DIMS, Span, encoder, unit
from hookflash.signals.text import words_in

# Shorter sentences belong to the one after them: "Hi. I need a refund."
MIN_WORDS = 3
# A turn of so few words is one part: what it says is not hidden by the rest.
WHOLE_WORDS = 16
# Speech comes without full stops: longer sentences are read in windows that overlap by half.
WINDOW_WORDS = 16
# Of a turn with more parts than this, as many from its beginning and its end; a turn of ordinary words has fewer.
MAX_PARTS = 1_000

_SENTENCE = re.compile(r"[^.!?¿¡;:\n。！？]+")


@lru_cache(maxsize=2_048)
def parts_of(text: str) -> tuple[Span, ...]:
    """Return the characters of the whole text, then those of each of its parts where there are several."""
    whole = (0, len(text))
    if len(words_in(text)) <= WHOLE_WORDS:
        return (whole,)
    sentences = _sentences(text)
    parts = [window for sentence in sentences for window in _windows(text, sentence)]
    if len(parts) < 2:
        return (whole,)
    half = MAX_PARTS // 2
    return (whole, *(parts if len(parts) <= MAX_PARTS else [*parts[:half], *parts[-half:]]))


@lru_cache(maxsize=256)
def rows_of(text: str) -> NDArray[np.float32] | None:
    """Return what the whole text and each part of it mean, in one pass, or None without an encoder."""
    reader = encoder()
    return reader.spans(text, parts_of(text)) if reader else None


def was_read(text: str) -> NDArray[np.bool_]:
    """Return of the whole text and each part of it whether the encoder read any of it."""
    rows = rows_of(text)
    return np.asarray(np.zeros(len(parts_of(text))) if rows is None else rows.any(axis=1), dtype=np.bool_)


@lru_cache(maxsize=4_096)
def meaning_of(text: str) -> NDArray[np.float32] | None:
    """Return what a whole text means as a vector of length 1, small enough to remember many; None without an encoder."""
    rows = rows_of(text)
    return None if rows is None else unit(rows[:1])[0, -LAYER_DIMS:].copy()


def _sentences(text: str) -> list[Span]:
    """Return the sentences of a text, the very short ones joined to those after them."""
    joined: list[Span] = []
    begun: int | None = None
    for found in _SENTENCE.finditer(text):
        start = found.end() - len(found.group().lstrip()) if begun is None else begun
        short = len(found.group().split()) < MIN_WORDS
        begun = start if short else None
        if not short:
            joined.append((start, found.end()))
    if begun is not None and joined:
        joined[-1] = (joined[-1][0], len(text))
    return joined or [(0, len(text))]


def _windows(text: str, sentence: Span) -> list[Span]:
    """Return a sentence as it is, or in overlapping windows where it is long."""
    words = words_in(text[sentence[0] : sentence[1]])
    if len(words) <= WINDOW_WORDS + WINDOW_WORDS // 2:
        return [sentence]
    starts = range(0, len(words) - WINDOW_WORDS // 2, WINDOW_WORDS // 2)
    windows = [words[start : start + WINDOW_WORDS] for start in starts]
    return [(sentence[0] + window[0].start, sentence[0] + window[-1].end) for window in windows]
