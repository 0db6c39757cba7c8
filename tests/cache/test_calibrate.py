"""Fitting risk: the laws of the step function and the split, and the file that is written."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from askonce import ConfigError, EmbedderError
from askonce.cache.budget_state import Calibration
from askonce.cache.calibrate import (
    CLEARLY_RIGHT,
    LOST,
    PASSABLE,
    Fit,
    calibrate,
    doubts,
    fit_isotonic,
    fit_logistic,
    sides_of,
)
from askonce.cache.evidence import EVIDENCE, evidence
from askonce.cache.pair_files import Pair
from askonce.cache.verifier import load_risks

from .test_replay import Bags

MARKS = st.lists(st.tuples(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 2.0]), st.integers(0, 1)), min_size=1, max_size=40)


@given(MARKS, st.integers(1, 10))
def test_steps_rise_and_keep_the_sum(marks: list[tuple[float, int]], least: int) -> None:
    """Risk never falls as the argument rises, is never quite 0 or 1, and each step rests on at least so many."""
    at, wrong = (np.asarray(column, dtype=float) for column in zip(*marks, strict=True))
    steps = fit_isotonic(at, wrong, least)
    assert steps.values == sorted(steps.values)
    assert steps.starts == sorted(set(steps.starts))
    assert 0 < steps.values[0] <= steps.values[-1] < 1
    place = np.searchsorted(steps.starts, at, side="right") - 1
    counts = np.bincount(place, minlength=len(steps.starts))
    assert counts.min() >= min(least, len(marks))
    sums = np.bincount(place, weights=wrong, minlength=len(steps.starts))
    assert steps.values == pytest.approx(((sums + 0.5) / (counts + 1)).tolist())


def test_steps_are_those_of_scikit_learn() -> None:
    """On many pairs the steps are scikit-learn's isotonic regression, smoothing aside."""
    rng = np.random.default_rng(1)
    at = rng.normal(size=5000)
    wrong = rng.random(5000) < 1 / (1 + np.exp(-2 * at))
    theirs = IsotonicRegression(out_of_bounds="clip").fit(at, wrong)
    grid = np.linspace(-2, 2, 50)
    assert np.abs(fit_isotonic(at, wrong, least=1)(grid) - theirs.predict(grid)).max() < 0.05


def test_logistic_is_that_of_scikit_learn() -> None:
    """The same penalty gives the same logits as scikit-learn on standardised signals."""
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(2000, 3)) * [1, 5, 0.1] + [0, 3, 1]
    wrong = rng.random(2000) < 1 / (1 + np.exp(-(rows[:, 0] - 0.3 * rows[:, 1])))
    mine = fit_logistic(rows, wrong, ridge=1.0)
    standard = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    theirs = LogisticRegression(C=1.0, tol=1e-8, max_iter=500).fit(standard, wrong)
    assert mine.logits(rows) == pytest.approx(theirs.decision_function(standard), abs=1e-3)


def test_separable_and_constant_signals_stay_finite() -> None:
    """Labels a signal parts perfectly, and a signal that never changes, give finite weights."""
    rows = np.column_stack([np.arange(100.0), np.ones(100)])
    made = fit_logistic(rows, np.arange(100) >= 50)
    assert np.isfinite(made.logits(rows)).all()
    assert (made.logits(rows) > 0).tolist() == [n >= 50 for n in range(100)]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=60), st.randoms())
def test_no_question_is_on_both_sides(links: list[tuple[int, int]], shuffle: random.Random) -> None:
    """Whatever the pairs, no question is both fitted and held out, and the order of the file changes nothing."""
    pairs = [Pair(f"q{one}", f"q{other}", 1) for one, other in links]
    sides = sides_of(pairs, 0.4).tolist()
    texts = {side: {t for p, s in zip(pairs, sides, strict=True) if s == side for t in p[:2]} for side in (0, 1)}
    assert not texts[0] & texts[1]
    order = list(range(len(pairs)))
    shuffle.shuffle(order)
    assert sides_of([pairs[at] for at in order], 0.4).tolist() == [sides[at] for at in order]


def test_the_split_has_about_the_share() -> None:
    """About the share is held out, of many small groups and of one that holds everything together."""
    small = [Pair(f"a{n}", f"b{n}", 1) for n in range(2000)]
    assert np.mean(sides_of(small, 0.3) == 1) == pytest.approx(0.3, abs=0.05)
    assert (sides_of(small, 0.3) >= 0).all()
    rng = random.Random(4)
    whole = [Pair(f"q{rng.randrange(2000)}", f"q{rng.randrange(2000)}", 1) for _ in range(9000)]
    sides = sides_of(whole, 0.3)
    assert np.mean(sides[sides >= 0] == 1) == pytest.approx(0.3, abs=0.08)
    assert (sides == 0).sum() > 500


_RISKS = st.floats(0, 1)


@given(st.lists(st.tuples(_RISKS, st.booleans(), _RISKS), min_size=1, max_size=200), st.booleans())
def test_the_second_opinion_is_asked_between(judged: list[tuple[float, bool, float]], told: bool) -> None:
    """Up to ``certain`` hardly any is wrong; from ``hopeless`` on hardly any is right, short of a risk of 1, among
    those that the second opinion, where it is known, would let pass."""
    risks, wrong, late = ([row[at] for row in judged] for at in range(3))
    certain, hopeless = doubts(risks, wrong, late if told else None)
    assert 0 <= certain <= hopeless <= 1
    passed = [bad for risk, bad, _ in judged if risk <= certain]
    assert certain == 0 or sum(passed) <= CLEARLY_RIGHT * len(passed)
    right = [risk for risk, bad, second in judged if not bad and (second <= PASSABLE or not told)]
    assert sum(1 > risk >= hopeless for risk in right) <= LOST * len(right) + 1


def test_what_the_second_opinion_would_refuse_anyway_is_hopeless() -> None:
    """Right pairs of great second risk do not keep the second opinion busy."""
    early, late = [0.1] * 100 + [0.6] * 100, [0.01] * 100 + [0.2] * 100
    assert 0.1 < doubts(early, [False] * 200, late)[1] < 0.6
    assert doubts(early, [False] * 200)[1] >= 0.6


def test_much_clear_evidence_spares_the_second_opinion() -> None:
    """A thousand right pairs of little risk are certain; a few are not enough to be."""
    assert doubts([0.001] * 1000 + [0.9] * 100, [False] * 1000 + [True] * 100)[0] == 0.001
    assert doubts([0.001] * 20 + [0.9] * 100, [False] * 20 + [True] * 100)[0] == 0.0


def synthetic(count: int = 900) -> list[Pair]:
    """Pairs of bags of words, each with words of its own: the same bag is right, one word exchanged is wrong."""
    rng = random.Random(3)
    words = "red green blue car house tree".split()
    made = []
    for number in range(count):
        bag = [*rng.choices(words, k=4), f"w{number}"]
        other = list(bag)
        label = number % 2
        if label:
            other = [*other, rng.choice(bag[:4])] if rng.random() < 0.9 else other[1:]
        else:
            other[rng.randrange(4)] = rng.choice(words)
            other = [*other, "x"]
        made.append(Pair(" ".join(bag), " ".join(other), label))
    return made


def odds(asked: str, cached: str, script: str) -> float:
    """A pair model that sees the exchanged word, most of the time."""
    assert script == "latin"
    noise = random.Random(asked + cached).gauss(0, 1)
    return (3.0 if not asked.endswith("x") else -3.0) + 2 * noise


@pytest.fixture(scope="module")
def fitted() -> Fit:
    return calibrate(Bags(), synthetic(), guards=(), log_odds=odds)


def test_a_fit_finds_what_tells_right_from_wrong(fitted: Fit) -> None:
    """On held-out questions risk ranks at least as well as the cosine, and comes true to a few per cent; every
    held-out pair past the guards is in the counts an error budget starts from."""
    report = fitted.reports["latin"]
    assert (report.fitted + report.held_out, fitted.left_out) == (900, 0)
    assert report.auc_before is not None
    assert report.auc_after is not None
    assert report.auc_after > max(0.9, report.auc_before - 0.01)
    assert report.error < 0.1
    (learned,) = fitted.learned
    assert (learned.script, learned.embedder) == ("latin", "bags-1")
    assert sum(n for n, _ in learned.counts) == report.held_out


def test_what_is_saved_is_what_the_verifier_reads(fitted: Fit, tmp_path: Path) -> None:
    """The file loads as the verifier's risks, gives the same opinions, and holds no text of the pairs."""
    path = tmp_path / "calibration.json"
    fitted.save(path)
    (learned,) = loaded = load_risks(path)
    assert loaded == fitted.learned
    assert learned.first is not None
    row = [0.9, *evidence("red car house tree", "red car house")]
    assert learned.first.risk(row) == (fitted.learned[0].first or learned.second).risk(row)
    assert learned.first.names == ("similarity", *EVIDENCE)
    assert learned.second.names == ("odds", "similarity", *EVIDENCE)
    assert 0 <= learned.first.risk(row) <= 1
    assert learned.calibration == Calibration(bins=learned.calibration.bins)
    assert path.stat().st_size < 40_000
    assert "house" not in path.read_text()


def test_the_same_pairs_give_the_same_fit(fitted: Fit) -> None:
    """Fitting again, with the pairs in another order, gives the same opinions to rounding, and the same counts."""
    again = calibrate(Bags(), list(reversed(synthetic())), guards=(), log_odds=odds)
    one, other = fitted.learned[0], again.learned[0]
    assert other.second.weights == pytest.approx(one.second.weights, abs=1e-6)
    assert sum(n for n, _ in other.counts) == sum(n for n, _ in one.counts)


def test_what_cannot_be_judged_is_left_out(fitted: Fit) -> None:
    """Pairs the pair model refuses, and pairs in no language it knows, are left out and counted."""

    def refuses(asked: str, cached: str, script: str) -> float:
        if cached.endswith("5"):
            raise EmbedderError("too long", refused=True)
        return odds(asked, cached, script)

    strange = [Pair("где", "где это", 1)] * 7
    made = calibrate(Bags(), [*synthetic(), *strange], guards=(), log_odds=refuses)
    assert made.left_out == 7 + sum(pair.cached.endswith("5") for pair in synthetic())


def test_guards_stand_before_the_fit() -> None:
    """What a guard vetoes is not fitted, and counts as never served in the report."""

    def veto(asked: str, cached: str) -> str:
        return "an x" if asked.endswith("x") and cached[-1] in "02" else ""

    made = calibrate(Bags(), synthetic(), guards=(veto,), log_odds=odds)
    report = made.reports["latin"]
    assert 0.05 < report.vetoed < 0.35
    assert sum(n for n, _ in made.learned[0].counts) == pytest.approx(report.held_out * (1 - report.vetoed))


def test_too_few_pairs_are_refused() -> None:
    """With too little evidence nothing is fitted, and how many it takes is said."""
    with pytest.raises(ConfigError, match="30 of each"):
        calibrate(Bags(), synthetic(60), guards=(), log_odds=odds)
    with pytest.raises(ConfigError, match="30 of each"):
        calibrate(Bags(), [pair._replace(label=1) for pair in synthetic(400)], guards=(), log_odds=odds)
