"""How sure a figure is: 95 % intervals of shares, of areas under a curve, and of ratios over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float, float]
"""The figure, and the ends of its 95 % interval. NaN where there is nothing to count."""

_Z = 1.959964


def share(part: int, whole: int) -> Interval:
    """``part`` of ``whole`` independent cases, by Wilson (1927)."""
    if not whole:
        return (math.nan, math.nan, math.nan)
    p, square = part / whole, _Z * _Z
    middle = (p + square / (2 * whole)) / (1 + square / whole)
    reach = _Z * math.sqrt(p * (1 - p) / whole + square / (4 * whole * whole)) / (1 + square / whole)
    return p, max(0.0, min(p, middle - reach)), min(1.0, max(p, middle + reach))


def area(auc: float, ones: int, zeros: int) -> Interval:
    """An area under the ROC curve over ``ones`` and ``zeros`` independent cases, by Hanley and McNeil (1982)."""
    if not ones or not zeros or math.isnan(auc):
        return (math.nan, math.nan, math.nan)
    two_ones, two_zeros = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    variance = auc * (1 - auc) + (ones - 1) * (two_ones - auc * auc) + (zeros - 1) * (two_zeros - auc * auc)
    reach = _Z * math.sqrt(max(0.0, variance) / (ones * zeros))
    return auc, max(0.0, auc - reach), min(1.0, auc + reach)


def ratio(parts: Sequence[float], wholes: Sequence[float], seed: int = 0, draws: int = 2000) -> Interval:
    """The sum of ``parts`` over the sum of ``wholes``, one of each a seed: percentile bootstrap over the seeds."""
    part, whole = np.asarray(parts, dtype=float), np.asarray(wholes, dtype=float)
    if not whole.sum():
        return (math.nan, math.nan, math.nan)
    picks: NDArray[np.int64] = np.random.default_rng(seed).integers(0, len(part), (draws, len(part)))
    below = whole[picks].sum(axis=1)
    drawn = part[picks].sum(axis=1)[below > 0] / below[below > 0]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(part.sum() / whole.sum()), float(low), float(high)


def shown(interval: Interval, form: str = "{:.1%}") -> str:
    """``12.3% (10.1-14.5)``, or a dash."""
    figure, low, high = interval
    if math.isnan(figure):
        return "-"
    ends = "-".join(form.format(end).rstrip("%") for end in (low, high))
    return f"{form.format(figure)} ({ends})"
