"""The connections of one SQLite file: one per thread, none of which crosses a fork or outlives close().

SQLite keeps the POSIX locks of a file in process-wide state, so a child that inherits an open connection
believes it holds locks that only its parent holds; when the parent closes, the write-ahead log is removed
under the child's feet and what it wrote is gone (https://sqlite.org/howtocorrupt.html, section 2.6).
Therefore all connections of a process are closed, between two statements, just before it forks, and
opened again when next used, on either side.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import StoreClosed, StoreError
from ..forks import survive_fork

PATIENCE_S = 5.0
"""How long close and fork wait for a statement of another thread to end, seconds."""

LOG_LIMIT = 16 << 20
"""Size to which a write-ahead log that has grown is cut back, bytes."""

PAGES_KIB = 8192
"""Pages a connection keeps in memory at most, KiB."""

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_FAULTS = {
    sqlite3.SQLITE_BUSY: "is locked by another process; the call goes on without it",
    sqlite3.SQLITE_LOCKED: "is locked by another thread; the call goes on without it",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full, make room on it or lower max_bytes",
    sqlite3.SQLITE_READONLY: "cannot be written: make the file and its directory writable",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: check that its directory exists and is writable",
    sqlite3.SQLITE_PERM: "may not be opened: check its owner and mode",
    sqlite3.SQLITE_AUTH: "may not be opened: check its owner and mode",
    sqlite3.SQLITE_IOERR: "cannot be read or written: check the disk (is it full?) and its quota",
    sqlite3.SQLITE_CORRUPT: "is damaged: open the cache again and it is moved aside for a fresh one",
    sqlite3.SQLITE_NOTADB: "is not a database: open the cache again and it is moved aside for a fresh one",
}


def code_of(error: BaseException) -> int:
    """The primary result code of an SQLite error (https://sqlite.org/rescode.html), 0 when it has none."""
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def fault(error: sqlite3.Error | OSError, path: Path) -> StoreError:
    """``error`` as the one line a user can act on."""
    what = _FAULTS.get(code_of(error), "failed")
    return StoreError(f"{path} {what} ({error})", path=str(path))


def _error(what: str, code: int) -> sqlite3.DatabaseError:
    error = sqlite3.OperationalError(what)
    error.sqlite_errorcode = code
    return error


def busy(what: str) -> sqlite3.DatabaseError:
    """An error as SQLite gives when a lock cannot be had in time."""
    return _error(what, sqlite3.SQLITE_BUSY)


def damaged(what: str) -> sqlite3.DatabaseError:
    """An error as SQLite gives for a damaged file."""
    return _error(what, sqlite3.SQLITE_CORRUPT)


def create(path: Path) -> None:
    """Make an empty file that only its owner may read, unless there is one.

    A file that is there is not touched: closing a descriptor of a database drops every lock this process
    holds on it (https://sqlite.org/howtocorrupt.html, section 2.2). The log and the shared memory file
    get the mode of the database.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def prepare(connection: sqlite3.Connection) -> None:
    """Set the pragmas of a connection; none is taken from the file."""
    connection.execute("PRAGMA trusted_schema=OFF")
    ((version,),) = connection.execute("PRAGMA schema_version").fetchall()
    if version == 0:  # only an empty database takes it
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    # Readers do not wait for the writer, nor the writer for them; a commit is whole or absent after kill -9.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(f"PRAGMA journal_size_limit={LOG_LIMIT}")
    connection.execute(f"PRAGMA cache_size=-{PAGES_KIB}")
    # A read error in mapped memory is a signal that kills the process; through read() it is an error.
    connection.execute("PRAGMA mmap_size=0")
    connection.execute("PRAGMA temp_store=MEMORY")


class Connection(sqlite3.Connection):
    """A connection that may be closed by another thread while it is between two statements."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lock = threading.RLock()
        self.generation = 0


class _Keeper:
    """Closes a thread's connection when the thread ends; left alone, it would wait for the cyclic collector."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __del__(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()


class Connections:
    """The connections of one file.

    Args:
        path: The database file. It is never created here: a file that was removed is a fault, not an
            empty database.
        timeout_s: Seconds a statement waits for a lock.
        prepare: Sets the pragmas of a new connection.
    """

    def __init__(self, path: Path, timeout_s: float, prepare: Callable[[sqlite3.Connection], None]) -> None:
        self.path = path
        self.timeout_s = timeout_s
        self.closed = False
        self.uri = path.absolute().as_uri() + "?mode=rw"
        self._prepare = prepare
        self._local = threading.local()
        self._generation = 0
        self._guard = threading.RLock()  # over the set of connections; held while the process forks
        self._writer = threading.Lock()  # writers of one process queue here instead of polling the file
        self._open: weakref.WeakSet[Connection] = weakref.WeakSet()
        survive_fork(self)

    def get(self) -> Connection:
        """This thread's connection. Use it under its ``lock``, and be ready for :meth:`stale`."""
        local = self._local
        if getattr(local, "generation", None) == self._generation:
            found: Connection = local.connection
            return found
        return self._connect()

    def stale(self, connection: Connection) -> bool:
        """Whether ``connection`` was closed by a fork or a renewal: then :meth:`get` another one."""
        return not self.closed and connection.generation != self._generation

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of one reading statement. Raises sqlite3.Error."""
        while True:
            connection = self.get()
            try:
                with connection.lock:
                    return connection.execute(sql, values).fetchall()
            except sqlite3.ProgrammingError:
                if not self.stale(connection):
                    raise

    @contextlib.contextmanager
    def writing(self, durable: bool = False) -> Iterator[Connection]:
        """A write transaction: committed at the end of the block, rolled back when it raises.

        Args:
            durable: Wait until it is on the medium. Otherwise it survives the death of the process at any
                instant, but the last ones may be undone (never torn) by a power failure.

        Raises:
            sqlite3.Error: Also when a lock could not be had within ``timeout_s``.
        """
        writer = self._writer
        if not writer.acquire(timeout=self.timeout_s):
            raise busy("another thread is writing")
        try:
            connection = self._begin(durable)
            try:
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
                finally:
                    if durable:
                        connection.execute("PRAGMA synchronous=NORMAL")
            finally:
                connection.lock.release()
        finally:
            writer.release()

    def _begin(self, durable: bool) -> Connection:
        while True:
            connection = self.get()
            connection.lock.acquire()
            try:
                if durable:
                    connection.execute("PRAGMA synchronous=FULL")
                connection.execute("BEGIN IMMEDIATE")
                return connection
            except BaseException as error:
                if durable:
                    with contextlib.suppress(sqlite3.Error):
                        connection.execute("PRAGMA synchronous=NORMAL")
                connection.lock.release()
                if isinstance(error, sqlite3.ProgrammingError) and self.stale(connection):
                    continue
                raise

    def identity(self) -> tuple[int, int] | None:
        """Device and inode of the file now at ``path``; None when there is none."""
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def reopen(self) -> None:
        """Close what is open; each thread opens again, whatever file is at ``path`` then."""
        with self._guard:
            self._generation += 1
            self._shut()

    def close(self) -> None:
        """Close all; further use raises StoreClosed. Closing twice is harmless."""
        with self._guard:
            self.closed = True
            self._generation += 1
            self._shut()

    # -- over a fork: see .forks -------------------------------------------------------------------------

    def hold(self) -> None:
        self._guard.acquire()
        self._generation += 1
        self._shut()

    def release(self) -> None:
        self._guard.release()

    def renew(self) -> None:
        self._generation += 1
        self._writer = threading.Lock()
        self._guard = threading.RLock()
        self._shut(patience_s=0)  # only when nobody announced the fork is anything still open

    def _connect(self) -> Connection:
        with self._guard:
            if self.closed:
                raise StoreClosed(f"the store in {self.path.parent} was used after close(): open a new one")
            made = sqlite3.connect(
                self.uri,
                uri=True,
                timeout=self.timeout_s,
                isolation_level=None,
                check_same_thread=False,
                factory=Connection,
            )
            try:
                self._prepare_patiently(made)
            except BaseException:
                made.close()
                raise
            made.generation = self._generation
            self._open.add(made)
            self._local.connection = made
            self._local.keeper = _Keeper(made)
            self._local.generation = self._generation
            return made

    def _prepare_patiently(self, made: Connection) -> None:
        until = time.monotonic() + self.timeout_s
        while True:
            try:
                self._prepare(made)
                return
            except sqlite3.OperationalError as error:
                # Turning on the log does not wait for another process that is doing the same.
                if code_of(error) != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(0.005)

    def _shut(self, patience_s: float = PATIENCE_S) -> None:
        for connection in list(self._open):
            # A thread that does not come back is left its connection rather than waited for.
            if connection.lock.acquire(timeout=patience_s):
                try:
                    with contextlib.suppress(sqlite3.Error):
                        connection.close()
                finally:
                    connection.lock.release()
        self._open.clear()
