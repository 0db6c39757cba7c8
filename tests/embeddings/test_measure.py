"""The measuring tool: its AUC is the textbook's, and its table is there for any embedder."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce import ConfigError, EmbedderError
from askonce.embeddings import Matrix
from askonce.embeddings.measure import auc, main, pair_files, read_pairs, similarities

from .pairs import own_pairs


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5)), max_size=30))
def test_auc_is_the_share_of_pairs_in_order(drawn: list[tuple[int, int]]) -> None:
    """AUC is the share of (same, different) pairs in which the same scores higher, ties half; NaN without both."""
    ones = [score for label, score in drawn if label == 1]
    zeros = [score for label, score in drawn if label == 0]
    found = auc([label for label, _ in drawn], np.array([score for _, score in drawn], dtype=float))
    if not ones or not zeros:
        assert math.isnan(found)
    else:
        wins = sum((a > b) + 0.5 * (a == b) for a in ones for b in zeros)
        assert found == pytest.approx(wins / (len(ones) * len(zeros)))


def write(folder: Path, name: str, rows: list[tuple[str, str, int]]) -> Path:
    path = folder / f"{name}.tsv.gz"
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        stream.write("text_a\ttext_b\tlabel\n")
        stream.writelines(f"{a}\t{b}\t{label}\n" for a, b, label in rows)
    return path


def test_pairs_are_drawn_alike_each_time(tmp_path: Path) -> None:
    """Quotes are text; a file within the bound is read whole; beyond it the same rows are drawn each time."""
    path = write(tmp_path, "some", [(f'say "{i}', f"b{i}", i % 2) for i in range(50)])
    assert read_pairs(path, 50) == (
        [f'say "{i}' for i in range(50)], [f"b{i}" for i in range(50)], [i % 2 for i in range(50)]
    )  # fmt: skip
    drawn = read_pairs(path, 10)
    assert len(set(drawn[0])) == 10
    assert read_pairs(path, 10) == drawn


def test_files_that_are_no_pairs_are_named(tmp_path: Path) -> None:
    """A folder without pair files, a file that is no gzip, is cut or lacks a column is one ConfigError."""
    with pytest.raises(ConfigError, match="some"):
        pair_files(tmp_path, ["some"])
    whole = write(tmp_path, "some", [("a", "b", 1)] * 100).read_bytes()
    for content in (b"plain text", whole[:-10], gzip.compress(b"x\ty\n1\t2\n"), gzip.compress(b"\xff\xff")):
        (tmp_path / "some.tsv.gz").write_bytes(content)
        with pytest.raises(ConfigError, match=r"some\.tsv\.gz"):
            read_pairs(tmp_path / "some.tsv.gz", 10)


def test_refused_texts_leave_their_pair_out() -> None:
    """A pair with a refused text has NaN for similarity; any other failure is raised."""

    def embed(texts: list[str]) -> Matrix:
        if texts == ["long"]:
            raise EmbedderError("too long", refused=True)
        if texts == ["broken"]:
            raise EmbedderError("down")
        return np.ones((1, 1), dtype=np.float32)

    assert similarities(embed, ["a", "long", "a"], ["b", "b", "long"]) == pytest.approx(
        [1, np.nan, np.nan], nan_ok=True
    )
    with pytest.raises(EmbedderError, match="down"):
        similarities(embed, ["a"], ["broken"])


def test_the_command_prints_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For each embedder and file there is a line with count, refused texts and AUC."""
    write(tmp_path, "own", [(pair.one, pair.other, pair.label) for pair in own_pairs("en")])
    assert main(["default", "--data", str(tmp_path), "--files", "own"]) == 0
    said = capsys.readouterr().out
    assert "ms for a short question" in said
    (line,) = [line.split() for line in said.splitlines() if "own" in line]
    assert line[:3] == ["own", "24", "0"]
    assert 0.9 < float(line[3]) < 1
    assert main(["default", "--data", str(tmp_path / "nowhere")]) == 2
    assert main(["nonsense", "--data", str(tmp_path), "--files", "own"]) == 2
