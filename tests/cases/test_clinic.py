"""The example clinic: every transcript ends as its author means it to, through the real engine."""

import pytest

from hookflash.app.play import Player
from hookflash.app.transcripts import read_transcripts
from hookflash.app.wiring import EmbeddedEngine
from hookflash.model import Action, Kind, State
from hookflash.stores import SqliteStore
from hookflash.testing import FrozenClock, ScriptedLine
from tests.conftest import CLINIC

WANT = {
    "01-happy-path": None,
    "02-asks-for-a-person": (1, Kind.EXPLICIT_REQUEST, "reception", State.WRAPPED),
    "03-slow-anger": (7, Kind.ANGER, "office_manager", State.WRAPPED),
    "04-worsening-pain": (7, Kind.PAIN, "on_call", State.WRAPPED),
    "05-billing-question": (3, Kind.FENCED, "office_manager", State.RETURNED),
    "06-nobody-there": (3, Kind.EXPLICIT_REQUEST, None, State.PROMISED),
    "07-three-in-the-morning": (3, Kind.RED_FLAG, "nurse", State.WRAPPED),
    "08-going-in-circles": (4, Kind.STUCK, "reception", State.WRAPPED),
}
TRANSCRIPTS = read_transcripts(CLINIC / "transcripts")


def test_every_transcript_has_an_expectation():
    """No transcript goes unchecked."""
    assert {transcript.name for transcript in TRANSCRIPTS} == set(WANT)


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda transcript: transcript.name)
async def test_a_transcript_ends_as_meant(transcript, clinic, tmp_path):
    """When it escalates, why, who comes, and how it stands at the end."""
    clock, phone = FrozenClock(), ScriptedLine()
    engine = EmbeddedEngine({"default": clinic}, SqliteStore(tmp_path / "c.db"), clock=clock, lines={"voice": phone}, manual=True)
    async with engine:
        player = Player(engine, clock, phone, clinic.business.timezone)
        moments = [moment async for moment in player.play(transcript)]
        handoff = await player.handoff(transcript)
    first = next((moment.decision for moment in moments if moment.decision.action is Action.ESCALATE), None)
    if WANT[transcript.name] is None:
        assert first is None
        return
    turn, trigger, responder, state = WANT[transcript.name]
    assert (first.turn, first.trigger) == (turn, trigger)
    assert (handoff.responder, handoff.state) == (responder, state)
