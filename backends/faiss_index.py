"""The vector index in process: one partition per scope, searched with FAISS.

A partition keeps its vectors as plain float32 rows. A small one is searched exactly. A large one also has
:class:`~askonce.backends.codes.Codes`, made off the caller's thread: a search scans the codes, adds the rows
they do not hold yet, and ranks the candidates by exact cosine. Until codes are there a search is exact and slow.

Who decides what exists is ``_Partition.numbers`` (key -> id) alone, under one lock that is held for
microseconds; rows and codes are read without it and every match is looked up there before it is returned. Ids
count up from 0 and are never used again, so what is left of a removed vector anywhere can never be taken for
another one.
"""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path

import numpy as np

from ..errors import ConfigError, IndexFault
from ..forks import survive_fork
from .builder import Builder
from .codes import WIDER, Codes
from .contract import Match, Vector
from .snapshot import Section, read_snapshot, write_snapshot
from .vectors import Numbers, Rows, View, length_of

EXACT_BELOW = 4096  # an exact search of so many 384-dimensional vectors takes about 0.15 ms
_TOLERANCE = 1e-3  # of a vector's length
_INLINE = 256  # rows a remove may copy on the caller's thread
_LONGEST = 0xFFFF  # bytes of a key or scope
_SPARE = 8  # matches looked for beyond those asked for, against removals in the meantime


class _Partition:
    """The vectors of one scope."""

    __slots__ = ("codes", "fresh", "graves", "numbers", "obsolete", "rest_until", "rows", "scope")

    def __init__(self, scope: bytes, dim: int) -> None:
        self.scope = scope
        self.numbers: dict[bytes, int] = {}  # key -> id: what exists
        self.rows = Rows(dim)
        self.codes: Codes | None = None
        self.fresh = 0  # rows the codes do not hold
        self.obsolete = 0  # codes of vectors removed since
        self.graves: list[int] | None = None  # ids removed while the rows are being copied
        self.rest_until = 0  # rows at which to try again after a failure to build

    def drop_codes(self) -> None:
        """Search exactly from now on."""
        self.codes, self.obsolete, self.fresh = None, 0, self.rows.count


class FaissIndex:
    """Vectors of many scopes in this process; keeps :class:`askonce.backends.contract.Index`.

    Closed, it is empty and refuses ``add``, ``search`` and ``save`` with IndexFault.

    Args:
        dim: Numbers per vector.
        embedder: Fingerprint of the embedder that makes them.
        max_vectors: Bound over all scopes; beyond it the oldest vector goes.
        exact_below: A scope with fewer vectors is searched exactly.

    Raises:
        ConfigError: A number is less than 1.
    """

    def __init__(
        self, dim: int, embedder: str, *, max_vectors: int = 1_000_000, exact_below: int = EXACT_BELOW
    ) -> None:
        for setting, value in (("dim", dim), ("max_vectors", max_vectors), ("exact_below", exact_below)):
            if value < 1:
                raise ConfigError(f"{setting}={value} makes no index; give at least 1", setting=setting)
        self.dim = dim
        self.embedder = embedder
        self.max_vectors = max_vectors
        self.exact_below = exact_below
        self._fold = max(1, min(1024, exact_below // 4))  # fresh rows at which the codes are extended
        self._lock = threading.Lock()
        self._next = 0
        self._parts: dict[bytes, _Partition] = {}
        self._where: dict[bytes, _Partition] = {}  # key -> its partition, oldest first
        self._oldest: deque[tuple[bytes, int]] = deque()  # the next to go when full; checked when used
        self._closed = False
        self._builder: Builder[_Partition] = Builder()
        self._finalizer = weakref.finalize(self, self._builder.stop)
        survive_fork(self)

    # -- changes ---------------------------------------------------------------------------------------

    def add(self, scope: bytes, key: bytes, vector: Vector) -> None:
        """Put a vector under its key; replaces what was there, also under another scope.

        Raises:
            IndexFault: The vector is not float32 of shape ``(dim,)``, finite and of length 1 (within 1e-3); a key
                or scope is not bytes, or longer than 65,535; or the index is closed. Nothing has changed.
        """
        unit = self._unit(vector)
        for name in (scope, key):
            if not isinstance(name, bytes) or len(name) > _LONGEST:
                raise IndexFault(f"scope and key must be bytes, at most {_LONGEST:,} of them; use their digest")
        with self._lock:
            self._check_open()
            self._forget(key)
            part = self._parts.get(scope)
            if part is None:
                part = self._parts[scope] = _Partition(scope, self.dim)
            part.rows.append(self._next, key, unit)
            part.fresh += 1
            part.numbers[key] = self._next
            self._where[key] = part
            self._next += 1
            while len(self._where) > self.max_vectors:
                self._forget_oldest()
            self._look_after(part)

    def remove(self, key: bytes) -> bool:
        """Take a key out, at once; returns whether it was there."""
        with self._lock:
            return self._forget(key)

    def drop_scope(self, scope: bytes) -> int:
        """Remove a whole scope; returns how many vectors went."""
        with self._lock:
            part = self._parts.pop(scope, None)
            if part is None:
                return 0
            for key in part.numbers:
                del self._where[key]
            gone = len(part.numbers)
            part.numbers.clear()
            return gone

    def _forget(self, key: bytes) -> bool:
        part = self._where.pop(key, None)
        if part is None:
            return False
        number = part.numbers.pop(key)
        if not part.numbers:
            del self._parts[part.scope]
            return True
        part.rows.bury(number)
        if part.graves is not None:
            part.graves.append(number)
        if part.codes is not None and number <= part.codes.last:
            part.obsolete += 1
        self._look_after(part)
        return True

    def _forget_oldest(self) -> None:
        if not self._oldest:
            some = itertools.islice(self._where.items(), 4096)
            self._oldest.extend((key, part.numbers[key]) for key, part in some)
        key, number = self._oldest.popleft()
        part = self._where.get(key)
        if part is not None and part.numbers[key] == number:
            self._forget(key)

    def _unit(self, vector: Vector) -> Vector:
        """The vector at length 1 exactly, contiguous."""
        wrong = ""
        if not isinstance(vector, np.ndarray) or vector.dtype != np.float32 or vector.shape != (self.dim,):
            shape = f"{vector.dtype} {vector.shape}" if isinstance(vector, np.ndarray) else type(vector).__name__
            wrong = f"got {shape}"
        else:
            vector = np.ascontiguousarray(vector)
            length = length_of(vector)
            if abs(length - 1.0) <= _TOLERANCE:  # False for NaN
                return vector / np.float32(length)
            wrong = f"got length {length:.6g}"
        raise IndexFault(
            f"the index takes finite float32 unit vectors of shape ({self.dim},), {wrong}; check the embedder"
        )

    def _check_open(self) -> None:
        if self._closed:
            raise IndexFault("the index is closed; open a new one")

    # -- search ----------------------------------------------------------------------------------------

    def search(self, scope: bytes, vector: Vector, k: int) -> list[Match]:
        """The ``k`` nearest of a scope, best first, with exact cosines.

        Raises:
            IndexFault: The vector is not one this index takes, or the index is closed.
        """
        unit = self._unit(vector)
        with self._lock:
            self._check_open()
            part = self._parts.get(scope)
            if part is None or k < 1:
                return []
            view, codes = part.rows.view(), part.codes
        rows, scores = _nearest(view, codes, unit, k)
        found: list[Match] = []
        with self._lock:
            for row, score in zip(rows.tolist(), scores.tolist(), strict=True):
                key = view.keys[row]
                if key is not None and part.numbers.get(key) == view.ids[row]:
                    found.append(Match(key, max(-1.0, min(1.0, score))))
                    if len(found) == k:
                        break
        return found

    def keys(self) -> Iterator[bytes]:
        """Every key held at this moment, oldest first."""
        with self._lock:
            return iter(list(self._where))

    def __len__(self) -> int:
        with self._lock:
            return len(self._where)

    def __contains__(self, key: bytes) -> bool:
        with self._lock:
            return key in self._where

    def size_of(self, scope: bytes) -> int:
        """Vectors in the scope; takes no lock, so it may be asked on an event loop."""
        part = self._parts.get(scope)
        return len(part.numbers) if part is not None else 0

    # -- upkeep ----------------------------------------------------------------------------------------

    def _need(self, part: _Partition) -> str:
        """What a partition needs next; the lock is held."""
        rows, codes, held = part.rows, part.codes, len(part.numbers)
        if not held or rows.count < part.rest_until:
            return ""
        if rows.buried > 16 and rows.buried > held // 2:
            return "compact"
        if codes is None:
            return "train" if held >= self.exact_below else ""
        if held < self.exact_below // 2:
            return "exact"
        if part.obsolete > max(64, codes.count // 4) or held > 4 * codes.trained_on:
            return "train"
        return "extend" if part.fresh >= self._fold else ""

    def _look_after(self, part: _Partition) -> None:
        need = self._need(part)
        if need == "compact" and part.codes is None and part.rows.count <= _INLINE and part.graves is None:
            rows = Rows(self.dim)
            rows.adopt(part.rows.view(), 0)
            part.rows, part.fresh = rows, rows.count
        elif need == "exact":
            part.drop_codes()
        elif need:
            self._builder.submit(part, self._tend)

    def _tend(self, part: _Partition) -> None:
        """Do all a partition needs; in the builder's thread, without the lock but for moments."""
        while not self._builder.stopping:
            with self._lock:
                need = self._need(part)
                if need == "exact":  # it shrank while its codes were made
                    part.drop_codes()
                view, codes = part.rows.view(), part.codes
            try:
                if need == "compact":
                    self._compact(part)
                elif need == "train" or (need == "extend" and codes is None):
                    made = Codes.train(view, lambda: self._builder.stopping or not part.numbers)
                    if made is None:
                        return
                    self._use(part, made)
                elif need == "extend" and codes is not None:
                    self._use(part, codes.extended(view))
                else:
                    return
            except Exception:
                with self._lock:
                    part.graves = None
                    part.rest_until = 2 * part.rows.count
                raise

    def _use(self, part: _Partition, codes: Codes) -> None:
        old = part.codes  # kept until the lock is free: giving megabytes back takes a while
        with self._lock:
            view = part.rows.view()
            part.fresh = view.size - view.row_after(codes.last)
            part.obsolete = codes.count - int(np.count_nonzero(view.alive(0, view.size - part.fresh)))
            part.codes = codes
        del old

    def _compact(self, part: _Partition) -> None:
        """Copy the living rows; what comes and goes meanwhile is caught up with at the end."""
        rows, done = Rows(self.dim), 0
        with self._lock:
            view = part.rows.view()
            part.graves = []
        while view.size - done > _INLINE and not self._builder.stopping:
            rows.adopt(view, done)
            done = view.size
            with self._lock:
                view = part.rows.view()
        with self._lock:
            graves, part.graves = part.graves, None
            if self._builder.stopping or not part.numbers:
                return
            rows.adopt(part.rows.view(), done)
            for number in graves or ():
                rows.bury(number)
            old, part.rows = part.rows, rows
            part.fresh = rows.count - (rows.view().row_after(part.codes.last) if part.codes is not None else 0)
        del old

    # -- snapshots -------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one file, atomically; see :mod:`askonce.backends.snapshot`.

        Writers are held up for moments only. What is added or removed meanwhile may or may not be in the file.

        Raises:
            IndexFault: The file could not be written (what was there still is), or the index is closed.
        """
        with self._lock:
            self._check_open()
            parts = list(self._parts.values())
        held: list[tuple[bytes, View, list[bytes | None]]] = []
        newest: dict[bytes, int] = {}  # a key that moves to another scope meanwhile may be seen in both
        for part in parts:
            with self._lock:
                view = part.rows.view()
                names = view.keys[: view.size] if part.numbers else []
            held.append((part.scope, view, names))
            for name, number in zip(names, view.ids.tolist(), strict=False):
                if name is not None and number >= newest.get(name, 0):
                    newest[name] = number
        sections = []
        for scope, view, names in held:
            numbers = view.ids.tolist()
            rows = [row for row, name in enumerate(names) if name is not None and newest[name] == numbers[row]]
            if rows:
                keys = [name for row in rows if (name := names[row]) is not None]
                chosen = np.array(rows, dtype=np.int64)
                sections.append(Section(scope, keys, view.ids[chosen], view.vectors_of(chosen)))
        with self._lock:
            self._check_open()
            next_id = self._next
        write_snapshot(Path(path), self.dim, self.embedder, next_id, sections)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        dim: int,
        embedder: str,
        max_vectors: int = 1_000_000,
        exact_below: int = EXACT_BELOW,
    ) -> FaissIndex:
        """The index that was saved to ``path``, verified; codes are made in the background.

        Raises:
            IndexFault: The file is missing, torn, damaged, or of another embedder, dimension or format. The caller
                builds the index again from the stores.
        """
        next_id, sections = read_snapshot(Path(path), dim, embedder)
        index = cls(dim, embedder, max_vectors=max_vectors, exact_below=exact_below)
        with index._lock:
            index._fill(next_id, sections)
        return index

    def _fill(self, next_id: int, sections: Sequence[Section]) -> None:
        self._next = next_id
        order: list[tuple[int, bytes, _Partition]] = []
        for scope, keys, ids, blocks in sections:
            part = self._parts[scope] = _Partition(scope, self.dim)
            part.rows = Rows.of(self.dim, ids, keys, list(blocks))
            part.fresh = part.rows.count
            numbers = ids.tolist()
            part.numbers = dict(zip(keys, numbers, strict=True))
            order.extend(zip(numbers, keys, itertools.repeat(part)))
        order.sort(key=itemgetter(0))
        self._where = {key: part for _, key, part in order}
        while len(self._where) > self.max_vectors:
            self._forget_oldest()
        for part in self._parts.values():
            self._look_after(part)

    def settle(self, timeout: float | None = None) -> bool:
        """Wait until nothing is being built; False when ``timeout`` seconds were not enough."""
        return self._builder.wait(timeout)

    @property
    def note(self) -> str:
        """What went wrong in the background, or an empty string: searches are then exact and slow."""
        return self._builder.fault

    def close(self) -> None:
        """Stop building and let go of everything; closing twice is harmless."""
        self._builder.stop()
        with self._lock:
            self._closed = True
            for part in self._parts.values():
                part.numbers.clear()
            self._parts.clear()
            self._where.clear()
            self._oldest.clear()
        self._finalizer.detach()

    # -- fork ------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Before a fork: wait for whoever is inside, and let nobody in."""
        self._lock.acquire()
        self._builder.lock.acquire()

    def release(self) -> None:
        """After a fork, in the parent."""
        self._builder.lock.release()
        self._lock.release()

    def renew(self) -> None:
        """After a fork, in the child: new locks, and the builder's thread starts again when next needed."""
        self._lock = threading.Lock()
        self._builder.reset_in_child()


_NONE: Vector = np.empty(0, dtype=np.float32)


def _nearest(view: View, codes: Codes | None, unit: Vector, k: int) -> tuple[Numbers, Vector]:
    """Rows and exact cosines of the nearest, best first; a few more than ``k``, as some may be gone by now."""
    if codes is not None:
        start = view.row_after(codes.last)
        tail, tail_scores = np.arange(start, view.size), view.scores(unit, start) if start < view.size else _NONE
        for wide in WIDER:
            if wide > WIDER[0] and codes.count < 16 * wide:
                break  # an exact search costs no more
            wanted = max(wide, 4 * k)
            ids, last = codes.nearest(unit, wanted)
            rows = view.rows_of(ids)
            scores = view.scores_of(unit, rows)
            if len(tail):
                scores = np.concatenate([scores, tail_scores])
            if 2 * len(rows) >= len(ids) and codes.sure(float(scores.max(initial=-1.0)), last):
                return _best(np.concatenate([rows, tail]) if len(tail) else rows, scores, k + _SPARE)
    return _best(np.arange(view.size), view.scores(unit), k + _SPARE)


def _best(rows: Numbers, scores: Vector, k: int) -> tuple[Numbers, Vector]:
    if len(scores) > max(k, 256):  # fewer are sorted sooner than parted
        top = np.argpartition(scores, len(scores) - k)[-k:]
        rows, scores = rows[top], scores[top]
    order = np.lexsort((rows, -scores))  # of equals the older first
    order = order[scores[order] > -np.inf][:k]
    return rows[order], scores[order]
