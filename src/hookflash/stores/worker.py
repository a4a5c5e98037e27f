"""One thread, one connection. Jobs that wait together share a transaction, and so one sync of the disk."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from hookflash.errors import StoreUnavailable
from hookflash.ports import Change

# How long a database may take to answer what is under way when the store is closed.
STOP_SECONDS = 5.0
_LOOK_SECONDS = 0.01
# How many jobs may share a transaction. Beyond this the first would wait for the last for no gain.
MAX_BATCH = 256

T = TypeVar("T")
Job = Callable[[Connection], Any]
Writer = Callable[[Connection, Sequence[Change]], None]
Written = Callable[[Connection, Change], bool]


class _Order(NamedTuple):
    job: Job | None
    change: Change | None
    future: "asyncio.Future[Any]"


class Worker:
    """Runs jobs on a database in the order given. A job that fails does not touch the others of its batch.

    Where the connection is lost, they are tried once more on a new one.
    """

    def __init__(
        self,
        engine: Engine,
        name: str,
        translate: Callable[[Exception], Exception],
        write: Writer | None = None,
        written: Written | None = None,
    ) -> None:
        """Start the thread.

        `translate` turns the database's errors into ours, `write` writes changes together, `written` says whether one is there.
        """
        self._written = written
        self._engine = engine
        self._write = write
        self._translate = translate
        self._orders: SimpleQueue[_Order | None] = SimpleQueue()
        self._stopping = False
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def run(self, job: Callable[[Connection], T]) -> T:
        """Return what the job returns, once it is durably written. Raises what it raises, in our own errors."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._order(_Order(job, None, future))
        return await future

    async def commit(self, change: Change) -> None:
        """Return once a change is durably written, perhaps together with others."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order(_Order(None, change, future))
        await future

    def _order(self, order: _Order) -> None:
        if self._stopping:
            raise StoreUnavailable("the store is closed; nothing was accepted")
        self._orders.put(order)

    async def stop(self) -> bool:
        """Finish what was ordered and take nothing more; return whether the database answered in time and the thread ended."""
        self._stopping = True
        self._orders.put(None)
        return await ended(self._thread)

    def _work(self) -> None:
        last = False
        while not last:
            orders, last = self._next()
            if orders:
                self._serve(orders)

    def _next(self) -> tuple[list[_Order], bool]:
        """Return the orders that wait, and whether they are the last."""
        orders: list[_Order] = []
        first = self._orders.get()
        while first is not None:
            orders.append(first)
            if len(orders) >= MAX_BATCH or self._orders.empty():
                return orders, False
            first = self._orders.get()
        return orders, True

    def _serve(self, orders: list[_Order], lost: Exception | None = None) -> None:
        """Do orders in one transaction. `lost` is how the connection broke off when they were tried before."""
        try:
            with self._engine.begin() as connection:
                changes = [order.change for order in orders if order.change is not None]
                if changes and self._write is not None:
                    self._write(connection, changes)
                results = [order.job(connection) if order.job is not None else None for order in orders]
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for the job
            self._failed(orders, error, lost)
            return
        _settle(orders, results)

    def _failed(self, orders: list[_Order], error: Exception, lost: Exception | None) -> None:
        if _cut_off(error) and lost is None:
            self._serve(orders, lost=error)
        elif _concerns_all(error):
            _settle(orders, [self._translate(lost or error) for _ in orders])
        elif len(orders) > 1:
            for order in orders:
                self._serve([order], lost)
        elif lost is not None and self._is_there(orders[0]):
            _settle(orders, [None])
        else:
            _settle(orders, [self._translate(error)])

    def _is_there(self, order: _Order) -> bool:
        """Whether an order that is refused now was carried out before the connection broke off."""
        if order.change is None or self._written is None:
            return False
        with suppress(DBAPIError), self._engine.begin() as connection:
            return self._written(connection, order.change)
        return False


async def ended(thread: Thread) -> bool:
    """Wait for a thread that was told to end, and return whether it did so in time. Meanwhile the event loop goes on."""
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            while thread.is_alive():  # noqa: ASYNC110 - a thread has no event, and the pool of threads may be busy with others
                await asyncio.sleep(_LOOK_SECONDS)
    return not thread.is_alive()


def _concerns_all(error: Exception) -> bool:
    """Whether it is the database that fails, and not one of the jobs: each would only wait for the same, one after another."""
    return isinstance(error, StoreUnavailable) or (isinstance(error, OperationalError) and getattr(error.orig, "sqlstate", None) is None)


def _cut_off(error: Exception) -> bool:
    """Whether the connection was lost, so that a new one may do. What is done twice is refused by its version or key."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _settle(orders: Sequence[_Order], outcomes: Sequence[Any]) -> None:
    """Wake the waiters, with one call for each of their event loops."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for order, outcome in zip(orders, outcomes, strict=True):
        by_loop.setdefault(order.future.get_loop(), []).append((order.future, outcome))
    for loop, settled in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, settled)


def _resolve(settled: list[tuple["asyncio.Future[Any]", Any]]) -> None:
    for future, outcome in settled:
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
