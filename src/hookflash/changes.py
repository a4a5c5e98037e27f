"""What the engine needs to know of turns and steps before it writes them. Pure."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hookflash.cards import mask_cards
from hookflash.errors import SequenceError
from hookflash.model import (
    Alert,
    ClearTimers,
    Command,
    Conversation,
    Customer,
    Decision,
    DeliverBrief,
    Handoff,
    HistoryTurn,
    Kind,
    Ring,
    Say,
    SetTimer,
    State,
    StopRinging,
    Turn,
    TurnRecord,
    Urgency,
)
from hookflash.model.conversation import identities_of
from hookflash.ports import Change, Tombstone

# Handoffs in which nobody is being got hold of now.
RESTING = (State.PROMISED, State.OVERDUE, State.ABANDONED)
OUTGOING = (DeliverBrief, Ring, StopRinging, Say, Alert)


def handoff_id(tenant: str, conversation: str, turn: int, now: datetime) -> str:
    """Return the id of the handoff that a turn requests at an instant; no other turn anywhere requests the same."""
    digest = hashlib.sha256(f"{tenant}\x00{conversation}\x00{turn}\x00{now.isoformat()}".encode()).hexdigest()
    return f"ho-{digest[:16]}"


def first_decision(kept: TurnRecord, turn: Turn) -> Decision:
    """Return the decision kept for a turn sent again. Raises `SequenceError` if it now says something else."""
    before = kept.turn
    again = (turn.speaker, turn.draft, mask_cards(turn.text), turn.dtmf and mask_cards(turn.dtmf))
    if again != (before.speaker, before.draft, before.text, before.dtmf):
        name = f"seq {turn.seq}" if turn.key is None else "this key"
        raise SequenceError(f"{name} was already used for another turn of this conversation; use a new one")
    return kept.decision


def beginning_anew(conversation: Conversation, stone: Tombstone, seq: int | None) -> Conversation:
    """Return a conversation after its erasure. Its turns may go on by the numbers that they had, or begin with 1."""
    last_seq = stone.last_seq if (seq or 1) > 1 else None
    return conversation.model_copy(update={"version": stone.version, "begins_after": stone.version, "last_seq": last_seq})


def require_next(turn: Turn, conversation: Conversation) -> None:
    """Raise `SequenceError` for a turn whose number is not the next one; turns without numbers come as they come."""
    following = (conversation.last_seq or 0) + 1
    if turn.seq is not None and turn.seq != following:
        raise SequenceError(
            f"turn {turn.seq} of this conversation is out of order: the next one is {following}; send the missing turns first"
        )


def sets_off(decision: Decision, conversation: Conversation) -> bool:
    """Whether interim speech is worth acting on before the final words: a first reason, or a more urgent one."""
    if not decision.reasons:
        return False
    before = conversation.escalated
    return before is None or decision.reasons[0].urgency.rank > before.urgency.rank


def outside_the_count(record: TurnRecord) -> TurnRecord:
    """Leave `seq` and `key` to the final words, which come under the same."""
    return record.model_copy(update={"turn": record.turn.model_copy(update={"seq": None, "key": None})})


def calls_for_a_new_plan(decision: Decision, handoff: Handoff) -> bool:
    """Whether it became more urgent, or a customer who holds only a promise asks for a person again."""
    urgency = max((reason.urgency.rank for reason in decision.reasons), default=-1)
    asks = any(reason.trigger == Kind.EXPLICIT_REQUEST for reason in decision.reasons)
    return urgency > handoff.plan.urgency.rank or (asks and handoff.state in (State.PROMISED, State.OVERDUE))


def to_go_on_from(others: Sequence[Handoff], conversation: Conversation, decision: Decision) -> Handoff | None:
    """Return which of a customer's other open handoffs goes on in this conversation, if any.

    One that rings is left to ring, and one that is more urgent is not taken over by one that is less.
    """
    if conversation.customer.verified is False:
        return None
    urgency = (decision.urgency or Urgency.NORMAL).rank
    return next((one for one in others if one.state in RESTING and one.plan.urgency.rank <= urgency), None)


def crowd_noise(handoff: Handoff, customer: Customer, now: datetime) -> tuple[Alert, ...]:
    """Let it be known that a customer opens handoff after handoff: once for each customer and day."""
    if not handoff.crowded:
        return ()
    name = hashlib.sha256(f"{handoff.tenant}\x00{identities_of(customer)[0]}".encode()).hexdigest()[:16]
    what = f"the customer of {handoff.id} has many open handoffs; their work waits behind that of others"
    return (Alert(key=f"crowd:{name}:{now.date()}", what=what, routine=True),)


def said_so_far(conversation: Conversation, earlier: Sequence[HistoryTurn]) -> tuple[HistoryTurn, ...] | None:
    """Return everything said, from what an earlier brief tells and the turns remembered; None where there is a gap between."""
    told = earlier[-1].number if earlier else 0
    if conversation.turns[0].number > told + 1:
        return None
    since = (record for record in conversation.turns if record.number > told and not record.turn.draft)
    return (*earlier, *(HistoryTurn.of(record) for record in since))


def owned(conversation: Conversation, handoff: Handoff | None) -> Conversation:
    """Return the conversation with the owner that the state of its handoff gives it."""
    if handoff is None:
        return conversation
    if handoff.state.closed:
        gone = {"handoff": None, "escalated": None, "result": handoff.result, "fresh_from": conversation.spoken}
        return conversation.model_copy(update={"owner": handoff.state.owner, **gone})
    reasons = handoff.decision.reasons
    return conversation.model_copy(
        update={"owner": handoff.state.owner, "handoff": handoff.id, "escalated": reasons[0] if reasons else None}
    )


def change_of(tenant: str, now: datetime, commands: Sequence[Command], **parts: Any) -> Change:
    """Return what a step writes: its commands sorted into outgoing work and timers, and the other `parts`."""
    return Change(
        tenant=tenant,
        now=now,
        outbox=tuple(command for command in commands if isinstance(command, OUTGOING)),
        timers=tuple(command for command in commands if isinstance(command, SetTimer)),
        clear_timers=tuple(event for command in commands if isinstance(command, ClearTimers) for event in command.events),
        **parts,
    )
