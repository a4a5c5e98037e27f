"""Read a matrix file into frozen types, or report every fault in it at once, each with its place and mend."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rapidfuzz import process
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from hookflash.errors import Fault, InputError, MatrixError
from hookflash.matrix.check import Finding, findings, unkeepable
from hookflash.matrix.schema import Matrix

# A matrix is read by people: a hundred times the longest we have seen. Larger files are something else.
MAX_BYTES = 1_000_000
# Aliases can unfold a small file into a huge tree; nobody writes this many values by hand.
MAX_VALUES = 100_000

# Deeper than any matrix; the parser's time grows with the square of the depth.
MAX_DEPTH = 40
_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")

NodePath = tuple[str | int, ...]


def load_matrix(file: str | Path) -> Matrix:
    """Read and check a matrix file.

    Raises `MatrixError` with every fault, or `InputError` where the file cannot be read at all.
    """
    return parse_matrix(_read(Path(file)), str(file))


def parse_matrix(text: str, name: str = "matrix.yaml") -> Matrix:
    """Read and check the text of a matrix; `name` stands for the file in the faults. Raises `MatrixError`."""
    document = _Document(text, name)
    matrix, problems = _validate(document.plain)
    problems += findings(document.plain)
    if matrix is not None and not problems:
        problems += unkeepable(matrix)
    if matrix is None or problems:
        raise MatrixError([document.fault(problem) for problem in problems])
    return matrix


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} is larger than {MAX_BYTES:,} bytes, which no matrix is; name the matrix file")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; name a matrix file, or make one with `hookflash init`") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from None


class _Document:
    """A YAML text as plain values, with the place of each."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        if _is_nested_too_deep(text):
            raise self._broken(1, 1, f"the file nests more than {MAX_DEPTH} brackets", "write it without so many brackets")
        self.root = self._parse(text)
        self._left = MAX_VALUES
        self.plain: Any = self._to_plain(self.root)
        if not isinstance(self.plain, dict):
            raise self._broken(1, 1, "the file holds no settings", "begin with the line `hookflash: 1`")

    def fault(self, finding: Finding) -> Fault:
        line, column = self._place(finding.path)
        return Fault(self.name, line, column, finding.what, finding.mend)

    def _parse(self, text: str) -> Any:
        try:
            return YAML(typ="rt").load(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise self._broken(line, column, f"not readable as YAML: {_first_line(error.problem)}", _yaml_mend(error)) from None
        except (YAMLError, ValueError, RecursionError) as error:
            line = _line_of_impossible_date(text)
            if line:
                raise self._broken(line, 1, "there is no such day in the calendar", "write a day that exists, like 2026-12-24") from None
            raise self._broken(1, 1, f"not readable as YAML: {_first_line(str(error))}", "write plain YAML text") from None

    def _broken(self, line: int, column: int, what: str, mend: str) -> MatrixError:
        return MatrixError([Fault(self.name, line, column, what, mend)], readable=False)

    def _to_plain(self, node: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise self._broken(1, 1, f"the file unfolds to more than {MAX_VALUES:,} values", "write it without nested aliases")
        if isinstance(node, dict):
            return {key: self._to_plain(value) for key, value in node.items()}
        if isinstance(node, list):
            return [self._to_plain(value) for value in node]
        return str(node) if isinstance(node, str) else node

    def _place(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Return the 1-based place of a path, or of the nearest node above it that is written in the file."""
        node, line, column = self.root, 0, 0
        for step in path:
            if isinstance(node, CommentedMap) and step in node:
                line, column = node.lc.key(step)
            elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
                line, column = node.lc.item(step)
            else:
                break
            node = node[step]
        return line + 1, column + 1


def _validate(plain: dict[str, Any]) -> tuple[Matrix | None, list[Finding]]:
    try:
        return Matrix.model_validate(plain), []
    except ValidationError as error:
        return None, list(_schema_findings(error))


def _schema_findings(error: ValidationError) -> Iterator[Finding]:
    schema = Matrix.model_json_schema()
    details = {_written(detail["loc"]): detail for detail in reversed(error.errors(include_url=False))}
    for path, detail in details.items():
        beneath = any(len(other) > len(path) and other[: len(path)] == path for other in details)
        if detail["type"] in ("literal_error", "too_short") and beneath:
            continue  # what lies beneath says what is really wrong
        yield _finding(path, detail["type"], detail["msg"], detail.get("ctx", {}), schema)


def _written(location: tuple[str | int, ...]) -> NodePath:
    """Return the location without the names that pydantic adds for the branches of a union."""
    return tuple(
        step for step in location if not (isinstance(step, str) and (step[0].isupper() or "[" in step)) and step != "constrained-str"
    )


def _finding(path: NodePath, kind: str, message: str, context: dict[str, Any], schema: dict[str, Any]) -> Finding:
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
    if kind == "fault":
        return Finding(path, f"{where}: {context['what']}", context["mend"])
    if kind == "missing":
        return Finding(path, f"{where} is missing", f"add `{path[-1]}:` here")
    if kind == "too_short":
        return Finding(path, f"{where} is empty", "name at least one")
    if kind == "extra_forbidden":
        known = _keys_at(schema, path[:-1])
        return Finding(path, f"{where} is not a key", _nearest(str(path[-1]), known))
    return Finding(path, f"{where}: {message[0].lower()}{message[1:]}", "see `hookflash show --schema` for what it takes")


def _nearest(word: str, known: list[str]) -> str:
    if not known:
        return "it takes no keys: remove it"
    found = process.extractOne(word, known, score_cutoff=60)
    return f"did you mean `{found[0]}`?" if found else f"known keys: {', '.join(sorted(known))}"


def _keys_at(schema: dict[str, Any], path: NodePath) -> list[str]:
    """Return the keys that the schema knows at a path."""
    node = _resolve(schema, schema)
    for step in path:
        if isinstance(step, int):
            node = node.get("items", {})
        else:
            node = node.get("properties", {}).get(step) or node.get("additionalProperties") or {}
        node = _resolve(node, schema)
    return list(node.get("properties", {}))


def _resolve(node: Any, schema: dict[str, Any]) -> dict[str, Any]:
    """Follow references, and take the branch of a union that has keys."""
    if not isinstance(node, dict):
        return {}
    if "$ref" in node:
        return _resolve(schema["$defs"][node["$ref"].rsplit("/", 1)[1]], schema)
    branches = [_resolve(branch, schema) for branch in node.get("anyOf", [])]
    return next((branch for branch in branches if branch.get("properties")), node)


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


def _first_line(text: str | None) -> str:
    return (text or "the text breaks off").strip().splitlines()[0]


def _yaml_mend(error: MarkedYAMLError) -> str:
    problem = str(error.problem)
    if "\\t" in problem or "tab" in problem:
        return "indent with spaces, never with tabs"
    if "duplicate key" in problem:
        return "keep one of the two keys"
    return "check the indentation, quotes and brackets up to this place"
