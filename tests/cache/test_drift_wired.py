"""Drift in the real cache: what audits, questions and models tell, and what becomes of stored answers."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from askonce import Cache, DiskStore, Entry, ManualClock, MemoryStore, Policy, Receipt, SemanticTier, last_receipt
from askonce.cache.audit import Audits
from askonce.cache.budget import ErrorBudget
from askonce.cache.drift_policy import DriftPolicy, DriftSettings
from askonce.embeddings import FunctionEmbedder

from .openai_tools import Scripted, ask, client_of
from .threads import wait_for
from .vouching import Vouching, bag_of_words, question, world

DAY = 86400.0
EVERY = Audits(0.0, exact_rate=1.0, tokens_per_day=None, compare="exact")


class World:
    """Facts that change, and one function per topic that tells them; counts its calls."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.fact = "old"
        self.asked: list[str] = []
        self.asking: Callable[[], None] = lambda: None
        self.functions: dict[str, Any] = {}

    def __call__(self, topic: str, question: str) -> str:
        if topic not in self.functions:

            @self.cache.cached(name=f"about {topic}", tags=[topic], semantic=False)
            def answer(question: str) -> str:
                self.asked.append(question)
                self.asking()
                return f"{question}: {self.fact}"

            self.functions[topic] = answer
        said: str = self.functions[topic](question)
        assert self.cache.learning.wait()
        return said


def receipt() -> Receipt:
    found = last_receipt()
    assert found is not None
    return found


def entry_of(cache: Cache, key: str) -> Entry:
    found = cache.tiers[0].store.get(bytes.fromhex(key))
    assert found is not None
    return found


def life(world: World, topic: str, question: str) -> float:
    """Seconds that an answer stored just now lives."""
    world(topic, question)
    entry = entry_of(world.cache, receipt().key)
    assert entry.expires is not None
    return entry.expires - entry.created


def build(clock: ManualClock, audits: Audits = EVERY, stores: Any = None, **settings: Any) -> Cache:
    drift = DriftPolicy(DriftSettings(**{"audit_rate": 1.0, **settings}), clock=clock)
    return Cache(
        stores or [MemoryStore(clock=clock)],
        semantic=False,
        clock=clock,
        policy=Policy(ttl=30 * DAY, jitter=0),
        audits=audits,
        drift=drift,
        rng=random.Random(1),
    )


# -- answers -----------------------------------------------------------------------------------------------------


def test_facts_change_and_what_is_tagged_with_them_goes(clock: ManualClock) -> None:
    """Audits that disagree under a tag retire all that carries it, also what was not audited; other tags stay. What
    is stored under it next lives shorter, and with every audit that agrees longer again, up to what was set."""
    with build(clock, tag_alarm=1.5, scope_alarm=50.0, grow=1.5) as cache:
        world = World(cache)
        for number in range(8):
            world("zoo", f"z{number}")
            world("art", f"a{number}")
        clock.advance(5 * DAY)
        for number in range(8):
            assert world("zoo", f"z{number}").endswith("old")  # audited, and agreed
        assert cache.stats().audits_disagreed == 0
        world.fact = "new"
        clock.advance(5 * DAY)
        assert [world("zoo", f"z{number}")[4:] for number in range(4)] == ["old", "old", "new", "new"]
        assert [world("zoo", f"z{number}")[4:] for number in range(8)] == ["new"] * 8
        assert world("art", "a1") == "a1: old"
        stats = cache.stats()
        assert stats.audits_disagreed >= 2
        assert stats.retired >= 3  # two answers, and the tag
        short = life(world, "zoo", "fresh")
        assert short == pytest.approx(30 * DAY / 4, rel=0.7)
        lives = [short]
        for number in range(6):
            clock.advance(DAY / 4)
            world("zoo", "fresh")  # audited, and agreed
            lives.append(life(world, "zoo", f"fresh {number}"))
        assert lives == sorted(lives)
        assert lives[-1] == 30 * DAY
        assert life(world, "art", "another") == 30 * DAY


def test_retirement_costs_no_call(clock: ManualClock) -> None:
    """The answer that showed the drift is kept although its call began before: the next time it is a hit."""
    with build(clock, tag_alarm=0.5) as cache:
        world = World(cache)
        world("zoo", "z1")
        world("zoo", "z2")
        world.fact = "new"
        clock.advance(DAY)
        assert world("zoo", "z1") == "z1: old"
        assert world.asked == ["z1", "z2", "z1"]
        assert cache.stats().retired == 2  # the answer's key, and the tag
        world("zoo", "z1")
        assert receipt().hit
        assert world("zoo", "z1") == "z1: new"
        before = len(world.asked)
        assert world("zoo", "z2") == "z2: new"
        assert receipt().status == "miss"
        assert len(world.asked) == before + 1


def test_an_invalidation_during_the_audit_is_stronger(clock: ManualClock) -> None:
    """An answer that was on its way to an audit when somebody invalidated its tag is not kept."""
    with build(clock, tag_alarm=0.5) as cache:
        world = World(cache)
        world("zoo", "z1")
        world.fact = "new"
        clock.advance(DAY)
        world.asking = lambda: bool(cache.invalidate(tag="zoo")) or None
        world("zoo", "z1")
        assert cache.stats().audits_disagreed == 1
        world.asking = lambda: None
        world("zoo", "z1")
        assert receipt().status == "miss"


def test_retirements_reach_the_other_processes(tmp_path: Path, clock: ManualClock) -> None:
    """The disagreement that one cache's audits found is gone from the memory of another on the same directory."""

    def stores() -> list[Any]:
        return [MemoryStore(clock=clock), DiskStore(tmp_path, clock=clock)]

    with build(clock, tag_alarm=0.5, stores=stores()) as one, build(clock, Audits(exact_rate=0.0), stores()) as other:
        here, there = World(one), World(other)
        here("zoo", "z1")
        here("zoo", "z2")
        assert [there("zoo", "z1"), there("zoo", "z2")] == ["z1: old", "z2: old"]
        here.fact = there.fact = "new"
        clock.advance(DAY)
        here("zoo", "z1")
        wait_for(other.ledger.news)
        assert [there("zoo", "z1"), there("zoo", "z2")] == ["z1: new", "z2: new"]
        assert there.asked == ["z2"]  # the audit's answer served for the first


def test_due_hits_are_chosen_by_the_policy_at_its_rate(clock: ManualClock) -> None:
    """Which exact hits are audited is the drift policy's word, whatever ``exact_rate`` above zero says: the share
    settles at ``audit_rate``, and entries that are asked for seldom are not left out."""
    audits = Audits(0.0, exact_rate=1e-9, exact_after=0, tokens_per_day=None)
    with build(clock, audits, audit_rate=0.05) as cache:
        world, rng = World(cache), random.Random(3)
        audited: dict[int, int] = {}
        hits = 0
        for _ in range(6000):
            clock.advance(300)
            number = min(20, int(rng.expovariate(0.3)))
            world("zoo", f"z{number}")
            hits += receipt().hit
            if receipt().audited:
                audited[number] = audited.get(number, 0) + 1
        assert sum(audited.values()) / hits == pytest.approx(0.05, rel=0.25)
        assert sum(count for number, count in audited.items() if number > 8) > 10


def test_the_budget_learns_from_its_own_sample_only(clock: ManualClock) -> None:
    """Audits of exact hits, picked because they are due, are no evidence about semantic hits."""
    drift = DriftPolicy(DriftSettings(audit_rate=1.0), clock=clock)
    with world(EVERY, Vouching(), clock=clock, drift=drift) as cache:

        @cache.cached(name="source")
        def answer(question: str) -> str:
            return "An answer that stays as it is."

        for _ in range(5):
            clock.advance(DAY / 8)
            answer(question("cats", "please"))
            assert cache.learning.wait()
        stats = cache.stats()
        assert stats.audits_agreed >= 3
        assert stats.budget is not None
        assert (stats.budget["audits"], stats.budget["labels"]) == (0, 0)


# -- questions that age --------------------------------------------------------------------------------------------


def letters(texts: Sequence[str]) -> np.ndarray[Any, Any]:
    """Unit vectors in which shared characters make texts close, for any script."""
    rows = np.zeros((len(texts), 64), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for char in text:
            row[ord(char) % 64] += 1.0
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("first", "second", "across", "kept"),
    [
        ("what time is it now please", "what time is it now", False, False),
        ("is the site down right now please", "is the site down right now", False, False),
        ("who is the president of france please", "who is the president of france", True, DAY),
        ("what is the weather in oslo today please", "what is the weather in oslo today", True, 1800.0),
        ("how do i reset my password please", "how do i reset my password", True, 30 * DAY),
        ("\u73b0\u5728\u51e0\u70b9\u4e86\u5440", "\u73b0\u5728\u51e0\u70b9\u4e86", False, False),
        ("\u4eca\u5929\u661f\u671f\u51e0\u5440", "\u4eca\u5929\u661f\u671f\u51e0", False, False),
        ("\u6cd5\u56fd\u603b\u7edf\u662f\u8c01\u5440", "\u6cd5\u56fd\u603b\u7edf\u662f\u8c01", True, DAY),
        (
            "\u600e\u4e48\u91cd\u7f6e\u5bc6\u7801\u5440",
            "\u600e\u4e48\u91cd\u7f6e\u5bc6\u7801",
            True,
            30 * DAY,
        ),
    ],
)
def test_what_is_live_serves_no_other_words(
    clock: ManualClock, first: str, second: str, across: bool, kept: float | bool
) -> None:
    """With a drift policy a live question, English or Chinese, is neither stored nor answered from other words; what
    ages slower lives as long as its kind may; without a policy all are like any other."""
    for drift in (DriftPolicy(clock=clock), None):
        tier = SemanticTier(FunctionEmbedder(letters, dim=64, name="letters"), decision=Vouching(), deadline_ms=5000)
        with Cache(
            [MemoryStore(clock=clock)],
            semantic=tier,
            audits=False,
            clock=clock,
            drift=drift,
            policy=Policy(ttl=30 * DAY, jitter=0),
        ) as cache:

            @cache.cached(name="any")
            def answer(question: str) -> str:
                return "an answer"

            answer(first)
            stored = receipt()
            assert stored.stored == (drift is None or bool(kept))
            if stored.stored:
                entry = entry_of(cache, stored.key)
                assert entry.expires is not None
                assert entry.expires - entry.created == (kept if drift is not None else 30 * DAY)
            answer(second)
            assert (receipt().tier == "semantic") == (drift is None or across)
            if drift is not None and not across:
                assert "live" in receipt().reason or "TTL" in receipt().reason


def test_a_live_answer_that_is_kept_for_seconds_serves_its_own_words_only(clock: ManualClock) -> None:
    """Told to keep live answers for a moment, the cache serves them to the very question, not to others like it."""
    drift = DriftPolicy(DriftSettings(lifetimes={"instant": 5.0}), clock=clock)
    with world(False, Vouching(), clock=clock, drift=drift) as cache:

        @cache.cached(name="clock")
        def answer(question: str) -> str:
            return "noon"

        tiers = []
        for text in ("what time is it now", "what time is it now", "what time is it now please"):
            answer(text)
            tiers.append(receipt().tier)
        assert tiers == [None, "memory", None]


# -- models ----------------------------------------------------------------------------------------------------------


def test_a_model_that_is_replaced_behind_its_name_retires_its_answers(clock: ManualClock) -> None:
    """While the name answers from one snapshot, answers stay. From another, several times running, those of the old
    one are retired and those of the new one stay; a single stray answer changes nothing."""
    snapshot = "gpt-4o-2024-05-13"

    def upstream(payload: dict[str, Any]) -> httpx2.Response:
        message = {"role": "assistant", "content": f"{payload['messages'][-1]['content']} by {snapshot}"}
        return httpx2.Response(
            200,
            json={
                "id": "c1",
                "object": "chat.completion",
                "created": 1,
                "model": snapshot,
                "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
            },
        )

    for policy in (True, False):
        drift = DriftPolicy(clock=clock) if policy else None
        with Cache([MemoryStore(clock=clock)], semantic=False, clock=clock, drift=drift) as cache:
            service = Scripted(upstream)
            client: Any = client_of(cache, service)

            def say(number: int, client: Any = client) -> str:
                return str(client.chat.completions.create(**ask(f"q{number}")).choices[0].message.content)

            snapshot = "gpt-4o-2024-05-13"
            old = [say(number) for number in range(3)]
            snapshot = "gpt-4o-2024-11-20"
            say(100)
            assert [say(number) for number in range(3)] == old
            new = [say(number) for number in range(101, 105)]  # with the stray one, five running
            assert all(text.endswith(snapshot) for text in new)
            calls = len(service.seen)
            again = [say(number) for number in range(3)]
            assert (again == old) == (not policy)
            assert len(service.seen) - calls == (3 if policy else 0)
            assert [say(number) for number in range(101, 105)] == new  # none of them had to be asked again
            assert len(service.seen) - calls == (3 if policy else 0)


def test_words_and_letters_are_near(clock: ManualClock) -> None:
    """The embedders of these tests put questions of the same words close, else the laws above would hold emptily."""
    for embed in (bag_of_words, letters):
        one, other = embed(["what time is it now please", "what time is it now"])
        assert float(one @ other) > 0.8


def test_other_traffic_makes_the_budget_stricter(clock: ManualClock) -> None:
    """When questions are no longer worded as before, half of the target is served up to; when they are again, all."""
    drift, decision, rng = DriftPolicy(DriftSettings(traffic_window=300), clock=clock), Vouching(), random.Random(1)
    with world(False, decision, clock=clock, drift=drift) as cache:

        @cache.cached(name="source")
        def answer(question: str) -> str:
            return "An answer."

        answer("how many members has a group of cats")
        told = []
        for least in (0, 4, 0):
            for _ in range(1200):
                more = " ".join(str(rng.random()) for _ in range(least + rng.randrange(4)))
                answer(f"how many members has a group of cats {more}")
            told.append(decision.budget.state()["strictness"])
        assert told == [1.0, 0.5, 1.0]


def test_a_stricter_budget_serves_less() -> None:
    """Half the target serves up to a lower risk, and all of it up to the old one again."""
    budget = ErrorBudget(0.01)
    cuts = []
    for factor in (1.0, 0.5, 1.0):
        budget.tighten(factor)
        cuts.append(budget.state()["cut"])
    assert cuts[1] < cuts[0] == cuts[2]


@pytest.mark.parametrize(("on_fingerprint", "retired"), [("retire", 2), ("keep", 0)])
def test_another_system_fingerprint_retires_answers_when_told_to(
    on_fingerprint: str, retired: int, clock: ManualClock
) -> None:
    """What the provider tells of the system behind the model reaches the policy, with every answer."""
    system = "fp_1"

    def upstream(payload: dict[str, Any]) -> httpx2.Response:
        message = {"role": "assistant", "content": f"{payload['messages'][-1]['content']} by {system}"}
        body = {
            "id": "c1", "object": "chat.completion", "created": 1, "model": "gpt-4o", "system_fingerprint": system,
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        }  # fmt: skip
        return httpx2.Response(200, json=body)

    settings: Any = {"on_fingerprint": on_fingerprint}
    drift = DriftPolicy(DriftSettings(**settings), clock=clock)
    with Cache([MemoryStore(clock=clock)], semantic=False, clock=clock, drift=drift) as cache:
        service = Scripted(upstream)
        client: Any = client_of(cache, service)
        for number in range(2):
            client.chat.completions.create(**ask(f"old {number}"))
        system = "fp_2"
        for number in range(25):
            client.chat.completions.create(**ask(f"new {number}"))
        calls = len(service.seen)
        for number in range(2):
            client.chat.completions.create(**ask(f"old {number}"))
        assert len(service.seen) - calls == retired
