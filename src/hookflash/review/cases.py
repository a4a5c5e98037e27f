"""Cases: conversations as data beside a matrix, with what must come of them and what must not."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.error import YAMLError

from hookflash.errors import InputError
from hookflash.matrix.section import OneOrMore, Section
from hookflash.matrix.values import Text
from hookflash.model import Channel, Customer, Intent, Speaker, ToolCall, Turn

# A case file is written by people; this is a hundred times the longest we have seen.
MAX_BYTES = 2_000_000


class Said(Section):
    """One thing said: by the customer, by the assistant, or an assistant's draft that is checked before it is sent."""

    customer: Text | None = Field(None, description="What the customer says.")
    assistant: Text | None = Field(None, description="What the assistant says.")
    draft: Text | None = Field(None, description="What the assistant means to say.")
    tools: tuple[ToolCall, ...] = Field((), description="Tools that the assistant called.")
    intent: Intent | None = Field(None, description="The intent that the assistant named.")

    @model_validator(mode="after")
    def _by_one(self) -> "Said":
        if sum(text is not None for text in (self.customer, self.assistant, self.draft)) != 1:
            raise ValueError("a line is said by one: write `customer:`, `assistant:` or `draft:`")
        return self

    def turn(self, conversation: str, channel: Channel, language: str | None, at: datetime, customer: Customer | None) -> Turn:
        """Return the line as the assistant's side would report it."""
        return Turn(
            conversation=conversation,
            speaker=Speaker.CUSTOMER if self.customer is not None else Speaker.ASSISTANT,
            text=next(text for text in (self.customer, self.assistant, self.draft) if text is not None),
            channel=channel,
            language=language,
            at=at,
            draft=self.draft is not None,
            tools=self.tools,
            intent=self.intent,
            customer=customer,
        )


class Expected(Section):
    """What is decided, at the turn that decides: the first that is not `continue`, or the last."""

    action: OneOrMore = Field((), description="continue, escalate or replace.")
    trigger: OneOrMore = Field((), description="The trigger that decided.")
    topic: OneOrMore = Field((), description="The fenced topic.")
    urgency: OneOrMore = Field((), description="normal, high or immediate.")
    route: OneOrMore = Field((), description="The route that took it.")
    to: OneOrMore = Field((), description="Who is rung first, or `nobody`.")
    order: tuple[Text, ...] = Field((), description="Everybody who is rung, in order.")
    language: OneOrMore = Field((), description="The language of the answer.")
    says: OneOrMore = Field((), description="Words that are in what the customer hears.")
    by: Text | None = Field(None, description="When a promise falls due, as in `2026-11-27 09:00`.")
    turn: Annotated[tuple[int, ...], BeforeValidator(lambda value: (value,) if isinstance(value, int) else value)] = Field(
        (), description="At which turn, counted from 1."
    )

    @property
    def given(self) -> dict[str, tuple[Any, ...]]:
        """What is expected, by key."""
        values = {key: getattr(self, key) for key in type(self).model_fields}
        return {key: value if isinstance(value, tuple) else (value,) for key, value in values.items() if value}


class Case(Section):
    """A conversation, when it takes place, and what must (`want`) and must not (`unwanted`) come of it."""

    note: Text = Field(min_length=1, description="What it shows, in one sentence.")
    conversation: tuple[Said, ...] = Field(min_length=1, description="What is said, in order.")
    at: Text | datetime | None = Field(None, description="When: ISO, or as people say it, in the business' zone. Left out: now.")
    channel: Channel = Field(Channel.CHAT, description="chat or voice.")
    language: Text | None = Field(None, description="Left out, it is heard from the words.")
    customer: Customer | None = Field(None, description="What is known of the customer.")
    want: Expected = Field(Expected(), description="What must be decided.")
    unwanted: Expected = Field(Expected(), description="What must not be.")

    @model_validator(mode="after")
    def _expects(self) -> "Case":
        if not self.want.given and not self.unwanted.given:
            raise ValueError("it expects nothing: write `want:` or `unwanted:`")
        return self


@dataclass(frozen=True, slots=True)
class Placed:
    """A case and where it is written."""

    file: Path
    line: int
    case: Case

    @property
    def name(self) -> str:
        """Where it is written, as `cases/night.yaml:12`."""
        return f"{self.file}:{self.line}"


def read_cases(folder: Path) -> tuple[Placed, ...]:
    """Return the cases of every `*.yaml` in a folder, in order. Raises `InputError` with every fault."""
    files = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    if not files:
        raise InputError(f"there are no cases (*.yaml) in {folder}; write some, or make them with `hookflash init`")
    faults: list[str] = []
    found = [case for file in files for case in _read(file, faults)]
    if faults:
        raise InputError("\n".join(faults))
    return tuple(found)


def _read(file: Path, faults: list[str]) -> Iterator[Placed]:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise InputError(f"{file} is larger than {MAX_BYTES:,} bytes, which no case file is")
        content = YAML(typ="rt").load(file.read_text(encoding="utf-8-sig"))
    except InputError as error:
        faults.append(str(error))
        return
    except (OSError, YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)
        faults.append(f"{where}: cannot be read as cases: {str(getattr(error, 'problem', None) or type(error).__name__).splitlines()[0]}")
        return
    for line, item in _items(content):
        try:
            yield Placed(file, line, Case.model_validate(_plain(item)))
        except ValidationError as error:
            faults += [f"{file}:{line}: {_said(detail)}" for detail in error.errors(include_url=False, include_input=False)]


def _items(content: Any) -> Iterator[tuple[int, Any]]:
    """Yield each case of a file with its line; a file holds one case, or a list of them."""
    if isinstance(content, CommentedSeq):
        yield from ((content.lc.item(number)[0] + 1, item) for number, item in enumerate(content))
    else:
        yield 1, content


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return str(node) if isinstance(node, str) else node


def _said(detail: Any) -> str:
    where = ".".join(str(step) for step in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"`{where}` is not a key of a case"
    if detail["type"] == "missing":
        return f"`{where}` is missing"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
