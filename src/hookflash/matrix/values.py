"""The small written forms of the matrix: `30s`, `"08:00-12:00 13:00-17:00"`, `mon-thu`, `America/Chicago`, `US-IL`."""

import re
from datetime import time, timedelta
from itertools import pairwise
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from holidays import list_supported_countries
from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from hookflash.model import Span

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d{1,6})([smhd])")
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_PHONE = re.compile(r"\+?[\d\s().-]+")


def fault(what: str, mend: str) -> PydanticCustomError:
    """Make a validation error that carries its own mend."""
    return PydanticCustomError("fault", "{what}", {"what": what, "mend": mend})


def parse_duration(value: Any) -> timedelta:
    """Read `30s`, `5m`, `1h30m` or `2d`."""
    if isinstance(value, timedelta):
        return value
    text = value.strip() if isinstance(value, str) else ""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise fault(f"{value!r} is not a length of time", "write it like 30s, 5m, 1h30m or 2d")
    length = timedelta(seconds=sum(int(number) * _SECONDS[unit] for number, unit in parts))
    if not length:
        raise fault(f"{value!r} is no time at all", "write a length above zero, like 30s")
    return length


def format_duration(length: timedelta) -> str:
    """Write a length of time the way the matrix does."""
    seconds = int(length.total_seconds())
    parts = []
    for unit, size in sorted(_SECONDS.items(), key=lambda item: -item[1]):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def _wall_time(hour: str, minute: str) -> time:
    if int(hour) == 24:
        raise fault(f"{hour}:{minute} is not a time", 'for midnight at the end of a day write "00:00"')
    if int(hour) > 23 or int(minute) > 59:
        raise fault(f"{hour}:{minute} is not a time", "hours run from 00 to 23 and minutes from 00 to 59")
    return time(int(hour), int(minute))


def parse_spans(text: str) -> tuple[Span, ...]:
    """Read `"08:00-12:00 13:00-17:00"`; a span that does not end after it starts runs past midnight."""
    spans = []
    for piece in re.sub(r"\s*-\s*", "-", text.replace(",", " ")).split():
        found = _SPAN.fullmatch(piece)
        if found is None:
            raise fault(f"{piece!r} is not an opening", 'write openings like "08:00-12:00 13:00-17:00"')
        start, end = _wall_time(*found.group(1, 2)), _wall_time(*found.group(3, 4))
        spans.append(Span(start=start, end=end))
    if not spans:
        raise fault("the day has no opening", 'write openings like "08:00-17:00", or leave the day out')
    for earlier, later in pairwise(spans):
        if earlier.crosses_midnight or later.start < earlier.end:
            raise fault(f"the openings {text!r} overlap", "write them in order and apart from each other")
    return tuple(spans)


def parse_days(text: str) -> tuple[int, ...]:
    """Read `mon`, `mon-thu`, `fri-sun` or `tue,thu` into weekday numbers, Monday = 0."""
    days: list[int] = []
    for piece in text.lower().replace(" ", "").split(","):
        first, _, last = piece.partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise fault(f"{text!r} is not a day", f"use {', '.join(DAYS)}, a range like mon-fri, or holidays, closed, timezone")
        start, end = DAYS.index(first), DAYS.index(last or first)
        days += [(start + step) % 7 for step in range((end - start) % 7 + 1)]
    return tuple(days)


def _spans_text(value: Any) -> str:
    if not isinstance(value, str):
        raise fault(f"{value!r} is not a list of openings", 'put it in quotes, like "08:00-17:00"')
    parse_spans(value)
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise fault(f"there is no time zone {value!r}", "use a name from the IANA list, like America/Chicago") from None
    return value


def _holiday_code(value: str) -> str:
    country, dash, region = value.partition("-")
    known = list_supported_countries()
    if country not in known or (dash and region not in known[country]):
        raise fault(f"no holidays are known for {value!r}", "use a country like US or a region like US-IL")
    return value


def _language(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", value):
        raise fault(f"{value!r} is not a language code", "use a code like en, es or pt-BR")
    return value


def _voice_number(value: str) -> str:
    if not _PHONE.fullmatch(value):
        return value
    try:
        number = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        raise fault(f"{value!r} is not a phone number", "write it with its country code, like +13125550100") from None
    if not phonenumbers.is_possible_number(number):
        raise fault(f"{value!r} has the wrong number of digits", "write it with its country code, like +13125550100")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^(\d{1,6}[smhd])+$", "examples": ["30s", "1h30m"]}),
]
# A responder who has not answered in an hour is not there; a promise for after a month is none.
LONGEST_RING = timedelta(hours=1)
LONGEST_PROMISE = timedelta(days=31)


def _at_most(longest: timedelta) -> AfterValidator:
    def check(length: timedelta) -> timedelta:
        if length > longest:
            raise fault(f"{format_duration(length)} is too long", f"write at most {format_duration(longest)}")
        return length

    return AfterValidator(check)


RingTime = Annotated[Duration, _at_most(LONGEST_RING)]
PromiseTime = Annotated[Duration, _at_most(LONGEST_PROMISE)]
Spans = Annotated[
    str,
    BeforeValidator(_spans_text),
    WithJsonSchema({"type": "string", "examples": ["08:00-12:00 13:00-17:00"]}),
]
Zone = Annotated[str, AfterValidator(_zone)]
HolidayCode = Annotated[str, AfterValidator(_holiday_code)]
Language = Annotated[str, AfterValidator(_language)]
VoiceAddress = Annotated[str, AfterValidator(_voice_number)]
