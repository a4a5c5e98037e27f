"""Signals + matrix -> decision, with all its reasons. Pure: the same input gives the same decision.

Rules:
- Every trigger that fires becomes a reason, with the rule that fired it and its evidence.
- The decision takes the most urgent reason; one more signal can therefore only raise it.
- An explicit request, a red flag, a crisis and a failed detector fire whatever the matrix says.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from hookflash.hours import is_open
from hookflash.matrix import DISTRESS_CLASSES, TRIGGERS, Matrix, Route, Situation, Stuck, first_match, severity_of, words
from hookflash.model import (
    Action,
    Conversation,
    Decision,
    IntentGuess,
    Kind,
    Owner,
    Reason,
    Signal,
    Speaker,
    Turn,
    Urgency,
)
from hookflash.signals.combine import combined
from hookflash.signals.language import language_of
from hookflash.signals.stuck import stuck_score

# How urgent a trigger is where its route does not say. Nothing lowers the urgency of those in FLOOR.
FLOOR = {Kind.CRISIS: Urgency.IMMEDIATE, Kind.RED_FLAG: Urgency.IMMEDIATE}
DEFAULT_URGENCY = {**FLOOR, Kind.PAIN: Urgency.HIGH, Kind.URGENCY: Urgency.HIGH}
# Main reasons in order of precedence where the urgency is the same. Of crisis and red flag the stronger one leads.
PRECEDENCE = (
    Kind.CRISIS,
    Kind.RED_FLAG,
    Kind.EXPLICIT_REQUEST,
    Kind.PAIN,
    Kind.FENCED,
    Kind.URGENCY,
    Kind.ANGER,
    Kind.CONFUSION,
    Kind.STUCK,
    Kind.SCOPE,
    Kind.CONFIDENCE,
    Kind.DRAFT_PROMISE,
    Kind.DRAFT_REASSURES,
    Kind.DRAFT_DISCOURAGES,
    Kind.DRAFT_FENCED,
    Kind.DRAFT_HUMAN,
    Kind.DETECTOR_FAILURE,
)
# A draft that is replaced needs no person; every other reason against a draft brings one.
REPLACED = (Kind.DRAFT_HUMAN, Kind.DRAFT_OWNED)
DRAFT_AT = 0.5
# Triggers whose topic may choose the route: each topic is a reason of its own.
BY_TOPIC = (Kind.FENCED, Kind.DRAFT_FENCED)


class Moment(NamedTuple):
    """What a turn is judged by, besides what was measured on it."""

    turn: Turn
    conversation: Conversation
    matrix: Matrix
    now: datetime


def decide(signals: Sequence[Signal], turn: Turn, conversation: Conversation, matrix: Matrix, now: datetime) -> Decision:
    """Return what to do about `turn`, given the conversation before it and what was measured on it.

    `now` matters to routes that hold only while a calendar is open or closed.
    """
    reasons = sorted(_reasons(signals, Moment(turn, conversation, matrix, now)), key=_weight)
    base = Decision(
        conversation=conversation.id,
        turn=conversation.spoken + 1,
        action=Action.CONTINUE,
        signals=tuple(signals),
        intent=_intent(signals),
        matrix=matrix.revision,
        reasons=tuple(reasons),
        handoff=conversation.handoff,
    )
    if turn.draft:
        return _on_draft(base, turn, conversation, matrix)
    if reasons or (conversation.escalated is not None and turn.from_customer):
        return _escalate(base, _leading(reasons, conversation), turn, conversation, matrix)
    return base


def _leading(reasons: Sequence[Reason], conversation: Conversation) -> Reason:
    """Return the reason to go by: what was said now, unless what brought the person is more urgent still."""
    before = conversation.escalated
    if not reasons:
        assert before is not None
        return before
    return before if before is not None and before.urgency.rank > reasons[0].urgency.rank else reasons[0]


def _weight(reason: Reason) -> tuple[int, int, float]:
    precedence = 0 if reason.trigger in FLOOR else PRECEDENCE.index(reason.trigger)
    return -reason.urgency.rank, precedence, -reason.score


def _on_draft(base: Decision, turn: Turn, conversation: Conversation, matrix: Matrix) -> Decision:
    if conversation.owner is not Owner.ASSISTANT:
        return base.model_copy(update={"action": Action.REPLACE, "trigger": Kind.DRAFT_OWNED})
    if not base.reasons:
        return base
    if all(reason.trigger in REPLACED for reason in base.reasons):
        say = words(matrix, language_of(turn, conversation, matrix), "assistant")
        return base.model_copy(update={"action": Action.REPLACE, "trigger": base.reasons[0].trigger, "say": say})
    return _escalate(base, base.reasons[0], turn, conversation, matrix)


def _escalate(base: Decision, reason: Reason, turn: Turn, conversation: Conversation, matrix: Matrix) -> Decision:
    """Escalate for a reason. The words fit where the conversation stands: with a person, awaiting one, or neither."""
    key = _words_for(reason, conversation, matrix)
    return base.model_copy(
        update={
            "action": Action.ESCALATE,
            "trigger": reason.trigger,
            "urgency": reason.urgency,
            "route": reason.route,
            "say": key and words(matrix, language_of(turn, conversation, matrix), key),
        }
    )


def _words_for(reason: Reason, conversation: Conversation, matrix: Matrix) -> str | None:
    if conversation.owner is Owner.RESPONDER:
        return None
    before = conversation.escalated
    if before is not None and reason.urgency.rank <= before.urgency.rank:
        return "waiting"
    return words_at_once(matrix.route_named(reason.route), reason.trigger)


def words_at_once(route: Route, trigger: str) -> str:
    """Return the name of the words that are said with the decision to take a trigger to a route."""
    return route.say or ("crisis" if trigger in FLOOR else "acknowledge")


def urgency_of(route: Route, trigger: str) -> Urgency:
    """Return how urgent a trigger is on a route: as the route says, never under the trigger's floor."""
    stated = route.urgency or DEFAULT_URGENCY.get(trigger, Urgency.NORMAL)
    return Urgency.highest(stated, FLOOR.get(trigger, Urgency.NORMAL))


def _intent(signals: Iterable[Signal]) -> IntentGuess | None:
    for signal in signals:
        if signal.kind == Kind.CONFIDENCE and signal.topic:
            return IntentGuess(name=signal.topic, confidence=signal.score, source=signal.detector)
    return None


def _reasons(signals: Sequence[Signal], at: Moment) -> Iterator[Reason]:
    """Yield a reason for every trigger (and fenced topic) that fires; of several signals of one, for the strongest."""
    best: dict[tuple[str, str | None], tuple[float, Signal, str]] = {}
    for signal in signals:
        for trigger, score, rule in _fires(signal, at.turn, at.conversation, at.matrix):
            about = trigger, signal.topic if trigger in BY_TOPIC else None
            if about not in best or score > best[about][0]:
                best[about] = (score, signal, rule)
    for (trigger, _), (score, signal, rule) in best.items():
        route = _route_for(trigger, signal, score, at)
        urgency = urgency_of(route, trigger)
        yield Reason(
            trigger=trigger,
            rule=rule,
            score=round(score, 3),
            evidence=signal.evidence,
            topic=signal.topic,
            route=at.matrix.route_name(route),
            urgency=urgency,
        )


def _fires(signal: Signal, turn: Turn, conversation: Conversation, matrix: Matrix) -> Iterator[tuple[str, float, str]]:
    """Yield (trigger, score, rule) if the signal fires a trigger."""
    triggers, kind, score = matrix.triggers, signal.kind, signal.score
    if kind not in TRIGGERS:
        return
    if kind == Kind.DETECTOR_FAILURE and (turn.from_customer or turn.draft):
        yield kind, score, "a detector failed (always on)"
    elif kind == Kind.EXPLICIT_REQUEST:
        yield kind, score, "explicit_request (always on)"
    elif kind.startswith("distress."):
        yield from _distress(signal, conversation, matrix)
    elif kind.startswith("draft.") and score >= DRAFT_AT:
        yield kind, score, "drafts (always on)"
    elif kind == Kind.CONFIDENCE and triggers.confidence != "off" and score < triggers.confidence.below:
        yield kind, 1.0 - score, f"confidence below {triggers.confidence.below:g}"
    elif kind == Kind.SCOPE and triggers.scope != "off" and score >= triggers.scope.at:
        yield kind, score, f"scope at {triggers.scope.at:g}"
    elif kind == Kind.FENCED and (triggers.scope == "off" or score >= triggers.scope.fenced):
        yield kind, score, f"fenced topic {signal.topic}"
    elif kind == Kind.STUCK and isinstance(triggers.stuck, Stuck) and score >= stuck_score(triggers.stuck.repeats):
        yield kind, score, f"stuck repeats {triggers.stuck.repeats}"


def _distress(signal: Signal, conversation: Conversation, matrix: Matrix) -> Iterator[tuple[str, float, str]]:
    name = signal.kind.removeprefix("distress.")
    threshold = matrix.triggers.distress.threshold(name) if name in DISTRESS_CLASSES else None
    if threshold is None:
        return
    score = combined([signal.score, *_earlier(signal.kind, conversation, threshold.over - 1)])
    if score >= threshold.at:
        over = f" over {threshold.over} turns" if threshold.over > 1 else ""
        yield signal.kind, score, f"{signal.kind} at {threshold.at:g}{over}"


def _earlier(kind: str, conversation: Conversation, turns: int) -> Iterator[float]:
    """Yield the strongest score of a kind on each of the customer's latest turns."""
    for record in conversation.said_by(Speaker.CUSTOMER)[-turns:] if turns else ():
        yield max((signal.score for signal in record.decision.signals if signal.kind == kind), default=0.0)


def _route_for(trigger: str, signal: Signal, score: float, at: Moment) -> Route:
    """Return the first route that matches; the last one of a checked matrix matches everything."""
    situation = Situation(
        trigger=trigger,
        severity=severity_of(score),
        channel=at.turn.channel,
        language=language_of(at.turn, at.conversation, at.matrix),
        topic=signal.topic,
        segment=at.conversation.customer.updated_by(at.turn.customer).segment,
    )
    return first_match(at.matrix, situation, lambda name: is_open(at.matrix.calendars[name], at.now))
