"""The real OpenAI SDK over an upstream that answers as told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import msgspec
from openai import AsyncOpenAI, OpenAI

from askonce import Cache, receipt_of

BASE = "http://127.0.0.1:9/v1"


class Scripted(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Upstream that answers from a function of the request; events are sent one by one."""

    def __init__(self, answer: Callable[[dict[str, Any]], httpx2.Response]) -> None:
        self.answer = answer
        self.seen: list[dict[str, Any]] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        payload = json.loads(request.read())
        self.seen.append(payload)
        return self.answer(payload)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        return self.handle_request(request)


class Events(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    def __init__(self, events: list[bytes]) -> None:
        self.events = events

    def __iter__(self) -> Iterator[bytes]:
        yield from self.events

    async def __aiter__(self) -> Any:
        for event in self.events:
            yield event


def sse(*events: Any) -> httpx2.Response:
    sent = [event if isinstance(event, bytes) else b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events]
    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=Events(sent))


DONE = b"data: [DONE]\n\n"
HEAD = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o"}


def chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": index, "delta": delta, "finish_reason": finish, **more}]}


def ask(text: str = "How do I reset my password?", **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}


def client_of(cache: Cache, upstream: Any) -> OpenAI:
    http = httpx2.Client(transport=upstream)
    return cache.wrap(OpenAI(api_key="k", base_url=BASE, http_client=http, max_retries=0))


def aclient_of(cache: Cache, upstream: Any) -> AsyncOpenAI:
    http = httpx2.AsyncClient(transport=upstream)
    return cache.wrap(AsyncOpenAI(api_key="k", base_url=BASE, http_client=http, max_retries=0))


def status(answer: Any) -> str:
    receipt = receipt_of(answer)
    assert receipt is not None
    return receipt.status


def entries(cache: Cache) -> int:
    return cache.stats().entries["memory"]


def text_of(stream: Any) -> str:
    return "".join(c.choices[0].delta.content or "" for c in stream if c.choices)
