"""Whether the customer is pleased with how things go: the bright side of the sentiment in the brief. It triggers nothing."""

from collections.abc import Sequence

from hookflash.model import Conversation, Kind, Signal, Turn
from hookflash.signals.meaning import probability


class PleasedDetector:
    """Scores how pleased the customer is, by the meaning of the turn; without the encoder it is not known."""

    name = "pleased"
    deadline = 0.1

    def detect(self, turn: Turn, conversation: Conversation) -> Sequence[Signal]:
        """Return one signal, or none for what says nothing."""
        if not turn.from_customer or not any(letter.isalpha() for letter in turn.text):
            return ()
        likely = probability(Kind.PLEASED, turn.text)
        return () if likely is None else (Signal(kind=Kind.PLEASED, score=round(likely, 3), detector=self.name),)
