"""A day's promises in a few figures. Pure."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from hookflash.model import Frozen, Handoff


class PromiseSummary(Frozen):
    """What was promised between two instants, and what stands open at the second."""

    since: datetime
    until: datetime
    made: int
    kept: int
    late: int
    broken: int
    rescheduled: int
    attempted: int
    open: int
    overdue: int

    def __str__(self) -> str:
        """Render as one line, without a customer's words."""
        counted = f"{self.made} made, {self.kept} kept, {self.late} kept late, {self.broken} broken, {self.rescheduled} moved"
        return f"promises of the last day: {counted}; now open: {self.open}, of which overdue: {self.overdue}"


def summary_of(handoffs: Iterable[Handoff], since: datetime, until: datetime) -> PromiseSummary:
    """Return the summary of the handoffs that made a promise."""
    counts: Counter[str] = Counter()
    for handoff in handoffs:
        promise = handoff.promise
        if promise is None:
            continue
        if since <= promise.made_at < until:
            counts["made"] += 1
        if promise.state in ("kept", "late", "broken") and since <= handoff.changed_at < until:
            counts[promise.state] += 1
        counts.update(entry.what for entry in promise.log if since <= entry.at < until and entry.what in ("rescheduled", "attempted"))
        if promise.state in ("open", "overdue"):
            counts["open"] += 1
            counts["overdue"] += promise.state == "overdue"
    names = ("made", "kept", "late", "broken", "rescheduled", "attempted", "open", "overdue")
    return PromiseSummary(since=since, until=until, **{name: counts[name] for name in names})
