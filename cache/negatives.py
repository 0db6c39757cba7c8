"""Pairs of questions that must never be served for each other again.

A pair enters when somebody reports a wrong hit, or an audit finds one. What is kept is a digest of the two
normalised texts and their scope, never the texts; it is a digest, not a cipher, so whoever can guess both
questions and their scope can tell whether the pair is held. A pair has no direction: if one question's answer
is wrong for the other, the other's is wrong for the one.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import unicodedata
from hashlib import blake2b
from pathlib import Path

from ..backends.sqlite import Connections, create, prepare
from ..clock import SYSTEM_CLOCK, Clock
from ..errors import ConfigError, StoreClosed
from ..forks import renew_after_fork

DATABASE = "negatives.db"
DIGEST_BYTES = 16
RECHECK_S = 1.0
_TABLE = "CREATE TABLE IF NOT EXISTS AskonceNegatives (pair BLOB PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID"


def normalised(text: str) -> str:
    """``text`` without the differences that nobody means: width, case, spacing, marks at the end."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).rstrip(" .?!。？！")


def pair_digest(asked: str, cached: str, scope: bytes) -> bytes:
    """16 bytes naming the two questions in their scope, the same in either order."""
    ones = sorted(
        blake2b(normalised(text).encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()
        for text in (asked, cached)
    )
    return blake2b(b"".join(ones), key=blake2b(scope, digest_size=32).digest(), digest_size=DIGEST_BYTES).digest()


class Negatives:
    """The memory of such pairs: bounded, oldest out first; kept in a directory when there is one.

    Processes that share the directory share the pairs, with a delay of about a second. A file that cannot be
    read or written costs what it would have kept, and nothing else: no method raises for it.

    Args:
        path: The SQLite file (made if missing), or None to keep the pairs in this process only.
        most: Pairs remembered.
        clock: Paces the looks at the file and dates the pairs.

    Attributes:
        fault: What last went wrong with the file; empty when nothing has.
    """

    def __init__(self, path: Path | None = None, *, most: int = 100_000, clock: Clock = SYSTEM_CLOCK) -> None:
        if not most > 0:
            raise ConfigError(f"most is {most!r}; it must be greater than zero", setting="most")
        self._most = most
        self._clock = clock
        self._pairs: dict[bytes, None] = {}
        self._unsaved: dict[bytes, None] = {}
        self._connections: Connections | None = None
        self._seen: object = None
        self._look_at = float("-inf")
        self.fault = ""
        self.renew()
        renew_after_fork(self)
        if path is not None:
            self.attach(path)

    def renew(self) -> None:
        """In the child of a fork, and at the start."""
        self._lock = threading.RLock()

    def attach(self, path: Path) -> None:
        """Keep the pairs in ``path`` from now on, together with those it holds already. Does nothing when the
        pairs have a file."""
        with self._lock:
            if self._connections is not None:
                return
            here = list(self._pairs)
            try:
                create(path)
                connections = Connections(path, 0.5, prepare)
                with connections.writing() as connection:
                    connection.execute(_TABLE)
                    self._write(connection, here)
            except (sqlite3.Error, OSError, StoreClosed) as error:
                self.fault = f"{path}: {error}"
                return
            self._connections = connections
            self._load()

    @property
    def kept(self) -> bool:
        """Whether the pairs outlive this process."""
        return self._connections is not None

    def contains(self, asked: str, cached: str, scope: bytes) -> bool:
        """Whether the answer to ``cached`` must not serve ``asked``. Costs microseconds; nothing when no pair
        is held."""
        if self._connections is not None and self._clock.monotonic() >= self._look_at:
            self._look()
        return bool(self._pairs) and pair_digest(asked, cached, scope) in self._pairs

    def add(self, asked: str, cached: str, scope: bytes) -> None:
        """Remember a pair; on the medium when this returns."""
        pair = pair_digest(asked, cached, scope)
        with self._lock:
            self._pairs.pop(pair, None)
            self._pairs[pair] = None
            while len(self._pairs) > self._most:
                del self._pairs[next(iter(self._pairs))]
            if self._connections is None:
                return
            try:
                with self._connections.writing(durable=True) as connection:
                    self._write(connection, [*self._unsaved, pair])
                self._unsaved.clear()
            except (sqlite3.Error, OSError, StoreClosed) as error:
                self._unsaved[pair] = None  # written with the next one
                self.fault = str(error)

    def remove(self, asked: str, cached: str, scope: bytes) -> bool:
        """Forget a pair; returns whether it was held."""
        pair = pair_digest(asked, cached, scope)
        with self._lock:
            held = pair in self._pairs
            self._pairs.pop(pair, None)
            self._unsaved.pop(pair, None)
            if self._connections is not None:
                try:
                    with self._connections.writing(durable=True) as connection:
                        gone = connection.execute("DELETE FROM AskonceNegatives WHERE pair = ?", (pair,)).rowcount
                    held = held or gone > 0
                except (sqlite3.Error, OSError, StoreClosed) as error:
                    self.fault = str(error)
            return held

    def __len__(self) -> int:
        return len(self._pairs)

    def __bool__(self) -> bool:
        return True  # also when it is empty: it is a memory, not a list

    def close(self) -> None:
        """Let go of the file; what is held in memory still answers."""
        with self._lock:
            connections, self._connections = self._connections, None
            if connections is not None:
                with contextlib.suppress(sqlite3.Error):
                    connections.close()

    def _write(self, connection: sqlite3.Connection, pairs: list[bytes]) -> None:
        now = self._clock.now()
        connection.executemany(
            "INSERT INTO AskonceNegatives VALUES (?, ?) ON CONFLICT (pair) DO UPDATE SET at = excluded.at",
            [(pair, now) for pair in pairs],
        )
        connection.execute(
            "DELETE FROM AskonceNegatives WHERE pair IN"
            " (SELECT pair FROM AskonceNegatives ORDER BY at DESC LIMIT -1 OFFSET ?)",
            (self._most,),
        )

    def _look(self) -> None:
        """Load the file again when another connection has changed it."""
        with self._lock:
            self._look_at = self._clock.monotonic() + RECHECK_S
            try:
                if self._connections is not None and self._mark() != self._seen:
                    self._load()
            except (sqlite3.Error, OSError, StoreClosed) as error:
                self.fault = str(error)

    def _mark(self) -> object:
        """Differs once another connection has committed (https://sqlite.org/pragma.html#pragma_data_version). The
        number is this thread's connection's own, so a look from another thread may load once too often."""
        assert self._connections is not None
        return threading.get_ident(), self._connections.rows("PRAGMA data_version")

    def _load(self) -> None:
        assert self._connections is not None
        try:
            self._seen = self._mark()
            rows = self._connections.rows("SELECT pair FROM AskonceNegatives ORDER BY at")
        except (sqlite3.Error, OSError, StoreClosed) as error:
            self.fault = str(error)
            return
        held = {pair: None for (pair,) in rows if isinstance(pair, bytes) and len(pair) == DIGEST_BYTES}
        self._pairs = {**held, **self._unsaved}
