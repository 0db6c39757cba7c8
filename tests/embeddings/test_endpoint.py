"""An OpenAI-compatible endpoint over real HTTP on 127.0.0.1: right answers, every fault, and the key kept secret."""

from __future__ import annotations

import base64
import logging
import math
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import numpy as np
import pytest

from askonce import ConfigError, EmbedderError
from askonce.embeddings import EmbeddingService, EndpointEmbedder
from askonce.upstream.local_answers import embed as expected
from askonce.upstream.local_model import INSTANT, Fault, LocalModel
from askonce.upstream.local_server import LocalServer

from .conftest import KEY

DIM = 4
MODEL = "text-embedding-3-small"


@pytest.fixture
def model() -> LocalModel:
    return LocalModel(latency=INSTANT, api_keys=[KEY])


@pytest.fixture
def guarded(model: LocalModel) -> Iterator[LocalServer]:
    """A server of its own for one test, which wants the key."""
    with LocalServer(model) as running:
        yield running


def make(server: LocalServer, **options: Any) -> EndpointEmbedder:
    settings = {"api_key": KEY, "send_dimensions": True, "timeout_s": 5.0, **options}
    return EndpointEmbedder(server.base_url, MODEL, DIM, **settings)


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_the_vectors_are_the_servers(encoding: str, guarded: LocalServer) -> None:
    """Either encoding gives the vectors the server computed, in the order asked, over several requests."""
    texts = [f"question number {i}" for i in range(10)]
    made = make(guarded, encoding_format=encoding, max_batch=3)
    assert made.embed(texts) == pytest.approx(np.stack([expected(text, DIM) for text in texts]), abs=1e-6)
    made.close()


def test_the_index_decides_which_text_a_vector_is_of(model: LocalModel, guarded: LocalServer) -> None:
    """Vectors sent in another order are put in the order of their ``index``."""
    made = make(guarded)
    model.inject(Fault("status", 200, body=listed(row(0, 1, 0, 0), row(1, 0, 0, 0), index=[1, 0])))
    assert made.embed(["first", "second"]).tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]
    made.close()


def test_prefix_and_settings_are_sent(guarded: LocalServer) -> None:
    """The prefix is put before each text, and shows in the fingerprint with address, model and dimension."""
    made = make(guarded, prefix="query: ")
    assert made.embed(["x y"])[0] == pytest.approx(expected("query: x y", DIM), abs=1e-6)
    plain = make(guarded)
    assert len({made.fingerprint, plain.fingerprint, EndpointEmbedder(guarded.base_url, "other", DIM).fingerprint}) == 3
    assert f"127.0.0.1:{guarded.port}/v1:{MODEL}/{DIM}" in plain.fingerprint
    made.close()
    plain.close()


def row(*numbers: float) -> list[float]:
    return list(numbers)


def coded(*numbers: float) -> str:
    return base64.b64encode(np.asarray(numbers, dtype="<f4").tobytes()).decode()


def listed(*embeddings: object, index: list[int] | None = None) -> dict[str, object]:
    places = index or list(range(len(embeddings)))
    return {"data": [{"index": i, "embedding": e} for i, e in zip(places, embeddings, strict=True)]}


GOOD = row(1, 0, 0, 0)
FAULTS: dict[str, Fault] = {
    "rate limited": Fault("status", 429),
    "server error": Fault("status", 500),
    "quotes the key": Fault("status", 401, body={"error": {"message": f"Incorrect API key provided: {KEY}"}}),
    "redirect": Fault("status", 307, body={}, headers={"location": "http://127.0.0.1:1/v1/embeddings"}),
    "accepted, not done": Fault("status", 202, body={}),
    "connection dropped": Fault("drop"),
    "body cut": Fault("cut"),
    "no list": Fault("status", 200, body={"object": "list"}),
    "too few": Fault("status", 200, body=listed(GOOD)),
    "too many": Fault("status", 200, body=listed(GOOD, GOOD, GOOD)),
    "index twice": Fault("status", 200, body=listed(GOOD, GOOD, index=[0, 0])),
    "index beyond": Fault("status", 200, body=listed(GOOD, GOOD, index=[1, 2])),
    "index below": Fault("status", 200, body=listed(GOOD, GOOD, index=[-1, 0])),
    "wrong size": Fault("status", 200, body=listed(GOOD, row(1, 0, 0))),
    "larger than asked": Fault("status", 200, body=listed(row(*[1.0] * 8), row(*[1.0] * 8))),
    "zeros": Fault("status", 200, body=listed(GOOD, row(0, 0, 0, 0))),
    "words": Fault("status", 200, body=listed(GOOD, ["a", "b", "c", "d"])),
    "null": Fault("status", 200, body=listed(GOOD, [None] * 4)),
    "no base64": Fault("status", 200, body=listed(GOOD, "!!!!")),
    "base64 of no floats": Fault("status", 200, body=listed(GOOD, base64.b64encode(b"abc").decode())),
}


@contextmanager
def everything_said(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """What is logged inside at any level, errors with their whole chain included; checked for the key at the end."""
    said: list[str] = []
    with caplog.at_level(logging.DEBUG):
        yield said
    said += [record.getMessage() for record in caplog.records]
    assert not [line for line in said if KEY in line or "Bearer" in line]


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_an_embedder_error(
    name: str, model: LocalModel, guarded: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the endpoint does wrong is one line of EmbedderError, without the key anywhere in message, chain,
    traceback, repr or log; the next request works."""
    made = make(guarded)
    with everything_said(caplog) as said:
        model.inject(FAULTS[name])
        with pytest.raises(EmbedderError) as caught:
            made.embed(["one", "two"])
        said += traceback.format_exception(caught.value)
        said += [repr(made), str(vars(made)), made.fingerprint]
        for error in chain(caught.value):
            said += [repr(error), str(getattr(error, "__dict__", ""))]
            assert not hasattr(error, "request"), "the request, which holds the key, hangs on the error"
        assert "\n" not in str(caught.value)
        assert made.embed(["one"])[0] == pytest.approx(expected("one", DIM), abs=1e-6)
    made.close()


def test_a_wrong_key_is_an_error(guarded: LocalServer, caplog: pytest.LogCaptureFixture) -> None:
    """A server that refuses the key gives the status, in the message and as data."""
    with everything_said(caplog), pytest.raises(EmbedderError, match="401") as caught:
        make(guarded, api_key="wrong").embed(["x"])
    assert caught.value.data["status"] == 401


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_vectors_that_are_no_numbers_never_pass_the_service(
    bad: float, model: LocalModel, guarded: LocalServer
) -> None:
    """NaN or infinity in one vector fails that text alone in the service; its neighbour is asked again and right."""
    made = make(guarded)
    with EmbeddingService(made) as service:
        model.inject(Fault("status", 200, body=listed(coded(bad, 0, 0, 1))))
        rows = service.embed_each(["lone"])
        assert isinstance(rows[0], EmbedderError)
        model.inject(Fault("status", 200, body=listed(coded(*GOOD), coded(bad, 0, 0, 1))))
        model.inject(Fault("status", 200, body=listed(coded(bad, 0, 0, 1))))
        good, lone = service.embed_each(["good", "bad"])
        assert good == pytest.approx(GOOD)
        assert isinstance(lone, EmbedderError)
    made.close()


def test_a_hang_ends_at_the_timeout(model: LocalModel, guarded: LocalServer) -> None:
    """A server that never answers is an EmbedderError once ``timeout_s`` is over."""
    made = make(guarded, timeout_s=0.2)
    model.inject(Fault("timeout"))
    with pytest.raises(EmbedderError, match="did not answer"):
        made.embed(["x"])
    made.close()


def test_nobody_there() -> None:
    """A refused connection is an EmbedderError."""
    with LocalServer(LocalModel()) as gone:
        address = gone.base_url
    with pytest.raises(EmbedderError, match="did not answer"):
        EndpointEmbedder(address, MODEL, DIM).embed(["x"])


def test_a_closed_embedder_says_so(guarded: LocalServer) -> None:
    """After ``close`` embedding is an EmbedderError; closing twice is harmless."""
    made = make(guarded)
    made.embed(["x"])
    made.close()
    made.close()
    with pytest.raises(EmbedderError, match="closed"):
        made.embed(["x"])


class RawServer(ThreadingHTTPServer):
    """Says exactly what it is told, which a well-behaved server never would."""

    daemon_threads = True

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                with suppress(OSError):  # the client has had enough
                    answer(self)

            def log_message(self, *parts: object) -> None:
                """Not to the terminal."""

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{cast(int, self.server_address[1])}/v1"


@contextmanager
def raw(answer: Callable[[BaseHTTPRequestHandler], None], **options: Any) -> Iterator[EndpointEmbedder]:
    server = RawServer(answer)
    made = EndpointEmbedder(server.base_url, MODEL, DIM, api_key=KEY, **{"timeout_s": 0.5, **options})
    try:
        yield made
    finally:
        made.close()
        server.shutdown()
        server.server_close()


def sends(body: bytes, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>gateway</html>", b"\xff\xfe", b'{"data": [{"index": 0, "embedding": [1, NaN, 0, 0]}]}', b"[]"],
    ids=["empty", "HTML", "no text", "NaN in JSON", "a list"],
)
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    """A body that is not the API's JSON is an EmbedderError."""
    with raw(sends(body)) as made, pytest.raises(EmbedderError, match="not an embeddings list"):
        made.embed(["x"])


def test_a_trickling_answer_ends_at_the_timeout() -> None:
    """A server that sends a byte now and then, each within the timeout, does not hold the caller for good."""
    stop = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "100000")
        handler.end_headers()
        while not stop.wait(0.02):
            handler.wfile.write(b" ")

    with raw(answer, timeout_s=0.2) as made, pytest.raises(EmbedderError, match="in time"):
        made.embed(["x"])
    stop.set()


def test_an_endless_answer_is_cut_off() -> None:
    """A body far larger than the vectors asked for is not read into memory."""
    sent = [0]

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(10_000):
            handler.wfile.write(b" " * 65536)
            sent[0] += 65536

    with raw(answer, timeout_s=20) as made, pytest.raises(EmbedderError, match="more than"):
        made.embed(["x"])
    assert sent[0] < 32 << 20


def test_a_redirect_is_not_followed() -> None:
    """A redirect to another address gets no request, so that the key goes nowhere else."""
    reached = threading.Event()

    def elsewhere(handler: BaseHTTPRequestHandler) -> None:
        reached.set()

    thief = RawServer(elsewhere)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(307)
        handler.send_header("location", thief.base_url + "/embeddings")
        handler.send_header("content-length", "0")
        handler.end_headers()

    with raw(answer) as made, pytest.raises(EmbedderError, match="307"):
        made.embed(["x"])
    thief.shutdown()
    thief.server_close()
    assert not reached.is_set()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_reads_its_own_answers(guarded: LocalServer) -> None:
    """Parent and child asking at once after a fork each get the vectors of their own texts."""
    made = make(guarded, timeout_s=10)
    made.embed(["a connection is open now"])

    def all_right(who: str) -> bool:
        texts = [f"{who} {i}" for i in range(60)]
        return all(np.allclose(made.embed([text])[0], expected(text, DIM), atol=1e-6) for text in texts)

    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if all_right("child") else 2
        finally:
            os._exit(code)
    mine = all_right("parent")
    until = time.monotonic() + 30
    ended = status = 0
    while not ended and time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.01)
    if not ended:
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert ended, "the child hung"
    assert (os.waitstatus_to_exitcode(status), mine) == (0, True)
    made.close()


@pytest.mark.parametrize(
    ("setting", "options"),
    [
        ("base_url", {"base_url": "ftp://host/v1"}),
        ("base_url", {"base_url": "host/v1"}),
        ("base_url", {"base_url": f"http://user:{KEY}@127.0.0.1/v1"}),
        ("base_url", {"base_url": f"http://127.0.0.1/v1?key={KEY}"}),
        ("model", {"model": ""}),
        ("dim", {"dim": 0}),
        ("max_batch", {"max_batch": 0}),
        ("timeout_s", {"timeout_s": 0}),
        ("timeout_s", {"timeout_s": math.nan}),
        ("encoding_format", {"encoding_format": "int8"}),
        ("api_key", {"api_key": ""}),
        ("api_key", {"api_key": KEY + "\n"}),
        ("api_key", {"api_key": KEY + "é"}),
        ("headers", {"headers": {"x": KEY + "\udc80"}}),
    ],
)
def test_settings_are_checked(setting: str, options: dict[str, Any]) -> None:
    """A setting that cannot work is named at construction, and secrets in it are not repeated."""
    with pytest.raises(ConfigError) as caught:
        EndpointEmbedder(**{"base_url": "http://127.0.0.1:1/v1", "model": "m", "dim": 4, **options})
    assert caught.value.data["setting"] == setting
    for error in chain(caught.value):
        assert KEY not in f"{error!r} {vars(error)} {getattr(error, 'object', '')}"
