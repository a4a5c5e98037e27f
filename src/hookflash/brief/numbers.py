"""Numbers of things: accounts, policies, claims, orders, codes nobody named, cards. Full card numbers are never kept."""

import re
from collections.abc import Iterator, Sequence

from hookflash.brief.facts import Fact
from hookflash.model import EntityKind
from hookflash.spoken import Written

# Which kind of number each word names.
_KINDS = {
    EntityKind.ACCOUNT: "account|acct|customer|member(?:ship)?|patient|meter|cuenta|cliente|socio|compte|konto|kunden|conto|conta",
    EntityKind.POLICY: "policy|p[oó]liza|versicherung|polizza|ap[oó]lice|polis",
    EntityKind.CLAIM: "claim|siniestro|sinistre|schaden|sinistro|incident|expediente",
    EntityKind.ORDER: "order|booking|reservation|confirmation|invoice|ticket|tracking|pedido|factura|reserva|commande|facture|"
    "bestell(?:ung)?|rechnung|ordine|fattura|encomenda|bestelling|factuur",
}
_NAMED_NUMBER = re.compile(
    r"\b(?:"
    + "|".join(f"(?P<{kind.value}>{words})" for kind, words in _KINDS.items())
    + r")(?:s?(?:nummer|nr\.?)?)\b\s*(?:confirmation|reference)?\s*"
    r"(?:number|no\.?|num\.?|id|#|n[uú]mero|num[eé]ro|numero|nummer|code|ref(?:erence)?)?\s*(?:is|are|es|est|ist|[eéè]|:|#|-)?\s*#?"
    r"(?P<number>(?=[A-Za-z-]*\d)[A-Za-z0-9]{1,20}(?:-[A-Za-z0-9]{1,10}|[ ][A-Za-z0-9]*\d[A-Za-z0-9]*){0,3})\b",
    re.IGNORECASE,
)
# A number is at least this long; a shorter one counts things.
MIN_NUMBER = 3
# Letters before the digits, apart from them, are part of a number only right behind "number": "confirmation number mjh 489".
_LETTERS_APART = re.compile(r"\b(?:number|no\.?|n[uú]mero|nummer|code)\s+(?:is\s+|es\s+)?(?P<letters>[A-Za-z]{1,4}) (?=\d)", re.IGNORECASE)
# A code of letters and digits that nobody named, or a run of digits as long as a number of an account.
_CODE = re.compile(r"(?<![\w@.-])(?:(?=[A-Za-z-]*\d)(?=[\d-]*[A-Za-z])[A-Za-z0-9]{2,}(?:-[A-Za-z0-9]+)*|\d{6,20})(?![\w@-])")
MIN_CODE = 5
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|am|pm|h\d*|k|kg|g|mb|gb|mg|ml|cm|km|mph|eur|usd)", re.IGNORECASE)
_CARD = re.compile(
    r"(?:\b(?:card|visa|mastercard|amex|tarjeta|carte|karte|carta|cart[aã]o)\b[^.\d*]{0,30}?"
    r"(?:\b(?:end(?:ing|s)?|last four|terminad[ao]|acaba|termina|finit|endet|finale)\b\D{0,12}"
    r"|(?:number|no\.?|is|es|ist|:|#)\s)|\*{4}[\s-]?)(\d{4})\b",
    re.IGNORECASE,
)


def numbers(text: Written) -> Iterator[Fact]:
    """Yield account, policy, claim and order numbers: upper case, without blanks and dashes."""
    joined = _LETTERS_APART.sub(lambda found: found.group()[:-1] + "-", text.text)  # as long as before
    for found in _NAMED_NUMBER.finditer(joined):
        number = re.sub(r"[ -]", "", found["number"]).upper()
        kind = next(kind for kind in _KINDS if found[kind.value])
        if len(number) >= MIN_NUMBER:
            yield Fact(kind, text.said(*found.span("number")), number, 0.9)


def references(text: Written, named: Sequence[Fact]) -> Iterator[Fact]:
    """Yield codes whose kind was not said, less those that `named` holds already."""
    known = "".join(re.sub(r"\W", "", fact.normalised).upper() + " " for fact in named)
    for found in _CODE.finditer(text.text):
        code = found.group().replace("-", "").upper()
        masked = "*" in text.text[max(0, found.start() - 2) : found.start()]
        if len(code) >= MIN_CODE and code not in known and not masked and not _ORDINAL.fullmatch(code):
            yield Fact(EntityKind.REFERENCE, text.said(*found.span()), code, 0.5)


def cards(text: Written) -> Iterator[Fact]:
    """Yield the last four digits of cards; more of them is never kept."""
    for found in _CARD.finditer(text.text):
        yield Fact(EntityKind.CARD_LAST_FOUR, text.said(*found.span(1)), found.group(1), 0.9)
