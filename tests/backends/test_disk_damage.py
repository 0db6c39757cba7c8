"""The disk tier in trouble: damaged files, other programs' files, full, locked and vanishing disks."""

from __future__ import annotations

import fcntl
import logging
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import diskcache
import pytest

from askonce import Cache, ConfigError, CorruptEntry, DiskStore, ManualClock, StoreError
from askonce.backends.epochs import DATABASE

from .disk_tools import MIB, held, in_child, sql, start_child
from .store_suite import entry, key_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tier"


@pytest.fixture
def disk(folder: Path) -> Iterator[DiskStore]:
    made = DiskStore(folder)
    yield made
    made.close()


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
    """A process that opens the directory while another is putting a damaged file aside waits, and goes on in the
    fresh file instead of beginning one of its own."""
    fresh = DiskStore(folder.with_name("fresh"))
    fresh.put(entry(7))
    fresh.close()
    folder.mkdir()
    lock = os.open(folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    started, tell = os.pipe()

    def late() -> None:
        os.write(tell, b"x")
        store = DiskStore(folder, timeout_s=10)
        assert store.get(key_of(7)) == entry(7)
        store.close()

    child = start_child(late)
    os.read(started, 1)
    time.sleep(0.2)  # were it slower still, it would find nothing to wait for
    (folder.with_name("fresh") / DATABASE).rename(folder / DATABASE)
    fcntl.flock(lock, fcntl.LOCK_UN)
    os.close(lock)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_damaged_entry_is_reported_and_replaced(folder: Path, disk: DiskStore) -> None:
    """A flipped bit in a stored entry is CorruptEntry, never an answer; a put mends it."""
    disk.put(entry(1, b"x" * 100))
    ((value,),) = sql(folder, "SELECT value FROM Cache")
    for place in (0, 5, 20, len(value) - 1):
        bad = bytearray(value)
        bad[place] ^= 1
        sql(folder, "UPDATE Cache SET value = ?", bytes(bad))
        with pytest.raises(CorruptEntry):
            disk.get(key_of(1))
    assert disk.corrupt == 4
    disk.put(entry(1))
    assert disk.get(key_of(1)) == entry(1)


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
