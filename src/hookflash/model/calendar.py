"""Opening hours as data; `hookflash.hours` computes with them."""

from datetime import date, time

from hookflash.model.base import Frozen


class Span(Frozen):
    """An opening on one weekday in local wall time; it runs into the next day when `end` is not after `start`."""

    start: time
    end: time

    @property
    def crosses_midnight(self) -> bool:
        """Whether it ends on the following day."""
        return self.end <= self.start


class Calendar(Frozen):
    """When somebody is there: seven weekdays (Monday first) of spans, less holidays and closed days."""

    zone: str
    week: tuple[tuple[Span, ...], ...]
    holidays: str | None = None
    """A country, or country and subdivision, as in `US-IL`."""
    closed: frozenset[date] = frozenset()
    always: bool = False
