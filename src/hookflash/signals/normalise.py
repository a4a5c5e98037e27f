"""Turn text into plain words that still know where they stand in the original.

Case, accents, apostrophes, full-width and look-alike letters, zero-width characters, digits inside words (`hum4n`),
spaced-out letters (`h u m a n`) and stretched letters (`pleeease`) are all brought to one plain form, so that the
lexicons need only that form. Scripts that do not separate words give one word a character; so does an emoji.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

# Signs that stand for a letter or hide one, inside a word: apostrophes, `hum@n`, `$top`, `f*ck`.
_INNER = "'’ʼ`´‘@$*"
_ASCII_WORD = re.compile(rf"[@$]?[^\W_]+(?:[{_INNER}][^\W_]+)*")
# Marks that the Unicode class of word characters leaves out: combining accents, vowel signs of Indic scripts and Thai.
_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff\u0e00-\u0e7f"
_EMOJI = "\u2600-\u27bf\U0001f300-\U0001faff"
_WORD = re.compile(rf"[{_EMOJI}]|[@$]?[\w{_MARKS}]+(?:[{_INNER}][\w{_MARKS}]+)*")
# Thai, Chinese and Japanese: no spaces between words.
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3005\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
# Characters without a shape of their own, that some use between letters to slip past filters, and Arabic's stretcher.
_INVISIBLE = dict.fromkeys(
    map(
        ord,
        "\u00ad\u034f\u061c\u0640\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2066\u2067\u2068\u2069\ufe0e\ufe0f\ufeff",
    )
)
# Letters of other scripts that look like Latin ones, letters that do not come apart into a plain one and an accent, and
# spellings that Arabic writers use for one another.
_LOOK_ALIKE = str.maketrans("аеорсухіјѕԁɡһкмтвнαβεικνορτυχłøđıðɑɩｌاىة", "aeopcyxijsdghkmtbhabeikvoptuxlodidailايه")
_LIGATURES = {"æ": "ae", "œ": "oe", "þ": "th"}
_SIGN_AS_LETTER = str.maketrans("013457@$", "oieastas")
_SILENT = str.maketrans("", "", "'’ʼ`´‘*")
_STRETCHED = re.compile(r"(.)\1{2,}")
_DISGUISED = re.compile(r"[a-z]*[a-z@$][013457@$][a-z013457@$]*[a-z]|[@$][a-z]{3,}")
# So many single letters in a row are a word spelled out to be overheard.
SPELLED_OUT = 4


class Word(NamedTuple):
    """A plain word and the characters `start` to `end` of the original text that it stands for."""

    plain: str
    start: int
    end: int


def words_of(text: str) -> list[Word]:
    """Split a text into plain words, in order. Takes time linear in the text."""
    words = (
        [Word(plain_word(found.group()), *found.span()) for found in _ASCII_WORD.finditer(text)] if text.isascii() else list(_unicode(text))
    )
    return _joined(words) if any(len(word.plain) == 1 for word in words) else words


def _unicode(text: str) -> Iterator[Word]:
    visible, places = _without_invisible(text)
    for found in _WORD.finditer(visible):
        for start, end in _unspaced(found.group(), found.start()):
            if plain := plain_word(visible[start:end]):
                yield Word(plain, places[start], places[end - 1] + 1)


def _unspaced(word: str, offset: int) -> Iterator[tuple[int, int]]:
    """Yield a word as it is, or character by character where its script does not separate words."""
    place = 0
    for found in _UNSPACED.finditer(word):
        if found.start() > place:
            yield offset + place, offset + found.start()
        yield offset + found.start(), offset + found.end()
        place = found.end()
    if place < len(word):
        yield offset + place, offset + len(word)


def _joined(words: list[Word]) -> list[Word]:
    """Return the words with spelled-out ones put together: `h u m a n`."""
    joined: list[Word] = []
    run: list[Word] = []
    for word in [*words, Word("", 0, 0)]:
        if len(word.plain) == 1 and "a" <= word.plain <= "z":
            run.append(word)
            continue
        joined += [Word("".join(one.plain for one in run), run[0].start, run[-1].end)] if len(run) >= SPELLED_OUT else run
        joined.append(word)
        run = []
    return joined[:-1]


@lru_cache(maxsize=65_536)
def plain_word(word: str) -> str:
    """Return the plain form of one word."""
    folded = word.casefold()
    if not folded.isascii():
        decomposed = unicodedata.normalize("NFKD", folded)
        folded = "".join(letter for letter in decomposed if not unicodedata.combining(letter)).translate(_LOOK_ALIKE)
        for ligature, letters in _LIGATURES.items():
            folded = folded.replace(ligature, letters)
    folded = folded.translate(_SILENT)
    if not folded.isalpha() and _DISGUISED.fullmatch(folded):
        folded = folded.translate(_SIGN_AS_LETTER)
    return _STRETCHED.sub(r"\1", folded) if len(folded) > 2 else folded


def _without_invisible(text: str) -> tuple[str, list[int]]:
    """Return the text without invisible characters, and where each of its characters stood."""
    kept = [(" " if letter == "_" else letter, place) for place, letter in enumerate(text) if ord(letter) not in _INVISIBLE]
    return "".join(letter for letter, _ in kept), [place for _, place in kept]
