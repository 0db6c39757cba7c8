"""What the pair models are trained on: the training parts of the public sets, and pairs made by rule."""

from __future__ import annotations

import csv
import gzip
import random
import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import combinations
from pathlib import Path

from .generate_en import generate as generate_en
from .sets import CHINESE, FILES, Pair, held_out_texts, load_set, normal
from .sheets import pairs_of_sheets, read_sheets
from .wordnet import WordNet
from .written import Group, pairs_of, read_groups

ENGLISH = ("qqp", "paws", "cannot", "gsm_plus", "mrpc", "stsb", "apt", "parade", "pit2015", "disfl_qa")
MOST = {"cannot": 10_000, "parade": 2_000, "pit2015": 1_000, "disfl_qa": 2_000, "stsb": 4_000}
"""Pairs taken at most of sets that would outweigh the rest (one label, or another kind of text)."""
TWICE = ("paws",)
"""A small set of the hardest kind is shown in both directions."""
QUESTIONS = "open_qa_questions.csv.gz"
SAME_TEXT = 0.1
"""Of so many pairs that do not ask the same, the first text is also shown twice, as it stands or with other capitals,
blanks and marks at its end."""
_DOUBLED = re.compile('"{2,}')  # quotes that were quoted twice


def english(
    data: Path,
    rng: random.Random,
    without: Sequence[str] = (),
    generated: int = 24_000,
    public: float = 1.0,
    written: int = 1,
    wordnet: Path | None = None,
    sheets: int = 1,
) -> list[Pair]:
    """Training pairs in English, shuffled.

    Args:
        data: Folder of the public sets.
        rng: Chooses and makes.
        without: Sets left out altogether, their questions included.
        generated: Source questions of the rules, half of them written by hand; each gives up to two pairs.
        public: Share of the pairs of the public sets that is taken, drawn anew for each seed.
        written: How many times the pairs written by hand are taken (near misses are drawn anew each time).
        wordnet: Archive or folder of :mod:`training.wordnet`, for the rules.
        sheets: How many times pairs are made of the sheets of actions (anew each time).
    """
    held_out = set(held_out_texts(data, FILES))
    pairs: list[Pair] = []
    questions = open_questions(data, "train")
    paraphrases: list[tuple[str, str]] = []
    for name in ENGLISH:
        if name in without:
            continue
        found = load_set(name, data, "train")
        if name == "qqp":
            questions += [text for pair in found for text in pair[:2]]
            paraphrases = [(pair.text_a, pair.text_b) for pair in found if pair.label]
        if name in MOST and len(found) > MOST[name]:
            rare = [pair for pair in found if pair.label] if name == "cannot" else []
            rest = [pair for pair in found if not (name == "cannot" and pair.label)]
            found = rare + rng.sample(rest, MOST[name] - len(rare))
        pairs += [Pair(a, b, label, name) for a, b, label, _ in found]
        if name in TWICE:
            pairs += [Pair(b, a, label, name) for a, b, label, _ in found]
    pairs, groups = _with_written("en", pairs, public, written, rng)
    chosen = _sources(sorted(set(questions)), groups, generated, rng)
    paraphrases += [pair for group in groups for pair in combinations(group.same, 2)]
    lexicon = WordNet(wordnet) if wordnet else None
    told = rng.sample(paraphrases, min(len(paraphrases), generated // 3))
    pairs += [Pair(a, b, label, "rule:" + kind) for a, b, label, kind in generate_en(chosen, rng, told, lexicon)]
    actions = read_sheets() if sheets else []
    for _ in range(sheets):
        pairs += pairs_of_sheets(actions, rng)
    pairs += _same_texts(pairs, rng)
    return _clean(pairs, held_out, rng)


def chinese(
    data: Path,
    rng: random.Random,
    without: Sequence[str] = (),
    generated: int = 15_000,
    public: float = 1.0,
    written: int = 1,
) -> list[Pair]:
    """Training pairs in Chinese, shuffled; arguments as of :func:`english`."""
    from .generate_zh import generate as generate_zh

    held_out = set(held_out_texts(data, FILES))
    pairs: list[Pair] = []
    questions: set[str] = set()
    for name in CHINESE:
        if name in without:
            continue
        found = load_set(name, data, "train")
        questions.update(text for pair in found for text in pair[:2])
        pairs += [Pair(a, b, label, name) for a, b, label, _ in found]
    pairs, groups = _with_written("zh", pairs, public, written, rng)
    chosen = _sources(sorted(questions), groups, generated, rng)
    pairs += [Pair(a, b, label, "rule:" + kind) for a, b, label, kind in generate_zh(chosen, rng)]
    pairs += _same_texts(pairs, rng)
    return _clean(pairs, held_out, rng)


def _with_written(
    language: str, pairs: Sequence[Pair], public: float, written: int, rng: random.Random
) -> tuple[list[Pair], list[Group]]:
    """A share of the public pairs and those written by hand, and the groups that these came of."""
    mixed = rng.sample(pairs, round(public * len(pairs)))
    groups = read_groups(language) if written else []
    for _ in range(written):
        mixed += pairs_of(groups, rng)
    return mixed, groups


def _sources(questions: Sequence[str], groups: Sequence[Group], most: int, rng: random.Random) -> list[str]:
    """Questions for the rules: half of them from the groups, when there are any."""
    written = [text for group in groups for text in group.same]
    written = rng.sample(written, min(len(written), most // 2))
    return rng.sample(questions, min(most - len(written), len(questions))) + written


def _same_texts(pairs: Sequence[Pair], rng: random.Random) -> list[Pair]:
    """Texts beside themselves. Without them a model takes texts of a kind that is mostly turned round for apart."""
    misses = [pair for pair in pairs if not pair.label]
    chosen = rng.sample(misses, round(SAME_TEXT * len(misses)))
    return [Pair(pair.text_a, _retyped(pair.text_a, rng), 1, "same") for pair in chosen]


def _retyped(text: str, rng: random.Random) -> str:
    bare = text.rstrip(" ?.!\uff1f\u3002\uff01")
    return rng.choice(
        (text, text, text.lower(), text.capitalize(), bare, bare.lower(), bare + "?", bare + " ?", text + " ")
    )


def _clean(pairs: Iterable[Pair], held_out: set[str], rng: random.Random) -> list[Pair]:
    """Without what a test part holds, each pair in a random direction, shuffled."""
    kept = [pair for pair in pairs if normal(pair.text_a) not in held_out and normal(pair.text_b) not in held_out]
    turned = [p if rng.random() < 0.5 else Pair(p.text_b, p.text_a, p.label, p.meta) for p in kept]
    rng.shuffle(turned)
    return turned


def open_questions(data: Path, part: str) -> list[str]:
    """Questions without a pair (Natural Questions, WebQuestions, TriviaQA): nine tenths to train on."""
    with gzip.open(data / QUESTIONS, "rt", encoding="utf-8", newline="") as file:
        questions = [_DOUBLED.sub('"', row["question"]).strip('" ') for row in csv.DictReader(file)]
    return [text for text in questions if (blake2b(text.encode(), digest_size=1).digest()[0] < 26) == (part == "tune")]
