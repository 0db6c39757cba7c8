"""How well an embedder tells same questions from different ones, and how long it takes.

    python -m askonce.embeddings.measure default multilingual sentence-transformers:PATH --data DIR

``DIR`` holds pair files, ``NAME.tsv.gz`` with a header and the columns ``text_a``, ``text_b`` and ``label``
(1: the same answer serves both); without the option it is ``$ASKONCE_DATA``. Known names are Quora question
pairs, LCQMC and AFQMC (Chinese questions), STS-B, MRPC, PAWS and COVID-QA's question similarity; others are
found with ``--files``.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import AskonceError, ConfigError, EmbedderError
from .contract import Embedder, Matrix

ENGLISH = ("qqp_gptcache_train", "covid_question_similarity", "stsb_en", "paws_wiki_en_devtest", "mrpc")
CHINESE = ("lcqmc_zh", "afqmc_zh")
SHORT_QUESTION = "How do I reset my password for the online account?"


def auc(labels: Sequence[int], scores: NDArray[np.floating[Any]]) -> float:
    """The chance that a pair labelled 1 scores above one labelled 0 (ties count half); NaN without both."""
    truth = np.asarray(labels) == 1
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    ones, zeros = int(truth.sum()), int((~truth).sum())
    if not ones or not zeros:
        return float("nan")
    return float((ranks[truth].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def read_pairs(path: Path, most: int) -> tuple[list[str], list[str], list[int]]:
    """Up to ``most`` pairs of a file, drawn evenly with a fixed seed.

    Raises:
        ConfigError: The file is not gzip, or lacks a column.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
        if len(rows) > most:
            rows = [rows[i] for i in np.random.default_rng(20).permutation(len(rows))[:most]]
        return [r["text_a"] for r in rows], [r["text_b"] for r in rows], [int(r["label"]) for r in rows]
    except (OSError, EOFError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise ConfigError(f"{path} is not a file of labelled pairs ({type(error).__name__})", setting="data") from error


def pair_files(data: Path, names: Sequence[str]) -> list[Path]:
    """Those of ``names`` that are under ``data``.

    Raises:
        ConfigError: None of them is there.
    """
    found = [path for name in names if (path := data / f"{name}.tsv.gz").is_file()]
    if not found:
        raise ConfigError(f"none of {', '.join(names)} (.tsv.gz) is in {data}", setting="data")
    return found


def milliseconds(embed: Callable[[list[str]], Matrix], text: str = SHORT_QUESTION, times: int = 200) -> float:
    """Median wall-clock milliseconds for one text, tokenizing included."""
    spent = []
    for _ in range(times + 20):
        start = perf_counter()
        embed([text])
        spent.append(perf_counter() - start)
    return float(np.median(spent[20:]) * 1e3)


def similarities(
    embed: Callable[[list[str]], Matrix], left: Sequence[str], right: Sequence[str]
) -> NDArray[np.float64]:
    """Cosine of each pair, float64 ``(len(left),)``; NaN where the embedder refuses one of the two."""
    rows: dict[str, Matrix | None] = {}
    for text in (*left, *right):
        if text not in rows:
            try:
                rows[text] = embed([text])[0]
            except EmbedderError as error:
                if not error.data.get("refused"):
                    raise
                rows[text] = None
    out = np.full(len(left), np.nan)
    for at, (a, b) in enumerate(zip(left, right, strict=True)):
        one, two = rows[a], rows[b]
        if one is not None and two is not None:
            out[at] = float(one @ two)
    return out


def _embedder(name: str) -> Embedder:
    from . import OnnxEmbedder, embedder_from_name

    if name in ("default", "all-MiniLM-L6-v2"):
        # asked of every text, also of those it would refuse in a cache
        return OnnxEmbedder(overflow="truncate", unknown="ignore")
    return embedder_from_name(name)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m askonce.embeddings.measure", description="see the module")
    parser.add_argument("embedder", nargs="+", help="as in the setting: default, multilingual, ...")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("ASKONCE_DATA", ".")))
    parser.add_argument("--files", nargs="+", default=[*ENGLISH, *CHINESE], metavar="NAME")
    parser.add_argument("--most", type=int, default=2000, help="pairs per file (default 2000)")
    options = parser.parse_args(arguments)
    try:
        files = pair_files(options.data, options.files)
        for name in options.embedder:
            embedder = _embedder(name)
            print(f"{name}: {milliseconds(embedder.embed):.2f} ms for a short question")
            print(f"  {'pairs':28}{'count':>8}{'refused':>9}{'AUC':>9}{'mean same':>11}{'mean other':>12}")
            for path in files:
                left, right, labels = read_pairs(path, options.most)
                scores = similarities(embedder.embed, left, right)
                kept = ~np.isnan(scores)
                truth, scores = np.asarray(labels)[kept], scores[kept]
                means = [float(scores[truth == label].mean()) if (truth == label).any() else np.nan for label in (1, 0)]
                print(
                    f"  {path.name.removesuffix('.tsv.gz'):28}{len(labels):8}{int((~kept).sum()):9}"
                    f"{auc(truth.tolist(), scores):9.4f}{means[0]:11.3f}{means[1]:12.3f}"
                )
    except AskonceError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
