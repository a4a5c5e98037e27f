"""`hookflash doctor`: what is missing here, and how to get it."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import RenderableType
from rich.table import Table

from hookflash.app.adapters import DESKS, LINES
from hookflash.app.config import API_KEY, API_KEYS, api_keys, database_at
from hookflash.app.database import look_into
from hookflash.errors import HookflashError
from hookflash.matrix import Matrix, load_matrix
from hookflash.model import BUILTIN_DESK
from hookflash.signals.lexicon import lexicon

OLDEST_PYTHON = (3, 11)
# UPSERT with RETURNING and WAL fixes that the store relies on.
OLDEST_SQLITE = (3, 35)
BUILTIN_LINES = ("chat",)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what, how it is, and what to do where it is not well."""

    what: str
    state: str
    mend: str | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was looked at."""

    findings: tuple[Finding, ...]

    @property
    def ailments(self) -> tuple[Finding, ...]:
        """Return what is not well."""
        return tuple(finding for finding in self.findings if finding.mend)

    def render(self) -> RenderableType:
        """See `View`."""
        table = Table("", "What", "State", "What to do")
        for finding in self.findings:
            table.add_row("!" if finding.mend else "ok", finding.what, finding.state, finding.mend or "")
        return table

    def data(self) -> Any:
        """See `View`."""
        return [{"what": one.what, "ok": one.mend is None, "state": one.state, "mend": one.mend} for one in self.findings]


def examine(matrix: Path, database: str | None) -> Diagnosis:
    """Look at everything. Never raises: what cannot be looked at is a finding."""
    looks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python,
        _sqlite,
        _lexicon,
        lambda: _matrix(matrix),
        lambda: _database(matrix, database),
        _keys,
    )
    return Diagnosis(tuple(finding for look in looks for finding in look()))


def _python() -> Iterator[Finding]:
    state = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}, hookflash {version('hookflash')}"
    too_old = sys.version_info < OLDEST_PYTHON
    yield Finding("Python", state, "install Python 3.11 or newer" if too_old else None)
    try:
        ZoneInfo("America/Chicago")
        yield Finding("time zones", "found")
    except Exception:  # noqa: BLE001 - any failure means the same
        yield Finding("time zones", "not found", "install the package tzdata")


def _sqlite() -> Iterator[Finding]:
    too_old = sqlite3.sqlite_version_info < OLDEST_SQLITE
    yield Finding("SQLite", sqlite3.sqlite_version, "use a Python with SQLite 3.35 or newer" if too_old else None)


def _lexicon() -> Iterator[Finding]:
    try:
        lexicon()
        yield Finding("lexicons", "compiled")
    except Exception as error:  # noqa: BLE001 - reported, whatever it is
        yield Finding("lexicons", type(error).__name__, "reinstall hookflash: its data files are damaged")


def _matrix(file: Path) -> Iterator[Finding]:
    try:
        matrix = load_matrix(file)
    except HookflashError as error:
        first, *more = str(error).splitlines()
        state = first if not more else f"{first} (and {len(more)} more)"
        yield Finding("matrix", state, f"run `hookflash check {file}`, or make one with `hookflash init`")
        return
    yield Finding("matrix", f"{file}, revision {matrix.revision}")
    yield from _desks(matrix)
    yield from _lines(matrix)


def _desks(matrix: Matrix) -> Iterator[Finding]:
    installed = {BUILTIN_DESK, "webhook", *(point.name for point in entry_points(group=DESKS))}
    for name, spec in matrix.desks.items():
        mend = None
        if spec.kind not in installed:
            mend = f"install the package that brings desk kind `{spec.kind}`; installed: {', '.join(sorted(installed))}"
        elif spec.kind == "webhook" and not os.environ.get(spec.secret_env or f"HOOKFLASH_{name.upper()}_SECRET"):
            mend = f"put its signing secret into {spec.secret_env or f'HOOKFLASH_{name.upper()}_SECRET'}"
        yield Finding(f"desk {name}", spec.kind, mend)


def _lines(matrix: Matrix) -> Iterator[Finding]:
    installed = {*BUILTIN_LINES, *(point.name for point in entry_points(group=LINES))}
    for name, person in matrix.responders.items():
        kinds = list(person.line.addresses())
        mend = None
        if not installed & set(kinds):
            mend = f"give {name} a `chat` line too, or install a package that brings {' or '.join(kinds)}"
        yield Finding(f"line to {name}", ", ".join(kinds), mend)


def _database(matrix: Path, database: str | None) -> Iterator[Finding]:
    try:
        at = database_at(matrix, database)
        if isinstance(at, str) or at.exists():
            asyncio.run(_look_into(matrix, database))
    except HookflashError as error:
        yield Finding("database", "not usable", str(error))
        return
    if isinstance(at, str):
        yield Finding("database", "PostgreSQL")
        return
    folder = at if at.exists() else at.parent
    mend = None if os.access(folder, os.W_OK) else f"give this user the right to write {folder}"
    yield Finding("database", str(at), mend)


async def _look_into(matrix: Path, database: str | None) -> None:
    await look_into(matrix, database).close()


def _keys() -> Iterator[Finding]:
    try:
        count = len(api_keys(os.environ))
    except HookflashError as error:
        yield Finding("API keys", "not usable", str(error))
        return
    state = f"{count} set" if count else f"none: `serve` listens on loopback only until {API_KEY} or {API_KEYS} is set"
    yield Finding("API keys", state)
