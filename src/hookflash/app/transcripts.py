"""Recorded conversations as files: what was said, and how the responders behave when they are rung."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from hookflash.errors import InputError
from hookflash.matrix.section import Section
from hookflash.matrix.values import Duration
from hookflash.model import Channel, Customer
from hookflash.review.cases import Said


class Line(Said):
    """One thing said, and how long after the line before."""

    after: Duration = timedelta(seconds=5)


def _answer(value: Any) -> Any:
    if isinstance(value, dict) and "declines" in value:
        return f"declined: {value['declines']}"
    return value


class Ends(Section):
    """What the responder does at the end."""

    wrap_up: str | None = None
    hand_back: str | None = None


class Transcript(Section):
    """A recorded conversation."""

    name: str
    note: str
    channel: Channel = Channel.CHAT
    at: datetime
    """Wall time of the business."""
    customer: Customer | None = None
    turns: tuple[Line, ...] = Field(min_length=1)
    responders: dict[str, Annotated[str, BeforeValidator(_answer)]] = Field(default_factory=dict)
    """`accepts`, `no answer`, or `{declines: why}`; whoever is not named does not answer."""
    ends: Ends = Ends()
    then: tuple[Line, ...] = ()
    """What is said after a hand-back."""

    def starts_at(self, zone: str) -> datetime:
        """Return the instant of the first line."""
        return self.at.replace(tzinfo=ZoneInfo(zone))


def read_transcripts(folder: Path) -> tuple[Transcript, ...]:
    """Return the transcripts of a folder in the order of their names. Raises `InputError`."""
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise InputError(f"there are no transcripts (*.yaml) in {folder}; name a folder that has some")
    return tuple(_read(file) for file in files)


def _read(file: Path) -> Transcript:
    try:
        content = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        return Transcript.model_validate({"name": file.stem, **content})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InputError(f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg']}; see examples/clinic/transcripts") from None
    except (OSError, YAMLError, TypeError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read as a transcript ({type(error).__name__}); see examples/clinic/transcripts") from None
