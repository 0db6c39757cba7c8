"""Streams through a filling cache: pools, draws, and the walk."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askonce import ManualClock
from askonce.cache.budget import ErrorBudget
from askonce.cache.semantic import SECOND_OPINIONS, Candidate, Verdict
from askonce.cache.verifier import Verifier
from askonce.embeddings.contract import Matrix
from benchmarks.ours import ours_on_streams
from benchmarks.policies import MISS, Budgeted, Choice, Explorer, Judge, Judged, Static
from benchmarks.rivals import VCache
from benchmarks.streams import (
    Pool,
    Tally,
    by_label,
    draw,
    make_pool,
    only_asked,
    pool_of_pairs,
    support_pool,
    turning,
    walk,
)
from benchmarks.vectors import Neighbours, neighbours

FLOOR = 0.5


def a_pool(classes: int = 12, each: int = 4, strangers: int = 30) -> Pool:
    return make_pool(
        ([f"class {c} wording {w}" for w in range(each)] for c in range(classes)),
        (f"stranger {s}" for s in range(strangers)),
    )


def rows_of(pool: Pool, seed: int = 0, spread: float = 0.06) -> Matrix:
    """A vector a text, near those of its own class."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(pool.labels) + 1, 8))
    rows = centres[pool.labels] + spread * 8 * rng.normal(size=(len(pool.texts), 8))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


class Oracle:
    """Serves the nearest stored question with the same label."""

    floor = FLOOR
    candidates = 1000
    exact_tier = True
    indexes_known = True

    def __init__(self, pool: Pool) -> None:
        self.labels = pool.labels

    def choose(self, asked: int, ids: Sequence[int], cosines: Sequence[float]) -> Choice:
        return next((Choice(i) for i in ids if self.labels[i] == self.labels[asked]), MISS)

    def learn(self, asked: int, choice: Choice, cosine: float, right: bool) -> None:
        raise AssertionError("nothing was audited")


def brute_force(pool: Pool, rows: Matrix, stream: Sequence[int], threshold: float) -> tuple[int, int, int]:
    """Exact hits, semantic hits and wrong ones of a threshold, by searching the stored vectors each time."""
    stored: list[int] = []
    exact = hits = wrong = 0
    for asked in stream:
        if asked in stored:
            exact += 1
            continue
        cosines = [float(rows[asked] @ rows[other]) for other in stored]
        if cosines and max(cosines) >= threshold:
            hits += 1
            wrong += pool.labels[stored[int(np.argmax(cosines))]] != pool.labels[asked]
        else:
            stored.append(asked)
    return exact, hits, wrong


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from([0.5, 0.7, 0.8, 0.9, 0.97]))
def test_walk_equals_searching(seed: int, threshold: float) -> None:
    """The walk over precomputed neighbours gives what a search among the stored vectors gives."""
    pool = a_pool()
    rows = rows_of(pool, seed)
    stream = draw(pool, 200, seed)
    tally = walk(pool, neighbours(rows, FLOOR), stream, Static(threshold), by_label(pool))
    assert (tally.exact, tally.hits, tally.wrongs) == brute_force(pool, rows, stream, threshold)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000))
def test_an_oracle_is_never_wrong(seed: int) -> None:
    """A rule that knows the labels hits, and never wrongly."""
    pool = a_pool()
    tally = walk(pool, neighbours(rows_of(pool, seed), FLOOR), draw(pool, 300, seed), Oracle(pool), by_label(pool))
    assert tally.hits > 0
    assert tally.wrongs == 0


def test_a_rule_that_serves_nothing_leaves_the_exact_tier() -> None:
    """Without semantic hits every question is answered once and from then on by the exact tier."""
    pool = a_pool()
    stream = draw(pool, 500, 3)
    tally = walk(pool, neighbours(rows_of(pool), FLOOR), stream, Static(2.0), by_label(pool))
    assert tally.hits == 0
    assert tally.exact == len(stream) - len(set(stream))


def test_a_policy_must_not_look_further_than_the_neighbours() -> None:
    """A policy with a floor below that of the neighbours is refused, since hits would be missed."""
    pool = a_pool()
    with pytest.raises(ValueError, match="neighbours end"):
        walk(pool, neighbours(rows_of(pool), 0.8), draw(pool, 10, 0), Static(0.7), by_label(pool))


@given(st.integers(0, 1000), st.floats(-1, 1))
def test_neighbours_are_all_and_in_order(seed: int, floor: float) -> None:
    """Each text lists exactly the others that reach the floor, nearest first, and never itself."""
    rows = rows_of(a_pool(3, 3, 3), seed)
    near: Neighbours = neighbours(rows, floor)
    for text in range(len(rows)):
        ids, cosines = near.of(text)
        assert list(cosines) == sorted(cosines, reverse=True)
        alike = rows @ rows[text]
        sure = {i for i in range(len(rows)) if i != text and alike[i] >= floor + 1e-5}
        perhaps = {i for i in range(len(rows)) if i != text and alike[i] >= floor - 1e-5}
        assert sure <= set(ids.tolist()) <= perhaps


def test_pool_of_pairs_joins_what_is_the_same() -> None:
    """Pairs labelled 1 connect questions to classes, also over several pairs; what is only labelled 0 stays alone."""
    pool = pool_of_pairs([("a", "b", 1), ("B", "c", 1), ("c", "d", 0), ("e", "f", 0), ("d", "g", 1)])
    groups = {frozenset(pool.texts[place] for place in members) for members in pool.classes}
    assert groups == {frozenset("abc"), frozenset("dg")}
    assert {pool.texts[place] for place in pool.strangers} == {"e", "f"}
    assert len(set(pool.labels)) == 4


def test_a_pool_has_each_question_once() -> None:
    """A question that occurs again, in capitals or with other spaces, is left out."""
    pool = make_pool([["How do I pay?", "how do i  pay?"], ["HOW DO I PAY?"]], ["ways to pay", "How do I pay?"])
    assert pool.texts == ["How do I pay?", "ways to pay"]
    assert len(pool.classes) == 1


@given(st.integers(0, 1000), st.floats(0, 1))
def test_a_stream_is_made_of_its_parts(seed: int, one_off: float) -> None:
    """A stream has the length and share of one-offs asked for, asks no one-off twice, and depends on its seed only."""
    pool = a_pool()
    stream = draw(pool, 60, seed, one_off=one_off)
    counts = Counter(stream)
    assert len(stream) == 60
    assert sum(counts[place] for place in pool.strangers) == min(round(one_off * 60), len(pool.strangers))
    assert all(counts[place] <= 1 for place in pool.strangers)
    assert stream == draw(pool, 60, seed, one_off=one_off)


@given(st.integers(0, 1000))
def test_what_nobody_asks_can_be_left_out(seed: int) -> None:
    """A pool without the questions no stream asks gives the same walks."""
    pool = a_pool()
    rows = rows_of(pool)
    streams = {at: draw(pool, 20, at) for at in (seed, seed + 1)}
    smaller, shorter = only_asked(pool, streams)
    assert len(smaller.texts) == len(set().union(*streams.values())) < len(pool.texts)
    near, fewer = neighbours(rows, FLOOR), neighbours(rows[[pool.texts.index(text) for text in smaller.texts]], FLOOR)
    for at, stream in streams.items():
        one = walk(pool, near, stream, Static(0.8), by_label(pool))
        other = walk(smaller, fewer, shorter[at], Static(0.8), by_label(smaller))
        assert (one.exact, one.when, one.wrong) == (other.exact, other.when, other.wrong)


def test_streams_differ_by_seed() -> None:
    """Two seeds give two streams."""
    pool = a_pool()
    assert draw(pool, 60, 1) != draw(pool, 60, 2)


def test_the_pool_made_in_code() -> None:
    """Without data there is a pool with intents of many wordings and thousands of one-offs."""
    pool = support_pool(None)
    assert len(pool.classes) > 20
    assert len(pool.strangers) > 1000
    assert len(set(pool.labels)) == len(pool.classes) + len(pool.strangers)


def test_truth_turns_half_way() -> None:
    """After the turn about the given share of right answers is wrong; before it none is, and wrong ones stay wrong."""
    pool = a_pool()
    truth = turning(pool, at=1000, seed=1, wrong=0.9)
    one, other = pool.classes[0][:2]
    assert all(truth(place, one, other) for place in range(1000))
    assert 0.05 < np.mean([truth(place, one, other) for place in range(1000, 3000)]) < 0.15
    assert not truth(0, one, pool.strangers[0])


class Graded:
    """A decision whose risk is read off the texts: low within a class, high otherwise; unsure of odd wordings."""

    floor = FLOOR

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()
        self.settled: Counter[tuple[str, str]] = Counter()

    def _verdict(self, candidate: Candidate) -> Verdict:
        same = candidate.asked.split()[:2] == candidate.cached.split()[:2]
        return Verdict(same, "", 0.001 if same else 0.9)

    def decide(self, candidate: Candidate) -> Verdict:
        self.asked[candidate.asked, candidate.cached] += 1
        if candidate.asked.endswith(("1", "3")):
            return Verdict(False, "", None, unsure=True)
        return self._verdict(candidate)

    def settle(self, candidate: Candidate) -> Verdict:
        self.settled[candidate.asked, candidate.cached] += 1
        return self._verdict(candidate)


def test_a_pair_is_judged_once() -> None:
    """Whatever many streams ask, a decision is asked once of a pair, and its second opinion at most once."""
    pool, decision = a_pool(), Graded()
    judge = Judge(decision, pool.texts)
    near = neighbours(rows_of(pool), FLOOR)
    tallies = [walk(pool, near, draw(pool, 300, seed), Judged(judge), by_label(pool)) for seed in range(4)]
    assert sum(tally.second for tally in tallies) > 0
    assert set(decision.asked.values()) == {1}
    assert set(decision.settled.values()) == {1}
    assert all(tally.hits > 0 and tally.wrongs == 0 for tally in tallies)


def test_a_few_second_opinions_a_lookup() -> None:
    """A lookup asks for second opinions until one serves, and passes over further candidates when they are spent."""
    texts = ["class 1 wording 1", *(f"class {n} wording 0" for n in (2, 3, 4, 5)), "class 1 wording 0"]
    for most, place in ((SECOND_OPINIONS, 5), (SECOND_OPINIONS - 1, 5)):
        decision = Graded()
        ids = [*range(1, most + 1), place]
        choice = Judged(Judge(decision, texts)).choose(0, ids, [0.9 - 0.01 * n for n in range(len(ids))])
        assert (choice.served, choice.second) == (-1 if most == SECOND_OPINIONS else place, True)
        assert sum(decision.settled.values()) == SECOND_OPINIONS


def budgeted(pool: Pool, seed: int = 0) -> Budgeted:
    budget = ErrorBudget(0.02, clock=ManualClock())
    return Budgeted(Judge(Graded(), pool.texts), budget, random.Random(seed))


def test_a_budget_serves_what_is_safe_and_audits_some() -> None:
    """With honest risks the budget serves, keeps to its bound, and asks a part of the hits upstream again."""
    pool = a_pool(40, 6, 100)
    near = neighbours(rows_of(pool), FLOOR)
    tally = walk(pool, near, draw(pool, 3000, 1), budgeted(pool), by_label(pool))
    assert tally.hits > 100
    assert tally.wrongs == 0
    assert 0 < tally.audited < tally.hits
    assert tally.tripped is None


def test_a_budget_trips_when_the_truth_turns() -> None:
    """When most answers turn wrong half-way the budget stops serving, and a threshold does not."""
    pool = a_pool(40, 30, 100)
    near = neighbours(rows_of(pool), FLOOR)
    stream = draw(pool, 4000, 1, one_off=0.02)
    tally = walk(pool, near, stream, budgeted(pool), turning(pool, 2000, 1))
    plain = walk(pool, near, stream, Static(FLOOR), turning(pool, 2000, 1))
    assert tally.tripped is not None
    assert tally.tripped >= 2000
    assert 0 < tally.until_tripped[1] <= tally.until_tripped[0] <= tally.hits
    assert sum(at > tally.tripped for at in tally.when) < sum(at > tally.tripped for at in plain.when) / 4


def explored(pool: Pool, seed: int) -> Tally:
    policy = Explorer(VCache(0.05, rng=random.Random(seed)), FLOOR)
    return walk(pool, neighbours(rows_of(pool), FLOOR), draw(pool, 600, 0), policy, by_label(pool))


def test_vcache_explores_before_it_serves() -> None:
    """vCache pays for what it learns, and the same seed gives the same walk."""
    pool = a_pool(6, 4, 10)
    tally = explored(pool, 1)
    assert tally.labels >= 4
    assert tally.audited == 0
    assert tally == explored(pool, 1)


def test_vcache_alone_learns_from_identical_questions() -> None:
    """Without an exact tier vCache meets identical questions, too: they are explored first and served later."""
    pool = a_pool(1, 1, 0)
    policy = Explorer(VCache(0.05, rng=random.Random(1), grid="fine"), FLOOR, exact_tier=False)
    tally = walk(pool, neighbours(rows_of(pool), FLOOR), [0] * 200, policy, by_label(pool))
    assert tally.exact == 0
    assert tally.lookups == 199
    assert tally.labels + tally.hits == 199
    assert tally.labels >= 4
    assert tally.hits > 100
    assert tally.wrongs == 0


def test_ours_spends_a_budget_on_a_stream() -> None:
    """On a stream the shipped decision is judged a pair at a time and spends a fresh error budget for each seed; where
    no verifier knows the language it still serves the same text, and within the budget."""
    pool = make_pool([[f"how do I pay bill {n}", f"How do I pay  bill {n} - now"] for n in "abcdefgh"], [])
    pool = pool._replace(texts=[text.replace("- now", "") for text in pool.texts])
    rows = np.eye(8, dtype=np.float32)[pool.labels]
    make = ours_on_streams("all-MiniLM-L6-v2/x", pool.texts, 0.02, Verifier("all-MiniLM-L6-v2/x", risks=()))
    first, second = make(0), make(1)
    assert isinstance(first, Budgeted)
    assert isinstance(second, Budgeted)
    assert first.budget is not second.budget
    tally = walk(pool, neighbours(rows, 0.6), draw(pool, 400, 0), first, by_label(pool))
    assert tally.hits > 0
    assert tally.wrongs == 0


def test_a_wrong_pair_is_never_served_again() -> None:
    """What an audit found wrong, the budgeted rule does not serve a second time."""
    pool = a_pool()
    policy = budgeted(pool)
    asked, cached = pool.classes[0][0], pool.classes[0][2]
    choice = policy.choose(asked, [cached], [0.9])
    assert choice.served == cached
    policy.learn(asked, choice._replace(audited=True), 0.9, False)
    assert policy.choose(asked, [cached], [0.9]).served == -1
    assert policy.choose(cached, [asked], [0.9]).served == -1
