"""The JSON bodies and event streams of the OpenAI API, built from one finished answer.

Field by field as in the API reference, https://platform.openai.com/docs/api-reference: chat completions
and their chunks, responses and their events, legacy completions, embeddings, models, errors.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .local_answers import ToolCall, pieces

Body = dict[str, Any]
DONE = b"data: [DONE]\n\n"


class Answer(NamedTuple):
    """What the model made of one request.

    Attributes:
        id: Unique per call, without a prefix.
        model: As requested.
        created: Unix seconds.
        texts: One text per choice.
        tool: The function called instead of (the first) text, or None.
        finish: ``"stop"``, ``"length"`` or ``"tool_calls"``.
        prompt_tokens: Tokens read.
        completion_tokens: Tokens written, all choices.
    """

    id: str
    model: str
    created: int
    texts: tuple[str, ...]
    tool: ToolCall | None
    finish: str
    prompt_tokens: int
    completion_tokens: int


def dump(value: Any) -> bytes:
    """JSON bytes, compact, UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "backslashreplace")


def error_body(message: str, kind: str, param: str | None = None, code: str | None = None) -> Body:
    """The body of an error answer."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _data(value: Body) -> bytes:
    return b"data: " + dump(value) + b"\n\n"


# --- chat completions ------------------------------------------------------------------------------------


def chat_usage(answer: Answer) -> Body:
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def chat_body(answer: Answer) -> Body:
    """A ``chat.completion``."""
    choices: list[Body] = []
    for index, text in enumerate(answer.texts):
        message: Body = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
        if answer.tool is not None:
            message["content"] = None
            message["tool_calls"] = [_chat_tool(answer.id, index, answer.tool)]
        choices.append({"index": index, "message": message, "logprobs": None, "finish_reason": answer.finish})
    return {
        "id": f"chatcmpl-{answer.id}",
        "object": "chat.completion",
        "created": answer.created,
        "model": answer.model,
        "choices": choices,
        "usage": chat_usage(answer),
        "service_tier": "default",
        "system_fingerprint": "fp_local",
    }


def _chat_tool(call_id: str, index: int, tool: ToolCall) -> Body:
    return {
        "id": f"call_{call_id}{index}",
        "type": "function",
        "function": {"name": tool.name, "arguments": tool.arguments},
    }


def chat_events(answer: Answer, include_usage: bool) -> Iterator[bytes]:
    """A chat completion as server-sent events, ``[DONE]`` included."""

    def chunk(index: int, delta: Body, finish: str | None = None) -> bytes:
        made: Body = {
            "id": f"chatcmpl-{answer.id}",
            "object": "chat.completion.chunk",
            "created": answer.created,
            "model": answer.model,
            "service_tier": "default",
            "system_fingerprint": "fp_local",
            "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}],
        }
        if include_usage:
            made["usage"] = None
        return _data(made)

    for index, text in enumerate(answer.texts):
        if answer.tool is not None:
            first = _chat_tool(answer.id, index, answer.tool._replace(arguments="")) | {"index": 0}
            yield chunk(index, {"role": "assistant", "content": None, "tool_calls": [first]})
            for piece in pieces(answer.tool.arguments):
                yield chunk(index, {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        else:
            yield chunk(index, {"role": "assistant", "content": "", "refusal": None})
            for piece in pieces(text):
                yield chunk(index, {"content": piece})
        yield chunk(index, {}, answer.finish)
    if include_usage:
        yield _data(
            {
                "id": f"chatcmpl-{answer.id}",
                "object": "chat.completion.chunk",
                "created": answer.created,
                "model": answer.model,
                "service_tier": "default",
                "system_fingerprint": "fp_local",
                "choices": [],
                "usage": chat_usage(answer),
            }
        )
    yield DONE


# --- legacy completions ----------------------------------------------------------------------------------


def completion_body(answer: Answer) -> Body:
    """A ``text_completion``."""
    choices = [
        {"text": text, "index": index, "logprobs": None, "finish_reason": answer.finish}
        for index, text in enumerate(answer.texts)
    ]
    usage = chat_usage(answer)
    return {
        "id": f"cmpl-{answer.id}",
        "object": "text_completion",
        "created": answer.created,
        "model": answer.model,
        "choices": choices,
        "usage": {k: usage[k] for k in ("prompt_tokens", "completion_tokens", "total_tokens")},
    }


def completion_events(answer: Answer, include_usage: bool) -> Iterator[bytes]:
    """A legacy completion as server-sent events."""
    whole = completion_body(answer)
    head = {k: whole[k] for k in ("id", "object", "created", "model")}
    for index, text in enumerate(answer.texts):
        for piece in pieces(text):
            choice = {"text": piece, "index": index, "logprobs": None, "finish_reason": None}
            yield _data({**head, "choices": [choice]})
        yield _data(
            {
                **head,
                "choices": [{"text": "", "index": index, "logprobs": None, "finish_reason": answer.finish}],
            }
        )
    if include_usage:
        yield _data({**head, "choices": [], "usage": whole["usage"]})
    yield DONE


# --- responses -------------------------------------------------------------------------------------------


def response_body(answer: Answer, payload: Mapping[str, Any]) -> Body:
    """A finished ``response``."""
    return _response(answer, payload, _response_items(answer), finished=True)


def _response_items(answer: Answer) -> list[Body]:
    if answer.tool is not None:
        return [
            {
                "id": f"fc_{answer.id}",
                "type": "function_call",
                "status": "completed",
                "call_id": f"call_{answer.id}",
                "name": answer.tool.name,
                "arguments": answer.tool.arguments,
            }
        ]
    status = "incomplete" if answer.finish == "length" else "completed"
    part = {"type": "output_text", "text": answer.texts[0], "annotations": [], "logprobs": []}
    return [
        {
            "id": f"msg_{answer.id}",
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": [part],
        }
    ]


def _response(answer: Answer, payload: Mapping[str, Any], items: list[Body], *, finished: bool) -> Body:
    cut = answer.finish == "length"
    usage = {
        "input_tokens": answer.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": answer.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
    }
    return {
        "id": f"resp_{answer.id}",
        "object": "response",
        "created_at": answer.created,
        "status": ("incomplete" if cut else "completed") if finished else "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut and finished else None,
        "instructions": payload.get("instructions"),
        "max_output_tokens": payload.get("max_output_tokens"),
        "model": answer.model,
        "output": items,
        "parallel_tool_calls": payload.get("parallel_tool_calls", True),
        "previous_response_id": payload.get("previous_response_id"),
        "reasoning": payload.get("reasoning") or {"effort": None, "summary": None},
        "store": payload.get("store", True),
        "temperature": payload.get("temperature", 1.0),
        "text": payload.get("text") or {"format": {"type": "text"}},
        "tool_choice": payload.get("tool_choice", "auto"),
        "tools": payload.get("tools") or [],
        "top_p": payload.get("top_p", 1.0),
        "truncation": payload.get("truncation", "disabled"),
        "usage": usage if finished else None,
        "user": payload.get("user"),
        "metadata": payload.get("metadata") or {},
    }


def response_events(answer: Answer, payload: Mapping[str, Any]) -> Iterator[bytes]:
    """A response as its event stream, from ``response.created`` to ``response.completed`` (or, cut by
    ``max_output_tokens``, ``response.incomplete``)."""
    number = -1

    def event(kind: str, **fields: Any) -> bytes:
        nonlocal number
        number += 1
        body = {"type": kind, "sequence_number": number, **fields}
        return b"event: " + kind.encode() + b"\n" + _data(body)

    item = _response_items(answer)[0]
    at = {"item_id": item["id"], "output_index": 0}
    started = _response(answer, payload, [], finished=False)
    yield event("response.created", response=started)
    yield event("response.in_progress", response=started)
    if answer.tool is not None:
        opened = {**item, "arguments": "", "status": "in_progress"}
        yield event("response.output_item.added", output_index=0, item=opened)
        for piece in pieces(answer.tool.arguments):
            yield event("response.function_call_arguments.delta", **at, delta=piece)
        yield event("response.function_call_arguments.done", **at, name=item["name"], arguments=answer.tool.arguments)
    else:
        part = item["content"][0]
        empty = {**part, "text": ""}
        opened = {**item, "content": [], "status": "in_progress"}
        yield event("response.output_item.added", output_index=0, item=opened)
        yield event("response.content_part.added", **at, content_index=0, part=empty)
        for piece in pieces(answer.texts[0]):
            yield event("response.output_text.delta", **at, content_index=0, delta=piece, logprobs=[])
        yield event("response.output_text.done", **at, content_index=0, text=answer.texts[0], logprobs=[])
        yield event("response.content_part.done", **at, content_index=0, part=part)
    yield event("response.output_item.done", output_index=0, item=item)
    last = "response.incomplete" if answer.finish == "length" else "response.completed"
    yield event(last, response=_response(answer, payload, [item], finished=True))


# --- embeddings, models, errors inside a stream ----------------------------------------------------------


def embeddings_body(model: str, vectors: Sequence[str | list[float]], tokens: int) -> Body:
    """An embeddings ``list``."""
    data = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
    return {
        "object": "list",
        "data": data,
        "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def models_body(models: Sequence[str], created: int) -> Body:
    """The ``list`` of models."""
    data = [{"id": m, "object": "model", "created": created, "owned_by": "local"} for m in models]
    return {"object": "list", "data": data}


def stream_error(endpoint: str) -> bytes:
    """The event a provider sends when it fails in the middle of a stream."""
    message = "The server had an error while processing your request. Sorry about that!"
    if endpoint == "/responses":
        body = {
            "type": "error",
            "code": "server_error",
            "message": message,
            "param": None,
            "sequence_number": 0,
        }
        return b"event: error\n" + _data(body)
    return _data(error_body(message, "server_error"))
