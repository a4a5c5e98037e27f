"""The beat that tells an outside dead-man's switch that the watchman lives."""

import asyncio
from datetime import timedelta

import pytest

from hookflash import watchman
from hookflash.errors import StoreUnavailable


@pytest.fixture
def beats(engine, monkeypatch):
    """When the engine's watchman beat, in seconds since the test began; `beats.pass_by(seconds)` lets time pass."""

    class Beats(list):
        now = 0.0

        def pass_by(self, seconds):
            self.now += seconds

    counted = Beats()
    monkeypatch.setattr(watchman, "steady", lambda: counted.now)

    async def beat():
        counted.append(counted.now)

    engine.watchman._beat = beat
    return counted


async def test_it_beats_often_enough_for_a_switch_of_a_minute(engine, beats):
    """With the first round and then every twenty seconds: one beat that is lost on the way is no alarm, two are."""
    for _ in range(200):
        await engine.watchman.round()
        beats.pass_by(1)
    assert beats[0] == 0
    gaps = [later - earlier for earlier, later in zip(beats, beats[1:], strict=False)]
    assert set(gaps) == {20}


async def test_a_watchman_that_cannot_make_its_round_does_not_beat(engine, beats, monkeypatch):
    """The process lives, but nobody is watched over: that is what the switch is for."""
    await engine.watchman.round()

    async def unreachable(*_):
        raise StoreUnavailable("the database is away")

    monkeypatch.setattr(engine.store, "claim_timers", unreachable)
    for _ in range(60):
        beats.pass_by(1)
        with pytest.raises(StoreUnavailable):
            await engine.watchman.round()
    assert beats == [0]
    monkeypatch.undo()
    monkeypatch.setattr(watchman, "steady", lambda: beats.now)
    await engine.watchman.round()
    assert beats == [0, 60]


async def test_a_switch_that_does_not_answer_stops_nobody(engine, beats):
    """The rounds go on, and the next beat is tried in its time."""

    async def deaf():
        beats.append(beats.now)
        raise ConnectionError("no network")

    engine.watchman._beat = deaf
    for _ in range(25):
        await engine.watchman.round()
        beats.pass_by(1)
    assert beats == [0, 20]


async def test_a_switch_that_hangs_holds_up_no_round(engine, beats, monkeypatch):
    """It is waited for beside the rounds, and not for ever."""
    monkeypatch.setattr(watchman, "BEAT_TIMEOUT", timedelta(seconds=0.1))
    never, given_up = asyncio.Event(), []

    async def hangs():
        try:
            await never.wait()
        finally:
            given_up.append(beats.now)

    engine.watchman._beat = hangs
    async with asyncio.timeout(2):
        for _ in range(5):
            await engine.watchman.round()
    await asyncio.sleep(0.1)
    assert given_up == [0]
