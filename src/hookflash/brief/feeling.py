"""How the customer feels, from what was measured turn by turn. Unknown is not the same as neutral."""

from collections.abc import Sequence

from hookflash.model import DISTRESS, Kind, Sentiment, TurnRecord

# Below this a change between the halves of the conversation is chance.
NOTICEABLE = 0.15
# Less distress than this is no finding that could stand against what was reported.
TELLING = 0.3
UNKNOWN = Sentiment(score=None, label="unknown", trend="unknown")


def sentiment(customer_turns: Sequence[TurnRecord]) -> Sentiment:
    """Return score (-1 to 1), label and trend over the customer's latest turns, oldest first."""
    scores = [score for record in customer_turns if (score := _of_turn(record)) is not None]
    if not scores:
        return UNKNOWN
    now = scores[-1] if scores[-1] < 0 else sum(scores[-3:]) / len(scores[-3:])
    label = "negative" if now < -NOTICEABLE else "positive" if now > NOTICEABLE else "neutral"
    return Sentiment(score=round(now, 2), label=label, trend=_trend(scores))


def _of_turn(record: TurnRecord) -> float | None:
    """Return a turn's score, or None where nothing measured it.

    It is minus the strongest distress, or how pleased the customer is where that is stronger. What was reported lowers
    a score; it raises one only where no distress was found.
    """
    signals = record.decision.signals
    if any(signal.kind == Kind.DETECTOR_FAILURE and signal.detector == "distress" for signal in signals):
        return None
    if not record.turn.text.strip():
        return None
    worst = max((signal.score for signal in signals if signal.kind in DISTRESS), default=0.0)
    pleased = max((signal.score for signal in signals if signal.kind == Kind.PLEASED), default=0.0)
    measured = pleased if pleased > worst else -worst
    reported = record.turn.sentiment.score if record.turn.sentiment else None
    if reported is None:
        return measured
    return min(measured, reported) if worst >= TELLING else reported


def _trend(scores: Sequence[float]) -> str:
    if len(scores) < 2:
        return "unknown"
    half = max(1, len(scores) // 2)
    earlier, later = scores[:-half], scores[-half:]
    change = sum(later) / len(later) - sum(earlier) / len(earlier)
    return "worsening" if change < -NOTICEABLE else "improving" if change > NOTICEABLE else "steady"
