"""Find thousands of phrases in one pass over a turn's words.

Rules:
- A pattern is made of words. `(a|b c)` is a choice, `[a|b]` an optional choice, `@name` a named choice, `word*` any word
  that begins so, `_` any one word, and `...` up to four of any words.
- All patterns become one non-deterministic automaton. Its deterministic form is made lazily, one state at a time, so
  that a text costs one dictionary look-up a word, however many patterns there are and whatever the text is.
"""

import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from sys import intern
from threading import Lock
from typing import NamedTuple

from hookflash.signals.normalise import plain_word, words_of

GAP_WORDS = 4
# A lazily made state costs about a kilobyte. Beyond this many the table starts afresh; results are the same.
MAX_STATES = 20_000
MAX_KNOWN_WORDS = 65_536
# How far back the first word of a phrase is looked for; patterns of ours are shorter.
LONGEST_PHRASE = 40

_TOKEN = re.compile(r"\.\.\.|[()\[\]|]|@[\w.]+|[^\s()\[\]|]+")
_PLAIN = re.compile(r"(?!\.\.\.)[^\s()\[\]|@]+")
_ANY = "_"
NOWHERE = -1
Symbols = tuple[str, ...]


class Hit(NamedTuple):
    """A pattern found: its number and its first and last word."""

    pattern: int
    first: int
    last: int


class PhraseSyntaxError(ValueError):
    """A pattern that cannot be read."""


class _Nfa:
    """An automaton whose states are numbers; a step takes a symbol, a skip takes none.

    Most states have a single step or a single skip: those lie in flat columns, the rest in dictionaries.
    """

    def __init__(self) -> None:
        self.accepts: dict[int, int] = {}
        self._symbol: list[str | None] = []
        self._target = array("l")
        self._more_steps: dict[int, dict[str, tuple[int, ...]]] = {}
        self._skip = array("l")
        self._more_skips: dict[int, tuple[int, ...]] = {}
        self._shared: dict[tuple[int, str], int] = {}
        self._alone: dict[int, tuple[int]] = {}
        self._closed: dict[int, frozenset[int]] = {}
        self.start = self.state()

    def __len__(self) -> int:
        return len(self._symbol)

    def state(self) -> int:
        self._symbol.append(None)
        self._target.append(NOWHERE)
        self._skip.append(NOWHERE)
        return len(self._symbol) - 1

    def step(self, source: int, symbol: str, target: int) -> None:
        if self._symbol[source] is None:
            self._symbol[source], self._target[source] = intern(symbol), target
            return
        steps = self._more_steps.setdefault(source, {})
        steps[symbol] = (*steps[symbol], target) if symbol in steps else self._alone.setdefault(target, (target,))

    def after(self, source: int, symbol: str) -> int:
        """Return the state that a symbol leads to and nothing else does; alternatives that begin alike share it."""
        if (source, symbol) not in self._shared:
            self._shared[source, symbol] = self.state()
            self.step(source, symbol, self._shared[source, symbol])
        return self._shared[source, symbol]

    def skip(self, source: int, target: int) -> None:
        if self._skip[source] == NOWHERE:
            self._skip[source] = target
        else:
            self._more_skips[source] = (*self._more_skips.get(source, ()), target)

    def finish(self) -> None:
        """Forget what only the making needed."""
        self._shared.clear()
        self._alone.clear()

    def steps(self, source: int) -> Iterator[tuple[str, int]]:
        """Yield every step from a state."""
        if (symbol := self._symbol[source]) is not None:
            yield symbol, self._target[source]
        for symbol, targets in self._more_steps.get(source, {}).items():
            yield from ((symbol, target) for target in targets)

    def step_on(self, states: Iterable[int], symbols: Symbols) -> frozenset[int]:
        """Return every state that one of the symbols leads to from any of the states, skips taken."""
        reached: set[int] = set()
        for state in states:
            if self._symbol[state] in symbols:
                reached |= self.closed(self._target[state])
            if state in self._more_steps:
                steps = self._more_steps[state]
                for symbol in symbols:
                    for target in steps.get(symbol, ()):
                        reached |= self.closed(target)
        return frozenset(reached)

    def steps_from(self, states: Iterable[int]) -> dict[str, frozenset[int]]:
        """Return where each symbol leads from any of the states."""
        targets: dict[str, set[int]] = {}
        for state in states:
            for symbol, target in self.steps(state):
                targets.setdefault(symbol, set()).update(self.closed(target))
        return {symbol: frozenset(reached) for symbol, reached in targets.items()}

    def closed(self, state: int) -> frozenset[int]:
        """Return a state and all that skips lead to from it; remembered."""
        found = self._closed.get(state)
        if found is None:
            found = self._closed[state] = self._closure(state)
        return found

    def _closure(self, state: int) -> frozenset[int]:
        found, waiting = {state}, [state]
        while waiting:
            source = waiting.pop()
            for target in (self._skip[source], *self._more_skips.get(source, ())):
                if target not in found and target != NOWHERE:
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
            self.nfa.skip(source, target)
            return target
        if token == "...":
            return self._gap(source)
        if token.startswith("@"):
            return self._named(source, token[1:])
        return self._word(source, token)

    def _choice(self, source: int, closing: str) -> int:
        target = self.nfa.state()
        while True:
            if not self._single(source, target):
                self.nfa.skip(self._sequence(source), target)
            if self.place >= len(self.tokens):
                raise PhraseSyntaxError(f"{self.pattern!r}: {closing!r} is missing")
            token = self.tokens[self.place]
            self.place += 1
            if token == closing:
                return target

    def _single(self, source: int, target: int) -> bool:
        """Take an alternative of a single word straight to the end of the choice; most are, and need no place of their own."""
        word, *after = self.tokens[self.place : self.place + 2]
        symbols = _symbols(word) if _PLAIN.fullmatch(word) and after and after[0] in ("|", ")", "]") else ()
        if len(symbols) != 1:
            return False
        self.nfa.step(source, symbols[0], target)
        self.place += 1
        return True

    def _gap(self, source: int) -> int:
        target = self.nfa.state()
        self.nfa.skip(source, target)
        for _ in range(GAP_WORDS):
            source = self._word(source, _ANY)
            self.nfa.skip(source, target)
        return target

    def _named(self, source: int, name: str) -> int:
        if name not in self.classes:
            raise PhraseSyntaxError(f"{self.pattern!r}: there is no class @{name}")
        target = self.nfa.state()
        for member in self.classes[name]:
            symbols = _symbols(member) if _PLAIN.fullmatch(member) else ()
            if len(symbols) == 1:
                self.nfa.step(source, symbols[0], target)
            else:
                self.nfa.skip(_Parser(self.nfa, self.classes, member).parse(source), target)
        return target

    def _word(self, source: int, word: str) -> int:
        for symbol in _symbols(word):
            source = self.nfa.after(source, symbol)
        return source


@lru_cache(maxsize=65_536)
def _symbols(word: str) -> Symbols:
    """Return what a word of a pattern stands for: several words where its script writes them without spaces."""
    if word == _ANY:
        return (_ANY,)
    *before, last = [one.plain for one in words_of(word.removesuffix("*"))] or [plain_word(word)]
    return (*before, last + "*" if word.endswith("*") else last)


class _Dfa:
    """The deterministic form, made as it is walked.

    A state is the set of places that patterns begun earlier have reached; state 0 is none. Patterns that begin with the
    next word are the same in every state and are therefore kept once, by their first word.
    """

    def __init__(self, nfa: _Nfa) -> None:
        self._nfa = nfa
        self._lock = Lock()
        self._members: list[frozenset[int]] = [frozenset()]
        self._numbers = {self._members[0]: 0}
        self._begun = nfa.steps_from(nfa.closed(nfa.start))
        self.table: list[dict[Symbols, int]] = [{}]
        self.accepting: list[tuple[int, ...]] = [()]

    def advance(self, state: int, symbols: Symbols) -> int:
        """Make the state that follows `state`, and remember the step."""
        following = self._nfa.step_on(self._members[state], symbols).union(*(self._begun.get(symbol, ()) for symbol in symbols))
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
        self._begins: dict[int, frozenset[str]] = {}
        for number, pattern in enumerate(patterns):
            start = self._nfa.state()
            self._starts.append(start)
            self._nfa.skip(self._nfa.start, start)
            end = _Parser(self._nfa, classes, pattern).parse(start)
            if end in self._nfa.closed(start):
                raise PhraseSyntaxError(f"{pattern!r} matches no words at all")
            self._nfa.accepts[end] = number
        self._nfa.finish()
        _symbols.cache_clear()
        symbols = {symbol for state in range(len(self._nfa)) for symbol, _ in self._nfa.steps(state)}
        self._vocabulary = frozenset(symbol for symbol in symbols if not symbol.endswith("*"))
        self._prefixes = frozenset(symbol for symbol in symbols if symbol.endswith("*"))
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

    def knows(self, word: str) -> bool:
        """Whether any pattern names a plain word or its beginning."""
        return len(self._symbols_of(word)) > 1

    def _symbols_of(self, word: str) -> Symbols:
        """Return what a word can stand for: any word, itself where a pattern names it, and its known beginnings."""
        if (known := self._known_words.get(word)) is not None:
            return known
        itself = (word,) if word in self._vocabulary else ()
        beginnings = (word[:size] + "*" for size in range(1, len(word) + 1))
        symbols = (_ANY, *itself, *(beginning for beginning in beginnings if beginning in self._prefixes))
        if len(self._known_words) > MAX_KNOWN_WORDS:
            self._known_words = {}
        self._known_words[word] = symbols
        return symbols

    def _first(self, pattern: int, words: Sequence[str], last: int) -> int:
        """Return the earliest word from which the pattern reaches exactly to `last`."""
        begins = self._begins.get(pattern)
        if begins is None:
            begins = self._begins[pattern] = frozenset(self._nfa.steps_from(self._nfa.closed(self._starts[pattern])))
        candidates = range(max(0, last - LONGEST_PHRASE), last + 1)
        return next(
            (
                first
                for first in candidates
                if not begins.isdisjoint(self._symbols_of(words[first])) and self._reaches(pattern, words[first : last + 1])
            ),
            last,
        )

    def _reaches(self, pattern: int, words: Sequence[str]) -> bool:
        members = self._nfa.closed(self._starts[pattern])
        for word in words:
            members = self._nfa.step_on(members, self._symbols_of(word))
            if not members:
                return False
        return any(self._nfa.accepts.get(member) == pattern for member in members)
