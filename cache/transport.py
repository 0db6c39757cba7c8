"""The httpx2 transport: caching for every SDK that stands on httpx2 (openai 3, anthropic 2, google-genai 3, ...).

It wraps another transport and serves OpenAI-compatible endpoints; every other request passes untouched.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx2
import msgspec

from ..errors import NotCached, UncacheableCall
from ..upstream.tokens import cost_or_zero
from . import controls as controlling
from .broadcast import Shape
from .call import Call
from .controls import CONTROL_HEADERS
from .flight import Impatient
from .openai_answer import answer_of
from .openai_payload import Parsed, endpoint_of, parse
from .policy import Answer
from .receipt import Receipt, set_last
from .sse import EventSplitter, assemble, is_terminal, is_usage_event, replay
from .streams import Surface, open_astream, stream

if TYPE_CHECKING:
    from .core import Cache

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_DROPPED = frozenset({"content-encoding", "content-length", "transfer-encoding", "connection", "keep-alive"})
_RETRYABLE = frozenset({408, 409, 429})
_REFUSED = frozenset({400, 422})  # what servers say to a field they do not know
_DRAIN_S = 0.1


class Upstream(msgspec.Struct, frozen=True):
    """A response read to its end: what followers and replays of an unsuccessful answer get."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class _NotAStream(Exception):
    """Upstream answered a request for a stream with something else; it is passed on as it is."""

    def __init__(self, upstream: Upstream) -> None:
        super().__init__(f"status {upstream.status}")
        self.upstream = upstream
        self.can_mend = upstream.status >= 500 or upstream.status in _RETRYABLE


class Exchange:
    """One cacheable request at the transport: the call it makes and how its answers travel.

    Args:
        cache: The cache.
        request: The request, its body read.
        parsed: Its payload taken apart.
        payload: Its payload.
        ask_usage: Whether the server may be asked for the usage of a stream.

    Raises:
        UncacheableCall: The payload holds what no key can hold (a number beyond 64 bits, half a character).
    """

    def __init__(self, cache: Cache, request: httpx2.Request, parsed: Parsed, payload: Any, ask_usage: bool) -> None:
        self.cache = cache
        self.parsed = parsed
        self.endpoint = parsed.endpoint
        self.call = call_for(cache, str(request.url), parsed)
        self.asked = controlling.from_headers(request.headers, controlling.current())
        self.plain = _without_controls(request)
        self.request = self._asking_usage(payload) if ask_usage else self.plain
        self.receipt: Receipt | None = None
        timeout = request.extensions.get("timeout")
        # What the caller allows upstream to keep silent is what it waits for another caller's call.
        self.patience_s: float | None = timeout.get("read") if isinstance(timeout, dict) else None
        self.surface = Surface(
            self.pack,
            self.unpack,
            self.reuse,
            Shape(is_terminal, keep_bytes=64 * cache.policy.max_bytes),
            self.noted,
            self.patience_s,
        )

    def _asking_usage(self, payload: Any) -> httpx2.Request:
        """The request that also asks for the bill of a stream: it is part of the entry. The extra chunk is
        kept from a caller who did not ask for it."""
        options = payload.get("stream_options") or {}
        if (
            not self.parsed.stream
            or self.parsed.include_usage
            or self.endpoint not in ("chat", "completions")
            or not isinstance(options, dict)
        ):
            return self.plain
        body = _encode({**payload, "stream_options": {**options, "include_usage": True}})
        headers = [(k, v) for k, v in self.plain.headers.raw if k.lower() != b"content-length"]
        return _with(self.plain, headers, body)

    def refused(self, response: httpx2.Response) -> bool:
        """Whether ``response`` may be a complaint about what we added to the request."""
        return self.request is not self.plain and response.status_code in _REFUSED

    def cost(self, model: str, prompt: int, completion: int) -> float:
        return cost_or_zero(model, prompt, completion, self.cache.prices)

    def answer(self, status: int, headers: httpx2.Headers, body: bytes, started: float) -> Answer:
        """What a non-streamed response says."""
        took = (self.cache.clock.monotonic() - started) * 1000
        if status == 200:
            made = answer_of(self.endpoint, body, took, self.cost)
        else:
            made = Answer(
                kind=f"openai.{self.endpoint}",
                body=b"",
                complete=False,
                why_not=f"upstream answered {status}",
                failed=status >= 500 or status in _RETRYABLE,
                took_ms=took,
            )
        made.value = Upstream(status, kept_headers(headers), body)
        return made

    def pack(self, events: list[bytes], started: float) -> Answer:
        """What a stream of SSE events says."""
        took = (self.cache.clock.monotonic() - started) * 1000
        body, why_not = assemble(self.endpoint, events)
        if why_not:
            return Answer(kind=f"openai.{self.endpoint}", body=b"", complete=False, why_not=why_not, took_ms=took)
        return answer_of(self.endpoint, body, took, self.cost)

    def unpack(self, body: bytes) -> list[Any]:
        """The SSE events of a stored answer."""
        return list(replay(self.endpoint, body, True))

    def reuse(self, answer: Answer) -> list[Any]:
        """The SSE events of another caller's answer; raises _NotAStream when it was an unsuccessful one."""
        value = answer.value
        if isinstance(value, Upstream) and value.status != 200:
            raise _NotAStream(value)
        try:
            return self.unpack(answer.body)
        except Exception as error:
            raise _NotAStream(value if isinstance(value, Upstream) else Upstream(200, [], answer.body)) from error

    def noted(self, receipt: Receipt) -> None:
        self.receipt = receipt

    def response(self, receipt: Receipt, body: bytes | None, upstream: Upstream | None) -> httpx2.Response:
        """The response for the SDK: a stored body, or what upstream said."""
        if upstream is None:
            headers = [("content-type", "application/json")]
            status, content = 200, body or b""
        else:
            headers, status, content = upstream.headers, upstream.status, upstream.body
        return httpx2.Response(
            status,
            headers=[*headers, *receipt.headers().items()],
            content=content,
            extensions={"askonce": receipt},
        )

    def stream_response(self, body: httpx2.SyncByteStream | httpx2.AsyncByteStream) -> httpx2.Response:
        receipt = self.receipt or Receipt(status="bypass")
        return httpx2.Response(
            200,
            headers=[("content-type", "text/event-stream; charset=utf-8"), *receipt.headers().items()],
            stream=body,
            extensions={"askonce": receipt},
        )

    def shown(self, event: bytes) -> bool:
        """Whether this caller sees this event."""
        return self.parsed.include_usage or self.endpoint == "responses" or not is_usage_event(event)

    def not_cached(self, error: NotCached) -> httpx2.Response:
        """``only-if-cached`` without an entry: 504, as RFC 9111 section 5.2.1.7 says."""
        body = {"error": {"message": str(error), "type": "askonce", "code": "not_cached", "param": None}}
        return httpx2.Response(
            504, headers={"x-should-retry": "false", "x-askonce-status": "miss"}, content=_encode(body)
        )


def call_for(cache: Cache, url: str, parsed: Parsed) -> Call:
    """The call of a parsed request; the URL (host, path, query) is part of its scope."""
    return cache.call(
        ["http", url, parsed.endpoint, parsed.scope],
        parsed.query,
        semantic=parsed.semantic,
        label=parsed.endpoint,
        model=parsed.model,
    )


def _may_be_cached(request: httpx2.Request) -> bool:
    return request.method == "POST" and endpoint_of(request.url.path) is not None


def _without_controls(request: httpx2.Request) -> httpx2.Request:
    headers = [(k, v) for k, v in request.headers.raw if k.decode("latin-1").lower() not in CONTROL_HEADERS]
    return request if len(headers) == len(request.headers.raw) else _with(request, headers, request.content)


def _with(request: httpx2.Request, headers: list[tuple[bytes, bytes]], body: bytes) -> httpx2.Request:
    return httpx2.Request(request.method, request.url, headers=headers, content=body, extensions=request.extensions)


def kept_headers(headers: httpx2.Headers) -> list[tuple[str, str]]:
    """Response headers that still hold once the body was read and decoded."""
    return [(k, v) for k, v in headers.multi_items() if k.lower() not in _DROPPED]


class CacheTransport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Answers OpenAI-compatible requests from a cache.

    ::

        OpenAI(http_client=httpx2.Client(transport=askonce.CacheTransport(cache)))

    Per request, headers control it: ``Cache-Control`` (``no-store``, ``no-cache``, ``only-if-cached``,
    ``max-age``), ``x-askonce-ttl``, ``x-askonce-tags``, ``x-askonce-semantic``, ``x-askonce-shadow``,
    ``x-askonce-audit``; they are not forwarded.
    Responses carry ``Cache-Status`` (RFC 9211), ``x-askonce-status``, ``x-askonce-tier`` and ``Age``, and
    the receipt in ``response.extensions["askonce"]``.

    Args:
        cache: The cache.
        transport: The transport for requests that go out; None for httpx2's own.
    """

    def __init__(self, cache: Cache, transport: httpx2.BaseTransport | httpx2.AsyncBaseTransport | None = None) -> None:
        self._cache = cache
        self._sync: Any = transport
        self._async: Any = transport
        self._no_usage: set[str] = set()  # hosts that refuse to be asked for the usage of a stream

    def _sync_next(self) -> httpx2.BaseTransport:
        if self._sync is None:
            self._sync = httpx2.HTTPTransport()
        made: httpx2.BaseTransport = self._sync
        return made

    def _async_next(self) -> httpx2.AsyncBaseTransport:
        if self._async is None:
            self._async = httpx2.AsyncHTTPTransport()
        made: httpx2.AsyncBaseTransport = self._async
        return made

    def _exchange(self, request: httpx2.Request) -> Exchange | None:
        """The exchange of a request to one of our endpoints, or None when it only passes through."""
        endpoint = endpoint_of(request.url.path)
        assert endpoint is not None
        try:
            payload = _decode(request.content)
        except msgspec.DecodeError:
            payload = None
        if not isinstance(payload, dict):
            return self._passed("the body is not a JSON object", "")
        parsed = parse(endpoint, payload)
        if parsed.refused:
            return self._passed(parsed.refused, parsed.model)
        try:
            return Exchange(self._cache, request, parsed, payload, request.url.host not in self._no_usage)
        except UncacheableCall as error:
            return self._passed(str(error), parsed.model)

    def _passed(self, why: str, model: str) -> Exchange | None:
        receipt = Receipt(status="bypass", reason=why, model=model)
        self._cache.counters.note(receipt)
        set_last(receipt)
        return None

    def _learn(self, exchange: Exchange, response: httpx2.Response) -> None:
        """Remember a server that takes the request only without our question for the usage."""
        if _is_stream(response):
            self._no_usage.add(exchange.plain.url.host)

    # -- synchronous ----------------------------------------------------------------------------------

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        exchange = None
        if _may_be_cached(request):
            request.read()
            exchange = self._exchange(request)
        if exchange is None:
            return self._sync_next().handle_request(request)
        try:
            if exchange.parsed.stream:
                return self._stream(exchange)
            return self._whole(exchange)
        except NotCached as error:
            return exchange.not_cached(error)
        except Impatient as error:
            raise httpx2.ReadTimeout(str(error), request=request) from error

    def _send(self, request: httpx2.Request) -> httpx2.Response:
        """Ask upstream. A time-out is the leader's own: a follower may have more patience."""
        try:
            return self._sync_next().handle_request(request)
        except httpx2.TimeoutException as error:
            error.leader_only = True  # type: ignore[attr-defined]
            raise

    def _whole(self, exchange: Exchange) -> httpx2.Response:
        def ask() -> Answer:
            started = self._cache.clock.monotonic()
            response = self._send(exchange.request)
            try:
                body = response.read()
            finally:
                response.close()
            return exchange.answer(response.status_code, response.headers, body, started)

        try:
            outcome, receipt = self._cache.run(exchange.call, exchange.asked, ask, exchange.patience_s)
        except _NotAStream as passed:  # another caller's stream, joined, that was refused
            return exchange.response(Receipt(status="joined", reason=str(passed)), None, passed.upstream)
        return _respond(exchange, outcome, receipt)

    def _stream(self, exchange: Exchange) -> httpx2.Response:
        def open_source() -> Iterator[bytes]:
            response = self._send(exchange.request)
            if exchange.refused(response):
                response.close()
                response = self._send(exchange.plain)
                self._learn(exchange, response)
            if not _is_stream(response):
                try:
                    body = response.read()
                finally:
                    response.close()
                raise _NotAStream(Upstream(response.status_code, kept_headers(response.headers), body))
            return _events(response)

        try:
            events = stream(self._cache, exchange.call, exchange.asked, open_source, exchange.surface)
        except _NotAStream as passed:
            return exchange.response(Receipt(status="miss", reason=str(passed)), None, passed.upstream)
        return exchange.stream_response(_SyncBody(events, exchange.shown))

    def close(self) -> None:
        """Close the wrapped transport (the cache is its owner's to close)."""
        if self._sync is not None and hasattr(self._sync, "close"):
            self._sync.close()

    # -- asynchronous -----------------------------------------------------------------------------------

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        exchange = None
        if _may_be_cached(request):
            await request.aread()
            exchange = self._exchange(request)
        if exchange is None:
            return await self._async_next().handle_async_request(request)
        try:
            if exchange.parsed.stream:
                return await self._astream(exchange)
            return await self._awhole(exchange)
        except NotCached as error:
            return exchange.not_cached(error)
        except Impatient as error:
            raise httpx2.ReadTimeout(str(error), request=request) from error

    async def _asend(self, request: httpx2.Request) -> httpx2.Response:
        try:
            return await self._async_next().handle_async_request(request)
        except httpx2.TimeoutException as error:
            error.leader_only = True  # type: ignore[attr-defined]
            raise

    async def _awhole(self, exchange: Exchange) -> httpx2.Response:
        async def ask() -> Answer:
            started = self._cache.clock.monotonic()
            response = await self._asend(exchange.request)
            try:
                body = await response.aread()
            finally:
                await response.aclose()
            return exchange.answer(response.status_code, response.headers, body, started)

        try:
            outcome, receipt = await self._cache.arun(exchange.call, exchange.asked, ask, exchange.patience_s)
        except _NotAStream as passed:
            return exchange.response(Receipt(status="joined", reason=str(passed)), None, passed.upstream)
        return _respond(exchange, outcome, receipt)

    async def _astream(self, exchange: Exchange) -> httpx2.Response:
        async def open_source() -> AsyncIterator[bytes]:
            response = await self._asend(exchange.request)
            if exchange.refused(response):
                await response.aclose()
                response = await self._asend(exchange.plain)
                self._learn(exchange, response)
            if not _is_stream(response):
                try:
                    body = await response.aread()
                finally:
                    await response.aclose()
                raise _NotAStream(Upstream(response.status_code, kept_headers(response.headers), body))
            return _aevents(response)

        try:
            events = await open_astream(self._cache, exchange.call, exchange.asked, open_source, exchange.surface)
        except _NotAStream as passed:
            return exchange.response(Receipt(status="miss", reason=str(passed)), None, passed.upstream)
        return exchange.stream_response(_AsyncBody(events, exchange.shown))

    async def aclose(self) -> None:
        """Close the wrapped transport (the cache is its owner's to close)."""
        if self._async is not None and hasattr(self._async, "aclose"):
            await self._async.aclose()


def _respond(exchange: Exchange, outcome: Any, receipt: Receipt) -> httpx2.Response:
    if outcome.found is not None:
        return exchange.response(receipt, outcome.found.entry.body, None)
    answer: Answer = outcome.answer
    value = answer.value
    return exchange.response(receipt, answer.body, value if isinstance(value, Upstream) else None)


def _is_stream(response: httpx2.Response) -> bool:
    return response.status_code == 200 and "text/event-stream" in response.headers.get("content-type", "")


def _events(response: httpx2.Response) -> Iterator[bytes]:
    splitter = EventSplitter()
    try:
        for data in response.iter_bytes():
            yield from splitter.feed(data)
        if splitter.rest():
            yield splitter.rest()
    finally:
        response.close()


async def _aevents(response: httpx2.Response) -> AsyncIterator[bytes]:
    splitter = EventSplitter()
    source = response.aiter_bytes()
    over = False
    try:
        async for data in source:
            for event in splitter.feed(data):
                over = is_terminal(event)
                yield event
        if splitter.rest():
            yield splitter.rest()
    finally:
        if over:  # HTTP/1.1 keeps a connection only when the body was read to its end
            with suppress(TimeoutError, httpx2.HTTPError, RuntimeError):
                async with asyncio.timeout(_DRAIN_S):
                    async for _ in source:
                        pass
        await response.aclose()


class _SyncBody(httpx2.SyncByteStream):
    def __init__(self, events: Iterator[bytes], shown: Callable[[bytes], bool]) -> None:
        self._events, self._shown = events, shown

    def __iter__(self) -> Iterator[bytes]:
        for event in self._events:
            if self._shown(event):
                yield event

    def close(self) -> None:
        close = getattr(self._events, "close", None)
        if close is not None:
            close()


class _AsyncBody(httpx2.AsyncByteStream):
    def __init__(self, events: AsyncIterator[bytes], shown: Callable[[bytes], bool]) -> None:
        self._events, self._shown = events, shown

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for event in self._events:
            if self._shown(event):
                yield event

    async def aclose(self) -> None:
        close = getattr(self._events, "aclose", None)
        if close is not None:
            await close()
