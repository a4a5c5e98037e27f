"""Who does what: work and timers are taken under a lease, and whoever has lost theirs can no longer write.

Instants are in microseconds. The statements are built once, with the time by which leases run: the caller's, or, where
many machines share a database, the database's own.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Executable,
    Select,
    Table,
    Text,
    Update,
    bindparam,
    case,
    cast,
    func,
    select,
    update,
)

from hookflash.errors import AlreadyDone
from hookflash.ports import Lease, Share
from hookflash.stores.rows import ForRows, Value
from hookflash.stores.tables import DEAD, DONE, MICROSECOND, PENDING, RANKS, is_pending, outbox, rank_of, timers

# Clocks of machines that work together differ by less.
SET_BACK = timedelta(minutes=1)
# No try is put off for longer, and no lease is longer.
LONGEST_WAIT = timedelta(minutes=10)

_box, _timer = outbox.c, timers.c
_STILL_HELD = (_box.id == bindparam("item")) & (_box.epoch == bindparam("lease_epoch")) & (_box.state == PENDING)


def _crossing_off(value: Value, _: str) -> Executable:
    """Return the statement that makes work done, or, where it says why, a dead letter."""
    failed = value("why").is_not(None)
    gone = {
        "state": case((failed, DEAD), else_=DONE),
        "attempts": _box.attempts + case((failed, 1), else_=0),
        "last_error": func.coalesce(value("why"), _box.last_error),
    }
    held = (_box.id == value("item")) & (_box.epoch == value("lease_epoch")) & (_box.state == PENDING)
    return update(outbox).where(held).values(gone)


_CROSS_OFF = ForRows({"item": BigInteger(), "lease_epoch": BigInteger(), "why": Text()}, _crossing_off)


class Claims:
    """The statements of leases, for one way of telling the time."""

    def __init__(self, now: ColumnElement[int]) -> None:
        """Take the expression for the time by which leases run."""
        until = now + bindparam("lease", type_=BigInteger)
        free_work = is_pending & (_box.due_at <= now) & (_box.held_until <= now)
        due = free_work & (_box.tenant == bindparam("own_tenant")) & (_box.rank == bindparam("own_rank"))
        self._any_work = select(_box.id).where(free_work).limit(1)
        of_tenant = free_work & (_box.tenant == bindparam("own_tenant"))
        self._ranks_with_work = select(*(select(_box.id).where(of_tenant & (_box.rank == rank)).exists() for rank in RANKS))
        self._take_work = _taking(outbox, _first(outbox, due, _box.due_at), {"held_until": until, "epoch": _box.epoch + 1})
        free = _timer.held_until <= now
        at, set_after = bindparam("due_by", type_=BigInteger), bindparam("set_after", type_=BigInteger)
        held = {"held_until": until}
        self._take_timers = _taking(timers, _first(timers, (_timer.at <= at) & free, _timer.at), held)
        self._take_set_back = _taking(timers, _first(timers, (_timer.set_at > set_after) & free, _timer.set_at), held)
        self._renew = update(outbox).where(_STILL_HELD & (_box.held_until > 0)).values(held_until=until)
        self._release = update(outbox).where(_STILL_HELD).values(held_until=0)
        tries = _box.attempts + bindparam("tried", type_=BigInteger)
        later = {"due_at": until, "held_until": 0, "attempts": tries, "last_error": bindparam("why")}
        self._postpone = update(outbox).where(_STILL_HELD).values(later)

    def take_deliveries(self, connection: Connection, now: int, lease: timedelta, shares: Sequence[Share], limit: int) -> Sequence[Any]:
        """Return the rows of work that were taken, most urgent first, oldest first."""
        taken: list[Any] = []
        if connection.execute(self._any_work, {"now": now}).first() is None:
            return taken
        tenants = dict.fromkeys(tenant for share in shares for tenant in share.of_tenant)
        waiting = {tenant: self._waiting(connection, tenant, now) for tenant in tenants}
        for share in shares:
            most, room = min(share.most, limit - len(taken)), dict(share.of_tenant)
            for rank in sorted(rank_of(urgency, crowded=share.crowded) for urgency in share.urgencies):
                for tenant in (tenant for tenant in room if rank in waiting[tenant]):
                    rows = self._take(connection, tenant, rank, min(room[tenant], most), now, lease)
                    room[tenant] -= len(rows)
                    most -= len(rows)
                    taken += rows
        return sorted(taken, key=lambda row: (row.rank, row.id))

    def _waiting(self, connection: Connection, tenant: str, now: int) -> frozenset[int]:
        """Return the ranks of the work of a tenant that is free to be taken."""
        found = connection.execute(self._ranks_with_work, {"own_tenant": tenant, "now": now}).one()
        return frozenset(rank for rank, waits in zip(RANKS, found, strict=True) if waits)

    def _take(self, connection: Connection, tenant: str, rank: int, most: int, now: int, lease: timedelta) -> Sequence[Any]:
        if most <= 0:
            return ()
        wanted = {"own_tenant": tenant, "own_rank": rank, "most": most, "now": now, "lease": lease // MICROSECOND}
        return connection.execute(self._take_work, wanted).all()

    def take_timers(self, connection: Connection, due_by: int, now: int, lease: timedelta, limit: int) -> Sequence[Any]:
        """Return the rows of timers that were taken, oldest first."""
        set_after = due_by + SET_BACK // MICROSECOND
        wanted = {"due_by": due_by, "set_after": set_after, "now": now, "lease": lease // MICROSECOND, "most": limit}
        rows = connection.execute(self._take_timers, wanted).all() or connection.execute(self._take_set_back, wanted).all()
        return sorted(rows, key=lambda row: (row.at, row.id))

    def postpone(self, connection: Connection, held: Lease, now: int, wait: timedelta, why: str, *, tried: bool) -> None:
        """Give work back until later."""
        connection.execute(self._postpone, _own(held) | {"now": now, "lease": wait // MICROSECOND, "why": why, "tried": int(tried)})

    def renew(self, connection: Connection, now: int, lease: timedelta, held: Sequence[Lease]) -> tuple[Lease, ...]:
        """Hold work for longer, and return what is still held."""
        longer = {"now": now, "lease": lease // MICROSECOND}
        in_order = sorted(held, key=lambda one: one.item)
        return tuple(one for one in in_order if connection.execute(self._renew, _own(one) | longer).rowcount)

    def release(self, connection: Connection, held: Sequence[Lease]) -> None:
        """Give work back for others to take at once."""
        for one in sorted(held, key=lambda lease: lease.item):
            connection.execute(self._release, _own(one))


@cache
def claims_by(clock: str) -> Claims:
    """Return the statements that tell the time by the `caller` or by the `database` (PostgreSQL's)."""
    if clock == "caller":
        return Claims(bindparam("now", type_=BigInteger))
    return Claims(cast(func.extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger))


def finish(connection: Connection, outcomes: Sequence[tuple[Lease, str | None]]) -> None:
    """Cross work off, with why it failed if it did. Raises `AlreadyDone` if the lease of any of it was lost."""
    rows = sorted((_own(held) | {"why": failed} for held, failed in outcomes), key=lambda row: row["item"])
    if _CROSS_OFF.run(connection, rows) != len(rows):
        raise AlreadyDone("the delivery was already finished, or taken over by another courier")


def set_right(connection: Connection, now: int) -> None:
    """After the clock was set back: let go of what is held, or put off, for longer than anything ever is."""
    far = now + LONGEST_WAIT // MICROSECOND
    connection.execute(update(outbox).where((_box.state == PENDING) & (_box.due_at > far)).values(due_at=0))
    for table in (outbox, timers):
        connection.execute(update(table).where(table.c.held_until > far).values(held_until=0))


def release_all(connection: Connection) -> None:
    """Give back what a server before this one held; there is no other beside this one."""
    for table in (outbox, timers):
        connection.execute(update(table).where(table.c.held_until > 0).values(held_until=0))


def _first(table: Table, due: Any, order: Any) -> Select[tuple[int]]:
    most = bindparam("most", type_=BigInteger)
    return select(table.c.id).where(due).order_by(order, table.c.id).limit(most).with_for_update(skip_locked=True)


def _taking(table: Table, first: Select[tuple[int]], held: Mapping[str, Any]) -> Any:
    """Return the statement that holds rows and returns them. The set is computed once, not again for every row."""
    chosen = first.cte("due").prefix_with("MATERIALIZED", dialect="postgresql")
    taking: Update = update(table).where(table.c.id.in_(select(chosen.c.id))).values(held)
    return taking.returning(table)


def _own(held: Lease) -> dict[str, Any]:
    return {"item": held.item, "lease_epoch": held.epoch}
