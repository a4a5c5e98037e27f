"""What `hookflash db` does and shows."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from hookflash.app.config import database_at
from hookflash.app.database import look_into, open_store
from hookflash.errors import InputError
from hookflash.stores.copy import Copied, copy_everything
from hookflash.stores.sql import SqlStore
from hookflash.stores.tables import HEAD


@dataclass(frozen=True)
class StatusView:
    """The schema of a database, and how much is open in it."""

    at: str
    revision: str
    counts: dict[str, int]

    @property
    def up_to_date(self) -> bool:
        """Whether its tables are as this version wants them."""
        return self.revision == HEAD

    def render(self) -> RenderableType:
        """See `View`."""
        table = Table("", "", show_header=False, box=None)
        table.add_row("database", self.at)
        table.add_row(
            "schema", self.revision if self.up_to_date else f"{self.revision}, this version knows {HEAD}: run `hookflash db upgrade`"
        )
        for name, count in sorted(self.counts.items()):
            table.add_row(name.replace("_", " "), f"{count:,}")
        return table

    def data(self) -> Any:
        """See `View`."""
        return {"database": self.at, "schema": self.revision, "up_to_date": self.up_to_date, **self.counts}


def status_view(matrix: Path, database: str | None) -> StatusView:
    """Return the state of a database. Raises `InputError`, `StoreForeign`, `StoreTooNew`, `StoreUnavailable`."""
    return asyncio.run(_status(look_into(matrix, database)))


async def _status(store: SqlStore) -> StatusView:
    try:
        return StatusView(store.where, store.revision, dict(await store.counts()))
    finally:
        await store.close()


def upgrade_database(matrix: Path, database: str | None) -> None:
    """Make or bring up to date the tables of a database. Raises `StoreInUse` and others."""
    asyncio.run(open_store(database_at(matrix, database)).close())


@dataclass(frozen=True)
class CopiedView:
    """What was copied."""

    tables: Sequence[Copied]

    def render(self) -> RenderableType:
        """See `View`."""
        table = Table("table", "rows", "digest, the same on both sides")
        for one in self.tables:
            table.add_row(one.table, f"{one.rows:,}", one.digest)
        return table

    def data(self) -> Any:
        """See `View`."""
        return [one._asdict() for one in self.tables]


def copy_database(source: str, target: str) -> CopiedView:
    """Copy one database to another. Both are held meanwhile, so that no server writes to them.

    Raises `InputError` where the source is missing or the target is not empty; then nothing was copied.
    """
    at = database_at(Path(), source)
    if isinstance(at, Path) and not at.exists():
        raise InputError(f"there is no database at {at}")
    return asyncio.run(_copied(open_store(at), open_store(database_at(Path(), target))))


async def _copied(source: SqlStore, target: SqlStore) -> CopiedView:
    try:
        with source.engine.connect() as reading, target.engine.begin() as writing:
            return CopiedView(copy_everything(reading, writing))
    finally:
        await target.close()
        await source.close()
