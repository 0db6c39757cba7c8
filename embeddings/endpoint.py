"""Any OpenAI-compatible embeddings endpoint (extra ``openai``, which brings httpx2).

Request and reply as in https://platform.openai.com/docs/api-reference/embeddings/create. There is no
retry: a cache that waits for a second try is slower than the miss it would save.
"""

from __future__ import annotations

import base64
import binascii
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import msgspec
import numpy as np

from ..errors import ConfigError, EmbedderError, MissingExtra
from ..forks import renew_after_fork
from .contract import Matrix
from .function import unit_rows


class _Item(msgspec.Struct):
    index: int
    embedding: str | list[float]


class _Reply(msgspec.Struct):
    data: list[_Item]


_decoder = msgspec.json.Decoder(_Reply)


class EndpointEmbedder:
    """Embed by ``POST {base_url}/embeddings``.

    The key is sent in the ``Authorization`` header and appears nowhere else: not in ``repr``, not in
    the fingerprint, not in an error or what caused it. Redirects are not followed, so it goes to
    ``base_url`` only. A forked child opens connections of its own.

    Args:
        base_url: Up to and without ``/embeddings``, such as ``https://api.openai.com/v1``.
        model: Name of the model there.
        dim: Length of its vectors.
        api_key: Bearer token; None sends none. It is not read from the environment, so that a key
            made for one service is never sent to another.
        headers: Sent with each request; may hold secrets, treated like the key.
        timeout_s: For one request: connecting, sending and the whole answer, however slowly it trickles.
        max_batch: Most texts per request.
        send_dimensions: Ask for ``dim`` dimensions (models that can shorten their vectors).
        encoding_format: ``"base64"`` is smaller and faster, ``"float"`` is understood everywhere;
            either answer is read whatever was asked.
        prefix: Put before each text (``"query: "`` for E5 models).
        scripts: Writing systems the model knows; None means all.
        transport: An httpx2 transport, for proxies and tests; it must itself outlive a fork.

    Raises:
        MissingExtra: httpx2 is not installed.
        ConfigError: The address or a number is unusable.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        dim: int,
        *,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 5.0,
        max_batch: int = 256,
        send_dimensions: bool = False,
        encoding_format: str = "float",
        prefix: str = "",
        scripts: Iterable[str] | None = None,
        transport: Any = None,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError("base_url must look like https://host/v1", setting="base_url")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ConfigError(
                "base_url must not hold a user, password or query: give them as api_key or headers", setting="base_url"
            )
        for setting, value in (("dim", dim), ("max_batch", max_batch)):
            if value < 1:
                raise ConfigError(f"{setting} must be 1 or more, not {value}", setting=setting)
        if not timeout_s > 0:
            raise ConfigError(f"timeout_s must be above 0, not {timeout_s}", setting="timeout_s")
        if encoding_format not in ("float", "base64"):
            raise ConfigError("encoding_format must be 'float' or 'base64'", setting="encoding_format")
        if not model:
            raise ConfigError("model must not be empty", setting="model")
        if find_spec("httpx2") is None:
            raise MissingExtra("httpx2", "openai", "an embeddings endpoint")
        self.dim = dim
        self.scripts = None if scripts is None else frozenset(scripts)
        self._model = model
        self._prefix = prefix
        self._url = base_url.rstrip("/") + "/embeddings"
        self._body: dict[str, Any] = {"model": model, "encoding_format": encoding_format}
        if send_dimensions:
            self._body["dimensions"] = dim
        self._max_batch = max_batch
        self.fingerprint = f"endpoint:{parts.netloc}{parts.path.rstrip('/')}:{model}/{dim}"
        if prefix:
            self.fingerprint += f"/{prefix!r}"
        sent = dict(headers or {})
        if api_key is not None:
            if not api_key.isascii() or not api_key.isprintable() or not api_key.strip():
                # said here, without the key, because the HTTP library's own error would quote it
                raise ConfigError("api_key is empty or has characters no HTTP header can hold", setting="api_key")
            sent["Authorization"] = f"Bearer {api_key}"
        self._timeout_s = timeout_s
        client: Any = import_module("httpx2").Client

        def connect() -> Any:  # a closure, so that no attribute shows the headers
            return client(timeout=timeout_s, headers=sent, transport=transport, follow_redirects=False)

        self._connect = connect
        self._client: Any = None
        with suppress(Exception):
            self._client = connect()
        if self._client is None:  # raised here: the error itself quotes the header
            raise ConfigError("headers hold something that cannot be sent over HTTP", setting="headers")
        self._closed = False
        self._client_pid = os.getpid()
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"EndpointEmbedder({self.fingerprint!r})"

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Unit vectors, float32 of shape ``(len(texts), dim)``.

        Raises:
            EmbedderError: The endpoint did not answer in time, answered with an error, or its answer
                is not exactly one vector per text.
        """
        out: Matrix = np.empty((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), self._max_batch):
            part = [self._prefix + text for text in texts[start : start + self._max_batch]]
            out[start : start + len(part)] = self._ask(part)
        return out

    def _ask(self, texts: list[str]) -> Matrix:
        try:
            body = msgspec.json.encode({**self._body, "input": texts})
        except UnicodeEncodeError:
            raise EmbedderError("the text is not valid Unicode and cannot be embedded", refused=True) from None
        status, answer, fault = self._post(body, most=4096 + len(texts) * (4096 + 64 * self.dim))
        # Raised here and not where it happened: the HTTP library's exceptions carry the request, with the
        # key in it, and would stay reachable as the context of ours.
        if fault:
            raise EmbedderError(f"the embeddings endpoint {fault}")
        if status != 200:
            # the body is left out: providers quote parts of the key in it
            raise EmbedderError(f"the embeddings endpoint answered {status}", status=status)
        try:
            items = _decoder.decode(answer).data
        except msgspec.MsgspecError:
            raise EmbedderError("the embeddings endpoint's answer is not an embeddings list") from None
        if sorted(item.index for item in items) != list(range(len(texts))):
            raise EmbedderError(
                f"the embeddings endpoint answered {len(items)} vectors for {len(texts)} texts, "
                "or did not number them from 0"
            )
        raw = np.empty((len(texts), self.dim), dtype=np.float64)
        for item in items:
            row = _floats(item.embedding)
            if row.shape != (self.dim,):
                raise EmbedderError(f"the embeddings endpoint sent {row.size} dimensions, not {self.dim}: set dim")
            raw[item.index] = row
        return unit_rows(raw, len(texts), self.dim, "the embeddings endpoint")

    def _post(self, body: bytes, most: int) -> tuple[int, bytes, str]:
        """Status, body (of at most ``most`` bytes) and what went wrong, or an empty string."""
        if self._closed:
            return 0, b"", "is closed"
        deadline = perf_counter() + self._timeout_s
        kind = {"Content-Type": "application/json"}
        got = bytearray()
        try:
            with self._http().stream("POST", self._url, content=body, headers=kind) as response:
                for piece in response.iter_bytes():
                    got += piece
                    if len(got) > most:
                        return 0, b"", f"sent more than {most} bytes"
                    if perf_counter() > deadline:
                        return 0, b"", "did not answer in time"
                return int(response.status_code), bytes(got), ""
        except Exception as error:
            return 0, b"", f"did not answer ({type(error).__name__})"

    def _http(self) -> Any:
        """The client of this process: on the parent's connections a child would read the parent's answers."""
        with self._lock:
            if self._client_pid != self._pid:
                self._client = self._connect()  # the parent's is dropped unclosed: closing would end its TLS
                self._client_pid = self._pid
            return self._client

    def close(self) -> None:
        """Close the connections; ``embed`` then raises EmbedderError."""
        self._closed = True
        if self._client_pid == self._pid:
            self._client.close()


def _floats(embedding: str | list[float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """A vector as sent: a list of numbers, or base64 of little-endian float32."""
    if isinstance(embedding, list):
        return np.asarray(embedding, dtype=np.float64)
    try:
        data = base64.b64decode(embedding, validate=True)
        return np.frombuffer(data, dtype="<f4").astype(np.float64)
    except (binascii.Error, ValueError):
        raise EmbedderError("the embeddings endpoint sent base64 that does not decode to float32") from None
