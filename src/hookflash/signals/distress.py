"""Distress, in parallel to whatever the assistant does: anger, confusion, urgency, pain, red flags, crisis."""

from collections.abc import Sequence

from hookflash.model import DISTRESS, Conversation, Evidence, Kind, Signal, Turn
from hookflash.signals.combine import combined
from hookflash.signals.heads import likely
from hookflash.signals.text import evidence_of, phrases_in, whole_turn

# Capitals and repeated exclamation marks make anger louder; on their own they are no anger.
SHOUTING = 0.3
# A turn of nothing but question marks is a puzzled customer.
PUZZLED = 0.8


class DistressDetector:
    """Scores each distress class of a customer's turn."""

    name = "distress"
    deadline = 0.1

    def detect(self, turn: Turn, conversation: Conversation) -> Sequence[Signal]:
        """Return a signal for each class that shows, with the words that show it."""
        if not turn.from_customer:
            return ()
        number = conversation.spoken + 1
        signals = [signal for kind in DISTRESS if (signal := self._of_kind(kind, turn, number))]
        if turn.sentiment and turn.sentiment.score < 0:
            signals.append(self._reported(turn.sentiment.score, turn.sentiment.source, number))
        return signals

    def _of_kind(self, kind: str, turn: Turn, number: int) -> Signal | None:
        found = phrases_in(turn.text).get(kind, ())
        scores = [one.score for one in found]
        evidence = evidence_of(found, turn.text, number)
        if kind == Kind.ANGER and found and _is_shouting(turn.text):
            scores.append(SHOUTING)
        if kind == Kind.CONFUSION and not found and _is_only_question_marks(turn.text):
            scores.append(PUZZLED)
            evidence = (whole_turn(turn.text, number),)
        learned = likely(turn.text).get(kind)
        if learned:
            scores.append(learned)
            evidence = evidence or (whole_turn(turn.text, number),)
        if not scores:
            return None
        return Signal(kind=kind, score=round(combined(scores), 3), evidence=evidence, detector=self.name)

    def _reported(self, score: float, source: str, number: int) -> Signal:
        note = f"sentiment {score:+.2f} reported by {source}"
        return Signal(kind=Kind.ANGER, score=-score, evidence=(Evidence(text="", turn=number, note=note),), detector=source)


def _is_shouting(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    capitals = sum(letter.isupper() for letter in letters)
    return "!!" in text or (len(letters) >= 8 and capitals > len(letters) / 2)


def _is_only_question_marks(text: str) -> bool:
    bare = "".join(text.split())
    return len(bare) >= 2 and not bare.strip("?¿!")
