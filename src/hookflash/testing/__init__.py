"""For your own tests: a clock that stands still, fakes that keep the contracts, a simulation, and a conformance suite a port.

The suites are in `hookflash.testing.conformance`, which needs pytest.
"""

from hookflash.testing.clock import FrozenClock
from hookflash.testing.fakes import DOWN, REFUSED, ScriptedDesk, ScriptedLine
from hookflash.testing.proxy import FaultProxy, fault_proxy
from hookflash.testing.simulation import Outcome, simulate

__all__ = ["DOWN", "REFUSED", "FaultProxy", "FrozenClock", "Outcome", "ScriptedDesk", "ScriptedLine", "fault_proxy", "simulate"]
