"""Laws every exact store keeps, and the further laws of stores that processes share.

A store of your own is run through them by a subclass::

    class TestMyStore(StoreSuite):
        @pytest.fixture
        def store(self):
            with closing(MyStore()) as made:
                yield made

``SharedStoreSuite`` also wants ``open_store``, a function that opens one more handle on the same data.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from askonce import Entry, StoreClosed, StoreError, Usage
from askonce.backends.contract import Store

SCOPE = b"s" * 32
NOW = 1_700_000_000.0
SHARES_FIXTURE = [  # one suite run by several subclasses, one store for all examples of a test
    HealthCheck.function_scoped_fixture,
    HealthCheck.differing_executors,
    HealthCheck.too_slow,
]


def key_of(number: int) -> bytes:
    """A key as the cache makes them: 32 bytes."""
    return number.to_bytes(4, "big") * 8


def entry(number: int, body: bytes = b'"an answer"', **fields: Any) -> Entry:
    """A small entry under ``key_of(number)``."""
    values: dict[str, Any] = {"key": key_of(number), "scope": SCOPE, "kind": "value", "body": body, "created": NOW}
    return Entry(**{**values, **fields})


times = st.floats(min_value=0, max_value=1e11)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
counts = st.integers(min_value=0, max_value=2**53)
entries = st.builds(
    Entry,
    key=st.binary(min_size=32, max_size=32),
    scope=st.binary(min_size=32, max_size=32),
    kind=texts,
    body=st.binary(max_size=3000),
    created=times,
    expires=st.none() | times,
    keep_until=st.none() | st.floats(min_value=4e9, max_value=1e11),
    seq=counts,
    query=st.none() | texts,
    tags=st.lists(texts, max_size=3).map(tuple),
    model=texts,
    usage=st.builds(Usage, counts, counts),
    cost_usd=st.floats(min_value=0, max_value=100),
    cost_ms=st.floats(min_value=0, max_value=1e6),
    embedder=texts,
    vector=st.binary(max_size=200),
)


class StoreSuite:
    """Subclasses give a ``store`` fixture: an open, empty store that holds at least a few hundred small entries."""

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        raise NotImplementedError("give a fixture named store")

    def test_says_what_it_is(self, store: Store) -> None:
        """A store has every part of the contract, a name for receipts, and says whether it is inline and shared."""
        assert isinstance(store, Store)
        assert store.name
        assert isinstance(store.inline, bool)
        assert isinstance(store.shared, bool)

    def test_absent_is_none(self, store: Store) -> None:
        """What was never put is None, not an error."""
        assert store.get(key_of(1)) is None

    @settings(max_examples=60, deadline=None, suppress_health_check=SHARES_FIXTURE)
    @given(made=entries)
    def test_gives_back_what_was_put(self, store: Store, made: Entry) -> None:
        """Every field of an entry comes back as it was put."""
        store.put(made)
        assert store.get(made.key) == made

    def test_the_last_put_wins(self, store: Store) -> None:
        """A put replaces what was under the key, be it larger or smaller, and nothing else."""
        for number in range(3):
            store.put(entry(number))
        for body in (b"x" * 5000, b"", b"y" * 70_000, b"z"):
            store.put(entry(1, body))
            assert store.get(key_of(1)) == entry(1, body)
        assert store.get(key_of(0)) == entry(0)
        assert store.get(key_of(2)) == entry(2)

    def test_does_not_look_at_expires(self, store: Store) -> None:
        """Whether an entry is stale is the cache's affair: a store gives it all the same."""
        made = entry(1, expires=1.0, keep_until=None)
        store.put(made)
        assert store.get(made.key) == made

    def test_delete(self, store: Store) -> None:
        """Delete says whether something was there, and then it is gone at once, and only it."""
        store.put(entry(1))
        store.put(entry(2))
        assert store.delete(key_of(1)) is True
        assert store.get(key_of(1)) is None
        assert store.delete(key_of(1)) is False
        assert store.delete(key_of(3)) is False
        assert store.get(key_of(2)) == entry(2)

    def test_keys(self, store: Store) -> None:
        """keys() gives every key once, and needs no more than one pass."""
        assert list(store.keys()) == []
        for number in range(150):
            store.put(entry(number))
        store.delete(key_of(7))
        found = list(store.keys())
        assert len(found) == len(set(found))
        assert set(found) == {key_of(n) for n in range(150) if n != 7}

    def test_keys_while_writing(self, store: Store) -> None:
        """Entries that stay all the while are listed even when others come and go meanwhile."""
        for number in range(100):
            store.put(entry(number))
        found = set()
        for turn, key in enumerate(store.keys()):
            found.add(key)
            store.put(entry(1000 + turn))
            store.delete(key_of(turn % 10))
            if turn > 500:  # newcomers may be listed, but not without end
                break
        assert {key_of(n) for n in range(10, 100)} <= found

    def test_clear(self, store: Store) -> None:
        """clear() leaves nothing, and the store goes on working."""
        for number in range(30):
            store.put(entry(number))
        store.clear()
        assert list(store.keys()) == []
        assert store.get(key_of(3)) is None
        assert store.stats().entries in (0, -1)
        store.put(entry(3))
        assert store.get(key_of(3)) == entry(3)

    def test_clear_leaves_the_ledger(self, store: Store) -> None:
        """Emptying a store forgets no invalidation: entries may still be on their way from elsewhere."""
        if store.epochs is None:
            return
        at = store.epochs.bump(["doc:1"])
        store.clear()
        seq, table = store.epochs.snapshot()
        assert seq >= at
        assert table["doc:1"] == at

    def test_stats(self, store: Store) -> None:
        """stats() counts what is held, or says -1 where counting would be slow; more content is more bytes."""
        empty = store.stats()
        assert empty.entries in (0, -1)
        for number in range(20):
            store.put(entry(number, b"x" * 3000))
        full = store.stats()
        assert full.entries in (20, -1)
        assert full.bytes == -1 or full.bytes >= empty.bytes + 20 * 3000

    def test_what_cannot_be_kept_is_a_store_error(self, store: Store) -> None:
        """An entry that no encoding can carry is kept as it is, or refused with StoreError; the store goes on."""
        for odd in (entry(1, query="\ud800"), entry(1, tags=("\udfff",)), entry(1, seq=2**80)):
            try:
                store.put(odd)
            except StoreError:
                assert store.get(odd.key) is None
            else:
                assert store.get(odd.key) == odd
                store.delete(odd.key)
        store.put(entry(2))
        assert store.get(key_of(2)) == entry(2)

    def test_close(self, store: Store) -> None:
        """After close() every use raises StoreClosed; closing twice is harmless."""
        store.put(entry(1))
        store.close()
        store.close()
        uses: list[Callable[[], object]] = [
            lambda: store.get(key_of(1)),
            lambda: store.put(entry(2)),
            lambda: store.delete(key_of(1)),
            lambda: list(store.keys()),
            store.clear,
            store.stats,
        ]
        for use in uses:
            with pytest.raises(StoreClosed):
                use()

    def test_close_while_in_use(self, store: Store) -> None:
        """A thread that is using the store while another closes it sees answers or StoreClosed, nothing else."""
        store.put(entry(1))
        begun = threading.Barrier(4)

        def work() -> int:
            begun.wait(10)
            for turn in range(100_000):
                try:
                    assert store.get(key_of(1)) == entry(1)
                    if turn % 50 == 0:
                        store.put(entry(1))
                except StoreClosed:
                    return turn
            return -1

        with ThreadPoolExecutor(3) as pool:
            turns = [pool.submit(work) for _ in range(3)]
            begun.wait(10)
            threading.Event().wait(0.05)
            store.close()
            assert all(done.result(30) >= 0 for done in turns)

    def test_threads_never_see_half_an_entry(self, store: Store) -> None:
        """Under concurrent puts of one key, each get gives one of the entries put, whole; after all the
        writers have ended, it is one writer's last."""
        writers, rounds = 4, 25
        store.put(_versioned(0, 0))
        failures: list[str] = []
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                found = store.get(key_of(1))
                if found is None or found != _versioned(found.usage.prompt_tokens, found.usage.completion_tokens):
                    failures.append(repr(found))
                    return

        def write(who: int) -> None:
            for turn in range(1, rounds + 1):
                store.put(_versioned(who, turn))

        readers = [threading.Thread(target=read) for _ in range(2)]
        hands = [threading.Thread(target=write, args=(who,)) for who in range(writers)]
        for thread in (*readers, *hands):
            thread.start()
        for thread in hands:
            thread.join(60)
        done.set()
        for thread in readers:
            thread.join(60)
        assert not failures
        assert store.get(key_of(1)) in [_versioned(who, rounds) for who in range(writers)]

    def test_threads_together_keep_everything(self, store: Store) -> None:
        """What different threads put under different keys is all there, and each sees the others' at once."""
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda n: store.put(entry(n)), range(120)))
            found = list(pool.map(lambda n: store.get(key_of(n)), range(120)))
        assert found == [entry(n) for n in range(120)]

    def test_behaves_like_a_dictionary(self, store: Store) -> None:
        """After any sequence of operations the store holds what a dictionary would."""

        class Machine(RuleBasedStateMachine):
            put_keys = Bundle("put_keys")

            @initialize()
            def begin(self) -> None:
                store.clear()
                self.model: dict[bytes, Entry] = {}

            @rule(target=put_keys, number=st.integers(0, 30), made=entries)
            def put(self, number: int, made: Entry) -> bytes:
                made = msgspec.structs.replace(made, key=key_of(number))
                store.put(made)
                self.model[made.key] = made
                return made.key

            @rule(key=put_keys)
            def get_one_that_was_put(self, key: bytes) -> None:
                assert store.get(key) == self.model.get(key)

            @rule(number=st.integers(0, 30))
            def get_any(self, number: int) -> None:
                assert store.get(key_of(number)) == self.model.get(key_of(number))

            @rule(key=put_keys)
            def delete(self, key: bytes) -> None:
                assert store.delete(key) is (self.model.pop(key, None) is not None)

            @rule()
            def clear(self) -> None:
                store.clear()
                self.model = {}

            @invariant()
            def same_keys(self) -> None:
                assert sorted(store.keys()) == sorted(self.model)

        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=SHARES_FIXTURE
            ),
        )


class SharedStoreSuite:
    """Subclasses give ``open_store``: each call opens one more handle on the same, at first empty, data."""

    @pytest.fixture
    def open_store(self) -> Iterator[Callable[[], Store]]:
        raise NotImplementedError("give a fixture named open_store")

    def test_handles_see_each_other_at_once(self, open_store: Callable[[], Store]) -> None:
        """What one handle puts, deletes or clears, every other sees with its next get."""
        one, other = open_store(), open_store()
        assert one.shared
        for turn in range(20):
            one.put(entry(turn))
            assert other.get(key_of(turn)) == entry(turn)
            other.put(entry(turn, b"changed"))
            assert one.get(key_of(turn)) == entry(turn, b"changed")
        assert one.delete(key_of(0))
        assert other.get(key_of(0)) is None
        one.clear()
        assert list(other.keys()) == []

    def test_reopening_finds_everything(self, open_store: Callable[[], Store]) -> None:
        """Entries and ledger outlive the handle they were written with."""
        first = open_store()
        for number in range(50):
            first.put(entry(number))
        assert first.epochs is not None
        at = first.epochs.bump(["doc:1"])
        first.close()
        again = open_store()
        assert [again.get(key_of(n)) for n in range(50)] == [entry(n) for n in range(50)]
        assert again.epochs is not None
        assert again.epochs.snapshot() == (at, {"doc:1": at})

    def test_closing_one_handle_leaves_the_others(self, open_store: Callable[[], Store]) -> None:
        """A closed handle takes nothing away from another."""
        one, other = open_store(), open_store()
        one.put(entry(1))
        assert other.get(key_of(1)) == entry(1)
        one.close()
        assert other.get(key_of(1)) == entry(1)
        other.put(entry(2))
        assert other.get(key_of(2)) == entry(2)


def _versioned(who: int, turn: int) -> Entry:
    """An entry whose every part tells who wrote it and when; of a size that changes from turn to turn."""
    mark = f"{who}/{turn}"
    return entry(1, mark.encode() * (1 + 97 * turn % 400), query=mark, usage=Usage(who, turn), model=mark)
