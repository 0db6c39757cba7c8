"""The pairs rules are compared on: the test parts of the public sets, and the trap corpus."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from askonce.embeddings import scripts_of
from training.sets import CHINESE, FILES, Pair, load_set

TRAPS = Path(__file__).parent / "traps" / "traps.tsv"
SETS = (
    "qqp", "covid", "situatedqa", "gsm_plus", "paws", "cannot", "mrpc", "apt", "parade", "pit2015", "stsb",
    "lcqmc", "afqmc",
)  # fmt: skip
"""Public sets, in the order in which they are shown."""


def read_traps(path: Path | None = None) -> list[Pair]:
    """The trap corpus: pairs made by hand and by templates to look alike and differ, or look different and agree."""
    with (path or TRAPS).open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Pair(row["text_a"], row["text_b"], int(row["label"]), row.get("meta") or "") for row in rows]


def gather(data: Path | None, names: Iterable[str], most: int | None, seed: int) -> dict[str, tuple[list[Pair], bool]]:
    """By set, its pairs and whether they are Chinese. What the folder lacks is left out.

    Args:
        most: At most so many pairs of a set, drawn evenly.
    """
    found: dict[str, tuple[list[Pair], bool]] = {}
    wanted = list(names)
    for name in wanted:
        if data is not None and name in FILES and (data / FILES[name]).exists():
            found[name] = (load_set(name, data, "test"), name in CHINESE)
    if TRAPS.exists():
        for pair in read_traps():
            chinese = not scripts_of(pair.text_a + pair.text_b) <= {"latin"}
            name = "traps (not English)" if chinese else "traps"
            if name in wanted or not wanted or "traps" in wanted:
                found.setdefault(name, ([], chinese))[0].append(pair)
    if most is not None:
        rng = np.random.default_rng(seed)
        for name, (pairs, chinese) in found.items():
            if len(pairs) > most:
                found[name] = ([pairs[i] for i in sorted(rng.permutation(len(pairs))[:most].tolist())], chinese)
    return found
