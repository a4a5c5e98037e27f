"""Facts told by their shape alone: e-mail addresses, phone numbers, and what a complaint is about."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import phonenumbers

from hookflash.model import EntityKind
from hookflash.spoken import Written

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,4}")
# Before a number that no country's plan allows, these words still make it a phone number.
_PHONE_WORD = re.compile(
    r"\b(?:phone|mobile|cell|tel|telephone|tel[eé]fono|m[oó]vil|celular|call|text|reach|handy|portable)\b[^.?!]{0,30}$", re.IGNORECASE
)
# Complaint types by the words that name them, most specific first.
_COMPLAINTS = {
    "billing": r"\b(?:bill|billed|charge|charged|overcharged|invoice|refund|fee|cobr\w+|factura|reembolso)\b",
    "waiting": r"\b(?:waiting|waited|on hold|no one called|nobody called|esperando)\b",
    "quality": r"\b(?:broken|broke|fell out|came off|wrong|damaged|defective|botched|roto|mal hecho)\b",
    "staff": r"\b(?:rude|shouted|ignored|unprofessional|disrespect\w*|groser\w+)\b",
    "cancellation": r"\b(?:cancelled on|canceled on|was cancelled|was canceled)\b",
}


class Fact(NamedTuple):
    """A fact as it was said and as a machine reads it, and how sure it is (0 to 1)."""

    kind: EntityKind
    said: str
    normalised: str
    confidence: float


def emails(text: Written) -> Iterator[Fact]:
    """Yield e-mail addresses, in lower case."""
    for found in _EMAIL.finditer(text.text):
        yield Fact(EntityKind.EMAIL, text.said(*found.span()), found.group().lower(), 0.95)


def phones(text: Written, country: str) -> Iterator[Fact]:
    """Yield phone numbers as E.164; a local one is taken for one of `country`.

    One that no country's plan allows counts where the words before it say that it is a phone number.
    """
    for match in phonenumbers.PhoneNumberMatcher(text.text, country, leniency=phonenumbers.Leniency.POSSIBLE):
        valid = phonenumbers.is_valid_number(match.number)
        if valid or _PHONE_WORD.search(text.text[: match.start]):
            number = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
            yield Fact(EntityKind.PHONE, text.said(match.start, match.end), number, 0.95 if valid else 0.6)


def complaints(text: Written) -> Iterator[Fact]:
    """Yield the types of complaint that the words name."""
    for name, pattern in _COMPLAINTS.items():
        if found := re.search(pattern, text.text, re.IGNORECASE):
            yield Fact(EntityKind.COMPLAINT, text.said(*found.span()), name, 0.6)
