"""What the disk tier throws away first, and that it keeps its bound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askonce import DiskStore, ManualClock
from askonce.backends.epochs import DATABASE

from .disk_tools import MIB, held
from .store_suite import NOW, SHARES_FIXTURE, entry, key_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tier"


@pytest.fixture
def disk(folder: Path) -> Iterator[DiskStore]:
    made = DiskStore(folder)
    yield made
    made.close()


@settings(max_examples=10, deadline=None, suppress_health_check=SHARES_FIXTURE)
@given(sizes=st.lists(st.sampled_from([10, 500, 3000, 9000, 60_000, 400_000, 700_000]), min_size=20, max_size=60))
def test_the_bound_holds(sizes: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    """After every put the pages in use are within max_bytes, the last entry put is there (unless it is over half
    the bound), and the file itself never exceeds the bound by more than one entry."""
    folder = tmp_path_factory.mktemp("bound")
    store = DiskStore(folder, max_bytes=MIB)
    for number, size in enumerate(sizes):
        made = entry(number, b"x" * size)
        store.put(made)
        assert store.stats().bytes <= MIB
        assert store.get(made.key) == (made if size < MIB // 2 else None)
    store.close()
    assert (folder / DATABASE).stat().st_size <= MIB + 800_000


def test_a_large_entry_retires_what_it_replaces(disk: DiskStore, folder: Path) -> None:
    """An entry too large to keep is not kept, and neither is the older answer under its key."""
    small = DiskStore(folder, max_bytes=MIB)
    small.put(entry(1))
    small.put(entry(1, b"x" * 800_000))
    assert small.get(key_of(1)) is None
    small.close()


def test_expired_entries_go_first(folder: Path) -> None:
    """Entries past keep_until make room before any other, dear or not; time is the injected clock's."""
    clock = ManualClock(NOW)
    store = DiskStore(folder, max_bytes=MIB, clock=clock)
    for number in range(100):
        store.put(entry(number, b"x" * 3000, keep_until=NOW + 10, cost_ms=1e6))
    for number in range(100, 150):
        store.put(entry(number, b"x" * 3000, keep_until=NOW + 1000))
    clock.advance(20)
    number = 150
    while set(range(100)) & held(store):
        store.put(entry(number, b"x" * 3000))
        number += 1
        assert set(range(100, number)) <= held(store)
    store.close()


def test_dear_entries_outlive_cheap_ones(folder: Path) -> None:
    """Of entries used alike, those that cost more to make per byte are still there when the cheap ones went."""
    store = DiskStore(folder, max_bytes=MIB)
    for number in range(400):
        dear = number % 2 == 0
        store.put(entry(number, b"x" * 3000, cost_ms=20_000 if dear else 1000))
    left = held(store)
    assert len(left) < 300
    oldest = sorted(left)[: len(left) // 2]
    assert sum(number % 2 == 0 for number in oldest) > 0.95 * len(oldest)
    store.close()


def test_what_is_neither_used_nor_dear_ages_out(folder: Path) -> None:
    """Worth does not keep an unused entry for ever: newcomers of little worth outlive it in the end."""
    store = DiskStore(folder, max_bytes=MIB)
    store.put(entry(0, b"x" * 3000, cost_ms=3000))
    for number in range(1, 3000):
        store.put(entry(number, b"x" * 3000, cost_ms=300))
        if number == 250:
            assert 0 in held(store)
    assert 0 not in held(store)
    store.close()


def test_used_entries_survive_a_scan(folder: Path) -> None:
    """Entries that are read now and then outlive a long scan of entries that are read by nobody, though reads
    write nothing."""
    store = DiskStore(folder, max_bytes=MIB)
    hot = range(20)
    for number in hot:
        store.put(entry(number, b"x" * 3000))
    for number in range(100, 1600):
        store.put(entry(number, b"x" * 3000))
        if number % 50 == 0:
            for one in hot:
                store.get(key_of(one))
    assert set(hot) <= held(store)
    store.close()


def test_a_lowered_bound_is_kept_at_opening(folder: Path) -> None:
    """Opened with a smaller bound, the store comes down to it at once, and the best stay."""
    store = DiskStore(folder, max_bytes=4 * MIB)
    for number in range(600):
        store.put(entry(number, b"x" * 3000, cost_ms=10_000 if number < 50 else 100))
    store.close()
    store = DiskStore(folder, max_bytes=MIB)
    assert store.stats().bytes <= MIB
    assert set(range(50)) <= held(store)
    store.close()


def test_clear_gives_the_space_back(folder: Path, disk: DiskStore) -> None:
    """After clear() the file is small again."""
    for number in range(300):
        disk.put(entry(number, b"x" * 3000))
    assert disk.stats().bytes > MIB
    disk.clear()
    assert disk.stats().bytes < 100_000
    assert (folder / DATABASE).stat().st_size < 200_000
