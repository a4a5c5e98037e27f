"""Escalations carried to the end a second by 1, 2, 3 and 4 processes on one PostgreSQL, against one process."""

import asyncio
import subprocess
import sys
import time

from bench.outside import Shop, postgres
from hookflash.app.logs import set_up_logs
from hookflash.model import Turn

EACH, SIDE_BY_SIDE = 400, 32


async def work(url: str, name: str) -> None:
    """Take turns and carry out what follows, until this process' share is done."""
    shop = Shop(url)
    await shop.engine.start()
    courier = asyncio.create_task(shop.courier.run())
    print("ready", flush=True)
    sys.stdin.readline()
    waiting = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(number: int) -> None:
        async with waiting:
            said = Turn(conversation=f"{name}-{number}", speaker="customer", text="a human please", language="en", key="1")
            await shop.engine.observe(said)

    await asyncio.gather(*(one(number) for number in range(EACH)))
    print("taken", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    courier.cancel()
    await asyncio.gather(courier, return_exceptions=True)
    await shop.store.close()


def measured(count: int) -> float:
    with postgres() as url:
        command = [sys.executable, "-m", "bench.scale", url]
        workers = [
            subprocess.Popen([*command, f"p{number}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for number in range(count)
        ]
        for worker in workers:
            assert worker.stdout.readline() == "ready\n"
        begun = time.perf_counter()
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        for worker in workers:
            assert worker.stdout.readline() == "taken\n"
        asyncio.run(_until_done(url, 3 * EACH * count))
        rate = EACH * count / (time.perf_counter() - begun)
        for worker in workers:
            worker.communicate("stop\n", timeout=30)
    return rate


async def _until_done(url: str, deliveries: int) -> None:
    shop = Shop(url)
    while (await shop.store.counts()).get("outbox_done", 0) < deliveries:  # noqa: ASYNC110 - other processes do the work
        await asyncio.sleep(0.02)
    await shop.store.close()


def main() -> None:
    rates = {count: measured(count) for count in (1, 2, 3, 4)}
    for count, rate in rates.items():
        print(f"{count} processes: {rate / rates[1]:.2f} x one ({rate:,.0f} escalations a second here)")


if __name__ == "__main__":
    set_up_logs(level=50)
    if len(sys.argv) > 2:
        asyncio.run(work(sys.argv[1], sys.argv[2]))
    else:
        main()
