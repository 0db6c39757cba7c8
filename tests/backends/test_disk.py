"""The disk tier takes and gives raw bytes and nothing else, whatever lies in its directory."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import diskcache
import pytest

from askonce import Cache, DiskStore, UnsafeRow
from askonce.backends.bytes_disk import BytesDisk
from askonce.backends.epochs import DATABASE
from askonce.entry import encode_entry

from .disk_tools import MIB, plant, sql
from .store_suite import entry, key_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tier"


@pytest.fixture
def disk(folder: Path) -> Iterator[DiskStore]:
    made = DiskStore(folder)
    yield made
    made.close()


class Bomb:
    """Unpickling it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.marker,)


@pytest.mark.parametrize("kind", ["value", "value in a file", "key"])
def test_a_planted_pickle_is_never_loaded(kind: str, folder: Path, tmp_path: Path, disk: DiskStore) -> None:
    """A pickle in a row, in a file a row names, or as a key is refused, counted and reported, and its code never
    runs: not by get, keys, put, delete, clear, eviction, the ledger, reopening or closing. diskcache's own
    reading of the same row does run it, so the bomb is live."""
    marker = tmp_path / "it ran"
    bomb = pickle.dumps(Bomb(marker))
    disk.put(entry(1))
    if kind == "value":
        plant(folder, key_of(2), 1, 4, None, bomb)
    elif kind == "value in a file":
        (folder / "x.val").write_bytes(bomb)
        plant(folder, key_of(2), 1, 4, "x.val", None)
    else:
        plant(folder, bomb, 0, 1, None, encode_entry(entry(2)))
    victim = bomb if kind == "key" else key_of(2)

    with pytest.raises(UnsafeRow, match="askonce doctor") as caught:
        disk.get(victim)
    assert "\n" not in str(caught.value)
    assert disk.refused == 1
    assert key_of(1) in set(disk.keys())
    assert bomb not in set(disk.keys())
    assert disk.get(key_of(1)) == entry(1)
    assert disk.stats().entries == 2
    assert disk.unsafe_rows() == 1
    disk.epochs.bump(["doc:1"])
    disk.close()
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
def test_anything_but_raw_bytes_is_refused(value: tuple[Any, ...], folder: Path, disk: DiskStore) -> None:
    """A row whose mode or type is not that of raw bytes is UnsafeRow."""
    plant(folder, key_of(2), 1, *value)
    with pytest.raises(UnsafeRow):
        disk.get(key_of(2))


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
def test_a_file_name_in_a_row_is_never_followed(absolute: bool, folder: Path, tmp_path: Path, disk: DiskStore) -> None:
    """A row that names a file outside (or inside) the directory gives its content to nobody, and no way of
    removing the row removes the file."""
    victim = tmp_path / "secret"
    victim.write_bytes(encode_entry(entry(2)))
    name = str(victim) if absolute else "../secret"
    removals: list[Callable[[], object]] = [
        lambda: disk.put(entry(2)),
        lambda: disk.delete(key_of(2)),
        disk.remove_unsafe_rows,
        disk.clear,
    ]
    for remove in removals:
        plant(folder, key_of(2), 1, 2, name, None)
        with pytest.raises(UnsafeRow, match="file"):
            disk.get(key_of(2))
        remove()
        assert disk.unsafe_rows() == 0
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


def test_settings_in_the_file_set_nothing(folder: Path, tmp_path: Path, disk: DiskStore) -> None:
    """Rows planted in diskcache's Settings neither replace methods, nor move the directory, nor set pragmas."""
    disk.put(entry(1))
    disk.close()
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


def test_rows_are_bytes_in_the_database(folder: Path, disk: DiskStore) -> None:
    """Whatever its size, an entry is one row of raw bytes, and no file but the database's is made."""
    for number, size in enumerate((0, 100, 40_000, 700_000)):
        disk.put(entry(number, b"x" * size))
    assert disk.unsafe_rows() == 0
    assert sql(folder, "SELECT DISTINCT raw, mode, filename, typeof(key), typeof(value) FROM Cache") == [
        (1, 1, None, "blob", "blob")
    ]
    assert {path.name for path in folder.iterdir()} <= {DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", "epochs.bell"}


def test_the_layout_is_diskcaches(folder: Path, disk: DiskStore) -> None:
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
    disk.put(entry(1))
    with diskcache.Cache(str(folder), disk=BytesDisk) as plain:
        assert plain.get(key_of(1)) == encode_entry(entry(1))
        plain.set(key_of(2), encode_entry(entry(2)))
        assert list(plain.iterkeys()) == [key_of(1), key_of(2)]
        assert len(plain) == 2
    assert disk.get(key_of(2)) == entry(2)
    assert disk.stats().entries == 2


def test_bytes_disk_takes_nothing_else(tmp_path: Path) -> None:
    """diskcache with our Disk refuses to write or read anything but bytes."""
    with diskcache.Cache(str(tmp_path / "c"), disk=BytesDisk) as plain:
        for key, value in (("text", b"x"), (1, b"x"), (("a",), b"x"), (b"k", "text"), (b"k", {"a": 1}), (b"k", 1.5)):
            with pytest.raises(UnsafeRow):
                plain.set(key, value)
        with pytest.raises(UnsafeRow):
            plain.set(b"k", open(os.devnull, "rb"), read=True)  # noqa: SIM115
        assert len(plain) == 0


def test_bytes_disk_removes_no_file(folder: Path, tmp_path: Path, disk: DiskStore) -> None:
    """diskcache with our Disk, told to delete a row that names a file, leaves the file."""
    victim = tmp_path / "secret"
    victim.write_bytes(b"precious")
    plant(folder, key_of(2), 1, 2, "../secret", None)
    with diskcache.Cache(str(folder), disk=BytesDisk) as plain:
        assert plain.delete(key_of(2))
        plant(folder, key_of(2), 1, 2, "../secret", None)
        plain.clear()
    assert victim.read_bytes() == b"precious"
