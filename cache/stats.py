"""Counters of one cache."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import msgspec

from ..errors import StoreError
from ..forks import renew_after_fork
from .receipt import Receipt

if TYPE_CHECKING:
    from .core import Cache


class Snapshot(msgspec.Struct, kw_only=True, frozen=True):
    """Counts since the cache was opened.

    Attributes:
        calls: All calls.
        hits: By tier name, ``"semantic"`` included.
        misses, joined, stale, bypass: As in :class:`Receipt`.
        errors: Upstream calls that raised.
        tokens_saved, money_saved, time_saved_s: Summed over the receipts.
        tokens_spent, money_spent: Billed by upstream calls.
        entries, bytes: Per tier; -1 where counting would be slow.
        vectors: In the semantic index.
        faults: By stage.
        audits: Hits asked upstream again behind the caller that ended with a comparison; of these
            ``audits_agreed`` said the same, ``audits_disagreed`` something else, ``audits_unclear`` could not be told.
        audits_failed, audits_skipped: Audits whose call failed or gave no whole answer; hits that were chosen but
            not audited for want of room, tokens or spare capacity.
        audit_tokens: Tokens billed by audits (part of ``tokens_spent``).
        audit_faults: Lessons that could not be learned: a store or a user's function failed.
        retired: Tags and scopes that the drift policy retired.
        reported_wrong, reported_right: Receipts handed to ``report_wrong`` and ``report_right``.
        negatives: Pairs of questions never to be served for each other.
        budget: The error budget's meter, None without one.
        shadow: What the shadow mode saw; None before it saw anything.
    """

    calls: int
    hits: dict[str, int]
    misses: int
    joined: int
    stale: int
    bypass: int
    errors: int
    tokens_saved: int
    money_saved: float
    time_saved_s: float
    tokens_spent: int
    money_spent: float
    entries: dict[str, int]
    bytes: dict[str, int]
    vectors: int
    faults: dict[str, int]
    audits: int = 0
    audits_agreed: int = 0
    audits_disagreed: int = 0
    audits_unclear: int = 0
    audits_failed: int = 0
    audits_skipped: int = 0
    audit_tokens: int = 0
    audit_faults: int = 0
    retired: int = 0
    reported_wrong: int = 0
    reported_right: int = 0
    negatives: int = 0
    budget: dict[str, Any] | None = None
    shadow: dict[str, Any] | None = None

    @property
    def hit_rate(self) -> float:
        """Share of calls answered without an upstream call of their own (0..1)."""
        served = sum(self.hits.values()) + self.joined + self.stale
        return served / self.calls if self.calls else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain data, with ``hit_rate``."""
        made: dict[str, Any] = msgspec.to_builtins(self)
        made["hit_rate"] = self.hit_rate
        return made


class Counters:
    """Live counters, shared by a cache and its tenant views."""

    def __init__(self) -> None:
        self.renew()
        renew_after_fork(self)
        self.status: dict[str, int] = {}
        self.hits: dict[str, int] = {}
        self.errors = 0
        self.tokens_saved = 0
        self.money_saved = 0.0
        self.time_saved_ms = 0.0
        self.tokens_spent = 0
        self.money_spent = 0.0
        self.audits: dict[str, int] = {}

    def renew(self) -> None:
        """In the child of a fork, and at the start."""
        self._lock = threading.RLock()  # re-entrant: a stream may be collected, and counted, while this counts

    def note(self, receipt: Receipt) -> None:
        """Count one call."""
        with self._lock:
            status = receipt.status
            self.status[status] = self.status.get(status, 0) + 1
            if status == "hit" and receipt.tier is not None:
                self.hits[receipt.tier] = self.hits.get(receipt.tier, 0) + 1
            self.tokens_saved += receipt.tokens_saved
            self.money_saved += receipt.money_saved
            self.time_saved_ms += receipt.time_saved_ms

    def spent(self, tokens: int, money: float) -> None:
        """Count what an upstream call cost."""
        with self._lock:
            self.tokens_spent += tokens
            self.money_spent += money

    def audited(self, what: str, number: int = 1) -> None:
        """Count what an audit or a report gave: "agreed", "tokens", "reported_wrong" and so on."""
        with self._lock:
            self.audits[what] = self.audits.get(what, 0) + number

    def failed(self) -> None:
        """Count an upstream call that raised."""
        with self._lock:
            self.errors += 1


def take(cache: Cache) -> Snapshot:
    """The counts of a cache, and what each of its tiers holds."""
    entries: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for tier in cache.tiers:
        try:
            held = tier.store.stats()
            entries[tier.name], sizes[tier.name] = held.entries, held.bytes
        except StoreError:
            entries[tier.name] = sizes[tier.name] = -1
    counters, semantic = cache.counters, cache.semantic
    faults = {tier.name: tier.faults for tier in cache.tiers if tier.faults}
    if semantic is not None and semantic.faults:
        faults["semantic"] = semantic.faults
    if cache.workers.failures:
        faults["background"] = cache.workers.failures
    status = counters.status
    return Snapshot(
        calls=sum(status.values()) + counters.errors,
        hits=dict(counters.hits),
        misses=status.get("miss", 0),
        joined=status.get("joined", 0),
        stale=status.get("stale", 0),
        bypass=status.get("bypass", 0),
        errors=counters.errors,
        tokens_saved=counters.tokens_saved,
        money_saved=counters.money_saved,
        time_saved_s=counters.time_saved_ms / 1000,
        tokens_spent=counters.tokens_spent,
        money_spent=counters.money_spent,
        entries=entries,
        bytes=sizes,
        vectors=len(semantic.index) if semantic is not None else 0,
        faults=faults,
        **cache.learning.figures(),
    )
