"""Alarms, stores, rosters, detectors and desks that fail or hang, and what goes on all the same."""

import asyncio
import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from hookflash.app.wiring import EmbeddedEngine
from hookflash.errors import ConfigError, StoreUnavailable
from hookflash.model import Customer, Kind, State
from hookflash.stores import SqliteStore
from hookflash.testing import DOWN, FrozenClock
from tests.cases.test_engine import escalated, said

NOON = FrozenClock().now().replace(hour=11)


async def test_an_alarm_that_fails_stops_nobody(engine, clock):
    """The watchman goes on firing timers, and raises the alarm again on its next round."""
    clock.set(NOON)
    handoff = await escalated(engine)
    await engine.store._writer.run(lambda connection: connection.exec_driver_sql("DELETE FROM timers") and None)
    clock.advance(60 + 31)
    calls = []

    async def failing(handoff, what):
        calls.append(what)
        raise ConnectionError("no network")

    working, engine.watchman._alarm = engine.watchman._alarm, failing
    await engine.watchman.round()
    engine.watchman._alarm = working
    await engine.watchman.round()
    assert (len(calls), len(engine.noise)) == (1, 1)
    assert handoff.id in engine.noise[0]


async def test_the_rounds_go_on_whatever_a_round_does(engine):
    """A round that raises is logged; the next one comes."""
    rounds = []

    async def one():
        rounds.append(1)
        raise ZeroDivisionError

    engine.watchman.round = one
    task = asyncio.create_task(engine.watchman.run())
    await asyncio.sleep(0.6)
    task.cancel()
    assert len(rounds) >= 2


async def test_a_store_that_is_locked_at_the_first_turn_is_begun_with_the_second(tmp_path, shop):
    """Couriers and watchman start with whichever turn first finds the store in order."""
    engine = EmbeddedEngine({"default": shop}, SqliteStore(tmp_path / "x.db"), desks={})
    working = engine.store.save_matrix

    async def locked(*_):
        raise StoreUnavailable("locked")

    engine.store.save_matrix = locked
    with pytest.raises(StoreUnavailable):
        await engine.observe(said("hello"))
    engine.store.save_matrix = working
    await engine.observe(said("hello"))
    assert len(engine._tasks) == 2
    await engine.close()


async def test_a_roster_that_hangs_is_not_waited_for(engine, clock, monkeypatch):
    """After its time everybody is tried."""
    monkeypatch.setattr("hookflash.engine.ROSTER_TIMEOUT", timedelta(seconds=0.05))

    async def reachable(responders, at):
        await asyncio.sleep(60)

    clock.set(NOON)
    engine._roster.reachable = reachable
    assert (await escalated(engine)).state is State.RINGING


async def test_a_detector_that_returns_nonsense_is_a_failed_one(engine, clinic_panel):
    """Dictionaries instead of signals name the detector, and the customer still gets a person."""
    from hookflash.signals.panel import Panel

    class Odd:
        name, deadline = "odd", 1.0

        def detect(self, turn, conversation):
            return [{"kind": "explicit_request"}]

    engine.judges["default"]._panel = Panel(clinic_panel._inline, [Odd()])
    decision = await engine.observe(said("hello"))
    assert decision.trigger == Kind.DETECTOR_FAILURE
    assert "other than signals" in decision.reasons[0].evidence[0].note


async def test_a_store_that_hiccups_after_the_ring_does_not_ring_the_next(engine, clock, phone):
    """A ring that was placed but could not be recorded is tried again under its key, not given up."""
    clock.set(NOON)
    engine.courier._lines["chat"] = phone
    decision = await engine.observe(said("I want a human"))
    ordinary = engine.apply

    async def hiccup(handoff, event, **rest):
        if event.kind == "ring_started":
            engine.courier._steps.apply = ordinary
            raise StoreUnavailable("locked")
        return await ordinary(handoff, event, **rest)

    engine.courier._steps.apply = hiccup
    for _ in range(3):
        await engine.courier.start_due()
        await asyncio.gather(*engine.courier._under_way)
    assert [responder for responder, _ in phone.rung] == ["team"]
    assert (await engine.handoff(decision.handoff)).state is State.RINGING


async def test_a_refused_brief_is_on_our_own_desk_even_if_the_store_hiccups(engine, clock, crm):
    """Giving up and what follows from it are one transaction: after a hiccup both happen, or neither."""
    from hookflash.testing import REFUSED

    clock.set(NOON)
    crm.failures = [REFUSED]
    decision = await engine.observe(said("I want a human"))
    ordinary = engine.apply

    async def hiccup(handoff, event, **rest):
        engine.courier._steps.apply = ordinary
        raise StoreUnavailable("locked")

    engine.courier._steps.apply = hiccup
    await engine.courier.drain()
    handoff = await engine.handoff(decision.handoff)
    assert handoff.state is State.RINGING
    assert handoff.receipts


async def test_a_timer_that_can_never_be_applied_is_put_aside_loudly(engine, clock):
    """It does not block the others, and somebody hears of it."""
    clock.set(NOON)
    handoff = await escalated(engine)
    engine._matrices.clear()
    await engine.store._writer.run(lambda connection: connection.exec_driver_sql("DELETE FROM matrices") and None)
    clock.advance(61)
    await engine.watchman.round()
    assert not await engine.store.claim_timers(clock.now(), timedelta(), 10)
    assert "cannot be applied" in engine.noise[0]
    assert handoff.id in engine.noise[0]


async def test_alarms_carry_no_words_of_an_adapter(engine, clock, crm):
    """What a desk says in refusing may repeat the customer; the alarm does not."""
    from hookflash.errors import DeliveryRefused

    clock.set(NOON)
    crm.failures = [DeliveryRefused("422: Ana Ruiz, positive test")]
    await escalated(engine)
    assert "Ana" not in engine.noise[0]


async def test_one_handoff_that_cannot_be_read_holds_up_no_other(engine, clock, crm):
    """Its timer fails, loudly, round after round; everybody else's fires."""
    clock.set(NOON)
    crm.failures = [DOWN] * 99
    poisoned = await engine.observe(said("I want a human", conversation="poisoned"))
    others = [await engine.observe(said("I want a human", conversation=f"c{number}")) for number in range(3)]
    await engine.store._writer.run(
        lambda connection: connection.exec_driver_sql(f"UPDATE handoffs SET document = '{{}}' WHERE id = '{poisoned.handoff}'") and None
    )
    clock.advance(21)
    await engine.watchman.round()
    for decision in others:
        assert (await engine.handoff(decision.handoff)).briefed_late
    assert any(poisoned.handoff in what and "fails and is tried again" in what for what in engine.noise)


async def test_whoever_is_to_be_told_and_does_not_answer_delays_no_timer(engine, clock, crm):
    """An alarm that hangs is waited for beside the rounds."""
    clock.set(NOON)
    first = await escalated(engine)
    await engine.store._writer.run(lambda connection: connection.exec_driver_sql("DELETE FROM timers") and None)
    clock.advance(60 + 31)
    never = asyncio.Event()

    async def hangs(handoff, what):
        await never.wait()

    engine.watchman._alarm = hangs
    await engine.watchman.round()
    crm.failures = [DOWN] * 9
    second = await engine.observe(said("I want a human", conversation="second"))
    clock.advance(21)
    async with asyncio.timeout(1):
        await engine.watchman.round()
    assert (await engine.handoff(second.handoff)).briefed_late
    assert first.id in engine.watchman._sounding
    never.set()


async def test_an_alarm_that_hangs_keeps_no_brief_away(engine, clock, crm, monkeypatch):
    """That a desk is down is told beside its briefs: they are tried again, and what the customer added arrives."""
    monkeypatch.setattr("hookflash.circuit.REST_SECONDS", 0.0)
    clock.set(NOON)
    crm.failures = [DOWN] * 6
    never, told = asyncio.Event(), []

    async def hangs(handoff, what):
        told.append(what)
        await never.wait()

    engine.courier._alarm = hangs
    decision = await engine.observe(said("I want a human"))
    await engine.observe(said("it is about order 4711"))
    for _ in range(60):
        await engine.courier.start_due()
        clock.advance(5)
        await asyncio.sleep(0.01)
    assert "desk crm does not answer; its briefs wait and are tried again" in told
    assert "4711" in crm.tickets[decision.handoff].history[-1].text
    never.set()
    await engine.courier.drain()


async def test_a_handoff_that_cannot_be_read_hides_no_other(engine, clock):
    """Lists leave it out, and the watchman's rounds go on."""
    clock.set(NOON)
    poisoned, other = [await engine.observe(said("I want a human", conversation=name)) for name in "ab"]
    broken = f"UPDATE handoffs SET document = '{{}}' WHERE id = '{poisoned.handoff}'"
    await engine.store._writer.run(lambda connection: connection.exec_driver_sql(broken) and None)
    assert [one.id for one in await engine.store.handoffs("default")] == [other.handoff]
    clock.advance(timedelta(days=3))
    await engine.watchman.round()


async def test_what_a_newer_version_adds_to_a_handoff_is_passed_over(engine, clock):
    """Two versions may work on one database while servers are replaced one after another."""
    clock.set(NOON)
    handoff = await escalated(engine)
    newer = json.dumps(json.loads(handoff.model_dump_json()) | {"mood": "blue"})
    written = text("UPDATE handoffs SET document = :newer").bindparams(newer=newer)
    await engine.store._writer.run(lambda connection: connection.execute(written) and None)
    assert await engine.handoff(handoff.id) == handoff
    assert await engine.store.handoffs("default") == (handoff,)


async def test_an_engine_belongs_to_one_event_loop(tmp_path, shop):
    """In another nothing would carry out what it acknowledges."""
    engine = EmbeddedEngine({"default": shop}, SqliteStore(tmp_path / "shop.db"), desks={})
    async with engine:
        with pytest.raises(ConfigError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, engine.observe(said("I want a human")))


async def test_closing_that_nobody_waits_for_is_done_to_the_end(tmp_path, shop):
    """The file is free for the next."""
    engine = EmbeddedEngine({"default": shop}, SqliteStore(tmp_path / "shop.db"), desks={})
    await engine.begin()
    closing = asyncio.create_task(engine.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait([closing])
    await engine.close()
    await SqliteStore(tmp_path / "shop.db").close()


async def test_an_engine_that_cannot_begin_lets_go_of_its_file(tmp_path, shop):
    """Whoever opens it next is not told that it is in use."""
    engine = EmbeddedEngine({"default": shop}, SqliteStore(tmp_path / "shop.db"), desks={})

    async def locked(*_):
        raise StoreUnavailable("locked")

    engine.store.save_matrix = locked
    with pytest.raises(StoreUnavailable):
        async with engine:
            pass
    await SqliteStore(tmp_path / "shop.db").close()


async def test_an_engine_that_is_closed_while_it_begins_does_nothing_more(tmp_path, shop):
    """Neither couriers nor watchman work on a database that is closed."""
    engine = EmbeddedEngine({"default": shop}, SqliteStore(tmp_path / "shop.db"), desks={})
    beginning = asyncio.create_task(engine.begin())
    await asyncio.sleep(0)
    await engine.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await beginning
    assert not engine._tasks


async def test_an_earlier_handoff_that_cannot_end_keeps_nobody_away(engine, clock, monkeypatch):
    """Whatever is wrong with what was promised then, who asks now gets a person."""
    clock.set(clock.now().replace(hour=20))
    ana = Customer(id="ana")
    first = await engine.observe(said("I want a human", conversation="then", customer=ana))
    await engine.courier.drain()
    ordinary = engine._stepped

    async def cannot(handoff, event, now):
        if handoff.id == first.handoff:
            raise ValueError("odd")
        return await ordinary(handoff, event, now)

    monkeypatch.setattr(engine, "_stepped", cannot)
    again = await engine.observe(said("I want a human", conversation="now", customer=ana))
    assert (await engine.handoff(again.handoff)).brief.earlier is None
