"""`hookflash init`: a matrix, cases and a README to begin with, from the answers of an interview."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment

from hookflash.app.interview import Answers
from hookflash.app.schema import SchemaView
from hookflash.app.verticals import Texts
from hookflash.errors import InputError, MatrixError
from hookflash.hours import open_intervals
from hookflash.matrix import Matrix
from hookflash.review.check import check_text
from hookflash.review.tidy import formatted

MATRIX, CASES, README, SCHEMA = "matrix.yaml", "cases/first.yaml", "README.md", "matrix.schema.json"
# The languages that the raw material is in.
WRITTEN = ("en", "es")
_LOOK_AHEAD = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Written:
    """The files that were written."""

    folder: Path
    files: tuple[Path, ...]
    revision: str

    def render(self) -> str:
        """See `View`."""
        listed = "\n".join(f"  {file}" for file in self.files)
        matrix, cases = self.folder / MATRIX, self.folder
        return f"Wrote\n{listed}\nNext: hookflash check {matrix}, then hookflash test {cases}, then put in your own people and words."

    def data(self) -> Any:
        """See `View`."""
        return {"file": str(self.folder / MATRIX), "files": [str(file) for file in self.files], "revision": self.revision}


def write_starter(folder: Path, answers: Answers, *, force: bool) -> Written:
    """Write everything into a folder. Raises `InputError` where it cannot, or where the answers make no sound matrix."""
    now = datetime.now(UTC)
    text = formatted(_rendered("matrix.yaml.j2", _about(answers)), str(folder / MATRIX))
    report = check_text(text, str(folder / MATRIX), now)
    if report.errors or report.matrix is None:
        raise MatrixError(report.errors)
    cases = list(_cases(answers, report.matrix, now))
    contents = {
        MATRIX: text,
        CASES: _rendered("cases.yaml.j2", {"cases": cases}),
        README: _rendered("README.md.j2", _about(answers)),
        SCHEMA: json.dumps(SchemaView().data(), indent=2) + "\n",
    }
    there = [name for name in contents if (folder / name).exists()]
    if there and not force:
        raise InputError(f"{folder / there[0]} is there already; name another folder, or write over it with --force")
    try:
        for name, content in contents.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write into {folder}: {error.strerror}; name a folder you may write to") from None
    return Written(folder, tuple(folder / name for name in contents), report.matrix.revision)


def _rendered(name: str, about: dict[str, Any]) -> str:
    template = resources.files("hookflash.app.starters").joinpath(name).read_text(encoding="utf-8")
    environment = Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False)  # noqa: S701 - YAML and Markdown
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment.from_string(template).render(about)


def _about(answers: Answers) -> dict[str, Any]:
    vertical = answers.vertical
    return {
        "name": answers.name,
        "timezone": answers.timezone,
        "languages": answers.languages,
        "regulated": answers.regulated,
        "country": (answers.holidays or "").partition("-")[0],
        "office": answers.hours,
        "holidays": answers.holidays,
        "baa": ", baa: true" if answers.regulated else "",
        "front": vertical.front,
        "specialist": vertical.specialist,
        "urgent": vertical.urgent,
        "front_line": _line(vertical.front.key, answers.front),
        "specialist_line": _line(vertical.specialist.key, answers.specialist),
        "urgent_line": answers.urgent and _line(vertical.urgent.key, None if answers.urgent == "chat" else answers.urgent),
        "has_pain": bool(vertical.said.pain),
        "hurry": vertical.hurry and bool(answers.urgent),
        "intents": [(name, _in(texts, answers)) for name, texts in vertical.intents.items()],
        "fenced": [(name, _in(texts, answers)) for name, texts in vertical.fenced.items()],
        "callback": answers.callback,
        "foreign": not set(_written(answers)) & set(answers.languages),
    }


def _line(key: str, phone: str | None) -> str:
    return f'{{chat: {key}, voice: "{phone}"}}' if phone else f"{{chat: {key}}}"


def _written(answers: Answers) -> tuple[str, ...]:
    """Return which of the languages that are answered we have examples in; English where none."""
    answered = [language.partition("-")[0] for language in answers.languages]
    return tuple(language for language in WRITTEN if language in answered) or ("en",)


def _in(texts: Texts, answers: Answers) -> list[str]:
    return [text for language in _written(answers) for text in texts[language]]


def _cases(answers: Answers, matrix: Matrix, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield a case for everything that must never go wrong, at times when somebody is there and when nobody is."""
    there, away = _times(matrix, now)
    said, front = answers.vertical.said, answers.vertical.front.key
    urgent = answers.vertical.urgent.key if answers.urgent else front
    at_night = urgent if answers.urgent or not away else "nobody"
    asks, emergency = {"trigger": "explicit_request"}, {"urgency": "immediate"}
    simple = (
        ("The assistant handles it alone", said.handled, there, {"action": "continue"}),
        ("A request for a person is met at once", said.person, there, {**asks, "to": front}),
        ("A crisis reaches somebody at any hour", said.crisis, away or there, {"trigger": "distress.crisis", **emergency, "to": at_night}),
        ("A medical emergency is immediate", said.red_flag, there, {"trigger": "distress.red_flag", **emergency, "to": urgent}),
        ("Pain is heard", said.pain, there, {"trigger": "distress.pain", "route": "pain", "to": urgent}),
        ("What is none of our business goes to a person", said.outside, there, {"trigger": ["scope", "confidence"]}),
    )
    for note, texts, at, want in simple:
        yield from (_case(note, [line], at, want) for line in _lines(texts, answers))
    if away:
        promised = {**asks, "to": "nobody", "route": "everything_else"}
        yield _case("A request when nobody is there ends in a promise", _lines(said.person, answers)[:1], away, promised)
    yield from _never_answered(answers, there)
    for language in _written(answers):
        angry = [("customer", text) for text in said.anger[language]]
        yield _case("Anger that grows is not waited out", angry, there, {"action": "escalate"})
    draft = [_lines(said.handled, answers)[0], ("draft", "I am transferring you to a colleague now.")]
    yield _case("The assistant may not promise a transfer that nobody arranged", draft, there, {"trigger": "draft.unkept_promise"})


def _never_answered(answers: Answers, at: str) -> Iterator[dict[str, Any]]:
    for topic, texts in answers.vertical.said.fenced.items():
        want = {"trigger": "scope.fenced", "topic": topic, "to": answers.vertical.specialist.key}
        yield from (_case(f"The assistant never answers: {topic}", [line], at, want) for line in _lines(texts, answers))


def _case(note: str, said: list[tuple[str, str]], at: str, want: dict[str, Any]) -> dict[str, Any]:
    return {"note": note, "said": said, "at": at, "want": want}


def _lines(texts: Texts, answers: Answers) -> list[tuple[str, str]]:
    return [("customer", text) for text in _in(texts, answers)] if texts else []


def _times(matrix: Matrix, now: datetime) -> tuple[str, str | None]:
    """Return a time at which the office is open, and one at which it is closed, if ever, as wall times."""
    zone = ZoneInfo(matrix.business.timezone)
    begin = now + timedelta(days=1)
    openings = list(open_intervals(matrix.calendars["office"], begin, begin + _LOOK_AHEAD))
    if matrix.calendars["office"].always or not openings:
        return f"{begin.astimezone(zone):%Y-%m-%d %H:%M}", None
    first, second = openings[0], openings[1] if len(openings) > 1 else openings[0]
    there = first[0] + (first[1] - first[0]) / 2
    away = first[1] + (second[0] - first[1]) / 2
    return f"{there.astimezone(zone):%Y-%m-%d %H:%M}", f"{away.astimezone(zone):%Y-%m-%d %H:%M}" if second is not first else None
