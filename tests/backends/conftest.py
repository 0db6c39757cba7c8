"""Real Redis servers for the tests of stores, and a stack for what is to be closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from askonce import RedisStore
from tests.fault_proxy import FaultProxy
from tests.redis_server import RedisCluster, RedisServer

from .redis_tools import name


@pytest.fixture(scope="session")
def server() -> Iterator[RedisServer]:
    """A Redis server that no test may stop."""
    with RedisServer(unixsocket=True) as made:
        yield made


@pytest.fixture(scope="session")
def cluster() -> Iterator[RedisCluster]:
    """A Redis Cluster of three; a test that stops a node starts it again."""
    with RedisCluster() as made:
        yield made


@pytest.fixture
def open_store(server: RedisServer) -> Iterator[Callable[..., RedisStore]]:
    """Opens stores that share one namespace; generous time, since a machine that runs tests may be busy."""
    namespace = name()
    made: list[RedisStore] = []

    def open_one(url: str = "", **settings: Any) -> RedisStore:
        made.append(RedisStore(url or server.url, **{"namespace": namespace, "timeout_s": 5.0, **settings}))
        return made[-1]

    yield open_one
    for store in made:
        store.close()


@pytest.fixture
def store(open_store: Callable[..., RedisStore]) -> RedisStore:
    return open_store()


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A server that the test may kill."""
    with RedisServer() as made:
        yield made


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[FaultProxy]:
    with FaultProxy(server.port) as made:
        yield made


@pytest.fixture
def open_hasty() -> Iterator[Callable[..., RedisStore]]:
    """As open_store, with half a second for each operation and the URL always given."""
    namespace, made = name(), list[RedisStore]()

    def open_one(url: str, **fields: Any) -> RedisStore:
        made.append(RedisStore(url, **{"namespace": namespace, "timeout_s": 0.5, **fields}))
        return made[-1]

    yield open_one
    for store in made:
        store.close()


@pytest.fixture
def made() -> Iterator[ExitStack]:
    """What a test makes and wants closed."""
    with ExitStack() as stack:
        yield stack
