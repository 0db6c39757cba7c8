"""The embedder as the cache uses it: cached, batched, shared, and checked in one place.

One daemon thread drains whatever waits into one batch; while it computes, the next batch gathers. An
idle service therefore adds no delay, and a busy one batches by itself. Nothing the embedder does can
hurt more than the texts concerned: their futures fail with EmbedderError and the cache has a miss. An
embedder that is down or stuck is left alone for a while, so that calls do not each wait for it in vain.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from hashlib import blake2b
from types import TracebackType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..clock import SYSTEM_CLOCK, Clock
from ..errors import ConfigError, EmbedderError
from ..forks import renew_after_fork
from .contract import Embedder, Matrix
from .scripts import scripts_of

Vector = NDArray[np.float32]

_UNIT_TOLERANCE = 1e-3
_LONG_TEXT = 512  # longer texts are remembered by digest, so that the cache's size stays bounded
_GIVE_UP_AFTER = 3  # failures in a row of lone texts: the embedder is down, not the texts bad
_SHORTEST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0


class ServiceStats(NamedTuple):
    """Counts since the start: texts ``asked``, answered from the cache (``cached``), joined to a
    computation under way (``shared``), ``computed`` and ``failed``; ``batches`` given to the embedder."""

    asked: int
    cached: int
    shared: int
    computed: int
    failed: int
    batches: int


def check_rows(raw: object, count: int, dim: int) -> list[Vector | EmbedderError]:
    """Hold an embedder's output against the contract, row by row.

    Args:
        raw: What ``embed`` returned for ``count`` texts.
        count: Rows expected.
        dim: Columns expected.

    Returns:
        For each text its unit vector (float32, shape ``(dim,)``, read-only, own memory) or what is
        wrong with it. A length within 1e-3 of 1 is made exact; any other is refused.

    Raises:
        EmbedderError: The whole is not a matrix of ``count`` rows and ``dim`` columns, so that no row
            can be matched to its text.
    """
    if count == 1 and type(raw) is np.ndarray and raw.dtype == np.float32 and raw.shape == (1, dim):
        # The one short question of a call, its usual form: the checks below, without their fixed costs.
        length = math.sqrt(sum_of_squares) if (sum_of_squares := float(np.dot(raw[0], raw[0]))) < 2.0 else math.inf
        if abs(length - 1.0) <= _UNIT_TOLERANCE:
            unit: Vector = raw[0] / np.float32(length)
            unit.flags.writeable = False
            return [unit]
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            matrix = np.asarray(raw, dtype=np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise EmbedderError(f"the embedder did not return numbers ({type(error).__name__})") from error
    if matrix.shape != (count, dim):
        raise EmbedderError(
            f"the embedder returned shape {matrix.shape} for {count} texts of dimension {dim}; "
            f"it must return ({count}, {dim})"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        norms = np.sqrt(np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64))
    rows: list[Vector | EmbedderError] = []
    for row, norm in zip(matrix, norms.tolist(), strict=True):
        if not np.isfinite(norm):
            rows.append(EmbedderError("the embedder returned a vector with NaN or infinity"))
        elif abs(norm - 1.0) > _UNIT_TOLERANCE:
            rows.append(EmbedderError(f"the embedder returned a vector of length {norm:.4g}; it must have length 1"))
        else:
            vector: Vector = (row / norm).astype(np.float32)
            vector.flags.writeable = False
            rows.append(vector)
    return rows


class EmbeddingService:
    """Texts in, unit vectors out, for any number of threads.

    Args:
        embedder: What computes; only called from one thread at a time by ``submit``, and from the
            caller's thread by ``embed_now``.
        cache_size: Vectors remembered, least recently used forgotten first; 0 remembers none.
        max_batch: Most texts given to the embedder at once.
        max_waiting: Most texts waiting; beyond it ``submit`` fails at once rather than queue for
            longer than any caller would wait.
        stuck_after_s: Seconds a computation may take before ``submit`` fails at once until it ends.
        clock: Tells how long things take.

    After three batches in a row in which every text failed (a refused text did not fail), ``submit``
    fails at once for half a second, then tries again; each further failed batch doubles the pause, up
    to half a minute.

    Raises:
        ConfigError: A number is out of range.
    """

    def __init__(
        self,
        embedder: Embedder,
        *,
        cache_size: int = 4096,
        max_batch: int = 32,
        max_waiting: int = 1024,
        stuck_after_s: float = 2.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if cache_size < 0:
            raise ConfigError(f"cache_size must be 0 or more, not {cache_size}", setting="cache_size")
        if max_batch < 1:
            raise ConfigError(f"max_batch must be 1 or more, not {max_batch}", setting="max_batch")
        if max_waiting < 1:
            raise ConfigError(f"max_waiting must be 1 or more, not {max_waiting}", setting="max_waiting")
        if not stuck_after_s > 0:
            raise ConfigError(f"stuck_after_s must be above 0, not {stuck_after_s}", setting="stuck_after_s")
        self.embedder = embedder
        self._cache_size = cache_size
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._cache: OrderedDict[str | bytes, Vector] = OrderedDict()
        self._stuck_after_s = stuck_after_s
        self._clock = clock
        self._closed = False
        self._asked = self._cached = self._shared = self._computed = self._failed = self._batches = 0
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Fresh lock, queue and thread: at the start, and in a forked child, where the thread is gone
        and the lock may have been held by it."""
        self._wake = threading.Condition()
        self._queue: deque[tuple[str | bytes, str]] = deque()
        self._waiting: dict[str | bytes, list[Future[Vector]]] = {}
        self._thread: threading.Thread | None = None
        self._busy_since: float | None = None
        self._faults_in_a_row = 0
        self._paused_until = float("-inf")

    # -- asking --------------------------------------------------------------------------------------

    def supports(self, text: str) -> bool:
        """Whether the embedder knows every script ``text`` is written in."""
        known = self.embedder.scripts
        return known is None or scripts_of(text) <= known

    def cached(self, text: str) -> Vector | None:
        """The vector of ``text`` if it is remembered; a few microseconds, never computes."""
        key = _key(text)
        with self._wake:
            vector = self._cache.get(key)
            if vector is not None:
                self._cache.move_to_end(key)
            return vector

    def submit(self, text: str, here: bool = False) -> Future[Vector]:
        """Ask for the vector of ``text``.

        Args:
            text: The text.
            here: The caller would only wait, so its thread may do the work, when the embedder allows it
                (``inline``) and nobody waits: handing a short text to another thread and back costs a fifth
                of its computation.

        Returns:
            A future of the unit vector (float32, ``(dim,)``, read-only). Already finished when the
            vector is remembered. Fails with EmbedderError on any fault, when closed, or when too many
            texts wait. It belongs to this caller alone: cancelling it disturbs no other caller.
        """
        future: Future[Vector] = Future()
        key = _key(text)
        with self._wake:
            self._asked += 1
            vector = self._cache.get(key)
            if vector is not None:
                self._cache.move_to_end(key)
                self._cached += 1
            elif self._closed:
                future.set_exception(EmbedderError("the embedding service is closed"))
                return future
            elif key in self._waiting:
                self._shared += 1
                self._waiting[key].append(future)
                return future
            elif why := self._why_not():
                self._failed += 1
                future.set_exception(EmbedderError(why))
                return future
            else:
                self._waiting[key] = [future]
                here = here and not self._queue and getattr(self.embedder, "inline", False)
                if not here:
                    self._queue.append((key, text))
                    if self._thread is None or not self._thread.is_alive():
                        self._thread = threading.Thread(target=self._work, name="askonce-embedder", daemon=True)
                        self._thread.start()
                    self._wake.notify()
                    return future
        if vector is not None:
            future.set_result(vector)
        else:
            self._work_here(key, text)
        return future

    def _work_here(self, key: str | bytes, text: str) -> None:
        row: Vector | EmbedderError = EmbedderError("the embedding was interrupted")
        try:
            row = self._rows([text])[0]
        finally:  # whoever joined must not wait for ever, also when this thread was interrupted
            self._judge([row])
            self._deliver(key, row)

    def _why_not(self) -> str:
        """Why nothing more is asked of the embedder now, or an empty string. Called with the lock held."""
        if len(self._queue) >= self._max_waiting:
            return f"{len(self._queue)} texts already wait: the embedder is too slow for the load"
        now = self._clock.monotonic()
        if self._busy_since is not None and now - self._busy_since > self._stuck_after_s:
            return f"the embedder has not answered for {now - self._busy_since:.1f} s and is not asked until it does"
        if now < self._paused_until:
            return f"the embedder keeps failing and is not asked for {self._paused_until - now:.1f} s"
        return ""

    def embed_each(self, texts: Sequence[str]) -> list[Vector | EmbedderError]:
        """Vectors of many texts, computed on the caller's thread past the queue (rebuild, warm-up).

        Remembered vectors are used; new ones are not remembered, so a rebuild does not flush the cache.

        Returns:
            For each text its unit vector (float32, ``(dim,)``, read-only) or why there is none.
        """
        if self._closed:
            return [EmbedderError("the embedding service is closed")] * len(texts)
        known: dict[str, Vector | EmbedderError] = {}
        missing: list[str] = []
        for text in dict.fromkeys(texts):
            vector = self.cached(text)
            if vector is None:
                missing.append(text)
            else:
                known[text] = vector
        for start in range(0, len(missing), self._max_batch):
            part = missing[start : start + self._max_batch]
            known.update(zip(part, self._rows(part), strict=True))
        return [known[text] for text in texts]

    def embed_now(self, texts: Sequence[str]) -> Matrix:
        """As :meth:`embed_each`, all or nothing.

        Returns:
            float32 of shape ``(len(texts), dim)``, rows in order, each of length 1.

        Raises:
            EmbedderError: Any text failed, or the service is closed.
        """
        if self._closed:
            raise EmbedderError("the embedding service is closed")
        out: Matrix = np.empty((len(texts), self.embedder.dim), dtype=np.float32)
        for at, row in enumerate(self.embed_each(texts)):
            if isinstance(row, EmbedderError):
                raise row
            out[at] = row
        return out

    def stats(self) -> ServiceStats:
        """Counts since the start."""
        with self._wake:
            return ServiceStats(self._asked, self._cached, self._shared, self._computed, self._failed, self._batches)

    # -- working -------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._wake:
                while not self._queue and not self._closed:
                    self._wake.wait()
                if self._closed:
                    return
                batch = self._take()
                self._busy_since = self._clock.monotonic() if batch else None
            if not batch:
                continue
            try:
                rows = self._rows([text for _, text in batch])
            except BaseException as error:  # this thread must outlive whatever happens in it
                rows = [EmbedderError(f"the embedder failed: {type(error).__name__}")] * len(batch)
            with self._wake:
                self._busy_since = None
            self._judge(rows)
            for (key, _), row in zip(batch, rows, strict=True):
                self._deliver(key, row)

    def _judge(self, rows: Sequence[Vector | EmbedderError]) -> None:
        """Count failed batches in a row, and pause when there are too many."""
        with self._wake:
            if not rows or not all(map(_is_fault, rows)):
                self._faults_in_a_row = 0
                return
            self._faults_in_a_row += 1
            beyond = self._faults_in_a_row - _GIVE_UP_AFTER
            if beyond >= 0:
                pause = min(_SHORTEST_PAUSE_S * 2 ** min(beyond, 10), _LONGEST_PAUSE_S)
                self._paused_until = self._clock.monotonic() + pause

    def _take(self) -> list[tuple[str | bytes, str]]:
        """Up to ``max_batch`` texts that someone still waits for. Called with the lock held."""
        batch: list[tuple[str | bytes, str]] = []
        while self._queue and len(batch) < self._max_batch:
            key, text = self._queue.popleft()
            if all(future.cancelled() for future in self._waiting[key]):
                del self._waiting[key]
            else:
                batch.append((key, text))
        return batch

    def _rows(self, texts: list[str]) -> list[Vector | EmbedderError]:
        """A row or a reason for each text; the texts that failed together are asked again alone."""
        rows = self._compute(texts)
        if len(rows) > 1 and any(isinstance(row, EmbedderError) for row in rows):
            return self._retry_alone(texts, rows)
        return rows

    def _compute(self, texts: list[str]) -> list[Vector | EmbedderError]:
        """One call of the embedder; a row or a reason for each text, never an exception of its making."""
        with self._wake:
            self._batches += 1
        try:
            rows = check_rows(self.embedder.embed(texts), len(texts), self.embedder.dim)
        except EmbedderError as error:
            rows = [error] * len(texts)
        except Exception as error:
            wrapped = EmbedderError(f"the embedder failed: {type(error).__name__}")
            wrapped.__cause__ = error
            rows = [wrapped] * len(texts)
        return rows

    def _retry_alone(self, texts: list[str], rows: list[Vector | EmbedderError]) -> list[Vector | EmbedderError]:
        """Ask again, alone, for each text that failed in company, so that one bad text fails alone."""
        in_a_row = 0
        done = list(rows)
        for at, row in enumerate(rows):
            if not isinstance(row, EmbedderError) or in_a_row >= _GIVE_UP_AFTER or self._closed:
                continue
            done[at] = self._compute([texts[at]])[0]
            in_a_row = in_a_row + 1 if _is_fault(done[at]) else 0
        return done

    def _deliver(self, key: str | bytes, row: Vector | EmbedderError) -> None:
        with self._wake:
            futures = self._waiting.pop(key, [])
            if isinstance(row, EmbedderError):
                self._failed += 1
            else:
                self._computed += 1
                if self._cache_size and not self._closed:
                    self._cache[key] = row
                    self._cache.move_to_end(key)
                    while len(self._cache) > self._cache_size:
                        self._cache.popitem(last=False)
        for future in futures:
            with suppress(BaseException):  # a callback of the caller's raised; it is no other caller's concern
                if not future.set_running_or_notify_cancel():
                    continue
                if isinstance(row, EmbedderError):
                    future.set_exception(_copy(row))
                else:
                    future.set_result(row)

    # -- ending --------------------------------------------------------------------------------------

    def close(self, timeout_s: float = 2.0) -> None:
        """Fail what waits with EmbedderError and end the thread; closing twice is harmless.

        Args:
            timeout_s: How long to wait for a computation under way; past it the (daemon) thread is
                left to end by itself.
        """
        with self._wake:
            self._closed = True
            left = [future for futures in self._waiting.values() for future in futures]
            self._waiting.clear()
            self._queue.clear()
            self._cache.clear()
            thread = self._thread
            self._wake.notify_all()
        for future in left:
            if future.set_running_or_notify_cancel():
                future.set_exception(EmbedderError("the embedding service was closed before the text was embedded"))
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)

    def __enter__(self) -> EmbeddingService:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _is_fault(row: Vector | EmbedderError) -> bool:
    """Whether the embedder failed, which it did not where it refused the text."""
    return isinstance(row, EmbedderError) and not row.data.get("refused")


def _key(text: str) -> str | bytes:
    if len(text) <= _LONG_TEXT:
        return text
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=20).digest()


def _copy(error: EmbedderError) -> EmbedderError:
    """One exception object per caller: raising writes a traceback into it, and callers are threads."""
    twin = EmbedderError(str(error), **error.data)
    twin.__cause__ = error.__cause__
    return twin
