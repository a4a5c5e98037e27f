"""The assistant's drafts, before the customer sees them: nothing promised that is not arranged, nothing improvised."""

from collections.abc import Iterator, Sequence

from hookflash.model import Conversation, Evidence, Kind, Owner, Signal, Turn
from hookflash.signals.classify import Classifier
from hookflash.signals.scope import NOTABLE
from hookflash.signals.text import evidence_of, phrases_in

BY_WORDS = (Kind.DRAFT_PROMISE, Kind.DRAFT_HUMAN, Kind.DRAFT_DISCOURAGES)


class DraftDetector:
    """Checks a reply that the assistant means to send."""

    name = "draft"
    deadline = 0.1

    def __init__(self, classifier: Classifier | None) -> None:
        """Take the classifier of the matrix, for its fenced topics."""
        self._classifier = classifier

    def detect(self, turn: Turn, conversation: Conversation) -> Sequence[Signal]:
        """Return a `draft.<why>` signal for each reason not to send the draft as it is."""
        if not turn.draft:
            return ()
        return [*self._of_owner(conversation), *self._of_words(turn, conversation), *self._of_topic(turn, conversation)]

    def _of_owner(self, conversation: Conversation) -> Iterator[Signal]:
        if conversation.owner is not Owner.ASSISTANT:
            evidence = Evidence(text="", note=f"the conversation belongs to: {conversation.owner}")
            yield Signal(kind=Kind.DRAFT_OWNED, score=1.0, evidence=(evidence,), detector=self.name)

    def _of_words(self, turn: Turn, conversation: Conversation) -> Iterator[Signal]:
        phrases = phrases_in(turn.text)
        for kind in BY_WORDS:
            if found := phrases.get(kind):
                evidence = evidence_of(found, turn.text, conversation.spoken + 1)
                yield Signal(kind=kind, score=max(one.score for one in found), evidence=evidence, detector=self.name)

    def _of_topic(self, turn: Turn, conversation: Conversation) -> Iterator[Signal]:
        if self._classifier is None or not self._classifier.fenced or not turn.text.strip():
            return
        topic, score, start, end = self._classifier.fenced_topic(turn.text)
        if score >= NOTABLE:
            number = conversation.spoken + 1
            evidence = Evidence(text=turn.text[start:end], turn=number, start=start, end=end)
            yield Signal(kind=Kind.DRAFT_FENCED, score=round(score, 3), evidence=(evidence,), detector=self.name, topic=topic)
