"""Sums of money and postcodes."""

import re
from collections.abc import Iterator

from hookflash.brief.facts import Fact
from hookflash.model import EntityKind
from hookflash.spoken import Written

_CURRENCIES = {
    "USD": r"\$|usd|dollars?|bucks?|d[oó]lares?|dollari",
    "EUR": "€|eur|euros?",
    "GBP": "£|gbp|pounds?|quid|libras?",
    "INR": "₹|inr|rupees?|rs",
    "JPY": "¥|jpy|yen",
    "MXN": "mxn|pesos?",
    "BRL": r"r\$|brl|reais",
    "PLN": "zł|pln|złotych|zloty",
    "CHF": "chf|franken|francs?",
}
_CURRENCY = "|".join(_CURRENCIES.values())
_NUMBER = r"\d{1,3}(?:[,. ]\d{3})+(?:[.,]\d{1,2})?|\d{1,9}(?:[.,]\d{1,2})?"
_AMOUNT = re.compile(
    rf"(?:(?<!\w)(?P<sign>{_CURRENCY})\s?(?P<a>{_NUMBER})|(?<![\d,.])(?P<b>{_NUMBER})\s?(?P<unit>{_CURRENCY})(?!\w))", re.IGNORECASE
)
# Some postcodes tell by their shape alone; plain digits need the word, or the country's own form behind a comma.
_POSTCODES = {
    "GB": r"\b(?:GIR ?0AA|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})\b",
    "CA": r"\b[ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d\b",
    "NL": r"\b[1-9]\d{3} ?[A-Z]{2}\b",
    "IE": r"\b[AC-FHKNPRTV-Y]\d[\dW] ?[0-9AC-FHKNPRTV-Y]{4}\b",
    "PT": r"\b\d{4}-\d{3}\b",
    "BR": r"\b\d{5}-\d{3}\b",
    "PL": r"\b\d{2}-\d{3}\b",
}
_POSTCODE_WORD = re.compile(
    r"\b(?:zip(?:\s*code)?|post\s*code|postal\s*code|eircode|c[oó]digo\s+postal|c\.?p\.?|code\s+postal|plz|postleitzahl|cap|cep|pin\s*code)\b"
    r"\s*(?:is|es|est|ist|[eéè]|:|#)?\s*(?P<code>(?=[A-Z0-9 -]*\d)[A-Z0-9]{2,5}(?:[ -]?[A-Z0-9]{3,4})?)\b",
    re.IGNORECASE,
)


def amounts(text: Written) -> Iterator[Fact]:
    """Yield sums of money as "140.00 EUR"."""
    for found in _AMOUNT.finditer(text.text):
        named = (found["sign"] or found["unit"]).lower()
        currency = next((code for code, words in _CURRENCIES.items() if re.fullmatch(words, named, re.IGNORECASE)), None)
        if currency is not None:  # pragma: no branch - a look-alike letter in the unit
            yield Fact(EntityKind.AMOUNT, text.said(*found.span()), f"{_value(found['a'] or found['b']):.2f} {currency}", 0.9)


def _value(number: str) -> float:
    """Return the number meant, whichever of comma and point stands before the cents."""
    cents = re.search(r"[.,](\d{1,2})$", number)
    whole = number[: cents.start()] if cents else number
    return float(re.sub(r"\D", "", whole) + (f".{cents[1]}" if cents else ""))


def postcodes(text: Written, country: str) -> Iterator[Fact]:
    """Yield postcodes: any behind the word, those of `country` also where their shape tells."""
    for found in _POSTCODE_WORD.finditer(text.text):
        yield Fact(EntityKind.POSTCODE, text.said(*found.span("code")), _tidy(found["code"]), 0.9)
    if country in _POSTCODES:
        for found in re.finditer(_POSTCODES[country], text.text, re.IGNORECASE):
            yield Fact(EntityKind.POSTCODE, text.said(*found.span()), _tidy(found.group()), 0.8)


def _tidy(code: str) -> str:
    return " ".join(code.upper().split())
