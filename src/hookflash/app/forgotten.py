"""`hookflash erase` and `hookflash hold`: what is forgotten of a customer, and what must not be."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection

from hookflash.app.database import look_into_current, mend
from hookflash.errors import InputError
from hookflash.stores import erasure
from hookflash.stores.erasure import Erased
from hookflash.stores.sql import SqlStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ErasedView:
    """What was erased, or would be."""

    erased: Erased | None
    conversations: tuple[str, ...]
    tickets: tuple[str, ...]
    """What stays at desks of others."""

    def render(self) -> RenderableType:
        """See `View`."""
        if self.erased is None:
            return Text("Would erase: " + ", ".join(self.conversations) + ". Run it without --dry-run to do so.")
        gone = self.erased
        lines = [
            f"Erased {gone.conversations} conversations: {gone.turns} turns, {gone.handoffs} handoffs, {gone.entries} audit entries.",
            "A tombstone without the customer's words stays in the audit trail.",
        ]
        if self.tickets:
            lines.append("Desks of others still hold: " + ", ".join(self.tickets) + ". Erase these there.")
        return Text("\n".join(lines))

    def data(self) -> Any:
        """See `View`."""
        return {
            "erased": self.erased and self.erased.model_dump(),
            "conversations": list(self.conversations),
            "remaining_tickets": list(self.tickets),
        }


@dataclass(frozen=True, slots=True)
class HoldsView:
    """On whom there is a hold, why, and since when."""

    holds: tuple[tuple[str, str, datetime], ...]

    def render(self) -> RenderableType:
        """See `View`."""
        if not self.holds:
            return Text("No holds.")
        table = Table("Customer", "Why", "Since (UTC)")
        for identity, why, at in self.holds:
            table.add_row(identity, why, f"{at:%Y-%m-%d %H:%M}")
        return table

    def data(self) -> Any:
        """See `View`."""
        return [{"customer": identity, "why": why, "since": at.isoformat()} for identity, why, at in self.holds]


def erase_customer(matrix: Path, database: str | None, tenant: str, customer: str, why: str, *, dry_run: bool) -> ErasedView:
    """Forget everything of a customer. Raises `InputError` where nothing is known of them, or something keeps it."""
    found = _in(look_into_current(matrix, database), lambda connection: erasure.known_as(connection, tenant, customer))
    if not found:
        raise InputError("nothing is kept of this customer; give the id, phone or e-mail by which the assistant's side named them")
    tickets = _in(look_into_current(matrix, database), lambda connection: erasure.tickets_elsewhere(connection, tenant, found))
    if dry_run:
        _in(look_into_current(matrix, database), lambda connection: erasure.require_free(connection, tenant, found))
        return ErasedView(None, tuple(found), tuple(tickets))
    now = datetime.now(UTC)
    gone = _in(mend(matrix, database), lambda connection: erasure.erase(connection, tenant, found, why, now, audit=True))
    return ErasedView(gone, tuple(found), tuple(tickets))


def hold_customer(matrix: Path, database: str | None, tenant: str, customer: str, why: str) -> HoldsView:
    """Keep everything of a customer from being erased. Raises `InputError`."""
    now = datetime.now(UTC)
    _in(mend(matrix, database), lambda connection: erasure.hold(connection, tenant, erasure.identities(customer), why, now))
    return holds_view(matrix, database, tenant)


def release_customer(matrix: Path, database: str | None, tenant: str, customer: str) -> HoldsView:
    """Take a hold away. Raises `InputError` where there is none."""
    if not _in(mend(matrix, database), lambda connection: erasure.release(connection, tenant, erasure.identities(customer))):
        raise InputError("there is no hold on this customer; list them with `hookflash hold`")
    return holds_view(matrix, database, tenant)


def holds_view(matrix: Path, database: str | None, tenant: str) -> HoldsView:
    """Return every hold. Raises `InputError`."""
    return HoldsView(tuple(_in(look_into_current(matrix, database), lambda connection: erasure.held(connection, tenant))))


def _in(store: SqlStore, job: Callable[[Connection], T]) -> T:
    async def run() -> T:
        try:
            return await store.run(job)
        finally:
            await store.close()

    return asyncio.run(run())
