"""One thread, one connection. Jobs that wait together share a transaction, and so one sync of the disk."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from hookflash.errors import StoreUnavailable
from hookflash.ports import Change
from hookflash.stores.dialect import LOCKED

# How long a database may take to answer what is under way when the store is closed.
STOP_SECONDS = 3.0
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
    """Runs jobs on a database in the order given, and closes its connections at the end.

    A job that fails does not touch the others of its batch.

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
        self._under_way: list[_Order] = []
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
        if await ended(self._thread):
            return True
        self._abandon()
        return False

    def _abandon(self) -> None:
        """Tell those who still wait that nobody will answer them."""
        begun, waiting = self._under_way, []
        with suppress(Empty):
            while True:
                waiting.append(self._orders.get_nowait())
        self._orders.put(None)  # the thread ends should the database answer after all
        unknown = "the database did not answer before the store was closed. It is not known whether it was accepted"
        _settle(begun, [StoreUnavailable(f"{unknown}: send it again under the same seq or key") for _ in begun])
        orders = [order for order in waiting if order is not None]
        _settle(orders, [StoreUnavailable("the store is closed; nothing was accepted") for _ in orders])

    def _work(self) -> None:
        last = False
        while not last:
            self._under_way, last = self._next()
            if self._under_way:
                self._serve(self._under_way)
        self._engine.dispose()

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
        elif lost is not None:
            _settle(orders, [self._after_loss(orders[0], self._translate(error), lost)])
        else:
            _settle(orders, [self._translate(error)])

    def _after_loss(self, order: _Order, refusal: Exception, lost: Exception) -> Exception | None:
        """Return what came of an order that is refused now, and may have been carried out before the connection broke off."""
        there = self._is_there(order)
        if there:
            return None
        return refusal if there is False and not isinstance(refusal, StoreUnavailable) else self._translate(lost)

    def _is_there(self, order: _Order) -> bool | None:
        """Whether an order was carried out, or None where that cannot be seen."""
        if order.change is None or self._written is None:
            return None
        try:
            with self._engine.begin() as connection:
                return self._written(connection, order.change)
        except Exception:  # noqa: BLE001 - then it is not known
            return None


async def ended(thread: Thread) -> bool:
    """Wait for a thread that was told to end, and return whether it did so in time. Meanwhile the event loop goes on."""
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            while thread.is_alive():  # noqa: ASYNC110 - a thread has no event, and the pool of threads may be busy with others
                await asyncio.sleep(_LOOK_SECONDS)
    return not thread.is_alive()


def _concerns_all(error: Exception) -> bool:
    """Whether it is the database that fails, and not one of the jobs: each would only wait for the same, one after another.

    No row is locked for as long as a lock is waited for, but a whole table may be.
    """
    unusable = isinstance(error, OperationalError) and getattr(error.orig, "sqlstate", None) in (None, LOCKED)
    return unusable or isinstance(error, StoreUnavailable)


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
