"""Streams through the cache: teed without delay, stored only at their natural end, replayed as streams."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from .broadcast import AsyncBroadcast, Broadcast
from .call import Call
from .controls import DEFAULT, Controls
from .drivers import detached, run_async, run_sync
from .flight import Flight, HandOver
from .pipeline import Found, Outcome, Trace, Way
from .policy import Answer
from .receipt import Receipt

if TYPE_CHECKING:
    from .core import Cache

PackItems = Callable[[list[Any], float], Answer]
UnpackItems = Callable[[bytes], list[Any]]
# Opens the upstream stream; an async one may need to await its opening first.
AsyncOpen = Callable[[], AsyncIterator[Any] | Awaitable[AsyncIterator[Any]]]


IsLast = Callable[[Any], bool]


def _never_last(item: Any) -> bool:
    return False


async def _opened(open_source: AsyncOpen) -> AsyncIterator[Any]:
    source = open_source()
    return await source if inspect.isawaitable(source) else source


class Leading(NamedTuple):
    """No answer yet: this caller opens the upstream stream, for whoever waits on ``flight`` too."""

    flight: Flight
    seq: int
    stale: Found | None


class LiveStream(NamedTuple):
    """How a surface's stream becomes answers and back."""

    call: Call
    asked: Controls
    trace: Trace
    pack: PackItems
    is_last: IsLast


def look(cache: Cache, call: Call, asked: Controls, trace: Trace, revalidate: Callable[[], Way]) -> Way:
    """The way of a stream up to its take-off: an Outcome, a Leading, or a Flight to follow."""
    from .pipeline import Spawn

    pipeline = cache.pipeline
    found: Found | None = None
    if asked.no_store:
        return None
    if not asked.refresh:
        found = yield from pipeline.lookup(call, asked, trace)
        if found is not None and found.age == "fresh":
            return Outcome("hit", found)
        if found is not None and found.age == "revalidate":
            yield Spawn(revalidate)
            return Outcome("stale", found, reason="past its TTL; a fresh answer is being fetched")
    if asked.only_if_cached:
        return (yield from pipeline.resolve(call, asked, trace))  # raises NotCached
    flight, leading = cache.flights.join(call.key)
    return Leading(flight, cache.ledger.seq, found) if leading else flight


def _on_fail(cache: Cache, flight: Flight) -> Callable[[BaseException], None]:
    def fail(error: BaseException) -> None:
        if isinstance(error, Exception):
            cache.flights.fail(flight, error)
        else:
            cache.flights.hand_over(flight)

    return fail


def stream(
    cache: Cache,
    call: Call,
    asked: Controls | None,
    open_source: Callable[[], Iterator[Any]],
    pack: PackItems,
    unpack: UnpackItems,
    on_receipt: Callable[[Receipt], None] | None = None,
    is_last: IsLast = _never_last,
) -> Iterator[Any]:
    """The stream of ``call``: replayed, joined, or opened with ``open_source`` and teed."""
    asked = asked or DEFAULT
    started = cache.clock.monotonic()
    while True:
        trace = Trace()

        def whole() -> Answer:
            begun = cache.clock.monotonic()
            return pack(list(open_source()), begun)

        def revalidate(trace: Trace = trace) -> Way:
            return cache.pipeline.revalidate(call, asked)

        step = run_sync(look(cache, call, asked, trace, revalidate), whole, cache.workers)
        if step is None:
            _receipt(cache, call, Outcome("bypass", reason="no_store was asked"), trace, started, on_receipt)
            return open_source()
        if isinstance(step, Outcome):
            _receipt(cache, call, step, trace, started, on_receipt)
            assert step.found is not None
            return iter(unpack(step.found.entry.body))
        if isinstance(step, Leading):
            try:
                live = _lead(cache, LiveStream(call, asked, trace, pack, is_last), step, open_source)
            except Exception as error:
                stale = step.stale
                if stale is None or not getattr(error, "failed", True):
                    cache.counters.failed()
                    raise
                reason = f"upstream failed ({type(error).__name__}); stale_if_error"
                _receipt(cache, call, Outcome("stale", stale, reason=reason), trace, started, on_receipt)
                return iter(unpack(stale.entry.body))
            _receipt(cache, call, Outcome("miss", reason=trace.reason), trace, started, on_receipt)
            return live
        joined = _follow(step, unpack)
        if joined is not None:
            _receipt(cache, call, Outcome("joined"), trace, started, on_receipt)
            return joined


def _receipt(
    cache: Cache,
    call: Call,
    outcome: Outcome,
    trace: Trace,
    started: float,
    on_receipt: Callable[[Receipt], None] | None,
) -> None:
    receipt = cache.receipt(call, outcome, trace, started)
    if on_receipt is not None:
        on_receipt(receipt)


def _follow(flight: Flight, unpack: UnpackItems) -> Iterator[Any] | None:
    broadcast = flight.opened.result()
    if broadcast is not None and broadcast.colour == "sync":
        return broadcast.subscribe()  # type: ignore[no-any-return]
    try:
        answer: Answer = flight.done.result()
    except HandOver:
        return None
    return iter(unpack(answer.body)) if answer.complete else None


def _lead(cache: Cache, live: LiveStream, leading: Leading, open_source: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    flight = leading.flight
    begun = cache.clock.monotonic()

    def end(items: list[Any]) -> None:
        answer = live.pack(items, begun)
        cache.counters.spent(answer.usage.total, answer.cost_usd)
        cache.flights.answer(flight, answer)
        try:
            run_sync(
                cache.pipeline.store(live.call, answer, leading.seq, live.asked, live.trace),
                lambda: answer,
                cache.workers,
            )
        finally:
            cache.flights.close(flight)

    try:
        source = iter(open_source())
    except BaseException as error:
        _on_fail(cache, flight)(error)
        raise
    broadcast = Broadcast(source, end, _on_fail(cache, flight), lambda: cache.flights.hand_over(flight), live.is_last)
    reader = broadcast.subscribe()
    assert reader is not None
    flight.opened.set_result(broadcast)
    return reader


async def astream(
    cache: Cache,
    call: Call,
    asked: Controls | None,
    open_source: AsyncOpen,
    pack: PackItems,
    unpack: UnpackItems,
    on_receipt: Callable[[Receipt], None] | None = None,
    is_last: IsLast = _never_last,
) -> AsyncIterator[Any]:
    """As :func:`stream`, on an event loop."""
    source = await open_astream(cache, call, asked, open_source, pack, unpack, on_receipt, is_last)
    try:
        async for item in source:
            yield item
    finally:
        close = getattr(source, "aclose", None)
        if close is not None:
            await close()


async def open_astream(
    cache: Cache,
    call: Call,
    asked: Controls | None,
    open_source: AsyncOpen,
    pack: PackItems,
    unpack: UnpackItems,
    on_receipt: Callable[[Receipt], None] | None = None,
    is_last: IsLast = _never_last,
) -> AsyncIterator[Any]:
    """The async stream of ``call``, decided and opened now."""
    asked = asked or DEFAULT
    started = cache.clock.monotonic()
    while True:
        trace = Trace()

        async def whole() -> Answer:
            begun = cache.clock.monotonic()
            return pack([item async for item in await _opened(open_source)], begun)

        def revalidate() -> Way:
            return cache.pipeline.revalidate(call, asked)

        step = await run_async(look(cache, call, asked, trace, revalidate), whole, cache.workers)
        if step is None:
            _receipt(cache, call, Outcome("bypass", reason="no_store was asked"), trace, started, on_receipt)
            return await _opened(open_source)
        if isinstance(step, Outcome):
            _receipt(cache, call, step, trace, started, on_receipt)
            assert step.found is not None
            return _replay(unpack(step.found.entry.body))
        if isinstance(step, Leading):
            try:
                live = await _alead(cache, LiveStream(call, asked, trace, pack, is_last), step, open_source)
            except Exception as error:
                stale = step.stale
                if stale is None or not getattr(error, "failed", True):
                    cache.counters.failed()
                    raise
                reason = f"upstream failed ({type(error).__name__}); stale_if_error"
                _receipt(cache, call, Outcome("stale", stale, reason=reason), trace, started, on_receipt)
                return _replay(unpack(stale.entry.body))
            _receipt(cache, call, Outcome("miss", reason=trace.reason), trace, started, on_receipt)
            return live
        joined = await _afollow(step, unpack)
        if joined is not None:
            _receipt(cache, call, Outcome("joined"), trace, started, on_receipt)
            return joined


async def _replay(items: list[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


async def _afollow(flight: Flight, unpack: UnpackItems) -> AsyncIterator[Any] | None:
    broadcast = await asyncio.wrap_future(detached(flight.opened))
    if broadcast is not None and broadcast.colour is asyncio.get_running_loop():
        return broadcast.subscribe()  # type: ignore[no-any-return]
    try:
        answer: Answer = await asyncio.wrap_future(detached(flight.done))
    except HandOver:
        return None
    return _replay(unpack(answer.body)) if answer.complete else None


async def _alead(cache: Cache, live: LiveStream, leading: Leading, open_source: AsyncOpen) -> AsyncIterator[Any]:
    flight = leading.flight
    begun = cache.clock.monotonic()

    async def end(items: list[Any]) -> None:
        answer = live.pack(items, begun)
        cache.counters.spent(answer.usage.total, answer.cost_usd)
        cache.flights.answer(flight, answer)

        async def same() -> Answer:
            return answer

        try:
            await run_async(
                cache.pipeline.store(live.call, answer, leading.seq, live.asked, live.trace), same, cache.workers
            )
        finally:
            cache.flights.close(flight)

    try:
        source = aiter(await _opened(open_source))
    except BaseException as error:
        _on_fail(cache, flight)(error)
        raise
    broadcast = AsyncBroadcast(
        source, end, _on_fail(cache, flight), lambda: cache.flights.hand_over(flight), live.is_last
    )
    reader = broadcast.subscribe()
    assert reader is not None
    flight.opened.set_result(broadcast)
    return reader
