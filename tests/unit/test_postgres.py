"""The store on a real PostgreSQL: what only it has."""

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import InternalError, OperationalError

from hookflash.app.config import database_at
from hookflash.app.wiring import EmbeddedEngine
from hookflash.errors import ConfigError, StoreForeign, StoreTooNew, StoreUnavailable, VersionConflict
from hookflash.model import Alert, Turn, Urgency
from hookflash.ports import Share
from hookflash.stores.postgres import PostgresStore
from hookflash.stores.tables import HEAD
from hookflash.testing import FrozenClock
from hookflash.testing.conformance import LEASE, NOW, _change, _of_conversation, _with_handoff
from tests.postgres import a_database


@pytest.fixture
def url(postgres):
    with a_database(postgres) as address:
        yield address


async def test_what_was_committed_is_there_after_a_restart(url):
    """Another process finds everything."""
    store = PostgresStore(url)
    await store.commit(_change(1))
    await store.close()
    again = PostgresStore(url)
    assert (await again.conversation("default", "c")).spoken == 1
    await again.close()


async def test_any_number_of_servers_and_lookers(url):
    """Two servers share a database: what one wrote is there for the other, and whoever comes second must read again."""
    one, other = PostgresStore(url), PostgresStore(url)
    await one.commit(_change(1))
    with pytest.raises(VersionConflict):
        await other.commit(_change(1, what="second"))
    await other.commit(_change(2))
    beside = PostgresStore(url, serve=False)
    assert (await beside.conversation("default", "c")).spoken == 2
    with pytest.raises(StoreUnavailable, match="nothing was accepted"):
        await beside.commit(_change(3))
    for store in (beside, other, one):
        await store.close()


async def test_servers_that_start_together_bring_the_tables_up_once(url):
    """One makes the tables, the others find them."""
    stores = await asyncio.gather(*(asyncio.to_thread(PostgresStore, url) for _ in range(4)))
    assert {store.revision for store in stores} == {HEAD}
    for store in stores:
        await store.close()


async def test_work_that_another_process_left_is_heard_of(url, postgres):
    """A notice comes well before the couriers would look by themselves, also after the connection was cut."""
    one, other = PostgresStore(url), PostgresStore(url)
    heard = asyncio.Event()
    loop = asyncio.get_running_loop()
    other.listen(lambda: loop.call_soon_threadsafe(heard.set) and None)
    version = 1
    for _ in range(2):
        async with asyncio.timeout(10):
            while not heard.is_set():  # the listener takes a moment to come up
                await one.commit(_with_handoff(version, outbox=(Alert(key=f"a{version}", what="look"),)))
                version += 1
                await asyncio.sleep(0.05)
        await asyncio.to_thread(_cut_all, postgres)
        heard.clear()
    await one.close()
    await other.close()


async def test_leases_run_by_the_clock_of_the_database(url):
    """A machine whose clock is wrong by an hour neither takes what others hold nor holds it for an hour."""
    store = PostgresStore(url)
    await store.commit(_with_handoff())
    shares = [Share(urgencies=tuple(Urgency), most=9, of_tenant={"default": 9})]
    (item,) = await store.claim_deliveries(NOW - timedelta(hours=1), timedelta(seconds=0.2), shares, 9)
    assert not await store.claim_deliveries(NOW + timedelta(days=999), LEASE, shares, 9)
    await asyncio.sleep(0.3)
    assert await store.claim_deliveries(NOW - timedelta(hours=1), LEASE, shares, 9)
    await store.close()


async def test_a_process_frozen_within_a_transaction_does_not_hold_the_others_up(url, monkeypatch):
    """The database ends its session, and whoever waits goes on."""
    monkeypatch.setattr("hookflash.stores.postgres.IDLE_MS", 300)
    frozen, other = PostgresStore(url), PostgresStore(url)
    await other.commit(_change(1))
    with frozen.engine.connect() as connection:
        connection.execute(text("UPDATE conversations SET version = 9"))
        await other.commit(_change(2))
        connection.invalidate()
    assert (await other.conversation("default", "c")).spoken == 2
    await frozen.close()
    await other.close()


def test_databases_of_others_are_left_alone(url):
    """An empty one no reader fills; another program's or a newer version's gets no tables of ours."""
    with pytest.raises(StoreForeign, match="holds nothing of hookflash yet"):
        PostgresStore(url, serve=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE recipes (id int)")
        with pytest.raises(StoreForeign, match="not a database of hookflash"):
            PostgresStore(url)
        connection.execute("CREATE TABLE alembic_version (version_num text)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
        with pytest.raises(StoreTooNew, match="newer hookflash"):
            PostgresStore(url)


def _cut_all(postgres):
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'hookflash_%'")


async def test_a_table_that_is_locked_is_waited_for_once(url, monkeypatch):
    """Not by each turn of a batch, one after another."""
    monkeypatch.setattr("hookflash.stores.postgres.LOCK_MS", 300)
    store = PostgresStore(url)
    with psycopg.connect(url) as locking:
        locking.execute("LOCK TABLE conversations IN SHARE MODE")
        begun = time.monotonic()
        outcomes = await asyncio.gather(*(store.commit(_of_conversation(f"c{number}")) for number in range(40)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
        assert time.monotonic() - begun < 40 * 0.3 / 4
    await store.commit(_change(1))
    await store.close()


async def test_whether_it_was_accepted_is_not_claimed_to_be_known(url):
    """Where the connection broke off, the commit may have come through."""
    store = PostgresStore(url)
    lost = OperationalError("COMMIT", {}, psycopg.OperationalError("gone"), connection_invalidated=True)
    assert "not known whether it was accepted: send it again under the same seq or key" in str(store._translate(lost))
    await store.close()


async def test_connections_that_are_cut_refuse_nothing(url, postgres):
    """After the server ends our sessions, reads and writes go through on new ones."""
    store = PostgresStore(url)
    await store.commit(_change(1))
    for version in (2, 3, 4):
        _cut_all(postgres)
        await store.commit(_change(version))
        assert (await store.conversation("default", "c")).spoken == version
    await store.probe(NOW)
    await store.close()


async def test_who_reads_cannot_write(url):
    """Neither the connection for reading nor that for notices may change anything, though no transaction is begun on them."""
    store = PostgresStore(url)
    for engine in (store._reader._engine, store._listen_on):
        with engine.connect() as connection, pytest.raises(InternalError, match="read-only"):
            connection.execute(text("DELETE FROM turns"))
    await store.close()


def test_addresses_that_lead_nowhere_are_explained_without_the_password():
    """An error names the database and never its password."""
    with pytest.raises(StoreUnavailable, match=r"cannot be used .*nothing was accepted") as caught:
        PostgresStore("postgresql://ana:hush-hush@127.0.0.1:1/clinic")
    assert "hush" not in str(caught.value)
    with pytest.raises(ConfigError, match="not the address of a database"):
        PostgresStore("postgresql://ana@[::1/clinic")


def test_where_the_database_is(monkeypatch, tmp_path):
    """What is given on the command line goes before the environment, and that before the file beside the matrix."""
    matrix = tmp_path / "matrix.yaml"
    assert database_at(matrix) == tmp_path / "hookflash.db"
    monkeypatch.setenv("HOOKFLASH_DATABASE_URL", "postgres://ana@db/clinic")
    assert database_at(matrix) == "postgresql://ana@db/clinic"
    assert database_at(matrix, "other.db") == Path("other.db")
    assert database_at(matrix, "sqlite:////var/x.db") == Path("/var/x.db")
    with pytest.raises(ConfigError, match="--database names a mysql database"):
        database_at(matrix, "mysql://x")
    monkeypatch.setenv("HOOKFLASH_DATABASE_URL", "nonsense")
    with pytest.raises(ConfigError, match="is not a database URL"):
        database_at(matrix)


def test_a_missing_driver_is_named_with_the_way_to_get_it(monkeypatch):
    """The driver is an extra."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"hookflash\[postgres\]"):
        PostgresStore("postgresql://ana@127.0.0.1:1/clinic")


async def test_a_handoff_runs_on_it_from_the_turn_to_the_promise(url, clinic):
    """The engine works on PostgreSQL as it does on a file, and another process can read what became of it."""
    clock = FrozenClock(datetime(2026, 11, 26, 3, 0, tzinfo=UTC))
    engine = EmbeddedEngine({"default": clinic}, PostgresStore(url), clock=clock, manual=True)
    async with engine:
        decision = await engine.observe(Turn(conversation="night", speaker="customer", text="I want to talk to a person, please"))
        await engine.courier.drain()
        assert decision.handoff
        handoff = await engine.handoff(decision.handoff)
        beside = PostgresStore(url, serve=False)
        assert await beside.handoff("default", decision.handoff) == handoff
        assert await beside.promises("default", open_only=True) == ((handoff,) if handoff.promise else ())
        await beside.close()
