"""A YAML text as plain values, with the place of each. Time and memory are bounded whatever the text holds."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from hookflash.errors import Fault, MatrixError
from hookflash.matrix.codes import CODES
from hookflash.matrix.findings import Finding
from hookflash.matrix.secret_shapes import without_secrets

# A matrix is read by people: ten times the longest we have seen, and read in about three seconds.
MAX_BYTES = 500_000
# Aliases can unfold a small file into a huge tree; nobody writes this many values by hand.
MAX_VALUES = 100_000
# Without any of these a file is something else, of which nothing is repeated.
SECTIONS = ("hookflash", "business", "hours", "desks", "responders", "scope", "triggers", "routes", "nobody", "wording")
# Deeper than any matrix; the parser's time grows with the square of the depth.
MAX_DEPTH = 40
_DOUBLED = re.compile(r'duplicate key "([^"]{1,60})"')
_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")


def fault_at(file: str, line: int, column: int, code: str, what: str, mend: str) -> Fault:
    """Return a fault at a place of a file."""
    known = CODES[code]
    return Fault(file, line, column, what, mend, code, known.severity, known.unreadable)


def read_text(path: Path) -> str:
    """Return the text of a matrix file. Raises `MatrixError` where there is none."""
    try:
        if path.exists() and not path.is_file():
            raise OSError(0, "it is no file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        what, mend = (
            f"cannot be read: {getattr(error, 'strerror', None) or 'no such name'}",
            "name a matrix file, or make one with `hookflash init`",
        )
        raise MatrixError([fault_at(str(path), 1, 1, "no-such-file", what, mend)]) from None
    if len(content) > MAX_BYTES:
        what, mend = f"the file is larger than {MAX_BYTES:,} bytes, which no matrix is", "name the matrix file"
        raise MatrixError([fault_at(str(path), 1, 1, "file-too-large", what, mend)])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise MatrixError([fault_at(str(path), line, column, "not-utf8", "the file is not UTF-8 text", "save it as UTF-8")]) from None


class Document:
    """A YAML text as plain values, with the place of each. Raises `MatrixError` where it cannot be read."""

    def __init__(self, text: str, name: str) -> None:
        """Read the text; `name` stands for the file in faults."""
        self.name = name
        if _is_nested_too_deep(text):
            raise self._broken(1, 1, "too-nested", f"the file nests more than {MAX_DEPTH} brackets", "write it without so many brackets")
        self._root = self._parse(text)
        self._left = MAX_VALUES
        self.plain: Any = self._to_plain(self._root)
        if not isinstance(self.plain, dict) or not any(key in SECTIONS for key in self.plain):
            raise self._broken(1, 1, "not-a-matrix", "the file holds no settings of a matrix", "begin with the line `hookflash: 1`")

    def fault(self, finding: Finding) -> Fault:
        """Return a finding as a fault with its place in the file."""
        line, column = self.place(finding.path)
        unreadable = CODES[finding.code].unreadable
        what, mend = without_secrets(finding.what), without_secrets(finding.mend)
        return Fault(self.name, line, column, what, mend, finding.code, finding.severity, unreadable)

    def place(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Return the 1-based line and column of a path, or of the nearest node above it that is written in the file."""
        node, line, column = self._root, 0, 0
        for step in path:
            key = step if not isinstance(node, CommentedMap) or step in node else _same_key(node, step)
            if isinstance(node, CommentedMap) and key in node and key in node.lc.data:
                line, column = node.lc.key(key)
            elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
                line, column = node.lc.item(step)
            else:
                break
            node = node[key]
        return line + 1, column + 1

    def _parse(self, text: str) -> Any:
        try:
            return YAML(typ="rt").load(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise self._broken(line, column, *_yaml_fault(error)) from None
        except RecursionError:
            raise self._broken(1, 1, "too-nested", "the file nests too deep to be a matrix", "write it without so many levels") from None
        except Exception as error:  # noqa: BLE001 - the parser raises errors of many kinds on hostile text
            line = _line_of_impossible_date(text)
            if line:
                mend = "write a day that exists, like 2026-12-24"
                raise self._broken(line, 1, "impossible-date", "there is no such day in the calendar", mend) from None
            raise self._broken(1, 1, "broken-yaml", f"not readable as YAML: {_reason(error)}", "write plain YAML text") from None

    def _broken(self, line: int, column: int, code: str, what: str, mend: str) -> MatrixError:
        return MatrixError([fault_at(self.name, line, column, code, what, mend)])

    def _to_plain(self, node: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            what = f"the file unfolds to more than {MAX_VALUES:,} values"
            raise self._broken(1, 1, "too-many-values", what, "write it without nested aliases")
        if isinstance(node, dict):
            return {_plain_key(key): self._to_plain(value) for key, value in node.items()}
        if isinstance(node, list):
            return [self._to_plain(value) for value in node]
        if isinstance(node, bool | date | datetime) or node is None:
            return node
        return _number(node) if isinstance(node, int | float) else str(node)


def _plain_key(key: Any) -> str:
    return str(key)


def _same_key(node: CommentedMap, step: str | int) -> Any:
    """Return the key as it is written where it is no text, like `1:` or `2026-12-24:`."""
    return next((key for key in node if _plain_key(key) == step), step)


def _number(node: Any) -> int | float:
    return float(node) if isinstance(node, float) else int(node)


def _is_nested_too_deep(text: str) -> bool:
    depth = deepest = 0
    for letter in text:
        depth += (letter in "[{") - (letter in "]}")
        deepest = max(deepest, depth)
    return deepest > MAX_DEPTH


def _line_of_impossible_date(text: str) -> int | None:
    for number, line in enumerate(text.splitlines(), start=1):
        for found in _DAY.findall(line):
            try:
                date.fromisoformat(found)
            except ValueError:
                return number
    return None


def _reason(error: Exception) -> str:
    """Only the parser's own errors say something to a person."""
    return _first_line(str(error)) if isinstance(error, YAMLError) else "it holds what no matrix holds"


def _first_line(text: str | None) -> str:
    return (text or "the text breaks off").strip().splitlines()[0]


def _yaml_fault(error: MarkedYAMLError) -> tuple[str, str, str]:
    """Return code, what, and mend. The parser's own words on a doubled key repeat its values, which may be secrets."""
    problem = str(error.problem)
    if isinstance(error, DuplicateKeyError):
        key = _DOUBLED.search(problem)
        return "duplicate-key", f"the key `{key[1] if key else '?'}` is written twice", "keep one of the two keys"
    what = f"not readable as YAML: {_first_line(error.problem)}"
    if "\\t" in problem or "tab" in problem:
        return "tab", what, "indent with spaces, never with tabs"
    return "broken-yaml", what, "check the indentation, quotes and brackets up to this place"
