"""What may leave the boundary, and what is never kept at all."""

import re

from hookflash.model import Brief, EntityKind, Receipt

# A whisper is heard while the telephone rings: seconds, not paragraphs.
WHISPER_CHARACTERS = 280
_CARD = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")


def mask_cards(text: str) -> str:
    """Replace all but the last four digits of payment card numbers; every character keeps its place."""
    return _CARD.sub(lambda found: _masked(found.group()) if _is_card(found.group()) else found.group(), text)


def _masked(number: str) -> str:
    left = sum(letter.isdigit() for letter in number) - 4
    masked = []
    for letter in number:
        hide = letter.isdigit() and left > 0
        left -= letter.isdigit()
        masked.append("*" if hide else letter)
    return "".join(masked)


def _is_card(number: str) -> bool:
    """The Luhn check that every payment card number passes."""
    digits = [int(letter) for letter in number if letter.isdigit()]
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
