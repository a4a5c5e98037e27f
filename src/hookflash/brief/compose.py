"""Put the brief together from what was said and measured. Pure; the same conversation gives the same brief."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from hookflash.brief.entities import entities
from hookflash.brief.feeling import sentiment
from hookflash.brief.summary import summary, tried
from hookflash.matrix import Matrix
from hookflash.model import (
    Brief,
    Conversation,
    Customer,
    Decision,
    Entity,
    EntityKind,
    HistoryTurn,
    Kind,
    Speaker,
    Turn,
    Urgency,
)
from hookflash.signals.language import language_of

PHI = "phi"
_COMPLAINTS = (Kind.ANGER, Kind.FENCED, Kind.STUCK)


def compose(
    handoff: str,
    decision: Decision,
    conversation: Conversation,
    history: tuple[HistoryTurn, ...],
    matrix: Matrix,
    now: datetime,
) -> Brief:
    """Return the brief of a handoff. `conversation` and `history` include the turn that was decided on."""
    business = matrix.business
    last: Turn = conversation.turns[-1].turn
    parts = _parts(decision, conversation, history, matrix, now)
    customer = _with_facts(conversation.customer, parts.get("entities", ()))
    return Brief(
        handoff=handoff,
        conversation=conversation.id,
        tenant=conversation.tenant,
        revision=1,
        matrix=matrix.revision,
        business=business.name,
        channel=conversation.channel,
        created_at=now,
        reason_code=decision.trigger or Kind.EXPLICIT_REQUEST,
        severity=decision.urgency or Urgency.NORMAL,
        reasons=decision.reasons,
        signals=decision.signals,
        customer=customer,
        language=language_of(last, conversation, matrix),
        timezone=customer.timezone,
        verified=customer.verified,
        labels=(PHI,) if business.regulated == "hipaa" else (),
        **parts,
    )


def _parts(
    decision: Decision, conversation: Conversation, history: tuple[HistoryTurn, ...], matrix: Matrix, now: datetime
) -> dict[str, Any]:
    """Return the parts of the context that the matrix lets travel, and make no others."""
    business = matrix.business
    language = language_of(conversation.turns[-1].turn, conversation, matrix).partition("-")[0].lower()
    complaint = any(reason.trigger in _COMPLAINTS for reason in decision.reasons)
    made: dict[str, Callable[[], Any]] = {
        "summary": lambda: summary(history, decision.reasons, decision.turn),
        "history": lambda: history,
        "entities": lambda: entities(
            history, now=now, zone=business.timezone, country=business.country, complaint=complaint, language=language
        ),
        "sentiment": lambda: sentiment(conversation.said_by(Speaker.CUSTOMER)),
        "tried": lambda: tried(history, conversation.turns),
    }
    return {name: make() for name, make in made.items() if name in matrix.context}


def _with_facts(customer: Customer, facts: tuple[Entity, ...]) -> Customer:
    """Fill what the caller did not know of the customer with what the customer said."""
    said = {entity.kind: entity.normalised for entity in facts}
    found = Customer(name=said.get(EntityKind.NAME), phone=said.get(EntityKind.PHONE), email=said.get(EntityKind.EMAIL))
    return found.updated_by(customer)
