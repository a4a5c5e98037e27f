"""Desks: the systems of record that hold the brief as a ticket. One file a vendor."""

from hookflash.desks.builtin import BuiltinDesk
from hookflash.desks.webhook import WebhookDesk

__all__ = ["BuiltinDesk", "WebhookDesk"]
