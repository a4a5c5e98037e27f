"""A seeded simulation of the whole engine: `simulate(seed)`."""

from hookflash.testing.simulation.run import Outcome, simulate

__all__ = ["Outcome", "simulate"]
