"""A judge that goes by single words, so that a simulation is about what happens after a decision."""

from datetime import datetime

from hookflash.decide import decide
from hookflash.judge import Judge
from hookflash.matrix import Matrix
from hookflash.model import Conversation, Kind, Signal, Turn, TurnRecord
from hookflash.signals.panel import Panel

WORDS = {"human": Kind.EXPLICIT_REQUEST, "crisis": Kind.CRISIS}


class WordJudge(Judge):
    """Hears `human` and `crisis`, and decides by the real rules."""

    def __init__(self, matrix: Matrix) -> None:
        """Take the matrix."""
        super().__init__(matrix, Panel(()))

    async def judge(self, turn: Turn, conversation: Conversation, now: datetime, matrix: Matrix | None = None) -> TurnRecord:
        """See `Judge.judge`."""
        signals = tuple(Signal(kind=kind, score=1.0) for word, kind in WORDS.items() if word in turn.text)
        named = turn.model_copy(update={"conversation": conversation.id})
        decision = decide(signals, named, conversation, matrix or self.matrix, now)
        return TurnRecord(number=decision.turn, turn=named, decision=decision)
