"""The life of a handoff, as a table.

Rules:
- A handoff changes only by an event. Time, and every deadline, comes as an event too.
- No transition leads from `requested` to `ringing`: the brief comes first. For an immediate handoff the desk has
  two seconds; then the brief travels with the ring, and the record says `briefed_late`.
- Whoever declines, does not answer or cannot be reached, the next rung is tried; after the last comes a promise.
- An event that comes too late (an answer from a rung already given up) changes nothing. A move that a person orders
  and that the state does not allow is refused with `ForbiddenMove`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from hookflash import keeping, moves
from hookflash.errors import ForbiddenMove
from hookflash.matrix import Matrix
from hookflash.model import Event, Handoff, State
from hookflash.steps import Setting, Step


class Transition(NamedTuple):
    """What an event does in a state, and to which other states it may lead."""

    move: Callable[[Handoff, Any, Setting], Step]
    leads_to: tuple[State, ...] = ()


_ONWARD = (State.BRIEFED, State.PROMISED)
_AGAIN = (State.REQUESTED, *_ONWARD)
_ALWAYS = {
    "brief_delivered": Transition(moves.receipt_only),
    "brief_refused": Transition(moves.kept_here),
}
# A promise made before may still be open while the ladder is climbed anew.
_PROMISE_RUNS = {
    "promise_near": Transition(keeping.promise_near),
    "promise_due": Transition(keeping.promise_due),
}
_SUPERSEDED = {"superseded": Transition(moves.superseded, (State.WRAPPED,))}
# What people do about a promise, whether it is due or overdue.
_KEEPING = {
    "promise_kept": Transition(keeping.promise_kept, (State.KEPT,)),
    "promise_attempted": Transition(keeping.promise_attempted),
    "promise_assigned": Transition(keeping.promise_assigned),
    "promise_rescheduled": Transition(keeping.promise_rescheduled, (State.PROMISED,)),
    "promise_broken": Transition(keeping.promise_broken, (State.WRAPPED,)),
    **_SUPERSEDED,
}
# A desk may answer late: the record must tell every ticket there is.
_CLOSED = {"brief_delivered": Transition(moves.receipt_only)}
_TAKEN = {"accepted": Transition(moves.accepted, (State.CONNECTED,))}
_LEFT = {"customer_left": Transition(moves.customer_left, (State.PROMISED, State.ABANDONED))}

TRANSITIONS: Mapping[State, Mapping[str, Transition]] = {
    State.REQUESTED: {
        "brief_delivered": Transition(moves.brief_delivered, _ONWARD),
        "brief_refused": Transition(moves.brief_refused, _ONWARD),
        "brief_late": Transition(moves.brief_late, _ONWARD),
        "customer_spoke": Transition(moves.customer_spoke, _ONWARD),
        **_PROMISE_RUNS,
        **_LEFT,
    },
    State.BRIEFED: {
        **_ALWAYS,
        "ring_started": Transition(moves.ring_started, (State.RINGING,)),
        "ring_failed": Transition(moves.ring_failed, _AGAIN),
        "customer_spoke": Transition(moves.customer_spoke, _AGAIN),
        **_TAKEN,
        **_PROMISE_RUNS,
        **_LEFT,
    },
    State.RINGING: {
        **_ALWAYS,
        "ring_failed": Transition(moves.ring_failed, _AGAIN),
        "customer_spoke": Transition(moves.customer_spoke, _AGAIN),
        **_TAKEN,
        **_PROMISE_RUNS,
        **_LEFT,
    },
    State.CONNECTED: {
        **_ALWAYS,
        "accepted": Transition(moves.accepted_again),
        "customer_spoke": Transition(moves.more_context),
        "handed_back": Transition(moves.handed_back, (State.RETURNED,)),
        "wrapped_up": Transition(moves.wrapped_up, (State.WRAPPED,)),
    },
    State.PROMISED: {
        **_ALWAYS,
        "customer_spoke": Transition(moves.customer_spoke, _AGAIN),
        "promise_near": Transition(keeping.promise_near),
        "promise_due": Transition(keeping.promise_due, (State.OVERDUE,)),
        **_KEEPING,
        **_TAKEN,
    },
    State.OVERDUE: {
        **_ALWAYS,
        "customer_spoke": Transition(moves.customer_spoke, _AGAIN),
        "promise_due": Transition(keeping.promise_due),
        **_KEEPING,
        **_TAKEN,
    },
    State.ABANDONED: {
        **_ALWAYS,
        "customer_spoke": Transition(moves.came_back, _AGAIN),
        "wrapped_up": Transition(moves.wrapped_up, (State.WRAPPED,)),
        **_SUPERSEDED,
        **_TAKEN,
    },
    State.WRAPPED: _CLOSED,
    State.RETURNED: _CLOSED,
    State.KEPT: _CLOSED,
}
# Events that a person orders. In a state that does not know them they are refused, not passed over.
ORDERS = frozenset(
    {
        "accepted",
        "handed_back",
        "wrapped_up",
        "promise_kept",
        "promise_attempted",
        "promise_assigned",
        "promise_rescheduled",
        "promise_broken",
    }
)


def begin(handoff: Handoff, matrix: Matrix, now: datetime, *, earlier: Handoff | None = None) -> Step:
    """Return a handoff just requested, and what must be done about it: brief the desk, and not wait for it forever.

    `earlier` is an open handoff of the same customer from another conversation, which goes on in this one.
    """
    setting = Setting(matrix, now)
    return moves.approach(handoff, 0, setting) if earlier is None else moves.go_on_from(handoff, earlier, setting)


def step(handoff: Handoff, event: Event, matrix: Matrix, now: datetime, promised: int = 0) -> Step:
    """Return the handoff after an event, and the commands that follow. Raises `ForbiddenMove`.

    `promised` is how many promises to others the desk that would keep one has open already.
    """
    transition = TRANSITIONS[handoff.state].get(event.kind)
    if transition is None:
        if event.kind in ORDERS:
            raise ForbiddenMove(_refusal(handoff, event))
        return Step(handoff)
    after = transition.move(handoff, event, Setting(matrix, now, promised))
    if after.handoff is handoff:
        return after
    return Step(after.handoff.model_copy(update={"version": handoff.version + 1, "changed_at": now}), after.commands)


def _refusal(handoff: Handoff, event: Event) -> str:
    can = sorted(kind for kind in TRANSITIONS[handoff.state] if kind in ORDERS)
    mend = f"it can take: {', '.join(can)}" if can else "there is nothing to order in this state"
    return f"handoff {handoff.id} is {handoff.state} and cannot take {event.kind}; {mend}"


def diagram() -> str:
    """Return the table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.REQUESTED}"]
    for state, transitions in TRANSITIONS.items():
        for kind, transition in transitions.items():
            lines += [f"    {state} --> {target}: {kind}" for target in transition.leads_to if target is not state]
        if state.closed:
            lines.append(f"    {state} --> [*]")
    return "\n".join(lines)
