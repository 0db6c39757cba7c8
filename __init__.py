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
from .cache.guards import Guard, negation_agrees, numbers_agree, opposites_agree
from .cache.policy import Answer, Policy
from .cache.receipt import Receipt, Reply, last_receipt, receipt_of
from .cache.semantic import Decision, SemanticTier, Threshold, Verdict
from .cache.stats import Snapshot
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

_LAZY = {"CacheTransport": ".cache.transport", "load_config": ".cache.config"}

if TYPE_CHECKING:
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
    "Clock",
    "ConfigError",
    "Controls",
    "CorruptEntry",
    "DeadlineExceeded",
    "Decision",
    "EmbedderError",
    "Entry",
    "Explanation",
    "Guard",
    "IndexFault",
    "ManualClock",
    "MemoryStore",
    "MissingExtra",
    "NotCached",
    "Policy",
    "Receipt",
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
    "controls",
    "last_receipt",
    "load_config",
    "negation_agrees",
    "numbers_agree",
    "opposites_agree",
    "receipt_of",
]
