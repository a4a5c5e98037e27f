"""More to do than can be done: ordinary turns wait outside, a person who is asked for and danger never do."""

import asyncio

import pytest

from hookflash.app import wiring
from hookflash.errors import Overloaded
from hookflash.model import Action, Turn
from hookflash.signals.urgent import cannot_wait


def said(text, **rest):
    return Turn(speaker="customer", text=text, language="en", **rest)


@pytest.mark.parametrize(
    "text",
    [
        "I want to talk to a human",
        "quiero hablar con una persona",
        "I want to kill myself",
        "he stopped breathing",
        "my chest hurts and my arm is numb",
    ],
)
def test_what_cannot_wait_is_known_by_its_words(text):
    """In any language that the lexicons know."""
    assert cannot_wait(said(text))


def test_the_zero_key_cannot_wait_and_small_talk_can():
    """Nor does anybody's speech but the customer's count."""
    assert cannot_wait(said("", channel="voice", dtmf="0"))
    assert not cannot_wait(said("when do you open tomorrow"))
    assert not cannot_wait(Turn(speaker="assistant", text="do you want to talk to a human"))


async def test_an_overloaded_engine_still_brings_a_person(engine, monkeypatch):
    """With every place taken an ordinary turn is told to come again; a request is decided at once."""
    monkeypatch.setattr(wiring, "MAX_OBSERVING", 2)
    hold = asyncio.Event()
    ordinary = engine.store.commit

    async def slow(change):
        await hold.wait()
        await ordinary(change)

    engine.store.commit = slow
    waiting = [asyncio.create_task(engine.observe(said("hello", conversation=f"c{number}"))) for number in range(2)]
    await asyncio.sleep(0.2)
    with pytest.raises(Overloaded) as caught:
        await engine.observe(said("hello", conversation="c9"))
    assert caught.value.retry_after == 1
    urgent = asyncio.create_task(engine.observe(said("I want to talk to a human", conversation="c9")))
    await asyncio.sleep(0.1)
    hold.set()
    assert (await urgent).action is Action.ESCALATE
    await asyncio.gather(*waiting)
    assert engine.observing == 0
    await engine.observe(said("hello", conversation="c10"))
