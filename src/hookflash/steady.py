"""The clock that nobody sets, for waits and deadlines within a process."""

import asyncio


def steady() -> float:
    """Return seconds since some instant; in a simulation they are the simulated loop's."""
    return asyncio.get_running_loop().time()
