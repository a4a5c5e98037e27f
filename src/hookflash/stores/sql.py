"""The store over any SQL database: the statements, told once. How to open a database is its own file's business."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import BigInteger, Connection, Engine, bindparam, func, insert, select, update

from hookflash.errors import UnknownError
from hookflash.matrix.retention import Retention
from hookflash.model import (
    BUILTIN_DESK,
    Brief,
    Conversation,
    Delivery,
    Handoff,
    HistoryTurn,
    Receipt,
    SetTimer,
    State,
    TurnRecord,
    Urgency,
)
from hookflash.model.conversation import WINDOW_TURNS
from hookflash.ports import AuditEntry, Change, Lease, Message, OutboxItem, Share, Timer, Tombstone
from hookflash.stores import tables as t
from hookflash.stores.claims import claims_by, set_right
from hookflash.stores.dialect import insert_for
from hookflash.stores.erasure import expire, tombstone
from hookflash.stores.worker import Worker
from hookflash.stores.writes import is_written, outgoing, write

log = structlog.get_logger("hookflash.store")

T = TypeVar("T")
# How many characters of documents are read without leaving the event loop: a few milliseconds' worth.
AT_ONCE = 100_000
_DELIVERY: TypeAdapter[Delivery] = TypeAdapter(Delivery)


# Statements that are run many times a minute are built once.
_hand, _box = t.handoffs.c, t.outbox.c
_before, _most = bindparam("before", type_=BigInteger), bindparam("most", type_=BigInteger)
_working = select(_box.id).where((_box.handoff == _hand.id) & (_box.tenant == _hand.tenant) & (_box.state == t.PENDING))
_at_an_end = _hand.next_at < _before
_STALLED = select(_hand.document).where(t.is_waiting & _at_an_end & ~_working.exists()).order_by(_hand.next_at).limit(_most)
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
        self.engine, self._reading = writing, reading
        self._claims = claims_by(self.lease_clock)
        self._insert = insert_for(writing.dialect.name)
        self._writer: Worker = worker(writing, "store-writer", translate, self._write_changes, is_written)
        self._reader: Worker = worker(reading, "store-reader", translate)

    async def conversation(self, tenant: str, conversation: str) -> Conversation | None:
        """See `Store`."""
        return await self._reader.run(lambda connection: _conversation(connection, tenant, conversation))

    async def turn(self, tenant: str, conversation: str, *, seq: int | None, key: str | None) -> TurnRecord | None:
        """See `Store`."""
        same = t.turns.c.key == key if key is not None else t.turns.c.seq == seq
        query = select(t.turns.c.document).where(_of(t.turns, tenant, conversation) & same)
        document = await self._one(query)
        return TurnRecord.model_validate_json(document, extra="ignore") if document else None

    async def history(self, tenant: str, conversation: str) -> tuple[HistoryTurn, ...]:
        """See `Store`."""
        query = select(t.turns.c.document).where(_of(t.turns, tenant, conversation)).order_by(t.turns.c.number)
        records = [TurnRecord.model_validate_json(document, extra="ignore") for document in await self._all(query)]
        return tuple(HistoryTurn.of(record) for record in records if not record.turn.draft)

    async def handoff(self, tenant: str, handoff: str) -> Handoff | None:
        """See `Store`."""
        asked = {"own_tenant": tenant, "own_id": handoff}
        document = await self._reader.run(lambda connection: connection.execute(_HANDOFF, asked).scalar_one_or_none())
        return _handoff(document) if document else None

    async def handoffs(self, tenant: str, states: Sequence[State] = (), limit: int = 100) -> tuple[Handoff, ...]:
        """See `Store`."""
        query = select(t.handoffs.c.document).where(t.handoffs.c.tenant == tenant)
        if states:
            query = query.where(t.handoffs.c.state.in_([state.value for state in states]))
        return await self._handoffs(query.order_by(t.handoffs.c.requested_at.desc()).limit(limit))

    async def open_handoffs_of(self, tenant: str, identities: Sequence[str], limit: int) -> tuple[Handoff, ...]:
        """See `Store`."""
        known = t.identities.c
        theirs = select(known.conversation).where((known.tenant == tenant) & known.identity.in_(identities))
        own = (_hand.tenant == tenant) & _hand.conversation.in_(theirs) & _hand.state.in_(t.OPEN)
        return await self._handoffs(select(_hand.document).where(own).order_by(_hand.requested_at.desc()).limit(limit))

    async def promised(self, tenant: str, desk: str) -> int:
        """See `Store`."""
        hand = t.handoffs.c
        owed = (hand.tenant == tenant) & (hand.promise_desk == desk) & hand.state.in_(t.OWED)
        return await self._reader.run(lambda connection: connection.execute(select(func.count()).where(owed)).scalar_one())

    async def promises(self, tenant: str, *, open_only: bool, since: datetime | None = None, limit: int = 100) -> tuple[Handoff, ...]:
        """See `Store`."""
        query = select(t.handoffs.c.document).where((t.handoffs.c.tenant == tenant) & t.handoffs.c.promise_due.is_not(None))
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
        about = await _reading(documents.values(), lambda: _read_each(documents))
        return _readable(rows, lambda row: _outbox_item(row, about.get((row.tenant, row.handoff))))

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

    async def tombstone(self, tenant: str, conversation: str) -> Tombstone | None:
        """See `Store`."""
        return await self._reader.run(lambda connection: tombstone(connection, tenant, conversation))

    async def dead_letters(self, tenant: str, limit: int) -> tuple[OutboxItem, ...]:
        """See `Store`."""
        query = select(t.outbox).where((_box.tenant == tenant) & (_box.state == t.DEAD))
        return _readable(await self._rows(query.order_by(_box.id.desc()).limit(limit)), _outbox_item)

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
        return _readable(rows, _timer)

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
        return _readable(rows, _outbox_item)

    async def stalled(self, before: datetime, limit: int) -> tuple[Handoff, ...]:
        """See `Store`."""
        asked = {"before": t.to_micros(before), "most": limit}
        found = await self._reader.run(lambda connection: connection.execute(_STALLED, asked).scalars().all())
        return _read_all(found)

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
        return await self._writer.run(lambda connection: _put_ticket(connection, brief, key, at))

    async def put_message(self, tenant: str, conversation: str, text: str, key: str, at: datetime) -> None:
        """See `Store`."""
        await self._writer.run(lambda connection: _put_message(connection, tenant, conversation, text, key, at))

    async def messages(self, tenant: str, conversation: str, after: int) -> tuple[Message, ...]:
        """See `Store`."""
        query = select(t.messages).where(_of(t.messages, tenant, conversation) & (t.messages.c.number > after))
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
            self._let_go()
        else:  # what is under way is left alone: it ends with the database's answer, or with the process
            log.error("database_silent", where=self.where)

    def _let_go(self) -> None:
        """Close the connections, now that nobody works on them."""
        self._reading.dispose()
        self.engine.dispose()

    async def _rows(self, query: Any) -> Sequence[Any]:
        return await self._reader.run(lambda connection: connection.execute(query).all())

    async def _all(self, query: Any) -> Sequence[str]:
        return await self._reader.run(lambda connection: connection.execute(query).scalars().all())

    async def _one(self, query: Any) -> str | None:
        return await self._reader.run(lambda connection: connection.execute(query).scalar_one_or_none())

    async def _handoffs(self, query: Any) -> tuple[Handoff, ...]:
        documents = await self._all(query)
        return await _reading(documents, lambda: _read_all(documents))

    async def _write(self, statement: Any) -> None:
        await self._writer.run(lambda connection: connection.execute(statement) and None)


def _of(table: Any, tenant: str, conversation: str) -> Any:
    return (table.c.tenant == tenant) & (table.c.conversation == conversation)


async def _reading(documents: Iterable[str], read: Callable[[], T]) -> T:
    """Return what `read` makes of documents; where they are so long that everybody else would wait, in a thread."""
    return await asyncio.to_thread(read) if sum(map(len, documents)) > AT_ONCE else read()


def _read_each(documents: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], Handoff]:
    """Return the handoffs that can be read."""
    found = {}
    for name, document in documents.items():
        with suppress(ValidationError):  # whoever wants this one is told so
            found[name] = _handoff(document)
    return found


def _handoff(document: str) -> Handoff:
    """Read a handoff. What a newer version wrote besides is passed over, so that both may work on one database for a while."""
    return Handoff.model_validate_json(document, extra="ignore")


def _read_all(documents: Sequence[str]) -> tuple[Handoff, ...]:
    """Return the handoffs that can be read."""
    found = []
    for document in documents:
        try:
            found.append(_handoff(document))
        except ValidationError as error:
            log.error("handoff_unreadable", problems=error.error_count())
    return tuple(found)


def _conversation(connection: Connection, tenant: str, conversation: str) -> Conversation | None:
    own = {"own_tenant": tenant, "own_id": conversation}
    document = connection.execute(_CONVERSATION, own).scalar_one_or_none()
    if document is None:
        return None
    documents = connection.execute(_WINDOW, own).scalars().all()
    window = tuple(TurnRecord.model_validate_json(one, extra="ignore") for one in reversed(documents))
    return Conversation.model_validate_json(document, extra="ignore").model_copy(update={"turns": window})


def _handoffs_of(connection: Connection, rows: Sequence[Any]) -> Mapping[tuple[str, str], str]:
    """Return the documents of the handoffs that outgoing work is about, by tenant and id."""
    if not rows:
        return {}
    own = {"tenants": sorted({row.tenant for row in rows}), "ids": sorted({row.handoff for row in rows})}
    return {(row.tenant, row.id): row.document for row in connection.execute(_HANDOFFS, own)}


def _outbox_item(row: Any, about: Handoff | None = None) -> OutboxItem:
    return OutboxItem(
        lease=Lease(item=row.id, epoch=row.epoch),
        tenant=row.tenant,
        handoff=row.handoff,
        urgency=t.urgency_of(row.rank),
        crowded=t.is_crowded(row.rank),
        delivery=_DELIVERY.validate_json(row.document, extra="ignore"),
        about=about,
        attempts=row.attempts,
        last_error=row.last_error,
    )


def _readable(rows: Sequence[Any], parse: Callable[[Any], T]) -> tuple[T, ...]:
    """Return what rows hold. One that cannot be read holds up no other."""
    found = []
    for row in rows:
        try:
            found.append(parse(row))
        except ValidationError:
            log.error("row_unreadable", id=row.id)
    return tuple(found)


def _timer(row: Any) -> Timer:
    return Timer(id=row.id, tenant=row.tenant, handoff=row.handoff, timer=SetTimer.model_validate_json(row.document, extra="ignore"))


def _put_ticket(connection: Connection, brief: Brief, key: str, at: datetime) -> Receipt:
    known = select(t.receipts.c.document).where((t.receipts.c.tenant == brief.tenant) & (t.receipts.c.key == key))
    document = connection.execute(known).scalar_one_or_none()
    if document is not None:
        return Receipt.model_validate_json(document, extra="ignore")
    _require(connection, t.handoffs, brief.tenant, brief.handoff)
    own = (t.tickets.c.tenant == brief.tenant) & (t.tickets.c.handoff == brief.handoff)
    ticket = connection.execute(select(t.tickets.c.number, t.tickets.c.revision).where(own)).one_or_none()
    content = {"revision": brief.revision, "document": brief.model_dump_json()}
    if ticket is None:
        row = {"tenant": brief.tenant, "handoff": brief.handoff, **content}
        number = connection.execute(insert(t.tickets).values(row).returning(t.tickets.c.number)).scalar_one()
    else:
        number = ticket.number
        if brief.revision > ticket.revision:
            connection.execute(update(t.tickets).where(own).values(content))
    receipt = Receipt(desk=BUILTIN_DESK, ticket=str(number), key=key, at=at)
    connection.execute(insert(t.receipts).values(tenant=brief.tenant, key=key, document=receipt.model_dump_json()))
    return receipt


def _require(connection: Connection, table: Any, tenant: str, name: str) -> None:
    """Raise `UnknownError` for what is not there: erased meanwhile, it must not come back. It stays as long as we write."""
    own = (table.c.tenant == tenant) & (table.c.id == name)
    if connection.execute(select(table.c.id).where(own).with_for_update(read=True, key_share=True)).first() is None:
        raise UnknownError(f"there is no {name!r}; it may have been erased")


def _put_message(connection: Connection, tenant: str, conversation: str, text: str, key: str, at: datetime) -> None:
    if connection.execute(select(t.messages.c.number).where((t.messages.c.tenant == tenant) & (t.messages.c.key == key))).first():
        return
    _require(connection, t.conversations, tenant, conversation)
    last = connection.execute(select(func.max(t.messages.c.number)).where(_of(t.messages, tenant, conversation))).scalar()
    row = {"tenant": tenant, "conversation": conversation, "number": (last or 0) + 1, "key": key, "at": t.to_micros(at), "text": text}
    connection.execute(insert(t.messages).values(row))
