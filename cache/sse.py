"""Server-sent events of OpenAI-compatible streams: into one answer, and back into a stream.

Chat and legacy completions send ``data: {chunk}`` until ``data: [DONE]``; the Responses API sends typed
events until ``response.completed`` (OpenAI API reference, "Streaming"). A stream that does not reach its
terminal event, or carries an error, is not an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
PIECE = 48  # characters of text per replayed chunk


class EventSplitter:
    """Cuts a byte stream into whole SSE events, without waiting longer than for an event's own end."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Events completed by ``data``, each with its closing blank line."""
        buffer = self._rest + data
        while True:
            ends = [(at, len(mark)) for mark in (b"\n\n", b"\r\n\r\n") if (at := buffer.find(mark)) >= 0]
            if not ends:
                break
            at, length = min(ends)
            yield buffer[: at + length]
            buffer = buffer[at + length :]
        self._rest = buffer

    def rest(self) -> bytes:
        """What came after the last whole event."""
        return self._rest


def data_of(event: bytes) -> bytes:
    """The data field of one event, lines joined as the SSE standard says; empty when there is none."""
    lines = [line[5:].removeprefix(b" ") for line in event.splitlines() if line.startswith(b"data:")]
    return b"\n".join(lines)


def is_usage_event(event: bytes) -> bool:
    """Whether this is the extra chunk that ``stream_options.include_usage`` asks for."""
    if b'"usage"' not in event or b'"choices"' not in event:
        return False
    try:
        data = _decode(data_of(event))
    except msgspec.DecodeError:
        return False
    return isinstance(data, dict) and data.get("choices") == [] and data.get("usage") is not None


_TERMINAL = (b'"response.completed"', b'"response.incomplete"', b'"response.failed"')


def is_terminal(event: bytes) -> bool:
    """Whether a well-behaved stream has nothing to say after this event."""
    data = data_of(event)
    return data.strip() == b"[DONE]" or (
        event.startswith((b"event: response.completed", b"event: response.incomplete", b"event: response.failed"))
        or (data.startswith(b'{"type":') and data[8:40].lstrip().startswith(_TERMINAL))
    )


def assemble(endpoint: str, events: Iterable[bytes]) -> tuple[bytes, str]:
    """``(JSON body, "")`` of the answer a stream carried, or ``(b"", why it is no answer)``."""
    try:
        return _assemble(endpoint, events)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        return b"", f"the stream has a shape of its own ({type(error).__name__}: {error})"


def _assemble(endpoint: str, events: Iterable[bytes]) -> tuple[bytes, str]:
    chunks: list[dict[str, Any]] = []
    done = False
    for event in events:
        data = data_of(event)
        if not data:
            continue
        if data.strip() == b"[DONE]":
            done = True
            continue
        try:
            chunk = _decode(data)
        except msgspec.DecodeError:
            return b"", "an event of the stream is not JSON"
        if not isinstance(chunk, dict):
            return b"", "an event of the stream is not an object"
        if chunk.get("error") or chunk.get("type") == "error":
            return b"", "the stream carried an error"
        chunks.append(chunk)
    if endpoint == "responses":
        for chunk in reversed(chunks):
            if chunk.get("type") == "response.completed":
                return _encode(chunk["response"]), ""
        return b"", "the stream ended without response.completed"
    if not done:
        return b"", "the stream ended without [DONE]"
    if not chunks:
        return b"", "the stream carried no chunk"
    return _encode(_merge_chunks(endpoint, chunks)), ""


_OF_CHOICE = frozenset({"index", "delta", "message", "text", "finish_reason", "logprobs"})


def _merge_chunks(endpoint: str, chunks: list[dict[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for chunk in chunks:
        for name, value in chunk.items():
            # Azure opens with a chunk whose id and model are empty; what has been said stays otherwise.
            if name not in ("choices", "usage", "obfuscation") and not whole.get(name):
                whole[name] = value
    whole["object"] = "chat.completion" if endpoint == "chat" else "text_completion"
    choices: dict[int, dict[str, Any]] = {}
    usage: Any = None
    for chunk in chunks:
        usage = chunk.get("usage") or usage
        for name in ("system_fingerprint", "service_tier"):
            if chunk.get(name) is not None:
                whole[name] = chunk[name]
        for part in chunk.get("choices") or ():
            index = part.get("index", 0)
            if endpoint == "chat":
                choice = choices.setdefault(index, {"index": index, "message": {"role": "assistant", "content": None}})
                _merge_delta(choice["message"], part.get("delta") or {})
            else:
                choice = choices.setdefault(index, {"index": index, "text": ""})
                choice["text"] += part.get("text") or ""
            if part.get("finish_reason") is not None:
                choice["finish_reason"] = part["finish_reason"]
            _merge_logprobs(choice, part.get("logprobs"))
            choice.update({k: v for k, v in part.items() if k not in _OF_CHOICE and v is not None})
    for choice in choices.values():
        choice.setdefault("finish_reason", None)
        choice.setdefault("logprobs", None)
        calls = choice.get("message", {}).get("tool_calls")
        if isinstance(calls, dict):
            choice["message"]["tool_calls"] = [calls[i] for i in sorted(calls)]
    whole["choices"] = [choices[i] for i in sorted(choices)]
    if usage is not None:
        whole["usage"] = usage
    return whole


def _merge_logprobs(choice: dict[str, Any], logprobs: Any) -> None:
    if not isinstance(logprobs, Mapping):
        return
    kept = choice.setdefault("logprobs", {}) or {}
    for name, value in logprobs.items():
        kept[name] = [*(kept.get(name) or []), *value] if isinstance(value, list) else kept.get(name, value)
    choice["logprobs"] = kept


def _merge_delta(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for name, value in delta.items():
        if value is None:
            continue
        if name == "tool_calls":
            calls = message.setdefault("tool_calls", {})
            for part in value:
                call = calls.setdefault(part.get("index", 0), {})
                _merge_delta(call, {k: v for k, v in part.items() if k != "index"})
        elif isinstance(value, Mapping):
            _merge_delta(message.setdefault(name, {}), value)
        elif isinstance(value, str) and name not in ("role", "type", "id"):
            message[name] = (message.get(name) or "") + value
        elif isinstance(value, list):
            message[name] = [*(message.get(name) or []), *value]
        else:
            message[name] = value


# -- and back ----------------------------------------------------------------------------------------


def replay(endpoint: str, body: bytes, include_usage: bool) -> list[bytes]:
    """The SSE events that carry the stored answer ``body``."""
    data = _decode(body)
    if endpoint == "responses":
        return list(_replay_response(data))
    events = list(_replay_choices(endpoint, data, include_usage))
    return [*events, b"data: [DONE]\n\n"]


def _event(data: Any) -> bytes:
    return b"data: " + _encode(data) + b"\n\n"


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), PIECE):
        yield text[start : start + PIECE]


def _replay_choices(endpoint: str, data: dict[str, Any], include_usage: bool) -> Iterator[bytes]:
    head = {k: v for k, v in data.items() if k not in ("choices", "usage")}
    head["object"] = "chat.completion.chunk" if endpoint == "chat" else "text_completion"

    def chunk(index: int, **fields: Any) -> bytes:
        return _event({**head, "choices": [{"index": index, "finish_reason": None, "logprobs": None, **fields}]})

    for choice in data.get("choices") or ():
        index = choice.get("index", 0)
        last = {k: v for k, v in choice.items() if k not in _OF_CHOICE}
        if endpoint == "chat":
            yield from (chunk(index, **fields) for fields in _deltas(choice))
            last["delta"] = {}
        else:
            yield from (chunk(index, text=piece) for piece in _pieces(choice.get("text") or ""))
            last["text"], last["logprobs"] = "", choice.get("logprobs")
        yield chunk(index, **last, finish_reason=choice.get("finish_reason"))
    if include_usage:
        yield _event({**head, "choices": [], "usage": data.get("usage")})


def _deltas(choice: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    message = dict(choice.get("message") or {})
    first: dict[str, Any] = {"role": message.pop("role", "assistant")}
    content, calls = message.pop("content", None), message.pop("tool_calls", None)
    first["content"] = "" if isinstance(content, str) else None
    if not message.get("annotations"):
        message.pop("annotations", None)
    first.update({name: value for name, value in message.items() if value is not None})
    yield {"delta": first}
    pieces = [{"content": piece} for piece in _pieces(content)] if isinstance(content, str) else []
    if choice.get("logprobs") is not None:
        # Not in the first chunk: the SDK's stream helper would count them twice there.
        yield {"delta": pieces.pop(0) if pieces else {}, "logprobs": choice["logprobs"]}
    for piece in pieces:
        yield {"delta": piece}
    for number, call in enumerate(calls or ()):
        yield {"delta": {"tool_calls": [{"index": number, **call}]}}


def _replay_response(response: dict[str, Any]) -> Iterator[bytes]:
    number = 0

    def event(kind: str, **fields: Any) -> bytes:
        nonlocal number
        made = {"type": kind, "sequence_number": number, **fields}
        number += 1
        return b"event: " + kind.encode() + b"\n" + _event(made)

    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    yield event("response.created", response=begun)
    yield event("response.in_progress", response=begun)
    for place, item in enumerate(response.get("output") or ()):
        at = {"output_index": place, "item_id": item.get("id", f"item_{place}")}
        kind = item.get("type")
        empty = {**item, "status": "in_progress"}
        if kind == "message":
            empty["content"] = []
        elif kind == "function_call":
            empty["arguments"] = ""
        elif kind == "custom_tool_call":
            empty["input"] = ""
        elif kind == "reasoning":
            empty["summary"] = []
        yield event("response.output_item.added", output_index=place, item=empty)
        if kind == "message":
            for index, part in enumerate(item.get("content") or ()):
                yield from _replay_part(event, {**at, "content_index": index}, part)
        elif kind == "function_call":
            arguments = item.get("arguments") or ""
            yield event("response.function_call_arguments.delta", **at, delta=arguments)
            yield event("response.function_call_arguments.done", **at, arguments=arguments, name=item.get("name", ""))
        elif kind == "custom_tool_call":
            yield event("response.custom_tool_call_input.delta", **at, delta=item.get("input") or "")
            yield event("response.custom_tool_call_input.done", **at, input=item.get("input") or "")
        elif kind == "reasoning":
            for index, part in enumerate(item.get("summary") or ()):
                yield from _replay_summary(event, {**at, "summary_index": index}, part)
        yield event("response.output_item.done", output_index=place, item=item)
    yield event("response.completed", response=response)


def _replay_summary(event: Any, at: dict[str, Any], part: dict[str, Any]) -> Iterator[bytes]:
    text = part.get("text") or ""
    yield event("response.reasoning_summary_part.added", **at, part={**part, "text": ""})
    yield event("response.reasoning_summary_text.delta", **at, delta=text)
    yield event("response.reasoning_summary_text.done", **at, text=text)
    yield event("response.reasoning_summary_part.done", **at, part=part)


def _replay_part(event: Any, at: dict[str, Any], part: dict[str, Any]) -> Iterator[bytes]:
    kind = part.get("type")
    if kind == "output_text":
        text = part.get("text") or ""
        yield event("response.content_part.added", **at, part={**part, "text": ""})
        for piece in _pieces(text):
            yield event("response.output_text.delta", **at, delta=piece, logprobs=[])
        yield event("response.output_text.done", **at, text=text, logprobs=part.get("logprobs") or [])
    elif kind == "refusal":
        text = part.get("refusal") or ""
        yield event("response.content_part.added", **at, part={**part, "refusal": ""})
        yield event("response.refusal.delta", **at, delta=text)
        yield event("response.refusal.done", **at, refusal=text)
    else:
        yield event("response.content_part.added", **at, part=part)
    yield event("response.content_part.done", **at, part=part)
