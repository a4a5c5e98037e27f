"""Rosters: who is reachable now."""

from hookflash.rosters.static import StaticRoster

__all__ = ["StaticRoster"]
