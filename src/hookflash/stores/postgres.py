"""The store on PostgreSQL, which others can replicate and back up. Any number of processes may work on one database."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event, Thread
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import QueuePool

from hookflash.errors import ConfigError, HookflashError, StoreForeign, StoreUnavailable, VersionConflict
from hookflash.ports import Change
from hookflash.stores.migrate import bring_up_to_date, revision_of
from hookflash.stores.sql import SqlStore
from hookflash.stores.worker import ended
from hookflash.stores.writes import write

# How long a statement that only reads, or a wait for a lock, may take before the caller is told.
STATEMENT_MS, LOCK_MS = 10_000, 8_000
# A process that was frozen within a transaction is thrown out, before those who wait for its locks give up.
IDLE_MS = 4_000
CONNECT_SECONDS = 5
# A connection whose other end is gone without a word is given up after this.
DEAD_CONNECTION_MS, KEEPALIVE_SECONDS = 10_000, 3
# Serialization failures and deadlocks: somebody else was first, and the step is to be repeated.
_CONFLICTS = ("40001", "40P01")
# Held while the tables are brought up to date, so that servers that start together do so one after another.
_MIGRATION_LOCK = 0x686F6F6B
CHANNEL = "hookflash_work"
_LISTEN_SECONDS = 1.0


class PostgresStore(SqlStore):
    """Keeps everything in one PostgreSQL database."""

    def __init__(self, url: str, *, serve: bool = True, mend: bool = False, own_clock: bool = True) -> None:
        """Open the database. `serve=False` looks only, or with `mend` writes as well and changes no tables.

        With `own_clock=False` leases run by the callers' clock and not by the database's.

        Raises `ConfigError` for an address that cannot be read, `StoreTooNew` where a newer hookflash wrote it,
        `StoreForeign` where it is somebody else's, `StoreUnavailable` where it cannot be reached or written.
        """
        self.where = _without_password(url)
        self.lease_clock = "database" if own_clock else "caller"
        self._closing = Event()
        self._listener: Thread | None = None
        self._listen_on = _connect(url, self.where, read_only=True, autocommit=True)
        writing = _connect(url, self.where, read_only=not (serve or mend))
        reading = _connect(url, self.where, read_only=True, autocommit=True)
        try:
            with writing.begin() as connection:
                self._prepare(connection, serve=serve)
        except (DBAPIError, HookflashError) as error:
            writing.dispose()
            raise self._translate(error) from None
        super().__init__(writing, reading, self._translate)

    def _prepare(self, connection: Connection, *, serve: bool) -> None:
        if serve:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            bring_up_to_date(connection, self.where)
        found = revision_of(connection, self.where)
        if found is None:
            raise StoreForeign(f"{self.where} holds nothing of hookflash yet; start `hookflash serve` with it")
        self.revision = found

    def listen(self, wake: Callable[[], None]) -> None:
        """See `Store`."""
        self._listener = Thread(target=self._hear, args=(wake,), name="store-listener", daemon=True)
        self._listener.start()

    def _hear(self, wake: Callable[[], None]) -> None:
        """Wait for notices until the store is closed. One that is missed costs no more than the couriers' next look."""
        while not self._closing.is_set():
            with suppress(Exception), self._listen_on.connect() as pooled:  # whatever it is, the next try may do
                connection: Any = pooled.connection.driver_connection
                connection.execute(f"LISTEN {CHANNEL}")
                while not self._closing.is_set():
                    for _ in connection.notifies(timeout=_LISTEN_SECONDS, stop_after=1):
                        wake()
            self._listen_on.dispose()  # the next try begins with a new connection
            self._closing.wait(_LISTEN_SECONDS)

    def _write_changes(self, connection: Connection, changes: Sequence[Change]) -> None:
        write(connection, changes)
        if any(change.outbox for change in changes):
            connection.execute(text(f"NOTIFY {CHANNEL}"))

    async def close(self) -> None:
        """See `Store`."""
        self._closing.set()
        listener = [ended(self._listener)] if self._listener is not None else []
        await asyncio.gather(super().close(), *listener)
        self._listen_on.dispose()

    def _translate(self, error: Exception) -> Exception:
        if isinstance(error, IntegrityError):
            return VersionConflict("somebody else wrote first")
        if not isinstance(error, DBAPIError):
            return error
        if getattr(error.orig, "sqlstate", None) in _CONFLICTS:
            return VersionConflict("somebody else wrote at the same time")
        why = type(error.orig).__name__  # its words may quote rows
        if error.connection_invalidated:
            mend = "It is not known whether it was accepted: send it again under the same seq or key"
            return StoreUnavailable(f"the connection to {self.where} was lost ({why}). {mend}.")
        return StoreUnavailable(f"{self.where} cannot be used ({why}); nothing was accepted. Check that it runs and takes connections.")


def _connect(url: str, where: str, *, read_only: bool, autocommit: bool = False) -> Engine:
    """Return an engine for any address that PostgreSQL's own tools take, those with several hosts included.

    With `autocommit` every statement stands alone, which spares the messages that begin and end a transaction. Who writes
    has no time limit for a statement: a commit that waits for a synchronous replica must not be reported before it is there.
    Locks and dead connections have limits of their own.
    """
    options = f"-c lock_timeout={LOCK_MS} -c idle_in_transaction_session_timeout={IDLE_MS} -c synchronous_commit=on -c timezone=UTC"
    if read_only:
        options += f" -c statement_timeout={STATEMENT_MS}"
    try:
        import psycopg
    except ModuleNotFoundError:
        raise ConfigError("PostgreSQL needs its driver; install it with `pip install 'hookflash[postgres]'`") from None

    def connect() -> Any:
        connection = psycopg.connect(
            url,
            connect_timeout=CONNECT_SECONDS,
            tcp_user_timeout=DEAD_CONNECTION_MS,
            keepalives_idle=KEEPALIVE_SECONDS,
            keepalives_interval=KEEPALIVE_SECONDS,
            keepalives_count=3,
            options=options,
            autocommit=True,
        )
        if read_only:  # not among the options: an address may ask for a server that takes writes
            connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        connection.autocommit = autocommit
        return connection

    try:
        psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ConfigError(f"{where} is not the address of a database; write postgresql://user@host/name") from None
    level = {"isolation_level": "AUTOCOMMIT"} if autocommit else {}
    return create_engine("postgresql+psycopg://", creator=connect, poolclass=QueuePool, pool_size=1, max_overflow=0, **level)


def _without_password(url: str) -> str:
    """Return what a database is called in messages: its host, name and user, and nothing else of its address."""
    try:
        from psycopg.conninfo import conninfo_to_dict

        parts = conninfo_to_dict(url)
    except Exception:  # noqa: BLE001 - the address is refused later, and must not stand in a traceback
        return "the database URL"
    user = f"{parts['user']}@" if parts.get("user") else ""
    return f"postgresql://{user}{parts.get('host') or ''}/{parts.get('dbname') or ''}"
