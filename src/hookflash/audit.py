"""The audit trail: every arrow of the flow leaves one line, with all that is needed to explain and replay it."""

import json
from collections.abc import Sequence
from datetime import datetime

from hookflash.model import Command, Conversation, Event, Handoff, State, TurnRecord
from hookflash.ports import AuditEntry


def of_decision(record: TurnRecord, conversation: Conversation, now: datetime) -> AuditEntry:
    """Return the entry of a decision: the turn as kept, every signal and reason, the matrix revision."""
    return AuditEntry(
        at=now,
        what=f"decided_{record.decision.action}",
        conversation=conversation.id,
        handoff=record.decision.handoff,
        document=record.model_dump_json(exclude_defaults=True),
    )


def of_step(before: State | None, event: Event | None, after: Handoff, commands: Sequence[Command], now: datetime) -> AuditEntry:
    """Return the entry of a step of a handoff: from where, by what, to where, and what was ordered."""
    document = {
        "from": before,
        "to": after.state,
        "event": event.model_dump(mode="json", exclude={"brief", "decision"}) if event else None,
        "commands": [command.model_dump(mode="json", exclude={"text", "whisper"}) for command in commands],
    }
    return AuditEntry(
        at=now,
        what=event.kind if event else "requested",
        conversation=after.conversation,
        handoff=after.id,
        document=json.dumps(document),
    )
