"""The Redis tier against real servers: URLs, every way to reach one, rows, and its place in a cache.

The laws it shares with other stores are in store_suite; what happens when things break is in test_redis_faults
and test_redis_network.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from redis.exceptions import ResponseError

from askonce import Cache, ManualClock, MemoryStore, Policy, RedisStore, SemanticTier, StoreError
from askonce.backends.redis_link import fault
from askonce.backends.redis_url import parse_redis_url
from askonce.cache.semantic_index import SemanticIndex
from tests.fault_proxy import FaultProxy, certificate
from tests.redis_server import RedisServer

from .redis_tools import ROOT, check, client_has, name, until
from .store_suite import entry, key_of

SECRET = "s3cret-/#?@:%"
ENCODED = "s3cret-%2F%23%3F%40%3A%25"


class TestWays:
    """Every way to reach a Redis works, synchronously and on an event loop."""

    def test_plain(self, store: RedisStore) -> None:
        check(store)

    def test_unix_socket(self, server: RedisServer, open_store: Callable[..., RedisStore]) -> None:
        check(open_store(server.unix_url))

    def test_database_number(self, server: RedisServer, open_store: Callable[..., RedisStore]) -> None:
        other = open_store(f"redis://127.0.0.1:{server.port}/5")
        check(other)
        assert open_store().get(key_of(2)) is None

    def test_tls(self, server: RedisServer, open_store: Callable[..., RedisStore], tmp_path: Path) -> None:
        made, key = certificate(tmp_path)
        with FaultProxy(server.port, tls=(made, key)) as proxy:
            check(open_store(f"{proxy.url}?ssl_ca_certs={made}"))
            check(open_store(f"{proxy.url}?ssl_cert_reqs=none", namespace=name()))

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
            check(open_store(f"redis://:{ENCODED}@127.0.0.1:{guarded.port}"))
            check(open_store(f"redis://default:{ENCODED}@127.0.0.1:{guarded.port}", namespace=name()))
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
        check(store)
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
        address = parse_redis_url("redis://:hunter22@h")
        said = ResponseError("unknown command 'AUTH', with args beginning with: 'hunter22' ")
        assert "hunter22" not in str(fault(said, address, 1.0))


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
