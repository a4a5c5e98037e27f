"""The summary: a few sentences, each resting on a turn that can be looked up. Nothing is invented."""

from collections.abc import Sequence

from hookflash.model import Attempt, HistoryTurn, Kind, Reason, Sentence, Speaker, TurnRecord
from hookflash.signals.text import SUBSTANCE_WORDS, substance

QUOTE_CHARACTERS = 160
# Why a person is needed, in words that fit before a quotation.
_WHY = {
    Kind.EXPLICIT_REQUEST: "Asked for a person",
    Kind.CRISIS: "Signs of crisis",
    Kind.RED_FLAG: "Possible medical emergency",
    Kind.PAIN: "In pain",
    Kind.URGENCY: "Says it is urgent",
    Kind.ANGER: "Angry",
    Kind.CONFUSION: "Confused",
    Kind.FENCED: "Asked about something the assistant must not answer",
    Kind.SCOPE: "Asked for something outside the assistant's scope",
    Kind.STUCK: "Going in circles with the assistant",
    Kind.CONFIDENCE: "The assistant was not sure what was meant",
    Kind.DETECTOR_FAILURE: "A detector failed, so a person was asked to look",
    Kind.DRAFT_PROMISE: "The assistant was about to promise something not arranged",
    Kind.DRAFT_FENCED: "The assistant was about to answer a fenced topic",
    Kind.DRAFT_HUMAN: "The assistant was about to claim to be human",
    Kind.DRAFT_DISCOURAGES: "The assistant was about to talk the customer out of a person",
    Kind.DRAFT_REASSURES: "The assistant was about to say that there is nothing to worry about",
}


def quote(text: str) -> str:
    """Return a text in quotation marks, cut at a word where it is long."""
    flat = " ".join(text.split())
    if len(flat) > QUOTE_CHARACTERS:
        flat = flat[:QUOTE_CHARACTERS].rsplit(" ", 1)[0] + "…"
    return f"“{flat}”"


def summary(history: Sequence[HistoryTurn], reasons: Sequence[Reason], decided_on: int) -> tuple[Sentence, ...]:
    """Return why a person is needed, what the customer came for, and what they said last; no turn is quoted twice."""
    said = {turn.number: turn for turn in history}
    wishes = [turn for turn in history if turn.speaker is Speaker.CUSTOMER and len(substance(turn.text)) >= SUBSTANCE_WORDS]
    labelled = _labels(reasons, decided_on)
    if wishes:
        labelled.setdefault(wishes[0].number, ["Came with"])
        labelled.setdefault(wishes[-1].number, ["Said last"])
    return tuple(Sentence(text=_sentence(labels, said.get(turn)), turn=turn) for turn, labels in labelled.items())


def _labels(reasons: Sequence[Reason], decided_on: int) -> dict[int, list[str]]:
    """Return why a person is needed, by the turn that shows it; the strongest reason comes first."""
    labels: dict[int, list[str]] = {}
    for reason in reasons:
        turn = next((one.turn for one in reason.evidence if one.turn is not None), decided_on)
        topic = f" ({reason.topic.replace('_', ' ')})" if reason.topic and reason.trigger == Kind.FENCED else ""
        labels.setdefault(turn, []).append(f"{_WHY[reason.trigger]}{topic}")
    return labels


def _sentence(labels: Sequence[str], turn: HistoryTurn | None) -> str:
    first, *others = labels
    joined = "; ".join([first, *(label[0].lower() + label[1:] for label in others)])
    return f"{joined}: {quote(turn.text)}" if turn and turn.text.strip() else f"{joined}."


def tried(history: Sequence[HistoryTurn], turns: Sequence[TurnRecord]) -> tuple[Attempt, ...]:
    """Return what the assistant already said and did, so that the responder does not begin with it again."""
    attempts = [
        Attempt(what=quote(turn.text), turn=turn.number, outcome="said to the customer")
        for turn in history
        if turn.speaker is Speaker.ASSISTANT and not turn.text.rstrip().endswith("?") and len(substance(turn.text)) >= SUBSTANCE_WORDS
    ]
    attempts += [
        Attempt(what=call.name, turn=record.number, outcome="worked" if call.ok else f"failed: {call.error or 'no reason given'}")
        for record in turns
        for call in record.turn.tools
    ]
    return tuple(sorted(attempts, key=lambda attempt: attempt.turn))
