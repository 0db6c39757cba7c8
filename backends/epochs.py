"""Invalidation ledgers that need no server: one in memory, one in a directory shared by processes.

Both keep the contract of :class:`~askonce.backends.contract.Epochs`. A ledger that starts empty begins
at the present time in milliseconds, so that numbers keep growing even if the old ledger was lost.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

_RECHECK_S = 1.0


class MemoryEpochs:
    """The ledger of one process. Reads take no lock."""

    __slots__ = ("_lock", "_seq", "_table")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seq = 0
        self._table: dict[str, int] = {}

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
