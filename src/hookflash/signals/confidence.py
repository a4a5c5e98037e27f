"""Confidence: how sure anybody is of what the customer wants."""

from collections.abc import Sequence

from hookflash.model import Conversation, Evidence, IntentGuess, Kind, Signal, Speaker, Turn
from hookflash.signals.classify import Classifier
from hookflash.signals.wish import states_a_wish

ASSISTANT, MATRIX = "assistant", "matrix"
# So likely by the matrix' examples, another intent than the assistant's puts its confidence in doubt.
SURE = 0.8


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
        """Return one `confidence` signal: by the assistant's own intent where the turn carries it, else by ours.

        A second one stands against the assistant's where ours is sure of another intent: one of the two is mistaken.
        """
        if not turn.from_customer:
            return ()
        number, ours = conversation.spoken + 1, self._ours(turn, conversation)
        if turn.intent is None:
            return (self._signal(*ours, MATRIX, number, f"intent {ours[0]} named by the matrix"),) if ours else ()
        name, confidence = turn.intent.name, turn.intent.confidence
        theirs = self._signal(name, confidence, ASSISTANT, number, f"intent {name} named by the assistant")
        if ours is None or ours[0] == name or ours[1] < SURE:
            return (theirs,)
        note = f"intent {name} named by the assistant; {ours[0]} by the matrix' examples"
        return theirs, self._signal(name, 1.0 - ours[1], MATRIX, number, note)

    def _ours(self, turn: Turn, conversation: Conversation) -> tuple[str, float] | None:
        """Return the intent by the matrix' examples and its confidence, or None where there is no wish to be unsure of."""
        if self._classifier is None or not self._classifier.intents or not states_a_wish(turn, conversation, self._main):
            return None
        if self._classifier.read(turn.text)[0].guess.is_remark:
            return None
        return self._read(turn, conversation, self._classifier)

    def _read(self, turn: Turn, conversation: Conversation, classifier: Classifier) -> tuple[str, float]:
        """Return the intent and its confidence: of the turn alone or, where that is surer, as a follow-up of the wish before it."""
        alone = classifier.intent(turn.text)
        before = _wish_before(conversation)
        if before is None or before.name not in classifier.intents:
            return alone
        return max(alone, (before.name, (classifier.likelihood(turn.text, before.name) + before.confidence) / 2), key=lambda one: one[1])

    def _signal(self, intent: str, confidence: float, source: str, number: int, note: str) -> Signal:
        evidence = Evidence(text="", turn=number, note=note)
        return Signal(kind=Kind.CONFIDENCE, score=round(confidence, 3), evidence=(evidence,), detector=source, topic=intent)


def _wish_before(conversation: Conversation) -> IntentGuess | None:
    """Return the intent of the customer's last wish: "does it cover dentals" goes on with what was asked before."""
    guesses = (record.decision.intent for record in reversed(conversation.said_by(Speaker.CUSTOMER)))
    return next((guess for guess in guesses if guess is not None), None)
