"""`fmt` on files."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from hookflash.errors import InputError
from hookflash.matrix.document import read_text
from hookflash.review.tidy import formatted


@dataclass(frozen=True, slots=True)
class Formatted:
    """Which files were changed (or would be), and which were in order."""

    changed: tuple[Path, ...]
    in_order: tuple[Path, ...]
    written: bool

    def render(self) -> RenderableType:
        """See `View`."""
        what = "put in order" if self.written else "is not in order; run hookflash fmt"
        return Text("\n".join([*(f"{file}: {what}" for file in self.changed), *(f"{file}: in order" for file in self.in_order)]))

    def data(self) -> Any:
        """See `View`."""
        return {"changed": [str(file) for file in self.changed], "in_order": [str(file) for file in self.in_order]}


def format_files(files: Sequence[Path], *, write: bool) -> Formatted:
    """Put files in order, or say which are not. Raises `InputError`, `MatrixError`."""
    changed, in_order = [], []
    for file in files:
        before = read_text(file)
        after = formatted(before, str(file))
        if after.encode() == file.read_bytes():
            in_order.append(file)
            continue
        changed.append(file)
        if write:
            _replace(file, after)
    return Formatted(tuple(changed), tuple(in_order), write)


def _replace(file: Path, text: str) -> None:
    """Write the whole file or nothing of it."""
    target = file.resolve()
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        beside.chmod(target.stat().st_mode & 0o777)
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise InputError(f"cannot write {file}: {error.strerror}; it was left as it is") from None
