"""What the verbs of the command line share: options, exit codes, and printing."""

from pathlib import Path
from typing import Annotated, Any

import typer

FINE, FINDINGS, UNREADABLE = 0, 1, 2
DEFAULT_MATRIX = Path("matrix.yaml")

MatrixFile = Annotated[Path, typer.Argument(help="The escalation matrix, a YAML file.", show_default="matrix.yaml")]
MatrixBeside = Annotated[Path, typer.Option("--matrix", help="The matrix beside which the database lies.")]
Database = Annotated[
    str | None,
    typer.Option(
        help="The database: a file, or postgresql://user@host/name. Default: HOOKFLASH_DATABASE_URL, or hookflash.db beside the matrix."
    ),
]
Tenant = Annotated[str, typer.Option(help="The business.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def print_view(view: Any, json: bool) -> None:
    """Print a view as a person reads it, or as JSON."""
    from rich.text import Text

    from hookflash.app.console import console, print_json

    if json:
        print_json(view.data())
    else:
        content = view.render()
        console().print(content, soft_wrap=isinstance(content, str | Text))  # lines of text stay whole, for other tools
