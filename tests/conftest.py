"""Shared fixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from askonce import Cache, ManualClock, MemoryStore


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def cache(clock: ManualClock) -> Iterator[Cache]:
    """Memory only, exact only, time in the test's hands."""
    with Cache([MemoryStore(clock=clock)], semantic=False, clock=clock) as made:
        yield made
