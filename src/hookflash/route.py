"""Decision + matrix + roster -> plan: who is asked, in what order; the last rung is always a promise."""

from collections.abc import Collection

from hookflash.matrix import Matrix, Nobody, Step
from hookflash.model import Channel, Decision, Plan, PromiseTerms, Rung, Urgency


def responders_of(decision: Decision, matrix: Matrix) -> tuple[str, ...]:
    """Return whom the decision's route would ring, in order."""
    return tuple(step.to for step in matrix.route_named(decision.route or "").ladder)


def route(decision: Decision, channel: Channel, matrix: Matrix, reachable: Collection[str]) -> Plan:
    """Return the plan for an escalation. Whoever the roster cannot reach is left out of the ladder."""
    chosen = matrix.route_named(decision.route or "")
    ladder = tuple(rung_of(step, channel, matrix) for step in chosen.ladder if step.to in reachable)
    return Plan(
        route=decision.route or "",
        urgency=decision.urgency or Urgency.NORMAL,
        ladder=ladder,
        promise=terms_of(chosen.nobody or matrix.nobody),
    )


def rung_of(step: Step, channel: Channel, matrix: Matrix) -> Rung:
    """Return a rung as it is rung for a customer on a channel; whoever has no line of that kind is reached by another."""
    responder = matrix.responders[step.to]
    addresses = responder.line.addresses()
    line = channel.value if channel.value in addresses else next(iter(addresses))
    return Rung(
        responder=step.to,
        hours=responder.hours,
        desk=responder.desk,
        line=line,
        address=addresses[line],
        ring_for=step.ring_for,
        transfer="warm" if step.warm else "cold",
    )


def terms_of(nobody: Nobody) -> PromiseTerms:
    """Return what is promised where nobody comes."""
    callback = nobody.callback
    return PromiseTerms(
        desk=nobody.desk, within=callback.within, hours=callback.hours, say=nobody.say, cap=callback.cap, per_hour=callback.per_hour
    )
