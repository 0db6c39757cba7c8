"""The disk tier: what it refuses, what it survives, and what it throws away first."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import logging
import os
import pickle
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import diskcache
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askonce import (
    Cache,
    ConfigError,
    CorruptEntry,
    DiskStore,
    ManualClock,
    MemoryStore,
    StoreError,
    UnsafeRow,
)
from askonce.backends.bytes_disk import BytesDisk
from askonce.backends.epochs import DATABASE
from askonce.entry import encode_entry

from .store_suite import NOW, SHARES_FIXTURE, entry, key_of

MIB = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tier"


@pytest.fixture
def store(folder: Path) -> Iterator[DiskStore]:
    made = DiskStore(folder)
    yield made
    made.close()


def sql(folder: Path, statement: str, *values: Any) -> list[Any]:
    """Run one statement behind the store's back."""
    with contextlib.closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as connection:
        return connection.execute(statement, values).fetchall()


def in_child(work: Callable[[], object]) -> None:
    """Run ``work`` in a forked child; fails when it raises."""
    pid = start_child(work)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, "the child failed; its traceback is on stderr"


def start_child(work: Callable[[], object]) -> int:
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)  # a child that hangs must not outlive the test for long
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return pid


# -- nothing is unpickled, nothing is followed ---------------------------------------------------------------


class Bomb:
    """Unpickling it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.marker,)


def plant(folder: Path, key: object, raw: int, mode: object, filename: object, value: object) -> None:
    sql(
        folder,
        "INSERT OR REPLACE INTO Cache (key, raw, store_time, access_time, access_count, size, mode, filename, value)"
        " VALUES (?, ?, 0, 0, 0, 0, ?, ?, ?)",
        key,
        raw,
        mode,
        filename,
        value,
    )


@pytest.mark.parametrize("kind", ["value", "value in a file", "key"])
def test_a_planted_pickle_is_never_loaded(kind: str, folder: Path, tmp_path: Path, store: DiskStore) -> None:
    """A pickle in a row, in a file a row names, or as a key is refused, counted and reported, and its code never
    runs: not by get, keys, put, delete, clear, eviction, the ledger, reopening or closing. diskcache's own
    reading of the same row does run it, so the bomb is live."""
    marker = tmp_path / "it ran"
    bomb = pickle.dumps(Bomb(marker))
    store.put(entry(1))
    if kind == "value":
        plant(folder, key_of(2), 1, 4, None, bomb)
    elif kind == "value in a file":
        (folder / "x.val").write_bytes(bomb)
        plant(folder, key_of(2), 1, 4, "x.val", None)
    else:
        plant(folder, bomb, 0, 1, None, encode_entry(entry(2)))
    victim = bomb if kind == "key" else key_of(2)

    with pytest.raises(UnsafeRow, match="askonce doctor") as caught:
        store.get(victim)
    assert "\n" not in str(caught.value)
    assert store.refused == 1
    assert key_of(1) in set(store.keys())
    assert bomb not in set(store.keys())
    assert store.get(key_of(1)) == entry(1)
    assert store.stats().entries == 2
    assert store.unsafe_rows() == 1
    store.epochs.bump(["doc:1"])
    store.close()
    again = DiskStore(folder)
    with pytest.raises(UnsafeRow):
        again.get(victim)
    if kind != "key":
        again.put(entry(2))  # a put mends the row
        assert again.get(key_of(2)) == entry(2)
        plant(folder, key_of(3), 1, 4, None, bomb)
    assert again.remove_unsafe_rows() == 1
    assert again.unsafe_rows() == 0
    plant(folder, key_of(4), 1, 4, None, bomb)
    assert again.delete(key_of(4))
    plant(folder, key_of(4), 1, 4, None, bomb)
    again.clear()
    again.close()
    assert not marker.exists()

    stock = diskcache.Cache(str(tmp_path / "stock"))
    stock.set("bomb", Bomb(marker))
    stock.get("bomb")
    stock.close()
    assert marker.is_dir()


@pytest.mark.parametrize(
    "value", [(1, None, "text"), (1, None, 7), (1, None, None), (3, None, b"x"), (None, None, b"x")]
)
def test_anything_but_raw_bytes_is_refused(value: tuple[Any, ...], folder: Path, store: DiskStore) -> None:
    """A row whose mode or type is not that of raw bytes is UnsafeRow."""
    plant(folder, key_of(2), 1, *value)
    with pytest.raises(UnsafeRow):
        store.get(key_of(2))


def test_a_planted_row_is_a_miss_to_the_caller(folder: Path, tmp_path: Path) -> None:
    """Through the whole cache a refused row is a fault on the receipt and a fresh answer, never an error."""
    marker = tmp_path / "it ran"
    with Cache([DiskStore(folder)], semantic=False) as cache:

        @cache.cached()
        def answer(question: str) -> str:
            return question.upper()

        key = answer.call_for("why?").key
        plant(folder, key, 1, 4, None, pickle.dumps(Bomb(marker)))
        reply = answer.reply("why?")
        assert reply.value == "WHY?"
        assert "not raw bytes" in " ".join(reply.receipt.faults)
    assert not marker.exists()


@pytest.mark.parametrize("absolute", [False, True])
def test_a_file_name_in_a_row_is_never_followed(absolute: bool, folder: Path, tmp_path: Path, store: DiskStore) -> None:
    """A row that names a file outside (or inside) the directory gives its content to nobody, and no way of
    removing the row removes the file."""
    victim = tmp_path / "secret"
    victim.write_bytes(encode_entry(entry(2)))
    name = str(victim) if absolute else "../secret"
    removals: list[Callable[[], object]] = [
        lambda: store.put(entry(2)),
        lambda: store.delete(key_of(2)),
        store.remove_unsafe_rows,
        store.clear,
    ]
    for remove in removals:
        plant(folder, key_of(2), 1, 2, name, None)
        with pytest.raises(UnsafeRow, match="file"):
            store.get(key_of(2))
        remove()
        assert store.unsafe_rows() == 0
    assert victim.read_bytes() == encode_entry(entry(2))


def test_eviction_never_follows_a_file_name(folder: Path, tmp_path: Path) -> None:
    """Making room throws a planted row away like any other, and the file it names stays."""
    victim = tmp_path / "secret"
    victim.write_bytes(b"precious")
    store = DiskStore(folder, max_bytes=MIB)
    plant(folder, key_of(10_000), 1, 2, "../secret", None)
    for number in range(60):
        store.put(entry(number, b"x" * 40_000))
    assert store.unsafe_rows() == 0
    assert victim.read_bytes() == b"precious"
    store.close()


def test_settings_in_the_file_set_nothing(folder: Path, tmp_path: Path, store: DiskStore) -> None:
    """Rows planted in diskcache's Settings neither replace methods, nor move the directory, nor set pragmas."""
    store.put(entry(1))
    store.close()
    for name, value in {
        "_directory": str(tmp_path),
        "_sql": "x",
        "reset": "x",
        "_con": "x",
        "disk_min_file_size": 0,
        "disk_unheard_of": 1,
        "sqlite_mmap_size": 1 << 30,
        "sqlite_journal_mode": "off",
        "sqlite_synchronous": 0,
        "sqlite_writable_schema": 1,
        "eviction_policy": "least-recently-used",
        "statistics": 1,
        "count": "many",
    }.items():
        sql(folder, "INSERT OR REPLACE INTO Settings VALUES (?, ?)", name, value)
    again = DiskStore(folder)
    assert again.get(key_of(1)) == entry(1)
    again.put(entry(2, b"x" * 100_000))
    assert again.get(key_of(2)) == entry(2, b"x" * 100_000)
    connection = again._connections.get()
    pragmas = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("mmap_size", "journal_mode", "synchronous", "writable_schema", "trusted_schema")
    }
    assert pragmas == {
        "mmap_size": 0,
        "journal_mode": "wal",
        "synchronous": 1,
        "writable_schema": 0,
        "trusted_schema": 0,
    }
    again.close()


def test_rows_are_bytes_in_the_database(folder: Path, store: DiskStore) -> None:
    """Whatever its size, an entry is one row of raw bytes, and no file but the database's is made."""
    for number, size in enumerate((0, 100, 40_000, 700_000)):
        store.put(entry(number, b"x" * size))
    assert store.unsafe_rows() == 0
    assert sql(folder, "SELECT DISTINCT raw, mode, filename, typeof(key), typeof(value) FROM Cache") == [
        (1, 1, None, "blob", "blob")
    ]
    assert {path.name for path in folder.iterdir()} <= {DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", "epochs.bell"}


def test_the_layout_is_diskcaches(folder: Path, store: DiskStore) -> None:
    """Our statements know diskcache's table as it is, and diskcache itself, with our Disk, reads what we write
    and writes what we read."""
    columns = [(name, kind) for _, name, kind, *_ in sql(folder, "PRAGMA table_info(Cache)")]
    assert columns == [
        ("rowid", "INTEGER"),
        ("key", "BLOB"),
        ("raw", "INTEGER"),
        ("store_time", "REAL"),
        ("expire_time", "REAL"),
        ("access_time", "REAL"),
        ("access_count", "INTEGER"),
        ("tag", "BLOB"),
        ("size", "INTEGER"),
        ("mode", "INTEGER"),
        ("filename", "TEXT"),
        ("value", "BLOB"),
    ]
    store.put(entry(1))
    with diskcache.Cache(str(folder), disk=BytesDisk) as plain:
        assert plain.get(key_of(1)) == encode_entry(entry(1))
        plain.set(key_of(2), encode_entry(entry(2)))
        assert list(plain.iterkeys()) == [key_of(1), key_of(2)]
        assert len(plain) == 2
    assert store.get(key_of(2)) == entry(2)
    assert store.stats().entries == 2


def test_bytes_disk_takes_nothing_else(tmp_path: Path) -> None:
    """diskcache with our Disk refuses to write or read anything but bytes."""
    with diskcache.Cache(str(tmp_path / "c"), disk=BytesDisk) as plain:
        for key, value in (("text", b"x"), (1, b"x"), (("a",), b"x"), (b"k", "text"), (b"k", {"a": 1}), (b"k", 1.5)):
            with pytest.raises(UnsafeRow):
                plain.set(key, value)
        with pytest.raises(UnsafeRow):
            plain.set(b"k", open(os.devnull, "rb"), read=True)  # noqa: SIM115
        assert len(plain) == 0


def test_bytes_disk_removes_no_file(folder: Path, tmp_path: Path, store: DiskStore) -> None:
    """diskcache with our Disk, told to delete a row that names a file, leaves the file."""
    victim = tmp_path / "secret"
    victim.write_bytes(b"precious")
    plant(folder, key_of(2), 1, 2, "../secret", None)
    with diskcache.Cache(str(folder), disk=BytesDisk) as plain:
        assert plain.delete(key_of(2))
        plant(folder, key_of(2), 1, 2, "../secret", None)
        plain.clear()
    assert victim.read_bytes() == b"precious"


# -- damage ------------------------------------------------------------------------------------------------------


def fill(folder: Path, count: int = 50) -> None:
    made = DiskStore(folder)
    for number in range(count):
        made.put(entry(number, b"x" * 3000))
    made.epochs.bump(["doc:1"])
    made.close()


@pytest.mark.parametrize("kind", ["garbage", "text", "head", "schema"])
def test_a_damaged_database_is_set_aside(kind: str, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Opening a damaged file keeps it, byte for byte, under another name, says so in one warning, and begins a
    fresh one, ledger included, that works and is found again."""
    fill(folder)
    path = folder / DATABASE
    whole = path.read_bytes()
    bad = {
        "garbage": os.urandom(len(whole)),
        "text": b"this is not a database\n",
        "head": b"\0" * 200 + whole[200:],
        "schema": whole[:100] + os.urandom(4000) + whole[4100:],
    }[kind]
    path.write_bytes(bad)
    with caplog.at_level(logging.WARNING, "askonce"):
        store = DiskStore(folder)
    kept = folder / f"{DATABASE}.damaged-1"
    assert kept.read_bytes() == bad
    (record,) = caplog.records
    assert kept.name in record.getMessage()
    assert store.get(key_of(1)) is None
    assert store.epochs.snapshot() == (0, {})
    store.put(entry(1))
    store.close()
    store = DiskStore(folder)
    assert store.get(key_of(1)) == entry(1)
    store.close()
    path.write_bytes(bad)
    DiskStore(folder).close()
    assert (folder / f"{DATABASE}.damaged-2").read_bytes() == bad


def test_damage_found_later_is_mended_at_the_next_opening(folder: Path) -> None:
    """Damage in the middle of the file is a StoreError where it is met, and the next opening sets the file
    aside, though its beginning is sound."""
    fill(folder, 400)
    path = folder / DATABASE
    whole = bytearray(path.read_bytes())
    for at in range(len(whole) // 2 & ~4095, len(whole), 4096):
        whole[at : at + 64] = os.urandom(64)
    path.write_bytes(whole)
    store = DiskStore(folder)
    met = 0
    for number in range(400):
        try:
            found = store.get(key_of(number))
        except StoreError:
            met += 1
        else:
            assert found in (None, entry(number, b"x" * 3000))
    assert met
    store.close()
    store = DiskStore(folder)
    assert (folder / f"{DATABASE}.damaged-1").exists()
    for number in range(400):
        assert store.get(key_of(number)) is None
        store.put(entry(number))
    store.close()
    assert not (folder / f"{DATABASE}.suspect").exists()


@pytest.mark.parametrize("turn", range(8))
def test_many_processes_set_a_damaged_file_aside_once(turn: int, folder: Path) -> None:
    """Processes that open a damaged file at the same moment set it aside once, and share one fresh file in which
    nothing of any of them is lost."""
    fill(folder, 5)
    (folder / DATABASE).write_bytes(b"not a database, all the same" * 500)
    ready, go = os.pipe()

    def work(number: int) -> None:
        os.read(ready, 1)
        store = DiskStore(folder, timeout_s=10)
        store.put(entry(number))
        store.close()

    children = [start_child(lambda number=number: work(number)) for number in range(6)]
    os.write(go, b"x" * 6)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 6
    assert [path.name for path in folder.glob("*.damaged-*") if path.name[-1].isdigit()] == [f"{DATABASE}.damaged-1"]
    store = DiskStore(folder)
    assert held(store) == set(range(6))
    store.close()


def test_who_comes_during_the_mending_waits(folder: Path) -> None:
    """A process that opens the directory while another is mending it waits, and goes on in the fresh file."""
    fill(folder)
    path = folder / DATABASE
    path.write_bytes(b"not a database, all the same" * 500)
    started, tell = os.pipe()

    def late() -> None:
        os.write(tell, b"x")
        store = DiskStore(folder, timeout_s=10)
        assert store.get(key_of(7)) == entry(7)
        store.close()

    lock = os.open(folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    child = start_child(late)
    os.read(started, 1)
    time.sleep(0.1)  # were it slower still, it would find nothing to wait for
    path.rename(folder / f"{DATABASE}.damaged-1")
    fresh = DiskStore(folder.with_name("fresh"))
    fresh.put(entry(7))
    fresh.close()
    (folder.with_name("fresh") / DATABASE).rename(path)
    fcntl.flock(lock, fcntl.LOCK_UN)
    os.close(lock)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not (folder / f"{DATABASE}.damaged-2").exists()


def test_a_damaged_entry_is_reported_and_replaced(folder: Path, store: DiskStore) -> None:
    """A flipped bit in a stored entry is CorruptEntry, never an answer; a put mends it."""
    store.put(entry(1, b"x" * 100))
    ((value,),) = sql(folder, "SELECT value FROM Cache")
    for place in (0, 5, 20, len(value) - 1):
        bad = bytearray(value)
        bad[place] ^= 1
        sql(folder, "UPDATE Cache SET value = ?", bytes(bad))
        with pytest.raises(CorruptEntry):
            store.get(key_of(1))
    assert store.corrupt == 4
    store.put(entry(1))
    assert store.get(key_of(1)) == entry(1)


@pytest.mark.parametrize("kind", ["other program", "diskcache"])
def test_another_programs_database_is_left_alone(kind: str, folder: Path) -> None:
    """A directory that holds somebody else's cache.db is a ConfigError, and nothing in it changes."""
    folder.mkdir()
    if kind == "other program":
        sql(folder, "CREATE TABLE accounts (name)")
    else:
        with diskcache.Cache(str(folder)) as theirs:
            theirs["their key"] = "their value"
    before = (folder / DATABASE).read_bytes()
    with pytest.raises(ConfigError, match="directory of its own"):
        DiskStore(folder)
    assert (folder / DATABASE).read_bytes() == before


# -- a hostile place -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["a file", "under a file", "/proc/askonce", "/sys/askonce", "/dev/null/askonce"])
def test_an_impossible_directory_is_one_clear_line(place: str, tmp_path: Path) -> None:
    """A directory that cannot be made is a StoreError that names it, in one line."""
    (tmp_path / "file").write_text("x")
    where = {"a file": tmp_path / "file", "under a file": tmp_path / "file" / "tier"}.get(place, Path(place))
    with pytest.raises(StoreError) as caught:
        DiskStore(where)
    assert str(where) in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(StoreError):
        Cache(directory=where, semantic=False)
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.parametrize("wrong", [{"max_bytes": 1000}, {"timeout_s": 0}, {"timeout_s": float("nan")}])
def test_wrong_settings(wrong: dict[str, Any], folder: Path) -> None:
    """A wrong setting is a ConfigError that names it, before anything is made."""
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        DiskStore(folder, **wrong)
    assert not folder.exists()


def test_only_the_owner_may_read(folder: Path) -> None:
    """The directory and every file in it belong to the user alone, whatever the umask."""
    before = os.umask(0)
    try:
        store = DiskStore(folder)
        store.put(entry(1))
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
    store.close()
    assert modes.pop(folder.name) == 0o700
    assert len(modes) >= 2
    assert set(modes.values()) == {0o600}


def test_a_directory_open_to_others_is_warned_of(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A directory that others may write is used, with a warning; its mode is the user's business."""
    folder.mkdir()
    folder.chmod(0o777)
    with caplog.at_level(logging.WARNING, "askonce"):
        DiskStore(folder).close()
    assert "chmod 700" in caplog.text
    assert folder.stat().st_mode & 0o777 == 0o777


def test_a_full_disk(folder: Path) -> None:
    """When the disk is full a put is a StoreError, what was stored before is still served, and once there is
    room the same store goes on. Opening on a full disk is a StoreError."""

    def work() -> None:
        store = DiskStore(folder)
        for number in range(20):
            store.put(entry(number, b"x" * 3000))
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
        failed = 0
        for number in range(20, 200):
            try:
                store.put(entry(number, b"x" * 3000))
            except StoreError:
                failed += 1
        assert failed > 50, failed
        with pytest.raises(StoreError, match="disk"):
            store.put(entry(1000, b"x" * 400_000))
        with pytest.raises(StoreError):
            store.epochs.bump(["x"] * 10)
        kept = [number for number in range(200) if store.get(key_of(number)) is not None]
        assert len(kept) == 200 - failed
        assert set(range(20)) <= set(kept)
        with pytest.raises(StoreError):
            DiskStore(folder.with_name("another"), max_bytes=64 * MIB).put(entry(1, b"x" * 2_000_000))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        with pytest.raises(StoreError):
            DiskStore(folder.with_name("a third"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        for number in range(200):
            store.put(entry(number))
        assert all(store.get(key_of(number)) == entry(number) for number in range(200))
        store.close()

    in_child(work)


def test_a_locked_database(folder: Path) -> None:
    """While another process holds the write lock: get is served, put and opening are StoreErrors within the
    time-out, and when the lock is gone the store goes on."""
    store = DiskStore(folder, timeout_s=0.1)
    store.put(entry(1))
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE'); print('locked', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(folder / DATABASE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        assert store.get(key_of(1)) == entry(1)
        for use in (
            lambda: store.put(entry(2)),
            lambda: store.delete(key_of(1)),
            lambda: store.clear(),
            lambda: store.epochs.bump(["a"]),
            lambda: DiskStore(folder, timeout_s=0.02),
        ):
            with pytest.raises(StoreError, match="locked"):
                use()
        assert store.get(key_of(1)) == entry(1)
    finally:
        holder.communicate(b"", timeout=30)
    store.put(entry(2))
    assert store.get(key_of(2)) == entry(2)
    store.close()


def test_a_removed_directory(folder: Path) -> None:
    """When the directory is removed under an open store, puts are StoreErrors at once and gets within a second;
    when it is there again, made by whomever, the store goes on in it."""
    import shutil

    clock = ManualClock()
    store = DiskStore(folder, clock=clock)
    store.put(entry(1))
    shutil.rmtree(folder)
    with pytest.raises(StoreError, match="removed"):
        store.put(entry(2))
    with pytest.raises(StoreError, match="removed"):
        store.get(key_of(1))
    assert not folder.exists()
    other = DiskStore(folder)
    other.put(entry(3))
    assert store.get(key_of(3)) == entry(3)
    assert store.get(key_of(1)) is None
    store.put(entry(4))
    assert other.get(key_of(4)) == entry(4)
    at = other.epochs.bump(["doc:1"])
    assert store.epochs.snapshot() == (at, {"doc:1": at})
    other.close()
    (folder / DATABASE).unlink()
    clock.advance(1.0)
    assert store.get(key_of(3)) is None
    store.put(entry(5))
    assert store.get(key_of(5)) == entry(5)
    store.close()


# -- processes and threads ----------------------------------------------------------------------------------------


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


def test_threads_that_end_leave_nothing_open(store: DiskStore) -> None:
    """A thread's connection goes with the thread."""
    store.put(entry(1))

    def descriptors() -> int:
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    def come_and_go(count: int) -> None:
        for _ in range(count):
            thread = threading.Thread(target=store.get, args=(key_of(1),))
            thread.start()
            thread.join()

    come_and_go(60)  # SQLite keeps a few descriptors for later use
    before = descriptors()
    come_and_go(120)
    assert descriptors() <= before
    store.close()
    assert descriptors() <= before - 3


def test_a_read_is_not_a_write(folder: Path, store: DiskStore) -> None:
    """Hits and misses change nothing in the database."""
    for number in range(10):
        store.put(entry(number))
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as witness:
        version = witness.execute("PRAGMA data_version").fetchone()
        for number in range(500):
            store.get(key_of(number % 20))
        assert witness.execute("PRAGMA data_version").fetchone() == version
        store.put(entry(11))
        assert witness.execute("PRAGMA data_version").fetchone() != version


# -- room ----------------------------------------------------------------------------------------------------------


def held(store: DiskStore) -> set[int]:
    return {int.from_bytes(key[:4], "big") for key in store.keys()}  # noqa: SIM118 - a store is not a mapping


@settings(max_examples=10, deadline=None, suppress_health_check=SHARES_FIXTURE)
@given(sizes=st.lists(st.sampled_from([10, 500, 3000, 9000, 60_000, 400_000, 700_000]), min_size=20, max_size=60))
def test_the_bound_holds(sizes: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    """After every put the pages in use are within max_bytes, the last entry put is there (unless it is over half
    the bound), and the file itself never exceeds the bound by more than one entry."""
    folder = tmp_path_factory.mktemp("bound")
    store = DiskStore(folder, max_bytes=MIB)
    for number, size in enumerate(sizes):
        made = entry(number, b"x" * size)
        store.put(made)
        assert store.stats().bytes <= MIB
        assert store.get(made.key) == (made if size < MIB // 2 else None)
    store.close()
    assert (folder / DATABASE).stat().st_size <= MIB + 800_000


def test_a_large_entry_retires_what_it_replaces(store: DiskStore, folder: Path) -> None:
    """An entry too large to keep is not kept, and neither is the older answer under its key."""
    small = DiskStore(folder, max_bytes=MIB)
    small.put(entry(1))
    small.put(entry(1, b"x" * 800_000))
    assert small.get(key_of(1)) is None
    small.close()


def test_expired_entries_go_first(folder: Path) -> None:
    """Entries past keep_until make room before any other, dear or not; time is the injected clock's."""
    clock = ManualClock(NOW)
    store = DiskStore(folder, max_bytes=MIB, clock=clock)
    for number in range(100):
        store.put(entry(number, b"x" * 3000, keep_until=NOW + 10, cost_ms=1e6))
    for number in range(100, 150):
        store.put(entry(number, b"x" * 3000, keep_until=NOW + 1000))
    clock.advance(20)
    number = 150
    while set(range(100)) & held(store):
        store.put(entry(number, b"x" * 3000))
        number += 1
        assert set(range(100, number)) <= held(store)
    store.close()


def test_dear_entries_outlive_cheap_ones(folder: Path) -> None:
    """Of entries used alike, those that cost more to make per byte are still there when the cheap ones went."""
    store = DiskStore(folder, max_bytes=MIB)
    for number in range(400):
        dear = number % 2 == 0
        store.put(entry(number, b"x" * 3000, cost_ms=20_000 if dear else 1000))
    left = held(store)
    assert len(left) < 300
    oldest = sorted(left)[: len(left) // 2]
    assert sum(number % 2 == 0 for number in oldest) > 0.95 * len(oldest)
    store.close()


def test_what_is_neither_used_nor_dear_ages_out(folder: Path) -> None:
    """Worth does not keep an unused entry for ever: newcomers of little worth outlive it in the end."""
    store = DiskStore(folder, max_bytes=MIB)
    store.put(entry(0, b"x" * 3000, cost_ms=3000))
    for number in range(1, 3000):
        store.put(entry(number, b"x" * 3000, cost_ms=300))
        if number == 250:
            assert 0 in held(store)
    assert 0 not in held(store)
    store.close()


def test_used_entries_survive_a_scan(folder: Path) -> None:
    """Entries that are read now and then outlive a long scan of entries that are read by nobody, though reads
    write nothing."""
    store = DiskStore(folder, max_bytes=MIB)
    hot = range(20)
    for number in hot:
        store.put(entry(number, b"x" * 3000))
    for number in range(100, 1600):
        store.put(entry(number, b"x" * 3000))
        if number % 50 == 0:
            for one in hot:
                store.get(key_of(one))
    assert set(hot) <= held(store)
    store.close()


def test_a_lowered_bound_is_kept_at_opening(folder: Path) -> None:
    """Opened with a smaller bound, the store comes down to it at once, and the best stay."""
    store = DiskStore(folder, max_bytes=4 * MIB)
    for number in range(600):
        store.put(entry(number, b"x" * 3000, cost_ms=10_000 if number < 50 else 100))
    store.close()
    store = DiskStore(folder, max_bytes=MIB)
    assert store.stats().bytes <= MIB
    assert set(range(50)) <= held(store)
    store.close()


def test_clear_gives_the_space_back(folder: Path, store: DiskStore) -> None:
    """After clear() the file is small again."""
    for number in range(300):
        store.put(entry(number, b"x" * 3000))
    assert store.stats().bytes > MIB
    store.clear()
    assert store.stats().bytes < 100_000
    assert (folder / DATABASE).stat().st_size < 200_000


# -- in the cache ----------------------------------------------------------------------------------------------------


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
