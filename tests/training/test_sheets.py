"""Sheets of actions, the requests made of them, and their pairs."""

from __future__ import annotations

import csv
import random
import re
from pathlib import Path

import pytest

from benchmarks import traps
from training import sheets
from training.corpus import _same_texts
from training.frames_en import FRAMES
from training.sets import Pair, normal
from training.sheets import Sheet, ing, pairs_of_sheets, read_sheets, request, slip

TRAPS = Path(traps.__file__).parent / "traps.tsv"
SHEET: Sheet = (
    ("cancel my order", "call off my order"),
    ("change my order", "alter my order", "edit an order of mine"),
)


def test_every_sheet_is_read_and_is_in_one_part() -> None:
    """Nothing is lost and nothing is in both parts; no phrase stands under two actions of a sheet."""
    train, tune = read_sheets(), read_sheets("tune")
    assert len(train) > 200
    assert 0.05 < len(tune) / (len(train) + len(tune)) < 0.25
    assert not set(train) & set(tune)
    for sheet in train + tune:
        phrases = [normal(phrase) for action in sheet for phrase in action]
        assert len(set(phrases)) == len(phrases), sheet


def test_the_trap_corpus_is_kept_apart() -> None:
    """No question of the test corpus is a phrase of a sheet put into a plain frame."""
    with TRAPS.open(encoding="utf-8", newline="") as file:
        tested = {normal(r[key]) for r in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) for key in r}
    for sheet in read_sheets() + read_sheets("tune"):
        for phrase in (phrase for action in sheet for phrase in action):
            assert not {normal(f"{frame}{phrase}") for frame in ("how do I ", "how can I ", "can I ", "")} & tested


@pytest.mark.parametrize(
    ("phrase", "made"),
    [
        ("cancel my order", "cancelling my order|canceling my order"), ("close it", "closing it"), ("pay", "paying"),
        ("set up a room", "setting up a room"), ("tie a knot", "tying a knot"), ("get out", "getting out"),
        ("see a bill", "seeing a bill"),
        ("have it sent", "having it sent"), ("be present", "being present"), ("dye wool", "dyeing wool"),
    ],
)  # fmt: skip
def test_a_verb_takes_its_ing(phrase: str, made: str) -> None:
    """Only the verb changes, by the rules of spelling."""
    assert ing(phrase) in made.split("|")


def test_pairs_are_labelled_by_action_and_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many pairs of either label: 1 when action and kind are the same, else 0; of the latter some differ in the
    action alone and some in the kind."""
    monkeypatch.setattr(sheets, "request", lambda phrase, kind, rng: f"{kind}|{phrase}")
    made = list(pairs_of_sheets([SHEET], random.Random(0), most=40))
    assert sum(pair.label for pair in made) * 2 == len(made) == 160
    action = {phrase: number for number, phrases in enumerate(SHEET) for phrase in phrases}
    apart = set()
    for pair in made:
        (kind, phrase), (other, told) = (text.split("|") for text in pair[:2])
        same = kind == other, action[phrase] == action[told]
        assert pair.label == all(same)
        apart.add(same)
    assert apart >= {(True, True), (True, False), (False, True)}


def test_what_begins_with_no_verb_takes_no_ing() -> None:
    """Of "never delete it" or "politely decline" no form in -ing is made; of "reply to it" it is."""
    rng = random.Random(0)
    for phrase in ("never delete it", "politely decline", "keep it but hide it"):
        assert all(
            phrase[:4] in re.sub(r"[^a-z ]", "", made.lower()) for made in (plain(phrase, rng) for _ in range(60))
        )
    assert any("replying to it" in plain("reply to it", rng) for _ in range(100))


def plain(phrase: str, rng: random.Random) -> str:
    """A request without slips."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sheets, "slip", lambda text, rng: text)
        return request(phrase, "how", rng)


def test_frames_hold_the_phrase_once() -> None:
    """Every frame has one place for the phrase, and no two kinds share a frame."""
    frames = [frame for kind in FRAMES.values() for frame in dict.fromkeys(kind)]
    assert len(set(frames)) == len(frames)
    for frame in frames:
        assert len(re.findall(r"\{[vg]\}", frame)) == 1


def test_a_slip_changes_a_letter_or_loses_a_space() -> None:
    """At most one letter more or less, nothing else; what has no long word and no space stays."""
    rng = random.Random(3)
    for _ in range(300):
        text = request("download the invoice for my booking", "how", rng)
        slipped = slip(text, rng)
        assert abs(len(slipped) - len(text)) <= 1
        assert slipped[:1] == text[:1]
    assert slip("a b?", random.Random(0)) in ("a b?", "ab?")


@pytest.mark.parametrize("text", ["* one | two\n? three | four", "* one | two", "* one\n* two | three"])
def test_a_broken_sheet_is_named(tmp_path: Path, text: str) -> None:
    """A line without a mark, one action, or an action with one phrase is an error that tells the place."""
    (tmp_path / "sheets_en_odd.txt").write_text(f"# fine\n* a | b\n* c | d\n\n{text}\n")
    with pytest.raises(ValueError, match=r"sheets_en_odd\.txt, sheet 2"):
        read_sheets(folder=tmp_path)


def test_texts_beside_themselves_ask_the_same() -> None:
    """They differ in capitals, blanks and the mark at the end, no more."""
    pairs = [Pair(f"What is the price of ticket {n}?", "x", 0, "") for n in range(200)]
    made = _same_texts(pairs, random.Random(0))
    assert made
    for pair in made:
        assert pair.label == 1
        assert pair.text_a.lower().rstrip(" ?") == pair.text_b.lower().rstrip(" ?")
