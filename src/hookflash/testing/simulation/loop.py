"""An event loop on a clock of its own: nothing waits, and the same program takes the same steps every time."""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any


class _Selector(selectors.SelectSelector):
    """Instead of waiting, lets the loop's clock go on."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise RuntimeError("Bug! everything waits, and nothing is left that could happen")
        self.seconds += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is counted, not measured. What is handed to threads is done in line."""

    def __init__(self) -> None:
        """Begin at nought."""
        self._counting = _Selector()
        super().__init__(self._counting)

    def time(self) -> float:
        """Return the seconds that have gone by."""
        return self._counting.seconds

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        """Do at once what would be done in a thread."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it belongs to whoever awaits it
            future.set_exception(error)
        return future
