"""Decorated generators: teed without delay, stored at their natural end only, shared without harm."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from typing import Any

import pytest

from askonce import AskonceError, Cache, ManualClock, MemoryStore, NotCached, Policy, controls, last_receipt


def entries(cache: Cache) -> int:
    return cache.stats().entries["memory"]


async def everything(stream: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in stream]


def test_an_item_is_given_on_before_the_next_one_is_made(cache: Cache) -> None:
    """The tee adds no look-ahead: when a caller has item n, item n+1 was not asked for yet; async alike."""
    made: list[int] = []

    @cache.cached()
    def words(question: str) -> Iterator[int]:
        for number in range(3):
            made.append(number)
            yield number

    for number in words("q"):
        assert made == list(range(number + 1))

    @cache.cached()
    async def awords(question: str) -> AsyncIterator[int]:
        for number in range(3):
            made.append(number)
            yield number

    async def main() -> None:
        made.clear()
        async for number in awords("q"):
            assert made == list(range(number + 1))

    asyncio.run(main())


def test_nothing_is_stored_before_the_end(cache: Cache) -> None:
    """While a stream runs, and until its reader has asked past the last item, there is no entry."""

    @cache.cached()
    def words(question: str) -> Iterator[int]:
        yield 1
        yield 2

    stream = words("q")
    assert (next(stream), entries(cache)) == (1, 0)
    assert (next(stream), entries(cache)) == (2, 0)
    assert next(stream, None) is None
    assert entries(cache) == 1


@pytest.mark.parametrize("hit", [False, True])
def test_a_stream_can_be_closed_whether_it_is_live_or_replayed(cache: Cache, hit: bool) -> None:
    """``close()`` and ``aclose()`` are there in both cases, as on a generator, and twice is harmless."""

    @cache.cached()
    def words(question: str) -> Iterator[int]:
        yield 1
        yield 2

    @cache.cached()
    async def awords(question: str) -> AsyncIterator[int]:
        yield 1
        yield 2

    async def main() -> None:
        if hit:
            await everything(awords("q"))
        stream: Any = awords("q")
        async with aclosing(stream):
            assert await anext(stream) == 1
        await stream.aclose()
        assert await everything(stream) == []

    if hit:
        list(words("q"))
    stream: Any = words("q")
    with closing(stream):
        assert next(stream) == 1
    stream.close()
    assert list(stream) == []
    asyncio.run(main())
    assert entries(cache) == (2 if hit else 0)
    assert len(cache.flights) == 0


def test_an_async_stream_closed_early_closes_its_source_and_stores_nothing(cache: Cache) -> None:
    """The generator's own clean-up runs, and the next call starts anew."""
    closed = []

    @cache.cached()
    async def words(question: str) -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(question)

    async def main() -> None:
        stream: Any = words("q")
        assert await anext(stream) == 1
        await stream.aclose()
        for _ in range(100):
            if closed:
                break
            await asyncio.sleep(0.01)
        assert closed == ["q"]
        assert len(cache.flights) == 0
        assert await everything(words("q")) == [1, 2]

    asyncio.run(main())
    assert entries(cache) == 1


def test_a_stream_nobody_reads_holds_nobody_up(cache: Cache) -> None:
    """A stream that was opened and never read is no obstacle for the next caller, and leaves no flight."""
    calls = 0

    @cache.cached()
    def words(question: str) -> Iterator[int]:
        nonlocal calls
        calls += 1
        yield 1

    idle: Any = words("q")
    assert list(words("q")) == [1]
    assert calls == 1
    del idle
    gc.collect()
    assert len(cache.flights) == 0


@pytest.mark.parametrize("error", [OSError("line dropped"), KeyboardInterrupt(), SystemExit(), GeneratorExit()])
def test_whatever_breaks_a_stream_reaches_its_reader_and_nothing_is_stored(cache: Cache, error: BaseException) -> None:
    """Errors, interrupts and exits pass through as they are; the flight is closed; a retry is answered."""
    broken = True

    @cache.cached()
    def words(question: str) -> Iterator[int]:
        yield 1
        if broken:
            raise error
        yield 2

    stream = words("q")
    assert next(stream) == 1
    with pytest.raises(type(error)):
        next(stream)
    assert (entries(cache), len(cache.flights)) == (0, 0)
    broken = False
    assert list(words("q")) == [1, 2]


def test_an_interrupt_hits_only_the_reader_it_hits(cache: Cache) -> None:
    """A KeyboardInterrupt in the thread that reads is not raised in another reader's thread: that one gets an
    ordinary error, because half a stream is no stream."""

    @cache.cached()
    def words(question: str) -> Iterator[int]:
        yield 1
        raise KeyboardInterrupt

    one, two = words("q"), words("q")
    assert next(one) == next(two) == 1
    with pytest.raises(KeyboardInterrupt):
        next(one)
    with pytest.raises(AskonceError, match="interrupted"):
        next(two)


def test_what_a_caller_does_to_its_items_changes_nobody_elses(cache: Cache) -> None:
    """Each reader, and the entry, has items of its own, even while the stream is running."""

    @cache.cached()
    def rows(question: str) -> Iterator[dict[str, int]]:
        for number in range(3):
            yield {"n": number}

    one, two = rows("q"), rows("q")
    for number in range(3):
        row = next(one)
        assert row == {"n": number}
        row["n"] = 99
        row["more"] = 1
        assert next(two) == {"n": number}
    assert next(one, None) is None
    assert next(two, None) is None
    assert list(rows("q")) == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_items_that_cannot_be_kept_are_streamed_all_the_same(cache: Cache) -> None:
    """A stream of odd objects reaches its readers, is not stored, and says so once."""
    things = [object(), object()]

    @cache.cached()
    def odd(question: str) -> Iterator[Any]:
        yield from things

    with pytest.warns(RuntimeWarning, match="not cached"):
        assert list(odd("q")) == things
    assert list(odd("q")) == things
    assert (entries(cache), len(cache.flights)) == (0, 0)


def test_a_generator_and_a_function_of_one_name_do_not_meet(cache: Cache) -> None:
    """A stored stream is no answer of a plain function, and the other way round, whatever they are called."""

    def plain(question: str) -> list[int]:
        return [7]

    def words(question: str) -> Iterator[int]:
        yield 1

    assert list(cache.cached(name="same")(words)("q")) == [1]
    assert cache.cached(name="same")(plain)("q") == [7]


def test_sync_and_async_generators_of_one_name_serve_each_other(cache: Cache) -> None:
    """The colour of a generator is not part of its call."""

    def words(question: str) -> Iterator[int]:
        yield 1

    async def awords(question: str) -> AsyncIterator[int]:
        raise AssertionError("must be served")
        yield 2

    assert list(cache.cached(name="same")(words)("q")) == [1]
    assert asyncio.run(everything(cache.cached(name="same")(awords)("q"))) == [1]


def test_a_stream_stored_in_another_shape_is_asked_again(cache: Cache) -> None:
    """When the items' type changed and old ones do not decode, the call is a miss, never an error."""

    def old(question: str) -> Iterator[str]:
        yield "one"

    def new(question: str) -> Iterator[int]:
        yield 1

    assert list(cache.cached(name="same")(old)("q")) == ["one"]
    newer = cache.cached(name="same")(new)
    with controls(only_if_cached=True), pytest.raises(NotCached):
        list(newer("q"))
    assert list(newer("q")) == [1]
    receipt = last_receipt()
    assert receipt is not None
    assert receipt.status == "miss"
    assert list(newer("q")) == [1]
    receipt = last_receipt()
    assert receipt is not None
    assert receipt.status == "hit"


def test_controls_apply_to_streams(cache: Cache) -> None:
    """``no_store``, ``refresh`` and ``only_if_cached`` mean for a stream what they mean for a call."""
    calls = 0

    @cache.cached()
    def words(question: str) -> Iterator[int]:
        nonlocal calls
        calls += 1
        yield calls

    with controls(only_if_cached=True), pytest.raises(NotCached):
        words("q")
    with controls(no_store=True):
        assert list(words("q")) == [1]
    assert list(words("q")) == [2]
    with controls(refresh=True):
        assert list(words("q")) == [3]
    with controls(only_if_cached=True):
        assert list(words("q")) == [3]
    assert calls == 3


def test_a_stale_stream_stands_in_for_one_that_fails_at_once() -> None:
    """Under ``stale_if_error`` a stream that breaks before its first item is answered by the old one; one that
    breaks later has already begun, and raises."""
    clock = ManualClock()
    policy = Policy(ttl=10, jitter=0, stale_if_error=100)
    with Cache([MemoryStore(clock=clock)], semantic=False, clock=clock, policy=policy) as cache:
        fail_at = 9

        def words(question: str) -> Iterator[int]:
            for number in range(3):
                if number == fail_at:
                    raise ConnectionError("down")
                yield number

        async def awords(question: str) -> AsyncIterator[int]:
            for number in words(question):
                yield number

        sync, asyn = cache.cached(name="w")(words), cache.cached(name="w")(awords)
        assert list(sync("q")) == [0, 1, 2]
        clock.advance(50)
        fail_at = 0
        assert list(sync("q")) == [0, 1, 2]
        receipt = last_receipt()
        assert receipt is not None
        assert receipt.status == "stale"
        assert asyncio.run(everything(asyn("q"))) == [0, 1, 2]
        fail_at = 1
        with pytest.raises(ConnectionError):
            list(sync("q"))
        assert len(cache.flights) == 0


def test_a_stale_stream_is_replaced_behind() -> None:
    """Under ``stale_while_revalidate`` the old items are replayed at once and new ones fetched behind."""
    clock = ManualClock()
    policy = Policy(ttl=10, jitter=0, stale_while_revalidate=100)
    with Cache([MemoryStore(clock=clock)], semantic=False, clock=clock, policy=policy) as cache:
        calls = 0

        @cache.cached()
        def words(question: str) -> Iterator[int]:
            nonlocal calls
            calls += 1
            yield calls

        assert list(words("q")) == [1]
        clock.advance(50)
        assert list(words("q")) == [1]
        cache.workers.pool.shutdown(wait=True)
        cache.workers._pool = None
        assert list(words("q")) == [2]
        assert calls == 2


def test_a_stream_too_long_to_keep_is_not_stored_and_blocks_nobody() -> None:
    """The cache keeps no endless stream: the next caller asks for itself."""
    with Cache([MemoryStore()], semantic=False, policy=Policy(max_bytes=10)) as cache:
        calls = 0

        @cache.cached()
        def endless(question: str) -> Iterator[str]:
            nonlocal calls
            calls += 1
            while True:
                yield "x" * 50

        one = endless("q")
        for _ in range(100):
            next(one)
        assert len(cache.flights) == 0
        two = endless("q")
        next(two)
        assert calls == 2
        one.close()  # type: ignore[attr-defined]
        two.close()  # type: ignore[attr-defined]
        assert entries(cache) == 0


def test_a_loop_that_ends_in_the_middle_of_a_stream_leaves_no_flight(cache: Cache) -> None:
    """When the event loop goes away under a stream, nothing is stored and the next loop starts anew."""
    forever = True

    @cache.cached()
    async def words(question: str) -> AsyncIterator[int]:
        yield 1
        while forever:
            await asyncio.sleep(0.01)
        yield 2

    async def first() -> None:
        async def read() -> None:
            async for _ in words("q"):
                pass

        task = asyncio.create_task(read())
        await asyncio.sleep(0.02)
        assert not task.done()

    asyncio.run(first())
    gc.collect()
    assert (entries(cache), len(cache.flights)) == (0, 0)
    forever = False
    assert asyncio.run(everything(words("q"))) == [1, 2]
