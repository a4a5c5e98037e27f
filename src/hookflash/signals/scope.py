"""Scope: what the assistant must never answer (fenced topics) and what is none of its business."""

from collections.abc import Iterator, Sequence

from hookflash.model import Conversation, Evidence, Kind, Signal, Turn
from hookflash.signals.classify import Classifier
from hookflash.signals.text import SUBSTANCE_WORDS, part_of, substance
from hookflash.signals.wish import follows_up, states_a_wish

# Scores below this are noise; they would only crowd the record.
NOTABLE = 0.3
# What follows up on an earlier wish leans on it ("is that one ok?"), so that its own words tell less.
FOLLOW_UP = 0.65
# What states no wish may still tell of a fenced matter ("we were all ill after your buffet"), but says it less surely.
REMARK = 0.8


class ScopeDetector:
    """Scores fenced topics and everything outside the matrix' scope."""

    name = "scope"
    deadline = 0.1

    def __init__(self, classifier: Classifier | None, main: str) -> None:
        """Take the classifier of the matrix; without one, only the assistant's own intent is judged.

        `main` is the language the business mainly answers in.
        """
        self._classifier, self._main = classifier, main

    def detect(self, turn: Turn, conversation: Conversation) -> Sequence[Signal]:
        """Return `scope.fenced` and `scope` signals for a customer's turn."""
        if not turn.from_customer or self._classifier is None:
            return ()
        number = conversation.spoken + 1
        return [*self._of_words(turn, conversation, self._classifier, number), *self._of_intent(turn, self._classifier, number)]

    def _of_words(self, turn: Turn, conversation: Conversation, classifier: Classifier, number: int) -> Iterator[Signal]:
        wish = states_a_wish(turn, conversation, self._main)
        if classifier.fenced and (wish or len(substance(turn.text)) >= SUBSTANCE_WORDS):
            topic, score, span = classifier.fenced_topic(turn.text)
            score *= 1.0 if wish else REMARK
            if score >= NOTABLE:
                yield self._signal(Kind.FENCED, score, part_of(turn.text, span, number), topic)
        if wish and classifier.intents:
            score, span = classifier.outside(turn.text)
            score *= FOLLOW_UP if follows_up(conversation) else 1.0
            if score >= NOTABLE:
                yield self._signal(Kind.SCOPE, score, part_of(turn.text, span, number))

    def _of_intent(self, turn: Turn, classifier: Classifier, number: int) -> Iterator[Signal]:
        """The assistant's own classifier may raise: a fenced intent, or one that the matrix does not know."""
        if turn.intent is None:
            return
        name = turn.intent.name
        evidence = Evidence(text=turn.text, turn=number, note=f"intent {name} named by the assistant")
        if name in classifier.fenced:
            yield self._signal(Kind.FENCED, turn.intent.confidence, evidence, name)
        elif classifier.intents and name not in classifier.intents:
            yield self._signal(Kind.SCOPE, turn.intent.confidence, evidence, name)

    def _signal(self, kind: str, score: float, evidence: Evidence, topic: str | None = None) -> Signal:
        return Signal(kind=kind, score=round(score, 3), evidence=(evidence,), detector=self.name, topic=topic)
