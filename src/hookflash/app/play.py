"""Play a transcript through a real engine on a clock of its own: nothing waits, everything happens."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from hookflash.app.transcripts import Line, Transcript
from hookflash.app.wiring import EmbeddedEngine
from hookflash.model import Action, Customer, Decision, Handoff, Speaker, State, Turn
from hookflash.testing import FrozenClock, ScriptedLine

ACCEPTS, NO_ANSWER = "accepts", "no answer"
# A responder takes this long to answer.
PICK_UP = timedelta(seconds=6)


@dataclass(frozen=True, slots=True)
class Moment:
    """One line said, what was decided on it, and what the customer was told since the line before."""

    turn: Turn
    decision: Decision
    handoff: Handoff | None
    told: tuple[str, ...]


class Player:
    """Plays transcripts through an engine that is opened with `manual=True`, and answers for the responders."""

    def __init__(self, engine: EmbeddedEngine, clock: FrozenClock, phone: ScriptedLine, zone: str) -> None:
        """`phone` is the engine's voice line; `zone` the business' time zone."""
        self._engine = engine
        self._clock = clock
        self._phone = phone
        self._zone = zone

    async def play(self, transcript: Transcript) -> AsyncIterator[Moment]:
        """Yield what happens, line by line, and at the end what came of the handoff."""
        self._clock.set(transcript.starts_at(self._zone))
        customer = transcript.customer
        for line in transcript.turns:
            yield await self._say(transcript, line, customer)
            customer = None
        await self._end(transcript)
        for line in transcript.then:
            yield await self._say(transcript, line, None)

    async def handoff(self, transcript: Transcript) -> Handoff | None:
        """Return the handoff of a transcript, if there was one."""
        found = await self._engine.store.handoffs("default", limit=1_000)
        return next((one for one in found if one.conversation == transcript.name), None)

    async def _say(self, transcript: Transcript, line: Line, customer: Customer | None) -> Moment:
        self._clock.advance(line.after)
        heard = await self._heard(transcript)
        turn = line.turn(transcript.name, transcript.channel, None, self._clock.now(), customer)
        if turn.speaker is Speaker.ASSISTANT and await self._is_handed_over(transcript):
            turn = turn.model_copy(update={"draft": True})  # a host asks first, and is told to stay silent
        decision = await self._engine.observe(turn)
        if decision.action is Action.ESCALATE:
            await self._settle(transcript)
        told = tuple(filter(None, [decision.say])) + (await self._heard(transcript))[len(heard) :]
        return Moment(turn, decision, await self.handoff(transcript), told)

    async def _is_handed_over(self, transcript: Transcript) -> bool:
        handoff = await self.handoff(transcript)
        return handoff is not None and not handoff.state.closed

    async def _heard(self, transcript: Transcript) -> tuple[str, ...]:
        """Return everything the customer was told so far."""
        spoken = [text for conversation, text in self._phone.said if conversation == transcript.name]
        written = await self._engine.store.messages("default", transcript.name, 0)
        return (*spoken, *(message.text for message in written))

    async def _settle(self, transcript: Transcript) -> None:
        """Let couriers and responders work until nobody rings any more."""
        await self._engine.courier.drain()
        while (handoff := await self.handoff(transcript)) and handoff.state is State.RINGING:
            assert handoff.rung is not None
            rung = handoff.plan.ladder[handoff.rung]
            await self._answer(handoff, rung.responder, transcript.responders.get(rung.responder, NO_ANSWER), rung.ring_for)
            await self._engine.courier.drain()

    async def _answer(self, handoff: Handoff, responder: str, answer: str, ring_for: timedelta) -> None:
        if answer == ACCEPTS:
            self._clock.advance(PICK_UP)
            await self._engine.accept(handoff.id, responder)
        elif answer == NO_ANSWER:
            self._clock.advance(ring_for)
            await self._engine.watchman.round()
        else:
            self._clock.advance(PICK_UP)
            await self._engine.decline(handoff.id, answer.removeprefix("declined: "))

    async def _end(self, transcript: Transcript) -> None:
        handoff = await self.handoff(transcript)
        if handoff is None or handoff.state is not State.CONNECTED:
            return
        self._clock.advance(timedelta(minutes=4))
        if transcript.ends.hand_back is not None:
            await self._engine.hand_back(handoff.id, transcript.ends.hand_back)
        elif transcript.ends.wrap_up is not None:
            await self._engine.wrap_up(handoff.id, transcript.ends.wrap_up)
