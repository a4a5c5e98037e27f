"""A million open promises: how long the watchman's looks take, against reading a single row."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from bench.outside import Shop, postgres
from hookflash.model import State
from hookflash.model.handoff import PromiseDue, SetTimer
from hookflash.stores import tables as t
from hookflash.testing.samples import a_handoff

PROMISES, BATCH = 1_000_000, 10_000


def fill(connection, first: int, now: datetime) -> None:
    """Add handoffs that promised something, each with its timer in the days to come."""
    due = now + timedelta(hours=1)
    document = a_handoff(state=State.PROMISED).model_dump_json()
    timer = SetTimer(at=due, event=PromiseDue()).model_dump_json()
    handoffs, timers = [], []
    for number in range(first, first + BATCH):
        at = t.to_micros(due) + number * 1_000_000
        own = {"tenant": "default", "document": document}
        handoffs.append(
            own
            | {"id": f"ho-{number}", "version": 1, "conversation": f"c{number}", "state": "promised", "requested_at": 1, "changed_at": 1}
            | {"promise_due": at, "promise_desk": "crm", "next_at": at}
        )
        timers.append({"tenant": "default", "handoff": f"ho-{number}", "kind": "promise_due", "at": at, "document": timer})
    connection.execute(insert(t.handoffs), handoffs)
    connection.execute(insert(t.timers), timers)


async def timed(call: Callable[[], Awaitable[object]], times: int = 20) -> float:
    begun = time.perf_counter()
    for _ in range(times):
        await call()
    return (time.perf_counter() - begun) / times * 1_000


async def look(name: str, database: Path | str) -> None:
    shop = Shop(database)
    now = shop.engine.clock.now()
    for first in range(0, PROMISES, BATCH):
        await shop.store.run(lambda connection, first=first: fill(connection, first, now))
    if isinstance(database, str):
        await shop.store.run(lambda connection: connection.exec_driver_sql("ANALYZE") and None)
    row = await timed(lambda: shop.store.handoff("default", "ho-77"))
    round_ = await timed(shop.watchman.round)
    print(
        f"{name}: a round of the watchman over {PROMISES:,} open promises takes {round_ / row:,.1f} x reading one handoff ({round_:.1f} ms here)"
    )
    await shop.store.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(look("SQLite", Path(folder) / "promises.db"))
    with postgres() as url:
        asyncio.run(look("PostgreSQL", url))


if __name__ == "__main__":
    main()
