"""`check`: everything that is wrong in a matrix, by its text and by proof, and the worst wait for each trigger."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hookflash.errors import Fault, MatrixError
from hookflash.matrix import Matrix, examine
from hookflash.matrix.document import read_text
from hookflash.matrix.findings import Finding
from hookflash.review.claims import claims
from hookflash.review.proof import proved
from hookflash.review.year import Wait, Year

# With these the routes and calendars are not what they will be, so that a proof would say nothing.
_UNPROVABLE = frozenset({"unknown-name", "no-catch-all", "bad-rung", "unknown-trigger", "unkeepable-promise", "never-open", "no-line"})


@dataclass(frozen=True, slots=True)
class Report:
    """What `check` found in one file. `waits` are known where nothing stood in the way of the proof."""

    file: str
    faults: tuple[Fault, ...]
    matrix: Matrix | None
    waits: tuple[Wait, ...]
    start: datetime

    @property
    def errors(self) -> tuple[Fault, ...]:
        """The faults that keep the matrix from being taken up."""
        return tuple(fault for fault in self.faults if fault.severity == "error")

    @property
    def readable(self) -> bool:
        """Whether the file and every value in it could be read."""
        return not any(fault.unreadable for fault in self.faults)


def check_file(file: str | Path, now: datetime) -> Report:
    """Return everything that is wrong in a matrix file, over the year from `now`."""
    try:
        text = read_text(Path(file))
    except MatrixError as error:
        return Report(str(file), tuple(error.faults), None, (), now)
    return check_text(text, str(file), now)


def check_text(text: str, name: str, now: datetime) -> Report:
    """Return everything that is wrong in the text of a matrix, over the year from `now`."""
    try:
        document, faults, matrix = examine(text, name)
    except MatrixError as error:
        return Report(name, tuple(error.faults), None, (), now)
    if matrix is None or any(fault.unreadable or fault.code in _UNPROVABLE for fault in faults):
        return Report(name, _in_order(faults), matrix, (), now)
    year = Year(matrix, now)
    more = [document.fault(finding) for finding in _findings(year)]
    return Report(name, _in_order([*faults, *more]), matrix, tuple(year.waits()), now)


def _findings(year: Year) -> Iterator[Finding]:
    yield from proved(year)
    yield from claims(year)


def _in_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Sort by place; of several of one code at one place keep the first."""
    first: dict[tuple[int, int, str, str], Fault] = {}
    for fault in faults:
        first.setdefault((fault.line, fault.column, fault.code, "" if fault.code == "shadowed-route" else fault.what), fault)
    return tuple(sorted(first.values(), key=lambda fault: (fault.line, fault.column, fault.severity, fault.code, fault.what)))
