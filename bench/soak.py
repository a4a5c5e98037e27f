"""An hour (or MINUTES) of steady work with retention: memory and the size of the database, minute by minute, must level off."""

import asyncio
import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from bench.outside import Shop
from hookflash.app.logs import set_up_logs
from hookflash.matrix.retention import Retention
from hookflash.model import Accepted, Turn, WrappedUp

MINUTES = int(os.environ.get("MINUTES", "60"))
A_SECOND = 20
KEPT = Retention(conversations=timedelta(minutes=2), audit=timedelta(minutes=2), work=timedelta(minutes=1))


def resident() -> float:
    """Return the memory in use, in megabytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def converse(shop: Shop, number: int) -> None:
    """Ask for a person, be taken, be wrapped up."""
    for seq, text in enumerate(("hello", "a human please", "it is about my lamp"), start=1):
        decision = await shop.engine.observe(Turn(conversation=f"c{number}", speaker="customer", text=text, language="en", seq=seq))
    await asyncio.sleep(1)
    await shop.engine.apply(decision.handoff, Accepted(responder="team"), tenant="default")
    await shop.engine.apply(decision.handoff, WrappedUp(disposition="done"), tenant="default")


async def soak(folder: Path) -> None:
    path = folder / "soak.db"
    shop = Shop(path)
    await shop.engine.start()
    tasks = [asyncio.create_task(one.run()) for one in (shop.courier, shop.watchman)]
    talks: set[asyncio.Task] = set()
    begun, number = time.monotonic(), 0
    for minute in range(1, MINUTES + 1):
        while (passed := time.monotonic() - begun) < minute * 60:
            while number < passed * A_SECOND / 3:
                talk = asyncio.create_task(converse(shop, number))
                talks.add(talk)
                talk.add_done_callback(talks.discard)
                number += 1
            await asyncio.sleep(0.02)
        while await shop.store.expire("default", shop.engine.clock.now(), KEPT):
            pass
        rows = sum((await shop.store.counts()).values())
        print(
            f"minute {minute}: {number} conversations, {resident():.0f} MB, file {path.stat().st_size / 1e6:.1f} MB, {rows} rows",
            flush=True,
        )
    await asyncio.gather(*talks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await shop.store.close()


if __name__ == "__main__":
    set_up_logs(level=50)
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(soak(Path(directory)))
