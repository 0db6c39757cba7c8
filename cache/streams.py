"""Streams through the cache: teed without delay, stored only at their natural end, replayed as streams."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import NotCached
from .audit import Job
from .broadcast import PLAIN, AsyncBroadcast, AsyncReader, Broadcast, Handlers, Reader, Shape
from .call import Call
from .controls import DEFAULT, Controls, merge
from .drivers import await_landed, await_opened, run_async, run_sync, wait_landed, wait_opened
from .flight import Alone, Flight, HandOver
from .pipeline import ALONE, can_mend, failed, give_up
from .policy import Answer
from .receipt import Receipt
from .way import Found, Outcome, Trace, Way

if TYPE_CHECKING:
    from .core import Cache

# Opens the upstream stream; an async one may need to await its opening first.
AsyncOpen = Callable[[], AsyncIterator[Any] | Awaitable[AsyncIterator[Any]]]


class Surface(NamedTuple):
    """How a surface's streams become answers and back.

    Attributes:
        pack: ``(frozen items, when the stream began) -> Answer``.
        unpack: ``(stored body) -> items``; whatever it raises is taken as a miss.
        reuse: ``(another caller's answer) -> items``, or None when there is nothing in it that could be
            streamed; may raise what the caller should see instead.
        shape: What the items are like.
        note: Called with the receipt, before the first item.
        patience_s: How long to wait for another caller's call to begin to answer; None is for ever.
    """

    pack: Callable[[list[Any], float], Answer]
    unpack: Callable[[bytes], list[Any]]
    reuse: Callable[[Answer], list[Any] | None]
    shape: Shape = PLAIN
    note: Callable[[Receipt], None] | None = None
    patience_s: float | None = None


class Leading(NamedTuple):
    """No answer yet: this caller opens the upstream stream, for whoever waits on ``flight`` too."""

    flight: Flight
    seq: int
    stale: Found | None


class Following(NamedTuple):
    """Another caller is asking already."""

    flight: Flight
    stale: Found | None


class _Broken(Exception):
    """A stream read behind the caller's back gave no answer; a follower may ask for itself."""

    leader_only = True


class Stream:
    """One call that wants a stream: its way up to the first item, in either colour.

    Args:
        cache: The cache.
        call: The call.
        asked: Its controls.
        surface: How items become answers and back.
    """

    def __init__(self, cache: Cache, call: Call, asked: Controls | None, surface: Surface) -> None:
        self.cache = cache
        self.call = call
        self.asked = asked or DEFAULT
        self.surface = surface
        self.trace = Trace()
        self.started = cache.clock.monotonic()
        self.audit: Job | None = None  # of the hit noted last

    def look(self) -> Way:
        """The way up to the take-off: an Outcome, Leading or Following."""
        cache, call, asked = self.cache, self.call, self.asked
        self.trace = Trace()
        if asked.no_store:
            return Outcome("bypass", reason="no_store was asked")
        stale = yield from cache.pipeline.start(call, asked, self.trace, lambda: cache.pipeline.revalidate(call, asked))
        if isinstance(stale, Outcome):
            return stale
        flight, leads = cache.pipeline.board(call, asked)
        if not leads:
            return Following(flight, stale)
        try:
            late = yield from cache.pipeline.late(flight, call, asked)
        except BaseException:
            cache.flights.hand_over(flight)
            raise
        return Leading(flight, cache.ledger.seq, stale) if late is None else Outcome("hit", late)

    def whole(self, items: list[Any], begun: float) -> Answer:
        """The answer of a stream that was read to its end behind the caller's back; raises _Broken when it is none
        that a follower could be given."""
        try:
            answer = self.surface.pack(items, begun)
        except Exception as error:
            raise _Broken from error
        self.cache.counters.spent(answer.usage.total, answer.cost_usd)
        if not answer.complete and not answer.body:
            raise _Broken(answer.why_not)
        return answer

    def note(self, outcome: Outcome) -> None:
        self.audit = self.cache.learning.after(self.call, outcome, self.asked, self.trace)
        receipt = self.cache.receipt(self.call, outcome, self.trace, self.started, self.audit is not None)
        if self.surface.note is not None:
            self.surface.note(receipt)

    def stored(self, outcome: Outcome) -> list[Any] | None:
        """The items of a found entry; None when it does not decode, and then the next look passes it by."""
        assert outcome.found is not None
        try:
            items = self.surface.unpack(outcome.found.entry.body)
        except Exception as error:
            if self.asked.only_if_cached:
                raise NotCached("the stored answer does not decode", key=self.call.key.hex()) from error
            self.asked = merge(self.asked, refresh=True)
            return None
        self.note(outcome)
        return items

    def instead(self, stale: Found | None, error: Exception) -> list[Any]:
        """The items of the stale answer that stands in for a failed call; raises ``error`` when there is none."""
        if stale is None or not can_mend(error):
            self.cache.counters.failed()
            raise error
        items = self.stored(Outcome("stale", stale, reason=failed(type(error).__name__)))
        if items is None:
            raise error
        return items

    def packed(self, flight: Flight, items: list[Any], begun: float) -> Answer | None:
        """The answer of a stream that ended by itself, handed to the followers; None when it is none."""
        try:
            answer = self.surface.pack(items, begun)
        except Exception:
            self.cache.flights.hand_over(flight)
            return None
        self.cache.counters.spent(answer.usage.total, answer.cost_usd)
        if not answer.complete and not answer.body:
            # Nothing here that a follower could be given; one of them asks again.
            self.cache.flights.hand_over(flight)
            return None
        self.cache.flights.answer(flight, answer)
        return answer

    def keep(self, leading: Leading, answer: Answer) -> Way:
        self.cache.learning.compare(self.call, answer, self.trace)
        return self.cache.pipeline.keep(leading.flight, self.call, answer, leading.seq, self.asked, self.trace)

    def handlers(self, flight: Flight, on_end: Callable[[list[Any]], Any]) -> Handlers:
        return Handlers(on_end, lambda error: self.fail(flight, error), lambda: self.cache.flights.hand_over(flight))

    def fail(self, flight: Flight, error: BaseException) -> None:
        give_up(self.cache.flights, flight, error)


# -- synchronous ------------------------------------------------------------------------------------


def stream(
    cache: Cache, call: Call, asked: Controls | None, open_source: Callable[[], Iterator[Any]], surface: Surface
) -> Iterator[Any]:
    """The stream of ``call``: replayed, joined, or opened with ``open_source`` and teed."""
    one = Stream(cache, call, asked, surface)

    def whole() -> Answer:
        begun = cache.clock.monotonic()
        return one.whole([surface.shape.freeze(item) for item in open_source()], begun)

    while True:
        step = run_sync(one.look(), whole, cache.workers)
        items: list[Any] | None
        if isinstance(step, Outcome):
            if step.found is None:
                one.note(step)
                return open_source()
            items = one.stored(step)
            if items is None:
                continue
            if one.audit is not None:
                one.audit.start(whole)
            return _replay(items)
        try:
            if isinstance(step, Leading):
                live: Iterator[Any] | None = _lead(one, step, open_source)
            else:
                live = _follow(step.flight, surface)
            if live is None:
                continue
            if step.stale is not None and isinstance(live, Reader):
                live.begin()  # an error before the first item can still be answered by the stale entry
        except Alone:
            one.note(Outcome("miss", reason=ALONE))
            return open_source()
        except Exception as error:
            return _replay(one.instead(step.stale, error))
        one.note(Outcome("miss", reason=one.trace.reason) if isinstance(step, Leading) else Outcome("joined"))
        return live


def _replay(items: list[Any]) -> Iterator[Any]:
    yield from items


def _follow(flight: Flight, surface: Surface) -> Iterator[Any] | None:
    broadcast = wait_opened(flight, surface.patience_s)
    if isinstance(broadcast, Broadcast):
        return broadcast.subscribe()
    try:
        answer = wait_landed(flight, surface.patience_s)
    except HandOver:
        return None
    items = surface.reuse(answer)
    return None if items is None else _replay(items)


def _lead(one: Stream, step: Leading, open_source: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    begun = one.cache.clock.monotonic()

    def end(items: list[Any]) -> None:
        answer = one.packed(step.flight, items, begun)
        if answer is not None:
            run_sync(one.keep(step, answer), lambda: answer, one.cache.workers)

    try:
        source = iter(open_source())
        broadcast = Broadcast(source, one.handlers(step.flight, end), one.surface.shape, step.flight)
    except BaseException as error:
        one.fail(step.flight, error)
        raise
    reader = broadcast.subscribe()
    assert reader is not None
    step.flight.opened.set_result(broadcast)
    return reader


# -- asynchronous -------------------------------------------------------------------------------------


async def astream(
    cache: Cache, call: Call, asked: Controls | None, open_source: AsyncOpen, surface: Surface
) -> AsyncIterator[Any]:
    """As :func:`stream`, on an event loop."""
    source = await open_astream(cache, call, asked, open_source, surface)
    try:
        async for item in source:
            yield item
    finally:
        close = getattr(source, "aclose", None)
        if close is not None:
            await close()


async def open_astream(
    cache: Cache, call: Call, asked: Controls | None, open_source: AsyncOpen, surface: Surface
) -> AsyncIterator[Any]:
    """The async stream of ``call``, decided and opened now."""
    one = Stream(cache, call, asked, surface)

    async def whole() -> Answer:
        begun = cache.clock.monotonic()
        return one.whole([surface.shape.freeze(item) async for item in await _opened(open_source)], begun)

    while True:
        step = await run_async(one.look(), whole, cache.workers)
        items: list[Any] | None
        if isinstance(step, Outcome):
            if step.found is None:
                one.note(step)
                return await _opened(open_source)
            items = one.stored(step)
            if items is None:
                continue
            if one.audit is not None:
                one.audit.astart(whole)
            return _areplay(items)
        try:
            if isinstance(step, Leading):
                live: AsyncIterator[Any] | None = await _alead(one, step, open_source)
            else:
                live = await _afollow(step.flight, surface)
            if live is None:
                continue
            if step.stale is not None and isinstance(live, AsyncReader):
                await live.begin()
        except Alone:
            one.note(Outcome("miss", reason=ALONE))
            return await _opened(open_source)
        except Exception as error:
            return _areplay(one.instead(step.stale, error))
        one.note(Outcome("miss", reason=one.trace.reason) if isinstance(step, Leading) else Outcome("joined"))
        return live


async def _opened(open_source: AsyncOpen) -> AsyncIterator[Any]:
    source = open_source()
    return await source if inspect.isawaitable(source) else source


async def _areplay(items: list[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


async def _afollow(flight: Flight, surface: Surface) -> AsyncIterator[Any] | None:
    broadcast = await await_opened(flight, surface.patience_s)
    if isinstance(broadcast, AsyncBroadcast) and broadcast.joinable():
        return broadcast.subscribe()
    try:
        answer = await await_landed(flight, surface.patience_s)
    except HandOver:
        return None
    items = surface.reuse(answer)
    return None if items is None else _areplay(items)


async def _alead(one: Stream, step: Leading, open_source: AsyncOpen) -> AsyncIterator[Any]:
    begun = one.cache.clock.monotonic()

    async def end(items: list[Any]) -> None:
        answer = one.packed(step.flight, items, begun)
        if answer is None:
            return

        async def same() -> Answer:
            return answer

        await run_async(one.keep(step, answer), same, one.cache.workers)

    try:
        source = aiter(await _opened(open_source))
        broadcast = AsyncBroadcast(source, one.handlers(step.flight, end), one.surface.shape, step.flight)
    except BaseException as error:
        one.fail(step.flight, error)
        raise
    reader = broadcast.subscribe()
    assert reader is not None
    step.flight.opened.set_result(broadcast)
    return reader
