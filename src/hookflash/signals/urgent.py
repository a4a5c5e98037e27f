"""What cannot wait: the quick look at a turn when there is more to do than can be done.

It reads a turn once, without its conversation and without the business' own topics, and rather lets one too many pass.
"""

from hookflash.model import Kind, Turn
from hookflash.signals.heads import heads, likely
from hookflash.signals.request import pressed_zero
from hookflash.signals.text import phrases_in

URGENT = (Kind.EXPLICIT_REQUEST, Kind.CRISIS, Kind.RED_FLAG)
# Of what it takes for a finding, half is enough for not being sent away.
ENOUGH = 0.5


def cannot_wait(turn: Turn) -> bool:
    """Return whether a customer may be asking for a person, or telling of a red flag or a crisis."""
    if not turn.from_customer or not turn.text.strip():
        return turn.from_customer and pressed_zero(turn)
    found = phrases_in(turn.text)
    if pressed_zero(turn) or any(found.get(kind) for kind in URGENT):
        return True
    learned = likely(turn.text)
    return any(kind in learned and learned[kind].probability >= ENOUGH * heads().fires_at[kind] for kind in URGENT)
