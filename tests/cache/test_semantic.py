"""The semantic tier: only the question may vary, in its own scope, and uncertain means miss."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from askonce import (
    Answer,
    Cache,
    Candidate,
    ConfigError,
    Controls,
    ManualClock,
    MemoryStore,
    NotCached,
    Policy,
    SemanticTier,
    Threshold,
    Verdict,
    controls,
    last_receipt,
    negation_agrees,
    numbers_agree,
    opposites_agree,
)
from askonce.backends.contract import Match
from askonce.embeddings import FunctionEmbedder

DIM = 64


def bag_of_words(texts: Sequence[str]) -> np.ndarray[Any, Any]:
    """Unit vectors in which shared words make texts close; punctuation and case do not count."""
    rows = np.zeros((len(texts), DIM), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in text.lower().replace("?", " ").replace(",", " ").split():
            row[zlib.crc32(word.encode()) % DIM] += 1.0
        row[0] += 1e-3
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def build(threshold: float = 0.8, clock: ManualClock | None = None, **options: Any) -> Cache:
    clock = clock or ManualClock()
    embedder = options.pop("embedder", None) or FunctionEmbedder(bag_of_words, dim=DIM, name="words")
    decision = options.pop("decision", None) or Threshold(threshold)
    tier = SemanticTier(embedder, decision=decision, deadline_ms=2000, **options)
    return Cache([MemoryStore(clock=clock)], semantic=tier, clock=clock, policy=Policy(ttl=100, jitter=0))


@pytest.fixture
def similar() -> Iterator[Cache]:
    with build() as made:
        yield made


def counting(cache: Cache, **options: Any) -> Any:
    @cache.cached("question", **options)
    def answer(question: str, system: str = "") -> str:
        answer.calls += 1
        return f"answer to {question}"

    answer.calls = 0
    return answer


def test_another_wording_is_served_with_its_receipt(similar: Cache) -> None:
    """A question in other words gets the stored answer, and the receipt tells which question that was."""
    answer = counting(similar)
    first = answer("how do I reset my password")
    assert answer("How do I reset my password?") == first
    receipt = last_receipt()
    assert receipt is not None
    assert (receipt.status, receipt.tier) == ("hit", "semantic")
    assert receipt.matched_query == "how do I reset my password"
    assert receipt.similarity == pytest.approx(1.0, abs=1e-3)
    assert answer.calls == 1


@pytest.mark.parametrize(
    ("cached", "asked"),
    [
        ("how do I enable dark mode", "how do I disable dark mode"),
        ("ship 3 boxes to my house", "ship 4 boxes to my house"),
        ("can I pay with my card here", "can I not pay with my card here"),
        ("turn the light in my room on", "turn the light in my room off"),
    ],
)
def test_guards_veto_what_similarity_would_serve(cached: str, asked: str) -> None:
    """A number, a negation or an opposite that differs is a miss, however similar the texts."""
    with build(0.5) as cache:
        answer = counting(cache)
        answer(cached)
        answer(asked)
        receipt = last_receipt()
        assert receipt is not None
        assert receipt.status == "miss"
        assert "vetoed" in receipt.reason
        assert answer.calls == 2


def test_a_vetoed_candidate_lets_the_next_one_be_tried() -> None:
    """The nearest question may be vetoed and the second nearest served."""
    with build(0.5) as cache:
        answer = counting(cache)
        answer("please enable dark mode on my phone now")
        answer("disable dark mode")
        served = answer("please disable dark mode on my phone now")
        assert served == "answer to disable dark mode"


def test_nothing_is_served_across_scopes_or_tenants(similar: Cache) -> None:
    """The same question under another system prompt, function, version or tenant is a miss."""
    answer = counting(similar)
    answer("how do I reset my password", system="shop")
    answer("How do I reset my password?", system="bank")
    assert answer.calls == 2
    other = counting(similar.tenant("acme"))
    other("How do I reset my password?", system="shop")
    assert other.calls == 1
    newer = counting(similar, version="2")
    newer("How do I reset my password?", system="shop")
    assert newer.calls == 1


def test_expired_and_invalidated_answers_are_not_served(similar: Cache) -> None:
    """The index never serves what the stores would not."""
    answer = counting(similar, tags=["t"])
    answer("how do I reset my password")
    similar.invalidate(tag="t")
    assert answer("How do I reset my password?") == "answer to How do I reset my password?"
    clock: Any = similar.clock
    clock.advance(101)
    answer("how do i reset my password")
    assert answer.calls == 3


def test_an_entry_evicted_from_its_store_is_a_miss_and_leaves_the_index(similar: Cache) -> None:
    """A vector whose entry is gone serves nothing and is dropped when met."""
    answer = counting(similar)
    answer("how do I reset my password")
    similar.tiers[0].store.delete(answer.call_for("how do I reset my password").key)
    answer("How do I reset my password?")
    assert answer.calls == 2
    assert similar.stats().vectors == 1


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_blank_questions_match_exactly_only(similar: Cache, text: str) -> None:
    """No vector is made for a question without content."""
    counting(similar)(text)
    assert similar.stats().vectors == 0


def test_semantic_can_be_switched_off_per_call_and_per_function(similar: Cache) -> None:
    """``controls(semantic=False)`` and ``cached(semantic=False)`` keep to exact matches."""
    answer = counting(similar)
    answer("how do I reset my password")
    with controls(semantic=False):
        answer("How do I reset my password?")
    exact = counting(similar, semantic=False, name="exact")
    exact("how do I reset my password"), exact("How do I reset my password?")
    assert (answer.calls, exact.calls) == (2, 2)


class Broken:
    """An embedder with a given fault."""

    fingerprint = "broken/1"
    dim = DIM
    scripts = None

    def __init__(self, fault: str) -> None:
        self.fault = fault

    def embed(self, texts: Sequence[str]) -> Any:
        if self.fault == "raises":
            raise RuntimeError("no memory")
        if self.fault == "slow":
            time.sleep(0.6)
        rows = bag_of_words(texts)
        if self.fault == "nan":
            rows[:] = np.nan
        if self.fault == "zero":
            rows[:] = 0
        if self.fault == "size":
            return rows[:, :3]
        if self.fault == "count":
            return rows[:0]
        return rows


@pytest.mark.parametrize("fault", ["raises", "nan", "zero", "size", "count", "slow"])
def test_a_faulty_embedder_is_a_miss_and_exact_hits_go_on(fault: str) -> None:
    """Whatever the embedder does, the caller gets a right answer, never an error and never a wrong hit."""
    clock = ManualClock()
    tier = SemanticTier(Broken(fault), decision=Threshold(0.1), deadline_ms=100)
    with Cache([MemoryStore(clock=clock)], semantic=tier, clock=clock) as cache:
        answer = counting(cache)
        assert answer("one two three") == "answer to one two three"
        assert answer("one two four") == "answer to one two four"
        receipt = last_receipt()
        assert receipt is not None
        assert any(f.startswith("embedder") for f in receipt.faults)
        assert answer("one two three") == "answer to one two three"
        assert answer.calls == 2
        assert cache.stats().vectors == 0


def test_a_decision_that_fails_is_a_no() -> None:
    """An exception in the decision is a veto with its reason."""

    class Bad:
        floor = 0.0

        def decide(self, candidate: Candidate) -> Verdict:
            raise ZeroDivisionError

    with build(decision=Bad()) as cache:
        answer = counting(cache)
        answer("one two three")
        answer("one two three four")
        receipt = last_receipt()
        assert receipt is not None
        assert "ZeroDivisionError" in receipt.reason


def test_explain_tells_the_candidates_and_changes_nothing(similar: Cache) -> None:
    """explain names tiers, candidates, similarity and the guard's reason, asks nobody, and leaves even a vector whose
    entry is gone where it is."""
    answer = counting(similar)
    answer("turn the light in my room on")
    made = answer.explain("turn the light in my room off")
    assert made.outcome == "miss"
    assert made.candidates[0]["query"] == "turn the light in my room on"
    assert "opposites" in made.candidates[0]["why"]
    assert "opposites" in str(made)
    assert answer.explain("Turn the light in my room on?").outcome == "hit"
    similar.tiers[0].store.delete(answer.call_for("turn the light in my room on").key)
    assert answer.explain("Turn the light in my room on?").outcome == "miss"
    assert similar.stats().vectors == 1
    assert answer.calls == 1


def test_explain_knows_the_controls(similar: Cache) -> None:
    """What was asked of the cache is part of what would happen."""
    answer = counting(similar)
    answer("how do I reset my password")
    with controls(no_store=True):
        assert answer.explain("how do I reset my password").outcome == "bypass"
    with controls(refresh=True):
        assert answer.explain("how do I reset my password").outcome == "miss"
    with controls(semantic=False):
        assert answer.explain("How do I reset my password?").outcome == "miss"


class Faulty:
    """An index of one's own that fails in a given way."""

    dim = DIM
    embedder = "words"

    def __init__(self, where: str, embedder: Any) -> None:
        self.where, self.embedder = where, embedder.fingerprint

    def _fail(self, name: str) -> None:
        if name == self.where:
            raise ValueError(f"{name} failed")

    def add(self, scope: bytes, key: bytes, vector: Any) -> None:
        self._fail("add")

    def remove(self, key: bytes) -> bool:
        self._fail("remove")
        return False

    def search(self, scope: bytes, vector: Any, k: int) -> list[Match]:
        self._fail("search")
        return [Match(b"x" * 32, 0.99)] if self.where == "remove" else []

    def drop_scope(self, scope: bytes) -> int:
        return 0

    def keys(self) -> Iterator[bytes]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __contains__(self, key: bytes) -> bool:
        return False

    def size_of(self, scope: bytes) -> int:
        self._fail("size_of")
        return 0

    def close(self) -> None:
        pass


@pytest.mark.parametrize("where", ["add", "remove", "search", "size_of"])
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_an_index_that_fails_anywhere_is_a_miss(where: str, colour: str) -> None:
    """Whatever an index of one's own raises, the caller has its answer, exact hits go on, and the fault is noted."""
    embedder = FunctionEmbedder(bag_of_words, dim=DIM, name="words")
    with build(embedder=embedder, index=Faulty(where, embedder)) as cache:
        answer = counting(cache)

        @cache.cached("question", name="same")
        async def aanswer(question: str) -> str:
            return str(answer(question))

        def ask(question: str) -> Any:
            return asyncio.run(aanswer(question)) if colour == "async" else answer(question)

        for question in ("how do I reset my password", "how do I reset it"):
            assert ask(question) == f"answer to {question}"
            assert ask(question) == f"answer to {question}"
        assert answer.calls == 2


def test_a_caller_that_wants_it_younger_leaves_the_answer_for_the_others(similar: Cache) -> None:
    """``max_age`` keeps an answer from one caller, and takes nothing from the index."""
    answer = counting(similar)
    answer("how do I reset my password")
    clock: Any = similar.clock
    clock.advance(10)
    with controls(max_age=5, only_if_cached=True), pytest.raises(NotCached):
        answer("How do I reset my password?")
    assert answer("How do I reset my password?") == "answer to how do I reset my password"
    assert answer.calls == 1


def test_an_answer_for_one_question_only_never_serves_another(similar: Cache) -> None:
    """When a stored answer is replaced by one that repeats its question's details (a tool call), the vector of the
    old one does not make the new one an answer to other wordings."""

    def ask(exact_only: bool, question: str) -> tuple[str, bytes]:
        call = similar.call(["f"], question)

        def upstream() -> Answer:
            return Answer(kind="json", body=b"tool call" if exact_only else b"text", exact_only=exact_only)

        asked = Controls(refresh=True) if exact_only else None
        outcome, receipt = similar.run(call, asked, upstream)
        body = outcome.found.entry.body if outcome.found is not None else outcome.answer.body  # type: ignore[union-attr]
        return receipt.status, body

    assert ask(False, "book a table for tonight") == ("miss", b"text")
    assert ask(False, "Book a table for tonight?") == ("hit", b"text")
    assert ask(True, "book a table for tonight") == ("miss", b"tool call")
    assert ask(False, "Book a table for tonight?") == ("miss", b"text")
    assert ask(False, "book a table for tonight") == ("hit", b"tool call")


def test_the_async_way_is_the_same(similar: Cache) -> None:
    """On an event loop the semantic tier serves and vetoes alike."""

    @similar.cached()
    async def answer(question: str) -> str:
        return f"answer to {question}"

    async def main() -> None:
        await answer("how do I enable dark mode")
        assert await answer("How do I enable dark mode?") == "answer to how do I enable dark mode"
        assert await answer("how do I disable dark mode") == "answer to how do I disable dark mode"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("pay 1,000 dollars", "pay 1000 dollars", True),
        ("within three days", "within 3 days", True),
        ("in March", "in April", False),
        ("version 2.1", "version 2.10", False),
        ("三天内退款", "3天内退款", True),
        ("三天内退款", "五天内退款", False),
        ("on Monday", "on monday?", True),
        ("2 x 3", "3 x 2", True),
    ],
)
def test_numbers(one: str, two: str, same: bool) -> None:
    """Numbers agree in whatever way they are written, and in no other case."""
    assert (numbers_agree(one, two) == "") is same
    assert (numbers_agree(two, one) == "") is same


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("can I eat this", "can I not eat this", False),
        ("why doesn't it work", "why doesn’t it work", True),
        ("为什么不能登录", "为什么能登录", False),
        ("不好意思,怎么登录", "怎么登录", True),
        ("with sugar", "without sugar", False),
    ],
)
def test_negation(one: str, two: str, same: bool) -> None:
    """One negated, one not: vetoed, both ways."""
    assert (negation_agrees(one, two) == "") is same
    assert (negation_agrees(two, one) == "") is same


def test_opposites_are_symmetric_and_need_both_sides() -> None:
    """enable/disable is a veto; a question that names both sides is not."""
    assert opposites_agree("enable it", "disable it")
    assert opposites_agree("disable it", "enable it")
    assert not opposites_agree("enable or disable it", "disable or enable it")


@pytest.mark.parametrize("wrong", [1.5, -2, float("nan")])
def test_a_threshold_outside_cosine_is_refused(wrong: float) -> None:
    """A distance or a percentage given as a threshold is an error, not a surprise."""
    with pytest.raises(ConfigError, match="cosine"):
        Threshold(wrong)


def test_a_query_that_cannot_be_told_is_refused_at_decoration(similar: Cache) -> None:
    """With a semantic tier, two string parameters need query=...; query=None means exact only."""
    with pytest.raises(ConfigError, match="may vary"):

        @similar.cached()
        def answer(system: str, question: str) -> str:
            return ""

    @similar.cached(None)
    def exact(system: str, question: str) -> str:
        return question

    assert exact("a", "b") == exact("a", "b") == "b"
    assert similar.stats().vectors == 0
