"""More to do than can be done: ordinary turns wait outside, a person who is asked for and danger never do."""

import asyncio

import pytest

from hookflash.app import wiring
from hookflash.errors import Overloaded
from hookflash.intake import Intake
from hookflash.model import Action, Turn
from hookflash.signals.urgent import Pressing, pressing


def said(text, **rest):
    return Turn(speaker="customer", text=text, language="en", **rest)


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("I want to talk to a human", Pressing.REQUEST),
        ("quiero hablar con una persona", Pressing.REQUEST),
        ("I want to kill myself", Pressing.DANGER),
        ("he stopped breathing", Pressing.DANGER),
        ("my chest hurts and my arm is numb", Pressing.DANGER),
        ("let me talk to a human, he stopped breathing", Pressing.DANGER),
        ("when do you open tomorrow", Pressing.ORDINARY),
    ],
)
def test_what_is_pressing_is_known_by_its_words(text, how):
    """In any language that the lexicons know."""
    assert pressing(said(text)) is how


def test_the_zero_key_is_a_request_and_only_the_customer_counts():
    """Whatever is said with it."""
    assert pressing(said("", channel="voice", dtmf="0")) is Pressing.REQUEST
    assert pressing(Turn(speaker="assistant", text="do you want to talk to a human")) is Pressing.ORDINARY


def test_what_cannot_be_looked_at_may_be_danger(monkeypatch):
    """Law 2: a look that fails sends nobody away and puts nobody behind others."""
    monkeypatch.setattr("hookflash.signals.urgent.likely", None)
    assert pressing(said("good morning")) is Pressing.DANGER


async def test_turns_that_wait_while_the_engine_closes_are_told_so(engine):
    """None of them waits for ever for a database that is closed."""
    engine.intake = Intake(1)
    hold = _held_up(engine)
    turns = [asyncio.create_task(engine.observe(said("hello", conversation=f"c{number}"))) for number in range(5)]
    await asyncio.sleep(0.1)
    closing = asyncio.create_task(engine.close())
    await asyncio.sleep(0)
    hold.set()
    async with asyncio.timeout(5):
        answers = await asyncio.gather(*turns, return_exceptions=True)
        await closing
    assert [type(answer).__name__ for answer in answers[1:]] == ["StoreUnavailable"] * 4


async def test_an_overloaded_engine_still_brings_a_person(engine, monkeypatch):
    """With every place taken an ordinary turn is told to come again; a request is decided as soon as a place is free."""
    monkeypatch.setattr(wiring, "MAX_WAITING", 2)
    engine.intake = Intake(2)
    hold = _held_up(engine)
    waiting = [asyncio.create_task(engine.observe(said("hello", conversation=f"c{number}"))) for number in range(4)]
    await asyncio.sleep(0.2)
    with pytest.raises(Overloaded) as caught:
        await engine.observe(said("hello", conversation="c9"))
    assert caught.value.retry_after == 1
    urgent = asyncio.create_task(engine.observe(said("I want to talk to a human", conversation="c9")))
    await asyncio.sleep(0.1)
    hold.set()
    assert (await urgent).action is Action.ESCALATE
    await asyncio.gather(*waiting)
    assert engine.intake.waiting.total() == 0
    await engine.observe(said("hello", conversation="c10"))


def _held_up(engine):
    """Let nothing be written until the event that is returned is set."""
    hold, commit = asyncio.Event(), engine.store.commit

    async def slow(change):
        await hold.wait()
        await commit(change)

    engine.store.commit = slow
    return hold
