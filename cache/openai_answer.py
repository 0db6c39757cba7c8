"""OpenAI-compatible response bodies as answers: complete or not, usage, model, cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ..entry import Usage
from .policy import Answer

FINISHED = frozenset({"stop", "tool_calls", "function_call"})
_decode = msgspec.json.Decoder().decode
Cost = Callable[[str, int, int], float]


def answer_of(endpoint: str, body: bytes, took_ms: float, cost: Cost) -> Answer:
    """The answer in a 200 response's JSON ``body``. Anything unexpected is incomplete, never an error."""
    kind = f"openai.{endpoint}"
    try:
        data = _decode(body)
    except msgspec.DecodeError:
        return Answer(kind=kind, body=body, complete=False, why_not="the body is not JSON", took_ms=took_ms)
    if not isinstance(data, dict):
        return Answer(kind=kind, body=body, complete=False, why_not="the body is not an object", took_ms=took_ms)
    why_not, exact_only = (
        _responses if endpoint == "responses" else _choices if endpoint != "embeddings" else _vectors
    )(data)
    usage = usage_of(data)
    model = str(data.get("model") or "")
    system = data.get("system_fingerprint")
    return Answer(
        kind=kind,
        body=body,
        complete=not why_not,
        why_not=why_not,
        exact_only=exact_only,
        model=model,
        system_fingerprint=system if isinstance(system, str) else "",
        usage=usage,
        cost_usd=cost(model, usage.prompt_tokens, usage.completion_tokens),
        took_ms=took_ms,
    )


def usage_of(data: Mapping[str, Any]) -> Usage:
    """Tokens billed, from either shape of ``usage``; zero when absent."""
    usage = data.get("usage")
    if not isinstance(usage, Mapping):
        return Usage()
    return Usage(
        _count(usage.get("prompt_tokens", usage.get("input_tokens"))),
        _count(usage.get("completion_tokens", usage.get("output_tokens"))),
    )


def _count(tokens: Any) -> int:
    return tokens if isinstance(tokens, int) and 0 <= tokens < 1 << 53 else 0


def _choices(data: Mapping[str, Any]) -> tuple[str, bool]:
    choices = data.get("choices")
    if data.get("error") or not isinstance(choices, list) or not choices:
        return "the response has no choices", False
    exact_only = False
    for choice in choices:
        if not isinstance(choice, Mapping):
            return "a choice is not an object", False
        finish = choice.get("finish_reason")
        if not isinstance(finish, str) or finish not in FINISHED:
            return f"finish_reason is {finish!r}, not a natural end", False
        message = choice.get("message")
        if isinstance(message, Mapping):
            if message.get("audio"):
                return "audio answers expire at the provider", False
            exact_only = exact_only or bool(message.get("tool_calls") or message.get("function_call"))
    return "", exact_only


def _responses(data: Mapping[str, Any]) -> tuple[str, bool]:
    status = data.get("status")
    if status != "completed" or data.get("error"):
        return f"status is {status!r}, not 'completed'", False
    output = data.get("output")
    if not isinstance(output, list):
        return "the response has no output", False
    return "", any(not isinstance(item, Mapping) or item.get("type") not in ("message", "reasoning") for item in output)


def _vectors(data: Mapping[str, Any]) -> tuple[str, bool]:
    rows = data.get("data")
    return ("", True) if isinstance(rows, list) and rows else ("the response has no data", True)
