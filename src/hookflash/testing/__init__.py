"""For your own tests: a clock that stands still, fakes that keep the contracts, and a conformance suite a port.

The suites are in `hookflash.testing.conformance`, which needs pytest.
"""

from hookflash.testing.clock import FrozenClock
from hookflash.testing.fakes import DOWN, REFUSED, ScriptedDesk, ScriptedLine

__all__ = ["DOWN", "REFUSED", "FrozenClock", "ScriptedDesk", "ScriptedLine"]
