"""Streams of requests through a cache that is empty at first and fills as it goes.

A pool has questions with labels: one label, one answer. A stream draws from it, classes by a Zipf law and in a
wording at random, and between them one-offs that nobody asks again. Each request meets an exact tier, then a
search among the stored questions, then a rule; what is not served is asked upstream and stored. A served
answer of another label is a wrong hit.

A walk needs no vectors: who is near whom in the pool is computed once, and what is stored is a mask over it.
"""

from __future__ import annotations

import csv
import gzip
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import wordings
from .policies import Policy
from .traffic import bitext_wordings
from .vectors import Neighbours

_MARKS = re.compile(r"[?!.,;:]+(?=\s|$)")

# --- what is asked -------------------------------------------------------------------------------------


class Pool(NamedTuple):
    """Questions with known answers.

    Attributes:
        texts: All different.
        labels: Beside ``texts``; the same label is the same answer.
        classes: Places of the questions of each class that is asked again and again.
        strangers: Places of the questions that are asked once.
    """

    texts: list[str]
    labels: list[int]
    classes: list[list[int]]
    strangers: list[int]


def make_pool(classes: Iterable[Sequence[str]], strangers: Iterable[str]) -> Pool:
    """A pool of classes of questions and of one-offs; a question that is there already is left out."""
    texts: list[str] = []
    labels: list[int] = []
    kept: list[list[int]] = []
    seen: set[str] = set()

    def add(text: str, label: int) -> bool:
        if _plain(text) in seen:
            return False
        seen.add(_plain(text))
        texts.append(text)
        labels.append(label)
        return True

    number = 0
    for members in classes:
        places = [len(texts) - 1 for text in members if add(text, number)]
        if places:
            kept.append(places)
            number += 1
    alone = []
    for text in strangers:
        if add(text, number):
            alone.append(len(texts) - 1)
            number += 1
    return Pool(texts, labels, kept, alone)


def _plain(text: str) -> str:
    """What makes two texts one question: case, spaces and the marks between and after words do not count."""
    return " ".join(_MARKS.sub(" ", text.lower()).split())


def pool_of_pairs(pairs: Iterable[tuple[str, str, int]]) -> Pool:
    """Questions of labelled pairs: what pairs labelled 1 connect is a class, the rest are one-offs.

    Two questions that no pair compares count as different. Where the labels are incomplete, as those of
    Quora question pairs are, some wrong hits are none: see the note on noise in ``docs/benchmarks.md``.
    """
    parent: dict[str, str] = {}
    first: dict[str, str] = {}

    def root(text: str) -> str:
        while parent[text] != text:
            parent[text] = parent[parent[text]]
            text = parent[text]
        return text

    for one, two, label in pairs:
        for text in (one, two):
            parent.setdefault(_plain(text), _plain(text))
            first.setdefault(_plain(text), text)
        if label:
            parent[root(_plain(two))] = root(_plain(one))
    groups: dict[str, list[str]] = {}
    for text in parent:
        groups.setdefault(root(text), []).append(first[text])
    return make_pool(
        (group for group in groups.values() if len(group) > 1),
        (group[0] for group in groups.values() if len(group) == 1),
    )


def support_pool(data: Path | None, seed: int = 0) -> Pool:
    """Customer support: Bitext's intents, MS MARCO's queries as one-offs; without ``data`` all made in code."""
    if data is None:
        return make_pool(wordings.wordings(seed).values(), wordings.one_offs(seed, 4000))
    by_intent = bitext_wordings(data)
    with gzip.open(data / "msmarco_dev_queries.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        queries = [row["query"] for row in csv.DictReader(lines)]
    return make_pool((by_intent[name] for name in sorted(by_intent)), queries)


def draw(pool: Pool, requests: int, seed: int, *, one_off: float = 0.3, zipf: float = 1.0) -> list[int]:
    """A stream: places in the pool, in the order in which they are asked; the same for the same arguments.

    Args:
        requests: How many.
        seed: Seeds everything.
        one_off: Share of one-offs, as far as the pool's last.
        zipf: Exponent s: the k-th most common class is asked k**-s as often as the first.
    """
    rng = random.Random(f"stream/{seed}")
    ranked = list(range(len(pool.classes)))
    rng.shuffle(ranked)
    alone = min(round(one_off * requests), len(pool.strangers)) if ranked else len(pool.strangers)
    stream = rng.sample(pool.strangers, alone)
    weights = [(rank + 1) ** -zipf for rank in range(len(ranked))]
    if ranked:
        stream += [rng.choice(pool.classes[each]) for each in rng.choices(ranked, weights, k=requests - alone)]
    rng.shuffle(stream)
    return stream


def only_asked(pool: Pool, streams: Mapping[int, Sequence[int]]) -> tuple[Pool, dict[int, list[int]]]:
    """The pool without the questions that none of the streams asks, and the streams through it."""
    asked = sorted(set().union(*streams.values()))
    place = {old: new for new, old in enumerate(asked)}
    classes = [[place[old] for old in members if old in place] for members in pool.classes]
    smaller = Pool(
        [pool.texts[old] for old in asked],
        [pool.labels[old] for old in asked],
        [members for members in classes if members],
        [place[old] for old in pool.strangers if old in place],
    )
    return smaller, {seed: [place[old] for old in stream] for seed, stream in streams.items()}


# --- a walk --------------------------------------------------------------------------------------------


@dataclass
class Tally:
    """What one policy did with one stream.

    Attributes:
        requests: All of them.
        exact: Served by the exact tier.
        lookups: Had a stored question above the policy's floor.
        second: Lookups that asked the second opinion.
        audited: Asked upstream besides being served.
        labels: Stored answers compared with fresh ones, in audits and otherwise.
        when: Places in the stream of the semantic hits.
        wrong: Beside ``when``: whether the answer belonged to another question.
        tripped: Place in the stream at which the policy stopped serving; None when it never did.
        until_tripped: Semantic hits and wrong ones by then.
        examples: A few wrong hits: places of asked and served, cosine.
    """

    requests: int = 0
    exact: int = 0
    lookups: int = 0
    second: int = 0
    audited: int = 0
    labels: int = 0
    tripped: int | None = None
    until_tripped: tuple[int, int] = (0, 0)
    when: list[int] = field(default_factory=list)
    wrong: list[bool] = field(default_factory=list)
    examples: list[tuple[int, int, float]] = field(default_factory=list)

    @property
    def hits(self) -> int:
        return len(self.when)

    @property
    def wrongs(self) -> int:
        return sum(self.wrong)


Truth = Callable[[int, int, int], bool]
"""``(place in the stream, asked, cached)`` to whether the cached answer is right."""


def by_label(pool: Pool) -> Truth:
    """An answer is right for the questions of its own label."""
    labels = pool.labels
    return lambda at, asked, cached: labels[asked] == labels[cached]


def turning(pool: Pool, at: int, seed: int, wrong: float = 0.9) -> Truth:
    """As :func:`by_label` before place ``at``; from there on a share ``wrong`` of what was right is not.

    As when answers come to depend on something that the question does not say.
    """
    labels = pool.labels
    rng = random.Random(f"turning/{seed}")
    return lambda place, asked, cached: labels[asked] == labels[cached] and (place < at or rng.random() >= wrong)


def walk(pool: Pool, near: Neighbours, stream: Sequence[int], policy: Policy, truth: Truth) -> Tally:
    """Play a stream through a policy, with an empty cache at the start.

    Raises:
        ValueError: The policy looks further than ``near`` goes.
    """
    if policy.floor < near.floor - 1e-6:
        raise ValueError(f"the policy looks down to a cosine of {policy.floor}, the neighbours end at {near.floor}")
    stored: NDArray[np.bool_] = np.zeros(len(pool.texts), dtype=bool)  # in the exact tier
    indexed = stored.copy()  # found by a search
    tally = Tally(requests=len(stream))
    for at, asked in enumerate(stream):
        if stored[asked] and policy.exact_tier:
            tally.exact += 1
            continue
        ids, cosines = near.of(asked)
        found = [(asked, 1.0)] if indexed[asked] else []
        first = np.flatnonzero(indexed[ids])[: policy.candidates - len(found)]
        found += [(int(ids[i]), float(cosines[i])) for i in first if cosines[i] >= policy.floor]
        if not found:
            stored[asked] = indexed[asked] = True
            continue
        tally.lookups += 1
        choice = policy.choose(asked, [i for i, _ in found], [cosine for _, cosine in found])
        tally.second += choice.second
        cosine_of = dict(found)
        judged = choice.served if choice.served >= 0 else choice.explored
        right = judged >= 0 and truth(at, asked, judged)
        if choice.served >= 0:
            tally.when.append(at)
            tally.wrong.append(not right)
            if not right and len(tally.examples) < 50:
                tally.examples.append((asked, judged, cosine_of[judged]))
        if choice.audited or choice.explored >= 0:
            tally.labels += 1
            tally.audited += choice.audited
            policy.learn(asked, choice, cosine_of[judged], right)
            if tally.tripped is None and getattr(policy, "tripped", False):
                tally.tripped = at
                tally.until_tripped = (tally.hits, tally.wrongs)
        if choice.served < 0 or choice.audited:
            stored[asked] = True
            indexed[asked] |= policy.indexes_known or not right
    return tally
