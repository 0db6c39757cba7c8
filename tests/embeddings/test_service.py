"""The embedding service: what it remembers, batches, shares and refuses, and that one fault stays one fault."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askonce import ConfigError, EmbedderError, ManualClock
from askonce.embeddings import EmbeddingService, Matrix, Vector
from askonce.embeddings.service import check_rows

DIM = 8
SOON = 20.0


def vector_of(text: str) -> Vector:
    """The one right vector of a text."""
    seed = int.from_bytes(text.encode("utf-8", "surrogatepass")[:16].ljust(1, b"\0"), "little") + len(text)
    row = np.random.default_rng(seed).standard_normal(DIM)
    return np.asarray(row / np.linalg.norm(row), dtype=np.float32)


class Probe:
    """An embedder that records what it is asked, can be held, and can be told to misbehave."""

    fingerprint, dim, scripts = "probe", DIM, frozenset({"latin"})

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.threads: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.twist: Callable[[list[str], Matrix], object] = lambda texts, rows: rows

    def embed(self, texts: Sequence[str]) -> Matrix:
        self.batches.append(list(texts))
        self.threads.add(threading.current_thread().name)
        self.entered.set()
        if not self.gate.wait(SOON):
            raise AssertionError("the test forgot the gate")
        rows = np.stack([vector_of(text) for text in texts])
        return self.twist(list(texts), rows)  # type: ignore[return-value]

    @property
    def asked(self) -> list[str]:
        return [text for batch in self.batches for text in batch]

    @contextmanager
    def held(self, service: EmbeddingService) -> Iterator[None]:
        """While inside, the worker is busy with a text of ours and everything else waits."""
        self.gate.clear()
        self.entered.clear()
        first = service.submit("the one it is busy with")
        assert self.entered.wait(SOON)
        try:
            yield
        finally:
            self.gate.set()
            wait([first], SOON)


@pytest.fixture
def probe() -> Iterator[Probe]:
    made = Probe()
    yield made
    made.gate.set()


@pytest.fixture
def service(probe: Probe) -> Iterator[EmbeddingService]:
    with EmbeddingService(probe) as made:
        yield made


def right(future: Future[Vector], text: str) -> bool:
    return bool(np.allclose(future.result(SOON), vector_of(text), atol=1e-6))


# -- the laws of asking ----------------------------------------------------------------------------------


def test_a_text_is_computed_once(probe: Probe, service: EmbeddingService) -> None:
    """A remembered text is answered at once, without the embedder, by a read-only vector."""
    assert service.cached("a") is None
    first = service.submit("a").result(SOON)
    again = service.submit("a")
    assert again.done()
    assert again.result() is first is service.cached("a")
    assert probe.asked == ["a"]
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 9.0
    assert service.stats()._asdict() == {
        "asked": 2, "cached": 1, "shared": 0, "computed": 1, "failed": 0, "batches": 1
    }  # fmt: skip


def test_what_waits_becomes_one_batch(probe: Probe, service: EmbeddingService) -> None:
    """Texts asked while the embedder is busy are given to it together, at most ``max_batch`` at a time, in order."""
    texts = [f"text {i}" for i in range(70)]
    with probe.held(service):
        futures = [service.submit(text) for text in texts]
    assert all(right(future, text) for future, text in zip(futures, texts, strict=True))
    assert [len(batch) for batch in probe.batches] == [1, 32, 32, 6]
    assert probe.asked[1:] == texts
    assert probe.threads == {"askonce-embedder"}


def test_equal_texts_share_one_computation(probe: Probe, service: EmbeddingService) -> None:
    """Callers asking the same text at once get one computation and one vector."""
    with probe.held(service):
        futures = [service.submit("same") for _ in range(10)]
    assert all(right(future, "same") for future in futures)
    assert probe.asked.count("same") == 1
    assert service.stats().shared == 9


def test_a_cancelled_caller_disturbs_no_other(probe: Probe, service: EmbeddingService) -> None:
    """Cancelling one future leaves the others of the same text; a text nobody waits for is not computed."""
    with probe.held(service):
        mine, other, lonely = service.submit("shared"), service.submit("shared"), service.submit("lonely")
        assert mine.cancel()
        assert lonely.cancel()
    assert right(other, "shared")
    assert right(service.submit("after"), "after")
    assert "lonely" not in probe.asked


def test_the_least_recently_used_is_forgotten(probe: Probe) -> None:
    """The cache holds ``cache_size`` vectors; a use counts, whether by ``submit`` or ``cached``."""
    with EmbeddingService(probe, cache_size=3) as service:
        for text in ("a", "b", "c"):
            service.submit(text).result(SOON)
        service.submit("a").result(SOON)
        assert service.cached("b") is not None
        service.submit("d").result(SOON)
        assert [text for text in "abcd" if service.cached(text) is not None] == ["a", "b", "d"]


def test_a_cache_of_size_zero_remembers_nothing(probe: Probe) -> None:
    """With ``cache_size=0`` each asking computes, and ``cached`` knows nothing."""
    with EmbeddingService(probe, cache_size=0) as service:
        for _ in range(2):
            service.submit("a").result(SOON)
        assert service.cached("a") is None
        assert probe.asked == ["a", "a"]


def test_long_texts_are_kept_apart(probe: Probe, service: EmbeddingService) -> None:
    """Texts remembered by digest are as distinct as short ones, lone surrogates included."""
    long = ["x" * 600 + end for end in ("a", "b", "\ud800")]
    futures = [service.submit(text) for text in long]
    assert all(right(future, text) for future, text in zip(futures, long, strict=True))
    assert all(service.cached(text) is not None for text in long)
    assert service.cached("x" * 600 + "c") is None


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=3), st.booleans()), max_size=60),
    st.integers(0, 4),
    st.integers(1, 5),
)
def test_whatever_is_asked_is_answered_rightly(asked: list[tuple[str, bool]], cache: int, batch: int) -> None:
    """For any sequence of texts, cancels, cache and batch size: every kept future has its own text's vector,
    each text asked is counted in exactly one way, and the cache stays within its bound."""
    probe = Probe()
    with EmbeddingService(probe, cache_size=cache, max_batch=batch) as service:
        futures = []
        for text, keep in asked:
            future = service.submit(text)
            if keep or not future.cancel():
                futures.append((text, future))
        assert all(right(future, text) for text, future in futures)
        service.submit("\0last").result(SOON)
        stats = service.stats()
        assert stats.asked == len(asked) + 1
        assert stats.computed <= stats.asked - stats.cached - stats.shared
        assert stats.failed == 0
        assert all(len(texts) <= batch for texts in probe.batches)
        assert len(service._cache) <= cache


def test_many_threads(probe: Probe, service: EmbeddingService) -> None:
    """Threads hammering few texts all get the right vectors, and each text is computed once."""
    texts = [f"t{i}" for i in range(20)]
    wrong: list[str] = []

    def ask(start: int) -> None:
        wrong.extend(t for i in range(100) if not right(service.submit(t := texts[(start + i) % 20]), t))

    threads = [threading.Thread(target=ask, args=(7 * i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert wrong == []
    assert sorted(probe.asked) == sorted(texts)


def test_supports_the_scripts_of_its_embedder(probe: Probe, service: EmbeddingService) -> None:
    """A text is supported when each of its scripts is known; an embedder with ``scripts=None`` knows all."""
    assert service.supports("Where is Zürich? 42 😀")
    assert not service.supports("Where is 東京?")
    probe.scripts = None  # type: ignore[assignment]
    assert service.supports("Where is 東京?")


# -- faults ----------------------------------------------------------------------------------------------


def spoil(bad: str, how: Callable[[Matrix], object]) -> Callable[[list[str], Matrix], object]:
    def twist(texts: list[str], rows: Matrix) -> object:
        for row, text in zip(rows, texts, strict=True):
            if text == bad:
                how(row)
        return rows

    return twist


def raise_on(bad: str, error: BaseException) -> Callable[[list[str], Matrix], object]:
    def twist(texts: list[str], rows: Matrix) -> object:
        if bad in texts:
            raise error
        return rows

    return twist


ROW_FAULTS: dict[str, Callable[[Matrix], object]] = {
    "NaN": lambda row: row.fill(math.nan),
    "infinity": lambda row: row.fill(math.inf),
    "zeros": lambda row: row.fill(0.0),
    "length 2": lambda row: np.multiply(row, 2.0, out=row),
}
WHOLE_FAULTS: dict[str, BaseException] = {
    "exception": ValueError("boom"),
    "refusal": EmbedderError("too long", refused=True),
    "out of memory": MemoryError(),
}
TWISTS = {name: spoil("bad", how) for name, how in ROW_FAULTS.items()} | {
    name: raise_on("bad", error) for name, error in WHOLE_FAULTS.items()
}


@pytest.mark.parametrize("fault", TWISTS)
def test_one_bad_text_fails_alone(fault: str, probe: Probe, service: EmbeddingService) -> None:
    """In a batch with one bad text that text fails with EmbedderError and is not remembered; the rest is right."""
    probe.twist = TWISTS[fault]
    texts = ["a", "b", "bad", "c"]
    with probe.held(service):
        futures = {text: service.submit(text) for text in texts}
    for text, future in futures.items():
        if text == "bad":
            assert isinstance(future.exception(SOON), EmbedderError)
        else:
            assert right(future, text)
    assert service.cached("bad") is None
    assert service.stats().failed == 1


def test_any_number_of_refused_texts_fails_alone(probe: Probe, service: EmbeddingService) -> None:
    """Texts the embedder refuses never take the good ones beside them along, however many there are."""

    def twist(texts: list[str], rows: Matrix) -> object:
        if any(text.startswith("long") for text in texts):
            raise EmbedderError("too long", refused=True)
        return rows

    probe.twist = twist
    texts = [f"long {i}" for i in range(12)] + ["good"]
    with probe.held(service):
        futures = [service.submit(text) for text in texts]
    assert all(isinstance(future.exception(SOON), EmbedderError) for future in futures[:-1])
    assert right(futures[-1], "good")
    assert right(service.submit("another"), "another")


def test_each_caller_gets_its_own_exception(probe: Probe, service: EmbeddingService) -> None:
    """Callers sharing a failure get separate exception objects with the same words, data and cause."""
    cause = ValueError("boom")
    probe.twist = raise_on("bad", cause)
    with probe.held(service):
        futures = [service.submit("bad") for _ in range(3)]
    errors = [future.exception(SOON) for future in futures]
    assert len({id(error) for error in errors}) == 3
    assert {str(error) for error in errors} == {"the embedder failed: ValueError"}
    assert all(error is not None and error.__cause__ is cause for error in errors)


@pytest.mark.parametrize(
    "raw",
    [None, "text", [[1.0] * DIM], [[1.0] * (DIM + 1)] * 2, [1.0] * DIM, [["x"] * DIM] * 2, [[1.0], [1.0, 2.0]], 3.0],
    ids=["None", "text", "one row of two", "too wide", "flat", "words", "ragged", "number"],
)
def test_what_is_not_a_matrix_is_refused(raw: object, probe: Probe, service: EmbeddingService) -> None:
    """An answer that is not one row of ``dim`` numbers per text fails every text of the batch, and only it."""
    with pytest.raises(EmbedderError):
        check_rows(raw, 2, DIM)
    probe.twist = lambda texts, rows: raw
    with probe.held(service):
        futures = [service.submit(text) for text in ("a", "b")]
    assert all(isinstance(future.exception(SOON), EmbedderError) for future in futures)
    probe.twist = lambda texts, rows: rows
    assert right(service.submit("a"), "a")


def test_a_callback_that_raises_hurts_nobody(probe: Probe, service: EmbeddingService) -> None:
    """Whatever a caller's callback raises, the worker goes on and the other callers get their vectors."""

    def explode(future: Future[Vector]) -> None:
        raise SystemExit("from a callback")

    with probe.held(service):
        first, second = service.submit("a"), service.submit("a")
        first.add_done_callback(explode)
    assert right(second, "a")
    assert right(service.submit("b"), "b")


def test_a_full_queue_fails_at_once(probe: Probe) -> None:
    """Beyond ``max_waiting`` waiting texts ``submit`` fails at once; remembered and shared ones still work."""
    with EmbeddingService(probe, max_waiting=2) as service:
        service.submit("known").result(SOON)
        with probe.held(service):
            waiting = [service.submit("a"), service.submit("b")]
            refused = service.submit("c")
            assert refused.done()
            with pytest.raises(EmbedderError, match="already wait"):
                refused.result()
            assert service.submit("known").done()
            waiting.append(service.submit("a"))
        assert all(right(future, text) for future, text in zip(waiting, "aba", strict=True))
        assert right(service.submit("c"), "c")


def test_a_dead_embedder_is_left_alone(probe: Probe) -> None:
    """After three failed batches in a row ``submit`` fails at once; each failed try doubles the pause; one
    success ends it."""
    clock = ManualClock()

    def twist(texts: list[str], rows: Matrix) -> object:
        raise OSError("unreachable")

    with EmbeddingService(probe, clock=clock) as service:
        probe.twist = twist
        for i in range(3):
            assert service.submit(f"try {i}").exception(SOON) is not None
        asked = len(probe.batches)
        for pause in (0.5, 1.0, 2.0):
            refused = service.submit("x")
            assert refused.done()
            assert "keeps failing" in str(refused.exception())
            clock.advance(pause * 0.9)
            assert service.submit("x").done()
            assert len(probe.batches) == asked
            clock.advance(pause * 0.2)
            assert service.submit("x").exception(SOON) is not None
            asked += 1
            assert len(probe.batches) == asked
        clock.advance(60)
        probe.twist = lambda texts, rows: rows
        assert right(service.submit("x"), "x")
        assert right(service.submit("y"), "y")


def test_refusals_do_not_count_as_death(probe: Probe, service: EmbeddingService) -> None:
    """However many texts are refused in a row, the embedder is asked for the next one."""
    probe.twist = raise_on("bad", EmbedderError("too long", refused=True))
    for _ in range(10):
        assert service.submit("bad").exception(SOON) is not None
    assert right(service.submit("good"), "good")


def test_a_stuck_embedder_is_left_alone(probe: Probe) -> None:
    """While one computation takes too long ``submit`` fails at once; when it ends, all goes on."""
    clock = ManualClock()
    with EmbeddingService(probe, clock=clock, stuck_after_s=2.0) as service:
        with probe.held(service):
            patient = service.submit("a")
            clock.advance(2.5)
            refused = service.submit("b")
            assert refused.done()
            assert "has not answered for 2.5 s" in str(refused.exception())
        assert right(patient, "a")
        assert right(service.submit("b"), "b")


# -- many at once, ending, forking -----------------------------------------------------------------------


def test_embed_now_is_in_order_and_leaves_the_cache(probe: Probe, service: EmbeddingService) -> None:
    """``embed_now`` runs on the caller's thread, uses what is remembered, repeats nothing, remembers nothing."""
    service.submit("known").result(SOON)
    probe.batches.clear()
    texts = ["b", "known", "a", "b", *(f"t{i}" for i in range(40))]
    rows = service.embed_now(texts)
    assert rows.shape == (44, DIM)
    assert rows.dtype == np.float32
    assert rows == pytest.approx(np.stack([vector_of(text) for text in texts]), abs=1e-6)
    assert [len(batch) for batch in probe.batches] == [32, 10]
    assert threading.current_thread().name in probe.threads
    assert service.cached("a") is None
    assert service.embed_now([]).shape == (0, DIM)


def test_embed_each_tells_the_bad_from_the_good(probe: Probe, service: EmbeddingService) -> None:
    """``embed_each`` gives an error for a bad text and vectors for the rest, where ``embed_now`` raises."""
    probe.twist = raise_on("bad", EmbedderError("too long", refused=True))
    rows = service.embed_each(["a", "bad", "b"])
    assert [isinstance(row, EmbedderError) for row in rows] == [False, True, False]
    assert rows[2] == pytest.approx(vector_of("b"), abs=1e-6)
    with pytest.raises(EmbedderError, match="too long"):
        service.embed_now(["a", "bad", "b"])


def test_closing_fails_what_waits(probe: Probe) -> None:
    """``close`` fails waiting texts with EmbedderError, ends the thread, may be repeated, and later asking fails."""
    service = EmbeddingService(probe)
    service.submit("known").result(SOON)
    probe.gate.clear()
    probe.entered.clear()
    busy, waiting = service.submit("busy"), service.submit("waiting")
    assert probe.entered.wait(SOON)
    service.close(timeout_s=0.0)
    for future in (busy, waiting, service.submit("late"), service.submit("known")):
        assert isinstance(future.exception(SOON), EmbedderError)
    probe.gate.set()
    service.close(SOON)
    assert service._thread is not None
    assert not service._thread.is_alive()
    assert service.cached("busy") is None
    with pytest.raises(EmbedderError, match="closed"):
        service.embed_now(["a"])
    assert isinstance(service.embed_each(["a"])[0], EmbedderError)


def test_closing_from_a_callback(probe: Probe) -> None:
    """``close`` called from the worker itself, in a callback, does not wait for itself."""
    service = EmbeddingService(probe)
    done = threading.Event()

    def close(future: Future[Vector]) -> None:
        service.close()
        done.set()

    with probe.held(service):
        service.submit("a").add_done_callback(close)
    assert done.wait(SOON)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("locked", [False, True], ids=["worker busy", "lock held"])
def test_a_forked_child_works_on(locked: bool, probe: Probe) -> None:
    """A child forked while the worker is busy, or holds the lock, keeps the cache and computes with a worker of
    its own, also the text the parent's worker was busy with."""
    with EmbeddingService(probe) as service:
        service.submit("known").result(SOON)
        with probe.held(service):
            if locked:
                service._wake.acquire()
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    probe.gate = threading.Event()
                    probe.gate.set()
                    fine = service.cached("known") is not None and right(service.submit("new"), "new")
                    busy = "the one it is busy with"
                    code = 0 if fine and right(service.submit(busy), busy) else 2
                finally:
                    os._exit(code)
            if locked:
                service._wake.release()
            until = time.monotonic() + SOON + 5
            ended, status = 0, 0
            while not ended and time.monotonic() < until:
                ended, status = os.waitpid(child, os.WNOHANG)
                time.sleep(0.01)
            if not ended:
                os.kill(child, 9)
                os.waitpid(child, 0)
        assert ended, "the child hung"
        assert os.waitstatus_to_exitcode(status) == 0
        assert right(service.submit("parent"), "parent")


@pytest.mark.parametrize("setting", ["cache_size", "max_batch", "max_waiting", "stuck_after_s"])
def test_a_number_out_of_range_is_named(setting: str, probe: Probe) -> None:
    """A setting out of range is a ConfigError that names it."""
    with pytest.raises(ConfigError) as caught:
        EmbeddingService(probe, **{setting: -1})
    assert caught.value.data["setting"] == setting
