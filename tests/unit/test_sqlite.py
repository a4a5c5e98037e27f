import asyncio
import sqlite3
import stat

import pytest

from hookflash.errors import StoreForeign, StoreInUse, StoreTooNew, StoreUnavailable
from hookflash.stores import SqliteStore
from hookflash.testing.conformance import NOW, _change, _of_conversation


@pytest.fixture
def path(tmp_path):
    return tmp_path / "hookflash.db"


async def test_the_file_is_for_its_owner_alone(path):
    """Nobody else on the machine reads what customers said."""
    store = SqliteStore(path)
    await store.commit(_change(1))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.with_name("hookflash.db-wal").stat().st_mode) == 0o600
    await store.close()


async def test_every_commit_is_synced(path):
    """Write-ahead log, full sync: what was acknowledged survives the loss of power."""
    store = SqliteStore(path)
    settings = await store._writer.run(
        lambda connection: [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    )
    assert settings == ["wal", 2]
    await store.close()


async def test_one_server_at_a_time(path):
    """A second server on the same file is turned away, and let in once the first is gone."""
    store = SqliteStore(path)
    with pytest.raises(StoreInUse, match="in use by another hookflash"):
        SqliteStore(path)
    await store.close()
    await SqliteStore(path).close()


async def test_looking_beside_a_server_is_allowed(path):
    """The reading verbs work while a server writes."""
    store = SqliteStore(path)
    await store.commit(_change(1))
    beside = SqliteStore(path, serve=False)
    assert (await beside.conversation("default", "c")).spoken == 1
    await beside.close()
    await store.close()


async def test_a_file_of_a_newer_version_is_left_alone(path):
    """What a newer hookflash wrote is not touched."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE alembic_version (version_num)")
    connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    connection.commit()
    connection.close()
    with pytest.raises(StoreTooNew, match="newer hookflash"):
        SqliteStore(path)


async def test_somebody_elses_database_is_left_alone(path):
    """Another program's file gets no tables of ours, by a server or by a reader; an empty one no reader fills."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (id)")
    connection.close()
    for serve in (True, False):
        with pytest.raises(StoreForeign, match="not a database of hookflash"):
            SqliteStore(path, serve=serve)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)
    connection.close()


async def test_a_locked_database_is_an_answer_and_not_a_loss(path):
    """While another program holds the file nothing is accepted; afterwards it is."""
    store = SqliteStore(path)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked; nothing was accepted. Close the program"):
        await store.commit(_change(1))
    holder.execute("ROLLBACK")
    await store.commit(_change(1))
    holder.close()
    await store.close()


async def test_a_full_disk_is_an_answer_and_not_a_loss(path):
    """When there is no more room the caller is told; what was accepted before is still there."""
    store = SqliteStore(path)
    await store.commit(_change(1))
    await store._writer.run(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 20") and None)
    big = _change(2).model_copy(update={"audit": tuple(entry.model_copy(update={"document": "x" * 500_000}) for entry in _change(2).audit)})
    with pytest.raises(StoreUnavailable, match="full; nothing was accepted. Free some space"):
        await store.commit(big)
    assert (await store.conversation("default", "c")).version == 1
    await store.close()


async def test_a_place_that_cannot_be_written_is_named(tmp_path):
    """A path below a file cannot be a database."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        SqliteStore(tmp_path / "file" / "hookflash.db")


async def test_a_file_that_is_no_database_is_named(path):
    """Something else under that name is not overwritten."""
    path.write_text("this is a shopping list, not a database; " * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        SqliteStore(path)


async def test_one_bad_change_does_not_spoil_its_neighbours(path):
    """Changes that share a sync fail alone."""
    store = SqliteStore(path)
    await store.commit(_change(1))

    def other(name):
        change = _change(1)
        return change.model_copy(update={"conversation": change.conversation.model_copy(update={"id": name}), "turn": None})

    outcomes = await asyncio.gather(*(store.commit(change) for change in (other("a"), _change(1), other("b"))), return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes] == ["NoneType", "VersionConflict", "NoneType"]
    assert await store.conversation("default", "b")
    assert NOW
    await store.close()


async def test_a_file_that_is_swapped_takes_nothing_more(path):
    """Moved away, replaced by another, or deleted: the next turn is refused, and taken again once the file is back."""
    store = SqliteStore(path)
    await store.commit(_change(1))
    for swap in (lambda: path.write_bytes(b""), lambda: None):
        path.rename(path.with_suffix(".away"))
        swap()
        with pytest.raises(StoreUnavailable, match="moved away or replaced while it was in use; nothing was accepted"):
            await store.commit(_change(2))
        with pytest.raises(StoreUnavailable, match="moved away"):
            await store.probe(NOW)
        path.with_suffix(".away").replace(path)
    await store.commit(_change(2))
    assert (await store.conversation("default", "c")).spoken == 2
    await store.close()


@pytest.mark.parametrize("after", [0.0, 0.005, 0.02])
async def test_closing_amid_commits_tears_none_of_them(path, after):
    """Whatever was acknowledged is there as a whole when the file is opened again."""
    store = SqliteStore(path)
    names = [f"c{number}" for number in range(400)]
    commits = [asyncio.create_task(store.commit(_of_conversation(name))) for name in names]
    await asyncio.sleep(after)
    await store.close()
    outcomes = await asyncio.gather(*commits, return_exceptions=True)
    again = SqliteStore(path)
    for name, outcome in zip(names, outcomes, strict=True):
        kept = (await again.conversation("default", name), await again.turn("default", name, seq=1, key=None))
        assert [bool(part) for part in kept] == [outcome is None] * 2, name
    await again.close()
