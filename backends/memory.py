"""DRAFT memory store."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..clock import SYSTEM_CLOCK, Clock
from ..entry import Entry
from .contract import StoreStats


class MemoryEpochs:
    def __init__(self) -> None:
        self._seq = 0
        self._table: dict[str, int] = {}

    def snapshot(self) -> tuple[int, dict[str, int]]:
        return self._seq, dict(self._table)

    def bump(self, tags: Sequence[str]) -> int:
        self._seq += 1
        for tag in tags:
            self._table[tag] = self._seq
        return self._seq

    def version(self) -> int:
        return self._seq


class MemoryStore:
    name = "memory"
    inline = True
    shared = False

    def __init__(self, max_bytes: int = 1 << 28, max_entries: int = 100_000, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._m: dict[bytes, Entry] = {}
        self._e = MemoryEpochs()

    def get(self, key: bytes) -> Entry | None:
        return self._m.get(key)

    def put(self, entry: Entry) -> None:
        self._m[entry.key] = entry

    def delete(self, key: bytes) -> bool:
        return self._m.pop(key, None) is not None

    def keys(self) -> Iterator[bytes]:
        return iter(list(self._m))

    def clear(self) -> None:
        self._m.clear()

    def stats(self) -> StoreStats:
        return StoreStats(len(self._m), 0)

    def close(self) -> None:
        self._m.clear()

    @property
    def epochs(self) -> MemoryEpochs:
        return self._e
