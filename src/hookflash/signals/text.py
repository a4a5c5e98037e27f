"""What several detectors ask of one text, worked out once: its words, its phrases by kind, and what it is for."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources

from hookflash.model import DISTRESS, Evidence, Kind
from hookflash.signals.combine import distinct
from hookflash.signals.lexicon import Found, lexicon
from hookflash.signals.normalise import Word, words_of

SMALL_TALK, TOLD_ALREADY, REQUEST_FORM, ASSISTANT_LOST = "small_talk", "told_already", "request_form", "assistant_lost"
# With fewer words of substance than this there is nothing to classify.
SUBSTANCE_WORDS = 2
_ASKING = frozenset(
    ["can", "could", "how", "what", "why", "when", "where", "which", "who", "would", "will", "do", "does", "is", "are", "should", "may"]
)


@lru_cache(maxsize=2_048)
def words_in(text: str) -> tuple[Word, ...]:
    """Return the plain words of a text."""
    return tuple(words_of(text))


@lru_cache(maxsize=2_048)
def phrases_in(text: str) -> Mapping[str, tuple[Found, ...]]:
    """Return the phrases found in a text by kind; of those that overlap, the strongest."""
    by_kind: dict[str, list[Found]] = defaultdict(list)
    for found in lexicon().find(words_in(text)):
        by_kind[found.kind].append(found)
    return {kind: tuple(distinct(found)) for kind, found in by_kind.items()}


def evidence_of(found: Sequence[Found], text: str, turn: int) -> tuple[Evidence, ...]:
    """Return the words that phrases point at in turn number `turn`."""
    return tuple(Evidence(text=text[one.start : one.end], turn=turn, start=one.start, end=one.end) for one in found)


def part_of(text: str, span: tuple[int, int], turn: int) -> Evidence:
    """Return the characters `span` of turn number `turn` as evidence."""
    return Evidence(text=text[span[0] : span[1]], turn=turn, start=span[0], end=span[1])


def whole_turn(text: str, turn: int) -> Evidence:
    """Return a whole turn as evidence, where no words in it stand out."""
    return Evidence(text=text, turn=turn, start=0, end=len(text))


def substance(text: str) -> tuple[str, ...]:
    """Return the words that say what it is about: no stop words, numbers, small talk, distress or call for a person."""
    found = phrases_in(text)
    phrases = [one for kind in (SMALL_TALK, Kind.EXPLICIT_REQUEST, *DISTRESS) for one in found.get(kind, ())]
    idle = bytearray(len(text))
    for one in phrases:
        idle[one.start : one.end] = b"\1" * (one.end - one.start)
    return tuple(
        word.plain
        for word in words_in(text)
        if not idle[word.start] and word.plain not in stop_words() and not any(letter.isdigit() for letter in word.plain)
    )


def has_request_form(text: str) -> bool:
    """Whether a text asks for something, by its words or its question mark."""
    words = words_in(text)
    return "?" in text or bool(words and words[0].plain in _ASKING) or REQUEST_FORM in phrases_in(text)


@cache
def stop_words() -> frozenset[str]:
    """Return the words that carry no meaning of their own."""
    return frozenset(_data("stopwords.txt").split())


@cache
def background() -> tuple[str, ...]:
    """Return ordinary requests of many kinds: what a customer may say that is somebody else's business."""
    return tuple(_data("background.txt").splitlines())


@cache
def remarks() -> tuple[str, ...]:
    """Return what customers say in between, to any business: thanks, answers, grumbles."""
    return tuple(_data("remarks.txt").splitlines())


def _data(name: str) -> str:
    return resources.files("hookflash.signals").joinpath("data", name).read_text(encoding="utf-8")
