"""Days and times of day that the customer names, the year resolved from when it was said."""

import re
from collections.abc import Iterator
from datetime import datetime

import dateparser

from hookflash.brief.facts import Fact
from hookflash.model import EntityKind
from hookflash.spoken import Written

LOOK_BACK_CHARACTERS = 60
LANGUAGES = ["en", "es", "fr", "de", "it", "pt", "nl"]
# Words before a date that speak of the past: "since Monday", "was charged on the 3rd of May".
_PAST = re.compile(r"\b(?:since|was|were|had|did|happened|ago|born|desde|fue|depuis|seit|dal|desde)\b[^.?!]{0,40}$", re.IGNORECASE)
_MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
    r"|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre"
    r"|janvier|f[ée]vrier|mars|avril|mai|juin|juillet|ao[ûu]t|septembre|octobre|novembre|d[ée]cembre"
    r"|januar|februar|m[äa]rz|juni|juli|august|oktober|dezember|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre"
    r"|janeiro|fevereiro|mar[çc]o|maio|junho|julho|setembro|outubro|dezembro|januari|februari|maart|mei|augustus"
)
_DAY = (
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|lunes|martes|mi[eé]rcoles|jueves|viernes|s[aá]bado|domingo"
    r"|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag"
)
_UNIT = r"(?:days?|weeks?|months?|d[ií]as?|semanas?|meses|mes|jours?|semaines?|mois|tage?n?|wochen?|monate?n?)"
_DATE = re.compile(
    rf"\b(?:\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}[/.]\d{{1,2}}[/.]\d{{2,4}}|\d{{1,2}}/\d{{1,2}}"
    rf"|(?:{_MONTH})\s+(?:the\s+)?\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?"
    rf"|\d{{1,2}}(?:st|nd|rd|th|º|er|\.)?\s+(?:of\s+|de\s+)?(?:{_MONTH})(?:\s+(?:de\s+)?\d{{4}})?"
    rf"|(?:in|dentro de|en|dans) (?:a|an|un|una|une|\d{{1,3}}) {_UNIT}|(?:hace|il y a|vor) (?:a|un|una|une|\d{{1,3}}) {_UNIT}"
    rf"|(?:a|an|\d{{1,3}}) {_UNIT} ago"
    rf"|(?:(?:next|last|this|pr[oó]ximo)\s+)?(?:{_DAY})|(?:the )?day after tomorrow|tomorrow|yesterday|today|tonight"
    r"|pasado ma[nñ]ana|(?<!de la )(?<!por la )ma[nñ]ana|ayer|hoy"
    r"|demain|hier|aujourd'hui|morgen|gestern|heute|domani|ieri|oggi|amanh[ãa]|ontem|hoje)\b",
    re.IGNORECASE,
)
_ODD = {"the day after tomorrow": "in 2 days", "day after tomorrow": "in 2 days", "pasado mañana": "en 2 días", "tonight": "today"}
_HALF = r"(?P<part>half past|quarter past|quarter to|quarter of)\s+(?P<of>1[0-2]|[1-9])"
_TIME = re.compile(
    rf"\b(?:{_HALF}|(?P<hour>[01]?\d|2[0-3])(?:[:h](?P<minute>[0-5]\d)|\.(?P<point>[0-5]\d)(?=\s?(?:[ap]\.?m|uhr|h)\b)|\s(?P<spoken>[0-5]\d)(?=\s?[ap]\.?m\b)|h)?)"
    r"(?:\s?(?P<half>[ap])\.?m\b\.?|\s?(?P<clock>o'?clock)\b)?",
    re.IGNORECASE,
)
_PARTS = {"half past": 30, "quarter past": 15, "quarter to": -15, "quarter of": -15}


def dates(text: Written, said_at: datetime) -> Iterator[Fact]:
    """Yield days as ISO dates; `said_at` is the wall time of the business when it was said."""
    for found in _DATE.finditer(text.text):
        before = text.text[max(0, found.start() - LOOK_BACK_CHARACTERS) : found.start()]
        past = found.group().lower().startswith(("last", "yesterday", "ayer")) or bool(_PAST.search(before))
        resolved = _resolved(found.group(), said_at, past)
        if resolved is not None:
            yield Fact(EntityKind.DATE, text.said(*found.span()), resolved, 0.8)


def _resolved(said: str, said_at: datetime, past: bool) -> str | None:
    """Return the ISO date meant, its year resolved from when it was said."""
    settings = {"RELATIVE_BASE": said_at, "PREFER_DATES_FROM": "past" if past else "future"}
    plain = _ODD.get(said.lower(), re.sub(r"^(?:next|last|this|pr[oó]ximo)\s+", "", said, flags=re.IGNORECASE))
    plain = re.sub(r"(\d)(?:º|er)\b", r"\1", plain).replace(" the ", " ")
    resolved = dateparser.parse(plain, languages=LANGUAGES, settings=settings)
    return resolved.date().isoformat() if resolved else None


def times(text: Written) -> Iterator[Fact]:
    """Yield times of day as "15:30"; a bare number is none, and without am or pm it is taken as it was said."""
    for found in _TIME.finditer(text.text):
        if not any(found[name] for name in ("part", "minute", "point", "spoken", "half", "clock")):
            continue
        minutes = 60 * int(found["of"] or found["hour"])
        minutes += _PARTS[found["part"].lower()] if found["part"] else int(found["minute"] or found["point"] or found["spoken"] or 0)
        if found["half"]:
            minutes = minutes % 720 + (720 if found["half"].lower() == "p" else 0)
        yield Fact(EntityKind.TIME, text.said(*found.span()), f"{minutes // 60 % 24:02}:{minutes % 60:02}", 0.8)
