"""``cache.wrap(client)``: an OpenAI client of the same type whose calls are answered from the cache.

Two layers. Below, the client's HTTP traffic goes through :class:`CacheTransport`, so everything the SDK
does (``parse``, streams, raw responses, retries) sees cached answers. Above, ``create`` methods look in
the memory tier before the SDK does any work: an SDK call costs close to a millisecond even when the
network takes no time at all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import httpx2

from ..errors import ConfigError, MissingExtra, UncacheableCall
from .controls import current
from .openai_payload import parse
from .receipt import Receipt, attach, last_receipt
from .transport import CacheTransport, call_for

if TYPE_CHECKING:
    from .core import Cache

C = TypeVar("C")

# Arguments of create() that are not part of the JSON body.
_OPTIONS = frozenset({"extra_headers", "extra_query", "extra_body", "timeout"})


class _SyncThrough(httpx2.BaseTransport):
    """Sends through the client's own HTTP client: its proxies, hooks, certificates and pool."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = self._client.send(request, stream=True, auth=None)
        return httpx2.Response(
            response.status_code,
            headers=response.headers.raw,
            stream=_Closing(response),
            extensions=response.extensions,
        )

    def close(self) -> None:
        self._client.close()


class _Closing(httpx2.SyncByteStream):
    def __init__(self, response: httpx2.Response) -> None:
        self._response = response

    def __iter__(self) -> Any:
        stream: Any = self._response.stream  # the raw bytes, also of a response made from content
        return iter(stream)

    def close(self) -> None:
        self._response.close()


class _AsyncThrough(httpx2.AsyncBaseTransport):
    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._client.send(request, stream=True, auth=None)
        return httpx2.Response(
            response.status_code,
            headers=response.headers.raw,
            stream=_AsyncClosing(response),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._client.aclose()


class _AsyncClosing(httpx2.AsyncByteStream):
    def __init__(self, response: httpx2.Response) -> None:
        self._response = response

    def __aiter__(self) -> Any:
        stream: Any = self._response.stream
        return aiter(stream)

    async def aclose(self) -> None:
        await self._response.aclose()


def wrap(cache: Cache, client: C) -> C:
    """See :meth:`Cache.wrap`. The given client is left as it is; both share one connection pool, so close
    one of them, last.

    Raises:
        ConfigError: ``client`` is not an ``OpenAI`` or ``AsyncOpenAI`` (or a subclass, as ``AzureOpenAI``).
    """
    try:
        import openai
    except ImportError as error:
        raise MissingExtra("openai", "openai", "wrapping a client") from error
    if not isinstance(client, openai.OpenAI | openai.AsyncOpenAI):
        raise ConfigError(
            f"cannot wrap a {type(client).__name__}: give an OpenAI or AsyncOpenAI client (openai 3 or newer), or use "
            "CacheTransport with an SDK that takes an httpx2 client"
        )
    inner: Any = client._client
    if isinstance(inner, httpx2.Client):
        http: Any = httpx2.Client(
            transport=CacheTransport(cache, _SyncThrough(inner)),
            timeout=inner.timeout, headers=inner.headers, cookies=inner.cookies, trust_env=False,
        )  # fmt: skip
    elif isinstance(inner, httpx2.AsyncClient):
        http = httpx2.AsyncClient(
            transport=CacheTransport(cache, _AsyncThrough(inner)),
            timeout=inner.timeout, headers=inner.headers, cookies=inner.cookies, trust_env=False,
        )  # fmt: skip
    else:
        raise ConfigError(
            "the client stands on a legacy httpx client; build it with an httpx2 client (openai 3's default)",
            setting="http_client",
        )
    wrapped: Any = client.copy(http_client=http)
    _shortcut(cache, wrapped, isinstance(client, openai.AsyncOpenAI))
    made: C = wrapped
    return made


def _shortcut(cache: Cache, client: Any, is_async: bool) -> None:
    """Look in the memory tier before the SDK starts working."""
    from openai.types import Completion, CreateEmbeddingResponse
    from openai.types.chat import ChatCompletion
    from openai.types.responses import Response

    base = str(client.base_url).rstrip("/")
    for resource, endpoint, path, shape in (
        (client.chat.completions, "chat", "/chat/completions", ChatCompletion),
        (client.responses, "responses", "/responses", Response),
        (client.completions, "completions", "/completions", Completion),
        (client.embeddings, "embeddings", "/embeddings", CreateEmbeddingResponse),
    ):
        peek = _Peek(cache, endpoint, base + path, shape)
        make = _async_create if is_async else _sync_create
        # with_raw_response and with_streaming_response read `create` when made: they wrap the original,
        # and the transport serves them.
        _ = resource.with_raw_response, resource.with_streaming_response
        resource.create = make(peek, resource.create)
        if hasattr(resource, "parse"):
            resource.parse = (_async_noted if is_async else _sync_noted)(resource.parse)
    # A changed copy keeps the caching transport, but its resources are new.
    client.copy = client.with_options = _copying(cache, client.copy, is_async)


def _copying(cache: Cache, copy: Callable[..., Any], is_async: bool) -> Callable[..., Any]:
    @functools.wraps(copy)
    def copying(**changes: Any) -> Any:
        made = copy(**changes)
        if changes.get("http_client") is not None:
            return wrap(cache, made)
        _shortcut(cache, made, is_async)
        return made

    return copying


class _Peek:
    """Finds the answer to ``create(**arguments)`` in the memory tier."""

    def __init__(self, cache: Cache, endpoint: str, url: str, shape: Any) -> None:
        self._cache = cache
        self._endpoint = endpoint
        self._url = url
        self._shape = shape

    def __call__(self, arguments: Mapping[str, Any]) -> Any:
        """The SDK object, or None: not there, or the SDK has to decide."""
        started = self._cache.clock.monotonic()
        if current() is not None or arguments.get("stream") or not _OPTIONS.isdisjoint(arguments):
            return None
        if self._endpoint == "embeddings":
            return None  # the SDK rewrites the request (base64); the transport serves it
        payload = {k: v for k, v in arguments.items() if not _omitted(v)}
        parsed = parse(self._endpoint, payload)
        if parsed.refused:
            return None
        try:
            call = call_for(self._cache, self._url, parsed)
        except UncacheableCall:
            return None
        entry = self._cache.peek(call.key)
        if entry is None:
            return None
        try:
            answer = self._shape.model_validate_json(entry.body)
        except ValueError:
            return None
        attach(answer, self._cache.memory_receipt(entry, started))
        return answer


def _omitted(value: Any) -> bool:
    """The SDK's marks for an argument that was not given."""
    return type(value).__module__ == "openai._types"


def _noted(answer: Any, before: Receipt | None) -> Any:
    """``answer`` with the receipt its request left, if it left one."""
    receipt = last_receipt()
    if receipt is not None and receipt is not before:
        attach(answer, receipt)
    return answer


def _sync_noted(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def noted(**arguments: Any) -> Any:
        before = last_receipt()
        return _noted(call(**arguments), before)

    return noted


def _async_noted(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    async def noted(**arguments: Any) -> Any:
        before = last_receipt()
        return _noted(await call(**arguments), before)

    return noted


def _sync_create(peek: _Peek, create: Callable[..., Any]) -> Callable[..., Any]:
    create = _sync_noted(create)

    @functools.wraps(create)
    def shortcut(**arguments: Any) -> Any:
        answer = peek(arguments)
        return create(**arguments) if answer is None else answer

    return shortcut


def _async_create(peek: _Peek, create: Callable[..., Any]) -> Callable[..., Any]:
    create = _async_noted(create)

    @functools.wraps(create)
    async def shortcut(**arguments: Any) -> Any:
        answer = peek(arguments)
        return await create(**arguments) if answer is None else answer

    return shortcut
