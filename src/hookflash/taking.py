"""Taking work from the store: what was taken is known even if whoever wanted it is cancelled meanwhile."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any, Generic, TypeVar

from hookflash.errors import Retryable

# How long a database may take to take back what is left when everything stops.
GIVING_BACK = timedelta(seconds=2)

T = TypeVar("T")


class Taking(Generic[T]):
    """One claim at a time, which goes on when its caller is cancelled, and is then found in `left`."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._claim: asyncio.Task[tuple[T, ...]] | None = None

    async def take(self, claim: Coroutine[Any, Any, tuple[T, ...]]) -> tuple[T, ...]:
        """Return what a claim takes. Raises what it raises."""
        self._claim = asyncio.get_running_loop().create_task(claim)
        try:
            taken = await asyncio.shield(self._claim)
        except Exception:
            self._claim = None
            raise
        self._claim = None
        return taken

    async def left(self) -> tuple[T, ...]:
        """Return what was taken and reached nobody."""
        claim, self._claim = self._claim, None
        with suppress(Exception):
            return await claim if claim is not None else ()
        return ()


async def give_back(release: Coroutine[Any, Any, None]) -> None:
    """Let the store take back what is held. What it does not within a moment is free when its lease ends."""
    with suppress(Retryable, TimeoutError):
        async with asyncio.timeout(GIVING_BACK.total_seconds()):
            await release
