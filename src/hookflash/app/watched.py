"""Run something again whenever a file in a folder is saved."""

import sys
from collections.abc import Callable
from pathlib import Path

from watchfiles import DefaultFilter, watch

from hookflash.errors import HookflashError, InputError


class _Yaml(DefaultFilter):
    """Only what a matrix and its cases are written in."""

    def __call__(self, change: object, path: str) -> bool:
        return path.endswith((".yaml", ".yml"))


def watching(folder: Path, run: Callable[[], bool]) -> int:
    """Run at once and after every change, until interrupted; return the exit code."""
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; name one with matrix.yaml and cases/")
    _attempt(run)
    for _ in watch(folder, watch_filter=_Yaml(), raise_interrupt=False):
        print("\n--- changed ---", flush=True)
        _attempt(run)
    return 0


def _attempt(run: Callable[[], bool]) -> None:
    """A half-written file is no reason to stop watching."""
    try:
        run()
    except HookflashError as error:
        print(error, file=sys.stderr)
    sys.stdout.flush()
