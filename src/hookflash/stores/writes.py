"""A change as rows. Every statement either writes what it must or fails the whole transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, Update, bindparam, delete, func, insert, select, update

from hookflash.errors import AlreadyDone, VersionConflict
from hookflash.model import Conversation, Delivery, Handoff, SetTimer
from hookflash.model.conversation import identities_of
from hookflash.ports import AuditEntry, Change
from hookflash.stores.claims import finish
from hookflash.stores.dialect import DIALECTS, insert_for
from hookflash.stores.tables import PENDING, audit, conversations, handoffs, identities, outbox, rank_of, timers, to_micros, turns


def _update_of(table: Table) -> Update:
    """Return the statement that replaces exactly the version before."""
    c = table.c
    return update(table).where(
        (c.tenant == bindparam("own_tenant")) & (c.id == bindparam("own_id")) & (c.version == bindparam("version_before"))
    )


# Statements are built once: building one costs more than running it.
_INSERT = {table: insert(table) for table in (conversations, handoffs, turns, audit, timers)}
_OWN = (handoffs.c.tenant == bindparam("own_tenant")) & (handoffs.c.id == bindparam("own_id"))
_NEXT = select(func.coalesce(func.min(timers.c.at), 0)).where((timers.c.tenant == handoffs.c.tenant) & (timers.c.handoff == handoffs.c.id))
# Notes when a handoff's next timer is due, by which the watchman finds those that came to a halt.
_next = {"next_at": _NEXT.scalar_subquery()}
_UPDATE = {conversations: _update_of(conversations), handoffs: _update_of(handoffs).values(_next)}
_SCHEDULE = update(handoffs).where(_OWN).values(_next)
_FIRED = delete(timers).where(timers.c.id.in_(bindparam("fired", expanding=True))).returning(timers.c.tenant, timers.c.handoff)
_CLEAR = delete(timers).where(
    (timers.c.tenant == bindparam("own_tenant")) & (timers.c.handoff == bindparam("own_id")) & (timers.c.kind == bindparam("own_kind"))
)

_ADD = {
    dialect: (
        insert_for(dialect)(identities).on_conflict_do_nothing(),
        insert_for(dialect)(outbox).on_conflict_do_nothing(index_elements=["tenant", "key"]),
    )
    for dialect in DIALECTS
}


def write(connection: Connection, changes: Sequence[Change]) -> None:
    """Write changes, no two of one conversation. Raises `VersionConflict` or `AlreadyDone` if any of them cannot be.

    What is alike is written together, and always in one order, so that two processes cannot wait for each other.
    """
    changes = sorted(changes, key=_handoff_of)
    steps = [(change, change.handoff) for change in changes if change.handoff is not None]
    written = {(handoff.tenant, handoff.id) for _, handoff in steps}
    finish(connection, [(change.done, change.failed) for change in changes if change.done is not None])
    moved = _cross_off(connection, [change.fired for change in changes if change.fired is not None])
    _put(connection, conversations, [_conversation_row(change, change.conversation) for change in changes if change.conversation])
    _many(connection, _INSERT[turns], [_turn_row(change) for change in changes if change.turn is not None])
    add_identity, add_work = _ADD[connection.dialect.name]
    _many(connection, add_identity, [row for change in changes for row in _identity_rows(change)])
    _many(connection, _CLEAR, [row for change, handoff in steps for row in _cleared(change, handoff)])
    _many(connection, _INSERT[timers], [_timer_row(timer, change, handoff) for change, handoff in steps for timer in change.timers])
    _put(connection, handoffs, [_handoff_row(change, handoff) for change, handoff in steps])
    _many(connection, _SCHEDULE, [_named(*one) for one in dict.fromkeys(moved) if one not in written])
    _many(connection, add_work, [_work_row(delivery, change, handoff) for change, handoff in steps for delivery in change.outbox])
    _many(connection, _INSERT[audit], [_audit_row(change, entry) for change in changes for entry in change.audit])


def _handoff_of(change: Change) -> str:
    return change.handoff.id if change.handoff else ""


def _many(connection: Connection, statement: Any, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)


def _named(tenant: str, handoff: str) -> dict[str, Any]:
    return {"own_tenant": tenant, "own_id": handoff}


def _cross_off(connection: Connection, fired: Sequence[int]) -> list[tuple[str, str]]:
    """Delete timers that were answered; return whose they were."""
    if not fired:
        return []
    gone = connection.execute(_FIRED, {"fired": sorted(fired)}).all()
    if len(gone) != len(set(fired)):
        raise AlreadyDone("the timer was already answered")
    return sorted((row.tenant, row.handoff) for row in gone)


def _conversation_row(change: Change, conversation: Conversation) -> dict[str, Any]:
    return {
        "tenant": conversation.tenant,
        "id": conversation.id,
        "version": conversation.version,
        "document": conversation.model_dump_json(exclude={"turns"}, exclude_defaults=True),
        "changed_at": to_micros(change.now),
    }


def _identity_rows(change: Change) -> list[dict[str, Any]]:
    """Return by what a turn makes its customer known."""
    if change.conversation is None or change.turn is None or change.turn.turn.customer is None:
        return []
    own = {"tenant": change.tenant, "conversation": change.conversation.id}
    return [own | {"identity": identity} for identity in identities_of(change.conversation.customer)]


def _handoff_row(change: Change, handoff: Handoff) -> dict[str, Any]:
    first = {"next_at": min((to_micros(timer.at) for timer in change.timers), default=0)} if handoff.version == 1 else {}
    return first | {
        "tenant": handoff.tenant,
        "id": handoff.id,
        "version": handoff.version,
        "conversation": handoff.conversation,
        "state": handoff.state.value,
        "requested_at": to_micros(handoff.requested_at),
        "changed_at": to_micros(handoff.changed_at),
        "promise_desk": handoff.promise.by if handoff.promise else None,
        "promise_due": to_micros(handoff.promise.due) if handoff.promise else None,
        "document": handoff.model_dump_json(),
    }


def _put(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert version 1, or update exactly the version before."""
    rows = sorted(rows, key=lambda row: (row["tenant"], row["id"]))
    new = [row for row in rows if row["version"] == 1]
    if new:
        connection.execute(_INSERT[table], new)
    known = [row | _before(row) for row in rows if row["version"] > 1]
    if known and connection.execute(_UPDATE[table], known).rowcount != len(known):
        raise VersionConflict(f"a row of {table.name} was changed by somebody else")


def _before(row: dict[str, Any]) -> dict[str, Any]:
    return {"own_tenant": row["tenant"], "own_id": row["id"], "version_before": row["version"] - 1}


def _turn_row(change: Change) -> dict[str, Any]:
    record = change.turn
    assert record is not None
    return {
        "tenant": change.tenant,
        "conversation": record.decision.conversation,
        "number": record.number,
        "seq": record.turn.seq,
        "key": record.turn.key,
        "document": record.model_dump_json(exclude_defaults=True),
    }


def _cleared(change: Change, handoff: Handoff) -> list[dict[str, Any]]:
    """Return the timers that go: those that are cleared, and those that are set anew. A new handoff has none."""
    if handoff.version == 1:
        return []
    kinds = {*change.clear_timers, *(timer.event.kind for timer in change.timers)}
    return [_named(handoff.tenant, handoff.id) | {"own_kind": kind} for kind in sorted(kinds)]


def _timer_row(timer: SetTimer, change: Change, handoff: Handoff) -> dict[str, Any]:
    return {
        "tenant": handoff.tenant,
        "handoff": handoff.id,
        "kind": timer.event.kind,
        "at": to_micros(timer.at),
        "set_at": to_micros(change.now) if timer.short else None,
        "document": timer.model_dump_json(),
    }


def _work_row(delivery: Delivery, change: Change, handoff: Handoff) -> dict[str, Any]:
    return outgoing(handoff.tenant, handoff.id, rank_of(handoff.plan.urgency, crowded=handoff.crowded), delivery, change.now)


def outgoing(tenant: str, handoff: str, rank: int, delivery: Delivery, at: datetime) -> dict[str, Any]:
    """Return a row of the outbox, to be done at once, whatever time another machine has."""
    return {
        "tenant": tenant,
        "handoff": handoff,
        "key": delivery.key,
        "rank": rank,
        "state": PENDING,
        "made_at": to_micros(at),
        "due_at": 0,
        "attempts": 0,
        "document": delivery.model_dump_json(),
    }


def _audit_row(change: Change, entry: AuditEntry) -> dict[str, Any]:
    return {
        "tenant": change.tenant,
        "conversation": entry.conversation,
        "handoff": entry.handoff,
        "at": to_micros(entry.at),
        "what": entry.what,
        "document": entry.document,
    }
