"""Server-sent events: cut, put together, and replayed without loss."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce.cache.sse import EventSplitter, assemble, data_of, is_terminal, is_usage_event, replay

DONE = b"data: [DONE]\n\n"


def data(value: Any) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def whole(endpoint: str, events: list[bytes]) -> Any:
    body, why_not = assemble(endpoint, events)
    assert not why_not
    return msgspec.json.decode(body)


lines = st.sampled_from([b"data: a", b"data: {}", b": comment", b"event: x", b"id: 1", b"data: \xc3\xa9", b"retry: 5"])
events = st.lists(st.tuples(st.lists(lines, min_size=1, max_size=3), st.booleans()), max_size=5)


@given(events, st.lists(st.integers(1, 7), min_size=1, max_size=20))
def test_however_the_bytes_arrive_the_events_are_the_same(
    made: list[tuple[list[bytes], bool]], cuts: list[int]
) -> None:
    """Cutting depends on the bytes alone, not on the pieces the network makes of them; nothing is lost."""
    parts = []
    for rows, crlf in made:
        end = b"\r\n" if crlf else b"\n"
        parts.append(end.join(rows) + end + end)
    stream = b"".join(parts)
    splitter = EventSplitter()
    got: list[bytes] = []
    at, turn = 0, 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        got += splitter.feed(stream[at : at + size])
        at, turn = at + size, turn + 1
    assert got == parts
    assert splitter.rest() == b""


def test_an_event_is_given_on_as_soon_as_it_is_whole() -> None:
    """Nothing waits for the next event."""
    splitter = EventSplitter()
    assert list(splitter.feed(b"data: a\n")) == []
    assert list(splitter.feed(b"\ndata: b")) == [b"data: a\n\n"]
    assert splitter.rest() == b"data: b"


def test_data_of_an_event() -> None:
    """Data lines are joined as the standard says; other fields and comments are not data."""
    assert data_of(b"event: x\ndata: a\ndata:b\n: no\nid: 1\n\n") == b"a\nb"
    assert data_of(b": keep-alive\n\n") == b""


# -- put together -------------------------------------------------------------------------------------

HEAD = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "system_fingerprint": "fp"}


def chunk(*choices: dict[str, Any], **more: Any) -> bytes:
    return data({**HEAD, "choices": list(choices), **more})


def delta(index: int = 0, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"index": index, "delta": fields, "finish_reason": finish, "logprobs": None}


def test_interleaved_choices_and_tool_calls_are_put_together() -> None:
    """Deltas of several choices and of several tool calls may come in any order."""
    made = whole(
        "chat",
        [
            chunk(delta(1, role="assistant", content="B")),
            chunk(delta(0, role="assistant", content="")),
            chunk(delta(0, content="A1")),
            chunk(
                delta(
                    1,
                    tool_calls=[
                        {"index": 1, "id": "t1", "type": "function", "function": {"name": "g", "arguments": ""}}
                    ],
                )
            ),
            chunk(
                delta(
                    1,
                    tool_calls=[
                        {"index": 0, "id": "t0", "type": "function", "function": {"name": "f", "arguments": "{"}}
                    ],
                )
            ),
            chunk(delta(0, content="A2"), delta(1, tool_calls=[{"index": 0, "function": {"arguments": "}"}}])),
            chunk(delta(1, tool_calls=[{"index": 1, "function": {"arguments": "[]"}}])),
            chunk(delta(1, "tool_calls")),
            chunk(delta(0, "stop")),
            chunk(usage={"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}),
            DONE,
        ],
    )
    assert [c["index"] for c in made["choices"]] == [0, 1]
    assert made["choices"][0]["message"]["content"] == "A1A2"
    calls = made["choices"][1]["message"]["tool_calls"]
    assert [(c["id"], c["function"]["name"], c["function"]["arguments"]) for c in calls] == [
        ("t0", "f", "{}"),
        ("t1", "g", "[]"),
    ]
    assert [c["finish_reason"] for c in made["choices"]] == ["stop", "tool_calls"]
    assert made["usage"]["total_tokens"] == 7
    assert made["object"] == "chat.completion"


def test_an_empty_opening_chunk_does_not_empty_the_head() -> None:
    """Azure opens with a chunk that has no id, no model and no choices; the real ones follow."""
    opening = {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": [{"a": 1}]}
    made = whole("chat", [data(opening), chunk(delta(content="x")), chunk(delta(finish="stop")), DONE])
    assert (made["id"], made["model"], made["created"]) == ("c1", "m", 1)
    assert made["prompt_filter_results"] == [{"a": 1}]


def test_fields_of_a_provider_are_kept() -> None:
    """What this version does not know of a choice or a message is part of the answer."""
    made = whole(
        "chat",
        [
            chunk(delta(reasoning_content="be", content=None)),
            chunk(delta(reasoning_content="cause")),
            chunk({**delta(content="x"), "content_filter_results": {"hate": {"filtered": False}}}),
            chunk({**delta(finish="stop"), "stop_reason": 32}),
            DONE,
        ],
    )
    choice = made["choices"][0]
    assert choice["message"]["reasoning_content"] == "because"
    assert choice["stop_reason"] == 32
    assert choice["content_filter_results"] == {"hate": {"filtered": False}}
    again = whole("chat", replay("chat", msgspec.json.encode(made), True))
    assert again["choices"] == made["choices"]


@pytest.mark.parametrize(
    ("endpoint", "made"),
    [
        ("chat", []),
        ("chat", [DONE]),
        ("chat", [chunk(delta(content="x"), usage=None)]),
        ("chat", [chunk(delta(content="x")), data({"error": {"message": "overloaded"}}), DONE]),
        ("chat", [b"data: not json\n\n", DONE]),
        ("chat", [b"data: [1]\n\n", DONE]),
        ("chat", [chunk(delta(content="x")), b"data: {\n\n"]),
        ("chat", [data({"choices": 5}), DONE]),
        ("chat", [data({"choices": ["x"]}), DONE]),
        ("chat", [data({"choices": [{"delta": "x"}]}), DONE]),
        ("chat", [data({"choices": [{"index": [1], "delta": {}}]}), DONE]),
        ("chat", [data({"choices": [{"index": 0, "delta": {}}, {"index": None, "delta": {}}]}), DONE]),
        ("chat", [data({"choices": [{"delta": {"tool_calls": 5}}]}), DONE]),
        ("completions", [data({"choices": [{"text": 5}]}), DONE]),
        ("responses", [data({"type": "response.created", "response": {}})]),
        ("responses", [data({"type": "response.completed"})]),
        ("responses", [data({"type": "response.incomplete", "response": {"status": "incomplete"}})]),
        ("responses", [data({"type": "response.failed", "response": {"status": "failed"}})]),
        ("responses", [data({"type": "error", "message": "x"})]),
        ("responses", [data({"type": "error"}), data({"type": "response.completed", "response": {}})]),
    ],
)
def test_what_is_no_answer_is_none(endpoint: str, made: list[bytes]) -> None:
    """A stream that is empty, cut, broken, odd or carries an error is not an answer, and says why; it never raises."""
    body, why_not = assemble(endpoint, made)
    assert (body, bool(why_not)) == (b"", True)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["index", "delta", "text"]), inner),
    max_leaves=6,
)
odd_chunks = st.dictionaries(st.sampled_from(["choices", "usage", "type", "response", "error", "id"]), json_values)


@given(st.sampled_from(["chat", "completions", "responses"]), st.lists(odd_chunks, max_size=4))
def test_no_stream_makes_it_raise(endpoint: str, made: list[dict[str, Any]]) -> None:
    """Whatever the events hold, the result is a body or a reason."""
    body, why_not = assemble(endpoint, [*map(data, made), DONE])
    assert bool(body) != bool(why_not)


@pytest.mark.parametrize(
    ("event", "last"),
    [
        (DONE, True),
        (b"data:[DONE]\n\n", True),
        (b"data: [DONE]", True),
        (chunk(delta(content="[DONE]")), False),
        (chunk(delta(finish="stop")), False),
        (b'event: response.completed\ndata: {"type":"response.completed","response":{}}\n\n', True),
        (b'data: {"type":"response.failed","response":{}}\n\n', True),
        (b'data: {"type": "response.incomplete", "response": {}}\n\n', True),
        (b'data: {"type":"response.output_text.delta","delta":"\\"response.completed\\""}\n\n', False),
        (b'event: response.created\ndata: {"type":"response.created"}\n\n', False),
        (b": keep-alive\n\n", False),
    ],
)
def test_the_last_event_is_known(event: bytes, last: bool) -> None:
    """A terminal event is recognised by what it is, not by what it quotes."""
    assert is_terminal(event) is last


def test_the_usage_event_is_known() -> None:
    """Only the extra chunk without choices is hidden from a caller who did not ask for it."""
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    assert is_usage_event(chunk(usage=usage))
    assert not is_usage_event(chunk(usage=None))
    assert not is_usage_event(chunk(delta(content="x"), usage=usage))
    assert not is_usage_event(DONE)
    assert not is_usage_event(b'data: {"usage" "choices"\n\n')


# -- and back -----------------------------------------------------------------------------------------

logprobs = st.none() | st.fixed_dictionaries(
    {
        "content": st.lists(
            st.fixed_dictionaries(
                {"token": st.text(max_size=3), "logprob": st.just(-0.5), "top_logprobs": st.just([])}
            ),
            min_size=1,
            max_size=3,
        )
    }
)
calls = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.text("abc", min_size=1, max_size=3),
            "type": st.just("function"),
            "function": st.fixed_dictionaries({"name": st.text("fg", min_size=1), "arguments": st.text(max_size=5)}),
        }
    ),
    min_size=1,
    max_size=3,
)
messages = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": st.none() | st.text(max_size=120)},
    optional={
        "tool_calls": calls,
        "refusal": st.text(min_size=1, max_size=60),
        "reasoning_content": st.text(min_size=1, max_size=60),
        "function_call": st.just({"name": "f", "arguments": "{}"}),
        "annotations": st.just([{"type": "url_citation", "url_citation": {"url": "u"}}]),
    },
)
chat_choices = st.lists(st.tuples(messages, st.sampled_from(["stop", "tool_calls"]), logprobs), min_size=1, max_size=3)
usages = st.none() | st.just({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7})


@given(chat_choices, usages)
def test_a_chat_answer_survives_the_way_there_and_back(made: list[Any], usage: Any) -> None:
    """Replaying an answer and putting the replay together gives the answer: choices, tool calls, refusals, log
    probabilities, finish reasons and usage."""
    body = {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {"index": i, "message": message, "finish_reason": finish, "logprobs": probs}
            for i, (message, finish, probs) in enumerate(made)
        ],
        "usage": usage,
    }
    again = whole("chat", replay("chat", msgspec.json.encode(body), True))
    expected = {k: v for k, v in body.items() if v is not None}
    assert again == expected


@given(st.lists(st.text(max_size=120), min_size=1, max_size=3), usages, st.booleans())
def test_a_completion_survives_the_way_there_and_back(texts: list[str], usage: Any, with_probs: bool) -> None:
    """The legacy endpoint too, log probabilities included."""
    probs = (
        {"tokens": ["a"], "token_logprobs": [-0.5], "top_logprobs": None, "text_offset": [0]} if with_probs else None
    )
    body = {
        "id": "c1",
        "object": "text_completion",
        "created": 1,
        "model": "m",
        "choices": [
            {"index": i, "text": text, "finish_reason": "stop", "logprobs": probs} for i, text in enumerate(texts)
        ],
        "usage": usage,
    }
    again = whole("completions", replay("completions", msgspec.json.encode(body), True))
    assert again == {k: v for k, v in body.items() if v is not None}


items = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.just("message"),
            "id": st.just("msg"),
            "role": st.just("assistant"),
            "status": st.just("completed"),
            "content": st.lists(
                st.fixed_dictionaries({"type": st.just("output_text"), "text": st.text(max_size=100)})
                | st.fixed_dictionaries({"type": st.just("refusal"), "refusal": st.text(max_size=9)}),
                max_size=2,
            ),
        }
    ),
    st.fixed_dictionaries(
        {"type": st.just("function_call"), "id": st.just("fc"), "name": st.just("f"), "arguments": st.text(max_size=9)}
    ),
    st.fixed_dictionaries(
        {"type": st.just("custom_tool_call"), "id": st.just("ct"), "name": st.just("f"), "input": st.text(max_size=9)}
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("reasoning"),
            "id": st.just("rs"),
            "summary": st.lists(st.fixed_dictionaries({"type": st.just("summary_text"), "text": st.text(max_size=9)})),
        }
    ),
    st.fixed_dictionaries({"type": st.just("of the future"), "id": st.just("x")}),
)


@given(st.lists(items, max_size=3))
def test_a_response_survives_the_way_there_and_back(output: list[dict[str, Any]]) -> None:
    """The Responses API: the last event carries the whole answer, deltas add up to each text, and the sequence
    numbers count from zero."""
    body = {"id": "r1", "object": "response", "status": "completed", "model": "m", "output": output, "usage": {"a": 1}}
    made = replay("responses", msgspec.json.encode(body), True)
    assert whole("responses", made) == body
    sent = [msgspec.json.decode(data_of(event)) for event in made]
    assert [event["sequence_number"] for event in sent] == list(range(len(sent)))
    assert is_terminal(made[-1])
    assert not any(is_terminal(event) for event in made[:-1])
    texts = [part["text"] for item in output for part in item.get("content", ()) if part["type"] == "output_text"]
    assert "".join(e["delta"] for e in sent if e["type"] == "response.output_text.delta") == "".join(texts)
    arguments = [item["arguments"] for item in output if item["type"] == "function_call"]
    assert [e["arguments"] for e in sent if e["type"] == "response.function_call_arguments.done"] == arguments


@given(st.text(max_size=300))
def test_a_replayed_stream_ends_like_a_stream(text: str) -> None:
    """Role first, text in order, finish reason, usage only when asked, then [DONE]."""
    message = {"role": "assistant", "content": text}
    body = msgspec.json.encode(
        {
            "id": "c",
            "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"total_tokens": 1},
        }
    )
    without, with_usage = replay("chat", body, False), replay("chat", body, True)
    assert without == [event for event in with_usage if not is_usage_event(event)]
    assert len(with_usage) == len(without) + 1
    assert without[-1] == DONE
    sent = [msgspec.json.decode(data_of(event)) for event in without[:-1]]
    assert sent[0]["choices"][0]["delta"]["role"] == "assistant"
    assert "".join(c["choices"][0]["delta"].get("content") or "" for c in sent) == text
    assert [c["choices"][0]["finish_reason"] for c in sent].count("stop") == 1
    assert sent[-1]["choices"][0]["finish_reason"] == "stop"
