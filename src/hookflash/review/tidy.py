"""`fmt`: one way to write a matrix, with its comments, its order and its meaning kept."""

import re
from collections import Counter
from io import StringIO

from ruamel.yaml import YAML

from hookflash.errors import InputError, MatrixError
from hookflash.matrix.document import Document

LINE_WIDTH = 160


def formatted(text: str, name: str) -> str:
    """Return the text of a matrix in the one way. Raises `MatrixError` for broken YAML."""
    before = Document(text, name).plain
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = LINE_WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = StringIO()
    yaml.dump(yaml.load(_tidy(text)), out)
    new = _tidy(out.getvalue())
    try:
        same = Document(new, name).plain == before
    except MatrixError:
        same = False
    if not same:
        raise InputError(f"{name} cannot be formatted without changing what it means; it was left as it is")
    lost = Counter(_comments(text)) - Counter(_comments(new))
    if lost:
        where = next(number for number, line in enumerate(text.splitlines(), start=1) if next(iter(lost)) in line)
        what = "the comment here would be lost; put it on a line of its own outside of brackets, then format again"
        raise InputError(f"{name}:{where}: {what}")
    return new


def _comments(text: str) -> list[str]:
    return [found.strip() for line in text.splitlines() for found in re.findall(r"(?:^|\s)#(.*)$", line)]


def _tidy(text: str) -> str:
    """Line ends of one kind, nothing after the last word of a line, at most one empty line, one line end at the end."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"
