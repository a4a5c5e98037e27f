"""Whether a desk is asked, and a day's promises in figures."""

from datetime import timedelta

from hookflash.circuit import FAILURES, REST_SECONDS, Circuit
from hookflash.model import Promise, PromiseEntry, State
from hookflash.summary import summary_of
from hookflash.testing.samples import AT, a_handoff


def test_a_desk_that_failed_often_rests_and_is_then_asked_once():
    """A few failures are everyday; after many it is left in peace, and one brief finds out whether it is back."""
    circuit = Circuit()
    for _ in range(FAILURES - 1):
        circuit = circuit.failed(10.0)
    assert circuit.asked(10.0) == circuit
    assert circuit.wait(10.0) == 0.0
    broken = circuit.failed(10.0)
    assert broken.broken
    assert broken.wait(12.0) == REST_SECONDS - 2.0
    later = 10.0 + REST_SECONDS
    assert broken.wait(later) == 0.0
    probing = broken.asked(later)
    assert probing.wait(later) == REST_SECONDS  # the others wait for what the first one finds
    assert probing.failed(later).broken


def test_a_day_in_figures():
    """What was made, kept, kept late, broken, tried and moved in the last day, and what stands open."""
    day = timedelta(days=1)

    def promised(state, made_at=AT, *log):
        promise = Promise(id="p", due=AT + day, made_at=made_at, by="tickets", state=state, log=log)
        return a_handoff(state=State.PROMISED).model_copy(update={"promise": promise, "changed_at": AT})

    tried = PromiseEntry(at=AT, what="attempted", who="Lena", word="no answer")
    moved = PromiseEntry(at=AT - 2 * day, what="rescheduled", who="Lena", word="later")
    handoffs = [
        promised("open", AT - 3 * day, tried, moved),
        promised("overdue"),
        promised("kept"),
        promised("late"),
        promised("broken"),
        a_handoff(),
    ]
    summary = summary_of(handoffs, AT - day, AT + day)
    assert (summary.made, summary.kept, summary.late, summary.broken) == (4, 1, 1, 1)
    assert (summary.attempted, summary.rescheduled, summary.open, summary.overdue) == (1, 0, 2, 1)
    assert str(summary).endswith("now open: 2, of which overdue: 1")
