"""Tickets of the built-in desk and messages to customers, each kept once."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from hookflash.errors import UnknownError
from hookflash.model import BUILTIN_DESK, Brief, Receipt
from hookflash.stores import tables as t


def put_ticket(connection: Connection, brief: Brief, key: str, at: datetime) -> Receipt:
    """Keep a brief as a ticket; the same key answers with the first receipt. Raises `UnknownError`."""
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


def put_message(connection: Connection, tenant: str, conversation: str, text: str, key: str, at: datetime) -> None:
    """Keep a message for a customer; the same key is kept once. Raises `UnknownError`."""
    if connection.execute(select(t.messages.c.number).where((t.messages.c.tenant == tenant) & (t.messages.c.key == key))).first():
        return
    _require(connection, t.conversations, tenant, conversation)
    last = connection.execute(select(func.max(t.messages.c.number)).where(t.of_conversation(t.messages, tenant, conversation))).scalar()
    row = {"tenant": tenant, "conversation": conversation, "number": (last or 0) + 1, "key": key, "at": t.to_micros(at), "text": text}
    connection.execute(insert(t.messages).values(row))


def _require(connection: Connection, table: Any, tenant: str, name: str) -> None:
    """Raise `UnknownError` for what is not there: erased meanwhile, it must not come back. It stays as long as we write."""
    own = (table.c.tenant == tenant) & (table.c.id == name)
    if connection.execute(select(table.c.id).where(own).with_for_update(read=True, key_share=True)).first() is None:
        raise UnknownError(f"there is no {name!r}; it may have been erased")
