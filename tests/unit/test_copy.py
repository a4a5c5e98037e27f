"""Copying a database: from a file to a real PostgreSQL and back, whole or not at all."""

import asyncio
import json
import sqlite3

import pytest
from typer.testing import CliRunner

from hookflash.app.cli import cli
from hookflash.app.database_views import copy_database
from hookflash.errors import InputError
from hookflash.stores import SqliteStore
from hookflash.stores.postgres import PostgresStore
from hookflash.testing.conformance import NOW, _change, _with_handoff
from tests.postgres import a_database


@pytest.fixture
async def filled(tmp_path):
    """A database file with something in most tables."""
    path = tmp_path / "hookflash.db"
    store = SqliteStore(path)
    await store.commit(_change(1, key="k\u00e9", seq=1))
    await store.commit(_with_handoff())
    await store.put_message("default", "c", "hello \u0644 \U0001f642", "say-1", NOW)
    await store.save_matrix("default", "m", "{}")
    await store.close()
    return path


async def test_everything_arrives_and_numbers_go_on(filled, postgres):
    """Every row is on the other side; what is written there next gets a number of its own."""
    with a_database(postgres) as url:
        copied = await asyncio.to_thread(copy_database, str(filled), url)
        rows = {one.table: one.rows for one in copied.tables}
        assert rows["turns"] == rows["handoffs"] == rows["outbox"] == rows["messages"] == 1
        store = PostgresStore(url)
        assert (await store.conversation("default", "c")).turns[0].turn.key == "k\u00e9"
        await store.commit(_change(2))
        assert [entry.what for entry in await store.audit("default", "c")] == ["first", "first"]
        await store.close()


async def test_nothing_is_copied_over_something(filled, postgres, tmp_path):
    """A database that holds rows is no target, and a missing one no source."""
    with a_database(postgres) as url:
        await asyncio.to_thread(copy_database, str(filled), url)
        with pytest.raises(InputError, match="is not empty"):
            await asyncio.to_thread(copy_database, str(filled), url)
    with pytest.raises(InputError, match="there is no database at"):
        await asyncio.to_thread(copy_database, str(tmp_path / "none.db"), str(tmp_path / "other.db"))


def test_the_verbs_show_and_mend_a_database(tmp_path):
    """`db upgrade` makes the tables, `db status` tells their state, `db copy` says what it copied."""
    first, second = str(tmp_path / "a.db"), str(tmp_path / "b.db")

    def run(*words):
        return CliRunner().invoke(cli, ["db", *words])

    assert json.loads(run("upgrade", "--database", first, "--json").stdout)["up_to_date"]
    assert json.loads(run("status", "--database", first, "--json").stdout)["schema"] == "0001"
    assert "conversations" in run("copy", first, second).stdout


async def test_a_file_from_before_migrations_were_counted_is_taken_up(tmp_path):
    """It keeps its rows and is counted from then on."""
    path = tmp_path / "old.db"
    store = SqliteStore(path)
    await store.commit(_change(1))
    await store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE alembic_version")
    connection.close()
    again = SqliteStore(path)
    assert again.revision == "0001"
    assert (await again.conversation("default", "c")).spoken == 1
    await again.close()
