"""The Redis tier on event loops: several loops, stampedes, cancelled operations, closing."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from askonce import Entry, RedisStore, StoreClosed
from tests.redis_server import RedisServer

from .redis_tools import until
from .store_suite import entry, key_of


class TestEventLoops:
    def test_two_loops_in_two_threads(self, store: RedisStore) -> None:
        """Each running loop uses connections of its own, at the same time."""
        begun = threading.Barrier(2)

        async def work(side: int) -> list[Entry | None]:
            begun.wait(20)
            for number in range(50):
                await store.aput(entry(100 * side + number))
            return list(await asyncio.gather(*(store.aget(key_of(100 * side + n)) for n in range(50))))

        with ThreadPoolExecutor(2) as pool:
            ends = [pool.submit(asyncio.run, work(side)) for side in range(2)]
            for side, end in enumerate(ends):
                assert end.result(60) == [entry(100 * side + n) for n in range(50)]

    def test_closed_loops_are_let_go(self, server: RedisServer, open_store: Callable[..., RedisStore]) -> None:
        """A store goes on when its loop is closed and another opened, and does not collect the old ones' sockets."""
        with server.client() as client:
            mark = uuid.uuid4().hex
            store = open_store(f"{server.url}?client_name={mark}")
            store.put(entry(1))
            for _ in range(30):
                assert asyncio.run(store.aget(key_of(1))) == entry(1)
            until(lambda: sum(one["name"] == mark for one in client.client_list()) <= 3)

    def test_a_stampede(self, store: RedisStore) -> None:
        """A thousand reads and writes at once are all served, each with its own answer, on few connections."""
        for number in range(0, 100, 2):
            store.put(entry(number))

        async def stampede() -> list[Entry | None]:
            reads = [store.aget(key_of(n % 100)) for n in range(1000)]
            writes = [store.aput(entry(1000 + n)) for n in range(200)]
            return (await asyncio.gather(*reads, *writes))[:1000]  # type: ignore[return-value]

        found = asyncio.run(stampede())
        assert found == [entry(n % 100) if n % 2 == 0 else None for n in range(1000)]
        assert all(store.get(key_of(1000 + n)) == entry(1000 + n) for n in range(200))

    def test_cancelled_operations_leave_no_wrong_answers(self, store: RedisStore) -> None:
        """However operations are cancelled, the next ones get their own answers, not those left on the wire."""
        for number in range(64):
            store.put(entry(number, bytes([number]) * 3000))

        async def storm() -> None:
            for turn in range(120):
                tasks = [asyncio.create_task(store.aget(key_of((turn + n) % 64))) for n in range(24)]
                for _ in range(turn % 9):
                    await asyncio.sleep(0)
                if turn % 3 == 0:
                    await asyncio.sleep(0.0002 * (turn % 7))
                for task in tasks[:: 1 + turn % 3]:
                    task.cancel()
                for n, found in enumerate(await asyncio.gather(*tasks, return_exceptions=True)):
                    if not isinstance(found, BaseException):
                        assert found is not None
                        assert found.key == key_of((turn + n) % 64)
                    else:
                        assert isinstance(found, asyncio.CancelledError)
                assert await store.aget(key_of(turn % 64)) == entry(turn % 64, bytes([turn % 64]) * 3000)

        asyncio.run(storm())

    def test_closing(self, server: RedisServer, open_store: Callable[..., RedisStore]) -> None:
        """aclose() closes what the store opened; afterwards every use raises StoreClosed, on any loop."""
        with server.client() as client:
            mark = uuid.uuid4().hex

            def connected() -> int:
                return sum(one["name"] == mark for one in client.client_list())

            store = open_store(f"{server.url}?client_name={mark}")

            async def work() -> None:
                await asyncio.gather(*(store.aput(entry(n)) for n in range(20)))
                store.put(entry(1))
                store.epochs.snapshot()
                await asyncio.to_thread(until, lambda: connected() >= 4)
                await store.aclose()
                await store.aclose()
                for use in (store.aget(key_of(1)), store.aput(entry(1)), store.adelete(key_of(1))):
                    with pytest.raises(StoreClosed):
                        await use

            asyncio.run(work())
            with pytest.raises(StoreClosed):
                asyncio.run(store.aget(key_of(1)))
            with pytest.raises(StoreClosed):
                store.get(key_of(1))
            until(lambda: connected() == 0)

    def test_closing_from_another_thread(self, store: RedisStore) -> None:
        """close() while a loop is using the store: its operations give answers or StoreClosed, nothing else."""
        store.put(entry(1))
        used = threading.Event()

        async def use() -> int:
            for turn in range(1_000_000):
                try:
                    assert await store.aget(key_of(1)) == entry(1)
                except StoreClosed:
                    return turn
                if turn == 20:
                    used.set()
            return -1

        with ThreadPoolExecutor(1) as pool:
            end = pool.submit(asyncio.run, use())
            assert used.wait(30)
            store.close()
            assert end.result(60) > 20
