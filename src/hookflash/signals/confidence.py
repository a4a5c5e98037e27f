"""Confidence: how sure anybody is of what the customer wants."""

from collections.abc import Sequence

from hookflash.model import Conversation, Evidence, Kind, Signal, Turn
from hookflash.signals.classify import Classifier
from hookflash.signals.text import states_a_wish

ASSISTANT, MATRIX = "assistant", "matrix"


class ConfidenceDetector:
    """Reports the intent and how certain it is. The score is the confidence itself: lower is worse."""

    name = "confidence"
    deadline = 0.1

    def __init__(self, classifier: Classifier | None) -> None:
        """Take the classifier of the matrix; without one, only the assistant's own confidence is reported."""
        self._classifier = classifier

    def detect(self, turn: Turn, conversation: Conversation) -> Sequence[Signal]:
        """Return one `confidence` signal: by the assistant's own intent where the turn carries it, else by ours."""
        if not turn.from_customer:
            return ()
        number = conversation.spoken + 1
        if turn.intent is not None:
            return (self._signal(turn.intent.name, turn.intent.confidence, ASSISTANT, number),)
        if self._classifier is None or not self._classifier.intents or not states_a_wish(turn, conversation):
            return ()
        return (self._signal(*self._classifier.intent(turn.text), MATRIX, number),)

    def _signal(self, intent: str, confidence: float, source: str, number: int) -> Signal:
        evidence = Evidence(text="", turn=number, note=f"intent {intent} named by the {source}")
        return Signal(kind=Kind.CONFIDENCE, score=round(confidence, 3), evidence=(evidence,), detector=source, topic=intent)
