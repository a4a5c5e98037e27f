"""The embedded store: one SQLite file, write-ahead log, every commit synced to disk, one server at a time."""

import fcntl
import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import StaticPool

from hookflash.errors import HookflashError, StoreForeign, StoreInUse, StoreUnavailable, VersionConflict
from hookflash.stores.claims import release_all
from hookflash.stores.migrate import bring_up_to_date, revision_of
from hookflash.stores.sql import SqlStore

# How long a connection waits for a lock that another program holds before the caller is told.
BUSY_SECONDS = 2


class SqliteStore(SqlStore):
    """Keeps everything in one SQLite file."""

    def __init__(self, path: Path, *, serve: bool = True, mend: bool = False) -> None:
        """Open or make the file. `serve=False` opens it beside a server, to look only, or with `mend` to write as well.

        Raises `StoreInUse` where another server holds it, `StoreTooNew` where a newer hookflash wrote it,
        `StoreUnavailable` where it cannot be opened or written.
        """
        self.path, self.where = path, str(path)
        self._lock = claim(path) if serve else None
        try:
            writing = _connect(path, read_only=not (serve or mend))
            self._prepare(writing, serve=serve)
        except HookflashError:
            self._release()
            raise
        except (DBAPIError, OSError) as error:
            self._release()
            raise self._translate(error) from None
        super().__init__(writing, _connect(path, read_only=True), self._translate)
        self._watch_file(writing)

    def _watch_file(self, engine: Engine) -> None:
        """Refuse to write once the file was moved away or replaced: what we wrote would be in no file that anybody finds."""
        own = _identity(self.path)

        @event.listens_for(engine, "begin")
        def _still_there(_: Connection) -> None:
            if _identity(self.path) != own:
                raise StoreUnavailable(
                    f"{self.path} was moved away or replaced while it was in use; nothing was accepted. "
                    "Put it back, or stop this server and start it again."
                )

    def _prepare(self, engine: Engine, *, serve: bool) -> None:
        with engine.begin() as connection:
            if serve:
                bring_up_to_date(connection, self.where)
                release_all(connection)
            found = revision_of(connection, self.where)
        if found is None:
            raise StoreForeign(f"{self.where} is not a database of hookflash; name another one")
        self.revision = found
        if serve:
            for suffix in ("", "-wal", "-shm"):
                file = self.path.with_name(self.path.name + suffix)
                if file.exists():
                    file.chmod(0o600)

    def _translate(self, error: Exception) -> Exception:
        if isinstance(error, IntegrityError):
            return VersionConflict("somebody else wrote first")
        if not isinstance(error, (DBAPIError, OSError)):
            return error
        cause = error.orig if isinstance(error, DBAPIError) else error
        return StoreUnavailable(f"{self.path} cannot be used: {cause}; nothing was accepted. {_mend(str(cause))}")

    def _let_go(self) -> None:
        with suppress(DBAPIError), self.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self.engine.dispose()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def claim(path: Path) -> IO[str]:
    """Hold a database file for this process, until what is returned is closed. Raises `StoreInUse`, `StoreUnavailable`."""
    lock = path.with_name(path.name + ".lock")
    try:
        holder = lock.open("a+", encoding="ascii")
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be used: {error.strerror}; nothing was accepted. {_mend(str(error))}") from None
    try:
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder.seek(0)
        process = holder.read().strip() or "unknown"
        holder.close()
        raise StoreInUse(f"{path} is in use by another hookflash (process {process}); stop that one, or name another file") from None
    holder.truncate(0)
    holder.write(str(os.getpid()))
    holder.flush()
    return holder


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from any other, or None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _connect(path: Path, *, read_only: bool) -> Engine:
    where = f"file:{quote(str(path))}?mode={'ro' if read_only else 'rwc'}&uri=true"
    engine = create_engine(
        f"sqlite:///{where}",
        poolclass=StaticPool,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _settings(connection: sqlite3.Connection, _: Any) -> None:
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")  # what is erased is gone from the file as well

    return engine


def _mend(cause: str) -> str:
    if "full" in cause or "No space" in cause:
        return "Free some space on that disk and send it again."
    if "locked" in cause or "busy" in cause:
        return "Close the program that holds it and send it again."
    if "readonly" in cause or "read-only" in cause or "ermission" in cause:
        return "Give this user the right to write there, or name another file."
    return "Check the disk and the path, then send it again."
