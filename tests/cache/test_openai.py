"""The wrapped client and the transport, with the real OpenAI SDK over a local service."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from askonce import Cache, CacheTransport, ConfigError, UncacheableCall, controls, receipt_of
from askonce.upstream.local_model import Fault, Latency, LocalModel
from askonce.upstream.local_transport import LocalTransport

BASE = "http://127.0.0.1:9/v1"


@pytest.fixture
def model() -> LocalModel:
    return LocalModel()


@pytest.fixture
def plain(model: LocalModel) -> OpenAI:
    http = httpx2.Client(transport=LocalTransport(model, instant=True))
    return OpenAI(api_key="sk-test", base_url=BASE, http_client=http, max_retries=0)


@pytest.fixture
def client(cache: Cache, plain: OpenAI) -> OpenAI:
    return cache.wrap(plain)


@pytest.fixture
def aclient(cache: Cache, model: LocalModel) -> AsyncOpenAI:
    http = httpx2.AsyncClient(transport=LocalTransport(model, instant=True))
    return cache.wrap(AsyncOpenAI(api_key="sk-test", base_url=BASE, http_client=http, max_retries=0))


def ask(text: str = "How do I reset my password?", **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **more}


def text_of(stream: Any) -> str:
    return "".join(c.choices[0].delta.content or "" for c in stream if c.choices)


def status(answer: Any) -> str:
    receipt = receipt_of(answer)
    assert receipt is not None
    return receipt.status


def test_wrap_keeps_the_type_and_serves_the_second_call(client: OpenAI, plain: OpenAI, model: LocalModel) -> None:
    """A wrapped client is of the same type; the second identical call is equal and costs nothing."""
    assert type(client) is type(plain)
    first, second = client.chat.completions.create(**ask()), client.chat.completions.create(**ask())
    assert first == second
    assert first.model_dump() == second.model_dump()
    assert (status(first), status(second), model.calls) == ("miss", "hit", 1)
    receipt = receipt_of(second)
    assert receipt is not None
    assert first.usage is not None
    assert receipt.tokens_saved == first.usage.total_tokens
    assert receipt.money_saved > 0


def test_streams_and_whole_answers_serve_each_other(client: OpenAI, model: LocalModel) -> None:
    """A streamed answer serves a plain call and the other way round, word for word, usage included."""
    streamed = text_of(client.chat.completions.create(stream=True, **ask("first as a stream")))
    whole = client.chat.completions.create(**ask("first as a stream"))
    assert whole.choices[0].message.content == streamed
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage is not None
    assert whole.usage.total_tokens > 0
    other = client.chat.completions.create(**ask("first whole"))
    replay = list(
        client.chat.completions.create(stream=True, stream_options={"include_usage": True}, **ask("first whole"))
    )
    assert text_of(replay) == other.choices[0].message.content
    assert replay[-1].usage == other.usage
    assert model.calls == 2


def test_usage_chunk_only_for_those_who_ask(client: OpenAI) -> None:
    """The usage chunk that the cache asks for itself is not shown to a caller who did not ask."""
    for _ in range(2):
        assert all(c.choices for c in client.chat.completions.create(stream=True, **ask()))
        shown = list(client.chat.completions.create(stream=True, stream_options={"include_usage": True}, **ask()))
        assert shown[-1].usage is not None


def test_raw_responses_carry_the_marks(client: OpenAI) -> None:
    """``with_raw_response`` shows Cache-Status, tier and age in headers."""
    client.chat.completions.create(**ask())
    raw = client.chat.completions.with_raw_response.create(**ask())
    assert raw.headers["x-askonce-status"] == "hit"
    assert raw.headers["x-askonce-tier"] == "memory"
    assert raw.headers["cache-status"].startswith("askonce; hit")
    assert raw.parse().choices[0].message.content


def test_parse_gives_the_same_object(client: OpenAI, model: LocalModel) -> None:
    """``parse`` rebuilds the pydantic object from the stored answer."""

    class Person(BaseModel):
        name: str
        age: int

    first, second = (client.chat.completions.parse(response_format=Person, **ask()) for _ in range(2))
    assert first.choices[0].message.parsed == second.choices[0].message.parsed
    assert isinstance(second.choices[0].message.parsed, Person)
    assert model.calls == 1


TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


def test_tool_calls_survive_both_ways(client: OpenAI, model: LocalModel) -> None:
    """A tool call is stored and replayed whole and streamed, arguments and ids intact."""
    question = ask("Use get_weather for Paris", tools=TOOLS)
    whole = client.chat.completions.create(**question)
    calls = whole.choices[0].message.tool_calls
    assert calls
    assert client.chat.completions.create(**question) == whole
    with client.chat.completions.stream(**question) as stream:
        final = stream.get_final_completion()
    again = final.choices[0].message.tool_calls
    assert again
    assert (again[0].id, again[0].function.arguments) == (calls[0].id, calls[0].function.arguments)  # type: ignore[union-attr]
    assert final.choices[0].finish_reason == "tool_calls"
    assert model.calls == 1


def test_responses_embeddings_and_completions(client: OpenAI, model: LocalModel) -> None:
    """The other endpoints hit too, streamed and whole."""
    one, two = (client.responses.create(model="gpt-4o-mini", input="hello") for _ in range(2))
    assert one.output_text == two.output_text
    assert status(two) == "hit"
    events = list(client.responses.create(model="gpt-4o-mini", input="hello", stream=True))
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == one.output_text
    with client.responses.stream(model="gpt-4o-mini", input="hello") as stream:
        stream.until_done()
        assert stream.get_final_response().output_text == one.output_text
    vectors = [client.embeddings.create(model="text-embedding-3-small", input=["a", "b"]) for _ in range(2)]
    assert vectors[0].data[1].embedding == vectors[1].data[1].embedding
    assert status(vectors[1]) == "hit"
    texts = [
        client.completions.create(model="gpt-3.5-turbo-instruct", prompt="hello").choices[0].text for _ in range(2)
    ]
    assert texts[0] == texts[1]
    assert model.calls == 3


def test_fields_that_do_not_shape_the_answer_stay_out_of_the_key(client: OpenAI, model: LocalModel) -> None:
    """user, metadata, store, service_tier and cache hints never separate two calls."""
    client.chat.completions.create(**ask())
    client.chat.completions.create(**ask(user="u1", metadata={"a": "b"}, store=False, service_tier="auto"))
    client.chat.completions.create(**ask(safety_identifier="x", prompt_cache_key="y"))
    assert model.calls == 1


@pytest.mark.parametrize(
    "other",
    [
        {"model": "gpt-4o"},
        {"temperature": 0.5},
        {"max_tokens": 5000},
        {"seed": 1},
        {"n": 2},
        {"tools": TOOLS},
        {"response_format": {"type": "json_object"}},
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "How do I reset my password?"},
            ]
        },
        {"messages": [{"role": "user", "content": "how do I reset my password?"}]},
    ],
)
def test_everything_that_shapes_the_answer_separates(client: OpenAI, model: LocalModel, other: dict[str, Any]) -> None:
    """Another model, parameter, system prompt, tool or wording is another call."""
    client.chat.completions.create(**ask())
    client.chat.completions.create(**{**ask(), **other})
    assert model.calls == 2


@pytest.mark.parametrize(
    "field",
    [
        {"previous_response_id": "resp_1"},
        {"conversation": "conv_1"},
        {"background": True},
        {"tools": [{"type": "web_search"}]},
    ],
)
def test_what_depends_on_the_provider_is_not_cached(client: OpenAI, cache: Cache, field: dict[str, Any]) -> None:
    """Chained, background and server-tool requests pass through: nothing is read or stored."""
    raw = client.responses.with_raw_response.create(model="gpt-4o-mini", input="hello", **field)
    assert "x-askonce-status" not in raw.headers
    assert cache.stats().bypass == 1
    assert cache.stats().entries["memory"] == 0


def test_errors_reach_the_sdk_and_are_never_stored(client: OpenAI, cache: Cache, model: LocalModel) -> None:
    """A 500, a 429 and a truncated answer are the caller's as they are; the next call asks again."""
    model.inject(Fault("status", 500))
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(**ask())
    model.inject(Fault("status", 429))
    with pytest.raises(openai.RateLimitError):
        text_of(client.chat.completions.create(stream=True, **ask()))
    model.inject(Fault("length"))
    cut = client.chat.completions.create(**ask())
    assert cut.choices[0].finish_reason == "length"
    assert cache.stats().entries["memory"] == 0
    assert status(client.chat.completions.create(**ask())) == "miss"
    assert status(client.chat.completions.create(**ask())) == "hit"


@pytest.mark.parametrize("kind", ["cut", "stream_error"])
def test_a_broken_stream_is_never_stored(client: OpenAI, cache: Cache, model: LocalModel, kind: Any) -> None:
    """A stream that stops early or carries an error leaves nothing behind."""
    model.inject(Fault(kind))
    with pytest.raises((openai.APIError, httpx2.HTTPError)):
        text_of(client.chat.completions.create(stream=True, **ask()))
    assert cache.stats().entries["memory"] == 0
    assert status(client.chat.completions.create(**ask())) == "miss"


def test_controls_by_header_and_by_block(client: OpenAI, model: LocalModel) -> None:
    """Cache-Control on a request and controls() around it mean the same, and are not forwarded."""
    client.chat.completions.create(**ask())
    client.chat.completions.create(**ask(), extra_headers={"Cache-Control": "no-store"})
    with controls(refresh=True):
        client.chat.completions.create(**ask())
    assert model.calls == 3
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(**ask("never asked"), extra_headers={"Cache-Control": "only-if-cached"})
    assert caught.value.status_code == 504
    assert model.calls == 3


def test_identical_concurrent_calls_share_one_upstream_call(cache: Cache) -> None:
    """Threads that ask the same at once cost one call, streams too."""
    model = LocalModel(latency=Latency(0.1, 0.001))
    plain = OpenAI(
        api_key="k", base_url=BASE, max_retries=0, http_client=httpx2.Client(transport=LocalTransport(model))
    )
    client = cache.wrap(plain)
    texts: list[str] = []
    threads = [
        threading.Thread(target=lambda: texts.append(text_of(client.chat.completions.create(stream=True, **ask()))))
        for _ in range(4)
    ]
    threads += [
        threading.Thread(
            target=lambda: texts.append(client.chat.completions.create(**ask()).choices[0].message.content or "")
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert model.calls == 1
    assert len(texts) == 8
    assert len(set(texts)) == 1


def test_async_client(aclient: AsyncOpenAI, model: LocalModel) -> None:
    """The asynchronous client obeys the same laws: hits, streams, joined calls."""

    async def main() -> None:
        answers = await asyncio.gather(*(aclient.chat.completions.create(**ask()) for _ in range(5)))
        assert len({a.choices[0].message.content for a in answers}) == 1
        streamed = await aclient.chat.completions.create(stream=True, **ask())
        text = "".join([c.choices[0].delta.content or "" async for c in streamed if c.choices])
        assert text == answers[0].choices[0].message.content
        assert status(streamed) == "hit"

        async def one() -> str:
            stream = await aclient.chat.completions.create(stream=True, **ask("streams together"))
            return "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])

        assert len(set(await asyncio.gather(one(), one(), one()))) == 1
        assert model.calls == 2

    asyncio.run(main())


def test_a_cancelled_leader_hands_over(cache: Cache) -> None:
    """When the task that asks upstream is cancelled, a follower takes over and gets its answer."""
    model = LocalModel(latency=Latency(0.2, 0.001))
    http = httpx2.AsyncClient(transport=LocalTransport(model))
    client = cache.wrap(AsyncOpenAI(api_key="k", base_url=BASE, http_client=http, max_retries=0))

    async def main() -> None:
        leader = asyncio.create_task(client.chat.completions.create(**ask()))
        await asyncio.sleep(0.05)
        follower = asyncio.create_task(client.chat.completions.create(**ask()))
        await asyncio.sleep(0.05)
        leader.cancel()
        answer = await follower
        assert answer.choices[0].message.content
        assert leader.cancelled()
        assert model.calls == 2

    asyncio.run(main())


def test_transport_alone_serves_any_httpx2_client(cache: Cache, model: LocalModel) -> None:
    """CacheTransport works under an unwrapped SDK client; other paths pass untouched."""
    transport = CacheTransport(cache, LocalTransport(model, instant=True))
    client = OpenAI(api_key="k", base_url=BASE, http_client=httpx2.Client(transport=transport))
    for _ in range(2):
        client.chat.completions.create(**ask())
    assert model.calls == 1
    assert client.models.list().data


def test_the_api_key_is_in_no_key_and_no_entry(client: OpenAI, cache: Cache) -> None:
    """Neither stored entries nor stats nor receipts hold the credential."""
    answer = client.chat.completions.create(**ask())
    store = cache.tiers[0].store
    for key in store.keys():  # noqa: SIM118
        assert "sk-test" not in repr(store.get(key))
    assert "sk-test" not in repr((receipt_of(answer), cache.stats()))


def test_only_openai_clients_can_be_wrapped(cache: Cache) -> None:
    """Anything else is refused with a hint."""
    with pytest.raises(ConfigError, match="CacheTransport"):
        cache.wrap(object())


def test_changed_copies_stay_wrapped(client: OpenAI, model: LocalModel) -> None:
    """``with_options`` and ``copy`` give clients that share the cache, with receipts and the quick way."""
    client.chat.completions.create(**ask())
    for copy in (client.with_options(timeout=5), client.copy(max_retries=3), client.with_options().with_options()):
        assert type(copy) is type(client)
        assert status(copy.chat.completions.create(**ask())) == "hit"
    assert model.calls == 1


def test_parse_has_a_receipt(client: OpenAI) -> None:
    """The answer of ``parse`` carries the receipt of its own request."""
    message = ask("parse this")
    first, second = client.chat.completions.parse(**message), client.chat.completions.parse(**message)
    assert (status(first), status(second)) == ("miss", "hit")


def test_the_call_of_a_request_can_be_explained(cache: Cache, client: OpenAI) -> None:
    """``openai_call`` names the very call that the client makes, so that ``explain`` and receipts agree with it."""
    receipt = receipt_of(client.chat.completions.create(**ask()))
    call = cache.openai_call(ask(), base_url=BASE)
    assert receipt is not None
    assert call.key.hex() == receipt.key
    assert "hit" in str(cache.explain(call))
    with pytest.raises(ConfigError, match="endpoint"):
        cache.openai_call(ask(), endpoint="images")
    with pytest.raises(UncacheableCall, match="never cached"):
        cache.openai_call({"model": "m", "input": "hi", "background": True}, endpoint="responses")
