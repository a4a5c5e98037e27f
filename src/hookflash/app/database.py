"""Open the database, whichever kind it is."""

import asyncio
from pathlib import Path

from hookflash.app.config import database_at
from hookflash.errors import InputError
from hookflash.stores import SqliteStore
from hookflash.stores.sql import SqlStore
from hookflash.stores.tables import HEAD


def open_store(at: Path | str) -> SqlStore:
    """Open a file or an address to serve with it. Raises `StoreInUse`, `StoreForeign`, `StoreTooNew`, `StoreUnavailable`."""
    return _opened(at, serve=True)


def look_into(matrix: Path, database: str | None) -> SqlStore:
    """Open the database to look only, beside whatever server writes it. Raises `InputError` where there is none yet."""
    at = database_at(matrix, database)
    if isinstance(at, Path) and not at.exists():
        raise InputError(f"there is no database at {at}; start `hookflash serve`, or name one with --database")
    return _opened(at, serve=False)


def look_into_current(matrix: Path, database: str | None) -> SqlStore:
    """Open a database to look only. Raises `InputError` as well where its tables are of an earlier version."""
    look = look_into(matrix, database)
    if look.revision != HEAD:
        asyncio.run(look.close())
        raise InputError(f"{look.where} has the tables of an earlier version; run `hookflash db upgrade` first")
    return look


def mend(matrix: Path, database: str | None) -> SqlStore:
    """Open the database to change something in it, beside whatever server works on it. Raises `InputError` and others."""
    asyncio.run(look_into_current(matrix, database).close())
    return _opened(database_at(matrix, database), serve=False, mend=True)


def _opened(at: Path | str, *, serve: bool, mend: bool = False) -> SqlStore:
    if isinstance(at, Path):
        return SqliteStore(at, serve=serve, mend=mend)
    from hookflash.stores.postgres import PostgresStore  # its driver is an extra

    return PostgresStore(at, serve=serve, mend=mend)
