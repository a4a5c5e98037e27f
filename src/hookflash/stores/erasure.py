"""What is forgotten: a customer who asks for it, and records whose time is over. A tombstone without their words stays."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, literal, select, update

from hookflash.errors import ForbiddenMove
from hookflash.matrix.retention import Retention
from hookflash.model import Customer, Frozen
from hookflash.model.conversation import identities_of
from hookflash.ports import Tombstone
from hookflash.stores import tables as t
from hookflash.stores.dialect import insert_for

# How much is forgotten in one transaction, so that nobody waits long behind it.
BATCH = 200
CONVERSATION = "conversation:"
_ERASURE_LOCK = 0x686F6F6C


class Erased(Frozen):
    """How much was forgotten."""

    conversations: int
    turns: int
    handoffs: int
    entries: int


def identities(customer: str) -> list[str]:
    """Return the ways in which a customer may be known by an id, a phone number, an e-mail address, or a conversation."""
    return [*identities_of(Customer(id=customer, phone=customer, email=customer)), f"{CONVERSATION}{customer}"]


def tickets_elsewhere(connection: Connection, tenant: str, conversations: Sequence[str]) -> list[str]:
    """Return the tickets that desks of others were ever given of conversations, as `desk number`."""
    entry = t.audit.c
    own = (entry.tenant == tenant) & entry.conversation.in_(conversations) & (entry.what == "brief_delivered")
    documents = connection.execute(select(entry.document).where(own)).scalars().all()
    receipts = [json.loads(document)["event"]["receipt"] for document in documents]
    here = (t.receipts.c.tenant == tenant) & t.receipts.c.key.in_([receipt["key"] for receipt in receipts])
    ours = set(connection.execute(select(t.receipts.c.key).where(here)).scalars())
    return sorted({f"{receipt['desk']} {receipt['ticket']}" for receipt in receipts if receipt["key"] not in ours})


def known_as(connection: Connection, tenant: str, customer: str) -> list[str]:
    """Return the conversations of a customer, by their id, phone or e-mail, or of that very id themselves."""
    same = t.identities.c.identity.in_(identities(customer))
    found = select(t.identities.c.conversation).where((t.identities.c.tenant == tenant) & same)
    own = select(t.conversations.c.id).where((t.conversations.c.tenant == tenant) & (t.conversations.c.id == customer))
    return sorted({*connection.execute(found).scalars(), *connection.execute(own).scalars()})


def erase(connection: Connection, tenant: str, conversations: Sequence[str], why: str, now: datetime, *, audit: bool) -> Erased:
    """Forget conversations and everything that came of them; `audit` says whether their audit trail goes as well.

    Raises `ForbiddenMove` where a handoff of theirs is open or a hold is on them; then nothing was erased.
    """
    _one_at_a_time(connection)
    _hold_still(connection, tenant, conversations)
    require_free(connection, tenant, conversations)
    counts = {"conversations": 0, "turns": 0, "handoffs": 0, "entries": 0}
    for conversation in conversations:
        gone = _erase_one(connection, tenant, conversation, audit=audit)
        if not any(gone[name] for name in counts):
            continue  # somebody else erased it, and their tombstone knows more
        tombstone = {"why": why, **gone}
        counts = {name: counts[name] + gone[name] for name in counts}
        stone = {"conversation": t.buried(tenant, conversation), "at": t.to_micros(now), "document": json.dumps(tombstone)}
        connection.execute(insert(t.audit).values(stone | {"tenant": tenant, "what": "erased"}))
    return Erased(**counts)


def tombstone(connection: Connection, tenant: str, conversation: str) -> Tombstone | None:
    """Return what is still known of a conversation that was forgotten."""
    own = (t.audit.c.tenant == tenant) & (t.audit.c.conversation == t.buried(tenant, conversation))
    stones = [json.loads(one) for one in connection.execute(select(t.audit.c.document).where(own).order_by(t.audit.c.id)).scalars()]
    if not stones:
        return None
    numbers = [stone["last_seq"] for stone in stones if stone.get("last_seq") is not None]
    newest = max(stone.get("version", 0) for stone in stones)  # one that was written after another's erasure knows no version
    return Tombstone(version=max(newest, 1), last_seq=numbers[-1] if numbers else None)


def _one_at_a_time(connection: Connection) -> None:
    """Let no hold be put on anybody while something is erased. SQLite has one writer anyhow."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_ERASURE_LOCK)))


def _hold_still(connection: Connection, tenant: str, conversations: Sequence[str]) -> None:
    """Let nobody write to conversations and their handoffs until we are done, and wait for who does so now."""
    talk, hand = t.conversations, t.handoffs
    own = (talk.c.tenant == tenant) & talk.c.id.in_(sorted(conversations))
    theirs = (hand.c.tenant == tenant) & hand.c.conversation.in_(sorted(conversations))
    connection.execute(update(talk).where(own).values(version=talk.c.version))  # SQLite locks by writing alone
    for table, mine in ((talk, own), (hand, theirs)):
        connection.execute(select(table.c.id).where(mine).order_by(table.c.id).with_for_update()).all()


def require_free(connection: Connection, tenant: str, conversations: Sequence[str]) -> None:
    """Raise `ForbiddenMove` where a handoff of theirs is open or a hold is on them."""
    hand = t.handoffs.c
    unfinished = select(hand.id).where((hand.tenant == tenant) & hand.conversation.in_(conversations) & hand.state.in_(t.UNFINISHED))
    if open_ones := sorted(connection.execute(unfinished).scalars()):
        mend = "wrap it up first (POST /v1/handoffs/<id>/wrap-up)"
        raise ForbiddenMove(f"something is still owed to them: {', '.join(open_ones)} is open; {mend}. Nothing was erased")
    if held := connection.execute(_held(tenant, conversations)).scalars().first():
        raise ForbiddenMove(f"a legal hold is on them ({held}); release it first. Nothing was erased")


def _held(tenant: str, conversations: Sequence[str]) -> Any:
    known, held = t.identities.c, t.holds.c
    by_identity = select(known.identity).where((known.tenant == tenant) & known.conversation.in_(conversations))
    names = [f"{CONVERSATION}{conversation}" for conversation in conversations]
    return select(held.why).where((held.tenant == tenant) & (held.identity.in_(by_identity) | held.identity.in_(names)))


def _erase_one(connection: Connection, tenant: str, conversation: str, *, audit: bool) -> dict[str, Any]:
    own = {table: t.of_conversation(table, tenant, conversation) for table in (t.turns, t.messages, t.identities, t.audit)}
    handoffs = (
        connection.execute(select(t.handoffs.c.id).where((t.handoffs.c.tenant == tenant) & (t.handoffs.c.conversation == conversation)))
        .scalars()
        .all()
    )
    for handoff in handoffs:
        of_handoff = t.receipts.c.key.startswith(f"{handoff}:", autoescape=True)
        connection.execute(delete(t.receipts).where((t.receipts.c.tenant == tenant) & of_handoff))
        for table in (t.outbox, t.timers, t.tickets):
            connection.execute(delete(table).where((table.c.tenant == tenant) & (table.c.handoff == handoff)))
        connection.execute(delete(t.handoffs).where((t.handoffs.c.tenant == tenant) & (t.handoffs.c.id == handoff)))
    for table in (t.messages, t.identities):
        connection.execute(delete(table).where(own[table]))
    last = connection.execute(select(func.max(t.turns.c.seq)).where(own[t.turns])).scalar()
    turns = connection.execute(delete(t.turns).where(own[t.turns])).rowcount
    entries = connection.execute(delete(t.audit).where(own[t.audit])).rowcount if audit else 0
    whole = (t.conversations.c.tenant == tenant) & (t.conversations.c.id == conversation)
    version = connection.execute(delete(t.conversations).where(whole).returning(t.conversations.c.version)).scalar_one_or_none()
    counts = {"conversations": int(version is not None), "turns": turns, "handoffs": len(handoffs), "entries": entries}
    return counts | {"last_seq": last, "version": version or 0}


def expire(connection: Connection, tenant: str, now: datetime, retention: Retention) -> int:
    """Forget a batch of what is past its time; return how many records went."""
    gone = 0
    if retention.conversations is not None:
        before = t.to_micros(now - retention.conversations)
        gone += _expire_conversations(connection, tenant, before, now)
    if retention.audit is not None:
        gone += _first_of(connection, t.audit, (t.audit.c.tenant == tenant) & (t.audit.c.at < t.to_micros(now - retention.audit)))
    finished = (t.outbox.c.tenant == tenant) & (t.outbox.c.state == t.DONE) & (t.outbox.c.made_at < t.to_micros(now - retention.work))
    return gone + _first_of(connection, t.outbox, finished)


def _expire_conversations(connection: Connection, tenant: str, before: int, now: datetime) -> int:
    old = _forgotten(connection, tenant, before)
    if not old:
        return 0
    _one_at_a_time(connection)
    _hold_still(connection, tenant, old)
    old = _forgotten(connection, tenant, before, among=old)  # somebody may have spoken just now
    return erase(connection, tenant, old, "retention", now, audit=False).conversations


def _forgotten(connection: Connection, tenant: str, before: int, among: Sequence[str] | None = None) -> Sequence[str]:
    """Return conversations that have not changed since, that owe nothing, and on which there is no hold."""
    talk, hand, known, hold = t.conversations.c, t.handoffs.c, t.identities.c, t.holds.c
    owed = select(hand.id).where((hand.tenant == tenant) & (hand.conversation == talk.id) & hand.state.in_(t.UNFINISHED))
    theirs = select(known.identity).where((known.tenant == tenant) & (known.conversation == talk.id))
    named = hold.identity == literal(CONVERSATION) + talk.id
    held = select(hold.why).where((hold.tenant == tenant) & (hold.identity.in_(theirs) | named))
    old = (talk.tenant == tenant) & (talk.changed_at < before) & ~owed.exists() & ~held.exists()
    query = select(talk.id).where(old if among is None else old & talk.id.in_(among))
    return connection.execute(query.limit(BATCH)).scalars().all()


def _first_of(connection: Connection, table: Any, old: Any) -> int:
    first = select(table.c.id).where(old).order_by(table.c.id).limit(BATCH)
    return connection.execute(delete(table).where(table.c.id.in_(first))).rowcount


def hold(connection: Connection, tenant: str, identities: Sequence[str], why: str, now: datetime) -> None:
    """Put a hold on a customer. What is being erased meanwhile is gone before it is acknowledged."""
    _one_at_a_time(connection)
    rows = [{"tenant": tenant, "identity": identity, "why": why, "at": t.to_micros(now)} for identity in identities]
    connection.execute(insert_for(connection.dialect.name)(t.holds).on_conflict_do_nothing(), rows)


def release(connection: Connection, tenant: str, identities: Sequence[str]) -> int:
    """Take a hold off a customer; return whether there was one."""
    return connection.execute(delete(t.holds).where((t.holds.c.tenant == tenant) & t.holds.c.identity.in_(identities))).rowcount


def held(connection: Connection, tenant: str) -> list[tuple[str, str, datetime]]:
    """Return every hold, once whatever its customer may be known as: on whom, why, and since when."""
    rows = connection.execute(select(t.holds).where(t.holds.c.tenant == tenant).order_by(t.holds.c.at, t.holds.c.identity)).all()
    named = ((row.identity.partition(":")[2], row) for row in rows)
    once = {(name.lower(), row.why, row.at): (name, row.why, t.from_micros(row.at)) for name, row in named}
    return list(once.values())
