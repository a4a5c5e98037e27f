"""Spoken forms in written ones: "four one double five" is 4155, "b as in boy" is b, "ana at example dot com" an address.

The written text remembers which words of the original each of its words stands for, so that a fact found in it can be
quoted as it was said. Numbers in words are read by text2num (MIT), which knows eight languages.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import NamedTuple

from text_to_num import alpha2digit

NUMBER_LANGUAGES = ("en", "es", "fr", "de", "it", "nl", "pt", "da")
# So many single letters and short groups of digits in a row are one number or code, read out piece by piece.
MIN_PIECES = 3
# A group of digits that is read out at once is no longer than this; longer ones are written.
SPOKEN_DIGITS = 2
# Numbers are read in stretches of so many words, so that a long text costs no more a word than a short one.
STRETCH_WORDS = 40

_REPEATS = {"double": 2, "triple": 3, "treble": 3, "doble": 2, "doppel": 2}
_ZERO = frozenset({"oh", "o", "nought"})
_NUMBER_WORD = re.compile(r"(?:zero|one|two|three|four|five|six|seven|eight|nine|\d+)", re.IGNORECASE)
_AS_IN = (("as", "in"), ("for",), ("like",), ("de",), ("wie",), ("comme",))
_LETTER = re.compile(r"[A-Za-z]\W?")
_PIECE = re.compile(rf"(?:[A-Za-z]|\d{{1,{SPOKEN_DIGITS}}})[,.]?")
_DASH = frozenset({"dash", "hyphen", "minus", "guion", "guión"})
_JOINTS = {"at": "@", "arroba": "@", "dot": ".", "punto": ".", "underscore": "_", "dash": "-", "hyphen": "-", "guion": "-"}
# Single letters that are words of their own: part of a code only between other pieces of it.
_WORDS = frozenset({"a", "i", "o", "y", "e", "u"})


class Token(NamedTuple):
    """A word, and the characters `start` to `end` of the original that it stands for."""

    text: str
    start: int
    end: int


class Written(NamedTuple):
    """A text in its written form, and where each of its words comes from."""

    text: str
    tokens: tuple[Token, ...]
    original: str

    def said(self, start: int, end: int) -> str:
        """Return the original words behind the characters `start` to `end`."""
        place, first, last = 0, None, None
        for token in self.tokens:
            if place < end and place + len(token.text) > start:
                unchanged = self.original[token.start : token.end] == token.text
                begun = token.start + max(0, start - place) if unchanged else token.start
                first = begun if first is None else first
                last = token.start + min(len(token.text), end - place) if unchanged else token.end
            place += len(token.text) + 1
        return self.original[first:last] if first is not None else ""


def written(text: str, language: str) -> Written:
    """Return a text in its written form; numbers in words are read as `language` (two letters) or else English."""
    tokens = [Token(found.group(), *found.span()) for found in re.finditer(r"\S+", text)]
    tokens = list(_spelled(list(_repeated(tokens))))
    tokens = _numbers(tokens, language if language in NUMBER_LANGUAGES else "en")
    tokens = list(_addresses(list(_codes(tokens))))
    return Written(" ".join(token.text for token in tokens), tuple(tokens), text)


def _repeated(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield "double five" as five five, and an "oh" beside a number as zero."""
    place = 0
    while place < len(tokens):
        token, following = tokens[place], tokens[place + 1] if place + 1 < len(tokens) else None
        times = _REPEATS.get(token.text.lower())
        if times and following and (_NUMBER_WORD.match(following.text) or _LETTER.fullmatch(following.text)):
            yield from [Token(following.text, token.start, following.end)] * times
            place += 2
            continue
        yield token._replace(text="zero") if _is_spoken_zero(tokens, place) else token
        place += 1


def _is_spoken_zero(tokens: Sequence[Token], place: int) -> bool:
    beside = [*tokens[max(0, place - 1) : place], *tokens[place + 1 : place + 2]]
    return tokens[place].text.lower() in _ZERO and any(_NUMBER_WORD.match(one.text) for one in beside)


def _spelled(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield a letter that is explained ("b as in boy") alone."""
    place = 0
    while place < len(tokens):
        token = tokens[place]
        explained = next((len(words) + 2 for words in _AS_IN if _explains(tokens, place, words)), 0)
        yield Token(token.text, token.start, tokens[place + explained - 1].end) if explained else token
        place += explained or 1


def _explains(tokens: Sequence[Token], place: int, words: tuple[str, ...]) -> bool:
    """Whether `words` and one that begins with the same letter follow a letter."""
    after = [token.text.lower() for token in tokens[place + 1 : place + 2 + len(words)]]
    letter = tokens[place].text.lower()
    return bool(_LETTER.fullmatch(letter)) and len(after) > len(words) and tuple(after[:-1]) == words and after[-1].startswith(letter[0])


def _numbers(tokens: list[Token], language: str) -> list[Token]:
    """Return the words with numbers in digits; what changed stands for all the words it came from."""
    return [one for stretch in _stretches(tokens) for one in _numbers_of(stretch, language)]


def _stretches(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Yield short stretches of words that cut no number in two, unless it is as long as a stretch itself."""
    stretch: list[Token] = []
    for token in tokens:
        full = len(stretch) >= STRETCH_WORDS and not _NUMBER_WORD.match(stretch[-1].text)
        if full or len(stretch) >= 2 * STRETCH_WORDS:
            yield stretch
            stretch = []
        stretch.append(token)
    yield stretch


def _numbers_of(tokens: Sequence[Token], language: str) -> list[Token]:
    before = [token.text for token in tokens]
    after = alpha2digit(" ".join(before), language, 0).split()
    if after == before:
        return [*tokens]
    changed: list[Token] = []
    for kind, first, last, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            changed += tokens[first:last]
        elif last - first == end - start:
            changed += [old._replace(text=new) for old, new in zip(tokens[first:last], after[start:end], strict=True)]
        elif first < last:
            changed += [Token(new, tokens[first].start, tokens[last - 1].end) for new in after[start:end]]
    return changed


@lru_cache(maxsize=65_536)
def is_number_word(word: str, language: str) -> bool:
    """Whether a word is a number in digits or in a language's words, or repeats the one behind it ("double")."""
    bare = word.strip(",.;:-").lower()
    return bare.isdigit() or bare in _REPEATS or bare in _ZERO or (bare.isalpha() and alpha2digit(bare, language, 0).isdigit())


def number_runs(text: str, language: str, least: int) -> Iterator[tuple[int, int]]:
    """Yield the characters of every run of at least so many number words of a language."""
    run: list[re.Match[str]] = []
    for found in re.finditer(r"\S+", text):
        if is_number_word(found.group(), language):
            run.append(found)
            continue
        if len(run) >= least:
            yield run[0].start(), run[-1].end()
        run = []
    if len(run) >= least:
        yield run[0].start(), run[-1].end()


def _codes(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield letters and short numbers that are read out one after the other as one word."""
    run: list[Token] = []
    for token in (*tokens, Token("", 0, 0)):
        if _PIECE.fullmatch(token.text) or (run and token.text.lower() in _DASH):
            run.append(token)
            continue
        yield from _joined(run)
        run = []
        if token.text:
            yield token


def _joined(run: list[Token]) -> Iterator[Token]:
    """Yield a run of pieces as one code, with words that only look like letters left at its ends."""
    last = len(run)
    first = next((place for place, token in enumerate(run) if token.text.lower() not in _WORDS | _DASH), last)
    while last > first and run[last - 1].text.lower() in _WORDS | _DASH:
        last -= 1
    if last - first < MIN_PIECES:
        yield from run
        return
    yield from run[:first]
    pieces = ("-" if token.text.lower() in _DASH else token.text.rstrip(",.") for token in run[first:last])
    yield Token("".join(pieces), run[first].start, run[last - 1].end)
    yield from run[last:]


def _addresses(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield an e-mail address that was read out ("ana dot ruiz at example dot com") as one word."""
    place = 0
    while place < len(tokens):
        end = place
        while end + 2 < len(tokens) and tokens[end + 1].text.lower() in _JOINTS:
            end += 2
        parts = tokens[place : end + 1]
        joined = "".join(_JOINTS.get(token.text.lower(), token.text) if number % 2 else token.text for number, token in enumerate(parts))
        if re.fullmatch(r"[\w.-]+@[\w-]+(?:\.[\w-]{2,})+", joined):
            yield Token(joined, parts[0].start, parts[-1].end)
            place = end + 1
        else:
            yield tokens[place]
            place += 1
