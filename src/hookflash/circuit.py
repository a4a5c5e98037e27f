"""Whether a desk is worth asking. Pure: times are seconds of a steady clock, and are arguments.

A desk that failed several times in a row is left in peace; then one brief asks whether it is back.
"""

from dataclasses import dataclass

# One failure is an accident, and so may be two; the fifth in a row tells nothing new.
FAILURES = 5
# Long enough for a restart on the other side, short beside what a ladder waits.
REST_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Circuit:
    """How a desk has been doing."""

    failures: int = 0
    rests_until: float = 0.0

    @property
    def broken(self) -> bool:
        """Whether it failed too often in a row."""
        return self.failures >= FAILURES

    def wait(self, now: float) -> float:
        """Return how many seconds to leave it in peace."""
        return max(0.0, self.rests_until - now) if self.broken else 0.0

    def asked(self, now: float) -> "Circuit":
        """Return the circuit while an answer is awaited: where it is broken, nobody else asks meanwhile."""
        return Circuit(self.failures, now + REST_SECONDS) if self.broken else self

    def failed(self, now: float) -> "Circuit":
        """Return the circuit after a failure. After a success it is a new one."""
        return Circuit(self.failures + 1, now + REST_SECONDS)
