"""Durable turns a second through `engine.observe`, against a bare sqlite3 loop that commits the same rows, in one run."""

import asyncio
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from hookflash.app.logs import set_up_logs
from hookflash.app.wiring import EmbeddedEngine
from hookflash.matrix import load_matrix
from hookflash.model import Turn
from hookflash.stores import SqliteStore

TURNS, SIDE_BY_SIDE, ROUNDS = 6_000, 64, 3
TEXTS = ("what are your opening hours", "thank you", "is there parking at the clinic", "yes please", "tuesday works for me")


async def observed(folder: Path) -> tuple[float, list[dict]]:
    """Return turns a second, and the rows that the store then holds."""
    store = SqliteStore(folder / "engine.db")
    engine = EmbeddedEngine({"default": load_matrix("examples/clinic/matrix.yaml")}, store)
    await engine.begin()

    async def converse(number: int) -> None:
        for turn in range(TURNS // SIDE_BY_SIDE):
            text = f"{TEXTS[turn % len(TEXTS)]} {number}"
            await engine.observe(Turn(conversation=f"c{number}", speaker="customer", text=text, key=str(turn)))

    await engine.observe(Turn(conversation="first", speaker="customer", text="quiero saber a que hora abren"))
    begun = time.perf_counter()
    await asyncio.gather(*(converse(number) for number in range(SIDE_BY_SIDE)))
    rate = TURNS // SIDE_BY_SIDE * SIDE_BY_SIDE / (time.perf_counter() - begun)
    await engine.close()
    with sqlite3.connect(folder / "engine.db") as connection:
        connection.row_factory = sqlite3.Row
        query = """SELECT t.conversation, t.number, t.key, t.document AS turn, a.document AS audit, c.document AS state
                   FROM turns t JOIN audit a ON a.id = t.rowid JOIN conversations c ON c.id = t.conversation"""
        return rate, [dict(row) for row in connection.execute(query)]


def bare(folder: Path, rows: list[dict], batch: int) -> float:
    """Return turns a second of a loop that writes the same rows and commits after every `batch` of them."""
    connection = sqlite3.connect(folder / f"bare-{batch}.db", isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE conversations (id TEXT PRIMARY KEY, version INTEGER, document TEXT)")
    connection.execute(
        "CREATE TABLE turns (conversation TEXT, number INTEGER, key TEXT, document TEXT, PRIMARY KEY (conversation, number), UNIQUE (conversation, key))"
    )
    connection.execute("CREATE TABLE audit (id INTEGER PRIMARY KEY, conversation TEXT, document TEXT)")
    begun = time.perf_counter()
    for start in range(0, len(rows), batch):
        connection.execute("BEGIN")
        for row in rows[start : start + batch]:
            connection.execute(
                "INSERT INTO conversations VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET version = excluded.version, document = excluded.document",
                (row["conversation"], row["number"], row["state"]),
            )
            connection.execute("INSERT INTO turns VALUES (?, ?, ?, ?)", (row["conversation"], row["number"], row["key"], row["turn"]))
            connection.execute("INSERT INTO audit (conversation, document) VALUES (?, ?)", (row["conversation"], row["audit"]))
        connection.execute("COMMIT")
    return len(rows) / (time.perf_counter() - begun)


def main() -> None:
    set_up_logs(level=50)
    rates, alone, grouped = [], [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            rate, rows = asyncio.run(observed(Path(folder)))
            rates.append(rate)
            alone.append(bare(Path(folder), rows, 1))
            grouped.append(bare(Path(folder), rows, SIDE_BY_SIDE))
    engine, single, group = map(statistics.median, (rates, alone, grouped))
    print(
        f"engine.observe, {SIDE_BY_SIDE} conversations side by side: {engine / single:5.2f} x a bare sqlite3 loop that commits each turn's rows"
    )
    print(f"                                               {engine / group:5.2f} x the same loop committing {SIDE_BY_SIDE} turns at a time")
    print(f"(on this machine {engine:,.0f}, {single:,.0f} and {group:,.0f} turns a second; medians of {ROUNDS})")


if __name__ == "__main__":
    main()
