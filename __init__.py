"""askonce: ask a model once; serve the answer as often as it is right.

A cache in front of rate-limited LLM calls: exact tiers in memory, on disk and in Redis, then a semantic
index that serves an answer to a differently worded question only when it can vouch for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .backends.memory import MemoryStore
from .cache.call import Call
from .cache.controls import Controls, controls
from .cache.core import Cache
from .cache.explain import Explanation
from .cache.guards import Guard, codes_agree, negation_agrees, numbers_agree, opposites_agree, signs_agree
from .cache.policy import Answer, Policy
from .cache.receipt import Receipt, Reply, last_receipt, receipt_of
from .cache.semantic import Candidate, Conservative, Decision, SemanticTier, Threshold, Verdict
from .cache.stats import Snapshot
from .cache.usage import record_usage
from .cache.wording import words_in_place
from .clock import Clock, ManualClock, SystemClock
from .entry import Entry, Usage
from .errors import (
    AskonceError,
    ConfigError,
    CorruptEntry,
    DeadlineExceeded,
    EmbedderError,
    IndexFault,
    MissingExtra,
    NotCached,
    StoreClosed,
    StoreError,
    UncacheableCall,
    UnsafeRow,
)

__version__ = "0.1.0"

_LAZY = {
    "CacheTransport": ".cache.transport",
    "DiskStore": ".backends.disk",
    "FaissIndex": ".backends.faiss_index",
    "RedisStore": ".backends.redis",
    "load_config": ".cache.config",
}

if TYPE_CHECKING:
    from .backends.disk import DiskStore as DiskStore
    from .backends.faiss_index import FaissIndex as FaissIndex
    from .backends.redis import RedisStore as RedisStore
    from .cache.config import load_config as load_config
    from .cache.transport import CacheTransport as CacheTransport


def __getattr__(name: str) -> Any:
    """Names that need an extra, or are seldom needed, are imported when first used."""
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Answer",
    "AskonceError",
    "Cache",
    "CacheTransport",
    "Call",
    "Candidate",
    "Clock",
    "ConfigError",
    "Conservative",
    "Controls",
    "CorruptEntry",
    "DeadlineExceeded",
    "Decision",
    "DiskStore",
    "EmbedderError",
    "Entry",
    "Explanation",
    "FaissIndex",
    "Guard",
    "IndexFault",
    "ManualClock",
    "MemoryStore",
    "MissingExtra",
    "NotCached",
    "Policy",
    "Receipt",
    "RedisStore",
    "Reply",
    "SemanticTier",
    "Snapshot",
    "StoreClosed",
    "StoreError",
    "SystemClock",
    "Threshold",
    "UncacheableCall",
    "UnsafeRow",
    "Usage",
    "Verdict",
    "codes_agree",
    "controls",
    "last_receipt",
    "load_config",
    "negation_agrees",
    "numbers_agree",
    "opposites_agree",
    "receipt_of",
    "record_usage",
    "signs_agree",
    "words_in_place",
]
