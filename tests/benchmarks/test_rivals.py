"""The field's rules do what their makers publish."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askonce.cache.semantic import Candidate
from benchmarks.rivals import Cosine, VCache, fit, gptcache, redisvl

similarities = st.floats(0, 1).map(lambda value: round(value, 3))
seen = st.lists(st.tuples(similarities, st.booleans()), max_size=30)


def at(similarity: float) -> Candidate:
    return Candidate("how do I pay", "ways to pay", similarity)


@given(similarities)
def test_gptcache_serves_what_its_own_score_serves(similarity: float) -> None:
    """GPTCache's rule on the cosine is its published rule on unit vectors: 4 - d² at least 0.8 of 4, d² = 2 - 2 cos."""
    squared = 2 - 2 * similarity
    assert gptcache().decide(at(similarity)).serve == (4 - squared >= 0.8 * 4 - 1e-12)


def test_published_defaults() -> None:
    """The defaults serve from a cosine of 0.6 (GPTCache) and of 0.9 (RedisVL, cosine distance 0.1)."""
    assert gptcache().floor == pytest.approx(0.6)
    assert redisvl().floor == pytest.approx(0.9)
    assert redisvl().decide(at(0.91)).serve
    assert not redisvl().decide(at(0.89)).serve


@given(similarities, similarities)
def test_cosine_is_a_threshold(threshold: float, similarity: float) -> None:
    """A cosine rule serves exactly from its threshold on, whatever the texts say."""
    assert Cosine(threshold).decide(at(similarity)).serve == (similarity >= threshold)


def test_a_threshold_is_a_cosine() -> None:
    """A threshold out of -1..1 is refused."""
    with pytest.raises(ValueError, match="cosine from -1 to 1"):
        Cosine(1.2)


def learned(observations: list[tuple[float, bool]], delta: float = 0.05, grid: str = "published") -> VCache:
    policy = VCache(delta, rng=random.Random(0), grid=grid)  # type: ignore[arg-type]
    for similarity, right in observations:
        policy.learn(0, similarity, right)
    return policy


@given(st.lists(st.tuples(similarities, st.booleans()), max_size=3), similarities)
def test_vcache_explores_until_it_knows(observations: list[tuple[float, bool]], similarity: float) -> None:
    """With fewer than four observations of an entry every request is explored."""
    policy = learned(observations)
    assert policy.chance(0, similarity) == 1.0
    assert policy.explores(0, similarity)


@settings(deadline=None)
@given(seen, similarities)
def test_vcache_chance_is_a_probability(observations: list[tuple[float, bool]], similarity: float) -> None:
    """The chance to explore is within 0..1, and what one entry learned says nothing of another."""
    policy = learned(observations)
    assert 0.0 <= policy.chance(0, similarity) <= 1.0
    assert policy.chance(1, similarity) == 1.0


@settings(deadline=None)
@given(seen, similarities, similarities)
def test_vcache_explores_less_the_nearer(observations: list[tuple[float, bool]], one: float, two: float) -> None:
    """Of two requests to one entry the nearer one is not explored more often."""
    policy = learned(observations)
    assert policy.chance(0, max(one, two)) <= policy.chance(0, min(one, two)) + 1e-5


@settings(deadline=None)
@given(seen, similarities)
def test_vcache_explores_less_the_more_errors_are_allowed(
    observations: list[tuple[float, bool]], similarity: float
) -> None:
    """A larger share of allowed errors never explores more."""
    assert learned(observations, 0.1).chance(0, similarity) <= learned(observations, 0.01).chance(0, similarity) + 1e-5


@settings(deadline=None)
@given(seen, similarities)
def test_vcache_fine_grid_explores_no_more(observations: list[tuple[float, bool]], similarity: float) -> None:
    """The fine grid holds the published one, so its minimum is never above it."""
    assert learned(observations, grid="fine").chance(0, similarity) <= learned(observations).chance(0, similarity)


def test_vcache_published_grid_keeps_exploring() -> None:
    """At 1 % the published grid explores every second request for ever; the finer one ends that."""
    perfect = [(1.0, True)] * 46
    assert learned(perfect, 0.01).chance(0, 1.0) == pytest.approx(0.51, abs=0.005)
    assert learned(perfect, 0.01, "fine").chance(0, 1.0) < 0.01


@settings(deadline=None)
@given(seen)
def test_fit_is_the_most_likely_curve(observations: list[tuple[float, bool]]) -> None:
    """No small change of the fitted curve makes the observations more likely, unless they are cleanly separated or
    the curve was cut to rise with its middle in 0..1."""
    whole = [(0.0, False), (1.0, True), *observations]
    curve = fit(*whole)
    rights = [similarity for similarity, right in whole if right]
    wrongs = [similarity for similarity, right in whole if not right]
    if min(rights) > max(wrongs) or not 0 < curve.middle < 1 or curve.steepness <= 1e-6:
        return

    def loss(steepness: float, middle: float) -> float:
        reach = steepness * (np.asarray([s for s, _ in whole]) - middle)
        truth = np.asarray([float(right) for _, right in whole])
        return float((np.logaddexp(0, reach) - truth * reach).sum())

    best = loss(curve.steepness, curve.middle)
    for steeper, later in ((1.02, 0), (0.98, 0), (1, 0.005), (1, -0.005)):
        assert loss(curve.steepness * steeper, curve.middle + later) >= best - 1e-6


def test_fit_of_separated_observations_lies_between() -> None:
    """Cleanly separated observations put the middle of the curve between them, with the published deviation."""
    curve = fit((0.0, False), (1.0, True), (0.7, False), (0.8, False), (0.9, True), (0.95, True))
    assert 0.8 < curve.middle < 0.9
    assert curve.deviation == pytest.approx(math.sqrt(0.0354))


def test_delta_is_a_share() -> None:
    """A share of errors outside 0..1 is refused."""
    with pytest.raises(ValueError, match="share between 0 and 1"):
        VCache(0.0, rng=random.Random(0))
