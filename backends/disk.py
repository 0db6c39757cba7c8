"""The disk tier: entries in one SQLite file, in diskcache's layout, as raw bytes and nothing else.

**Nothing is ever unpickled.** diskcache's own ``Disk`` pickles, so whoever can write its directory runs
code in every process that reads it (CVE-2025-69872). Ours stores one kind of row: a BLOB key and a BLOB
value in the database. A row of any other kind (pickled, text, or a value in a file, whose name could
point anywhere) is refused with :class:`~askonce.errors.UnsafeRow`, counted, and neither loaded nor
followed. Settings stored in the file set nothing.

**Reads do not write.** Room is made by GreedyDual-Size-Frequency (Cherkasova, "Improving WWW Proxies
Performance with Greedy-Dual-Size-Frequency Caching Policy", HP Labs 1998): the entry with the least
``L + uses * worth`` goes first, ``worth`` being what it cost to make per byte (:mod:`.worth`) and ``L``
the value of the last one that went when the entry was put or used, so that what is neither used nor dear
ages out. Entries past ``keep_until`` go before all others. Uses are noted in memory and written along
with a later ``put``; those a process has not yet written are lost with it, which costs nothing but a
little foresight. A hot entry that the memory tier answers is not seen here.

The columns of diskcache's table carry: ``expire_time`` keep_until, ``access_time`` the value above,
``access_count`` uses, ``tag`` worth.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..clock import SYSTEM_CLOCK, Clock
from ..entry import Entry, decode_entry, encode_entry
from ..errors import ConfigError, CorruptEntry, StoreClosed, StoreError, UnsafeRow
from .bytes_disk import Table
from .contract import StoreStats
from .epochs import DATABASE, LEDGER, DirectoryEpochs, begin_ledger
from .sqlite import DAMAGED, Connection, Connections, busy, code_of, create, damaged, fault, prepare
from .worth import worth

try:
    import fcntl
except ImportError:  # a system without it
    fcntl = None  # type: ignore[assignment]

LEAST_BYTES = 1 << 20
CHECK_S = 1.0
"""Seconds between looks whether the file is still in its place."""

OPENING = 10
"""Time-outs that opening waits for a lock."""

NOTED = 4096
"""Keys whose uses are noted in memory before the notes begin anew."""

CARRIED = 32
"""Noted keys written along with one put."""

ROUNDS = 64
"""Steps of 1, 2, 4, ... up to 64 rows in which one put makes room."""

MOST_USES = 15
"""Uses beyond this do not add value: what was famous once must be able to age out."""

_SUSPECT = DATABASE + ".suspect"
_log = logging.getLogger("askonce")

_GET = "SELECT value FROM Cache WHERE key = ? AND raw = 1 AND mode = 1 AND filename IS NULL"
_ODD = "(raw IS NOT 1 OR mode IS NOT 1 OR filename IS NOT NULL OR typeof(key) <> 'blob' OR typeof(value) <> 'blob')"
_PUT = (
    "INSERT INTO Cache (key, raw, store_time, expire_time, access_time, access_count, tag, size, mode, filename, value)"
    " VALUES (:key, 1, :now, :until, :floor + :worth, 0, :worth, 0, 1, NULL, :value)"
    " ON CONFLICT (key, raw) DO UPDATE SET store_time = :now, expire_time = :until,"
    " access_time = :floor + (1 + access_count) * :worth, tag = :worth, size = 0, mode = 1, filename = NULL,"
    " value = :value"
)
_USED = (
    "UPDATE Cache SET access_count = min(access_count + :uses, :most),"
    " access_time = :floor + (1 + min(access_count + :uses, :most)) * tag"
    " WHERE key = :key AND raw = 1 AND typeof(tag) = 'real'"
)


class DiskStore:
    """Entries in a directory, shared by the threads and processes of this machine.

    A ``put`` is whole or absent after the death of the process at any instant; a power failure may undo
    the last ones. A database that turns out to be damaged when it is opened is kept beside the new one
    as ``cache.db.damaged-<n>``. When the directory is removed under an open store every operation is a
    StoreError; once it is there again the store goes on in it.

    Args:
        directory: Made if missing, readable by its owner only. ``~`` and ``$VARIABLES`` are expanded. Not
            on a network file system: SQLite's locks and shared memory do not work there.
        max_bytes: Bound on the pages the database uses, bytes, at least 1 MiB. The write-ahead log comes
            on top (about 4 MiB). A single entry over half of it is not stored.
        timeout_s: Seconds an operation waits for a lock held by another process; opening waits ten times
            as long.
        clock: Tells which entries are past ``keep_until`` when room is needed.

    Attributes:
        refused: Reads since opening that met a row which is not raw bytes.
        corrupt: Reads since opening that met a damaged entry.

    Raises:
        ConfigError: A setting is wrong, or the directory holds another program's database.
        StoreError: The directory cannot be made or written; says what to do.
    """

    name = "disk"
    inline = False
    shared = True

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        max_bytes: int = 2 << 30,
        timeout_s: float = 0.5,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if max_bytes < LEAST_BYTES:
            raise ConfigError(
                f"disk max_bytes must be at least {LEAST_BYTES} (1 MiB), got {max_bytes!r}", setting="disk.max_bytes"
            )
        if not timeout_s > 0:
            raise ConfigError(f"disk timeout_s must be above zero, got {timeout_s!r}", setting="disk.timeout_s")
        self.directory = Path(os.path.expandvars(os.path.expanduser(directory))).absolute()
        self.max_bytes = max_bytes
        self.refused = 0
        self.corrupt = 0
        self._clock = clock
        self._monotonic = clock.monotonic
        self._noted: dict[bytes, int] = {}
        self._look_at = float("-inf")
        self._identity: tuple[int, int] | None = None
        self._page = 0
        _make_directory(self.directory)
        self._connections = Connections(self.directory / DATABASE, timeout_s, prepare)
        try:
            self._open_patiently()
            self._epochs = DirectoryEpochs(self.directory, clock, connections=self._connections)
            self._shrink()
        except BaseException as error:
            self._connections.close()
            if isinstance(error, sqlite3.Error | OSError) and not isinstance(error, StoreError):
                raise fault(error, self._connections.path) from error
            raise

    # -- the contract --------------------------------------------------------------------------------

    def get(self, key: bytes) -> Entry | None:
        if self._monotonic() >= self._look_at:
            self._look()
        connection = self._connections.get()
        try:
            with connection.lock:
                rows = connection.execute(_GET, (key,)).fetchall()
        except sqlite3.ProgrammingError:
            rows = self._rows(_GET, (key,))  # closed under us, by a fork or for good
        except (sqlite3.Error, OSError) as error:
            raise self._fault(error) from error
        if not rows or type(rows[0][0]) is not bytes:
            self._refuse_odd(key)
            return None
        noted = self._noted
        noted[key] = noted.get(key, 0) + 1
        if len(noted) > NOTED:
            self._noted = {}
        try:
            return decode_entry(rows[0][0])
        except CorruptEntry:
            self.corrupt += 1
            raise

    def put(self, entry: Entry) -> None:
        try:
            value = encode_entry(entry)
        except (ValueError, OverflowError) as error:  # a lone surrogate, a number beyond 64 bits
            raise StoreError(f"an entry cannot be encoded ({error}); it is not kept on disk") from error
        if len(value) > self.max_bytes // 2:
            self.delete(entry.key)  # what was there is no longer what was last put
            return
        self._look()
        with self._writing() as connection:
            floor = _floor(connection)
            connection.execute(
                _PUT,
                {
                    "key": entry.key,
                    "now": self._clock.now(),
                    "until": entry.keep_until,
                    "floor": floor,
                    "worth": worth(entry),
                    "value": value,
                },
            )
            connection.execute("DELETE FROM Cache WHERE key = ? AND raw IS NOT 1", (entry.key,))
            held = self._held(connection)
            if held > self.max_bytes // 2:
                self._carry(connection, floor)
            if held > self.max_bytes:
                self._make_room(connection, entry.key)

    def delete(self, key: bytes) -> bool:
        self._look()
        with self._writing() as connection:
            return connection.execute("DELETE FROM Cache WHERE key = ?", (key,)).rowcount > 0

    def keys(self) -> Iterator[bytes]:
        self._look()
        return self._keys()

    def clear(self) -> None:
        self._look()
        self._noted = {}
        last = self._rows("SELECT max(rowid) FROM Cache")[0][0]
        while True:
            # In parts, so that other processes' writes come in between.
            with self._writing() as connection:
                gone = connection.execute(
                    "DELETE FROM Cache WHERE rowid IN (SELECT rowid FROM Cache WHERE rowid <= ? LIMIT 1000)", (last,)
                ).rowcount
            if gone <= 0:
                break
        with contextlib.suppress(StoreError):  # giving the space back can wait
            self._give_back()

    def stats(self) -> StoreStats:
        self._look()
        ((entries,),) = self._rows("SELECT value FROM Settings WHERE key = 'count'") or ((-1,),)
        ((pages,),) = self._rows("PRAGMA page_count")
        ((free,),) = self._rows("PRAGMA freelist_count")
        return StoreStats(entries if isinstance(entries, int) else -1, (pages - free) * self._page)

    def close(self) -> None:
        self._epochs.close()
        self._connections.close()

    @property
    def epochs(self) -> DirectoryEpochs:
        return self._epochs

    def __repr__(self) -> str:
        return f"DiskStore({str(self.directory)!r}, max_bytes={self.max_bytes})"

    # -- rows that are not ours --------------------------------------------------------------------------

    def unsafe_rows(self) -> int:
        """How many rows are not raw bytes. Reads the whole table; none of them is loaded."""
        return int(self._rows(f"SELECT count(*) FROM Cache WHERE {_ODD}")[0][0])

    def remove_unsafe_rows(self) -> int:
        """Delete the rows that are not raw bytes, unread; returns how many went. Files they name stay."""
        with self._writing() as connection:
            return connection.execute(f"DELETE FROM Cache WHERE {_ODD}").rowcount

    def _refuse_odd(self, key: bytes) -> None:
        for raw, mode, filename in self._rows(
            f"SELECT raw, mode, filename FROM Cache WHERE key = ? AND {_ODD}", (key,)
        ):
            self.refused += 1
            where = ", its value in a file" if filename is not None else ""
            raise UnsafeRow(
                f"row {key.hex()[:16]} in {self._connections.path} is not raw bytes (raw={raw!r}, mode={mode!r}"
                f"{where}) and was not loaded: `askonce doctor --fix` deletes it, and find out who wrote it",
                key=key.hex(),
            )

    # -- room ----------------------------------------------------------------------------------------------

    def _held(self, connection: sqlite3.Connection) -> int:
        ((pages,),) = connection.execute("PRAGMA page_count").fetchall()
        ((free,),) = connection.execute("PRAGMA freelist_count").fetchall()
        return int((pages - free) * self._page)

    def _carry(self, connection: sqlite3.Connection, floor: float) -> None:
        noted = self._noted
        uses: list[dict[str, bytes | float]] = []
        with contextlib.suppress(KeyError):  # empty
            while len(uses) < CARRIED:
                key, count = noted.popitem()
                uses.append({"key": key, "uses": count, "most": MOST_USES, "floor": floor})
        connection.executemany(_USED, uses)

    def _make_room(self, connection: sqlite3.Connection, keep: bytes) -> None:
        now, floor, step = self._clock.now(), 0.0, 1
        for _ in range(ROUNDS):
            doomed = (
                connection.execute(
                    "SELECT rowid, NULL FROM Cache WHERE expire_time < ? AND key IS NOT ? ORDER BY expire_time LIMIT ?",
                    (now, keep, step),
                ).fetchall()
                or connection.execute(
                    "SELECT rowid, access_time FROM Cache WHERE key IS NOT ? ORDER BY access_time LIMIT ?", (keep, step)
                ).fetchall()
            )
            connection.executemany("DELETE FROM Cache WHERE rowid = ?", [(row,) for row, _ in doomed])
            floor = max([floor, *(value for _, value in doomed if isinstance(value, float))])
            if not doomed or self._held(connection) <= self.max_bytes:
                break
            step = min(step * 2, 64)
        connection.execute("UPDATE AskonceRoom SET floor = max(floor, ?)", (floor,))

    def _shrink(self) -> None:
        """Come down to a bound that was lowered since, in parts."""
        while True:
            with self._writing() as connection:
                before = self._held(connection)
                if before <= self.max_bytes:
                    return
                self._make_room(connection, b"")
                if self._held(connection) >= before:
                    return

    # -- opening ---------------------------------------------------------------------------------------------

    def _open_patiently(self) -> None:
        """Many processes may start at once, and each writes the layout."""
        until = time.monotonic() + OPENING * self._connections.timeout_s
        while True:
            try:
                self._open()
                return
            except sqlite3.OperationalError as error:
                if code_of(error) != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise

    def _open(self) -> None:
        try:
            with self._place(alone=False):
                self._begin()
        except sqlite3.DatabaseError as error:
            if code_of(error) not in DAMAGED:
                raise
            with self._place(alone=True):
                self._connections.reopen()
                try:
                    self._begin()  # another process may have mended it meanwhile
                except sqlite3.DatabaseError as again:
                    if code_of(again) not in DAMAGED:
                        raise
                    self._connections.reopen()
                    _set_aside(self._connections.path, again)
                    self._begin()

    @contextlib.contextmanager
    def _place(self, alone: bool) -> Iterator[None]:
        """Keep processes that open the directory away from one that puts a damaged file aside, lest it take the
        log of a fresh database along (where the system and the file system have flock)."""
        handle = None
        until = time.monotonic() + OPENING * self._connections.timeout_s
        with contextlib.suppress(OSError):
            handle = os.open(self.directory, os.O_RDONLY)
        try:
            while fcntl is not None and handle is not None:
                try:
                    fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise busy("another process is opening or mending it") from None
                    time.sleep(0.005)
                except OSError:
                    break
            yield
        finally:
            if handle is not None:
                if fcntl is not None:
                    with contextlib.suppress(OSError):
                        fcntl.flock(handle, fcntl.LOCK_UN)  # also in a child that was forked meanwhile
                os.close(handle)

    def _begin(self) -> None:
        connections = self._connections
        create(connections.path)
        suspect = self.directory / _SUSPECT
        if suspect.exists():
            found = connections.rows("PRAGMA quick_check(1)")
            if found != [("ok",)]:
                raise damaged(str(found[0][0]) if found else "quick_check says nothing")
            suspect.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(connections.uri, uri=True, timeout=connections.timeout_s)) as first:
            self._check_owner(first)
            connections.get()  # before the first one closes: the last to close copies the log, which takes time
        Table(connections)
        begin_ledger(connections)
        with connections.writing() as connection:
            connection.execute("CREATE INDEX IF NOT EXISTS AskonceValue ON Cache (access_time)")
            connection.execute("CREATE TABLE IF NOT EXISTS AskonceRoom (floor REAL NOT NULL)")
            connection.execute("INSERT INTO AskonceRoom SELECT 0 WHERE NOT EXISTS (SELECT * FROM AskonceRoom)")
        self._page = connections.rows("PRAGMA page_size")[0][0]
        self._identity = connections.identity()

    def _check_owner(self, connection: sqlite3.Connection) -> None:
        """Refuse another program's database before anything is written to it, the log turned on included."""
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("BEGIN")  # all of it at one instant: another process may be opening just now
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        tables = {name for (name,) in rows if not name.startswith("sqlite_")}
        ours = LEDGER in tables
        used = not ours and "Cache" in tables and bool(connection.execute("SELECT 1 FROM Cache LIMIT 1").fetchall())
        connection.execute("COMMIT")
        # While another process is opening, diskcache's own tables may be there without the ledger, but no entry.
        if ours or (tables <= {"Cache", "Settings"} and not used):
            return
        raise ConfigError(
            f"{self._connections.path} was not made by askonce: give the cache a directory of its own",
            setting="cache.directory",
        )

    def _look(self) -> None:
        """Whether the file is still in its place; if another one is there, go on in it."""
        self._look_at = self._clock.monotonic() + CHECK_S
        if self._connections.identity() == self._identity or self._connections.closed:
            return
        self._connections.reopen()
        if not self.directory.is_dir():
            self._look_at = float("-inf")
            raise StoreError(
                f"{self.directory} was removed: make it again, or close the cache and open another",
                path=str(self.directory),
            )
        try:
            self._open()
        except (sqlite3.Error, OSError) as error:
            raise self._fault(error) from error

    # -- statements ----------------------------------------------------------------------------------------------

    def _keys(self) -> Iterator[bytes]:
        after = b""
        while True:
            # From the index alone; in SQLite's order nothing but BLOBs comes after an empty BLOB.
            rows = self._rows("SELECT key FROM Cache WHERE key > ? AND raw = 1 ORDER BY key LIMIT 1000", (after,))
            for (key,) in rows:
                yield key
            if not rows:
                return
            after = rows[-1][0]

    def _rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
        try:
            return self._connections.rows(sql, values)
        except (sqlite3.Error, OSError) as error:
            raise self._fault(error) from error

    def _give_back(self) -> None:
        connection = self._connections.get()
        try:
            with connection.lock:
                # As a script, because execute() stops after the first page.
                connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")
        except (sqlite3.Error, OSError) as error:
            raise self._fault(error) from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        try:
            with self._connections.writing() as connection:
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise self._fault(error) from error

    def _fault(self, error: sqlite3.Error | OSError) -> StoreError:
        if self._connections.closed:
            return StoreClosed(f"the disk tier in {self.directory} was used after close(): open a new DiskStore")
        if code_of(error) in DAMAGED:
            with contextlib.suppress(OSError):
                (self.directory / _SUSPECT).touch()  # the next opening looks at every page
        return fault(error, self._connections.path)


def _floor(connection: sqlite3.Connection) -> float:
    ((floor,),) = connection.execute("SELECT max(floor) FROM AskonceRoom").fetchall()
    return floor if isinstance(floor, float) else 0.0


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = directory.stat().st_mode
    except OSError as error:
        raise StoreError(
            f"the cache directory {directory} cannot be made ({error.strerror or error}): choose one that is writable",
            path=str(directory),
        ) from None
    if mode & 0o022:
        _log.warning("%s can be written by other users, who could plant answers: chmod 700 it", directory)


def _set_aside(path: Path, why: Exception) -> None:
    number = 1
    while (kept := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    os.rename(path, kept)
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{path}{suffix}", f"{kept}{suffix}")
    _log.warning("%s is damaged (%s); it is kept as %s and a fresh one is begun", path, why, kept.name)
