"""Negative pairs: once told, never served for each other again; kept as digests, bounded, shared over a directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce import ConfigError, ManualClock
from askonce.cache.negatives import RECHECK_S, Negatives, normalised

SCOPE, OTHER = b"s" * 32, b"o" * 32
texts = st.text(max_size=30)


@given(texts, texts)
def test_a_pair_has_no_direction_and_one_scope(one: str, other: str) -> None:
    """What was added is held in either order, in its scope only, and no longer after it was removed."""
    held = Negatives()
    assert not held.contains(one, other, SCOPE)
    held.add(one, other, SCOPE)
    assert held.contains(one, other, SCOPE)
    assert held.contains(other, one, SCOPE)
    assert not held.contains(one, other, OTHER)
    assert held.remove(other, one, SCOPE)
    assert not held.contains(one, other, SCOPE)
    assert not held.remove(one, other, SCOPE)


@given(texts, texts, texts)
def test_other_pairs_are_not_held(one: str, other: str, third: str) -> None:
    """A pair says nothing of its questions' other pairs, unless they are the same after normalising."""
    held = Negatives()
    held.add(one, other, SCOPE)
    same = sorted((normalised(one), normalised(third))) == sorted((normalised(one), normalised(other)))
    assert held.contains(one, third, SCOPE) == same


def test_what_nobody_means_makes_no_difference() -> None:
    """Case, spacing, width and the mark at the end do not get a pair past the memory; a sign inside does."""
    held = Negatives()
    held.add("How do I pay?", "How do I get paid", SCOPE)
    assert held.contains("how  do I PAY", "How do I get paid ?", SCOPE)
    held.add("What is C++?", "What is C#?", SCOPE)
    assert not held.contains("What is C", "What is C#", SCOPE)


def test_bounded_oldest_out_first(tmp_path: Path) -> None:
    """Beyond ``most`` the oldest pairs go, in memory and in the file; adding a pair again makes it young."""
    clock = ManualClock()
    with_file = Negatives(tmp_path / "n.db", most=3, clock=clock)
    for number in (1, 2, 3, 1, 4):
        clock.advance(1)
        with_file.add(str(number), "x", SCOPE)
    with_file.close()
    for held in (with_file, Negatives(tmp_path / "n.db", most=3, clock=clock)):
        assert len(held) == 3
        assert [held.contains(str(number), "x", SCOPE) for number in (1, 2, 3, 4)] == [True, False, True, True]
    with pytest.raises(ConfigError, match="most"):
        Negatives(most=0)


def test_survives_a_restart_and_holds_no_text(tmp_path: Path) -> None:
    """A pair is there after a restart, and no file holds the questions."""
    path = tmp_path / "n.db"
    first = Negatives(path)
    first.add("where is the treasure", "where is the measure", SCOPE)
    raw = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    first.close()
    assert Negatives(path).contains("where is the measure", "where is the treasure", SCOPE)
    assert b"treasure" not in raw
    assert b"measure" not in raw
    assert first.contains("where is the treasure", "where is the measure", SCOPE)  # closed, it still answers


def test_other_holders_of_the_file_learn_within_a_second(tmp_path: Path) -> None:
    """Adding and removing reach whoever has the same file open, after the pause between looks."""
    clock = ManualClock()
    one, two = (Negatives(tmp_path / "n.db", clock=clock) for _ in range(2))
    one.add("a", "b", SCOPE)
    clock.advance(RECHECK_S)
    assert two.contains("a", "b", SCOPE)
    assert two.remove("a", "b", SCOPE)
    clock.advance(RECHECK_S)
    assert not one.contains("a", "b", SCOPE)


def test_a_process_that_dies_leaves_its_pairs(tmp_path: Path) -> None:
    """A pair added by a process that is killed the next moment is there; a child of a fork can add, too."""
    path = tmp_path / "n.db"
    held = Negatives(path)
    pid = os.fork()
    if pid == 0:
        held.add("a", "b", SCOPE)
        os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)
    assert Negatives(path).contains("a", "b", SCOPE)


def test_a_broken_file_costs_only_persistence(tmp_path: Path) -> None:
    """A file that is no database, or goes away, is noted; pairs are held in memory, and nothing is raised."""
    bad = tmp_path / "bad.db"
    bad.write_bytes(b"not a database, but long enough to be taken for the head of one" * 40)
    held = Negatives(bad)
    assert held.fault
    assert not held.kept
    held.add("a", "b", SCOPE)
    assert held.contains("a", "b", SCOPE)
    clock = ManualClock()
    folder = tmp_path / "gone"
    folder.mkdir()
    lost = Negatives(folder / "n.db", clock=clock)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    lost.add("a", "b", SCOPE)
    clock.advance(RECHECK_S)
    assert lost.contains("a", "b", SCOPE)


def test_pairs_made_before_the_file_are_written_to_it(tmp_path: Path) -> None:
    """Attaching a file keeps what is held already, and adds what the file holds."""
    first = Negatives(tmp_path / "n.db")
    first.add("a", "b", SCOPE)
    first.close()
    second = Negatives()
    second.add("c", "d", SCOPE)
    second.attach(tmp_path / "n.db")
    third = Negatives(tmp_path / "n.db")
    for held in (second, third):
        assert held.contains("a", "b", SCOPE)
        assert held.contains("c", "d", SCOPE)
