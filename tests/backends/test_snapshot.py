"""Snapshots: what was saved is loaded, anything else is refused, and a kill leaves a whole one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askonce import FaissIndex, IndexFault
from askonce.backends.snapshot import read_snapshot

from .index_suite import SCOPES, check_search, key_of, vector_of

EMBEDDER = "test-embedder/1"
DIM = 6
WAIT = 60.0


def load(path: Path, dim: int = DIM, embedder: str = EMBEDDER, **options: int) -> FaissIndex:
    return FaissIndex.load(path, dim=dim, embedder=embedder, **options)


def small(path: Path, count: int = 5) -> bytes:
    """The bytes of a snapshot of ``count`` vectors in two scopes."""
    with closing(FaissIndex(DIM, EMBEDDER)) as index:
        for n in range(count):
            index.add(SCOPES[n % 2], key_of(n), vector_of(n, DIM))
        index.save(path)
    return path.read_bytes()


def contents(index: FaissIndex) -> list[tuple[bytes, list[tuple[bytes, float]]]]:
    """Every key in order of age, and what a search in each scope finds."""
    return [
        (b"".join(index.keys()), []),
        *((scope, [tuple(m) for m in index.search(scope, vector_of(99, index.dim), 10_000)]) for scope in SCOPES),
    ]


@given(
    adds=st.lists(st.tuples(st.sampled_from(SCOPES), st.integers(0, 60), st.integers(0, 500)), max_size=120),
    removed=st.sets(st.integers(0, 60)),
)
@settings(max_examples=60, deadline=None)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, adds: list[tuple[bytes, int, int]], removed: set[int]
) -> None:
    """Loading gives what was saved: scopes, keys, order of age, similarities to the last bit."""
    path = tmp_path_factory.mktemp("round") / "index"
    with closing(FaissIndex(DIM, EMBEDDER)) as index:
        for scope, number, seed in adds:
            index.add(scope, key_of(number), vector_of(seed, DIM))
        for number in removed:
            index.remove(key_of(number))
        index.save(path)
        with closing(load(path)) as loaded:
            assert contents(loaded) == contents(index)
            assert [loaded.size_of(s) for s in SCOPES] == [index.size_of(s) for s in SCOPES]


@given(
    names=st.dictionaries(st.binary(max_size=80), st.binary(max_size=80), max_size=20),
    embedder=st.text(st.characters()),
)
@settings(max_examples=60, deadline=None)
def test_any_names(tmp_path_factory: pytest.TempPathFactory, names: dict[bytes, bytes], embedder: str) -> None:
    """Keys and scopes of any bytes and lengths, the empty ones too, and any fingerprint come back."""
    path = tmp_path_factory.mktemp("names") / "index"
    with closing(FaissIndex(DIM, embedder)) as index:
        for n, (key, scope) in enumerate(names.items()):
            index.add(scope, key, vector_of(n, DIM))
        index.save(path)
    with closing(load(path, embedder=embedder)) as loaded:
        assert list(loaded.keys()) == list(names)
        for n, (key, scope) in enumerate(names.items()):
            assert key in {m.key for m in loaded.search(scope, vector_of(n, DIM), 20)}


def test_large_scopes_come_back_with_codes(tmp_path: Path) -> None:
    """A large scope is searched exactly at once after loading, and by codes once they are made."""
    path = tmp_path / "index"
    held = {key_of(n): vector_of(n, 32) for n in range(3000)}
    with closing(FaissIndex(32, EMBEDDER, exact_below=500)) as index:
        for key, vector in held.items():
            index.add(SCOPES[0], key, vector)
        for n in range(0, 3000, 7):
            index.remove(key_of(n))
            del held[key_of(n)]
        index.save(path)
    with closing(load(path, dim=32, exact_below=500)) as loaded:
        check_search(loaded, SCOPES[0], held, vector_of(1, 32), 5, exact=False)
        assert loaded.settle(WAIT)
        assert loaded._parts[SCOPES[0]].codes is not None
        for seed in range(20):
            check_search(loaded, SCOPES[0], held, vector_of(seed, 32), 5, exact=False)
        loaded.add(SCOPES[0], key_of(9000), vector_of(9000, 32))
        assert loaded.search(SCOPES[0], vector_of(9000, 32), 1)[0].key == key_of(9000)


def test_ids_go_on_after_loading(tmp_path: Path) -> None:
    """A loaded index gives ids that the saved one never gave."""
    path = tmp_path / "index"
    small(path, 5)
    with closing(load(path)) as loaded:
        loaded.add(SCOPES[0], key_of(50), vector_of(50, DIM))
        assert loaded._parts[SCOPES[0]].numbers[key_of(50)] == 5


def test_a_smaller_bound_keeps_the_youngest(tmp_path: Path) -> None:
    """Loaded under a smaller ``max_vectors`` the index holds the youngest that fit."""
    path = tmp_path / "index"
    small(path, 9)
    with closing(load(path, max_vectors=4)) as loaded:
        assert list(loaded.keys()) == [key_of(n) for n in range(5, 9)]


# -- refusals -------------------------------------------------------------------------------------------


def refuse(path: Path, dim: int = DIM, embedder: str = EMBEDDER) -> str:
    """Load what must be refused; returns the one-line reason."""
    with pytest.raises(IndexFault) as refused:
        read_snapshot(path, dim, embedder)
    message = str(refused.value)
    assert "\n" not in message
    assert refused.value.data["path"] == str(path)
    return message


def test_every_flipped_bit_is_refused(tmp_path: Path) -> None:
    """A snapshot with any single bit flipped is refused."""
    path = tmp_path / "index"
    good = small(path, 2)
    for place in range(len(good)):
        for bit in range(8):
            bad = bytearray(good)
            bad[place] ^= 1 << bit
            path.write_bytes(bad)
            refuse(path)
    path.write_bytes(good)
    read_snapshot(path, DIM, EMBEDDER)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    """A snapshot cut anywhere is refused, and so is one with bytes after its end."""
    path = tmp_path / "index"
    good = small(path, 5)
    for length in range(len(good)):
        path.write_bytes(good[:length])
        refuse(path)
    for more in (b"\0", good, bytes(1000)):
        path.write_bytes(good + more)
        refuse(path)


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_any_damage_is_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Bytes overwritten, removed or inserted anywhere are refused, without a large allocation or another error."""
    path = tmp_path_factory.mktemp("damage") / "index"
    good = small(path, 8)
    start = data.draw(st.integers(0, len(good)))
    stop = data.draw(st.integers(start, min(len(good), start + 60)))
    bad = good[:start] + data.draw(st.binary(max_size=60)) + good[stop:]
    path.write_bytes(bad)
    if bad != good:
        refuse(path)


@given(data=st.binary(max_size=400))
@settings(max_examples=100, deadline=None)
def test_arbitrary_bytes_are_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """A file of anything else is refused."""
    path = tmp_path_factory.mktemp("bytes") / "index"
    path.write_bytes(data)
    refuse(path)


def test_other_embedder_or_dimension(tmp_path: Path) -> None:
    """A snapshot of another embedder or dimension is refused, and the reason names both."""
    path = tmp_path / "index"
    small(path)
    assert "'other'" in refuse(path, embedder="other")
    assert EMBEDDER in refuse(path, embedder=EMBEDDER + " ")
    assert str(DIM + 1) in refuse(path, dim=DIM + 1)


def test_missing_or_unreadable(tmp_path: Path) -> None:
    """No file, or a folder in its place, is an IndexFault too."""
    refuse(tmp_path / "none")
    refuse(tmp_path)
    with pytest.raises(IndexFault):
        load(tmp_path / "none")


def rewritten(good: bytes, change: dict[str, object]) -> bytes:
    """A snapshot with an intact checksum whose contents are not an index's."""
    from hashlib import blake2b

    body = bytearray(good[:-32])
    vectors_at = len(body) - 4 * DIM * 5
    ids_at = vectors_at - 8 * 5
    keys_at = ids_at - 32 * 5
    if "vector" in change:
        body[vectors_at : vectors_at + 4 * DIM] = np.array(change["vector"], dtype="<f4").tobytes()
    if "id" in change:
        body[ids_at : ids_at + 8] = np.array([change["id"]], dtype="<i8").tobytes()
    if "last id" in change:
        body[vectors_at - 8 : vectors_at] = np.array([change["last id"]], dtype="<i8").tobytes()
    if "key" in change:
        body[keys_at : keys_at + 32] = body[keys_at + 32 : keys_at + 64]
    return bytes(body) + blake2b(bytes(body), digest_size=32).digest()


@pytest.mark.parametrize(
    "change",
    [
        {"vector": [np.nan] * DIM},
        {"vector": [np.inf] * DIM},
        {"vector": [0.0] * DIM},
        {"vector": [1.0] * DIM},
        {"id": -1},
        {"id": 1},
        {"id": 10**15},
        {"last id": 10**15},
        {"last id": 4},
        {"key": "twice"},
    ],
    ids=str,
)
def test_intact_nonsense_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    """Vectors that are not unit vectors, ids out of order, used twice or out of range, and keys held twice are refused
    though the checksum fits."""
    path = tmp_path / "index"
    good = small(path, 5)
    assert rewritten(good, {}) == good
    path.write_bytes(rewritten(good, change))
    refuse(path)


# -- saving ---------------------------------------------------------------------------------------------


def test_a_failed_save_leaves_the_old(tmp_path: Path) -> None:
    """When the file cannot be written, save raises IndexFault, the old snapshot stays, and nothing is left over."""
    path = tmp_path / "index"
    good = small(path)
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from askonce import FaissIndex, IndexFault\n"
        "path = Path(sys.argv[1])\n"
        f"index = FaissIndex.load(path, dim={DIM}, embedder={EMBEDDER!r})\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try:\n"
        "    index.save(path)\n"
        "except IndexFault as fault:\n"
        "    print(fault)\n"
    )
    run = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, timeout=WAIT)
    assert run.returncode == 0, run.stderr
    assert "cannot save the index" in run.stdout
    assert path.read_bytes() == good
    assert os.listdir(tmp_path) == ["index"]
    with closing(load(path)) as index:
        with pytest.raises(IndexFault):
            index.save(path / "below a file")
        assert len(index) == 5


def test_leftovers_are_swept(tmp_path: Path) -> None:
    """A temporary file left by a process killed long ago goes at the next save; one in use stays."""
    path = tmp_path / "index"
    old, new = tmp_path / ".index.killed.tmp", tmp_path / ".index.busy.tmp"
    for left in (old, new):
        left.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    small(path)
    assert sorted(os.listdir(tmp_path)) == [".index.busy.tmp", "index"]


def test_saving_while_others_write(tmp_path: Path) -> None:
    """A snapshot taken while threads add, remove and move keys loads, and holds every key nobody touched."""
    path = tmp_path / "index"
    done = threading.Event()
    with closing(FaissIndex(DIM, EMBEDDER, exact_below=64)) as index:
        still = [key_of(n) for n in range(0, 2000, 2)]
        for n in range(2000):
            index.add(SCOPES[n % 3], key_of(n), vector_of(n, DIM))

        def churn(seed: int) -> None:
            rng = random.Random(seed)
            while not done.is_set():
                n = rng.randrange(1, 4000, 2)
                if rng.random() < 0.4:
                    index.remove(key_of(n))
                else:
                    index.add(rng.choice(SCOPES), key_of(n), vector_of(n, DIM))

        threads = [threading.Thread(target=churn, args=(seed,)) for seed in range(2)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(10):
                index.save(path)
                with closing(load(path)) as loaded:
                    assert set(still) <= set(loaded.keys())
                    assert len(loaded) == sum(loaded.size_of(scope) for scope in SCOPES)
        finally:
            done.set()
            for thread in threads:
                thread.join()
        index.save(path)
        with closing(load(path)) as loaded:
            assert list(loaded.keys()) == list(index.keys())


class Turnstile:
    """A lock that calls ``then`` after it was released for the ``after``-th time."""

    def __init__(self, after: int, then: Callable[[], None]) -> None:
        self.lock, self.left, self.then = threading.Lock(), after, then

    def __enter__(self) -> None:
        self.lock.acquire()

    def __exit__(self, *exc: object) -> None:
        self.lock.release()
        self.left -= 1
        if self.left == 0:
            self.then()


@pytest.mark.parametrize("after", range(1, 6))
def test_a_key_that_moves_while_saving_is_saved_once(tmp_path: Path, after: int) -> None:
    """A key that moves to another scope in the middle of saving is in the file at most once, and the file loads."""
    path = tmp_path / "index"
    with closing(FaissIndex(DIM, EMBEDDER)) as index:
        for n in range(9):
            index.add(SCOPES[n % 3], key_of(n), vector_of(n, DIM))
        lock = index._lock
        index._lock = Turnstile(after, lambda: index.add(SCOPES[2], key_of(0), vector_of(0, DIM)))  # type: ignore[assignment]
        index.save(path)
        index._lock = lock
        with closing(load(path)) as loaded:
            assert set(loaded.keys()) >= {key_of(n) for n in range(1, 9)}
            moved = [s for s in SCOPES if key_of(0) in {m.key for m in loaded.search(s, vector_of(0, DIM), 9)}]
            assert len(moved) <= 1


SAVER = """
import os, sys
from pathlib import Path
import numpy as np
from askonce import FaissIndex

path = Path(sys.argv[1])
made = []
for count in (400, 900):
    index = FaissIndex(64, "test-embedder/1")
    rows = np.random.default_rng(count).standard_normal((count, 64)).astype("f4")
    for n, row in enumerate(rows / np.linalg.norm(rows, axis=1, keepdims=True)):
        index.add(b"s" * 32, n.to_bytes(32, "big"), row)
    made.append(index)
made[0].save(path)
for line in sys.stdin:  # each line asks for a process that saves one and the other until it is killed
    child = os.fork()
    if child == 0:
        while True:
            made[1].save(path)
            made[0].save(path)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_kill_while_saving(tmp_path: Path) -> None:
    """After kill -9 at any instant of saving, the old or the new snapshot is there, whole."""
    path = tmp_path / "index"
    rng = random.Random(0)
    sizes: set[int] = set()
    with subprocess.Popen(
        [sys.executable, "-c", SAVER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            for _ in range(60):
                print("go", file=server.stdin, flush=True)
                child = int(server.stdout.readline())
                time.sleep(rng.uniform(0.0, 0.03))
                os.kill(child, signal.SIGKILL)
                assert server.stdout.readline() == "gone\n"
                _, sections = read_snapshot(path, 64, EMBEDDER)
                sizes.add(len(sections[0].keys))
        finally:
            server.stdin.close()
            server.wait(WAIT)
    assert sizes == {400, 900}
