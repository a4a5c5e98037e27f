"""The assistant's drafts, before the customer sees them: nothing promised that is not arranged, nothing improvised."""

import re
from collections.abc import Iterator, Mapping, Sequence

from hookflash.model import Conversation, Evidence, Kind, Owner, Signal, Turn
from hookflash.signals.classify import Classifier
from hookflash.signals.heads import Score, draft_heads, lifted, likely_draft
from hookflash.signals.lexicon import CERTAIN
from hookflash.signals.meaning import DRAFTS
from hookflash.signals.scope import NOTABLE
from hookflash.signals.text import evidence_of, part_of, phrases_in

_SENTENCE_END = re.compile(r"[.!?\u2026\u3002\uff01\uff1f][\"')\]\u201d]*(?=\s|$)|\n")


def whole_sentences(text: str) -> str:
    """Return the part of a growing text up to its last full sentence: what can be judged while the rest is written."""
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    return text[: ends[-1]] if ends else ""


class DraftDetector:
    """Checks a reply that the assistant means to send. Of one that is still being written, the full sentences."""

    name = "draft"
    deadline = 0.1

    def __init__(self, classifier: Classifier | None) -> None:
        """Take the classifier of the matrix, for its fenced topics."""
        self._classifier = classifier

    def detect(self, turn: Turn, conversation: Conversation) -> Sequence[Signal]:
        """Return a `draft.<why>` signal for each reason not to send the draft as it is."""
        if not turn.draft:
            return ()
        text = turn.text if turn.final else whole_sentences(turn.text)
        return [*self._of_owner(conversation), *self._of_words(text, conversation), *self._of_topic(text, conversation)]

    def _of_owner(self, conversation: Conversation) -> Iterator[Signal]:
        if conversation.owner is not Owner.ASSISTANT:
            evidence = Evidence(text="", note=f"the conversation belongs to: {conversation.owner}")
            yield Signal(kind=Kind.DRAFT_OWNED, score=1.0, evidence=(evidence,), detector=self.name)

    def _of_words(self, text: str, conversation: Conversation) -> Iterator[Signal]:
        learned = likely_draft(text)
        for kind in DRAFTS:
            if signal := self._of_kind(kind, text, learned, conversation.spoken + 1):
                yield signal

    def _of_kind(self, kind: str, text: str, learned: Mapping[str, Score], number: int) -> Signal | None:
        found = [one for one in phrases_in(text).get(kind, ()) if one.score >= CERTAIN]
        if found:
            return Signal(kind=kind, score=CERTAIN, evidence=evidence_of(found, text, number), detector=self.name)
        if kind not in learned:
            return None
        score = lifted(learned[kind].probability, draft_heads().fires_at[kind])
        if score < NOTABLE:
            return None
        evidence = part_of(text, learned[kind].span, number)
        return Signal(kind=kind, score=round(score, 3), evidence=(evidence,), detector=self.name)

    def _of_topic(self, text: str, conversation: Conversation) -> Iterator[Signal]:
        if self._classifier is None or not self._classifier.fenced or not text.strip():
            return
        topic, score, span = self._classifier.fenced_topic(text)
        if score >= NOTABLE:
            evidence = part_of(text, span, conversation.spoken + 1)
            yield Signal(kind=Kind.DRAFT_FENCED, score=round(score, 3), evidence=(evidence,), detector=self.name, topic=topic)
