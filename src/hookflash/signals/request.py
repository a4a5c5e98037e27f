"""The explicit request for a person: a hard rule, on every turn, the first included."""

from collections.abc import Sequence

from hookflash.model import Channel, Conversation, Evidence, Kind, Signal, Turn
from hookflash.signals.heads import likely
from hookflash.signals.text import evidence_of, phrases_in, whole_turn


class RequestDetector:
    """Hears a customer ask for a person, in words or by the 0 key."""

    name = "request"
    deadline = 0.1

    def detect(self, turn: Turn, conversation: Conversation) -> Sequence[Signal]:
        """Return one `explicit_request` signal if the customer asks for a person."""
        if not turn.from_customer:
            return ()
        number = conversation.spoken + 1
        if _pressed_zero(turn):
            return (self._signal(1.0, (Evidence(text="0", turn=number, note="the 0 key"),)),)
        found = phrases_in(turn.text).get(Kind.EXPLICIT_REQUEST, ())
        if found:
            return (self._signal(max(one.score for one in found), evidence_of(found, turn.text, number)),)
        score = likely(turn.text).get(Kind.EXPLICIT_REQUEST)
        return (self._signal(round(score, 3), (whole_turn(turn.text, number),)),) if score else ()

    def _signal(self, score: float, evidence: tuple[Evidence, ...]) -> Signal:
        return Signal(kind=Kind.EXPLICIT_REQUEST, score=score, evidence=evidence, detector=self.name)


def _pressed_zero(turn: Turn) -> bool:
    pressed = turn.dtmf if turn.dtmf is not None else turn.text if turn.channel is Channel.VOICE else ""
    digits = pressed.strip().strip("*#")
    return bool(digits) and not digits.strip("0")
