"""Who is let in next, when more turns come than can be decided on at a time.

Turns of one conversation stay in order, and one of them is decided on at a time. Danger goes before everything else, but
for every fourth place, so that no flood of it keeps the others out. Within each, tenants take turns, and within a tenant
its callers: whoever sends much waits behind their own, not before others. A conversation in which danger waits goes first as
a whole.
"""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Generic, NamedTuple, TypeVar

from hookflash.signals.urgent import Pressing

T = TypeVar("T")
# Of so many turns let in while danger waits, one is of the others.
DANGER_IN_A_ROW = 3
# What a turn costs of its caller's fair share: somebody who asks for a person waits a quarter of the rounds.
COST = {Pressing.DANGER: 1, Pressing.REQUEST: 1, Pressing.ORDINARY: 4}


class _Waiting(NamedTuple):
    pressing: Pressing
    admitted: "asyncio.Future[None]"


@dataclass
class _Conversation:
    tenant: Hashable
    caller: Hashable
    waiting: deque[_Waiting] = field(default_factory=deque)
    how_many: Counter[Pressing] = field(default_factory=Counter)
    in_hand: bool = False
    ticket: int = 0
    """Its one valid ticket in a queue; it draws a new one when something more pressing comes."""

    @property
    def pressing(self) -> Pressing:
        return next(how for how in Pressing if self.how_many[how])

    def add(self, one: _Waiting) -> bool:
        """Let one more wait; return whether that makes the conversation more pressing."""
        more = not self.waiting or one.pressing < self.pressing
        self.waiting.append(one)
        self.how_many[one.pressing] += 1
        return more

    def take_first(self) -> _Waiting:
        one = self.waiting.popleft()
        self.how_many[one.pressing] -= 1
        return one

    def drop(self, one: _Waiting) -> None:
        """Let one no longer wait, if its turn has not come already."""
        with suppress(ValueError):
            self.waiting.remove(one)
            self.how_many[one.pressing] -= 1


class _FairQueue(Generic[T]):
    """Things in the order in which they are due: the next of each source comes a round after the one before, or several."""

    def __init__(self) -> None:
        self._round = 0
        self._last: dict[Hashable, int] = {}
        self._entries: list[tuple[int, int, Hashable, T]] = []
        self._numbers = count()

    def add(self, source: Hashable, cost: int, thing: T) -> None:
        due = max(self._round, self._last.get(source, 0)) + cost
        self._last[source] = due
        heappush(self._entries, (due, next(self._numbers), source, thing))

    def next(self) -> T | None:
        if not self._entries:
            return None
        self._round, _, source, thing = heappop(self._entries)
        if self._last[source] == self._round:  # its last one; the next is due from now on anyhow
            del self._last[source]
        return thing


class _Queue:
    """Conversations that wait: tenants take turns, and within each its callers."""

    def __init__(self) -> None:
        self._tenants: _FairQueue[Hashable] = _FairQueue()
        self._callers: defaultdict[Hashable, _FairQueue[tuple[int, _Conversation]]] = defaultdict(_FairQueue)

    def add(self, conversation: _Conversation) -> None:
        cost = COST[conversation.pressing]
        self._callers[conversation.tenant].add(conversation.caller, cost, (conversation.ticket, conversation))
        self._tenants.add(conversation.tenant, cost, conversation.tenant)

    def next(self) -> _Conversation | None:
        """Take out the next conversation that still waits."""
        while (tenant := self._tenants.next()) is not None:
            found = self._callers[tenant].next()
            assert found is not None  # each has its entry in both
            ticket, conversation = found
            if ticket == conversation.ticket and conversation.waiting:
                return conversation
        self._callers.clear()
        return None


class Intake:
    """Lets a number of turns in at a time."""

    def __init__(self, places: int) -> None:
        """Take how many may be in hand at a time."""
        self._free = places
        self._conversations: dict[Hashable, _Conversation] = {}
        self._danger, self._others = _Queue(), _Queue()
        self._in_a_row = 0
        self._tickets = 0
        self.waiting: Counter[Pressing] = Counter()
        """How many turns wait to be let in, by how pressing they are."""

    def must_wait(self, conversation: Hashable) -> bool:
        """Return whether a turn of the conversation could not be let in at once."""
        return self._free <= 0 or conversation in self._conversations

    @asynccontextmanager
    async def place(self, tenant: Hashable, conversation: Hashable, caller: Hashable, pressing: Pressing) -> AsyncIterator[None]:
        """Wait to be let in, and hold the place. A conversation is named apart from those of other tenants."""
        own = self._conversations.setdefault(conversation, _Conversation(tenant, caller))
        if own.in_hand or own.waiting or self._free <= 0:
            await self._wait(conversation, own, pressing)
        else:
            self._take(own)
        try:
            yield
        finally:
            self._leave(conversation, own)

    async def _wait(self, conversation: Hashable, own: _Conversation, pressing: Pressing) -> None:
        one = _Waiting(pressing, asyncio.get_running_loop().create_future())
        self.waiting[pressing] += 1
        if own.add(one) and not own.in_hand:
            self._draw_ticket(own)
        try:
            await one.admitted
        except asyncio.CancelledError:
            if one.admitted.cancelled():
                own.drop(one)
                self._tidy(conversation, own)
            else:  # let in and called off at the same moment
                self._leave(conversation, own)
            raise
        finally:
            self.waiting[pressing] -= 1

    def _draw_ticket(self, own: _Conversation) -> None:
        self._tickets += 1
        own.ticket = self._tickets
        queue = self._danger if own.pressing is Pressing.DANGER else self._others
        queue.add(own)

    def _take(self, own: _Conversation) -> None:
        own.in_hand = True
        self._free -= 1

    def _leave(self, conversation: Hashable, own: _Conversation) -> None:
        own.in_hand = False
        self._free += 1
        if own.waiting:
            self._draw_ticket(own)
        self._tidy(conversation, own)
        self._admit()

    def _tidy(self, conversation: Hashable, own: _Conversation) -> None:
        if not own.waiting and not own.in_hand and self._conversations.get(conversation) is own:
            del self._conversations[conversation]

    def _admit(self) -> None:
        """Let in as many as there are places."""
        while self._free > 0 and (own := self._next()) is not None:
            while own.waiting and not own.in_hand:
                one = own.take_first()
                if not one.admitted.cancelled():
                    self._take(own)
                    one.admitted.set_result(None)

    def _next(self) -> _Conversation | None:
        danger_first = self._in_a_row < DANGER_IN_A_ROW
        for queue in (self._danger, self._others) if danger_first else (self._others, self._danger):
            if (found := queue.next()) is not None:
                self._in_a_row = self._in_a_row + 1 if queue is self._danger else 0
                return found
        return None
