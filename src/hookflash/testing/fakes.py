"""Fakes that keep state and keep the contracts: a line and a desk whose behaviour a test writes down."""

from collections.abc import Sequence

from hookflash.errors import DeliveryFailed, DeliveryRefused
from hookflash.model import Brief, Handoff, Receipt, Rung
from hookflash.ports import Clock


class ScriptedLine:
    """A line that remembers what it was told, once for each key, and can be out of order."""

    def __init__(self, *, broken: bool = False) -> None:
        """`broken=True` makes every ring fail."""
        self.broken = broken
        self.rung: list[tuple[str, str]] = []
        """(responder, whisper), in order."""
        self.said: list[tuple[str, str]] = []
        """(conversation, text), in order."""
        self.stopped: list[str] = []
        self._keys: set[str] = set()

    async def ring(self, handoff: Handoff, rung: Rung, whisper: str, key: str) -> None:
        """See `Line`."""
        if self.broken:
            raise DeliveryFailed("the line is out of order")
        if self._is_new(key):
            self.rung.append((rung.responder, whisper))

    async def stop(self, handoff: Handoff, rung: Rung, key: str) -> None:
        """See `Line`."""
        if self._is_new(key):
            self.stopped.append(rung.responder)

    async def say(self, handoff: Handoff, text: str, key: str) -> None:
        """See `Line`."""
        if self._is_new(key):
            self.said.append((handoff.conversation, text))

    def _is_new(self, key: str) -> bool:
        new = key not in self._keys
        self._keys.add(key)
        return new


class ScriptedDesk:
    """A desk that holds what it was given, after failing as often as it was told to."""

    def __init__(self, name: str, clock: Clock, failures: Sequence[Exception] = ()) -> None:
        """`failures` are raised, one a call, before the desk works."""
        self._name = name
        self._clock = clock
        self.failures = list(failures)
        self.tickets: dict[str, Brief] = {}
        """The latest brief of each handoff."""
        self.shown: list[tuple[str, int]] = []
        """(handoff, revision) as they were shown, in order."""
        self._receipts: dict[str, Receipt] = {}

    async def deliver(self, brief: Brief, key: str) -> Receipt:
        """See `Desk`."""
        if self.failures:
            raise self.failures.pop(0)
        if key not in self._receipts:
            self.tickets[brief.handoff] = brief
            self.shown.append((brief.handoff, brief.revision))
            number = list(self.tickets).index(brief.handoff) + 1
            self._receipts[key] = Receipt(desk=self._name, ticket=f"T{number}", key=key, at=self._clock.now())
        return self._receipts[key]


DOWN = DeliveryFailed("the desk is down")
REFUSED = DeliveryRefused("the desk refuses the brief")
