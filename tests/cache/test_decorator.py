"""The decorator: every colour of function, what is scope and what is query, answers that come back equal."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel, Field, SecretStr

from askonce import Cache, ConfigError, NotCached, UncacheableCall, controls, last_receipt


def test_second_call_is_a_hit_and_the_function_ran_once(cache: Cache) -> None:
    """Asking the same twice calls the function once, and the receipt says so."""
    asked: list[str] = []

    @cache.cached()
    def answer(question: str, *, temperature: float = 0.0) -> str:
        """Docs stay."""
        asked.append(question)
        return question.upper()

    assert answer("why?") == answer(question="why?", temperature=0.0) == "WHY?"
    assert asked == ["why?"]
    receipt = last_receipt()
    assert receipt is not None
    assert (receipt.status, receipt.tier) == ("hit", "memory")
    assert answer.__doc__ == "Docs stay."
    assert str(inspect.signature(answer)) == "(question: 'str', *, temperature: 'float' = 0.0) -> 'str'"


@pytest.mark.parametrize("other", [{"temperature": 0.5}, {"model": "b"}, {"extra": [1]}])
def test_everything_but_the_query_must_be_equal(cache: Cache, other: dict[str, Any]) -> None:
    """Another value of any scope argument is another call."""
    calls = 0

    @cache.cached()
    def answer(question: str, temperature: float = 0.0, *, model: Any = "a", **more: Any) -> str:
        nonlocal calls
        calls += 1
        return "x"

    answer("q")
    answer("q", **other)
    assert calls == 2


def test_self_is_not_part_of_the_key_and_methods_work(cache: Cache) -> None:
    """Two instances share answers, because ``self`` is excluded by name."""

    class Bot:
        def __init__(self) -> None:
            self.calls = 0

        @cache.cached()
        def answer(self, question: str) -> str:
            self.calls += 1
            return question

    one, two = Bot(), Bot()
    assert one.answer("q") == two.answer("q") == "q"
    assert (one.calls, two.calls) == (1, 0)


def test_excluded_arguments_do_not_matter(cache: Cache) -> None:
    """An excluded argument may hold anything and never separates two calls."""
    calls = 0

    @cache.cached(exclude=["session"])
    def answer(question: str, session: object) -> str:
        nonlocal calls
        calls += 1
        return "x"

    answer("q", object())
    answer("q", object())
    assert calls == 1


def test_unencodable_argument_is_named(cache: Cache) -> None:
    """An argument without a deterministic encoding is an error at the first call that names the parameter."""

    @cache.cached()
    def answer(question: str, session: object) -> str:
        raise AssertionError("the function must not run")

    with pytest.raises(UncacheableCall, match="'session'"):
        answer("q", object())


def test_wrong_arguments_fail_as_without_the_cache(cache: Cache) -> None:
    """A call that the function would not take is a TypeError, and nothing is stored."""

    @cache.cached()
    def answer(question: str) -> str:
        return "x"

    with pytest.raises(TypeError):
        answer("q", "too many")
    with pytest.raises(TypeError):
        answer()
    assert cache.stats().entries["memory"] == 0


@dataclass
class Point:
    x: int
    label: str = ""


class Shape(msgspec.Struct):
    sides: int


class Model(BaseModel):
    name: str
    tags: list[str] = []


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (str, "text é 中"),
        (bytes, b"\x00\xff"),
        (dict[str, Any], {"a": [1, 2.5, None, True], "b": {"c": "d"}}),
        (list[int], [1, 2, 3]),
        (tuple[int, str], (1, "a")),
        (Point, Point(1, "p")),
        (list[Point], [Point(1), Point(2)]),
        (Shape, Shape(3)),
        (Model, Model(name="n", tags=["t"])),
        (list[Model], [Model(name="n")]),
        (str | None, None),
        (float, 1.5),
    ],
)
def test_answers_come_back_equal_and_of_the_same_type(cache: Cache, annotation: Any, value: Any) -> None:
    """A hit gives what the miss gave: equal, same type, and a fresh object of its own."""
    calls = 0

    def answer(question: str) -> Any:
        nonlocal calls
        calls += 1
        return value

    answer.__annotations__["return"] = annotation
    cached = cache.cached()(answer)
    first, second = cached("q"), cached("q")
    assert calls == 1
    assert first == second == value
    assert type(second) is type(value)
    if isinstance(value, dict | list):
        assert second is not cached("q")


class Shade(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    "value",
    [
        (1, 2), {1, 2}, object(), {"a": (1,)}, {"a": Shade.RED}, [Shade.RED], Shade.RED, {"at": datetime(2026, 1, 1)},
        [bytearray(b"x")], float("nan"), [Point(1)], "\ud800", 2**70,
    ],
)  # fmt: skip
def test_answers_that_would_change_are_not_stored(cache: Cache, value: Any) -> None:
    """Without an annotation, a value that would not come back as it is stays out of the cache, with a warning."""

    @cache.cached()
    def answer(question: str) -> Any:
        return value

    with pytest.warns(RuntimeWarning, match="not cached"):
        assert answer("q") is value
    receipt = last_receipt()
    assert receipt is not None
    assert not receipt.stored
    assert cache.stats().entries["memory"] == 0


@pytest.mark.parametrize(
    ("annotation", "value"),
    [(str, b"x"), (str, None), (int, True), (bool, 1), (bytes, "x"), (float, 1), (Point, Shape(3)), (Model, Point(1))],
)
def test_answers_of_another_type_than_declared_are_not_stored(cache: Cache, annotation: Any, value: Any) -> None:
    """A function that does not keep its annotation works on, uncached: a hit would give something else."""

    def answer(question: str) -> Any:
        return value

    answer.__annotations__["return"] = annotation
    cached = cache.cached()(answer)
    with pytest.warns(RuntimeWarning, match="not cached"):
        assert cached("q") is value
    assert cached("q") is value
    assert cache.stats().entries["memory"] == 0


class Secretive(BaseModel):
    password: SecretStr
    hidden: int = Field(default=0, exclude=True)


def test_answers_with_secrets_are_not_stored(cache: Cache) -> None:
    """A model that hides a field when it is written does not come back equal, so the secret is in no store."""

    @cache.cached()
    def answer(question: str) -> Secretive:
        return Secretive(password=SecretStr("s3cret"))

    with pytest.warns(RuntimeWarning, match="not cached"):
        assert answer("q").password.get_secret_value() == "s3cret"
    assert cache.stats().entries["memory"] == 0


def test_an_answer_stored_as_another_type_is_asked_again(cache: Cache) -> None:
    """When a function's return type changed, an old answer that does not decode is a miss and is replaced; with
    ``only_if_cached`` it is NotCached. In both colours, and never an error of the decoder."""

    def old(question: str) -> str:
        return "text"

    def new(question: str) -> dict[str, int]:
        return {"n": 1}

    async def anew(question: str) -> dict[str, int]:
        return {"n": 1}

    before, after = cache.cached(name="same")(old), cache.cached(name="same")(new)
    later = cache.cached(name="same")(anew)
    assert before("q") == "text"
    with controls(only_if_cached=True), pytest.raises(NotCached):
        after("q")
    assert after("q") == {"n": 1}
    assert after.reply("q").receipt.status == "hit"
    assert before("q") == "text"
    assert asyncio.run(later("q")) == {"n": 1}
    assert asyncio.run(later.reply("q")).receipt.status == "hit"


def test_functions_made_by_a_factory_do_not_share(cache: Cache) -> None:
    """What a function captured from around it is part of its key: text, numbers, containers, classes, and functions
    with what they captured in turn."""

    def make(system: Any, inner: Any = None) -> Any:
        @cache.cached()
        def answer(question: str) -> str:
            return f"{system} {inner} {question}"

        return answer

    def helper(system: str) -> Any:
        def ask() -> str:
            return system

        return ask

    made = [
        make("shop"), make("bank"), make(1), make(1.0), make(True), make(["shop"]), make(("shop",)),
        make({"s": "shop"}), make(Point(1)), make(Point(2)), make("shop", Point), make("shop", Model),
        make("shop", helper("a")), make("shop", helper("b")),
    ]  # fmt: skip
    keys = [answer.call_for("q").key for answer in made]
    assert len(set(keys)) == len(keys)
    assert make("shop").call_for("q").key == keys[0]
    assert (made[0]("q"), made[1]("q")) == ("shop None q", "bank None q")
    assert (made[0]("q"), made[1]("q")) == ("shop None q", "bank None q")


def test_captured_objects_without_encoding_do_not_matter(cache: Cache) -> None:
    """A client or a lock around a function is not part of its key, nor is anything when it has a name of its own."""

    def make(thing: Any, **options: Any) -> Any:
        def answer(question: str) -> str:
            return f"{thing}"

        return cache.cached(**options)(answer)

    assert make(threading.Lock()).call_for("q").key == make(object()).call_for("q").key
    assert make("a", name="n").call_for("q").key == make("b", name="n").call_for("q").key


@pytest.mark.parametrize("thing", [functools.partial(str), str, int, Model, object()])
def test_what_is_not_a_function_is_refused(cache: Cache, thing: Any) -> None:
    """A partial, a class or an instance is a clear error at decoration."""
    with pytest.raises(ConfigError, match="not a function"):
        cache.cached()(thing)


@pytest.mark.parametrize("tags", ["doc:42", [42], (b"t",)])
def test_tags_are_a_list_of_texts(cache: Cache, tags: Any) -> None:
    """A bare text would become a tag per letter, and nothing would ever be invalidated: it is refused."""
    with pytest.raises(ConfigError, match="tags"):
        cache.cached(tags=tags)(lambda question: "x")
    with pytest.raises(ConfigError, match="tags"), controls(tags=tags):
        pass


def test_unstorable_return_type_is_refused_at_decoration(cache: Cache) -> None:
    """A return annotation that cannot be stored is a clear error before any call."""
    with pytest.raises(ConfigError, match="cannot be stored"):

        @cache.cached()
        def answer(question: str) -> threading.Lock:  # type: ignore[valid-type]
            raise AssertionError


def test_errors_pass_through_and_are_not_stored(cache: Cache) -> None:
    """What the function raises reaches the caller unchanged; the next call tries again."""
    results: list[Any] = [ValueError("no"), "yes"]

    @cache.cached()
    def answer(question: str) -> str:
        result = results.pop(0)
        if isinstance(result, Exception):
            raise result
        return str(result)

    with pytest.raises(ValueError, match="no"):
        answer("q")
    assert answer("q") == "yes"
    assert cache.stats().errors == 1


def test_a_generator_is_teed_and_replayed(cache: Cache) -> None:
    """Items arrive as they are made; the second run replays them without running the generator."""
    made: list[int] = []

    @cache.cached()
    def words(question: str) -> Iterator[str]:
        for number in range(3):
            made.append(number)
            yield f"{question}{number}"

    stream = words("w")
    assert next(stream) == "w0"
    assert made == [0]
    assert list(stream) == ["w1", "w2"]
    assert list(words("w")) == ["w0", "w1", "w2"]
    assert made == [0, 1, 2]


def test_an_interrupted_stream_is_never_stored(cache: Cache) -> None:
    """Closing a stream early, or an error inside it, leaves nothing behind."""

    @cache.cached()
    def words(question: str) -> Iterator[str]:
        yield "one"
        if question == "broken":
            raise OSError("line dropped")
        yield "two"

    early = words("early")
    assert next(early) == "one"
    early.close()  # type: ignore[attr-defined]
    with pytest.raises(OSError, match="dropped"):
        list(words("broken"))
    assert cache.stats().entries["memory"] == 0
    assert list(words("early")) == ["one", "two"]
    assert cache.stats().entries["memory"] == 1


def test_async_functions_and_async_generators(cache: Cache) -> None:
    """The same laws hold on an event loop."""
    calls = 0

    @cache.cached()
    async def answer(question: str) -> dict[str, str]:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        return {"a": question}

    @cache.cached()
    async def words(question: str) -> AsyncIterator[str]:
        nonlocal calls
        calls += 1
        for word in question.split():
            await asyncio.sleep(0)
            yield word

    async def main() -> None:
        assert await answer("q") == await answer("q") == {"a": "q"}
        assert [w async for w in words("a b c")] == [w async for w in words("a b c")] == ["a", "b", "c"]
        assert calls == 2
        assert inspect.iscoroutinefunction(answer)

    asyncio.run(main())


def test_reply_carries_value_and_receipt(cache: Cache) -> None:
    """``reply`` gives both, miss first, hit after."""

    @cache.cached()
    def answer(question: str) -> str:
        return "x"

    first, second = answer.reply("q"), answer.reply("q")
    assert (first.value, first.receipt.status, first.receipt.stored) == ("x", "miss", True)
    assert (second.value, second.receipt.status, second.receipt.tier) == ("x", "hit", "memory")
    assert first.receipt.key == second.receipt.key == answer.call_for("q").key.hex()


def test_version_and_name_separate_answers(cache: Cache) -> None:
    """A changed ``version`` stops old answers from matching; a given ``name`` survives a move of the function."""

    def answer(question: str) -> str:
        return "x"

    key = cache.cached(name="stable")(answer).call_for("q").key
    assert cache.cached(name="stable", version="2")(answer).call_for("q").key != key
    answer.__module__ = "elsewhere"
    assert cache.cached(name="stable")(answer).call_for("q").key == key


def test_tenants_never_share(cache: Cache) -> None:
    """The same function under two tenants has two keys and two scopes."""
    calls = 0

    def answer(question: str) -> str:
        nonlocal calls
        calls += 1
        return "x"

    one = cache.tenant("one").cached()(answer)
    two = cache.tenant("two").cached()(answer)
    one("q"), two("q"), one("q")
    assert calls == 2
    assert one.call_for("q").scope != two.call_for("q").scope


def test_controls_no_store_and_refresh(cache: Cache) -> None:
    """``no_store`` neither reads nor writes; ``refresh`` writes without reading."""
    calls = 0

    @cache.cached()
    def answer(question: str) -> int:
        nonlocal calls
        calls += 1
        return calls

    with controls(no_store=True):
        assert answer("q") == 1
    assert answer("q") == 2
    with controls(no_store=True):
        assert answer("q") == 3
    assert answer("q") == 2
    with controls(refresh=True):
        assert answer("q") == 4
    assert answer("q") == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [({"query": "nothing"}, "query="), ({"exclude": ["nothing"]}, "exclude"), ({"ttl": -1.0}, "ttl")],
)
def test_wrong_settings_are_one_clear_error_at_decoration(cache: Cache, options: dict[str, Any], message: str) -> None:
    """A wrong option is a ConfigError that names it, before any call."""
    with pytest.raises(ConfigError, match=message):

        @cache.cached(**options)
        def answer(question: str) -> str:
            return "x"


def test_forgotten_brackets_are_explained(cache: Cache) -> None:
    """``@cache.cached`` without brackets says how to write it."""
    with pytest.raises(ConfigError, match="brackets"):

        @cache.cached
        def answer(question: str) -> str:
            return "x"


def test_positional_only_starred_and_default_parameters_bind_as_python_binds(cache: Cache) -> None:
    """However the same arguments are passed, they make one key; different ones make different keys."""

    def f(a: int, /, question: str, *rest: int, flag: bool = False, **more: int) -> str:
        return ""

    g = cache.cached("question")(f)
    assert g.call_for(1, "q").key == g.call_for(1, question="q", flag=False).key
    keys = [
        g.call_for(1, "q").key,
        g.call_for(2, "q").key,
        g.call_for(1, "r").key,
        g.call_for(1, "q", 3).key,
        g.call_for(1, "q", flag=True).key,
        g.call_for(1, "q", z=1).key,
        g.call_for(1, "q", a=1).key,
    ]
    assert len(set(keys)) == len(keys)
    assert g.call_for(1, "q", x=1, y=2).key == g.call_for(1, "q", y=2, x=1).key
