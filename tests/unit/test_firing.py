"""Timers beside one another: one that waits, fails, or is held when the process stops costs the others nothing."""

import asyncio
from datetime import timedelta

import pytest

from hookflash.errors import StoreUnavailable
from hookflash.firing import AT_A_TIME
from hookflash.model import Turn
from hookflash.testing import DOWN
from tests.conftest import NOON


async def waiting_for_their_desk(engine, clock, crm, count):
    """So many handoffs whose desk does not answer, with their timers due."""
    clock.set(NOON)
    crm.failures = [DOWN] * 1_000
    asked = [Turn(conversation=f"c{number}", speaker="customer", text="I want a human", language="en") for number in range(count)]
    decisions = [await engine.observe(turn) for turn in asked]
    clock.advance(21)
    return [decision.handoff for decision in decisions]


def refuse(engine, one):
    """Let the store refuse every step of one handoff; return how steps are made otherwise."""
    ordinary = engine.apply

    async def refused(handoff, event, **rest):
        if handoff == one:
            raise StoreUnavailable("locked")
        return await ordinary(handoff, event, **rest)

    engine.apply = refused
    return ordinary


async def late_ones(engine, handoffs):
    return {name for name in handoffs if (await engine.handoff(name)).briefed_late}


async def test_a_conversation_that_is_busy_holds_up_no_other(engine, clock, crm):
    """Its lock is held by a turn that takes long; its own timer waits for it, everybody else's is answered, round after round."""
    first, *others = await waiting_for_their_desk(engine, clock, crm, 4)
    async with engine._lock("default", "c0"):
        async with asyncio.timeout(2):
            assert await engine.watchman.round() == 4
        assert await late_ones(engine, [first, *others]) == set(others)
        clock.advance(timedelta(seconds=11))  # its lease is over, and it is under way all the same
        await engine.watchman.round()
    await engine.watchman.round()
    assert first in await late_ones(engine, [first])


async def test_what_the_store_refuses_is_tried_again_with_the_next_round(engine, clock, crm):
    """And not when the lease is over; the others of the round are answered."""
    first, *others = await waiting_for_their_desk(engine, clock, crm, 4)
    ordinary = refuse(engine, first)
    for _ in range(2):
        await engine.watchman.round()
    assert await late_ones(engine, [first, *others]) == set(others)
    engine.apply = ordinary
    await engine.watchman.round()
    assert first in await late_ones(engine, [first])


async def test_what_is_under_way_or_was_refused_when_it_stops_is_free_at_once(engine, clock, crm):
    """Another process need not wait for the leases to end."""
    first, second, third = await waiting_for_their_desk(engine, clock, crm, 3)
    refuse(engine, first)
    async with engine._lock("default", "c1"):
        await engine.watchman.round()
        assert await late_ones(engine, [first, second, third]) == {third}
        await engine.watchman.stop()
    free = await engine.store.claim_timers(clock.now(), timedelta(seconds=10), AT_A_TIME)
    assert {timer.handoff for timer in free} == {first, second}


async def test_what_was_being_taken_when_it_stops_is_free_at_once(engine, clock, crm):
    """A watchman that is stopped between taking timers and knowing of them gives them back."""
    handoffs = await waiting_for_their_desk(engine, clock, crm, 3)
    firing, store = engine.watchman._firing, engine.store
    claim, taken = store.claim_timers, asyncio.Event()

    async def slowly(*asked):
        timers = await claim(*asked)
        taken.set()
        await asyncio.sleep(0.05)
        return timers

    store.claim_timers = slowly
    rounds = asyncio.create_task(engine.watchman.run())
    await taken.wait()
    rounds.cancel()
    await asyncio.wait([rounds])
    await firing.stop()
    assert len(await claim(clock.now(), timedelta(seconds=10), AT_A_TIME)) == len(handoffs)


async def test_work_that_was_being_taken_when_it_stops_is_free_at_once(engine, clock):
    """A courier that is stopped between taking work and knowing of it gives it back."""
    clock.set(NOON)
    await engine.observe(Turn(conversation="c", speaker="customer", text="I want a human", language="en"))
    claim, taken = engine.store.claim_deliveries, asyncio.Event()

    async def slowly(*asked):
        items = await claim(*asked)
        taken.set()
        await asyncio.sleep(0.05)
        return items

    engine.store.claim_deliveries = slowly
    looking = asyncio.create_task(engine.courier.run())
    await taken.wait()
    looking.cancel()
    await asyncio.wait([looking])
    await engine.courier.stop()
    engine.store.claim_deliveries = claim
    assert await engine.courier.start_due() == 1
    await engine.courier.drain()


async def test_a_claim_that_failed_is_not_met_again_when_it_closes(engine, clock):
    """Whatever went wrong with it, the file is let go of."""
    engine.store.claim_deliveries = broken
    with pytest.raises(ValueError, match="odd"):
        await engine.courier.start_due()
    await engine.close()


async def broken(*_):
    raise ValueError("odd")
