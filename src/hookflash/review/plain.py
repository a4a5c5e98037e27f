"""The matrix' terms in the words of somebody who has never seen one."""

from hookflash.matrix import Matrix, Route
from hookflash.matrix.routes import Nobody, Step
from hookflash.model import Kind
from hookflash.review.stretches import length

TRIGGER_WORDS = {
    Kind.EXPLICIT_REQUEST: "asks for a person",
    Kind.CRISIS: "is in danger or in despair",
    Kind.RED_FLAG: "has signs of a medical emergency",
    Kind.PAIN: "is in pain",
    Kind.URGENCY: "is pressed for time",
    Kind.ANGER: "is angry",
    Kind.CONFUSION: "is confused",
    Kind.FENCED: "asks about something that the assistant must never answer",
    Kind.SCOPE: "asks about something outside the assistant's work",
    Kind.STUCK: "goes round in circles with the assistant",
    Kind.CONFIDENCE: "says something that the assistant is not sure to understand",
    Kind.DETECTOR_FAILURE: "could not be listened to properly",
    Kind.DRAFT_PROMISE: "would be promised something that nobody arranged",
    Kind.DRAFT_HUMAN: "would be told that the assistant is a person",
    Kind.DRAFT_FENCED: "would get an answer that the assistant must never give",
    Kind.DRAFT_DISCOURAGES: "would be talked out of a person",
    "distress": "is in distress of any kind",
    "draft": "would be told something by the assistant that must not be said",
}
FAMILY_WORDS = {"scope": "asks about anything outside the assistant's work, or that it must never answer"}
CONTEXT_WORDS = {
    "reason": "why a person was called, with the customer's own words",
    "summary": "a summary of the conversation",
    "history": "the whole conversation",
    "entities": "names, numbers and dates that the customer gave",
    "sentiment": "how the customer feels",
    "tried": "what the assistant has tried",
}


def spoken(name: str) -> str:
    """Return a name of the matrix as words."""
    return name.replace("_", " ")


def condition(route: Route) -> str:
    """Return in one sentence when a route is taken."""
    when = route.when
    if when.catches_all:
        return "Everything else"
    words = [FAMILY_WORDS.get(name) or TRIGGER_WORDS[name] for name in when.trigger]
    parts = ["The customer " + _or(words) if words else "Anything"]
    if when.topic:
        parts.append(f"(about {_or([spoken(topic) for topic in when.topic])})")
    if when.severity:
        parts.append(f"(only where it is {_or(when.severity)})")
    if when.channel:
        parts.append(f"by {_or([str(channel) for channel in when.channel])}")
    if when.language:
        parts.append(f"in {_or(when.language)}")
    if when.segment:
        parts.append(f"as {_or([spoken(segment) for segment in when.segment])}")
    if when.during:
        parts.append(f"while {_or([spoken(name) for name in when.during])} is open")
    if when.outside:
        parts.append(f"while {_or([spoken(name) for name in when.outside])} is closed")
    return " ".join(parts)


def ladder(route: Route, matrix: Matrix) -> str:
    """Return in order who is asked, for how long, and how the customer is passed on."""
    return "; then ".join(_rung(step, matrix) for step in route.ladder)


def _rung(step: Step, matrix: Matrix) -> str:
    how = "introduced" if step.warm else "passed straight on"
    hours = matrix.responders[step.to].hours
    there = "at all times" if matrix.calendars[hours].always else f"in {spoken(hours)} hours"
    return f"{matrix.spoken_name(step.to)}, rung for {length(int(step.ring_for.total_seconds()))} ({there}; {how})"


def nobody(plan: Nobody) -> str:
    """Return what happens when nobody takes it."""
    within = length(int(plan.callback.within.total_seconds()))
    return f"A ticket at {spoken(plan.desk)}, and a person gets back within {within} of {spoken(plan.callback.hours)} hours"


def _or(values: list[str] | tuple[str, ...]) -> str:
    return " or ".join(values)
