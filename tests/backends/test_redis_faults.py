"""The Redis tier when Redis is dead, stopped, damaged, full or read-only.

The law of them all: an operation ends within its time with the right answer, None or a StoreError, never
with a wrong answer; and a cache in front of a broken Redis goes on answering.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from askonce import Cache, CorruptEntry, ManualClock, MemoryStore, RedisStore, StoreError
from askonce.entry import encode_entry
from tests.redis_server import RedisServer, free_port

from .redis_tools import PATIENCE_S, both, ended, until
from .store_suite import entry, key_of


class TestAway:
    def test_dead(self, open_hasty: Callable[..., RedisStore]) -> None:
        """When nothing listens, every use is a StoreError of one line that says where and what to do."""
        port = free_port()
        for url in (f"redis://:hunter22@127.0.0.1:{port}", f"redis+cluster://:hunter22@127.0.0.1:{port}",
                    f"rediss://:hunter22@127.0.0.1:{port}", "unix:///nowhere/at/all"):  # fmt: skip
            store = open_hasty(url)
            uses: list[Callable[[], Any]] = [
                lambda store=store: store.get(key_of(1)),
                lambda store=store: store.put(entry(1)),
                lambda store=store: store.delete(key_of(1)),
                lambda store=store: list(store.keys()),
                store.clear,
                store.stats,
                lambda store=store: store.get_many([key_of(1)]),
                store.epochs.snapshot,
                lambda store=store: store.epochs.bump(["t"]),
                lambda store=store: asyncio.run(store.aget(key_of(1))),
                lambda store=store: asyncio.run(store.aput(entry(1))),
                lambda store=store: asyncio.run(store.adelete(key_of(1))),
            ]
            for use in uses:
                error = ended(use)
                assert isinstance(error, StoreError)
                assert "cannot be reached" in str(error)
                assert "hunter22" not in repr(error)
                assert "\n" not in str(error)
            assert isinstance(store.epochs.version(), int)

    def test_calls_are_answered_and_the_tier_comes_back(self, own_server: RedisServer, open_hasty: Any) -> None:
        """A dead Redis is a miss: calls are answered, the tier is skipped for a while, probed again, and used
        when it is back."""
        clock = ManualClock()
        store = open_hasty(own_server.url, clock=clock)
        with Cache([MemoryStore(clock=clock), store], semantic=False, clock=clock) as cache:
            tier = cache.tiers[1]

            @cache.cached()
            def answer(question: str) -> str:
                return question.upper()

            assert answer("a") == "A"
            own_server.kill()
            reply = answer.reply("b")
            assert (reply.value, reply.receipt.status) == ("B", "miss")
            assert any("cannot be reached" in fault for fault in reply.receipt.faults)
            assert answer.reply("b").receipt.tier == "memory"
            faults = tier.faults
            for number in range(10):
                assert answer(f"q{number}") == f"Q{number}"
            assert tier.faults == faults, "a tier in its pause is not asked"
            assert tier.skipped >= 10
            for _ in range(12):
                clock.advance(31)
                assert answer(f"at {clock.now()}")
            assert tier.faults > faults, "after its pause it is probed"
            own_server.restart()
            clock.advance(31)
            assert answer("c") == "C"
            assert len(list(store.keys())) == 1
            assert not answer.reply("d").receipt.faults
            assert len(list(store.keys())) == 2

    def test_a_cache_opens_without_its_redis(self, own_server: RedisServer, open_hasty: Any) -> None:
        """A cache is built and answers while its Redis is away, and uses it once it is there."""
        own_server.kill()
        store = open_hasty(own_server.url)
        with Cache([MemoryStore(), store], semantic=False) as cache:

            @cache.cached()
            def answer(question: str) -> str:
                return "a"

            assert answer("q") == "a"
            assert cache.invalidate(tag="t") is False
            own_server.restart()

            def stored() -> bool:
                answer(uuid.uuid4().hex)
                return not isinstance(found := ended(lambda: list(store.keys())), StoreError) and bool(found)

            until(stored)
            ledger = open_hasty(own_server.url).epochs

            def handed_in() -> bool:
                answer("q")
                return "t" in ledger.snapshot()[1]

            until(handed_in)

    def test_an_invalidation_is_handed_in_later(self, own_server: RedisServer, open_hasty: Any) -> None:
        """What is invalidated while Redis is away holds here at once, and everywhere when it is back."""
        store = open_hasty(own_server.url)
        with Cache([MemoryStore(), store], semantic=False) as cache:
            made = 0

            @cache.cached(tags=("doc",))
            def answer(question: str) -> str:
                nonlocal made
                made += 1
                return f"answer {made}"

            assert answer("q") == answer("q") == "answer 1"
            own_server.kill()
            assert cache.invalidate(tag="doc") is False
            assert answer("q") == "answer 2"
            own_server.restart()
            other = open_hasty(own_server.url)

            def arrived() -> bool:
                answer("q")
                found = ended(other.epochs.snapshot)
                return not isinstance(found, StoreError) and "doc" in found[1]

            until(arrived)


class TestStopped:
    def test_ends_in_time(self, own_server: RedisServer, open_hasty: Any) -> None:
        """A server that takes everything and says nothing costs each operation its time and no more; what it
        says later is nobody's answer."""
        store = open_hasty(own_server.url)
        for number in range(8):
            store.put(entry(number))
        own_server.pause()
        try:
            for number in range(3):
                assert all("did not answer within 500 ms" in str(end) for end in both(store, key_of(number)))
        finally:
            own_server.resume()
        for number in range(8):
            assert both(store, key_of(number)) == [entry(number)] * 2

    def test_the_loop_goes_on(self, own_server: RedisServer, open_hasty: Any) -> None:
        """While Redis is stopped, calls on an event loop are answered as misses and the loop runs other tasks
        all the while; synchronous calls are answered too."""
        store = open_hasty(own_server.url, timeout_s=2.0)
        with Cache([MemoryStore(), store], semantic=False, deadline_ms=1000) as cache:

            @cache.cached()
            async def answer(question: str) -> str:
                return question.upper()

            @cache.cached()
            def sync_answer(question: str) -> str:
                return question.upper()

            async def work() -> None:
                assert await answer("before") == "BEFORE"
                own_server.pause()
                ticks = 0

                async def tick() -> None:
                    nonlocal ticks
                    while True:
                        await asyncio.sleep(0.01)
                        ticks += 1

                ticking = asyncio.create_task(tick())
                reply = await answer.reply("during")
                assert (reply.value, reply.receipt.status) == ("DURING", "miss")
                assert any("no answer within" in fault for fault in reply.receipt.faults)
                assert ticks >= 10, "the loop stood still"
                assert await asyncio.wait_for(answer("skipped"), PATIENCE_S) == "SKIPPED"
                ticking.cancel()

            try:
                asyncio.run(work())
                assert ended(lambda: sync_answer("sync")) == "SYNC"
            finally:
                own_server.resume()

    def test_looking_at_the_ledger_never_blocks(self, own_server: RedisServer, open_hasty: Any) -> None:
        """On an event loop, looking and bumping end at once once the silence has been noticed."""
        store = open_hasty(own_server.url, timeout_s=0.3)
        store.epochs.snapshot()
        own_server.pause()
        try:
            until(lambda: isinstance(ended(store.epochs.snapshot), StoreError))

            async def look() -> None:
                for _ in range(200):
                    store.epochs.version()
                    with pytest.raises(StoreError):
                        store.epochs.snapshot()
                    with pytest.raises(StoreError):
                        store.epochs.bump(["t"])

            ended(lambda: asyncio.run(asyncio.wait_for(look(), 20)))
        finally:
            own_server.resume()
        until(lambda: not isinstance(ended(store.epochs.snapshot), StoreError))
        assert "t" not in store.epochs.snapshot()[1]

    def test_closing_does_not_wait(self, own_server: RedisServer, open_hasty: Any) -> None:
        """A store of a stopped server is closed all the same, and its thread ends."""
        store = open_hasty(own_server.url)
        store.epochs.snapshot()
        own_server.pause()
        try:
            assert ended(store.close) is None
            until(lambda: not any(t.name == "askonce-redis-ledger" for t in threading.enumerate()))
        finally:
            own_server.resume()


class TestDamage:
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_any_damage_is_seen(self, server: RedisServer, open_hasty: Any, data: st.DataObject) -> None:
        """A row that was shortened, lengthened or changed anywhere is CorruptEntry, never an entry."""
        store = open_hasty(server.url, timeout_s=5.0)
        row = encode_entry(entry(1, b"an answer"))
        how = data.draw(st.sampled_from(["shorter", "longer", "changed"]))
        if how == "shorter":
            row = row[: data.draw(st.integers(0, len(row) - 1))]
        elif how == "longer":
            row += data.draw(st.binary(min_size=1, max_size=5))
        else:
            place = data.draw(st.integers(0, len(row) - 1))
            row = row[:place] + bytes([row[place] ^ data.draw(st.integers(1, 255))]) + row[place + 1 :]
        with server.client() as client:
            client.set(f"{store.namespace}:e:{key_of(1).hex()}", row)
        with pytest.raises(CorruptEntry):
            store.get(key_of(1))
        with pytest.raises(CorruptEntry):
            asyncio.run(store.aget(key_of(1)))
        store.close()

    def test_in_a_cache(self, server: RedisServer, open_hasty: Any) -> None:
        """A damaged, foreign or misplaced row is a miss that is counted; the tier goes on, and the new answer
        takes the row's place."""
        store = open_hasty(server.url, timeout_s=5.0)
        made = 0
        with server.client() as client, Cache([store], semantic=False) as cache:

            @cache.cached(name="answer")
            def answer(question: str) -> str:
                nonlocal made
                made += 1
                return f"answer {made}"

            assert answer("other") == "answer 1"
            row = f"{store.namespace}:e:{answer.call_for('q').key.hex()}"
            other = client.get(f"{store.namespace}:e:{answer.call_for('other').key.hex()}")
            plants: list[Callable[[], Any]] = [
                lambda: client.set(row, b""),
                lambda: client.set(row, b"\x80\x04N."),
                lambda: client.set(row, other),
                lambda: client.rpush(row, "a", "list"),
                lambda: client.hset(row, "a", "hash"),
                lambda: client.sadd(row, "a set"),
            ]
            for number, plant in enumerate(plants):
                client.delete(row)
                plant()
                reply = answer.reply("q")
                assert reply.receipt.status == "miss"
                assert cache.tiers[0].faults == 2 * (number + 1)  # before the flight and in it
                assert reply.value == f"answer {number + 2}"
                assert answer.reply("q").receipt.tier == "redis"
                assert answer("q") == reply.value

    def test_reading_many(self, server: RedisServer, open_hasty: Any) -> None:
        """get_many gives None for rows that are damaged or of another kind, and all the others."""
        store = open_hasty(server.url, timeout_s=5.0)
        for number in range(100):
            store.put(entry(number))
        with server.client() as client:
            for number, plant in ((7, "set"), (70, "lpush")):
                client.delete(f"{store.namespace}:e:{key_of(number).hex()}")
                getattr(client, plant)(f"{store.namespace}:e:{key_of(number).hex()}", "rubbish")
        found = store.get_many([key_of(n) for n in range(100)])
        assert found == [None if n in (7, 70) else entry(n) for n in range(100)]

    def test_a_ledger_that_is_none(self, server: RedisServer, open_hasty: Any) -> None:
        """A foreign value under the ledger's name is a StoreError, and entries still work."""
        store = open_hasty(server.url)
        with server.client() as client:
            client.set(f"{{{store.namespace}}}:epochs", "theirs")
            assert isinstance(ended(store.epochs.snapshot), StoreError)
            assert isinstance(ended(lambda: store.epochs.bump(["t"])), StoreError)
            store.put(entry(1))
            assert store.get(key_of(1)) == entry(1)
            client.delete(f"{{{store.namespace}}}:epochs")
        until(lambda: not isinstance(ended(store.epochs.snapshot), StoreError))


class TestRefusals:
    def test_full(self, own_server: RedisServer, open_hasty: Any) -> None:
        """A full server refuses writes with one line that says what to do, and goes on being read."""
        store = open_hasty(own_server.url, timeout_s=5.0)
        store.put(entry(1))
        with own_server.client() as client:
            client.config_set("maxmemory", client.info("memory")["used_memory"] // 2)
            with pytest.raises(StoreError, match="maxmemory"):
                store.put(entry(2))
            with pytest.raises(StoreError, match="maxmemory"):
                asyncio.run(store.aput(entry(2)))
            assert both(store, key_of(1)) == [entry(1)] * 2

    def test_read_only(self, own_server: RedisServer, server: RedisServer, open_hasty: Any) -> None:
        """A replica refuses writes with one line that says what to do."""
        store = open_hasty(own_server.url, timeout_s=5.0)
        with own_server.client() as client:
            client.replicaof("127.0.0.1", server.port)
            with pytest.raises(StoreError, match="replica"):
                store.put(entry(2))

    def test_no_more_connections(self, own_server: RedisServer, open_hasty: Any) -> None:
        """A server that takes no more connections is a StoreError; one that takes them again is used."""
        with own_server.client() as client:
            client.ping()
            client.config_set("maxclients", 1)
            store = open_hasty(own_server.url, timeout_s=5.0)
            assert all(isinstance(end, StoreError) for end in both(store, key_of(1)))
            client.config_set("maxclients", 100)
            assert both(store, key_of(1)) == [None, None]
