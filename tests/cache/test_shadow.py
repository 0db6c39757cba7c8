"""Shadow mode: decide, serve nothing, compare; and labels from misses. No call is made for any of it."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest

from askonce import Candidate, Policy, Threshold, Verdict, controls
from askonce.cache.audit import Audits
from askonce.cache.budget import ErrorBudget
from askonce.cache.shadow import ShadowReport

from .openai_tools import Scripted, ask, client_of
from .test_audit_openai import upstream
from .vouching import ANIMALS, FILLERS, Source, Vouching, question, receipt, truth, world

COLOURS = ("sync", "async", "stream", "astream")
CATS, MORE_CATS, DOGS = question("cats", "please"), question("cats", "now"), question("dogs", "please")


@pytest.mark.parametrize("colour", COLOURS)
def test_shadow_mode_serves_nothing_and_tells_what_it_would_have_done(colour: str) -> None:
    """Every call goes upstream; the report says how many would have been served and how many of these wrongly; the
    budget and the negative pairs have learned."""
    decision = Vouching()
    with world(decision=decision, shadow=True) as cache:
        source = Source(cache, colour)
        assert source(CATS, MORE_CATS, DOGS) == [truth(CATS), truth(MORE_CATS), truth(DOGS)]
        assert cache.learning.wait()
        assert source.asked == [CATS, MORE_CATS, DOGS]
        report = cache.shadow_report()
        assert (report.would_have_served, report.right, report.wrong, report.unclear) == (2, 1, 1, 0)
        assert report.wrong_share == 0.5
        assert "1 of 2 judged wrong" in str(report)
        stats = cache.stats()
        assert stats.hits.get("semantic", 0) == 0
        assert stats.shadow == report.as_dict()
        assert (stats.negatives, stats.audits) == (1, 0)
        assert stats.budget is not None
        assert stats.budget["labels"] > 0
        assert stats.budget["served"] == 0
        source(DOGS)
        assert cache.stats().hits["memory"] == 1  # what was asked before is an exact hit as ever


def test_shadow_mode_through_the_sdk() -> None:
    """A wrapped client in shadow mode: fresh answers, and what they would have saved in tokens and money."""
    with world(decision=Vouching(), shadow=True) as cache:
        client = client_of(cache, Scripted(upstream))
        for text in (CATS, MORE_CATS):
            made: Any = client.chat.completions.create(**ask(text))
            assert made.choices[0].message.content == truth(text)
        assert cache.learning.wait()
        report = cache.shadow_report()
        assert (report.would_have_served, report.right, report.tokens) == (1, 1, 50)
        assert report.money > 0


def test_shadow_per_call() -> None:
    """``controls(shadow=True)`` withholds one call's hit, ``shadow=False`` lets a call be served in shadow mode."""
    with world(decision=Vouching()) as cache:
        source = Source(cache)
        source(CATS)
        with controls(shadow=True):
            source(MORE_CATS)
        assert receipt().status == "miss"
        assert "shadow" in receipt().reason
        assert source(question("cats", "today")) == [truth(CATS)]
        assert receipt().tier == "semantic"
    with world(decision=Vouching(), shadow=True) as cache:
        source = Source(cache)
        source(CATS)
        with controls(shadow=False):
            source(MORE_CATS)
        assert receipt().tier == "semantic"


def test_the_report_counts_what_really_happened() -> None:
    """Over a random stream of questions the report's right and wrong are those of the answers themselves."""
    rng = random.Random(3)
    with world(decision=Threshold(0.6, guards=()), shadow=True) as cache:
        source = Source(cache)
        right = wrong = 0
        for number in range(60):
            text = question(rng.choice(ANIMALS), f"{rng.choice(FILLERS)} {number}")
            explained = source.call.explain(text)
            served = [found["query"] for found in explained.candidates if found["serve"]]
            source(text)
            if served:
                right, wrong = right + (truth(served[0]) == truth(text)), wrong + (truth(served[0]) != truth(text))
        report = cache.shadow_report()
        assert (report.right, report.wrong) == (right, wrong)
        assert report.would_have_served == right + wrong
        assert wrong
        assert right


def test_an_answer_that_never_came_whole_is_dropped() -> None:
    """When the call fails, or its answer cannot be stored, there is nothing to compare with: no label."""
    with world(decision=Vouching(), shadow=True) as cache:
        source = Source(cache)
        source(CATS)

        def down(text: str) -> str:
            raise ConnectionError

        source.answers = down
        with pytest.raises(ConnectionError):
            source(MORE_CATS)
        source.answers = lambda text: object()  # type: ignore[assignment, return-value]
        with pytest.warns(RuntimeWarning, match="not cached"):
            source(question("cats", "today"))
        report = cache.shadow_report()
        assert (report.right, report.wrong, report.dropped) == (0, 0, 1)


class Unsure(Threshold):
    """Estimates a risk and serves nothing; its budget hears what would have been right."""

    def __init__(self, risk: float) -> None:
        super().__init__(0.6)
        self.risk = risk
        self.budget = ErrorBudget(0.01)

    def decide(self, candidate: Candidate) -> Verdict:
        return Verdict(False, "too risky", self.risk)


@pytest.mark.parametrize("colour", COLOURS)
def test_misses_give_labels_too(colour: str) -> None:
    """A rejected candidate is compared with the fresh answer of the call that went on, as often as was set, at no
    call's cost; a veto is compared only when a rate was set."""
    for audits, risk, labelled in (
        (Audits(miss_rate=1.0), 0.03, True), (Audits(miss_rate=0.0), 0.03, False), (False, 0.03, False),
        (Audits(), 1.0, False), (Audits(miss_rate=1.0), 1.0, True),
    ):  # fmt: skip
        with world(audits, Unsure(risk)) as cache:
            source = Source(cache, colour)
            source(CATS, MORE_CATS, DOGS)
            assert cache.learning.wait()
            assert len(source.asked) == 3
            budget = cache.stats().budget
            assert budget is not None
            assert (budget["labels"] > 0) == labelled
            assert cache.shadow_report() == ShadowReport()


def test_a_tripped_budget_recovers_through_misses() -> None:
    """Once tripped, nothing is served by meaning; the misses that follow are labelled, and when these are right the
    budget serves again, without one extra call."""
    budget = ErrorBudget(0.05)
    decision = Vouching(budget=budget)
    with world(Audits(0.0), decision) as cache:
        source = Source(cache)
        source(CATS)
        while not budget.tripped:
            budget.learn(False, 0.001, b"x", b"y", source="audit")
        number = 0
        while budget.tripped and number < 400:
            number += 1
            text = question("cats", f"again {number}")
            assert source(text) == [truth(text)]
            assert cache.learning.wait()
        assert not budget.tripped
        assert len(source.asked) == number + 1
        source(question("cats", "at last"))
        assert receipt().tier == "semantic"


def test_a_slow_comparison_holds_up_nobody() -> None:
    """Comparisons wait in a queue behind a slow judge: callers and closing do not."""
    release = threading.Event()

    def judge(question: str, old: str, new: str) -> bool:
        assert release.wait(20)
        return True

    cache = world(Audits(judge=judge), Vouching(), shadow=True)
    source = Source(cache)
    source.call(CATS)
    for animal in ANIMALS[1:]:
        source.call(question(animal, "please"))
    assert cache.shadow_report().waiting == 3
    closing = threading.Thread(target=cache.close, daemon=True)
    closing.start()
    closing.join(10)
    assert not closing.is_alive()
    release.set()
    assert cache.learning.wait()


def test_no_semantic_tier_no_shadow() -> None:
    """The report of a cache that has no semantic tier is empty."""
    from askonce import Cache

    with Cache(semantic=False, policy=Policy()) as cache:
        assert cache.shadow_report() == ShadowReport()
        assert cache.shadow_report().wrong_share is None
        assert "nothing" in str(cache.shadow_report())
