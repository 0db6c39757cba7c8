"""What the tests of the disk tier share: looking and writing behind a store's back, and forked children."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from askonce import DiskStore
from askonce.backends.epochs import DATABASE

MIB = 1 << 20


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


def held(store: DiskStore) -> set[int]:
    return {int.from_bytes(key[:4], "big") for key in store.keys()}  # noqa: SIM118 - a store is not a mapping
