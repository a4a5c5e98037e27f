"""More of one kind than can be done: the others, and emergencies first of all, are not held up by it."""

import asyncio
from collections import Counter
from datetime import timedelta

from hookflash.courier import AT_ONE_DESK, CROWD_PLACES, URGENT_CROWD_PLACES
from hookflash.engine import CROWD
from hookflash.errors import DeliveryFailed
from hookflash.model import BriefDelivered, Customer, State, Urgency
from hookflash.ports import Share
from hookflash.testing import FrozenClock, ScriptedDesk
from tests.cases.test_engine import escalated, said

NOON = FrozenClock().now().replace(hour=11)


async def test_a_desk_that_hangs_holds_up_no_other(engine, clock, crm):
    """A flood of briefs for a desk that hangs leaves places for other desks, and an emergency is rung at once."""
    clock.set(NOON)
    release = asyncio.Event()

    async def hang(brief, key):
        await release.wait()
        return await ScriptedDesk.deliver(crm, brief, key)

    crm.deliver = hang
    for number in range(300):
        await engine.observe(said("I want a human", conversation=f"slow-{number}"))
    await engine.courier.start_due()
    crisis = await engine.observe(said("I took all my pills, I want to die", conversation="crisis"))
    for _ in range(20):
        await engine.courier.start_due()
        await asyncio.sleep(0.05)
    assert (await engine.handoff(crisis.handoff)).state is State.RINGING
    assert len(engine.courier._under_way) <= AT_ONE_DESK + 1
    release.set()
    await _settled(engine, clock)
    assert len(crm.tickets) == 300


async def test_what_is_added_in_quick_succession_reaches_a_desk_together(engine, clock, crm):
    """While one brief is on its way the others wait, and then all of it is there: a desk is not called for every word."""
    clock.set(NOON)
    handoff = await escalated(engine)
    calls, release = [], asyncio.Event()
    deliver = crm.deliver

    async def slow(brief, key):
        calls.append(key)
        await release.wait()
        return await deliver(brief, key)

    crm.deliver = slow
    for number in range(30):
        await engine.observe(said(f"and another thing, number {number}"))
        await engine.courier.start_due()
        await asyncio.sleep(0)
    await asyncio.sleep(0.1)
    assert len(calls) == 1
    release.set()
    await _settled(engine, clock)
    assert len(calls) == 2
    assert crm.tickets[handoff.id].history[-1].text == "and another thing, number 29"
    assert (await engine.store.counts())["outbox_done"] == 3 + 30


async def test_a_flood_of_crises_from_one_customer_holds_up_nobody_else(engine, clock, crm):
    """Theirs wait behind each other; a crisis and a request of others are carried out at once; who runs the place is told once."""
    clock.set(NOON)
    hang = asyncio.Event()

    for desk in (crm, engine.courier._desks["default", "tickets"]):
        desk.deliver = _after(hang, desk.deliver)
    flooder = Customer(id="flooder")
    for number in range(150):
        text = "I took all my pills, I want to die" if number % 2 else "I want a human"
        await engine.observe(said(text, conversation=f"flood-{number}", customer=flooder))
    await engine.courier.start_due()
    asks = await engine.observe(said("I want a human", conversation="asks", customer=Customer(id="ben")))
    crisis = await engine.observe(said("I want to die", conversation="crisis", customer=Customer(id="ana")))
    for _ in range(10):
        await engine.courier.start_due()
        await asyncio.sleep(0.05)
    assert (await engine.handoff(crisis.handoff)).state is State.RINGING
    assert (await engine.handoff(asks.handoff)).state is State.RINGING
    under_way = [item for item in engine.courier._under_way.values() if item.crowded]
    assert Counter(item.urgency is Urgency.IMMEDIATE for item in under_way) == {True: URGENT_CROWD_PLACES, False: CROWD_PLACES}
    assert sum("many open handoffs" in noise for noise in engine.noise) == 1
    hang.set()
    await _settled(engine, clock)
    handoffs = await engine.store.handoffs("default", limit=1_000)
    assert {handoff.state for handoff in handoffs} == {State.RINGING}
    assert len(handoffs) == 152
    assert sum(handoff.crowded for handoff in handoffs) == 150 - CROWD


async def test_what_somebody_else_begins_in_a_customers_name_is_not_held_against_them(engine, clock):
    """Twenty chats of somebody who only says that they are Ana: her own crisis, once she is verified, waits behind nobody."""
    clock.set(NOON)
    for number in range(20):
        false = Customer(id="ana", phone=f"+3461234{number:04}", verified=False)
        await engine.observe(said("I want a human", conversation=f"false-{number}", customer=false))
    crisis = await engine.observe(said("I want to die", conversation="true", customer=Customer(id="ana", verified=True)))
    assert not (await engine.handoff(crisis.handoff)).crowded
    await engine.courier.drain()
    assert sum("many open handoffs" in noise for noise in engine.noise) == 1


async def test_a_desk_whose_answer_was_lost_gets_what_was_said_since(engine, clock, crm):
    """It keeps each revision under a key of its own: what is sent again, and holds more by now, is not taken for what it knows."""
    clock.set(NOON)
    handoff = await escalated(engine)
    deliver = crm.deliver

    async def lost(brief, key):
        await deliver(brief, key)
        crm.deliver = deliver
        raise DeliveryFailed("the answer was lost")

    crm.deliver = lost
    await engine.observe(said("it is about my lamp"))
    await engine.courier.drain()
    await engine.observe(said("and it smells of smoke"))
    await _settled(engine, clock)
    assert crm.tickets[handoff.id].history[-1].text == "and it smells of smoke"


async def test_nobody_is_rung_on_a_brief_from_before_it_became_urgent(engine, clock, crm):
    """The desk still takes the first brief when the customer tells of a crisis: its receipt does not stand for the second."""
    clock.set(NOON)
    decision = await engine.observe(said("I want a human"))
    item = (await _claimed(engine))[0]
    raised = await engine.observe(said("I took all my pills, I want to die"))
    assert raised.urgency is Urgency.IMMEDIATE
    receipt = await crm.deliver(item.about.brief, item.delivery.key)
    old = BriefDelivered(receipt=receipt.model_copy(update={"desk": "tickets", "revision": 1}))
    assert (await engine.apply(decision.handoff, old)).state is State.REQUESTED
    await engine.courier.drain()
    handoff = await engine.handoff(decision.handoff)
    assert handoff.state is State.RINGING
    assert handoff.receipt.revision == 2


async def _claimed(engine):
    share = Share(urgencies=tuple(Urgency), most=9, of_tenant={"default": 9})
    return await engine.store.claim_deliveries(engine.clock.now(), timedelta(seconds=10), [share], 9)


async def _settled(engine, clock):
    """Let everything be done that waits, however often it found its desk busy."""
    while (await engine.store.counts()).get("outbox_pending"):
        clock.advance(4)
        await engine.courier.drain()


def _after(hang, deliver):
    """Return the desk's way of taking briefs, but that those of the flooder hang."""

    async def slow(brief, key):
        if brief.customer.id == "flooder":
            await hang.wait()
        return await deliver(brief, key)

    return slow
