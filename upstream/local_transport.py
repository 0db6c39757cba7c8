"""The local model in process: an httpx2 transport without sockets.

::

    model = LocalModel()
    client = OpenAI(api_key="local", http_client=httpx2.Client(transport=LocalTransport(model)))
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from ..clock import SYSTEM_CLOCK, Clock
from ..errors import MissingExtra
from .local_model import Chunk, Exchange, LocalModel

try:
    import httpx2
except ImportError as error:  # pragma: no cover - depends on the installation
    raise MissingExtra("httpx2", "openai", "the local transport") from error


class LocalTransport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Serves a :class:`LocalModel`, to sync and async clients alike.

    Args:
        model: The service.
        clock: Tells the model what time it is.
        instant: True = never wait, whatever the model's latency says; a call that would hang forever
            times out at once.
        sleep: Waits in synchronous calls; ``time.sleep`` by default.
        asleep: Waits in asynchronous calls; ``asyncio.sleep`` by default.

    Errors a network would give come out as httpx2 gives them: ``ReadTimeout`` after the client's read
    timeout when the model hangs, ``RemoteProtocolError`` when the connection breaks.
    """

    def __init__(
        self,
        model: LocalModel,
        clock: Clock = SYSTEM_CLOCK,
        *,
        instant: bool = False,
        sleep: Callable[[float], object] = time.sleep,
        asleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.model = model
        self.clock = clock
        self._instant = instant
        self._sleep = sleep
        self._asleep = asleep

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        exchange = self._begin(request, request.read())
        try:
            self._wait(_until_headers(exchange, request))
            _raise_if_unanswered(exchange, request)
        except BaseException:
            self._end(exchange)
            raise
        return self._response(exchange, request, _SyncBody(self, exchange, request))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        exchange = self._begin(request, await request.aread())
        try:
            await self._await(_until_headers(exchange, request))
            _raise_if_unanswered(exchange, request)
        except BaseException:
            self._end(exchange)
            raise
        return self._response(exchange, request, _AsyncBody(self, exchange, request))

    def _begin(self, request: httpx2.Request, body: bytes) -> Exchange:
        return self.model.begin(request.method, request.url.path, dict(request.headers), body, self.clock.now())

    def _end(self, exchange: Exchange) -> None:
        self.model.end(exchange, self.clock.now())

    def _wait(self, seconds: float) -> None:
        if seconds > 0 and not self._instant:
            self._sleep(seconds)

    async def _await(self, seconds: float) -> None:
        if seconds > 0 and not self._instant:
            await self._asleep(seconds)

    def _response(self, exchange: Exchange, request: httpx2.Request, body: _SyncBody | _AsyncBody) -> httpx2.Response:
        if exchange.body is not None and exchange.broken is None:
            # A whole body needs no stream, and the call is over before anyone reads it.
            self._end(exchange)
            return httpx2.Response(exchange.status, headers=exchange.headers, content=exchange.body, request=request)
        return httpx2.Response(exchange.status, headers=exchange.headers, stream=body, request=request)


def _until_headers(exchange: Exchange, request: httpx2.Request) -> float:
    """Seconds to wait; a hang or an answer later than the client's read timeout ends there."""
    limit = (request.extensions.get("timeout") or {}).get("read")
    patience = math.inf if limit is None else float(limit)
    if exchange.delay_s > patience:
        exchange.broken = "timeout"
    return min(exchange.delay_s, patience)


def _raise_if_unanswered(exchange: Exchange, request: httpx2.Request) -> None:
    if exchange.broken == "timeout":
        raise httpx2.ReadTimeout("the local model did not answer in time", request=request)
    if exchange.broken == "drop" and exchange.body is None and exchange.chunks is None:
        raise _broken(request)


def _broken(request: httpx2.Request) -> httpx2.RemoteProtocolError:
    return httpx2.RemoteProtocolError("the local model broke the connection", request=request)


def _parts(exchange: Exchange) -> tuple[Chunk, ...]:
    return (Chunk(0.0, exchange.body),) if exchange.body is not None else exchange.chunks or ()


class _SyncBody(httpx2.SyncByteStream):
    def __init__(self, transport: LocalTransport, exchange: Exchange, request: httpx2.Request) -> None:
        self._transport, self._exchange, self._request = transport, exchange, request

    def __iter__(self) -> Iterator[bytes]:
        for chunk in _parts(self._exchange):
            self._transport._wait(chunk.delay_s)
            yield chunk.data
        if self._exchange.broken == "drop":
            raise _broken(self._request)

    def close(self) -> None:
        self._transport._end(self._exchange)


class _AsyncBody(httpx2.AsyncByteStream):
    def __init__(self, transport: LocalTransport, exchange: Exchange, request: httpx2.Request) -> None:
        self._transport, self._exchange, self._request = transport, exchange, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in _parts(self._exchange):
            await self._transport._await(chunk.delay_s)
            yield chunk.data
        if self._exchange.broken == "drop":
            raise _broken(self._request)

    async def aclose(self) -> None:
        self._transport._end(self._exchange)
