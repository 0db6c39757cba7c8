"""Waiting is never worse than asking: no call waits for itself, for a loop it blocks, or for a leader that is gone."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from askonce import Cache, ManualClock, MemoryStore, Policy, controls, last_receipt

from .threads import followers, in_threads, wait_for


def test_a_function_that_calls_itself(cache: Cache) -> None:
    """Inside its own call, the same question is asked again as it would be without a cache."""
    depth = 0

    @cache.cached()
    def answer(question: str) -> int:
        nonlocal depth
        depth += 1
        return 1 + answer(question) if depth < 3 else 0

    assert in_threads(lambda: answer("q")) == [2]
    assert answer("q") == 2
    assert depth == 3


def test_a_coroutine_that_calls_itself_through_tasks_and_threads(cache: Cache) -> None:
    """Tasks and threads that the call starts in its own context are inside it too."""
    depth = 0

    @cache.cached()
    async def answer(question: str) -> int:
        nonlocal depth
        depth += 1
        if depth == 1:
            (value,) = await asyncio.gather(answer(question))
            return 1 + value
        if depth == 2:
            return 1 + await asyncio.to_thread(asyncio.run, answer(question))
        return 0

    assert asyncio.run(asyncio.wait_for(answer("q"), 20)) == 2


def test_a_generator_that_iterates_itself(cache: Cache) -> None:
    """The same for streams, which hold a lock while they read."""
    depth = 0

    @cache.cached()
    def words(question: str) -> Iterator[int]:
        nonlocal depth
        depth += 1
        yield depth
        if depth < 3:
            yield from words(question)

    assert in_threads(lambda: list(words("q"))) == [[1, 2, 3]]
    assert list(words("q")) == [1, 2, 3]


def test_two_functions_that_call_each_other(cache: Cache) -> None:
    """Two leaders that would each wait for the other: one of them asks instead."""
    meet = threading.Barrier(2)
    seen: set[str] = set()

    def both(name: str, other: Callable[[str], str]) -> Callable[[str], str]:
        def answer(question: str) -> str:
            if name in seen:
                return name
            seen.add(name)
            meet.wait(10)
            return name + other(question)

        return answer

    one: Any = cache.cached(name="one")(both("1", lambda q: str(two(q))))
    two: Any = cache.cached(name="two")(both("2", lambda q: str(one(q))))
    first, second = in_threads(lambda: one("q"), lambda: two("q"))
    assert (first, second) in {("12", "21"), ("121", "21"), ("12", "212")}
    assert len(cache.flights) == 0


def test_a_synchronous_call_that_blocks_its_leaders_loop(cache: Cache) -> None:
    """A blocking call on the event loop that its leader needs cannot be answered by that leader: it asks itself."""

    def ask(question: str) -> str:
        return "sync"

    async def aask(question: str) -> str:
        await asyncio.sleep(0.05)
        return "async"

    sync, asyn = cache.cached(name="same")(ask), cache.cached(name="same")(aask)

    async def main() -> None:
        leader = asyncio.create_task(asyn("q"))
        await asyncio.sleep(0.01)
        assert sync("q") == "sync"
        receipt = last_receipt()
        assert receipt is not None
        assert (receipt.status, "alone" in receipt.reason) == ("miss", True)
        assert await leader == "async"
        assert sync("q") == "async"

    asyncio.run(asyncio.wait_for(main(), 20))


def test_event_loops_in_two_threads_share_one_call(cache: Cache) -> None:
    """A coroutine on one loop joins the call of a coroutine on another."""
    calls = 0
    gate = threading.Event()

    @cache.cached()
    async def answer(question: str) -> int:
        nonlocal calls
        calls += 1
        while not gate.is_set():
            await asyncio.sleep(0.001)
        return calls

    def release() -> None:
        wait_for(lambda: followers(cache) == 2)
        gate.set()

    run = lambda: asyncio.run(answer("q"))  # noqa: E731
    assert in_threads(run, run, run, release) == [1, 1, 1, None]
    assert calls == 1


@pytest.mark.parametrize("follower", ["thread", "task"])
def test_a_leader_whose_loop_stopped_is_not_waited_for(
    cache: Cache, follower: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event loop that stops for good with the call half done holds nobody up."""
    monkeypatch.setattr("askonce.cache.drivers.LOOK_AGAIN_S", 0.01)
    loop = asyncio.new_event_loop()
    calls = 0

    async def ask(question: str) -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            await asyncio.sleep(60)
        return calls

    answer = cache.cached(name="same")(ask)
    task = loop.create_task(answer("q"))
    loop.run_until_complete(asyncio.sleep(0.01))
    assert calls == 1

    def plain(question: str) -> int:
        return 7

    if follower == "thread":
        assert in_threads(lambda: cache.cached(name="same")(plain)("q")) == [7]
    else:
        assert in_threads(lambda: asyncio.run(answer("q"))) == [2]
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    assert len(cache.flights) == 0


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), asyncio.CancelledError(), GeneratorExit()])
def test_a_leader_that_is_interrupted_hands_over(cache: Cache, error: BaseException) -> None:
    """An interrupt belongs to the leader alone; one follower takes its place and all get that answer."""
    gate = threading.Event()
    calls = 0

    @cache.cached()
    def answer(question: str) -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            assert gate.wait(20)
            raise error
        return calls

    def behind() -> int:
        wait_for(lambda: calls == 1)
        return int(answer("q"))

    def release() -> None:
        wait_for(lambda: followers(cache) == 3)
        gate.set()

    first, *others, _ = in_threads(lambda: answer("q"), behind, behind, behind, release)
    assert first is error
    assert others == [2, 2, 2]
    assert len(cache.flights) == 0


class Awkward(Exception):
    """An error that cannot be copied: its arguments are not those of its constructor."""

    def __init__(self, *, code: int) -> None:
        super().__init__("awkward")
        self.code = code


@pytest.mark.parametrize("error", [Awkward(code=5), StopIteration("x"), TimeoutError("t"), ValueError("v")])
def test_followers_get_the_leaders_error_whatever_it_is(cache: Cache, error: Exception) -> None:
    """Errors that cannot be copied, that generators swallow (StopIteration) or that look like a time-out of our own
    reach leader and followers alike, once, with a traceback that does not grow."""
    gate = threading.Event()
    calls = 0

    def ask(question: str) -> int:
        nonlocal calls
        calls += 1
        assert gate.wait(20)
        raise error

    async def aask(question: str) -> int:
        raise AssertionError("must join")

    answer, aanswer = cache.cached(name="same")(ask), cache.cached(name="same")(aask)

    def behind() -> int:
        wait_for(lambda: calls == 1)
        return int(answer("q"))

    def abehind() -> int:
        wait_for(lambda: calls == 1)
        return int(asyncio.run(aanswer("q")))

    def release() -> None:
        wait_for(lambda: followers(cache) == 3)
        gate.set()

    first, second, third, fourth, _ = in_threads(lambda: answer("q"), behind, behind, abehind, release)
    assert first is second is third is error
    # No coroutine lets a StopIteration through (PEP 479); it arrives as the cause of a RuntimeError.
    assert fourth is error or fourth.__cause__ is error
    assert calls == 1


def test_a_value_that_cannot_be_shared_is_made_for_each(cache: Cache) -> None:
    """An object that has no encoding is not handed to two callers: each follower asks for its own."""
    gate = threading.Event()
    calls = 0

    @cache.cached()
    def answer(question: str) -> Any:
        nonlocal calls
        calls += 1
        assert gate.wait(20)
        return iter([1, 2])

    def use() -> list[int]:
        return list(answer("q"))

    def release() -> None:
        wait_for(lambda: followers(cache) == 2)
        gate.set()

    with pytest.warns(RuntimeWarning, match="not cached"):
        assert in_threads(use, use, use, release)[:3] == [[1, 2]] * 3
    assert calls == 3


def test_a_follower_under_stale_if_error_gets_the_stale_answer_too() -> None:
    """When the shared call fails, every one of its callers is served the old answer, not the leader alone."""
    clock = ManualClock()
    policy = Policy(ttl=10, jitter=0, stale_if_error=100)
    with Cache([MemoryStore(clock=clock)], semantic=False, clock=clock, policy=policy) as cache:
        gate = threading.Event()
        calls = 0

        @cache.cached()
        def answer(question: str) -> int:
            nonlocal calls
            calls += 1
            if calls == 1:
                return 1
            assert gate.wait(20)
            raise ConnectionError("down")

        assert answer("q") == 1
        clock.advance(50)

        def use() -> tuple[int, str]:
            reply = answer.reply("q")
            return reply.value, reply.receipt.status

        def release() -> None:
            wait_for(lambda: followers(cache) == 2)
            gate.set()

        assert in_threads(use, use, use, release)[:3] == [(1, "stale")] * 3
        assert calls == 2


def test_only_if_cached_never_causes_a_call() -> None:
    """Not even behind a stale answer that is served at once."""
    clock = ManualClock()
    policy = Policy(ttl=10, jitter=0, stale_while_revalidate=100)
    with Cache([MemoryStore(clock=clock)], semantic=False, clock=clock, policy=policy) as cache:
        calls = 0

        @cache.cached()
        def answer(question: str) -> int:
            nonlocal calls
            calls += 1
            return calls

        answer("q")
        clock.advance(50)
        with controls(only_if_cached=True):
            assert answer("q") == 1
        cache.workers.close()
        assert calls == 1


def test_an_answer_stored_between_lookup_and_take_off_is_found() -> None:
    """A call that looked before an earlier one had stored, and took off after it had landed, does not ask again; its
    followers get the same answer."""

    class Slow(MemoryStore):
        """Lets the first look see nothing."""

        __slots__ = ("hidden",)

        def get(self, key: bytes) -> Any:
            if self.hidden:
                self.hidden -= 1
                return None
            return super().get(key)

    store = Slow()
    store.hidden = 0
    with Cache([store], semantic=False) as cache:
        calls = 0

        def ask(question: str) -> int:
            nonlocal calls
            calls += 1
            return calls

        def words(question: str) -> Iterator[int]:
            yield ask(question)

        answer, stream = cache.cached(name="a")(ask), cache.cached(name="s")(words)
        answer("q"), list(stream("q"))
        assert calls == 2
        for use in (answer.reply, lambda question: list(stream(question))):
            store.hidden = 1
            use("q")
            receipt = last_receipt()
            assert receipt is not None
            assert receipt.status == "hit"
        assert calls == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_the_child_of_a_fork_waits_for_no_leader_of_its_parent(cache: Cache) -> None:
    """A call in flight in the parent when it forks is not in flight in the child: the child asks, and its background
    threads are its own."""
    gate, asking = threading.Event(), threading.Event()
    parent = os.getpid()

    @cache.cached()
    def answer(question: str) -> int:
        if os.getpid() == parent and question == "q":
            asking.set()
            assert gate.wait(20)
        return os.getpid()

    cache.workers.pool.submit(int).result()
    thread = threading.Thread(target=answer, args=("q",))
    thread.start()
    assert asking.wait(10)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - measured in the parent
        done = threading.Event()
        ok = False
        try:
            worker = threading.Thread(target=lambda: (answer("q"), cache.workers.spawn(done.set)), daemon=True)
            worker.start()
            worker.join(10)
            ok = not worker.is_alive() and answer("q") == os.getpid() and done.wait(10)
        finally:
            os.write(writing, b"1" if ok else b"0")
            os._exit(0)
    os.close(writing)
    try:
        assert os.read(reading, 1) == b"1"
    finally:
        os.close(reading)
        os.waitpid(child, 0)
        gate.set()
        thread.join(20)
    assert answer("q") == parent
