"""How pressing a turn is: the quick look at turns that must wait, when there is more to do than can be done.

It reads a turn once, without its conversation and without the business' own topics, and rather takes one too many for
pressing.
"""

from enum import IntEnum

from hookflash.model import Kind, Turn
from hookflash.signals.heads import heads, likely
from hookflash.signals.request import pressed_zero
from hookflash.signals.text import phrases_in

# Of what it takes for a finding, half is enough here.
ENOUGH = 0.5
DANGER = (Kind.CRISIS, Kind.RED_FLAG)


class Pressing(IntEnum):
    """How pressing a turn is, the most pressing first."""

    DANGER = 0
    """Tells of a crisis or a red flag, perhaps."""
    REQUEST = 1
    """Asks for a person, perhaps."""
    ORDINARY = 2


def pressing(turn: Turn) -> Pressing:
    """Return how pressing a turn is, by its words and keys alone. What cannot be read may be anything."""
    if not turn.from_customer:
        return Pressing.ORDINARY
    try:
        found = _found(turn.text) if turn.text.strip() else frozenset()
    except Exception:  # noqa: BLE001 - doubt goes first
        return Pressing.DANGER
    if not found.isdisjoint(DANGER):
        return Pressing.DANGER
    return Pressing.REQUEST if found or pressed_zero(turn) else Pressing.ORDINARY


def _found(text: str) -> frozenset[str]:
    phrases, learned, fires_at = phrases_in(text), likely(text), heads().fires_at
    sure = {kind for kind, head in learned.items() if kind in fires_at and head.probability >= ENOUGH * fires_at[kind]}
    return frozenset(kind for kind in (*DANGER, Kind.EXPLICIT_REQUEST) if phrases.get(kind) or kind in sure)
