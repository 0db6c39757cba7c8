"""The disk tier shared by processes and threads, and over forks."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from askonce import Cache, DiskStore, MemoryStore
from askonce.backends.epochs import DATABASE

from .disk_tools import held, sql, start_child
from .store_suite import entry, key_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tier"


@pytest.fixture
def disk(folder: Path) -> Iterator[DiskStore]:
    made = DiskStore(folder)
    yield made
    made.close()


def test_processes_write_together(folder: Path) -> None:
    """Several processes putting the same and different keys lose nothing, and none sees a torn entry."""
    DiskStore(folder).close()

    def work(who: int) -> None:
        store = DiskStore(folder, timeout_s=20)
        for turn in range(60):
            store.put(entry(0, f"{who}/{turn}".encode() * 200))
            store.put(entry(1 + who * 100 + turn))
            found = store.get(key_of(0))
            assert found is not None
            mark = found.body[: found.body.index(b"/") + 1]
            assert found.body.count(mark) == 200
        store.close()

    children = [start_child(lambda who=who: work(who)) for who in range(3)]
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 3
    store = DiskStore(folder)
    assert set(store.keys()) == {key_of(0)} | {key_of(1 + w * 100 + t) for w in range(3) for t in range(60)}
    assert sql(folder, "PRAGMA integrity_check") == [("ok",)]
    store.close()


def test_a_fork_while_threads_write(folder: Path) -> None:
    """Children forked while other threads are in the middle of reads and writes can use the store at once, and
    nothing that parent or child wrote is lost, also when the parent closes while the children still write."""
    store = DiskStore(folder, timeout_s=20)
    done = threading.Event()
    written: list[list[int]] = [[], []]
    failures: list[BaseException] = []

    def write(who: int) -> None:
        try:
            for turn in range(100_000):
                if done.is_set():
                    return
                number = 1_000_000 * (who + 1) + turn
                store.put(entry(number))
                written[who].append(number)
                assert store.get(key_of(number)) == entry(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(who,)) for who in range(2)]
    for thread in threads:
        thread.start()

    def child(number: int) -> None:
        store.put(entry(number))
        time.sleep(0.1)  # outlives the parent's close
        store.put(entry(number + 500))
        assert store.get(key_of(number)) == entry(number)

    children = []
    for number in range(10):
        children.append(start_child(lambda number=number: child(number)))
        time.sleep(0.01)
    done.set()
    for thread in threads:
        thread.join(60)
    store.close()
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 10
    assert not failures
    again = DiskStore(folder)
    expected = {*written[0], *written[1], *range(10), *range(500, 510)}
    assert set(again.keys()) == {key_of(number) for number in expected}
    assert sql(folder, "PRAGMA integrity_check") == [("ok",)]
    again.close()


def test_threads_do_not_notice_a_renewal(folder: Path) -> None:
    """Connections that are closed between two statements, as a fork does, are opened again unseen: no reader and
    no writer fails or misses anything."""
    store = DiskStore(folder, timeout_s=20)
    for number in range(10):
        store.put(entry(number))
    done = threading.Event()
    uses: list[Callable[[], object]] = [
        lambda: store.get(key_of(3)) == entry(3),
        lambda: set(store.keys()) >= {key_of(n) for n in range(10)},
        lambda: store.stats().entries >= 10,
        lambda: store.put(entry(10)) is None,
        lambda: store.delete(key_of(99)) is False,
        lambda: store.epochs.snapshot() == (0, {}),
    ]
    failures: list[object] = []

    def work(use: Callable[[], object]) -> None:
        while not done.is_set():
            try:
                assert use()
            except BaseException as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=work, args=(use,)) for use in uses]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads change in between everything
    try:
        for thread in threads:
            thread.start()
        for _ in range(80):
            store._connections.reopen()
            time.sleep(0.001)
    finally:
        sys.setswitchinterval(interval)
        done.set()
    for thread in threads:
        thread.join(60)
    assert not failures
    store.close()


def test_a_fork_that_nobody_announced(folder: Path) -> None:
    """A server that embeds Python forks in C and tells only the child: there, too, the store works and nothing is
    lost when the parent closes first."""
    store = DiskStore(folder)
    store.put(entry(1))
    waiting, go = os.pipe()
    pid = ctypes.PyDLL(None).fork()
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
        signal.alarm(60)
        status = 1
        with contextlib.suppress(Exception):
            store.put(entry(2))
            os.read(waiting, 1)
            store.put(entry(3))
            status = 0
        os._exit(status)
    until = time.monotonic() + 30
    while store.get(key_of(2)) is None and time.monotonic() < until:
        time.sleep(0.005)
    store.close()
    os.write(go, b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    again = DiskStore(folder)
    assert held(again) == {1, 2, 3}
    again.close()


def test_threads_that_end_leave_nothing_open(disk: DiskStore) -> None:
    """A thread's connection goes with the thread."""
    disk.put(entry(1))

    def descriptors() -> int:
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    def come_and_go(count: int) -> None:
        for _ in range(count):
            thread = threading.Thread(target=disk.get, args=(key_of(1),))
            thread.start()
            thread.join()

    come_and_go(60)  # SQLite keeps a few descriptors for later use
    before = descriptors()
    come_and_go(120)
    assert descriptors() <= before
    disk.close()
    assert descriptors() <= before - 3


def test_a_read_is_not_a_write(folder: Path, disk: DiskStore) -> None:
    """Hits and misses change nothing in the database."""
    for number in range(10):
        disk.put(entry(number))
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as witness:
        version = witness.execute("PRAGMA data_version").fetchone()
        for number in range(500):
            disk.get(key_of(number % 20))
        assert witness.execute("PRAGMA data_version").fetchone() == version
        disk.put(entry(11))
        assert witness.execute("PRAGMA data_version").fetchone() != version


def test_a_second_start_is_answered_from_disk(folder: Path) -> None:
    """What one cache stored, the next one on the same directory serves, until it is invalidated in either."""

    def run(expected: str) -> Cache:
        cache = Cache([MemoryStore(), DiskStore(folder)], semantic=False)

        @cache.cached(name="answer", tags=["doc:1"])
        def answer(question: str) -> str:
            return question.upper()

        reply = answer.reply("why?")
        assert reply.value == "WHY?"
        assert (reply.receipt.status, reply.receipt.tier) == (expected, "disk" if expected == "hit" else None)
        return cache

    run("miss").close()
    first, second = run("hit"), run("hit")
    assert second.invalidate(tag="doc:1")
    first.close()
    second.close()
    run("miss").close()
    run("hit").close()
