"""Audits through the real OpenAI SDK: wrapped clients, the transport, streams, over a local service."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest
from openai import AsyncOpenAI, OpenAI

from askonce import Cache, receipt_of
from askonce.cache.audit import Audits
from askonce.upstream.local_model import LocalModel
from askonce.upstream.local_server import LocalServer

from .openai_tools import DONE, Scripted, aclient_of, ask, chunk, client_of, sse, text_of
from .vouching import question, truth, world

ALWAYS = Audits(1.0, exact_rate=0.0, tokens_per_day=None, max_concurrent=50)
CATS, MORE_CATS, DOGS = question("cats", "please"), question("cats", "now"), question("dogs", "please")


def asked_of(payload: dict[str, Any]) -> str:
    return str(payload["messages"][-1]["content"])


def upstream(payload: dict[str, Any]) -> httpx2.Response:
    """Tells the truth, streamed or whole; another identifier each time."""
    said = truth(asked_of(payload))
    if payload.get("stream"):
        return sse(*(chunk({"content": word + " "}) for word in said.split()), chunk({}, "stop"), DONE)
    return httpx2.Response(
        200,
        json={
            "id": str(id(payload)),
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-4o",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}],
            "usage": {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50},
        },
    )


def said(answer: Any) -> str:
    return str(answer.choices[0].message.content).strip()


@pytest.mark.parametrize("streamed", [False, True])
def test_a_wrapped_client_is_audited(streamed: bool) -> None:
    """Hits of a sync client are asked again with the same request; right ones are confirmed, wrong ones end."""
    with world(ALWAYS) as cache:
        service = Scripted(upstream)
        client = client_of(cache, service)

        def say(text: str) -> str:
            made: Any = client.chat.completions.create(**ask(text, stream=streamed))
            answer = text_of(made).strip() if streamed else said(made)
            assert cache.learning.wait()
            return answer

        assert [say(text) for text in (CATS, MORE_CATS)] == [truth(CATS)] * 2
        assert [asked_of(payload) for payload in service.seen] == [CATS, MORE_CATS]
        assert cache.stats().audits_agreed == 1
        assert say(DOGS) == truth(CATS)
        assert cache.stats().audits_disagreed == 1
        assert say(DOGS) == truth(DOGS)
        if not streamed:
            assert cache.stats().audit_tokens == 100


@pytest.mark.parametrize("streamed", [False, True])
def test_an_async_wrapped_client_is_audited(streamed: bool) -> None:
    """The same on an event loop."""

    async def main(cache: Cache) -> None:
        client = aclient_of(cache, Scripted(upstream))
        auditor = cache.learning.auditor
        assert auditor is not None

        async def say(text: str) -> str:
            made: Any = await client.chat.completions.create(**ask(text, stream=streamed))
            if streamed:
                answer = "".join([c.choices[0].delta.content or "" async for c in made if c.choices]).strip()
            else:
                answer = said(made)
            assert await auditor.await_idle()
            return answer

        assert [await say(text) for text in (CATS, MORE_CATS, DOGS)] == [truth(CATS)] * 3
        stats = cache.stats()
        assert (stats.audits_agreed, stats.audits_disagreed) == (1, 1)
        assert await say(DOGS) == truth(DOGS)

    with world(ALWAYS) as cache:
        asyncio.run(main(cache))


def test_an_audit_sees_what_the_caller_asked_and_nothing_of_the_controls() -> None:
    """The request of an audit is the caller's, without the headers that speak to the cache; ``x-askonce-audit: off``
    keeps a call from being audited."""
    with world(ALWAYS) as cache:
        service = Scripted(upstream)
        client = client_of(cache, service)
        client.chat.completions.create(**ask(CATS))
        hit = client.chat.completions.create(**ask(MORE_CATS), extra_headers={"x-askonce-audit": "off"})
        found = receipt_of(hit)
        assert found is not None
        assert (found.tier, found.audited, len(service.seen)) == ("semantic", False, 1)
        hit = client.chat.completions.create(**ask(MORE_CATS), extra_headers={"x-askonce-tags": "zoo"})
        assert cache.learning.wait()
        found = receipt_of(hit)
        assert found is not None
        assert found.audited
        assert service.seen[1] == {**ask(MORE_CATS)}


def test_a_refused_audit_is_nobodys_error() -> None:
    """Upstream's 429 to an audit reaches nobody, is not stored, and costs no answer."""
    refusing = False

    def answer(payload: dict[str, Any]) -> httpx2.Response:
        return httpx2.Response(429, json={"error": {"message": "slow down"}}) if refusing else upstream(payload)

    with world(ALWAYS) as cache:
        client = client_of(cache, Scripted(answer))
        client.chat.completions.create(**ask(CATS))
        refusing = True
        assert said(client.chat.completions.create(**ask(MORE_CATS))) == truth(CATS)
        assert cache.learning.wait()
        stats = cache.stats()
        assert (stats.audits, stats.audits_failed, stats.entries["memory"]) == (0, 1, 1)


def test_tool_calls_are_compared_by_what_they_do() -> None:
    """A fresh answer that calls a tool where text was served disagrees."""

    def answer(payload: dict[str, Any]) -> httpx2.Response:
        made = upstream(payload)
        if "dogs" not in asked_of(payload):
            return made
        data = json.loads(made.content)
        call = {"id": "c1", "type": "function", "function": {"name": "count", "arguments": "{}"}}
        data["choices"][0] |= {"finish_reason": "tool_calls", "message": {"role": "assistant", "tool_calls": [call]}}
        return httpx2.Response(200, json=data)

    with world(ALWAYS) as cache:
        client = client_of(cache, Scripted(answer))
        for text in (CATS, DOGS):
            client.chat.completions.create(**ask(text))
        assert cache.learning.wait()
        assert cache.stats().audits_disagreed == 1


def test_audits_over_real_http() -> None:
    """Against a real server, from both clients of one cache; the server sees one call more per audited hit."""
    with LocalServer(LocalModel()) as server, world(Audits(1.0, judge=lambda *texts: True)) as cache:
        client = cache.wrap(OpenAI(base_url=server.base_url, api_key="local", max_retries=0))
        for text in (CATS, MORE_CATS):
            client.chat.completions.create(**ask(text))
        assert cache.learning.wait(30)
        assert cache.stats().audits_agreed == 1

        async def more() -> None:
            other = cache.wrap(AsyncOpenAI(base_url=server.base_url, api_key="local", max_retries=0))
            hit = await other.chat.completions.create(**ask(question("cats", "today")))
            found = receipt_of(hit)
            assert found is not None
            assert found.audited
            auditor = cache.learning.auditor
            assert auditor is not None
            assert await auditor.await_idle(30)
            await other.close()

        asyncio.run(more())
        stats = cache.stats()
        assert (stats.audits_agreed, stats.misses, stats.hits["semantic"]) == (2, 1, 2)
        client.close()
