"""A real PostgreSQL that is stopped without warning, replaced by its replica, or cut off by the network."""

import asyncio
import os
import time
from contextlib import asynccontextmanager

import pytest

from hookflash.app.wiring import EmbeddedEngine, SystemClock
from hookflash.errors import Retryable, StoreUnavailable
from hookflash.matrix import parse_matrix
from hookflash.model import State, Turn
from hookflash.stores.postgres import PostgresStore
from hookflash.testing import ScriptedDesk, fault_proxy
from tests.conftest import SHOP
from tests.faults.cluster import a_cluster

pytestmark = pytest.mark.slow
ALWAYS = SHOP.replace('mon-fri: "09:00-13:00 15:00-18:00"', 'mon-sun: "00:00-00:00"')
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "2"))


@asynccontextmanager
async def working(url, seconds=20):
    """A real engine on a database, and a crowd of customers that goes on, each turn sent until it is acknowledged."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                store = await asyncio.to_thread(PostgresStore, url)
                break
            except StoreUnavailable:
                await asyncio.sleep(0.1)
    desk = ScriptedDesk("crm", SystemClock())
    engine = EmbeddedEngine({"default": parse_matrix(ALWAYS)}, store, desks={"crm": desk})
    async with engine:
        yield engine, desk


class Crowd:
    """Customers who ask for a person, one after another."""

    def __init__(self, engine, name):
        self.engine, self.name = engine, name
        self.acknowledged = {}
        self.last = 0.0
        self.longest_wait = 0.0

    async def run(self):
        number = 0
        while True:
            turn = Turn(conversation=f"{self.name}{number}", speaker="customer", text="I want a human", language="en", seq=1)
            begun = time.monotonic()
            while True:
                try:
                    decision = await self.engine.observe(turn)
                    break
                except Retryable:
                    await asyncio.sleep(0.05)
            self.longest_wait = max(self.longest_wait, time.monotonic() - begun)
            self.acknowledged[turn.conversation] = decision.handoff
            self.last = time.monotonic()
            number += 1


async def all_are_there(engine, crowd):
    """Everything that was acknowledged is kept, and reaches a ring."""
    for conversation, handoff in crowd.acknowledged.items():
        assert (await engine.store.turn("default", conversation, seq=1, key=None)).decision.handoff == handoff
        assert (await engine.handoff(handoff)).state is not State.REQUESTED
    assert set(crowd.acknowledged.values()) <= {handoff for handoff, _ in engine_desk(engine).shown}


def engine_desk(engine):
    return engine.courier._desks["default", "crm"]


async def settled(engine, crowd, seconds=30):
    async with asyncio.timeout(seconds):
        while {one.state for one in await engine.store.handoffs("default", limit=100_000)} & {State.REQUESTED, State.BRIEFED}:
            await asyncio.sleep(0.2)
    await all_are_there(engine, crowd)


async def go_on(crowd, seconds=15):
    """Wait until the crowd is heard again, and return how long that took."""
    begun = time.monotonic()
    async with asyncio.timeout(seconds):
        while crowd.last <= begun:
            await asyncio.sleep(0.02)
    return time.monotonic() - begun


async def test_a_database_that_is_stopped_without_warning_loses_nothing():
    """Turns go on within five seconds of its return; everything acknowledged before is there and reaches a person."""
    with a_cluster() as (cluster,):
        await asyncio.to_thread(cluster.make)
        await asyncio.to_thread(cluster.start)
        async with working(cluster.url) as (engine, _):
            crowd = Crowd(engine, "a")
            task = asyncio.create_task(crowd.run())
            for _ in range(ROUNDS):
                await asyncio.sleep(0.7)
                await asyncio.to_thread(cluster.stop_at_once)
                await asyncio.sleep(1.0)
                await asyncio.to_thread(cluster.start)
                assert await go_on(crowd) < 5
            task.cancel()
            assert len(crowd.acknowledged) > 20
            await settled(engine, crowd)


async def test_a_replica_takes_over_and_nothing_acknowledged_is_lost():
    """A synchronous replica is promoted after the leader dies; the same address with both hosts finds it."""
    with a_cluster(2) as (leader, follower):
        await asyncio.to_thread(leader.make)
        await asyncio.to_thread(leader.start)
        await asyncio.to_thread(follower.follow, leader)
        await asyncio.to_thread(follower.start)
        leader.do("ALTER SYSTEM SET synchronous_standby_names = 'follower'")
        leader.do("SELECT pg_reload_conf()")
        both = f"postgresql://postgres@{leader.address},{follower.address}/postgres?target_session_attrs=read-write"
        async with working(both) as (engine, _):
            crowd = Crowd(engine, "b")
            task = asyncio.create_task(crowd.run())
            await asyncio.sleep(1.0)
            await asyncio.to_thread(leader.stop_at_once)
            await asyncio.to_thread(follower.promote)
            assert await go_on(crowd) < 5
            await asyncio.sleep(0.5)
            task.cancel()
            await settled(engine, crowd)


async def test_a_commit_waits_for_a_replica_that_is_away():
    """It is not acknowledged before the replica has it: not refused, not pretended."""
    with a_cluster(2) as (leader, follower):
        await asyncio.to_thread(leader.make)
        await asyncio.to_thread(leader.start)
        await asyncio.to_thread(follower.follow, leader)
        await asyncio.to_thread(follower.start)
        async with working(leader.url) as (engine, _):
            leader.do("ALTER SYSTEM SET synchronous_standby_names = 'follower'")
            leader.do("SELECT pg_reload_conf()")
            await asyncio.sleep(0.3)
            await asyncio.to_thread(follower.stop_at_once)
            turn = asyncio.create_task(engine.observe(Turn(conversation="w", speaker="customer", text="hello", language="en", seq=1)))
            await asyncio.sleep(1.5)
            assert not turn.done()
            await asyncio.to_thread(follower.start)
            async with asyncio.timeout(15):
                assert (await turn).turn == 1


@pytest.mark.parametrize("fault", ["reset", "refuse", "half_open"])
async def test_a_network_that_fails_between_us_and_the_database(fault):
    """Whatever it does, turns are refused honestly and go on when it is well again; nothing acknowledged is lost."""
    with a_cluster() as (cluster,):
        await asyncio.to_thread(cluster.make)
        await asyncio.to_thread(cluster.start)
        async with fault_proxy("127.0.0.1", cluster.port) as proxy:
            url = f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres"
            async with working(url) as (engine, _):
                crowd = Crowd(engine, "n")
                task = asyncio.create_task(crowd.run())
                await asyncio.sleep(0.5)
                proxy.fault = fault
                if fault == "refuse":
                    proxy.break_off()
                await asyncio.sleep(2.0)
                proxy.fault = "none"
                assert await go_on(crowd, 20) < 15
                task.cancel()
                await settled(engine, crowd)


@pytest.mark.parametrize("fault", ["slow", "half_open"])
async def test_an_engine_can_be_closed_whatever_its_database_does(fault):
    """It waits a few seconds for what is under way and no longer, and the program around it goes on meanwhile."""
    with a_cluster() as (cluster,):
        await asyncio.to_thread(cluster.make)
        await asyncio.to_thread(cluster.start)
        url = "postgresql://postgres@127.0.0.1:{}/postgres"
        async with fault_proxy("127.0.0.1", cluster.port) as proxy, working(url.format(proxy.port)) as (engine, _):
            crowd = Crowd(engine, "s")
            task = asyncio.create_task(crowd.run())
            await asyncio.sleep(0.5)
            proxy.fault = fault
            await asyncio.sleep(0.5)
            begun = time.monotonic()
            await engine.close()
            assert time.monotonic() - begun < 9
            task.cancel()
