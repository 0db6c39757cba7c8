"""The trap corpus: the committed file is what its builder makes, labels never contradict, all kinds are there."""

from __future__ import annotations

import csv
import unicodedata
from collections import Counter
from functools import cache

import pytest

from benchmarks.traps import build as traps
from benchmarks.traps.cases import GENERAL_FIRST, KINDS, SORTS, read

HAND_WRITTEN = 500
RARE = 20


@cache
def committed() -> list[traps.Pair]:
    with traps.PATH.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert rows[0] == traps.HEADER.split("\t")
    return [traps.Pair(a, b, int(label), meta) for a, b, label, meta in rows[1:]]


def test_the_committed_file_is_what_the_builder_makes() -> None:
    """traps.tsv is never edited by hand: building gives it byte for byte."""
    assert traps.PATH.read_bytes() == traps.text().encode()


def test_a_pair_occurs_once_and_has_one_label() -> None:
    """No unordered pair, whatever its case, spacing and closing mark, occurs twice, and none is of two equal texts."""

    def bare(text: str) -> str:
        return " ".join(unicodedata.normalize("NFKC", text).casefold().rstrip("?？.。").split())

    keys = [frozenset((bare(pair.text_a), bare(pair.text_b))) for pair in committed()]
    assert [key for key, times in Counter(keys).items() if times > 1 or len(key) < 2] == []


def test_what_means_the_same_forms_groups_that_no_trap_crosses() -> None:
    """Label 1 is an equivalence: two texts tied by a chain of label 1 are never a pair with label 0."""
    parent: dict[str, str] = {}

    def root(text: str) -> str:
        while parent.setdefault(text, text) != text:
            text = parent[text]
        return text

    for pair in committed():
        if pair.label:
            parent[root(pair.text_a)] = root(pair.text_b)
    crossed = [pair for pair in committed() if not pair.label and root(pair.text_a) == root(pair.text_b)]
    assert crossed == []


def test_there_are_as_many_pairs_as_promised() -> None:
    """At least 2,400 pairs; 40 to 45 % are alike; about two thirds are English, the rest Chinese."""
    pairs = committed()
    english = sum(pair.meta.startswith("en/") for pair in pairs)
    assert len(pairs) >= 2400
    assert 0.40 <= sum(pair.label for pair in pairs) / len(pairs) <= 0.45
    assert 0.60 <= english / len(pairs) <= 0.70
    assert all(pair.meta.startswith(("en/", "zh/")) for pair in pairs)


def test_most_questions_are_written_one_by_one() -> None:
    """At least 500 pairs are an anchor and a line that somebody wrote, and a template gives at most 12 pairs."""
    written = [pair for lang, cluster in traps.hand() for pair in traps.straight(lang, cluster)]
    assert len({pair.key() for pair in written}) >= HAND_WRITTEN
    assert len(committed()) - len({pair.key() for pair in written}) - 3 * len(traps.hand()) <= 12 * len(traps.rule())


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_kind_of_trap_is_there_in_both_languages(lang: str) -> None:
    """Each kind has pairs in each language and at least 20 in all; its label is 0, that of each sort is 1."""
    found = {(pair.meta, pair.label) for pair in committed()}
    assert {(f"{lang}/{kind}", 0) for kind in KINDS} <= found
    sorts = set(SORTS) - ({"contraction"} if lang == "zh" else set())  # Chinese has none
    assert {(f"{lang}/same-{sort}", 1) for sort in sorts} <= found
    table = traps.counts(committed())
    assert [kind for kind in KINDS if table[kind].total() < RARE] == []


def test_no_kind_or_sort_is_unnamed() -> None:
    """meta is LANGUAGE/KIND with label 0 or LANGUAGE/same-SORT with label 1, and nothing else."""
    for pair in committed():
        kind = pair.meta.split("/", 1)[1]
        assert kind.removeprefix("same-") in SORTS if pair.label else kind in KINDS, pair


def test_every_trap_has_honest_paraphrases_beside_it() -> None:
    """Around each kind of trap, its anchors are paraphrased in at least ten sorts: no kind gives away the label."""
    beside: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for _, cluster in traps.hand() + traps.rule():
        sorts = {line.tag for line in cluster.lines if line.same}
        for line in cluster.lines:
            if not line.same:
                beside[line.tag] |= sorts
    assert {kind: len(sorts) for kind, sorts in beside.items() if len(sorts) < 10} == {}


def test_many_domains_are_covered() -> None:
    """At least 16 domains, among them the ones where a wrong answer hurts."""
    domains = {cluster.domain for _, cluster in traps.hand()}
    assert len(domains) >= 16
    assert {"health", "banking", "law", "security", "coding"} <= domains


def test_texts_are_clean() -> None:
    """One line, trimmed, NFC, no empty slot, no control character, no double space; Chinese where meta says so."""
    for pair in committed():
        for text in (pair.text_a, pair.text_b):
            assert text == unicodedata.normalize("NFC", text.strip()), pair
            assert not any(unicodedata.category(char).startswith("C") for char in text), pair
            assert not any(mark in text for mark in ("  ", "{", "}")), pair
            assert 4 <= len(text) <= 140, pair
            assert any("一" <= char <= "鿿" for char in text) == pair.meta.startswith("zh/"), pair


def test_a_question_under_more_constraints_is_asked_not_cached() -> None:
    """Where order matters (an added condition, a narrower quantifier) the general question is the cached one."""
    narrow = {
        (lang, line.text)
        for lang, cluster in traps.hand()
        for line in cluster.lines
        if not line.same and line.tag in GENERAL_FIRST
    }
    for pair in committed():
        lang, kind = pair.meta.split("/", 1)
        if kind in GENERAL_FIRST:
            assert (lang, pair.text_a) not in narrow, pair


def test_words_alone_do_not_tell_the_label() -> None:
    """The share of common words (English) puts a paraphrase over a trap less often than a coin would."""

    def overlap(pair: traps.Pair) -> float:
        here, there = (set(text.lower().strip("?.").split()) for text in (pair.text_a, pair.text_b))
        return len(here & there) / len(here | there)

    same, other = (
        sorted(overlap(pair) for pair in committed() if pair.label == label and pair.meta.startswith("en/"))
        for label in (1, 0)
    )
    wins = sum((one > two) + (one == two) / 2 for one in same for two in other)
    assert wins / (len(same) * len(other)) < 0.5


@pytest.mark.parametrize(
    "block", ["? How?\n+ negation: How not?", "+ form: Lost", "? How?\n- no kind", "@ a, b = 1 | 2, 3\n? {a}?"]
)
def test_a_block_that_cannot_be_read_says_so(block: str) -> None:
    """A slip in a block is an error that shows the line, never a silently missing or mislabelled pair."""
    with pytest.raises(ValueError, match=r"['\"]"):
        read(block)


def test_the_page_tells_the_counts_of_the_file() -> None:
    """README.md of the folder names every kind and sort with its true counts, and the true size."""
    page = traps.PATH.with_name("README.md").read_text(encoding="utf-8")
    assert f"{len(committed()):,} pairs" in page
    table = traps.counts(committed())
    kinds = [*KINDS, *(f"same-{sort}" for sort in SORTS)]
    rows = {kind: f"| {kind} | {table[kind]['en']} | {table[kind]['zh']} |" for kind in kinds}
    assert [row for row in rows.values() if row not in page] == []
