"""The laws of the design that are about decisions, each for anything that may come."""

from hypothesis import given
from hypothesis import strategies as st

from hookflash.decide import decide as decide_at
from hookflash.matrix import load_matrix
from hookflash.model import Action, Conversation, Evidence, Kind, Owner, Signal, Turn
from hookflash.testing.samples import AT
from tests.conftest import CLINIC
from tests.strategies import signals


def decide(*about):
    """Decide on a Tuesday morning."""
    return decide_at(*about, AT)


MATRIX = load_matrix(CLINIC / "matrix.yaml")
CUSTOMER = st.builds(
    Turn,
    speaker=st.just("customer"),
    text=st.just("x"),
    channel=st.sampled_from(["chat", "voice"]),
    language=st.sampled_from([None, "en", "es", "xx"]),
)
STATES = st.builds(Conversation, id=st.just("c"), owner=st.sampled_from(Owner))
REQUEST = Signal(kind=Kind.EXPLICIT_REQUEST, score=0.5, evidence=(Evidence(text="agent", turn=1),))


def rank(decision):
    return -1 if decision.urgency is None else decision.urgency.rank


@given(st.lists(signals(), max_size=6), CUSTOMER, STATES)
def test_an_explicit_request_always_escalates(others, turn, conversation):
    """Law 1: whatever else is measured, wherever the conversation stands."""
    assert decide([*others, REQUEST], turn, conversation, MATRIX).action is Action.ESCALATE


@given(st.lists(signals(), max_size=6), signals(), CUSTOMER, STATES)
def test_one_more_signal_never_lowers_the_urgency(some, more, turn, conversation):
    """Law 2: a signal can only raise."""
    before, after = decide(some, turn, conversation, MATRIX), decide([*some, more], turn, conversation, MATRIX)
    assert rank(after) >= rank(before)
    assert not (before.action is Action.ESCALATE and after.action is Action.CONTINUE)


@given(st.lists(signals(), max_size=6), CUSTOMER, STATES)
def test_the_same_input_gives_the_same_decision(some, turn, conversation):
    """Law 8: a decision can be replayed."""
    assert decide(some, turn, conversation, MATRIX) == decide(some, turn, conversation, MATRIX)


@given(st.lists(signals(), max_size=6), CUSTOMER, STATES)
def test_every_escalation_explains_itself(some, turn, conversation):
    """Law 8: every reason has a rule, evidence and a route of the matrix."""
    decision = decide(some, turn, conversation, MATRIX)
    names = {MATRIX.route_name(route) for route in MATRIX.routes}
    assert all(reason.rule and reason.evidence and reason.route in names for reason in decision.reasons)
