"""The store over any SQL database: the statements, told once. How to open a database is its own file's business."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from sqlalchemy import BigInteger, Connection, Engine, bindparam, func, select, update

from hookflash.matrix.retention import Retention
from hookflash.model import (
    Brief,
    Conversation,
    Delivery,
    Handoff,
    HistoryTurn,
    Receipt,
    State,
    TurnRecord,
    Urgency,
)
from hookflash.model.conversation import WINDOW_TURNS
from hookflash.ports import AuditEntry, Change, Halted, Lease, Message, OutboxItem, Share, Timer, Tombstone
from hookflash.stores import tables as t
from hookflash.stores.claims import claims_by, set_right
from hookflash.stores.dialect import insert_for
from hookflash.stores.erasure import expire, tombstone
from hookflash.stores.reading import (
    read_beside,
    read_by_name,
    read_conversation,
    read_handoff,
    read_rows,
    read_timer,
    read_turn,
    read_work,
)
from hookflash.stores.tickets import put_message, put_ticket
from hookflash.stores.worker import Worker
from hookflash.stores.writes import is_written, outgoing, write

log = structlog.get_logger("hookflash.store")

T = TypeVar("T")


# Statements that are run many times a minute are built once.
_hand, _box = t.handoffs.c, t.outbox.c
_before, _most = bindparam("before", type_=BigInteger), bindparam("most", type_=BigInteger)
_working = select(_box.id).where((_box.handoff == _hand.id) & (_box.tenant == _hand.tenant) & (_box.state == t.PENDING))
_at_an_end = _hand.next_at < _before
_STALLED = select(_hand.id, _hand.state).where(t.is_waiting & _at_an_end & ~_working.exists()).order_by(_hand.next_at).limit(_most)
_unheld = t.is_pending & (_box.made_at < _before) & (_box.due_at < _before) & (_box.held_until < _before)
_NEGLECTED = select(t.outbox).where(_unheld).order_by(_box.rank, _box.id).limit(_most)
_HANDOFF = select(_hand.document).where((_hand.tenant == bindparam("own_tenant")) & (_hand.id == bindparam("own_id")))
_named = _hand.tenant.in_(bindparam("tenants", expanding=True)) & _hand.id.in_(bindparam("ids", expanding=True))
_HANDOFFS = select(_hand.tenant, _hand.id, _hand.document).where(_named)
_talk, _said = t.conversations.c, t.turns.c
_CONVERSATION = select(_talk.document).where((_talk.tenant == bindparam("own_tenant")) & (_talk.id == bindparam("own_id")))
_own_turns = (_said.tenant == bindparam("own_tenant")) & (_said.conversation == bindparam("own_id"))
_WINDOW = select(_said.document).where(_own_turns).order_by(_said.number.desc()).limit(WINDOW_TURNS)


class SqlStore:
    """Keeps everything in the tables of `tables.py`."""

    where: str
    """What the database is called in messages; never with its password."""
    revision: str
    """The newest migration that it has."""
    lease_clock = "caller"
    """Who tells the time by which leases run: the `caller` or the `database`."""

    def __init__(
        self, writing: Engine, reading: Engine, translate: Callable[[Exception], Exception], worker: Callable[..., Any] = Worker
    ) -> None:
        """Take an engine to write with and one to read with.

        `translate` turns the database's errors into ours; `worker` runs the statements.
        """
        self.engine = writing
        self._claims = claims_by(self.lease_clock)
        self._insert = insert_for(writing.dialect.name)
        self._writer: Worker = worker(writing, "store-writer", translate, self._write_changes, is_written)
        self._reader: Worker = worker(reading, "store-reader", translate)

    async def conversation(self, tenant: str, conversation: str) -> Conversation | None:
        """See `Store`."""
        return await self._reader.run(lambda connection: _conversation(connection, tenant, conversation))

    async def recall(self, tenant: str, conversation: str) -> Conversation | Tombstone | None:
        """See `Store`."""
        found = await self.conversation(tenant, conversation)
        return found or await self._reader.run(lambda connection: tombstone(connection, tenant, conversation))

    async def turn(self, tenant: str, conversation: str, *, seq: int | None, key: str | None) -> TurnRecord | None:
        """See `Store`."""
        same = t.turns.c.key == key if key is not None else t.turns.c.seq == seq
        query = select(t.turns.c.document).where(t.of_conversation(t.turns, tenant, conversation) & same)
        document = await self._one(query)
        return read_turn(document) if document else None

    async def history(self, tenant: str, conversation: str) -> tuple[HistoryTurn, ...]:
        """See `Store`."""
        query = select(t.turns.c.document).where(t.of_conversation(t.turns, tenant, conversation)).order_by(t.turns.c.number)
        records = [read_turn(document) for document in await self._all(query)]
        return tuple(HistoryTurn.of(record) for record in records if not record.turn.draft)

    async def handoff(self, tenant: str, handoff: str) -> Handoff | None:
        """See `Store`."""
        asked = {"own_tenant": tenant, "own_id": handoff}
        document = await self._reader.run(lambda connection: connection.execute(_HANDOFF, asked).scalar_one_or_none())
        return read_handoff(document) if document else None

    async def handoffs(self, tenant: str, states: Sequence[State] = (), limit: int = 100) -> tuple[Handoff, ...]:
        """See `Store`."""
        query = select(t.handoffs.c.id, t.handoffs.c.document).where(t.handoffs.c.tenant == tenant)
        if states:
            query = query.where(t.handoffs.c.state.in_([state.value for state in states]))
        return await self._handoffs(query.order_by(t.handoffs.c.requested_at.desc()).limit(limit))

    async def open_handoffs_of(self, tenant: str, identities: Sequence[str], limit: int) -> tuple[Handoff, ...]:
        """See `Store`."""
        known = t.identities.c
        theirs = select(known.conversation).where((known.tenant == tenant) & known.identity.in_(identities))
        own = (_hand.tenant == tenant) & _hand.conversation.in_(theirs) & _hand.state.in_(t.OPEN)
        return await self._handoffs(select(_hand.id, _hand.document).where(own).order_by(_hand.requested_at.desc()).limit(limit))

    async def promised(self, tenant: str, desk: str) -> int:
        """See `Store`."""
        hand = t.handoffs.c
        owed = (hand.tenant == tenant) & (hand.promise_desk == desk) & hand.state.in_(t.OWED)
        return await self._reader.run(lambda connection: connection.execute(select(func.count()).where(owed)).scalar_one())

    async def promises(self, tenant: str, *, open_only: bool, since: datetime | None = None, limit: int = 100) -> tuple[Handoff, ...]:
        """See `Store`."""
        query = select(t.handoffs.c.id, t.handoffs.c.document).where(
            (t.handoffs.c.tenant == tenant) & t.handoffs.c.promise_due.is_not(None)
        )
        is_open = t.handoffs.c.state.in_(t.OWED)
        if open_only:
            query = query.where(is_open)
        elif since is not None:
            query = query.where(is_open | (t.handoffs.c.changed_at >= t.to_micros(since)))
        return await self._handoffs(query.order_by(t.handoffs.c.promise_due).limit(limit))

    async def audit(self, tenant: str, conversation: str) -> tuple[AuditEntry, ...]:
        """See `Store`."""
        query = select(t.audit).where((t.audit.c.tenant == tenant) & (t.audit.c.conversation == conversation))
        rows = await self._rows(query.order_by(t.audit.c.id))
        return tuple(
            AuditEntry(
                at=t.from_micros(row.at),
                what=row.what,
                conversation=row.conversation,
                handoff=row.handoff,
                document=row.document,
            )
            for row in rows
        )

    async def commit(self, change: Change) -> None:
        """See `Store`."""
        await self._writer.commit(change)

    async def claim_deliveries(self, now: datetime, lease: timedelta, shares: Sequence[Share], limit: int) -> tuple[OutboxItem, ...]:
        """See `Store`."""
        at = self._lease_time(now)

        def _take(connection: Connection) -> tuple[Sequence[Any], Mapping[tuple[str, str], str]]:
            rows = self._claims.take_deliveries(connection, at, lease, shares, limit)
            return rows, _handoffs_of(connection, rows)

        rows, documents = await self._writer.run(_take)
        about = await read_beside(documents.values(), lambda: read_by_name(documents))
        return read_rows(rows, lambda row: read_work(row, about.get((row.tenant, row.handoff))))

    async def renew(self, now: datetime, lease: timedelta, held: Sequence[Lease]) -> tuple[Lease, ...]:
        """See `Store`."""
        return await self._writer.run(lambda connection: self._claims.renew(connection, self._lease_time(now), lease, held))

    async def release(self, held: Sequence[Lease]) -> None:
        """See `Store`."""
        await self._writer.run(lambda connection: self._claims.release(connection, held))

    async def postpone(self, held: Lease, now: datetime, wait: timedelta, error: str, *, tried: bool = True) -> None:
        """See `Store`."""
        at = self._lease_time(now)
        await self._writer.run(lambda connection: self._claims.postpone(connection, held, at, wait, error, tried=tried))

    async def leave(self, tenant: str, handoff: str, urgency: Urgency, delivery: Delivery, at: datetime) -> None:
        """See `Store`."""
        row = outgoing(tenant, handoff, t.rank_of(urgency), delivery, at)
        await self._write(self._insert(t.outbox).values(row).on_conflict_do_nothing(index_elements=["tenant", "key"]))

    async def dead_letters(self, tenant: str, limit: int) -> tuple[OutboxItem, ...]:
        """See `Store`."""
        query = select(t.outbox).where((_box.tenant == tenant) & (_box.state == t.DEAD))
        return read_rows(await self._rows(query.order_by(_box.id.desc()).limit(limit)), read_work)

    async def retry(self, tenant: str, handoff: str | None) -> int:
        """See `Store`."""
        dead = (_box.tenant == tenant) & (_box.state == t.DEAD)
        wanted = dead if handoff is None else dead & (_box.handoff == handoff)
        again = update(t.outbox).where(wanted).values(state=t.PENDING, attempts=0, due_at=0, held_until=0)
        return await self._writer.run(lambda connection: connection.execute(again).rowcount)

    async def claim_timers(self, now: datetime, lease: timedelta, limit: int) -> tuple[Timer, ...]:
        """See `Store`."""
        due_by, at = t.to_micros(now), self._lease_time(now)
        rows = await self._writer.run(lambda connection: self._claims.take_timers(connection, due_by, at, lease, limit))
        return read_rows(rows, read_timer)

    async def release_timers(self, timers: Sequence[int]) -> None:
        """See `Store`."""
        await self._write(update(t.timers).where(t.timers.c.id.in_(sorted(timers))).values(held_until=0))

    async def clock_was_set(self, now: datetime) -> None:
        """See `Store`."""
        if self.lease_clock == "caller":
            await self._writer.run(lambda connection: set_right(connection, t.to_micros(now)))

    async def neglected(self, before: datetime, limit: int) -> tuple[OutboxItem, ...]:
        """See `Store`."""
        asked = {"before": t.to_micros(before), "most": limit}
        rows = await self._reader.run(lambda connection: connection.execute(_NEGLECTED, asked).all())
        return read_rows(rows, read_work)

    async def stalled(self, before: datetime, limit: int) -> tuple[Halted, ...]:
        """See `Store`."""
        asked = {"before": t.to_micros(before), "most": limit}
        rows = await self._reader.run(lambda connection: connection.execute(_STALLED, asked).all())
        return tuple(Halted(id=row.id, state=State(row.state)) for row in rows)

    async def expire(self, tenant: str, now: datetime, retention: Retention) -> int:
        """See `Store`."""
        return await self.run(lambda connection: expire(connection, tenant, now, retention))

    async def run(self, job: Callable[[Connection], T]) -> T:
        """Return what a job returns, once what it wrote is durable; all of it or nothing."""
        return await self._writer.run(job)

    async def probe(self, now: datetime) -> None:
        """See `Store`."""
        beat = self._insert(t.pulse).values(id=1, at=t.to_micros(now))
        await self._write(beat.on_conflict_do_update(index_elements=["id"], set_={"at": beat.excluded.at}))

    async def counts(self) -> Mapping[str, int]:
        """See `Store`."""
        states = await self._rows(select(t.handoffs.c.state, func.count().label("n")).group_by(t.handoffs.c.state))
        work = await self._rows(select(t.outbox.c.state, func.count().label("n")).group_by(t.outbox.c.state))
        return {f"handoffs_{row.state}": row.n for row in states} | {f"outbox_{row.state}": row.n for row in work}

    async def save_matrix(self, tenant: str, revision: str, document: str) -> None:
        """See `Store`."""
        row = {"tenant": tenant, "revision": revision, "document": document}
        await self._write(self._insert(t.matrices).values(row).on_conflict_do_nothing())

    async def matrix(self, tenant: str, revision: str) -> str | None:
        """See `Store`."""
        same = (t.matrices.c.tenant == tenant) & (t.matrices.c.revision == revision)
        return await self._one(select(t.matrices.c.document).where(same))

    async def put_ticket(self, brief: Brief, key: str, at: datetime) -> Receipt:
        """See `Store`."""
        return await self._writer.run(lambda connection: put_ticket(connection, brief, key, at))

    async def put_message(self, tenant: str, conversation: str, text: str, key: str, at: datetime) -> None:
        """See `Store`."""
        await self._writer.run(lambda connection: put_message(connection, tenant, conversation, text, key, at))

    async def messages(self, tenant: str, conversation: str, after: int) -> tuple[Message, ...]:
        """See `Store`."""
        query = select(t.messages).where(t.of_conversation(t.messages, tenant, conversation) & (t.messages.c.number > after))
        rows = await self._rows(query.order_by(t.messages.c.number))
        return tuple(Message(number=row.number, text=row.text, at=t.from_micros(row.at)) for row in rows)

    def _lease_time(self, now: datetime) -> int:
        """Return the caller's time in microseconds; where the database tells the time, it is not looked at."""
        return t.to_micros(now)

    def listen(self, wake: Callable[[], None]) -> None:
        """See `Store`. Where one process has the database to itself, nobody else leaves work."""

    def _write_changes(self, connection: Connection, changes: Sequence[Change]) -> None:
        write(connection, changes)

    async def close(self) -> None:
        """See `Store`."""
        if all(await asyncio.gather(self._reader.stop(), self._writer.stop())):
            await asyncio.to_thread(self._let_go)
        else:  # what is under way is left alone: it ends with the database's answer, or with the process
            log.error("database_silent", where=self.where)

    def _let_go(self) -> None:
        """Leave the database in order, now that nobody works on it."""

    async def _rows(self, query: Any) -> Sequence[Any]:
        return await self._reader.run(lambda connection: connection.execute(query).all())

    async def _all(self, query: Any) -> Sequence[str]:
        return await self._reader.run(lambda connection: connection.execute(query).scalars().all())

    async def _one(self, query: Any) -> str | None:
        return await self._reader.run(lambda connection: connection.execute(query).scalar_one_or_none())

    async def _handoffs(self, query: Any) -> tuple[Handoff, ...]:
        rows = await self._rows(query)
        documents = (row.document for row in rows)
        return await read_beside(documents, lambda: read_rows(rows, lambda row: read_handoff(row.document)))

    async def _write(self, statement: Any) -> None:
        await self._writer.run(lambda connection: connection.execute(statement) and None)


def _conversation(connection: Connection, tenant: str, conversation: str) -> Conversation | None:
    own = {"own_tenant": tenant, "own_id": conversation}
    document = connection.execute(_CONVERSATION, own).scalar_one_or_none()
    if document is None:
        return None
    documents = connection.execute(_WINDOW, own).scalars().all()
    return read_conversation(document, reversed(documents))


def _handoffs_of(connection: Connection, rows: Sequence[Any]) -> Mapping[tuple[str, str], str]:
    """Return the documents of the handoffs that outgoing work is about, by tenant and id."""
    if not rows:
        return {}
    own = {"tenants": sorted({row.tenant for row in rows}), "ids": sorted({row.handoff for row in rows})}
    return {(row.tenant, row.id): row.document for row in connection.execute(_HANDOFFS, own)}
