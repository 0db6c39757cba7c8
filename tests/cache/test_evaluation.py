"""Measuring a decision: the laws of AUC, frontier and intervals, and what is counted of a decision's verdicts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from askonce import ConfigError, EmbedderError
from askonce.cache.evaluation import (
    NEVER,
    auc,
    auc_interval,
    evaluate,
    evaluate_scores,
    frontier,
    frontier_intervals,
    judge,
    share_interval,
    steps_of,
    vectors_of,
)
from askonce.cache.pair_files import Pair
from askonce.cache.policy_names import GuardsOnly, policy_of
from askonce.cache.semantic import Candidate, Threshold, Verdict
from askonce.embeddings import FunctionEmbedder, Matrix

LEVELS = st.sampled_from([NEVER, -1.0, -0.5, 0.0, 0.25, 0.5, 0.75, 1.0])
SCORED = st.lists(st.tuples(LEVELS, st.integers(0, 1)), min_size=1, max_size=40)


def both(scored: list[tuple[float, int]]) -> tuple[list[float], list[int]]:
    scores, labels = [score for score, _ in scored], [label for _, label in scored]
    assume(0 < sum(labels) < len(labels))
    return scores, labels


# -- laws ------------------------------------------------------------------------------------------------------


@given(SCORED)
def test_auc_is_that_of_scikit_learn(scored: list[tuple[float, int]]) -> None:
    """The AUC, ties included, is scikit-learn's; what is never served counts as one tie at the bottom."""
    scores, labels = both(scored)
    finite = [-2.0 if score == NEVER else score for score in scores]
    assert auc(scores, labels) == pytest.approx(roc_auc_score(labels, finite))


@given(SCORED)
def test_auc_turns_with_the_labels_and_ignores_the_scale(scored: list[tuple[float, int]]) -> None:
    """Swapping the labels gives one minus the AUC; a rising change of the scores changes nothing."""
    scores, labels = both(scored)
    area = auc(scores, labels)
    assert area is not None
    assert auc(scores, [1 - label for label in labels]) == pytest.approx(1 - area)
    assert auc([math.exp(score) for score in scores], labels) == pytest.approx(area)


def test_without_both_classes_there_is_nothing_to_measure() -> None:
    """AUC and frontier of one class are None, not a number; so is a share of nothing."""
    for labels in ([1, 1], [0, 0]):
        assert auc([0.1, 0.2], labels) is None
        assert auc_interval([0.1, 0.2], labels) is None
        assert frontier([0.1, 0.2], labels) is None
        assert frontier_intervals([0.1, 0.2], labels) is None
    assert share_interval(0, 0) is None


@given(SCORED)
def test_auc_interval_holds_the_auc(scored: list[tuple[float, int]]) -> None:
    """The interval lies in 0..1, around the AUC."""
    scores, labels = both(scored)
    area, interval = auc(scores, labels), auc_interval(scores, labels)
    assert area is not None
    assert interval is not None
    assert -1e-9 <= interval[0] <= area + 1e-9
    assert area - 1e-9 <= interval[1] <= 1 + 1e-9


def test_auc_interval_covers_what_it_says() -> None:
    """Over many samples of a known law the 95 % interval holds the true AUC about that often (binormal: 0.76)."""
    rng = np.random.default_rng(7)
    labels = [1] * 60 + [0] * 90
    truth = 0.5 * (1 + math.erf(1 / math.sqrt(2) / math.sqrt(2)))
    held = 0
    for _ in range(400):
        scores = np.concatenate([rng.normal(1, 1, 60), rng.normal(0, 1, 90)])
        low, high = auc_interval(scores, labels) or (1.0, 0.0)
        held += low <= truth <= high
    assert 0.92 <= held / 400 <= 0.98


def brute_frontier(scores: Sequence[float], labels: Sequence[int], share: float) -> float:
    """By its definition: over every threshold, serve all at or above it."""
    positives, negatives = sum(labels), len(labels) - sum(labels)
    best = 0.0
    for bar in {score for score in scores if score != NEVER}:
        served = [label for score, label in zip(scores, labels, strict=True) if score >= bar]
        if (len(served) - sum(served)) / negatives <= share / 100 + 1e-12:
            best = max(best, sum(served) / positives)
    return best


@given(
    SCORED, st.lists(st.sampled_from([0.5, 5.0, 10.0, 25.0, 50.0, 99.0, 100.0]), min_size=1, max_size=4, unique=True)
)
def test_frontier_is_the_best_threshold(scored: list[tuple[float, int]], shares: list[float]) -> None:
    """For each share the frontier is what the best threshold serves; equal scores are served together, what is
    never served is not, and nothing is interpolated."""
    scores, labels = both(scored)
    found = frontier(scores, labels, shares)
    assert found == {f"{share:g}": pytest.approx(brute_frontier(scores, labels, share)) for share in shares}


def test_frontier_serves_a_tie_whole_or_not_at_all() -> None:
    """One tie of positives and negatives: none of them at 5 % of the negatives, all at 50 %."""
    scores, labels = [0.9] * 4 + [0.1] * 2, [1, 1, 1, 0, 0, 1]
    assert frontier(scores, labels, (5, 50)) == {"5": 0.0, "50": 0.75}


@given(SCORED)
def test_more_negatives_never_serve_fewer_positives(scored: list[tuple[float, int]]) -> None:
    """The frontier rises with the share of negatives."""
    scores, labels = both(scored)
    values = list((frontier(scores, labels) or {}).values())
    assert values == sorted(values)


@settings(max_examples=25)
@given(SCORED)
def test_frontier_intervals_are_ordered_shares(scored: list[tuple[float, int]]) -> None:
    """Bootstrap intervals are shares, low end first, and the same seed gives the same."""
    scores, labels = both(scored)
    one, two = (frontier_intervals(scores, labels, rng=np.random.default_rng(3), times=100) for _ in range(2))
    assert one is not None
    assert one == two
    assert all(0 <= low <= high <= 1 for low, high in one.values())


def test_frontier_interval_holds_the_frontier_of_the_law() -> None:
    """On a sample of a known law the interval holds what the best threshold serves of the whole population."""
    rng = np.random.default_rng(11)
    labels = [1] * 600 + [0] * 600
    scores = np.concatenate([rng.normal(2, 1, 600), rng.normal(0, 1, 600)])
    # the share of N(2, 1) above the 95th percentile of N(0, 1)
    truth = 1 - 0.5 * (1 + math.erf((1.6449 - 2) / math.sqrt(2)))
    low, high = (frontier_intervals(scores, labels, (5.0,)) or {})["5"]
    assert low <= truth <= high
    assert high - low < 0.2


def test_bad_scores_are_refused() -> None:
    """NaN, or scores and labels of different length, are a mistake of the caller's."""
    with pytest.raises(ConfigError):
        auc([float("nan"), 0.5], [1, 0])
    with pytest.raises(ConfigError):
        auc([0.5], [1, 0])
    with pytest.raises(ConfigError):
        evaluate_scores([0.5, 0.1], [1, 0], [True])
    with pytest.raises(ConfigError):
        evaluate_scores([0.5, 0.1], [1, 0], [True, False], ["only one"])


@given(
    st.lists(st.tuples(LEVELS, st.integers(0, 1), st.booleans(), st.sampled_from(["a", "b"])), min_size=1, max_size=30)
)
@settings(max_examples=40, deadline=None)
def test_counts_add_up(rows: list[tuple[float, int, bool, str]]) -> None:
    """Pairs are positives and negatives; the groups' pairs and served add up to the whole's; every share lies in
    its interval."""
    scores, labels, served, metas = (list(column) for column in zip(*rows, strict=True))
    made = evaluate_scores(scores, labels, served, metas)
    assert made.pairs == made.positives + made.negatives == sum(group.n for group in made.by_meta.values())
    parts = sum((group.served_positives or 0) * group.positives for group in made.by_meta.values())
    assert parts == pytest.approx((made.served_positives or 0) * made.positives)
    for name in ("served_positives", "served_negatives", "wrong_share"):
        share, interval = getattr(made, name), made.intervals[name]
        assert (share is None) == (interval is None)
        if interval is not None:
            assert interval[0] <= share + 1e-9
            assert share <= interval[1] + 1e-9


# -- verdicts --------------------------------------------------------------------------------------------------


class Fixed:
    """Gives the verdicts it was made with."""

    def __init__(self, first: Verdict, second: Verdict | None = None, floor: float = 0.0) -> None:
        self.floor, self._first, self._second = floor, first, second
        if second is not None:
            self.settle = lambda candidate: second

    def decide(self, candidate: Candidate) -> Verdict:
        return self._first


class Broken:
    """Fails."""

    floor = 0.0

    def decide(self, candidate: Candidate) -> Verdict:
        raise RuntimeError("no")


NEAR = Candidate("Where is my order?", "Where is my parcel?", 0.7)


def test_a_verdict_is_taken_as_the_cache_takes_it() -> None:
    """The score is one minus the risk; a veto is never served at any threshold; below the floor nothing is served;
    the second opinion replaces the first; a decision that fails says no."""
    assert judge(Fixed(Verdict(True, "", 0.25)), NEAR)[:3] == (0.75, True, False)
    assert judge(Fixed(Verdict(False, "a guard", 1.0)), NEAR)[:2] == (NEVER, False)
    assert judge(Fixed(Verdict(True, "", 0.25), floor=0.8), NEAR)[:2] == (0.75, False)
    unsure, sure = Verdict(False, "", 0.5, unsure=True), Verdict(True, "", 0.125)
    assert judge(Fixed(unsure, sure), NEAR)[:3] == (0.875, True, True)
    assert judge(Fixed(unsure), NEAR)[:3] == (0.5, False, False)
    assert judge(Broken(), NEAR) == (NEVER, False, False, True)


def test_a_rule_without_risks_scores_by_its_cosine() -> None:
    """Below its threshold too, so that its frontier can be drawn; a guard's veto is never served, and a rule of
    guards alone knows no other difference."""
    turned = Candidate("from Rome to Oslo", "from Oslo to Rome", 0.99)
    assert judge(Threshold(0.8, guards=()), NEAR)[:2] == (0.7, False)
    assert judge(Threshold(0.8), turned)[:2] == (NEVER, False)
    assert judge(Threshold(0.8, guards=()), turned)[:2] == (0.99, True)
    assert judge(GuardsOnly(), NEAR)[:2] == (0.0, True)
    assert judge(GuardsOnly(), turned)[:2] == (NEVER, False)


# -- running ---------------------------------------------------------------------------------------------------


class Letters:
    """An embedder that counts letters, refuses what holds a ``#``, and notes what it was asked."""

    fingerprint, dim, scripts = "letters-1", 32, None

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> Matrix:
        if any("#" in text for text in texts):
            raise EmbedderError("not this one", refused=True)
        self.batches.append(len(texts))
        self.texts += texts
        rows = np.zeros((len(texts), 32), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for char in text:
                row[ord(char) % 32] += 1
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


def test_each_text_is_embedded_once_in_batches() -> None:
    """However often a text stands in the pairs it is embedded once, at most 32 at a time, and progress counts
    every text and every pair."""
    pairs = [Pair(f"question number {n % 50}", f"asked {n % 7}", n % 2) for n in range(200)]
    embedder = Letters()
    steps: list[int] = []
    made = evaluate(Threshold(0.5, guards=()), embedder, pairs, progress=steps.append)
    assert len(embedder.texts) == len(set(embedder.texts)) == 57
    assert max(embedder.batches) <= 32
    assert sum(steps) == steps_of(pairs) == 57 + 200
    assert made.pairs == 200
    assert made.embedder == "letters-1"


def test_what_the_embedder_refuses_is_never_served() -> None:
    """Refused, blank and overlong texts are counted and score lowest, however loose the rule is."""
    pairs = [
        Pair("a # b", "a # b", 1),
        Pair("abc", " ", 1),
        Pair("x" * 60, "x", 0),
        Pair("abc", "abd", 1),
        Pair("q", "w", 0),
    ]
    made = evaluate(Threshold(-1.0, guards=()), Letters(), pairs, max_chars=50)
    assert made.refused == 3
    assert made.served_positives == pytest.approx(1 / 3)
    assert made.served_negatives == 0.5
    assert (made.frontier or {})["5"] == pytest.approx(1 / 3)


def test_an_embedder_that_is_down_is_an_error() -> None:
    """A fault of the embedder is not taken for a refused text: there would be figures of nothing."""

    def down(texts: Sequence[str]) -> list[list[float]]:
        raise OSError("no route")

    with pytest.raises(EmbedderError):
        vectors_of(FunctionEmbedder(down, 4, "down-1"), ["a question"])


def test_scores_are_cosines_of_the_pair() -> None:
    """Same letters are served, other letters are not, and the second opinion's share is embedder."""
    pairs = [Pair("abc", "cab", 1), Pair("abc", "xyz", 0)]
    made = evaluate(Threshold(0.9, guards=()), Letters(), pairs)
    assert (made.served_positives, made.served_negatives, made.auc) == (1.0, 0.0, 1.0)
    unsure = Fixed(Verdict(False, "", 0.5, unsure=True), Verdict(True, "", 0.1), floor=0.5)
    made = evaluate(unsure, Letters(), pairs)
    assert made.asked_second == 1.0
    assert (made.served_positives, made.served_negatives) == (1.0, 0.0)


@pytest.mark.parametrize(
    "name",
    [
        "cosin",
        "cosine:",
        "cosine:2",
        "guards:x",
        "guards",
        "verifed",
        "cosine:nan",
        "calibrated:",
        "calibrated:FILE",
        "",
    ],
)
def test_unknown_policies_are_refused(name: str) -> None:
    """A policy nobody knows is a mistake that names itself."""
    with pytest.raises(ConfigError, match=r"policy|cosine|no file"):
        policy_of(name, "letters-1")


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, float("nan")])
def test_a_budget_is_a_share(value: float) -> None:
    """``max_wrong`` lies between 0 and 1."""
    with pytest.raises(ConfigError, match="max-wrong"):
        policy_of("conservative", "letters-1", value)


def test_other_budgets_are_measured_on_pairs_that_were_read() -> None:
    """A pair refused unread scores as the second opinion has it; what is served, vetoed or read keeps its score."""

    class Hasty:
        floor = 0.0
        guards = ()

        def decide(self, candidate: Candidate) -> Verdict:
            risk = {"good": 0.001, "unread": 0.4, "veto": 1.0}[candidate.asked.split()[0]]
            return Verdict(risk < 0.01, "", risk)

        def settle(self, candidate: Candidate) -> Verdict:
            raise AssertionError("nobody was unsure")

        def reread(self, candidate: Candidate) -> float:
            return 0.02

    pairs = [Pair("a", "good one", 1), Pair("b", "unread one", 1), Pair("c", "unread two", 0), Pair("d", "veto one", 0)]
    result = evaluate(Hasty(), Letters(), pairs)
    assert result.served_positives == 0.5
    assert result.frontier is not None
    # b and c are level at 0.98: neither without the other
    assert result.frontier["5"] == 0.5
    assert result.auc == (1 + 1 + 0.5 + 1) / 4
    assert result.asked_second == 0
