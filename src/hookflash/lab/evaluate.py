"""Run labelled turns and conversations against a matrix, and say what is missed first.

Nothing is kept and nobody is called. A row is one turn with what it shows, or a whole conversation with when a person
should have come:

    {"text": "get me a person", "labels": ["explicit_request"], "near": [], "language": "en", "channel": "chat", "slice": "direct"}
    {"id": "c1", "turns": [{"speaker": "customer", "text": "..."}], "want": {"action": "escalate", "by_turn": 3}}
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from hookflash.changes import sets_off
from hookflash.judge import Judge, after, handed_over
from hookflash.lab.figures import Bin, Share, calibration_error, percentile, precision_at, ranking, reliability, share
from hookflash.matrix import TRIGGERS
from hookflash.model import Action, Channel, Conversation, Decision, Frozen, Kind, Speaker, Turn

WORST = 10
# The properties of a row by which its figures are told apart.
BY = ("language", "channel", "slice", "who")
_SHORT = {name.rpartition(".")[2]: name for name in TRIGGERS}
_OTHER_NAMES = {"out_of_scope": "scope", "fenced": "scope.fenced", Kind.PLEASED: Kind.PLEASED}


def _trigger(name: str) -> str:
    """Return the trigger of a label: its full name, its last part, or a usual other name."""
    known = name if name in TRIGGERS else _SHORT.get(name) or _OTHER_NAMES.get(name)
    if known is None:
        raise ValueError(f"there is no trigger {name[:40]!r}; the labels are {', '.join(TRIGGERS)}, or none at all")
    return known


Label = Annotated[str, AfterValidator(_trigger)]


class LabelledTurn(Frozen):
    """One turn and every class that it shows; a class that it could be mistaken for is `near`. Other keys are left alone."""

    model_config = ConfigDict(extra="ignore")

    text: str
    labels: tuple[Label, ...]
    near: tuple[Label, ...] = ()
    known: tuple[Label, ...] | None = None
    """The classes that were looked for, where not all were."""
    language: str = "?"
    channel: Channel = Channel.CHAT
    slice: str = "?"
    who: str = "?"
    """Whom a crisis is about: `self` or `other`."""
    draft: bool = False

    @model_validator(mode="before")
    @classmethod
    def _one_label(cls, row: Any) -> Any:
        """Take `label` for a single one; `none` is none."""
        if isinstance(row, dict) and "label" in row and "labels" not in row:
            return {**row, "labels": [] if row["label"] in ("none", None) else [row["label"]]}
        return row


class Said(Frozen):
    """A turn of a labelled conversation."""

    speaker: Speaker
    text: str


class Wanted(Frozen):
    """Whether a person should come, and after which turn at the latest (counting every turn from 1)."""

    model_config = ConfigDict(extra="ignore")

    action: Literal["escalate", "continue"]
    by_turn: int | None = Field(default=None, ge=1)


class LabelledConversation(Frozen):
    """A conversation and when a person should have come."""

    model_config = ConfigDict(extra="ignore")

    id: str
    turns: tuple[Said, ...]
    want: Wanted
    language: str = "?"


class Measured(NamedTuple):
    """A turn, the classes that fired, the score of each, and how long it took (seconds)."""

    row: LabelledTurn
    fired: frozenset[str]
    scores: Mapping[str, float]
    seconds: float


class Came(NamedTuple):
    """A conversation and the first turn that brought a person, with its trigger; None where none did."""

    row: LabelledConversation
    turn: int | None
    trigger: str | None


@dataclass(frozen=True, slots=True)
class Mistake:
    """A turn that a class got wrong: how strongly it scored, and where."""

    score: float
    row: LabelledTurn
    missed: bool


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """How one class did: misses and false alarms, the latter on its hard negatives apart, and how its scores behave."""

    name: str
    missed: Share
    false_alarms: Share
    near_alarms: Share
    precision: float | None
    ranking: float | None
    bins: tuple[Bin, ...]
    by: Mapping[str, Mapping[str, tuple[Share, Share]]] = field(default_factory=dict)
    """By property and its value: missed, false alarms."""
    worst: tuple[Mistake, ...] = ()

    @property
    def calibration(self) -> float | None:
        """Return the expected calibration error of the scores."""
        return calibration_error(self.bins)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that was measured, with what it was measured by."""

    matrix: str
    models: tuple[str, ...]
    prevalence: float
    classes: tuple[ClassFigures, ...]
    any_missed: Share
    """The turns with a label for which none of the classes looked at fired."""
    needless: Share
    """The turns without a label for which one of them did."""
    milliseconds: tuple[float, float]
    """Half of the turns, and all but one in a hundred, took no longer (p50, p99)."""
    conversations: tuple[Came, ...] = ()

    @property
    def never_came(self) -> Share:
        """Return the conversations that needed a person and got none."""
        needing = [one for one in self.conversations if one.row.want.action == "escalate"]
        return share(sum(one.turn is None for one in needing), len(needing))

    @property
    def came_late(self) -> Share:
        """Return the conversations where the person came after the turn that was asked for."""
        needing = [one for one in self.conversations if one.row.want.action == "escalate"]
        return share(sum(bool(one.turn and one.turn > (one.row.want.by_turn or one.turn)) for one in needing), len(needing))

    @property
    def came_needlessly(self) -> Share:
        """Return the conversations that needed nobody and were escalated."""
        happy = [one for one in self.conversations if one.row.want.action == "continue"]
        return share(sum(one.turn is not None for one in happy), len(happy))


async def evaluate(
    judge: Judge,
    rows: Iterable[LabelledTurn | LabelledConversation],
    now: datetime,
    prevalence: float,
) -> Evaluation:
    """Decide every row as of `now` and return the figures; `prevalence` is the share of positives that precision is stated for."""
    measured: list[Measured] = []
    conversations: list[Came] = []
    for row in rows:
        if isinstance(row, LabelledConversation):
            conversations.append(await _followed(judge, row, now))
        else:
            measured.append(await _measured(judge, row, now))
    shown = {label for one in measured for label in (*one.row.labels, *one.row.near)}
    names = sorted(shown & {*TRIGGERS}, key=TRIGGERS.index)
    positive = [one for one in measured if one.row.labels]
    plain = [one for one in measured if not one.row.labels and one.row.known is None]
    return Evaluation(
        matrix=judge.matrix.revision,
        models=await _models(judge, now),
        prevalence=prevalence,
        classes=tuple(_figures(name, [one for one in measured if _looked_for(one, name)], prevalence) for name in names),
        any_missed=share(sum(one.fired.isdisjoint(names) for one in positive), len(positive)),
        needless=share(sum(not one.fired.isdisjoint(names) for one in plain), len(plain)),
        milliseconds=(1e3 * percentile([one.seconds for one in measured], 50), 1e3 * percentile([one.seconds for one in measured], 99)),
        conversations=tuple(conversations),
    )


async def _models(judge: Judge, now: datetime) -> tuple[str, ...]:
    record = await judge.judge(Turn(speaker=Speaker.CUSTOMER, text="hello"), Conversation(id="evaluation"), now)
    return record.decision.models


async def _measured(judge: Judge, row: LabelledTurn, now: datetime) -> Measured:
    speaker = Speaker.ASSISTANT if row.draft else Speaker.CUSTOMER
    turn = Turn(speaker=speaker, text=row.text, channel=row.channel, draft=row.draft)
    begun = time.perf_counter()
    record = await judge.judge(turn, Conversation(id="evaluation"), now)
    return Measured(row, _fired(record.decision), _scores(record.decision), time.perf_counter() - begun)


def _fired(decision: Decision) -> frozenset[str]:
    return frozenset(reason.trigger for reason in decision.reasons)


def _scores(decision: Decision) -> Mapping[str, float]:
    scores: dict[str, float] = defaultdict(float)
    for signal in decision.signals:
        score = 1.0 - signal.score if signal.kind == "confidence" else signal.score
        scores[signal.kind] = max(scores[signal.kind], score)
    return scores


def _looked_for(one: Measured, name: str) -> bool:
    return one.row.known is None or name in one.row.known


async def _followed(judge: Judge, row: LabelledConversation, now: datetime) -> Came:
    conversation = Conversation(id=row.id)
    for number, said in enumerate(row.turns, start=1):
        record = await judge.judge(Turn(speaker=said.speaker, text=said.text), conversation, now)
        if record.decision.action is Action.ESCALATE and sets_off(record.decision, conversation):
            return Came(row, number, record.decision.trigger)
        conversation = handed_over(after(conversation, record), record)
    return Came(row, None, None)


def _figures(name: str, measured: Sequence[Measured], prevalence: float) -> ClassFigures:
    positive = [one for one in measured if name in one.row.labels]
    negative = [one for one in measured if name not in one.row.labels]
    missed, alarms = _missed(name, positive), _alarms(name, negative)
    recall = None if missed.value is None else 1.0 - missed.value
    return ClassFigures(
        name=name,
        missed=missed,
        false_alarms=alarms,
        near_alarms=_alarms(name, [one for one in negative if name in one.row.near]),
        precision=precision_at(prevalence, recall, alarms.value),
        ranking=ranking([one.scores.get(name, 0.0) for one in positive], [one.scores.get(name, 0.0) for one in negative]),
        bins=reliability([one.scores.get(name, 0.0) for one in measured], [name in one.row.labels for one in measured]),
        by={about: _sliced(name, about, positive, negative) for about in BY},
        worst=_worst(name, positive, negative),
    )


def _missed(name: str, positive: Sequence[Measured]) -> Share:
    return share(sum(name not in one.fired for one in positive), len(positive))


def _alarms(name: str, negative: Sequence[Measured]) -> Share:
    return share(sum(name in one.fired for one in negative), len(negative))


def _sliced(name: str, about: str, positive: Sequence[Measured], negative: Sequence[Measured]) -> Mapping[str, tuple[Share, Share]]:
    """Return misses and false alarms for each value of a property, most positives first."""

    def value(one: Measured) -> str:
        return str(getattr(one.row, about))

    values = Counter(value(one) for one in positive)
    return {
        key: (_missed(name, [one for one in positive if value(one) == key]), _alarms(name, [one for one in negative if value(one) == key]))
        for key, _ in values.most_common()
    }


def _worst(name: str, positive: Sequence[Measured], negative: Sequence[Measured]) -> tuple[Mistake, ...]:
    """Return the mistakes furthest from right: the quietest misses, then the loudest false alarms."""
    missed = [Mistake(one.scores.get(name, 0.0), one.row, missed=True) for one in positive if name not in one.fired]
    alarms = [Mistake(one.scores.get(name, 0.0), one.row, missed=False) for one in negative if name in one.fired]
    missed.sort(key=lambda mistake: mistake.score)
    alarms.sort(key=lambda mistake: -mistake.score)
    half = WORST // 2
    return (*missed[: max(half, WORST - len(alarms))], *alarms[: max(half, WORST - len(missed))])


def data_of(evaluation: Evaluation) -> dict[str, Any]:
    """Return the figures as plain data, for `--json` and `--compare`."""
    return {
        "matrix": evaluation.matrix,
        "models": list(evaluation.models),
        "missed_by_every_trigger": _share_data(evaluation.any_missed),
        "escalated_needlessly": _share_data(evaluation.needless),
        "milliseconds": {"p50": round(evaluation.milliseconds[0], 3), "p99": round(evaluation.milliseconds[1], 3)},
        "prevalence": evaluation.prevalence,
        "classes": {one.name: _class_data(one) for one in evaluation.classes},
        "conversations": {
            "missed": _share_data(evaluation.never_came),
            "late": _share_data(evaluation.came_late),
            "needless": _share_data(evaluation.came_needlessly),
            "first": {one.row.id: {"turn": one.turn, "trigger": one.trigger} for one in evaluation.conversations},
        },
    }


def _class_data(one: ClassFigures) -> dict[str, Any]:
    return {
        "missed": _share_data(one.missed),
        "recall": None if one.missed.value is None else round(1.0 - one.missed.value, 4),
        "false_alarms": _share_data(one.false_alarms),
        "false_alarms_on_hard_negatives": _share_data(one.near_alarms),
        "precision_at_prevalence": _rounded(one.precision),
        "auroc": _rounded(one.ranking),
        "calibration_error": _rounded(one.calibration),
        "reliability": [{"turns": each.turns, "score": round(each.score, 3), "right": round(each.right, 3)} for each in one.bins],
        "by": {
            about: {
                value: {"missed": _share_data(missed), "false_alarms": _share_data(alarms)} for value, (missed, alarms) in values.items()
            }
            for about, values in one.by.items()
        },
        "worst": [
            {"score": round(mistake.score, 3), "mistake": "missed" if mistake.missed else "false alarm", "text": mistake.row.text}
            for mistake in one.worst
        ],
    }


def _share_data(one: Share) -> dict[str, Any]:
    return {"hits": one.hits, "of": one.total, "share": _rounded(one.value), "low": _rounded(one.low), "high": _rounded(one.high)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
