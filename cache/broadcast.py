"""One upstream stream, many readers.

The stream is read once; every reader sees all of it from the start, each at its own pace, and whoever
is furthest ahead does the reading. A reader that goes away takes nothing from the others; when the last
one leaves before the natural end, the stream is closed and nothing is kept.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any


class Broadcast:
    """A synchronous stream with several readers, in any threads.

    Args:
        source: The stream.
        on_end: Called once with all items when the stream ends by itself, before the last reader sees
            the end.
        on_fail: Called once with the error when the stream breaks.
        on_abandon: Called once when the last reader leaves early.
        is_last: Tells the natural last item. Readers need not ask for more after it (the OpenAI SDK
            stops at ``[DONE]``), so the stream ends with it.
    """

    colour: object = "sync"

    def __init__(
        self,
        source: Iterator[Any],
        on_end: Callable[[list[Any]], None],
        on_fail: Callable[[BaseException], None],
        on_abandon: Callable[[], None],
        is_last: Callable[[Any], bool] = lambda item: False,
    ) -> None:
        self._source = source
        self._on_end, self._on_fail, self._on_abandon = on_end, on_fail, on_abandon
        self._is_last = is_last
        self._items: list[Any] = []
        self._pull = threading.Lock()
        self._count = threading.Lock()
        self._readers = 0
        self._ended = False
        self._error: BaseException | None = None

    def subscribe(self) -> Reader | None:
        """A new reader from the first item, or None when the stream was already abandoned."""
        with self._count:
            if self._ended and self._readers == 0 and self._error is None and self._abandoned:
                return None
            self._readers += 1
        return Reader(self)

    _abandoned = False

    def _fill(self, index: int) -> bool:
        """Make sure item ``index`` is there; False at the end."""
        while index >= len(self._items):
            with self._pull:
                if index < len(self._items):
                    break
                if self._ended:
                    if self._error is not None:
                        raise self._error
                    return False
                try:
                    item = next(self._source)
                    if self._is_last(item):
                        self._ended = True
                        self._on_end([*self._items, item])
                        _close(self._source)
                    self._items.append(item)
                except StopIteration:
                    self._ended = True
                    self._on_end(self._items)
                except BaseException as error:
                    self._ended, self._error = True, error
                    self._on_fail(error)
                    raise
        return True

    def _leave(self) -> None:
        with self._count:
            self._readers -= 1
            last = self._readers == 0 and not self._ended
            if last:
                self._ended = self._abandoned = True
        if last:
            try:
                _close(self._source)
            finally:
                self._on_abandon()


def _close(source: Any) -> None:
    close = getattr(source, "close", None)
    if close is not None:
        close()


class Reader(Iterator[Any]):
    """One reader of a :class:`Broadcast`."""

    __slots__ = ("_broadcast", "_index", "_open")

    def __init__(self, broadcast: Broadcast) -> None:
        self._broadcast = broadcast
        self._index = 0
        self._open = True

    def __next__(self) -> Any:
        if not self._open:
            raise StopIteration
        try:
            more = self._broadcast._fill(self._index)
        except BaseException:
            self.close()
            raise
        if not more:
            self.close()
            raise StopIteration
        item = self._broadcast._items[self._index]
        self._index += 1
        return item

    def close(self) -> None:
        """Leave; harmless when already gone."""
        if self._open:
            self._open = False
            self._broadcast._leave()

    def __del__(self) -> None:
        self.close()


class AsyncBroadcast:
    """An asynchronous stream with several readers, all on one event loop. Arguments as for Broadcast;
    ``on_end`` is awaited."""

    def __init__(
        self,
        source: AsyncIterator[Any],
        on_end: Callable[[list[Any]], Awaitable[None]],
        on_fail: Callable[[BaseException], None],
        on_abandon: Callable[[], None],
        is_last: Callable[[Any], bool] = lambda item: False,
    ) -> None:
        self._source = source
        self._on_end, self._on_fail, self._on_abandon = on_end, on_fail, on_abandon
        self._is_last = is_last
        self._items: list[Any] = []
        self._readers = 0
        self._ended = False
        self._abandoned = False
        self._error: BaseException | None = None
        self._pulling: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        # One context for all reads, so that context variables set by the source survive between them.
        self._context = contextvars.copy_context()

    @property
    def colour(self) -> object:
        """Readers must be on this event loop."""
        return self._loop

    def subscribe(self) -> AsyncReader | None:
        """A new reader from the first item, or None when the stream was already abandoned."""
        if self._abandoned:
            return None
        self._readers += 1
        return AsyncReader(self)

    async def _read(self) -> None:
        try:
            item = await anext(self._source)
            if self._is_last(item):
                self._ended = True
                await self._on_end([*self._items, item])
                await _aclose(self._source)
            self._items.append(item)
        except StopAsyncIteration:
            self._ended = True
            await self._on_end(self._items)
        except BaseException as error:
            self._ended, self._error = True, error
            if not self._abandoned:
                self._on_fail(error)

    async def _fill(self, index: int) -> bool:
        while index >= len(self._items):
            if self._pulling is None:
                if self._ended:
                    if self._error is not None:
                        raise self._error
                    return False
                self._pulling = self._loop.create_task(self._read(), context=self._context)
                self._pulling.add_done_callback(self._pulled)
            # Shielded: a reader that is cancelled must not break the stream for the others.
            await asyncio.shield(self._pulling)
        return True

    def _pulled(self, _: asyncio.Task[None]) -> None:
        self._pulling = None

    def _leave(self) -> None:
        self._readers -= 1
        if self._readers or self._ended:
            return
        self._ended = self._abandoned = True
        self._on_abandon()
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(lambda: self._loop.create_task(self._close_source()))

    async def _close_source(self) -> None:
        if self._pulling is not None:
            self._pulling.cancel()
            await asyncio.gather(self._pulling, return_exceptions=True)
        await _aclose(self._source)


async def _aclose(source: Any) -> None:
    close = getattr(source, "aclose", None)
    if close is not None:
        await close()


class AsyncReader(AsyncIterator[Any]):
    """One reader of an :class:`AsyncBroadcast`."""

    __slots__ = ("_broadcast", "_index", "_open")

    def __init__(self, broadcast: AsyncBroadcast) -> None:
        self._broadcast = broadcast
        self._index = 0
        self._open = True

    async def __anext__(self) -> Any:
        if not self._open:
            raise StopAsyncIteration
        try:
            more = await self._broadcast._fill(self._index)
        except BaseException:
            self._leave()
            raise
        if not more:
            self._leave()
            raise StopAsyncIteration
        item = self._broadcast._items[self._index]
        self._index += 1
        return item

    def _leave(self) -> None:
        if self._open:
            self._open = False
            self._broadcast._leave()

    async def aclose(self) -> None:
        """Leave; harmless when already gone."""
        self._leave()

    def __del__(self) -> None:
        self._leave()
