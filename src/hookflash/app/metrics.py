"""Metrics for Prometheus. Labels are names from the matrix and the code; nothing of a customer is among them."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from hookflash.model import Decision

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """What one server counts."""

    def __init__(self) -> None:
        """Begin at nought."""
        self._registry = CollectorRegistry()
        self._decisions = Counter(
            "hookflash_decisions", "Decisions by tenant, action and trigger.", ("tenant", "action", "trigger"), registry=self._registry
        )
        self._seconds = Histogram(
            "hookflash_observe_seconds", "Time from a turn's arrival to its durable decision.", buckets=_SECONDS, registry=self._registry
        )
        self._rows = Gauge("hookflash_rows", "Handoffs by state and outgoing work by state.", ("what",), registry=self._registry)
        self._refused = Counter("hookflash_overloaded", "Turns not taken for want of time.", ("tenant",), registry=self._registry)
        what = "Promises that are open, by whether their time has passed."
        self._promises = Gauge("hookflash_promises", what, ("state",), registry=self._registry)
        self._round_age = Gauge("hookflash_watchman_silence_seconds", "Time since the watchman's last round here.", registry=self._registry)

    def decided(self, tenant: str, decision: Decision, seconds: float) -> None:
        """Count a decision."""
        self._decisions.labels(tenant, decision.action.value, decision.trigger or "none").inc()
        self._seconds.observe(seconds)

    def refused(self, tenant: str) -> None:
        """Count a turn that was not taken because there was too much to do."""
        self._refused.labels(tenant).inc()

    def render(self, rows: Mapping[str, int], silence: float | None = None) -> bytes:
        """Return the text that Prometheus reads; `rows` are the store's counts, `silence` the watchman's, if one is here."""
        self._promises.labels("open").set(rows.get("handoffs_promised", 0))
        self._promises.labels("overdue").set(rows.get("handoffs_overdue", 0))
        if silence is not None:
            self._round_age.set(silence)
        self._rows.clear()
        for what, count in rows.items():
            self._rows.labels(what).set(count)
        return generate_latest(self._registry)
