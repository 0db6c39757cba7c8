"""Labelled pairs written for these tests, with the cosines the models gave when they were recorded."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from askonce.embeddings import Embedder


class Pair(NamedTuple):
    """``official``, ``shipped`` and ``multilingual`` are recorded cosines; NaN where the model is not meant."""

    language: str
    one: str
    other: str
    label: int
    official: float
    shipped: float
    multilingual: float


def own_pairs(*languages: str) -> list[Pair]:
    """The pairs of the given languages, or all."""
    with (Path(__file__).parent / "own_pairs.tsv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        Pair(
            r["language"], r["text_a"], r["text_b"], int(r["label"]),
            *(float(r[name] or "nan") for name in ("official", "shipped", "multilingual")),
        )
        for r in rows
        if not languages or r["language"] in languages
    ]  # fmt: skip


def cosines(embedder: Embedder, pairs: list[Pair]) -> NDArray[np.float64]:
    """Cosine of each pair."""
    one = embedder.embed([pair.one for pair in pairs]).astype(np.float64)
    other = embedder.embed([pair.other for pair in pairs]).astype(np.float64)
    return np.asarray((one * other).sum(axis=1))
