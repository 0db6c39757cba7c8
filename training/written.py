"""Groups of questions written by hand for training: what one answer serves, and near misses of it.

A file holds groups parted by blank lines; ``#`` opens a group with its domain, ``=`` are questions that one answer
serves, ``!`` near misses that need another::

    # banking
    = How do I freeze my debit card?
    = debit card, put a temporary block on it
    ! How do I unfreeze my debit card?

Whole groups go to the training or to the tune part, by a digest of their questions.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from hashlib import blake2b
from itertools import combinations, product
from pathlib import Path
from typing import NamedTuple

from .sets import Pair

FOLDER = Path(__file__).parent / "written"
TUNE_SHARE = 0.12
MISSES = 14
"""Pairs with a near miss taken of a group, at most: about as many as there are pairs that ask the same."""


class Group(NamedTuple):
    """One group: its domain, the questions one answer serves, and the near misses."""

    domain: str
    same: tuple[str, ...]
    misses: tuple[str, ...]


def read_groups(language: str, part: str = "train", folder: Path = FOLDER) -> list[Group]:
    """Groups of a language (``"en"`` or ``"zh"``) in the order of the files.

    Raises:
        ValueError: A line has none of the marks, or a group has no two questions that ask the same.
    """
    out = []
    for path in sorted(folder.glob(f"{language}_*.txt")):
        for number, block in enumerate(path.read_text(encoding="utf-8").strip().split("\n\n"), 1):
            group = _group(block, f"{path.name}, group {number}")
            if in_tune("\n".join(group.same)) == (part == "tune"):
                out.append(group)
    return out


def in_tune(text: str) -> bool:
    """Whether what ``text`` tells of belongs to the tune part: by a digest, so that it always does or never."""
    digest = blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64 < TUNE_SHARE


def _group(block: str, where: str) -> Group:
    found: dict[str, list[str]] = {"#": [], "=": [], "!": []}
    for line in block.splitlines():
        mark, text = line[:1], line[1:].strip()
        if mark not in found or not text:
            raise ValueError(f"{where}: a line begins with '#', '=' or '!' and has a text, not {line!r}")
        found[mark].append(text)
    if len(found["="]) < 2:
        raise ValueError(f"{where}: a group has two questions or more that one answer serves")
    return Group(" ".join(found["#"]), tuple(found["="]), tuple(found["!"]))


def pairs_of(groups: list[Group], rng: random.Random, misses: int = MISSES) -> Iterator[Pair]:
    """Every two questions of a group that ask the same, and up to ``misses`` pairs with a near miss."""
    for group in groups:
        for one, two in combinations(group.same, 2):
            yield Pair(one, two, 1, "written")
        near = list(product(group.same, group.misses))
        for one, two in rng.sample(near, min(misses, len(near))):
            yield Pair(one, two, 0, "written")
