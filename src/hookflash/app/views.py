"""What the verbs about handoffs and promises show."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hookflash.app.brief_view import brief_panel
from hookflash.app.database import look_into, mend
from hookflash.errors import InputError
from hookflash.model import Handoff, PromiseEntry, State
from hookflash.ports import OutboxItem, Store
from hookflash.summary import PromiseSummary, summary_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HandoffsView:
    """A list of handoffs."""

    handoffs: tuple[Handoff, ...]

    def render(self) -> RenderableType:
        """See `View`."""
        if not self.handoffs:
            return Text("No handoffs.")
        table = Table("Handoff", "Asked (UTC)", "State", "Urgency", "Why", "Responder", "Ticket")
        for one in self.handoffs:
            ticket = one.receipt.ticket if one.receipt else ""
            reason = one.brief.reason_code
            table.add_row(one.id, _minute(one.requested_at), one.state, one.plan.urgency, reason, one.responder or "", ticket)
        return table

    def data(self) -> Any:
        """See `View`."""
        return [one.model_dump(mode="json") for one in self.handoffs]


@dataclass(frozen=True, slots=True)
class HandoffView:
    """One handoff with its brief and what was tried."""

    handoff: Handoff

    def render(self) -> RenderableType:
        """See `View`."""
        one = self.handoff
        lines = [f"{one.id}: {one.state}, {one.plan.urgency}"]
        lines += [f"  {_minute(attempt.at)} {attempt.responder} by {attempt.line}: {attempt.answer}" for attempt in one.attempts]
        if one.promise:
            lines.append(
                f"  promised by {_minute(one.promise.due)} UTC ({one.promise.state}), reached by {one.promise.contact or 'no way known'}"
            )
            lines += [f"    {_minute(entry.at)} {_entry(entry)}" for entry in one.promise.log]
        if one.brief.earlier:
            lines.append(f"  goes on from {one.brief.earlier}, which the same customer had open")
        if one.result:
            lines.append(f"  result: {one.result}")
        return Group(Text("\n".join(lines)), brief_panel(one.brief, one.receipt))

    def data(self) -> Any:
        """See `View`."""
        return self.handoff.model_dump(mode="json")


@dataclass(frozen=True, slots=True)
class PromisesView:
    """What customers were promised."""

    handoffs: tuple[Handoff, ...]

    @property
    def overdue(self) -> bool:
        """Whether any promise is overdue."""
        return any(one.promise and one.promise.state == "overdue" for one in self.handoffs)

    def render(self) -> RenderableType:
        """See `View`."""
        if not self.handoffs:
            return Text("No open promises.")
        table = Table("Due (UTC)", "State", "Handoff", "Who keeps it", "Tries", "Customer", "Contact", "Why")
        for one in self.handoffs:
            assert one.promise is not None
            customer = one.brief.customer
            contact = customer.phone or customer.email or ("the same chat" if one.promise.contact == "here" else "unknown")
            tries = sum(entry.what == "attempted" for entry in one.promise.log)
            table.add_row(
                _minute(one.promise.due),
                one.promise.state,
                one.id,
                one.promise.assigned or one.promise.by,
                str(tries),
                customer.name or customer.id or "unknown",
                contact,
                one.brief.reason_code,
            )
        return table

    def data(self) -> Any:
        """See `View`."""
        return [
            {
                "handoff": one.id,
                "state": one.state,
                "conversation": one.conversation,
                "promise": one.promise and one.promise.model_dump(mode="json"),
            }
            for one in self.handoffs
        ]


@dataclass(frozen=True, slots=True)
class RetriedView:
    """Work that was given up and is tried again."""

    letters: tuple[OutboxItem, ...]
    retried: int

    def render(self) -> RenderableType:
        """See `View`."""
        if not self.retried:
            return Text("Nothing was given up.")
        table = Table("Handoff", "Work", "Tries", "Why it was given up")
        for one in self.letters:
            table.add_row(one.handoff, one.delivery.kind, str(one.attempts), one.last_error or "")
        return Group(table, Text(f"{self.retried} taken up again; the couriers try them at once."))

    def data(self) -> Any:
        """See `View`."""
        letters = [{"handoff": one.handoff, "kind": one.delivery.kind, "attempts": one.attempts} for one in self.letters]
        return {"retried": self.retried, "letters": letters}


def retried_view(matrix: Path, database: str | None, tenant: str, handoff: str | None) -> RetriedView:
    """Take up again what was given up, and return it to show. Raises `InputError`."""

    async def _retry(store: Store) -> RetriedView:
        letters = [one for one in await store.dead_letters(tenant, 1_000) if handoff in (None, one.handoff)]
        return RetriedView(tuple(letters), await store.retry(tenant, handoff))

    return _ask(mend(matrix, database), _retry)


def handoffs_view(matrix: Path, database: str | None, tenant: str, states: Sequence[str], limit: int) -> HandoffsView:
    """Return handoffs to show. Raises `InputError`."""
    try:
        wanted = [State(state) for state in states]
    except ValueError:
        raise InputError(f"there is no such state among {', '.join(states)}; states: {', '.join(State)}") from None
    return HandoffsView(_read(matrix, database, lambda store: store.handoffs(tenant, wanted, limit)))


def handoff_view(matrix: Path, database: str | None, tenant: str, handoff: str) -> HandoffView:
    """Return one handoff to show. Raises `InputError`."""
    found = _read(matrix, database, lambda store: store.handoff(tenant, handoff))
    if found is None:
        raise InputError(f"there is no handoff {handoff!r}; list them with `hookflash handoffs`")
    return HandoffView(found)


def promises_view(matrix: Path, database: str | None, tenant: str, *, open_only: bool) -> PromisesView:
    """Return promises to show. Raises `InputError`."""
    return PromisesView(_read(matrix, database, lambda store: store.promises(tenant, open_only=open_only)))


@dataclass(frozen=True, slots=True)
class SummaryView:
    """The figures of a day's promises."""

    summary: PromiseSummary

    def render(self) -> RenderableType:
        """See `View`."""
        return Text(str(self.summary))

    def data(self) -> Any:
        """See `View`."""
        return self.summary.model_dump(mode="json")


def summary_view(matrix: Path, database: str | None, tenant: str) -> SummaryView:
    """Return the figures of the last day. Raises `InputError`."""
    now = datetime.now(UTC)
    yesterday = now - timedelta(days=1)
    made = _read(matrix, database, lambda store: store.promises(tenant, open_only=False, since=yesterday, limit=10_000))
    return SummaryView(summary_of(made, yesterday, now))


def _read(matrix: Path, database: str | None, query: Callable[[Store], Awaitable[T]]) -> T:
    return _ask(look_into(matrix, database), query)


def _ask(store: Store, query: Callable[[Store], Awaitable[T]]) -> T:
    async def ask() -> T:
        try:
            return await query(store)
        finally:
            await store.close()

    return asyncio.run(ask())


def _entry(entry: PromiseEntry) -> str:
    return ", ".join(filter(None, (entry.what, entry.who, entry.word)))


def _minute(at: datetime) -> str:
    return at.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%d %H:%M")
