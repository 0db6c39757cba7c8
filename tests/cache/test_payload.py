"""OpenAI payloads: what is scope, what is query, what is never cached."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce import Cache, MemoryStore
from askonce.cache.call import Call
from askonce.cache.openai_answer import answer_of
from askonce.cache.openai_payload import IGNORED, Parsed, endpoint_of, parse
from askonce.cache.transport import call_for

CACHE = Cache([MemoryStore()], semantic=False)
URL = "https://api.openai.com/v1/chat/completions"
QUESTION = "How do I reset my password?"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
ENDPOINTS = ["chat", "responses", "embeddings", "completions"]
FIELDS = [
    "messages", "input", "prompt", "model", "tools", "stream", "stream_options", "background", "conversation",
    "previous_response_id", "temperature", "response_format", "user", "n", "metadata", "plugins",
]  # fmt: skip


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "text": content}


IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
AUDIO = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
FILE = {"type": "file", "file": {"file_id": "file-1"}}


def user(content: Any = QUESTION, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **more}


def chat(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": list(messages), **more}


def made(payload: dict[str, Any], endpoint: str = "chat", cache: Cache = CACHE, url: str = URL) -> Call:
    return call_for(cache, url, parse(endpoint, payload))


FULL = chat(
    {"role": "system", "content": "Be brief."},
    user("Weather?"),
    {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f"}}]},
    {"role": "tool", "tool_call_id": "c", "content": "12 degrees"},
    user([text("Look here:"), text(QUESTION)], name="ann"),
    temperature=0.5,
    top_p=1.0,
    n=2,
    seed=1,
    logprobs=True,
    stop=["a", "b"],
    max_tokens=5,
    tools=[{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "required": ["a", "b"]}}}],
    tool_choice="auto",
    response_format={"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}},
)


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every leaf of a payload is."""
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in paths(v, (*here, k))]
    if isinstance(value, list):
        return [p for i, v in enumerate(value) for p in paths(v, (*here, i))]
    return [here]


def with_change(payload: dict[str, Any], path: tuple[Any, ...], new: Any) -> dict[str, Any]:
    copy: Any = deepcopy(payload)
    at = copy
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = new
    return dict(copy)


QUERY_PATH = ("messages", 4, "content", 1, "text")


def test_the_last_text_of_the_last_user_turn_is_the_query() -> None:
    """Only it may vary; the text before it in the same turn may not."""
    parsed = parse("chat", FULL)
    assert (parsed.query, parsed.semantic, parsed.refused) == (QUESTION, True, "")
    assert made(with_change(FULL, QUERY_PATH, "Other?")).scope == made(FULL).scope
    assert made(with_change(FULL, QUERY_PATH, "Other?")).key != made(FULL).key


@pytest.mark.parametrize("path", [p for p in paths(FULL) if p != QUERY_PATH])
def test_every_other_leaf_is_scope(path: tuple[Any, ...]) -> None:
    """Whatever else of a payload changes, scope and key change with it."""
    other = made(with_change(FULL, path, "something else"))
    assert other.scope != made(FULL).scope
    assert other.key != made(FULL).key


@given(st.dictionaries(st.text(max_size=6), json_values, max_size=4), st.sampled_from(["temperature", "n", "x-new"]))
def test_changing_a_field_changes_the_scope(extra: dict[str, Any], name: str) -> None:
    """Fields this version never heard of shape the answer too, until the contrary is known."""
    base = {**extra, **chat(user())}
    one, two = made({**base, name: 1}), made({**base, name: 2})
    assert one.scope != two.scope
    assert one.key != two.key


def shuffled(value: Any, draw: Any) -> Any:
    if isinstance(value, dict):
        items = draw(st.permutations(list(value.items())))
        return {k: shuffled(v, draw) for k, v in items}
    return [shuffled(v, draw) for v in value] if isinstance(value, list) else value


@given(st.data())
def test_order_in_objects_does_not_matter_and_order_in_lists_does(data: st.DataObject) -> None:
    """JSON objects have no order; JSON arrays have."""
    assert made(shuffled(FULL, data.draw)).key == made(FULL).key
    assert made({**FULL, "stop": ["b", "a"]}).key != made(FULL).key


@given(st.text(max_size=30), st.text(max_size=30))
def test_another_question_is_another_key_in_the_same_scope(one: str, two: str) -> None:
    """Two questions share a key exactly when they are the same text, and always share the scope."""
    first, second = made(chat(user(one))), made(chat(user(two)))
    assert first.scope == second.scope
    assert (first.key == second.key) == (one == two)


def test_no_text_moves_between_scope_and_query() -> None:
    """A payload whose text stands elsewhere is another call, even where all the texts together are the same."""
    keys = [
        made(chat(user(""))).key,
        made(chat(user([text("")]))).key,
        made(chat(user([text(""), text("")]))).key,
        made(chat(user("a"))).key,
        made(chat(user([text("a")]))).key,
        made(chat(user([text("a"), text("")]))).key,
        made(chat(user([text(""), text("a")]))).key,
        made(chat({"role": "system", "content": "a"}, user(""))).key,
        made(chat({"role": "assistant", "content": "a"})).key,
        made(chat({"role": "assistant", "content": ""})).key,
        made(chat()).key,
    ]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("name", [*sorted(IGNORED), "prompt_cache_key", "prompt_cache_retention", "prompt_cache_new"])
def test_fields_that_do_not_shape_the_answer_are_not_in_the_key(name: str) -> None:
    """They may be there or not, and hold anything."""
    base = made(chat(user()))
    for value in ("x", {"a": 1}, True, None):
        assert made(chat(user(), **{name: value})).key == base.key


def test_tenant_host_and_endpoint_are_scope() -> None:
    """The same payload for another tenant, provider, API version or endpoint is another scope."""
    calls = [
        made(chat(user())),
        made(chat(user()), cache=CACHE.tenant("acme")),
        made(chat(user()), cache=CACHE.tenant("other")),
        made(chat(user()), url="https://other.example/v1/chat/completions"),
        made(chat(user()), url=URL + "?api-version=2024-10-21"),
        made(chat(user()), endpoint="responses"),
    ]
    assert len({call.scope for call in calls}) == len(calls)
    assert len({call.key for call in calls}) == len(calls)


def test_model_aliases_are_not_merged() -> None:
    """A dated snapshot, a provider prefix and the plain name are three models."""
    names = ("gpt-4o", "gpt-4o-2024-08-06", "openai/gpt-4o", "gpt-4o-latest", "GPT-4o")
    assert len({made(chat(user(), model=name)).scope for name in names}) == len(names)


@pytest.mark.parametrize(
    "messages",
    [
        [user([IMAGE, text(QUESTION)])],
        [user([text(QUESTION), IMAGE])],
        [user([AUDIO, text(QUESTION)])],
        [user([FILE, text(QUESTION)])],
        [user([{"type": "of the future"}, text(QUESTION)])],
        [user([QUESTION])],
        [user([])],
        [user(None)],
        [user(), {"role": "tool", "tool_call_id": "c", "content": "12"}],
        [user(), {"role": "assistant", "content": "The answer is"}],
        [user(), {"role": "system", "content": "Be brief."}],
        [user(), {"role": "developer", "content": "Be brief."}],
        [{"role": "system", "content": "Be brief."}],
        [],
    ],
)
def test_what_is_not_plain_text_by_a_user_matches_exactly_only(messages: list[dict[str, Any]]) -> None:
    """Images, audio, files, tool results, prefilled answers and instructions after the question never meet the
    semantic tier; the very same payload still has the very same key."""
    call = made(chat(*messages))
    assert not call.semantic
    assert call.key == made(deepcopy(chat(*messages))).key


def test_media_in_earlier_turns_are_scope() -> None:
    """A question about an earlier image may vary by meaning only beside that very image."""
    one = made(chat(user([IMAGE, text("Look")]), {"role": "assistant", "content": "Yes?"}, user()))
    two = made(chat(user([AUDIO, text("Look")]), {"role": "assistant", "content": "Yes?"}, user()))
    assert one.semantic
    assert one.scope != two.scope


@pytest.mark.parametrize("content", ["", "   ", "\n", "👍", "?!", [text("")], [text(" ")]])
def test_empty_user_text_never_reaches_the_semantic_tier(content: Any) -> None:
    """A turn without a word matches exactly only."""
    assert not made(chat(user(content))).semantic


@pytest.mark.parametrize(
    ("payload", "query", "semantic"),
    [
        ({"input": QUESTION}, QUESTION, True),
        ({"input": [user()]}, QUESTION, True),
        ({"input": [{"type": "message", **user([{"type": "input_text", "text": QUESTION}])}]}, QUESTION, True),
        ({"input": [user([{"type": "input_image"}, {"type": "input_text", "text": QUESTION}])]}, QUESTION, False),
        ({"input": [user([{"type": "input_file", "file_id": "f"}])]}, None, False),
        ({"input": [user(), {"type": "function_call_output", "call_id": "c", "output": "1"}]}, None, False),
        ({"input": [{"type": "item_reference", "id": "m"}]}, None, False),
        ({"input": []}, None, False),
        ({}, None, False),
    ],
)
def test_responses_inputs(payload: dict[str, Any], query: str | None, semantic: bool) -> None:
    """The Responses API: a text, or a list whose last item is a user's text."""
    parsed = parse("responses", {"model": "gpt-5", **payload})
    assert (parsed.query, parsed.semantic) == (query, semantic)


def test_function_call_outputs_are_scope() -> None:
    """Another tool result before the question is another scope."""

    def asked(output: str) -> Call:
        items = [{"type": "function_call_output", "call_id": "c", "output": output}, user()]
        return made({"model": "gpt-5", "input": items}, "responses")

    assert asked("1").scope != asked("2").scope


@pytest.mark.parametrize("prompt", ["Translate to French: hello", ["a", "b"], [1, 2, 3], [[1, 2], [3]], ""])
def test_legacy_prompts_match_exactly_only(prompt: Any) -> None:
    """A completion's prompt holds instructions, context and question in one text: no part may vary alone."""
    call = made({"model": "m", "prompt": prompt}, "completions")
    assert not call.semantic
    assert call.key != made({"model": "m", "prompt": "another"}, "completions").key


@pytest.mark.parametrize("value", ["a", ["a"], ["a", "b"], [1, 2], [[1, 2]], [[1], [2]], [12]])
def test_embeddings_match_exactly_only(value: Any) -> None:
    """Texts and tokens to embed are scope, each in its own shape."""
    call = made({"model": "m", "input": value}, "embeddings")
    others = [made({"model": "m", "input": v}, "embeddings").key for v in ("b", ["b"], [2, 1], [[2, 1]], 12)]
    assert (call.query, call.semantic) == (None, False)
    assert call.key not in others


@pytest.mark.parametrize(
    ("endpoint", "field"),
    [
        ("responses", {"previous_response_id": "r"}),
        ("responses", {"conversation": "c"}),
        ("responses", {"conversation": {"id": "c"}}),
        ("responses", {"background": True}),
        ("responses", {"tools": [{"type": "web_search"}]}),
        ("responses", {"tools": [{"type": "function", "name": "f"}, {"type": "file_search"}]}),
        ("responses", {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]}),
        ("responses", {"tools": [{"type": "mcp", "server_url": "https://example.org"}]}),
        ("responses", {"tools": [{"type": ["odd"]}]}),
        ("responses", {"tools": ["odd"]}),
        ("responses", {"tools": 5}),
        ("chat", {"web_search_options": {"search_context_size": "low"}}),
        ("chat", {"model": "gpt-4o-search-preview"}),
        ("chat", {"model": "openai/gpt-4o:online"}),
        ("chat", {"data_sources": [{"type": "azure_search"}]}),
        ("chat", {"plugins": [{"id": "web"}]}),
    ],
)
def test_what_depends_on_the_provider_is_refused(endpoint: str, field: dict[str, Any]) -> None:
    """Chains, background calls, server-side tools and search: the answer depends on what a cache cannot see."""
    assert parse(endpoint, {**chat(user()), "input": QUESTION, **field}).refused


@pytest.mark.parametrize(
    "field",
    [
        {"previous_response_id": None},
        {"background": False},
        {"conversation": None},
        {"tools": []},
        {"tools": None},
        {"tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "g"}]},
    ],
)
def test_what_is_only_named_is_not_refused(field: dict[str, Any]) -> None:
    """A field that is there and says no, and tools that run at the caller, do not keep a call from the cache."""
    assert not parse("responses", {"model": "m", "input": QUESTION, **field}).refused


@given(st.sampled_from(ENDPOINTS), st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=6))
def test_no_payload_makes_it_raise(endpoint: str, payload: dict[str, Any]) -> None:
    """Odd payloads are scope as they stand, and have a key."""
    parsed = parse(endpoint, payload)
    assert isinstance(parsed, Parsed)
    assert len(call_for(CACHE, URL, parsed).key) == 32


turns = st.fixed_dictionaries(
    {}, optional={"role": st.sampled_from(["user", "tool", "system", 5]), "content": json_values | st.just([text("q")])}
)


@given(st.sampled_from(["chat", "responses"]), st.lists(turns | json_values, max_size=4))
def test_no_turns_make_it_raise(endpoint: str, items: list[Any]) -> None:
    """Whatever stands in the list of turns, the call has a key and equal lists have equal keys."""
    payload = {"model": "m", "messages": items, "input": items}
    assert made(payload, endpoint).key == made(deepcopy(payload), endpoint).key


@given(st.sampled_from(ENDPOINTS), json_values)
def test_no_answer_makes_it_raise(endpoint: str, body: Any) -> None:
    """A body of another shape is an incomplete answer, never an error."""
    answer = answer_of(endpoint, msgspec.json.encode(body), 1.0, lambda model, prompt, completion: 0.0)
    assert answer.complete is (answer.why_not == "")


ANSWER_FIELDS = ("choices", "status", "output", "usage", "data", "error", "model", "object")
choices = st.lists(
    st.fixed_dictionaries({}, optional={"finish_reason": json_values, "message": json_values, "index": json_values}),
    max_size=2,
)


@given(
    st.sampled_from(ENDPOINTS),
    st.fixed_dictionaries({}, optional={**dict.fromkeys(ANSWER_FIELDS, json_values), "choices": choices}),
)
def test_no_fields_of_an_answer_make_it_raise(endpoint: str, body: dict[str, Any]) -> None:
    """Fields of the wrong type are an incomplete answer or count for nothing, never an error."""
    answer_of(endpoint, msgspec.json.encode({**body, "status": "completed"}), 1.0, lambda *_: 0.0)
    answer_of(endpoint, msgspec.json.encode(body), 1.0, lambda model, prompt, completion: 0.0)


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/v1/chat/completions", "chat"),
        ("/chat/completions/", "chat"),
        ("/openai/deployments/gpt-4o/chat/completions", "chat"),
        ("/v1/completions", "completions"),
        ("/v1/responses", "responses"),
        ("/v1/embeddings", "embeddings"),
        ("/v1/responses/resp_1", None),
        ("/v1/responses/resp_1/cancel", None),
        ("/v1/chat/completions/c/messages", None),
        ("/v1/models", None),
        ("/v1/mycompletions", None),
        ("/", None),
        ("", None),
    ],
)
def test_endpoints_by_path(path: str, endpoint: str | None) -> None:
    """Only the four endpoints are recognised, under any prefix; what lies below them is not one of them."""
    assert endpoint_of(path) == endpoint
