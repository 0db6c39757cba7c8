"""After close() the cache is no cache, and no error; while it closes, calls in the air land."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

from askonce import Cache, ManualClock, MemoryStore, Policy, last_receipt

from .threads import followers, in_threads, wait_for


def test_a_closed_cache_is_no_cache_but_no_error() -> None:
    """After close() calls of every colour go upstream, each time, and the receipt names the fault."""
    cache = Cache([MemoryStore()], semantic=False, policy=Policy(stale_while_revalidate=10))
    calls = 0

    def ask(question: str) -> int:
        nonlocal calls
        calls += 1
        return calls

    @cache.cached(name="a")
    async def aanswer(question: str) -> int:
        return ask(question)

    @cache.cached(name="s")
    def words(question: str) -> Iterator[int]:
        yield ask(question)

    answer = cache.cached(name="f")(ask)
    answer("q")
    cache.close()
    cache.close()
    assert answer("q") == 2
    receipt = last_receipt()
    assert receipt is not None
    assert (receipt.status, receipt.stored) == ("miss", False)
    assert any("close" in fault for fault in receipt.faults)
    assert asyncio.run(aanswer("q")) == 3
    assert list(words("q")) == [4]
    assert answer.explain("q").outcome == "miss"
    assert cache.stats().calls == 4
    assert len(cache.flights) == 0
    assert cache.workers._pool is None


def test_a_closed_cache_starts_no_threads() -> None:
    """A tier that works on threads is skipped after close(), not given new ones."""

    class Threaded(MemoryStore):
        __slots__ = ()

    store = Threaded()
    store.inline = False
    cache = Cache([store], semantic=False)

    @cache.cached()
    async def answer(question: str) -> str:
        return "x"

    asyncio.run(answer("q"))
    assert cache.workers._pool is not None
    cache.close()
    assert asyncio.run(answer("q")) == "x"
    assert cache.workers._pool is None


def test_a_hung_tier_costs_its_deadline_and_no_more() -> None:
    """On an event loop a tier that never answers is given up after its deadline, then left alone; the loop runs on."""
    release = threading.Event()

    class Hung(MemoryStore):
        __slots__ = ()

        def get(self, key: bytes) -> Any:
            release.wait(20)
            return None

    hung = Hung()
    hung.inline, hung.name = False, "hung"
    cache = Cache([MemoryStore(), hung], semantic=False, deadline_ms=20)

    @cache.cached()
    async def answer(question: str) -> str:
        return question

    async def main() -> None:
        turns = 0

        async def tick() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0.001)
                turns += 1

        ticking = asyncio.create_task(tick())
        first = await answer.reply("a")
        assert first.value == "a"
        assert any("hung" in fault for fault in first.receipt.faults)
        assert turns > 0
        second = await answer.reply("b")
        assert any("skipped" in fault for fault in second.receipt.faults)
        ticking.cancel()
        release.set()

    asyncio.run(main())
    cache.close()


def test_closing_while_calls_are_in_flight_lets_them_finish() -> None:
    """Calls in the air when the cache closes get their answers, leader and followers; so does a stream half read."""
    cache = Cache([MemoryStore()], semantic=False)
    gate = threading.Event()

    @cache.cached()
    def answer(question: str) -> str:
        assert gate.wait(20)
        return "x"

    @cache.cached()
    def words(question: str) -> Iterator[int]:
        yield 1
        yield 2

    stream = words("q")
    assert next(stream) == 1

    def close() -> None:
        wait_for(lambda: followers(cache) == 1)
        cache.close()
        gate.set()

    assert in_threads(lambda: answer("q"), lambda: answer("q"), close)[:2] == ["x", "x"]
    assert list(stream) == [2]
    assert len(cache.flights) == 0


def test_aclose_inside_the_loop_finishes_background_work() -> None:
    """``async with`` waits for what was begun behind a stale answer, and closes once."""
    clock = ManualClock()
    calls = 0

    async def main() -> None:
        policy = Policy(ttl=10, jitter=0, stale_while_revalidate=100)
        async with Cache([MemoryStore(clock=clock)], semantic=False, clock=clock, policy=policy) as cache:

            @cache.cached()
            async def answer(question: str) -> int:
                nonlocal calls
                calls += 1
                await asyncio.sleep(0.01)
                return calls

            await answer("q")
            clock.advance(50)
            assert await answer("q") == 1
        assert calls == 2
        await cache.aclose()

    asyncio.run(main())
