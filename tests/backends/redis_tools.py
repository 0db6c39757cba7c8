"""What the tests of the Redis tier share."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from askonce import RedisStore, StoreError
from tests.redis_server import RedisServer

from .store_suite import entry, key_of

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30.0  # how long a test waits for what must end by itself much sooner


def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Wait for something that must come true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)
    return found


def client_has(server: RedisServer, namespace: str) -> bool:
    """Whether the server has a ledger with tags in it again."""
    with server.client() as client:
        return bool(client.hlen(f"{{{namespace}}}:epochs") >= 4)


def name() -> str:
    return f"test-{uuid.uuid4().hex}"


def ended(work: Callable[[], Any]) -> Any:
    """What ``work`` gave or the StoreError it raised; fails when it does not end."""
    with ThreadPoolExecutor(1) as pool:
        end = pool.submit(work)
        try:
            return end.result(PATIENCE_S)
        except StoreError as error:
            return error


def both(store: RedisStore, key: bytes) -> list[Any]:
    """What get and aget end in."""
    return [ended(lambda: store.get(key)), ended(lambda: asyncio.run(store.aget(key)))]


def check(store: RedisStore) -> None:
    """Put, get, delete, list and bump, synchronously and on an event loop."""
    made = entry(1, tags=("t",))
    store.put(made)
    assert store.get(made.key) == made

    async def on_a_loop() -> None:
        assert await store.aget(made.key) == made
        await store.aput(entry(2))
        assert await store.adelete(made.key) is True
        assert await store.adelete(made.key) is False
        assert await store.aget(made.key) is None

    asyncio.run(on_a_loop())
    assert store.get(made.key) is None
    assert list(store.keys()) == [key_of(2)]
    at = store.epochs.bump(["t"])
    assert store.epochs.snapshot() == (at, {"t": at})
