"""A clock that stands still until it is told to go on."""

from datetime import UTC, datetime, timedelta


class FrozenClock:
    """See `hookflash.ports.Clock`."""

    def __init__(self, at: datetime = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)) -> None:
        """Stand at an aware instant (a Tuesday, ten in the morning in Chicago, if none is given)."""
        self._now = at.astimezone(UTC)

    def now(self) -> datetime:
        """Return the instant at which the clock stands."""
        return self._now

    def set(self, at: datetime) -> None:
        """Stand at another instant."""
        self._now = at.astimezone(UTC)

    def advance(self, by: timedelta | float) -> None:
        """Go on by a length of time, or by seconds."""
        self._now += by if isinstance(by, timedelta) else timedelta(seconds=by)
