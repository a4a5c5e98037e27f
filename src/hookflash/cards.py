"""Payment card numbers: all but the last four digits are masked before anything is kept."""

import re
from bisect import bisect_left
from collections.abc import Sequence

from hookflash.spoken import NUMBER_LANGUAGES, Token, number_runs, written

# Runs of digits, in groups or not, that are long enough to hold a payment card number.
_DIGITS = re.compile(r"\d(?:(?:\s{1,2}|\s?[./\u2010-\u2015-]\s?|,)?\d){12,}")
# A card number said in words has at least so many of them ("forty one eleven eleven ...").
MIN_SPOKEN = 6
_GROUP = re.compile(r"\d+")
CARD_DIGITS = range(19, 12, -1)


def mask_cards(text: str) -> str:
    """Replace all but the last four digits of payment card numbers; every character keeps its place.

    A number may stand alone or have an expiry date or security code behind it, which are masked with it. One that is read
    out in words is masked as well.
    """
    return _mask_spoken(_DIGITS.sub(lambda found: _masked(found.group()), text))


def _mask_spoken(text: str) -> str:
    """Mask card numbers said in words of any language that is read; the last four stand at the end as digits."""
    if text.count(" ") < MIN_SPOKEN - 1:
        return text
    for language in NUMBER_LANGUAGES:
        for start, end in reversed([*number_runs(text, language, MIN_SPOKEN)]):
            if any(letter.isalpha() for letter in text[start:end]):
                text = text[:start] + _masked_words(text[start:end], language) + text[end:]
    return text


def _masked_words(run: str, language: str) -> str:
    """Mask the card numbers in a run of number words; every character keeps its place."""
    tokens = [token for token in written(run, language).tokens if token.text.isdigit()]
    place = 0
    while place < len(tokens):
        card = _card_at(tokens[place : place + max(CARD_DIGITS)])
        if card:
            start, end, digits = card[0].start, card[-1].end, "".join(token.text for token in card)
            run = run[:start] + "*" * (end - start - 4) + digits[-4:] + run[end:]
        place += len(card) or 1
    return run


def _card_at(tokens: Sequence[Token]) -> Sequence[Token]:
    """Return the words that a card number begins with and ends with, or none."""
    digits = ""
    for count, token in enumerate(tokens, start=1):
        digits += token.text
        if len(digits) > max(CARD_DIGITS):
            break
        if len(digits) in CARD_DIGITS and _passes_check([*map(int, digits)]):
            return tokens[:count]
    return ()


def _masked(run: str) -> str:
    """Mask the first card number that begins with a group of the run, and all digits after it."""
    digits = [place for place, letter in enumerate(run) if letter.isdigit()]
    for group in _GROUP.finditer(run):
        first = bisect_left(digits, group.start())
        for count in CARD_DIGITS:
            card = digits[first : first + count]
            if len(card) == count and _passes_check([int(run[place]) for place in card]):
                hidden = {*card[:-4], *digits[first + count :]}
                return "".join("*" if place in hidden else letter for place, letter in enumerate(run))
    return run


def _passes_check(digits: list[int]) -> bool:
    """The Luhn check that every payment card number passes."""
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
