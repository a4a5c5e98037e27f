"""The verbs about what is forgotten of a customer, and what must not be."""

from typing import Annotated

import typer

from hookflash.app.cli_shared import DEFAULT_MATRIX, Database, Json, MatrixBeside, Tenant, print_view
from hookflash.errors import InputError

Customer = Annotated[str | None, typer.Option(help="Their id, phone or e-mail as the assistant's side gave it, or a conversation's id.")]


def add_forgetting_verbs(cli: typer.Typer) -> None:
    """Add the verbs to the command line."""
    cli.command()(erase)
    cli.command()(hold)


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
