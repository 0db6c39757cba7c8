"""From risks as the verifier gives them to risks as they come true, and from those to a cut.

The verifier's risk says which candidates are riskier than others; how risky they are is counted. Per bin of risk
the belief is a Beta posterior: the calibration counts as some observations, live labels as themselves. All bins share
one factor, by which this cache's traffic is worse (or better) than the calibration: a Gamma posterior over wrong
answers seen against wrong answers foretold, which learns from all labels and so long before the bins do.

The cut is the largest risk such that the *mean* over the candidates up to it, as this cache sees them, stays within the
target: the family of cuts is nested and the mean grows along it, so the first cut that fails ends the search
(the fixed-sequence form of Learn then Test, https://arxiv.org/abs/2110.01052; conformal risk control,
https://arxiv.org/abs/2208.02814, bounds the same mean).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from .bounds import gamma_quantile
from .budget_state import BINS, CELLS, FINE, Calibration, Evidence, bin_risk

FACE_VALUE = 20.0  # observations that "a risk means what it says" is worth in a bin


class Curve(NamedTuple):
    """What is believed now.

    Attributes:
        risks: Per cell, the corrected risk; it never falls from one cell to the next.
        factor: By which wrong answers outnumber those the calibration foretold.
        margin: What ``factor`` is to be multiplied with for its upper bound.
    """

    risks: tuple[float, ...]
    factor: float
    margin: float


class Belief:
    """A calibration together with how strongly it is held.

    Args:
        calibration: What to start from.
        max_wrong: One wrong label in a bin that is thought safe raises it by about half of this, so that one
            label (judges err, too) closes nothing and two of a few do.
        confidence: Of the margin, one-sided.
    """

    def __init__(self, calibration: Calibration, max_wrong: float, confidence: float) -> None:
        self._worth = calibration.worth
        self.strength = 2 / max_wrong
        self._confidence = confidence
        base = []
        for number, (n, wrong) in enumerate(calibration.bins):
            share = min(1.0, self.strength / n) if n else 0.0
            face = FACE_VALUE * bin_risk(number)
            base.append((face + share * wrong) / (FACE_VALUE + share * n))
        self._base = _rising(base, [FACE_VALUE + n for n, _ in calibration.bins])
        self.prior = self.curve(None)

    def curve(self, evidence: Evidence | None) -> Curve:
        """The curve after the evidence; None for the calibration alone."""
        foretold = self._worth + (evidence.pooled_expected if evidence else 0.0)
        shape = self._worth + (evidence.pooled_wrong if evidence else 0.0)
        factor = shape / foretold
        margin = max(1.0, gamma_quantile(self._confidence, shape) / shape)
        held = [self.strength * min(1.0, factor * risk) for risk in self._base]
        labels = evidence.labels if evidence else [0.0] * BINS
        wrong = evidence.wrong if evidence else [0.0] * BINS
        weights = [self.strength + n for n in labels]
        bins = [(a + w) / n for a, w, n in zip(held, wrong, weights, strict=True)]
        return Curve(_cells(_rising(bins, weights)), factor, margin)


def cut_at(risks: Sequence[float], seen: Sequence[float], target: float, ceiling: float) -> int:
    """The last cell that may be served, -1 for none.

    Args:
        risks: Corrected risk per cell, rising.
        seen: Candidates per cell.
        target: What the mean over served candidates may be.
        ceiling: What no candidate may be over.
    """
    last, total, count = -1, 0.0, 0.0
    for number, risk in enumerate(risks):
        total += seen[number] * risk
        count += seen[number]
        # One more candidate is imagined at the cut itself: a cut that nothing was seen below has to stand alone.
        if risk > ceiling or (total + risk) / (count + 1) > target:
            while last >= 0 and risks[last] >= risk:  # who is served is told by the risk: equals go together
                last -= 1
            break
        last = number
    return last


def _rising(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The nearest never-falling sequence, by weighted squares (pool adjacent violators)."""
    blocks: list[list[float]] = []  # mean, weight, length
    for value, weight in zip(values, weights, strict=True):
        blocks.append([value, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, heavy, length = blocks.pop()
            block = blocks[-1]
            block[0] = (block[0] * block[1] + mean * heavy) / (block[1] + heavy)
            block[1] += heavy
            block[2] += length
    return [mean for mean, _, length in blocks for _ in range(int(length))]


def _cells(bins: Sequence[float]) -> tuple[float, ...]:
    """Between the middles of two bins, straight in logarithms."""
    logs = [math.log(max(risk, 1e-12)) for risk in bins]
    cells = [bins[0]]
    for cell in range(1, CELLS):
        spot = min(BINS - 1.0, (cell + 0.5) / FINE + 0.5)  # bin b has its middle at b
        left = min(BINS - 2, int(spot))
        cells.append(max(cells[-1], math.exp(logs[left] + (spot - left) * (logs[left + 1] - logs[left]))))
    return tuple(min(1.0, risk) for risk in cells)
