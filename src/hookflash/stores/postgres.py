"""The store on PostgreSQL, which others can replicate and back up. One server at a time works on a database."""

from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.pool import QueuePool

from hookflash.errors import ConfigError, HookflashError, StoreForeign, StoreInUse, StoreUnavailable, VersionConflict
from hookflash.stores.migrate import bring_up_to_date, revision_of
from hookflash.stores.sql import SqlStore

# How long one statement, or a wait for a lock, may take before the caller is told.
STATEMENT_MS, LOCK_MS = 10_000, 5_000
CONNECT_SECONDS = 5
# PostgreSQL takes a moment to notice that the server before was killed.
CLAIM_MS = 3_000
# Serialization failures and deadlocks: somebody else was first, and the step is to be repeated.
_CONFLICTS = ("40001", "40P01")
_LOCK_NOT_AVAILABLE = "55P03"
# Held by the server that works on a database.
_SERVER_LOCK = 0x686F6F6B


class PostgresStore(SqlStore):
    """Keeps everything in one PostgreSQL database."""

    def __init__(self, url: str, *, serve: bool = True) -> None:
        """Open the database. `serve=False` looks only.

        Raises `ConfigError` for an address that cannot be read, `StoreInUse` where another server holds it,
        `StoreTooNew` where a newer hookflash wrote it, `StoreForeign` where it is somebody else's, `StoreUnavailable`
        where it cannot be reached or written.
        """
        self.where = _without_password(url)
        claiming, writing, reading = self._engines = [_connect(url, self.where, read_only=only) for only in (not serve, not serve, True)]
        self._claim: Connection | None = None
        try:
            if serve:
                self._claim = self._claimed(claiming)
            with writing.begin() as connection:
                self._prepare(connection, serve=serve)
        except (DBAPIError, HookflashError) as error:
            self._let_go()
            raise self._translate(error) from None
        super().__init__(writing, reading, self._translate)

    def _claimed(self, engine: Engine) -> Connection:
        """Hold the database for this server for as long as the connection lives."""
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            connection.execute(text(f"SET lock_timeout = {CLAIM_MS}"))
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _SERVER_LOCK})
        except OperationalError as error:
            connection.close()
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            raise StoreInUse(f"{self.where} is in use by another hookflash; stop that one, or name another database") from None
        return connection

    def _prepare(self, connection: Connection, *, serve: bool) -> None:
        if serve:
            bring_up_to_date(connection, self.where)
        found = revision_of(connection, self.where)
        if found is None:
            raise StoreForeign(f"{self.where} holds nothing of hookflash yet; start `hookflash serve` with it")
        self.revision = found

    async def close(self) -> None:
        """See `Store`."""
        await super().close()
        self._let_go()

    def _let_go(self) -> None:
        if self._claim is not None:
            self._claim.close()
        for engine in self._engines:
            engine.dispose()

    def _translate(self, error: Exception) -> Exception:
        if isinstance(error, IntegrityError):
            return VersionConflict("somebody else wrote first")
        if not isinstance(error, DBAPIError):
            return error
        if getattr(error.orig, "sqlstate", None) in _CONFLICTS:
            return VersionConflict("somebody else wrote at the same time")
        why = type(error.orig).__name__  # its words may quote rows
        return StoreUnavailable(f"{self.where} cannot be used ({why}); nothing was accepted. Check that it runs and takes connections.")


def _connect(url: str, where: str, *, read_only: bool) -> Engine:
    options = f"-c statement_timeout={STATEMENT_MS} -c lock_timeout={LOCK_MS} -c synchronous_commit=on -c timezone=UTC"
    if read_only:
        options += " -c default_transaction_read_only=on"
    try:
        return create_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args={"connect_timeout": CONNECT_SECONDS, "options": options},
        )
    except (ArgumentError, ValueError):
        raise ConfigError(f"{where} is not the address of a database; write postgresql://user@host/name") from None
    except ModuleNotFoundError:
        raise ConfigError("PostgreSQL needs its driver; install it with `pip install 'hookflash[postgres]'`") from None


def _without_password(url: str) -> str:
    try:
        return make_url(url).set(password=None, query={}).render_as_string()
    except (ArgumentError, ValueError):
        return "the database URL"
