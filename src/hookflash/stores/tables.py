"""The tables. Instants are microseconds since 1970 in UTC; documents are the JSON of the model's types."""

import hashlib
from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Column, ColumnElement, Index, Integer, MetaData, Table, Text, UniqueConstraint, column, literal_column

from hookflash.model import State, Urgency

# The newest migration in `migrations/versions`. A database with a revision that is not there was written by a newer hookflash.
HEAD = "0002"

metadata = MetaData()
# SQLite counts rows by itself only where their number is an INTEGER, which holds 64 bits there anyway.
_NUMBER = BigInteger().with_variant(Integer, "sqlite")

conversations = Table(
    "conversations",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False, server_default="0"),
    Index("conversations_by_change", "tenant", "changed_at"),
)
# By what a customer is known, and the conversations in which they were.
identities = Table(
    "identities",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("identity", Text, primary_key=True),
    Column("conversation", Text, primary_key=True),
    Index("identities_by_conversation", "tenant", "conversation"),
)
# Customers of whom nothing may be erased, because a court or an authority may ask for it.
holds = Table(
    "holds",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("identity", Text, primary_key=True),
    Column("why", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
turns = Table(
    "turns",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("conversation", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("seq", Integer),
    Column("key", Text),
    Column("document", Text, nullable=False),
    UniqueConstraint("tenant", "conversation", "seq"),
    UniqueConstraint("tenant", "conversation", "key"),
)
# States in which something must still come. A promise that is overdue has made its noise.
WAITING = [state.value for state in (State.REQUESTED, State.BRIEFED, State.RINGING, State.PROMISED)]
# States in which something is owed to the customer: who left and cannot be reached is owed nothing until they come back.
OWED = [state.value for state in State if not state.closed and state not in (State.CONNECTED, State.ABANDONED)]
UNFINISHED = [*OWED, State.CONNECTED.value]
OPEN = [state.value for state in State if not state.closed and state is not State.CONNECTED]
# In words and not as parameters: only so does a database know that a partial index fits.
is_waiting = column("state").in_([literal_column(f"'{state}'") for state in WAITING])
handoffs = Table(
    "handoffs",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("conversation", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("requested_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("promise_due", BigInteger),
    Column("promise_desk", Text),
    Column("next_at", BigInteger, nullable=False, server_default="0"),  # when its next timer is due; 0: it has none
    Column("document", Text, nullable=False),
    Index("handoffs_by_state", "tenant", "state", "requested_at"),
    Index("handoffs_by_promise", "tenant", "promise_due"),
    Index("handoffs_by_conversation", "tenant", "conversation"),
    Index("handoffs_by_next", "next_at", sqlite_where=is_waiting, postgresql_where=is_waiting),
)
audit = Table(
    "audit",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("conversation", Text, nullable=False),
    Column("handoff", Text),
    Column("at", BigInteger, nullable=False),
    Column("what", Text, nullable=False),
    Column("document", Text, nullable=False),
    Index("audit_by_conversation", "tenant", "conversation", "id"),
    Index("audit_by_time", "tenant", "at"),
)
PENDING, DONE, DEAD = "pending", "done", "dead"
is_pending = column("state") == literal_column(f"'{PENDING}'")
outbox = Table(
    "outbox",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("handoff", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False, server_default="0"),
    Column("due_at", BigInteger, nullable=False),
    Column("held_until", BigInteger, nullable=False, server_default="0"),  # the end of the lease of who does it now
    Column("epoch", Integer, nullable=False, server_default="0"),  # counts the leases; whoever had an earlier one is too late
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text),
    Column("document", Text, nullable=False),
    UniqueConstraint("tenant", "key"),
    Index("outbox_waiting", "tenant", "rank", "due_at", sqlite_where=is_pending, postgresql_where=is_pending),
    Index("outbox_by_due", "due_at", sqlite_where=is_pending, postgresql_where=is_pending),
    Index("outbox_by_handoff", "tenant", "handoff", "state"),
    sqlite_autoincrement=True,  # the number of a finished item never comes back
)
timers = Table(
    "timers",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("handoff", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("set_at", BigInteger),  # for waits of seconds: when it was set
    Column("held_until", BigInteger, nullable=False, server_default="0"),
    Column("document", Text, nullable=False),
    UniqueConstraint("tenant", "handoff", "kind"),
    Index("timers_by_time", "at"),
    Index("timers_by_setting", "set_at"),
    sqlite_autoincrement=True,  # the number of a cleared timer never comes back
)
pulse = Table("pulse", metadata, Column("id", Integer, primary_key=True), Column("at", BigInteger, nullable=False))
matrices = Table(
    "matrices",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("revision", Text, primary_key=True),
    Column("document", Text, nullable=False),
)
tickets = Table(
    "tickets",
    metadata,
    Column("number", _NUMBER, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("handoff", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("document", Text, nullable=False),
    UniqueConstraint("tenant", "handoff"),
)
receipts = Table(
    "receipts",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("document", Text, nullable=False),
)
messages = Table(
    "messages",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("conversation", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("key", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    UniqueConstraint("tenant", "key"),
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def rank_of(urgency: Urgency, *, crowded: bool = False) -> int:
    """Return the rank of work in the outbox: the most urgent comes first, that of a crowd after all others."""
    return len(Urgency) * crowded - urgency.rank


def urgency_of(rank: int) -> Urgency:
    """Return the urgency of work in the outbox."""
    return list(Urgency)[-rank % len(Urgency)]


def is_crowded(rank: int) -> bool:
    """Return whether work in the outbox is one of a crowd."""
    return rank > 0


RANKS = range(rank_of(Urgency.IMMEDIATE), rank_of(Urgency.NORMAL, crowded=True) + 1)


def to_micros(at: datetime) -> int:
    """Return an aware instant as microseconds since 1970."""
    return (at - _EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the instant of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)


def of_conversation(table: Table, tenant: str, conversation: str) -> ColumnElement[bool]:
    """Return the condition on the rows of a conversation."""
    same: ColumnElement[bool] = (table.c.tenant == tenant) & (table.c.conversation == conversation)
    return same


def buried(tenant: str, conversation: str) -> str:
    """Return the name of a tombstone: it is found by whoever knows the conversation's, and tells it to nobody."""
    return "erased-" + hashlib.sha256(f"{tenant}\x00{conversation}".encode()).hexdigest()[:16]
