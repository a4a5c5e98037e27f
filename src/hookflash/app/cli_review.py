"""The verbs about a matrix itself: init, check, show, routes, test, diff, fmt."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hookflash.app.cli_shared import DEFAULT_MATRIX, FINDINGS, FINE, UNREADABLE, Json, MatrixFile, print_view


class SheetFormat(StrEnum):
    """How `show` prints."""

    TABLE = "table"
    MARKDOWN = "markdown"
    HTML = "html"


class TestFormat(StrEnum):
    """How `test` prints."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"


class DiffFormat(StrEnum):
    """How `diff` prints."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def init(
    directory: Annotated[Path, typer.Argument(help="Where to write matrix.yaml, cases/ and README.md.")] = Path(),
    vertical: Annotated[str | None, typer.Option(help="bank, clinic, dental, shop, software or utility.")] = None,
    name: Annotated[str | None, typer.Option(help="The name of the business.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Its time zone, as in America/Chicago.")] = None,
    answers: Annotated[Path | None, typer.Option(help="A YAML file of answers; what it leaves out takes its default.")] = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing: take the default for what is not given.")] = False,
    force: Annotated[bool, typer.Option(help="Write over files that are there already.")] = False,
    json: Json = False,
) -> None:
    """Ask about ten questions and write a matrix, cases and a README that pass `check` and `test`."""
    from hookflash.app.interview import can_ask, interview, read_answers
    from hookflash.app.starter import write_starter

    given = read_answers(answers) if answers else {}
    given |= {key: value for key, value in (("vertical", vertical), ("name", name), ("timezone", timezone)) if value is not None}
    asked = not answers and not defaults and can_ask()
    print_view(write_starter(directory, interview(given, ask=asked), force=force), json)


def check(
    matrix: Annotated[list[Path] | None, typer.Argument(help="Escalation matrices, YAML files.", show_default="matrix.yaml")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings fail too.")] = False,
    json: Json = False,
) -> None:
    """Prove a matrix for every situation and every instant of the coming year: each fault with its place and its mend."""
    from hookflash.app.checked import checked

    view = checked(matrix or [DEFAULT_MATRIX])
    print_view(view, json)
    raise typer.Exit(UNREADABLE if not view.readable else FINDINGS if view.is_wrong(strict=strict) else FINE)


def show(
    matrix: MatrixFile = DEFAULT_MATRIX,
    format_: Annotated[
        SheetFormat, typer.Option("--format", help="For the terminal, as Markdown, or as one HTML file.")
    ] = SheetFormat.TABLE,
    calendar: Annotated[bool, typer.Option("--calendar", help="Draw the coming week: who would answer, half hour by half hour.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of matrix files, for editors.")] = False,
    json: Json = False,
) -> None:
    """Show a matrix as the sheet that is signed: what triggers, who receives, what is said, what if nobody is there."""
    from hookflash.app.reviewed import sheet_view
    from hookflash.app.schema import SchemaView

    if schema:
        print_view(SchemaView(), True)
        return
    print_view(sheet_view(matrix, format_, calendar=calendar), json)


routes = typer.Typer(help="See what the routes do in one situation.", no_args_is_help=True, rich_markup_mode=None)


@routes.command("test")
def routes_test(
    situation: Annotated[list[str], typer.Argument(help="KEY=VALUE: trigger, severity, channel, language, topic, segment.")],
    matrix: Annotated[Path, typer.Option(help="The escalation matrix.")] = DEFAULT_MATRIX,
    at: Annotated[str | None, typer.Option(help="When: ISO, or like 'Fri 21:40' in the business' zone. Default: now.")] = None,
    verify_to: Annotated[str | None, typer.Option(help="Exit with 1 unless these are rung, in order: nurse,on_call or nobody.")] = None,
    json: Json = False,
) -> None:
    """Show the way through the rules in one situation, who is rung when, and what is said."""
    from hookflash.app.reviewed import explained

    named = [word for word in situation if "=" not in word and word.endswith((".yaml", ".yml"))]
    view = explained(Path(named[0]) if named else matrix, [word for word in situation if word not in named], at, verify_to)
    print_view(view, json)
    raise typer.Exit(FINE if view.verified else FINDINGS)


def test(
    directory: Annotated[
        Path, typer.Argument(help="A folder with matrix.yaml and cases/*.yaml, or a matrix with cases/ beside it.")
    ] = Path(),
    coverage: Annotated[bool, typer.Option("--coverage", help="Say what of the matrix the cases come to.")] = False,
    threshold: Annotated[float | None, typer.Option(help="Fail under so much coverage, in percent.", min=0, max=100)] = None,
    format_: Annotated[TestFormat, typer.Option("--format", help="For people, or for a CI.")] = TestFormat.TEXT,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List the cases that pass too.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Run again whenever the matrix or a case is saved.")] = False,
    json: Json = False,
) -> None:
    """Run the cases beside a matrix: conversations with what must come of them."""
    from hookflash.app.reviewed import tried
    from hookflash.app.watched import watching

    def run() -> bool:
        view = tried(directory, cover=coverage, threshold=threshold, format_="json" if json else format_, verbose=verbose)
        print_view(view, json)
        return view.passed

    raise typer.Exit(watching(directory.parent if directory.is_file() else directory, run) if watch else FINE if run() else FINDINGS)


def diff(
    old: Annotated[str, typer.Argument(help="A matrix file, or a git revision of one, as HEAD~1:matrix.yaml.")],
    new: Annotated[str, typer.Argument(help="The same.")] = "matrix.yaml",
    replay: Annotated[Path | None, typer.Option(help="Recorded turns (JSON lines) or a folder of transcripts to decide by both.")] = None,
    format_: Annotated[DiffFormat, typer.Option("--format", help="For people, for a pull request, or for programs.")] = DiffFormat.TEXT,
    json: Json = False,
) -> None:
    """Show what a change does to customers. Exit code 1 where anything changes."""
    from hookflash.app.differed import differed

    view = differed(old, new, replay, format_)
    print_view(view, json or format_ is DiffFormat.JSON)
    raise typer.Exit(FINE if view.is_same else FINDINGS)


def fmt(
    matrix: Annotated[list[Path] | None, typer.Argument(help="Escalation matrices, YAML files.", show_default="matrix.yaml")] = None,
    check_: Annotated[bool, typer.Option("--check", help="Write nothing; exit with 1 where a file would change.")] = False,
    json: Json = False,
) -> None:
    """Put matrix files in order, with comments and meaning kept."""
    from hookflash.app.fmt import format_files

    view = format_files(matrix or [DEFAULT_MATRIX], write=not check_)
    print_view(view, json)
    raise typer.Exit(FINDINGS if check_ and view.changed else FINE)


def add_review_verbs(cli: typer.Typer) -> None:
    """Add the verbs of this file to a command line."""
    cli.command()(init)
    cli.command()(check)
    cli.command()(show)
    cli.add_typer(routes, name="routes")
    cli.command()(test)
    cli.command()(diff)
    cli.command()(fmt)
