"""The working side of the semantic tier: embedding service, index, and their agreement with the stores.

The stores are the truth and the index is derived: it is loaded from a verified snapshot if there is one,
reconciled with the stores' keys, and filled from the vectors the entries carry. A match is only ever a
hint: the entry itself is read from a tier, and its own scope and question decide.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ..backends.contract import AsyncStore, Index, Match, Store, Vector
from ..backends.memory import MemoryStore
from ..embeddings.service import EmbeddingService
from ..entry import Entry
from ..errors import AskonceError, CorruptEntry, IndexFault, StoreError, UnsafeRow
from .negatives import Negatives
from .semantic import Candidate, SemanticTier, Verdict

READ_AT_ONCE = 256
HEAVY_SEARCH = 8_000
"""Vectors in a scope above which a search leaves an event loop: half a millisecond, and more after a start."""


class SemanticIndex:
    """One cache's semantic tier at work.

    Args:
        tier: Settings and parts.
        snapshot: File the index is saved to on close and loaded from; None keeps none.
    """

    def __init__(self, tier: SemanticTier, snapshot: Path | None) -> None:
        self._tier = tier
        self._embedder = tier.embedder
        self._service = EmbeddingService(self._embedder)
        self._snapshot = snapshot
        self._lock = threading.Lock()
        self.fingerprint = self._embedder.fingerprint
        self.deadline_s = tier.deadline_s
        self.floor = tier.decision.floor
        self.decision = tier.decision
        self.shadow = tier.shadow
        own = getattr(self.decision, "negatives", None)
        self.negatives: Negatives = own if own is not None else Negatives()
        self.faults = 0
        self.note = ""
        self.index: Index = tier.index if tier.index is not None else self._open_index()
        if self.index.embedder != self.fingerprint or self.index.dim != self._embedder.dim:
            raise IndexFault(
                f"the index holds {self.index.dim}-dimensional vectors of {self.index.embedder!r}, the embedder gives "
                f"{self._embedder.dim} dimensions of {self.fingerprint!r}; build the index for this embedder"
            )

    def _open_index(self) -> Index:
        from ..backends.faiss_index import FaissIndex

        if self._snapshot is not None and self._snapshot.exists():
            try:
                return FaissIndex.load(
                    self._snapshot,
                    dim=self._embedder.dim,
                    embedder=self.fingerprint,
                    max_vectors=self._tier.max_vectors,
                )
            except (AskonceError, OSError) as error:
                self.note = f"snapshot not used, rebuilt from the stores: {error}"
        return FaissIndex(self._embedder.dim, self.fingerprint, max_vectors=self._tier.max_vectors)

    def follow(self, stores: Sequence[Store], spawn: Callable[[Callable[[], Any]], None]) -> None:
        """Make the index agree with ``stores`` from now on; ``spawn`` runs work in the background."""
        for part in (self._embedder, self.decision):
            load = getattr(part, "load", None)
            if load is not None:
                spawn(load)  # ready before the first question, whose deadline it would use up
        shared = [store for store in stores if store.shared]
        if not shared:
            # Nothing to rebuild from, so nothing may outlive its entry: an evicted answer takes its vector along.
            for store in stores:
                if isinstance(store, MemoryStore):
                    store.on_evict = self.forget
        elif any(isinstance(store, AsyncStore) for store in shared):
            # A remote store may hold very many entries: learn them behind the first calls, which at worst miss.
            spawn(lambda: self.reconcile_quietly(shared))
        else:
            self.reconcile_quietly(shared)

    # -- agreement with the stores -----------------------------------------------------------------

    def reconcile(
        self, stores: Sequence[Store], progress: Callable[[int, int], None] | None = None
    ) -> tuple[int, int, int]:
        """Make the index agree with the stores' keys.

        Vectors of entries that no store holds go; entries the index lacks are added from the vector they
        carry, or embedded again when another embedder made it.

        Returns:
            ``(added, dropped, unusable)``; unusable entries were damaged or not embeddable.

        Raises:
            StoreError: A store is out of reach.
        """
        held: dict[bytes, Store] = {}
        for store in stores:
            for key in store.keys():  # noqa: SIM118 - a store is not a mapping
                held.setdefault(key, store)
        dropped = 0
        for key in list(self.index.keys()):
            if key not in held and self.index.remove(key):
                dropped += 1
        missing = [key for key in held if key not in self.index]
        added = unusable = 0
        again: list[Entry] = []
        for number, read in enumerate(_read(held, missing)):
            if progress is not None:
                progress(number, len(missing))
            try:
                entry = read()
                if entry is None or entry.query is None or not entry.vector:
                    continue
                if entry.embedder != self.fingerprint:
                    again.append(entry)
                    continue
                self.index.add(entry.scope, entry.key, np.frombuffer(entry.vector, dtype="<f4").astype(np.float32))
                added += 1
            except (CorruptEntry, UnsafeRow, IndexFault, ValueError):
                unusable += 1
        added_again, bad = self._embed_again(again)
        return added + added_again, dropped, unusable + bad

    def reconcile_quietly(self, stores: Sequence[Store]) -> None:
        """As :meth:`reconcile`; a store out of reach is noted, not raised."""
        try:
            self.reconcile(stores)
        except StoreError as error:
            self.note = f"not reconciled with the stores: {error}"

    def _embed_again(self, entries: Sequence[Entry]) -> tuple[int, int]:
        added = bad = 0
        for start in range(0, len(entries), 32):
            part = [e for e in entries[start : start + 32] if e.query and not self.refuses(e.query)]
            if not part:
                continue
            rows = self._service.embed_each([e.query or "" for e in part])
            for entry, row in zip(part, rows, strict=True):
                try:
                    if isinstance(row, AskonceError):
                        raise row
                    self.index.add(entry.scope, entry.key, row)
                    added += 1
                except AskonceError:
                    bad += 1
        return added, bad

    # -- one call ------------------------------------------------------------------------------------

    def refuses(self, query: str) -> str:
        """Why this question stays out of the semantic tier, or an empty string."""
        if len(query) > self._tier.max_chars:
            return f"the question has {len(query)} characters, over max_chars={self._tier.max_chars}: exact match only"
        if not self._service.supports(query):
            return f"the question is in a script the embedder {self.fingerprint.partition('/')[0]} does not know"
        return ""

    def known(self, query: str) -> Vector | None:
        """The vector of a question embedded lately."""
        return self._service.cached(query)

    def embed(self, query: str, here: bool = False) -> Future[Vector]:
        """Start embedding; see EmbeddingService.submit."""
        return self._service.submit(query, here)

    def likeness(self, one: str, other: str) -> float | None:
        """How alike two answers are: the cosine of their vectors, 0..1. None when the embedder sees only the
        beginning of one, or does not know its script. Takes milliseconds."""
        if self.refuses(one) or self.refuses(other):
            return None
        rows = self._service.embed_each([one, other])
        vectors = [row for row in rows if not isinstance(row, AskonceError)]
        return max(0.0, float(vectors[0] @ vectors[1])) if len(vectors) == 2 else None

    def heavy(self, scope: bytes) -> bool:
        return self.index.size_of(scope) > HEAVY_SEARCH

    def search(self, scope: bytes, vector: Vector) -> list[Match]:
        return self.index.search(scope, vector, self._tier.candidates)

    def decide(self, candidate: Candidate) -> Verdict:
        """The decision's verdict; a decision that fails says no."""
        return self._verdict(self.decision.decide, candidate)

    def settle(self, candidate: Candidate) -> Verdict:
        """The decision's slow second opinion; a decision that has none, or fails, says no."""
        settle = getattr(self.decision, "settle", None)
        if settle is None:
            return Verdict(False, "the decision is unsure and has no second opinion")
        return self._verdict(settle, candidate)

    def _verdict(self, judge: Callable[[Candidate], Verdict], candidate: Candidate) -> Verdict:
        try:
            return judge(candidate)
        except Exception as error:
            return Verdict(False, f"the decision failed ({type(error).__name__}), so it is a no")

    def add(self, scope: bytes, key: bytes, vector: Vector) -> None:
        try:
            self.index.add(scope, key, vector)
        except AskonceError as error:
            self.faults += 1
            self.note = str(error)

    def stamp(self, entry: Entry, vector: Vector) -> Entry:
        """``entry`` with its vector and who made it."""
        raw = np.ascontiguousarray(vector, dtype="<f4").tobytes()
        return msgspec.structs.replace(entry, vector=raw, embedder=self.fingerprint)

    def forget(self, key: bytes) -> None:
        self.index.remove(key)

    def close(self) -> None:
        """Save the snapshot (a failure is not fatal: the next start rebuilds) and stop the workers."""
        save = getattr(self.index, "save", None)
        if self._snapshot is not None and save is not None:
            try:
                save(self._snapshot)
            except (AskonceError, OSError) as error:
                self.note = f"snapshot not saved: {error}"
        self._service.close()
        self.index.close()


def _read(held: dict[bytes, Store], keys: Sequence[bytes]) -> Iterator[Callable[[], Entry | None]]:
    """For each of ``keys``, what reads it; stores that have ``get_many`` are asked for many at once."""
    for start in range(0, len(keys), READ_AT_ONCE):
        part = keys[start : start + READ_AT_ONCE]
        found: dict[bytes, Entry | None] = {}
        for store in {id(held[key]): held[key] for key in part}.values():
            get_many = getattr(store, "get_many", None)
            if get_many is not None:
                mine = [key for key in part if held[key] is store]
                found.update(zip(mine, get_many(mine), strict=True))
        for key in part:
            entry = found.get(key)
            # None is gone, damaged or not asked for yet: ``get`` says which.
            yield functools.partial(held[key].get, key) if entry is None else functools.partial(_same, entry)


def _same(entry: Entry) -> Entry:
    return entry
