"""A local service that speaks the OpenAI API and keeps true limits, with no sockets and no clock of its own.

:class:`LocalModel` turns one HTTP request into one :class:`Exchange`: status, headers, body or events, and
how long everything takes. It never sleeps; :mod:`.local_transport` (in process) and :mod:`.local_server`
(over HTTP) play an exchange out. Use it to test and to measure without a provider, a key or a bill.
"""

from __future__ import annotations

import json
import math
import random
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from . import local_wire as wire
from .local_answers import (
    default_answer,
    digest,
    embed,
    embedding_inputs,
    fill_schema,
    question_of,
    text_of,
    tool_call_for,
    vector_payload,
)
from .local_limits import Limits, Meter
from .tokens import estimate_chat, estimate_content, estimate_tokens

Payload = Mapping[str, Any]

#: Model and default embedding size; also what ``GET /v1/models`` lists.
EMBEDDING_DIMS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
MODELS = ("gpt-4o-mini", "gpt-4o", "gpt-4.1-mini", "gpt-4.1", "gpt-5-mini", "gpt-5", *EMBEDDING_DIMS)


@dataclass(frozen=True)
class Latency:
    """How long answers take.

    Attributes:
        first_token_s: Seconds to the first token.
        per_token_s: Seconds for each token after it.
        jitter: Sigma of a log-normal factor on both; 0 = none. Drawn per call from ``seed``, the
            question and how often it was asked, so it does not depend on the order of calls.
        embedding_s: Seconds for one embeddings request.
        seed: Seeds the jitter.
    """

    first_token_s: float = 0.5
    per_token_s: float = 0.012
    jitter: float = 0.2
    embedding_s: float = 0.12
    seed: int = 0

    def factor(self, question: str, nth: int) -> float:
        """The jitter of the ``nth`` time ``question`` is asked."""
        if self.jitter <= 0:
            return 1.0
        return random.Random(digest(str(self.seed), question, str(nth))).lognormvariate(0.0, self.jitter)


INSTANT = Latency(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with a call.

    Attributes:
        kind: ``"status"``: an error answer. ``"timeout"``: no answer ever. ``"drop"``: the connection
            breaks before any byte. ``"cut"``: it breaks in the middle of the body. ``"stream_error"``: an
            error event in the middle of a stream (status 500 when not streaming). ``"length"``: a
            complete answer that ends with finish reason ``length`` half way.
        status: For ``"status"``.
        body: For ``"status"``: the JSON body; by default what OpenAI sends with that status.
        headers: For ``"status"``: extra headers.
    """

    kind: Literal["status", "timeout", "drop", "cut", "stream_error", "length"] = "status"
    status: int = 500
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Chunk(NamedTuple):
    """A piece of a streamed body and the seconds that pass before it."""

    delay_s: float
    data: bytes


@dataclass
class Exchange:
    """One request, answered.

    Attributes:
        status: HTTP status.
        headers: Response headers (without content-length).
        body: The whole body, or ``None`` when it comes as ``chunks``.
        chunks: The events of a stream, or ``None``.
        delay_s: Seconds until status and headers are there (for a plain body: until all is there).
        broken: ``"timeout"``: hang instead of answering; ``"drop"``: break the connection once the
            given bytes (possibly none) are out.
        question: The question that was asked.
    """

    status: int
    headers: dict[str, str]
    body: bytes | None = b""
    chunks: tuple[Chunk, ...] | None = None
    delay_s: float = 0.0
    broken: Literal["timeout", "drop"] | None = None
    question: str = ""
    charged: int = 0
    used: int = 0
    admitted: bool = False
    ended: bool = False

    @property
    def latency_s(self) -> float:
        """Seconds from request to the last byte."""
        return self.delay_s + sum(chunk.delay_s for chunk in self.chunks or ())


class LocalModel:
    """An OpenAI-compatible service, sans IO.

    Serves ``POST /v1/chat/completions``, ``/v1/responses``, ``/v1/embeddings``, ``/v1/completions`` (the
    first two and the last also as streams) and ``GET /v1/models``; the ``/v1`` may be left out.

    Args:
        answer: Makes the answer text from the request; deterministic by question by default.
        limits: What is enforced; nothing by default.
        latency: How long answers take; :data:`INSTANT` = no time.
        api_keys: Accepted bearer tokens; ``None`` = any, also none.
        models: What may be asked for; ``None`` = anything. Others get a 404 as at OpenAI.
        default_completion: Tokens reserved per choice when the request does not say ``max_tokens``.

    Attributes:
        calls: Requests seen, whatever became of them.
        rejected: Answered 429 because of a limit.
        failed: Ended by an injected fault.
        answered: Answered with what was asked for.
        prompt_tokens, completion_tokens: Billed so far.
        asked: How often each question was answered (and so paid for).

    Any thread may call it.
    """

    def __init__(
        self,
        answer: Callable[[dict[str, Any]], str] | None = None,
        *,
        limits: Limits | None = None,
        latency: Latency = INSTANT,
        api_keys: Iterable[str] | None = None,
        models: Sequence[str] | None = None,
        default_completion: int = 256,
    ) -> None:
        self.answer: Callable[[dict[str, Any]], str] = answer or default_answer
        self.limits = limits or Limits()
        self.latency = latency
        self.models = models
        self.default_completion = default_completion
        self.meter = Meter(self.limits)
        self.calls = self.rejected = self.failed = self.answered = 0
        self.prompt_tokens = self.completion_tokens = 0
        self.asked: Counter[str] = Counter()
        self._api_keys = None if api_keys is None else frozenset(api_keys)
        self._faults: deque[tuple[Fault, Callable[[dict[str, Any]], bool] | None]] = deque()
        self._lock = threading.RLock()

    @property
    def tokens(self) -> int:
        """Tokens billed so far."""
        return self.prompt_tokens + self.completion_tokens

    def inject(self, fault: Fault, times: int = 1, where: Callable[[dict[str, Any]], bool] | None = None) -> None:
        """Let the next ``times`` admitted calls (those whose payload satisfies ``where``) end in ``fault``."""
        with self._lock:
            self._faults.extend([(fault, where)] * times)

    def begin(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: float) -> Exchange:
        """Answer one request that arrives at ``now`` (Unix seconds). Every exchange has to be given to
        :meth:`end` when it is over, also when the client went away. Never raises on bad requests."""
        with self._lock:
            self.calls += 1
            exchange = self._begin(method.upper(), path, {k.lower(): v for k, v in headers.items()}, body, now)
            exchange.headers = {
                "content-type": "text/event-stream" if exchange.chunks is not None else "application/json",
                "x-request-id": f"req_{self.calls:08d}",
                "openai-organization": self.meter.organization,
                "openai-version": "2020-10-01",
                "openai-processing-ms": f"{exchange.delay_s * 1000:.0f}",
                **self.meter.headers(now),
                **exchange.headers,
            }
            return exchange

    def end(self, exchange: Exchange, now: float) -> None:
        """The exchange is over at ``now``: its place is free, its tokens are settled. Twice is harmless."""
        with self._lock:
            if exchange.admitted and not exchange.ended:
                self.meter.leave()
                self.meter.settle(exchange.charged, exchange.used, now)
            exchange.ended = True

    # --- one request -------------------------------------------------------------------------------------

    def _begin(self, method: str, path: str, headers: dict[str, str], body: bytes, now: float) -> Exchange:
        bad = "invalid_request_error"
        endpoint = path.partition("?")[0].rstrip("/").removeprefix("/v1")
        if self._api_keys is not None:
            key = headers.get("authorization", "").removeprefix("Bearer ").strip()
            if key not in self._api_keys:
                return _error(401, "Incorrect API key provided.", bad, code="invalid_api_key")
        if endpoint == "/models" and method == "GET":
            return Exchange(200, {}, wire.dump(wire.models_body(self.models or MODELS, int(now))))
        if endpoint not in ("/chat/completions", "/responses", "/embeddings", "/completions"):
            return _error(404, f"Invalid URL ({method} {path})", bad)
        if method != "POST":
            return _error(
                405,
                f"Not allowed to {method} on {path}.",
                "invalid_request_error",
                code="method_not_supported",
            )
        try:
            payload = json.loads(body)
        except ValueError:
            payload = None
        if not isinstance(payload, dict):
            return _error(400, "We could not parse the JSON body of your request.", bad)
        if (problem := self._problem(endpoint, payload)) is not None:
            return problem

        prompt = _prompt_tokens(endpoint, payload)
        charge = prompt
        if endpoint != "/embeddings":
            charge += _choices(payload) * (_max_tokens(payload) or self.default_completion)
        refusal = self.meter.admit(payload["model"], charge, now)
        if refusal is not None:
            self.rejected += 1
            return _refused(refusal.body, refusal.retry_after_s)

        exchange = self._answer(endpoint, payload, prompt, now)
        exchange.admitted, exchange.charged = True, charge
        return exchange

    def _problem(self, endpoint: str, payload: dict[str, Any]) -> Exchange | None:
        def bad(message: str, param: str) -> Exchange:
            return _error(400, message, "invalid_request_error", param)

        model = payload.get("model")
        if not isinstance(model, str) or not model:
            return bad("you must provide a model parameter", "model")
        if self.models is not None and model not in self.models:
            message = f"The model `{model}` does not exist or you do not have access to it."
            return _error(404, message, "invalid_request_error", code="model_not_found")
        field_name = {"/chat/completions": "messages", "/completions": "prompt"}.get(endpoint, "input")
        if not payload.get(field_name):
            return bad(f"Missing required parameter: '{field_name}'.", field_name)
        if endpoint == "/chat/completions":
            messages = payload["messages"]
            if not isinstance(messages, list) or not all(isinstance(m, dict) and "role" in m for m in messages):
                return bad("'messages' must be a list of objects with a 'role'.", "messages")
        if endpoint == "/embeddings" and embedding_inputs(payload["input"]) is None:
            return bad(
                "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.",
                "input",
            )
        for name in ("n", "max_tokens", "max_completion_tokens", "max_output_tokens", "dimensions"):
            value = payload.get(name)
            if value is not None and (not isinstance(value, int) or value < 1):
                return bad(f"Invalid '{name}': expected an integer of at least 1, got {value!r}.", name)
        return None

    def _answer(self, endpoint: str, payload: dict[str, Any], prompt: int, now: float) -> Exchange:
        question = question_of(payload)
        fault = self._next_fault(payload)
        if fault is not None and fault.kind != "length":
            self.failed += 1
        factor = self.latency.factor(question, self.asked[question])
        first = self.latency.first_token_s * factor
        if fault is not None and fault.kind == "timeout":
            return Exchange(200, {}, None, delay_s=math.inf, broken="timeout", question=question)
        if fault is not None and fault.kind == "drop":
            return Exchange(200, {}, None, delay_s=first, broken="drop", question=question)
        streamed = bool(payload.get("stream")) and endpoint != "/embeddings"
        if fault is not None and (fault.kind == "status" or (fault.kind == "stream_error" and not streamed)):
            made = _fault_answer(fault)
            made.delay_s, made.question = first, question
            return made

        if endpoint == "/embeddings":
            exchange = self._embeddings(payload, prompt)
            exchange.delay_s = self.latency.embedding_s * factor
        else:
            short = fault is not None and fault.kind == "length"
            exchange = self._generate(endpoint, payload, prompt, now, first, factor, streamed, short)
        exchange.question = question
        if fault is not None and fault.kind in ("cut", "stream_error"):
            _break(exchange, fault, endpoint)
        if fault is None or fault.kind == "length":
            self.answered += 1
            self.asked[question] += 1
        return exchange

    def _generate(
        self,
        endpoint: str,
        payload: dict[str, Any],
        prompt: int,
        now: float,
        first: float,
        factor: float,
        streamed: bool,
        short: bool,
    ) -> Exchange:
        made = self._make(endpoint, payload, prompt, now, short)
        self.prompt_tokens += made.prompt_tokens
        self.completion_tokens += made.completion_tokens
        writing = self.latency.per_token_s * factor * max(0, made.completion_tokens - 1)
        exchange = Exchange(200, {}, used=made.prompt_tokens + made.completion_tokens, delay_s=first)
        if not streamed:
            body = {
                "/chat/completions": wire.chat_body,
                "/completions": wire.completion_body,
            }.get(endpoint)
            exchange.body = wire.dump(body(made) if body else wire.response_body(made, payload))
            exchange.delay_s += writing
            return exchange
        usage = bool((payload.get("stream_options") or {}).get("include_usage"))
        if endpoint == "/chat/completions":
            events = list(wire.chat_events(made, usage))
        elif endpoint == "/completions":
            events = list(wire.completion_events(made, usage))
        else:
            events = list(wire.response_events(made, payload))
        exchange.body = None
        exchange.chunks = tuple(Chunk(writing / len(events), event) for event in events)
        return exchange

    def _make(self, endpoint: str, payload: dict[str, Any], prompt: int, now: float, short: bool) -> wire.Answer:
        question = question_of(payload)
        tool = None if endpoint == "/completions" else tool_call_for(payload, question)
        text = "" if tool is not None else self._text(payload, question)
        n = _choices(payload)
        finish = "stop" if tool is None else "tool_calls"
        cap = _max_tokens(payload)
        if short and tool is None:
            cap = max(1, estimate_tokens(text) // 2)
        if cap is not None and tool is None and estimate_tokens(text) > cap:
            text, finish = _cut(text, cap), "length"
        texts = tuple(text if i == 0 else f"{text} ({i + 1})" for i in range(n))
        written = estimate_tokens(tool.name + tool.arguments) * n if tool else sum(map(estimate_tokens, texts))
        mark = digest(question, str(self.calls))[:24]
        return wire.Answer(mark, payload["model"], int(now), texts, tool, finish, prompt, max(1, written))

    def _text(self, payload: dict[str, Any], question: str) -> str:
        shape = payload.get("response_format") or (payload.get("text") or {}).get("format") or {}
        if shape.get("type") == "json_schema":
            schema = shape.get("schema") or (shape.get("json_schema") or {}).get("schema") or {}
            return json.dumps(fill_schema(schema, digest(question)))
        text = self.answer(payload)
        if shape.get("type") == "json_object":
            return json.dumps({"answer": text})
        stops = payload.get("stop")
        for stop in [stops] if isinstance(stops, str) else stops or ():
            text = text.partition(stop)[0]
        return text

    def _embeddings(self, payload: dict[str, Any], prompt: int) -> Exchange:
        self.prompt_tokens += prompt
        dim = payload.get("dimensions") or EMBEDDING_DIMS.get(payload["model"], 1536)
        encoding = payload.get("encoding_format") or "float"
        texts = embedding_inputs(payload["input"]) or ()
        vectors = [vector_payload(embed(text, dim), encoding) for text in texts]
        body = wire.dump(wire.embeddings_body(payload["model"], vectors, prompt))
        return Exchange(200, {}, body, used=prompt)

    def _next_fault(self, payload: dict[str, Any]) -> Fault | None:
        for i, (fault, where) in enumerate(self._faults):
            if where is None or where(payload):
                del self._faults[i]
                return fault
        return None


def _error(status: int, message: str, kind: str, param: str | None = None, code: str | None = None) -> Exchange:
    return Exchange(status, {}, wire.dump(wire.error_body(message, kind, param, code)))


def _refused(body: dict[str, Any], wait: float | None) -> Exchange:
    headers = {}
    if wait is not None:
        headers = {"retry-after": str(math.ceil(wait)), "retry-after-ms": str(math.ceil(wait * 1000))}
    return Exchange(429, headers, wire.dump(body))


def _fault_answer(fault: Fault) -> Exchange:
    status = 500 if fault.kind == "stream_error" else fault.status
    body = fault.body
    if body is None and status == 429:
        body = wire.error_body("Rate limit reached. Please try again.", "requests", None, "rate_limit_exceeded")
    elif body is None:
        message = "The server had an error while processing your request. Sorry about that!"
        body = wire.error_body(message, "server_error" if status >= 500 else "invalid_request_error")
    return Exchange(status, dict(fault.headers), wire.dump(body))


def _break(exchange: Exchange, fault: Fault, endpoint: str) -> None:
    if exchange.chunks is None:
        body = exchange.body or b""
        exchange.headers["content-length"] = str(len(body))
        exchange.body, exchange.broken = body[: len(body) // 2], "drop"
        return
    half = exchange.chunks[: max(1, len(exchange.chunks) // 2)]
    if fault.kind == "cut":
        exchange.chunks, exchange.broken = half, "drop"
    else:
        exchange.chunks = (*half, Chunk(0.0, wire.stream_error(endpoint)))


def _choices(payload: Payload) -> int:
    return int(payload.get("n") or 1)


def _max_tokens(payload: Payload) -> int | None:
    for name in ("max_completion_tokens", "max_output_tokens", "max_tokens"):
        if payload.get(name) is not None:
            return int(payload[name])
    return None


def _cut(text: str, tokens: int) -> str:
    # Estimates grow with the text, so the longest prefix that fits is found by bisection.
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if estimate_tokens(text[:middle]) <= tokens else (low, middle - 1)
    return text[: max(1, low)]


def _prompt_tokens(endpoint: str, payload: Payload) -> int:
    tools = payload.get("tools")
    extra = estimate_tokens(json.dumps(tools)) if tools else 0
    if endpoint == "/chat/completions":
        return extra + estimate_chat(payload["messages"])
    if endpoint == "/embeddings":
        return sum(map(estimate_tokens, embedding_inputs(payload["input"]) or ()))
    if endpoint == "/completions":
        return max(1, estimate_content(payload["prompt"]))
    extra += estimate_content(payload.get("instructions"))
    given = payload["input"]
    if isinstance(given, str):
        return extra + 7 + estimate_tokens(given)
    turns = [t for t in given if isinstance(t, Mapping)]
    return extra + sum(4 + estimate_tokens(text_of(t.get("content")) or str(t.get("output", ""))) for t in turns)
