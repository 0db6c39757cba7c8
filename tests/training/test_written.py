"""The groups written by hand, and the pairs they give."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from benchmarks import traps
from training.sets import normal
from training.written import FOLDER, Group, pairs_of, read_groups

TRAPS = Path(traps.__file__).parent / "traps.tsv"
LANGUAGES = ("en", "zh")


def texts(groups: list[Group]) -> set[str]:
    return {normal(text) for group in groups for text in (*group.same, *group.misses)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_file_is_read_and_every_group_is_in_one_part(language: str) -> None:
    """Nothing is lost and nothing is in both parts; each group has near misses, and its lines differ."""
    train, tune = read_groups(language), read_groups(language, "tune")
    blocks = [p.read_text(encoding="utf-8").strip().split("\n\n") for p in FOLDER.glob(f"{language}_*.txt")]
    assert len(train) + len(tune) == sum(map(len, blocks)) > 300
    assert 0.05 < len(tune) / (len(train) + len(tune)) < 0.25
    assert not {group.same for group in train} & {group.same for group in tune}
    for group in train + tune:
        lines = [normal(text) for text in (*group.same, *group.misses)]
        assert len(set(lines)) == len(lines), group
        assert len(group.misses) >= 2, group


def test_the_trap_corpus_is_kept_apart() -> None:
    """Hardly a question of the test corpus is in the training groups, and no pair of it is."""
    with TRAPS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    tested = {normal(row["text_a"]) for row in rows} | {normal(row["text_b"]) for row in rows}
    groups = [group for language in LANGUAGES for part in ("train", "tune") for group in read_groups(language, part)]
    assert not [text for text in texts(groups) if text in tested]


def test_pairs_are_of_one_group_and_labelled_by_its_marks() -> None:
    """Every two = lines give one pair of label 1; near misses are drawn without repeats, up to the number asked."""
    group = Group("bank", ("a", "b", "c"), ("x", "y"))
    made = list(pairs_of([group], random.Random(0), misses=4))
    right = {(p.text_a, p.text_b) for p in made if p.label}
    wrong = [(p.text_a, p.text_b) for p in made if not p.label]
    assert right == {("a", "b"), ("a", "c"), ("b", "c")}
    assert len(wrong) == len(set(wrong)) == 4
    assert all(a in group.same and b in group.misses for a, b in wrong)
    assert len(list(pairs_of([group], random.Random(0), misses=99))) == 3 + 6


@pytest.mark.parametrize("text", ["= one\n? two", "= one\n! two", "=\n= two", "= one\ntwo"])
def test_a_broken_group_is_named(tmp_path: Path, text: str) -> None:
    """A line without a mark, without a text, or a group of one question is an error that tells the place."""
    (tmp_path / "en_odd.txt").write_text(f"# fine\n= a\n= b\n\n{text}\n")
    with pytest.raises(ValueError, match=r"en_odd\.txt, group 2"):
        read_groups("en", folder=tmp_path)
