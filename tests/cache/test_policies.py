"""Policies: absolute TTL, staleness by choice, admission, invalidation."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce import (
    Cache,
    ConfigError,
    ManualClock,
    MemoryStore,
    NotCached,
    Policy,
    controls,
    last_receipt,
)


def build(clock: ManualClock, **policy: Any) -> Cache:
    return Cache([MemoryStore(clock=clock)], semantic=False, clock=clock, policy=Policy(jitter=0, **policy))


def counting(cache: Cache, **options: Any) -> Any:
    """A cached function that returns how often it ran, or raises what ``fail`` holds."""

    @cache.cached(**options)
    def answer(question: str) -> int:
        if answer.fail:
            raise answer.fail
        answer.calls += 1
        return int(answer.calls)

    answer.calls, answer.fail = 0, None
    return answer


@given(ttl=st.floats(1, 1e6), hits=st.lists(st.floats(0, 1), max_size=5))
def test_a_hit_never_extends_the_ttl(ttl: float, hits: list[float]) -> None:
    """However often it is served, an answer is fresh for its TTL after it was made, and not longer."""
    clock = ManualClock()
    with build(clock, ttl=ttl) as cache:
        answer = counting(cache)
        answer("q")
        start = clock.now()
        for share in sorted(hits):
            clock.advance(max(0.0, start + share * ttl * 0.99 - clock.now()))
            assert answer("q") == 1
        clock.advance(start + ttl - clock.now() + 1e-3)
        assert answer("q") == 2


@given(jitter=st.floats(0, 0.99), seed=st.integers(0, 99))
def test_jitter_only_shortens_and_is_bounded(jitter: float, seed: int) -> None:
    """With jitter j, an answer lives between (1 - j) x TTL and TTL."""
    import random

    clock = ManualClock()
    policy = Policy(ttl=100, jitter=jitter)
    with Cache(
        [MemoryStore(clock=clock)], semantic=False, clock=clock, policy=policy, rng=random.Random(seed)
    ) as cache:
        answer = counting(cache)
        answer("q")
        clock.advance(100 * (1 - jitter) - 1e-3 if jitter < 0.99 else 0)
        assert answer("q") == 1
        clock.advance(100)
        assert answer("q") == 2


def test_stale_while_revalidate_serves_at_once_and_refreshes_behind() -> None:
    """Past the TTL and within the window the old answer is served, marked stale, and replaced behind."""
    clock = ManualClock()
    with build(clock, ttl=10, stale_while_revalidate=5) as cache:
        answer = counting(cache)
        assert answer("q") == 1
        clock.advance(12)
        assert answer("q") == 1
        receipt = last_receipt()
        assert receipt is not None
        assert receipt.status == "stale"
        deadline = time.monotonic() + 5
        while answer.calls < 2 or cache.flights._open:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        assert answer("q") == 2
        clock.advance(16)
        assert answer("q") == 3


def test_stale_if_error_only_when_upstream_fails() -> None:
    """Past the TTL the function is asked; only if it fails, and only within the window, the old answer serves."""
    clock = ManualClock()
    with build(clock, ttl=10, stale_if_error=100) as cache:
        answer = counting(cache)
        assert answer("q") == 1
        clock.advance(50)
        answer.fail = ConnectionError("down")
        assert answer("q") == 1
        receipt = last_receipt()
        assert receipt is not None
        assert receipt.status == "stale"
        assert "ConnectionError" in receipt.reason
        clock.advance(100)
        with pytest.raises(ConnectionError):
            answer("q")
        answer.fail = None
        assert answer("q") == 2


def test_no_stale_answer_without_the_policy() -> None:
    """By default nothing is served past its TTL, not even when upstream is down."""
    clock = ManualClock()
    with build(clock, ttl=10) as cache:
        answer = counting(cache)
        answer("q")
        clock.advance(11)
        answer.fail = ConnectionError("down")
        with pytest.raises(ConnectionError):
            answer("q")


@pytest.mark.parametrize(
    "what",
    [
        {"tag": "doc:42"},
        {"everything": True},
        {"model": "m"},
        {"text": "q"},
        {"older_than": 0.0},
        {"key": ...},
        {"scope": ...},
    ],
)
def test_every_way_to_invalidate_retires_the_entry_and_only_then(what: dict[str, Any]) -> None:
    """After invalidate the old answer is gone; answers made afterwards are served."""
    clock = ManualClock()
    with build(clock) as cache:
        answer = counting(cache, tags=["doc:42"], model="m")
        assert answer("q") == answer("q") == 1
        call = answer.call_for("q")
        what = {
            k: {"key": call.key.hex(), "scope": call.scope.hex()}.get(k) if v is ... else v for k, v in what.items()
        }
        clock.advance(1)
        assert cache.invalidate(**what)
        assert answer("q") == answer("q") == 2


@pytest.mark.parametrize(
    "what", [{"tag": "doc:43"}, {"model": "n"}, {"text": "r"}, {"older_than": 60.0}, {"scope": "0" * 64}]
)
def test_invalidation_of_something_else_leaves_it(what: dict[str, Any]) -> None:
    """An invalidation that does not match changes nothing."""
    with build(ManualClock()) as cache:
        answer = counting(cache, tags=["doc:42"], model="m")
        answer("q")
        cache.invalidate(**what)
        assert answer("q") == 1


def test_an_answer_on_its_way_is_retired_too() -> None:
    """Invalidating while the upstream call is in the air retires its answer: it may rest on the old source."""
    with build(ManualClock()) as cache:
        calls = 0

        @cache.cached(tags=["doc"])
        def answer(question: str) -> int:
            nonlocal calls
            calls += 1
            if calls == 1:
                cache.invalidate(tag="doc")
            return calls

        assert answer("q") == 1
        assert answer("q") == 2
        assert answer("q") == 2


@pytest.mark.parametrize("what", [{}, {"key": "xyz"}, {"scope": "12"}, {"older_than": -1}])
def test_a_vague_invalidation_is_refused(what: dict[str, Any]) -> None:
    """Nothing to invalidate, or a malformed digest, is a clear error."""
    with build(ManualClock()) as cache, pytest.raises(ConfigError):
        cache.invalidate(**what)


def test_admission_says_no_by_predicate_size_and_failure() -> None:
    """A refused answer is returned but not stored, and the receipt says why."""

    def admit(call: Any, answer: Any) -> bool:
        if call.query == "boom":
            raise RuntimeError("bad predicate")
        return bool(call.query != "no")

    with build(ManualClock(), admit=admit, max_bytes=50) as cache:

        @cache.cached()
        def echo(question: str, long: bool = False) -> str:
            return "x" * (100 if long else 1)

        for arguments, why in ((("no",), "said no"), (("boom",), "failed"), (("big", True), "max_bytes")):
            receipt = echo.reply(*arguments).receipt
            assert not receipt.stored
            assert why in receipt.reason
        assert echo.reply("fine").receipt.stored
        assert cache.stats().entries["memory"] == 1


def test_ttl_from_a_callable_a_tag_and_a_control() -> None:
    """The nearest word counts: control over callable, and a tag's bound over both."""
    clock = ManualClock()
    with build(clock, ttl=lambda call, answer: 1000.0, tag_ttl={"news": 10.0}) as cache:
        plain, news = counting(cache), counting(cache, tags=["news"], name="news")
        plain("q"), news("q")
        with controls(ttl=5):
            plain("short")
        clock.advance(7)
        assert (plain("q"), news("q"), plain("short")) == (1, 1, 3)
        clock.advance(7)
        assert (plain("q"), news("q")) == (1, 2)


def _broken(call: Any, answer: Any) -> float:
    raise ZeroDivisionError("no TTL")


@pytest.mark.parametrize("ttl", [_broken, lambda call, answer: -1, lambda call, answer: "week"])
def test_a_ttl_function_that_fails_costs_the_storing_and_not_the_answer(ttl: Any) -> None:
    """Whatever a TTL function raises or returns, the caller has its answer; it is not stored, and is told why."""
    with build(ManualClock(), ttl=ttl) as cache:
        answer = counting(cache)
        assert answer("q") == 1
        receipt = last_receipt()
        assert receipt is not None
        assert (receipt.stored, "could not be stored" in receipt.reason) == (False, True)
        assert answer("q") == 2
        assert len(cache.flights) == 0


def test_a_tag_without_a_bound_bounds_nothing() -> None:
    """``tag_ttl`` of None is for ever; zero keeps answers with the tag out."""
    clock = ManualClock()
    with build(clock, ttl=100, tag_ttl={"free": None, "never": 0}) as cache:  # type: ignore[dict-item]
        free, never = counting(cache, tags=["free"]), counting(cache, tags=["never"], name="n")
        free("q"), never("q")
        clock.advance(50)
        assert (free("q"), never("q")) == (1, 2)


def test_only_if_cached_never_asks() -> None:
    """On a miss it raises NotCached with the key, and the function did not run."""
    with build(ManualClock()) as cache:
        answer = counting(cache)
        with controls(only_if_cached=True), pytest.raises(NotCached) as caught:
            answer("q")
        assert caught.value.data["key"] == answer.call_for("q").key.hex()
        assert answer.calls == 0
        answer("q")
        with controls(only_if_cached=True):
            assert answer("q") == 1


def test_max_age_refuses_older_answers() -> None:
    """``max_age`` accepts no answer older than asked, without retiring it for others."""
    clock = ManualClock()
    with build(clock, ttl=1000) as cache:
        answer = counting(cache)
        answer("q")
        clock.advance(30)
        assert answer("q") == 1
        with controls(max_age=20):
            assert answer("q") == 2


@pytest.mark.parametrize(
    "wrong",
    [{"ttl": -1}, {"ttl": "week"}, {"jitter": 1}, {"stale_if_error": -1}, {"max_bytes": -1}, {"tag_ttl": {"a": -1}}],
)
def test_wrong_policies_are_refused_at_construction(wrong: dict[str, Any]) -> None:
    """A setting out of range is a ConfigError naming it."""
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Policy(**wrong)


@pytest.mark.parametrize("value", ["5", True, -1, float("nan"), [5]])
@pytest.mark.parametrize("name", ["ttl", "max_age"])
def test_wrong_control_values_are_refused(name: str, value: Any) -> None:
    """A number of seconds is a number, zero or more."""
    with pytest.raises(ConfigError, match=name), controls(**{name: value}):
        pass


def test_sweep_gives_the_space_back() -> None:
    """Sweeping removes exactly what can never be served again."""
    clock = ManualClock()
    with build(clock, ttl=10) as cache:
        answer = counting(cache, tags=["t"])
        answer("old")
        clock.advance(11)
        answer("new"), answer("other")
        cache.invalidate(text="other")
        assert cache.sweep() == 2
        assert cache.stats().entries["memory"] == 1
