"""Find thousands of phrases in one pass over a turn's words.

Rules:
- A pattern is made of words. `(a|b c)` is a choice, `[a|b]` an optional choice, `@name` a named choice, `word*` any word
  that begins so, `_` any one word, and `...` up to four of any words.
- All patterns become one non-deterministic automaton. Its deterministic form is made lazily, one state at a time, so
  that a text costs one dictionary look-up a word, however many patterns there are and whatever the text is.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import NamedTuple

from hookflash.signals.normalise import plain_word

GAP_WORDS = 4
# A lazily made state costs about a kilobyte. Beyond this many the table starts afresh; results are the same.
MAX_STATES = 20_000
MAX_KNOWN_WORDS = 65_536
# How far back the first word of a phrase is looked for; patterns of ours are shorter.
LONGEST_PHRASE = 40

_TOKEN = re.compile(r"\.\.\.|[()\[\]|]|@[\w.]+|[^\s()\[\]|]+")
_ANY = "_"
Symbols = tuple[str, ...]


class Hit(NamedTuple):
    """A pattern found: its number and its first and last word."""

    pattern: int
    first: int
    last: int


class PhraseSyntaxError(ValueError):
    """A pattern that cannot be read."""


class _Nfa:
    """States are numbers. `steps[state]` maps a symbol to next states, `free[state]` lists steps that take no word."""

    def __init__(self) -> None:
        self.steps: list[dict[str, list[int]]] = []
        self.free: list[list[int]] = []
        self.accepts: dict[int, int] = {}
        self.start = self.state()

    def state(self) -> int:
        self.steps.append({})
        self.free.append([])
        return len(self.steps) - 1

    def step(self, source: int, symbol: str, target: int) -> None:
        self.steps[source].setdefault(symbol, []).append(target)

    def step_on(self, states: Iterable[int], symbols: Symbols) -> frozenset[int]:
        return self.closure(target for state in states for symbol in symbols for target in self.steps[state].get(symbol, ()))

    def closure(self, states: Iterable[int]) -> frozenset[int]:
        found = set(states)
        waiting = list(found)
        while waiting:
            for target in self.free[waiting.pop()]:
                if target not in found:
                    found.add(target)
                    waiting.append(target)
        return frozenset(found)


class _Parser:
    """Reads one pattern into the automaton, from left to right."""

    def __init__(self, nfa: _Nfa, classes: Mapping[str, Sequence[str]], pattern: str) -> None:
        self.nfa = nfa
        self.classes = classes
        self.pattern = pattern
        self.tokens = _TOKEN.findall(pattern)
        self.place = 0

    def parse(self, source: int) -> int:
        end = self._sequence(source)
        if self.place < len(self.tokens):
            raise PhraseSyntaxError(f"{self.pattern!r}: unexpected {self.tokens[self.place]!r}")
        return end

    def _sequence(self, source: int) -> int:
        while self.place < len(self.tokens) and self.tokens[self.place] not in (")", "]", "|"):
            source = self._item(source)
        return source

    def _item(self, source: int) -> int:
        token = self.tokens[self.place]
        self.place += 1
        if token == "(":
            return self._choice(source, ")")
        if token == "[":
            target = self._choice(source, "]")
            self.nfa.free[source].append(target)
            return target
        if token == "...":
            return self._gap(source)
        if token.startswith("@"):
            return self._named(source, token[1:])
        return self._word(source, token)

    def _choice(self, source: int, closing: str) -> int:
        target = self.nfa.state()
        while True:
            self.nfa.free[self._sequence(source)].append(target)
            if self.place >= len(self.tokens):
                raise PhraseSyntaxError(f"{self.pattern!r}: {closing!r} is missing")
            token = self.tokens[self.place]
            self.place += 1
            if token == closing:
                return target

    def _gap(self, source: int) -> int:
        target = self.nfa.state()
        self.nfa.free[source].append(target)
        for _ in range(GAP_WORDS):
            source = self._word(source, _ANY)
            self.nfa.free[source].append(target)
        return target

    def _named(self, source: int, name: str) -> int:
        if name not in self.classes:
            raise PhraseSyntaxError(f"{self.pattern!r}: there is no class @{name}")
        target = self.nfa.state()
        for member in self.classes[name]:
            end = _Parser(self.nfa, self.classes, member).parse(source)
            self.nfa.free[end].append(target)
        return target

    def _word(self, source: int, word: str) -> int:
        target = self.nfa.state()
        if word == _ANY:
            self.nfa.step(source, _ANY, target)
        elif word.endswith("*"):
            self.nfa.step(source, plain_word(word[:-1]) + "*", target)
        else:
            self.nfa.step(source, plain_word(word), target)
        return target


class _Dfa:
    """The deterministic form, made as it is walked. State 0 is the start; every state also begins anew."""

    def __init__(self, nfa: _Nfa) -> None:
        self._nfa = nfa
        self._lock = Lock()
        self._members = [nfa.closure([nfa.start])]
        self._numbers = {self._members[0]: 0}
        self.table: list[dict[Symbols, int]] = [{}]
        self.accepting: list[tuple[int, ...]] = [()]

    def advance(self, state: int, symbols: Symbols) -> int:
        """Make the state that follows `state`, and remember the step."""
        following = self._nfa.step_on(self._members[state], symbols) | self._members[0]
        with self._lock:
            number = self._numbers.get(following)
            if number is None:
                number = self._add(following)
            self.table[state][symbols] = number
        return number

    def _add(self, members: frozenset[int]) -> int:
        self._members.append(members)
        self.table.append({})
        self.accepting.append(tuple(sorted({self._nfa.accepts[member] for member in members & self._nfa.accepts.keys()})))
        self._numbers[members] = len(self._members) - 1
        return len(self._members) - 1


class PhraseIndex:
    """Many patterns, found together. Patterns are numbered in the order given. Safe to use from many threads."""

    def __init__(self, patterns: Sequence[str], classes: Mapping[str, Sequence[str]]) -> None:
        """Compile the patterns. Raises `PhraseSyntaxError` for one that cannot be read."""
        self._nfa = _Nfa()
        self._starts: list[int] = []
        for number, pattern in enumerate(patterns):
            start = self._nfa.state()
            self._nfa.free[self._nfa.start].append(start)
            self._starts.append(start)
            end = _Parser(self._nfa, classes, pattern).parse(start)
            if end in self._nfa.closure([start]):
                raise PhraseSyntaxError(f"{pattern!r} matches no words at all")
            self._nfa.accepts[end] = number
        symbols = {symbol for steps in self._nfa.steps for symbol in steps}
        self._vocabulary = frozenset(symbol for symbol in symbols if not symbol.endswith("*"))
        self._prefixes = tuple(sorted(symbol[:-1] for symbol in symbols if symbol.endswith("*")))
        self._known_words: dict[str, Symbols] = {}
        self._dfa = _Dfa(self._nfa)

    def find(self, words: Sequence[str]) -> list[Hit]:
        """Return every pattern found, each at its longest, in the order of its last word."""
        dfa, known = self._dfa, self._known_words
        state, hits = 0, []
        for place, word in enumerate(words):
            symbols = known.get(word) or self._symbols_of(word)
            following = dfa.table[state].get(symbols)
            state = dfa.advance(state, symbols) if following is None else following
            hits += [Hit(pattern, self._first(pattern, words, place), place) for pattern in dfa.accepting[state]]
        if len(dfa.table) > MAX_STATES:
            self._dfa = _Dfa(self._nfa)
        return hits

    def _symbols_of(self, word: str) -> Symbols:
        """Return what a word can stand for: any word, itself where a pattern names it, and its known beginnings."""
        itself = (word,) if word in self._vocabulary else ()
        symbols = (_ANY, *itself, *(prefix + "*" for prefix in self._prefixes if word.startswith(prefix)))
        if len(self._known_words) > MAX_KNOWN_WORDS:
            self._known_words = {}
        self._known_words[word] = symbols
        return symbols

    def _first(self, pattern: int, words: Sequence[str], last: int) -> int:
        """Return the earliest word from which the pattern reaches exactly to `last`."""
        reaching = (first for first in range(max(0, last - LONGEST_PHRASE), last + 1) if self._reaches(pattern, words[first : last + 1]))
        return next(reaching, last)

    def _reaches(self, pattern: int, words: Sequence[str]) -> bool:
        members = self._nfa.closure([self._starts[pattern]])
        for word in words:
            members = self._nfa.step_on(members, self._symbols_of(word))
            if not members:
                return False
        return any(self._nfa.accepts.get(member) == pattern for member in members)
