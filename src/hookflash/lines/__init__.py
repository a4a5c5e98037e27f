"""Lines: what carries the talk between customer and responder. One file a kind."""

from hookflash.lines.chat import ChatLine

__all__ = ["ChatLine"]
