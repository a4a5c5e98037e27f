"""Distress, in parallel to whatever the assistant does: anger, confusion, urgency, pain, red flags, crisis."""

from collections.abc import Sequence

from hookflash.model import DISTRESS, Conversation, Evidence, Kind, Signal, Speaker, Turn
from hookflash.signals.combine import combined
from hookflash.signals.heads import heads, lifted, likely
from hookflash.signals.lexicon import CERTAIN, MAIN
from hookflash.signals.text import evidence_of, part_of, phrases_in, whole_turn

# What may cost a life is heard by rule first; the heads only add. The others are as likely as the heads say, but for the
# phrases of other languages than the encoder's own: there the heads know too little to be left alone.
RULES_FIRST = frozenset({Kind.RED_FLAG, Kind.CRISIS})
# A turn that hints this much is read once more together with the customer's turn before it, where both are short.
HINTING = 0.15
TWO_BREATHS = 400
SURE = 0.8
# Scores under this are no finding and carry no evidence.
TELLING = 0.3
# Capitals and repeated exclamation marks make anger louder; on their own they are no anger.
SHOUTING = 0.3
# A turn of nothing but question marks is a puzzled customer.
PUZZLED = 0.8


class DistressDetector:
    """Scores each distress class of a customer's turn."""

    name = "distress"
    deadline = 0.1

    def detect(self, turn: Turn, conversation: Conversation) -> Sequence[Signal]:
        """Return a signal for each class, a score of 0 included, with the words that show it; none where nothing was said."""
        if not turn.from_customer:
            return ()
        if not turn.text.strip():
            return ()
        signals = [self._of_kind(kind, turn, conversation) for kind in DISTRESS]
        if turn.sentiment and turn.sentiment.score < 0:
            signals.append(self._reported(turn.sentiment.score, turn.sentiment.source, conversation.spoken + 1))
        return signals

    def _of_kind(self, kind: str, turn: Turn, conversation: Conversation) -> Signal:
        number = conversation.spoken + 1
        found = phrases_in(turn.text).get(kind, ())
        scores = [one.score for one in found if one.score >= CERTAIN and (kind in RULES_FIRST or one.language != MAIN)]
        scores.append(_learned(kind, turn.text))
        if kind in RULES_FIRST and max(scores[-1], _before(kind, conversation)) >= HINTING:
            scores.append(_in_two_breaths(kind, turn, conversation))
        if kind == Kind.ANGER and found and _is_shouting(turn.text):
            scores.append(SHOUTING)
        if kind == Kind.CONFUSION and _is_only_question_marks(turn.text):
            scores.append(PUZZLED)
        score = round(combined(scores), 3)
        return Signal(kind=kind, score=score, evidence=self._evidence(kind, score, turn.text, number), detector=self.name)

    def _evidence(self, kind: str, score: float, text: str, number: int) -> tuple[Evidence, ...]:
        """Return the phrases that show a kind, or the part of the turn that shows it most; nothing for what hardly shows."""
        if score < TELLING:
            return ()
        if found := phrases_in(text).get(kind):
            return evidence_of(found, text, number)
        learned = likely(text).get(kind)
        return (part_of(text, learned.span, number) if learned else whole_turn(text, number),)

    def _reported(self, score: float, source: str, number: int) -> Signal:
        note = f"sentiment {score:+.2f} reported by {source}"
        return Signal(kind=Kind.ANGER, score=-score, evidence=(Evidence(text="", turn=number, note=note),), detector=source)


def _learned(kind: str, text: str) -> float:
    found = likely(text).get(kind)
    return lifted(found.probability, heads().fires_at[kind]) if found else 0.0


def _before(kind: str, conversation: Conversation) -> float:
    """Return how strongly the customer's last turn hinted at a kind."""
    last = conversation.said_by(Speaker.CUSTOMER)[-1:]
    return max((signal.score for record in last for signal in record.decision.signals if signal.kind == kind), default=0.0)


def _in_two_breaths(kind: str, turn: Turn, conversation: Conversation) -> float:
    """Return what shows only when the customer's last turn and this one are read together, where that is sure."""
    last = conversation.said_by(Speaker.CUSTOMER)[-1:]
    texts = [*(record.turn.text for record in last), turn.text]
    if len(texts) < 2 or sum(map(len, texts)) > TWO_BREATHS:
        return 0.0
    together = likely(" ".join(texts)).get(kind)
    return together.probability if together and together.probability >= SURE else 0.0


def _is_shouting(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    capitals = sum(letter.isupper() for letter in letters)
    return "!!" in text or (len(letters) >= 8 and capitals > len(letters) / 2)


def _is_only_question_marks(text: str) -> bool:
    bare = "".join(text.split())
    return len(bare) >= 2 and not bare.strip("?¿!")
