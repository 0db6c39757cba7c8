"""The public pair sets, and a split of each by hash with no question on both sides.

The folder with the files is given by the caller; where each set lives in public is told in
``docs/benchmarks.md``. Two questions that occur in one pair belong together, and so does whatever else
they are paired with: whole groups of pairs go to one side, chosen by a digest of the group.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from askonce.cache.pair_files import groups_of

FILES = {
    "qqp": "qqp_gptcache_train.tsv.gz",
    "paws": "paws_wiki_en_devtest.tsv.gz",
    "cannot": "cannot_negation.tsv.gz",
    "gsm_plus": "gsm_plus_numeric.tsv.gz",
    "mrpc": "mrpc.tsv.gz",
    "stsb": "stsb_en.tsv.gz",
    "apt": "apt_adversarial_paraphrase.tsv.gz",
    "parade": "parade_cs_definitions.tsv.gz",
    "pit2015": "pit2015_twitter_devtest.tsv.gz",
    "situatedqa": "situatedqa_temp_pairs.tsv.gz",
    "disfl_qa": "disfl_qa.tsv.gz",
    "covid": "covid_question_similarity.tsv.gz",
    "lcqmc": "lcqmc_zh.tsv.gz",
    "afqmc": "afqmc_zh.tsv.gz",
}
CHINESE = ("lcqmc", "afqmc")
NEVER_TRAINED = ("covid",)
"""Test only, whole: too small to split."""
TEST_SHARE = 0.2
TUNE_SHARE = 0.08
_LARGEST = 0.05


class Pair(NamedTuple):
    """Two texts, and whether one answer serves both (1) or serving it would be wrong (0)."""

    text_a: str
    text_b: str
    label: int
    meta: str = ""


_SPACED = re.compile(r"\s+([,.;:?!%)\]}]|'s\b|'re\b|'ve\b|'ll\b|'d\b|n't\b)")
_OPENING = re.compile(r"([(\[{$])\s+")


def detokenise(text: str) -> str:
    """Undo the spaces and quotes of a treebank tokenizer, so that a text looks as people write it."""
    text = text.replace("``", '"').replace("''", '"')
    return _OPENING.sub(r"\1", _SPACED.sub(r"\1", text)).strip()


def read_pairs(path: Path) -> list[Pair]:
    """Pairs of a ``.tsv.gz`` file with the columns text_a, text_b, label and perhaps meta."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Pair(row["text_a"], row["text_b"], int(row["label"]), row.get("meta") or "") for row in rows]


def load_set(name: str, data: Path, part: str = "test") -> list[Pair]:
    """One part of a set.

    Args:
        name: One of :data:`FILES`.
        data: Folder of the files.
        part: ``"train"`` (the pair model's), ``"tune"`` (what turns its log-odds into a risk), ``"test"`` or ``"all"``.

    Raises:
        ValueError: There is no such set or part.
        FileNotFoundError: The folder lacks the file.
    """
    if name not in FILES or part not in ("train", "tune", "test", "all"):
        raise ValueError(f"no set {name!r} or part {part!r}; sets are {', '.join(FILES)}")
    pairs = read_pairs(data / FILES[name])
    if name == "paws":
        pairs = [Pair(detokenise(a), detokenise(b), label, meta) for a, b, label, meta in pairs]
    if part == "all":
        return pairs
    if name in NEVER_TRAINED:
        return pairs if part == "test" else []
    return [pair for pair, of in zip(pairs, parts_of(pairs), strict=True) if of == part]


def parts_of(pairs: list[Pair]) -> list[str]:
    """For each pair, its part. Groups beyond a twentieth of the set are for training."""
    groups = groups_of((normal(a), normal(b)) for a, b, *_ in pairs)
    sizes: dict[str, int] = {}
    for pair in pairs:
        group = groups[normal(pair.text_a)]
        sizes[group] = sizes.get(group, 0) + 1
    out = []
    for pair in pairs:
        group = groups[normal(pair.text_a)]
        number = int.from_bytes(blake2b(group.encode(), digest_size=8).digest(), "big") / 2**64
        part = "test" if number < TEST_SHARE else "tune" if number < TEST_SHARE + TUNE_SHARE else "train"
        out.append(part if sizes[group] <= _LARGEST * len(pairs) else "train")
    return out


def normal(text: str) -> str:
    """What makes two texts one question for the split: case and spaces do not count."""
    return " ".join(text.lower().split())


def held_out_texts(data: Path, names: Iterable[str]) -> Iterator[str]:
    """Every text of the test and tune parts, as :func:`normal` makes it: what training must not have seen."""
    for name in names:
        if (data / FILES[name]).exists():
            for part in ("test", "tune"):
                for pair in load_set(name, data, part):
                    yield normal(pair.text_a)
                    yield normal(pair.text_b)
