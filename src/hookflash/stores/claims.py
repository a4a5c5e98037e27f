"""Who does what: work and timers are taken under a lease, and whoever has lost theirs can no longer write.

`now` is in microseconds, and may be an expression: where many machines share a database, leases run by its clock.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Select, select, update

from hookflash.errors import AlreadyDone
from hookflash.ports import Lease
from hookflash.stores.tables import DEAD, DONE, PENDING, outbox, timers

# Clocks of machines that work together differ by less.
SET_BACK = timedelta(minutes=1)
_MICROSECOND = timedelta(microseconds=1)


def take_deliveries(
    connection: Connection, now: Any, lease: timedelta, ranks: Sequence[int], limits: Mapping[str, int], limit: int
) -> Sequence[Any]:
    """Return the rows of work that were taken, most urgent first, oldest first."""
    taken: list[Any] = []
    room = dict(limits)
    for rank in ranks:
        for tenant in limits:
            most = min(room[tenant], limit - len(taken))
            rows = _take(connection, _due(now, tenant, rank).limit(most), now, lease) if most > 0 else ()
            room[tenant] -= len(rows)
            taken += rows
    return sorted(taken, key=lambda row: (row.rank, row.id))


def _due(now: Any, tenant: str, rank: int) -> Select[tuple[int]]:
    box = outbox.c
    own = (box.state == PENDING) & (box.tenant == tenant) & (box.rank == rank)
    due = own & (box.due_at <= now) & (box.held_until <= now)
    return select(box.id).where(due).order_by(box.due_at, box.id).with_for_update(skip_locked=True)


def _take(connection: Connection, due: Select[tuple[int]], now: Any, lease: timedelta) -> Sequence[Any]:
    box = outbox.c
    held = {"held_until": now + lease // _MICROSECOND, "epoch": box.epoch + 1}
    # A set that is computed once, also where the database would rather look again for every row.
    chosen = due.cte("due").prefix_with("MATERIALIZED", dialect="postgresql")
    return connection.execute(update(outbox).where(box.id.in_(select(chosen.c.id))).values(held).returning(outbox)).all()


def take_timers(connection: Connection, now: Any, set_after: int, lease: timedelta, limit: int) -> Sequence[Any]:
    """Return the rows of timers that were taken; `set_after` is where the future begins."""
    time = timers.c
    for due, order in ((time.at <= now, time.at), (time.set_at > set_after, time.set_at)):
        free = select(time.id).where(due & (time.held_until <= now)).order_by(order).limit(limit).with_for_update(skip_locked=True)
        chosen = free.cte("due").prefix_with("MATERIALIZED", dialect="postgresql")
        held = {"held_until": now + lease // _MICROSECOND}
        rows = connection.execute(update(timers).where(time.id.in_(select(chosen.c.id))).values(held).returning(timers)).all()
        if rows:
            return sorted(rows, key=lambda row: (row.at, row.id))
    return ()


def finish(connection: Connection, held: Lease, failed: str | None) -> None:
    """Cross work off. Raises `AlreadyDone` for whoever lost the lease."""
    end = {"state": DONE} if failed is None else {"state": DEAD, "last_error": failed, "attempts": outbox.c.attempts + 1}
    if connection.execute(update(outbox).where(_still(held)).values(end)).rowcount != 1:
        raise AlreadyDone("the delivery was already finished, or taken over by another courier")


def postpone(connection: Connection, held: Lease, due_at: Any, error: str, *, tried: bool) -> None:
    """Give work back until later."""
    later = {"due_at": due_at, "held_until": 0, "attempts": outbox.c.attempts + int(tried), "last_error": error}
    connection.execute(update(outbox).where(_still(held)).values(later))


def hold_until(connection: Connection, until: Any, held: Sequence[Lease]) -> tuple[Lease, ...]:
    """Let leases end at another time, and return those that were still held."""
    return tuple(
        one
        for one in sorted(held, key=lambda lease: lease.item)
        if connection.execute(update(outbox).where(_still(one)).values(held_until=until)).rowcount
    )


def release_all(connection: Connection) -> None:
    """Give back what a server before this one held; there is no other beside this one."""
    for table in (outbox, timers):
        connection.execute(update(table).where(table.c.held_until > 0).values(held_until=0))


def _still(held: Lease) -> Any:
    return (outbox.c.id == held.item) & (outbox.c.epoch == held.epoch) & (outbox.c.state == PENDING)
