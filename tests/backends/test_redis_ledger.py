"""The invalidation ledger in Redis, and the Redis tier across processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from askonce import Cache, MemoryStore, RedisStore, StoreClosed
from askonce.backends import redis_epochs
from tests.redis_server import RedisCluster, RedisServer, free_port

from .redis_tools import ROOT, name, until


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
        forgotten: RedisStore | None = RedisStore(f"redis://127.0.0.1:{free_port()}")
        assert forgotten is not None
        forgotten.epochs.version()
        forgotten = None
        until(lambda: listening() == before)


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
