"""Confidence: how sure anybody is of what the customer wants."""

from collections.abc import Sequence

from hookflash.model import Conversation, Evidence, IntentGuess, Kind, Signal, Speaker, Turn
from hookflash.signals.classify import Classifier
from hookflash.signals.wish import states_a_wish

ASSISTANT, MATRIX = "assistant", "matrix"


class ConfidenceDetector:
    """Reports the intent and how certain it is. The score is the confidence itself: lower is worse."""

    name = "confidence"
    deadline = 0.1

    def __init__(self, classifier: Classifier | None, main: str) -> None:
        """Take the classifier of the matrix; without one, only the assistant's own confidence is reported.

        `main` is the language the business mainly answers in.
        """
        self._classifier, self._main = classifier, main

    def detect(self, turn: Turn, conversation: Conversation) -> Sequence[Signal]:
        """Return one `confidence` signal: by the assistant's own intent where the turn carries it, else by ours."""
        if not turn.from_customer:
            return ()
        number = conversation.spoken + 1
        if turn.intent is not None:
            return (self._signal(turn.intent.name, turn.intent.confidence, ASSISTANT, number),)
        if self._classifier is None or not self._classifier.intents or not states_a_wish(turn, conversation, self._main):
            return ()
        if self._classifier.read(turn.text)[0].guess.is_remark:
            return ()
        return (self._signal(*self._read(turn, conversation, self._classifier), MATRIX, number),)

    def _read(self, turn: Turn, conversation: Conversation, classifier: Classifier) -> tuple[str, float]:
        """Return the intent and its confidence: of the turn alone or, where that is surer, as a follow-up of the wish before it."""
        alone = classifier.intent(turn.text)
        before = _wish_before(conversation)
        if before is None or before.name not in classifier.intents:
            return alone
        return max(alone, (before.name, (classifier.likelihood(turn.text, before.name) + before.confidence) / 2), key=lambda one: one[1])

    def _signal(self, intent: str, confidence: float, source: str, number: int) -> Signal:
        evidence = Evidence(text="", turn=number, note=f"intent {intent} named by the {source}")
        return Signal(kind=Kind.CONFIDENCE, score=round(confidence, 3), evidence=(evidence,), detector=source, topic=intent)


def _wish_before(conversation: Conversation) -> IntentGuess | None:
    """Return the intent of the customer's last wish: "does it cover dentals" goes on with what was asked before."""
    guesses = (record.decision.intent for record in reversed(conversation.said_by(Speaker.CUSTOMER)))
    return next((guess for guess in guesses if guess is not None), None)
