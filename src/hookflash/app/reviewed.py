"""What the reviewing verbs show: the sheet to sign, the way through the rules, cases, and what a change does."""

import json as jsonlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from hookflash.app.adapters import judge_for
from hookflash.errors import InputError
from hookflash.matrix import Matrix, load_matrix
from hookflash.review.cases import read_cases
from hookflash.review.coverage import Coverage, coverage
from hookflash.review.explain import Explanation, explain, situation_of, time_of
from hookflash.review.sheet import Sheet, sheet
from hookflash.review.sheet_formats import HOURS_RULER, as_html, as_markdown
from hookflash.review.stretches import length
from hookflash.review.trial import Outcome, Result, found, run_cases
from hookflash.review.week import Week, weeks

WEEKDAY_TIME = "%a %Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True)
class SheetView:
    """The matrix as the sheet that a manager signs."""

    matrix: Matrix
    content: Sheet
    calendar: tuple[Week, ...]
    format: str

    def render(self) -> RenderableType:
        """See `View`."""
        if self.format == "markdown":
            return Text(as_markdown(self.content, self.calendar).rstrip("\n"))
        if self.format == "html":
            return Text(as_html(self.content, self.calendar).rstrip("\n"))
        return Group(*self._terminal())

    def data(self) -> Any:
        """See `View`."""
        calendar = [
            {
                "routes": week.routes,
                "spans": [{"from": start.isoformat(), "to": end.isoformat(), "responder": who} for start, end, who in week.exact],
            }
            for week in self.calendar
        ]
        data = {"revision": self.matrix.revision, "matrix": self.matrix.model_dump(mode="json")}
        return {**data, "calendar": calendar} if calendar else data

    def _terminal(self) -> Iterator[RenderableType]:
        yield Text(self.content.title, style="bold")
        yield Text(f"Revision {self.content.revision}")
        yield from (Text(fact) for fact in self.content.facts)
        for part in self.content.tables:
            table = RichTable(title=f"\n{part.heading}", title_justify="left", title_style="bold", show_lines=len(part.columns) > 2)
            for column in part.columns:
                table.add_column(column, overflow="fold")
            for row in part.rows:
                table.add_row(*(Text(cell) for cell in row))
            yield table
        for week in self.calendar:
            yield Text(f"\nWho answers: {', '.join(week.routes)}", style="bold")
            yield Text("\n".join([f"{'':14} {HOURS_RULER}", *(f"{day} {bar}" for day, bar in week.days)]))
            yield Text(", ".join([*(f"{letter} {name}" for letter, name in week.legend), "· nobody", "+ changes within the half hour"]))
        yield Text("\nApproved", style="bold")
        yield Text(
            "\n".join(f"{who + ':':32} name ______________________  date ____________  signature ______________" for who in self._signers())
        )

    def _signers(self) -> tuple[str, ...]:
        return self.content.signed_by


def sheet_view(file: Path, format_: str, *, calendar: bool) -> SheetView:
    """Return a matrix to show. Raises `MatrixError`."""
    now = datetime.now(UTC)
    matrix = load_matrix(file)
    return SheetView(matrix, sheet(matrix, now), weeks(matrix, now) if calendar else (), format_)


@dataclass(frozen=True, slots=True)
class Explained:
    """What a matrix does in one situation."""

    found: Explanation
    verify: tuple[str, ...]

    @property
    def verified(self) -> bool:
        """Whether those who were to be rung are, in order."""
        return self.found.order[: len(self.verify)] == self.verify

    def render(self) -> RenderableType:
        """See `View`."""
        return Text("\n".join(self._lines()))

    def _lines(self) -> Iterator[str]:
        one = self.found
        about = ", ".join(f"{key} {value}" for key, value in one.situation._asdict().items() if value)
        yield f"{about}, on {one.at:{WEEKDAY_TIME} %Z}"
        yield ""
        width = max(len(rule.route) for rule in one.rules)
        for number, rule in enumerate(one.rules, start=1):
            yield f"{number:>3} {rule.route:{width}}  {'no: ' + '; '.join(rule.why_not) if rule.why_not else 'taken'}"
        yield ""
        yield f"urgency {one.urgency}; said at once: “{one.said}”"
        for ring in one.rings:
            if ring.passed_over:
                yield f"  {ring.at:%H:%M:%S}  {ring.responder} is passed over: {ring.passed_over}"
            else:
                rung = f"{ring.responder} is rung for {length(ring.seconds)}"
                yield f"  {ring.at:%H:%M:%S}  {rung} by {ring.line} at {ring.address} ({ring.transfer})"
        promise = f"a ticket at {one.desk}, a promise due {one.due:{WEEKDAY_TIME} %Z}"
        yield f"  {one.promised_at:%H:%M:%S}  if nobody took it: {promise}, and said:"
        yield f"            “{one.said_if_nobody}”"
        if self.verify:
            yield ""
            wanted, got = ", ".join(self.verify), ", ".join(one.order)
            yield f"verified: {got}" if self.verified else f"NOT as wanted: wanted {wanted}, rung {got}"

    def data(self) -> Any:
        """See `View`."""
        one = self.found
        rings = [
            {
                "responder": ring.responder,
                "at": ring.at.isoformat(),
                "seconds": ring.seconds,
                "line": ring.line,
                "address": ring.address,
                "transfer": ring.transfer,
                "passed_over": ring.passed_over,
            }
            for ring in one.rings
        ]
        return {
            "situation": one.situation._asdict(),
            "at": one.at.isoformat(),
            "rules": [{"route": rule.route, "why_not": list(rule.why_not)} for rule in one.rules],
            "route": one.route,
            "urgency": one.urgency,
            "say": one.said,
            "ladder": rings,
            "order": list(one.order),
            "promise": {"desk": one.desk, "due": one.due.isoformat(), "say": one.said_if_nobody},
            "verified": self.verified if self.verify else None,
        }


def explained(matrix: Path, pairs: Sequence[str], at: str | None, verify: str | None) -> Explained:
    """Return what a matrix does in a situation. Raises `InputError`, `MatrixError`."""
    loaded = load_matrix(matrix)
    wanted = tuple(name.strip() for name in verify.split(",")) if verify else ()
    unknown = [name for name in wanted if name not in (*loaded.responders, "nobody")]
    if unknown:
        raise InputError(f"--verify-to {unknown[0]} is no responder; name one of {', '.join([*loaded.responders, 'nobody'])}")
    time = time_of(at, loaded, datetime.now(UTC))
    return Explained(explain(loaded, situation_of(pairs, loaded), time), wanted)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of the cases of a folder."""

    results: tuple[Result, ...]
    covered: Coverage | None
    threshold: float | None
    format: str
    verbose: bool

    @property
    def passed(self) -> bool:
        """Whether every case is as it should be, and enough is covered."""
        return all(result.passed for result in self.results) and self.covers_enough

    @property
    def covers_enough(self) -> bool:
        """Whether the coverage reaches the threshold."""
        return self.threshold is None or self.covered is None or self.covered.percent >= self.threshold

    def render(self) -> RenderableType:
        """See `View`."""
        if self.format == "junit":
            return Text(junit(self.results, None if self.covers_enough else f"coverage is under {self.threshold:g} %"))
        if self.format == "json":
            return Text(jsonlib.dumps(self.data(), indent=2, ensure_ascii=False))
        return Text("\n".join(self._lines()))

    def _lines(self) -> Iterator[str]:
        for result in self.results:
            if not result.passed or self.verbose:
                yield f"{'pass' if result.passed else 'FAIL'}  {result.placed.name}: {result.placed.case.note}"
            if not result.passed:
                yield from (f"      {fault}" for fault in result.faults)
                yield from (f"      {line}" for line in _evidence(result.deciding))
        counts = Counter(result.passed for result in self.results)
        yield f"{counts[True]} passed, {counts[False]} failed"
        if self.covered is not None:
            yield from _coverage_lines(self.covered)
            if not self.covers_enough:
                yield f"coverage is under {self.threshold:g} %"

    def data(self) -> Any:
        """See `View`."""
        cases = [
            {
                "case": result.placed.name,
                "note": result.placed.case.note,
                "passed": result.passed,
                "faults": list(result.faults),
                "decided": {key: [str(value) for value in values] for key, values in found(result.deciding).items()},
            }
            for result in self.results
        ]
        covered = self.covered and {
            "percent": round(self.covered.percent, 1),
            **{kind: {"all": list(names), "missing": list(self.covered.missing(kind))} for kind, names, _ in self.covered.kinds},
        }
        return {"cases": cases, "passed": self.passed, "coverage": covered}


def _evidence(outcome: Outcome) -> Iterator[str]:
    """Say what was decided, by which rule, with which evidence."""
    decision = outcome.decision
    yield f"turn {decision.turn}: {decision.action}" + (f", route {decision.route}" if decision.route else "")
    for reason in decision.reasons:
        words = "; ".join(f"“{one.text}”" if one.text else one.note or "" for one in reason.evidence)
        yield f"  {reason.trigger} {reason.score:.2f} by `{reason.rule}`, on {words}"
    if not decision.reasons:
        heard = ", ".join(f"{signal.kind} {signal.score:.2f}" for signal in decision.signals) or "nothing"
        yield f"  no trigger fired; heard: {heard}"


def _coverage_lines(covered: Coverage) -> Iterator[str]:
    yield f"coverage {covered.percent:.0f} %"
    for kind, names, came in covered.kinds:
        missing = covered.missing(kind)
        yield f"  {kind}: {len(came)} of {len(names)}" + (f"; not: {', '.join(missing)}" if missing else "")


def junit(results: Sequence[Result], uncovered: str | None = None) -> str:
    """Return the results as JUnit XML, which every CI reads; too little coverage is a failed test of its own."""
    failed = sum(not result.passed for result in results) + bool(uncovered)
    tests = len(results) + bool(uncovered)
    suite = ET.Element("testsuite", name="hookflash", tests=str(tests), failures=str(failed), errors="0")
    if uncovered:
        ET.SubElement(ET.SubElement(suite, "testcase", classname="coverage", name="coverage"), "failure", message=uncovered)
    for result in results:
        case = ET.SubElement(suite, "testcase", classname=str(result.placed.file), name=f"{result.placed.line}: {result.placed.case.note}")
        if not result.passed:
            failure = ET.SubElement(case, "failure", message="; ".join(result.faults))
            failure.text = "\n".join(_evidence(result.deciding))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def tried(folder: Path, *, cover: bool, threshold: float | None, format_: str, verbose: bool) -> Tried:
    """Run the cases of a folder that holds `matrix.yaml` and `cases/`, or those beside a matrix. Raises `InputError`, `MatrixError`."""
    file = folder if folder.is_file() else folder / "matrix.yaml"
    matrix = load_matrix(file)
    results = run_cases(judge_for(matrix), read_cases(file.parent / "cases"), datetime.now(UTC))
    covered = coverage(matrix, results) if cover or threshold is not None else None
    return Tried(results, covered, threshold, format_, verbose)
