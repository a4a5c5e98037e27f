"""What a decision costs beside one bare encoder pass over the same text, one thread, every layer on; and without the encoder.

Both are timed turn about in the same run, after as many other turns as a server has seen within its first minutes. Memory
is what the process holds in the end.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from hookflash.app.adapters import judge_for
from hookflash.app.logs import set_up_logs
from hookflash.matrix import load_matrix
from hookflash.model import Conversation, Turn
from hookflash.signals.encoder import FOLDER, encoder

ROOT = Path(__file__).parents[1]
WARM_UP = ("en5", "es9")
MEASURED = "en20"
AT = datetime(2026, 11, 24, 16, tzinfo=UTC)
CONVERSATION = Conversation(id="bench")


def texts(name: str) -> list[str]:
    return [json.loads(line)["text"] for line in (ROOT / "corpora" / "test" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def seconds(work, text: str) -> float:
    begun = time.perf_counter()
    work(text)
    return time.perf_counter() - begun


def resident() -> float:
    """Return the memory that this process holds, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure() -> dict[str, list[float] | float]:
    """Return milliseconds of decisions and of bare passes, turn by turn, and the memory held after them."""
    set_up_logs(level=50)
    judge = judge_for(load_matrix(ROOT / "examples" / "clinic" / "matrix.yaml"))
    reader = encoder()

    def decide(text: str) -> None:
        with suppress(StopIteration):  # nothing in it waits, so it ends at once
            judge.judge(Turn(speaker="customer", text=text), CONVERSATION, AT).send(None)

    for name in WARM_UP:
        for text in texts(name):
            decide(text)
    ours, bare = [], []
    for text in texts(MEASURED):
        ours.append(1e3 * seconds(decide, text))
        if reader:
            bare.append(1e3 * seconds(reader.states, text))
    return {"ours": ours, "bare": bare, "memory": resident()}


def elsewhere(environment: dict[str, str]) -> dict:
    """Return `measure` of a process of its own."""
    command = [sys.executable, __file__, "--alone"]
    return json.loads(subprocess.run(command, env=os.environ | environment, capture_output=True, check=True, text=True).stdout)


def main() -> None:
    if "--alone" in sys.argv:
        print(json.dumps(measure()))
        return
    whole = elsewhere({})
    with tempfile.TemporaryDirectory() as nothing:
        without = elsewhere({FOLDER: nothing})
    for share in (50, 99):
        bare = np.percentile(whole["bare"], share)
        full, reduced = np.percentile(whole["ours"], share) / bare, np.percentile(without["ours"], share) / bare
        print(f"one turn, p{share}: {full:5.2f} x a bare encoder pass of the same text; without the encoder {reduced:5.2f} x")
    print(f"(on this machine the pass takes {np.percentile(whole['bare'], 50):.1f} / {np.percentile(whole['bare'], 99):.1f} ms, p50 / p99)")
    print(f"memory held after {len(whole['ours']) + sum(len(texts(name)) for name in WARM_UP):,} turns: {whole['memory']:.0f} MB")


if __name__ == "__main__":
    main()
