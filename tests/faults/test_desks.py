"""Receivers behind a network that is slow, resets, goes silent, cuts answers off and garbles them."""

import asyncio
from urllib.parse import urlsplit

import httpx2
import pytest

from hookflash.app.wiring import EmbeddedEngine, SystemClock
from hookflash.desks import WebhookDesk
from hookflash.matrix import parse_matrix
from hookflash.model import State, Turn
from hookflash.stores import SqliteStore
from hookflash.testing import fault_proxy
from tests.conftest import SHOP
from tests.e2e.receiver import SECRET, receiving

pytestmark = pytest.mark.slow
ALWAYS = SHOP.replace('mon-fri: "09:00-13:00 15:00-18:00"', 'mon-sun: "00:00-00:00"')
# The emergency's responder on the same desk as everybody's, so that it meets the same network.
MATRIX = ALWAYS.replace("night: {hours: always_on, desk: tickets", "night: {hours: always_on, desk: crm")


@pytest.fixture
async def shop(tmp_path):
    """The shop's engine with its CRM behind a proxy."""
    with receiving() as receiver:
        async with fault_proxy("127.0.0.1", urlsplit(receiver.url).port) as proxy, httpx2.AsyncClient(trust_env=False) as client:
            desk = WebhookDesk("crm", f"http://127.0.0.1:{proxy.port}/brief", SECRET, client, SystemClock())
            noise = []

            async def alarm(handoff, what):
                noise.append(what)

            store = SqliteStore(tmp_path / "h.db")
            engine = EmbeddedEngine({"default": parse_matrix(MATRIX)}, store, desks={"crm": desk}, alarm=alarm)
            async with engine:
                engine.noise = noise
                yield engine, proxy, receiver


async def until(check, seconds):
    async with asyncio.timeout(seconds):
        while not await check():
            await asyncio.sleep(0.05)


def said(text, conversation):
    return Turn(conversation=conversation, speaker="customer", text=text, language="en", seq=1)


@pytest.mark.parametrize("fault", ["slow", "reset", "half_open", "refuse", "cut", "garble"])
async def test_whatever_the_network_does_each_brief_is_shown_once(shop, fault):
    """A crisis rings within three seconds all the same; when the network is well again every brief arrives, once."""
    engine, proxy, receiver = shop
    proxy.fault, proxy.delay = fault, 4.0
    crisis = await engine.observe(said("I took all my pills, I want to die", "crisis"))
    others = [await engine.observe(said("I want a human", f"c{number}")) for number in range(5)]

    async def rings():
        handoff = await engine.handoff(crisis.handoff)
        return handoff.state is State.RINGING

    await until(rings, 3.5)
    ringing = await engine.handoff(crisis.handoff)
    assert ringing.briefed_late or ringing.receipts
    await asyncio.sleep(1.0)
    proxy.fault = "none"
    wanted = {decision.handoff for decision in (crisis, *others)}

    async def all_arrived():
        held = [await engine.handoff(one) for one in wanted]
        return receiver.handoffs == wanted and all(one.receipt_of("crm") for one in held)

    await until(all_arrived, 60)
    revisions = [(brief["handoff"], brief["revision"]) for brief in receiver.briefs.values()]
    assert len(revisions) == len(set(revisions))


async def test_a_desk_that_is_down_is_left_in_peace_and_found_again(shop):
    """After a few failures it is asked seldom, somebody hears of it, and its briefs arrive when it is back."""
    engine, proxy, receiver = shop
    proxy.fault = "refuse"
    wanted = {(await engine.observe(said("I want a human", f"c{number}"))).handoff for number in range(40)}
    await asyncio.sleep(4)
    assert any("desk crm does not answer" in what for what in engine.noise)
    asked = proxy.connections
    await asyncio.sleep(3)
    assert proxy.connections - asked < 10, "forty briefs went on knocking"
    proxy.fault = "none"

    async def all_arrived():
        return receiver.handoffs == wanted

    await until(all_arrived, 60)
    assert not engine.courier._circuits["default", "crm"].broken
