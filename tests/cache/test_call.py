"""Keys: deterministic, versioned, collision-proof between scope and query."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr

from askonce import UncacheableCall
from askonce.cache.call import Call, canonical, canonical_arguments, exact_key

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(plain)
def test_equal_data_gives_equal_bytes(value: object) -> None:
    """Canonical bytes depend on the value alone."""
    assert canonical(value) == canonical(value)


@given(st.dictionaries(st.text(), st.integers(-5, 5), min_size=2, max_size=6))
def test_order_of_insertion_does_not_matter(items: dict[str, int]) -> None:
    """A mapping built in another order has the same canonical bytes."""
    assert canonical(dict(reversed(items.items()))) == canonical(items)


@given(st.text(), st.text(), st.text(), st.text())
def test_scope_and_query_never_run_together(s1: str, q1: str, s2: str, q2: str) -> None:
    """Keys are equal exactly when both scope and query are: no text moves from one into the other."""
    one, two = exact_key(canonical(s1), q1), exact_key(canonical(s2), q2)
    assert (one == two) == ((s1, q1) == (s2, q2))


@given(st.binary(), st.text())
def test_no_query_is_not_an_empty_query(scope: bytes, query: str) -> None:
    """A call without a query never shares a key with a call that has one."""
    assert exact_key(scope, None) != exact_key(scope, query)


class Colour(Enum):
    RED = "red"


class Word(StrEnum):
    RED = "red"


class Level(IntEnum):
    ONE = 1


@dataclass
class Here:
    x: int = 1


@dataclass
class There:
    x: int = 1


class Struct(msgspec.Struct):
    x: int = 1


class Pair(NamedTuple):
    x: int = 1


class Base(BaseModel):
    x: int = 1
    hidden: int = Field(default=0, exclude=True)
    _private: int = PrivateAttr(default=0)


class Derived(Base):
    pass


class Holder(BaseModel):
    model_config = ConfigDict(extra="allow")
    inner: Base = Base()


def private(value: int) -> Base:
    made = Base()
    made._private = value
    return made


DIFFERENT: list[object] = [
    None, False, True, 0, 1, 0.0, -0.0, 1.0, float("nan"), float("inf"), "", "1", "red", "None", b"", b"a", "a",
    [], (), {}, set(), [1], (1,), {1}, {1.0}, {True}, [[1]], [(1,)], ({1},),
    {"x": 1}, {"x": 1.0}, {1: "x"}, {"1": "x"}, {True: "x"}, {1.0: "x"}, {None: "x"}, {(1,): "x"}, {b"1": "x"},
    OrderedDict(x=1), Counter(x=1), Here(), There(), Struct(), Pair(), Base(), Base(hidden=2), private(3), Derived(),
    Holder(), Holder(inner=Derived()), Holder(more=1),  # type: ignore[call-arg]
    Colour.RED, Word.RED, Level.ONE, Decimal("1"), Decimal("1.0"), UUID(int=1), str(UUID(int=1)),
    datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
    datetime(2026, 1, 1, fold=1), date(2026, 1, 1), "2026-01-01", time(1), timedelta(1), "P1D", 86400.0,
]  # fmt: skip


def test_what_differs_has_different_bytes() -> None:
    """Arguments that Python calls equal (1, 1.0, True), that print alike (a date, its text) or that have the same
    fields (two dataclasses, a model and its subclass) are different arguments: no two share their bytes."""
    seen: dict[bytes, object] = {}
    for value in DIFFERENT:
        key = canonical(value)
        assert key not in seen, (value, seen[key])
        seen[key] = value


def test_what_is_the_same_has_the_same_bytes() -> None:
    """Order of insertion, and which buffer holds the bytes, are not part of an argument."""
    assert canonical({2: "b", 1: "a", None: 0}) == canonical({None: 0, 1: "a", 2: "b"})
    assert canonical({3, 1, 2}) == canonical(frozenset([2, 3, 1]))
    assert canonical(bytearray(b"a")) == canonical(memoryview(b"a"))
    assert canonical(Base(x=2)) == canonical(Base(x=2))


def test_arguments_have_one_encoding() -> None:
    """The quick way for plain arguments and the general one agree, so a hit and a miss make the same key."""
    for arguments in (("a", 1, None), ("a", [1]), ((1,), {"a": 1}), ()):
        assert canonical_arguments(arguments) == canonical([*arguments])


class Odd(str):
    pass


def test_keys_do_not_depend_on_the_process() -> None:
    """Another interpreter with another hash seed makes the same key, sets included."""
    code = (
        "from askonce.cache.call import canonical, exact_key;"
        "print(exact_key(canonical(({'b': {3, 1, 2}, 'a': frozenset('xyz')}, 'é')), 'q').hex())"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "1", "77")
    }
    assert len(made) == 1


@pytest.mark.parametrize(
    "value",
    [
        object(), lambda: 0, {"deep": [object()]}, 2**70, open, range(3), Odd("x"), int, Base, iter(()), "\ud800",
        {"\ud800": 1}, SecretStr("k"), [{"a": (SecretStr("k"),)}], Fraction(1, 2), deque([1]), {object(): 1},
    ],
)  # fmt: skip
def test_what_has_no_encoding_is_refused(value: object) -> None:
    """An argument without a deterministic encoding is a clear error, never a guess by repr or id."""
    with pytest.raises(UncacheableCall):
        canonical(value)


def test_rich_plain_types_are_welcome() -> None:
    """Dates, decimals, sets and pydantic models can be part of a key."""

    class Options(BaseModel):
        depth: int = 1

    assert canonical([datetime(2026, 1, 1, tzinfo=UTC), Decimal("1.10"), {1, 2}, Options()]) == canonical(
        [datetime(2026, 1, 1, tzinfo=UTC), Decimal("1.10"), {2, 1}, Options(depth=1)]
    )
    assert canonical(Options(depth=2)) != canonical(Options(depth=1))


def test_what_contains_itself_is_refused() -> None:
    """A list inside itself is a clear error, not an endless walk."""
    value: list[Any] = []
    value.append(value)
    with pytest.raises(UncacheableCall):
        canonical(value)


def test_a_refusal_does_not_show_the_value() -> None:
    """The message names the type, never the content: it may be a secret."""
    for value in (SecretStr("sk-secret"), Odd("sk-secret"), {"a": [Odd("sk-secret")]}, "sk-secret\ud800"):
        with pytest.raises(UncacheableCall) as caught:
            canonical(value)
        assert "sk-secret" not in str(caught.value)


@given(st.text(alphabet=" \t\n\u3000\u00a0\u200b?!.,-👍👎", max_size=5))
def test_questions_without_a_word_never_reach_the_semantic_tier(text: str) -> None:
    """Blanks, punctuation and emoji all look alike to an embedder, so they match exactly only."""
    assert not Call(b"scope", text).semantic


@given(st.text(max_size=5), st.sampled_from("aZ9é中ب"), st.text(max_size=5))
def test_questions_with_a_word_may_match_by_meaning(before: str, letter: str, after: str) -> None:
    """One letter or digit of any script is enough, unless the caller said no."""
    text = (before + letter + after).encode("utf-8", "replace").decode()
    assert Call(b"scope", text).semantic
    assert not Call(b"scope", text, semantic=False).semantic
