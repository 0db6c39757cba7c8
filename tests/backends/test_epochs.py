"""The laws of invalidation ledgers: in memory, in a directory, and in a real Redis."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askonce import Entry, ManualClock, StoreClosed, StoreError
from askonce.backends import epochs as epochs_module
from askonce.backends.contract import Epochs
from askonce.backends.epochs import BELL, DATABASE, DirectoryEpochs, MemoryEpochs
from askonce.cache.ledger import Ledger
from askonce.clock import SYSTEM_CLOCK

from ..redis_server import RedisServer
from .store_suite import SHARES_FIXTURE, entry

tag_lists = st.lists(st.text(max_size=20), max_size=4)


class EpochsSuite:
    """Laws every ledger keeps. Subclasses give ``epochs``, a fresh ledger."""

    @pytest.fixture
    def epochs(self) -> Any:
        raise NotImplementedError("give a fixture named epochs")

    def test_begins_empty(self, epochs: Epochs) -> None:
        """A fresh ledger has retired nothing."""
        seq, table = epochs.snapshot()
        assert seq >= 0
        assert table == {}

    def test_bump_is_in_the_next_snapshot(self, epochs: Epochs) -> None:
        """A bump gives its tags a number greater than any before, and leaves other tags alone."""
        before, _ = epochs.snapshot()
        first = epochs.bump(["a", "b"])
        second = epochs.bump(["b"])
        assert before < first < second
        assert epochs.snapshot() == (second, {"a": first, "b": second})

    @settings(max_examples=25, deadline=None, suppress_health_check=SHARES_FIXTURE)
    @given(bumps=st.lists(tag_lists, max_size=5))
    def test_numbers_only_grow(self, epochs: Epochs, bumps: list[list[str]]) -> None:
        """Whatever is bumped in whatever order, numbers grow and each tag has that of its last bump."""
        seq, table = epochs.snapshot()
        for tags in bumps:
            at = epochs.bump(tags)
            assert at > seq
            seq = at
            table.update(dict.fromkeys(tags, at))
            assert epochs.snapshot() == (seq, table)

    def test_version_tells_of_a_bump(self, epochs: Epochs) -> None:
        """version() after a bump differs from every version before it."""
        seen = {epochs.version()}
        for turn in range(20):
            epochs.bump([f"tag:{turn}"])
            version = epochs.version()
            assert version not in seen
            seen.add(version)

    def test_version_rests_when_nothing_happens(self, epochs: Epochs) -> None:
        """Without a bump version() comes to rest, so that nobody looks again and again."""
        epochs.bump(["a"])
        until = time.monotonic() + 10
        while epochs.version() != epochs.version():
            assert time.monotonic() < until
        rest = epochs.version()
        assert {epochs.version() for _ in range(1000)} == {rest}

    def test_bumps_of_many_threads(self, epochs: Epochs) -> None:
        """Concurrent bumps get numbers of their own, and none is lost."""
        with ThreadPoolExecutor(4) as pool:
            numbers = list(pool.map(lambda n: epochs.bump([f"tag:{n}"]), range(40)))
        assert len(set(numbers)) == 40
        whole = max(numbers), {f"tag:{n}": at for n, at in enumerate(numbers)}
        until = time.monotonic() + 10  # a snapshot may be slightly behind
        while epochs.snapshot() != whole and time.monotonic() < until:
            time.sleep(0.01)
        assert epochs.snapshot() == whole

    def test_retires_what_was_made_before(self, epochs: Epochs) -> None:
        """Through the cache's ledger: made before the bump is invalid, made after it is valid, other tags are
        untouched, an answer that was on its way during the bump is invalid."""
        ledger = Ledger(epochs, None, SYSTEM_CLOCK)
        made = entry(1, tags=("doc:1",), seq=ledger.seq)
        other = entry(2, tags=("doc:2",), seq=ledger.seq)
        assert ledger.valid(made)
        begun_at = ledger.seq
        assert ledger.bump(["doc:1"])
        assert not ledger.valid(made)
        assert not ledger.valid(entry(3, tags=("doc:1",), seq=begun_at))
        assert ledger.valid(entry(3, tags=("doc:1",), seq=ledger.seq))
        assert ledger.valid(other)


class TestMemoryEpochs(EpochsSuite):
    @pytest.fixture
    def epochs(self) -> Epochs:
        return MemoryEpochs()


class TestDirectoryEpochs(EpochsSuite):
    @pytest.fixture
    def epochs(self, tmp_path: Path) -> Iterator[Epochs]:
        ledger = DirectoryEpochs(tmp_path)
        yield ledger
        ledger.close()


class TestDirectoryEpochsWithAStoppedClock(EpochsSuite):
    """Numbers grow also while the clock does not."""

    @pytest.fixture
    def epochs(self, tmp_path: Path) -> Iterator[Epochs]:
        ledger = DirectoryEpochs(tmp_path, ManualClock())
        yield ledger
        ledger.close()


class TestRedisEpochs(EpochsSuite):
    @pytest.fixture
    def epochs(self, server: RedisServer) -> Iterator[Epochs]:
        from askonce.backends.redis import RedisStore

        store = RedisStore(server.url, namespace=f"test-{uuid.uuid4().hex}")
        assert store.epochs is not None
        yield store.epochs
        store.close()


# -- adopting -----------------------------------------------------------------------------------------------


@pytest.fixture(params=[MemoryEpochs, DirectoryEpochs])
def adopter(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return MemoryEpochs() if request.param is MemoryEpochs else DirectoryEpochs(tmp_path, ManualClock(1.0))


tables = st.dictionaries(st.sampled_from("abcde"), st.integers(1, 2**53), max_size=4)


@settings(max_examples=25, deadline=None, suppress_health_check=SHARES_FIXTURE)
@given(taken=st.lists(st.tuples(st.integers(0, 2**53), tables), max_size=4))
def test_adopt_only_grows(adopter: Any, taken: list[tuple[int, dict[str, int]]]) -> None:
    """adopt() takes the greater number for the ledger and for every tag, and nothing ever falls."""
    seq, table = adopter.snapshot()
    for other_seq, other in taken:
        adopter.adopt(other_seq, other)
        seq = max(seq, other_seq, *other.values(), 0)
        table = {tag: max(table.get(tag, 0), other.get(tag, 0)) for tag in {*table, *other}}
        assert adopter.snapshot() == (seq, table)
    assert adopter.bump(["z"]) > seq


# -- a directory's ledger -------------------------------------------------------------------------------------


@pytest.fixture
def open_ledger(tmp_path: Path) -> Iterator[Callable[..., DirectoryEpochs]]:
    made = []

    def open_one(clock: Any = SYSTEM_CLOCK) -> DirectoryEpochs:
        made.append(DirectoryEpochs(tmp_path, clock))
        return made[-1]

    yield open_one
    for ledger in made:
        ledger.close()


def bump_in_another_process(directory: Path, *tags: str) -> int:
    program = (
        "import sys; from askonce.backends.epochs import DirectoryEpochs;"
        "print(DirectoryEpochs(sys.argv[1]).bump(sys.argv[2:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(directory), *tags], capture_output=True, text=True, timeout=60, check=True
    )
    return int(done.stdout)


def test_other_processes_are_told_at_once(open_ledger: Callable[..., DirectoryEpochs], tmp_path: Path) -> None:
    """A bump in another process changes version() here without a comparison with the database: the clock
    that paces comparisons stands still."""
    ledger = open_ledger(ManualClock())
    before = ledger.version()
    assert ledger.version() == before
    at = bump_in_another_process(tmp_path, "doc:1")
    assert ledger.version() != before
    assert ledger.snapshot() == (at, {"doc:1": at})


def test_a_lost_notice_is_made_good(open_ledger: Callable[..., DirectoryEpochs], tmp_path: Path) -> None:
    """When the file of notices was deleted, a bump of another process is noticed within a second all the same,
    and from then on at once again."""
    clock = ManualClock()
    ledger = open_ledger(clock)
    before = ledger.version()
    (tmp_path / BELL).unlink()
    first = bump_in_another_process(tmp_path, "doc:1")
    assert ledger.version() == before  # what is mapped here is the deleted file
    clock.advance(1.0)
    after = ledger.version()
    assert after != before
    assert ledger.snapshot() == (first, {"doc:1": first})
    bump_in_another_process(tmp_path, "doc:1")
    assert ledger.version() != after


def test_a_process_killed_before_it_told(open_ledger: Callable[..., DirectoryEpochs], tmp_path: Path) -> None:
    """A bump that was committed by a process that died before giving notice is noticed within a second."""
    clock = ManualClock()
    ledger = open_ledger(clock)
    ledger.bump(["a"])
    before = ledger.version()
    with contextlib.closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as dead:
        dead.execute("UPDATE AskonceSeq SET seq = seq + 1")
        dead.execute("INSERT INTO AskonceEpochs SELECT CAST('b' AS BLOB), seq FROM AskonceSeq")
    assert ledger.version() == before
    clock.advance(1.0)
    assert ledger.version() != before
    assert set(ledger.snapshot()[1]) == {"a", "b"}


def test_adopting_on_a_stale_look(open_ledger: Callable[..., DirectoryEpochs], monkeypatch: pytest.MonkeyPatch) -> None:
    """adopt() takes nothing back that another process wrote after it looked."""
    ledger = open_ledger()
    at = ledger.bump(["a"])
    with monkeypatch.context() as late:
        late.setattr(ledger, "snapshot", lambda: (0, {}))
        ledger.adopt(5, {"a": 5})
    assert ledger.snapshot() == (at, {"a": at})


@pytest.mark.parametrize("kind", ["link", "directory", "pipe", "short"])
def test_a_strange_bell_is_not_used(kind: str, open_ledger: Callable[..., DirectoryEpochs], tmp_path: Path) -> None:
    """Whatever lies under the name of the file of notices: nothing outside is written, and the ledger works."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    bell = tmp_path / BELL
    if kind == "link":
        bell.symlink_to(victim)
    elif kind == "directory":
        bell.mkdir()
    elif kind == "pipe":
        os.mkfifo(bell)
    else:
        bell.write_bytes(b"abc")
    clock = ManualClock()
    ledger = open_ledger(clock)
    before = ledger.version()
    ledger.bump(["a"])
    assert ledger.version() != before
    before = ledger.version()
    bump_in_another_process(tmp_path, "b")
    clock.advance(1.0)
    assert ledger.version() != before
    assert victim.read_bytes() == b"precious"


def test_a_ledger_begun_anew_numbers_higher(tmp_path: Path) -> None:
    """When a ledger was lost, bumps of the one begun anew exceed every number of the lost one, so what is
    still held elsewhere under the old numbers is retired; so they do when the clock was set back."""
    clock = ManualClock()
    old = DirectoryEpochs(tmp_path, clock)
    numbers = [old.bump(["a"]) for _ in range(3)]
    old.close()
    for file in tmp_path.iterdir():
        file.unlink()
    clock.advance(0.01)
    new = DirectoryEpochs(tmp_path, clock)
    assert new.snapshot() == (0, {})
    first = new.bump(["a"])
    assert first > max(numbers)
    clock.advance(-3600)
    assert new.bump(["a"]) > first
    new.close()


def test_a_fresh_ledger_exempts_nothing(tmp_path: Path) -> None:
    """Beside a shared ledger with smaller numbers, a fresh directory's ledger must not make entries that the
    shared ledger's next bump fails to retire."""
    shared = MemoryEpochs()
    shared.bump(["x"])
    mirror = DirectoryEpochs(tmp_path)
    ledger = Ledger(shared, mirror, SYSTEM_CLOCK)
    made = Entry(key=b"k" * 32, scope=b"s" * 32, kind="value", body=b"", created=0.0, tags=("doc:1",), seq=ledger.seq)
    assert ledger.valid(made)
    shared.bump(["doc:1"])
    ledger.refresh()
    assert not ledger.valid(made)
    assert mirror.snapshot() == shared.snapshot()  # and the directory remembers it over a restart
    mirror.close()


def test_the_oldest_tags_are_forgotten_safely(
    open_ledger: Callable[..., DirectoryEpochs], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger stays bounded; what it forgets it replaces by retiring everything older, never less."""
    monkeypatch.setattr(epochs_module, "MOST_TAGS", 20)
    ledger = open_ledger(ManualClock())
    at = {f"tag:{n}": ledger.bump([f"tag:{n}"]) for n in range(200)}
    _, table = ledger.snapshot()
    assert len(table) <= 21
    for tag, number in at.items():
        assert max(table.get(tag, 0), table["*"]) >= number
    assert table["*"] < max(at.values())


def test_a_fork_shares_the_ledger(open_ledger: Callable[..., DirectoryEpochs]) -> None:
    """A child forked with the ledger open bumps and reads it, and the parent sees it; nothing is lost when the
    parent closes first."""
    ledger = open_ledger()
    first = ledger.bump(["parent"])
    version = ledger.version()
    from_parent, to_child = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            ledger.bump(["child:1"])
            os.read(from_parent, 1)  # the parent has closed its ledger by now
            ledger.bump(["child:2"])
            status = 0 if set(ledger.snapshot()[1]) == {"parent", "child:1", "child:2"} else 2
        finally:
            os._exit(status)
    deadline = time.monotonic() + 30
    while ledger.version() == version and time.monotonic() < deadline:
        time.sleep(0.005)
    _, table = ledger.snapshot()
    assert table["child:1"] > first
    ledger.close()
    os.write(to_child, b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert set(open_ledger().snapshot()[1]) == {"parent", "child:1", "child:2"}


def test_a_locked_database_is_a_store_error(tmp_path: Path) -> None:
    """While another process holds the database, a bump is a StoreError within the time-out, and version()
    neither waits nor raises; afterwards the ledger goes on."""
    clock = ManualClock()
    ledger = DirectoryEpochs(tmp_path, clock, timeout_s=0.05)
    holder = sqlite3.connect(tmp_path / DATABASE, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        ledger.bump(["a"])
    clock.advance(2)
    ledger.version()
    holder.execute("ROLLBACK")
    holder.close()
    at = ledger.bump(["a"])
    assert ledger.snapshot() == (at, {"a": at})
    ledger.close()


def test_a_closed_ledger(open_ledger: Callable[..., DirectoryEpochs]) -> None:
    """After close() version() stays what it was, since the cache looks before every call; the rest raises
    StoreClosed. Closing twice is harmless."""
    ledger = open_ledger()
    ledger.bump(["a"])
    version = ledger.version()
    ledger.close()
    ledger.close()
    assert ledger.version() == version
    for use in (ledger.snapshot, lambda: ledger.bump(["a"]), lambda: ledger.adopt(1, {})):
        with pytest.raises(StoreClosed):
            use()


def test_no_directory(tmp_path: Path) -> None:
    """A ledger without its directory is one clear StoreError."""
    with pytest.raises(StoreError, match="directory"):
        DirectoryEpochs(tmp_path / "missing")
