"""The real OpenAI SDK against the local model, in process and over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx2
import openai
import pytest
from pydantic import BaseModel

from askonce.clock import SYSTEM_CLOCK
from askonce.upstream.local_answers import answer_mark
from askonce.upstream.local_limits import Limits
from askonce.upstream.local_model import Fault, Latency, LocalModel
from askonce.upstream.local_server import LocalServer
from askonce.upstream.local_transport import LocalTransport

ASK = [{"role": "user", "content": "How do I cancel my order?"}]
MARK = answer_mark("How do I cancel my order?")
WEATHER = {
    "name": "get_weather",
    "description": "Weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class Person(BaseModel):
    name: str
    age: int
    tags: list[str]
    friend: Person | None = None


class Rig:
    """A model and clients for it; retries are off unless asked for."""

    def __init__(self, way: str, model: LocalModel, stack: ExitStack) -> None:
        self.model, self.way = model, way
        self._server = stack.enter_context(LocalServer(model)) if way == "http" else None
        self.sync = self.client()
        stack.callback(self.sync.close)

    def client(self, **options: object) -> openai.OpenAI:
        settings: dict[str, object] = {"api_key": "local", "max_retries": 0, **options}
        if self._server is not None:
            return openai.OpenAI(base_url=self._server.base_url, **settings)  # type: ignore[arg-type]
        http = httpx2.Client(transport=LocalTransport(self.model))
        return openai.OpenAI(http_client=http, **settings)  # type: ignore[arg-type]

    def async_client(self) -> openai.AsyncOpenAI:
        if self._server is not None:
            return openai.AsyncOpenAI(base_url=self._server.base_url, api_key="local", max_retries=0)
        http = httpx2.AsyncClient(transport=LocalTransport(self.model))
        return openai.AsyncOpenAI(http_client=http, api_key="local", max_retries=0)


@pytest.fixture(params=["in process", "http"])
def rig(request: pytest.FixtureRequest) -> Iterator[Callable[[LocalModel], Rig]]:
    with ExitStack() as stack:
        yield lambda model: Rig(request.param, model, stack)


Make = Callable[[LocalModel], Rig]


def test_chat(rig: Make) -> None:
    """A plain chat completion: text of the question, usage, finish reason, rate-limit headers."""
    made = rig(LocalModel(limits=Limits(requests_per_minute=60)))
    raw = made.sync.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=ASK)  # type: ignore[arg-type]
    answer = raw.parse()
    assert (answer.choices[0].message.content or "").startswith(MARK)
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == made.model.tokens
    assert raw.headers["x-ratelimit-limit-requests"] == "60"
    assert raw.headers["x-ratelimit-remaining-requests"] == "59"
    assert answer._request_id == raw.headers["x-request-id"]


def test_chat_stream_joins_to_the_whole(rig: Make) -> None:
    """The streamed deltas joined are the text of the plain answer; usage comes last when asked for."""
    client = rig(LocalModel()).sync
    whole = client.chat.completions.create(model="gpt-4o-mini", messages=ASK, n=2)  # type: ignore[call-overload]
    chunks = list(
        client.chat.completions.create(  # type: ignore[call-overload]
            model="gpt-4o-mini", messages=ASK, n=2, stream=True, stream_options={"include_usage": True}
        )
    )
    for index in (0, 1):
        parts = [c.choices[0].delta.content or "" for c in chunks if c.choices and c.choices[0].index == index]
        assert "".join(parts) == whole.choices[index].message.content
    assert chunks[-1].usage == whole.usage
    assert [c.choices[0].finish_reason for c in chunks if c.choices].count("stop") == 2


def test_chat_parse(rig: Make) -> None:
    """``parse`` gives an instance of the model class, the same one for the same question."""
    client = rig(LocalModel()).sync
    asked = [
        client.chat.completions.parse(model="gpt-4o-mini", messages=ASK, response_format=Person)  # type: ignore[arg-type]
        for _ in range(2)
    ]
    people = [a.choices[0].message.parsed for a in asked]
    assert isinstance(people[0], Person)
    assert people[0] == people[1]


def test_chat_parse_of_a_cut_answer(rig: Make) -> None:
    """JSON that ``max_tokens`` cut is the SDK's own length error, not half an object."""
    client = rig(LocalModel()).sync
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(
            model="gpt-4o-mini",
            messages=ASK,
            response_format=Person,
            max_tokens=5,  # type: ignore[arg-type]
        )


def test_chat_tools(rig: Make) -> None:
    """The model calls a tool the question is about, streams the same call, and answers after its result."""
    client = rig(LocalModel()).sync
    tools = [{"type": "function", "function": WEATHER}]
    ask = [{"role": "user", "content": "What is the weather in Rome?"}]
    made = client.chat.completions.create(model="gpt-4o-mini", messages=ask, tools=tools)  # type: ignore[call-overload]
    (call,) = made.choices[0].message.tool_calls
    assert (made.choices[0].finish_reason, call.function.name) == ("tool_calls", "get_weather")
    assert set(json.loads(call.function.arguments)) == {"city"}
    with client.chat.completions.stream(model="gpt-4o-mini", messages=ask, tools=tools) as stream:  # type: ignore[arg-type]
        streamed = stream.get_final_completion().choices[0].message.tool_calls
    assert streamed is not None
    assert streamed[0].function.arguments == call.function.arguments
    after = [*ask, made.choices[0].message.to_dict(), {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=after, tools=tools)  # type: ignore[call-overload]
    assert answer.choices[0].message.content
    other = client.chat.completions.create(model="gpt-4o-mini", messages=ASK, tools=tools)  # type: ignore[call-overload]
    assert other.choices[0].message.tool_calls is None


def test_responses(rig: Make) -> None:
    """The Responses API: text, usage, structured output, and an answer cut by ``max_output_tokens``."""
    client = rig(LocalModel()).sync
    made = client.responses.create(model="gpt-4o-mini", input="How do I cancel my order?", instructions="Be kind.")
    assert made.output_text.startswith(MARK)
    assert made.usage is not None
    assert made.usage.input_tokens > 0
    person = client.responses.parse(model="gpt-4o-mini", input="Who?", text_format=Person).output_parsed
    assert isinstance(person, Person)
    cut = client.responses.create(model="gpt-4o-mini", input="How do I cancel my order?", max_output_tokens=16)
    assert cut.status == "incomplete"
    assert cut.incomplete_details is not None
    assert cut.incomplete_details.reason == "max_output_tokens"


def test_responses_stream(rig: Make) -> None:
    """The event stream runs from created to completed, in sequence, and the SDK rebuilds the response."""
    client = rig(LocalModel()).sync
    with client.responses.stream(model="gpt-4o-mini", input="How do I cancel my order?") as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert [e.sequence_number for e in events] == list(range(len(events)))
    deltas = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert final.output_text == deltas
    assert final.output_text.startswith(MARK)


def test_responses_tools(rig: Make) -> None:
    """A function call comes the same way whole and streamed."""
    client = rig(LocalModel()).sync
    tools = [{"type": "function", "strict": False, **WEATHER}]
    made = client.responses.create(model="gpt-4o-mini", input="Weather in Rome?", tools=tools)  # type: ignore[call-overload]
    assert made.output[0].type == "function_call"
    with client.responses.stream(model="gpt-4o-mini", input="Weather in Rome?", tools=tools) as stream:  # type: ignore[arg-type]
        final = stream.get_final_response()
    assert final.output[0].type == "function_call"
    assert final.output[0].arguments == made.output[0].arguments


def test_embeddings_completions_models(rig: Make) -> None:
    """Embeddings (decoded by the SDK from base64), legacy completions whole and streamed, the model list."""
    client = rig(LocalModel()).sync
    vectors = client.embeddings.create(model="text-embedding-3-small", input=["a b", "c"])
    floats = client.embeddings.create(model="text-embedding-3-small", input="a b", encoding_format="float")
    assert len(vectors.data) == 2
    assert vectors.data[0].embedding == pytest.approx(floats.data[0].embedding)
    whole = client.completions.create(model="gpt-3.5-turbo-instruct", prompt="How do I cancel my order?")
    assert whole.choices[0].text.startswith(MARK)
    stream = client.completions.create(model="gpt-3.5-turbo-instruct", prompt="How do I cancel my order?", stream=True)
    assert "".join(c.choices[0].text for c in stream) == whole.choices[0].text
    assert "gpt-4o-mini" in [m.id for m in client.models.list()]


def test_async_clients(rig: Make) -> None:
    """The asynchronous SDK gets the same answers: whole, streamed, many at once."""
    made = rig(LocalModel(latency=Latency(0.01, 0.0, 0.0)))

    async def go() -> None:
        async with made.async_client() as client:
            asks = [[{"role": "user", "content": f"question {i}"}] for i in range(20)]
            answers = await asyncio.gather(
                *(client.chat.completions.create(model="gpt-4o-mini", messages=a) for a in asks)  # type: ignore[call-overload]
            )
            for i, answer in enumerate(answers):
                assert answer.choices[0].message.content.startswith(answer_mark(f"question {i}"))
            stream = await client.chat.completions.create(model="gpt-4o-mini", messages=ASK, stream=True)  # type: ignore[call-overload]
            text = "".join([c.choices[0].delta.content or "" async for c in stream])
            assert text.startswith(MARK)
            final = await client.responses.create(model="gpt-4o-mini", input="How do I cancel my order?")
            assert final.output_text == text

    asyncio.run(go())
    assert made.model.meter.in_flight == 0
    assert made.model.asked["question 7"] == 1


def test_errors_are_the_sdks_own(rig: Make) -> None:
    """Statuses, hangs and broken connections come out as the SDK's error classes, body included."""
    made = rig(LocalModel(limits=Limits(requests_per_minute=6)))
    client, model = made.client(timeout=0.3), made.model

    def ask(stream: bool = False) -> None:
        got = client.chat.completions.create(model="gpt-4o-mini", messages=ASK, stream=stream)  # type: ignore[call-overload]
        if stream:
            list(got)

    for fault, streamed, error in [
        (Fault("status", 500), False, openai.InternalServerError),
        (Fault("timeout"), False, openai.APITimeoutError),
        (Fault("drop"), False, openai.APIConnectionError),
        (Fault("cut"), True, openai.APIConnectionError),
        (Fault("stream_error"), True, openai.APIError),
        (Fault("cut"), False, openai.APIConnectionError),
    ]:
        model.inject(fault)
        with pytest.raises(error):
            ask(streamed)
    with pytest.raises(openai.RateLimitError) as caught:
        ask()
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.response.headers["retry-after-ms"]
    assert (model.answered, model.failed, model.rejected) == (0, 6, 1)
    client.close()


def test_an_abandoned_stream_frees_its_place(rig: Make) -> None:
    """A client that stops reading gives its place back, so the next call is admitted."""
    made = rig(LocalModel(limits=Limits(concurrent=1), latency=Latency(0.0, 0.001, 0.0)))
    stream = made.sync.chat.completions.create(model="gpt-4o-mini", messages=ASK, stream=True)  # type: ignore[call-overload]
    next(iter(stream))
    with pytest.raises(openai.RateLimitError):
        made.sync.chat.completions.create(model="gpt-4o-mini", messages=ASK)  # type: ignore[arg-type]
    stream.close()
    patient = made.client(max_retries=5)
    patient.chat.completions.create(model="gpt-4o-mini", messages=ASK)  # type: ignore[arg-type]
    patient.close()
    assert made.model.meter.peak_in_flight == 1


def test_the_sdk_waits_as_long_as_it_is_told() -> None:
    """The SDK's retry comes after ``retry-after-ms`` and is then admitted: a 429 costs time, not the answer."""
    model = LocalModel(limits=Limits(requests_per_minute=600))
    question = b'{"model": "m", "messages": [{"role": "user", "content": "x"}]}'
    for _ in range(600):
        now = SYSTEM_CLOCK.now()
        model.end(model.begin("POST", "/v1/chat/completions", {}, question, now), now)
    model.meter._requests.take(600, SYSTEM_CLOCK.now())  # type: ignore[union-attr]
    with openai.OpenAI(api_key="x", http_client=httpx2.Client(transport=LocalTransport(model))) as client:
        client.chat.completions.create(model="gpt-4o-mini", messages=ASK)  # type: ignore[arg-type]
    assert model.rejected >= 1
    assert model.answered == 601


def test_an_instant_transport_never_waits() -> None:
    """With ``instant`` nothing sleeps: a day-long answer is there, and a hang times out at once."""

    def forbidden(seconds: float) -> None:
        raise AssertionError(f"slept {seconds} s")

    model = LocalModel(latency=Latency(0.01, 0.01, 0.0))
    transport = LocalTransport(model, instant=True, sleep=forbidden)
    with openai.OpenAI(api_key="x", http_client=httpx2.Client(transport=transport), max_retries=0) as client:
        assert client.chat.completions.create(model="gpt-4o-mini", messages=ASK)  # type: ignore[arg-type]
        model.inject(Fault("timeout"))
        with pytest.raises(openai.APITimeoutError):
            client.chat.completions.create(model="gpt-4o-mini", messages=ASK)  # type: ignore[arg-type]
