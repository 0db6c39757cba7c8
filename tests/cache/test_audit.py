"""Audits: hits are asked again behind the caller, the answers compared, and what is learned is used."""

from __future__ import annotations

import asyncio
import random
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askonce import Cache, ConfigError, ManualClock, Policy, Threshold, controls
from askonce.cache.audit import Audits
from askonce.cache.budget import ErrorBudget
from askonce.cache.drift_policy import DriftPolicy, DriftSettings

from .threads import wait_for
from .vouching import ANIMALS, FILLERS, Source, Vouching, question, receipt, truth, world

ALWAYS = Audits(1.0, exact_rate=0.0, tokens_per_day=None, max_concurrent=50)
COLOURS = ("sync", "async", "stream", "astream")


@pytest.mark.parametrize("colour", COLOURS)
def test_a_right_hit_is_confirmed_and_its_fresh_answer_kept(colour: str) -> None:
    """The caller gets the stored answer at once; the call behind it agrees, is counted, teaches the budget, and is
    stored under the question asked, which is an exact hit from then on."""
    decision = Vouching()
    with world(ALWAYS, decision) as cache:
        source = Source(cache, colour)
        first, second = question("cats", "please"), question("cats", "now")
        assert source(first, second) == [truth(first)] * 2
        assert source.asked == [first, second]
        stats = cache.stats()
        assert (stats.audits, stats.audits_agreed, stats.hits["semantic"]) == (1, 1, 1)
        assert stats.budget is not None
        assert (round(stats.budget["audits"], 3), stats.budget["audits_wrong"]) == (1, 0)
        assert stats.budget["served"] == pytest.approx(1, abs=1e-3)
        source(second)
        assert cache.stats().hits["memory"] == 1
        assert len(source.asked) == 2


@pytest.mark.parametrize("colour", COLOURS)
def test_a_wrong_hit_happens_once(colour: str) -> None:
    """An audit that disagrees: the pair is never served again, in either direction, the question asked has its own
    answer, and the budget has learned."""
    with world(ALWAYS) as cache:
        source = Source(cache, colour)
        cats, dogs = question("cats", "please"), question("dogs", "please")
        assert source(cats, dogs) == [truth(cats)] * 2  # the wrong one was served: the decision is blind
        stats = cache.stats()
        assert (stats.audits_disagreed, stats.negatives) == (1, 1)
        assert stats.budget is not None
        assert stats.budget["audits_wrong"] == pytest.approx(1, abs=1e-3)
        assert source(dogs) == [truth(dogs)]
        cache.invalidate(text=dogs)
        assert source(dogs) == [truth(dogs)]
        assert cache.stats().hits["semantic"] == 1


@pytest.mark.parametrize("colour", ["sync", "stream"])
def test_the_receipt_says_that_it_is_audited(colour: str) -> None:
    """``audited`` is true for the hit that is asked again, and only for that."""
    with world(ALWAYS) as cache:
        source = Source(cache, colour)
        source(question("cats", "please"))
        assert not receipt().audited
        source(question("cats", "now"))
        assert receipt().audited
        assert receipt().tier == "semantic"
        with controls(audit=False):
            source(question("cats", "today"))
        assert receipt().tier == "semantic"
        assert not receipt().audited


class Plain(Threshold):
    """A decision without a budget."""


@pytest.mark.parametrize(
    ("audits", "decision", "audited"),
    [(None, Plain(0.6), False), (True, Plain(0.6), True), (False, Vouching(), False), (None, Vouching(), True)],
)
def test_audits_are_on_by_themselves_only_for_a_budget(audits: Any, decision: Any, audited: bool) -> None:
    """Without a word, hits are audited exactly when the decision has an error budget that needs the evidence."""
    with world(audits, decision) as cache:
        assert (cache.learning.auditor is not None) == audited


def test_bad_settings_are_refused() -> None:
    """Every setting out of its range is a ConfigError that names it."""
    for name, value in (
        ("rate", 2), ("exact_rate", -1), ("miss_rate", 1.5), ("exact_after", -1), ("max_concurrent", 0),
        ("tokens_per_day", -1), ("deadline_s", 0), ("compare", "roughly"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=name):
            Audits(**{name: value})
    with pytest.raises(ConfigError, match="audits"):
        Cache(semantic=False, audits="yes")  # type: ignore[arg-type]


# -- never worse ---------------------------------------------------------------------------------------------

asked = st.lists(st.tuples(st.sampled_from(ANIMALS[:2]), st.sampled_from(FILLERS)), min_size=1, max_size=12)


def play(audits: Any, decision: Any, colour: str, questions: list[str]) -> list[str]:
    with world(audits, decision) as cache:
        return Source(cache, colour)(*questions)


@given(asked, st.sampled_from(COLOURS))
@settings(max_examples=40)
def test_audits_that_agree_change_no_answer(pairs: list[tuple[str, str]], colour: str) -> None:
    """Where every hit is right, callers get the same answers with audits on and off."""
    questions = [question("cats", filler) for _, filler in pairs]
    assert play(ALWAYS, None, colour, questions) == play(False, None, colour, questions)


@given(asked)
@settings(max_examples=40)
def test_no_pair_is_wrong_twice(pairs: list[tuple[str, str]]) -> None:
    """Whatever the decision lets through, two questions that were once served for each other wrongly never are again,
    in either direction; and what is right stays right."""
    with world(ALWAYS, Vouching(budget=ErrorBudget(0.5))) as cache:
        source = Source(cache)
        wrong: set[frozenset[str]] = set()
        for text in (question(animal, filler) for animal, filler in pairs):
            (said,) = source(text)
            if said != truth(text):
                pair = frozenset((text, str(receipt().matched_query)))
                assert pair not in wrong
                wrong.add(pair)
        assert cache.stats().audits_disagreed == len(wrong)


# -- faults and bounds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", COLOURS)
def test_a_failing_audit_is_nobodys_error(colour: str) -> None:
    """When asking again fails, the caller has its answer, nothing is learned or changed, and it is counted."""
    with world(ALWAYS) as cache:
        source = Source(cache, colour)
        first, second = question("cats", "please"), question("cats", "now")
        source(first)

        def down(text: str) -> str:
            raise ConnectionError("upstream is away")

        source.answers = down
        assert source(second) == [truth(first)]
        stats = cache.stats()
        assert (stats.audits, stats.audits_failed, stats.errors, stats.negatives) == (0, 1, 0, 0)
        source.answers = truth
        assert source(question("cats", "today")) == [truth(first)]
        assert cache.stats().audits_agreed == 1


def test_a_failing_budget_judge_or_hook_is_nobodys_error() -> None:
    """What a budget, a judge or the spare-capacity hook raises is counted and otherwise without effect."""

    class Broken(ErrorBudget):
        def served(self, *args: Any, **more: Any) -> None:
            raise RuntimeError("budget")

        learn = audit_plan = served  # type: ignore[assignment]

    def judge(question: str, old: str, new: str) -> bool:
        raise RuntimeError("judge")

    def spare() -> bool:
        raise RuntimeError("spare")

    for settings_ in (Audits(1.0, judge=judge), Audits(1.0, spare=spare), Audits(1.0)):
        with world(settings_, Vouching(budget=Broken(0.01))) as cache:
            source = Source(cache)
            source(question("cats", "please"), question("dogs", "please"))
            assert cache.stats().hits["semantic"] == 1
            assert cache.stats().audit_faults + cache.stats().audits_unclear > 0


def test_no_more_than_max_concurrent_and_closing_does_not_wait() -> None:
    """While an audit hangs, no second one begins, callers are served, and closing the cache does not wait for it;
    what it brings afterwards is thrown away."""
    release = threading.Event()
    cache = world(Audits(1.0, max_concurrent=1, tokens_per_day=None))
    source = Source(cache)
    first = question("cats", "please")
    source(first)

    def slow(text: str) -> str:
        assert release.wait(20)
        return truth(text)

    source.answers = slow
    for filler in ("now", "today", "kindly"):
        assert source.call(question("cats", filler)) == truth(first)
    assert cache.stats().audits_skipped == 2
    assert not cache.learning.wait(0.01)
    closing = threading.Thread(target=cache.close, daemon=True)
    closing.start()
    closing.join(10)
    assert not closing.is_alive()
    release.set()
    assert cache.learning.wait()
    stats = cache.stats()
    assert (stats.audits, len(source.asked)) == (0, 2)


def test_aclose_calls_the_audits_of_its_loop_off() -> None:
    """On an event loop, closing cancels the audits under way, and their places are free."""

    async def main() -> None:
        cache = world(Audits(1.0, max_concurrent=1, tokens_per_day=None))
        hang = asyncio.Event()
        calls = 0

        @cache.cached(name="a")
        async def answer(question: str) -> str:
            nonlocal calls
            calls += 1
            if calls > 1:
                await hang.wait()
            return truth(question)

        await answer(question("cats", "please"))
        assert await answer(question("cats", "now")) == truth("cats")
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await cache.aclose()
        assert cache.learning.auditor is not None
        assert cache.learning.auditor.wait(0)
        assert cache.stats().audits == 0

    asyncio.run(main())


def test_an_audit_whose_loop_stopped_frees_its_place_in_time() -> None:
    """An audit that can never end, because its event loop is gone, does not stop all later ones."""
    clock = ManualClock()
    with world(Audits(1.0, max_concurrent=1, tokens_per_day=None), clock=clock) as cache:

        @cache.cached(name="a")
        async def answer(question: str) -> str:
            if "now" in question:
                await asyncio.Event().wait()
            return truth(question)

        loop = asyncio.new_event_loop()
        loop.run_until_complete(answer(question("cats", "please")))
        loop.run_until_complete(answer(question("cats", "now")))  # its audit hangs in a loop that runs no more
        loop.run_until_complete(answer(question("cats", "today")))
        assert cache.stats().audits_skipped == 1
        clock.advance(601)
        loop.run_until_complete(answer(question("cats", "kindly")))
        auditor = cache.learning.auditor
        assert auditor is not None
        wait_for(lambda: bool(loop.run_until_complete(asyncio.sleep(0)) or cache.stats().audits == 1))
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def test_tokens_per_day_are_a_bound() -> None:
    """Audits stop when the day's tokens are used up, and go on the next day (UTC)."""
    import askonce

    clock = ManualClock()
    with world(Audits(1.0, tokens_per_day=250), clock=clock, policy=Policy(ttl=None)) as cache:
        calls: list[str] = []

        @cache.cached(name="a")
        def answer(question: str) -> str:
            calls.append(question)
            askonce.record_usage(60, 40)
            return truth(question)

        def ask(*fillers: str) -> None:
            for filler in fillers:
                answer(question("cats", filler))
                assert cache.learning.wait()

        ask("please", "now", "today", "kindly", "again")
        stats = cache.stats()
        assert (stats.audits, stats.audit_tokens, stats.audits_skipped) == (2, 200, 2)
        assert stats.tokens_spent == 300
        clock.advance(86400)
        ask("soon")
        assert cache.stats().audits == 3


def test_no_audit_without_spare_capacity() -> None:
    """The hook decides whether there is room for one more call."""
    spare = False
    with world(Audits(1.0, spare=lambda: spare)) as cache:
        source = Source(cache)
        source(question("cats", "please"), question("cats", "now"))
        assert (cache.stats().audits, cache.stats().audits_skipped) == (0, 1)
        spare = True
        source(question("cats", "today"))
        assert cache.stats().audits == 1


def test_no_audit_for_a_caller_who_forbids_asking() -> None:
    """``only_if_cached`` never goes upstream, not even behind the caller."""
    with world(ALWAYS) as cache:
        source = Source(cache)
        source(question("cats", "please"))
        with controls(only_if_cached=True):
            source(question("cats", "now"))
        assert (len(source.asked), receipt().audited) == (1, False)


def test_a_judge_has_the_last_word_and_is_not_asked_about_equal_answers() -> None:
    """The judge sees question, served and fresh answer where these differ; None teaches nothing."""
    seen: list[tuple[str, str, str]] = []
    verdict: bool | None = None

    def judge(*texts: str) -> bool | None:
        seen.append((texts[0], texts[1], texts[2]))
        return verdict

    with world(Audits(1.0, judge=judge)) as cache:
        source = Source(cache)
        cats, dogs, owls = (question(animal, "please") for animal in ANIMALS[:3])
        source(cats, question("cats", "now"))
        assert (seen, cache.stats().audits_agreed) == ([], 1)
        source(dogs)
        assert seen == [(dogs, truth(cats), truth(dogs))]
        assert (cache.stats().audits_unclear, cache.stats().negatives) == (1, 0)
        verdict = False
        source(owls)
        assert (cache.stats().audits_disagreed, cache.stats().negatives) == (1, 1)


def test_an_audit_does_not_ask_the_cache_it_audits() -> None:
    """A function that itself calls a cached function gets fresh answers in an audit, not the one in doubt."""
    with world(ALWAYS) as cache:
        real: list[str] = []

        @cache.cached(name="inner")
        def inner(question: str) -> str:
            real.append(question)
            return truth(question)

        @cache.cached(name="outer")
        def outer(question: str) -> str:
            return f"So: {inner(question)}"

        cats, dogs = question("cats", "please"), question("dogs", "please")
        outer(cats)
        assert outer(dogs) == f"So: {truth(cats)}"
        assert cache.learning.wait()
        assert real == [cats, dogs]
        assert cache.stats().audits_disagreed == 1


# -- exact hits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", COLOURS)
def test_an_old_exact_hit_is_asked_again_and_replaced_when_it_no_longer_holds(colour: str) -> None:
    """Young exact hits are left alone; an old one is audited, shortcut or not, and the world's new answer takes its
    place."""
    clock = ManualClock()
    with world(Audits(1.0, exact_rate=1.0, exact_after=100, tokens_per_day=None), clock=clock) as cache:
        source = Source(cache, colour)
        text = question("cats", "please")
        assert source(text, text) == [truth(text)] * 2
        assert cache.stats().audits == 0
        clock.advance(101)
        source.answers = lambda text: "There are 99 of them today, which is news to everybody."
        assert source(text) == [truth(text)]
        stats = cache.stats()
        assert (stats.audits_disagreed, stats.negatives) == (1, 0)
        assert source(text) == ["There are 99 of them today, which is news to everybody."]
        assert len(source.asked) == 2


def test_the_shortcut_looks_at_nothing_when_exact_hits_are_not_audited() -> None:
    """Without audits of exact hits there is nothing on a memory hit's way but one look at an attribute."""
    for audits in (False, None, ALWAYS):
        with world(audits, Plain(0.6)) as cache:
            assert cache._watch is None


def test_drift_says_which_exact_hits_are_due_and_what_is_retired() -> None:
    """With a drift policy it decides which exact hits are audited; disagreements that pile up under a tag retire all
    that carries the tag."""
    clock = ManualClock()
    drift = DriftPolicy(DriftSettings(audit_rate=1.0, tag_alarm=1.0), clock=clock)
    with world(Audits(0.0, exact_rate=1.0, tokens_per_day=None), clock=clock, drift=drift) as cache:
        version = 1

        @cache.cached(name="a", tags=["zoo"], semantic=False)
        def answer(question: str) -> str:
            return f"{question}: {version}"

        for number in range(6):
            answer(f"q{number}")
        version = 2
        clock.advance(10 * 86400)
        for number in range(6):
            answer(f"q{number}")
            assert cache.learning.wait()
        stats = cache.stats()
        assert stats.audits_disagreed > 0
        assert stats.retired > 0
        assert [answer(f"q{number}") for number in range(6)] == [f"q{number}: 2" for number in range(6)]


def test_choice_is_by_the_injected_generator() -> None:
    """About the asked share of the hits is audited, and the same seed audits the same hits."""
    chosen = []
    for _ in range(2):
        with world(Audits(0.3, tokens_per_day=None)) as cache:
            source = Source(cache)
            rng = random.Random(1)
            row = []
            source(question("cats", "please"))
            for _number in range(100):
                source(question("cats", f"{rng.random():.6f}"))
                row.append(receipt().audited)
            chosen.append(row)
    assert chosen[0] == chosen[1]
    assert 10 <= sum(chosen[0]) <= 50


def test_semantic_off_still_audits_exact_hits_when_told() -> None:
    """A cache without a semantic tier can audit what is old."""
    clock = ManualClock()
    with Cache(semantic=False, clock=clock, ttl=None, audits=Audits(exact_rate=1.0, exact_after=1)) as cache:
        source = Source(cache)
        text = question("cats", "please")
        source(text)
        clock.advance(2)
        source(text)
        assert cache.stats().audits_agreed == 1
