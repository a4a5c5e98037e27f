"""A change as rows. Every statement either writes what it must or fails the whole transaction."""

from typing import Any

from sqlalchemy import Connection, delete, insert, update
from sqlalchemy.dialects.sqlite import insert as upsert

from hookflash.errors import AlreadyDone, VersionConflict
from hookflash.model import Conversation, Handoff, SetTimer, Urgency
from hookflash.ports import Change
from hookflash.stores.tables import DEAD, DONE, PENDING, audit, conversations, handoffs, outbox, timers, to_micros, turns


def write(connection: Connection, change: Change) -> None:
    """Write a change. Raises `VersionConflict` where a version is not the expected one."""
    if change.conversation is not None:
        _write_conversation(connection, change.conversation)
    if change.turn is not None and change.conversation is not None:
        _write_turn(connection, change)
    if change.handoff is not None:
        _write_handoff(connection, change.handoff)
    if change.done is not None:
        _finish(connection, change.done, change.failed)
    if change.fired is not None and not connection.execute(delete(timers).where(timers.c.id == change.fired)).rowcount:
        raise AlreadyDone("the timer was already answered")
    if change.handoff is not None:
        _write_timers(connection, change, change.handoff)
        _write_outbox(connection, change, change.handoff)
    if change.audit:
        connection.execute(insert(audit), [_audit_row(change, number) for number in range(len(change.audit))])


def _write_conversation(connection: Connection, conversation: Conversation) -> None:
    row = {
        "tenant": conversation.tenant,
        "id": conversation.id,
        "version": conversation.version,
        "document": conversation.model_copy(update={"turns": ()}).model_dump_json(exclude_defaults=True),
    }
    _put(connection, conversations, row)


def _write_handoff(connection: Connection, handoff: Handoff) -> None:
    row = {
        "tenant": handoff.tenant,
        "id": handoff.id,
        "version": handoff.version,
        "conversation": handoff.conversation,
        "state": handoff.state.value,
        "requested_at": to_micros(handoff.requested_at),
        "changed_at": to_micros(handoff.changed_at),
        "promise_due": to_micros(handoff.promise.due) if handoff.promise else None,
        "document": handoff.model_dump_json(),
    }
    _put(connection, handoffs, row)


def _put(connection: Connection, table: Any, row: dict[str, Any]) -> None:
    """Insert version 1, or update exactly the version before."""
    if row["version"] == 1:
        connection.execute(insert(table), row)
        return
    same = (table.c.tenant == row["tenant"]) & (table.c.id == row["id"]) & (table.c.version == row["version"] - 1)
    if connection.execute(update(table).where(same).values(row)).rowcount != 1:
        raise VersionConflict(f"{table.name} {row['id']} was changed by somebody else")


def _write_turn(connection: Connection, change: Change) -> None:
    assert change.turn is not None
    assert change.conversation is not None
    row = {
        "tenant": change.tenant,
        "conversation": change.conversation.id,
        "number": change.turn.number,
        "seq": change.turn.turn.seq,
        "key": change.turn.turn.key,
        "document": change.turn.model_dump_json(exclude_defaults=True),
    }
    connection.execute(insert(turns), row)


def _finish(connection: Connection, item: int, failed: str | None) -> None:
    pending = (outbox.c.id == item) & (outbox.c.state == PENDING)
    end = {"state": DONE} if failed is None else {"state": DEAD, "last_error": failed, "attempts": outbox.c.attempts + 1}
    if connection.execute(update(outbox).where(pending).values(end)).rowcount != 1:
        raise AlreadyDone("the delivery was already finished")


def _write_timers(connection: Connection, change: Change, handoff: Handoff) -> None:
    own = (timers.c.tenant == handoff.tenant) & (timers.c.handoff == handoff.id)
    gone = {*change.clear_timers, *(timer.event.kind for timer in change.timers)}
    if gone:
        connection.execute(delete(timers).where(own & timers.c.kind.in_(sorted(gone))))
    if change.timers:
        connection.execute(insert(timers), [_timer_row(timer, handoff) for timer in change.timers])


def _timer_row(timer: SetTimer, handoff: Handoff) -> dict[str, Any]:
    return {
        "tenant": handoff.tenant,
        "handoff": handoff.id,
        "kind": timer.event.kind,
        "at": to_micros(timer.at),
        "document": timer.model_dump_json(),
    }


def _write_outbox(connection: Connection, change: Change, handoff: Handoff) -> None:
    rows = [
        {
            "tenant": handoff.tenant,
            "handoff": handoff.id,
            "key": delivery.key,
            "rank": -Urgency(handoff.plan.urgency).rank,
            "state": PENDING,
            "due_at": to_micros(change.now),
            "attempts": 0,
            "document": delivery.model_dump_json(),
        }
        for delivery in change.outbox
    ]
    if rows:
        connection.execute(upsert(outbox).on_conflict_do_nothing(index_elements=["tenant", "key"]), rows)


def _audit_row(change: Change, number: int) -> dict[str, Any]:
    entry = change.audit[number]
    return {
        "tenant": change.tenant,
        "conversation": entry.conversation,
        "handoff": entry.handoff,
        "at": to_micros(entry.at),
        "what": entry.what,
        "document": entry.document,
    }
