"""What the reading verbs show: a matrix, its faults, handoffs and promises."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hookflash.app.brief_view import brief_panel
from hookflash.app.config import database_path
from hookflash.errors import Fault, InputError, MatrixError
from hookflash.matrix import DISTRESS_CLASSES, Matrix, load_matrix
from hookflash.matrix.schema import Route
from hookflash.matrix.values import format_duration
from hookflash.model import Handoff, State
from hookflash.stores import SqliteStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Checked:
    """What `check` found."""

    file: str
    revision: str | None
    faults: tuple[Fault, ...]
    readable: bool

    def render(self) -> RenderableType:
        """See `View`."""
        if self.revision is not None:
            return Text(f"{self.file}: no faults (revision {self.revision})")
        return Text("\n".join(str(fault) for fault in self.faults))

    def data(self) -> Any:
        """See `View`."""
        names = ("file", "line", "column", "what", "mend")
        faults = [{name: getattr(fault, name) for name in names} for fault in self.faults]
        return {"file": self.file, "revision": self.revision, "faults": faults}


def checked(file: Path) -> Checked:
    """Return the faults of a matrix file. Raises `InputError` where it cannot be read."""
    try:
        return Checked(str(file), load_matrix(file).revision, (), readable=True)
    except MatrixError as error:
        return Checked(str(file), None, tuple(error.faults), readable=error.readable)


@dataclass(frozen=True, slots=True)
class MatrixView:
    """A matrix as the table that a manager reads."""

    matrix: Matrix

    def render(self) -> RenderableType:
        """See `View`."""
        business = self.matrix.business
        title = f"{business.name}: escalation matrix, revision {self.matrix.revision}"
        under = f"times in {business.timezone}; languages: {', '.join(business.languages)}"
        under += f"; regulated: {business.regulated}" if business.regulated else ""
        return Group(Text(title, style="bold"), Text(under), self._routes(), self._people(), self._triggers(), self._nobody())

    def data(self) -> Any:
        """See `View`."""
        return {"revision": self.matrix.revision, "matrix": self.matrix.model_dump(mode="json")}

    def _routes(self) -> Table:
        table = Table("", "When", "Urgency", "Who is rung, in order", title="Routes: the first that matches is taken", title_justify="left")
        for number, route in enumerate(self.matrix.routes, start=1):
            ladder = ", then ".join(f"{step.to} {format_duration(step.ring_for)}" for step in route.ladder)
            table.add_row(str(number), _when(route), str(route.urgency or "by trigger"), ladder)
        return table

    def _people(self) -> Table:
        table = Table("Responder", "Hours", "Reached by", "Brief goes to", title="Responders", title_justify="left")
        for name, person in self.matrix.responders.items():
            lines = ", ".join(f"{kind} {address}" for kind, address in person.line.addresses().items())
            table.add_row(name, f"{person.hours}: {self._hours(person.hours)}", lines, person.desk)
        return table

    def _hours(self, name: str) -> str:
        hours = self.matrix.hours[name]
        if isinstance(hours, str):
            return hours
        days = [f"{days} {spans}" for days, spans in (hours.__pydantic_extra__ or {}).items()]
        return "; ".join([*days, *([f"not on holidays of {hours.holidays}"] if hours.holidays else [])])

    def _triggers(self) -> Table:
        triggers = self.matrix.triggers
        table = Table("Trigger", "Fires", title="Triggers", title_justify="left")
        table.add_row("explicit request", "always")
        for name in DISTRESS_CLASSES:
            threshold = triggers.distress.threshold(name)
            over = f" over {threshold.over} turns" if threshold and threshold.over > 1 else ""
            table.add_row(name.replace("_", " "), f"at {threshold.at:g}{over}" if threshold else "off")
        table.add_row("confidence", "off" if triggers.confidence == "off" else f"below {triggers.confidence.below:g}")
        fenced = ", ".join(self.matrix.scope.fenced) or "none"
        table.add_row("scope", f"fenced topics: {fenced}" + ("" if triggers.scope == "off" else "; and everything outside"))
        table.add_row("stuck", "off" if triggers.stuck == "off" else f"after {triggers.stuck.repeats} repeats")
        return table

    def _nobody(self) -> Text:
        nobody = self.matrix.nobody
        within = format_duration(nobody.callback.within)
        return Text(
            f"If nobody is there: a ticket at {nobody.desk}, and a promise to get back within {within} of {nobody.callback.hours} hours."
        )


def matrix_view(file: Path) -> MatrixView:
    """Return a matrix to show. Raises `MatrixError`, `InputError`."""
    return MatrixView(load_matrix(file))


@dataclass(frozen=True, slots=True)
class Schema:
    """The JSON Schema of matrix files."""

    def render(self) -> RenderableType:
        """See `View`."""
        return Text(str(self.data()))

    def data(self) -> Any:
        """See `View`."""
        schema = Matrix.model_json_schema()
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "hookflash escalation matrix", **schema}


def matrix_schema() -> Schema:
    """Return the schema to show."""
    return Schema()


def _when(route: Route) -> str:
    when = route.when
    parts = [("trigger", when.trigger), ("topic", when.topic), ("channel", when.channel), ("language", when.language)]
    named = [f"{name}: {', '.join(str(value) for value in values)}" for name, values in parts if values]
    return "; ".join(named) or "everything else"


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
            lines.append(f"  promised by {_minute(one.promise.due)} UTC ({one.promise.state})")
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
        return any(one.state is State.OVERDUE for one in self.handoffs)

    def render(self) -> RenderableType:
        """See `View`."""
        if not self.handoffs:
            return Text("No open promises.")
        table = Table("Due (UTC)", "State", "Handoff", "Who keeps it", "Customer", "Contact", "Why")
        for one in self.handoffs:
            assert one.promise is not None
            customer = one.brief.customer
            contact = customer.phone or customer.email or "the same chat"
            table.add_row(
                _minute(one.promise.due),
                one.promise.state,
                one.id,
                one.promise.by,
                customer.name or "unknown",
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


def handoffs_view(matrix: Path, database: Path | None, tenant: str, states: Sequence[str], limit: int) -> HandoffsView:
    """Return handoffs to show. Raises `InputError`."""
    try:
        wanted = [State(state) for state in states]
    except ValueError:
        raise InputError(f"there is no such state among {', '.join(states)}; states: {', '.join(State)}") from None
    return HandoffsView(_read(matrix, database, lambda store: store.handoffs(tenant, wanted, limit)))


def handoff_view(matrix: Path, database: Path | None, tenant: str, handoff: str) -> HandoffView:
    """Return one handoff to show. Raises `InputError`."""
    found = _read(matrix, database, lambda store: store.handoff(tenant, handoff))
    if found is None:
        raise InputError(f"there is no handoff {handoff!r}; list them with `hookflash handoffs`")
    return HandoffView(found)


def promises_view(matrix: Path, database: Path | None, tenant: str, *, open_only: bool) -> PromisesView:
    """Return promises to show. Raises `InputError`."""
    return PromisesView(_read(matrix, database, lambda store: store.promises(tenant, open_only=open_only)))


def _read(matrix: Path, database: Path | None, query: Callable[[SqliteStore], Awaitable[T]]) -> T:
    """Ask the database, beside whatever server writes it."""
    path = database or database_path(matrix)
    if not path.exists():
        raise InputError(f"there is no database at {path}; start `hookflash serve`, or name one with --database")

    async def ask() -> T:
        store = SqliteStore(path, serve=False)
        try:
            return await query(store)
        finally:
            await store.close()

    return asyncio.run(ask())


def _minute(at: datetime) -> str:
    return at.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%d %H:%M")
