"""Open the database, whichever kind it is."""

from pathlib import Path

from hookflash.app.config import database_at
from hookflash.errors import InputError
from hookflash.stores import SqliteStore
from hookflash.stores.sql import SqlStore


def open_store(at: Path | str) -> SqlStore:
    """Open a file or an address to serve with it. Raises `StoreInUse`, `StoreForeign`, `StoreTooNew`, `StoreUnavailable`."""
    return _opened(at, serve=True)


def look_into(matrix: Path, database: str | None) -> SqlStore:
    """Open the database to look only, beside whatever server writes it. Raises `InputError` where there is none yet."""
    at = database_at(matrix, database)
    if isinstance(at, Path) and not at.exists():
        raise InputError(f"there is no database at {at}; start `hookflash serve`, or name one with --database")
    return _opened(at, serve=False)


def _opened(at: Path | str, *, serve: bool) -> SqlStore:
    if isinstance(at, Path):
        return SqliteStore(at, serve=serve)
    from hookflash.stores.postgres import PostgresStore  # its driver is an extra

    return PostgresStore(at, serve=serve)
