"""Shared property strategies."""

from datetime import UTC, datetime, time, timedelta

from hypothesis import strategies as st

from hookflash.model import DISTRESS, Calendar, Evidence, Kind, Signal, Span

ZONES = st.sampled_from(["UTC", "America/Chicago", "Europe/Madrid", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns"])
INSTANTS = st.integers(0, 366 * 24 * 60).map(lambda minute: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute))

_QUARTERS = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))


@st.composite
def days(draw: st.DrawFn) -> tuple[Span, ...]:
    """Openings of one day: at most two, in order, the last perhaps past midnight."""
    times = sorted(draw(st.lists(_QUARTERS, min_size=0, max_size=4, unique=True)))
    spans = [Span(start=start, end=end) for start, end in zip(times[::2], times[1::2], strict=False)]
    if len(times) == 3:
        spans.append(Span(start=times[2], end=times[0]))
    return tuple(spans)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Calendars of any zone, some with closed days."""
    closed = draw(st.frozensets(st.dates(datetime(2026, 1, 1).date(), datetime(2026, 12, 31).date()), max_size=4))
    return Calendar(zone=draw(ZONES), week=tuple(draw(days()) for _ in range(7)), closed=closed)


KINDS = st.sampled_from([*DISTRESS, Kind.SCOPE, Kind.FENCED, Kind.STUCK, Kind.CONFIDENCE, Kind.DETECTOR_FAILURE, Kind.EXPLICIT_REQUEST])


@st.composite
def signals(draw: st.DrawFn) -> Signal:
    """Any signal that a detector may report."""
    kind = draw(KINDS)
    topic = draw(st.sampled_from(["billing", "medical_advice", "legal"])) if kind == Kind.FENCED else None
    return Signal(kind=kind, score=draw(st.floats(0, 1)), evidence=(Evidence(text="x", turn=1),), topic=topic)
