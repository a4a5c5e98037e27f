"""Why: what was measured, which rule fired, and what was decided."""

from enum import StrEnum

from pydantic import Field

from hookflash.model.base import Frozen, Urgency


class Kind:
    """The names of signals and triggers, as they stand in a matrix and in a decision."""

    EXPLICIT_REQUEST = "explicit_request"
    ANGER = "distress.anger"
    CONFUSION = "distress.confusion"
    URGENCY = "distress.urgency"
    PAIN = "distress.pain"
    RED_FLAG = "distress.red_flag"
    CRISIS = "distress.crisis"
    CONFIDENCE = "confidence"
    SCOPE = "scope"
    FENCED = "scope.fenced"
    STUCK = "stuck"
    PLEASED = "pleased"
    DETECTOR_FAILURE = "detector_failure"
    DRAFT_PROMISE = "draft.unkept_promise"
    DRAFT_HUMAN = "draft.claims_human"
    DRAFT_FENCED = "draft.fenced"
    DRAFT_DISCOURAGES = "draft.discourages_person"
    DRAFT_REASSURES = "draft.reassures"
    DRAFT_OWNED = "draft.person_owns"


DISTRESS = (Kind.CRISIS, Kind.RED_FLAG, Kind.PAIN, Kind.URGENCY, Kind.ANGER, Kind.CONFUSION)


class Evidence(Frozen):
    """The words that a signal points at: characters `start` to `end` of turn number `turn`, or a note."""

    text: str
    turn: int | None = None
    start: int | None = None
    end: int | None = None
    note: str | None = None


class Signal(Frozen):
    """One measurement on one turn.

    `score` is 0 to 1: how strongly the kind is present. For `confidence` it is the confidence itself, so that
    lower is worse.
    """

    kind: str
    score: float = Field(ge=0, le=1)
    evidence: tuple[Evidence, ...] = ()
    detector: str = ""
    topic: str | None = None
    """The intent or fenced topic that it is about."""


class Reason(Frozen):
    """A trigger that fired: the matrix rule that fired it, in the matrix' own words, and the evidence."""

    trigger: str
    rule: str
    score: float
    evidence: tuple[Evidence, ...] = ()
    topic: str | None = None
    route: str
    urgency: Urgency


class Action(StrEnum):
    """What the assistant's side does next."""

    CONTINUE = "continue"
    ESCALATE = "escalate"
    REPLACE = "replace"
    """Do not send the draft; send `say` instead, or nothing where it is null."""


class IntentGuess(Frozen):
    """The intent that the decision went by, and who named it: `matrix` (our classifier) or `assistant`."""

    name: str
    confidence: float
    source: str = "matrix"


class Decision(Frozen):
    """What hookflash decided on one turn, with everything needed to explain and replay it."""

    conversation: str
    turn: int
    action: Action
    trigger: str | None = None
    urgency: Urgency | None = None
    signals: tuple[Signal, ...] = ()
    intent: IntentGuess | None = None
    route: str | None = None
    say: str | None = None
    matrix: str
    reasons: tuple[Reason, ...] = ()
    handoff: str | None = None
    models: tuple[str, ...] = ()
    """The versions of the models behind the signals, as `name version`; one that is missing says so."""
