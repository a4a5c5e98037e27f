"""`hookflash init`, the questions: about ten, each answer checked as it is given."""

import select
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from hookflash.app.verticals import Vertical, vertical_named, verticals
from hookflash.errors import InputError
from hookflash.matrix.findings import choices
from hookflash.matrix.people import Hours
from hookflash.matrix.values import HolidayCode, Language, PromiseTime, VoiceAddress, Zone, format_duration, zone_names

NONE = ("none", "no", "-", "")
# How long piped answers may take to arrive before the defaults are taken.
PIPE_PATIENCE = 0.3
MAX_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that a matrix to begin with needs."""

    vertical: Vertical
    name: str
    timezone: str
    languages: tuple[str, ...]
    hours: tuple[tuple[str, str], ...] | str
    holidays: str | None
    front: str | None
    specialist: str | None
    urgent: str | None
    callback: str
    regulated: str | None


@dataclass(frozen=True, slots=True)
class Question:
    """A key, what is asked, the default, and how an answer is read (raising `ValueError` with what is wrong)."""

    key: str
    ask: Callable[[Mapping[str, Any]], str]
    default: Callable[[Mapping[str, Any]], str]
    read: Callable[[str, Mapping[str, Any]], Any]


def _typed(kind: Any) -> Callable[[str], Any]:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def read(text: str) -> Any:
        try:
            return adapter.validate_python(text)
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            raise ValueError(_said(detail["msg"], detail.get("ctx", {}))) from None

    return read


def _said(message: str, context: Mapping[str, Any]) -> str:
    return f"{context['what']}; {context['mend']}" if "mend" in context else message


def _vertical(text: str, _: Mapping[str, Any]) -> Vertical:
    wanted = text.strip().lower()
    listed = verticals()
    if wanted.isdigit() and 1 <= int(wanted) <= len(listed):
        wanted = listed[int(wanted) - 1].key
    found = vertical_named(wanted)
    if found is None:
        raise ValueError(f"`{text}` is none of them; {choices(wanted, [one.key for one in listed])}")
    return found


def _name(text: str, _: Mapping[str, Any]) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("a name has at least one letter, and no control characters")
    return text.strip()


def _zone(text: str, _: Mapping[str, Any]) -> str:
    wanted = text.strip().replace(" ", "_")
    same = next((name for name in zone_names() if name.lower() == wanted.lower()), wanted)
    return str(_typed(Zone)(same))


def _languages(text: str, _: Mapping[str, Any]) -> tuple[str, ...]:
    codes = text.replace(",", " ").split()
    if not codes:
        raise ValueError("name at least one language, like en")
    return tuple(dict.fromkeys(str(_typed(Language)(code)) for code in codes))


def _hours(text: str, _: Mapping[str, Any]) -> tuple[tuple[str, str], ...] | str:
    if text.strip().lower() in ("always", "24/7"):
        return "always"
    openings: dict[str, str] = {}
    for piece in text.split(";"):
        days, _space, spans = piece.strip().partition(" ")
        if days in openings:
            raise ValueError(f"{days} is given twice; put all openings of a day together")
        openings[days.lower()] = spans.strip()
    try:
        Hours.model_validate(openings).calendar("UTC")
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        raise ValueError(_said(detail["msg"], detail.get("ctx", {}))) from None
    except PydanticCustomError as error:
        raise ValueError(_said(error.message(), error.context or {})) from None
    return tuple(openings.items())


def _holidays(text: str, _: Mapping[str, Any]) -> str | None:
    return None if text.strip().lower() in NONE else str(_typed(HolidayCode)(text.strip().upper()))


def _phone(text: str, _: Mapping[str, Any]) -> str | None:
    """A phone number, or none: the chat queue is there in any case."""
    if text.strip().lower() in NONE:
        return None
    if not text.strip().startswith(("+", "sip:")):
        raise ValueError("write it with its country code, like +13125550100, or `none` for chat alone")
    return str(_typed(VoiceAddress)(text.strip()))


def _urgent(text: str, given: Mapping[str, Any]) -> str | None:
    if given["regulated"] and text.strip().lower() in ("none", "no", "-"):
        raise ValueError("where patients are answered, an emergency needs somebody at any time; give a number, or `chat`")
    if text.strip().lower() == "chat":
        return "chat"
    return _phone(text, given)


def _callback(text: str, _: Mapping[str, Any]) -> str:
    return format_duration(_typed(PromiseTime)(text.strip()))


def _regulated(text: str, _: Mapping[str, Any]) -> str | None:
    word = text.strip().lower()
    if word in ("yes", "y", "hipaa", "true"):
        return "hipaa"
    if word in (*NONE, "n", "false"):
        return None
    raise ValueError("answer yes or no")


def _list_of_verticals(_: Mapping[str, Any]) -> str:
    listed = "\n".join(f"  {number}. {one.title} ({one.key})" for number, one in enumerate(verticals(), start=1))
    return f"What kind of business is it?\n{listed}\n"


QUESTIONS = (
    Question("vertical", _list_of_verticals, lambda _: "shop", _vertical),
    Question("name", lambda _: "What do customers call it?", lambda given: given["vertical"].sample_name, _name),
    Question("timezone", lambda _: "Which time zone is it in, as in America/Chicago?", lambda _: "UTC", _zone),
    Question("languages", lambda _: "In which languages does the assistant answer, main one first?", lambda _: "en", _languages),
    Question(
        "hours",
        lambda _: "When is somebody there? As in `mon-thu 08:00-12:00 13:00-17:00; fri 08:00-14:00`, or `always`.",
        lambda _: "mon-fri 09:00-17:00",
        _hours,
    ),
    Question("holidays", lambda _: "Closed on public holidays of which place, as in US-IL or ES?", lambda _: "none", _holidays),
    Question(
        "regulated",
        lambda _: "Is health data handled that HIPAA protects?",
        lambda given: "yes" if given["vertical"].regulated else "no",
        _regulated,
    ),
    Question("front", lambda given: f"On which number is {given['vertical'].front.name} reached?", lambda _: "none", _phone),
    Question(
        "specialist",
        lambda given: f"And {given['vertical'].specialist.name}, who takes what the assistant must not answer?",
        lambda _: "none",
        _phone,
    ),
    Question(
        "urgent",
        lambda given: f"And {given['vertical'].urgent.name}, who takes emergencies at any hour (a number, `chat`, or `none`)?",
        lambda _: "chat",
        _urgent,
    ),
    Question("callback", lambda _: "If nobody is there, within how much opening time does somebody get back?", lambda _: "2h", _callback),
)


def interview(given: Mapping[str, str], *, ask: bool) -> Answers:
    """Ask what is not given. Raises `InputError` for a given answer that cannot be."""
    answers: dict[str, Any] = {}
    lines = _Lines(sys.stdin, sys.stderr) if ask else None
    for question in QUESTIONS:
        if question.key in given or lines is None:
            answers[question.key] = _read_given(question, given.get(question.key, question.default(answers)), answers)
        else:
            answers[question.key] = lines.ask(question, answers)
    return Answers(**answers)


def _read_given(question: Question, text: str, answers: Mapping[str, Any]) -> Any:
    try:
        return question.read(text, answers)
    except ValueError as error:
        raise InputError(f"{question.key}: {error}") from None


class _Lines:
    """Questions to a person at a terminal, or to answers that are piped in, one a line."""

    def __init__(self, source: TextIO, out: TextIO) -> None:
        self._source = source
        self._out = out

    def ask(self, question: Question, answers: Mapping[str, Any]) -> Any:
        default = question.default(answers)
        while True:
            print(f"{question.ask(answers)} [{default}] ", end="", file=self._out, flush=True)
            line = self._source.readline()
            if not line or not self._source.isatty():
                print(line.strip(), file=self._out)
            try:
                return question.read(line.strip() or default, answers)
            except ValueError as error:
                if not self._source.isatty():
                    raise InputError(f"{question.key}: {error}") from None
                print(f"  {error}", file=self._out)


def can_ask() -> bool:
    """Return whether anybody answers: a person at a terminal, or answers that are piped in already."""
    if sys.stdin is None or sys.stdin.closed:
        return False
    if sys.stdin.isatty():
        return True
    try:
        ready, _, _ = select.select([sys.stdin], [], [], PIPE_PATIENCE)
    except (OSError, ValueError):
        return False
    return bool(ready)


def read_answers(file: Path) -> dict[str, str]:
    """Return the answers of a YAML file of `key: answer`. Raises `InputError`."""
    try:
        if file.stat().st_size > MAX_BYTES:
            raise InputError(f"{file} is larger than {MAX_BYTES:,} bytes, which no answers are")
        content = YAML(typ="safe").load(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}; name a file of answers") from None
    except (YAMLError, ValueError, RecursionError):
        raise InputError(f"{file} is not readable as YAML; write one `key: answer` a line") from None
    if not isinstance(content, dict):
        raise InputError(f"{file} holds no answers; write one `key: answer` a line, with keys {', '.join(q.key for q in QUESTIONS)}")
    known = [question.key for question in QUESTIONS]
    for key in content:
        if key not in known:
            raise InputError(f"{file}: `{key}` is no question; {choices(str(key), known)}")
    return {str(key): _as_answer(value) for key, value in content.items()}


def _as_answer(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else str(value)
