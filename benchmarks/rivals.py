"""The rules of the field, written here from what their makers publish, as decisions of this package.

Every rule is given the same embedder, so that rules are compared and not embedders. Two of them come with
thresholds chosen for embedders of their own; that is how their users meet them all the same.

======================  ==========================================================================================
rule                    where it is from
======================  ==========================================================================================
:class:`Cosine`         the rule nearly everybody has: one threshold on one cosine
:func:`gptcache`        GPTCache 0.1.44: ``gptcache/config.py`` (threshold 0.8), ``similarity_evaluation/distance.py``
                        (distances up to 4), ``adapter/adapter.py`` (a hit when ``4 - distance >= 0.8 * 4``),
                        ``manager/vector_data/faiss.py`` (squared Euclidean distance), top 1
:func:`redisvl`         RedisVL 0.28.0: ``redisvl/extensions/cache/llm/semantic.py`` (cosine distance 0.1, one result)
:class:`VCache`         vCache (Schroeder et al. 2025, https://arxiv.org/abs/2502.03771): each stored entry learns
                        its own logistic curve, and a request is explored or served by chance
======================  ==========================================================================================
"""

from __future__ import annotations

import math
import random
from collections import Counter
from functools import lru_cache
from statistics import NormalDist
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from askonce.cache.semantic import Candidate, Verdict


class Cosine:
    """Serve when the cosine reaches ``threshold``; nothing else is looked at.

    Args:
        threshold: Cosine, -1..1.
    """

    def __init__(self, threshold: float) -> None:
        if not -1 <= threshold <= 1:
            raise ValueError(f"threshold is {threshold!r}; it is a cosine from -1 to 1")
        self.threshold = self.floor = threshold

    def decide(self, candidate: Candidate) -> Verdict:
        serve = candidate.similarity >= self.threshold
        return Verdict(serve, f"cosine {candidate.similarity:.3f}, threshold {self.threshold:.3f}")


def gptcache(similarity_threshold: float = 0.8, max_distance: float = 4.0) -> Cosine:
    """GPTCache as ``init_similar_cache()`` sets it up, as a rule on the cosine.

    Its score is ``max_distance`` less the squared Euclidean distance, and it serves what reaches that share of
    ``max_distance``. It makes vectors unit length before it stores and searches, and for those the squared
    distance is ``2 - 2 cos``. So the defaults serve from a cosine of 0.6.
    """
    return Cosine(1 - max_distance * (1 - similarity_threshold) / 2)


def redisvl(distance_threshold: float = 0.1) -> Cosine:
    """RedisVL's ``SemanticCache``: it serves up to a cosine distance, 0 to 2, so by default from 0.9."""
    return Cosine(1 - distance_threshold)


class Curve(NamedTuple):
    """A logistic curve ``1 / (1 + exp(-steepness (s - middle)))`` of the similarity s, with its uncertainty.

    Attributes:
        steepness: At least 1e-6.
        middle: 0..1.
        deviation: Standard deviation of ``middle``.
    """

    steepness: float
    middle: float
    deviation: float


Array = NDArray[np.float64]

_SEPARATE = {6: 0.0354, 8: 0.0264, 10: 0.0194, 12: 0.0114, 20: 0.0131, 31: 0.0046, 48: 0.0151}
_NEEDED = 6  # observations with the two it begins with
_STEPS = 60


class VCache:
    """vCache's policy: per entry, whether to explore (ask upstream, and learn) or to serve.

    Each entry has observations (similarity, right or wrong), beginning with (0, wrong) and (1, right). From six
    on a logistic curve is fitted to them; the chance to explore is such that, were the curve true, at most a
    share ``delta`` of *requests* would be answered wrongly, explored ones counted as right.

    Where its authors use a table of deviations for cleanly separated observations, this interpolates between
    the values known of it; and the curves are fitted only when an entry has learned something, which changes
    nothing but the time it takes.

    Args:
        delta: Share of requests that may be answered wrongly.
        rng: For the draws.
        grid: Where the bound is minimised: ``"published"``, 50 even steps, of which the last but one leaves
            2 % to chance, so that with ``delta`` 0.01 it explores half of all requests for ever; ``"fine"``
            adds steps towards both ends, and takes that flaw away.
    """

    floor = -1.0

    def __init__(
        self, delta: float = 0.01, *, rng: random.Random, grid: Literal["published", "fine"] = "published"
    ) -> None:
        if not 0 < delta < 1:
            raise ValueError(f"delta is {delta!r}; it is a share between 0 and 1")
        self.delta = delta
        self._rng = rng
        self._doubt, self._deviates = _grid(grid)
        self._seen: dict[int, list[tuple[float, bool]]] = {}
        self._curves: dict[int, Curve] = {}

    def explores(self, entry: int, similarity: float) -> bool:
        """Draw whether to ask upstream rather than serve ``entry``."""
        return self._rng.random() <= self.chance(entry, similarity)

    def chance(self, entry: int, similarity: float) -> float:
        """The chance that a request this similar to ``entry`` is explored, 0..1."""
        seen = self._seen.get(entry)
        if seen is None or len(seen) + 2 < _NEEDED:
            return 1.0
        curve = self._curves.get(entry)
        if curve is None:
            curve = self._curves[entry] = fit((0.0, False), (1.0, True), *seen)
        middle = np.clip(curve.middle + self._deviates * curve.deviation, 0.0, 1.0)
        at = np.clip(curve.steepness * (similarity - middle), -500.0, 500.0)
        right = (1 - self._doubt) / (1 + np.exp(-at))
        with np.errstate(divide="ignore"):
            chances = 1 - self.delta / (1 - right)
        return round(min(1.0, max(0.0, float(chances.min()))), 5)

    def learn(self, entry: int, similarity: float, right: bool) -> None:
        """What an exploration showed: whether the stored answer would have been right."""
        self._seen.setdefault(entry, []).append((round(similarity, 3), right))
        self._curves.pop(entry, None)


@lru_cache(maxsize=4)
def _grid(name: Literal["published", "fine"]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The probabilities left to chance, and the normal deviates that go with them."""
    doubt = np.linspace(1e-6, 1 - 1e-6, 50)
    if name == "fine":
        ends = np.geomspace(1e-6, 0.02, 100)
        doubt = np.unique(np.concatenate([doubt, ends, 1 - ends]))
    normal = NormalDist()
    return doubt, np.asarray([normal.inv_cdf(1 - float(each)) for each in doubt])


def fit(*seen: tuple[float, bool]) -> Curve:
    """The most likely logistic curve through (similarity, right), by Newton's method, without a prior.

    Cleanly separated observations have no finite best curve; the search then ends where the mean gradient
    is below 1e-8, as a solver with that tolerance would.
    """
    counted = Counter(seen)
    at = np.asarray([similarity for similarity, _ in counted])
    truth = np.asarray([float(right) for _, right in counted])
    weight = np.asarray(list(counted.values()), dtype=float)
    total = float(weight.sum())
    offset = slope = 0.0
    loss = math.log(2)
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(offset + slope * at, -500, 500)))
        off = weight * (chance - truth)
        down, along = float(off.sum()) / total, float(off @ at) / total
        if max(abs(down), abs(along)) < 1e-8:
            break
        one, two, three = _bend(weight, at, chance, total)
        room = one * three - two * two
        if not room > 0:
            break
        first, second, size = (three * down - two * along) / room, (one * along - two * down) / room, 1.0
        while (after := _loss(weight, at, truth, offset - size * first, slope - size * second, total)) > loss:
            size /= 2
            if size < 1e-6:
                break
        if after > loss:
            break
        offset, slope, loss = offset - size * first, slope - size * second, after
    steepness = max(slope, 1e-6)
    middle = min(1.0, max(0.0, -offset / steepness))
    if at[truth == 1].min() > at[truth == 0].max():
        variance = float(np.interp(total, list(_SEPARATE), list(_SEPARATE.values())))
    else:
        chance = 1 / (1 + np.exp(-np.clip(offset + slope * at, -500, 500)))
        variance = _variance(*_bend(weight, at, chance, 1.0), offset, steepness)
    return Curve(steepness, middle, math.sqrt(variance))


def _bend(weight: Array, at: Array, chance: Array, total: float) -> tuple[float, float, float]:
    """The second derivatives of the loss."""
    bend = weight * chance * (1 - chance)
    return float(bend.sum()) / total, float(bend @ at) / total, float(bend @ (at * at)) / total


def _loss(weight: Array, at: Array, truth: Array, offset: float, slope: float, total: float) -> float:
    reach = offset + slope * at
    return float(weight @ (np.logaddexp(0, reach) - truth * reach)) / total


def _variance(one: float, two: float, three: float, offset: float, steepness: float) -> float:
    """Of the middle, by the delta method."""
    room = one * three - two * two
    if not room > 0:
        return 1.0  # nothing is known
    first, second = -1 / steepness, offset / steepness**2
    return max(0.0, (first * first * three - 2 * first * second * two + second * second * one) / room)
