"""What an embedder promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]


class Embedder(Protocol):
    """Text to unit vector.

    - ``embed`` takes n texts and returns float32 of shape ``(n, dim)``; each row has length 1.
    - The same text gives the same vector (to about 1e-3) whatever it is batched with.
    - Any failure raises; the cache turns it into a miss. An EmbedderError with ``refused=True`` says that
      the text is at fault and not the embedder; the other texts of the batch are then asked again.
    - ``fingerprint`` names model, revision and pooling; vectors of different fingerprints are never compared.
    - ``scripts`` are the writing systems the model knows, as in :func:`askonce.embeddings.scripts_of`;
      None means all. With a question in another script the semantic tier stays out.
    - May be called from any thread.

    An embedder may also have ``load()``, which readies it ahead of the first text, and ``inline``, true while
    one short text takes it milliseconds of pure computation: a caller that would only wait then does the work
    on its own thread.
    """

    fingerprint: str
    dim: int
    scripts: frozenset[str] | None

    def embed(self, texts: Sequence[str]) -> Matrix: ...
