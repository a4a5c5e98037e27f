"""Promises that no calendar can ever keep, which must not even load."""

from collections.abc import Iterator
from datetime import UTC, datetime

from hookflash.hours import after_open_time
from hookflash.matrix.findings import Finding, Steps
from hookflash.matrix.routes import Nobody
from hookflash.matrix.schema import Matrix

# Any instant does: a calendar repeats itself within the year that is looked ahead.
_SOME_INSTANT = datetime(2026, 1, 1, tzinfo=UTC)


def promises_of(matrix: Matrix) -> Iterator[tuple[Steps, Nobody]]:
    """Yield every place where the matrix says what happens when nobody is there."""
    yield ("nobody",), matrix.nobody
    for number, route in enumerate(matrix.routes):
        if route.nobody is not None:
            yield ("routes", number, "nobody"), route.nobody


def unkeepable(matrix: Matrix) -> list[Finding]:
    """Return a finding for each promise whose opening time never adds up within a year."""
    mend = "shorten `within`, or name other hours"
    return [
        Finding("unkeepable-promise", (*path, "callback"), "there is not so much opening time in a year", mend)
        for path, nobody in promises_of(matrix)
        if after_open_time(matrix.calendars[nobody.callback.hours], _SOME_INSTANT, nobody.callback.within) is None
    ]
