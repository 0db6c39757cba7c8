"""The share of wrong answers among served hits stays within ``max_wrong``, in streams whose errors are known.

Seeds are fixed; a budget is 1 % throughout.
"""

from __future__ import annotations

import random

import pytest

from askonce import ManualClock
from askonce.cache.budget import ErrorBudget

from .budget_tools import PRIOR, draw, simulate


class TestCalibrated:
    def test_the_share_is_kept(self) -> None:
        """With risks that come true, at most one run of twenty serves more than its share, and none trips."""
        runs = [simulate(seed, 1_000) for seed in range(20)]
        assert sum(run.share > 0.01 for run in runs) <= 1
        assert not any(run.tripped_at for run in runs)

    def test_the_budget_is_used(self) -> None:
        """A bound that is kept by serving nothing is none: at least a third of the budget is spent, and more is
        served than candidates whose own risk is within it."""
        run = simulate(3, 4_000)
        assert run.served == 4_000
        assert 0.0033 < run.share <= 0.01
        assert run.budget.state()["cut"] > 0.02

    def test_without_a_calibration(self) -> None:
        """Risks taken at face value are held with as little trust; where they come true, the share is kept."""
        runs = [simulate(seed, 1_500, prior=None) for seed in range(8)]
        assert all(run.share <= 0.01 for run in runs)

    def test_traffic_that_turns_risky(self) -> None:
        """Easy repeats do not pay for traps: when only candidates at the cut come, few of them are served."""
        budget = ErrorBudget(prior=PRIOR, clock=ManualClock())
        rng = random.Random(2)
        charged = served = 0.0
        for number in range(12_000):
            risk = 10 ** rng.uniform(-4.5, -2.5) if number < 4_000 else 0.03
            if budget.allow(risk).serve:
                budget.served(risk)
                charged += risk
                served += 1
        assert 4_000 <= served < 8_000
        assert charged / served <= 0.01


class TestUnclear:
    @pytest.mark.parametrize("unclear", [0.05, 0.6])
    def test_wrong_answers_that_no_audit_sees_are_not_forgotten(self, unclear: float) -> None:
        """Audits that call right answers right or unclear, and wrong ones always unclear, do not make a budget
        bolder: the share is kept, and risks are held to be what the calibration says, or more."""
        runs = [
            simulate(seed, 12_000, rate=0.2, told=lambda bad, rng: None if bad or rng.random() < unclear else True)
            for seed in range(3)
        ]
        assert all(run.served == 12_000 for run in runs)
        assert sum(run.late[1] for run in runs) / sum(run.late[0] for run in runs) <= 0.01
        assert all(0.9 < run.budget.state()["correction"] < 1.3 for run in runs)

    def test_labels_of_pairs_somebody_chose_leave_unclear_audits_as_they_are(self, clock: ManualClock) -> None:
        """Audits are held to hide what was foretold of audits: pairs chosen by a user, right or wrong, neither add to
        that nor take from it."""

        def unclear(chosen: bool | None) -> float:
            budget = ErrorBudget(prior=PRIOR, clock=clock)
            before = budget.encode()
            for number in range(300):
                if chosen is not None:
                    budget.learn(chosen, 0.3, b"", b"chosen %d" % number, source="label")
            budget.decode(before)  # forget what the labels themselves taught
            for number in range(400):
                budget.learn(None, 0.003, b"", b"key %d" % number)
            return float(budget.state()["correction"])

        assert unclear(True) == unclear(False) == unclear(None)

    def test_unclear_audits_neither_trip_nor_raise_doubts(self, clock: ManualClock) -> None:
        """What could not be told is no evidence against a scope, an entry, or the whole."""
        budget = ErrorBudget(prior=PRIOR, clock=clock)
        for number in range(3_000):
            budget.learn(None, 0.002, b"scope", b"key %d" % (number % 3))
        assert not budget.tripped
        assert (budget.state()["doubted_scopes"], budget.state()["doubted_entries"]) == ([], [])
        assert budget.allow(0.002, b"scope", b"key 1").risk < 2 * budget.allow(0.002).risk + 1e-9


class TestUnderstated:
    @pytest.mark.parametrize("rate", [None, 0.08])
    def test_audits_bring_it_back(self, rate: float | None) -> None:
        """Risks that are three times too low: after half of the run the share is kept again."""
        runs = [simulate(seed, 20_000, lambda risk, _: 3 * risk, rate=rate) for seed in range(2)]
        served, wrong = (sum(run.late[part] for run in runs) for part in (0, 1))
        assert served == 20_000
        assert wrong / served <= 0.01
        assert all(run.budget.state()["correction"] > 1.3 for run in runs)


class TestShuffled:
    @pytest.mark.parametrize(("flip", "rate"), [(0, 0.1), (0, None), (5_000, 0.05), (5_000, 0.1), (5_000, None)])
    def test_it_trips_before_twice_the_budget_is_spent(self, flip: int, rate: float | None) -> None:
        """When half of all answers become wrong, it trips. For a run of 10,000 hits at 1 % the budget is 100."""
        for seed in range(4):
            run = simulate(seed, 10_000, lambda risk, served: 0.5 if served >= flip else risk, rate=rate)
            assert run.tripped_at is not None
            assert run.wrong < 200
            assert not run.budget.allow(0.0001).serve

    def test_shadow_audits_overcome_it(self) -> None:
        """A tripped budget serves nothing; labels of what it would have served let it recover, and say so, but
        only when they are right."""
        told: list[str] = []
        clock = ManualClock()
        budget = ErrorBudget(prior=PRIOR, clock=clock, alert=told.append)
        for number in range(20):
            budget.learn(False, 0.001, b"scope %d" % number, b"key %d" % number)
        assert budget.tripped
        assert "tripped" in told[0]
        assert "tripped" in budget.allow(0.001).why
        rng = random.Random(4)
        for wrong_share, recovers in ((0.2, False), (0.002, True)):
            for number in range(3_000):
                risk, key = draw(rng), b"other %d" % number
                allowance = budget.allow(risk, b"", key)
                assert allowance.serve <= (not budget.tripped)
                if allowance.shadow and budget.tripped:
                    assert budget.audit_rate(risk, b"", key, shadow=True) == 1.0
                    budget.learn(rng.random() >= wrong_share, risk, b"", key, source="shadow")
            assert budget.tripped is not recovers
        assert len(told) == 2
        assert "recovered" in told[1]
        assert budget.allow(0.0001).serve


class TestTraps:
    def test_a_scope_of_traps_is_left_out(self) -> None:
        """Two scopes of twenty in which 40 % are wrong: they are found out, the others go on, the share is kept."""
        for seed in range(3):
            run = simulate(seed, 8_000, scopes=20, traps=2)
            assert run.served == 8_000
            assert run.share <= 0.01
            assert run.in_traps[0] < 150  # of some 800 in fair shares
            refused = [run.budget.allow(0.0005, b"scope %d" % number).serve for number in range(20)]
            assert refused[:2] == [False, False]
            assert sum(refused[2:]) >= 16
