"""The brief: composed from the conversation, never a bare transcript."""

from hookflash.brief.compose import compose

__all__ = ["compose"]
