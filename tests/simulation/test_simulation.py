"""The whole engine on a virtual clock, network and store, from seeds. `make simulate N=100000` runs more of them."""

import os
import subprocess
import sys

import pytest

from hookflash import keeping, moves
from hookflash.engine import Engine
from hookflash.stores import writes
from hookflash.stores.tables import conversations, handoffs
from hookflash.testing import simulate

SEEDS = int(os.environ.get("SIMULATE_SEEDS", "60"))
CHUNKS = 20


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_whatever_goes_wrong_nothing_is_lost(chunk):
    """Kills, freezes, lost answers, lying desks, clocks an hour wrong: every seed ends with nothing to complain of."""
    outcomes = [simulate(seed) for seed in range(chunk, SEEDS, CHUNKS)]
    assert {outcome.seed: outcome.problems for outcome in outcomes if outcome.problems} == {}


def test_a_seed_takes_the_same_steps_again():
    """So that a failure can be looked at as often as it takes."""
    first, again, other = simulate(7), simulate(7), simulate(8)
    assert first == again
    assert first.digest != other.digest


def test_a_seed_takes_the_same_steps_in_another_process():
    """Where names hash otherwise and objects lie elsewhere in memory."""
    program = "from hookflash.testing import simulate; print([simulate(seed).digest for seed in (7, 39, 39, 39)])"
    command, environment = [sys.executable, "-c", program], os.environ | {"PYTHONHASHSEED": "1"}
    there = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120).stdout
    assert there.strip() == str([simulate(seed).digest for seed in (7, 39, 39, 39)])


def test_the_storm_is_one():
    """Over a few seeds there are kills, escalations and turns; else nothing would be shown."""
    outcomes = [simulate(seed) for seed in range(10)]
    assert sum(outcome.kills for outcome in outcomes) > 10
    assert sum(outcome.handoffs for outcome in outcomes) > 20


def found(what):
    return any(what in problem for seed in range(40) for problem in simulate(seed).problems)


def test_a_ring_before_the_brief_is_found(monkeypatch):
    """Law 4, broken on purpose."""
    monkeypatch.setattr(moves, "_is_briefed", lambda handoff: True)
    assert found("without a brief")


def test_a_forgotten_promise_is_found(monkeypatch):
    """A promise without its timers, on purpose."""
    monkeypatch.setattr(moves, "watch", lambda due, now: ())
    assert found("is forgotten")


def test_a_promise_that_falls_due_early_is_found(monkeypatch):
    """Timers that fire ten seconds after they are set, on purpose."""
    monkeypatch.setattr(keeping, "reminder_time", lambda due, now: now)
    true_row = writes._timer_row
    monkeypatch.setattr(writes, "_timer_row", lambda timer, change, handoff: true_row(timer, change, handoff) | {"at": 0})
    assert found("fell due early")


def test_work_that_is_crossed_off_undone_is_found(monkeypatch):
    """Briefs that are never put on a desk, on purpose."""
    true_rows = writes._work_row
    monkeypatch.setattr(writes, "_work_row", lambda *step: true_rows(*step) | {"state": "done"})
    assert found("is on no desk")


def test_what_is_owed_in_two_conversations_is_found(monkeypatch):
    """A handoff that goes on in another and does not end, on purpose."""

    true_stepped = Engine._stepped

    async def never_ended(self, handoff, event, now):
        return None if event.kind == "superseded" else await true_stepped(self, handoff, event, now)

    monkeypatch.setattr(Engine, "_stepped", never_ended)
    assert found("goes on in another and is still")


def test_an_order_of_turns_that_is_lost_is_found(monkeypatch):
    """Versions that are not compared, on purpose: two processes then write over each other."""
    monkeypatch.setattr(writes, "_put", _put_blindly)
    assert any(simulate(seed).problems for seed in range(80))


def _put_blindly(connection, rows, add, put):
    table = conversations if put is writes._PUT_CONVERSATIONS else handoffs
    for row in rows:
        connection.execute(table.delete().where((table.c.tenant == row["tenant"]) & (table.c.id == row["id"])))
    add.run(connection, rows)
