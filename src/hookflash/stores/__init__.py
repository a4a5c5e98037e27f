"""Where everything is kept. `SqliteStore` is the embedded default."""

from hookflash.stores.sqlite import SqliteStore

__all__ = ["SqliteStore"]
