"""From a turn to a decision, nothing kept: prepare the turn, measure it, decide. The engine and `decide` share it."""

from datetime import datetime

from hookflash.cards import mask_cards
from hookflash.changes import sets_off
from hookflash.decide import decide
from hookflash.matrix import Matrix
from hookflash.model import Action, Conversation, Kind, Owner, Signal, Speaker, Turn, TurnRecord
from hookflash.signals.heads import models
from hookflash.signals.language import spoken_language
from hookflash.signals.panel import Panel

# What interim speech may set off. The rest waits for the final words, which may turn the meaning round.
AT_ONCE = frozenset({Kind.EXPLICIT_REQUEST, Kind.RED_FLAG, Kind.CRISIS})


class Judge:
    """Decides turns by one matrix."""

    def __init__(self, matrix: Matrix, panel: Panel) -> None:
        """Take the matrix and the detectors trained for it."""
        self.matrix = matrix
        self._panel = panel

    @property
    def asks_others(self) -> bool:
        """Whether detectors are asked that others brought, and that may take their time."""
        return self._panel.asks_others

    async def judge(self, turn: Turn, conversation: Conversation, now: datetime, matrix: Matrix | None = None) -> TurnRecord:
        """Return the turn as it may be kept, with the decision on it, by `matrix` where another one than ours is in force."""
        prepared = self._prepare(turn, conversation)
        measured = await self._panel.signals(prepared, conversation)
        signals = measured if turn.final or turn.draft else _at_once(measured)
        decision = decide(signals, prepared, conversation, matrix or self.matrix, now)
        return TurnRecord(number=decision.turn, turn=prepared, decision=decision.model_copy(update={"models": models()}))

    def _prepare(self, turn: Turn, conversation: Conversation) -> Turn:
        """Mask card numbers, name the language, and name the conversation."""
        known = turn.language
        if known is None and turn.from_customer:
            known = spoken_language(turn.text, self.matrix.business.languages, conversation.language)
        masked = {"text": mask_cards(turn.text), "dtmf": turn.dtmf and mask_cards(turn.dtmf)}
        return turn.model_copy(update={**masked, "language": known, "conversation": conversation.id})


def _at_once(signals: tuple[Signal, ...]) -> tuple[Signal, ...]:
    return tuple(signal for signal in signals if signal.kind in AT_ONCE)


def after(conversation: Conversation, record: TurnRecord) -> Conversation:
    """Return the conversation after a turn, ownership aside."""
    spoken = conversation.with_turn(record)
    if record.turn.language is None or not record.turn.from_customer:
        return spoken
    return spoken.model_copy(update={"language": record.turn.language})


def handed_over(spoken: Conversation, record: TurnRecord) -> Conversation:
    """Hand the conversation over the way the engine would, as far as can be known without it."""
    if record.turn.speaker is Speaker.RESPONDER and spoken.handoff is not None:
        return spoken.model_copy(update={"owner": Owner.RESPONDER})
    if record.decision.action is not Action.ESCALATE or not sets_off(record.decision, spoken):
        return spoken
    reason = record.decision.reasons[0]
    if spoken.handoff is not None:
        return spoken.model_copy(update={"escalated": reason})
    name = f"{spoken.id}:{record.number}"
    return spoken.model_copy(update={"owner": Owner.WAITING, "handoff": name, "escalated": reason})
