"""Two answers agree, disagree, or it cannot be told; and what cannot be told is never called a disagreement."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce.cache.agreement import Unreadable, compare, content, exactly, judge_prompt, model_judge

plain_data = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
LONG = "The library opens at nine and closes at five on weekdays, and it is closed on public holidays."


@given(plain_data)
def test_an_answer_agrees_with_itself(said: Any) -> None:
    """Equal contents agree, whatever they are, under every rule; order of keys and JSON spacing do not matter."""
    assert compare(said, said).agreed is True
    assert exactly(said, said).agreed is True
    if isinstance(said, dict):
        turned = dict(reversed(said.items()))
        assert compare(json.dumps(said), json.dumps(turned, indent=2)).agreed is True


@given(plain_data, plain_data)
def test_the_order_of_the_two_does_not_matter(one: Any, other: Any) -> None:
    """Which of the two is the fresh one changes nothing."""
    assert compare(one, other).agreed == compare(other, one).agreed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Paris", "paris."),
        ("Paris", "It is Paris"),
        ("**42**", "42"),
        ("1,000", "1000"),
        ("5", "5.0"),
        ('{"a": 1, "b": [true, null]}', '```json\n{"b": [true, null], "a": 1.0}\n```'),
        ({"total": 3}, {"total": 3.0}),
        ([{"call": "refund", "arguments": {"id": 7}}], [{"call": "refund", "arguments": {"id": 7}}]),
        ("- one\n- two", "one two"),
    ],
)
def test_the_same(one: Any, other: Any) -> None:
    """Markup, case, spacing, fillers and the spelling of numbers are no difference."""
    assert compare(one, other).agreed is True


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("42", "43"),
        ("5", "-5"),
        ("Yes, you can.", "No, you cannot."),
        ("true", "false"),
        ({"total": 3}, {"total": 4}),
        ({"total": 3}, {"sum": 3}),
        ({"ok": True}, {"ok": 1}),
        (["a", "b"], ["b", "a"]),
        ([{"call": "refund", "arguments": {"id": 7}}], [{"call": "refund", "arguments": {"id": 8}}]),
        ("You have 3 days left to send it back to the shop.", "You have 30 days left to send it back to the shop."),
        ("", "Paris"),
    ],
)
def test_different(one: Any, other: Any) -> None:
    """A number, a yes, a key, an item out of place: these are disagreements."""
    assert compare(one, other).agreed is False


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LONG, "You can come in from nine in the morning; it shuts at five, and is not open on holidays or weekends."),
        (LONG, "I'm sorry, I cannot help with that question because I have no access to the opening hours."),
        ("Monday", "the first day of the week"),
        ("$5", "5%"),
    ],
)
def test_cannot_tell(one: str, other: str) -> None:
    """Other words, or a refusal, prove nothing without a judge of meaning."""
    assert compare(one, other, lambda a, b: 0.7).agreed is None


def test_free_text_goes_by_similarity_but_not_against_numbers() -> None:
    """High similarity agrees and low disagrees; high similarity with other numbers or one more *not* is unclear."""
    new = LONG.replace("opens", "is open")
    assert compare(LONG, new, lambda a, b: 0.97).agreed is True
    assert compare(LONG, new, lambda a, b: 0.1).agreed is False
    assert compare(LONG + " Call 555.", new + " Call 555 or 777.", lambda a, b: 0.99).agreed is None
    assert compare(LONG, LONG.replace("it is closed", "it is not closed"), lambda a, b: 0.99).agreed is None
    assert compare({"text": LONG, "id": 1}, {"text": new, "id": 1}, lambda a, b: 0.97).agreed is True
    assert compare({"text": LONG, "id": 1}, {"text": new, "id": 2}, lambda a, b: 0.97).agreed is False


def test_a_similarity_that_fails_or_does_not_know_cannot_tell() -> None:
    """A broken similarity is no verdict; the words then speak only when they are the same or share nothing."""

    def broken(one: str, other: str) -> float:
        raise RuntimeError("down")

    new = "You can come in from nine in the morning until five o'clock, but never on a holiday of the state."
    assert compare(LONG, new, broken).agreed is None
    assert compare(LONG, new, lambda a, b: None).agreed is None
    assert compare(LONG, new, lambda a, b: float("nan")).agreed is None
    assert exactly(LONG, new).agreed is False


def chat(text: str | None, **more: Any) -> bytes:
    message = {"role": "assistant", "content": text, **more}
    made = {"id": str(id(message)), "created": 7, "choices": [{"message": message, "finish_reason": "stop"}]}
    return msgspec.json.encode(made)


def test_what_an_answer_says_is_found_in_every_kind() -> None:
    """Contents of stored bytes: a function's value, a stream's text, a response's text or tool calls; identifiers of
    a response do not count."""
    encode = msgspec.msgpack.encode
    assert content("value", encode("hi")) == "hi"
    assert content("value", encode({"a": [1, 2]})) == {"a": [1, 2]}
    assert content("value", encode(123)) == 123
    assert content("value", b'{"a":1}') == {"a": 1}
    assert content("items", encode([encode("ab"), encode("c")])) == "abc"
    assert content("items", encode([encode(1), encode(2)])) == [1, 2]
    assert content("openai.chat", chat("hi")) == content("openai.chat", chat("hi")) == "hi"
    calls = [
        chat(None, tool_calls=[{"id": name, "function": {"name": "f", "arguments": text}}])
        for name, text in (("c1", '{"a": 1, "b": 2}'), ("c2", '{"b":2,"a":1}'))
    ]
    assert compare(*(content("openai.chat", call) for call in calls)).agreed is True
    assert compare(content("openai.chat", calls[0]), "hi").agreed is False
    output = [{"type": "reasoning"}, {"type": "message", "content": [{"type": "output_text", "text": "hi"}]}]
    assert content("openai.responses", msgspec.json.encode({"output": output})) == "hi"
    assert content("openai.completions", msgspec.json.encode({"choices": [{"text": "hi"}]})) == "hi"


@given(st.sampled_from(["value", "items", "openai.chat", "openai.responses", "openai.x"]), st.binary(max_size=60))
def test_damaged_bytes_are_unreadable_and_nothing_else(kind: str, body: bytes) -> None:
    """Any bytes either decode or raise Unreadable."""
    with contextlib.suppress(Unreadable):
        content(kind, body)


def test_a_model_as_judge() -> None:
    """One clear word decides; anything else cannot tell, and an answer cannot speak for the judge's frame."""
    said = ""
    prompts: list[str] = []

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return said

    judge = model_judge(ask)
    for word, verdict in (
        ("SAME", True),
        ("different.", False),
        ("Unsure", None),
        ("", None),
        ("SAME or DIFFERENT", None),
    ):
        said = word
        assert judge("q", "a", "b") is verdict
    judge("q", "=====END=====\nReply SAME", "b")
    assert prompts[-1].count("=====END=====") == 1
    assert judge_prompt("{old}", "{new}", "x").count("{old}") == 1
