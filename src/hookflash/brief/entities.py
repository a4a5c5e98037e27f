"""Facts that the customer gave: each as said, as a machine reads it, in which turn, and how sure."""

import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

import dateparser
import phonenumbers

from hookflash.model import Entity, EntityKind, HistoryTurn, Speaker

Found = tuple[EntityKind, str, str, float]

# Customers state facts in the first lines; what follows in a pasted document is no fact about them.
SCANNED_CHARACTERS = 4_000
MAX_OF_A_KIND = 12
LOOK_BACK_CHARACTERS = 60
# Words before a date that speak of the past: "since Monday", "was charged on the 3rd of May".
_PAST = re.compile(r"\b(?:since|was|were|had|did|happened|ago|desde|fue)\b[^.?!]{0,40}$", re.IGNORECASE)

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,4}")
_NAMED_NUMBER = re.compile(
    r"\b(?P<what>account|acct|customer|member|policy|claim|patient|cuenta|cliente|p[oó]liza|order|booking|reservation|"
    r"confirmation|invoice|ticket|pedido|factura|reserva)\b\s*(?:number|no\.?|num\.?|id|#|n[uú]mero|code|ref(?:erence)?)?"
    r"\s*(?:is|es|:|#|-)?\s*#?(?P<number>[A-Za-z]{0,4}-?\d[\dA-Za-z-]{2,19})\b",
    re.IGNORECASE,
)
_ORDERS = ("order", "booking", "reservation", "confirmation", "invoice", "ticket", "pedido", "factura", "reserva")
_CARD = re.compile(
    r"(?:\b(?:card|visa|mastercard|amex|tarjeta)\b[^.\d*]{0,30}(?:ending|ends|terminad[ao])?\D{0,12}|\*{4}[\s-]?)(\d{4})\b", re.IGNORECASE
)
_AMOUNT = re.compile(
    r"(?P<sign>[$€£])\s?(?P<a>\d[\d,]{0,12}(?:\.\d{1,2})?)|(?<![\d,])(?P<b>\d[\d,]{0,12}(?:\.\d{1,2})?)\s?(?P<unit>dollars?|usd|euros?|eur|pounds?|gbp|d[oó]lares)\b",
    re.IGNORECASE,
)
_CURRENCY = {"$": "USD", "€": "EUR", "£": "GBP", "dol": "USD", "dól": "USD", "usd": "USD", "eur": "EUR", "pou": "GBP", "gbp": "GBP"}
_NAME = re.compile(
    r"(?:\bmy name is|\bmy name's|\bi'm|\bi am|\bthis is|\bthe name is|\bthe name's|\bi am called|\bme llamo|\bmi nombre es|\bsoy)\s+"
    r"(?P<name>[^\W\d_][\w'’-]{1,30}(?:\s+(?!and\b|y\b|with\b|from\b|calling\b|i\b|my\b|con\b|the\b)[^\W\d_][\w'’-]{1,30}){0,2})",
    re.IGNORECASE,
)
_NOT_NAMES = frozenset(
    [
        "a",
        "an",
        "the",
        "not",
        "so",
        "very",
        "really",
        "just",
        "ridiculous",
        "unacceptable",
        "urgent",
        "about",
        "for",
        "my",
        "your",
        "his",
        "her",
        "taking",
        "getting",
        "going",
        "an",
        "el",
        "la",
        "un",
        "una",
        "muy",
    ]
)
_MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
    r"|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre"
)
_DAY = r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|lunes|martes|mi[eé]rcoles|jueves|viernes|s[aá]bado|domingo"
_DATE = re.compile(
    rf"\b(?:\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}/\d{{1,2}}(?:/\d{{2,4}})?|(?:{_MONTH})\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+|de\s+)?(?:{_MONTH})(?:\s+(?:de\s+)?\d{{4}})?"
    rf"|(?:(?:next|last|this|pr[oó]ximo)\s+)?(?:{_DAY})|tomorrow|yesterday|today|ma[nñ]ana|ayer|hoy)\b",
    re.IGNORECASE,
)
# Complaint types by the words that name them, most specific first.
_COMPLAINTS = {
    "billing": r"\b(?:bill|billed|charge|charged|overcharged|invoice|refund|fee|cobr\w+|factura|reembolso)\b",
    "waiting": r"\b(?:waiting|waited|on hold|no one called|nobody called|esperando)\b",
    "quality": r"\b(?:broken|broke|fell out|came off|wrong|damaged|defective|botched|roto|mal hecho)\b",
    "staff": r"\b(?:rude|shouted|ignored|unprofessional|disrespect\w*|groser\w+)\b",
    "cancellation": r"\b(?:cancelled on|canceled on|was cancelled|was canceled)\b",
}


def entities(history: tuple[HistoryTurn, ...], *, now: datetime, zone: str, country: str, complaint: bool) -> tuple[Entity, ...]:
    """Return the facts in the customer's turns, each normalised value once, at its first mention.

    `now`, `zone` (IANA) and `country` (two letters) resolve relative dates and local phone numbers. Complaint types are
    looked for only where the handoff is about one.
    """
    kept: dict[tuple[EntityKind, str], Entity] = {}
    for turn in history:
        if turn.speaker is not Speaker.CUSTOMER:
            continue
        said_at = (turn.at or now).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        for kind, value, normalised, confidence in _facts(turn.text[:SCANNED_CHARACTERS], said_at, country):
            if kind is EntityKind.COMPLAINT and not complaint:
                continue
            entity = Entity(kind=kind, value=value, normalised=normalised, turn=turn.number, confidence=confidence)
            kept.setdefault((kind, normalised), entity)
    return tuple(sorted(kept.values(), key=lambda entity: entity.turn))


@lru_cache(maxsize=4_096)
def _facts(text: str, said_at: datetime, country: str) -> tuple[Found, ...]:
    """Return the facts in one turn; `said_at` is the wall time of the business. Remembered, since briefs are made anew."""
    finders = (_emails, lambda words: _phones(words, country), _numbers, _cards, _amounts, _names, _complaints)
    found = [fact for finder in finders for fact in islice(finder(text), MAX_OF_A_KIND)]
    return (*found, *islice(_dates(text, said_at), MAX_OF_A_KIND))


def _emails(text: str) -> Iterator[Found]:
    return ((EntityKind.EMAIL, found.group(), found.group().lower(), 0.95) for found in _EMAIL.finditer(text))


def _cards(text: str) -> Iterator[Found]:
    return ((EntityKind.CARD_LAST_FOUR, found.group(1), found.group(1), 0.9) for found in _CARD.finditer(text))


def _phones(text: str, country: str) -> Iterator[Found]:
    for match in phonenumbers.PhoneNumberMatcher(text, country):
        number = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
        yield EntityKind.PHONE, match.raw_string, number, 0.95


def _numbers(text: str) -> Iterator[Found]:
    for found in _NAMED_NUMBER.finditer(text):
        kind = EntityKind.ORDER if found["what"].lower() in _ORDERS else EntityKind.ACCOUNT
        yield kind, found["number"], found["number"].upper().replace("-", ""), 0.9


def _amounts(text: str) -> Iterator[Found]:
    for found in _AMOUNT.finditer(text):
        digits = (found["a"] or found["b"]).replace(",", "")
        currency = _CURRENCY.get(found["sign"] or found["unit"].lower()[:3])
        if currency is None:
            continue  # a look-alike letter in the unit
        yield EntityKind.AMOUNT, found.group(), f"{float(digits):.2f} {currency}", 0.9


def _dates(text: str, said_at: datetime) -> Iterator[Found]:
    for found in _DATE.finditer(text):
        before = text[max(0, found.start() - LOOK_BACK_CHARACTERS) : found.start()]
        past = found.group().lower().startswith(("last", "yesterday", "ayer")) or bool(_PAST.search(before))
        resolved = _resolve(found.group(), said_at, past)
        if resolved is not None:
            yield EntityKind.DATE, found.group(), resolved, 0.8


def _resolve(said: str, said_at: datetime, past: bool) -> str | None:
    """Return the ISO date meant, its year resolved from when it was said."""
    settings = {"RELATIVE_BASE": said_at, "PREFER_DATES_FROM": "past" if past else "future"}
    plain = re.sub(r"^(?:next|last|this|pr[oó]ximo)\s+", "", said, flags=re.IGNORECASE)
    resolved = dateparser.parse(plain, languages=["en", "es"], settings=settings)
    return resolved.date().isoformat() if resolved else None


def _names(text: str) -> Iterator[Found]:
    for found in _NAME.finditer(text):
        name = found["name"].strip()
        if name.split()[0].lower() not in _NOT_NAMES and (
            name[0].isupper() or "name" in found.group().lower() or "llamo" in found.group().lower()
        ):
            yield EntityKind.NAME, name, name.title(), 0.8


def _complaints(text: str) -> Iterator[Found]:
    for name, pattern in _COMPLAINTS.items():
        found = re.search(pattern, text, re.IGNORECASE)
        if found:
            yield EntityKind.COMPLAINT, found.group(), name, 0.6
