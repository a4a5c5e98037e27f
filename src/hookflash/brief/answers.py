"""What a bare reply means by the question before it: "lakshmi" is a name where a name was asked for."""

import re

import phonenumbers

from hookflash.brief.facts import Fact
from hookflash.model import EntityKind
from hookflash.signals.text import stop_words
from hookflash.spoken import Written

# A longer reply says by itself what it is about.
MAX_WORDS = 6
# What the assistant asks for, the most telling word first.
_ASKED = (
    (
        EntityKind.PHONE,
        r"phone|mobile|cell|callback number|contact number|number (?:to|can) (?:call|reach)|tel[eé]fono|m[oó]vil|t[eé]l[eé]phone|telefon",
    ),
    (EntityKind.POLICY, r"policy|p[oó]liza|police d'assurance|polizza|ap[oó]lice"),
    (EntityKind.CLAIM, r"claim|siniestro|sinistre|case (?:number|id)"),
    (EntityKind.ORDER, r"order|booking|reservation|confirmation|invoice|tracking|pedido|factura|reserva|commande|bestell\w*|ordine"),
    (
        EntityKind.ACCOUNT,
        r"account|customer (?:number|id)|member|patient (?:number|id)|meter|cuenta|cliente|compte|kundennummer|conto|conta",
    ),
    (EntityKind.POSTCODE, r"zip|post ?code|postal|c[oó]digo postal|postleitzahl|cep|eircode"),
    (
        EntityKind.NAME,
        r"(?:your|full|last|first|sur)[ -]?name|whom|speaking (?:with|to)|nombre|apellido|votre nom|name(?=\?)|ihr(?:en)? name|nome",
    ),
)
_ASKS = re.compile(r"\?|\b(?:please|could|can|may|need|provide|share|tell|give|dígame|indique|por favor|bitte|merci)\b", re.IGNORECASE)
_CODE = re.compile(r"(?=[A-Za-z -]*\d)[A-Za-z0-9]+(?:[ -][A-Za-z0-9]*\d[A-Za-z0-9]*){0,3}")
_NAME = re.compile(r"[^\W\d_][\w'’.-]*(?:\s+[^\W\d_][\w'’.-]*){0,3}")
_LEAD = re.compile(
    r"^(?:(?:yes|sure|ok|okay|of course|it is|it's|its|that's|here|um|uh|sí|claro|es|oui|ja|name|under|this is)[,.:]?\s+)+", re.IGNORECASE
)
_NO_NAMES = frozenset(
    {"yes", "no", "ok", "okay", "sure", "thanks", "thank", "hello", "hi", "wait", "what", "why", "not", "nothing", "none", "never"}
    | {"later", "hold", "sí", "si", "claro", "gracias", "oui", "non", "ja", "nein"}
)


def answer(reply: Written, asked: str, country: str) -> Fact | None:
    """Return the fact that a short reply gives by what was asked for, or None."""
    wanted = _wanted(asked)
    lead = _LEAD.match(reply.text)
    start = lead.end() if lead else 0
    bare = reply.text[start:].rstrip(" .!,")
    if wanted is None or not bare or len(bare.split()) > MAX_WORDS:
        return None
    said = reply.said(start, start + len(bare))
    if wanted is EntityKind.NAME:
        named = _NAME.fullmatch(bare) and not any(word in _NO_NAMES or word in stop_words() for word in bare.lower().split())
        return Fact(wanted, said, bare.title(), 0.7) if named else None
    if wanted is EntityKind.PHONE:
        return _phone(said, bare, country)
    if not (found := _CODE.fullmatch(bare)):
        return None
    return Fact(wanted, said, found.group().upper() if wanted is EntityKind.POSTCODE else re.sub(r"[ -]", "", found.group()).upper(), 0.7)


def _phone(said: str, bare: str, country: str) -> Fact | None:
    """Return a phone number in full, valid or not: it is what the customer gave."""
    try:
        number = phonenumbers.parse(bare, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return Fact(EntityKind.PHONE, said, phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), 0.7)


def _wanted(asked: str) -> EntityKind | None:
    """Return what the last sentence that asks for something asks for."""
    sentences = [sentence for sentence in re.split(r"(?<=[.?!])\s+", asked) if _ASKS.search(sentence)]
    if not sentences:
        return None
    return next((kind for kind, words in _ASKED if re.search(rf"\b(?:{words})", sentences[-1], re.IGNORECASE)), None)
