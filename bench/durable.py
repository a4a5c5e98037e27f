"""Durable turns a second, on SQLite and PostgreSQL, against bare loops that commit the same rows; and the wait at half load."""

import asyncio
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

import psycopg
from sqlalchemy import text

from bench.outside import Shop, postgres
from hookflash.model import Turn

TURNS, SIDE_BY_SIDE, ROUNDS = 6_000, 64, 3
SECONDS_AT_HALF = 4.0
TABLES = (
    "CREATE TABLE bare_conversations (id TEXT PRIMARY KEY, version INTEGER, document TEXT)",
    """CREATE TABLE bare_turns (conversation TEXT, number INTEGER, key TEXT, document TEXT,
       PRIMARY KEY (conversation, number), UNIQUE (conversation, key))""",
    "CREATE TABLE bare_audit (id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY, conversation TEXT, document TEXT)",
)
INSERTS = (
    "INSERT INTO bare_conversations VALUES (%s, %s, %s) ON CONFLICT (id) DO UPDATE SET version = excluded.version, document = excluded.document",
    "INSERT INTO bare_turns VALUES (%s, %s, %s, %s)",
    "INSERT INTO bare_audit (conversation, document) VALUES (%s, %s)",
)


def said(conversation: str, number: int) -> Turn:
    return Turn(conversation=conversation, speaker="customer", text=f"what are your opening hours {number}", language="en", key=str(number))


async def observed(database: Path | str) -> tuple[float, float, list[tuple]]:
    """Return turns a second, the 99th percentile of the wait in milliseconds at half of them, and the rows."""
    shop = Shop(database)
    await shop.engine.start()

    async def converse(name: str, turns: int) -> None:
        for number in range(turns):
            await shop.engine.observe(said(name, number))

    await converse("first", 3)
    begun = time.perf_counter()
    await asyncio.gather(*(converse(f"c{number}", TURNS // SIDE_BY_SIDE) for number in range(SIDE_BY_SIDE)))
    rate = TURNS // SIDE_BY_SIDE * SIDE_BY_SIDE / (time.perf_counter() - begun)
    waits = await _at(shop, rate / 2)
    rows = await shop.store.run(_rows)
    await shop.store.close()
    return rate, statistics.quantiles(waits, n=100)[98] * 1_000, rows


async def _at(shop: Shop, rate: float) -> list[float]:
    """Return the waits of turns that come at a rate, whether or not the ones before are done."""
    waits: list[float] = []

    async def one(number: int) -> None:
        begun = time.perf_counter()
        await shop.engine.observe(said(f"half-{number % 500}", number))
        waits.append(time.perf_counter() - begun)

    tasks, begun, number = [], time.perf_counter(), 0
    while (passed := time.perf_counter() - begun) < SECONDS_AT_HALF:
        while number < passed * rate:
            tasks.append(asyncio.create_task(one(number)))
            number += 1
        await asyncio.sleep(0.001)
    await asyncio.gather(*tasks)
    return waits


def _rows(connection) -> list[tuple]:
    plain = "SELECT conversation, number, key, document FROM turns WHERE conversation LIKE 'c%'"
    states = dict(connection.execute(text("SELECT id, document FROM conversations")).all())
    audits: dict[str, list[str]] = {}
    for conversation, document in connection.execute(text("SELECT conversation, document FROM audit ORDER BY id")).all():
        audits.setdefault(conversation, []).append(document)
    found = connection.execute(text(plain)).all()
    return [(row[0], row[1], row[2], row[3], audits[row[0]][row[1] - 1], states[row[0]]) for row in found]


def bare(execute, begin, commit, rows: list[tuple], batch: int, mark: str) -> float:
    """Return turns a second of a loop that writes the same rows and commits after every `batch` of them."""
    begun = time.perf_counter()
    for start in range(0, len(rows), batch):
        begin()
        for conversation, number, key, turn, audit, state in rows[start : start + batch]:
            for statement, values in zip(
                INSERTS, ((conversation, number, state), (conversation, number, key, turn), (conversation, audit)), strict=True
            ):
                execute(statement.replace("%s", mark), values)
        commit()
    return len(rows) / (time.perf_counter() - begun)


def bare_sqlite(folder: Path, rows: list[tuple], batch: int) -> float:
    connection = sqlite3.connect(folder / f"bare-{batch}.db", isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")
    for table in TABLES:
        connection.execute(table.replace("INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "INTEGER PRIMARY KEY"))
    execute = connection.execute
    return bare(execute, lambda: execute("BEGIN"), lambda: execute("COMMIT"), rows, batch, "?")


def bare_postgres(url: str, rows: list[tuple], batch: int) -> float:
    with psycopg.connect(url) as connection:
        for name in ("bare_conversations", "bare_turns", "bare_audit"):
            connection.execute(f"DROP TABLE IF EXISTS {name}")
        for table in TABLES:
            connection.execute(table)
        connection.commit()
        return bare(connection.execute, lambda: None, connection.commit, rows, batch, "%s")


def report(name: str, loop: str, rounds: list[tuple[float, float, float, float]]) -> None:
    rate, wait, single, group = (statistics.median(values) for values in zip(*rounds, strict=True))
    print(f"{name}: {rate / single:5.2f} x a bare {loop} loop that commits each turn's rows")
    print(f"{'':{len(name)}}  {rate / group:5.2f} x the same loop committing {SIDE_BY_SIDE} turns at a time")
    print(f"{'':{len(name)}}  (here {rate:,.0f}, {single:,.0f} and {group:,.0f} turns a second; p99 at half load {wait:.1f} ms)")


def main() -> None:
    rounds = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            rate, wait, rows = asyncio.run(observed(Path(folder) / "engine.db"))
            rounds.append((rate, wait, bare_sqlite(Path(folder), rows, 1), bare_sqlite(Path(folder), rows, SIDE_BY_SIDE)))
    report("SQLite", "sqlite3", rounds)
    rounds = []
    for _ in range(ROUNDS):
        with postgres() as url:
            rate, wait, rows = asyncio.run(observed(url))
            rounds.append((rate, wait, bare_postgres(url, rows, 1), bare_postgres(url, rows, SIDE_BY_SIDE)))
    report("PostgreSQL", "psycopg", rounds)
    print(f"(durable turns without detectors, {SIDE_BY_SIDE} conversations side by side; medians of {ROUNDS})")


if __name__ == "__main__":
    main()
