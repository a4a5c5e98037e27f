"""`hookflash decide` on the standard streams, with a progress bar where a person watches."""

import asyncio
import json as jsonlib
import os
import stat
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, TextIO

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from hookflash.app.adapters import judge_for
from hookflash.app.console import console
from hookflash.app.stream import BadLine, decide_lines, public
from hookflash.judge import Judge
from hookflash.matrix import load_matrix

# After so many bad lines only their number is told: the input is of another kind altogether.
MAX_TOLD = 20


def run_pipe(matrix: Path, *, json: bool) -> bool:
    """Decide every line of standard input; return whether every line could be read."""
    judge = judge_for(load_matrix(matrix))
    return asyncio.run(_run(judge, sys.stdin.buffer, sys.stdout, json=json))


async def _run(judge: Judge, lines: IO[bytes], out: TextIO, *, json: bool) -> bool:
    bad = 0
    at_once = _is_interactive(lines)
    ascii_only = (out.encoding or "").lower().replace("-", "") != "utf8"
    with _progress(lines) as progress:
        async for answer in decide_lines(judge, lines):
            if isinstance(answer.decision, BadLine):
                bad += 1
                _tell(answer.decision, bad, json=json)
            else:
                out.write(jsonlib.dumps(public(answer.decision), ensure_ascii=ascii_only) + "\n")
                if at_once:
                    out.flush()
            if progress is not None:
                progress.advance(progress.task_ids[0], answer.size)
    out.flush()
    if bad > MAX_TOLD and not json:
        print(f"hookflash: {bad} lines in all could not be read", file=sys.stderr)
    return not bad


def _tell(bad_line: BadLine, count: int, *, json: bool) -> None:
    if json:
        print(jsonlib.dumps({"line": bad_line.line, "error": bad_line.what}), file=sys.stderr)
    elif count <= MAX_TOLD:
        print(f"line {bad_line.line}: {bad_line.what}", file=sys.stderr)


def _is_interactive(lines: IO[bytes]) -> bool:
    """Whether the answers are waited for one by one: from a terminal or another program, not from a file."""
    try:
        return not stat.S_ISREG(os.fstat(lines.fileno()).st_mode)
    except OSError:
        return False


def _progress(lines: IO[bytes]) -> AbstractContextManager[Progress | None]:
    """Return a progress bar where standard error is a terminal and the input's size is known."""
    if not sys.stderr.isatty() or _is_interactive(lines):
        return nullcontext()
    bar = Progress(TextColumn("deciding"), BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=console(error=True))
    bar.add_task("deciding", total=os.fstat(lines.fileno()).st_size)
    return bar
