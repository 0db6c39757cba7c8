"""Statistics that notice a change: Page-Hinkley, ADWIN, and the population stability index.

All three read a stream one value at a time, keep a bounded memory and never raise on a finite number. They
know nothing of caches; :mod:`.drift_policy` feeds them and acts on what they say.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence

from ..errors import ConfigError


class PageHinkley:
    """Page's test for a rise of the mean (E. S. Page, Continuous Inspection Schemes, Biometrika 41, 1954).

    Sums what each value exceeds the mean by, less ``delta``, and starts over whenever the sum falls below zero;
    a sum above ``threshold`` is an alarm, after which it begins anew. With 0/1 values and a low mean the
    threshold reads as *how many more ones than are normal, in a row of few zeros*.

    Args:
        delta: Rise that is tolerated, in units of the values (> 0 keeps the sum from creeping up).
        threshold: Sum that is an alarm, in units of the values.
        least: Values before the first alarm.
        reference: The mean expected, when it is known; None takes the running mean of the stream itself, this
            value included (then a stream that was always bad is never an alarm).
    """

    __slots__ = ("count", "delta", "least", "mean", "reference", "sum", "threshold")

    def __init__(
        self, delta: float = 0.005, threshold: float = 50.0, least: int = 30, reference: float | None = None
    ) -> None:
        for name, value, low in (("delta", delta, 0.0), ("threshold", threshold, 0.0), ("least", least, 1)):
            if not value >= low:
                raise ConfigError(f"{name} is {value!r}; it must be at least {low:g}", setting=name)
        self.delta = delta
        self.threshold = threshold
        self.least = least
        self.reference = reference
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self.count = 0
        self.mean = 0.0
        self.sum = 0.0

    def update(self, value: float) -> bool:
        """Take the next value; True when it raises the alarm (the next value begins a new stream)."""
        self.count += 1
        self.mean += (value - self.mean) / self.count
        expected = self.mean if self.reference is None else self.reference
        self.sum = max(0.0, self.sum + value - expected - self.delta)
        if self.count < self.least or self.sum <= self.threshold:
            return False
        self.reset()
        return True


class Adwin:
    """A window that grows while the mean holds and drops its old part when it does not.

    ADWIN2 of A. Bifet and R. Gavalda, Learning from Time-Changing Data with Adaptive Windowing, SDM 2007:
    the window is kept as an exponential histogram (at most ``per_row`` buckets of each power of two, so
    O(log n) memory), and cut wherever the means of the two parts differ by more than

        sqrt(2/m * variance * ln(2/d)) + 2/(3m) * ln(2/d),   1/m = 1/n0 + 1/n1,   d = delta / ln(n)

    Values are expected in 0..1. ``delta`` bounds the chance of a false cut at each step.

    Args:
        delta: Confidence, 0..1; smaller means fewer false alarms and later ones.
        every: Values between two checks; a check costs some microseconds.
        least: Values before the first check.
        shortest: Values each part must have.
        per_row: Buckets of one size.
    """

    __slots__ = (
        "_rows",
        "_seen",
        "count",
        "cuts",
        "delta",
        "every",
        "least",
        "per_row",
        "rose",
        "shortest",
        "square",
        "total",
    )

    def __init__(
        self, delta: float = 0.002, every: int = 8, least: int = 20, shortest: int = 5, per_row: int = 5
    ) -> None:
        if not 0 < delta < 1:
            raise ConfigError(f"delta is {delta!r}; it is a probability between 0 and 1", setting="delta")
        for name, value in (("every", every), ("least", least), ("shortest", shortest), ("per_row", per_row)):
            if value < 1:
                raise ConfigError(f"{name} is {value!r}; it must be at least 1", setting=name)
        self.delta = delta
        self.every = every
        self.least = least
        self.shortest = shortest
        self.per_row = per_row
        self.cuts = 0
        self.rose = False
        self._seen = 0
        self.reset()

    def reset(self) -> None:
        """Forget the window."""
        self.count = 0
        self.total = 0.0
        self.square = 0.0
        # Row i holds buckets of 2**i values, each (sum, sum of squares), newest first.
        self._rows: list[deque[tuple[float, float]]] = [deque()]

    @property
    def mean(self) -> float:
        """Mean of the window; 0.0 when it is empty."""
        return self.total / self.count if self.count else 0.0

    @property
    def variance(self) -> float:
        """Variance of the window."""
        if not self.count:
            return 0.0
        return max(0.0, self.square / self.count - self.mean**2)

    def update(self, value: float) -> bool:
        """Take the next value; True when the window was cut. ``rose`` then says whether the mean went up."""
        self._seen += 1
        self.count += 1
        self.total += value
        self.square += value * value
        self._rows[0].appendleft((value, value * value))
        self._compress()
        if self._seen % self.every or self.count < max(self.least, 2 * self.shortest):
            return False
        before, cut = self.mean, False
        while self._cut():
            cut = True
        if cut:
            self.cuts += 1
            self.rose = self.mean > before
        return cut

    def _compress(self) -> None:
        for level, row in enumerate(self._rows):
            if len(row) <= self.per_row:
                return
            (sum1, square1), (sum0, square0) = row.pop(), row.pop()
            if level + 1 == len(self._rows):
                self._rows.append(deque())
            self._rows[level + 1].appendleft((sum0 + sum1, square0 + square1))

    def _cut(self) -> bool:
        """Drop the oldest bucket if some cut of the window parts two different means."""
        if self.count < 2 * self.shortest:
            return False
        log = math.log(2 * math.log(self.count) / self.delta)
        spread = 2 * self.variance * log
        old, old_sum = 0, 0.0
        for level in range(len(self._rows) - 1, -1, -1):
            for one_sum, _ in reversed(self._rows[level]):
                old += 1 << level
                old_sum += one_sum
                new = self.count - old
                if new < self.shortest:
                    return False
                if old < self.shortest:
                    continue
                recip = 1 / old + 1 / new
                bound = math.sqrt(spread * recip) + 2 / 3 * recip * log
                if abs(old_sum / old - (self.total - old_sum) / new) > bound:
                    self._drop()
                    return True
        return False

    def _drop(self) -> None:
        level = len(self._rows) - 1
        gone, gone_square = self._rows[level].pop()
        if not self._rows[level] and level:
            self._rows.pop()
        self.count -= 1 << level
        self.total -= gone
        self.square -= gone_square
        if not self.count:
            self.total = self.square = 0.0


class Stability:
    """Whether a stream still looks like its reference: the population stability index over a sliding window.

    ``PSI = sum((p - q) * ln(p / q))`` over bins, p the share now and q in the reference (the symmetrised
    Kullback-Leibler divergence; the index of credit scoring, where 0.1 is read as a small shift and 0.25 as a
    large one). Bins are quantiles of the reference, shares are smoothed by half a value a bin. While nothing
    changes, ``window * PSI / (1 + window / reference size)`` is about chi-square with bins - 1 degrees of freedom,
    so 0.25 over 500 values is no accident.

    Args:
        window: Values looked at, newest last.
        bins: Bins, at most; equal values share one.
        learn: Without a reference, the first ``learn`` values become it.
    """

    def __init__(self, window: int = 500, bins: int = 10, learn: int = 1000) -> None:
        for name, value, low in (("window", window, 2), ("bins", bins, 2), ("learn", learn, 2)):
            if value < low:
                raise ConfigError(f"{name} is {value!r}; it must be at least {low}", setting=name)
        self.window = window
        self.bins = bins
        self.learn = learn
        self.forget()

    def forget(self) -> None:
        """Learn the reference anew from what comes."""
        self._learning: list[float] = []
        self._edges: list[float] | None = None
        self._expected: list[float] = []
        self._counts: list[int] = []
        self._recent: deque[int] = deque()

    def reference(self, values: Iterable[float]) -> None:
        """Take ``values`` for what is normal, and begin a new window.

        Raises:
            ConfigError: Fewer values than bins, or one that is no number.
        """
        ranked = sorted(values)
        if len(ranked) < self.bins or not all(map(math.isfinite, ranked)):
            raise ConfigError(
                f"the reference has {len(ranked)} values; give at least {self.bins}, all finite", setting="reference"
            )
        self._edges = sorted({ranked[len(ranked) * i // self.bins] for i in range(1, self.bins)})
        counts = [0] * (len(self._edges) + 1)
        for value in ranked:
            counts[bisect_right(self._edges, value)] += 1
        self._expected = _shares(counts)
        self._counts = [0] * len(counts)
        self._recent.clear()
        self._learning = []

    @property
    def ready(self) -> bool:
        """Whether there is a reference and the window is full."""
        return self._edges is not None and len(self._recent) == self.window

    def update(self, value: float) -> float:
        """Take the next value; the index, or 0.0 until there is a reference and a full window."""
        if not math.isfinite(value):
            return self.index
        if self._edges is None:
            self._learning.append(value)
            if len(self._learning) >= max(self.learn, self.bins):
                self.reference(self._learning)
            return 0.0
        place = bisect_right(self._edges, value)
        self._counts[place] += 1
        self._recent.append(place)
        if len(self._recent) > self.window:
            self._counts[self._recent.popleft()] -= 1
        return self.index

    @property
    def index(self) -> float:
        """The index now."""
        if not self.ready:
            return 0.0
        return psi(_shares(self._counts), self._expected)


def _shares(counts: Sequence[int]) -> list[float]:
    whole = sum(counts) + 0.5 * len(counts)
    return [(count + 0.5) / whole for count in counts]


def psi(now: Sequence[float], then: Sequence[float]) -> float:
    """Population stability index of two lists of shares (all above zero, same length)."""
    return sum((p - q) * math.log(p / q) for p, q in zip(now, then, strict=True))
