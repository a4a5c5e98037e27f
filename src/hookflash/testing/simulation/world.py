"""The world outside: desks that fail and lie, lines whose responders do as they like, customers who send again until they are heard."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from hookflash.errors import DeliveryFailed, DeliveryRefused, ForbiddenMove, InputError, Retryable
from hookflash.model import (
    Accepted,
    Brief,
    Customer,
    Decision,
    HandedBack,
    Handoff,
    PromiseAttempted,
    PromiseKept,
    PromiseRescheduled,
    Receipt,
    RingFailed,
    Rung,
    State,
    Turn,
    WrappedUp,
)
from hookflash.testing.simulation.process import BEGINNING, Process

Ask = Callable[[], Process]


class SimulatedDesk:
    """A desk that may be slow, fail before or after it has taken a brief, hang, and refuse. It keeps the contract of keys."""

    def __init__(self, name: str, chance: random.Random, trouble: float, shown: list[tuple[str, str, int]]) -> None:
        """`trouble` is the share of calls that go wrong; `shown` is the ledger of (key, handoff, revision)."""
        self._name, self._chance, self.trouble, self._shown = name, chance, trouble, shown
        self._receipts: dict[str, Receipt] = {}

    async def deliver(self, brief: Brief, key: str) -> Receipt:
        """See `Desk`."""
        chance = self._chance
        await asyncio.sleep(chance.uniform(0.01, 0.5))
        goes_wrong = chance.random() < self.trouble
        how = chance.choice(("before", "after", "hangs", "refuses", "slow")) if goes_wrong else "well"
        if how == "before":
            raise DeliveryFailed("the desk does not answer")
        if how == "refuses" and chance.random() < 0.2:
            raise DeliveryRefused("the desk wants no such brief")
        if how == "hangs":
            await asyncio.sleep(60)
        if how == "slow":
            await asyncio.sleep(chance.uniform(1, 9))
        if key not in self._receipts:
            self._shown.append((key, brief.handoff, brief.revision))
            self._receipts[key] = Receipt(desk=self._name, ticket=f"T-{brief.handoff}", key=key, at=BEGINNING)
        if how == "after":
            raise DeliveryFailed("the answer was lost")
        return self._receipts[key]


class SimulatedLine:
    """A line to responders, who accept, decline, let it ring, or are out; and to customers, whose screen it writes on."""

    def __init__(self, world: "World", chance: random.Random, trouble: float) -> None:
        """Act in a world."""
        self._world, self._chance, self.trouble = world, chance, trouble
        self._keys: set[str] = set()

    async def ring(self, handoff: Handoff, rung: Rung, whisper: str, key: str) -> None:
        """See `Line`."""
        await self._moment()
        if key in self._keys:
            return
        self._keys.add(key)
        self._world.rung(handoff, rung, key)

    async def stop(self, handoff: Handoff, rung: Rung, key: str) -> None:
        """See `Line`."""
        await self._moment()

    async def say(self, handoff: Handoff, text: str, key: str) -> None:
        """See `Line`."""
        await self._moment()
        if key not in self._keys:
            self._keys.add(key)
            self._world.said[handoff.id].append(text)

    async def _moment(self) -> None:
        await asyncio.sleep(self._chance.uniform(0.0, 0.3))
        if self._chance.random() < self.trouble:
            raise DeliveryFailed("the line is out of order")


class World:
    """Everything outside, and the ledger of what it saw."""

    def __init__(self, chance: random.Random, ask: Ask, trouble: float) -> None:
        """`ask` gives a process to send something to."""
        self.chance, self._ask = chance, ask
        self.shown: list[tuple[str, str, int]] = []
        self.said: defaultdict[str, list[str]] = defaultdict(list)
        self.alarms: list[str] = []
        self.acknowledged: dict[tuple[str, int], Decision] = {}
        self.problems: list[str] = []
        self.at_work: set[asyncio.Task[Any]] = set()
        desks = random.Random(chance.random())
        self.desks = {name: SimulatedDesk(name, desks, trouble, self.shown) for name in ("crm", "tickets")}
        self.desks["builtin"] = SimulatedDesk("builtin", desks, 0.0, self.shown)
        self.line = SimulatedLine(self, random.Random(chance.random()), trouble / 4)

    async def alarm(self, handoff: str, what: str) -> None:
        """Hear noise."""
        self.alarms.append(what)

    def begin(self, work: Any) -> None:
        """Let something go on by itself."""
        task = asyncio.get_running_loop().create_task(work)
        self.at_work.add(task)
        task.add_done_callback(self.at_work.discard)

    def rung(self, handoff: Handoff, rung: Rung, key: str) -> None:
        """Note a ring, check that the brief went before it, and let the responder do as they like."""
        if not handoff.briefed_late and not (handoff.receipt_of(rung.desk) or handoff.receipt_of("builtin")):
            self.problems.append(f"{handoff.id} rang {rung.responder} without a brief")
        self.begin(self._answer(handoff.id, rung, key))

    async def _answer(self, handoff: str, rung: Rung, key: str) -> None:
        await asyncio.sleep(self.chance.uniform(0.5, 25))
        does = self.chance.choice(("accepts", "accepts", "declines", "voicemail", "nothing"))
        if does == "accepts":
            if await self.order(handoff, Accepted(responder=rung.responder)):
                await asyncio.sleep(self.chance.uniform(1, 60))
                ends = self.chance.choice((WrappedUp(disposition="done"), HandedBack(result="done")))
                await self.order(handoff, ends)
        elif does != "nothing":
            await self.order(handoff, RingFailed(key=key, answer=does))

    async def order(self, handoff: str, event: Any) -> bool:
        """Send an event until some process takes it; return whether it was allowed."""
        for _ in range(200):
            process = self._ask()
            task = process.spawn(process.engine.apply(handoff, event))
            try:
                await task
                return True
            except ForbiddenMove:
                return False
            except (Retryable, asyncio.CancelledError):
                await asyncio.sleep(self.chance.uniform(0.2, 1.5))
        self.problems.append(f"nobody took {event.kind} of {handoff}")
        return False

    async def converse(self, name: str, turns: Sequence[str], known: str | None) -> None:
        """Be a customer: say one thing after another, each until it is acknowledged. Who is `known` comes at any time."""
        customer = Customer(id=known) if known else None
        await asyncio.sleep(self.chance.uniform(0, 60) if known else 0)
        for number, text in enumerate(turns, start=1):
            await asyncio.sleep(self.chance.uniform(0.1, 30))
            turn = Turn(conversation=name, speaker="customer", text=text, language="en", seq=number, customer=customer)
            try:
                self.acknowledged[name, number] = await self._until_heard(turn)
            except InputError as error:
                self.problems.append(f"turn {number} of {name} was refused: {error}")
                return

    async def _until_heard(self, turn: Turn) -> Decision:
        for _ in range(500):
            process = self._ask()
            task = process.spawn(process.engine.observe(turn))
            try:
                async with asyncio.timeout(self.chance.uniform(2, 8)):
                    decision: Decision = await asyncio.shield(task)
                    return decision
            except (Retryable, asyncio.CancelledError, TimeoutError):
                await asyncio.sleep(self.chance.uniform(0.1, 1.5))
        raise RuntimeError(f"turn {turn.seq} of {turn.conversation} was never heard")

    async def keep_promises(self, handoffs: Sequence[Handoff]) -> None:
        """Be the team behind a desk: keep promises, in time or late, after tries in vain; move some; forget others."""
        for handoff in handoffs:
            if handoff.promise is None or handoff.state not in (State.PROMISED, State.OVERDUE):
                continue
            does = self.chance.choice(("keep", "keep", "try", "move", "forget"))
            if does == "try":
                await self.order(handoff.id, PromiseAttempted(by="Lena", what="no answer"))
            elif does == "move":
                due = handoff.promise.due + timedelta(minutes=self.chance.randint(2, 10))
                await self.order(handoff.id, PromiseRescheduled(due=due, by="Lena", word="later"))
            elif does == "keep":
                await self.order(handoff.id, PromiseKept(result="called"))
