"""What may leave the boundary."""

from hookflash.model import Brief, EntityKind, Receipt

# A whisper is heard while the telephone rings: seconds, not paragraphs.
WHISPER_CHARACTERS = 280


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
