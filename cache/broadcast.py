"""One upstream stream, many readers.

The stream is read once; every reader sees all of it from the start, each at its own pace, and whoever
is furthest ahead does the reading. A reader that goes away takes nothing from the others; when the last
one leaves before the natural end, the stream is closed and nothing is kept.

Items are kept *frozen* (encoded) for the other readers and for the store, so that what one caller does
to its items changes nobody else's. A stream that outgrows ``keep_bytes`` is no longer worth keeping: it
goes on for the readers it has, holding only what the slowest of them has not seen.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple

from ..errors import AskonceError
from .flight import Alone, Flight, leading

_ABSENT = object()


def _same(item: Any) -> Any:
    return item


def _never(item: Any) -> bool:
    return False


class Shape(NamedTuple):
    """What a broadcast must know of its items.

    Attributes:
        is_last: Tells the natural last item. Readers need not ask for more after it (the OpenAI SDK
            stops at ``[DONE]``), so the stream ends with it.
        freeze: Makes an item into what is kept of it.
        thaw: Makes an item again, for a reader other than the first to get it.
        keep_bytes: What is kept at most, in bytes (anything but text and bytes is taken for 256).
    """

    is_last: Callable[[Any], bool] = _never
    freeze: Callable[[Any], Any] = _same
    thaw: Callable[[Any], Any] = _same
    keep_bytes: int = 1 << 26


PLAIN = Shape()


class Handlers(NamedTuple):
    """What happens around a stream: exactly one of these is called, once, unless a reader is interrupted.
    ``on_end`` is awaited by :class:`AsyncBroadcast`.

    Attributes:
        on_end: With all frozen items, when the stream ends by itself, before any reader sees the end.
        on_fail: With the error, when the stream breaks.
        on_abandon: When the last reader leaves early, or the stream outgrows what is kept.
    """

    on_end: Callable[[list[Any]], Any]
    on_fail: Callable[[BaseException], None]
    on_abandon: Callable[[], None]


class _Kept:
    """The frozen items, and the state both colours share."""

    def __init__(self, handlers: Handlers, shape: Shape, flight: Flight | None) -> None:
        self._handlers = handlers
        self._shape = shape
        self._flight = flight
        self._items: dict[int, Any] = {}
        self._fresh: dict[int, Any] = {}  # the newest item as it came, for the first reader to get it
        self._count = 0
        self._size = 0
        self._too_long = False
        self._ended = False
        self._abandoned = False
        self._error: BaseException | None = None
        self._trace: TracebackType | None = None
        self._guard = threading.RLock()  # re-entrant: a reader may be collected, and so leave, at any moment
        self._present = 0
        self._readers: weakref.WeakSet[Any] = weakref.WeakSet()

    def _enter(self, reader: Any) -> Any:
        """``reader``, counted; or None when the stream can no longer be seen whole."""
        with self._guard:
            if self._abandoned or self._too_long:
                return None
            self._present += 1
            self._readers.add(reader)
            return reader

    def _exit(self, reader: Any) -> bool:
        """Whether ``reader`` was the last one and left early; then the stream is over."""
        with self._guard:
            self._present -= 1
            self._readers.discard(reader)
            if self._present or self._ended:
                return False
            self._ended = self._abandoned = True
            self._error = AskonceError("the stream was closed by its reader")
            return True

    def _add(self, item: Any) -> None:
        frozen = self._shape.freeze(item)
        self._fresh.clear()
        self._fresh[self._count] = item
        self._items[self._count] = frozen
        self._count += 1
        self._size += len(frozen) if isinstance(frozen, str | bytes) else 256
        if self._size > self._shape.keep_bytes and not self._too_long:
            self._too_long = True
            self._handlers.on_abandon()
        if self._too_long:
            with self._guard:
                seen = min((reader.index for reader in self._readers), default=0)
            for index in range(next(iter(self._items)), min(seen, self._count - 1)):
                del self._items[index]

    def _take(self, index: int) -> Any:
        item = self._fresh.pop(index, _ABSENT)
        return self._shape.thaw(self._items[index]) if item is _ABSENT else item

    def _break(self, error: BaseException) -> None:
        """The stream broke while one reader pulled. What is not an error (an interrupt, a cancellation)
        concerns that reader alone, but the others have no stream any more."""
        self._ended = True
        if isinstance(error, Exception):
            self._error, self._trace = error, error.__traceback__
        else:
            self._error = AskonceError("the stream was interrupted while another caller read it: ask again")
        if not self._too_long:
            self._handlers.on_fail(error)

    def _at_end(self) -> bool:
        """Whether there is nothing to wait for; raises what broke the stream."""
        if not self._ended:
            return False
        if self._error is not None:
            raise self._error.with_traceback(self._trace)
        return True


class Broadcast(_Kept):
    """A synchronous stream with several readers, in any threads.

    Args:
        source: The stream.
        handlers: What happens at its end.
        shape: What its items are like.
        flight: The flight it answers.
    """

    def __init__(
        self, source: Iterator[Any], handlers: Handlers, shape: Shape = PLAIN, flight: Flight | None = None
    ) -> None:
        super().__init__(handlers, shape, flight)
        self._source = source
        self._pull = threading.Lock()

    def subscribe(self) -> Reader | None:
        """A new reader from the first item, or None when the stream can no longer be seen whole."""
        reader = Reader(self)
        reader.open = self._enter(reader) is not None
        return reader if reader.open else None

    def finish(self) -> None:
        """Read to the end on this thread, so that the flight is answered whatever its readers do."""
        reader = self.subscribe()
        if reader is not None:
            with suppress(Exception):
                while self._fill(reader.index):
                    reader.index += 1
            reader.close()

    async def afinish(self) -> None:
        """As :meth:`finish`, on a thread of its own; does not wait for it."""
        threading.Thread(target=self.finish, name="askonce-stream", daemon=True).start()

    def _fill(self, index: int) -> bool:
        """Make sure item ``index`` is there; False at the end."""
        while index >= self._count:
            with self._pull:
                if index < self._count:
                    break
                if self._at_end():
                    return False
                self._read()
        return True

    def _read(self) -> None:
        try:
            with leading(self._flight):
                item = next(self._source)
            if self._abandoned:  # closed by another thread meanwhile, which left the source to this one
                _close(self._source)
                return
            last = self._shape.is_last(item)
            if not last:
                self._add(item)
                return
            frozen = self._shape.freeze(item)
            self._end([*self._items.values(), frozen])
            self._add(item)
            _close(self._source)
        except StopIteration:
            self._end(list(self._items.values()))
        except BaseException as error:
            if not self._ended:
                self._break(error)
            raise

    def _end(self, items: list[Any]) -> None:
        if not self._ended:
            self._ended = True
            if not self._too_long:
                self._handlers.on_end(items)

    def _leave(self, reader: Reader) -> None:
        if not self._exit(reader):
            return
        try:
            if self._pull.acquire(blocking=False):
                try:
                    _close(self._source)
                finally:
                    self._pull.release()
        finally:
            if not self._too_long:
                self._handlers.on_abandon()


def _close(source: Any) -> None:
    close = getattr(source, "close", None)
    if close is not None:
        close()


class Reader(Iterator[Any]):
    """One reader of a :class:`Broadcast`."""

    __slots__ = ("__weakref__", "_broadcast", "index", "open")

    def __init__(self, broadcast: Broadcast) -> None:
        self._broadcast = broadcast
        self.index = 0
        self.open = False

    def begin(self) -> None:
        """Wait for the first item (or the end); raises what breaks the stream before it."""
        self._broadcast._fill(0)

    def __next__(self) -> Any:
        if not self.open:
            raise StopIteration
        try:
            if self._broadcast._fill(self.index):
                item = self._broadcast._take(self.index)
                self.index += 1
                return item
        except BaseException:
            self.close()
            raise
        self.close()
        raise StopIteration

    def close(self) -> None:
        """Leave; harmless when already gone."""
        if self.open:
            self.open = False
            self._broadcast._leave(self)

    def __del__(self) -> None:
        self.close()


class AsyncBroadcast(_Kept):
    """An asynchronous stream with several readers, all on one event loop. Arguments as for Broadcast."""

    def __init__(
        self, source: AsyncIterator[Any], handlers: Handlers, shape: Shape = PLAIN, flight: Flight | None = None
    ) -> None:
        super().__init__(handlers, shape, flight)
        self._source = source
        self._pulling: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        # One context for all reads, so that context variables set by the source survive between them.
        self._context = contextvars.copy_context()

    def subscribe(self) -> AsyncReader | None:
        """A new reader from the first item, or None when the stream can no longer be seen whole."""
        reader = AsyncReader(self)
        reader.open = self._enter(reader) is not None
        return reader if reader.open else None

    def joinable(self) -> bool:
        """Whether an asynchronous reader may subscribe here: only on the stream's own event loop."""
        return asyncio._get_running_loop() is self._loop

    def finish(self) -> None:
        """Have the stream read to its end on its event loop; does not wait for it.

        Raises:
            Alone: The loop is the one this thread blocks, or it has stopped.
        """
        if self.joinable() or not self._loop.is_running():
            raise Alone
        try:
            self._loop.call_soon_threadsafe(lambda: self._do(self._drain()))
        except RuntimeError:  # closed at this moment
            raise Alone from None

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def afinish(self) -> None:
        """As :meth:`finish`; on the stream's own loop, waits for it."""
        if self.joinable():
            await self._drain()
        else:
            self.finish()

    async def _drain(self) -> None:
        reader = self.subscribe()
        if reader is None:
            return
        try:
            with suppress(Exception):
                while await self._fill(reader.index):
                    reader.index += 1
        finally:
            reader._leave()

    async def _read(self) -> None:
        try:
            with leading(self._flight):
                item = await anext(self._source)
            last = self._shape.is_last(item)
            if not last:
                self._add(item)
                return
            frozen = self._shape.freeze(item)
            await self._end([*self._items.values(), frozen])
            self._add(item)
            self._do(_aclose(self._source))
        except StopAsyncIteration:
            await self._end(list(self._items.values()))
        except BaseException as error:
            if not self._ended:
                self._break(error)

    async def _end(self, items: list[Any]) -> None:
        if not self._ended:
            self._ended = True
            if not self._too_long:
                await self._handlers.on_end(items)

    async def _fill(self, index: int) -> bool:
        while index >= self._count:
            if self._pulling is None or self._pulling.done():
                if self._at_end():
                    return False
                self._pulling = self._loop.create_task(self._read(), context=self._context)
            # Shielded: a reader that is cancelled must not break the stream for the others.
            await asyncio.shield(self._pulling)
        return True

    def _leave(self, reader: AsyncReader) -> None:
        if not self._exit(reader):
            return
        if not self._too_long:
            self._handlers.on_abandon()
        with suppress(RuntimeError):  # the loop is closed, and everything on it
            self._loop.call_soon_threadsafe(lambda: self._do(self._close_source()))

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

    __slots__ = ("__weakref__", "_broadcast", "index", "open")

    def __init__(self, broadcast: AsyncBroadcast) -> None:
        self._broadcast = broadcast
        self.index = 0
        self.open = False

    async def begin(self) -> None:
        """Wait for the first item (or the end); raises what breaks the stream before it."""
        await self._broadcast._fill(0)

    async def __anext__(self) -> Any:
        if not self.open:
            raise StopAsyncIteration
        try:
            if await self._broadcast._fill(self.index):
                item = self._broadcast._take(self.index)
                self.index += 1
                return item
        except BaseException:
            self._leave()
            raise
        self._leave()
        raise StopAsyncIteration

    def _leave(self) -> None:
        if self.open:
            self.open = False
            self._broadcast._leave(self)

    async def aclose(self) -> None:
        """Leave; harmless when already gone."""
        self._leave()

    def __del__(self) -> None:
        self._leave()
