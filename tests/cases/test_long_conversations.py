"""Much said in one conversation, and much that comes back about one handoff: nothing is left out and nothing is done twice."""

import asyncio
import hashlib

from hookflash.errors import VersionConflict
from hookflash.model import Action, BriefDelivered
from hookflash.model.conversation import WINDOW_TURNS
from tests.cases.test_engine import escalated, replied, said


async def test_many_outcomes_of_one_handoff_at_once_are_each_written_at_the_first_try(engine, monkeypatch):
    """None reads what another is just changing, or a flood within one conversation would be written over and over again."""
    handoff = await escalated(engine)
    refused = 0
    commit = engine.store.commit

    async def counted(change):
        nonlocal refused
        try:
            await commit(change)
        except VersionConflict:
            refused += 1
            raise

    monkeypatch.setattr(engine.store, "commit", counted)
    receipts = [handoff.receipt.model_copy(update={"desk": f"desk-{number}"}) for number in range(40)]
    await asyncio.gather(*(engine.apply(handoff.id, BriefDelivered(receipt=receipt)) for receipt in receipts))
    assert refused == 0
    assert len((await engine.handoff(handoff.id)).receipts) == 41


async def test_the_whole_history_travels_however_long_the_conversation(engine, monkeypatch):
    """It goes on from the brief before, and the store is not read again for every turn."""
    handoff = await escalated(engine, text="I want to talk to a human, number 0")
    monkeypatch.setattr(engine.store, "history", None)
    for number in range(1, 70):
        await engine.observe(said(f"are you still there, number {number}"))
        if number % 7 == 0:
            await engine.observe(replied(f"somebody comes soon {number}", draft=True))
    history = (await engine.handoff(handoff.id)).brief.history
    assert [turn.text.rpartition(" ")[2] for turn in history] == [str(number) for number in range(70)]
    monkeypatch.undo()
    assert await engine.store.history("default", "chat-1") == history


async def test_the_whole_history_travels_though_a_person_is_asked_for_late(engine):
    """What is no longer remembered is read."""
    for number in range(2 * WINDOW_TURNS):
        code = hashlib.sha256(bytes([number])).hexdigest()[:12]
        assert (await engine.observe(replied(f"{code} arrived"))).action is Action.CONTINUE
    decision = await engine.observe(said("I want to talk to a human"))
    history = (await engine.handoff(decision.handoff)).brief.history
    assert [turn.number for turn in history] == list(range(1, decision.turn + 1))
