"""Turn text into plain words that still know where they stand in the original.

Case, accents, apostrophes, full-width and look-alike letters, zero-width characters, digits inside words (`hum4n`) and
stretched letters (`pleeease`) are all brought to one plain form, so that the lexicons need only that form.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

_WORD = re.compile(r"[^\W_]+(?:['’ʼ`´‘][^\W_]+)*")
# Letters, digits and marks that some use between the letters of a word to slip past filters.
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff\u180e"))
_LOOK_ALIKE = str.maketrans("аеорсухіјѕԁɡһкмтвнαβεικνορτυχ", "aeopcyxijsdghkmtbhabeikvoptux")
_DIGIT_AS_LETTER = str.maketrans("013457@$", "oieastas")
_APOSTROPHES = str.maketrans("", "", "'’ʼ`´‘")
_STRETCHED = re.compile(r"(.)\1{2,}")


class Word(NamedTuple):
    """A plain word and the characters `start` to `end` of the original text that it stands for."""

    plain: str
    start: int
    end: int


def words_of(text: str) -> list[Word]:
    """Split a text into plain words, in order. Takes time linear in the text."""
    if text.isascii():
        return [Word(plain_word(found.group()), *found.span()) for found in _WORD.finditer(text)]
    visible, places = _without_invisible(text)
    return [Word(plain_word(found.group()), places[found.start()], places[found.end() - 1] + 1) for found in _WORD.finditer(visible)]


@lru_cache(maxsize=65_536)
def plain_word(word: str) -> str:
    """Return the plain form of one word."""
    folded = word.casefold().translate(_APOSTROPHES)
    if not folded.isascii():
        decomposed = unicodedata.normalize("NFKD", folded)
        folded = "".join(letter for letter in decomposed if not unicodedata.combining(letter)).translate(_LOOK_ALIKE)
    if not folded.isalpha() and any(letter.isalpha() for letter in folded) and _is_disguised(folded):
        folded = folded.translate(_DIGIT_AS_LETTER)
    return _STRETCHED.sub(r"\1", folded) if len(folded) > 2 else folded


def _is_disguised(word: str) -> bool:
    """Whether digits stand where letters belong: inside a word, not before or after it as in `2nd` or `b12`."""
    return bool(re.fullmatch(r"[a-z]+[013457]+[a-z013457]*[a-z]", word)) and not word.isdigit()


def _without_invisible(text: str) -> tuple[str, list[int]]:
    """Return the text without invisible characters, and where each of its characters stood."""
    kept = [(letter, place) for place, letter in enumerate(text) if ord(letter) not in _INVISIBLE]
    return "".join(letter for letter, _ in kept), [place for _, place in kept]
