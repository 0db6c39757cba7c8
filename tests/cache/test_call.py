"""Keys: deterministic, versioned, collision-proof between scope and query."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce import UncacheableCall
from askonce.cache.call import Call, canonical, exact_key, scope_digest

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_golden_keys_never_change_within_a_format() -> None:
    """Format 1 gives these digests in every process and release; a change needs a new format number."""
    scope = canonical(("", ("function", "shop.answer", "", ""), {"model": "gpt-4o-mini", "temperature": 0}))
    assert scope_digest(scope).hex() == "41f830ef4a344b32f32d2b3ba31c49b5882a024294b8ba9191d18a705a6ebb9a"
    assert (
        exact_key(scope, "How do I reset my password?").hex()
        == "56b9c4b6624587b6fadcfca7b8a397c2813770c7dfb20936a844b6fe8d49eff3"
    )
    assert exact_key(scope, None).hex() == "1944d7de1f071444d210d315aae1d3d06f0ca1a9ae55619b4a3b14993e9ee7e4"


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


@pytest.mark.parametrize(
    ("one", "two"),
    [(1, 1.0), (1, True), (0, False), ("1", 1), ("a", b"a"), (None, ""), ([], None), ({}, []), (0.0, -0.0)],
)
def test_types_are_told_apart(one: object, two: object) -> None:
    """Values that Python calls equal, or prints alike, but that are different arguments get different bytes."""
    assert canonical(one) != canonical(two)


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


@pytest.mark.parametrize("value", [object(), lambda: 0, {"deep": [object()]}, 2**70, open, range(3)])
def test_what_has_no_encoding_is_refused(value: object) -> None:
    """An argument without a deterministic encoding is a clear error, never a guess by repr or id."""
    with pytest.raises(UncacheableCall):
        canonical(value)


def test_rich_plain_types_are_welcome() -> None:
    """Dates, decimals, sets and pydantic models can be part of a key."""
    from pydantic import BaseModel

    class Options(BaseModel):
        depth: int = 1

    assert canonical([datetime(2026, 1, 1, tzinfo=UTC), Decimal("1.10"), {1, 2}, Options()]) == canonical(
        [datetime(2026, 1, 1, tzinfo=UTC), Decimal("1.10"), {2, 1}, Options(depth=1)]
    )
    assert canonical(Options(depth=2)) != canonical(Options(depth=1))


@given(st.text(alphabet=" \t\n\u3000\u00a0", max_size=5))
def test_blank_questions_never_reach_the_semantic_tier(text: str) -> None:
    """All blank questions look alike to an embedder, so they match exactly only."""
    assert not Call(b"scope", text).semantic
