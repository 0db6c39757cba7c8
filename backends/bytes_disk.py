"""diskcache, reduced to raw bytes in one database.

diskcache's own ``Disk`` pickles, so whoever can write its directory runs code in every process that reads
it (CVE-2025-69872). And its ``Cache`` takes attributes, pragmas and file names from the file. Here neither
happens, whatever the file holds.
"""

from __future__ import annotations

from typing import Any, NoReturn

import diskcache  # type: ignore[import-untyped]
from diskcache.core import DEFAULT_SETTINGS, ENOVAL, METADATA  # type: ignore[import-untyped]

from ..errors import UnsafeRow
from .sqlite import Connection, Connections

_RAW = 1  # diskcache's MODE_RAW


class BytesDisk(diskcache.Disk):  # type: ignore[misc]
    """diskcache's serialisation, reduced to raw bytes inside the database.

    ``diskcache.Cache(directory, disk=BytesDisk)`` reads what the disk tier writes. Nothing here pickles,
    unpickles, or touches a file: a file name in a row is never opened and never removed.
    """

    def __init__(self, directory: str, **_settings: object) -> None:
        super().__init__(directory)

    def put(self, key: object) -> tuple[bytes, bool]:
        if type(key) is not bytes:
            raise UnsafeRow(f"a key of the disk tier is bytes, not {type(key).__name__}")
        return key, True

    def get(self, key: object, raw: object) -> bytes:
        if type(key) is not bytes or raw != 1:
            raise UnsafeRow("a stored key is not raw bytes and was not loaded; `askonce doctor --fix` deletes it")
        return key

    def hash(self, key: object) -> int:
        return hash(self.put(key)[0])

    def store(self, value: object, read: bool, key: object = None) -> tuple[int, int, None, bytes]:
        if read or type(value) is not bytes:
            raise UnsafeRow(f"a value of the disk tier is bytes, not {type(value).__name__}")
        return 0, _RAW, None, value

    def fetch(self, mode: object, filename: object, value: object, read: bool) -> bytes:
        if mode != _RAW or filename is not None or type(value) is not bytes or read:
            raise UnsafeRow(
                f"a stored value is not raw bytes (mode {mode!r}) and was not loaded; `askonce doctor --fix` deletes it"
            )
        return value

    def filename(self, key: object = None, value: object = None) -> NoReturn:
        raise UnsafeRow("the disk tier keeps no value in a file")

    def remove(self, file_path: object) -> None:
        """A file named by a row is none of ours."""


class Table(diskcache.Cache):  # type: ignore[misc]
    """diskcache's engine on our connections. Makes or checks the layout; the statements are the store's."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        super().__init__(
            str(connections.path.parent),
            timeout=connections.timeout_s,
            disk=BytesDisk,
            **{
                **DEFAULT_SETTINGS,
                "eviction_policy": "none",  # the store makes room itself
                "cull_limit": 0,
                "size_limit": 1 << 62,
                "sqlite_auto_vacuum": 2,
                "sqlite_mmap_size": 0,
            },
        )

    @property
    def _con(self) -> Connection:
        return self._connections.get()

    @property
    def _sql_retry(self) -> Any:
        return self._con.execute  # the original waits for a minute

    def close(self) -> None:
        """The store closes the connections."""

    def reset(self, key: str, value: Any = ENOVAL, update: bool = True) -> Any:
        """Set an attribute of this object; unlike the original, never a pragma or a disk's attribute, and
        only a known name: names that come from the file must not shadow a method."""
        if value is ENOVAL:
            rows = self._sql("SELECT value FROM Settings WHERE key = ?", (key,)).fetchall()
            value = rows[0][0] if rows else 0
        if key in DEFAULT_SETTINGS or key in METADATA:
            setattr(self, key, value)
        return value
