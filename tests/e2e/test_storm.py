"""Kill a busy engine again and again: nothing acknowledged is lost, nothing is shown twice, the brief comes first."""

import asyncio
import json
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import text

from hookflash.app.database import open_store
from tests.e2e import busy
from tests.postgres import a_database

KILLS = {name: int(os.environ.get("STORM_KILLS", usually)) for name, usually in (("sqlite", 140), ("postgresql", 60))}
CONVERSATIONS = 60
# Waiting handoffs that no work and no timer will move.
HALTED = """
SELECT id FROM handoffs h WHERE state IN ('requested', 'briefed', 'ringing', 'promised')
AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.handoff = h.id AND o.state = 'pending')
AND (next_at = 0 OR NOT EXISTS (SELECT 1 FROM timers t WHERE t.handoff = h.id AND t.at = h.next_at))
"""


# Children of a process that has loaded everything: they start at once, and can be killed as any other.
NURSERY = multiprocessing.get_context("forkserver")
NURSERY.set_forkserver_preload(["tests.e2e.busy"])


def start(folder, first, database):
    process = NURSERY.Process(target=busy.run, args=(folder, first, CONVERSATIONS, str(database)), daemon=True)
    process.start()
    heard = folder / f"heard-{first}.jsonl"
    begun = time.monotonic()
    while process.is_alive() and not ledger(heard):
        assert time.monotonic() - begun < 60
        time.sleep(0.005)
    return process, heard


def ledger(path):
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    if request.param == "sqlite":
        yield tmp_path / "busy.db"
        return
    with a_database(request.getfixturevalue("postgres")) as url:
        yield url


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_and_nothing_is_shown_twice(tmp_path, database):
    """SIGKILL at random moments of a busy run, restart on the same database, until all is done; then read every ledger."""
    chance, kills = random.Random(20261124), KILLS["sqlite" if isinstance(database, Path) else "postgresql"]
    acknowledged = {}
    for kill in range(kills + 1):
        process, heard = start(tmp_path, kill * CONVERSATIONS, database)
        if kill < kills:
            time.sleep(chance.uniform(0.0, 0.35))
            process.kill()
        process.join(120)
        assert process.exitcode == (-signal.SIGKILL if kill < kills else 0)
        lines = ledger(heard)
        acknowledged |= {(one["conversation"], one["seq"]): one for one in lines if "seq" in one}
    assert len(acknowledged) > CONVERSATIONS

    kept, handoffs, halted, dead = asyncio.run(_read(database, acknowledged))
    lost = [key for key in acknowledged if key not in kept]
    assert not lost
    wanted = {heard["handoff"] for heard in acknowledged.values() if heard["handoff"]}
    by_id = {handoff.id: handoff for handoff in handoffs}
    assert wanted <= by_id.keys()
    # Rings time out while the storm goes on, so some are between two rungs; none may be where nothing moves it.
    assert not wanted & halted
    assert not dead

    shown = ledger(tmp_path / "desk.jsonl")
    said = ledger(tmp_path / "line.jsonl")
    assert not [key for key, count in Counter(one["key"] for one in [*shown, *said]).items() if count > 1]
    assert not [key for key, count in Counter(one["conversation"] for one in handoffs_of(handoffs)).items() if count > 1]
    briefed = {one["handoff"] for one in shown}
    assert wanted <= briefed
    assert {one["handoff"] for one in said if "ring" in one} <= briefed


def handoffs_of(handoffs):
    return [{"conversation": one.conversation} for one in handoffs]


async def _read(database, acknowledged):
    store = open_store(database)
    kept = set()
    for conversation, seq in acknowledged:
        if await store.turn("default", conversation, seq=seq, key=None):
            kept.add((conversation, seq))
    handoffs = await store.handoffs("default", limit=1_000_000)
    with store.engine.connect() as connection:
        halted = set(connection.execute(text(HALTED)).scalars())
    dead = (await store.counts()).get("outbox_dead", 0)
    await store.close()
    return kept, handoffs, halted, dead
