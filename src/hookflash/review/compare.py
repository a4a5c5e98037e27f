"""What changes from one matrix to another: not in the text, but in what happens to a customer.

Both matrices are asked about every situation at every instant of the coming year; wherever the answers differ, that
is a change. What makes a person come later or not at all stands first.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookflash.decide import urgency_of, words_at_once
from hookflash.matrix import Matrix, Situation
from hookflash.matrix.values import DAYS, format_duration
from hookflash.matrix.wording import text_of
from hookflash.model import Calendar, Channel, Urgency
from hookflash.review.explain import NOBODY
from hookflash.review.situations import situations
from hookflash.review.timeline import Seconds, Timeline, boundaries, from_pieces
from hookflash.review.year import Year
from hookflash.route import rung_of

FIELDS = ("receiver", "order", "line", "urgency", "wording", "promise")
Pieces = NDArray[np.bool_]


class Outcome(NamedTuple):
    """What happens to a customer in a situation at an instant."""

    order: tuple[str, ...]
    rings: tuple[str, ...]
    lines: tuple[str, ...]
    urgency: Urgency
    said: str
    promise: str
    calendar: Calendar
    said_if_nobody: str

    @property
    def receiver(self) -> str:
        """Who is rung first."""
        return self.order[0] if self.order else NOBODY


@dataclass(frozen=True, slots=True)
class Change:
    """Situations that change in the same way: which, when, what, from what to what."""

    situations: tuple[Situation, ...]
    when: Timeline
    always: bool
    fields: tuple[str, ...]
    before: Outcome | None
    after: Outcome | None

    @property
    def is_safer_before(self) -> bool:
        """Whether a person came more surely or sooner before: a change to look at first."""
        if self.after is None or self.before is None:
            return self.after is None
        lost = bool(self.before.order) and not self.after.order
        return lost or self.after.urgency.rank < self.before.urgency.rank


@dataclass(frozen=True, slots=True)
class Tuning:
    """A threshold or list that decides whether anything fires at all."""

    name: str
    before: str
    after: str
    misses_more: bool | None
    """Whether it fires less often now; None where only examples change."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that changes."""

    before: Matrix
    after: Matrix
    tunings: tuple[Tuning, ...]
    changes: tuple[Change, ...]

    @property
    def is_same(self) -> bool:
        """Whether nothing changes for anybody."""
        return not self.tunings and not self.changes


def compare(before: Matrix, after: Matrix, now: datetime) -> Comparison:
    """Return what changes for customers from one matrix to another over the year from `now`."""
    old, new = _Side(before, now), _Side(after, now)
    bounds = boundaries([old.year.window, *old.edges(), *new.edges()])
    bounds = bounds[(bounds >= old.year.window.starts[0]) & (bounds <= old.year.window.ends[0])]
    grouped: dict[tuple[Outcome | None, Outcome | None], tuple[list[Situation], Pieces]] = {}
    were, are = set(situations(before)), set(situations(after))
    for situation in dict.fromkeys([*situations(before), *situations(after)]):
        first = old.outcomes(situation, bounds) if situation in were else None
        second = new.outcomes(situation, bounds) if situation in are else None
        for pair, pieces in _pairs(first, second, bounds.size - 1):
            if _fields(*pair):
                listed, so_far = grouped.setdefault(pair, ([], np.zeros(bounds.size - 1, dtype=bool)))
                listed.append(situation)
                so_far |= pieces
    changes = [
        Change(tuple(listed), from_pieces(bounds, pieces), bool(pieces.all()), _fields(*pair), *pair)
        for pair, (listed, pieces) in grouped.items()
    ]
    changes.sort(key=lambda change: (not change.is_safer_before, -len(change.fields), change.situations[0]))
    return Comparison(before, after, tuple(_tunings(before, after)), tuple(_joined(changes)))


class _Side:
    """One of the two matrices, with what it does in each situation."""

    def __init__(self, matrix: Matrix, now: datetime) -> None:
        self.matrix = matrix
        self.year = Year(matrix, now)
        self._orders: dict[int, tuple[Seconds, NDArray[np.int64], list[tuple[int, ...]]]] = {}

    def edges(self) -> Iterable[Timeline]:
        return self.year.openings.values()

    def outcomes(self, situation: Situation, bounds: Seconds) -> list[tuple[Outcome, Pieces]]:
        """Return each outcome of a situation with the pieces of time at which it is so."""
        found: dict[Outcome, Pieces] = {}
        reach = self.year.reach
        for index, mask in reach.taken_by[situation].items():
            mine = from_pieces(reach.bounds, mask).holds(bounds[:-1])
            for rungs, pieces in self._open_rungs(index, bounds):
                both = mine & pieces
                if both.any():
                    outcome = self._outcome(index, rungs, situation)
                    found[outcome] = found[outcome] | both if outcome in found else both
        return list(found.items())

    def _open_rungs(self, index: int, bounds: Seconds) -> list[tuple[tuple[int, ...], Pieces]]:
        """Return which rungs of a ladder are open, with the pieces of time at which just these are."""
        if index not in self._orders:
            open_now = [rung.holds(bounds[:-1]) for rung in self.year.rungs(self.matrix.routes[index])]
            codes = np.zeros(bounds.size - 1, dtype=np.int64)
            for number, pieces in enumerate(open_now):
                codes |= pieces.astype(np.int64) << number
            kinds = [int(code) for code in np.unique(codes)]
            rungs = [tuple(number for number in range(len(open_now)) if code >> number & 1) for code in kinds]
            self._orders[index] = (np.array(kinds), codes, rungs)
        kinds_, codes, rungs = self._orders[index]
        return [(rung, codes == code) for code, rung in zip(kinds_, rungs, strict=True)]

    def _outcome(self, index: int, rungs: tuple[int, ...], situation: Situation) -> Outcome:
        matrix = self.matrix
        route = matrix.routes[index]
        steps = [rung_of(route.ladder[number], Channel(situation.channel), matrix) for number in rungs]
        nobody = self.year.nobody_of(route)
        key = words_at_once(route, situation.trigger)
        return Outcome(
            order=tuple(step.responder for step in steps),
            rings=tuple(f"{'' if step.transfer == 'warm' else 'cold '}{format_duration(step.ring_for)}" for step in steps),
            lines=tuple(step.address for step in steps),
            urgency=urgency_of(route, situation.trigger),
            said=text_of(matrix, situation.language, key) or "",
            promise=f"within {format_duration(nobody.callback.within)} of {nobody.callback.hours}, ticket at {nobody.desk}",
            calendar=matrix.calendars[nobody.callback.hours],
            said_if_nobody=text_of(matrix, situation.language, nobody.say) or "",
        )


def _pairs(
    first: list[tuple[Outcome, Pieces]] | None, second: list[tuple[Outcome, Pieces]] | None, size: int
) -> Iterator[tuple[tuple[Outcome | None, Outcome | None], Pieces]]:
    """Yield each pair of outcomes with the pieces of time at which one becomes the other."""
    everything: Pieces = np.ones(size, dtype=bool)
    nothing: list[tuple[Outcome | None, Pieces]] = [(None, everything)]
    for before, when in first or nothing:
        for after, then in second or nothing:
            both = when & then
            if both.any():
                yield (before, after), both


def _fields(before: Outcome | None, after: Outcome | None) -> tuple[str, ...]:
    """Return what differs between two outcomes."""
    if before is None or after is None:
        return () if before is after else ("fires",)
    differs = {
        "receiver": before.receiver != after.receiver,
        "order": (before.order, before.rings) != (after.order, after.rings),
        "line": before.order == after.order and before.lines != after.lines,
        "urgency": before.urgency != after.urgency,
        "wording": (before.said, before.said_if_nobody) != (after.said, after.said_if_nobody),
        "promise": (before.promise, before.calendar) != (after.promise, after.calendar),
    }
    return tuple(name for name in FIELDS if differs[name])


def _joined(changes: Iterable[Change]) -> Iterator[Change]:
    """Join changes that say the same about other words: one for each way in which something changes."""
    joined: dict[tuple[object, ...], Change] = {}
    for change in changes:
        key = (
            change.fields,
            change.when.starts.tobytes(),
            change.when.ends.tobytes(),
            _told(change.before, change),
            _told(change.after, change),
        )
        before = joined.get(key)
        if before is None:
            joined[key] = change
        else:
            listed = (*before.situations, *change.situations)
            joined[key] = Change(listed, change.when, change.always, change.fields, before.before, before.after)
    yield from joined.values()


def _told(outcome: Outcome | None, change: Change) -> tuple[object, ...]:
    if outcome is None:
        return (None,)
    return tuple(describe_field(outcome, field) for field in change.fields if field != "fires")


def describe_field(outcome: Outcome, field: str) -> str:
    """Return one side of a change in words."""
    if field == "order":
        return ", then ".join(f"{who} {ring}" for who, ring in zip(outcome.order, outcome.rings, strict=True)) or NOBODY
    if field == "line":
        return ", ".join(f"{who} at {line}" for who, line in zip(outcome.order, outcome.lines, strict=True))
    if field == "wording":
        return f"“{outcome.said}”; if nobody is there: “{outcome.said_if_nobody}”"
    if field == "promise":
        return f"{outcome.promise} ({_opening(outcome.calendar)})"
    return str(getattr(outcome, field))


def _opening(calendar: Calendar) -> str:
    """Return a calendar in one line, so that two that differ read differently."""
    if calendar.always:
        return "always open"
    week = [" ".join(f"{span.start:%H:%M}-{span.end:%H:%M}" for span in spans) for spans in calendar.week]
    days = ", ".join(f"{DAYS[number]} {spans}" for number, spans in enumerate(week) if spans)
    closed = f", closed on {len(calendar.closed)} more days" if calendar.closed else ""
    return f"{days}{f', holidays of {calendar.holidays}' if calendar.holidays else ''}{closed}, {calendar.zone}"


def _tunings(before: Matrix, after: Matrix) -> Iterator[Tuning]:
    """Yield every threshold, list of examples and part of the brief that changes."""
    old, new = _settings(before), _settings(after)
    for name in dict.fromkeys([*old, *new]):
        was, now = old.get(name), new.get(name)
        family = name.rpartition(".")[0]
        switched = "off" in (old.get(family), new.get(family))
        if was != now and not switched:
            yield Tuning(name, _text(was), _text(now), _misses_more(name, was, now))


def _settings(matrix: Matrix) -> Mapping[str, object]:
    triggers = matrix.triggers.model_dump(exclude={"explicit_request"})
    distress = triggers.pop("distress")
    flat: dict[str, object] = {f"distress.{name}": value for name, value in distress.items()} | triggers
    settings = {f"{name}.{key}": one for name, value in flat.items() if isinstance(value, dict) for key, one in value.items()}
    settings |= {name: value for name, value in flat.items() if not isinstance(value, dict)}
    for part in ("intents", "fenced"):
        settings |= {f"scope.{part}.{name}": tuple(sorted(one.examples)) for name, one in getattr(matrix.scope, part).items()}
    return settings | {f"context.{part}": "travels" for part in matrix.context}


def _text(value: object) -> str:
    if value is None:
        return "not there"
    return f"{len(value)} examples" if isinstance(value, tuple) else str(value)


def _misses_more(name: str, was: object, now: object) -> bool | None:
    if isinstance(was, tuple) or isinstance(now, tuple) or name.startswith("context."):
        return None
    if now == "off" or was == "off" or was is None or now is None:
        return now == "off" or (now is None and was != "off")
    assert isinstance(was, int | float) and isinstance(now, int | float)
    higher_fires_more = name.endswith((".below", ".over"))
    return now < was if higher_fires_more else now > was
