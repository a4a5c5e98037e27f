"""What `check` shows: every fault with its place and mend, and how long a customer can wait at worst."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from hookflash.errors import Fault
from hookflash.review.check import Report, check_file
from hookflash.review.stretches import length, span
from hookflash.review.timeline import instant_of
from hookflash.review.year import YEAR, Wait

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
        return Text("\n".join(line for report in self.reports for line in _lines(report)))

    def data(self) -> Any:
        """See `View`."""
        data = [_data(report) for report in self.reports]
        return data[0] if len(data) == 1 else data


def checked(files: Sequence[Path]) -> Checked:
    """Return what is wrong in matrix files, over the year from now."""
    now = datetime.now(UTC)
    return Checked(tuple(check_file(file, now) for file in files))


def _lines(report: Report) -> Iterator[str]:
    yield from map(str, report.faults)
    if report.matrix is not None:
        yield f"{report.file}: {_verdict(report)} (revision {report.matrix.revision})"
    if report.waits and report.matrix is not None:
        zone = report.matrix.business.timezone
        yield ""
        yield f"The longest that a customer can wait, {report.start.date()} to {(report.start + YEAR).date()}, {zone}:"
        yield from _waits(report.waits, zone)


def _verdict(report: Report) -> str:
    if not report.faults:
        return "no faults"
    errors = len(report.errors)
    counted = [(errors, "error"), (len(report.faults) - errors, "warning")]
    return ", ".join(f"{count} {what}{'s' if count > 1 else ''}" for count, what in counted if count)


def _waits(waits: Sequence[Wait], zone: str) -> Iterator[str]:
    """One line for all that wait the same: `distress.crisis: 30 s at any time; if nobody answers 67 h`."""
    alike: dict[tuple[str, str], list[Wait]] = {}
    for wait in waits:
        when = f", {span(wait.asked, wait.until, zone)}" if wait.asked is not None and wait.until is not None else " at any time"
        alike.setdefault((length(wait.seconds), when), []).append(wait)
    for (how_long, when), same in sorted(alike.items(), key=lambda item: item[0][1].startswith(",")):
        unanswered = length(max(wait.unanswered for wait in same))
        yield f"  {', '.join(_names(same, waits))}: {how_long}{when}; if nobody answers, {unanswered}"


def _names(same: Sequence[Wait], waits: Sequence[Wait]) -> Iterator[str]:
    """Name triggers, and topics where not all of a trigger's topics are among them."""
    for trigger in dict.fromkeys(wait.trigger for wait in same):
        topics = [wait.topic for wait in same if wait.trigger == trigger and wait.topic]
        everything = [wait.topic for wait in waits if wait.trigger == trigger and wait.topic]
        yield f"{trigger} ({', '.join(topics)})" if len(topics) < len(everything) else trigger


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
