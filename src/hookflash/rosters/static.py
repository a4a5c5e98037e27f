"""The static roster: everybody in the matrix is reachable during their hours."""

from collections.abc import Sequence
from datetime import datetime


class StaticRoster:
    """Knows only the matrix, whose hours the engine applies."""

    async def reachable(self, responders: Sequence[str], at: datetime) -> frozenset[str]:
        """See `Roster`."""
        return frozenset(responders)
