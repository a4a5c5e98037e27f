"""`hookflash init`: a matrix to begin with."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from hookflash.errors import InputError
from hookflash.matrix import parse_matrix


@dataclass(frozen=True, slots=True)
class Written:
    """The file that was written."""

    file: Path
    revision: str

    def render(self) -> str:
        """See `View`."""
        return f"Wrote {self.file}. Put in who answers and when, then run: hookflash check {self.file}"

    def data(self) -> Any:
        """See `View`."""
        return {"file": str(self.file), "revision": self.revision}


def write_starter(directory: Path, name: str, timezone: str, *, force: bool) -> Written:
    """Write `matrix.yaml` into a folder. Raises `MatrixError` for a name or zone that cannot be, `InputError`."""
    file = directory / "matrix.yaml"
    text = resources.files("hookflash.app").joinpath("starter.yaml").read_text(encoding="utf-8")
    text = text.replace("{name}", _quoted(name)).replace("{timezone}", _quoted(timezone))
    matrix = parse_matrix(text, str(file))
    if file.exists() and not force:
        raise InputError(f"{file} is there already; name another folder, or write over it with --force")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror}; name a folder you may write to") from None
    return Written(file, matrix.revision)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
