"""One stream, many readers: each sees all of it, and it ends once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from askonce import AskonceError
from askonce.cache.broadcast import AsyncBroadcast, Broadcast, Handlers, Shape


async def everything(stream: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in stream]


class Log:
    """What became of a stream."""

    def __init__(self) -> None:
        self.ends: list[list[Any]] = []
        self.failures: list[BaseException] = []
        self.abandoned = 0

    def leave(self) -> None:
        self.abandoned += 1

    async def aend(self, items: list[Any]) -> None:
        self.ends.append(items)

    @property
    def handlers(self) -> Handlers:
        return Handlers(self.ends.append, self.failures.append, self.leave)

    @property
    def ahandlers(self) -> Handlers:
        return Handlers(self.aend, self.failures.append, self.leave)

    @property
    def counts(self) -> tuple[int, int, int]:
        return len(self.ends), len(self.failures), self.abandoned


def reader(broadcast: Any) -> Any:
    made = broadcast.subscribe()
    assert made is not None
    return made


def test_a_long_stream_does_not_grow_memory() -> None:
    """Past ``keep_bytes`` only what the slowest reader has not seen is held, nobody new may join, the stream goes
    on for those it has, and nothing of it is stored."""
    log = Log()
    broadcast = Broadcast((b"x" * 100 for _ in range(10_000)), log.handlers, Shape(keep_bytes=1000))
    fast, slow = reader(broadcast), reader(broadcast)
    next(slow)
    for _ in range(50):
        next(fast)
    assert broadcast.subscribe() is None
    assert len(broadcast._items) >= 49
    assert sum(1 for _ in slow) == 9_999
    assert len(broadcast._items) <= 9_999 - 49 + 1
    for _ in fast:
        pass
    slow.close()
    assert log.counts == (0, 0, 1)

    log = Log()
    alone = Broadcast((b"x" * 100 for _ in range(10_000)), log.handlers, Shape(keep_bytes=1000))
    most = 0
    for _ in reader(alone):
        most = max(most, len(alone._items))
    assert most <= 12
    assert log.counts == (0, 0, 1)


@pytest.mark.parametrize("how", ["end", "last", "fail", "leave"])
def test_a_stream_ends_once(how: str) -> None:
    """Exactly one of end, failure and abandonment is told, once, however many readers see it."""
    log = Log()

    def source() -> Iterator[int]:
        yield 1
        if how == "fail":
            raise OSError("x")
        yield 2

    broadcast = Broadcast(source(), log.handlers, Shape(is_last=lambda item: how == "last" and item == 2))
    readers = [reader(broadcast) for _ in range(3)]
    for one in readers:
        if how == "leave":
            next(one)
            one.close()
        elif how == "fail":
            with pytest.raises(OSError, match="x"):
                list(one)
        else:
            assert list(one) == [1, 2]
        one.close()
    assert log.counts == {"end": (1, 0, 0), "last": (1, 0, 0), "fail": (0, 1, 0), "leave": (0, 0, 1)}[how]


def test_the_last_item_ends_the_stream_before_it_is_seen() -> None:
    """A reader that stops at the terminal item (as the SDK does at [DONE]) has a stored stream by then."""
    log = Log()
    closed = []

    def source() -> Iterator[int]:
        try:
            yield 1
            yield 2
            raise AssertionError("nothing is asked for past the last item")
        finally:
            closed.append(True)

    stream = reader(Broadcast(source(), log.handlers, Shape(is_last=lambda item: item == 2)))
    assert next(stream) == 1
    assert next(stream) == 2
    assert (log.ends, closed) == ([[1, 2]], [True])
    stream.close()
    assert log.counts == (1, 0, 0)


def test_a_reader_closed_by_another_thread_while_it_reads() -> None:
    """Closing a stream whose reader waits for the source raises nothing, ends the reader with an error rather than
    a false end, closes the source as soon as it can be, and tells the abandonment once."""
    log, closed = Log(), threading.Event()
    reading, gate = threading.Event(), threading.Event()

    def source() -> Iterator[int]:
        try:
            yield 1
            reading.set()
            assert gate.wait(10)
            yield 2
        finally:
            closed.set()

    stream = reader(Broadcast(source(), log.handlers))
    assert next(stream) == 1
    errors: list[BaseException] = []

    def read() -> None:
        try:
            next(stream)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    assert reading.wait(10)
    stream.close()
    assert log.counts == (0, 0, 1)
    gate.set()
    thread.join(10)
    assert closed.wait(10)
    assert [type(error) for error in errors] == [AskonceError]
    assert log.counts == (0, 0, 1)


def test_a_shared_error_keeps_its_traceback_short() -> None:
    """Every reader raises the one error object; its traceback does not grow with their number."""

    def source() -> Iterator[int]:
        raise OSError("x")
        yield 1

    def depth(raiser: Callable[[], Any]) -> int:
        try:
            raiser()
        except OSError as error:
            count, trace = 0, error.__traceback__
            while trace is not None:
                count, trace = count + 1, trace.tb_next
            return count
        raise AssertionError

    broadcast = Broadcast(source(), Log().handlers)
    readers = [reader(broadcast) for _ in range(20)]
    depths = [depth(lambda one=one: next(one)) for one in readers]  # type: ignore[misc]
    assert max(depths[1:]) == depths[1]


def test_async_readers_at_the_end_together_all_end() -> None:
    """Readers that ask past the last item in the same turn of the loop all see the end; none spins."""
    log = Log()

    async def source() -> AsyncIterator[int]:
        for number in range(50):
            yield number

    async def main() -> None:
        broadcast = AsyncBroadcast(source(), log.ahandlers)
        readers = [reader(broadcast) for _ in range(20)]
        results = await asyncio.wait_for(asyncio.gather(*map(everything, readers)), 20)
        assert all(result == list(range(50)) for result in results)

    asyncio.run(main())
    assert log.counts == (1, 0, 0)


def test_a_cancelled_async_reader_breaks_nothing() -> None:
    """Cancelling a reader while it waits leaves the source running for the others."""
    log = Log()

    async def source() -> AsyncIterator[int]:
        for number in range(5):
            await asyncio.sleep(0.005)
            yield number

    async def main() -> None:
        broadcast = AsyncBroadcast(source(), log.ahandlers)
        one, two = (asyncio.create_task(everything(reader(broadcast))) for _ in range(2))
        await asyncio.sleep(0.007)
        one.cancel()
        assert await two == [0, 1, 2, 3, 4]
        assert (await asyncio.gather(one, return_exceptions=True))[0].__class__ is asyncio.CancelledError

    asyncio.run(main())
    assert log.counts == (1, 0, 0)
