"""A brief and a handoff to begin with, for tests of adapters."""

from datetime import UTC, datetime, timedelta

from hookflash.model import (
    Action,
    Brief,
    Channel,
    Customer,
    Decision,
    Handoff,
    Plan,
    PromiseTerms,
    Rung,
    Sentence,
    State,
    Urgency,
)

AT = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)


def a_brief(*, handoff: str = "ho-1", revision: int = 1) -> Brief:
    """Return a small brief."""
    return Brief(
        handoff=handoff,
        conversation="c",
        tenant="default",
        revision=revision,
        matrix="m",
        business="Riverside Dental",
        channel=Channel.CHAT,
        created_at=AT,
        reason_code="explicit_request",
        severity=Urgency.NORMAL,
        reasons=(),
        customer=Customer(name="Ana Ruiz"),
        summary=(Sentence(text="Asked for a person: “Can I talk to someone?”", turn=1),),
    )


def a_handoff(*, version: int = 1, state: State = State.REQUESTED) -> Handoff:
    """Return a handoff with one rung to ring."""
    rung = Rung(responder="reception", hours="office", desk="clinic", line="chat", address="front", ring_for=timedelta(seconds=60))
    terms = PromiseTerms(desk="clinic", within=timedelta(hours=1), hours="office", say="nobody")
    decision = Decision(conversation="c", turn=1, action=Action.ESCALATE, trigger="explicit_request", matrix="m")
    return Handoff(
        id="ho-1",
        tenant="default",
        conversation="c",
        channel=Channel.CHAT,
        language="en",
        version=version,
        state=state,
        decision=decision,
        plan=Plan(route="routes[0]", urgency=Urgency.NORMAL, ladder=(rung,), promise=terms),
        brief=a_brief(),
        requested_at=AT,
        changed_at=AT,
    )
