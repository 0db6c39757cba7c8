"""Single flight and multicast: one upstream call, whatever happens to who asked first."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from askonce import Cache, MemoryStore
from askonce.cache.broadcast import Broadcast, Handlers
from askonce.cache.flight import Flights


def exact_only() -> Cache:
    return Cache([MemoryStore()], semantic=False)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.001)


def test_threads_share_one_call_and_get_copies() -> None:
    """Twenty threads that ask the same at once cause one call; each gets its own equal object."""
    gate = threading.Event()
    calls = 0
    with exact_only() as cache:

        @cache.cached()
        def answer(question: str) -> dict[str, int]:
            nonlocal calls
            calls += 1
            assert gate.wait(10)
            return {"n": calls}

        with ThreadPoolExecutor(20) as pool:
            futures = [pool.submit(answer, "q") for _ in range(20)]
            wait_for(lambda: any(f.followers == 19 for f in list(cache.flights._open.values())))
            gate.set()
            results = [f.result() for f in futures]
        assert calls == 1
        assert all(r == {"n": 1} for r in results)
        assert len({id(r) for r in results}) == 20
        assert cache.stats().joined == 19
        assert len(cache.flights) == 0


def test_a_failed_leader_fails_its_followers_once() -> None:
    """Followers of a failed call get its error instead of all trying again; the next call may try."""
    gate = threading.Event()
    calls = 0
    with exact_only() as cache:

        @cache.cached()
        def answer(question: str) -> str:
            nonlocal calls
            calls += 1
            assert gate.wait(10)
            raise ConnectionError("down")

        with ThreadPoolExecutor(10) as pool:
            futures = [pool.submit(answer, "q") for _ in range(10)]
            wait_for(lambda: any(f.followers == 9 for f in list(cache.flights._open.values())))
            gate.set()
            errors = [f.exception() for f in futures]
        assert calls == 1
        assert all(isinstance(e, ConnectionError) for e in errors)
        with pytest.raises(ConnectionError):
            answer("q")
        assert calls == 2


def test_a_cancelled_task_hands_over_to_exactly_one() -> None:
    """Cancelling the asking task lets one follower ask; all others join that one."""
    calls = 0
    with exact_only() as cache:

        @cache.cached()
        async def answer(question: str) -> int:
            nonlocal calls
            calls += 1
            await asyncio.sleep(0.1)
            return calls

        async def main() -> None:
            leader = asyncio.create_task(answer("q"))
            await asyncio.sleep(0.02)
            followers = [asyncio.create_task(answer("q")) for _ in range(5)]
            await asyncio.sleep(0.02)
            leader.cancel()
            assert await asyncio.gather(*followers) == [2] * 5
            with pytest.raises(asyncio.CancelledError):
                await leader
            assert calls == 2

        asyncio.run(main())


def test_a_cancelled_follower_disturbs_nobody() -> None:
    """A follower that goes away cancels neither the call nor the other followers."""
    with exact_only() as cache:

        @cache.cached()
        async def answer(question: str) -> str:
            await asyncio.sleep(0.05)
            return "x"

        async def main() -> None:
            tasks = [asyncio.create_task(answer("q")) for _ in range(3)]
            await asyncio.sleep(0.01)
            tasks[1].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert (tasks[0].result(), tasks[2].result()) == ("x", "x")
            assert tasks[1].cancelled()

        asyncio.run(main())


def test_threads_and_tasks_share_one_call() -> None:
    """A coroutine that asks while a thread is asking joins the thread's call."""
    gate = threading.Event()
    calls = 0
    with exact_only() as cache:

        def ask(question: str) -> str:
            nonlocal calls
            calls += 1
            assert gate.wait(10)
            return "x"

        sync = cache.cached(name="same")(ask)

        async def aask(question: str) -> str:
            raise AssertionError("must join, not ask")

        joined = cache.cached(name="same")(aask)
        thread = threading.Thread(target=sync, args=("q",))
        thread.start()
        wait_for(lambda: calls == 1)

        async def main() -> None:
            task = asyncio.create_task(joined("q"))
            await asyncio.sleep(0.02)
            gate.set()
            assert await task == "x"

        asyncio.run(main())
        thread.join()
        assert calls == 1


def test_a_stream_reaches_its_followers_while_it_runs() -> None:
    """A second reader of a running stream gets the items so far at once, and the rest as they come."""
    calls = 0
    gate = threading.Event()
    with exact_only() as cache:

        @cache.cached()
        def words(question: str) -> Iterator[int]:
            nonlocal calls
            calls += 1
            yield 1
            assert gate.wait(10)
            yield 2

        first = words("q")
        assert next(first) == 1
        second = words("q")
        assert next(second) == 1
        gate.set()
        assert list(second) == [2]
        assert list(first) == [2]
        assert calls == 1


def test_a_leader_that_stops_reading_does_not_stop_its_followers() -> None:
    """The stream goes on for those who still read, and is stored at its natural end."""
    calls = 0
    with exact_only() as cache:

        @cache.cached()
        async def words(question: str) -> AsyncIterator[int]:
            nonlocal calls
            calls += 1
            for number in range(4):
                await asyncio.sleep(0.01)
                yield number

        async def main() -> None:
            leader = words("q")
            assert await anext(leader) == 0
            follower = asyncio.create_task(_all(words("q")))
            await asyncio.sleep(0.005)
            await leader.aclose()
            assert await follower == [0, 1, 2, 3]
            assert await _all(words("q")) == [0, 1, 2, 3]
            assert calls == 1

        asyncio.run(main())


def test_an_abandoned_stream_lets_the_next_caller_ask() -> None:
    """When every reader left, the source is closed, nothing is stored and the next call starts anew."""
    closed = []
    with exact_only() as cache:

        @cache.cached()
        def words(question: str) -> Iterator[int]:
            try:
                yield 1
                yield 2
            finally:
                closed.append(question)

        stream: Any = words("q")
        next(stream)
        del stream
        assert closed == ["q"]
        assert len(cache.flights) == 0
        assert list(words("q")) == [1, 2]


def test_every_reader_of_a_broadcast_sees_all_items_in_order() -> None:
    """Many threads reading one source see the same items; the source is read once and ended once."""
    ends: list[list[int]] = []
    source = iter(range(500))
    broadcast = Broadcast(source, Handlers(ends.append, lambda error: None, lambda: None))
    readers = [broadcast.subscribe() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(list, readers))  # type: ignore[arg-type]
    assert all(result == list(range(500)) for result in results)
    assert ends == [list(range(500))]


def test_an_error_in_a_stream_reaches_every_reader() -> None:
    """Each reader gets the items before the error and then the error."""
    failures: list[BaseException] = []

    def source() -> Iterator[int]:
        yield 1
        raise OSError("line dropped")

    broadcast = Broadcast(source(), Handlers(lambda items: None, failures.append, lambda: None))
    readers: list[Any] = [broadcast.subscribe(), broadcast.subscribe()]
    for reader in readers:
        assert next(reader) == 1
    for reader in readers:
        with pytest.raises(OSError, match="dropped"):
            next(reader)
    assert len(failures) == 1


async def _all(stream: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in stream]


def test_a_flight_may_close_while_another_opens() -> None:
    """A reader that is collected in the middle of opening a flight hands its own over there and then; in the same
    thread, this must not wait for itself."""
    flights = Flights()
    other, leads = flights.join(b"other")
    assert leads

    class Collecting(bytes):
        """A key at whose look-up the collector happens to run."""

        def __hash__(self) -> int:
            flights.hand_over(other)
            return bytes.__hash__(self)

    thread = threading.Thread(target=lambda: flights.join(Collecting(b"mine")), daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert len(flights) == 1
