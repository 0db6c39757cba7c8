"""The Redis tier against real servers: every kind of URL, time to live, ledger, event loops, processes.

The laws it shares with other stores are in store_suite; what happens when things break is in test_redis_faults.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import askonce
from askonce import Cache, ConfigError, Entry, ManualClock, MemoryStore, Policy, RedisStore, StoreClosed, StoreError
from askonce.backends import redis_epochs
from askonce.backends.contract import AsyncStore, Store
from askonce.backends.redis_url import parse_redis_url
from tests.fault_proxy import FaultProxy, certificate
from tests.redis_server import RedisCluster, RedisServer

from .store_suite import SharedStoreSuite, StoreSuite, entry, key_of

ROOT = Path(__file__).parents[2]
SECRET = "s3cret-/#?@:%"
ENCODED = "s3cret-%2F%23%3F%40%3A%25"


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


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer(unixsocket=True) as made:
        yield made


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
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


class TestURLs:
    def test_is_exported(self) -> None:
        """The store is one of the package's own names, and keeps both contracts."""
        assert "RedisStore" in askonce.__all__
        made = RedisStore("redis://127.0.0.1:1")
        assert isinstance(made, Store)
        assert isinstance(made, AsyncStore)

    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("redis://", "redis://localhost:6379"),
            ("redis://h", "redis://h:6379"),
            ("redis://h:7/3", "redis://h:7/3"),
            ("redis://h?db=3", "redis://h:6379/3"),
            ("redis://[::1]:7", "redis://[::1]:7"),
            ("redis://:secret@h:7", "redis://***@h:7"),
            ("redis://user:secret@h:7/1", "redis://***@h:7/1"),
            ("redis://h?username=user&password=secret", "redis://***@h:6379"),
            ("rediss://h?ssl_cert_reqs=none&ssl_check_hostname=false", "rediss://h:6379"),
            ("redis+cluster://user:secret@a:1,b:2,c", "redis+cluster://***@a:1,b:2,c:6379"),
            ("rediss+cluster://a:1", "rediss+cluster://a:1"),
            ("unix:///run/redis.sock?db=2", "unix:///run/redis.sock"),
            ("unix://:secret@/run/redis.sock", "unix://***@/run/redis.sock"),
        ],
    )
    def test_good(self, url: str, shown: str) -> None:
        """Each kind of URL is read, and shown without user and password."""
        store = RedisStore(url)
        assert repr(store) == f"RedisStore({shown!r}, namespace='askonce')"

    @pytest.mark.parametrize(
        "url",
        [
            "", "h:6379", "http://h", "redis:/h", "redis://h:0", "redis://h:70000", "redis://h:seven", "redis://h/x",
            "redis://h/1/2", "redis://h?nonsense=1", "redis://h?db=x", "redis://h?ssl_ca_certs=/etc/hosts",
            "redis://a,b", "redis+cluster://a/1", "rediss://h?ssl_cert_reqs=perhaps", "redis://h#f",
            "rediss://h?ssl_ca_certs=/no/such/file", "rediss://h?ssl_check_hostname=2", "unix://host/path", "unix://",
            "redis://[::1", "redis://h:6379:1", "redis://secret/word@h", "redis://:secret#word@h",
            "redis://:secret?word@h:1", "redis://:123/secret@h:1", "redis://:sec[ret@h:1", None, 7, b"redis://h",
        ],
    )  # fmt: skip
    def test_bad(self, url: Any) -> None:
        """A wrong URL is a ConfigError when the store is built; what may be a secret is not repeated."""
        with pytest.raises(ConfigError) as raised:
            RedisStore(url)
        assert "secret" not in str(raised.value)
        assert "word@h" not in str(raised.value).replace("password@host", "")
        assert raised.value.__cause__ is None
        assert raised.value.data["setting"] == "redis_url"

    @given(user=st.text(max_size=20), password=st.text(max_size=20))
    def test_user_and_password_survive_encoding(self, user: str, password: str) -> None:
        """Any user and password, percent-encoded, are read back; neither is ever shown."""
        from urllib.parse import quote

        user, password = f"<{user}|", f"|{password}>"
        try:
            quoted = f"{quote(user, safe='')}:{quote(password, safe='')}"
        except UnicodeEncodeError:
            return
        address = parse_redis_url(f"redis://{quoted}@h")
        assert (address.username, address.password) == (user, password)
        for shown in (str(address), repr(address)):
            assert user not in shown
            assert password not in shown

    @pytest.mark.parametrize(
        ("setting", "value"),
        [("namespace", ""), ("namespace", "a b"), ("namespace", "{a}"), ("namespace", "a*"), ("namespace", 1),
         ("timeout_s", 0), ("timeout_s", -1), ("timeout_s", float("inf")), ("timeout_s", float("nan")),
         ("timeout_s", "1")],
    )  # fmt: skip
    def test_bad_settings(self, setting: str, value: Any) -> None:
        """A wrong setting is a ConfigError that names it."""
        with pytest.raises(ConfigError) as raised:
            RedisStore("redis://h", **{setting: value})
        assert raised.value.data["setting"] == setting

    def test_building_connects_nowhere(self, server: RedisServer) -> None:
        """Building a store opens no connection and starts no thread."""
        with server.client() as client:
            before = client.info("stats")["total_connections_received"]
            threads = threading.active_count()
            made = [RedisStore(server.url), RedisStore(f"redis+cluster://127.0.0.1:{server.port}")]
            assert client.info("stats")["total_connections_received"] == before
            assert threading.active_count() == threads
        assert made

    def test_without_redis_py(self) -> None:
        """Without redis-py, building a store says which extra brings it, and importing the package works."""
        code = (
            "import sys; sys.modules['redis'] = None\n"
            "import askonce\n"
            "try: askonce.RedisStore('redis://h')\n"
            "except askonce.MissingExtra as error: print(error.data['extra'])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout.strip() == "redis"


class TestWays:
    """Every way to reach a Redis works, synchronously and on an event loop."""

    def check(self, store: RedisStore) -> None:
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

    def test_plain(self, store: RedisStore) -> None:
        self.check(store)

    def test_unix_socket(self, server: RedisServer, open_store: Callable[..., RedisStore]) -> None:
        self.check(open_store(server.unix_url))

    def test_database_number(self, server: RedisServer, open_store: Callable[..., RedisStore]) -> None:
        other = open_store(f"redis://127.0.0.1:{server.port}/5")
        self.check(other)
        assert open_store().get(key_of(2)) is None

    def test_tls(self, server: RedisServer, open_store: Callable[..., RedisStore], tmp_path: Path) -> None:
        made, key = certificate(tmp_path)
        with FaultProxy(server.port, tls=(made, key)) as proxy:
            self.check(open_store(f"{proxy.url}?ssl_ca_certs={made}"))
            self.check(open_store(f"{proxy.url}?ssl_cert_reqs=none", namespace=name()))

    def test_tls_refuses_a_stranger(self, server: RedisServer, open_store: Any, tmp_path: Path) -> None:
        """A server whose certificate nobody vouches for is not spoken to."""
        with FaultProxy(server.port, tls=certificate(tmp_path)) as proxy:
            stranger = open_store(proxy.url)
            with pytest.raises(StoreError, match="CERTIFICATE_VERIFY_FAILED"):
                stranger.get(key_of(1))
            with pytest.raises(StoreError, match="CERTIFICATE_VERIFY_FAILED"):
                asyncio.run(stranger.aget(key_of(1)))

    def test_password(self, open_store: Callable[..., RedisStore]) -> None:
        with RedisServer(password=SECRET) as guarded:
            self.check(open_store(f"redis://:{ENCODED}@127.0.0.1:{guarded.port}"))
            self.check(open_store(f"redis://default:{ENCODED}@127.0.0.1:{guarded.port}", namespace=name()))
            for login in (f":wrong-{ENCODED}@", f"nobody:{ENCODED}@", ""):
                wrong = open_store(f"redis://{login}127.0.0.1:{guarded.port}")
                for use in (wrong.get, lambda key, wrong=wrong: asyncio.run(wrong.aget(key))):
                    with pytest.raises(StoreError, match="refused the login") as raised:
                        use(key_of(1))
                    assert SECRET not in repr(raised.value)
                    assert ENCODED not in repr(raised.value)
                    assert raised.value.__suppress_context__ or raised.value.__context__ is None
                    assert "\n" not in str(raised.value)

    def test_what_a_user_may_not_do(self, server: RedisServer, open_store: Callable[..., RedisStore]) -> None:
        """What the server forbids is one line that does not name the user; other commands work."""
        with server.client() as client:
            client.acl_setuser("reader-only", enabled=True, passwords="+pass-word", keys="*", commands=["+get"])
        store = open_store(f"redis://reader-only:pass-word@127.0.0.1:{server.port}")
        assert store.get(key_of(1)) is None
        for use in (lambda: store.put(entry(1)), lambda: store.epochs.bump(["t"])):
            with pytest.raises(StoreError, match="no permissions") as raised:
                use()
            assert "reader-only" not in str(raised.value)
            assert "pass-word" not in str(raised.value)

    def test_what_a_user_needs(self, server: RedisServer, open_store: Callable[..., RedisStore]) -> None:
        """A user with the few rights that the manual names can do everything the store does."""
        page = (ROOT / "docs" / "howto-redis.md").read_text()
        line = next(line for line in page.splitlines() if line.startswith("ACL SETUSER app"))
        namespace = name()
        with server.client() as client:
            client.execute_command(*line.replace("askonce", namespace).split())
        store = open_store(f"redis://app:s3cret@127.0.0.1:{server.port}", namespace=namespace)
        self.check(store)
        other = open_store(f"redis://app:s3cret@127.0.0.1:{server.port}", namespace=namespace)
        seen = other.epochs.version()
        at = store.epochs.bump(["u"])
        until(lambda: other.epochs.version() != seen and other.epochs.snapshot()[1].get("u") == at)
        assert store.get_many([key_of(2)]) == [entry(2)]
        assert store.stats().entries == 1
        store.clear()
        with server.client() as client:
            client.delete(f"{{{namespace}}}:epochs")
        until(lambda: set(store.epochs.snapshot()[1]) == {"t", "u"} and client_has(server, namespace))

    def test_a_server_that_repeats_the_password(self) -> None:
        """A server that does not know AUTH and quotes its arguments does not get the password into an error."""
        from redis.exceptions import ResponseError

        from askonce.backends.redis_link import fault

        address = parse_redis_url("redis://:hunter22@h")
        said = ResponseError("unknown command 'AUTH', with args beginning with: 'hunter22' ")
        assert "hunter22" not in str(fault(said, address, 1.0))


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
            TestWays().check(open_store(f"redis+cluster://{dead},127.0.0.1:{node.port}", namespace=name()))

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
        from redis.crc import key_slot

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


class TestRows:
    def test_name_and_time_to_live(self, server: RedisServer, open_store: Callable[..., RedisStore]) -> None:
        """A row is named by namespace and key, and lives as long as the entry has left by the store's clock."""
        clock = ManualClock()
        store = open_store(clock=clock)
        row = f"{store.namespace}:e:{key_of(1).hex()}"
        with server.client() as client:
            store.put(entry(1, expires=clock.now() + 500, keep_until=clock.now() + 1000))
            clock.advance(400)
            assert 0 < client.pttl(row) <= 1_000_000
            store.put(entry(1, expires=clock.now() + 100, keep_until=clock.now() + 600))
            assert 0 < client.pttl(row) <= 600_000
            store.put(entry(1))
            assert client.pttl(row) == -1
            store.put(entry(1, keep_until=1e30))
            assert client.pttl(row) == -1
            store.put(entry(1, keep_until=clock.now() + 0.0001))
            until(lambda: not client.exists(row))

    def test_past_its_keep_until(self, open_store: Callable[..., RedisStore]) -> None:
        """An entry that may be dropped already is not kept, nor is what it replaces."""
        clock = ManualClock()
        store = open_store(clock=clock)
        store.put(entry(1))
        store.put(entry(1, b"new", keep_until=clock.now()))
        assert store.get(key_of(1)) is None

    def test_expires_by_itself(self, store: RedisStore) -> None:
        """A row past its keep_until goes without anybody asking."""
        store.put(entry(1, keep_until=time.time() + 0.2))
        until(lambda: list(store.keys()) == [])

    def test_namespaces_do_not_mix(self, open_store: Callable[..., RedisStore]) -> None:
        """Namespaces of which one begins like the other share neither entries nor keys nor ledger."""
        base = name()
        stores = [open_store(namespace=base + end) for end in ("", ":e", ":e:", "2", ":e:" + "0" * 8)]
        for number, one in enumerate(stores):
            one.put(entry(number))
            one.epochs.bump([f"tag{number}"])
        for number, one in enumerate(stores):
            assert list(one.keys()) == [key_of(number)]
            assert one.stats().entries == 1
            assert list(one.epochs.snapshot()[1]) == [f"tag{number}"]
        stores[0].clear()
        assert [len(list(one.keys())) for one in stores] == [0, 1, 1, 1, 1]

    def test_what_is_not_ours_is_left_alone(self, server: RedisServer, store: RedisStore) -> None:
        """Rows that others put under our prefix are neither listed nor cleared, unless named like an entry's."""
        with server.client() as client:
            others = [f"{store.namespace}:e:note", f"{store.namespace}:e:" + "z" * 64, f"x{store.namespace}:e:1"]
            for other in others:
                client.set(other, "theirs")
            store.put(entry(1))
            assert list(store.keys()) == [key_of(1)]
            store.clear()
            assert client.exists(others[0], others[2]) == 2

    def test_counting_stops_where_it_is_slow(self, store: RedisStore, monkeypatch: pytest.MonkeyPatch) -> None:
        """stats() counts in a small database and says -1 in a large one."""
        store.put(entry(1))
        assert store.stats().entries == 1
        monkeypatch.setattr("askonce.backends.redis.COUNTED_UP_TO", 0)
        assert store.stats() == (-1, -1)

    def test_many_at_once(self, store: RedisStore) -> None:
        """get_many gives what get gives for each key, in order, whatever their number."""
        for number in range(0, 300, 2):
            store.put(entry(number))
        keys = [key_of(n) for n in (*range(300), 4, 4)]
        assert store.get_many(keys) == [store.get(key) for key in keys]
        assert store.get_many([]) == []

    def test_large_entries(self, store: RedisStore) -> None:
        """An entry of several megabytes comes back whole, sync and async."""
        made = entry(1, os.urandom(6_000_000))
        store.put(made)
        assert store.get(made.key) == made
        assert asyncio.run(store.aget(made.key)) == made


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


class TestLedger:
    def test_bumps_grow_and_reach_everybody(self, open_store: Callable[..., RedisStore]) -> None:
        """Bumps by many at once get growing numbers of their own; all stores end with the same ledger."""
        stores = [open_store() for _ in range(3)]
        for one in stores:
            one.epochs.snapshot()
        with ThreadPoolExecutor(6) as pool:
            given = list(pool.map(lambda n: stores[n % 3].epochs.bump([f"tag{n}", "all"]), range(60)))
        assert len(set(given)) == 60
        want = {f"tag{n}": at for n, at in enumerate(given)} | {"all": max(given)}
        for one in stores:
            until(lambda one=one: one.epochs.snapshot() == (max(given), want))

    def test_the_own_bump_is_seen_at_once(self, store: RedisStore) -> None:
        """After bump() the store's own version and snapshot know of it, without waiting for a notice."""
        for turn in range(20):
            before = store.epochs.version()
            at = store.epochs.bump([f"tag{turn}", "any \N{SNOWMAN}", "\ud800"])
            assert store.epochs.version() != before
            seq, table = store.epochs.snapshot()
            assert seq >= at
            assert table[f"tag{turn}"] == table["any \N{SNOWMAN}"] == table["\ud800"] == at

    def test_version_changes_with_others_bumps(self, open_store: Callable[..., RedisStore]) -> None:
        """version() differs once another store has bumped, and the snapshot then has it; otherwise it stays."""
        one, other = open_store(), open_store()
        other.epochs.snapshot()
        for turn in range(5):
            seen = other.epochs.version()
            at = one.epochs.bump([f"tag{turn}"])
            until(lambda seen=seen: other.epochs.version() != seen)
            assert other.epochs.snapshot()[1][f"tag{turn}"] == at
        seen = other.epochs.version()
        time.sleep(2.5 * redis_epochs.POLL_S)
        assert other.epochs.version() == seen

    def test_looking_makes_no_round_trip(self, open_store: Callable[..., RedisStore]) -> None:
        """version() and later snapshots answer while the server does not."""
        with RedisServer() as server:
            store = open_store(server.url)
            at = store.epochs.bump(["t"])
            server.pause()
            try:
                for _ in range(1000):
                    store.epochs.version()
                    assert store.epochs.snapshot()[0] == at
            finally:
                server.resume()

    def test_grows_over_a_loss(self, server: RedisServer, open_store: Callable[..., RedisStore]) -> None:
        """When the ledger is lost, numbers go on growing, and whoever knows its tags hands them back."""
        knows = open_store()
        first = knows.epochs.bump(["old"])
        assert knows.epochs.snapshot()[0] == first
        with server.client() as client:
            client.delete(f"{{{knows.namespace}}}:epochs")
            stranger = open_store()
            assert stranger.epochs.snapshot()[0] > first
            assert stranger.epochs.bump(["new"]) > first
            until(lambda: {"old", "new"} <= set(stranger.epochs.snapshot()[1]))
            assert stranger.epochs.snapshot()[1]["old"] == first
            client.delete(f"{{{knows.namespace}}}:epochs")
            assert knows.epochs.bump(["newer"]) > stranger.epochs.snapshot()[0]

    def test_is_not_unbounded(self, open_store: Callable[..., RedisStore], monkeypatch: pytest.MonkeyPatch) -> None:
        """Past its limit the older half of the tags becomes one "*" that covers them: too early, never too late."""
        monkeypatch.setattr(redis_epochs, "MOST_TAGS", 50)
        store = open_store()
        given = {f"tag{n}": store.epochs.bump([f"tag{n}"]) for n in range(120)}
        seq, table = open_store().epochs.snapshot()
        assert seq == given["tag119"]
        assert len(table) <= 52
        for tag, at in given.items():
            assert table.get(tag) == at or at <= table["*"]
        assert table["*"] < given["tag119"]

    def test_without_notices(self, server: RedisServer, open_store: Callable[..., RedisStore]) -> None:
        """A user who may not subscribe still learns of bumps, by comparing about once a second."""
        with server.client() as client:
            client.acl_setuser(
                "deaf", enabled=True, nopass=True, keys="*", categories=["+@all"], channels=[], reset_channels=True
            )
        deaf, other = open_store(f"redis://deaf:x@127.0.0.1:{server.port}"), open_store()
        deaf.epochs.snapshot()
        at = other.epochs.bump(["t"])
        until(lambda: deaf.epochs.snapshot()[1].get("t") == at)
        at = deaf.epochs.bump(["u"])
        until(lambda: other.epochs.snapshot()[1].get("u") == at)

    def test_the_thread_ends(self, open_store: Callable[..., RedisStore]) -> None:
        """The listening thread starts at the first look, and ends when the store is closed or forgotten."""

        def listening() -> int:
            return sum(t.name == "askonce-redis-ledger" for t in threading.enumerate())

        before = listening()
        store = open_store()
        store.epochs.version()
        assert listening() == before + 1
        store.close()
        assert listening() == before
        with pytest.raises(StoreClosed):
            store.epochs.bump(["t"])
        with pytest.raises(StoreClosed):
            store.epochs.snapshot()
        store.epochs.version()
        assert listening() == before
        forgotten: RedisStore | None = RedisStore(f"redis://127.0.0.1:{free()}")
        assert forgotten is not None
        forgotten.epochs.version()
        forgotten = None
        until(lambda: listening() == before)


def free() -> int:
    from tests.redis_server import free_port

    return free_port()


class TestInACache:
    def test_promotion_keeps_the_remaining_time(self, server: RedisServer, open_store: Any) -> None:
        """A hit in Redis is promoted to memory and goes stale when the original would have."""
        clock = ManualClock()
        namespace, policy = name(), Policy(ttl=1000, jitter=0)
        asked: list[str] = []

        def open_cache() -> tuple[Cache, Any]:
            store = open_store(namespace=namespace, clock=clock)
            cache = Cache([MemoryStore(clock=clock), store], semantic=False, policy=policy, clock=clock)

            @cache.cached(name="answer")
            def answer(question: str) -> str:
                asked.append(question)
                return f"{question} {len(asked)}"

            return cache, answer

        first, ask_first = open_cache()
        assert ask_first("q") == "q 1"
        second, ask_second = open_cache()
        clock.advance(600)
        assert ask_second.reply("q").receipt.tier == "redis"
        assert ask_second.reply("q").receipt.tier == "memory"
        clock.advance(399)
        assert ask_second.reply("q").receipt.tier == "memory"
        clock.advance(2)
        assert ask_second("q") == "q 2"
        assert asked == ["q", "q"]
        first.close()
        second.close()

    def test_write_behind(self, server: RedisServer, open_store: Any) -> None:
        """With write_behind the answer is in Redis a little later, sync and async."""
        store = open_store()
        with Cache([MemoryStore(), store], semantic=False, write_behind=("redis",)) as cache:

            @cache.cached()
            def answer(question: str) -> str:
                return "a"

            @cache.cached()
            async def aanswer(question: str) -> str:
                return "b"

            async def ask() -> None:
                assert await aanswer("p") == "b"
                for _ in range(1000):
                    if len(list(store.keys())) == 2:
                        return
                    await asyncio.sleep(0.01)

            assert answer("q") == "a"
            until(lambda: len(list(store.keys())) == 1)
            asyncio.run(ask())
            assert len(list(store.keys())) == 2

    def test_async_hit(self, server: RedisServer, open_store: Any) -> None:
        """A coroutine function is answered from Redis by another cache, on any loop."""
        namespace = name()
        for round_ in range(3):
            with Cache([open_store(namespace=namespace)], semantic=False, deadline_ms=5000) as cache:

                @cache.cached(name="answer")
                async def answer(question: str, round_: int = round_) -> str:
                    return "made once"

                reply = asyncio.run(answer.reply("q", round_=0))
                assert reply.value == "made once"
                assert reply.receipt.tier == ("redis" if round_ else None)

    def test_by_url(self, server: RedisServer, tmp_path: Path) -> None:
        """Cache(redis_url=...), alone and with a directory, keeps answers in Redis for the next cache."""
        question = uuid.uuid4().hex
        for directory, tiers in ((None, ["memory", "redis"]), (tmp_path, ["memory", "disk", "redis"])):
            with Cache(directory=directory, redis_url=server.url, semantic=False) as cache:
                assert [tier.name for tier in cache.tiers] == tiers

                @cache.cached(name="by_url")
                def answer(question: str) -> str:
                    return "a"

                reply = answer.reply(question)
                assert reply.value == "a"
                assert reply.receipt.tier == (None if directory is None else "redis")
                assert not reply.receipt.faults
        with Cache(directory=tmp_path, redis_url=server.url, semantic=False) as cache:

            @cache.cached(name="by_url")
            def again(question: str) -> str:
                return "b"

            assert again.reply(question).receipt.tier == "disk"

    def test_reconciles_an_index_in_large_steps(self, server: RedisServer, store: RedisStore) -> None:
        """An index is filled from entries in Redis, and damaged rows are counted, not used."""
        import numpy as np

        from askonce import SemanticTier
        from askonce.cache.semantic_index import SemanticIndex

        class Embedder:
            dim, fingerprint = 4, "test/4"

            def embed(self, texts: list[str]) -> Any:
                return np.tile(np.float32([1, 0, 0, 0]), (len(texts), 1))

        vector = np.float32([0, 1, 0, 0]).tobytes()
        for number in range(600):
            store.put(entry(number, query=f"q{number}", vector=vector, embedder="test/4"))
        with server.client() as client:
            client.set(f"{store.namespace}:e:{key_of(1000).hex()}", b"rubbish")
        index = SemanticIndex(SemanticTier(Embedder()), None)  # type: ignore[arg-type]
        assert index.reconcile([store]) == (600, 0, 1)
        store.clear()
        assert index.reconcile([store]) == (0, 600, 0)
        index.close()


OTHER = """
import json, sys, time
from askonce import Cache, MemoryStore, RedisStore
url, namespace = sys.argv[1:]
cache = Cache([MemoryStore(), RedisStore(url, namespace=namespace, timeout_s=5.0)], semantic=False)
made = 0

@cache.cached(name="shared", tags=("doc:1",))
def answer(question: str) -> str:
    global made
    made += 1
    return f"{question} {made}"

for line in sys.stdin:
    reply = answer.reply(json.loads(line))
    print(json.dumps([reply.value, reply.receipt.tier, made]), flush=True)
"""


class TestProcesses:
    @pytest.fixture
    def other(self, server: RedisServer, open_store: Any) -> Iterator[Callable[[str], list[Any]]]:
        """Asks the same cached function in another process: value, tier, and how often that process made one."""
        self.store = open_store()
        process = subprocess.Popen(
            [sys.executable, "-c", OTHER, server.url, self.store.namespace],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(question: str) -> list[Any]:
            process.stdin.write(json.dumps(question) + "\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            answer: list[Any] = json.loads(process.stdout.readline())  # type: ignore[union-attr]
            return answer

        yield ask
        process.stdin.close()
        process.wait(30)
        process.stdout.close()

    @pytest.mark.parametrize("how", ["tag", "key", "text", "everything", "older_than"])
    def test_invalidation_reaches_another_process(self, other: Callable[[str], list[Any]], how: str) -> None:
        """An answer that another process serves from its own memory is not served once it is invalidated here,
        and its new answer is; nothing else is dropped with it."""
        with Cache([MemoryStore(), self.store], semantic=False) as cache:
            assert other("q") == ["q 1", None, 1]
            assert other("q") == ["q 1", "memory", 1]
            key = next(iter(self.store.keys())).hex()
            if how == "older_than":
                time.sleep(0.01)
            asked: dict[str, Any] = {
                "tag": {"tag": "doc:1"}, "key": {"key": key}, "text": {"text": "q"}, "everything": {"everything": True},
                "older_than": {"older_than": 0.0},
            }  # fmt: skip
            assert cache.invalidate(**asked[how]) is True
            answer = until(lambda: (now := other("q"))[2] == 2 and now)
            assert answer == ["q 2", None, 2]
            assert other("q") == ["q 2", "memory", 2]
            assert cache.invalidate(tag="doc:2") is True
            time.sleep(0.2)
            assert other("q") == ["q 2", "memory", 2]

    def test_an_answer_of_another_process(self, other: Callable[[str], list[Any]]) -> None:
        """What one process has made, another is answered with from Redis."""
        with Cache([MemoryStore(), self.store], semantic=False) as cache:

            @cache.cached(name="shared", tags=("doc:1",))
            def answer(question: str) -> str:
                return "made here"

            other("q")
            assert answer.reply("q").receipt.tier == "redis"
            assert answer("q") == "q 1"
            answer("p")
            assert other("p")[:2] == ["made here", "redis"]

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
    @pytest.mark.parametrize("kind", ["plain", "cluster"])
    def test_fork(self, server: RedisServer, cluster: RedisCluster, kind: str) -> None:
        """A store that is in full use goes on in a forked child and in its parent, each with its own answers."""
        code = """
import asyncio, os, sys, threading, time
from askonce import RedisStore, Entry
store = RedisStore(sys.argv[1], namespace=sys.argv[2], timeout_s=10.0)
def made(n): return Entry(key=n.to_bytes(4, "big") * 8, scope=b"s" * 32, kind="value", body=b"x" * n, created=1.0)
def check(side):
    for n in range(side, side + 200):
        store.put(made(n)); assert store.get(made(n).key) == made(n)
    async def on_a_loop():
        assert await store.aget(made(side + 5).key) == made(side + 5)
    asyncio.run(on_a_loop())
    seen = store.epochs.version()
    at = store.epochs.bump([str(side)])
    assert store.epochs.snapshot()[1][str(side)] == at
    assert store.epochs._thread.is_alive()
async def main():
    await asyncio.gather(*(store.aput(made(n)) for n in range(50)))
    stop = threading.Event()
    def keep_busy():
        while not stop.is_set(): store.get(made(1).key); store.epochs.version()
    busy = threading.Thread(target=keep_busy, daemon=True); busy.start()
    children = []
    for side in (1000, 2000, 3000):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                worker = threading.Thread(target=lambda: results.append(check(side)))
                results = []; worker.start(); worker.join(60)
                status = 0 if results else 1
            finally:
                os._exit(status)
        children.append(child)
    check_loop = await store.aget(made(7).key); assert check_loop == made(7)
    for child in children: assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert await store.aget(made(8).key) == made(8)
    stop.set(); busy.join()
    for side in (1000, 2000, 3000): assert store.get(made(side + 1).key) == made(side + 1)
    end = time.monotonic() + 20
    while not {"1000", "2000", "3000"} <= set(store.epochs.snapshot()[1]):
        assert time.monotonic() < end; time.sleep(0.01)
    await store.aclose()
asyncio.run(main())
print("well")
"""
        url = server.url if kind == "plain" else cluster.url
        done = subprocess.run(
            [sys.executable, "-c", code, url, name()], capture_output=True, text=True, timeout=100, cwd=ROOT
        )
        assert (done.stdout.strip(), done.returncode) == ("well", 0), done.stderr

    def test_killed_while_writing(self, server: RedisServer, open_store: Any) -> None:
        """A process that is killed while it writes leaves whole entries only."""
        code = """
import sys
from askonce import RedisStore, Entry
store = RedisStore(sys.argv[1], namespace=sys.argv[2])
n = 0
while True:
    n += 1
    store.put(Entry(key=(n % 20).to_bytes(4, "big") * 8, scope=b"s" * 32, kind="v", body=bytes([n % 256]) * 300_000,
                    created=1.0))
    if n == 5: print("writing", flush=True)
"""
        store = open_store()
        for _ in range(5):
            process = subprocess.Popen(
                [sys.executable, "-c", code, server.url, store.namespace], stdout=subprocess.PIPE, cwd=ROOT
            )
            assert process.stdout is not None
            assert process.stdout.readline() == b"writing\n"
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
            found = [store.get(key) for key in store.keys()]  # noqa: SIM118 - a store is not a mapping
            assert found
            assert all(made is not None and len(set(made.body)) == 1 for made in found)
