"""The FAISS index between its opening and its end: closing, failing builds, threads, forks, the exit of the process."""

from __future__ import annotations

import gc
import itertools
import os
import subprocess
import sys
import threading
import weakref
from contextlib import ExitStack, closing
from typing import Any

import pytest

from askonce import FaissIndex, IndexFault
from askonce.backends.codes import Codes

from .index_suite import SCOPES, check_search, key_of, vector_of
from .index_tools import WAIT, clustered, codes_of, filled


def test_closed(made: ExitStack) -> None:
    """A closed index is empty, and refuses to be added to, searched or saved with IndexFault."""
    index, _ = filled(made, 100)
    index.close()
    assert len(index) == 0
    assert list(index.keys()) == []
    assert index.remove(key_of(1)) is False
    assert index.size_of(SCOPES[0]) == 0
    for use in (
        lambda: index.add(SCOPES[0], key_of(1), vector_of(1, 32)),
        lambda: index.search(SCOPES[0], vector_of(1, 32), 1),
        lambda: index.save("never-written"),
    ):
        with pytest.raises(IndexFault):
            use()


def test_close_while_building() -> None:
    """Closing in the middle of building ends the thread."""
    before = threading.active_count()
    index = FaissIndex(64, "test-embedder", exact_below=64)
    for n, row in enumerate(clustered(3000, 64, 0)):
        index.add(SCOPES[0], key_of(n), row)
    index.close()
    assert threading.active_count() == before


def test_an_index_let_go_of_leaves_nothing() -> None:
    """An index nobody refers to any more is freed, though it was never closed; its thread has ended by itself."""
    copy = FaissIndex(32, "test-embedder", exact_below=64)
    for n in range(300):
        copy.add(SCOPES[0], key_of(n), vector_of(n, 32))
    assert copy.settle(WAIT)
    gone = weakref.ref(copy)
    del copy
    gc.collect()
    assert gone() is None
    assert "askonce-index" not in {t.name for t in threading.enumerate()}


def test_a_failed_build_leaves_exact_searches(made: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """When codes cannot be made, searches stay exact, nothing is raised, and ``note`` says so."""

    def fail(*args: object) -> Codes:
        raise MemoryError("no room")

    monkeypatch.setattr(Codes, "train", fail)
    index = made.enter_context(closing(FaissIndex(32, "test-embedder", exact_below=64)))
    held = {key_of(n): row for n, row in enumerate(clustered(500, 32, 0))}
    for key, row in held.items():
        index.add(SCOPES[0], key, row)
    assert index.settle(WAIT)
    assert "MemoryError" in index.note
    check_search(index, SCOPES[0], held, vector_of(1, 32), 5, exact=True)


def test_other_threads_keep_their_openmp_setting(made: ExitStack) -> None:
    """Building and searching leave FAISS's number of threads as the application set it."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(3)
    try:
        index, _ = filled(made, 500, exact_below=64)
        index.search(SCOPES[0], vector_of(1, 32), 5)
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fork_while_building(made: ExitStack) -> None:
    """The child of a fork made while another thread builds and adds can add, search, build and save."""
    index = made.enter_context(closing(FaissIndex(32, "test-embedder", exact_below=64)))
    rows = clustered(4000, 32, 0)
    for n in range(100):
        index.add(SCOPES[0], key_of(n), rows[n])
    done = threading.Event()

    def busy() -> None:
        for n in itertools.cycle(range(100, 4000)):
            if done.is_set():
                return
            index.add(SCOPES[0], key_of(n), rows[n])

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for _ in range(8):
            child = os.fork()
            if child == 0:
                _in_child(index)
            assert _exit_code(child) == 0
    finally:
        done.set()
        thread.join()
    assert index.settle(WAIT)


def _in_child(index: FaissIndex) -> None:
    status = 1
    try:
        index.add(SCOPES[1], key_of(9999), vector_of(9999, 32))
        best = index.search(SCOPES[1], vector_of(9999, 32), 1)[0]
        for n in range(5000, 5100):
            index.add(SCOPES[0], key_of(n), vector_of(n, 32))
        settled = index.settle(20)
        made = index._parts[SCOPES[0]].fresh < 64
        status = 0 if best.key == key_of(9999) and settled and made and len(index) > 200 else 2
    finally:
        os._exit(status)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_what_waited_at_a_fork_is_built_in_the_child(made: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scope that was waiting for its codes at a fork gets them in the child too."""
    go_on, train = threading.Event(), Codes.train

    def slow(*args: Any) -> Codes | None:
        assert go_on.wait(WAIT)
        return train(*args)

    monkeypatch.setattr(Codes, "train", slow)
    index = made.enter_context(closing(FaissIndex(32, "test-embedder", exact_below=64)))
    made.callback(go_on.set)
    for n in range(140):
        index.add(SCOPES[n // 70], key_of(n), vector_of(n, 32))
    child = os.fork()
    if child == 0:
        status = 1
        try:
            go_on.set()
            for n in range(140, 142):
                index.add(SCOPES[n - 140], key_of(n), vector_of(n, 32))
            settled = index.settle(20)
            status = 0 if settled and codes_of(index, SCOPES[0]) and codes_of(index, SCOPES[1]) else 2
        finally:
            os._exit(status)
    assert _exit_code(child) == 0


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="threads are counted in /proc")
def test_building_and_searching_take_one_thread_each() -> None:
    """No threads are started but the builder's own, whatever OpenMP would do by itself: on a busy machine a search
    that waits for other threads takes milliseconds, and a fork meanwhile can hang."""
    program = (
        "import os, numpy as np\n"
        "from askonce import FaissIndex\n"
        "rows = np.random.default_rng(0).standard_normal((3000, 384)).astype('f4')\n"
        "rows = np.ascontiguousarray(rows / np.sqrt((rows * rows).sum(axis=1, keepdims=True)))\n"
        "index = FaissIndex(384, 'test-embedder', exact_below=1000)\n"
        "count = lambda: len(os.listdir('/proc/self/task'))\n"
        "before = most = count()\n"
        "for n, row in enumerate(rows):\n"
        "    index.add(b's' * 32, n.to_bytes(32, 'big'), row)\n"
        "    index.search(b's' * 32, row, 5)\n"
        "    most = max(most, count())\n"
        "while not index.settle(0.001):\n"
        "    most = max(most, count())\n"
        "for row in rows[:50]:\n"
        "    index.search(b's' * 32, -row, 5)\n"
        "print(most - before <= 2)\n"  # one that is ending, one that begins
    )
    many = {**os.environ, "OMP_NUM_THREADS": "8", "OPENBLAS_NUM_THREADS": "8"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=WAIT, check=False, env=many)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"True\n", b"")


def _exit_code(child: int) -> int:
    """The exit status of a child; one that hangs is killed and counts as -9."""
    timer = threading.Timer(30, os.kill, (child, 9))
    timer.start()
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        timer.cancel()


def test_exit_while_building() -> None:
    """A program that ends while codes are being made ends cleanly."""
    program = (
        "import numpy as np\n"
        "from askonce import FaissIndex\n"
        "rows = np.random.default_rng(0).standard_normal((6000, 384)).astype('f4')\n"
        "rows /= np.linalg.norm(rows, axis=1, keepdims=True)\n"
        "index = FaissIndex(384, 'test-embedder')\n"
        "for n, row in enumerate(rows):\n"
        "    index.add(b's' * 32, n.to_bytes(32, 'big'), row)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=WAIT, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
