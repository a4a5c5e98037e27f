"""Detectors that ask something outside: one file a kind. Off unless they are set up."""

from hookflash.detectors.openai_compatible import ModelDetector

__all__ = ["ModelDetector"]
