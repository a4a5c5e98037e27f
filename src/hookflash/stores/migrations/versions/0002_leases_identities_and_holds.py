"""Leases on outgoing work and timers, when each handoff goes on, by what customers are known, and holds."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_WAITING = sa.text("state IN ('requested', 'briefed', 'ringing', 'promised')")
_PENDING = sa.text("state = 'pending'")


def upgrade() -> None:
    """Go forward; there is no way back."""
    op.add_column("conversations", sa.Column("changed_at", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("handoffs", sa.Column("promise_desk", sa.Text()))
    op.add_column("handoffs", sa.Column("next_at", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("outbox", sa.Column("made_at", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("outbox", sa.Column("held_until", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("outbox", sa.Column("epoch", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("timers", sa.Column("set_at", sa.BigInteger()))
    op.add_column("timers", sa.Column("held_until", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("UPDATE outbox SET made_at = due_at")
    op.execute(
        "UPDATE conversations SET changed_at = coalesce((SELECT max(audit.at) FROM audit "
        "WHERE audit.tenant = conversations.tenant AND audit.conversation = conversations.id), 0)"
    )
    op.create_table(
        "identities",
        sa.Column("tenant", sa.Text(), primary_key=True),
        sa.Column("identity", sa.Text(), primary_key=True),
        sa.Column("conversation", sa.Text(), primary_key=True),
    )
    op.create_table(
        "holds",
        sa.Column("tenant", sa.Text(), primary_key=True),
        sa.Column("identity", sa.Text(), primary_key=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )
    op.execute(
        "UPDATE handoffs SET next_at = coalesce((SELECT min(timers.at) FROM timers "
        "WHERE timers.tenant = handoffs.tenant AND timers.handoff = handoffs.id), 0)"
    )
    _name_customers()
    _name_desks()
    op.drop_index("outbox_by_due", "outbox")
    op.create_index("outbox_waiting", "outbox", ["tenant", "rank", "due_at"], sqlite_where=_PENDING, postgresql_where=_PENDING)
    op.create_index("outbox_by_due", "outbox", ["due_at"], sqlite_where=_PENDING, postgresql_where=_PENDING)
    op.create_index("audit_by_time", "audit", ["tenant", "at"])
    op.create_index("conversations_by_change", "conversations", ["tenant", "changed_at"])
    op.create_index("identities_by_conversation", "identities", ["tenant", "conversation"])
    op.create_index("handoffs_by_conversation", "handoffs", ["tenant", "conversation"])
    op.create_index("handoffs_by_next", "handoffs", ["next_at"], sqlite_where=_WAITING, postgresql_where=_WAITING)
    op.create_index("timers_by_setting", "timers", ["set_at"])


def _name_customers() -> None:
    """Note by what the customers of conversations are known."""
    known = sa.table("identities", sa.column("tenant"), sa.column("identity"), sa.column("conversation"))
    connection = op.get_bind()
    for tenant, name, document in connection.execute(sa.text("SELECT tenant, id, document FROM conversations")).all():
        customer = json.loads(document).get("customer") or {}
        email = customer.get("email")
        identities = (("id", customer.get("id")), ("phone", customer.get("phone")), ("email", email and email.lower()))
        rows = [{"tenant": tenant, "identity": f"{kind}:{value}", "conversation": name} for kind, value in identities if value]
        if rows:
            connection.execute(known.insert(), rows)


def _name_desks() -> None:
    """Note which desk keeps each promise."""
    connection = op.get_bind()
    note = sa.text("UPDATE handoffs SET promise_desk = :desk WHERE tenant = :tenant AND id = :id")
    found = connection.execute(sa.text("SELECT tenant, id, document FROM handoffs WHERE promise_due IS NOT NULL")).all()
    for tenant, name, document in found:
        promise = json.loads(document).get("promise") or {}
        connection.execute(note, {"desk": promise.get("by"), "tenant": tenant, "id": name})
