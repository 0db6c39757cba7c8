"""Codes: a scope's vectors in 4 bits per few numbers, scanned whole by FAISS.

Product quantisation (Jégou, Douze, Schmid 2011) in the fast-scan layout (André, Kermarrec, Le Scouarnec 2015),
``faiss.IndexPQFastScan``. A code has a thirty-second of its vector's size; a scan of 100,000 codes of 384-dimensional
vectors takes about 0.2 ms on one core, and codes cost a few microseconds to add. The owner re-ranks the best
:data:`CANDIDATES` by exact cosine. On 100,000 real questions the nearest is among them practically always (a graph
or an inverted file of the same cost finds 96 to 98 of 100: questions cluster badly).

Where that cannot be relied on (hundreds of vectors about equally near, a query with no near neighbour among vectors
without structure, a neighbourhood that was removed) it can be seen. A code keeps a known share of a cosine, off by a
known error (both measured in training), so a vector nearer than the best one found would have been estimated above
that share of it, less a few errors. If the last candidate's estimate is below that, nothing was missed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from .contract import Vector
from .vectors import Matrix, Numbers, View, inner_products

faiss: Any = import_module("faiss")

CANDIDATES = 64  # codes re-ranked for a search
WIDER = (CANDIDATES, 256, 2048)  # and when the best of them may not be the nearest
SURE = 2.0  # standard deviations of an estimate
SAMPLE = 4096  # vectors a quantiser is trained on: 256 for each of its 16 centroids
LEAST = 16  # a quantiser has 16 centroids
_MEASURED = 64  # vectors that say something about how good their codes are
_PARTS = 64, 192  # a vector is cut into this many parts, or nearly: fewer blur it, more only cost time


class Fidelity(NamedTuple):
    """How estimated inner products relate to true ones.

    Attributes:
        kept: An estimate is this share of the cosine, on average.
        spread: Standard deviation of that share from vector to vector.
        error: Standard deviation of an estimate whatever the cosine.
    """

    kept: float
    spread: float
    error: float

    @classmethod
    def of(cls, index: Any, vectors: Matrix) -> Fidelity:
        """Measured on some of the vectors with some others."""
        tail = vectors[-512:]
        some, others = np.ascontiguousarray(tail[::2]), np.ascontiguousarray(tail[1::2])
        coded = index.pq.decode(index.pq.compute_codes(some))
        shares = np.einsum("ij,ij->i", coded, some)
        kept = float(shares.mean())
        wrong = np.zeros((len(others), len(some)), dtype=np.float32)
        for other, row in zip(others, wrong, strict=True):
            inner_products(other, coded - kept * some, row)
        return cls(max(kept, 0.01), float(shares.std()), float(np.std(wrong)) if wrong.size else 0.0)

    def worst(self, other: Fidelity) -> Fidelity:
        """What holds for the vectors of both."""
        return Fidelity(min(self.kept, other.kept), max(self.spread, other.spread), max(self.error, other.error))


class Codes:
    """One generation of codes. Never changed once made: searched by any thread, without a lock.

    Attributes:
        count: Codes held, of vectors removed since too.
        last: The greatest id held; every living vector up to it is held.
        trained_on: Vectors there were when the quantiser was trained.
    """

    __slots__ = ("_fidelity", "_ids", "_index", "_width", "count", "last", "trained_on")

    def __init__(self, index: Any, ids: Numbers, width: int, last: int, trained_on: int, fidelity: Fidelity) -> None:
        self._index = index
        self._ids = ids  # of each code (faiss.IndexIDMap keeps the same, but starts threads to look them up)
        self._width = width
        self.count = len(ids)
        self.last = last
        self.trained_on = trained_on
        self._fidelity = fidelity

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
        fidelity = Fidelity.of(index, sample)
        ids: list[Numbers] = []
        for rows, vectors in view.living():
            if stop():
                return None
            if len(rows):
                index.add(_padded(vectors, width))
                ids.append(view.ids[rows])
        return cls(index, np.concatenate(ids), width, int(view.ids[view.size - 1]), len(alive), fidelity)

    def extended(self, view: View) -> Codes:
        """The next generation: these codes and those of the view's rows that are newer."""
        index = faiss.clone_index(self._index)
        ids, fidelity = [self._ids], self._fidelity
        for rows, vectors in view.living(view.row_after(self.last)):
            if len(rows):
                padded = _padded(vectors, self._width)
                index.add(padded)
                ids.append(view.ids[rows])
                if len(rows) >= _MEASURED:  # what is said changes over time
                    fidelity = fidelity.worst(Fidelity.of(index, padded))
        last = max(self.last, int(view.ids[view.size - 1]))
        return Codes(index, np.concatenate(ids), self._width, last, self.trained_on, fidelity)

    def nearest(self, query: Vector, k: int) -> tuple[Numbers, float]:
        """Ids of about the ``k`` nearest, ascending, removed vectors among them, and the estimate of the last of them:
        -inf when these are all there are."""
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
            return ids, -math.inf
        return ids, float(estimates[0, k - 1]) if len(ids) == k else math.inf

    def sure(self, best: float, last: float) -> bool:
        """Whether no vector nearer than the cosine ``best`` can have an estimate below ``last``, in all likelihood."""
        kept, spread, error = self._fidelity
        return kept * best - last >= SURE * math.hypot(spread * best, error)


def _padded(vectors: Matrix, width: int) -> Matrix:
    """The same inner products with a dimension that divides evenly."""
    if vectors.shape[1] == width:
        return np.ascontiguousarray(vectors)
    out = np.zeros((len(vectors), width), dtype=np.float32)
    out[:, : vectors.shape[1]] = vectors
    return out
