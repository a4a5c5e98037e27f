"""What may leave the boundary, and what is never kept at all."""

import re

from hookflash.model import Brief, EntityKind, Receipt
from hookflash.spoken import written

# A whisper is heard while the telephone rings: seconds, not paragraphs.
WHISPER_CHARACTERS = 280
# Runs of digits, in groups or not, that are long enough to hold a payment card number.
_DIGITS = re.compile(r"\d(?:[ .-]?\d){12,}")
# A number said in words has at least so many of them; "double" may stand for one.
_SPOKEN_DIGIT = re.compile(r"\b(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)\b", re.IGNORECASE)
MIN_SPOKEN = 8
_GROUP = re.compile(r"\d+")
CARD_DIGITS = range(19, 12, -1)


def mask_cards(text: str) -> str:
    """Replace all but the last four digits of payment card numbers; every character keeps its place.

    A number may stand alone or have an expiry date or security code behind it, which are masked with it. One that is read
    out in words is masked as well.
    """
    return _mask_spoken(_DIGITS.sub(lambda found: _masked(found.group()), text))


def _mask_spoken(text: str) -> str:
    """Mask card numbers said digit by digit ("four two double four ..."); the last four stand at the end as digits."""
    if len(_SPOKEN_DIGIT.findall(text)) < MIN_SPOKEN:
        return text
    for token in written(text, "en").tokens:
        digits = token.text
        if token.end - token.start > len(digits) and digits.isdigit() and len(digits) in CARD_DIGITS and _passes_check([*map(int, digits)]):
            hidden = "*" * (token.end - token.start - 4) + digits[-4:]
            text = text[: token.start] + hidden + text[token.end :]
    return text


def _masked(run: str) -> str:
    """Mask the first card number that begins with a group of the run, and all digits after it."""
    digits = [place for place, letter in enumerate(run) if letter.isdigit()]
    for group in _GROUP.finditer(run):
        first = digits.index(group.start())
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


def whisper(brief: Brief, receipt: Receipt | None, *, inside: bool) -> str:
    """Return the one sentence that a responder hears before they accept: reason, name, need, ticket, in that order.

    A line outside the boundary (`inside=False`) carries neither name nor words nor the reason's nature.
    """
    ticket = f"Ticket {receipt.ticket}." if receipt else f"The brief is on its way; handoff {brief.handoff}."
    if not inside:
        return f"{brief.business}: a customer needs a person. {ticket}"
    reason = brief.reason_code.replace("distress.", "").replace("_", " ")
    name = brief.customer.name or next((one.value for one in brief.entities if one.kind is EntityKind.NAME), "A customer")
    need = brief.summary[0].text if brief.summary else ""
    room = WHISPER_CHARACTERS - len(reason) - len(name) - len(ticket) - 6
    if len(need) > room:
        need = need[: max(room - 1, 0)].rstrip() + "…"
    return f"{reason}: {name}. {need} {ticket}"
