"""The verbs about the database: what state it is in, bring it up to date, copy it."""

from typing import Annotated

import typer

from hookflash.app.cli_shared import DEFAULT_MATRIX, FINDINGS, FINE, Database, Json, MatrixBeside, print_view


def add_database_verbs(cli: typer.Typer) -> None:
    """Add the verbs to the command line."""
    verbs = typer.Typer(help="The database: its state, bring it up to date, copy it.", no_args_is_help=True)
    verbs.command()(status)
    verbs.command()(upgrade)
    verbs.command()(copy)
    cli.add_typer(verbs, name="db")


def status(matrix: MatrixBeside = DEFAULT_MATRIX, database: Database = None, json: Json = False) -> None:
    """Show the database's schema and how much it holds. Exits with 1 where it is behind this version."""
    from hookflash.app.database_views import status_view

    view = status_view(matrix, database)
    print_view(view, json)
    raise typer.Exit(FINE if view.up_to_date else FINDINGS)


def upgrade(matrix: MatrixBeside = DEFAULT_MATRIX, database: Database = None, json: Json = False) -> None:
    """Bring the database's tables up to date, or make them. `serve` does so by itself when it starts."""
    from hookflash.app.database_views import status_view, upgrade_database

    upgrade_database(matrix, database)
    print_view(status_view(matrix, database), json)


def copy(
    source: Annotated[str, typer.Argument(help="The database to copy from: a file or an address. No server may work on it.")],
    target: Annotated[str, typer.Argument(help="The database to copy to, empty.")],
    json: Json = False,
) -> None:
    """Copy everything from one database to another, such as from a file to PostgreSQL, and prove that it arrived."""
    from hookflash.app.database_views import copy_database

    print_view(copy_database(source, target), json)
