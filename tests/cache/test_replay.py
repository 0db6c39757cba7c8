"""Replaying traffic: what a policy would have served is what a cache with that policy serves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askonce import Cache, SemanticTier
from askonce.cache.pair_files import Asked, Traffic
from askonce.cache.policy_names import Named, policy_of
from askonce.cache.replay import Replayed, recommend, replay, same_answer, steps_of, truth_of
from askonce.cache.semantic import Candidate, Threshold, Verdict
from askonce.embeddings import Matrix

WORDS = "red green blue car house tree".split()


class Bags:
    """An embedder of bags of words: the same words in any order are one vector."""

    fingerprint, dim, scripts = "bags-1", len(WORDS) + 1, None

    def embed(self, texts: Sequence[str]) -> Matrix:
        rows = np.full((len(texts), self.dim), 0.01, dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.split():
                row[WORDS.index(word) if word in WORDS else -1] += 1
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


def named(threshold: float) -> Named:
    return Named(f"cosine:{threshold:g}", Threshold(threshold, guards=()))


QUESTION = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)


@settings(max_examples=25, deadline=None)
@given(st.lists(QUESTION, min_size=1, max_size=25), st.sampled_from([0.6, 0.8, 0.99]))
def test_replay_serves_what_the_cache_serves(questions: list[str], threshold: float) -> None:
    """Call for call the tally is that of a real cache with the same embedder and decision."""
    decision = Threshold(threshold, guards=())
    tiers: list[str | None] = []
    with Cache(directory=None, semantic=SemanticTier(Bags(), decision=decision, deadline_ms=60_000)) as cache:

        @cache.cached(name="ask")
        def ask(question: str) -> str:
            return question

        tiers = [ask.reply(question).receipt.tier for question in questions]
    (tally,) = replay(Traffic([Asked(question) for question in questions], "nothing"), Bags(), [named(threshold)])
    assert tally.semantic == tiers.count("semantic")
    assert tally.exact == len([tier for tier in tiers if tier not in ("semantic", None)])
    assert tally.calls == len(questions)
    assert tally.unknown == tally.semantic


def test_each_policy_has_a_cache_of_its_own() -> None:
    """What a loose policy did not store because it served is stored by a strict one; the order of the policies
    changes nothing."""
    calls = [Asked(text, label) for text, label in [("red car", "a"), ("car red", "b"), ("car red", "b")]]
    loose, strict = replay(Traffic(calls, "label"), Bags(), [named(0.9), named(1.0)])
    again = replay(Traffic(calls, "label"), Bags(), [named(1.0), named(0.9)])
    assert (loose.exact, loose.semantic, loose.wrong) == (0, 2, 2)
    assert [one.as_dict() for one in again] == [strict.as_dict(), loose.as_dict()]


def test_scopes_and_lifetimes_part_answers() -> None:
    """No hit across scopes; none, exact or similar, after the answer's life, if the log has times."""
    apart = [Asked("red car", scope="x"), Asked("red car", scope="y"), Asked("car red", scope="y")]
    (tally,) = replay(Traffic(apart, "nothing"), Bags(), [named(0.9)])
    assert (tally.exact, tally.semantic) == (0, 1)
    times = [Asked("red car", time=0.0), Asked("red car", time=99.0), Asked("car red", time=100.0)]
    (tally,) = replay(Traffic(times, "nothing"), Bags(), [named(0.9)], ttl=100)
    assert (tally.exact, tally.semantic) == (1, 0)
    (tally,) = replay(Traffic([call._replace(time=None) for call in times], "nothing"), Bags(), [named(0.9)], ttl=100)
    assert (tally.exact, tally.semantic) == (1, 1)


def test_tokens_are_logged_or_estimated_or_unknown() -> None:
    """A hit saves its call's tokens: those of the log, else an estimate from question and answer, else nobody knows."""
    logged = [Asked("red car", "yes", tokens=10), Asked("red car", "yes", tokens=30)]
    (tally,) = replay(Traffic(logged, "answer"), Bags(), [named(0.9)])
    assert (tally.tokens, tally.tokens_saved) == (40, 30)
    told = [Asked("red car", "a long answer of several words"), Asked("red car", "a long answer of several words")]
    (tally,) = replay(Traffic(told, "answer"), Bags(), [named(0.9)])
    assert tally.tokens == 2 * (tally.tokens_saved or 0) > 12
    (tally,) = replay(Traffic([Asked("red car", "i1")] * 2, "label"), Bags(), [named(0.9)])
    assert (tally.tokens, tally.tokens_saved) == (None, None)


def test_truth_by_answers_labels_and_pairs() -> None:
    """Answers are compared as texts; labels by equality; pairs by what is labelled, directly or through others.
    Where nothing is said, nothing is known."""
    assert same_answer("Yes,  it is.", "yes, it is")
    assert not same_answer("Yes, it is.", "No, it is not.")
    by_label = truth_of(Traffic([], "label"))
    assert by_label(Asked("a", "x"), Asked("b", "x")) is True
    assert by_label(Asked("a", "x"), Asked("b", "y")) is False
    assert by_label(Asked("a"), Asked("b", "y")) is None
    alike = {("a", "b"): 1, ("b", "a"): 1, ("b", "c"): 1, ("c", "b"): 1, ("a", "d"): 0, ("d", "a"): 0}
    by_pairs = truth_of(Traffic([], "pairs", alike))
    assert [by_pairs(Asked("a"), Asked(text)) for text in "abcde"] == [True, True, True, False, None]


class Second:
    """Unsure of everything; its second opinion serves, and counts how often it is asked."""

    floor = 0.5

    def __init__(self, fails: bool = False) -> None:
        self.asked, self.fails = 0, fails

    def decide(self, candidate: Candidate) -> Verdict:
        return Verdict(False, "", 0.5, unsure=True)

    def settle(self, candidate: Candidate) -> Verdict:
        self.asked += 1
        if self.fails:
            raise RuntimeError("no")
        return Verdict(self.asked > 1, "", 0.1)


def test_one_second_opinion_a_call() -> None:
    """As in the cache only the nearest candidate gets a second opinion; a decision that fails is a miss."""
    calls = [Asked("red car"), Asked("car red"), Asked("red red car")]
    decision = Second()
    (tally,) = replay(Traffic(calls, "nothing"), Bags(), [Named("second", decision)])
    assert (decision.asked, tally.second, tally.semantic, tally.failed) == (2, 2, 1, 0)
    (tally,) = replay(Traffic(calls, "nothing"), Bags(), [Named("second", Second(fails=True))])
    assert tally.semantic == 0
    assert tally.failed > 0


def test_progress_counts_questions_and_calls() -> None:
    """Progress comes to what was foretold."""
    traffic = Traffic([Asked(word) for word in WORDS * 3], "nothing")
    steps: list[int] = []
    replay(traffic, Bags(), [named(0.9)], progress=steps.append)
    assert sum(steps) == steps_of(traffic) == len(WORDS) * 4


def one(max_wrong: float | None, right: int, wrong: int, policy: str = "verified") -> Replayed:
    return Replayed(policy=policy, max_wrong=max_wrong, calls=10_000, semantic=right + wrong, right=right, wrong=wrong)


def test_recommended_is_the_largest_that_is_surely_right() -> None:
    """Of the budgets whose interval ends under the target the largest is recommended, not the one that looks best."""
    tested = [one(0.001, 900, 0), one(0.005, 2000, 2), one(0.02, 3000, 60), one(None, 9000, 0, "cosine:0.8")]
    assert recommend(tested, 0.01)[:2] == ("verified", 0.005)
    assert recommend(tested, 0.05)[:2] == ("verified", 0.02)
    assert recommend(tested[3:], 0.01)[:2] == ("cosine:0.8", None)


def test_without_evidence_nothing_is_recommended() -> None:
    """A few right hits prove nothing: it says how many it takes. Without truth it says that."""
    few = recommend([one(0.01, 100, 0)], 0.01)
    assert few[:2] == (None, None)
    enough = int(few.why.rpartition("takes ")[2].split()[0])
    assert recommend([one(0.01, enough, 0)], 0.01).policy == "verified"
    assert recommend([one(0.01, enough - 10, 0)], 0.01).policy is None
    assert "labels or answers" in recommend([one(0.01, 0, 0)], 0.01).why


def test_real_embedder_and_rule(tmp_path: Path) -> None:
    """With the shipped embedder and rule a reworded question is served and a turned one is not."""
    from askonce.embeddings import default_embedder

    texts = [
        ("How do I cancel my order?", "cancel"),
        ("cancel my order", "cancel"),
        ("A train from Rome to Oslo", "there"),
        ("A train from Oslo to Rome", "back"),
    ]
    embedder = default_embedder()
    policies = [policy_of(name, embedder.fingerprint) for name in ("conservative", "cosine:0.85")]
    careful, plain = replay(Traffic([Asked(*text) for text in texts], "label"), embedder, policies)
    assert (careful.right, careful.wrong) == (1, 0)
    assert (plain.right, plain.wrong) == (1, 1)


def test_many_neighbours_that_a_policy_does_not_hold() -> None:
    """A policy finds what it holds behind any number of nearer questions that only others hold."""
    crowd = [" ".join(["red"] * n + ["car"] * m) for n in range(3, 15) for m in range(3, 15)]
    calls = [Asked("red car house"), *(Asked(text) for text in crowd), Asked("red car")]
    loose = Named("near", Threshold(0.75, guards=()))
    (alone,) = replay(Traffic(calls, "nothing"), Bags(), [loose])
    both = replay(Traffic(calls, "nothing"), Bags(), [named(1.0), loose])
    assert both[1].as_dict() == alone.as_dict()


@pytest.mark.parametrize("limit", [1, 3])
def test_only_so_many_candidates_are_looked_at(limit: int) -> None:
    """Behind ``candidates`` refusals it is a miss, as in the cache."""

    class Only:
        floor = 0.0

        def __init__(self) -> None:
            self.looked = 0

        def decide(self, candidate: Candidate) -> Verdict:
            self.looked += 1
            return Verdict(False, "")

    decision = Only()
    calls = [Asked("red car"), Asked("red house"), Asked("red tree"), Asked("red")]
    replay(Traffic(calls, "nothing"), Bags(), [Named("only", decision)], candidates=limit)
    assert decision.looked == sum(min(limit, held) for held in range(4))
