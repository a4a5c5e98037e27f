"""Rows and documents, read.

One that cannot be read holds up no other. What a newer version wrote besides what we know is passed over, so that both may
work on one database while servers are replaced one after another.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import structlog
from pydantic import TypeAdapter, ValidationError

from hookflash.model import Conversation, Delivery, Handoff, SetTimer, TurnRecord
from hookflash.ports import Lease, OutboxItem, Timer
from hookflash.stores.tables import is_crowded, urgency_of

log = structlog.get_logger("hookflash.store")

T = TypeVar("T")
# How many characters of documents are read without leaving the event loop: a few milliseconds' worth.
AT_ONCE = 100_000
_DELIVERY: TypeAdapter[Delivery] = TypeAdapter(Delivery)


async def read_beside(documents: Iterable[str], read: Callable[[], T]) -> T:
    """Return what `read` makes of documents; where they are so long that everybody else would wait, in a thread."""
    return await asyncio.to_thread(read) if sum(map(len, documents)) > AT_ONCE else read()


def read_by_name(documents: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], Handoff]:
    """Return the handoffs that can be read."""
    found = {}
    for name, document in documents.items():
        with suppress(ValidationError):  # whoever wants this one is told so
            found[name] = read_handoff(document)
    return found


def read_handoff(document: str) -> Handoff:
    """Return a handoff. Raises `ValidationError`."""
    return Handoff.model_validate_json(document, extra="ignore")


def read_work(row: Any, about: Handoff | None = None) -> OutboxItem:
    """Return outgoing work, with the handoff that it is about. Raises `ValidationError`."""
    return OutboxItem(
        lease=Lease(item=row.id, epoch=row.epoch),
        tenant=row.tenant,
        handoff=row.handoff,
        urgency=urgency_of(row.rank),
        crowded=is_crowded(row.rank),
        delivery=_DELIVERY.validate_json(row.document, extra="ignore"),
        about=about,
        attempts=row.attempts,
        last_error=row.last_error,
    )


def read_rows(rows: Sequence[Any], parse: Callable[[Any], T]) -> tuple[T, ...]:
    """Return what rows hold. One that cannot be read holds up no other."""
    found = []
    for row in rows:
        try:
            found.append(parse(row))
        except ValidationError:
            log.error("row_unreadable", id=row.id)
    return tuple(found)


def read_timer(row: Any) -> Timer:
    """Return a timer. Raises `ValidationError`."""
    return Timer(id=row.id, tenant=row.tenant, handoff=row.handoff, timer=SetTimer.model_validate_json(row.document, extra="ignore"))


def read_turn(document: str) -> TurnRecord:
    """Return a turn and what was decided on it."""
    return TurnRecord.model_validate_json(document, extra="ignore")


def read_conversation(document: str, window: Iterable[str]) -> Conversation:
    """Return a conversation with its latest turns, oldest first."""
    found = Conversation.model_validate_json(document, extra="ignore")
    return found.model_copy(update={"turns": tuple(read_turn(one) for one in window)})
