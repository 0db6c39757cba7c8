"""Where things are kept: exact-match stores and vector indexes, and the contracts for your own.

:class:`MemoryStore` is always there; :class:`DiskStore`, :class:`RedisStore` and :class:`FaissIndex` are
imported when first used, because their libraries are heavy or come with an extra.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .contract import AsyncStore, Epochs, Index, Match, Store, StoreStats, Vector
from .memory import MemoryStore

if TYPE_CHECKING:
    from .disk import DiskStore as DiskStore
    from .faiss_index import FaissIndex as FaissIndex
    from .redis import RedisStore as RedisStore

_LAZY = {"DiskStore": ".disk", "FaissIndex": ".faiss_index", "RedisStore": ".redis"}

__all__ = [
    "AsyncStore",
    "DiskStore",
    "Epochs",
    "FaissIndex",
    "Index",
    "Match",
    "MemoryStore",
    "RedisStore",
    "Store",
    "StoreStats",
    "Vector",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
