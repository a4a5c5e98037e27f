"""`hookflash decide`: one JSON turn a line in, one JSON decision a line out, in order and in bounded memory."""

import sqlite3
import tempfile
from codecs import BOM_UTF8
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import IO, Any, NamedTuple

from pydantic import ValidationError
from rapidfuzz import process

from hookflash.changes import first_decision, require_next, sets_off
from hookflash.errors import SequenceError
from hookflash.judge import Judge, after, handed_over
from hookflash.model import Conversation, Decision, Turn

# The longest line that can hold a turn: its text with every character escaped, and the rest of the turn.
MAX_LINE_BYTES = 400_000
# How much of a name that somebody made up is repeated to them.
MAX_NAME = 60
# Conversations kept in memory; the others wait on disk.
MAX_OPEN = 5_000


class BadLine(NamedTuple):
    """A line that is no turn: its number, and what is wrong with it and how to mend it."""

    line: int
    what: str


class Answer(NamedTuple):
    """A decision and how many bytes of input it took."""

    decision: Decision | BadLine
    size: int


async def decide_lines(judge: Judge, lines: IO[bytes]) -> AsyncIterator[Answer]:
    """Yield a decision, or what is wrong, for each line that is not blank."""
    open_conversations = Conversations(MAX_OPEN)
    for number, raw in enumerate(_bounded(lines), start=1):
        line = raw.removeprefix(BOM_UTF8) if number == 1 else raw
        if not line.strip():
            continue
        turn = _turn(number, line)
        answer = turn if isinstance(turn, BadLine) else await _decide(judge, turn, number, open_conversations)
        yield Answer(answer, len(line))


def public(decision: Decision) -> dict[str, Any]:
    """Return a decision as `hookflash decide` writes it."""
    intent = decision.intent and {"name": decision.intent.name, "confidence": decision.intent.confidence}
    signals = [
        {
            "kind": signal.kind,
            "score": signal.score,
            "topic": signal.topic,
            "evidence": [one.model_dump(exclude_none=True) for one in signal.evidence],
        }
        for signal in decision.signals
    ]
    return {
        "conversation": decision.conversation,
        "turn": decision.turn,
        "action": decision.action,
        "trigger": decision.trigger,
        "urgency": decision.urgency,
        "signals": signals,
        "intent": intent,
        "route": decision.route,
        "say": decision.say,
        "matrix": decision.matrix,
        "models": list(decision.models),
    }


async def _decide(judge: Judge, turn: Turn, number: int, known: "Conversations") -> Decision | BadLine:
    now = turn.at or datetime.now(UTC)
    if turn.conversation is None:
        return (await judge.judge(turn, Conversation(id=f"line-{number}"), now)).decision
    conversation = known.get(turn.conversation)
    try:
        sent_before = _sent_before(turn, conversation)
        if sent_before is not None:
            return sent_before
        require_next(turn, conversation)
    except SequenceError as error:
        return BadLine(number, f"{'key' if turn.key else 'seq'}: {error}")
    record = await judge.judge(turn, conversation, now)
    if turn.final or sets_off(record.decision, conversation):
        known.put(handed_over(after(conversation, record), record))
    return record.decision


def _sent_before(turn: Turn, conversation: Conversation) -> Decision | None:
    """Return the first decision on a turn whose key is known already."""
    if turn.key is None:
        return None
    kept = next((record for record in conversation.turns if record.turn.key == turn.key), None)
    return first_decision(kept, turn) if kept else None


def _bounded(lines: IO[bytes]) -> Iterator[bytes]:
    """Yield lines; of one that is too long only its beginning, one byte longer than allowed."""
    while line := lines.readline(MAX_LINE_BYTES + 1):
        yield line
        while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = lines.readline(MAX_LINE_BYTES + 1)
            if len(line) <= MAX_LINE_BYTES:
                break


def _turn(number: int, line: bytes) -> Turn | BadLine:
    if len(line) > MAX_LINE_BYTES:
        return BadLine(number, f"is longer than {MAX_LINE_BYTES:,} bytes, which no turn is; send documents as links")
    try:
        return Turn.model_validate_json(line)
    except ValidationError as error:
        return BadLine(number, "; ".join(_fault(detail) for detail in error.errors(include_url=False, include_input=False)))


def _fault(detail: Any) -> str:
    where = ".".join(str(step)[:MAX_NAME] for step in detail["loc"])
    kind, message = detail["type"], detail["msg"].removeprefix("Value error, ")
    if kind == "json_invalid":
        return f"is not JSON ({detail['ctx']['error']}); write one JSON object a line"
    if kind == "missing":
        return f"{where}: is missing; every turn needs `speaker` and `text`"
    if kind == "extra_forbidden":
        nearest = process.extractOne(str(detail["loc"][-1]), list(Turn.model_fields), score_cutoff=60)
        return f"{where}: is not a key of a turn; " + (f"did you mean `{nearest[0]}`?" if nearest else "remove it")
    if kind == "timezone_aware":
        return f"{where}: has no time zone; end it with Z or an offset like -06:00"
    if kind == "model_type":
        return f"{where}: is not an object; write it as {{...}}" if where else "is not a JSON object; write a turn as {...}"
    return f"{where}: {message[0].lower()}{message[1:]}"


class Conversations:
    """Conversations by id: the latest in memory, the others in a temporary file."""

    def __init__(self, limit: int) -> None:
        """Keep at most `limit` in memory."""
        self._limit = limit
        self._recent: OrderedDict[str, Conversation] = OrderedDict()
        self._spilled: sqlite3.Connection | None = None

    def get(self, name: str) -> Conversation:
        """Return a conversation; a new one where the id was never seen."""
        recent = self._recent.get(name)
        if recent is not None:
            return recent
        row = self._spilled and self._spilled.execute("SELECT document FROM conversations WHERE id = ?", (name,)).fetchone()
        return Conversation.model_validate_json(row[0]) if row else Conversation(id=name)

    def put(self, conversation: Conversation) -> None:
        """Keep a conversation as it is now."""
        self._recent[conversation.id] = conversation
        self._recent.move_to_end(conversation.id)
        if len(self._recent) > self._limit:
            self._spill(self._recent.popitem(last=False)[1])

    def _spill(self, conversation: Conversation) -> None:
        if self._spilled is None:
            self._file = tempfile.NamedTemporaryFile(prefix="hookflash-", suffix=".db")  # noqa: SIM115 - lives as long as we do
            self._spilled = sqlite3.connect(self._file.name, isolation_level=None)
            self._spilled.execute("PRAGMA journal_mode = OFF")
            self._spilled.execute("PRAGMA synchronous = OFF")
            self._spilled.execute("CREATE TABLE conversations (id TEXT PRIMARY KEY, document TEXT)")
        document = conversation.model_dump_json(exclude_defaults=True)
        self._spilled.execute("INSERT OR REPLACE INTO conversations VALUES (?, ?)", (conversation.id, document))
