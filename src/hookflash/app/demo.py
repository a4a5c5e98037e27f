"""`hookflash demo`: recorded conversations through the real engine, shown turn by turn."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from hookflash.app.brief_view import brief_panel
from hookflash.app.console import console, print_json
from hookflash.app.play import Moment, Player
from hookflash.app.transcripts import Transcript, read_transcripts
from hookflash.app.wiring import EmbeddedEngine
from hookflash.errors import InputError
from hookflash.matrix import Matrix, load_matrix
from hookflash.model import Action, Handoff, Kind, Signal, Speaker, State
from hookflash.stores import SqliteStore
from hookflash.stores.sqlite import claim
from hookflash.testing import FrozenClock, ScriptedLine

# Signals below this are shown in `--json` only.
NOTABLE = 0.5
# What a demo's database carries in its header, so that the next demo may write over it: `demo` in ASCII.
DEMO_MARK = 0x64656D6F
LABEL_WIDTH = 14
_COLOURS = {Action.CONTINUE: "green", Action.ESCALATE: "bold red", Action.REPLACE: "bold yellow"}


def run_demo(directory: Path | None, database: Path, *, json: bool) -> None:
    """Play every transcript of a folder. Raises `InputError`, `MatrixError`, `StoreInUse`, `StoreUnavailable`."""
    folder = directory or _shipped()
    matrix = load_matrix(folder / "matrix.yaml")
    transcripts = read_transcripts(folder / "transcripts")
    _begin_anew(database)
    data = asyncio.run(_play(matrix, transcripts, database, None if json else console()))
    if json:
        print_json(data)


def _shipped() -> Path:
    """Return the clinic that ships with hookflash, installed or in its own repository."""
    inside = Path(str(resources.files("hookflash"))) / "examples" / "clinic"
    beside = Path(str(resources.files("hookflash"))).parents[1] / "examples" / "clinic"
    for folder in (inside, beside):
        if folder.is_dir():
            return folder
    raise InputError("the example clinic is not installed; name a folder with matrix.yaml and transcripts/")


def _begin_anew(database: Path) -> None:
    """Remove an earlier demo's file, and nothing else's. Raises `InputError`, `StoreInUse`, `StoreUnavailable`."""
    with claim(database):
        if database.exists() and not _is_of_a_demo(database):
            raise InputError(f"{database} is not the file of an earlier demo; name another one with --database")
        try:
            for suffix in ("", "-wal", "-shm"):
                database.with_name(database.name + suffix).unlink(missing_ok=True)
            with closing(sqlite3.connect(database)) as connection:
                connection.execute(f"PRAGMA application_id = {DEMO_MARK}")
        except (OSError, sqlite3.Error) as error:
            raise InputError(f"cannot write {database}: {error}; name another file with --database") from None


def _is_of_a_demo(database: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("PRAGMA application_id").fetchone() == (DEMO_MARK,))
    except sqlite3.Error:
        return False


async def _play(matrix: Matrix, transcripts: tuple[Transcript, ...], database: Path, out: Console | None) -> list[Any]:
    clock, phone = FrozenClock(), ScriptedLine()
    engine = EmbeddedEngine({"default": matrix}, SqliteStore(database), clock=clock, lines={"voice": phone}, alarm=_quiet, manual=True)
    data, ended = [], []
    async with engine:
        player = Player(engine, clock, phone, matrix.business.timezone)
        for transcript in transcripts:
            moments = [moment async for moment in player.play(transcript)]
            handoff = await player.handoff(transcript)
            ended.append((transcript, handoff))
            data.append(_data(transcript, moments, handoff))
            if out is not None:
                _show(out, transcript, moments, handoff, matrix)
    if out is not None:
        _summarise(out, ended, database)
    return data


async def _quiet(handoff: str, what: str) -> None:
    """The demo's alarms are part of its story and make no noise of their own."""


def _show(out: Console, transcript: Transcript, moments: list[Moment], handoff: Handoff | None, matrix: Matrix) -> None:
    out.print()
    out.print(Rule(f"{transcript.note}", align="left", style="bold"))
    out.print(Text(f"{transcript.at:%A %H:%M} by {transcript.channel}", style="dim"))
    for moment in moments:
        _show_moment(out, moment)
    if handoff is None:
        out.print(Text("No handoff: the assistant handled it.", style="green"))
        return
    out.print(brief_panel(handoff.brief, handoff.receipt))
    _show_handoff(out, handoff, ZoneInfo(matrix.business.timezone))


def _show_moment(out: Console, moment: Moment) -> None:
    turn, decision = moment.turn, moment.decision
    who = "draft" if turn.draft else turn.speaker.value
    _row(out, f"{decision.turn:>3} {who}", turn.text, "bold" if turn.speaker is Speaker.CUSTOMER else "cyan")
    for signal in decision.signals:
        if _is_notable(signal):
            _row(out, "    signal", _signal(signal), "dim")
    if decision.action is not Action.CONTINUE:
        detail = f", {decision.urgency}, route {decision.route}" if decision.route else ""
        _row(out, "    decision", f"{decision.action}: {decision.trigger}{detail}", _COLOURS[decision.action])
    for text in moment.told:
        _row(out, "    told", text, "magenta")


def _row(out: Console, label: str, text: str, style: str) -> None:
    """Print a label and a text that keeps to its own column."""
    row = Table.grid(padding=(0, 1))
    row.add_column(width=LABEL_WIDTH)
    row.add_column(ratio=1)
    row.add_row(Text(label, style=style), Text(text, style="" if style == "magenta" else style))
    out.print(row)


def _is_notable(signal: Signal) -> bool:
    return signal.kind != Kind.CONFIDENCE and signal.score >= NOTABLE


def _signal(signal: Signal) -> str:
    words = "; ".join(f"“{one.text}”" if one.text else one.note or "" for one in signal.evidence)
    topic = f" {signal.topic}" if signal.topic else ""
    return f"{signal.kind}{topic} {signal.score:.2f}  {words}"


def _show_handoff(out: Console, handoff: Handoff, zone: ZoneInfo) -> None:
    for attempt in handoff.attempts:
        _row(out, "    rung", f"{attempt.responder} by {attempt.line}: {attempt.answer}", "")
    if handoff.promise is not None:
        due = handoff.promise.due.astimezone(zone)
        _row(out, "    promise", f"{handoff.promise.state}, due {due:%A %d %B %H:%M %Z}, by {handoff.promise.by}", "yellow")
    result = f": {handoff.result}" if handoff.result else ""
    _row(out, "    now", f"{handoff.state}{result}", "bold")


def _summarise(out: Console, ended: list[tuple[Transcript, Handoff | None]], database: Path) -> None:
    out.print()
    out.print(Rule("Summary", align="left", style="bold"))
    table = Table("Conversation", "Why a person", "Urgency", "Who came", "How it stands")
    for transcript, handoff in ended:
        if handoff is None:
            table.add_row(transcript.note, "none needed", "", "", "handled by the assistant")
        else:
            stands = (
                f"promised by {handoff.promise.due:%a %H:%M} UTC" if handoff.state is State.PROMISED and handoff.promise else handoff.state
            )
            table.add_row(transcript.note, handoff.brief.reason_code, handoff.plan.urgency, handoff.responder or "nobody yet", stands)
    out.print(table)
    counts = Counter(handoff is not None for _, handoff in ended)
    out.print(
        f"{counts[True]} of {len(ended)} conversations went to a person; each one has its brief on a desk or a promise with a due time."
    )
    out.print("\nTry next:")
    out.print(f"  hookflash handoffs --database {database}     every handoff of this run")
    out.print(f"  hookflash promises --database {database}     what customers were promised")
    out.print("  hookflash init mybusiness                        a matrix of your own")


def _data(transcript: Transcript, moments: list[Moment], handoff: Handoff | None) -> Any:
    turns = [
        {
            "turn": moment.turn.model_dump(mode="json", exclude_defaults=True),
            "decision": moment.decision.model_dump(mode="json"),
            "told": moment.told,
        }
        for moment in moments
    ]
    return {
        "conversation": transcript.name,
        "note": transcript.note,
        "turns": turns,
        "handoff": handoff and handoff.model_dump(mode="json"),
    }
