"""What the databases say differently."""

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite

_INSERTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
# What PostgreSQL says of a lock that somebody else holds, or that was waited for in vain.
LOCKED = "55P03"


def insert_for(dialect: str) -> Any:
    """Return the `insert` of a dialect, the one that knows `on_conflict`."""
    return _INSERTS[dialect]
