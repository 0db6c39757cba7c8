"""Kill -9 at any moment: what was acknowledged is there and right, what was not is absent or right.

Two hundred writers are killed while they open the cache, write, invalidate, or close it and save the index.
After each, the cache is opened again in this process, as a user's next start would.
"""

from __future__ import annotations

import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from askonce import Cache, NotCached, controls

from . import kill_writer
from .kill_writer import answer_to, ask_function, open_cache, other_wording, question

LIMIT_S = 60.0


class Writers:
    """The server that forks writers, and what a writer said before it ended."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, kill_writer.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._buffer = b""
        self.status = 0
        self.closing_s = 0.02  # how long a writer took lately from "closing" to "closed"

    def stop(self) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        try:
            self._server.wait(LIMIT_S)
        finally:
            self._server.kill()

    def run(
        self, directory: Path, first: int, last: int, *, close: bool = False, kill_after_s: float, kill_from: str
    ) -> list[str]:
        """Start a writer and kill it ``kill_after_s`` seconds after the first event that begins with
        ``kill_from``. Returns its events."""
        assert self._server.stdin is not None
        self._server.stdin.write(f"{directory} {first} {last} {close}\n".encode())
        self._server.stdin.flush()
        events: list[str] = []
        pid, kill_at, closing_at = 0, None, 0.0
        until = time.monotonic() + LIMIT_S
        while True:
            now = time.monotonic()
            assert now < until, f"the writer neither went on nor died: {events[-3:]}"
            if kill_at is not None and now >= kill_at:
                os.kill(pid, signal.SIGKILL)  # not reaped yet, so the number is still its own
                kill_at = None
            event = self._next(until if kill_at is None else kill_at)
            if event is None:
                continue
            if event.startswith("end "):
                self.status = int(event[4:])
                return events
            if event.startswith("pid "):
                pid = int(event[4:])
            else:
                events.append(event)
            if event == "closing":
                closing_at = time.monotonic()
            elif event == "closed":
                self.closing_s = time.monotonic() - closing_at
            if event.startswith(kill_from):
                kill_at = time.monotonic() + kill_after_s
                kill_from = "never again"

    def _next(self, until: float) -> str | None:
        """The next line, or None when there is none until then."""
        assert self._server.stdout is not None
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self._server.stdout], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                return None
            data = os.read(self._server.stdout.fileno(), 1 << 16)
            assert data, "the server of writers ended"
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode()


@pytest.fixture
def writers() -> Iterator[Writers]:
    made = Writers()
    yield made
    made.stop()


class Expected:
    """What must be true of a directory, from what its writers acknowledged."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.put: set[int] = set()
        self.gone: set[int] = set()
        self.unsure: set[int] = set()  # in flight at a kill: there or not, but never wrong
        self.maybe_gone: set[int] = set()
        self.next = 1

    def learn(self, first: int, last: int, events: list[str]) -> set[int]:
        """Note what a writer completed; returns the numbers it touched."""
        done = {int(event[4:]) for event in events if event.startswith("put ")}
        gone = {int(event[5:]) for event in events if event.startswith("gone ")}
        assert done == set(range(first, first + len(done)))
        self.put |= done
        self.gone |= gone
        self.next = first + len(done)
        if self.next <= last:
            self.unsure.add(self.next)
        at = self.next - 1
        if done and at % kill_writer.RETIRE_EVERY == 0 and at - 3 >= first and at - 3 not in gone:
            self.maybe_gone.add(at - 3)
        touched = {*done, *gone, self.next}
        self.next += 1
        return touched

    def check(self, cache: Cache, numbers: set[int]) -> None:
        """Index and store agree, and each of ``numbers`` is served rightly or, if it may be, absent."""
        assert cache.semantic is not None
        disk = next(tier.store for tier in cache.tiers if tier.name == "disk")
        answer = ask_function(cache)
        keys = {answer.call_for(question(number)).key: number for number in self.put | self.unsure}
        stored = set(disk.keys())
        assert stored <= set(keys), "an entry nobody wrote"
        assert {key for key, number in keys.items() if number in self.put - self.gone - self.maybe_gone} <= stored
        assert set(cache.semantic.index.keys()) == stored
        for number in sorted(numbers):
            present = keys_present(keys, stored, number)
            served = self._serve(answer, number)
            if number in self.gone:
                assert not served, f"{number} was retired and is served"
            elif number in self.put and number not in self.maybe_gone:
                assert served == {"exact", "semantic"}, f"{number} was acknowledged; served: {served}"
            elif number in self.unsure:
                assert served in (set(), {"exact", "semantic"})
                assert bool(served) == present
            elif number not in self.maybe_gone:
                assert not served, f"{number} was never asked and is served"

    def _serve(self, answer, number: int) -> set[str]:  # type: ignore[no-untyped-def]
        """Which wordings are served, each with its own right answer, without asking anybody."""
        served = set()
        for kind, text in (("semantic", other_wording(number)), ("exact", question(number))):
            with controls(only_if_cached=True):
                try:
                    reply = answer.reply(text)
                except NotCached:
                    continue
            assert reply.value == answer_to(text), f"{text!r} was served {reply.value!r}: {reply.receipt}"
            assert reply.receipt.status == "hit"
            assert (reply.receipt.tier == "semantic") == (kind == "semantic")
            served.add(kind)
        return served


def keys_present(keys: dict[bytes, int], stored: set[bytes], number: int) -> bool:
    return any(keys[key] == number for key in stored)


def sound(directory: Path) -> bool:
    connection = sqlite3.connect(directory / "cache.db")
    try:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()


def check_after_kill(expected: Expected, touched: set[int], rng: random.Random, save: bool) -> None:
    """Open, check what the last writer touched and a sample of what others did, and close, or drop the cache
    without closing as a crash would."""
    cache = open_cache(expected.directory)
    older = sorted(expected.put | expected.unsure)
    numbers = touched | set(rng.sample(older, min(len(older), 12))) | {expected.next + 1000}
    expected.check(cache, numbers)
    if save:
        cache.close()
    else:  # no snapshot: the next one finds an old index, or none
        for tier in cache.tiers:
            tier.store.close()


def check_everything(expected: Expected) -> None:
    assert sound(expected.directory)
    cache = open_cache(expected.directory)
    expected.check(cache, expected.put | expected.unsure)
    cache.close()
    assert not list(expected.directory.glob("*.damaged-*"))


@pytest.mark.parametrize("seed", range(10))
def test_kill_while_writing(seed: int, writers: Writers, tmp_path: Path) -> None:
    """Twenty writers killed while they open the cache or write to it: every acknowledged answer is served in both
    wordings, every acknowledged invalidation holds, at most the entry in flight is missing, index and store agree."""
    rng = random.Random(seed)
    expected = Expected(tmp_path / "tier")
    killed = 0
    for turn in range(20):
        first = expected.next
        opening = turn % 4 == 0
        events = writers.run(
            expected.directory,
            first,
            first + 100_000,
            kill_from="pid" if opening else "put",
            kill_after_s=rng.uniform(0, 0.06) if opening else rng.uniform(0, 0.03),
        )
        assert writers.status == -signal.SIGKILL, f"the writer failed by itself with {writers.status}"
        killed += 1
        touched = expected.learn(first, first + 100_000, events)
        check_after_kill(expected, touched, rng, save=rng.random() < 0.5)
    assert killed == 20
    assert len(expected.put) > 50
    check_everything(expected)


@pytest.mark.parametrize("seed", range(2))
def test_kill_while_closing(seed: int, writers: Writers, tmp_path: Path) -> None:
    """Twenty writers killed while they close the cache and save the index: whatever the snapshot then is, old,
    new or torn, nothing is lost and nothing is mixed up."""
    rng = random.Random(100 + seed)
    expected = Expected(tmp_path / "tier")

    def run(kill_from: str, kill_after_s: float) -> list[str]:
        first, last = expected.next, expected.next + 19
        events = writers.run(
            expected.directory, first, last, close=True, kill_from=kill_from, kill_after_s=kill_after_s
        )
        assert "closing" in events
        check_after_kill(expected, expected.learn(first, last, events), rng, save=False)
        return events

    interrupted = 0
    for _ in range(20):
        interrupted += "closed" not in run("closing", rng.uniform(0, 1.2 * writers.closing_s))
        assert writers.status in (-signal.SIGKILL, 0)
    assert interrupted >= 3
    check_everything(expected)
