"""Bounds on a share: intervals for one look, a confidence sequence for many looks, and a detector of change.

Everything is plain arithmetic on counts, which may be fractional (decayed, weighted). A *share* is wrong / n.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

from ..errors import ConfigError

_NORMAL = NormalDist()
_TINY = 1e-300
_RUIN = -50.0  # log wealth of who staked all and lost; finite, so that it can be stored


class Interval(NamedTuple):
    """A share with its bounds, 0 <= low <= share <= high <= 1; ``share`` is nan when there are no observations."""

    low: float
    share: float
    high: float


def normal_quantile(probability: float) -> float:
    """The standard normal's value below which it stays with ``probability`` (0 < p < 1)."""
    return _NORMAL.inv_cdf(probability)


def beta_cdf(x: float, a: float, b: float) -> float:
    """Probability that Beta(a, b) is at most ``x`` (the regularised incomplete beta function; DLMF 8.17)."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on this side only
        return 1.0 - beta_cdf(1 - x, b, a)
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - _log_beta(a, b)) / a
    # Continued fraction DLMF 8.17.22 by Lentz's method: products of ratios of neighbouring convergents.
    top, below = 1.0, 1.0 - (a + b) * x / (a + 1)
    below = 1 / (below or _TINY)
    value = below
    for m in range(1, 500):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            below = 1 / ((1 + step * below) or _TINY)
            top = (1 + step / top) or _TINY
            ratio = top * below
            value *= ratio
        if abs(ratio - 1) < 1e-14:
            break
    return min(1.0, front * value)


def beta_quantile(probability: float, a: float, b: float) -> float:
    """The value that Beta(a, b) stays below with ``probability``; to about 1e-12."""
    low, high = 0.0, 1.0
    for _ in range(80):
        middle = (low + high) / 2
        if beta_cdf(middle, a, b) < probability:
            low = middle
        else:
            high = middle
        if high - low < 1e-12 * max(high, 1e-3):
            break
    return (low + high) / 2


def clopper_pearson(wrong: float, n: float, confidence: float = 0.95) -> Interval:
    """The exact two-sided interval of a binomial share (Clopper & Pearson 1934): covers at least ``confidence``.

    Valid for one look at a number of observations that was fixed beforehand; who looks again and again wants a
    :class:`ConfidenceSequence`.

    Raises:
        ConfigError: Counts that are no counts, or a confidence outside 0..1.
    """
    _check(wrong, n, confidence)
    tail = (1 - confidence) / 2
    if n == 0:
        return Interval(0.0, math.nan, 1.0)
    low = 0.0 if wrong <= 0 else beta_quantile(tail, wrong, n - wrong + 1)
    high = 1.0 if wrong >= n else beta_quantile(1 - tail, wrong + 1, n - wrong)
    return Interval(low, wrong / n, high)


def wilson(wrong: float, n: float, confidence: float = 0.95) -> Interval:
    """The score interval (Wilson 1927): shorter than :func:`clopper_pearson`, covers ``confidence`` on average.

    Raises:
        ConfigError: Counts that are no counts, or a confidence outside 0..1.
    """
    _check(wrong, n, confidence)
    if n == 0:
        return Interval(0.0, math.nan, 1.0)
    z = normal_quantile((1 + confidence) / 2)
    share, square = wrong / n, z * z
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = z / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return Interval(max(0.0, min(share, centre - half)), share, min(1.0, max(share, centre + half)))


def gamma_quantile(probability: float, shape: float) -> float:
    """The value that Gamma(shape, 1) stays below with ``probability``.

    By Wilson & Hilferty (1931): within 0.3 % for an upper quantile and a shape of 4 or more; a lower quantile at
    a small shape comes out too small, which is the careful side here.
    """
    root = 1 - 1 / (9 * shape) + normal_quantile(probability) / (3 * math.sqrt(shape))
    return shape * max(0.0, root) ** 3


class ConfidenceSequence:
    """An interval for a share that holds at every moment at once: one may look after each observation and stop.

    Robbins' mixture: were the true share p, the likelihood of what was seen, averaged over a Beta(a, b), divided
    by its likelihood at p would be a martingale that starts at 1; by Ville's inequality it ever reaches 1/alpha
    with probability at most alpha. The interval holds the p for which it has not (Robbins 1970; Howard et al.
    2021, https://arxiv.org/abs/1810.08240; the betting view is Waudby-Smith & Ramdas 2024,
    https://arxiv.org/abs/2010.09686). The share must not depend on what was seen before.

    Args:
        confidence: That the true share is inside at all times, 0..1.
        a, b: The mixture; equal halves are good over the whole range, a small ``a / b`` for rare errors.

    Attributes:
        n, wrong: What was counted.
    """

    def __init__(self, confidence: float = 0.95, *, a: float = 0.5, b: float = 0.5) -> None:
        _check(0, 0, confidence)
        if not (a > 0 and b > 0):
            raise ConfigError(f"a={a!r}, b={b!r}: both must be greater than zero", setting="a")
        self.confidence = confidence
        self.n = 0
        self.wrong = 0
        self._a, self._b = a, b
        self._limit = -math.log1p(-confidence)

    def update(self, wrong: bool) -> None:
        """Count one observation."""
        self.n += 1
        self.wrong += bool(wrong)

    def add(self, wrong: int, n: int) -> None:
        """Count ``n`` observations of which ``wrong`` were wrong."""
        _check(wrong, n, self.confidence)
        self.n += n
        self.wrong += wrong

    def log_wealth(self, share: float) -> float:
        """Natural log of what a bettor against ``share`` would have made of 1."""
        right = self.n - self.wrong
        if (self.wrong and share <= 0) or (right and share >= 1):
            return math.inf
        fair = (self.wrong * math.log(share) if self.wrong else 0) + (right * math.log1p(-share) if right else 0)
        return _log_beta(self._a + self.wrong, self._b + right) - _log_beta(self._a, self._b) - fair

    def interval(self) -> Interval:
        """The interval now."""
        if self.n == 0:
            return Interval(0.0, math.nan, 1.0)
        share = self.wrong / self.n
        return Interval(self._edge(share, 0.0), share, self._edge(share, 1.0))

    def _edge(self, inside: float, outside: float) -> float:
        if self.log_wealth(outside) < self._limit:
            return outside
        for _ in range(60):
            middle = (inside + outside) / 2
            if self.log_wealth(middle) < self._limit:
                inside = middle
            else:
                outside = middle
        return outside


class Detector:
    """Tells when a stream of outcomes no longer fits a null share: a mixture of CUSUMs of bets (an e-detector).

    Per alternative q, a bettor plays ``1 + weight * bet * (wrong - null)``, at weight 1 the likelihood ratio of q
    against the null; whenever the wealth has fallen below 1 it starts anew, so that long good times do not hide a
    change. The mean wealth passes ``threshold`` falsely at most once in ``threshold`` observations on average, at
    whatever moments one looks (Shin, Ramdas & Rinaldo 2023, https://arxiv.org/abs/2203.03532). Alternatives above
    the null look for "more than null", those below for "less".

    With ``weight`` = (lowest sampling rate) / (rate of this observation), observations that were sampled at
    different rates count as the whole they were drawn from.

    Args:
        null: The share to be refuted, 0..1.
        alternatives: Shares to bet on, all above or all below ``null``.
    """

    def __init__(self, null: float, alternatives: Sequence[float]) -> None:
        self._null = null
        self.bets = tuple((q - null) / (null * (1 - null)) for q in alternatives)

    def fresh(self) -> list[float]:
        """The state at the start: one log wealth per alternative."""
        return [0.0] * len(self.bets)

    def feed(self, logs: list[float], wrong: bool, weight: float = 1.0) -> None:
        """Change the state by one observation of weight 0..1."""
        surprise = weight * (wrong - self._null)
        for number, bet in enumerate(self.bets):
            factor = 1 + bet * surprise
            logs[number] = max(0.0, logs[number]) + (math.log(factor) if factor > 0 else _RUIN)

    def log_wealth(self, logs: Sequence[float]) -> float:
        """Natural log of the mean wealth."""
        top = max(logs)
        return top + math.log(sum(math.exp(log - top) for log in logs) / len(logs))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _check(wrong: float, n: float, confidence: float) -> None:
    if not 0 <= wrong <= n < math.inf:
        raise ConfigError(f"{wrong!r} wrong of {n!r} is no count: give 0 <= wrong <= n", setting="wrong")
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence is {confidence!r}; it is a probability between 0 and 1", setting="confidence")
