"""Stuck: the customer says it again, the assistant says it again, or the tools keep failing."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from rapidfuzz import fuzz

from hookflash.model import Conversation, Evidence, Kind, Signal, Speaker, Turn, TurnRecord
from hookflash.signals.parts import meaning_of
from hookflash.signals.text import ASSISTANT_LOST, SUBSTANCE_WORDS, TOLD_ALREADY, evidence_of, phrases_in, substance, words_in

# How alike two turns must be (0 to 100) to count as the same thing said again.
CUSTOMER_ALIKE = 80
ASSISTANT_ALIKE = 90
# How near the meanings of two customer's turns must be (cosine, at most 1) to count so in other words.
SAME_MEANING = 0.8
# How many of a speaker's latest turns are looked at.
LOOK_BACK = 6


def stuck_score(times: int) -> float:
    """Return the score of something said `times` times again: 1/2, 3/4, 7/8 ..."""
    return 1.0 - 0.5**times


class StuckDetector:
    """Counts repetitions and failures that run through the latest turns."""

    name = "stuck"
    deadline = 0.1

    def detect(self, turn: Turn, conversation: Conversation) -> Sequence[Signal]:
        """Return a `stuck` signal when something came again."""
        if turn.draft or turn.speaker is Speaker.RESPONDER:
            return ()
        number = conversation.spoken + 1
        repeats = self._said_again(turn, conversation, number)
        failures = [*_failed_tools(turn, conversation, number)]
        evidence = max(repeats, failures, key=len)
        if not evidence:
            return ()
        return (Signal(kind=Kind.STUCK, score=stuck_score(len(evidence)), evidence=tuple(evidence), detector=self.name),)

    def _said_again(self, turn: Turn, conversation: Conversation, number: int) -> Sequence[Evidence]:
        """What this turn repeats or complains of; earlier complaints count with it, never without."""
        past = conversation.said_by(Speaker.CUSTOMER)[-LOOK_BACK:]
        now = [*_assistant_again(turn, conversation)]
        if turn.from_customer:
            now += [*_repeats(turn, past, CUSTOMER_ALIKE), *_complaint(turn, number)]
            now = now or [*_means_again(turn, past)]
        if not now:
            return ()
        return (*now, *(one for record in past for one in _complaint(record.turn, record.number)))


def _complaint(turn: Turn, number: int) -> Iterator[Evidence]:
    """The customer says that they said it already."""
    yield from evidence_of(phrases_in(turn.text).get(TOLD_ALREADY, ())[:1], turn.text, number)


def _assistant_again(turn: Turn, conversation: Conversation) -> Iterator[Evidence]:
    said = conversation.said_by(Speaker.ASSISTANT)[-LOOK_BACK:]
    if turn.speaker is Speaker.ASSISTANT:
        yield from _repeats(turn, said, ASSISTANT_ALIKE)
    elif said:
        yield from _repeats(said[-1].turn, said[:-1], ASSISTANT_ALIKE)
        yield from _lost(said)


def _repeats(turn: Turn, past: Iterable[TurnRecord], alike: int) -> Iterator[Evidence]:
    if not substance(turn.text):
        return
    words = _plain(turn.text)
    for record in past:
        if fuzz.token_sort_ratio(words, _plain(record.turn.text)) >= alike:
            yield Evidence(text=record.turn.text, turn=record.number, note="said again")


def _means_again(turn: Turn, past: Sequence[TurnRecord]) -> Iterator[Evidence]:
    """The same wish in other words."""
    now = meaning_of(turn.text) if len(substance(turn.text)) >= SUBSTANCE_WORDS else None
    for record in past if now is not None else ():
        before = meaning_of(record.turn.text)
        if now is None or before is None or len(substance(record.turn.text)) < SUBSTANCE_WORDS:
            continue
        if float(now @ before) >= SAME_MEANING:
            yield Evidence(text=record.turn.text, turn=record.number, note="said again in other words")


def _lost(said: Sequence[TurnRecord]) -> Iterator[Evidence]:
    """The assistant's latest turns, as far back as each says that it did not understand; a single one is no loop."""
    lost = [*takewhile(lambda record: phrases_in(record.turn.text).get(ASSISTANT_LOST), reversed(said))]
    for record in lost if len(lost) > 1 else ():
        yield Evidence(text=record.turn.text, turn=record.number, note="the assistant did not understand")


def _plain(text: str) -> str:
    return " ".join(word.plain for word in words_in(text))


def _failed_tools(turn: Turn, conversation: Conversation, number: int) -> Iterator[Evidence]:
    """The failures since a tool last worked."""
    calls = [(record.number, call) for record in conversation.since_handoff()[-LOOK_BACK:] for call in record.turn.tools]
    calls += [(number, call) for call in turn.tools]
    for place, call in reversed(calls):
        if call.ok:
            return
        yield Evidence(text=call.name, turn=place, note="tool failed")
