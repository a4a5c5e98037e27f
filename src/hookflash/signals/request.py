"""The explicit request for a person: a hard rule, on every turn, the first included."""

from collections.abc import Sequence

from hookflash.model import Channel, Conversation, Evidence, Kind, Signal, Turn
from hookflash.signals.asked import asked_for
from hookflash.signals.heads import SUREST, heads, likely
from hookflash.signals.lexicon import CERTAIN, excepted
from hookflash.signals.text import evidence_of, part_of, phrases_in

# Such a part of a turn, told in characters, is nearly all of it.
NEARLY_ALL = 0.7


class RequestDetector:
    """Hears a customer ask for a person, in words or by the 0 key."""

    name = "request"
    deadline = 0.1

    def detect(self, turn: Turn, conversation: Conversation) -> Sequence[Signal]:
        """Return one `explicit_request` signal if the customer asks for a person."""
        if not turn.from_customer:
            return ()
        number = conversation.spoken + 1
        if pressed_zero(turn):
            return (self._signal(1.0, (Evidence(text="0", turn=number, note="the 0 key"),)),)
        found = [one for one in phrases_in(turn.text).get(Kind.EXPLICIT_REQUEST, ()) if one.score >= CERTAIN]
        if found:
            return (self._signal(CERTAIN, _told(evidence_of(found, turn.text, number), turn.text)),)
        learned = likely(turn.text).get(Kind.EXPLICIT_REQUEST)
        if learned is None or _says_something_else(turn.text) or learned.probability < heads().fires_at[Kind.EXPLICIT_REQUEST]:
            return ()
        return (self._signal(round(min(learned.probability, SUREST), 3), _told((part_of(turn.text, learned.span, number),), turn.text)),)

    def _signal(self, score: float, evidence: tuple[Evidence, ...]) -> Signal:
        return Signal(kind=Kind.EXPLICIT_REQUEST, score=score, evidence=evidence, detector=self.name)


def _says_something_else(text: str) -> bool:
    """Whether the lexicons know nearly all of a turn as something that only looks like a request: "am I talking to a robot?"."""
    known = phrases_in(text).get(excepted(Kind.EXPLICIT_REQUEST), ())
    return sum(one.end - one.start for one in known) >= NEARLY_ALL * len(text.strip())


def _told(evidence: tuple[Evidence, ...], text: str) -> tuple[Evidence, ...]:
    """Note on the first evidence who is asked for, and how."""
    first, *others = evidence
    return (first.model_copy(update={"note": str(asked_for(text))}), *others)


def pressed_zero(turn: Turn) -> bool:
    """Return whether a caller pressed the 0 key."""
    pressed = turn.dtmf if turn.dtmf is not None else turn.text if turn.channel is Channel.VOICE else ""
    digits = pressed.strip().strip("*#")
    return bool(digits) and not digits.strip("0")
