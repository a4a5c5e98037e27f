"""What `hookflash eval` reads and shows."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment
from pydantic import ValidationError
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hookflash.app.adapters import judge_for
from hookflash.errors import InputError
from hookflash.lab.evaluate import Evaluation, LabelledConversation, LabelledTurn, Mistake, data_of, evaluate
from hookflash.matrix import load_matrix

# So much of a text is shown beside a mistake.
SHOWN_CHARACTERS = 90
# Slices with fewer positives than this say little and are left to `--json`.
TELLING_SLICE = 5


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """The figures of one evaluation, beside those of an earlier one where there is one."""

    evaluation: Evaluation
    before: Mapping[str, Any] | None = None

    @property
    def missed_anything(self) -> bool:
        """Whether any turn or conversation that needed a person would have got none."""
        return bool(self.evaluation.any_missed.hits or self.evaluation.never_came.hits)

    def render(self) -> RenderableType:
        """See `View`."""
        return Group(*self._parts())

    def data(self) -> Any:
        """See `View`."""
        return data_of(self.evaluation)

    def html(self) -> str:
        """Return the figures as one page that needs nothing else."""
        template = resources.files("hookflash.app").joinpath("formats", "evaluation.html").read_text(encoding="utf-8")
        page = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(template)
        return page.render(one=self.evaluation, data=self.data(), short=_short, before=self.before)

    def _parts(self) -> Iterator[RenderableType]:
        one = self.evaluation
        yield Text(f"matrix {one.matrix} · {' · '.join(one.models)}")
        if one.classes:
            yield Text(f"Missed by every trigger of these: {one.any_missed}. Turns without a label that set one off: {one.needless}.")
            yield self._table()
            yield from self._slices()
        if one.conversations:
            yield Text(
                f"Conversations that need a person: missed {one.never_came}, late {one.came_late}; "
                f"needless {one.came_needlessly} of the others."
            )
        yield Text(
            f"Half of the turns took at most {one.milliseconds[0]:.2f} ms, all but one in a hundred at most {one.milliseconds[1]:.2f} ms."
        )
        yield from self._mistakes()

    def _table(self) -> Table:
        table = Table(
            "Trigger", "Missed", "False alarms", "on hard negatives", f"Precision at {self.evaluation.prevalence:g}", "AUROC", "ECE"
        )
        for one in self.evaluation.classes:
            table.add_row(
                one.name,
                f"{one.missed}{self._change(one.name, 'missed')}",
                f"{one.false_alarms}{self._change(one.name, 'false_alarms')}",
                str(one.near_alarms),
                _number(one.precision),
                _number(one.ranking),
                _number(one.calibration),
            )
        return table

    def _change(self, name: str, figure: str) -> str:
        """Return how a share differs from the earlier evaluation's."""
        then = (self.before or {}).get("classes", {}).get(name, {}).get(figure, {}).get("share")
        now = getattr(next(one for one in self.evaluation.classes if one.name == name), figure).value
        return "" if then is None or now is None else f", {100 * (now - then):+.1f} points"

    def _slices(self) -> Iterator[RenderableType]:
        table = Table("Trigger", "By", "Value", "Missed", "False alarms")
        for one in self.evaluation.classes:
            for about, values in one.by.items():
                telling = {value: shares for value, shares in values.items() if shares[0].total >= TELLING_SLICE}
                for value, (missed, alarms) in telling.items() if len(telling) > 1 else ():
                    table.add_row(one.name, about, value, str(missed), str(alarms))
        if table.row_count:
            yield table

    def _mistakes(self) -> Iterator[RenderableType]:
        table = Table("Trigger", "Mistake", "Score", "Text")
        for one in self.evaluation.classes:
            for mistake in one.worst:
                table.add_row(one.name, _kind(mistake), f"{mistake.score:.2f}", Text(_short(mistake.row.text)))
        if table.row_count:
            yield Text("The worst mistakes:")
            yield table


def run_evaluation(matrix: Path, files: Sequence[Path], prevalence: float, before: Path | None, *, drafts: bool) -> EvaluationView:
    """Evaluate labelled files against a matrix. Raises `InputError` for a file or line that cannot be read."""
    earlier = _earlier(before) if before else None
    rows = [row for file in files for row in _rows(file, drafts=drafts)]
    if not rows:
        raise InputError("there is not a single labelled line; write one JSON object a line, with `text` and `labels`")
    evaluation = asyncio.run(evaluate(judge_for(load_matrix(matrix)), rows, datetime.now(UTC), prevalence))
    return EvaluationView(evaluation, earlier)


def _rows(file: Path, *, drafts: bool) -> Iterator[LabelledTurn | LabelledConversation]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read ({type(error).__name__}); give a UTF-8 file with one JSON object a line") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _row(line, f"{file}:{number}", drafts=drafts)


def _row(line: str, where: str, *, drafts: bool) -> LabelledTurn | LabelledConversation:
    try:
        row = json.loads(line)
        if isinstance(row, dict) and "turns" in row:
            return LabelledConversation.model_validate(row)
        if isinstance(row, dict) and drafts:
            row["draft"] = True
        return LabelledTurn.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the line"
        raise InputError(f"{where}: {place}: {first['msg'].removeprefix('Value error, ')}") from None
    except (ValueError, RecursionError):
        raise InputError(f'{where}: is not JSON; write one object a line, like {{"text": "...", "labels": []}}') from None


def _earlier(file: Path) -> Mapping[str, Any]:
    try:
        before = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise InputError(f"{file}: cannot be compared with; give what `hookflash eval --json` printed earlier") from None
    if not isinstance(before, dict) or not isinstance(before.get("classes"), dict):
        raise InputError(f"{file}: holds no evaluation; give what `hookflash eval --json` printed earlier")
    return before


def _kind(mistake: Mistake) -> str:
    return "missed" if mistake.missed else "false alarm"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= SHOWN_CHARACTERS else flat[: SHOWN_CHARACTERS - 1] + "…"
