"""What of a matrix the cases come to: routes, triggers, languages, and calendars both open and closed."""

from collections.abc import Iterable
from dataclasses import dataclass

from hookflash.hours import is_open
from hookflash.matrix import TRIGGERS, Matrix
from hookflash.model import Kind
from hookflash.review.situations import severities
from hookflash.review.trial import Result

# A part that fails cannot be written down as a conversation.
NOT_SAID = (Kind.DETECTOR_FAILURE,)


@dataclass(frozen=True, slots=True)
class Coverage:
    """For each kind of thing: what there is, and what of it the cases came to."""

    kinds: tuple[tuple[str, tuple[str, ...], frozenset[str]], ...]

    @property
    def percent(self) -> float:
        """How much of everything the cases came to, in percent."""
        there = sum(len(names) for _, names, _ in self.kinds)
        return 100 * sum(len(covered) for _, _, covered in self.kinds) / there if there else 100.0

    def missing(self, kind: str) -> tuple[str, ...]:
        """Return what of a kind the cases did not come to."""
        return next(tuple(name for name in names if name not in covered) for one, names, covered in self.kinds if one == kind)


def coverage(matrix: Matrix, results: Iterable[Result]) -> Coverage:
    """Return what the cases came to."""
    outcomes = [(result, outcome) for result in results for outcome in result.outcomes]
    reasons = [reason for _, outcome in outcomes for reason in outcome.decision.reasons]
    times = [(outcome.record.turn.at, result) for result, outcome in outcomes if outcome.record.turn.at is not None]
    dated = {name: calendar for name, calendar in matrix.calendars.items() if not calendar.always}
    states = {f"{name} {'open' if is_open(calendar, at) else 'closed'}" for name, calendar in dated.items() for at, _ in times}
    there = {
        "routes": tuple(matrix.route_name(route) for route in matrix.routes),
        "triggers": tuple(trigger for trigger in TRIGGERS if severities(trigger, matrix) and trigger not in NOT_SAID),
        "fenced topics": tuple(matrix.scope.fenced),
        "languages": matrix.business.languages,
        "calendar states": tuple(f"{name} {state}" for name in dated for state in ("open", "closed")),
    }
    came: dict[str, set[str | None]] = {
        "routes": {outcome.decision.route for _, outcome in outcomes},
        "triggers": {reason.trigger for reason in reasons},
        "fenced topics": {reason.topic for reason in reasons},
        "languages": {outcome.language for _, outcome in outcomes},
        "calendar states": {*states},
    }
    return Coverage(tuple((kind, names, frozenset(name for name in names if name in came[kind])) for kind, names in there.items()))
