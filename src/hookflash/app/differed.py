"""What `diff` shows: which situations change, and which recorded conversations would have been decided otherwise."""

import asyncio
import io
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import RenderableType
from rich.text import Text

from hookflash.app.adapters import judge_for
from hookflash.app.stream import BadLine, decide_lines
from hookflash.app.transcripts import read_transcripts
from hookflash.errors import InputError
from hookflash.matrix import Matrix, Situation, load_matrix, parse_matrix
from hookflash.model import Action
from hookflash.review.compare import Change, Comparison, compare, describe_field
from hookflash.review.situations import situations
from hookflash.review.stretches import describe, length

GIT_TIMEOUT = 30
MAX_EXAMPLES = 5
# More conversations than this decided otherwise are counted, not listed.
MAX_LISTED = 1_000


class Fate(NamedTuple):
    """What became of a conversation: the first turn at which a person was asked, why, how urgently and on which route."""

    turn: int
    trigger: str
    urgency: str
    route: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """Recorded conversations by both matrices. `otherwise` holds (what changed, conversation, before, after)."""

    conversations: int
    escalated: tuple[int, int]
    otherwise: tuple[tuple[str, str, Fate | None, Fate | None], ...]
    unread: int


KINDS = ("missed now", "later now", "over-eager now", "earlier now", "decided otherwise")


@dataclass(frozen=True, slots=True)
class Difference:
    """What changes between two matrices."""

    names: tuple[str, str]
    comparison: Comparison
    replayed: Replayed | None
    format: str

    @property
    def is_same(self) -> bool:
        """Whether nothing changes, neither in any situation nor in any recorded conversation."""
        return self.comparison.is_same and not (self.replayed and self.replayed.otherwise)

    def render(self) -> RenderableType:
        """See `View`."""
        if self.format == "markdown":
            return Text("\n".join(self._markdown()))
        return Text("\n".join(self._text()))

    def _text(self) -> Iterator[str]:
        one = self.comparison
        yield f"{self.names[0]} ({one.before.revision}) -> {self.names[1]} ({one.after.revision})"
        if one.is_same:
            yield "Nothing changes for any customer."
        for heading, lines in self._sections():
            yield f"\n{heading}"
            yield from (f"  {line}" for line in lines)

    def _markdown(self) -> Iterator[str]:
        one = self.comparison
        yield "### What this change of the escalation matrix does\n"
        yield f"`{self.names[0]}` ({one.before.revision}) → `{self.names[1]}` ({one.after.revision})\n"
        if one.is_same:
            yield "**Nothing changes for any customer.**"
        for heading, lines in self._sections():
            yield f"\n#### {heading}\n"
            yield from (f"{'  ' * ((len(line) - len(line.lstrip())) // 2)}- {line.strip()}" for line in lines)

    def _sections(self) -> Iterator[tuple[str, list[str]]]:
        one, zone = self.comparison, self.comparison.after.business.timezone
        first = [change for change in one.changes if change.is_safer_before]
        then = [change for change in one.changes if not change.is_safer_before]
        tuned = sorted(one.tunings, key=lambda tuning: tuning.misses_more is not True)
        if tuned:
            yield "What counts", [f"{tuning.name}: {tuning.before} -> {tuning.after}{_eagerness(tuning.misses_more)}" for tuning in tuned]
        for heading, changes in (("Look at these first: a person comes later, or not at all", first), ("What else changes", then)):
            if changes:
                yield heading, [line for change in changes for line in _change_lines(change, one, zone)]
        if self.replayed is not None:
            yield "Recorded conversations", list(_replay_lines(self.replayed))

    def data(self) -> Any:
        """See `View`."""
        one = self.comparison
        changes = [
            {
                "fields": list(change.fields),
                "situations": [situation._asdict() for situation in change.situations],
                "hours_a_year": round(change.when.total / 3600, 1),
                "always": change.always,
                "look_first": change.is_safer_before,
                "before": change.before and {field: describe_field(change.before, field) for field in change.fields},
                "after": change.after and {field: describe_field(change.after, field) for field in change.fields},
            }
            for change in one.changes
        ]
        tunings = [{"name": t.name, "before": t.before, "after": t.after, "misses_more": t.misses_more} for t in one.tunings]
        replayed = self.replayed and {
            "conversations": self.replayed.conversations,
            "escalated_before": self.replayed.escalated[0],
            "escalated_after": self.replayed.escalated[1],
            "unread_lines": self.replayed.unread,
            "otherwise": [
                {"kind": kind, "conversation": name, "before": was and was._asdict(), "after": now and now._asdict()}
                for kind, name, was, now in self.replayed.otherwise
            ],
        }
        revisions = {"before": one.before.revision, "after": one.after.revision}
        return {"revisions": revisions, "same": self.is_same, "tunings": tunings, "changes": changes, "replay": replayed}


def _eagerness(misses_more: bool | None) -> str:
    return "" if misses_more is None else " (fires less often: more may be missed)" if misses_more else " (fires more often)"


def _change_lines(change: Change, comparison: Comparison, zone: str) -> Iterator[str]:
    yield f"{_situations(change.situations, comparison)}; {_when(change, zone)}"
    if "fires" in change.fields:
        yield f"  {'no longer fires' if change.after is None else 'fires now'}"
        return
    assert change.before is not None and change.after is not None
    for field in change.fields:
        if field == "receiver" and "order" in change.fields:
            continue
        if field == "promise" and change.before.promise == change.after.promise:
            yield f"  promise: {change.after.promise}, and the openings of its calendar change"
            continue
        yield f"  {field}: {describe_field(change.before, field)} -> {describe_field(change.after, field)}"


def _when(change: Change, zone: str) -> str:
    return "at any time" if change.always else f"{length(change.when.total)} a year: {describe(change.when, zone)}"


def _situations(changed: Sequence[Situation], comparison: Comparison) -> str:
    """Name situations by what they have in common, leaving out what holds for all."""
    everything = [*situations(comparison.before), *situations(comparison.after)]
    triggers = dict.fromkeys(situation.trigger for situation in changed)
    parts = []
    for trigger in triggers:
        mine = [situation for situation in changed if situation.trigger == trigger]
        whole = [situation for situation in everything if situation.trigger == trigger]
        limits = [_limit(key, mine, whole) for key in ("topic", "severity", "channel", "language", "segment")]
        named = ", ".join(filter(None, limits))
        parts.append(f"{trigger} ({named})" if named else trigger)
    return "; ".join(parts)


def _limit(key: str, mine: Sequence[Situation], whole: Sequence[Situation]) -> str:
    here = dict.fromkeys(getattr(situation, key) for situation in mine)
    there = {getattr(situation, key) for situation in whole}
    return "" if set(here) == there else " or ".join(str(value or f"no {key}") for value in here)


def _replay_lines(replayed: Replayed) -> Iterator[str]:
    before, after = replayed.escalated
    yield f"{replayed.conversations} conversations: {before} went to a person before, {after} do now"
    if replayed.unread:
        yield f"{replayed.unread} lines could not be read and are left out"
    for kind in KINDS:
        those = [one for one in replayed.otherwise if one[0] == kind]
        if those:
            yield f"{kind}: {len(those)}"
            yield from (f"  {name}: {_fate(was)} -> {_fate(now)}" for _, name, was, now in those[:MAX_EXAMPLES])
            if len(those) > MAX_EXAMPLES:
                yield f"  and {len(those) - MAX_EXAMPLES} more"
    if not replayed.otherwise:
        yield "every one is decided as before"


def _fate(fate: Fate | None) -> str:
    return f"{fate.trigger} at turn {fate.turn}, {fate.urgency}, {fate.route}" if fate else "no person"


def differed(old: str, new: str, replay: Path | None, format_: str) -> Difference:
    """Return what changes between two matrices, named as files or as git revisions. Raises `InputError`, `MatrixError`."""
    before, after = _matrix(old), _matrix(new)
    replayed = _replay(before, after, replay) if replay else None
    return Difference((old, new), compare(before, after, datetime.now(UTC)), replayed, format_)


def _matrix(name: str) -> Matrix:
    if Path(name).exists() or ":" not in name:
        return load_matrix(name)
    return parse_matrix(_of_git(name), name)


def _of_git(name: str) -> str:
    """Return a file of a git revision, as in `HEAD~1:matrix.yaml`; the path begins here, or at the top of the repository."""
    revision, _, path = name.partition(":")
    if revision.startswith("-"):
        raise InputError(f"{name} is no file and no git revision; write it like HEAD~1:matrix.yaml")
    error = ""
    for spelled in (f"{revision}:./{path}", f"{revision}:{path}"):
        try:
            done = subprocess.run(["git", "show", spelled], capture_output=True, timeout=GIT_TIMEOUT, check=False)  # noqa: S603, S607
        except (OSError, subprocess.TimeoutExpired):
            raise InputError(f"{name} is not a file, and git cannot be asked for it; install git, or name two files") from None
        if done.returncode == 0:
            try:
                return done.stdout.decode("utf-8-sig")
            except UnicodeDecodeError:
                raise InputError(f"{name} is not UTF-8 text; name a matrix file") from None
        error = error or (done.stderr.decode(errors="replace").strip().splitlines() or ["no such revision"])[0]
    raise InputError(f"{name} is not a file, and git says: {error}; write it like HEAD~1:matrix.yaml")


def _replay(before: Matrix, after: Matrix, source: Path) -> Replayed:
    lines = _lines(source)
    old, unread = asyncio.run(_fates(before, lines))
    new, _ = asyncio.run(_fates(after, lines))
    otherwise = [(kind, name, old[name], new.get(name)) for name in old if (kind := _kind(old[name], new.get(name)))]
    otherwise.sort(key=lambda one: KINDS.index(one[0]))
    escalated = sum(fate is not None for fate in old.values()), sum(fate is not None for fate in new.values())
    return Replayed(len(old), escalated, tuple(otherwise[:MAX_LISTED]), unread)


def _lines(source: Path) -> bytes:
    """Return recorded turns as JSON lines: a file of them, or a folder of transcripts."""
    try:
        if source.is_file():
            return source.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror}; name a file of turns or a folder of transcripts") from None
    if not source.is_dir():
        raise InputError(f"there is no {source}; name a file of turns (JSON lines) or a folder of transcripts")
    turns = [
        line.turn(transcript.name, transcript.channel, None, transcript.starts_at("UTC"), transcript.customer)
        for transcript in read_transcripts(source)
        for line in transcript.turns
    ]
    return "\n".join(turn.model_dump_json(exclude_defaults=True) for turn in turns).encode()


async def _fates(matrix: Matrix, lines: bytes) -> tuple[dict[str, Fate | None], int]:
    """Return what became of each conversation by a matrix, and how many lines could not be read."""
    fates: dict[str, Fate | None] = {}
    unread = 0
    async for answer in decide_lines(judge_for(matrix), io.BytesIO(lines)):
        decision = answer.decision
        if isinstance(decision, BadLine):
            unread += 1
            continue
        escalates = decision.action is Action.ESCALATE
        fate = Fate(decision.turn, decision.trigger or "", str(decision.urgency or ""), decision.route or "") if escalates else None
        fates[decision.conversation] = fates.get(decision.conversation) or fate
    return fates, unread


def _kind(was: Fate | None, now: Fate | None) -> str | None:
    if was == now:
        return None
    if was is None:
        return "over-eager now"
    if now is None:
        return "missed now"
    if was.turn != now.turn:
        return "later now" if now.turn > was.turn else "earlier now"
    return "decided otherwise"
