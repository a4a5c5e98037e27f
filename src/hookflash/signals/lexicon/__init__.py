"""The lexicons: one file a language, data only. All languages are searched at once, since customers mix them."""

import tomllib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from hookflash.model import Kind
from hookflash.signals.normalise import Word
from hookflash.signals.phrases import PhraseIndex

# How strongly a phrase shows its class. A phrase in `certain` is a hard rule: it is enough alone.
CERTAIN = 0.95
LEVELS = {"certain": CERTAIN, "strong": 0.8, "moderate": 0.6, "mild": 0.35}
EXCEPT = "except"
# What may cost a life: no other words switch a certain phrase of these off.
FOR_LIFE = (Kind.RED_FLAG, Kind.CRISIS)
FIRST_PERSON = frozenset({"i", "im", "ive", "my", "we", "our"})
# An exception that begins so many words before a phrase is about something else that was said before it.
LEAD_IN = 2
# Cognates ("urgent", "suicide", "stroke") stand in the lexicons of many languages with one meaning: this one's word counts.
MAIN = "en"
# The ends of the turn, as the patterns name them.
BEGIN, END = "^", "$"


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase of a kind in a language's lexicon, found in characters `start` to `end` of a text."""

    kind: str
    score: float
    start: int
    end: int
    language: str


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: str
    language: str
    score: float
    """0 for an exception, which takes nothing on but cancels what it overlaps."""

    @property
    def about(self) -> tuple[str, str]:
        """Return what an exception must share with what it cancels."""
        return self.kind, self.language


def excepted(kind: str) -> str:
    """Return the kind under which the exceptions of a kind are found."""
    return f"{kind} (excepted)"


class Lexicon:
    """Every phrase of every language, found in one pass."""

    def __init__(self, documents: dict[str, dict[str, dict[str, list[str]]]]) -> None:
        """Compile the phrases of each language's document."""
        classes: dict[str, Sequence[str]] = {}
        patterns: list[str] = []
        self._rules: list[_Rule] = []
        for language, document in documents.items():
            names = document.get("classes", {})
            classes |= {f"{language}.{name}": [_own(member, language) for member in members] for name, members in names.items()}
            for kind, levels in document.items():
                if kind == "classes":
                    continue
                for level, phrases in levels.items():
                    score = 0.0 if level == EXCEPT else LEVELS[level]
                    patterns += [_own(phrase, language) for phrase in phrases]
                    self._rules += [_Rule(kind, language, score)] * len(phrases)
        self._index = PhraseIndex(patterns, classes)
        main = documents.get(MAIN, {})
        self._shared = PhraseIndex([_own(one, MAIN) for one in _phrases(main)], classes).knows if main else _nothing

    def find(self, words: Sequence[Word]) -> list[Found]:
        """Return the phrases found, less those that an exception of their kind overlaps, and the exceptions."""
        if not words:
            return []
        hits = self._index.find([BEGIN, *(word.plain for word in words), END])
        final = len(words) - 1
        spans = [(self._rules[pattern], min(max(first - 1, 0), final), min(last - 1, final)) for pattern, first, last in hits]
        spans = [span for span in spans if span[0].language == MAIN or not self._is_shared(words[span[1] : span[2] + 1])]
        excepted_from = _excepted_from(spans, len(words))
        return [
            Found(rule.kind if rule.score else excepted(rule.kind), score, words[first].start, words[last].end, rule.language)
            for rule, first, last in spans
            if (score := _left(rule, first, words[: last + 1], min(excepted_from[rule.about][first : last + 1]))) or not rule.score
        ]

    def _is_shared(self, words: Sequence[Word]) -> bool:
        """Whether a phrase of another language is made of words that the main one knows too: that one judges them."""
        return all(word.plain.isdigit() or self._shared(word.plain) for word in words)


def _nothing(word: str) -> bool:
    return False


def _phrases(document: dict[str, dict[str, list[str]]]) -> list[str]:
    return [phrase for kind, levels in document.items() if kind != "classes" for phrases in levels.values() for phrase in phrases]


def _excepted_from(spans: Sequence[tuple[_Rule, int, int]], words: int) -> dict[tuple[str, str], list[int]]:
    """Return, by kind and language, where the exception that covers each word begins; past the last word for none."""
    begins: dict[tuple[str, str], list[int]] = defaultdict(lambda: [words] * words)
    for rule, first, last in spans:
        if not rule.score:
            begins[rule.about][first : last + 1] = [min(first, known) for known in begins[rule.about][first : last + 1]]
    return begins


def _left(rule: _Rule, first: int, words: Sequence[Word], begins: int) -> float:
    """Return the score that an exception leaves of a phrase, the last of `words` from `first` on; it is the whole without one.

    `begins` is the word where the exception begins. What may cost a life keeps enough for the heads to judge it; and what
    customers say of themselves ("I took an overdose") is not cancelled by what they said before ("after the film").
    """
    if begins >= len(words):
        return rule.score
    if rule.kind not in FOR_LIFE:
        return 0.0
    own = any(word.plain in FIRST_PERSON for word in words[begins:])
    if own and first - begins >= LEAD_IN:
        return rule.score
    return LEVELS["strong"] if rule.score >= CERTAIN else 0.0


def _own(pattern: str, language: str) -> str:
    """Make a pattern's class names its language's own."""
    return pattern.replace("@", f"@{language}.")


@cache
def lexicon() -> Lexicon:
    """Return the shipped lexicons, read and compiled once."""
    files = sorted(file.name for file in resources.files(__name__).iterdir() if file.name.endswith(".toml"))
    return Lexicon({name.removesuffix(".toml"): tomllib.loads(_text(name)) for name in files})


def _text(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


__all__ = ["CERTAIN", "MAIN", "Found", "Lexicon", "excepted", "lexicon"]
