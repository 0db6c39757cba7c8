"""Every store of the package keeps the laws of its contract: memory, disk, and a real Redis."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from askonce import DiskStore, MemoryStore
from askonce.backends.contract import Store

from .store_suite import SharedStoreSuite, StoreSuite


@contextlib.contextmanager
def opener(kind: str, request: pytest.FixtureRequest, path: Path) -> Iterator[Callable[[], Store]]:
    """A function that opens handles on one set of data; all are closed at the end."""
    namespace = f"test-{uuid.uuid4().hex}"
    url = request.getfixturevalue("server").url if kind == "redis" else ""
    made: list[Store] = []

    def open_store() -> Store:
        if kind == "memory":
            store: Store = MemoryStore()
        elif kind == "disk":
            store = DiskStore(path / "tier")
        else:
            from askonce.backends.redis import RedisStore

            store = RedisStore(url, namespace=namespace)
        made.append(store)
        return store

    try:
        yield open_store
    finally:
        for store in made:
            store.close()


class TestStores(StoreSuite):
    @pytest.fixture(params=["memory", "disk", "redis"])
    def store(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
        with opener(request.param, request, tmp_path) as open_store:
            yield open_store()


class TestSharedStores(SharedStoreSuite):
    @pytest.fixture(params=["disk", "redis"])
    def open_store(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
        with opener(request.param, request, tmp_path) as open_store:
            yield open_store
