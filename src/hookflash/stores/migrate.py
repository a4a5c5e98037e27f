"""The tables of a database, brought to what this version knows; forward only, in one transaction."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from hookflash.errors import StoreForeign, StoreTooNew
from hookflash.stores.tables import HEAD, pulse

MIGRATIONS = Path(__file__).with_name("migrations")
# What databases had that were made before migrations were counted.
UNCOUNTED = "0001"


def revision_of(connection: Connection, where: str) -> str | None:
    """Return the newest migration a database has, or None for an empty one; `where` names it in messages.

    Raises `StoreForeign` for somebody else's database, `StoreTooNew` for one that a newer hookflash wrote.
    """
    tables = inspect(connection).get_table_names()
    if "alembic_version" not in tables:
        if pulse.name in tables:
            return UNCOUNTED
        if tables:
            raise StoreForeign(f"{where} is not a database of hookflash; name another one")
        return None
    found = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
    if found != HEAD and found not in known_revisions():
        raise StoreTooNew(
            f"{where} was written by a newer hookflash (schema {found}, this one knows {HEAD}); "
            "install that version, or name another database"
        )
    return found


def known_revisions() -> list[str]:
    """Return the migrations that this version knows, oldest first."""
    return sorted(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def bring_up_to_date(connection: Connection, where: str) -> None:
    """Run the migrations that a database lacks. Raises as `revision_of` does."""
    found = revision_of(connection, where)
    counted = inspect(connection).has_table("alembic_version")
    if found == HEAD and counted:
        return
    from alembic import command  # only a database that lacks something pays for the import
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS))
    if found is not None and not counted:
        command.stamp(config, found)
    command.upgrade(config, "head")
