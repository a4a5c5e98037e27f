"""Copy everything from one database to another, and prove that it arrived."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, func, insert, select, text
from sqlalchemy.exc import OperationalError

from hookflash.errors import InputError
from hookflash.stores.dialect import LOCKED
from hookflash.stores.tables import metadata

BATCH = 1_000


class Copied(NamedTuple):
    """A table that was copied: how many rows, and the digest that both sides have."""

    table: str
    rows: int
    digest: str


def copy_everything(source: Connection, target: Connection) -> list[Copied]:
    """Copy every row of every table into a database of hookflash that is empty; within the transactions that are open.

    Nobody writes to the source meanwhile. Raises `InputError` where somebody just does, where the target is not empty, or
    where what arrived is not what was sent: then roll back.
    """
    for connection in (source, target):
        if connection.dialect.name == "postgresql":  # one waits as long as the other works
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    _hold(source)
    for table in metadata.sorted_tables:
        if target.execute(select(table).limit(1)).first() is not None:
            raise InputError(f"the database to copy to is not empty: there are rows in `{table.name}`; name an empty one")
    return [_copy(table, source, target) for table in metadata.sorted_tables]


def _hold(source: Connection) -> None:
    """Let writers wait until all is copied. An SQLite file is held as a whole by whoever opened it."""
    if source.dialect.name != "postgresql":
        return
    names = ", ".join(table.name for table in metadata.sorted_tables)
    try:
        source.execute(text(f"LOCK TABLE {names} IN SHARE MODE NOWAIT"))
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != LOCKED:
            raise
        raise InputError("somebody writes to the database to copy from; stop its servers first") from None


def _copy(table: Table, source: Connection, target: Connection) -> Copied:
    for rows in _batches(table, source):
        target.execute(insert(table), rows)
    _go_on_counting(table, target)
    sent, arrived = _digest(table, source), _digest(table, target)
    if sent != arrived:
        raise InputError(
            f"`{table.name}` did not arrive whole: {sent.rows:,} rows were sent and {arrived.rows:,} are there; nothing was copied"
        )
    return arrived


def _batches(table: Table, connection: Connection) -> Iterator[list[dict[str, Any]]]:
    rows = select(table).order_by(*table.primary_key.columns)
    found = connection.execute(rows, execution_options={"yield_per": BATCH})
    for partition in found.mappings().partitions():
        yield [dict(row) for row in partition]


def _digest(table: Table, connection: Connection) -> Copied:
    """Return the count and the SHA-256 of a table's rows, summed so that the order of rows does not matter to it."""
    rows, total = 0, 0
    for batch in _batches(table, connection):
        for row in batch:
            rows += 1
            total += int.from_bytes(hashlib.sha256(json.dumps(row, sort_keys=True).encode()).digest())
    return Copied(table.name, rows, f"{total % (1 << 256):064x}")


def _go_on_counting(table: Table, connection: Connection) -> None:
    """Let PostgreSQL number new rows after the copied ones; SQLite does so by itself."""
    counted = table.autoincrement_column
    if connection.dialect.name != "postgresql" or counted is None:
        return
    last = connection.execute(select(func.max(counted))).scalar()
    if last is not None:
        sequence = connection.execute(text("SELECT pg_get_serial_sequence(:t, :c)"), {"t": table.name, "c": counted.name}).scalar_one()
        if sequence is not None:
            connection.execute(text("SELECT setval(:s, :last)"), {"s": sequence, "last": last})
