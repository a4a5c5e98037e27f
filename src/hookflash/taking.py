"""Taking work from the store: what was taken is known even if whoever wanted it is cancelled meanwhile."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Generic, TypeVar

from hookflash.errors import Retryable

T = TypeVar("T")


class Taking(Generic[T]):
    """One claim at a time, which goes on when its caller is cancelled, and is then found in `left`."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._claim: asyncio.Task[tuple[T, ...]] | None = None

    async def take(self, claim: Coroutine[Any, Any, tuple[T, ...]]) -> tuple[T, ...]:
        """Return what a claim takes. Raises what it raises."""
        self._claim = asyncio.get_running_loop().create_task(claim)
        taken = await asyncio.shield(self._claim)
        self._claim = None
        return taken

    async def left(self) -> tuple[T, ...]:
        """Return what was taken and reached nobody."""
        claim, self._claim = self._claim, None
        with suppress(Retryable):
            return await claim if claim is not None else ()
        return ()
