"""The verbs about the database: what state it is in, bring it up to date, copy it, and what is forgotten of a customer."""

from typing import Annotated

import typer

from hookflash.app.cli_shared import DEFAULT_MATRIX, FINDINGS, FINE, Database, Json, MatrixBeside, Tenant, print_view
from hookflash.errors import InputError


def add_database_verbs(cli: typer.Typer) -> None:
    """Add the verbs to the command line."""
    verbs = typer.Typer(help="The database: its state, bring it up to date, copy it.", no_args_is_help=True)
    verbs.command()(status)
    verbs.command()(upgrade)
    verbs.command()(copy)
    cli.add_typer(verbs, name="db")
    cli.command()(erase)
    cli.command()(hold)


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


Customer = Annotated[str | None, typer.Option(help="Their id, phone or e-mail as the assistant's side gave it, or a conversation's id.")]


def erase(
    customer: Customer = None,
    why: Annotated[str, typer.Option(help="The reason, for the tombstone.")] = "asked for by the customer",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be erased.")] = False,
    matrix: MatrixBeside = DEFAULT_MATRIX,
    database: Database = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Erase everything a customer said and everything that came of it. Works beside a running server."""
    from hookflash.app.forgotten import erase_customer

    if customer is None:
        raise InputError("name whom to erase with --customer")
    print_view(erase_customer(matrix, database, tenant, customer, why, dry_run=dry_run), json)


def hold(
    customer: Customer = None,
    why: Annotated[str, typer.Option(help="Why it must be kept, such as the case number.")] = "",
    release: Annotated[bool, typer.Option("--release", help="Take the hold away.")] = False,
    matrix: MatrixBeside = DEFAULT_MATRIX,
    database: Database = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """List legal holds, or put one on a customer: nothing of theirs is erased, by hand or by time, until it is released."""
    from hookflash.app.forgotten import hold_customer, holds_view, release_customer

    if customer is None:
        view = holds_view(matrix, database, tenant)
    elif release:
        view = release_customer(matrix, database, tenant, customer)
    elif not why:
        raise InputError("say why it must be kept with --why, such as the case number")
    else:
        view = hold_customer(matrix, database, tenant, customer, why)
    print_view(view, json)
