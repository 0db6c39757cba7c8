"""Rows: the vectors of one scope, in the order they came.

Rows lie in blocks and are append-only: a written row never changes, and growth makes a new array instead of
moving the old one. Whoever took a :class:`View` under the owner's lock may therefore read it without one for
as long as it likes. What is removed is only marked. A full block of dead rows is given back at once, so that
oldest-out-first frees memory without copying; against scattered holes the owner makes new ``Rows`` that share
the dense blocks and copy the rest.

Inner products are FAISS's ``fvec_inner_products_ny``: one thread, without the interpreter's lock. ``a @ b`` in
numpy would hand a matrix of a few dozen rows to OpenBLAS's threads: on a busy machine they wait for each other for
milliseconds, and a fork in another thread meanwhile can hang for ever.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .contract import Vector

faiss: Any = import_module("faiss")  # its type stubs lack the functions used here

Matrix = NDArray[np.float32]
Numbers = NDArray[np.int64]
Mask = NDArray[np.bool_]

BLOCK = 4096  # rows of a full block; a small scope has one short block that grows
_FIRST = 2
_DENSE = 0.75  # living share of a block that is worth sharing


def inner_products(query: Vector, rows: Matrix, out: Vector) -> None:
    """``out[i] = rows[i] . query``; all float32 and contiguous."""
    if len(rows):
        pointer = faiss.swig_ptr
        faiss.fvec_inner_products_ny(pointer(out), pointer(query), pointer(rows), len(query), len(rows))


def length_of(vector: Vector) -> float:
    """Euclidean length of a contiguous float32 vector; inf or NaN, without a warning, where it has none."""
    square: float = faiss.fvec_norm_L2sqr(faiss.swig_ptr(vector), len(vector))
    return math.sqrt(square)


class View(NamedTuple):
    """The first ``size`` rows as they were at one moment.

    Block ``i`` begins at row ``starts[i]``; one that was given back is None. ``ids`` ascend. ``keys`` and ``dead``
    are the living ones: a key removed later reads None.
    """

    blocks: tuple[Matrix | None, ...]
    starts: tuple[int, ...]
    ids: Numbers
    keys: list[bytes | None]
    dead: Mask | None
    size: int

    def pieces(self, start: int = 0) -> Iterator[tuple[int, int, Matrix | None]]:
        """``(first row, last row + 1, their vectors)`` of each block from row ``start`` on."""
        for at in range(max(0, bisect_right(self.starts, start) - 1), len(self.blocks)):
            low = self.starts[at]
            high = self.starts[at + 1] if at + 1 < len(self.starts) else self.size
            first, block = max(start, low), self.blocks[at]
            if first < high:
                yield first, high, None if block is None else block[first - low : high - low]

    def alive(self, start: int, stop: int) -> Mask:
        """True for each living row of a range."""
        if self.dead is None:
            return np.ones(stop - start, dtype=np.bool_)
        return ~self.dead[start:stop]

    def living(self, start: int = 0) -> Iterator[tuple[Numbers, Matrix]]:
        """Row numbers and vectors of the living rows from ``start`` on, block by block."""
        for first, last, vectors in self.pieces(start):
            if vectors is not None:
                rows = np.flatnonzero(self.alive(first, last))
                yield rows + first, vectors if len(rows) == last - first else vectors[rows]

    def scores(self, query: Vector, start: int = 0) -> Vector:
        """Inner products of ``query`` with the rows from ``start`` on, in order; -inf for the dead."""
        out = np.empty(self.size - start, dtype=np.float32)
        for first, last, vectors in self.pieces(start):
            if vectors is None:
                out[first - start : last - start] = -np.inf
            else:
                inner_products(query, vectors, out[first - start : last - start])
        if self.dead is not None:
            out[self.dead[start : self.size]] = -np.inf
        return out

    def scores_of(self, query: Vector, rows: Numbers) -> Vector:
        """Inner products of ``query`` with the given rows (ascending); 0 where the block was given back."""
        near = np.zeros((len(rows), len(query)), dtype=np.float32)
        blocks, starts = self.blocks, self.starts
        if len(rows) > 2 * len(blocks):
            bounds = [*np.searchsorted(rows, starts).tolist(), len(rows)]
            for block, start, low, high in zip(blocks, starts, bounds, bounds[1:], strict=False):
                if block is not None and low < high:
                    block.take(rows[low:high] - start, 0, near[low:high], "clip")  # "clip": straight into place
        else:
            for at, row in enumerate(rows.tolist()):
                number = bisect_right(starts, row) - 1
                block = blocks[number]
                if block is not None:
                    near[at] = block[row - starts[number]]
        out = np.empty(len(rows), dtype=np.float32)
        inner_products(query, near, out)
        return out

    def vectors_of(self, rows: Numbers) -> Iterator[Matrix]:
        """Vectors of the given rows (ascending, alive when the view was taken), block by block."""
        for first, last, vectors in self.pieces():
            low, high = np.searchsorted(rows, (first, last))
            if vectors is not None and low < high:
                yield vectors if high - low == last - first else vectors[rows[low:high] - first]

    def rows_of(self, ids: Numbers) -> Numbers:
        """The living rows of those ids that are here."""
        rows: Numbers
        first = self._gapless()
        if first is not None:
            rows = ids - first
            rows = rows[(rows >= 0) & (rows < self.size)]
        else:
            held = self.ids[: self.size]
            rows = np.minimum(np.searchsorted(held, ids), self.size - 1)
            rows = rows[held[rows] == ids]
        return rows if self.dead is None else rows[~self.dead[rows]]

    def _gapless(self) -> int | None:
        """The first id when the ids are consecutive (nothing else was added meanwhile), so that a row is a subtraction
        and not a search through memory that no cache holds."""
        if self.size == 0:
            return None
        first, last = int(self.ids[0]), int(self.ids[self.size - 1])
        return first if last - first == self.size - 1 else None  # ids only grow

    def row_after(self, number: int) -> int:
        """The first row whose id is greater."""
        first = self._gapless()
        if first is not None:
            return min(max(number - first + 1, 0), self.size)
        return int(np.searchsorted(self.ids[: self.size], number, side="right"))


class Rows:
    """Unit vectors with their ids and keys. Not locked: its owner is.

    Args:
        dim: Numbers per vector.
    """

    __slots__ = ("_blocks", "_dead", "_holes", "_starts", "buried", "count", "dim", "ids", "keys")

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.count = 0
        self.buried = 0
        self.ids: Numbers = np.empty(_FIRST, dtype=np.int64)
        self.keys: list[bytes | None] = []
        self._blocks: tuple[Matrix | None, ...] = ()
        self._starts: tuple[int, ...] = ()
        self._dead: Mask | None = None  # made at the first burial, like the next
        self._holes: list[int] | None = None  # dead rows of each block

    @classmethod
    def of(cls, dim: int, ids: Numbers, keys: list[bytes], blocks: Sequence[Matrix]) -> Rows:
        """Rows made of full blocks (the last may be short), which they take over."""
        rows = cls(dim)
        rows.ids, rows.keys, rows.count = ids, list(keys), len(keys)
        rows._blocks = tuple(blocks)
        rows._starts = tuple(range(0, len(blocks) * BLOCK, BLOCK))
        return rows

    def append(self, number: int, key: bytes, vector: Vector) -> None:
        """Add a row; ``number`` must be greater than every id before it."""
        row = self.count
        self._reserve(row + 1)
        block = self._room(1)
        block[row - self._starts[-1]] = vector
        self.ids[row] = number
        self.keys.append(key)
        self.count = row + 1

    def bury(self, number: int) -> None:
        """Mark the row of an id as dead; nothing happens when it is not here."""
        row = int(np.searchsorted(self.ids[: self.count], number))
        if row == self.count or self.ids[row] != number or self.keys[row] is None:
            return
        self.keys[row] = None
        self._bury_row(row)

    def view(self) -> View:
        """What is here now."""
        return View(self._blocks, self._starts, self.ids, self.keys, self._dead, self.count)

    def adopt(self, view: View, start: int) -> None:
        """Add the living rows of other rows' ``view`` from row ``start`` on, with their ids.

        Dense full blocks are shared, with their dead rows; of the others the living rows are copied.
        """
        for first, last, vectors in view.pieces(start):
            if vectors is None:
                continue
            # A key may turn None at any moment, so each is read once; the last block is still being written.
            keys = view.keys[first:last]
            kept = [at for at, key in enumerate(keys) if key is not None]
            if last < view.size and len(kept) >= max(_DENSE * BLOCK, _DENSE * len(keys)):
                self._share(vectors, view.ids[first:last], keys)
            else:
                self._copy(vectors, view.ids[first:last], keys, kept)

    def _share(self, vectors: Matrix, ids: Numbers, keys: list[bytes | None]) -> None:
        first, last = self.count, self.count + len(keys)
        self._reserve(last)
        self._blocks, self._starts = (*self._blocks, vectors), (*self._starts, first)
        self.ids[first:last] = ids
        self.keys.extend(keys)
        self.count = last
        for at, key in enumerate(keys):
            if key is None:
                self._bury_row(first + at)

    def _copy(self, vectors: Matrix, ids: Numbers, keys: list[bytes | None], kept: list[int]) -> None:
        self._reserve(self.count + len(kept))
        done = 0
        while done < len(kept):
            block = self._room(len(kept) - done)
            at = self.count - self._starts[-1]
            some = kept[done : done + len(block) - at]
            block[at : at + len(some)] = vectors[some]
            self.ids[self.count : self.count + len(some)] = ids[some]
            self.keys.extend([keys[row] for row in some])
            self.count += len(some)
            done += len(some)

    def _bury_row(self, row: int) -> None:
        if self._dead is None or self._holes is None:
            self._dead = np.zeros(len(self.ids), dtype=np.bool_)
            self._holes = []
        self._dead[row] = True
        self.buried += 1
        at = bisect_right(self._starts, row) - 1
        self._holes.extend([0] * (at + 1 - len(self._holes)))
        self._holes[at] += 1
        if at + 1 < len(self._starts) and self._holes[at] == self._starts[at + 1] - self._starts[at]:
            self._blocks = (*self._blocks[:at], None, *self._blocks[at + 1 :])

    def _reserve(self, size: int) -> None:
        if size > len(self.ids):
            room = size + size // 2
            self.ids = _grown(self.ids, room)
            if self._dead is not None:
                dead = np.zeros(room, dtype=np.bool_)
                dead[: len(self._dead)] = self._dead
                self._dead = dead

    def _room(self, size: int) -> Matrix:
        """The last block, with room for at least one more row, for ``size`` if a block can hold them."""
        filled = self.count - self._starts[-1] if self._starts else BLOCK
        last = self._blocks[-1] if self._blocks else None
        if last is None or filled >= BLOCK:
            rows = BLOCK if self._blocks else min(BLOCK, max(size, _FIRST))
            made: Matrix = np.empty((rows, self.dim), dtype=np.float32)
            self._blocks, self._starts = (*self._blocks, made), (*self._starts, self.count)
            return made
        if filled + min(size, BLOCK - filled) > len(last):
            last = _grown(last, min(BLOCK, max(filled + size, len(last) + len(last) // 2)))
            self._blocks = (*self._blocks[:-1], last)
        return last


def _grown(old: NDArray[Any], size: int) -> NDArray[Any]:
    new = np.empty((size, *old.shape[1:]), dtype=old.dtype)
    new[: len(old)] = old
    return new
