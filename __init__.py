"""askonce: ask a model once; serve the answer as often as it is right.

A cache in front of rate-limited LLM calls: exact tiers in memory, on disk and in Redis, then a semantic
index that serves an answer to a differently worded question only when it can vouch for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .backends.memory import MemoryStore
from .cache.agreement import model_judge
from .cache.audit import Audits
from .cache.budget import Allowance, ErrorBudget
from .cache.budget_state import Calibration
from .cache.call import Call
from .cache.controls import Controls, controls
from .cache.core import Cache
from .cache.drift_policy import DriftPolicy, DriftSettings
from .cache.explain import Explanation
from .cache.guards import (
    Guard,
    bounds_agree,
    ceasing_agrees,
    codes_agree,
    days_agree,
    directions_agree,
    entities_agree,
    language_agrees,
    names_agree,
    negation_agrees,
    numbers_agree,
    numbers_clash,
    opposites_agree,
    question_agrees,
    siblings_agree,
    signs_agree,
    units_agree,
)
from .cache.negatives import Negatives
from .cache.policy import Answer, Policy
from .cache.receipt import Receipt, Reply, last_receipt, receipt_of
from .cache.semantic import Candidate, Conservative, Decision, SemanticTier, Threshold, Verdict
from .cache.shadow import ShadowReport
from .cache.stats import Snapshot
from .cache.usage import record_usage
from .cache.verified import Verified
from .cache.verifier import Verifier
from .cache.volatile import Volatility, volatility
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
    "Allowance",
    "Answer",
    "AskonceError",
    "Audits",
    "Cache",
    "CacheTransport",
    "Calibration",
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
    "DriftPolicy",
    "DriftSettings",
    "EmbedderError",
    "Entry",
    "ErrorBudget",
    "Explanation",
    "FaissIndex",
    "Guard",
    "IndexFault",
    "ManualClock",
    "MemoryStore",
    "MissingExtra",
    "Negatives",
    "NotCached",
    "Policy",
    "Receipt",
    "RedisStore",
    "Reply",
    "SemanticTier",
    "ShadowReport",
    "Snapshot",
    "StoreClosed",
    "StoreError",
    "SystemClock",
    "Threshold",
    "UncacheableCall",
    "UnsafeRow",
    "Usage",
    "Verdict",
    "Verified",
    "Verifier",
    "Volatility",
    "bounds_agree",
    "ceasing_agrees",
    "codes_agree",
    "controls",
    "days_agree",
    "directions_agree",
    "entities_agree",
    "language_agrees",
    "last_receipt",
    "load_config",
    "model_judge",
    "names_agree",
    "negation_agrees",
    "numbers_agree",
    "numbers_clash",
    "opposites_agree",
    "question_agrees",
    "receipt_of",
    "record_usage",
    "siblings_agree",
    "signs_agree",
    "units_agree",
    "volatility",
    "words_in_place",
]
