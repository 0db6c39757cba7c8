"""The intervals cover what they say they cover."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce.cache.bounds import (
    ConfidenceSequence,
    Detector,
    beta_cdf,
    beta_quantile,
    clopper_pearson,
    gamma_quantile,
    wilson,
)
from askonce.errors import ConfigError

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def binomial_cdf(wrong: int, n: int, share: Fraction) -> float:
    """Exactly, in fractions."""
    return float(sum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(wrong + 1)))


class TestIntervals:
    @given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n))), st.integers(1, 99))
    def test_beta_is_the_binomial_seen_from_behind(self, count: tuple[int, int], percent: int) -> None:
        """P(at most w of n) is the probability that Beta(w + 1, n - w) is above the share."""
        wrong, n = count
        exact = binomial_cdf(wrong, n, Fraction(percent, 100))
        assert 1 - beta_cdf(percent / 100, wrong + 1, n - wrong) == pytest.approx(exact, abs=1e-10)

    @given(st.floats(0.001, 0.999), st.floats(1, 500), st.floats(1, 500))
    def test_quantile_is_the_inverse(self, probability: float, a: float, b: float) -> None:
        """The distribution at a quantile is the probability asked for."""
        assert beta_cdf(beta_quantile(probability, a, b), a, b) == pytest.approx(probability, abs=1e-6)

    @given(counts, st.floats(0.5, 0.999))
    def test_clopper_pearson_ends_where_the_count_becomes_improbable(
        self, count: tuple[int, int], confidence: float
    ) -> None:
        """At the upper end, so few wrong have half of the remaining probability; at the lower end, so many."""
        wrong, n = count
        low, share, high = clopper_pearson(wrong, n, confidence)
        assert 0 <= low <= share <= high <= 1
        tail = (1 - confidence) / 2
        if wrong < n:
            assert 1 - beta_cdf(high, wrong + 1, n - wrong) == pytest.approx(tail, abs=1e-6)
        if wrong:
            assert beta_cdf(low, wrong, n - wrong + 1) == pytest.approx(tail, abs=1e-6)

    def test_rule_of_three(self) -> None:
        """None wrong of n: the one-sided 95 % bound is about 3 / n."""
        assert clopper_pearson(0, 300, 0.9).high == pytest.approx(3 / 300, rel=0.01)

    @given(counts)
    def test_wilson_solves_its_equation(self, count: tuple[int, int]) -> None:
        """The ends are the shares that lie z standard deviations from what was seen."""
        wrong, n = count
        low, share, high = wilson(wrong, n)
        for end in (low, high):
            if 0 < end < 1:
                assert abs(share - end) == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / n), rel=1e-4)

    def test_nothing_seen_says_nothing(self) -> None:
        """Without observations every share is possible."""
        for interval in (clopper_pearson(0, 0), wilson(0, 0), ConfidenceSequence().interval()):
            assert (interval.low, interval.high) == (0.0, 1.0)
            assert math.isnan(interval.share)

    @pytest.mark.parametrize(
        ("wrong", "n", "confidence"),
        [(2, 1, 0.95), (-1, 1, 0.95), (0, math.inf, 0.95), (math.nan, 1, 0.95), (0, 1, 1.0), (0, 1, math.nan)],
    )
    def test_senseless_counts_are_refused(self, wrong: float, n: float, confidence: float) -> None:
        """What is no count or no confidence is a ConfigError."""
        for interval in (clopper_pearson, wilson):
            with pytest.raises(ConfigError):
                interval(wrong, n, confidence)

    @pytest.mark.parametrize("shape", [1, 2, 5, 30])
    def test_gamma_quantiles_bound_poisson_counts(self, shape: int) -> None:
        """With the 5 % quantile of Gamma(k + 1) as mean, more than k events have a probability of at most 5 %."""
        mean = gamma_quantile(0.05, shape)
        at_most = sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(shape))
        assert at_most == pytest.approx(0.96, abs=0.011)
        assert at_most >= 0.95 - 1e-4


class TestConfidenceSequence:
    def test_covers_at_all_times(self) -> None:
        """In at most 5 % of streams does the true share ever leave the interval, looked at after each observation."""
        rng = random.Random(7)
        for share in (0.01, 0.3):
            left = 0
            for _ in range(200):
                sequence = ConfidenceSequence()
                for _ in range(400):
                    sequence.update(rng.random() < share)
                    if sequence.log_wealth(share) >= math.log(20):
                        left += 1
                        break
            assert left <= 10

    def test_the_interval_is_where_the_bet_is_not_won(self) -> None:
        """Inside, nobody has made 20 of 1; outside, somebody has."""
        sequence = ConfidenceSequence()
        sequence.add(12, 700)
        low, share, high = sequence.interval()
        assert low < share < high
        for inside in (low * 1.0001, share, high * 0.9999):
            assert sequence.log_wealth(inside) < math.log(20)
        for outside in (low * 0.9999, high * 1.0001):
            assert sequence.log_wealth(outside) >= math.log(20)

    @given(st.lists(st.booleans(), min_size=1, max_size=60))
    def test_order_does_not_matter(self, outcomes: list[bool]) -> None:
        """Observations one by one, and counted together, give the same; looking often costs width."""
        one, other = ConfidenceSequence(), ConfidenceSequence()
        for wrong in outcomes:
            one.update(wrong)
        other.add(sum(outcomes), len(outcomes))
        assert one.interval() == other.interval()
        fixed = clopper_pearson(sum(outcomes), len(outcomes))
        assert one.interval().high - one.interval().low >= 0.9 * (fixed.high - fixed.low)


class TestDetector:
    def test_false_alarms_are_as_rare_as_said(self) -> None:
        """At the null share, alarms at wealth 1,000 come less than once in 1,000 observations."""
        rng = random.Random(3)
        detector = Detector(0.01, (0.02, 0.1, 0.5))
        logs, alarms, looks = detector.fresh(), 0, 60_000
        for _ in range(looks):
            detector.feed(logs, rng.random() < 0.01)
            if detector.log_wealth(logs) >= math.log(1000):
                alarms, logs = alarms + 1, detector.fresh()
        assert alarms <= looks / 1000

    def test_a_long_good_past_hides_nothing(self) -> None:
        """After 5,000 right observations, half of them wrong is noticed within 15."""
        detector = Detector(0.01, (0.02, 0.1, 0.5))
        logs = detector.fresh()
        for _ in range(5_000):
            detector.feed(logs, False)
        for number in range(15):
            detector.feed(logs, number % 2 == 0)
        assert detector.log_wealth(logs) > math.log(10_000)

    def test_weights_undo_uneven_sampling(self) -> None:
        """Hits of which the wrong ones are sampled four times as often give no alarm when weighed by a quarter."""
        detector = Detector(0.05, (0.1, 0.3))
        alarm = math.log(10_000)
        weighed, plain = detector.fresh(), detector.fresh()
        highest = [-math.inf, -math.inf]
        rng = random.Random(5)
        for _ in range(20_000):
            risky = rng.random() < 0.1
            wrong = rng.random() < (0.3 if risky else 0.005)  # 3.45 % of all
            if rng.random() < (0.4 if risky else 0.1):
                detector.feed(weighed, wrong, 0.25 if risky else 1.0)
                detector.feed(plain, wrong)
                highest = [max(a, detector.log_wealth(b)) for a, b in zip(highest, (weighed, plain), strict=True)]
        assert highest[0] < alarm < highest[1]

    def test_who_staked_all_starts_anew(self) -> None:
        """A bet that loses everything stays finite and can win again."""
        detector = Detector(0.5, (0.0,))
        logs = detector.fresh()
        detector.feed(logs, True)
        assert math.isfinite(detector.log_wealth(logs))
        for _ in range(3):
            detector.feed(logs, False)
        assert detector.log_wealth(logs) == pytest.approx(3 * math.log(2))
