"""What a move takes and gives, and the few orders that every kind of move makes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from hookflash.matrix import Matrix
from hookflash.model import Alert, Command, DeliverBrief, Handoff


class Step(NamedTuple):
    """The handoff after an event, and what must be done about it."""

    handoff: Handoff
    commands: tuple[Command, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """What a move may look at besides the handoff: the matrix revision it began with, the time, and how much is promised."""

    matrix: Matrix
    now: datetime
    promised: int = 0
    """How many promises to others are open at the desk that would keep this one."""


def changed(handoff: Handoff, **changes: Any) -> Handoff:
    """Return the handoff with some fields changed."""
    return handoff.model_copy(update=changes)


def alert(handoff: Handoff, name: str, what: str) -> Alert:
    """Return noise about a handoff, made once in each of its versions."""
    return Alert(key=f"{handoff.id}:{name}:{handoff.version}", what=what)


def deliver(handoff: Handoff, desk: str) -> DeliverBrief:
    """Return the order to put the latest brief on a desk, carried out once for each revision."""
    revision = handoff.brief.revision
    return DeliverBrief(key=f"{handoff.id}:brief:{desk}:{revision}", desk=desk, revision=revision)
