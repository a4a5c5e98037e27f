"""Escalations carried to the end a second, beside the same work done on procrastinate, pgqueuer and dbos, in one run.

The work: an escalation is stored, its brief is put on a desk, a person is rung, and the customer is told, each step once
and recorded durably before the next. Desks and lines take no time. The peers keep one row of state and run the three
steps as jobs (or steps of a workflow) that follow on one another; hookflash does all that it always does.
"""

import asyncio
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable

import psycopg

from bench.outside import Shop, postgres
from hookflash.app.logs import set_up_logs
from hookflash.model import State, Turn

ESCALATIONS, SIDE_BY_SIDE, ROUNDS = 400, 32, 3
STATE = "CREATE TABLE IF NOT EXISTS escalations (id TEXT PRIMARY KEY, state TEXT NOT NULL)"
ADD = "INSERT INTO escalations VALUES (%s, 'requested')"
STEPS = ("briefed", "ringing", "told")


async def all_at_once(one: Callable[[int], Awaitable[object]]) -> None:
    waiting = asyncio.Semaphore(SIDE_BY_SIDE)

    async def bounded(number: int) -> None:
        async with waiting:
            await one(number)

    await asyncio.gather(*(bounded(number) for number in range(ESCALATIONS)))


async def until_told(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while True:
            found = await connection.execute("SELECT count(*) FROM escalations WHERE state = 'told'")
            if (await found.fetchone())[0] == ESCALATIONS:
                return
            await asyncio.sleep(0.02)


async def ours(url: str) -> float:
    shop = Shop(url)
    await shop.engine.start()
    courier = asyncio.create_task(shop.courier.run())
    begun = time.perf_counter()

    async def one(number: int) -> None:
        await shop.engine.observe(Turn(conversation=f"c{number}", speaker="customer", text="a human please", language="en", key="1"))

    await all_at_once(one)
    while (await shop.store.counts()).get("outbox_done", 0) < 3 * ESCALATIONS:  # noqa: ASYNC110 - as the others are watched
        await asyncio.sleep(0.02)
    rate = ESCALATIONS / (time.perf_counter() - begun)
    assert len(await shop.store.handoffs("default", [State.RINGING], ESCALATIONS)) == ESCALATIONS
    courier.cancel()
    await asyncio.gather(courier, return_exceptions=True)
    await shop.store.close()
    return rate


async def procrastinate(url: str) -> float:
    import procrastinate as library
    from psycopg_pool import AsyncConnectionPool

    app = library.App(connector=library.PsycopgConnector(conninfo=url, max_size=8))
    pool = AsyncConnectionPool(url, min_size=8, max_size=8, open=False, kwargs={"autocommit": True})

    @app.task(queue="steps", name="step")
    async def step(escalation: str, number: int) -> None:
        async with pool.connection() as connection:
            await connection.execute("UPDATE escalations SET state = %s WHERE id = %s", (STEPS[number], escalation))
        if number + 1 < len(STEPS):
            await step.defer_async(escalation=escalation, number=number + 1)

    await pool.open()
    async with app.open_async(), pool.connection() as connection:
        await app.schema_manager.apply_schema_async()
        await connection.execute(STATE)
        worker = asyncio.create_task(app.run_worker_async(concurrency=SIDE_BY_SIDE, install_signal_handlers=False, listen_notify=True))
        begun = time.perf_counter()

        async def one(number: int) -> None:
            async with pool.connection() as own:
                await own.execute(ADD, (f"e{number}",))
            await step.defer_async(escalation=f"e{number}", number=0)

        await all_at_once(one)
        await until_told(url)
        rate = ESCALATIONS / (time.perf_counter() - begun)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    await pool.close()
    return rate


async def pgqueuer(url: str) -> float:
    import asyncpg
    from pgqueuer import PgQueuer, Queries
    from pgqueuer.db import AsyncpgDriver, AsyncpgPoolDriver

    pool = await asyncpg.create_pool(url, min_size=8, max_size=8)
    listening = await asyncpg.connect(url)
    queries = Queries(AsyncpgPoolDriver(pool))
    await queries.install()
    await pool.execute(STATE)
    queue = PgQueuer(AsyncpgDriver(listening))

    @queue.entrypoint("step")
    async def step(job) -> None:
        escalation, _, number = job.payload.decode().partition(":")
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("UPDATE escalations SET state = $1 WHERE id = $2", STEPS[int(number)], escalation)
            if int(number) + 1 < len(STEPS):
                await Queries(AsyncpgDriver(connection)).enqueue(["step"], [f"{escalation}:{int(number) + 1}".encode()], [0])

    worker = asyncio.create_task(queue.run(batch_size=SIDE_BY_SIDE))
    await asyncio.sleep(0.3)
    begun = time.perf_counter()

    async def one(number: int) -> None:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(ADD.replace("%s", "$1"), f"e{number}")
            await Queries(AsyncpgDriver(connection)).enqueue(["step"], [f"e{number}:0".encode()], [0])

    await all_at_once(one)
    await until_told(url)
    rate = ESCALATIONS / (time.perf_counter() - begun)
    queue.shutdown.set()
    await asyncio.wait([worker], timeout=5)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    await listening.close()
    pool.terminate()
    return rate


async def dbos(url: str) -> float:
    from dbos import DBOS
    from psycopg_pool import AsyncConnectionPool

    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "CRITICAL", "run_admin_server": False})
    pool = AsyncConnectionPool(url, min_size=8, max_size=8, open=False, kwargs={"autocommit": True})

    @DBOS.step()
    async def add(escalation: str) -> None:
        async with pool.connection() as connection:
            await connection.execute(ADD, (escalation,))

    @DBOS.step()
    async def step(escalation: str, state: str) -> None:
        async with pool.connection() as connection:
            await connection.execute("UPDATE escalations SET state = %s WHERE id = %s", (state, escalation))

    @DBOS.workflow()
    async def escalate(escalation: str) -> None:
        await add(escalation)
        for state in STEPS:
            await step(escalation, state)

    await pool.open()
    async with pool.connection() as connection:
        await connection.execute(STATE)
    DBOS.launch()
    begun = time.perf_counter()

    async def one(number: int) -> None:
        handle = await DBOS.start_workflow_async(escalate, f"e{number}-{uuid.uuid4()}")
        await handle.get_result()

    await all_at_once(one)
    rate = ESCALATIONS / (time.perf_counter() - begun)
    DBOS.destroy()
    await pool.close()
    return rate


def main() -> None:
    set_up_logs(level=50)
    rates: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for run in (ours, procrastinate, pgqueuer, dbos):
            with postgres() as url:
                rates.setdefault(run.__name__, []).append(asyncio.run(run(url)))
    medians = {name: statistics.median(each) for name, each in rates.items()}
    for name, rate in medians.items():
        if name != "ours":
            print(
                f"escalations carried to the end: {medians['ours'] / rate:5.2f} x {name} ({medians['ours']:,.0f} and {rate:,.0f} a second here)"
            )


if __name__ == "__main__":
    main()
