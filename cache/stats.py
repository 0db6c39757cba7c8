"""Counters of one cache."""

from __future__ import annotations

import threading
from typing import Any

import msgspec

from ..forks import renew_after_fork
from .receipt import Receipt


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

    def renew(self) -> None:
        """In the child of a fork, and at the start."""
        self._lock = threading.Lock()

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

    def failed(self) -> None:
        """Count an upstream call that raised."""
        with self._lock:
            self.errors += 1
