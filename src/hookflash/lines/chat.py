"""The chat line: the host application shows our messages and offers the handoff; responders answer through the API.

Ringing here is an invitation that responders see in `hookflash handoffs` and `GET /v1/handoffs?state=ringing`; they
take it with `POST /v1/handoffs/{id}/accept`. What we say is kept until the host fetches it from
`GET /v1/conversations/{id}/messages`.
"""

from hookflash.model import Handoff, Rung
from hookflash.ports import Clock, Store


class ChatLine:
    """Carries a chat through the store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Messages are kept in `store`."""
        self._store = store
        self._clock = clock

    async def ring(self, handoff: Handoff, rung: Rung, whisper: str, key: str) -> None:
        """See `Line`. The handoff itself, in state `ringing`, is the invitation."""

    async def stop(self, handoff: Handoff, rung: Rung, key: str) -> None:
        """See `Line`. The invitation ends with the state."""

    async def say(self, handoff: Handoff, text: str, key: str) -> None:
        """See `Line`."""
        await self._store.put_message(handoff.tenant, handoff.conversation, text, key, self._clock.now())
