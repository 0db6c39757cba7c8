"""Invalidation ledgers that need no server: one in memory, one in a directory shared by processes.

Both keep the contract of :class:`~askonce.backends.contract.Epochs`.
"""

from __future__ import annotations

import mmap
import os
import sqlite3
import stat
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..clock import SYSTEM_CLOCK, Clock
from ..errors import StoreClosed, StoreError
from .sqlite import Connections, create, damaged, fault, prepare

DATABASE = "cache.db"
BELL = "epochs.bell"
LEDGER = "AskonceEpochs"
_RECHECK_S = 1.0

MOST_TAGS = 10_000
"""Tags a directory's ledger remembers; beyond, the older half becomes one ``*``: too early, never too late."""


class MemoryEpochs:
    """The ledger of one process. Reads take no lock."""

    __slots__ = ("_lock", "_seq", "_table")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seq = 0
        self._table: dict[str, int] = {}

    def renew(self) -> None:
        """In the child of a fork: a lock of its own."""
        self._lock = threading.Lock()

    def snapshot(self) -> tuple[int, dict[str, int]]:
        with self._lock:
            return self._seq, dict(self._table)

    def bump(self, tags: Sequence[str]) -> int:
        with self._lock:
            # The table first: a reader that sees the new number must find the tags too.
            seq = self._seq + 1
            for tag in tags:
                self._table[tag] = seq
            self._seq = seq
            return seq

    def adopt(self, seq: int, table: Mapping[str, int]) -> None:
        """Take over what another ledger knows; numbers only grow."""
        with self._lock:
            for tag, at in table.items():
                if at > self._table.get(tag, 0):
                    self._table[tag] = at
            self._seq = max(self._seq, seq, max(table.values(), default=0))

    def version(self) -> int:
        return self._seq


class DirectoryEpochs:
    """The ledger of a directory, shared by every process that uses it.

    It lives in the database of the entries it speaks of, so the two are lost, set aside or deleted
    together: no entry can outlive the record of its invalidation. (A copy of the directory restored
    from a backup is as old as its entries: invalidate again what was invalidated since.) An invalidation
    is on the medium when ``bump`` returns.

    A bump is numbered with the present time in milliseconds, or one more than the last number when the
    clock lags behind. A ledger that was begun anew therefore gives greater numbers than the one it
    replaces, and answers still held elsewhere under the old numbers are retired as they should be. Until
    its first bump it says 0, so that what is made under it is never exempt from another ledger's bumps.

    Other processes notice a bump by eight random bytes in a small file that is mapped into memory, so a
    look costs no system call; they also compare with the database about once a second, because that file
    is only a notice and may be lost.

    Args:
        directory: An existing directory.
        clock: Numbers bumps and paces the comparisons.
        timeout_s: Seconds an operation waits for a locked database.
        connections: The connections of the directory's database when a store shares them; then the store
            closes them.

    Raises:
        StoreError: The database cannot be opened or written.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        clock: Clock = SYSTEM_CLOCK,
        *,
        timeout_s: float = 0.5,
        connections: Connections | None = None,
    ) -> None:
        self.directory = Path(directory).absolute()
        self._clock = clock
        self._own = connections is None
        path = self.directory / DATABASE
        self._connections = connections or Connections(path, timeout_s, prepare)
        self._closed = False
        self._seen = 0  # the number the database had when this process last looked
        self._recheck_at = float("-inf")
        self._bell: _Bell | None = None
        self._cell: Sequence[int] = (0,)
        try:
            if self._own:
                create(path)
                begin_ledger(self._connections)
            self.snapshot()
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise fault(error, path) from error
        except StoreError:
            self.close()
            raise
        self._find_bell()

    def snapshot(self) -> tuple[int, dict[str, int]]:
        self._check_open()
        try:
            # One statement: the number and the table are of the same instant.
            rows = self._connections.rows(f"SELECT NULL, seq FROM AskonceSeq UNION ALL SELECT tag, at FROM {LEDGER}")
            (_, seq), *entries = rows
            table = {tag.decode("utf-8", "surrogatepass"): at for tag, at in entries}
        except (sqlite3.Error, OSError, ValueError) as error:
            raise self._fault(error) from error
        self._seen = seq
        return int(seq), table

    def bump(self, tags: Sequence[str]) -> int:
        self._check_open()
        now = int(self._clock.now() * 1000)
        try:
            with self._connections.writing(durable=True) as connection:
                ((seq,),) = connection.execute("SELECT seq FROM AskonceSeq").fetchall()
                seq = max(seq + 1, now)
                self._write(connection, seq, dict.fromkeys(tags, seq))
        except (sqlite3.Error, OSError, ValueError) as error:
            raise self._fault(error) from error
        self._seen = seq
        self._ring()
        return int(seq)

    def adopt(self, seq: int, table: Mapping[str, int]) -> None:
        """Take over what another ledger knows; numbers only grow.

        Raises:
            StoreError: It could not be written down.
        """
        have_seq, have = self.snapshot()
        seq = max(seq, have_seq, max(table.values(), default=0))
        news = {tag: at for tag, at in table.items() if at > have.get(tag, 0)}
        if not news and seq == have_seq:
            return
        try:
            with self._connections.writing(durable=True) as connection:
                self._write(connection, seq, news)
        except (sqlite3.Error, OSError, ValueError) as error:
            raise self._fault(error) from error
        self._ring()

    def version(self) -> int:
        if self._clock.monotonic() >= self._recheck_at:
            self._recheck()
        return self._cell[0]

    def close(self) -> None:
        """Stop. ``version`` then says what it said last; all else raises StoreClosed."""
        self._closed = True
        self._bell, self._cell = None, (self._cell[0],)
        if self._own:
            self._connections.close()

    def __repr__(self) -> str:
        return f"DirectoryEpochs({str(self.directory)!r})"

    @staticmethod
    def _write(connection: sqlite3.Connection, seq: int, table: Mapping[str, int]) -> None:
        connection.executemany(
            f"INSERT INTO {LEDGER} VALUES (?, ?) ON CONFLICT (tag) DO UPDATE SET at = max(at, excluded.at)",
            [(tag.encode("utf-8", "surrogatepass"), at) for tag, at in table.items()],
        )
        connection.execute("UPDATE AskonceSeq SET seq = max(seq, ?)", (seq,))
        ((tags,),) = connection.execute(f"SELECT count(*) FROM {LEDGER}").fetchall()
        if tags > MOST_TAGS:
            ((cut,),) = connection.execute(
                f"SELECT at FROM {LEDGER} ORDER BY at LIMIT 1 OFFSET ?", (tags // 2,)
            ).fetchall()
            connection.execute(f"DELETE FROM {LEDGER} WHERE at <= ?", (cut,))
            connection.execute(
                f"INSERT INTO {LEDGER} VALUES (x'2a', ?) ON CONFLICT (tag) DO UPDATE SET at = max(at, excluded.at)",
                (cut,),
            )

    def _ring(self) -> None:
        """Change the notice, once what it announces is committed."""
        if self._bell is None or not self._bell.ring():
            self._bell, self._cell = None, (_news(),)  # this process at least; others compare in time

    def _find_bell(self) -> None:
        """Map the file now under the bell's name. A change of file looks like news, which does no harm."""
        try:
            self._bell = _Bell(self.directory / BELL)
            self._cell = self._bell.cell
        except (OSError, ValueError):
            self._bell, self._cell = None, (_news(),)

    def _recheck(self) -> None:
        """Compare with the database. Never raises and never waits for a lock."""
        self._recheck_at = self._clock.monotonic() + _RECHECK_S
        if self._closed:
            return
        if self._bell is None or not self._bell.in_place():
            self._find_bell()
        try:
            connection = self._connections.get()
            with connection.lock:
                connection.execute("PRAGMA busy_timeout=0")
                try:
                    ((seq,),) = connection.execute("SELECT seq FROM AskonceSeq").fetchall()
                finally:
                    connection.execute(f"PRAGMA busy_timeout={int(self._connections.timeout_s * 1000)}")
        except (sqlite3.Error, OSError, StoreError, ValueError):
            return
        if seq != self._seen:
            self._seen = seq
            self._ring()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed(f"the ledger in {self.directory} was used after close(): open a new one")

    def _fault(self, error: Exception) -> StoreError:
        if isinstance(error, sqlite3.Error | OSError) and not self._connections.closed:
            return fault(error, self._connections.path)
        if isinstance(error, ValueError):
            return StoreError(f"the ledger in {self.directory} is damaged ({error}): open the cache again to mend it")
        return StoreClosed(f"the ledger in {self.directory} was used after close(): open a new one")


def begin_ledger(connections: Connections) -> None:
    """Make the ledger's tables, if they are not there.

    Raises:
        sqlite3.Error: They cannot be made, or hold what no ledger holds (then SQLITE_CORRUPT).
    """
    with connections.writing() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS AskonceSeq (seq INTEGER NOT NULL)")
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {LEDGER} (tag BLOB PRIMARY KEY NOT NULL CHECK (typeof(tag) = 'blob'),"
            " at INTEGER NOT NULL CHECK (typeof(at) = 'integer')) WITHOUT ROWID"
        )
        connection.execute("INSERT INTO AskonceSeq SELECT 0 WHERE NOT EXISTS (SELECT * FROM AskonceSeq)")
        ((numbers, odd),) = connection.execute(
            "SELECT (SELECT count(*) FROM AskonceSeq),"
            " (SELECT count(*) FROM AskonceSeq WHERE typeof(seq) <> 'integer')"
            f" + (SELECT count(*) FROM {LEDGER} WHERE typeof(tag) <> 'blob' OR typeof(at) <> 'integer')"
        ).fetchall()
        if numbers != 1 or odd:
            raise damaged("the invalidation ledger holds what no ledger holds")


class _Bell:
    """Eight random bytes in a file, mapped into memory: whoever rings writes others.

    It is read through the mapping and written through the file, because writing to a mapping of a full
    disk kills the process.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
        self._file = os.fdopen(os.open(path, flags, 0o600), "r+b", buffering=0)
        found = os.fstat(self._file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(f"{path} is not a regular file")
        self._identity = found.st_dev, found.st_ino
        if found.st_size < 8 and not self.ring():
            raise OSError(f"{path} cannot be written")
        self.cell: Sequence[int] = memoryview(mmap.mmap(self._file.fileno(), 8, access=mmap.ACCESS_READ)).cast("Q")

    def ring(self) -> bool:
        """Write news. Returns whether it could."""
        try:
            return os.pwrite(self._file.fileno(), os.urandom(8), 0) == 8
        except (OSError, AttributeError):  # AttributeError: a system without pwrite
            return False

    def in_place(self) -> bool:
        """Whether the mapped file is still the one under this name."""
        try:
            found = os.stat(self._path)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity and found.st_size >= 8


def _news() -> int:
    return int.from_bytes(os.urandom(8), "little")
