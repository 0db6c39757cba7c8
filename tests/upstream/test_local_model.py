"""The local model without any IO."""

from __future__ import annotations

import json
import math
from base64 import b64decode
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce.upstream.local_answers import answer_mark, embed, fill_schema, pieces, question_of
from askonce.upstream.local_limits import Limits
from askonce.upstream.local_model import INSTANT, Exchange, Fault, Latency, LocalModel

NOON = 20_000 * 86_400 + 43_200.0


def chat(question: str, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": question}], **more}


def call(model: LocalModel, payload: Any, now: float = NOON, path: str = "/v1/chat/completions") -> Exchange:
    exchange = model.begin("POST", path, {"authorization": "Bearer x"}, json.dumps(payload).encode(), now)
    model.end(exchange, now + 1)
    return exchange


def body(exchange: Exchange) -> Any:
    assert exchange.body is not None
    return json.loads(exchange.body)


def test_an_answer_belongs_to_its_question() -> None:
    """The same question gets the same text at any time; another question another one, each with its mark."""
    model = LocalModel()
    first, again, other = (call(model, chat(q), NOON + i) for i, q in enumerate(["a?", "a?", "b?"]))
    texts = [body(x)["choices"][0]["message"]["content"] for x in (first, again, other)]
    assert texts[0] == texts[1] != texts[2]
    assert texts[0].startswith(answer_mark("a?"))
    assert model.asked == Counter({"a?": 2, "b?": 1})
    assert body(first)["id"] != body(again)["id"]


def test_what_was_paid_is_what_usage_says() -> None:
    """The counters are the sums of the ``usage`` of all answers, and of nothing else."""
    model = LocalModel(limits=Limits(requests_per_minute=3))
    done = [call(model, chat(f"q{i}")) for i in range(5)]
    usage = [body(x)["usage"] for x in done if x.status == 200]
    assert [x.status for x in done] == [200, 200, 200, 429, 429]
    assert model.tokens == sum(u["total_tokens"] for u in usage)
    assert (model.calls, model.answered, model.rejected) == (5, 3, 2)


def test_a_refused_call_says_when_to_come_back() -> None:
    """A 429 has OpenAI's body, ``retry-after`` and ``retry-after-ms``; coming back then is enough."""
    model = LocalModel(limits=Limits(requests_per_minute=1))
    call(model, chat("a"))
    refused = call(model, chat("b"), NOON + 10)
    assert refused.status == 429
    assert body(refused)["error"]["code"] == "rate_limit_exceeded"
    assert refused.headers["retry-after"] == "50"
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    wait = int(refused.headers["retry-after-ms"]) / 1000
    assert call(model, chat("b"), NOON + 10 + wait).status == 200


def test_a_call_is_charged_before_it_is_made() -> None:
    """Tokens per minute are charged as prompt + n * max_tokens, however short the answer is."""
    model = LocalModel(lambda payload: "ok", limits=Limits(tokens_per_minute=10_000))
    call(model, chat("a", max_tokens=1000, n=3))
    left = int(call(model, chat("a", max_tokens=1), NOON).headers["x-ratelimit-remaining-tokens"])
    assert 10_000 - 3000 - 50 <= left <= 10_000 - 3000


def test_concurrency_is_held_until_the_end() -> None:
    """A place is taken from begin to end; ending twice frees one place only."""
    model = LocalModel(limits=Limits(concurrent=1))
    data = json.dumps(chat("a")).encode()
    first = model.begin("POST", "/v1/chat/completions", {}, data, NOON)
    assert model.begin("POST", "/v1/chat/completions", {}, data, NOON).status == 429
    model.end(first, NOON)
    model.end(first, NOON)
    assert model.meter.in_flight == 0
    assert model.begin("POST", "/v1/chat/completions", {}, data, NOON).status == 200


def test_latency_follows_the_answer() -> None:
    """Without jitter a call takes first token + the rest, streamed or not; a stream's headers come early."""
    model = LocalModel(latency=Latency(0.5, 0.01, jitter=0.0))
    whole, stream = call(model, chat("a")), call(model, chat("a", stream=True))
    tokens = body(whole)["usage"]["completion_tokens"]
    assert whole.latency_s == pytest.approx(0.5 + 0.01 * (tokens - 1))
    assert stream.latency_s == pytest.approx(whole.latency_s)
    assert stream.delay_s == pytest.approx(0.5)


def test_jitter_does_not_depend_on_the_order_of_calls() -> None:
    """The n-th call of a question takes the same time in every run, whatever is asked in between."""
    one, two = LocalModel(latency=Latency(seed=3)), LocalModel(latency=Latency(seed=3))
    call(two, chat("other"))
    assert call(one, chat("a")).latency_s == call(two, chat("a")).latency_s
    assert call(one, chat("a")).latency_s != call(LocalModel(latency=Latency(seed=3)), chat("a")).latency_s
    assert call(LocalModel(latency=INSTANT), chat("a")).latency_s == 0


@pytest.mark.parametrize(
    ("payload", "path", "status", "param"),
    [
        (None, "/v1/chat/completions", 400, None),
        ([1], "/v1/chat/completions", 400, None),
        ({"messages": [{"role": "user", "content": "x"}]}, "/v1/chat/completions", 400, "model"),
        ({"model": "m"}, "/v1/chat/completions", 400, "messages"),
        ({"model": "m", "messages": ["x"]}, "/v1/chat/completions", 400, "messages"),
        ({"model": "m", "input": ""}, "/v1/responses", 400, "input"),
        ({"model": "m", "input": ["", "x"]}, "/v1/embeddings", 400, "input"),
        ({"model": "m", "prompt": "x", "n": 0}, "/v1/completions", 400, "n"),
        ({"model": "m"}, "/v1/nothing", 404, None),
    ],
)
def test_bad_requests_are_refused_and_cost_nothing(payload: Any, path: str, status: int, param: str | None) -> None:
    """A malformed request gets OpenAI's error naming the parameter; nothing is charged."""
    model = LocalModel()
    made = call(model, payload, path=path)
    assert made.status == status
    assert body(made)["error"]["param"] == param
    assert (model.tokens, model.meter.in_flight) == (0, 0)


@given(st.binary(max_size=80), st.sampled_from(["/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/"]))
def test_any_bytes_get_an_answer(data: bytes, path: str) -> None:
    """No request body makes the service raise."""
    made = LocalModel().begin("POST", path, {}, data, NOON)
    assert made.status in (200, 400, 404)


def test_keys_and_models_are_checked() -> None:
    """With ``api_keys`` a wrong key is 401; with ``models`` an unknown model is 404 ``model_not_found``."""
    model = LocalModel(api_keys=["right"], models=["gpt-4o-mini"])
    data = json.dumps(chat("a")).encode()
    assert model.begin("POST", "/v1/chat/completions", {"Authorization": "Bearer wrong"}, data, NOON).status == 401
    good = {"Authorization": "Bearer right"}
    assert model.begin("POST", "/v1/chat/completions", good, data, NOON).status == 200
    other = json.dumps(chat("a") | {"model": "gpt-9"}).encode()
    missing = model.begin("POST", "/v1/chat/completions", good, other, NOON)
    assert (missing.status, body(missing)["error"]["code"]) == (404, "model_not_found")


def test_max_tokens_cuts_the_answer() -> None:
    """With ``max_tokens`` the answer is a prefix of the whole one, billed at most so much, reason ``length``."""
    model = LocalModel()
    whole = body(call(model, chat("a")))["choices"][0]
    made = body(call(model, chat("a", max_tokens=20)))
    assert made["choices"][0]["finish_reason"] == "length"
    assert whole["finish_reason"] == "stop"
    assert whole["message"]["content"].startswith(made["choices"][0]["message"]["content"])
    assert made["usage"]["completion_tokens"] <= 20


def test_faults_hit_the_calls_they_are_meant_for() -> None:
    """A fault ends the next calls that satisfy its predicate, so many times, and nothing else."""
    model = LocalModel()
    model.inject(Fault("status", 503), times=2, where=lambda payload: question_of(payload) == "bad")
    assert [call(model, chat(q)).status for q in ("good", "bad", "good", "bad", "bad")] == [200, 503, 200, 503, 200]
    assert (model.failed, model.answered) == (2, 3)


def test_a_broken_answer_is_not_answered() -> None:
    """A cut or hanging call is counted as failed, never as answered; its place is freed."""
    model = LocalModel(limits=Limits(concurrent=1))
    for kind in ("timeout", "drop", "cut", "stream_error"):
        model.inject(Fault(kind))  # type: ignore[arg-type]
        exchange = call(model, chat("a", stream=True))
        assert exchange.broken is not None or kind == "stream_error"
    assert (model.failed, model.answered, model.meter.in_flight) == (4, 0, 0)
    assert math.isfinite(call(model, chat("a")).latency_s)


@given(st.text(max_size=200))
def test_streamed_pieces_are_the_text(text: str) -> None:
    """The pieces a text is streamed in, joined, are the text; none is empty."""
    made = list(pieces(text))
    assert "".join(made) == text
    assert all(made)


def test_vectors_are_unit_and_both_encodings_agree() -> None:
    """Embeddings are unit vectors, equal for equal texts; base64 holds the same floats as the list."""
    model = LocalModel()
    ask = {"model": "text-embedding-3-small", "input": ["cancel my order", "cancel my order", "weather"]}
    plain = [d["embedding"] for d in body(call(model, ask, path="/v1/embeddings"))["data"]]
    packed = [
        np.frombuffer(b64decode(d["embedding"]), "<f4")
        for d in body(call(model, ask | {"encoding_format": "base64"}, path="/v1/embeddings"))["data"]
    ]
    assert np.allclose(plain, packed, atol=1e-7)
    assert np.allclose(np.linalg.norm(packed, axis=1), 1, atol=1e-5)
    assert np.array_equal(packed[0], packed[1])
    assert abs(float(packed[0] @ packed[2])) < 0.2
    small = body(call(model, ask | {"dimensions": 64}, path="/v1/embeddings"))["data"][0]["embedding"]
    assert len(small) == 64


@given(st.text(max_size=50), st.integers(1, 400))
def test_any_text_has_a_unit_vector(text: str, dim: int) -> None:
    """Every text, also one without words, has a finite vector of length 1."""
    assert np.linalg.norm(embed(text, dim)) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("schema", "check"),
    [
        ({"type": "integer", "minimum": 5, "maximum": 7}, lambda v: v in (5, 6, 7)),
        ({"type": "integer", "maximum": -3}, lambda v: isinstance(v, int) and v <= -3),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, lambda v: 0 < v < 1),
        ({"type": "integer", "minimum": 5, "multipleOf": 4}, lambda v: v == 8),
        ({"enum": ["a", "b"]}, lambda v: v in ("a", "b")),
        ({"const": 3}, lambda v: v == 3),
        ({"type": ["string", "null"]}, lambda v: isinstance(v, str)),
        ({"type": "string", "minLength": 30, "maxLength": 31}, lambda v: 30 <= len(v) <= 31),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, lambda v: len(v) == 2),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, lambda v: isinstance(v, bool)),
        ({"allOf": [{"type": "string"}, {"format": "date"}]}, lambda v: v == "2024-03-07"),
    ],
)
def test_values_fit_their_schema(schema: dict[str, Any], check: Any) -> None:
    """A filled schema gives a value within the schema, the same for the same seed."""
    for seed in "abcdef":
        value = fill_schema(schema, seed)
        assert check(value)
        assert value == fill_schema(schema, seed)


def test_a_recursive_schema_ends() -> None:
    """A schema that refers to itself through ``$ref`` gives a finite value."""
    node = {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}}
    assert json.dumps(fill_schema(node, "x"))
