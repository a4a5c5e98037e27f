"""The tables. Instants are microseconds since 1970 in UTC; documents are the JSON of the model's types."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text, UniqueConstraint

# The newest migration in `migrations/versions`. A database with a revision that is not there was written by a newer hookflash.
HEAD = "0001"

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
    Column("document", Text, nullable=False),
    Index("handoffs_by_state", "tenant", "state", "requested_at"),
    Index("handoffs_by_promise", "tenant", "promise_due"),
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
)
PENDING, DONE, DEAD = "pending", "done", "dead"
outbox = Table(
    "outbox",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("handoff", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text),
    Column("document", Text, nullable=False),
    UniqueConstraint("tenant", "key"),
    Index("outbox_by_due", "state", "due_at"),
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
    Column("document", Text, nullable=False),
    UniqueConstraint("tenant", "handoff", "kind"),
    Index("timers_by_time", "at"),
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
_MICROSECOND = timedelta(microseconds=1)


def to_micros(at: datetime) -> int:
    """Return an aware instant as microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the instant of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)
