"""The calls whose keys are pinned in ``golden_keys.json``; run as a script it prints their keys as JSON.

To be run again, and the file replaced, only together with a new number in the key format.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from askonce import Cache, MemoryStore
from askonce.cache.call import Call
from askonce.cache.openai_payload import parse
from askonce.cache.transport import call_for

URL = "https://api.openai.com/v1"
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}


class Tone(Enum):
    CALM = "calm"


@dataclass
class Options:
    depth: int = 1
    tags: list[str] = field(default_factory=list)


class Model(BaseModel):
    name: str = "n"
    inner: dict[str, int] = {}


for made in (Tone, Options, Model):
    made.__module__ = "shop"  # whatever this file is called where it runs

PAYLOADS: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("chat", {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "How do I reset it?"}]}),
    "chat with everything": (
        "chat",
        {
            "model": "gpt-4o",
            "temperature": 0.2,
            "seed": 7,
            "n": 2,
            "logprobs": True,
            "stop": ["\n", "END"],
            "tools": [TOOL],
            "tool_choice": "auto",
            "response_format": {"type": "json_object"},
            "user": "u-1",
            "metadata": {"a": "b"},
            "stream": True,
            "stream_options": {"include_usage": True},
            "messages": [
                {"role": "system", "content": "Be brief. é 中"},
                {"role": "user", "content": "Weather?"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                },
                {"role": "tool", "tool_call_id": "c1", "content": "12 degrees"},
                {"role": "user", "content": [{"type": "text", "text": "Look:"}, {"type": "text", "text": "And now?"}]},
            ],
        },
    ),
    "chat with an image": (
        "chat",
        {
            "model": "gpt-4o",
            "messages": [{"role": "user", "content": [IMAGE, {"type": "text", "text": "What is it?"}]}],
        },
    ),
    "chat ending in a tool result": (
        "chat",
        {"model": "gpt-4o", "messages": [{"role": "tool", "tool_call_id": "c1", "content": "12 degrees"}]},
    ),
    "responses": ("responses", {"model": "gpt-5-mini", "input": "How do I reset it?", "instructions": "Be brief."}),
    "responses with a list": (
        "responses",
        {
            "model": "gpt-5-mini",
            "store": False,
            "input": [
                {"role": "developer", "content": "Be brief."},
                {"type": "function_call_output", "call_id": "c1", "output": "12"},
                {"role": "user", "content": [{"type": "input_text", "text": "And now?"}]},
            ],
        },
    ),
    "embeddings": (
        "embeddings",
        {"model": "text-embedding-3-small", "input": ["a", "b"], "encoding_format": "base64"},
    ),
    "embeddings of tokens": ("embeddings", {"model": "text-embedding-3-small", "input": [[1, 2], [3]]}),
    "completions": ("completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "Once", "max_tokens": 5}),
    "completions of tokens": ("completions", {"model": "gpt-3.5-turbo-instruct", "prompt": [[1, 2], [3]]}),
}
PATHS = {"chat": "/chat/completions"}


def calls() -> dict[str, Call]:
    """Every pinned call, by what it shows."""
    made: dict[str, Call] = {}
    with Cache([MemoryStore()], semantic=False) as cache:
        for label, (endpoint, payload) in PAYLOADS.items():
            url = URL + PATHS.get(endpoint, f"/{endpoint}")
            made[label] = call_for(cache, url, parse(endpoint, payload))
        chat = PAYLOADS["chat"]
        made["chat of a tenant"] = call_for(cache.tenant("acme"), URL + PATHS["chat"], parse(*chat))

        def answer(question: str, *rest: Any, temperature: float = 0.0, **more: Any) -> str:
            raise AssertionError

        def words(question: str) -> Any:
            yield question

        answer.__module__ = words.__module__ = "shop"
        answer.__qualname__, words.__qualname__ = "answer", "words"
        plain = cache.cached()(answer)
        made["function"] = plain.call_for("Why?")
        made["function with defaults given"] = plain.call_for("Why?", temperature=0.0)
        made["function with scalars"] = plain.call_for("Why?", 1, 2.5, True, None, b"\x00", temperature=1)
        made["function with containers"] = plain.call_for("Why?", [1, (2, 3)], {"b": {3, 1, 2}, "a": frozenset("xyz")})
        made["function with int keys"] = plain.call_for("Why?", {2: "b", 1: "a", None: 0, (1, 2): ()})
        made["function with models"] = plain.call_for("Why?", Options(tags=["t"]), Model(inner={"k": 1}), Tone.CALM)
        made["function with dates"] = plain.call_for(
            "Why?", datetime(2026, 1, 2, 3, 4, tzinfo=UTC), datetime(2026, 1, 2), date(2026, 1, 2), timedelta(hours=1)
        )
        made["function with numbers"] = plain.call_for("Why?", Decimal("1.10"), UUID(int=5), float("inf"), -0.0)
        made["function by name and version"] = cache.cached(name="shop.named", version="2")(answer).call_for("Why?")
        made["function of a tenant"] = cache.tenant("acme").cached()(answer).call_for("Why?")
        made["generator"] = cache.cached()(words).call_for("Why?")
        made["function, exact only"] = cache.cached(None)(answer).call_for("Why?")
    return made


def main() -> None:
    json.dump({label: call.key.hex() for label, call in calls().items()}, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
