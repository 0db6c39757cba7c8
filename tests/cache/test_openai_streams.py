"""Streams through the real OpenAI SDK: what it makes of a replay is what it makes of the live stream."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from askonce import Cache, CacheTransport, controls, receipt_of
from askonce.upstream.local_model import Fault, LocalModel

from .openai_tools import (
    BASE,
    DONE,
    HEAD,
    Scripted,
    aclient_of,
    ask,
    chunk,
    client_of,
    entries,
    sse,
    status,
    text_of,
)

# -- what the SDK makes of a replay --------------------------------------------------------------------


LOGPROBS = {"content": [{"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}], "refusal": None}


def test_several_choices_with_log_probabilities(cache: Cache) -> None:
    """``n=2`` with ``logprobs``: live stream, replayed stream and whole answer are one answer."""
    upstream = Scripted(
        lambda payload: sse(
            chunk({"role": "assistant", "content": ""}),
            chunk({"role": "assistant", "content": ""}, index=1),
            chunk({"content": "Hi"}, logprobs=LOGPROBS),
            chunk({"content": "Ho"}, index=1, logprobs=LOGPROBS),
            chunk({}, "stop"),
            chunk({}, "stop", index=1),
            {**HEAD, "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}},
            DONE,
        )
    )
    client = client_of(cache, upstream)
    question = ask(n=2, logprobs=True)

    def final() -> Any:
        with client.chat.completions.stream(**question, stream_options={"include_usage": True}) as stream:
            return stream.get_final_completion()

    live, replayed = final(), final()
    assert live.model_dump() == replayed.model_dump()
    whole = client.chat.completions.create(**question)
    assert [c.message.content for c in whole.choices] == ["Hi", "Ho"]
    assert whole.choices[1].logprobs is not None
    assert whole.choices[1].logprobs.model_dump(exclude_unset=True) == LOGPROBS
    assert whole.usage is not None
    assert whole.usage.total_tokens == 5
    assert len(upstream.seen) == 1


class Person(BaseModel):
    name: str
    age: int


def events_of(client: OpenAI, question: dict[str, Any]) -> list[str]:
    with client.chat.completions.stream(**question) as stream:
        return [event.type for event in stream]


def test_the_stream_helper_gives_the_same_events_and_the_same_object(client: OpenAI, model: LocalModel) -> None:
    """``.stream(response_format=...)`` parses a replay into the same object, by the same kinds of event."""
    question = ask(response_format=Person)
    with client.chat.completions.stream(**question) as stream:
        live = stream.get_final_completion()
    with client.chat.completions.stream(**question) as stream:
        replayed = stream.get_final_completion()
    assert isinstance(live.choices[0].message.parsed, Person)
    assert live.choices[0].message.parsed == replayed.choices[0].message.parsed
    kinds = set(events_of(client, question))
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert client.chat.completions.parse(**question).choices[0].message.parsed == live.choices[0].message.parsed
    assert model.calls == 1


def test_a_refusal_is_replayed_as_one(cache: Cache) -> None:
    """A refusal streamed by the model comes back as a refusal, streamed and whole."""
    upstream = Scripted(
        lambda payload: sse(
            chunk({"role": "assistant", "content": None, "refusal": ""}),
            chunk({"refusal": "I can"}),
            chunk({"refusal": "not."}),
            chunk({}, "stop"),
            DONE,
        )
    )
    client = client_of(cache, upstream)
    for _ in range(2):
        with client.chat.completions.stream(**ask()) as stream:
            assert stream.get_final_completion().choices[0].message.refusal == "I cannot."
    assert client.chat.completions.create(**ask()).choices[0].message.refusal == "I cannot."
    assert len(upstream.seen) == 1


TOOLS: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]


def test_parallel_tool_calls_are_replayed(cache: Cache) -> None:
    """Two tool calls with arguments in pieces: ids, names, arguments and order survive."""
    upstream = Scripted(
        lambda payload: sse(
            chunk({"role": "assistant", "content": None}),
            *(
                chunk({"tool_calls": [{"index": i, "id": f"t{i}", "type": "function",
                                       "function": {"name": f"f{i}", "arguments": ""}}]})
                for i in range(2)
            ),
            *(
                chunk({"tool_calls": [{"index": i, "function": {"arguments": piece}}]})
                for piece in ('{"a":', "1}")
                for i in range(2)
            ),
            chunk({}, "tool_calls"),
            DONE,
        )
    )  # fmt: skip
    client = client_of(cache, upstream)
    expected = [("t0", "f0", '{"a":1}'), ("t1", "f1", '{"a":1}')]
    for _ in range(2):
        with client.chat.completions.stream(**ask(tools=TOOLS)) as stream:
            calls = stream.get_final_completion().choices[0].message.tool_calls or []
        assert [(c.id, c.function.name, c.function.arguments) for c in calls] == expected
    whole: Any = client.chat.completions.create(**ask(tools=TOOLS)).choices[0].message.tool_calls
    assert [(c.id, c.function.name, c.function.arguments) for c in whole] == expected
    assert len(upstream.seen) == 1


RESPONSE = {
    "id": "r1", "object": "response", "created_at": 1, "status": "completed", "model": "gpt-5", "error": None,
    "incomplete_details": None, "instructions": None, "metadata": {}, "parallel_tool_calls": True, "temperature": 1.0,
    "tool_choice": "auto", "tools": [], "top_p": 1.0,
    "usage": {"input_tokens": 3, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 4,
              "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 7},
    "output": [
        {"id": "rs", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Because."}]},
        {"id": "msg", "type": "message", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "é 中 " * 30, "annotations": [], "logprobs": []}]},
        {"id": "fc", "type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}',
         "status": "completed"},
        {"id": "ct", "type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "free text"},
    ],
}  # fmt: skip


def test_a_whole_response_is_replayed_as_events(cache: Cache) -> None:
    """Reasoning, text, function and custom tool calls: the SDK rebuilds the response from the replayed events."""
    upstream = Scripted(lambda payload: httpx2.Response(200, json=RESPONSE))
    client = client_of(cache, upstream)
    whole = client.responses.create(model="gpt-5", input="hello")
    with client.responses.stream(model="gpt-5", input="hello") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert final.output_text == whole.output_text
    assert [item.type for item in final.output] == [item.type for item in whole.output]
    assert final.usage == whole.usage
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert kinds.count("response.output_item.done") == 4
    for kind in ("reasoning_summary_text.done", "function_call_arguments.done", "custom_tool_call_input.done"):
        assert f"response.{kind}" in kinds
    assert len(upstream.seen) == 1


def test_legacy_completions_both_ways(client: OpenAI, model: LocalModel) -> None:
    """The legacy endpoint streams what it stored whole and the other way round."""
    question: dict[str, Any] = {"model": "gpt-3.5-turbo-instruct", "prompt": "hello"}
    streamed = "".join(c.choices[0].text for c in client.completions.create(stream=True, **question) if c.choices)
    assert client.completions.create(**question).choices[0].text == streamed
    other = {**question, "prompt": "whole first"}
    whole = client.completions.create(**other).choices[0]
    replay = [c for c in client.completions.create(stream=True, **other) if c.choices]
    assert "".join(c.choices[0].text for c in replay) == whole.text
    assert replay[-1].choices[0].finish_reason == whole.finish_reason
    assert model.calls == 2


def test_streams_by_other_ways_into_the_sdk(client: OpenAI, model: LocalModel) -> None:
    """Raw and streaming responses, and a copy of the client, are served from the cache too."""
    client.chat.completions.create(**ask())
    raw = client.chat.completions.with_raw_response.create(stream=True, **ask())
    assert raw.headers["x-askonce-status"] == "hit"
    assert text_of(raw.parse())
    with client.chat.completions.with_streaming_response.create(stream=True, **ask()) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert list(response.iter_lines())[-2:] == ["data: [DONE]", ""]
    assert client.with_raw_response.chat.completions.create(**ask()).headers["x-askonce-status"] == "hit"
    assert text_of(client.with_options(timeout=5).chat.completions.create(stream=True, **ask()))
    assert model.calls == 1


# -- what is never stored -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "events",
    [
        [chunk({"content": "half"}), chunk({}, "length"), DONE],
        [chunk({"content": "half"}), chunk({}, "content_filter"), DONE],
        [chunk({"content": "half"}), chunk({}, None), DONE],
        [chunk({"content": "whole"}), chunk({}, "stop")],
        [chunk({"content": "one"}), chunk({"content": "two"}, index=1), chunk({}, "stop"), DONE],
        [chunk({"content": "half"})],
        [DONE],
        [],
        [b": comment\n\n"],
    ],
)
def test_an_unfinished_stream_is_passed_on_and_never_stored(cache: Cache, events: list[Any]) -> None:
    """Cut by length, by a filter, by the line, or never finished: the caller has what came, the cache nothing."""
    upstream = Scripted(lambda payload: sse(*events))
    client = client_of(cache, upstream)
    got = [c.choices[0].delta.content for c in client.chat.completions.create(stream=True, **ask()) if c.choices]
    sent = [e["choices"][0]["delta"].get("content") for e in events if isinstance(e, dict)]
    assert got == sent
    assert (entries(cache), len(cache.flights)) == (0, 0)
    list(client.chat.completions.create(stream=True, **ask()))
    assert len(upstream.seen) == 2


@pytest.mark.parametrize("kind", ["cut", "stream_error"])
@pytest.mark.parametrize("endpoint", ["chat", "responses"])
def test_broken_async_streams_are_never_stored(
    aclient: AsyncOpenAI, cache: Cache, model: LocalModel, kind: Any, endpoint: str
) -> None:
    """A line that drops and an error event, on an event loop, in both APIs: the error is the caller's alone."""

    async def main() -> None:
        model.inject(Fault(kind))
        stream: Any
        if endpoint == "chat":
            stream = await aclient.chat.completions.create(stream=True, **ask())
        else:
            stream = await aclient.responses.create(stream=True, model="gpt-4o", input="hello")
        kinds = []
        try:
            async for event in stream:
                kinds.append(getattr(event, "type", "chunk"))
        except (openai.APIError, httpx2.HTTPError):
            kinds.append("error")
        assert kinds[-1] == "error"
        await stream.close()
        assert (entries(cache), len(cache.flights)) == (0, 0)

    asyncio.run(main())


def test_an_incomplete_response_is_never_stored(client: OpenAI, cache: Cache, model: LocalModel) -> None:
    """``response.incomplete`` ends the stream and is no answer."""
    model.inject(Fault("length"))
    events = list(client.responses.create(stream=True, model="gpt-4o", input="hello"))
    assert events[-1].type == "response.incomplete"
    assert (entries(cache), len(cache.flights)) == (0, 0)


@pytest.mark.parametrize("how", ["close", "break", "drop"])
def test_a_stream_left_early_is_never_stored(client: OpenAI, cache: Cache, how: str) -> None:
    """Closing, leaving the loop, or forgetting the stream ends the flight and stores nothing."""
    stream: Any = client.chat.completions.create(stream=True, **ask())
    for _ in stream:
        break
    if how == "close":
        stream.close()
    del stream, _
    import gc

    gc.collect()
    assert (entries(cache), len(cache.flights)) == (0, 0)
    assert text_of(client.chat.completions.create(stream=True, **ask()))
    assert entries(cache) == 1


# -- the request for usage ------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [400, 422])
def test_a_server_that_knows_no_usage_is_asked_without(cache: Cache, code: int) -> None:
    """A server that refuses ``stream_options`` costs one retry, once; the stream works, and is cached."""

    def answer(payload: dict[str, Any]) -> httpx2.Response:
        if "stream_options" in payload:
            return httpx2.Response(code, json={"error": {"message": "unknown field stream_options"}})
        return sse(chunk({"role": "assistant", "content": "fine"}), chunk({}, "stop"), DONE)

    upstream = Scripted(answer)
    client = client_of(cache, upstream)
    assert text_of(client.chat.completions.create(stream=True, **ask("one"))) == "fine"
    assert ["stream_options" in payload for payload in upstream.seen] == [True, False]
    assert text_of(client.chat.completions.create(stream=True, **ask("two"))) == "fine"
    assert ["stream_options" in payload for payload in upstream.seen] == [True, False, False]
    assert text_of(client.chat.completions.create(stream=True, **ask("one"))) == "fine"
    assert len(upstream.seen) == 3

    async def main() -> None:
        aclient = aclient_of(cache, upstream)
        stream = await aclient.chat.completions.create(stream=True, **ask("three"))
        assert "".join([c.choices[0].delta.content or "" async for c in stream if c.choices]) == "fine"
        assert ["stream_options" in payload for payload in upstream.seen[3:]] == [True, False]

    asyncio.run(main())


def test_a_bad_request_is_reported_as_it_is(cache: Cache) -> None:
    """A 400 that has nothing to do with us is the caller's, unchanged, and nothing is remembered of the server."""
    upstream = Scripted(lambda payload: httpx2.Response(400, json={"error": {"message": "bad model"}}))
    client = client_of(cache, upstream)
    with pytest.raises(openai.BadRequestError, match="bad model"):
        client.chat.completions.create(stream=True, **ask())
    with pytest.raises(openai.BadRequestError, match="bad model"):
        client.chat.completions.create(stream=True, stream_options={"include_usage": True}, **ask("mine"))
    assert [payload.get("stream_options") for payload in upstream.seen] == [
        {"include_usage": True},
        None,
        {"include_usage": True},
    ]


# -- requests that cannot have a key ---------------------------------------------------------------------------


@pytest.mark.parametrize("odd", [{"seed": 2**70}, {"stop": "\ud800"}])
def test_a_request_without_a_key_passes_through(cache: Cache, odd: dict[str, Any]) -> None:
    """What no key can hold goes to the provider as it would without a cache."""
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": []}
    upstream = Scripted(lambda payload: httpx2.Response(200, json=body))
    http = httpx2.Client(transport=CacheTransport(cache, upstream))
    response = http.post(f"{BASE}/chat/completions", content=json.dumps({**ask(), **odd}).encode())
    assert response.status_code == 200
    assert upstream.seen == [{**ask(), **odd}]
    assert cache.stats().bypass == 1


def test_a_bypassed_answer_does_not_carry_an_older_receipt(client: OpenAI) -> None:
    """The receipt of a request that is not cached says bypass, not what the call before it was."""
    client.chat.completions.create(**ask())
    assert status(client.chat.completions.create(**ask())) == "hit"
    bypassed = client.chat.completions.create(**ask(), extra_body={"plugins": [{"id": "web"}]})
    receipt = receipt_of(bypassed)
    assert receipt is not None
    assert (receipt.status, "plugins" in receipt.reason) == ("bypass", True)


def test_a_closed_cache_passes_everything_through(cache: Cache, client: OpenAI, model: LocalModel) -> None:
    """After close() the client works on, uncached: whole, streamed, and under controls."""
    client.chat.completions.create(**ask())
    cache.close()
    assert client.chat.completions.create(**ask()).choices[0].message.content
    assert text_of(client.chat.completions.create(stream=True, **ask()))
    with controls(refresh=True):
        assert client.chat.completions.create(**ask()).choices[0].message.content
    assert model.calls == 4
