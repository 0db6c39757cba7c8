"""OpenAI-compatible requests as calls: what is scope, what is query, and what is never cached.

Field names follow the OpenAI API reference (chat completions, responses, embeddings, completions).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

IGNORED = frozenset(
    {
        # They do not shape the answer.
        "user", "metadata", "store", "service_tier", "safety_identifier",
        # Streamed or not, the answer is the same; see sse.
        "stream", "stream_options",
    }
)  # fmt: skip
IGNORED_PREFIX = "prompt_cache_"  # hints to the provider's own prefix cache

ENDPOINTS = {
    "/chat/completions": "chat",
    "/responses": "responses",
    "/embeddings": "embeddings",
    "/completions": "completions",
}
_NEVER = {
    "previous_response_id": "the answer depends on a conversation kept by the provider",
    "conversation": "the answer depends on a conversation kept by the provider",
    "background": "the answer comes later, outside this request",
    "web_search_options": "the provider searches the web for each answer",
    "data_sources": "the provider retrieves documents for each answer",
    "plugins": "they run at the provider, with effects a cache cannot know",
}
_CLIENT_TOOLS = frozenset({"function", "custom"})


class Parsed(NamedTuple):
    """A request taken apart.

    Attributes:
        endpoint: ``"chat"``, ``"responses"``, ``"embeddings"`` or ``"completions"``.
        scope: Plain data that must match exactly.
        query: Text of the last user turn, or None when nothing may vary.
        semantic: Whether the query may match by meaning.
        model: Model asked for.
        stream: Whether a stream was asked for.
        include_usage: Whether the caller wants the usage chunk of a chat stream.
        refused: Why this request is not cached, or an empty string.
    """

    endpoint: str
    scope: Mapping[str, Any]
    query: str | None
    semantic: bool
    model: str
    stream: bool
    include_usage: bool
    refused: str = ""


def endpoint_of(path: str) -> str | None:
    """The endpoint a URL path names (``/v1/chat/completions``, Azure's ``/openai/deployments/…``), or None."""
    path = path.rstrip("/")
    for suffix, name in ENDPOINTS.items():
        if path.endswith(suffix):
            return name
    return None


def parse(endpoint: str, payload: Mapping[str, Any]) -> Parsed:
    """Split the JSON body of a request. Never raises on odd payloads: what is not understood is scope."""
    scope = {
        name: value for name, value in payload.items() if name not in IGNORED and not name.startswith(IGNORED_PREFIX)
    }
    refused = _refusal(payload)
    query: str | None = None
    semantic = False
    if not refused and endpoint in ("chat", "responses", "completions"):
        field = {"chat": "messages", "responses": "input", "completions": "prompt"}[endpoint]
        value = payload.get(field)
        if isinstance(value, str):
            query = value
            scope[field] = ""
            # A completion's prompt is instructions, context and question in one; no part of it may vary alone.
            semantic = endpoint != "completions"
        elif isinstance(value, list) and endpoint != "completions":
            query, rest_turns = _last_user_text(value)
            if query is not None:
                scope[field] = rest_turns
                semantic = not _has_media(value)
    options = payload.get("stream_options")
    return Parsed(
        endpoint=endpoint,
        scope=scope,
        query=query,
        semantic=semantic,
        model=str(payload.get("model", "")),
        stream=bool(payload.get("stream")),
        include_usage=isinstance(options, Mapping) and bool(options.get("include_usage")),
        refused=refused,
    )


def _refusal(payload: Mapping[str, Any]) -> str:
    for field, why in _NEVER.items():
        if payload.get(field):
            return f"{field}: {why}"
    model = str(payload.get("model", ""))
    if "-search" in model or model.endswith(":online"):
        return "a search model asks the web for each answer"
    tools = payload.get("tools") or ()
    if not isinstance(tools, list | tuple):
        return "tools is not a list"
    for tool in tools:
        kind = tool.get("type") if isinstance(tool, Mapping) else None
        if not isinstance(kind, str) or kind not in _CLIENT_TOOLS:
            return f"tools: {kind!r} runs at the provider, with effects a cache cannot know"
    return ""


def _last_user_text(turns: list[Any]) -> tuple[str | None, list[Any]]:
    """The text that may vary and the turns with it taken out; ``(None, turns)`` when there is none.

    Only the last turn may vary, only when a user speaks, and only its last text part.
    """
    last = turns[-1] if turns else None
    if not isinstance(last, Mapping) or last.get("role") != "user":
        return None, turns
    content = last.get("content")
    if isinstance(content, str):
        return content, [*turns[:-1], {**last, "content": ""}]
    if isinstance(content, list) and content:
        part = content[-1]
        if (
            isinstance(part, Mapping)
            and part.get("type") in ("text", "input_text")
            and isinstance(part.get("text"), str)
        ):
            return part["text"], [*turns[:-1], {**last, "content": [*content[:-1], {**part, "text": ""}]}]
    return None, turns


def _has_media(turns: list[Any]) -> bool:
    """Whether the last turn holds anything but text (then only the very same request may hit)."""
    content = turns[-1].get("content")
    if not isinstance(content, list):
        return False
    return any(not isinstance(p, Mapping) or p.get("type") not in ("text", "input_text") for p in content)
