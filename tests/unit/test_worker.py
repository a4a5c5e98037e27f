"""The thread that works on a database: batches that fail as a whole, answers that are lost, and loops that are gone."""

import asyncio
import sqlite3
from contextlib import contextmanager
from threading import Event

import pytest
from sqlalchemy.exc import OperationalError

from hookflash.errors import StoreInUse, StoreUnavailable, VersionConflict
from hookflash.stores import SqliteStore, sqlite, worker
from hookflash.testing.conformance import _change, _of_conversation, _with_handoff


@pytest.fixture
async def store(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.2)
    opened = SqliteStore(tmp_path / "h.db")
    yield opened
    await opened.close()


class Watched:
    """A database whose transactions are counted, and whose connection breaks off after so many commits, unheard."""

    def __init__(self, engine, breaks=0):
        self._engine, self._breaks, self.begun = engine, breaks, 0

    def dispose(self):
        self._engine.dispose()

    @contextmanager
    def begin(self):
        self.begun += 1
        with self._engine.begin() as connection:
            yield connection
        if self._breaks:
            self._breaks -= 1
            raise OperationalError("COMMIT", {}, sqlite3.OperationalError("gone"), connection_invalidated=True)


@pytest.mark.parametrize("change", [_change(1), _with_handoff()], ids=["turn", "handoff"])
async def test_what_was_committed_before_the_connection_broke_off_is_acknowledged(store, change):
    """It is tried again, is there already, and is not refused."""
    store._writer._engine = Watched(store.engine, breaks=1)
    await store.commit(change)
    with pytest.raises(VersionConflict):
        await store.commit(change)


async def test_many_whose_answer_was_lost_are_acknowledged(store):
    """Each of a batch."""
    store._writer._engine = Watched(store.engine, breaks=1)
    await asyncio.gather(*(store.commit(_of_conversation(f"c{number}")) for number in range(20)))


async def test_what_somebody_else_wrote_instead_is_refused(store):
    """The same version with other words is not what was to be written."""
    await store.commit(_change(1))
    store._writer._engine = Watched(store.engine, breaks=1)
    with pytest.raises(VersionConflict):
        await store.commit(_change(1, key="another"))


async def test_a_database_that_is_locked_refuses_a_batch_at_once(store, tmp_path):
    """They do not wait for the lock one after another."""
    with sqlite3.connect(tmp_path / "h.db") as other:
        other.execute("BEGIN IMMEDIATE")
        store._writer._engine = watched = Watched(store.engine)
        commits = [store.commit(_of_conversation(f"c{number}")) for number in range(50)]
        outcomes = await asyncio.gather(*commits, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
        assert watched.begun <= 2
        other.rollback()
    await store.commit(_of_conversation("c0"))


def test_a_loop_that_ended_takes_no_thread_with_it(tmp_path):
    """Whoever asked is gone; the next is answered."""
    store = SqliteStore(tmp_path / "h.db")

    async def leave():
        asyncio.get_running_loop().create_task(store.commit(_change(1)))
        await asyncio.sleep(0)

    asyncio.run(leave())
    asyncio.run(store.commit(_change(2)))
    asyncio.run(store.close())


async def test_closing_waits_no_longer_than_a_moment_for_a_database_that_is_silent(tmp_path, monkeypatch):
    """Who waits is told, the connection is left alone, and nobody else gets the file before it is answered."""
    monkeypatch.setattr(worker, "STOP_SECONDS", 0.1)
    silent = Event()
    store = SqliteStore(tmp_path / "h.db")
    begun = asyncio.create_task(store.run(lambda _: silent.wait()))
    await asyncio.sleep(0.05)
    waiting = asyncio.create_task(store.commit(_change(1)))
    await asyncio.sleep(0)
    await store.close()
    async with asyncio.timeout(1):
        with pytest.raises(StoreUnavailable, match="not known whether it was accepted"):
            await begun
        with pytest.raises(StoreUnavailable, match="closed; nothing was accepted"):
            await waiting
    with pytest.raises(StoreInUse):
        SqliteStore(tmp_path / "h.db")
    silent.set()
    await store.close()
    await SqliteStore(tmp_path / "h.db").close()


async def test_where_it_cannot_be_seen_whether_it_was_written_that_is_said(store):
    """The connection breaks off in the commit and cannot be made again: it is not claimed that nothing was accepted."""
    store._writer._engine = watched = Watched(store.engine, breaks=1)
    ordinary = watched.begin

    def breaks_off_and_stays_away():
        if watched.begun:
            raise OperationalError("connect", {}, sqlite3.OperationalError("refused"))
        return ordinary()

    watched.begin = breaks_off_and_stays_away
    refusal = await asyncio.gather(store.commit(_change(1)), return_exceptions=True)
    assert "gone" in str(refusal[0])  # how it was lost, and not that it was refused
