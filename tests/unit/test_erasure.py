"""What is forgotten of a customer, by their wish or by time, and what is not."""

import asyncio
import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from hookflash.app.cli import cli
from hookflash.app.wiring import EmbeddedEngine
from hookflash.errors import ForbiddenMove, InputError, SequenceError, UnknownError
from hookflash.matrix import parse_matrix
from hookflash.matrix.retention import Retention
from hookflash.model import Customer, CustomerLeft, State, Turn
from hookflash.stores import SqliteStore, tables
from hookflash.stores.erasure import erase, hold
from hookflash.stores.postgres import PostgresStore
from hookflash.stores.tickets import put_message, put_ticket
from hookflash.testing import ScriptedDesk
from tests.conftest import NOON, SHOP
from tests.postgres import a_database

ANA = Customer(id="ana-7", name="Ana", email="Ana@Example.com")
WORDS = "my lamp is the colour of heliotrope"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    if request.param == "sqlite":
        yield tmp_path / "shop.db"
        return
    with a_database(request.getfixturevalue("postgres")) as url:
        yield url


def opened(database, **how):
    return SqliteStore(database, **how) if not isinstance(database, str) else PostgresStore(database, own_clock=False, **how)


async def escalated(database, clock, *, finished=True, conversation="c", customer=ANA):
    """A conversation that was escalated, taken and wrapped up on a database."""
    desks = {"crm": ScriptedDesk("crm", clock)}
    store = opened(database)
    engine = EmbeddedEngine({"default": parse_matrix(SHOP)}, store, clock=clock, desks=desks, manual=True)
    async with engine:
        await engine.observe(Turn(conversation=conversation, speaker="customer", text=WORDS, customer=customer, language="en"))
        decision = await engine.observe(Turn(conversation=conversation, speaker="customer", text="I want a human", language="en"))
        await engine.courier.drain()
        await engine.accept(decision.handoff, "team")
        if finished:
            await engine.wrap_up(decision.handoff, "done")
    return decision.handoff


def run(*words):
    result = CliRunner().invoke(cli, [*words, "--json"])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return json.loads(result.stdout)


@pytest.fixture
async def full(database, clock):
    clock.set(NOON)
    return await escalated(database, clock)


async def asked(database, *words):
    """Run a verb in a thread, as it runs an event loop of its own."""
    return await asyncio.to_thread(run, *words, "--database", str(database))


@pytest.mark.parametrize("name", ["ana-7", "ana@example.com", "c"])
async def test_a_customer_is_erased_and_a_tombstone_stays(database, clock, full, name):
    """By id, e-mail or conversation: nothing of theirs is left in any table, and the audit trail says that it went."""
    await escalated(database, clock, conversation="other", customer=Customer(id="ben"))
    would = await asked(database, "erase", "--customer", name, "--dry-run")
    assert (would["erased"], would["conversations"]) == (None, ["c"])
    gone = await asked(database, "erase", "--customer", name, "--why", "request 12")
    assert gone["erased"] | {"entries": 0} == {"conversations": 1, "turns": 2, "handoffs": 1, "entries": 0}
    assert gone["remaining_tickets"] == ["crm T1"]
    store = opened(database, serve=False)
    assert await store.conversation("default", "c") is None
    assert [one.conversation for one in await store.handoffs("default")] == ["other"]
    dumped = await store.run(_everything)
    assert "request 12" in dumped
    assert dumped.count("heliotrope") == _of_one_customer(dumped)
    assert "ana-7" not in dumped.lower()
    await store.close()


def _everything(connection):
    from hookflash.stores.tables import metadata

    return json.dumps([[str(row) for row in connection.execute(table.select())] for table in metadata.sorted_tables])


def _of_one_customer(dumped):
    """Every mention that is left is of the other conversation."""
    return sum(row.count("heliotrope") for table in json.loads(dumped) for row in table if "other" in row)


async def test_nothing_is_left_in_the_file(tmp_path, clock):
    """Not even in pages that are free, or in the log."""
    clock.set(NOON)
    path = tmp_path / "shop.db"
    await escalated(path, clock)
    assert b"heliotrope" in b"".join(file.read_bytes() for file in tmp_path.iterdir())
    await asked(path, "erase", "--customer", "ana-7")
    assert b"heliotrope" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


async def test_what_is_owed_or_held_is_not_erased(database, clock):
    """An open handoff, or a legal hold, keeps everything; the message says which."""
    clock.set(NOON)
    handoff = await escalated(database, clock, finished=False)
    with pytest.raises(ForbiddenMove, match=f"{handoff} is open"):
        await asked(database, "erase", "--customer", "ana-7")
    with pytest.raises(ForbiddenMove, match="is open; wrap it up first"):
        await asked(database, "erase", "--customer", "ana-7", "--dry-run")
    (hold,) = await asked(database, "hold", "--customer", "ana-7", "--why", "case 4")
    assert (hold["customer"], hold["why"]) == ("ana-7", "case 4")
    store = opened(database)
    engine = EmbeddedEngine({"default": parse_matrix(SHOP)}, store, clock=clock, desks={}, manual=True)
    async with engine:
        await engine.wrap_up(handoff, "done")
        for _ in range(3):
            await store.expire("default", NOON + timedelta(days=999), Retention(conversations=timedelta(days=1)))
        assert await store.conversation("default", "c")
    with pytest.raises(ForbiddenMove, match=r"a legal hold is on them \(case 4\)"):
        await asked(database, "erase", "--customer", "ana-7")
    assert await asked(database, "hold", "--customer", "ana-7", "--release") == []
    with pytest.raises(InputError, match="no hold on this customer"):
        await asked(database, "hold", "--customer", "ana-7", "--release")
    assert (await asked(database, "erase", "--customer", "ana-7"))["erased"]["conversations"] == 1
    with pytest.raises(InputError, match="nothing is kept of this customer"):
        await asked(database, "erase", "--customer", "ana-7")


async def test_records_go_when_their_time_is_over(database, clock, full):
    """Each class by its own time; the audit trail outlives the conversation and keeps its tombstone."""
    store = opened(database)
    day = timedelta(days=1)
    assert await store.expire("default", NOON + day, Retention(conversations=30 * day)) == 0
    assert (await store.counts())["outbox_done"] > 0
    assert await store.expire("default", NOON + 8 * day, Retention(conversations=30 * day)) > 0
    assert "outbox_done" not in await store.counts()
    assert await store.conversation("default", "c")
    assert await store.expire("default", NOON + 31 * day, Retention(conversations=30 * day)) == 1
    assert await store.conversation("default", "c") is None
    assert await store.audit("default", "c")
    assert await store.expire("default", NOON + 99 * day, Retention(audit=60 * day)) > 0
    assert not await store.audit("default", "c")
    await store.close()


async def test_a_forgotten_conversation_goes_on_where_its_numbers_were(database, clock):
    """After years of silence the next numbered turn is taken, the request for a person in it heard."""
    store = opened(database)
    engine = EmbeddedEngine({"default": parse_matrix(SHOP)}, store, clock=clock, desks={}, manual=True)
    async with engine:
        await engine.observe(Turn(conversation="wa-1", speaker="customer", text="hello", language="en", seq=1))
        await store.expire("default", clock.now() + timedelta(days=500), Retention(conversations=timedelta(days=400)))
        engine._cache.clear()
        asked = Turn(conversation="wa-1", speaker="customer", text="I want a human", language="en", seq=2)
        assert (await engine.observe(asked)).handoff
        stranger = asked.model_copy(update={"conversation": "wa-2"})
        with pytest.raises(SequenceError):
            await engine.observe(stranger)


async def test_a_hold_on_a_conversation_keeps_it(database, clock, full):
    """Also where its customer is known by nothing else."""
    await asked(database, "hold", "--customer", "c", "--why", "case 9")
    with pytest.raises(ForbiddenMove, match="case 9"):
        await asked(database, "erase", "--customer", "ana-7")
    store = opened(database)
    await store.expire("default", NOON + timedelta(days=999), Retention(conversations=timedelta(days=1)))
    assert await store.conversation("default", "c")
    await store.close()


async def test_whoever_hung_up_for_good_is_forgotten_in_time(database, clock):
    """An abandoned handoff owes nobody anything."""
    store = opened(database)
    engine = EmbeddedEngine({"default": parse_matrix(SHOP)}, store, clock=clock, desks={}, manual=True)
    async with engine:
        decision = await engine.observe(Turn(conversation="v", speaker="customer", text="I want a human", language="en", channel="voice"))
        assert (await engine.apply(decision.handoff, CustomerLeft())).state is State.ABANDONED
        assert await store.expire("default", clock.now() + timedelta(days=500), Retention(conversations=timedelta(days=400))) == 1
        assert not await store.handoffs("default")


async def test_the_watchman_forgets(engine, clock):
    """By the matrix' own times, in its rounds."""
    clock.set(NOON)
    decision = await engine.observe(Turn(conversation="c", speaker="customer", text="I want a human", language="en"))
    await engine.courier.drain()
    assert (await engine.store.counts())["outbox_done"] > 0
    clock.advance(timedelta(days=8))
    await engine.accept(decision.handoff, "team")
    await engine.watchman.round()
    assert "outbox_done" not in await engine.store.counts()
    assert await engine.store.conversation("default", "c")


async def test_what_a_process_remembers_of_an_erased_conversation_does_not_come_back(database, clock, full):
    """Others began the conversation anew meanwhile: whoever still has the old one in memory reads again."""
    store = opened(database)
    one, other = (EmbeddedEngine({"default": parse_matrix(SHOP)}, store, clock=clock, desks={}, manual=True) for _ in range(2))
    await one.observe(Turn(conversation="d", speaker="customer", text="I am Ana Secreta", customer=ANA, language="en"))
    await store.run(lambda connection: erase(connection, "default", ["d"], "asked for", NOON, audit=True))
    await other.observe(Turn(conversation="d", speaker="customer", text="good morning", language="en"))
    asked = await one.observe(Turn(conversation="d", speaker="customer", text="I want a human", language="en"))
    brief = (await one.handoff(asked.handoff)).brief
    assert (brief.customer, [said.text for said in brief.history]) == (Customer(), ["good morning", "I want a human"])
    await store.close()


async def test_what_was_on_its_way_when_it_was_erased_arrives_nowhere(database, clock, full):
    """No ticket and no message of an erased handoff is written after it."""
    store = opened(database)
    brief = (await store.handoff("default", full)).brief
    await store.run(lambda connection: erase(connection, "default", ["c"], "asked for", NOON, audit=True))
    with pytest.raises(UnknownError, match="erased"):
        await store.put_ticket(brief, "late", NOON)
    with pytest.raises(UnknownError, match="erased"):
        await store.put_message("default", "c", "somebody will call", "late", NOON)
    await store.close()


async def test_a_second_erasure_leaves_the_tombstone(database, clock, full):
    """Two operators, or one and the clock: the first knows how far the conversation had come."""
    store = opened(database)
    for _ in range(2):
        await store.run(lambda connection: erase(connection, "default", ["c"], "asked for", NOON, audit=True))
    assert (await store.recall("default", "c")).version > 1
    await store.close()


async def test_who_was_erased_twice_is_heard_again(database, clock, full):
    """By time first, and then by hand with the audit trail: the second tombstone knows no version, and keeps nobody away."""
    store = opened(database)
    await store.run(lambda connection: erase(connection, "default", ["c"], "retention", NOON, audit=False))
    await store.run(lambda connection: erase(connection, "default", ["c"], "asked for", NOON, audit=True))
    assert (await store.recall("default", "c")).version > 1
    engine = EmbeddedEngine({"default": parse_matrix(SHOP)}, store, clock=clock, desks={}, manual=True)
    assert (await engine.observe(Turn(conversation="c", speaker="customer", text="I want a human", language="en"))).handoff
    await engine.close()


async def test_a_tombstone_that_knows_no_version_keeps_nobody_away(database, clock):
    """As earlier versions wrote them."""
    store = opened(database)
    stone = {"tenant": "default", "conversation": tables.buried("default", "c"), "at": 0, "what": "erased", "document": "{}"}
    await store.run(lambda connection: connection.execute(tables.audit.insert().values(stone)) and None)
    engine = EmbeddedEngine({"default": parse_matrix(SHOP)}, store, clock=clock, desks={}, manual=True)
    assert (await engine.observe(Turn(conversation="c", speaker="customer", text="I want a human", language="en"))).handoff
    await engine.close()


@pytest.mark.parametrize("late", ["message", "ticket"])
async def test_who_erases_waits_for_what_is_just_being_written(postgres, clock, late):
    """It is erased with the rest."""
    with a_database(postgres) as url:
        clock.set(NOON)
        handoff = await escalated(url, clock)
        store = opened(url)
        brief = (await store.handoff("default", handoff)).brief
        with store.engine.connect() as writing:
            if late == "message":
                put_message(writing, "default", "c", "words of Ana", "late", NOON)
            else:
                put_ticket(writing, brief, "late", NOON)
            other = opened(url, serve=False, mend=True)
            erasing = asyncio.create_task(other.run(lambda connection: erase(connection, "default", ["c"], "asked for", NOON, audit=True)))
            await asyncio.sleep(0.3)
            assert not erasing.done()
            writing.commit()
        await erasing
        assert not await store.messages("default", "c", 0)
        left = select(func.count()).select_from(tables.tickets)
        assert await store.run(lambda connection: connection.execute(left).scalar_one()) == 0
        await other.close()
        await store.close()


async def test_a_hold_waits_for_an_erasure_that_is_under_way(postgres, clock):
    """It is not acknowledged while what it should keep is going."""
    with a_database(postgres) as url:
        clock.set(NOON)
        await escalated(url, clock)
        store, other = opened(url), opened(url, serve=False, mend=True)
        with store.engine.connect() as erasing:
            erase(erasing, "default", ["c"], "asked for", NOON, audit=True)
            holding = asyncio.create_task(other.run(lambda connection: hold(connection, "default", ["id:ana-7"], "case 4", NOON)))
            await asyncio.sleep(0.3)
            assert not holding.done()
            erasing.commit()
        await holding
        await other.close()
        await store.close()
