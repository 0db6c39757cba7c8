"""Pairs out of clusters and templates, always the same ones."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from . import (
    hand_en_1,
    hand_en_2,
    hand_en_3,
    hand_en_4,
    hand_en_5,
    hand_zh_1,
    hand_zh_2,
    hand_zh_3,
    rule_en_1,
    rule_en_2,
    rule_zh,
)
from .cases import GENERAL_FIRST, Cluster, Line, read

PATH = Path(__file__).with_name("traps.tsv")
HEADER = "text_a\ttext_b\tlabel\tmeta"
SEED = 20240229
PER_TEMPLATE = 12
SAME_PER_TEMPLATE = 5
_HAND = {
    "en": (hand_en_1, hand_en_2, hand_en_3, hand_en_4, hand_en_5),
    "zh": (hand_zh_1, hand_zh_2, hand_zh_3),
}
_RULE = {"en": (rule_en_1, rule_en_2), "zh": (rule_zh,)}
_SLOT = re.compile(r"\{(\w+)(\*?)\}")


@dataclass(frozen=True)
class Pair:
    """One labelled pair: ``text_a`` was cached, ``text_b`` is asked; label 1 when one answer serves both."""

    text_a: str
    text_b: str
    label: int
    meta: str

    def row(self) -> str:
        return f"{self.text_a}\t{self.text_b}\t{self.label}\t{self.meta}"

    def key(self) -> frozenset[str]:
        """The two texts whatever their order, case and spacing."""
        return frozenset(" ".join(text.casefold().split()) for text in (self.text_a, self.text_b))


def hand() -> list[tuple[str, Cluster]]:
    """All clusters written one by one, each with its language."""
    return [(lang, found) for lang, files in _HAND.items() for file in files for found in read(file.CLUSTERS)]


def rule() -> list[tuple[str, Cluster]]:
    """All templates, each with its language."""
    return [(lang, found) for lang, files in _RULE.items() for file in files for found in read(file.TEMPLATES)]


def fill(text: str, row: dict[str, str], following: dict[str, str]) -> str:
    """``text`` with ``{name}`` from ``row`` and ``{name*}`` from the row after it; a leading slot is capitalised."""
    filled = _SLOT.sub(lambda slot: (following if slot[2] else row)[slot[1]], text)
    return filled[0].upper() + filled[1:] if text.startswith("{") else filled


def filled(template: Cluster) -> list[Cluster]:
    """One cluster for each row of ``template``."""
    found = []
    for at, row in enumerate(template.rows):
        following = template.rows[(at + 1) % len(template.rows)]
        lines = [replace(line, text=fill(line.text, row, following)) for line in template.lines]
        found.append(Cluster(template.domain, fill(template.anchor, row, following), lines))
    return found


def straight(lang: str, cluster: Cluster) -> Iterator[Pair]:
    """The anchor against each line, anchor first."""
    for line in cluster.lines:
        yield Pair(cluster.anchor, line.text, int(line.same), _meta(lang, line))


def crossed(lang: str, cluster: Cluster, draw: random.Random) -> Iterator[Pair]:
    """A paraphrase against another, and two paraphrases against two traps: alike less in words, the same in law."""
    same = draw.sample([line for line in cluster.lines if line.same], 2)
    other = draw.sample([line for line in cluster.lines if not line.same], 2)
    yield Pair(same[0].text, same[1].text, 1, f"{lang}/same-mixed")
    for one, two in zip(same, other, strict=True):
        yield Pair(one.text, two.text, 0, _meta(lang, two))


def build() -> list[Pair]:
    """All pairs, in a fixed order. ValueError when two pairs contradict each other."""
    draw = random.Random(SEED)
    pairs: list[Pair] = []
    for lang, cluster in hand():
        pairs += straight(lang, cluster)
        pairs += crossed(lang, cluster, draw)
    for lang, template in rule():
        pairs += _sample(lang, template, draw)
    return [_turned(pair, draw) for pair in _unique(pairs)]


def text() -> str:
    """The content of the file."""
    return "".join(f"{line}\n" for line in (HEADER, *(pair.row() for pair in build())))


def counts(pairs: Iterable[Pair]) -> dict[str, Counter[str]]:
    """How many pairs each kind or sort has, by language; ``label 0`` and ``label 1`` are the totals."""
    table: dict[str, Counter[str]] = {}
    for pair in pairs:
        lang, _, kind = pair.meta.partition("/")
        table.setdefault(kind, Counter())[lang] += 1
        table.setdefault(f"label {pair.label}", Counter())[lang] += 1
    return table


def _meta(lang: str, line: Line) -> str:
    return f"{lang}/same-{line.tag}" if line.same else f"{lang}/{line.tag}"


def _sample(lang: str, template: Cluster, draw: random.Random) -> list[Pair]:
    """At most PER_TEMPLATE pairs, spread over lines first and rows second, now and then a paraphrase as anchor."""
    chosen: list[Pair] = []
    clusters = filled(template)
    for same, wanted in ((True, SAME_PER_TEMPLATE), (False, PER_TEMPLATE - SAME_PER_TEMPLATE)):
        lines = [at for at, line in enumerate(template.lines) if line.same == same]
        cells = [(line, row) for line in lines for row in range(len(clusters))]
        draw.shuffle(cells)
        used: Counter[tuple[str, int]] = Counter()
        for _ in range(min(wanted, len(cells))):
            best = min(cells, key=lambda cell: (used["line", cell[0]], used["row", cell[1]]))
            cells.remove(best)
            used.update((("line", best[0]), ("row", best[1])))
            cluster, line = clusters[best[1]], clusters[best[1]].lines[best[0]]
            anchors = [cluster.anchor] + [other.text for other in cluster.lines if other.same and other != line]
            turned = len(chosen) % 3 == 2  # a third starts from a paraphrase
            anchor = draw.choice(anchors[1:]) if turned else cluster.anchor
            meta = f"{lang}/same-mixed" if turned and same else _meta(lang, line)
            chosen.append(Pair(anchor, line.text, int(same), meta))
    return chosen


def _unique(pairs: Iterable[Pair]) -> list[Pair]:
    seen: dict[frozenset[str], Pair] = {}
    for pair in pairs:
        if len(pair.key()) < 2:
            raise ValueError(f"both texts are one: {pair.row()!r}")
        before = seen.setdefault(pair.key(), pair)
        if before.label != pair.label:
            raise ValueError(f"one pair, two labels: {before.row()!r} and {pair.row()!r}")
    return list(seen.values())


def _turned(pair: Pair, draw: random.Random) -> Pair:
    """The pair, or by the toss of a coin the other way round, where the order means nothing."""
    if draw.random() < 0.5 or pair.meta.partition("/")[2] in GENERAL_FIRST:
        return pair
    return replace(pair, text_a=pair.text_b, text_b=pair.text_a)
