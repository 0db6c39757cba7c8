"""The FAISS index: the laws of every index, and its own (codes, rebuilding, bounds, forks)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import askonce
from askonce import ConfigError, FaissIndex, IndexFault
from askonce.backends import faiss_index
from askonce.backends.codes import CANDIDATES
from askonce.backends.contract import Index, Vector
from askonce.backends.vectors import BLOCK, Rows

from .index_suite import DIM, SCOPES, IndexSuite, MakeIndex, brute_force, check_search, key_of, vector_of
from .index_tools import WAIT, clustered, codes_of, filled, recall


class TestExact(IndexSuite):
    """Scopes too small for codes."""

    @pytest.fixture
    def make_index(self) -> Iterator[MakeIndex]:
        with ExitStack() as stack:
            yield lambda dim=DIM: stack.enter_context(closing(FaissIndex(dim, "test-embedder")))


class TestWithCodes(IndexSuite):
    """Codes from the 20th vector on: training, extending, compacting and dropping them all happen here.

    A search re-ranks 64 candidates, of which at least half must be alive: up to 32 vectors nothing is missed.
    """

    exact_up_to = CANDIDATES // 2

    @pytest.fixture
    def make_index(self) -> Iterator[MakeIndex]:
        with ExitStack() as stack:
            yield lambda dim=DIM: stack.enter_context(closing(FaissIndex(dim, "test-embedder", exact_below=20)))


def test_keeps_the_contract() -> None:
    """FaissIndex is an Index to a type checker, and is reached through the front door."""
    index: Index = FaissIndex(4, "test-embedder")
    index.close()
    assert askonce.FaissIndex is FaissIndex
    assert "FaissIndex" in askonce.__all__


@pytest.mark.parametrize("dim", [7, 32, 100, 384])
def test_recall_with_codes(made: ExitStack, dim: int) -> None:
    """At 6,000 vectors, searched by codes, the nearest is found at least 99 times in 100, whatever the dimension."""
    index, held = filled(made, 6000, dim)
    assert codes_of(index, SCOPES[0]) is not None
    rng = np.random.default_rng(5)
    near = np.stack([held[key_of(int(n))] for n in rng.integers(6000, size=300)])
    near = near + rng.standard_normal(near.shape) * 0.3 / dim**0.5
    queries = np.concatenate([near, clustered(100, dim, 9)])
    queries = np.ascontiguousarray(queries / np.linalg.norm(queries, axis=1, keepdims=True), dtype=np.float32)
    assert recall(index, held, queries) >= 0.99


@pytest.mark.parametrize("nearness", [0.6, 0.8, 0.95])
def test_recall_in_dense_families(made: ExitStack, nearness: float) -> None:
    """Among hundreds of vectors about equally near the query the nearest is still found 99 times in 100: a search
    that cannot be sure of its candidates looks further."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((12, 96))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)

    def members(count: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        noise = rng.standard_normal((count, 96))
        noise /= np.linalg.norm(noise, axis=1, keepdims=True)
        rows = nearness * centres[rng.integers(len(centres), size=count)] + (1 - nearness**2) ** 0.5 * noise
        return np.ascontiguousarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)

    index = made.enter_context(closing(FaissIndex(96, "test-embedder", exact_below=1000)))
    held = {key_of(n): row for n, row in enumerate(members(5000))}
    for key, row in held.items():
        index.add(SCOPES[0], key, row)
    assert index.settle(WAIT)
    assert codes_of(index, SCOPES[0]) is not None
    assert recall(index, held, members(200)) >= 0.99


def test_equal_vectors(made: ExitStack) -> None:
    """Hundreds of equal vectors can be held, searched and removed one by one."""
    index = made.enter_context(closing(FaissIndex(DIM, "test-embedder", exact_below=32)))
    for n in range(400):
        index.add(SCOPES[0], key_of(n), vector_of(1))
    assert index.settle(WAIT)
    for n in range(400):
        assert len(index.search(SCOPES[0], vector_of(1), 3)) == min(3, 400 - n)
        index.remove(key_of(n))
    assert index.search(SCOPES[0], vector_of(1), 3) == []


def test_fresh_rows_are_found_at_once(made: ExitStack) -> None:
    """What was added since the codes were made is found by the next search, before they are extended."""
    index, _ = filled(made, 300, exact_below=100)
    codes = codes_of(index, SCOPES[0])
    assert codes is not None
    for n in range(300, 310):
        index.add(SCOPES[0], key_of(n), vector_of(n, 32))
        assert index.search(SCOPES[0], vector_of(n, 32), 1)[0].key == key_of(n)
    assert codes_of(index, SCOPES[0]) is codes
    for n in range(310, 400):
        index.add(SCOPES[0], key_of(n), vector_of(n, 32))
    assert index.settle(WAIT)
    after = codes_of(index, SCOPES[0])
    assert after is not None
    assert after.count > codes.count


def test_removal_holds_while_codes_still_know_the_vector(made: ExitStack) -> None:
    """With every vector near the query removed, the next nearest are found: the codes' dead are looked past."""
    index, held = filled(made, 3000, exact_below=256)
    query = vector_of(77, 32)
    ranked = [key for key, _ in brute_force(held, query)]
    # Fewer than make the index rebuild, more than a search looks at: no code near the query is alive.
    for key in ranked[:600]:
        index.remove(key)
        del held[key]
    codes = codes_of(index, SCOPES[0])
    assert codes is not None
    assert codes.count == 3000
    check_search(index, SCOPES[0], held, query, 5, exact=True)


def test_codes_are_rebuilt_when_many_are_dead(made: ExitStack) -> None:
    """Removals beyond a quarter make new codes of the living, and the rows of the dead are given back."""
    index, held = filled(made, 3000, exact_below=256)
    for n in range(0, 3000, 2):
        index.remove(key_of(n))
        del held[key_of(n)]
    for n in range(1, 800, 2):
        index.remove(key_of(n))
        del held[key_of(n)]
    assert index.settle(WAIT)
    codes = codes_of(index, SCOPES[0])
    assert codes is not None
    assert codes.count <= 1.4 * len(held)
    assert index._parts[SCOPES[0]].rows.count <= 1.6 * len(held)
    for seed in range(20):
        check_search(index, SCOPES[0], held, vector_of(seed, 32), 5, exact=False)
    assert recall(index, held, clustered(100, 32, 3)) >= 0.97


def test_a_shrunken_scope_is_exact_again(made: ExitStack) -> None:
    """A scope that falls well below the threshold loses its codes."""
    index, held = filled(made, 400, exact_below=200)
    for n in range(50, 400):
        index.remove(key_of(n))
        del held[key_of(n)]
    assert index.settle(WAIT)
    assert codes_of(index, SCOPES[0]) is None
    check_search(index, SCOPES[0], held, vector_of(3, 32), 10, exact=True)


def test_removals_during_a_rebuild_hold(made: ExitStack) -> None:
    """Whatever is removed, replaced or dropped while codes and rows are being rebuilt stays so afterwards."""
    index, held = filled(made, 4000, exact_below=64)
    rng = np.random.default_rng(1)
    fresh = itertools.count(10_000)
    for step in range(1500):
        keys = list(held)
        gone = keys[int(rng.integers(len(keys)))]
        index.remove(gone)
        del held[gone]
        moved = keys[int(rng.integers(len(keys)))]
        if moved in held:
            index.add(SCOPES[1], moved, vector_of(step, 32))
            del held[moved]
        new = key_of(next(fresh))
        held[new] = vector_of(step, 32)
        index.add(SCOPES[0], new, held[new])
        if step % 10 == 0:
            check_search(index, SCOPES[0], held, vector_of(step, 32), 8, exact=False)
    assert index.settle(WAIT)
    for seed in range(50):
        check_search(index, SCOPES[0], held, vector_of(seed, 32), 8, exact=False)
    assert set(index.keys()) >= set(held)
    assert index.size_of(SCOPES[0]) == len(held)
    assert index.drop_scope(SCOPES[0]) == len(held)
    assert index.search(SCOPES[0], vector_of(1, 32), 8) == []


@pytest.mark.parametrize("count", [1, 30, 600])
@pytest.mark.parametrize("change", ["remove", "remove all", "replace", "move", "drop", "turn over", "close"])
def test_what_goes_during_a_search_is_not_returned(
    made: ExitStack, monkeypatch: pytest.MonkeyPatch, count: int, change: str
) -> None:
    """A key removed, replaced, moved, dropped or pushed out after the vectors were compared is not in the result."""
    index, held = filled(made, count, exact_below=256, max_vectors=700)
    compare = faiss_index._nearest
    target = key_of(count // 2)

    def then_change(*args: Any) -> Any:
        compared = compare(*args)
        if change == "remove":
            index.remove(target)
        elif change == "remove all":
            for key in held:
                index.remove(key)
        elif change == "replace":
            index.add(SCOPES[0], target, vector_of(1, 32))
        elif change == "move":
            index.add(SCOPES[1], target, held[target])
        elif change == "drop":
            index.drop_scope(SCOPES[0])
        elif change == "turn over":
            for n in range(5000, 5700):
                index.add(SCOPES[0], key_of(n), vector_of(n, 32))
        elif change == "close":
            index.close()
        return compared

    assert index.search(SCOPES[0], held[target], 5)[0].key == target
    monkeypatch.setattr(faiss_index, "_nearest", then_change)
    assert target not in {m.key for m in index.search(SCOPES[0], held[target], 5)}


def test_ids_are_never_used_again(made: ExitStack) -> None:
    """Every add takes a new id, also of a key and in a scope seen before; removing frees none."""
    index = made.enter_context(closing(FaissIndex(DIM, "test-embedder")))
    seen: set[int] = set()
    for n in range(200):
        index.add(SCOPES[n % 2], key_of(n % 7), vector_of(n))
        number = index._parts[SCOPES[n % 2]].numbers[key_of(n % 7)]
        assert number not in seen
        seen.add(number)
        if n % 3 == 0:
            index.remove(key_of(n % 7))
    assert sorted(seen) == list(range(200))


@given(
    bound=st.integers(min_value=1, max_value=8),
    steps=st.lists(st.tuples(st.sampled_from(SCOPES), st.integers(0, 14), st.integers(0, 5)), min_size=20, max_size=90),
)
@settings(max_examples=80, deadline=None)
def test_the_oldest_go_first(bound: int, steps: list[tuple[bytes, int, int]]) -> None:
    """Beyond ``max_vectors`` the vector added longest ago goes, over all scopes; an add makes a key the youngest."""
    with closing(FaissIndex(DIM, "test-embedder", max_vectors=bound)) as index:
        model: dict[bytes, None] = {}
        for scope, number, choice in steps:
            model.pop(key_of(number), None)
            if choice:
                index.add(scope, key_of(number), vector_of(number))
                model[key_of(number)] = None
                if len(model) > bound:
                    del model[next(iter(model))]
            else:
                index.remove(key_of(number))
            assert list(index.keys()) == list(model)


def test_a_full_index_turns_over(made: ExitStack) -> None:
    """At its bound a large scope keeps working, finds what it holds, and gives back the rows that went."""
    index, _ = filled(made, 3000, exact_below=256, max_vectors=1500)
    for n in range(3000, 9000):
        index.add(SCOPES[0], key_of(n), vector_of(n, 32))
    assert index.settle(WAIT)
    held = {key_of(n): vector_of(n, 32) for n in range(7500, 9000)}
    assert list(index.keys()) == list(held)
    rows = index._parts[SCOPES[0]].rows
    assert rows.count <= 1.6 * len(held) + BLOCK
    assert recall(index, held, clustered(100, 32, 3)) >= 0.97


@pytest.mark.parametrize("bad", ["text", None, 5, b"x" * 70_000])
@pytest.mark.parametrize("which", ["scope", "key"])
def test_names_must_be_bytes(made: ExitStack, which: str, bad: Any) -> None:
    """A scope or key that a snapshot could not hold is refused, and nothing changes."""
    index = made.enter_context(closing(FaissIndex(DIM, "test-embedder")))
    names = {"scope": SCOPES[0], "key": key_of(1), which: bad}
    with pytest.raises(IndexFault):
        index.add(names["scope"], names["key"], vector_of(1))
    assert len(index) == 0
    assert index.size_of(SCOPES[0]) == 0


@pytest.mark.parametrize("setting", ["dim", "max_vectors", "exact_below"])
def test_settings_are_checked(setting: str) -> None:
    """A bound below 1 is a ConfigError that names the setting."""
    options: dict[str, Any] = {"dim": 8, setting: 0}
    with pytest.raises(ConfigError) as refused:
        FaissIndex(embedder="test-embedder", **options)
    assert refused.value.data["setting"] == setting


@given(
    steps=st.lists(
        st.one_of(st.integers(min_value=1, max_value=900), st.tuples(st.integers(0, 3000), st.integers(1, 900))),
        max_size=12,
    )
)
@settings(max_examples=40, deadline=None)
def test_adopted_rows_are_the_living_rows(steps: list[int | tuple[int, int]]) -> None:
    """Rows made of other rows hold the living ones, in order; views taken before keep what they saw."""
    rows = Rows(2)
    model: dict[int, tuple[bytes, Vector]] = {}
    number = 0
    for step in steps:
        if isinstance(step, int):
            for _ in range(step):
                vector = np.array([number, -number], dtype=np.float32)
                rows.append(number, key_of(number), vector)
                model[number] = (key_of(number), vector)
                number += 1
        else:
            view, before = rows.view(), rows.view().size
            for gone in range(step[0], step[0] + step[1]):
                rows.bury(gone)
                model.pop(gone, None)
            fresh = Rows(2)
            fresh.adopt(rows.view(), 0)
            rows = fresh
            assert view.size == before
        seen: dict[int, tuple[bytes, Vector]] = {}
        view = rows.view()
        for places, vectors in view.living():
            for row, vector in zip(places.tolist(), vectors, strict=True):
                key = view.keys[row]
                assert key is not None
                seen[int(view.ids[row])] = (key, vector)
        assert list(seen) == list(model)
        assert all(seen[n][0] == key and bool((seen[n][1] == v).all()) for n, (key, v) in model.items())
