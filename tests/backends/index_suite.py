"""Laws every vector index keeps.

An index of your own is run through them by a subclass::

    class TestMyIndex(IndexSuite):
        @pytest.fixture
        def make_index(self):
            with ExitStack() as stack:
                yield lambda dim=DIM: stack.enter_context(closing(MyIndex(dim, "my-embedder")))

What one of them does not do exactly says so with ``exact_up_to``: the number of vectors in a scope up to which
a search must agree with brute force. Similarities must be exact at any size.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from askonce import IndexFault
from askonce.backends.contract import Index, Vector

DIM = 12
SCOPES = tuple(bytes([65 + n]) * 32 for n in range(3))
NEAR = 2e-6  # float32 sums in another order

MakeIndex = Callable[..., Index]


def key_of(number: int) -> bytes:
    """A key as the cache makes them: 32 bytes."""
    return number.to_bytes(4, "big") * 8


def vector_of(seed: int, dim: int = DIM) -> Vector:
    """The unit vector of a number: the same number, the same vector."""
    raw = np.random.default_rng(seed).standard_normal(dim)
    return (raw / np.linalg.norm(raw)).astype(np.float32)


def brute_force(held: dict[bytes, Vector], query: Vector) -> list[tuple[bytes, float]]:
    """Every key with its cosine, best first."""
    if not held:
        return []
    matrix, wide = np.stack(list(held.values())).astype(np.float64), query.astype(np.float64)
    cosines = matrix @ wide / np.linalg.norm(wide) / np.linalg.norm(matrix, axis=1)
    return sorted(zip(held, cosines.tolist(), strict=True), key=lambda item: -item[1])


def check_search(index: Index, scope: bytes, held: dict[bytes, Vector], query: Vector, k: int, *, exact: bool) -> None:
    """Compare one search with brute force over what the scope should hold."""
    truth = brute_force(held, query)
    cosines = dict(truth)
    matches = index.search(scope, query, k)
    assert len(matches) == min(k, len(held))
    assert len({m.key for m in matches}) == len(matches)
    for match in matches:
        assert match.key in cosines, "a key that was removed, or belongs to another scope"
        assert match.similarity == pytest.approx(cosines[match.key], abs=NEAR)
        assert -1.0 <= match.similarity <= 1.0
    found = [m.similarity for m in matches]
    assert found == sorted(found, reverse=True)
    if exact:
        assert found == pytest.approx([cosine for _, cosine in truth[:k]], abs=NEAR)


def unfit_vectors(dim: int = DIM) -> dict[str, Any]:
    """What an index must refuse, by name."""
    good = vector_of(1, dim)
    nan, infinite = good.copy(), good.copy()
    nan[dim // 2] = np.nan
    infinite[0] = np.inf
    return {
        "nan": nan,
        "infinite": infinite,
        "zero": np.zeros(dim, dtype=np.float32),
        "too long": good * np.float32(1.002),
        "too short": good * np.float32(0.998),
        "huge": np.full(dim, 3e38, dtype=np.float32),
        "float64": good.astype(np.float64),
        "float16": good.astype(np.float16),
        "integers": np.eye(dim, dtype=np.int64)[0],
        "one number less": vector_of(1, dim - 1),
        "one number more": vector_of(1, dim + 1),
        "empty": np.empty(0, dtype=np.float32),
        "a matrix": good[None],
        "a list": good.tolist(),
        "nothing": None,
    }


class IndexSuite:
    """The laws. ``make_index`` is a fixture: a function that gives an empty index of ``dim`` dimensions."""

    exact_up_to = 1_000_000

    @pytest.fixture
    def index(self, make_index: MakeIndex) -> Index:
        return make_index()

    def test_empty(self, index: Index) -> None:
        """An empty index holds nothing, finds nothing, removes nothing."""
        assert len(index) == 0
        assert list(index.keys()) == []
        assert key_of(1) not in index
        assert index.size_of(SCOPES[0]) == 0
        assert index.search(SCOPES[0], vector_of(1), 5) == []
        assert index.remove(key_of(1)) is False
        assert index.drop_scope(SCOPES[0]) == 0
        assert index.dim == DIM
        assert isinstance(index.embedder, str)
        assert index.embedder

    def test_search_is_brute_force(self, index: Index) -> None:
        """A search gives the k nearest of the scope, best first, with exact cosines."""
        held = {key_of(n): vector_of(n) for n in range(40)}
        for key, vector in held.items():
            index.add(SCOPES[0], key, vector)
        for k in (1, 5, 40, 100):
            for seed in range(100, 110):
                check_search(index, SCOPES[0], held, vector_of(seed), k, exact=True)
        assert index.search(SCOPES[0], vector_of(1), 0) == []

    def test_a_vector_finds_itself(self, index: Index) -> None:
        """Searched with its own vector a key comes first, with similarity 1."""
        for n in range(30):
            index.add(SCOPES[0], key_of(n), vector_of(n))
        for n in range(30):
            best = index.search(SCOPES[0], vector_of(n), 1)[0]
            assert best.key == key_of(n)
            assert best.similarity == pytest.approx(1.0, abs=NEAR)

    def test_scopes_are_apart(self, index: Index) -> None:
        """A search never returns another scope's key, however near it is."""
        for n in range(30):
            index.add(SCOPES[n % 3], key_of(n), vector_of(7))
        for number, scope in enumerate(SCOPES):
            matches = index.search(scope, vector_of(7), 100)
            assert {m.key for m in matches} == {key_of(n) for n in range(number, 30, 3)}
            assert index.size_of(scope) == 10
        assert index.search(b"x" * 32, vector_of(7), 5) == []

    def test_add_replaces(self, index: Index) -> None:
        """A key added again is held once, under its new vector and its new scope."""
        index.add(SCOPES[0], key_of(1), vector_of(1))
        index.add(SCOPES[0], key_of(1), vector_of(2))
        assert len(index) == 1
        assert index.search(SCOPES[0], vector_of(2), 5)[0].similarity == pytest.approx(1.0, abs=NEAR)
        assert len(index.search(SCOPES[0], vector_of(1), 5)) == 1
        index.add(SCOPES[1], key_of(1), vector_of(3))
        assert index.search(SCOPES[0], vector_of(3), 5) == []
        assert (len(index), index.size_of(SCOPES[0]), index.size_of(SCOPES[1])) == (1, 0, 1)
        assert index.search(SCOPES[1], vector_of(3), 5)[0].key == key_of(1)

    def test_remove_is_at_once(self, index: Index) -> None:
        """After remove, no search, listing or count shows the key; removing again says False."""
        for n in range(20):
            index.add(SCOPES[0], key_of(n), vector_of(n))
        for n in range(20):
            assert index.remove(key_of(n)) is True
            assert index.remove(key_of(n)) is False
            assert key_of(n) not in index
            assert key_of(n) not in {m.key for m in index.search(SCOPES[0], vector_of(n), 50)}
            assert len(index) == index.size_of(SCOPES[0]) == 19 - n
        index.add(SCOPES[0], key_of(3), vector_of(3))
        assert [m.key for m in index.search(SCOPES[0], vector_of(3), 5)] == [key_of(3)]

    def test_drop_scope(self, index: Index) -> None:
        """A dropped scope is empty, the others are as they were, and it can be used again."""
        for n in range(30):
            index.add(SCOPES[n % 3], key_of(n), vector_of(n))
        assert index.drop_scope(SCOPES[1]) == 10
        assert index.drop_scope(SCOPES[1]) == 0
        assert set(index.keys()) == {key_of(n) for n in range(30) if n % 3 != 1}
        assert index.search(SCOPES[1], vector_of(1), 50) == []
        assert len(index.search(SCOPES[0], vector_of(0), 50)) == 10
        index.add(SCOPES[1], key_of(1), vector_of(1))
        assert [m.key for m in index.search(SCOPES[1], vector_of(1), 50)] == [key_of(1)]

    @pytest.mark.parametrize("name", sorted(unfit_vectors()))
    def test_unfit_vectors_are_refused(self, index: Index, name: str) -> None:
        """Anything but a finite float32 unit vector of the right size raises IndexFault and changes nothing."""
        index.add(SCOPES[0], key_of(1), vector_of(1))
        unfit = unfit_vectors()[name]
        for key in (key_of(1), key_of(2)):
            with pytest.raises(IndexFault) as refused:
                index.add(SCOPES[1], key, unfit)
            assert "\n" not in str(refused.value)
        with pytest.raises(IndexFault):
            index.search(SCOPES[0], unfit, 5)
        assert list(index.keys()) == [key_of(1)]
        check_search(index, SCOPES[0], {key_of(1): vector_of(1)}, vector_of(5), 5, exact=True)

    def test_nearly_unit_vectors_are_taken(self, index: Index) -> None:
        """A length within 1e-3 of 1 is taken, and the cosine is exact all the same."""
        index.add(SCOPES[0], key_of(1), vector_of(1) * np.float32(1.0009))
        index.add(SCOPES[0], key_of(2), vector_of(2) * np.float32(0.9991))
        held = {key_of(1): vector_of(1), key_of(2): vector_of(2)}
        check_search(index, SCOPES[0], held, vector_of(1) * np.float32(1.0009), 2, exact=True)

    def test_the_callers_array_stays_the_callers(self, index: Index) -> None:
        """Writing into an array after adding or searching with it changes nothing held; strided arrays work."""
        vector = vector_of(1).copy()
        index.add(SCOPES[0], key_of(1), vector)
        index.search(SCOPES[0], vector, 1)
        vector[:] = vector_of(2)
        assert index.search(SCOPES[0], vector_of(1), 1)[0].similarity == pytest.approx(1.0, abs=NEAR)
        wide = np.repeat(vector_of(3), 2)
        index.add(SCOPES[0], key_of(3), wide[::2])
        assert index.search(SCOPES[0], wide[::2], 1)[0].key == key_of(3)

    def test_close(self, make_index: MakeIndex) -> None:
        """Closing twice is harmless."""
        index = make_index()
        index.add(SCOPES[0], key_of(1), vector_of(1))
        index.close()
        index.close()

    def test_threads(self, index: Index) -> None:
        """Whatever other threads do, a search shows no key after its removal returned, and none of another scope."""
        writers, rounds, per_round = 3, 8, 40
        dead: set[bytes] = set()
        finished = threading.Event()

        def write(writer: int) -> None:
            for number in range(rounds):
                base = (writer * rounds + number) * per_round
                for n in range(base, base + per_round):
                    index.add(SCOPES[writer], key_of(n), vector_of(n % 50))
                for n in range(base, base + per_round, 2):
                    assert index.remove(key_of(n))
                    dead.add(key_of(n))

        def search(seed: int) -> int:
            done = 0
            while not finished.is_set() or not done:
                writer = done % writers
                gone = set(dead)
                for match in index.search(SCOPES[writer], vector_of((seed + done) % 50), 8):
                    assert match.key not in gone
                    assert int.from_bytes(match.key[:4], "big") // (rounds * per_round) == writer
                done += 1
            return done

        with ThreadPoolExecutor(writers + 2) as pool:
            searching = [pool.submit(search, seed) for seed in (0, 25)]
            try:
                for writing in [pool.submit(write, writer) for writer in range(writers)]:
                    writing.result(60)
            finally:
                finished.set()
            assert all(s.result(60) for s in searching)
        left = {key_of(n) for n in range(1, writers * rounds * per_round, 2)}
        assert set(index.keys()) == left
        assert len(index) == len(left) == sum(index.size_of(scope) for scope in SCOPES)

    def test_any_history(self, make_index: MakeIndex) -> None:
        """After any sequence of adds, removals, drops and searches the index is the brute-force model."""
        exact_up_to = self.exact_up_to

        class Machine(IndexMachine):
            limit = exact_up_to

            def open(self) -> Index:
                return make_index()

        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            Machine,
            settings=settings(
                max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )


numbers = st.integers(min_value=0, max_value=120)
seeds = st.integers(min_value=0, max_value=400)
scopes = st.sampled_from(SCOPES)


class IndexMachine(RuleBasedStateMachine):
    """An index beside a dictionary of what it should hold."""

    limit: int

    def open(self) -> Index:
        """An empty index."""
        raise NotImplementedError

    @initialize()
    def start(self) -> None:
        self.index = self.open()
        self.model: dict[bytes, tuple[bytes, Vector]] = {}

    def held(self, scope: bytes) -> dict[bytes, Vector]:
        return {key: vector for key, (its, vector) in self.model.items() if its == scope}

    def put(self, scope: bytes, number: int, seed: int) -> None:
        self.index.add(scope, key_of(number), vector_of(seed))
        self.model.pop(key_of(number), None)
        self.model[key_of(number)] = (scope, vector_of(seed))

    @rule(scope=scopes, number=numbers, seed=seeds)
    def add(self, scope: bytes, number: int, seed: int) -> None:
        self.put(scope, number, seed)

    @rule(scope=scopes, first=numbers, count=st.integers(min_value=1, max_value=60), seed=seeds)
    def add_many(self, scope: bytes, first: int, count: int, seed: int) -> None:
        for n in range(count):
            self.put(scope, first + n, seed + n)

    @rule(number=numbers)
    def remove(self, number: int) -> None:
        assert self.index.remove(key_of(number)) is (self.model.pop(key_of(number), None) is not None)

    @rule(first=numbers, count=st.integers(min_value=1, max_value=60), step=st.integers(min_value=1, max_value=3))
    def remove_many(self, first: int, count: int, step: int) -> None:
        for n in range(first, first + count, step):
            self.remove(n)

    @rule(scope=scopes)
    def drop(self, scope: bytes) -> None:
        gone = self.held(scope)
        assert self.index.drop_scope(scope) == len(gone)
        for key in gone:
            del self.model[key]

    @rule(scope=scopes, number=numbers)
    def refuse(self, scope: bytes, number: int) -> None:
        with pytest.raises(IndexFault):
            self.index.add(scope, key_of(number), vector_of(number) * np.float32(2))

    @rule(scope=scopes, seed=seeds, k=st.integers(min_value=1, max_value=8))
    def search(self, scope: bytes, seed: int, k: int) -> None:
        held = self.held(scope)
        check_search(self.index, scope, held, vector_of(seed), k, exact=len(held) <= self.limit)

    @precondition(lambda self: hasattr(self.index, "settle"))
    @rule()
    def settle(self) -> None:
        self.index.settle()  # type: ignore[attr-defined]

    @invariant()
    def counts_agree(self) -> None:
        if not hasattr(self, "index"):
            return
        assert set(self.index.keys()) == set(self.model)
        assert len(self.index) == len(self.model)
        for scope in SCOPES:
            assert self.index.size_of(scope) == len(self.held(scope))

    def teardown(self) -> None:
        if hasattr(self, "index"):
            self.index.close()
