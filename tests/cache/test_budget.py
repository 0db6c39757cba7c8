"""The error budget's decisions: what it refuses, what it learns from whom, and what it forgets."""

from __future__ import annotations

import itertools
import json
import math
import os
import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askonce import ManualClock
from askonce.cache.bounds import gamma_quantile
from askonce.cache.budget import ErrorBudget
from askonce.cache.budget_curve import Belief, cut_at
from askonce.cache.budget_state import BINS, CELLS, BinCount, Calibration, Evidence, bin_risk, risk_bin
from askonce.errors import ConfigError

from .budget_tools import PRIOR, calibration, draw

DAY = 86_400.0


@pytest.fixture
def budget(clock: ManualClock) -> ErrorBudget:
    return ErrorBudget(prior=PRIOR, clock=clock)


def serve(budget: ErrorBudget, hits: int, risk: float = 0.0002) -> None:
    for _ in range(hits):
        assert budget.allow(risk).serve
        budget.served(risk)


class TestUncertain:
    @pytest.mark.parametrize("risk", [math.nan, -0.1, 1.1, math.inf, None, "0.1x", b"", 1e400, [0.0]])
    def test_an_unknown_risk_is_a_no(self, budget: ErrorBudget, risk: float) -> None:
        """What is not a probability is a miss, in every method without an error."""
        allowance = budget.allow(risk)
        assert (allowance.serve, allowance.risk) == (False, 1.0)
        budget.served(risk)
        assert 0 < budget.audit_rate(risk) <= 1
        for source in ("audit", "shadow", "label", "report"):
            budget.learn(True, risk, source=source)
        budget.learn(False, risk, key=b"k")
        assert not budget.allow(0.0001, key=b"k").serve

    @given(st.floats(0, 1), st.floats(0, 1))
    @settings(max_examples=50)
    def test_a_greater_risk_is_never_served_sooner(self, one: float, other: float) -> None:
        """Of two candidates of one entry, the riskier is not served unless the other is; nor is it less risky."""
        budget = ErrorBudget(prior=PRIOR, clock=ManualClock())
        low, high = (budget.allow(risk) for risk in sorted((one, other)))
        assert low.serve >= high.serve
        assert low.risk <= high.risk

    def test_no_hit_is_over_the_ceiling(self, clock: ManualClock) -> None:
        """However easy the traffic, a candidate of more than ten times max_wrong is refused."""
        budget = ErrorBudget(prior=Calibration(worth=1_000), clock=clock)
        serve(budget, 5_000)
        assert budget.allow(0.05).serve
        assert "ceiling" in budget.allow(0.2).why

    @pytest.mark.parametrize(
        "settings",
        [
            {"max_wrong": 0.0}, {"max_wrong": 0.6}, {"max_wrong": math.nan}, {"confidence": 1.0}, {"confidence": 0.1},
            {"half_life": 0}, {"half_life": math.nan}, {"audits": (0.0, 0.1)}, {"audits": (0.2, 0.1)},
        ],
    )  # fmt: skip
    def test_senseless_settings_are_refused(self, settings: dict[str, float]) -> None:
        """A setting out of range is a ConfigError that names it."""
        with pytest.raises(ConfigError) as caught:
            ErrorBudget(**settings)  # type: ignore[arg-type]
        assert caught.value.data["setting"] in settings

    def test_an_unknown_source_is_refused(self, budget: ErrorBudget) -> None:
        """A misspelt source would be learnt from wrongly."""
        with pytest.raises(ConfigError, match="audit, shadow, label, report"):
            budget.learn(True, 0.1, source="audits")


class TestAccount:
    def test_more_risk_than_budget_stops(self, clock: ManualClock) -> None:
        """Hits are served until their sum makes more than max_wrong wrong improbable no longer."""
        budget = ErrorBudget(prior=Calibration(worth=1_000), clock=clock)
        serve(budget, 3_000, 0.0001)
        served = 0
        while budget.allow(0.02).serve and served < 5_000:
            budget.served(0.02)
            served += 1
        charged = budget.state()["expected_wrong"]
        assert 0 < served < 5_000
        assert charged <= gamma_quantile(0.05, 0.01 * (3_000 + served) + 1) + 64 * 0.02

    def test_a_debt_is_paid_back(self, clock: ManualClock) -> None:
        """While overdrawn, the safest hits go on being served, and after enough of them it is no longer overdrawn."""
        budget = ErrorBudget(prior=PRIOR, clock=clock)
        for _ in range(100):
            budget.served(0.05)
        assert budget.state()["overdrawn"]
        serve(budget, 3_000)
        assert not budget.state()["overdrawn"]


class TestReports:
    def test_a_report_stops_its_entry_at_once(self, budget: ErrorBudget) -> None:
        """After one report the entry is not served, however well it did before; other entries are."""
        for _ in range(50):
            budget.learn(True, 0.0005, b"s", b"k")
        assert budget.allow(0.0001, b"s", b"k").serve
        budget.learn(False, 0.0001, b"s", b"k", source="report")
        assert "reported" in budget.allow(0.0001, b"s", b"k").why
        assert budget.allow(0.0001, b"s", b"other").serve

    def test_a_report_is_not_a_sample(self, budget: ErrorBudget) -> None:
        """Reports teach neither the rates of risks nor the audited share."""
        before = budget.state()
        for number in range(3):
            serve(budget, 300)
            budget.learn(False, 0.0001, b"s%d" % number, b"k%d" % number, source="report")
        after = budget.state()
        assert (after["reports"], after["labels"], after["audits"]) == (3, 0, 0)
        assert after["correction"] == before["correction"]

    def test_praise_teaches_nothing(self, budget: ErrorBudget) -> None:
        """A report that an answer was right changes nothing: who got a wrong one may not know."""
        budget.learn(False, 0.0001, b"s", b"k", source="report")
        before = budget.encode()
        for _ in range(100):
            budget.learn(True, 0.0001, b"s", b"k", source="report")
        assert budget.encode() == before

    def test_many_reports_trip(self, budget: ErrorBudget) -> None:
        """Reports bound the share of wrong hits from below: far more of them than max_wrong trips, without audits."""
        serve(budget, 100)
        for number in range(10):
            budget.learn(False, 0.0002, b"s%d" % number, b"k%d" % number, source="report")
        assert budget.tripped
        assert "reported" in budget.reason

    def test_one_entry_reported_often_does_not_trip(self, budget: ErrorBudget) -> None:
        """Whoever complains about the same answer a hundred times is one complaint."""
        serve(budget, 100)
        for _ in range(100):
            budget.learn(False, 0.0002, b"s", b"k", source="report")
        assert not budget.tripped

    def test_a_report_is_remembered_through_a_flood(self, budget: ErrorBudget) -> None:
        """Labels of thousands of other entries do not wash a reported one out."""
        budget.learn(False, 0.0001, b"s", b"k", source="report")
        for number in range(5_000):
            budget.learn(True, 0.0005, b"s", b"k%d" % number)
        assert not budget.allow(0.0001, b"s", b"k").serve


class TestLearning:
    def test_wrong_audits_raise_the_risk(self, budget: ErrorBudget) -> None:
        """The corrected risk of a bin moves to what audits find, from the calibration's."""
        before = budget.allow(0.008).risk
        for number in range(2_000):
            budget.learn(number % 25 != 0, 0.008, b"s", b"k%d" % number, source="label")
        assert budget.allow(0.008, b"s").risk == pytest.approx(0.04, rel=0.25)
        assert before == pytest.approx(0.008, rel=0.5)

    def test_one_wrong_label_closes_no_bin(self, budget: ErrorBudget) -> None:
        """Judges err: one wrong answer stops its entry, not its neighbours."""
        budget.learn(False, 0.0005, b"s", b"k")
        assert not budget.allow(0.0005, b"s", b"k").serve
        assert budget.allow(0.0005, b"s", b"other").serve

    def test_a_surprise_counts_more_than_what_was_expected(self, clock: ManualClock) -> None:
        """A wrong answer thought safe casts more doubt on its entry than one that was risky anyway."""
        risks = []
        for risk in (0.001, 0.09):
            budget = ErrorBudget(prior=PRIOR, clock=clock)
            budget.learn(False, risk, b"s", b"k", source="label")
            risks.append(budget.allow(0.001, b"s", b"k").risk)
        assert risks[0] > 2 * risks[1]

    def test_right_answers_clear_an_entry(self, budget: ErrorBudget) -> None:
        """Doubt raised by one wrong answer is overcome by right ones."""
        serve(budget, 500)
        budget.learn(False, 0.002, b"s", b"k")
        assert not budget.allow(0.0005, b"s", b"k").serve
        for _ in range(20):
            budget.learn(True, 0.002, b"s", b"k", source="shadow")
        assert budget.allow(0.0005, b"s", b"k").serve

    def test_shadow_is_offered_where_a_label_teaches(self, budget: ErrorBudget) -> None:
        """Candidates near the cut and doubted entries ask for a label, hopeless ones and served ones do not."""
        budget.learn(False, 0.0001, b"s", b"k", source="report")
        assert budget.allow(0.0001, b"s", b"k").shadow
        assert budget.allow(1.05 * budget.state()["cut"]).shadow
        assert not budget.allow(0.9).shadow
        assert not budget.allow(0.0001).shadow

    def test_audits_are_oftener_where_they_tell_more(self, budget: ErrorBudget) -> None:
        """More audits for risky hits, whose weight makes up for it; fewer once there is evidence; more when bad."""
        plan, risky = budget.audit_plan(0.0001), budget.audit_plan(0.05)
        assert risky.rate > plan.rate
        assert risky.rate * risky.weight == pytest.approx(plan.rate)
        for number in range(1_000):
            budget.learn(True, 0.0005, b"s%d" % (number % 50), b"k%d" % number)
        calm = budget.audit_rate(0.0001)
        assert calm < plan.rate
        budget.learn(False, 0.0005, b"s", b"k")
        assert budget.audit_rate(0.0001) > calm

    def test_half_life(self, clock: ManualClock) -> None:
        """What was learnt weighs half after a half-life, and nothing after many; a report stands for one."""
        budget = ErrorBudget(prior=PRIOR, clock=clock, half_life=DAY)
        prior = budget.allow(0.01).risk
        for number in range(100):
            budget.learn(number % 20 != 0, 0.01, b"s%d" % number, b"k%d" % number, source="label")
        budget.learn(False, 0.0001, b"s", b"reported", source="report")
        labels = budget.state()["labels"]
        clock.advance(0.9 * DAY)
        assert not budget.allow(0.0001, b"s", b"reported").serve
        clock.advance(0.1 * DAY)
        assert budget.state()["labels"] == pytest.approx(labels / 2)
        clock.advance(60 * DAY)
        assert budget.allow(0.01).risk == pytest.approx(prior, rel=1e-6)
        assert budget.allow(0.0001, b"s", b"reported").serve

    def test_a_clock_set_back_forgets_nothing(self, budget: ErrorBudget, clock: ManualClock) -> None:
        """Only time that goes forward fades evidence; None never does."""
        for number in range(50):
            budget.learn(True, 0.01, key=b"k%d" % number)
        labels = budget.state()["labels"]
        clock.advance(-30 * DAY)
        assert budget.state()["labels"] == labels
        eternal = ErrorBudget(prior=PRIOR, clock=clock, half_life=None)
        eternal.learn(True, 0.01)
        clock.advance(10_000 * DAY)
        assert eternal.state()["labels"] == 1

    def test_reset(self, budget: ErrorBudget) -> None:
        """A reset overcomes a trip and keeps reports; one of everything forgets them, too."""
        for number in range(20):
            budget.learn(False, 0.001, b"s%d" % number, b"k%d" % number)
        budget.learn(False, 0.001, b"s", b"k", source="report")
        assert budget.tripped
        assert budget.reason
        budget.reset()
        assert (budget.tripped, budget.reason) == (False, "")
        assert not budget.allow(0.0001, b"s", b"k").serve
        assert budget.allow(0.0001, b"t", b"l").serve
        budget.reset(everything=True)
        assert budget.allow(0.0001, b"s", b"k").serve

    def test_an_alert_that_fails_is_ignored(self, clock: ManualClock) -> None:
        """The budget trips whether or not anybody could be told."""

        def fail(line: str) -> None:
            raise RuntimeError(line)

        budget = ErrorBudget(prior=PRIOR, clock=clock, alert=fail)
        for number in range(20):
            budget.learn(False, 0.001, b"s%d" % number, b"k%d" % number)
        assert budget.tripped


class TestParts:
    @given(st.floats(0, 1))
    def test_every_risk_has_its_bin(self, risk: float) -> None:
        """Bins part 0..1 in order, and the middle of each is in it."""
        number = risk_bin(risk)
        assert 0 <= number < BINS
        assert risk_bin(bin_risk(number)) == number
        assert risk_bin(min(1.0, 1.6 * risk)) >= number

    def test_the_calibration_is_believed(self) -> None:
        """Where the calibration counted much, the first curve is what it counted, not what the verifier said."""
        bins = tuple(BinCount(1_000, round(1_000 * min(1.0, 4 * bin_risk(number)))) for number in range(BINS))
        curve = Belief(Calibration(bins=bins), 0.01, 0.95).prior
        assert curve.risks[risk_bin(0.02) * 4 - 2] == pytest.approx(0.07, rel=0.3)
        assert curve.factor == 1
        assert curve.margin > 1

    @given(st.lists(st.tuples(st.integers(0, 50), st.floats(0, 1)), min_size=BINS, max_size=BINS))
    def test_the_curve_never_falls(self, counts: list[tuple[int, float]]) -> None:
        """Whatever was counted, a higher cell has no lower risk, and each is a probability."""
        empty = Evidence(at=0.0, trip=[0.0], complaints=[0.0], recovery=[0.0])
        empty.labels = [float(n) for n, _ in counts]
        empty.wrong = [n * share for n, share in counts]
        risks = Belief(PRIOR, 0.01, 0.95).curve(empty).risks
        assert len(risks) == CELLS
        assert all(0 <= low <= high <= 1 for low, high in itertools.pairwise(risks))

    @given(
        st.lists(st.floats(0, 1), min_size=1, max_size=20), st.lists(st.floats(0, 100), min_size=20, max_size=20),
        st.floats(0.001, 0.5), st.floats(0.001, 1),
    )  # fmt: skip
    def test_the_cut_keeps_the_mean(self, risks: list[float], seen: list[float], target: float, ceiling: float) -> None:
        """All that have at most the risk of the cut: none is over the ceiling, and their mean is within the target."""
        risks = sorted(risks)
        last = cut_at(risks, seen, target, ceiling)
        served = [(risk, n) for risk, n in zip(risks, seen, strict=False) if last >= 0 and risk <= risks[last]]
        assert all(risk <= ceiling for risk, _ in served)
        total = sum(n for _, n in served)
        assert sum(risk * n for risk, n in served) <= target * total * (1 + 1e-9)

    def test_a_calibration_is_checked(self) -> None:
        """Counts that are none, and risks that are none, are refused."""
        for bins in ((BinCount(1, 2),) * BINS, (BinCount(1, 0),) * 3, (BinCount(math.nan, 0),) * BINS):
            with pytest.raises(ConfigError):
                Calibration(bins=bins)
        with pytest.raises(ConfigError):
            Calibration.measure([(math.nan, True)])
        assert sum(n for n, _ in calibration(500).bins) == 500


class TestManyThreads:
    def test_nothing_is_lost(self, budget: ErrorBudget) -> None:
        """Labels from several threads all arrive, beside decisions."""

        def work(seed: int) -> None:
            rng = random.Random(seed)
            for number in range(400):
                risk = draw(rng)
                if budget.allow(risk, b"s", b"k").serve:
                    budget.served(risk, b"s", b"k")
                budget.learn(True, risk, b"s", b"%d-%d" % (seed, number), source="shadow")

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert budget.state()["labels"] == pytest.approx(1_600)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
    def test_a_forked_child_goes_on(self, budget: ErrorBudget) -> None:
        """A child knows what its parent knew, as somebody else's evidence, and has nothing to hand on itself."""
        budget.learn(False, 0.0001, b"s", b"k", source="report")
        budget.learn(True, 0.01, b"t", b"l")
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:  # pragma: no cover - another process
            fresh = ErrorBudget(prior=PRIOR, clock=ManualClock())
            fresh.merge(budget.encode())
            said = [budget.allow(0.0001, b"s", b"k").serve, budget.state()["labels"], fresh.state()["labels"]]
            os.write(writer, json.dumps(said).encode())
            os._exit(0)
        os.waitpid(child, 0)
        assert json.loads(os.read(reader, 1000)) == [False, 1, 0]
        os.close(reader)
        os.close(writer)
