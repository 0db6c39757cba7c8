"""The memory tier: bounded whatever happens, and keeping what is worth most."""

from __future__ import annotations

import os
import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askonce import ConfigError, ManualClock, MemoryStore

from .store_suite import NOW, entry, key_of


def held(store: MemoryStore) -> set[int]:
    return {int.from_bytes(key[:4], "big") for key in store.keys()}  # noqa: SIM118 - a store is not a mapping


def seeded(**options: Any) -> MemoryStore:
    return MemoryStore(**{"rng": random.Random(7), **options})


operations = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "put", "get", "delete", "clear"]), st.integers(0, 40), st.integers(0, 4000)
    ),
    max_size=120,
)


@settings(deadline=None)
@given(todo=operations, max_bytes=st.integers(1, 20_000), max_entries=st.integers(1, 20), seed=st.integers(0, 99))
def test_the_bounds_are_never_exceeded(
    todo: list[tuple[str, int, int]], max_bytes: int, max_entries: int, seed: int
) -> None:
    """After every operation both bounds hold, the count of bytes is that of the entries held, a held entry is the
    last one put, and a put that fits is there at once."""
    store = MemoryStore(max_bytes, max_entries, rng=random.Random(seed))
    model = {}
    for what, number, size in todo:
        if what == "put":
            made = entry(number, b"x" * size)
            store.put(made)
            model[made.key] = made
            assert store.get(made.key) is (made if made.size <= max_bytes else None)
        elif what == "get":
            assert store.get(key_of(number)) in (None, model.get(key_of(number)))
        elif what == "delete":
            was = key_of(number) in set(store.keys())
            assert store.delete(key_of(number)) is was
            model.pop(key_of(number), None)
        else:
            store.clear()
            model = {}
        keys = list(store.keys())
        assert len(keys) == len(set(keys)) <= max_entries
        assert store.stats().entries == len(keys)
        assert store.stats().bytes == sum(model[key].size for key in keys) <= max_bytes


@settings(deadline=None, max_examples=50)
@given(todo=operations, max_entries=st.integers(1, 12))
def test_every_key_that_makes_room_is_told(todo: list[tuple[str, int, int]], max_entries: int) -> None:
    """on_evict is told each key that left to make room, once, and no key that was deleted, replaced or cleared:
    put, told and deleted keys account for what is held."""
    told: list[bytes] = []
    store = MemoryStore(max_entries=max_entries, rng=random.Random(1), on_evict=told.append)
    expected: set[bytes] = set()
    for what, number, size in todo:
        key = key_of(number)
        if what == "put":
            store.put(entry(number, b"x" * size))
            expected.add(key)
            for gone in told:
                assert gone != key
                expected.remove(gone)  # KeyError: told of a key that was not held
            told.clear()
        elif what == "delete":
            store.delete(key)
            expected.discard(key)
        elif what == "clear":
            store.clear()
            expected = set()
        assert not told
        assert set(store.keys()) == expected


def test_on_evict_may_use_the_store_and_may_fail() -> None:
    """on_evict runs when the store is consistent again: it may call it, and what it raises harms nobody."""
    seen: list[Any] = []

    def told(key: bytes) -> None:
        seen.append((store.get(key), store.stats().entries))
        raise RuntimeError("my own bug")

    store = seeded(max_entries=3, on_evict=told)
    for number in range(5):
        store.put(entry(number))
    assert seen == [(None, 3), (None, 3)]
    assert 4 in held(store)


def test_a_hot_set_survives_a_scan() -> None:
    """Entries that are used survive a scan of many times the tier's size in entries that are used once."""
    store = seeded(max_entries=1000)
    for number in range(100):
        store.put(entry(number))
    for _ in range(10):
        for number in range(100):
            store.get(key_of(number))
    for number in range(1000, 11_000):
        store.put(entry(number))
    assert len(held(store) & set(range(100))) >= 95


def test_a_refreshed_entry_stays_hot() -> None:
    """A fresh answer under the same key inherits the uses of the old one."""
    store = seeded(max_entries=1000)
    for number in range(100):
        store.put(entry(number))
        for _ in range(10):
            store.get(key_of(number))
        store.put(entry(number, b'"a new one"'))  # of the same size
    for number in range(1000, 6000):
        store.put(entry(number))
    assert len(held(store) & set(range(100))) >= 95


def test_a_hot_set_in_use_survives_without_end() -> None:
    """A hot set that stays in use outlasts any number of newcomers."""
    store = seeded(max_entries=200)
    hot = random.Random(3)
    for number in range(50):
        store.put(entry(number))
    for number in range(1000, 21_000):
        store.put(entry(number))
        store.get(key_of(hot.randrange(50)))
        store.get(key_of(hot.randrange(50)))
    assert len(held(store) & set(range(50))) >= 48


def test_old_fame_fades() -> None:
    """What was used much, long ago, gives way to what is used now."""
    store = seeded(max_entries=200)
    for number in range(100):
        store.put(entry(number))
        for _ in range(200):
            store.get(key_of(number))
    for number in range(1000, 61_000):
        store.put(entry(number))
        store.get(key_of(number))
        store.get(key_of(number - 50))
    assert len(held(store) & set(range(100))) <= 20


def test_dear_entries_outlive_cheap_ones() -> None:
    """Of entries equally used and equally large, those that cost more time or money to make stay."""
    for costs in ({"cost_ms": 30_000.0}, {"cost_usd": 0.5}):
        store = seeded(max_entries=500)
        for number in range(2000):
            dear = number % 5 == 0
            store.put(entry(number, **(costs if dear else {"cost_ms": 300.0})))
        left = held(store)
        assert sum(number % 5 == 0 for number in left) >= 0.7 * 400


def test_small_entries_outlive_large_ones() -> None:
    """Of entries equally dear and equally used, the large ones make room first."""
    store = seeded(max_bytes=1_000_000)
    for number in range(1000):
        store.put(entry(number, b"x" * (20_000 if number % 2 else 200), cost_ms=1000.0))
    left = held(store)
    small = [number for number in range(1000) if number % 2 == 0]
    assert len(left & set(small)) >= 0.95 * len(small)


def test_expired_entries_go_first() -> None:
    """While something past keep_until is held, a sample that meets it takes it, dear and used as it may be."""
    clock = ManualClock(NOW)
    store = seeded(max_entries=12, clock=clock)  # as many as are drawn: every sample is the whole tier
    for number in range(6):
        store.put(entry(number, keep_until=NOW + 10, cost_ms=1e6))
        for _ in range(100):
            store.get(key_of(number))
    for number in range(6, 12):
        store.put(entry(number, keep_until=NOW + 1000))
    clock.advance(20)
    for number in range(12, 18):
        store.put(entry(number))
    assert held(store) == set(range(6, 18))


def test_it_may_still_give_what_is_past_keep_until() -> None:
    """keep_until permits dropping, no more: nothing is dropped while there is room."""
    clock = ManualClock(NOW)
    store = seeded(clock=clock)
    made = entry(1, keep_until=NOW + 1)
    store.put(made)
    clock.advance(100)
    assert store.get(made.key) is made


def test_an_entry_over_the_bound_is_not_kept() -> None:
    """An entry larger than the whole tier is not kept, evicts nobody, and takes the older answer under its key
    with it: that is no longer what was last put."""
    store = seeded(max_bytes=5000)
    store.put(entry(1))
    store.put(entry(2))
    store.put(entry(1, b"x" * 6000))
    assert held(store) == {2}
    assert store.stats().bytes == entry(2).size


@pytest.mark.parametrize("cost", [float("nan"), float("inf"), -1.0])
def test_odd_costs_do_no_harm(cost: float) -> None:
    """An entry with a cost that is no cost is kept and evicted like any other, and upsets no comparison."""
    store = seeded(max_entries=20)
    for number in range(200):
        store.put(entry(number, cost_ms=cost if number % 2 else 100.0, cost_usd=cost if number % 3 == 0 else 0.0))
        assert store.get(key_of(number)) is not None
    assert store.stats().entries == 20


def test_threads_keep_the_bounds() -> None:
    """Under concurrent puts, gets and deletes no get gives a wrong entry, and in the end the books balance."""
    store = MemoryStore(max_bytes=60_000, max_entries=50)
    over = threading.Event()

    def work(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(3000):
            number = rng.randrange(200)
            what = rng.random()
            if what < 0.5:
                store.put(entry(number, b"x" * rng.randrange(2000), query=str(number)))
            elif what < 0.9:
                found = store.get(key_of(number))
                assert found is None or found.query == str(number)
            else:
                store.delete(key_of(number))
            held_now = store.stats()
            if held_now.entries > 50 or held_now.bytes > 60_000:
                over.set()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert not over.is_set()
    keys = list(store.keys())
    found = [store.get(key) for key in keys]
    assert store.stats() == (len(keys), sum(one.size for one in found if one is not None))
    for key in keys:
        assert store.delete(key)
    assert store.stats() == (0, 0)


@pytest.mark.parametrize("wrong", [{"max_bytes": 0}, {"max_entries": 0}, {"max_entries": -5}])
def test_wrong_bounds(wrong: dict[str, int]) -> None:
    """A bound that is not positive is a ConfigError that names it."""
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        MemoryStore(**wrong)


def test_a_forked_child_uses_its_copy() -> None:
    """However busy other threads are when the process forks, the child can read and write its copy, which is whole."""
    store = MemoryStore(max_entries=50)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            store.put(entry(number % 100))
            store.epochs.bump(["t"])
            number += 1

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            pid = os.fork()
            if pid == 0:
                status = 1
                try:
                    signal.alarm(20)  # a lock held for ever would hang the child
                    store.put(entry(7))
                    store.epochs.bump(["child"])
                    whole = all(store.get(key) is not None for key in store.keys())  # noqa: SIM118
                    status = 0 if whole and store.get(key_of(7)) is not None else 2
                finally:
                    os._exit(status)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
