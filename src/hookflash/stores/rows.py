"""One statement for many rows: on SQLite run once for each, on PostgreSQL, where each run is a message, once for all."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, Executable, Table, Text, bindparam, cast, column, func, select, true
from sqlalchemy.types import TypeEngine

from hookflash.stores.dialect import insert_for

Value = Callable[[str], ColumnElement[Any]]
"""Gives the expression for a value of the row in hand, by its name."""


class ForRows:
    """A statement, and the values that each row brings to it."""

    def __init__(self, types: Mapping[str, TypeEngine[Any]], build: Callable[[Value, str], Executable]) -> None:
        """Take the values' types by name, and what builds the statement for a dialect from the expressions of the values."""
        given = func.json_to_recordset(cast(bindparam("rows", type_=Text()), JSON()))
        rows = given.table_valued(*(column(name, kind) for name, kind in types.items())).render_derived("given", with_types=True)
        self._names = {name: f"given_{name}" for name in types}  # the names of columns are not free
        self._each = build(lambda name: bindparam(self._names[name], type_=types[name]), "sqlite")
        self._together = build(lambda name: rows.c[name], "postgresql")

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run the statement for every row; return how many rows of its table it changed."""
        if not rows:
            return 0
        if connection.dialect.name == "postgresql":
            return connection.execute(self._together, {"rows": json.dumps(rows)}).rowcount
        named = self._names.items()
        return connection.execute(self._each, [{given: row[name] for name, given in named} for row in rows]).rowcount


def insertion(table: Table, *names: str, unless: Sequence[str] | None = None) -> ForRows:
    """Return the statement that adds rows with values of these names, `unless` a row with the same values of some is there."""

    def build(value: Value, dialect: str) -> Executable:
        adding = insert_for(dialect)(table).from_select(names, select(*(value(name) for name in names)).where(true()))
        result: Executable = adding if unless is None else adding.on_conflict_do_nothing(index_elements=unless)
        return result

    return ForRows({name: table.c[name].type for name in names}, build)
