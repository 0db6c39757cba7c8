"""Codes: a scope's vectors in 4 bits per few numbers, scanned whole by FAISS.

Product quantisation (Jégou, Douze, Schmid 2011) in the fast-scan layout (André, Kermarrec, Le Scouarnec 2015),
``faiss.IndexPQFastScan``. A code has a thirty-second of its vector's size; a scan of 100,000 codes of 384-dimensional
vectors takes about 0.2 ms on one core, and codes cost a few microseconds to add. The owner re-ranks the best
:data:`CANDIDATES` by exact cosine. On 100,000 real questions the nearest is among them practically always (a graph
or an inverted file of the same cost finds 96 to 98 of 100: questions cluster badly).

Where that cannot be relied on (a query with no near neighbour among vectors without structure, or a neighbourhood
that was removed) it can be seen: the nearest was missed only if its inner product was underestimated by more than
the gap between the best cosine found and the score of the last candidate. How far estimates are off is measured
in training (``error``); a gap under :data:`SURE` times that means looking further.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from .contract import Vector
from .vectors import Matrix, Numbers, View, inner_products

faiss: Any = import_module("faiss")

CANDIDATES = 64  # codes re-ranked for a search
WIDER = (CANDIDATES, 512, 4096)  # and when the best of them may not be the nearest
SURE = 5.0  # standard deviations
SAMPLE = 4096  # vectors a quantiser is trained on: 256 for each of its 16 centroids
LEAST = 16  # a quantiser has 16 centroids
_PARTS = 64, 192  # a vector is cut into this many parts, or nearly: fewer blur it, more only cost time


class Codes:
    """One generation of codes. Never changed once made: searched by any thread, without a lock.

    Attributes:
        count: Codes held, of vectors removed since too.
        last: The greatest id held; every living vector up to it is held.
        trained_on: Vectors there were when the quantiser was trained.
        error: Standard deviation of an estimated inner product from the true one.
    """

    __slots__ = ("_ids", "_index", "_width", "count", "error", "last", "trained_on")

    def __init__(self, index: Any, ids: Numbers, width: int, last: int, trained_on: int, error: float) -> None:
        self._index = index
        self._ids = ids  # of each code (faiss.IndexIDMap keeps the same, but starts threads to look them up)
        self._width = width
        self.count = len(ids)
        self.last = last
        self.trained_on = trained_on
        self.error = error

    @classmethod
    def train(cls, view: View, stop: Callable[[], bool]) -> Codes | None:
        """Train a quantiser on a view's vectors and encode them all; None when told to stop."""
        alive = np.flatnonzero(view.alive(0, view.size))
        if len(alive) == 0:
            return None
        chosen = alive[np.linspace(0, len(alive) - 1, min(SAMPLE, len(alive))).astype(np.int64)]
        sample = np.concatenate([vectors[np.isin(rows, chosen)] for rows, vectors in view.living()])
        dim = sample.shape[1]
        size = max(1, min(4, dim // _PARTS[0]), -(-dim // _PARTS[1]))  # numbers per part
        width = -(-dim // size) * size
        index = faiss.IndexPQFastScan(width, width // size, 4, faiss.METRIC_INNER_PRODUCT)
        index.pq.cp.min_points_per_centroid = 1  # else a small scope is warned about on the error stream
        sample = _padded(np.resize(sample, (max(len(sample), LEAST), dim)), width)
        index.train(sample)
        error = _error_of(index, sample)
        ids: list[Numbers] = []
        for rows, vectors in view.living():
            if stop():
                return None
            if len(rows):
                index.add(_padded(vectors, width))
                ids.append(view.ids[rows])
        return cls(index, np.concatenate(ids), width, int(view.ids[view.size - 1]), len(alive), error)

    def extended(self, view: View) -> Codes:
        """The next generation: these codes and those of the view's rows that are newer."""
        index = faiss.clone_index(self._index)
        ids, error = [self._ids], self.error
        for rows, vectors in view.living(view.row_after(self.last)):
            if len(rows):
                padded = _padded(vectors, self._width)
                index.add(padded)
                ids.append(view.ids[rows])
                error = max(error, _error_of(index, padded))  # what is said changes over time
        last = max(self.last, int(view.ids[view.size - 1]))
        return Codes(index, np.concatenate(ids), self._width, last, self.trained_on, error)

    def nearest(self, query: Vector, k: int) -> tuple[Numbers, float]:
        """Ids of about the ``k`` nearest, ascending, removed vectors among them, and the cosine above which a vector
        of the codes is surely among them: -inf when all codes are."""
        padded = _padded(query[None], self._width)
        threads = faiss.omp_get_max_threads()  # OpenMP keeps this number for each thread
        faiss.omp_set_num_threads(1)
        try:
            estimates, places = self._index.search(padded, min(k, self.count))
        finally:
            faiss.omp_set_num_threads(threads)
        found = places[0][places[0] >= 0]
        ids: Numbers = self._ids[found]
        ids.sort()
        if len(ids) == self.count:
            return ids, -np.inf
        last = float(estimates[0, len(found) - 1]) if len(found) == k else np.inf
        return ids, last + SURE * self.error


def _error_of(index: Any, vectors: Matrix) -> float:
    """How far inner products of some of the vectors with others are off when one of the two is a code."""
    tail = vectors[-512:]
    some, others = np.ascontiguousarray(tail[::2]), np.ascontiguousarray(tail[1::2])
    lost = some - index.pq.decode(index.pq.compute_codes(some))
    wrong = np.zeros((len(others), len(some)), dtype=np.float32)
    for other, row in zip(others, wrong, strict=True):
        inner_products(other, lost, row)
    return float(np.std(wrong)) if wrong.size else 0.0


def _padded(vectors: Matrix, width: int) -> Matrix:
    """The same inner products with a dimension that divides evenly."""
    if vectors.shape[1] == width:
        return np.ascontiguousarray(vectors)
    out = np.zeros((len(vectors), width), dtype=np.float32)
    out[:, : vectors.shape[1]] = vectors
    return out
