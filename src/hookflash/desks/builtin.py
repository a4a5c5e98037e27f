"""The built-in desk: tickets in our own store. It is there whatever else is down."""

from hookflash.model import Brief, Receipt
from hookflash.ports import Clock, Store


class BuiltinDesk:
    """Keeps briefs as tickets in the store, one ticket for each handoff."""

    def __init__(self, name: str, store: Store, clock: Clock) -> None:
        """`name` is the desk's name in the matrix."""
        self._name = name
        self._store = store
        self._clock = clock

    async def deliver(self, brief: Brief, key: str) -> Receipt:
        """See `Desk`."""
        receipt = await self._store.put_ticket(brief, key, self._clock.now())
        return receipt.model_copy(update={"desk": self._name})
