"""What the tests of the FAISS index share."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import Any

import numpy as np

from askonce import FaissIndex
from askonce.backends.codes import Codes
from askonce.backends.contract import Vector

from .index_suite import SCOPES, key_of

WAIT = 60.0  # seconds after which a hang is a failure


def codes_of(index: FaissIndex, scope: bytes) -> Codes | None:
    """The codes a scope has now."""
    return index._parts[scope].codes


def clustered(count: int, dim: int, seed: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Unit vectors in families of near neighbours, as questions are."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((max(1, count // 20), dim))
    rows = centres[rng.integers(len(centres), size=count)] + rng.standard_normal((count, dim)) * rng.uniform(
        0.1, 0.9, (count, 1)
    )
    return np.ascontiguousarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def filled(stack: ExitStack, count: int, dim: int = 32, **options: Any) -> tuple[FaissIndex, dict[bytes, Vector]]:
    """An index with ``count`` vectors in one scope, built, and what it holds."""
    index = stack.enter_context(closing(FaissIndex(dim, "test-embedder", **options)))
    held = {key_of(n): row for n, row in enumerate(clustered(count, dim, 0))}
    for key, row in held.items():
        index.add(SCOPES[0], key, row)
    assert index.settle(WAIT)
    assert index.note == ""
    return index, held


def recall(index: FaissIndex, held: dict[bytes, Vector], queries: np.ndarray[Any, Any]) -> float:
    """Share of queries whose best match is as near as the nearest there is."""
    matrix = np.stack(list(held.values()))
    best = (queries @ matrix.T).max(axis=1)
    found = [index.search(SCOPES[0], q, 1)[0].similarity for q in queries]
    return float(np.mean(np.array(found) >= best - 1e-5))
