"""Find thousands of phrases in one pass over a turn's words.

Rules:
- A pattern is made of words. `(a|b c)` is a choice, `[a|b]` an optional choice, `@name` a named choice, `word*` any word
  that begins so, `_` any one word, and `...` up to four of any words.
- All patterns become one non-deterministic automaton. Its deterministic form is made lazily, one state at a time, so
  that a text costs one dictionary look-up a word, however many patterns there are and whatever the text is.
"""

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
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

    Steps are kept by symbol: of a text's next word one intersection says which of the present states it moves.
    """

    def __init__(self) -> None:
        self.accepts: dict[int, int] = {}
        self._steps: dict[str, dict[int, tuple[int, ...]]] = {}
        self._skip = array("l")
        self._more_skips: dict[int, tuple[int, ...]] = {}
        self._shared: dict[tuple[int, str], int] = {}
        self._alone: dict[int, tuple[int]] = {}
        self._closed: dict[int, frozenset[int]] = {}
        self.start = self.state()

    @property
    def symbols(self) -> Iterable[str]:
        """Every symbol that some step takes."""
        return self._steps.keys()

    def state(self) -> int:
        self._skip.append(NOWHERE)
        return len(self._skip) - 1

    def step(self, source: int, symbol: str, target: int) -> None:
        steps = self._steps.setdefault(symbol, {})
        steps[source] = (*steps[source], target) if source in steps else self._alone.setdefault(target, (target,))

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

    def step_on(self, states: Iterable[int], symbols: Iterable[str]) -> frozenset[int]:
        """Return every state that one of the symbols leads to from any of the states, skips taken."""
        reached: set[int] = set()
        for symbol in symbols:
            steps = self._steps.get(symbol, {})
            for state in steps.keys() & states:
                for target in steps[state]:
                    reached |= self.closed(target)
        return frozenset(reached)

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
        self._members: list[tuple[int, ...]] = [()]
        self._numbers = {self._members[0]: 0}
        begin = set(nfa.closed(nfa.start))  # a dictionary's keys meet a set, and only a set, the quick way round
        self._begun = {symbol: begun for symbol in nfa.symbols if (begun := nfa.step_on(begin, (symbol,)))}
        self.table: list[dict[Symbols, int]] = [{}]
        self.accepting: list[tuple[int, ...]] = [()]

    def advance(self, state: int, symbols: Symbols) -> int:
        """Make the state that follows `state`, and remember the step."""
        following = self._nfa.step_on(self._members[state], symbols).union(*(self._begun.get(symbol, ()) for symbol in symbols))
        members = tuple(sorted(following))
        with self._lock:
            number = self._numbers.get(members)
            if number is None:
                number = self._add(members)
            self.table[state][symbols] = number
        return number

    def _add(self, members: tuple[int, ...]) -> int:
        self._members.append(members)
        self.table.append({})
        self.accepting.append(tuple(sorted({self._nfa.accepts[member] for member in self._nfa.accepts.keys() & members})))
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
            self._starts.append(start)
            self._nfa.skip(self._nfa.start, start)
            end = _Parser(self._nfa, classes, pattern).parse(start)
            if end in self._nfa.closed(start):
                raise PhraseSyntaxError(f"{pattern!r} matches no words at all")
            self._nfa.accepts[end] = number
        self._nfa.finish()
        _symbols.cache_clear()
        self._vocabulary = frozenset(symbol for symbol in self._nfa.symbols if not symbol.endswith("*"))
        self._prefixes = frozenset(symbol for symbol in self._nfa.symbols if symbol.endswith("*"))
        self._known_words: dict[str, Symbols] = {}
        self._dfa = _Dfa(self._nfa)

    def find(self, words: Sequence[str]) -> list[Hit]:
        """Return every pattern found, each at its longest, in the order of its last word."""
        dfa, known = self._dfa, self._known_words
        firsts: dict[tuple[int, tuple[str, ...]], int] = {}
        state, hits = 0, []
        for place, word in enumerate(words):
            symbols = known.get(word) or self._symbols_of(word)
            following = dfa.table[state].get(symbols)
            state = dfa.advance(state, symbols) if following is None else following
            if dfa.accepting[state]:
                before = tuple(words[max(0, place - LONGEST_PHRASE) : place + 1])
                hits += [Hit(pattern, place - self._length(pattern, before, firsts) + 1, place) for pattern in dfa.accepting[state]]
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

    def _length(self, pattern: int, words: tuple[str, ...], known: dict[tuple[int, tuple[str, ...]], int]) -> int:
        """Return the most words by which a pattern reaches exactly to the last of `words`; `known` remembers it."""
        if (pattern, words) not in known:
            starts = range(len(words))
            first = next((start for start in starts if self._reaches(pattern, words[start:])), len(words) - 1)
            known[pattern, words] = len(words) - first
        return known[pattern, words]

    def _reaches(self, pattern: int, words: Sequence[str]) -> bool:
        members = self._nfa.closed(self._starts[pattern])
        for word in words:
            members = self._nfa.step_on(members, self._symbols_of(word))
            if not members:
                return False
        return any(self._nfa.accepts.get(member) == pattern for member in members)
