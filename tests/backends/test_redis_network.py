"""The Redis tier on a bad network: late, drop by drop, silent, cut, reset, garbled.

The law of them all: an operation ends within its time with the right answer, None or a StoreError, never
with a wrong answer; and a cache in front of a broken Redis goes on answering.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from askonce import CorruptEntry, StoreError
from tests.fault_proxy import FaultProxy
from tests.redis_server import RedisServer

from .redis_tools import both, ended, until
from .store_suite import entry, key_of

GARBAGE = (
    b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\r\n", b"$x\r\n", b"*-7\r\n:1\r\n", b"\x00" * 50 + b"\r\n", b"$5\r\nab\r\n",
    b"-ERR unknown command\r\n", b":\xff\r\n", b"*1\r\n$2\r\nab\r\n", b":1\r\n", b"+OK\r\n",
)  # fmt: skip


class TestBadNetwork:
    def test_late(self, proxy: FaultProxy, open_hasty: Any) -> None:
        """An answer that comes too late is a StoreError, and never the answer to the next question."""
        store = open_hasty(proxy.url)
        for number in range(6):
            store.put(entry(number))
        for number in range(3):
            proxy.latency_s = 1.0
            assert all(isinstance(end, StoreError) for end in both(store, key_of(number)))
            proxy.latency_s = 0.0
            assert both(store, key_of(number + 3)) == [entry(number + 3)] * 2

    def test_drop_by_drop(self, proxy: FaultProxy, open_hasty: Any) -> None:
        """An answer of which a byte comes now and then, each well within the time, ends in time as a whole."""
        store = open_hasty(proxy.url)
        store.put(entry(1, b"x" * 5000))  # some ten minutes
        proxy.drip_s = 0.1
        assert all("did not answer" in str(end) for end in both(store, key_of(1)))
        assert "did not answer" in str(ended(lambda: store.get_many([key_of(1)] * 3)))
        assert isinstance(ended(lambda: list(store.keys())), StoreError)

    def test_black_hole(self, proxy: FaultProxy, open_hasty: Any) -> None:
        """A network that swallows everything is a StoreError in time; the ledger's thread does not spin."""
        store = open_hasty(proxy.url)
        proxy.black_hole = True
        assert all("did not answer" in str(end) for end in both(store, key_of(1)))
        store.epochs.version()
        before = proxy.opened
        time.sleep(2)
        assert proxy.opened - before <= 20
        proxy.black_hole = False
        until(lambda: both(store, key_of(1)) == [None, None])
        until(lambda: not isinstance(ended(store.epochs.snapshot), StoreError))

    @pytest.mark.parametrize("reset", [False, True])
    def test_cut_anywhere(self, proxy: FaultProxy, open_hasty: Any, reset: bool) -> None:
        """A connection that ends after any number of bytes gives the whole entry, or a StoreError."""
        made = entry(1, b"y" * 2000)
        open_hasty(proxy.url).put(made)
        proxy.reset = reset
        outcomes = set()
        for count in (*range(0, 40, 3), 500, 1990, 2100, 2180, 2190, 2200, 2210, 4000):
            proxy.cut_after = count
            store = open_hasty(proxy.url)
            for end in both(store, made.key):
                assert end == made or (isinstance(end, StoreError) and not isinstance(end, CorruptEntry))
                outcomes.add(type(end))
            store.close()
            proxy.cut_after = None
        assert len(outcomes) == 2

    def test_garbled(self, proxy: FaultProxy, open_hasty: Any) -> None:
        """What is not the protocol is a StoreError or asked anew, and its connection is not used again."""
        store = open_hasty(proxy.url)
        store.put(entry(1))
        loop = asyncio.new_event_loop()
        try:
            assert loop.run_until_complete(store.aget(key_of(1))) == entry(1)
            for garbage in GARBAGE:
                proxy.garble = garbage
                end = ended(lambda: store.get(key_of(1)))
                assert end == entry(1) or isinstance(end, StoreError), garbage
                assert store.get(key_of(1)) == entry(1)
                proxy.garble = garbage
                end = ended(lambda: loop.run_until_complete(store.aget(key_of(1))))
                assert end == entry(1) or isinstance(end, StoreError), garbage
                assert loop.run_until_complete(store.aget(key_of(1))) == entry(1)
        finally:
            loop.close()

    @pytest.mark.parametrize("reset", [False, True])
    def test_closed_while_idle(self, proxy: FaultProxy, open_hasty: Any, reset: bool) -> None:
        """Connections that were closed while they lay idle are replaced without anybody noticing."""
        store = open_hasty(proxy.url)
        proxy.reset = reset

        async def on_a_loop() -> None:
            for _ in range(5):
                await asyncio.gather(*(store.aput(entry(n)) for n in range(8)))
                await asyncio.to_thread(proxy.drop_all)
                assert await store.aget(key_of(1)) == entry(1)
                assert store.get(key_of(2)) == entry(2)

        with ThreadPoolExecutor(4) as pool:
            for _ in range(5):
                list(pool.map(lambda n: store.put(entry(n)), range(16)))
                proxy.drop_all()
                assert store.get(key_of(1)) == entry(1)
        asyncio.run(on_a_loop())

    def test_the_server_was_restarted(self, own_server: RedisServer, open_hasty: Any) -> None:
        """After a restart the next operation works, and the ledger is heard again with what was known."""
        store, other = open_hasty(own_server.url), open_hasty(own_server.url)
        store.put(entry(1))
        at = store.epochs.bump(["before"])
        until(lambda: other.epochs.snapshot()[1] == {"before": at})
        own_server.restart()
        assert both(store, key_of(1)) == [None, None]

        def heard() -> bool:
            found = ended(store.epochs.snapshot), ended(other.epochs.snapshot)
            return all(not isinstance(f, StoreError) and f[0] > at and f[1] == {"before": at} for f in found)

        until(heard)
        seen = other.epochs.version()
        later = store.epochs.bump(["after"])
        assert later > at
        until(lambda: other.epochs.version() != seen)
        until(lambda: other.epochs.snapshot()[1] == {"before": at, "after": later})

    def test_bumps_that_were_not_heard(self, server: RedisServer, proxy: FaultProxy, open_hasty: Any) -> None:
        """A bump made while the listener is cut off is known once it is connected again."""
        cut_off, other = open_hasty(proxy.url), open_hasty(server.url)
        cut_off.epochs.snapshot()
        for turn in range(4):
            seen = cut_off.epochs.version()
            proxy.drop_all()
            at = other.epochs.bump([f"tag{turn}"])
            until(lambda seen=seen: cut_off.epochs.version() != seen)

            def known(turn: int = turn, at: int = at) -> bool:
                found = ended(cut_off.epochs.snapshot)
                return not isinstance(found, StoreError) and found[1].get(f"tag{turn}") == at

            until(known)
