"""What people see in a terminal."""

import json
import sys
from typing import Any, Protocol

from rich.console import Console, RenderableType

# Where no terminal says how wide it is: wide enough for our tables, narrow enough to read.
PLAIN_WIDTH = 110


class View(Protocol):
    """Something to show: as a person reads it, and as a program does."""

    def render(self) -> RenderableType:
        """Return what to print in a terminal."""
        ...

    def data(self) -> Any:
        """Return what to print as JSON."""
        ...


def console(*, error: bool = False) -> Console:
    """Return a console on standard output (or error)."""
    stream = sys.stderr if error else sys.stdout
    width = None if stream.isatty() else PLAIN_WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def print_json(data: Any) -> None:
    """Print JSON, indented."""
    print(json.dumps(data, indent=2, ensure_ascii=False, default=str))
