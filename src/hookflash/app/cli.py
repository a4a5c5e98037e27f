"""The command line. Exit codes: 0 fine, 1 findings, 2 usage or unreadable input."""

import os
import sys
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from hookflash.app.cli_db import add_database_verbs
from hookflash.app.cli_forget import add_forgetting_verbs
from hookflash.app.cli_lab import add_lab_verbs
from hookflash.app.cli_review import add_review_verbs
from hookflash.app.cli_shared import (
    DEFAULT_MATRIX,
    FINDINGS,
    FINE,
    UNREADABLE,
    Database,
    Json,
    MatrixBeside,
    MatrixFile,
    Tenant,
    print_view,
)
from hookflash.app.logs import set_up_logs
from hookflash.errors import HookflashError

cli = typer.Typer(
    name="hookflash",
    help="The escalation engine for AI assistants: when a person must take over, who, and with what context.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class Job(StrEnum):
    """What a process does besides serving the API."""

    COURIERS = "couriers"
    WATCHMAN = "watchman"


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"hookflash {version('hookflash')}")
        raise typer.Exit


@cli.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """The escalation engine for AI assistants: when a person must take over, who, and with what context."""


add_review_verbs(cli)
add_lab_verbs(cli)
add_database_verbs(cli)
add_forgetting_verbs(cli)


@cli.command()
def decide(
    matrix: MatrixFile = DEFAULT_MATRIX,
    json: Annotated[bool, typer.Option("--json", help="Report bad lines as JSON too. Decisions are always JSON.")] = False,
) -> None:
    """Read one JSON turn a line, write one JSON decision a line. Nothing is kept and nobody is called."""
    from hookflash.app.pipe import run_pipe

    raise typer.Exit(FINE if run_pipe(matrix, json=json) else UNREADABLE)


@cli.command()
def demo(
    directory: Annotated[
        Path | None, typer.Argument(help="A folder with matrix.yaml and transcripts/.", show_default="the clinic that ships with hookflash")
    ] = None,
    database: Annotated[Path, typer.Option(help="The database file to write; an earlier demo's is replaced.")] = Path("hookflash-demo.db"),
    json: Json = False,
) -> None:
    """Play recorded conversations through the real engine and show what it does, turn by turn."""
    from hookflash.app.demo import run_demo

    run_demo(directory, database, json=json)


@cli.command()
def serve(
    matrix: MatrixFile = DEFAULT_MATRIX,
    host: Annotated[str, typer.Option(help="Address to listen on. Beyond loopback an API key is required.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8040,
    tenant: Annotated[list[str] | None, typer.Option(help="A further business, as NAME=MATRIX. May be repeated.")] = None,
    database: Database = None,
    without: Annotated[list[Job] | None, typer.Option(help="Leave this to `hookflash work` processes. May be repeated.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print where it listens as JSON.")] = False,
) -> None:
    """Serve the HTTP API, with couriers and watchman. Several may serve from one PostgreSQL database."""
    from hookflash.app.serve import run_server

    run_server(matrix, tenant or [], host, port, database, [job.value for job in without or ()], json=json)


@cli.command()
def work(
    matrix: MatrixFile = DEFAULT_MATRIX,
    tenant: Annotated[list[str] | None, typer.Option(help="A further business, as NAME=MATRIX. May be repeated.")] = None,
    database: Database = None,
    only: Annotated[Job | None, typer.Option(help="Do this alone.")] = None,
    json: Json = False,
) -> None:
    """Run couriers and watchman without an API, beside servers on the same PostgreSQL database."""
    from hookflash.app.serve import run_worker

    run_worker(matrix, tenant or [], database, [job.value for job in Job if only in (None, job)], json=json)


@cli.command()
def handoffs(
    handoff: Annotated[
        str | None, typer.Argument(help="One handoff, to see its brief; or `retry`, to try again what was given up.", show_default=False)
    ] = None,
    which: Annotated[str | None, typer.Argument(help="With `retry`: only of this handoff.", show_default=False)] = None,
    matrix: MatrixBeside = DEFAULT_MATRIX,
    database: Database = None,
    state: Annotated[list[str] | None, typer.Option(help="Only these states. May be repeated.")] = None,
    tenant: Tenant = "default",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    json: Json = False,
) -> None:
    """List handoffs, show one with its brief, or try again what was given up. Works beside a running server."""
    from hookflash.app.views import handoff_view, handoffs_view, retried_view

    if handoff == "retry":
        print_view(retried_view(matrix, database, tenant, which), json)
        return

    if handoff is not None:
        print_view(handoff_view(matrix, database, tenant, handoff), json)
        return
    print_view(handoffs_view(matrix, database, tenant, state or [], limit), json)


@cli.command()
def promises(
    matrix: MatrixBeside = DEFAULT_MATRIX,
    database: Database = None,
    all_: Annotated[bool, typer.Option("--all", help="Kept ones too.")] = False,
    summary: Annotated[bool, typer.Option("--summary", help="Only the figures of the last day.")] = False,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """List what customers were promised, soonest due first. Exit code 1 if any is overdue."""
    from hookflash.app.views import promises_view, summary_view

    if summary:
        print_view(summary_view(matrix, database, tenant), json)
        return
    view = promises_view(matrix, database, tenant, open_only=not all_)
    print_view(view, json)
    raise typer.Exit(FINDINGS if view.overdue else FINE)


@cli.command()
def doctor(
    matrix: MatrixFile = DEFAULT_MATRIX,
    database: Database = None,
    json: Json = False,
) -> None:
    """Say what is missing for hookflash to work here, and how to get it."""
    from hookflash.app.doctor import examine

    view = examine(matrix, database)
    print_view(view, json)
    raise typer.Exit(FINDINGS if view.ailments else FINE)


def main() -> None:
    """Run the command line; every expected error is one message, never a traceback."""
    set_up_logs(level=50)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without these letters still gets the message
    try:
        sys.exit(cli(standalone_mode=False) or FINE)  # a verb that ends by `typer.Exit` returns its code
    except HookflashError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FINE)
    except OSError as error:
        _fail(f"cannot go on: {error.strerror or type(error).__name__}; check the disk and the file that is written to")
    except Exception as error:  # noqa: BLE001 - the last line of defence against a traceback
        _fail_usage(error)


def _fail_usage(error: Exception) -> NoReturn:
    """Show a usage error the usual way; anything else is a bug of ours."""
    show = getattr(error, "show", None)
    if show is not None:
        show()
        sys.exit(UNREADABLE)
    if os.environ.get("HOOKFLASH_DEBUG"):
        raise error
    _fail(f"Bug! {type(error).__name__} inside hookflash; run it again with HOOKFLASH_DEBUG=1 and send us what it prints")


def _fail(message: str) -> NoReturn:
    print(f"hookflash: {message}", file=sys.stderr)
    sys.exit(UNREADABLE)
