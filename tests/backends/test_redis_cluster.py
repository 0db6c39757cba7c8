"""The Redis tier on a cluster: all laws of a store, slots that move, nodes that die or fall silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis.crc import key_slot

from askonce import Entry, RedisStore, StoreError
from askonce.backends.contract import Store
from tests.redis_server import RedisCluster

from .redis_tools import both, check, ended, name, until
from .store_suite import SharedStoreSuite, StoreSuite, entry, key_of


class TestCluster(StoreSuite):
    """A store on a cluster keeps every law of a store."""

    @pytest.fixture
    def store(self, cluster: RedisCluster, open_store: Callable[..., RedisStore]) -> RedisStore:
        return open_store(cluster.url)


class TestSharedCluster(SharedStoreSuite):
    """Stores on one cluster keep every law of stores that share their data."""

    @pytest.fixture
    def open_store(self, cluster: RedisCluster) -> Iterator[Callable[[], Store]]:
        namespace, made = name(), list[RedisStore]()

        def open_one() -> Store:
            made.append(RedisStore(cluster.url, namespace=namespace, timeout_s=5.0))
            return made[-1]

        yield open_one
        for store in made:
            store.close()


class TestClusterWays:
    def test_way(self, cluster: RedisCluster, open_store: Callable[..., RedisStore]) -> None:
        """A cluster is reached from any one of its nodes, the first of which may be away."""
        dead = "127.0.0.1:1"
        for node in cluster.nodes:
            check(open_store(f"redis+cluster://{dead},127.0.0.1:{node.port}", namespace=name()))

    def test_spreads_over_nodes(self, cluster: RedisCluster, open_store: Callable[..., RedisStore]) -> None:
        """Entries lie on all nodes; reading many, listing, counting and clearing find them all."""
        store = open_store(cluster.url)
        for number in range(60):
            store.put(entry(number))
        for node in cluster.nodes:
            with node.client() as client:
                assert client.dbsize() > 0
        assert store.get_many([key_of(n) for n in range(70)]) == [entry(n) for n in range(60)] + [None] * 10
        assert len(list(store.keys())) == store.stats().entries == 60
        store.clear()
        assert store.stats().entries == 0

    def test_a_slot_moves(self, cluster: RedisCluster, open_store: Callable[..., RedisStore]) -> None:
        """While a slot moves and after it has moved, its entries are found and written, sync and async."""
        store = open_store(cluster.url)
        store.put(entry(1))
        row = f"{store.namespace}:e:{key_of(1).hex()}".encode()
        slot = key_slot(row)
        holder = next(n for n, bound in enumerate((5461, 10923, 16384)) if slot < bound)
        source, target = cluster.nodes[holder], cluster.nodes[(holder + 1) % 3]
        with source.client() as old, target.client() as new:
            source_id, target_id = (c.execute_command("CLUSTER", "MYID").decode() for c in (old, new))

            async def both(made: Entry) -> None:
                """Write on a loop and read in a thread, and the other way round."""
                await store.aput(made)
                assert await asyncio.to_thread(store.get, made.key) == made
                store.put(made)
                assert await store.aget(made.key) == made

            async def move() -> None:
                await both(entry(1, b"before"))
                new.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
                old.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
                await both(entry(1, b"still there"))
                old.execute_command("MIGRATE", "127.0.0.1", target.port, row, 0, 5000)
                await both(entry(1, b"asked elsewhere"))
                assert store.get_many([key_of(1)]) == [entry(1, b"asked elsewhere")]
                for client in (new, old):
                    client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", target_id)
                await both(entry(1, b"moved"))
                assert list(store.keys()) == [key_of(1)]

            try:
                asyncio.run(move())
            finally:
                for client in (old, new):
                    client.execute_command("CLUSTER", "SETSLOT", slot, "STABLE")

    def test_plain_url_to_a_cluster(self, cluster: RedisCluster, open_store: Callable[..., RedisStore]) -> None:
        """A redis:// URL that leads to a node of a cluster says which URL to write."""
        store = open_store(cluster.nodes[0].url)

        def refused(number: int) -> str:
            try:
                store.put(entry(number))
            except StoreError as error:
                return str(error)
            return ""

        assert any("redis+cluster://" in refused(n) for n in range(20))


class TestNodes:
    def test_a_node_dies_and_comes_back(self, cluster: RedisCluster, open_hasty: Any) -> None:
        """When a node is gone, every operation ends in time, rightly or as a StoreError; when it is back,
        everything works again."""
        store = open_hasty(cluster.url, timeout_s=1.0)
        for number in range(40):
            store.put(entry(number))
        store.epochs.bump(["t"])
        for dead in (cluster.nodes[0], cluster.nodes[1]):  # the first is the one the URL names
            dead.kill()
            refused = 0
            for number in range(40):
                for end in both(store, key_of(number)):
                    refused += isinstance(end, StoreError)
                    assert isinstance(end, StoreError) or end == entry(number)
            assert refused
            dead.restart()

            def works() -> bool:
                ends = [end for number in range(40) for end in both(store, key_of(number))]
                return not any(isinstance(end, StoreError) for end in ends)

            until(works)
            for number in range(40):
                store.put(entry(number))
            until(lambda: not isinstance(ended(store.epochs.snapshot), StoreError))
            assert store.epochs.snapshot()[1].keys() >= {"t"}

    def test_a_node_is_stopped(self, cluster: RedisCluster, open_hasty: Any) -> None:
        """While a node is silent every operation ends in time, rightly or as a StoreError, sync and async; when
        it speaks again, everything works again."""
        store = open_hasty(cluster.url, timeout_s=0.4)
        for number in range(12):
            store.put(entry(number))
        cluster.nodes[1].pause()
        try:
            ends = [end for number in range(12) for end in both(store, key_of(number))]
        finally:
            cluster.nodes[1].resume()
        assert any(isinstance(end, StoreError) for end in ends)
        assert all(
            isinstance(end, StoreError) or end == entry(number // 2) for number, end in enumerate(ends)
        )  # fmt: skip
        until(lambda: not any(isinstance(end, StoreError) for n in range(12) for end in both(store, key_of(n))))
