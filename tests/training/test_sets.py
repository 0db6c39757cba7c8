"""Splits: no question on both sides, the same every time, and near the shares asked for."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.sets import FILES, Pair, detokenise, load_set, normal, parts_of

_names = st.sampled_from("abcdefghijklmnopqrstuvwxyz")
_pairs = st.lists(st.builds(Pair, _names, _names, st.integers(0, 1)), min_size=1, max_size=60)


@given(_pairs)
def test_no_question_is_on_two_sides(pairs: list[Pair]) -> None:
    """Whatever is paired with whatever, all pairs of one question are in one part."""
    part: dict[str, str] = {}
    for pair, of in zip(pairs, parts_of(pairs), strict=True):
        for text in pair[:2]:
            assert part.setdefault(normal(text), of) == of


@given(_pairs, st.randoms())
def test_the_part_does_not_depend_on_the_order(pairs: list[Pair], rng: object) -> None:
    """Shuffling the file moves no pair to another part."""
    before = dict(zip(pairs, parts_of(pairs), strict=True))
    turned = sorted(pairs, key=lambda pair: (pair.text_b, pair.text_a))
    assert dict(zip(turned, parts_of(turned), strict=True)) == before


def test_shares_are_about_those_asked_for() -> None:
    """Of many separate pairs a fifth is for testing and a twelfth for tuning."""
    pairs = [Pair(f"question {n}", f"other {n}", n % 2) for n in range(5000)]
    parts = parts_of(pairs)
    assert 0.17 < parts.count("test") / len(parts) < 0.23
    assert 0.06 < parts.count("tune") / len(parts) < 0.10


def test_parts_make_up_the_set(tmp_path: Path) -> None:
    """Train, tune and test together are the file, without overlap; a set that is never trained on is all test."""
    rows = [f"what is {n}\thow is {n}\t{n % 2}\tx" for n in range(300)]
    for name in ("mrpc", "covid"):
        with gzip.open(tmp_path / FILES[name], "wt", encoding="utf-8") as file:
            file.write("\n".join(["text_a\ttext_b\tlabel\tmeta", *rows]))
    parts = {part: load_set("mrpc", tmp_path, part) for part in ("train", "tune", "test", "all")}
    assert sorted(parts["train"] + parts["tune"] + parts["test"]) == sorted(parts["all"])
    assert load_set("covid", tmp_path, "train") == []
    assert len(load_set("covid", tmp_path, "test")) == 300


@pytest.mark.parametrize(("name", "part"), [("nothing", "test"), ("qqp", "dev")])
def test_an_unknown_set_or_part_is_named(name: str, part: str, tmp_path: Path) -> None:
    """A slip in a name is told as such, before any file is looked for."""
    with pytest.raises(ValueError, match="no set"):
        load_set(name, tmp_path, part)


@pytest.mark.parametrize(
    ("tokenised", "written"),
    [
        ("He said `` no '' , and left .", 'He said " no ", and left.'),
        ("It is n't Anna 's ( old ) car !", "It isn't Anna's (old) car!"),
        ("$ 5 is enough", "$5 is enough"),
    ],
)
def test_detokenise(tokenised: str, written: str) -> None:
    """Spaces that a tokenizer put before marks go."""
    assert detokenise(tokenised) == written
