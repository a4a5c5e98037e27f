"""A change as rows. Every statement either writes what it must or fails the whole transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Executable, Table, bindparam, delete, func, select, update

from hookflash.errors import AlreadyDone, VersionConflict
from hookflash.model import Conversation, Delivery, Handoff, SetTimer
from hookflash.model.conversation import identities_of
from hookflash.ports import AuditEntry, Change
from hookflash.stores.claims import finish
from hookflash.stores.rows import ForRows, Value, insertion
from hookflash.stores.tables import PENDING, audit, buried, conversations, handoffs, identities, outbox, rank_of, timers, to_micros, turns


def _update_of(table: Table, *names: str, **computed: Any) -> ForRows:
    """Return the statement that replaces exactly the version before."""

    def build(value: Value, _: str) -> Executable:
        same = (table.c.tenant == value("tenant")) & (table.c.id == value("id")) & (table.c.version == value("version") - 1)
        return update(table).where(same).values({name: value(name) for name in names} | computed)

    return ForRows({name: table.c[name].type for name in ("tenant", "id", *names)}, build)


def _clear(value: Value, _: str) -> Executable:
    own = (timers.c.tenant == value("tenant")) & (timers.c.handoff == value("handoff"))
    return delete(timers).where(own & (timers.c.kind == value("kind")))


def _schedule(value: Value, _: str) -> Executable:
    return update(handoffs).where((handoffs.c.tenant == value("tenant")) & (handoffs.c.id == value("id"))).values(next_at=_NEXT)


# Statements are built once: building one costs more than running it.
_of_handoff = (timers.c.tenant == handoffs.c.tenant) & (timers.c.handoff == handoffs.c.id)
# When a handoff's next timer is due, by which the watchman finds those that came to a halt.
_NEXT = select(func.coalesce(func.min(timers.c.at), 0)).where(_of_handoff).correlate(handoffs).scalar_subquery()
_CONVERSATION = ("version", "document", "changed_at")
_HANDOFF = ("version", "conversation", "state", "requested_at", "changed_at", "promise_due", "promise_desk", "document")
_ADD_CONVERSATIONS = insertion(conversations, "tenant", "id", *_CONVERSATION)
_PUT_CONVERSATIONS = _update_of(conversations, *_CONVERSATION)
_ADD_HANDOFFS = insertion(handoffs, "tenant", "id", "next_at", *_HANDOFF)
_PUT_HANDOFFS = _update_of(handoffs, *_HANDOFF, next_at=_NEXT)
_ADD_TURNS = insertion(turns, "tenant", "conversation", "number", "seq", "key", "document")
_ADD_IDENTITIES = insertion(identities, "tenant", "identity", "conversation", unless=["tenant", "identity", "conversation"])
_ADD_TIMERS = insertion(timers, "tenant", "handoff", "kind", "at", "set_at", "document")
_ADD_WORK = insertion(
    outbox, "tenant", "handoff", "key", "rank", "state", "made_at", "due_at", "attempts", "document", unless=["tenant", "key"]
)
_ADD_AUDIT = insertion(audit, "tenant", "conversation", "handoff", "at", "what", "document")
_CLEAR_TIMERS = ForRows({name: timers.c[name].type for name in ("tenant", "handoff", "kind")}, _clear)
_SCHEDULE = ForRows({name: handoffs.c[name].type for name in ("tenant", "id")}, _schedule)
_named = audit.c.tenant.in_(bindparam("tenants", expanding=True)) & audit.c.conversation.in_(bindparam("stones", expanding=True))
_BURIED = select(audit.c.id).where(_named).limit(1)
_FIRED = delete(timers).where(timers.c.id.in_(bindparam("fired", expanding=True))).returning(timers.c.tenant, timers.c.handoff)


def write(connection: Connection, changes: Sequence[Change]) -> None:
    """Write changes, no two of one conversation. Raises `VersionConflict` or `AlreadyDone` if any of them cannot be.

    What is alike is written together, and one kind after the other, so that two processes seldom wait for each other.
    """
    changes = sorted((*changes, *(change.also for change in changes if change.also)), key=_handoff_of)
    steps = [(change, change.handoff) for change in changes if change.handoff is not None]
    written = {(handoff.tenant, handoff.id) for _, handoff in steps}
    finish(connection, [(change.done, change.failed) for change in changes if change.done is not None])
    moved = _cross_off(connection, [change.fired for change in changes if change.fired is not None])
    of_conversations = [_conversation_row(change, change.conversation) for change in changes if change.conversation]
    _require_unburied(connection, [row for row in of_conversations if row["version"] == 1])
    _put(connection, of_conversations, _ADD_CONVERSATIONS, _PUT_CONVERSATIONS)
    _ADD_TURNS.run(connection, [_turn_row(change) for change in changes if change.turn is not None])
    _ADD_IDENTITIES.run(connection, [row for change in changes for row in _identity_rows(change)])
    _CLEAR_TIMERS.run(connection, [row for change, handoff in steps for row in _cleared(change, handoff)])
    _ADD_TIMERS.run(connection, [_timer_row(timer, change, handoff) for change, handoff in steps for timer in change.timers])
    _put(connection, [_handoff_row(change, handoff) for change, handoff in steps], _ADD_HANDOFFS, _PUT_HANDOFFS)
    _SCHEDULE.run(connection, [{"tenant": tenant, "id": name} for tenant, name in dict.fromkeys(moved) if (tenant, name) not in written])
    _ADD_WORK.run(connection, [_work_row(delivery, change, handoff) for change, handoff in steps for delivery in change.outbox])
    _ADD_AUDIT.run(connection, [_audit_row(change, entry) for change in changes for entry in change.audit])


def _require_unburied(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Raise `VersionConflict` where one of these was erased: then it must begin after the versions that it had."""
    if not rows:
        return
    names = {"tenants": sorted({row["tenant"] for row in rows}), "stones": sorted(buried(row["tenant"], row["id"]) for row in rows)}
    if connection.execute(_BURIED, names).first() is not None:
        raise VersionConflict("a conversation of this name was erased")


def is_written(connection: Connection, change: Change) -> bool:
    """Return whether exactly this change is there, as where the answer to its commit was lost."""
    if change.turn is not None:
        row, table = _turn_row(change), turns
        own = (turns.c.conversation == row["conversation"]) & (turns.c.number == row["number"])
    elif change.handoff is not None:
        row, table = _handoff_row(change, change.handoff), handoffs
        own = (handoffs.c.id == row["id"]) & (handoffs.c.version == row["version"])
    else:
        return False
    kept = connection.execute(select(table.c.document).where((table.c.tenant == row["tenant"]) & own)).scalar_one_or_none()
    return bool(kept == row["document"])


def _handoff_of(change: Change) -> str:
    return change.handoff.id if change.handoff else ""


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
        "first": conversation.begins_after + 1,
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
    return {
        "tenant": handoff.tenant,
        "id": handoff.id,
        "version": handoff.version,
        "first": 1,
        "conversation": handoff.conversation,
        "state": handoff.state.value,
        "requested_at": to_micros(handoff.requested_at),
        "changed_at": to_micros(handoff.changed_at),
        "promise_desk": handoff.promise.by if handoff.promise else None,
        "promise_due": to_micros(handoff.promise.due) if handoff.promise else None,
        "next_at": min((to_micros(timer.at) for timer in change.timers), default=0),  # of a new one, which has no others
        "document": handoff.model_dump_json(),
    }


def _put(connection: Connection, rows: Sequence[dict[str, Any]], add: ForRows, put: ForRows) -> None:
    """Insert the first version, or update exactly the version before."""
    rows = sorted(rows, key=lambda row: (row["tenant"], row["id"]))
    known = [row for row in rows if row["version"] > row["first"]]
    add.run(connection, [row for row in rows if row["version"] == row["first"]])
    if put.run(connection, known) != len(known):
        raise VersionConflict("a row was changed by somebody else")


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
    return [{"tenant": handoff.tenant, "handoff": handoff.id, "kind": kind} for kind in sorted(kinds)]


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
