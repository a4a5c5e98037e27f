"""Who is let in next: danger first, callers in turn, each conversation in its order, and nobody never."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from hookflash.intake import Intake
from hookflash.signals.urgent import Pressing

DANGER, REQUEST, ORDINARY = Pressing


async def order_of(turns, *, places=1, cancelled=()):
    """Return in which order turns (conversation, caller, how pressing) are let in that come while every place is taken."""
    intake, order, hold = Intake(places), [], asyncio.Event()

    async def occupy(number):
        async with intake.place("default", ("before", number), "before", ORDINARY):
            await hold.wait()

    async def one(number, conversation, caller, pressing, tenant="default"):
        async with intake.place(tenant, conversation, caller, pressing):
            order.append(number)
            await asyncio.sleep(0)

    before = [asyncio.create_task(occupy(number)) for number in range(places)]
    await asyncio.sleep(0)
    tasks = [asyncio.create_task(one(number, *turn)) for number, turn in enumerate(turns)]
    await asyncio.sleep(0)
    assert intake.waiting.total() == len(turns)
    for number in cancelled:
        tasks[number].cancel()
    hold.set()
    await asyncio.gather(*before, *tasks, return_exceptions=True)
    assert intake.waiting.total() == 0
    assert all(not intake.must_wait(turn[0]) for turn in turns)
    return order


async def test_danger_goes_before_what_came_earlier():
    """And a request before ordinary turns of others."""
    assert await order_of([("a", "a", ORDINARY), ("b", "b", REQUEST), ("c", "c", DANGER)]) == [2, 1, 0]


async def test_a_flood_of_one_caller_waits_behind_its_own():
    """A hundred conversations of one customer that ask for a person: the others who ask come after one of them, not after all."""
    flood = [(f"flood-{number}", "flooder", REQUEST) for number in range(100)]
    order = await order_of([*flood, ("other", "other", REQUEST), ("small talk", "third", ORDINARY)])
    assert order.index(100) <= 1
    assert order.index(101) <= 8


async def test_a_flood_of_danger_neither_delays_the_danger_of_others_nor_keeps_requests_out():
    """Every fourth place is for the rest."""
    flood = [(f"flood-{number}", "flooder", DANGER) for number in range(100)]
    order = await order_of([*flood, ("crisis", "other", DANGER), ("asks", "third", REQUEST)])
    assert order.index(100) <= 2
    assert order.index(101) <= 3


async def test_strangers_without_number_who_tell_of_danger_do_not_keep_requests_out():
    """Where nobody says who they are, each conversation is a caller of its own."""
    flood = [(f"flood-{number}", f"flood-{number}", DANGER) for number in range(100)]
    order = await order_of([*flood, ("asks", "third", REQUEST)])
    assert order.index(100) == 3


async def test_tenants_take_turns():
    """However many callers one of them has: a crisis, and the requests of a shop that gives all its visitors one id, come soon."""
    flood = [(f"flood-{number}", f"caller-{number}", DANGER, "a") for number in range(100)]
    order = await order_of([*flood, ("crisis", "other", DANGER, "b")])
    assert order.index(100) <= 2
    flood = [(f"flood-{number}", f"caller-{number}", REQUEST, "a") for number in range(100)]
    order = await order_of([*flood, *((f"shop-{number}", "visitor", REQUEST, "b") for number in range(10))])
    assert max(order.index(number) for number in range(100, 110)) <= 20


async def test_a_conversation_keeps_its_order_and_is_raised_as_a_whole():
    """What was said before the danger is decided on before it, at once."""
    others = [(f"other-{number}", f"other-{number}", REQUEST) for number in range(9)]
    order = await order_of([*others, ("c", "c", ORDINARY), ("c", "c", ORDINARY), ("c", "c", DANGER)])
    assert [number for number in order if number >= 9] == [9, 10, 11]
    assert order.index(11) <= 3


TURNS = st.lists(
    st.builds(
        lambda conversation, pressing: (conversation, conversation % 3, pressing), st.integers(0, 5), st.sampled_from(list(Pressing))
    ),
    max_size=30,
)


@given(TURNS, st.integers(1, 4), st.sets(st.integers(0, 29)))
def test_everybody_is_let_in_once_and_each_conversation_in_its_order(turns, places, called_off):
    """Whoever was not called off, whatever came in between."""
    cancelled = {number for number in called_off if number < len(turns)}
    order = asyncio.run(order_of(turns, places=places, cancelled=cancelled))
    assert sorted(order) == [number for number in range(len(turns)) if number not in cancelled]
    for conversation in {turn[0] for turn in turns}:
        own = [number for number in order if turns[number][0] == conversation]
        assert own == sorted(own)
