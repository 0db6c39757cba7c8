"""What a store and an index promise.

These docstrings are the contract; ``tests/backends`` runs every implementation through it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..entry import Entry

Vector = NDArray[np.float32]


class StoreStats(NamedTuple):
    """``entries`` held and ``bytes`` they are charged for; ``-1`` where counting would be slow."""

    entries: int
    bytes: int


class Epochs(Protocol):
    """The invalidation ledger of a store: a sequence number, and for each tag the number at which it
    was last invalidated. An entry is valid while no tag of its own was invalidated after its ``seq``.

    - ``seq`` only grows. All processes that share the store share the ledger.
    - ``snapshot`` may be slightly behind; an entry made with an old ``seq`` is then dropped too early,
      never too late.
    """

    def snapshot(self) -> tuple[int, dict[str, int]]:
        """``(seq, {tag: seq at its last invalidation})``. Raises StoreError when out of reach."""

    def bump(self, tags: Sequence[str]) -> int:
        """Invalidate ``tags`` now, atomically, in O(len(tags)); returns the new ``seq``."""

    def version(self) -> int:
        """A number that differs once any process has bumped since the last look. Costs microseconds
        at most (no round trip); may be late by up to one second when notices are lost."""


@runtime_checkable
class Store(Protocol):
    """An exact-match tier: key -> entry.

    - ``get`` returns what was last ``put`` under the key, or None. It does not look at ``expires``
      (the cache does, with its own clock); it may drop entries past ``keep_until``.
    - ``put`` is atomic: a reader sees the whole old entry or the whole new one, also after kill -9.
    - ``delete`` returns whether something was there; afterwards ``get`` gives None at once.
    - Every failure is a StoreError (or subclass), quickly: within the store's own time-out.
    - All methods may be called from any thread.
    - ``inline`` is True when get/put take microseconds and may run on an event loop's thread.
    - ``name`` is the word used in receipts and stats; ``shared`` is True when other processes see it.
    """

    name: str
    inline: bool
    shared: bool

    def get(self, key: bytes) -> Entry | None: ...

    def put(self, entry: Entry) -> None: ...

    def delete(self, key: bytes) -> bool: ...

    def keys(self) -> Iterator[bytes]:
        """Every key held, in no order; keys added or removed meanwhile may or may not appear."""

    def clear(self) -> None: ...

    def stats(self) -> StoreStats: ...

    def close(self) -> None:
        """Release everything; further use raises StoreClosed; closing twice is harmless."""

    @property
    def epochs(self) -> Epochs | None:
        """The ledger kept beside the entries, or None when the store has none."""


@runtime_checkable
class AsyncStore(Protocol):
    """What a store adds when it can do its I/O on the running event loop. Same laws as Store."""

    async def aget(self, key: bytes) -> Entry | None: ...

    async def aput(self, entry: Entry) -> None: ...

    async def adelete(self, key: bytes) -> bool: ...

    async def aclose(self) -> None: ...


class Match(NamedTuple):
    """A neighbour: its exact key and its cosine similarity (-1..1)."""

    key: bytes
    similarity: float


class Index(Protocol):
    """Vectors of many scopes, searched one scope at a time.

    - ``add`` replaces what was there under the key. The vector is float32, shape ``(dim,)``, finite,
      of unit length (within 1e-3); anything else raises IndexFault and changes nothing.
    - ``search`` returns at most ``k`` matches of that scope only, best first. Never a removed key.
      Similarities are exact cosines (re-ranked where the search was approximate).
    - ``remove`` takes effect at once. Ids are never reused and never positions.
    - Methods may be called from any thread.
    """

    dim: int
    embedder: str

    def add(self, scope: bytes, key: bytes, vector: Vector) -> None: ...

    def remove(self, key: bytes) -> bool: ...

    def search(self, scope: bytes, vector: Vector, k: int) -> list[Match]: ...

    def drop_scope(self, scope: bytes) -> int:
        """Remove a whole scope; returns how many vectors went."""

    def keys(self) -> Iterator[bytes]: ...

    def __len__(self) -> int: ...

    def __contains__(self, key: bytes) -> bool: ...

    def size_of(self, scope: bytes) -> int:
        """Vectors in ``scope``: lets the caller decide whether a search may run on an event loop."""

    def close(self) -> None: ...
