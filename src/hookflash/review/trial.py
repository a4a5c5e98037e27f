"""Run cases: each conversation through the real detectors and the real decision, on a clock of its own."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from hookflash.errors import InputError
from hookflash.judge import Judge, after, handed_over
from hookflash.matrix import Matrix, Situation, severity_of
from hookflash.model import Action, Conversation, Decision, TurnRecord
from hookflash.review.cases import Case, Placed
from hookflash.review.explain import Explanation, explain, time_of
from hookflash.signals.language import language_of

# Between two lines of a case.
PACE = timedelta(seconds=5)


class Outcome(NamedTuple):
    """What was decided at one turn, and what follows from it where a person is asked for."""

    record: TurnRecord
    language: str
    follows: Explanation | None

    @property
    def decision(self) -> Decision:
        """What was decided."""
        return self.record.decision


@dataclass(frozen=True, slots=True)
class Result:
    """A case with everything that was decided, and each way in which it is not as it should be."""

    placed: Placed
    outcomes: tuple[Outcome, ...]
    deciding: Outcome
    faults: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether it is as it should be."""
        return not self.faults


def run_cases(judge: Judge, cases: Iterable[Placed], now: datetime) -> tuple[Result, ...]:
    """Run cases by the matrix of a judge. Raises `InputError` for a time that cannot be read."""
    return tuple(asyncio.run(_run_all(judge, list(cases), now)))


async def _run_all(judge: Judge, cases: list[Placed], now: datetime) -> list[Result]:
    return [await _run(judge, placed, now) for placed in cases]


async def _run(judge: Judge, placed: Placed, now: datetime) -> Result:
    outcomes = await play(judge, placed.case, _at(placed, judge.matrix, now))
    deciding = next((outcome for outcome in outcomes if outcome.decision.action is not Action.CONTINUE), outcomes[-1])
    faults = [*_missing(placed.case, deciding, judge.matrix, now), *_unwanted(placed.case, outcomes, judge.matrix, now)]
    return Result(placed, outcomes, deciding, tuple(faults))


def _at(placed: Placed, matrix: Matrix, now: datetime) -> datetime:
    try:
        return _time(placed.case.at, matrix, now)
    except InputError as error:
        raise InputError(f"{placed.name}: at: {error}") from None


def _time(at: Any, matrix: Matrix, now: datetime) -> datetime:
    if isinstance(at, datetime):
        return at.replace(tzinfo=ZoneInfo(matrix.business.timezone)) if at.tzinfo is None else at
    return time_of(at, matrix, now)


async def play(judge: Judge, case: Case, at: datetime) -> tuple[Outcome, ...]:
    """Return what is decided at each turn of a conversation that begins at a time."""
    conversation = Conversation(id="case", customer=case.customer or Conversation(id="case").customer)
    outcomes = []
    for number, said in enumerate(case.conversation):
        moment = at + number * PACE
        turn = said.turn("case", case.channel, case.language, moment, case.customer)
        record = await judge.judge(turn, conversation, moment)
        language = language_of(record.turn, conversation, judge.matrix)
        outcomes.append(Outcome(record, language, _follows(record, conversation, language, judge.matrix, moment)))
        conversation = handed_over(after(conversation, record), record)
    return tuple(outcomes)


def _follows(record: TurnRecord, conversation: Conversation, language: str, matrix: Matrix, at: datetime) -> Explanation | None:
    reasons = record.decision.reasons
    if record.decision.action is not Action.ESCALATE or not reasons:
        return None
    situation = Situation(
        trigger=reasons[0].trigger,
        severity=severity_of(reasons[0].score),
        channel=record.turn.channel,
        language=language,
        topic=reasons[0].topic,
        segment=conversation.customer.updated_by(record.turn.customer).segment,
    )
    return explain(matrix, situation, at.astimezone(ZoneInfo(matrix.business.timezone)))


def found(outcome: Outcome) -> dict[str, tuple[Any, ...]]:
    """Return what came of a turn, by the keys of `want`."""
    decision, follows = outcome.decision, outcome.follows
    heard = " ".join(filter(None, [decision.say, follows.said_if_nobody if follows and follows.order == ("nobody",) else None]))
    return {
        "action": (decision.action,),
        "trigger": (decision.trigger or "none",),
        "topic": (decision.reasons[0].topic,) if decision.reasons and decision.reasons[0].topic else (),
        "urgency": (decision.urgency,) if decision.urgency else (),
        "route": (decision.route,) if decision.route else (),
        "to": follows.order[:1] if follows else (),
        "order": follows.order if follows else (),
        "language": (outcome.language,),
        "says": (heard,),
        "by": (follows.due,) if follows else (),
        "turn": (decision.turn,),
    }


def _agrees(key: str, wanted: tuple[Any, ...], outcome: Outcome, matrix: Matrix, now: datetime) -> bool:
    got = found(outcome)[key]
    if key == "says":
        return all(str(words) in got[0] for words in wanted)
    if key == "order":
        return got == wanted
    if key == "by":
        return bool(got) and got[0] == time_of(wanted[0], matrix, now)
    return bool(set(map(str, got)) & set(map(str, wanted)))


def _missing(case: Case, outcome: Outcome, matrix: Matrix, now: datetime) -> Iterable[str]:
    for key, wanted in case.want.given.items():
        if not _agrees(key, wanted, outcome, matrix, now):
            yield f"{key}: want {_shown(wanted)}, got {_shown(found(outcome)[key])}"


def _unwanted(case: Case, outcomes: tuple[Outcome, ...], matrix: Matrix, now: datetime) -> Iterable[str]:
    """Nothing unwanted may be so at any turn."""
    for key, wanted in case.unwanted.given.items():
        for outcome in outcomes:
            if _agrees(key, wanted, outcome, matrix, now):
                yield f"{key}: unwanted {_shown(wanted)}, and so at turn {outcome.decision.turn}"
                break


def _shown(values: tuple[Any, ...]) -> str:
    words = [f"{value:%a %Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value) for value in values]
    return " or ".join(words) or "none"
