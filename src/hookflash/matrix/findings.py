"""What a check finds: a code, the path in the document, what is wrong there, and the mend."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rapidfuzz import process

from hookflash.matrix.codes import CODES, Severity

Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a path of the document, and its mend. `severity` is the code's own unless the case is worse."""

    code: str
    path: Steps
    what: str
    mend: str
    raised: bool = False
    """Whether the case makes an error of what is otherwise a warning."""

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return "error" if self.raised else CODES[self.code].severity


def at(node: Any, pattern: tuple[str, ...], done: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Yield every (path, value) that a pattern matches in a document; `*` stands for every key or item."""
    if not pattern:
        yield done, node
        return
    step, rest = pattern[0], pattern[1:]
    if step != "*":
        if isinstance(node, dict) and step in node:
            yield from at(node[step], rest, (*done, step))
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from at(value, rest, (*done, str(key)))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from at(value, rest, (*done, index))


def at_any(node: Any, patterns: Iterable[tuple[str, ...]]) -> Iterator[tuple[Steps, Any]]:
    """Yield what any of the patterns matches."""
    for pattern in patterns:
        yield from at(node, pattern)


def one_or_more(node: Any, pattern: tuple[str, ...]) -> Iterator[tuple[Steps, str]]:
    """Yield the texts at a key that takes one text or a list of them."""
    for path, value in at_any(node, (pattern, (*pattern, "*"))):
        if isinstance(value, str):
            yield path, value


def names(document: Any, section: str) -> list[str]:
    """Return the names declared in a section, like `hours` or `scope.fenced`."""
    found = next(at(document, tuple(section.split("."))), None)
    return [str(name) for name in found[1]] if found and isinstance(found[1], dict) else []


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name that a word most likely means."""
    found = process.extractOne(word, list(known), score_cutoff=60)
    return str(found[0]) if found else None


def choices(word: str, known: Iterable[str]) -> str:
    """Return the mend for a name that is not known."""
    found = nearest(word, known)
    return f"did you mean `{found}`?" if found else f"declared: {', '.join(known) or 'none'}"
