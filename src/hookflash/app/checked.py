"""What `check` shows: every fault with its place and mend, and how long a customer can wait at worst."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hookflash.errors import Fault
from hookflash.review.check import Report, check_file
from hookflash.review.proof import YEAR, Wait
from hookflash.review.stretches import length, span
from hookflash.review.timeline import instant_of

FAULT_KEYS = ("file", "line", "column", "severity", "code", "what", "mend")


@dataclass(frozen=True, slots=True)
class Checked:
    """What `check` found in one or more files."""

    reports: tuple[Report, ...]

    @property
    def readable(self) -> bool:
        """Whether every file and value could be read."""
        return all(report.readable for report in self.reports)

    def is_wrong(self, *, strict: bool) -> bool:
        """Whether there are errors, or, strictly, any findings at all."""
        return any(report.faults if strict else report.errors for report in self.reports)

    def render(self) -> RenderableType:
        """See `View`."""
        return Group(*(part for report in self.reports for part in _rendered(report)))

    def data(self) -> Any:
        """See `View`."""
        data = [_data(report) for report in self.reports]
        return data[0] if len(data) == 1 else data


def checked(files: Sequence[Path]) -> Checked:
    """Return what is wrong in matrix files, over the year from now."""
    now = datetime.now(UTC)
    return Checked(tuple(check_file(file, now) for file in files))


def _rendered(report: Report) -> Iterator[RenderableType]:
    if report.faults:
        yield Text("\n".join(str(fault) for fault in report.faults), no_wrap=True, overflow="ignore")
    if report.matrix is not None:
        yield Text(f"{report.file}: {_verdict(report)} (revision {report.matrix.revision})")
    if report.waits and report.matrix is not None:
        zone = report.matrix.business.timezone
        first, last = report.start.date(), (report.start + YEAR).date()
        yield Text(f"\nThe longest that a customer can wait, {first} to {last}, {zone}:")
        yield Padding(_waits(report.waits, zone), (0, 0, 0, 2))


def _verdict(report: Report) -> str:
    if not report.faults:
        return "no faults"
    errors = len(report.errors)
    counted = [(errors, "error"), (len(report.faults) - errors, "warning")]
    return ", ".join(f"{count} {what}{'s' if count > 1 else ''}" for count, what in counted if count)


def _waits(waits: Sequence[Wait], zone: str) -> Table:
    table = Table("When it is about", "For a person", "Asked, and answered", "If nobody answers", box=None, pad_edge=False)
    alike: dict[tuple[str, str, str], list[str]] = {}
    for wait in waits:
        when = span(wait.asked, wait.until, zone) if wait.asked is not None and wait.until is not None else "at any time"
        about = (length(wait.seconds), when, length(wait.unanswered))
        alike.setdefault(about, []).append((wait.topic and f"{wait.trigger} {wait.topic}") or wait.trigger)
    for (how_long, when, unanswered), names in sorted(alike.items(), key=lambda item: item[0][1] != "at any time"):
        table.add_row(", ".join(names), how_long, when, unanswered)
    return table


def _data(report: Report) -> dict[str, Any]:
    return {
        "file": report.file,
        "revision": report.matrix.revision if report.matrix is not None and not report.errors else None,
        "faults": [_fault(fault) for fault in report.faults],
        "waits": [_wait(wait) for wait in report.waits],
    }


def _fault(fault: Fault) -> dict[str, Any]:
    return {key: getattr(fault, key) for key in FAULT_KEYS}


def _wait(wait: Wait) -> dict[str, Any]:
    return {
        "trigger": wait.trigger,
        "topic": wait.topic,
        "route": wait.route,
        "seconds": wait.seconds,
        "asked": (wait.asked is not None and instant_of(wait.asked).isoformat()) or None,
        "until": (wait.until is not None and instant_of(wait.until).isoformat()) or None,
        "unanswered_seconds": wait.unanswered,
    }
