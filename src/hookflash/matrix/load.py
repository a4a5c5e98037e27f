"""Read a matrix file into frozen types, or report every fault in it at once, each with its place and mend."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from hookflash.errors import Fault, MatrixError
from hookflash.matrix.checks import findings
from hookflash.matrix.checks.secrets import MEND as SECRET_MEND
from hookflash.matrix.document import Document, fault_at, read_text
from hookflash.matrix.findings import Finding, nearest
from hookflash.matrix.promises import unkeepable
from hookflash.matrix.schema import Matrix
from hookflash.matrix.secret_shapes import secret_in

# A finding that another one most likely brings about is left out beside it: a slip in a name leaves the name unused.
CAUSED_BY = {"unused": ("unknown-name", "unknown-key"), "missing-wording": ("bad-language",)}
_COMMENT = re.compile(r"(?:^|\s)#.*$")
NodePath = tuple[str | int, ...]


PLAIN_TYPES = {
    "tuple_type": ("a list", "a list, like [a, b]"),
    "list_type": ("a list", "a list, like [a, b]"),
    "dict_type": ("a group of keys", "keys and values, like {key: value}"),
    "model_type": ("a group of keys", "keys and values, like {key: value}"),
    "model_attributes_type": ("a group of keys", "keys and values, like {key: value}"),
    "string_type": ("a text", "a text, in quotes if need be"),
}


class Loaded(NamedTuple):
    """A document, what is wrong in it as far as the text tells, and the typed matrix where its shape is right."""

    document: Document
    faults: tuple[Fault, ...]
    matrix: Matrix | None


def load_matrix(file: str | Path) -> Matrix:
    """Read and check a matrix file. Raises `MatrixError` with every error in it."""
    return parse_matrix(read_text(Path(file)), str(file))


def parse_matrix(text: str, name: str = "matrix.yaml") -> Matrix:
    """Read and check the text of a matrix; `name` stands for the file in the faults. Raises `MatrixError`."""
    loaded = examine(text, name)
    errors = [fault for fault in loaded.faults if fault.severity == "error"]
    if errors or loaded.matrix is None:
        raise MatrixError(errors)
    return loaded.matrix


def examine(text: str, name: str) -> Loaded:
    """Return a document with everything that is wrong in it, warnings included. Raises `MatrixError` for broken YAML."""
    document = Document(text, name)
    matrix, problems = _validate(document.plain)
    inconsistent = findings(document.plain)
    misnamed = {finding.path for finding in inconsistent if finding.code == "bad-day"}
    problems = [finding for finding in problems if finding.path not in misnamed]
    told = {finding.path for finding in problems}
    problems += [finding for finding in inconsistent if finding.path not in told]
    causes = {finding.code for finding in problems}
    problems = [finding for finding in problems if causes.isdisjoint(CAUSED_BY.get(finding.code, ()))]
    if matrix is not None and not any(finding.severity == "error" for finding in problems):
        problems += unkeepable(matrix)
    faults = [*(document.fault(problem) for problem in problems), *_secrets_in_comments(text, name)]
    return Loaded(document, tuple(faults), matrix)


def _secrets_in_comments(text: str, name: str) -> Iterator[Fault]:
    """A comment is read by everybody who reads the file."""
    for number, line in enumerate(text.splitlines(), start=1):
        comment = _COMMENT.search(line)
        found = secret_in(comment[0]) if comment else None
        if comment and found:
            what = f"{found} stands in a comment, where everybody who reads the file sees it"
            yield fault_at(name, number, comment.start() + 1, "secret-in-plain-text", what, SECRET_MEND)


def _validate(plain: Any) -> tuple[Matrix | None, list[Finding]]:
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
        step
        for step in location
        if not (isinstance(step, str) and step and (step[0].isupper() or "[" in step)) and step != "constrained-str"
    )


def _finding(path: NodePath, kind: str, message: str, context: dict[str, Any], schema: dict[str, Any]) -> Finding:
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
    if kind == "fault":
        return Finding(context["code"], path, f"{where}: {context['what']}", context["mend"])
    if kind == "missing":
        return Finding("missing-key", path, f"{where} is missing", f"add `{path[-1]}:` here")
    if kind in ("too_short", "string_too_short"):
        return Finding("empty", path, f"{where} is empty", "name at least one" if kind == "too_short" else "write at least 1 character")
    if kind == "extra_forbidden":
        known = _keys_at(schema, path[:-1])
        return Finding("unknown-key", path, f"{where} is not a key", _nearest(str(path[-1]), known))
    if kind in PLAIN_TYPES:
        return Finding("bad-value", path, f"{where}: this is not {PLAIN_TYPES[kind][0]}", f"write {PLAIN_TYPES[kind][1]}")
    mend = "see `hookflash show --schema` for what it takes"
    return Finding("bad-value", path, f"{where}: {message[0].lower()}{message[1:]}", mend)


def _nearest(word: str, known: list[str]) -> str:
    if not known:
        return "it takes no keys: remove it"
    found = nearest(word, known)
    return f"did you mean `{found}`?" if found else f"known keys: {', '.join(sorted(known))}"


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
