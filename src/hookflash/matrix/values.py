"""The small written forms of the matrix: `30s`, `"08:00-12:00 13:00-17:00"`, `mon-thu`, `America/Chicago`, `US-IL`."""

import re
from datetime import date, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import phonenumbers
from holidays import list_supported_countries
from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError
from rapidfuzz import process

from hookflash.model import Span

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d{1,6})([smhd])")
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
# How much of a value is repeated in a message.
MAX_SHOWN = 60
_ADDRESS = re.compile(r"(sips?:[^\s@]+@[^\s@]+|client:\S+)")
_PHONE = re.compile(r"\+?[\d\s().-]+")


def fault(code: str, what: str, mend: str) -> PydanticCustomError:
    """Make a validation error that carries its own code and mend."""
    return PydanticCustomError("fault", "{what}", {"code": code, "what": what, "mend": mend})


def _shown(value: Any) -> str:
    """Repeat a value in a message, but not all of a long one."""
    text = value if isinstance(value, str) else repr(value)
    return repr(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}...") if isinstance(value, str) else text[:MAX_SHOWN]


def parse_duration(value: Any) -> timedelta:
    """Read `30s`, `5m`, `1h30m` or `2d`."""
    if isinstance(value, timedelta):
        return value
    text = value.strip() if isinstance(value, str) else ""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise fault("bad-duration", f"{_shown(value)} is not a length of time", "write it like 30s, 5m, 1h30m or 2d")
    length = timedelta(seconds=sum(int(number) * _SECONDS[unit] for number, unit in parts))
    if not length:
        raise fault("bad-duration", f"{_shown(value)} is no time at all", "write a length above zero, like 30s")
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
        raise fault("bad-time", f"{hour}:{minute} is not a time", 'for midnight at the end of a day write "00:00"')
    if int(hour) > 23 or int(minute) > 59:
        raise fault("bad-time", f"{hour}:{minute} is not a time", "hours run from 00 to 23 and minutes from 00 to 59")
    return time(int(hour), int(minute))


def parse_spans(text: str) -> tuple[Span, ...]:
    """Read `"08:00-12:00 13:00-17:00"`; a span that does not end after it starts runs past midnight."""
    spans = []
    for piece in re.sub(r"\s*-\s*", "-", text.replace(",", " ")).split():
        found = _SPAN.fullmatch(piece)
        if found is None:
            raise fault("bad-hours", f"{_shown(piece)} is not an opening", 'write openings like "08:00-12:00 13:00-17:00"')
        start, end = _wall_time(*found.group(1, 2)), _wall_time(*found.group(3, 4))
        if start == end != time.min:
            raise fault("bad-hours", f"{_shown(piece)} opens and closes at the same time", 'for a whole day write "00:00-00:00"')
        spans.append(Span(start=start, end=end))
    if not spans:
        raise fault("bad-hours", "the day has no opening", 'write openings like "08:00-17:00", or leave the day out')
    for earlier, later in pairwise(spans):
        if earlier.crosses_midnight or later.start < earlier.end:
            raise fault("overlapping-hours", f"the openings {_shown(text)} overlap", "write them in order and apart from each other")
    return tuple(spans)


def parse_days(text: str) -> tuple[int, ...]:
    """Read `mon`, `mon-thu`, `fri-sun` or `tue,thu` into weekday numbers, Monday = 0."""
    days: list[int] = []
    for piece in text.lower().replace(" ", "").split(","):
        first, _, last = piece.partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise fault(
                "bad-day", f"{_shown(text)} is not a day", f"use {', '.join(DAYS)}, a range like mon-fri, or holidays, closed, timezone"
            )
        start, end = DAYS.index(first), DAYS.index(last or first)
        days += [(start + step) % 7 for step in range((end - start) % 7 + 1)]
    return tuple(days)


def _spans_text(value: Any) -> str:
    if not isinstance(value, str):
        raise fault("bad-hours", f"{_shown(value)} is not a list of openings", 'put it in quotes, like "08:00-17:00"')
    parse_spans(value)
    return value


@cache
def zone_names() -> frozenset[str]:
    """Return the names of the IANA list. The machine's own setting is none of them: it differs between machines."""
    return frozenset(available_timezones()) - {"localtime", "Factory", "posixrules"}


def _zone(value: str) -> str:
    if value not in zone_names():
        found = process.extractOne(value, zone_names(), score_cutoff=75)
        mend = f"did you mean `{found[0]}`?" if found else "use a name from the IANA list, like America/Chicago"
        raise fault("unknown-zone", f"there is no time zone {_shown(value)}", mend)
    return value


def _holiday_code(value: str) -> str:
    country, dash, region = value.partition("-")
    known = list_supported_countries()
    if country not in known or (dash and region not in known[country]):
        raise fault("unknown-holidays", f"no holidays are known for {_shown(value)}", "use a country like US or a region like US-IL")
    return value


def _language(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", value):
        raise fault("bad-language", f"{_shown(value)} is not a language code", "use a code like en, es or pt-BR")
    return value


def _text_needed(value: Any) -> Any:
    """A phone number without quotes is a number to YAML and loses its plus sign; an unquoted date is a date."""
    if isinstance(value, int | float | date) and not isinstance(value, bool):
        raise fault("unquoted", f"{_shown(value)} was read as a {type(value).__name__}", f'put it in quotes, like "{value}"')
    return value


def _printable(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise fault("bad-value", "a name needs at least one letter, and no control characters", "write it as it is said")
    return value


def _voice_number(value: str) -> str:
    if _ADDRESS.fullmatch(value):
        return value
    if not _PHONE.fullmatch(value):
        mend = "write it like +13125550100 or sip:desk@example.com"
        raise fault("bad-phone", f"{_shown(value)} is neither a phone number nor a SIP address", mend)
    try:
        number = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        raise fault("bad-phone", f"{_shown(value)} is not a phone number", "write it with its country code, like +13125550100") from None
    if not phonenumbers.is_possible_number(number):
        raise fault("bad-phone", f"{_shown(value)} has the wrong number of digits", "write it with its country code, like +13125550100")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _voice_text(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        raise fault("unquoted", "the phone number was read as a number", 'put it in quotes with its country code, like "+13125550100"')
    return value


def _country(value: str) -> str:
    if value not in phonenumbers.SUPPORTED_REGIONS:
        raise fault("unknown-country", f"there is no country {_shown(value)}", "use the two letters of ISO 3166, like US or ES")
    return value


def _true_or_false(value: Any) -> bool:
    if not isinstance(value, bool):
        raise fault("not-true-or-false", f"{_shown(value)} is neither true nor false", "write true or false; yes, no, on and off are texts")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise fault("bad-value", f"{_shown(value)} is not a number", "write a number, like 0.8, without quotes and with a point")
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        sound = False
    if not sound or re.search(r"\s", value):
        raise fault("bad-url", "the address cannot be called", 'write it whole, like "https://crm.example.com/briefs"')
    return value


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
            raise fault("bad-duration", f"{format_duration(length)} is too long", f"write at most {format_duration(longest)}")
        return length

    return AfterValidator(check)


RingTime = Annotated[Duration, _at_most(LONGEST_RING)]
PromiseTime = Annotated[Duration, _at_most(LONGEST_PROMISE)]
Spans = Annotated[
    str,
    BeforeValidator(_spans_text),
    WithJsonSchema({"type": "string", "description": "The openings of a day.", "examples": ["08:00-12:00 13:00-17:00"]}),
]
Zone = Annotated[str, AfterValidator(_zone)]
HolidayCode = Annotated[str, AfterValidator(_holiday_code)]
Language = Annotated[str, AfterValidator(_language)]
VoiceAddress = Annotated[str, BeforeValidator(_voice_text), AfterValidator(_voice_number)]
Text = Annotated[str, BeforeValidator(_text_needed)]
Name = Annotated[Text, AfterValidator(_printable)]
Country = Annotated[str, AfterValidator(_country)]
Switch = Annotated[bool, BeforeValidator(_true_or_false)]
Score = Annotated[float, BeforeValidator(_number)]
Count = Annotated[int, BeforeValidator(_number)]
Url = Annotated[str, AfterValidator(_url)]
