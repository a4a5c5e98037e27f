"""Copying a database: from a file to a real PostgreSQL and back, whole or not at all."""

import asyncio
import json
import time
from datetime import UTC, datetime

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from hookflash.app.cli import cli
from hookflash.app.database_views import copy_database
from hookflash.errors import InputError
from hookflash.stores import SqliteStore, copy
from hookflash.stores.migrate import MIGRATIONS, bring_up_to_date
from hookflash.stores.postgres import PostgresStore
from hookflash.stores.tables import HEAD, metadata
from hookflash.testing.conformance import NOW, _change, _with_handoff
from hookflash.testing.samples import a_handoff
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


async def test_a_database_that_is_written_to_is_not_copied(filled, postgres, tmp_path):
    """Half of a turn would be copied and the other half not."""
    with a_database(postgres) as url:
        await asyncio.to_thread(copy_database, str(filled), url)
        with psycopg.connect(url) as writer:
            writer.execute("UPDATE conversations SET version = version")
            with pytest.raises(InputError, match="stop its servers first"):
                await asyncio.to_thread(copy_database, url, str(tmp_path / "back.db"))
        copied = await asyncio.to_thread(copy_database, url, str(tmp_path / "back.db"))
        assert sum(one.rows for one in copied.tables) > 5


async def test_a_copy_that_takes_long_is_not_thrown_out(filled, postgres, tmp_path, monkeypatch):
    """One database waits as long as the other works."""
    with a_database(postgres) as url:
        await asyncio.to_thread(copy_database, str(filled), url)
        monkeypatch.setattr("hookflash.stores.postgres.IDLE_MS", 100)
        digest = copy._digest
        monkeypatch.setattr(copy, "_digest", lambda table, connection: time.sleep(0.05) or digest(table, connection))
        await asyncio.to_thread(copy_database, url, str(tmp_path / "back.db"))


def test_the_verbs_show_and_mend_a_database(tmp_path):
    """`db upgrade` makes the tables, `db status` tells their state, `db copy` says what it copied."""
    first, second = str(tmp_path / "a.db"), str(tmp_path / "b.db")

    def run(*words):
        return CliRunner().invoke(cli, ["db", *words])

    assert json.loads(run("upgrade", "--database", first, "--json").stdout)["up_to_date"]
    assert json.loads(run("status", "--database", first, "--json").stdout)["schema"] == HEAD
    assert "conversations" in run("copy", first, second).stdout


@pytest.mark.parametrize("counted", [True, False])
async def test_a_database_of_an_earlier_version_is_taken_up_with_its_rows(tmp_path, counted):
    """The tables of the first version, whether or not their migrations were counted, get what they lack and keep their rows."""
    path = tmp_path / "old.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS))
        command.upgrade(config, "0001")
        connection.execute(text('INSERT INTO conversations VALUES (\'default\', \'c\', 1, \'{"id": "c", "version": 1, "spoken": 1}\')'))
        connection.execute(text("INSERT INTO timers VALUES (1, 'default', 'ho-1', 'promise_due', 5, '{}')"))
        connection.execute(
            text("INSERT INTO handoffs VALUES ('default', 'ho-1', 1, 'c', 'promised', 1, 1, 5, :document)"),
            {"document": a_handoff().model_dump_json()},
        )
        if not counted:
            connection.execute(text("DROP TABLE alembic_version"))
    engine.dispose()
    again = SqliteStore(path)
    assert again.revision == HEAD
    assert (await again.conversation("default", "c")).spoken == 1
    assert await again.stalled(datetime(1970, 1, 2, tzinfo=UTC), 10)
    await again.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_migrations_make_the_tables_that_the_store_knows(kind, tmp_path, request):
    """Nothing is in one and not in the other."""
    if kind == "sqlite":
        assert _differences(f"sqlite:///{tmp_path / 'new.db'}") == []
        return
    with a_database(request.getfixturevalue("postgres")) as url:
        assert _differences(url.replace("postgresql://", "postgresql+psycopg://")) == []


def _differences(url):
    engine = create_engine(url)
    with engine.begin() as connection:
        bring_up_to_date(connection, "here")
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    return found
