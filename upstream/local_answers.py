"""What the local model says: deterministic texts, tool calls, JSON and vectors.

Nothing here is intelligent. The same question always gets the same answer and two questions never do, so
that a test can see which question an answer was made for (:func:`answer_mark`).
"""

from __future__ import annotations

import json
import random
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_WORDS = """
account address after again answer available before billing by card change check choose code confirm
contact customer date delivery detail email enter find follow form guide help in item keep link list menu
message need new number office open option order page password pay payment phone please policy process
product profile question reach receive refund request return review section select send service settings
shop sign status step support team then through time update when with within you your
"""


def digest(*parts: str) -> str:
    """40 hexadecimal digits that name ``parts``."""
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


def answer_mark(question: str) -> str:
    """The mark that the default answer to ``question`` starts with."""
    return f"[{digest(question)[:12]}]"


def default_answer(payload: Mapping[str, Any]) -> str:
    """The answer to the payload's question: its mark and 40 to 160 plausible words chosen by its digest."""
    question = question_of(payload)
    picks, words = random.Random(digest(question)), _WORDS.split()
    sentences: list[str] = []
    left = picks.randint(40, 160)
    while left > 0:
        size = min(left, picks.randint(6, 16))
        left -= size
        sentences.append(" ".join(picks.choice(words) for _ in range(size)).capitalize() + ".")
    return f"{answer_mark(question)} {' '.join(sentences)}"


def text_of(content: Any) -> str:
    """The text in a message's content: a string, or the text parts of a list joined by new lines."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [p if isinstance(p, str) else p.get("text") for p in content if isinstance(p, str | Mapping)]
        return "\n".join(p for p in parts if isinstance(p, str))
    return ""


def question_of(payload: Mapping[str, Any]) -> str:
    """The question in a request of any endpoint: the last user turn, or the prompt."""
    turns = payload.get("messages", payload.get("input", payload.get("prompt", "")))
    if isinstance(turns, str):
        return turns
    if not isinstance(turns, list):
        return ""
    if all(isinstance(turn, str) for turn in turns):
        return "\n".join(turns)
    for turn in reversed(turns):
        if isinstance(turn, Mapping) and turn.get("role") == "user":
            return text_of(turn.get("content"))
    return ""


class ToolCall(NamedTuple):
    """A function call the model makes: ``arguments`` is JSON text."""

    name: str
    arguments: str


def tool_call_for(payload: Mapping[str, Any], question: str) -> ToolCall | None:
    """The call the model makes, or None when it answers in words.

    It calls when ``tool_choice`` says so, or when the question holds a word of the function's name
    (``get_weather``: "weather"), but not right after a tool's result, and never with ``"none"``.
    Understands the tools of chat completions (nested under ``function``) and of responses (flat).
    """
    choice = payload.get("tool_choice")
    functions = [
        tool.get("function", tool)
        for tool in payload.get("tools") or ()
        if isinstance(tool, Mapping) and tool.get("type") == "function"
    ]
    if not functions or choice == "none" or _after_tool(payload):
        return None
    chosen: Mapping[str, Any] | None = None
    if isinstance(choice, Mapping):
        wanted = choice.get("function", choice).get("name")
        chosen = next((f for f in functions if f.get("name") == wanted), None)
    elif choice == "required":
        chosen = functions[0]
    if chosen is None:
        words = set(re.findall(r"[a-z]{4,}", question.lower()))
        for function in functions:
            if words & set(re.findall(r"[a-z]{4,}", str(function.get("name", "")).lower())):
                chosen = function
                break
    if chosen is None:
        return None
    name = str(chosen.get("name", ""))
    return ToolCall(name, json.dumps(fill_schema(chosen.get("parameters") or {}, digest(name, question))))


def _after_tool(payload: Mapping[str, Any]) -> bool:
    turns = payload.get("messages", payload.get("input"))
    if not isinstance(turns, list) or not turns or not isinstance(turns[-1], Mapping):
        return False
    return turns[-1].get("role") == "tool" or turns[-1].get("type") == "function_call_output"


def fill_schema(schema: Mapping[str, Any], seed: str) -> Any:
    """A value that fits a JSON Schema of the kind structured outputs accept, chosen by ``seed``.

    Source: https://platform.openai.com/docs/guides/structured-outputs (objects, arrays, anyOf, enum, const,
    $ref with recursion, number ranges, common string formats). ``pattern`` is not honoured.
    """
    return _fill(schema, schema, seed, 0)


_FORMATS = {
    "date": "2024-03-07",
    "date-time": "2024-03-07T09:30:00Z",
    "time": "09:30:00Z",
    "duration": "PT30M",
    "email": "help@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "3b241101-e2bb-4255-8caf-4136c566a962",
    "uri": "https://example.com/",
}


def _fill(schema: Any, root: Mapping[str, Any], seed: str, depth: int) -> Any:
    if not isinstance(schema, Mapping):
        return None
    if isinstance(ref := schema.get("$ref"), str):
        target: Any = root
        for step in ref.removeprefix("#").strip("/").split("/"):
            target = target.get(step, {}) if step and isinstance(target, Mapping) else target
        return _fill(target, root, seed, depth + 1)
    if "const" in schema:
        return schema["const"]
    number = int(digest(seed)[:8], 16)
    if schema.get("enum"):
        return schema["enum"][number % len(schema["enum"])]
    for union in ("anyOf", "oneOf"):
        if schema.get(union):
            # Past some depth a recursive schema has to end: take the way out it offers.
            simple = [s for s in schema[union] if isinstance(s, Mapping) and s.get("type") == "null"]
            return _fill(simple[0] if depth > 6 and simple else schema[union][0], root, seed, depth + 1)
    if schema.get("allOf"):
        merged: dict[str, Any] = {}
        for part in schema["allOf"]:
            merged.update(part)
        return _fill(merged, root, seed, depth + 1)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = "null" if depth > 6 and "null" in kind else kind[0]
    if kind == "object" or (kind is None and "properties" in schema):
        fields = schema.get("properties") or {}
        if depth > 6:
            fields = {name: fields[name] for name in schema.get("required", fields) if name in fields}
        return {name: _fill(field, root, digest(seed, name), depth + 1) for name, field in fields.items()}
    if kind == "array":
        least = int(schema.get("minItems", 0 if depth > 6 else 1))
        return [_fill(schema.get("items"), root, digest(seed, str(i)), depth + 1) for i in range(least)]
    if kind in ("integer", "number"):
        return _number(schema, kind, number)
    if kind == "boolean":
        return number % 2 == 0
    if kind == "null":
        return None
    text = _FORMATS.get(str(schema.get("format")), f"text {digest(seed)[:10]}")
    text = text.ljust(int(schema.get("minLength", 0)), "x")
    return text[: int(schema["maxLength"])] if "maxLength" in schema else text


def _number(schema: Mapping[str, Any], kind: str, number: int) -> int | float:
    step = 1 if kind == "integer" else 0.5
    low = schema.get("minimum", schema["exclusiveMinimum"] + step if "exclusiveMinimum" in schema else None)
    high = schema.get("maximum", schema["exclusiveMaximum"] - step if "exclusiveMaximum" in schema else None)
    if low is None:
        low = 0 if high is None else high - 100
    if high is None:
        high = low + 100
    if multiple := schema.get("multipleOf"):
        value = -(-low // multiple) * multiple
    else:
        value = low + number % (int(high - low) + 1)
    return int(value) if kind == "integer" else float(value)


def pieces(text: str) -> Iterator[str]:
    """Cut ``text`` as a model streams it, about a token at a time; the pieces joined are the text."""
    return (match[0] for match in re.finditer(r"\s*[^\s]{1,7}|\s+\Z", text))


def embed(text: str, dim: int) -> NDArray[np.float32]:
    """A deterministic unit vector, float32 of shape ``(dim,)``: the sum of one random direction a word.

    Texts that share words are near each other, which is all a test of plumbing needs.
    """
    words = re.findall(r"\w", text) if not text.isascii() else re.findall(r"[a-z0-9]+", text.lower())
    total = np.sum([_direction(word, dim) for word in words or [text]], axis=0, dtype=np.float32)
    norm = float(np.linalg.norm(total))
    return np.asarray(total / norm, dtype=np.float32)


@lru_cache(maxsize=4096)
def _direction(word: str, dim: int) -> NDArray[np.float32]:
    made = np.random.default_rng(int(digest(word)[:16], 16)).standard_normal(dim, dtype=np.float32)
    made.flags.writeable = False
    return made


def vector_payload(vector: NDArray[np.float32], encoding: str) -> str | list[float]:
    """A vector as the API sends it: ``"base64"`` of little-endian float32, or a list of floats."""
    if encoding == "base64":
        return b64encode(vector.astype("<f4").tobytes()).decode("ascii")
    return [float(x) for x in vector]


def embedding_inputs(value: Any) -> Sequence[str] | None:
    """The texts of an embeddings request (token arrays become text), or None if it is not valid."""
    if isinstance(value, str):
        return [value] if value else None
    if not isinstance(value, list) or not value or len(value) > 2048:
        return None
    if all(isinstance(v, int) for v in value):
        return [" ".join(map(str, value))]
    made = [" ".join(map(str, v)) if isinstance(v, list) else v for v in value]
    return made if all(isinstance(v, str) and v for v in made) else None
