"""evaluate: what it prints is what was measured, and a wrong file is told before anything is embedded."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

from .conftest import Run

PAIRS = [
    ("How do I cancel my order?", "cancel my order", 1, "shop;1"),
    ("Where is my parcel?", "Can you tell me where my parcel is?", 1, "shop;2"),
    ("A flight from Rome to Oslo", "A flight from Oslo to Rome", 0, "trap;3"),
    ("Enable the dark mode", "Disable the dark mode", 0, "trap;4"),
    ("How do I bake bread?", "What is the capital of Peru?", 0, "far;5"),
    ("How do I renew a passport?", "renew a passport", 1, "far;6"),
]


def write(path: Path, rows: list[tuple[str, str, int, str]]) -> Path:
    """A pair file."""
    with path.open("w", encoding="utf-8", newline="") as out:
        if path.suffix == ".csv":
            csv.writer(out).writerows([("text_a", "text_b", "label", "meta"), *rows])
        else:
            out.write("text_a\ttext_b\tlabel\tmeta\n" + "".join("\t".join(map(str, row)) + "\n" for row in rows))
    return path


@pytest.fixture
def pairs(place: Path) -> Path:
    return write(place / "pairs.tsv", PAIRS)


KEYS = {
    "file", "policy", "embedder", "max_wrong", "pairs", "positives", "negatives", "served_positives",
    "served_negatives", "wrong_share", "auc", "frontier", "by_meta", "intervals", "asked_second", "refused", "failed",
    "ms_per_pair", "ms_per_text",
}  # fmt: skip


def test_the_figures_are_those_of_the_pairs(run: Run, pairs: Path) -> None:
    """With --json one object holds every figure; guards serve the reworded and neither the turned nor the opposite."""
    ran = run("evaluate", pairs, "--policy", "guards:0.6", "--json")
    assert ran.code == 0
    found = ran.json
    assert set(found) == KEYS
    assert (found["pairs"], found["positives"], found["negatives"]) == (6, 3, 3)
    assert (found["served_positives"], found["served_negatives"], found["auc"]) == (1.0, 0.0, 1.0)
    assert found["frontier"] == dict.fromkeys(("0.5", "1", "2", "3", "5"), 1.0)
    assert set(found["intervals"]["frontier"]) == set(found["frontier"])
    assert found["embedder"].startswith("all-MiniLM-L6-v2")
    assert (found["policy"], found["max_wrong"], found["refused"]) == ("guards:0.6", None, 0)
    assert sum(group["n"] for group in found["by_meta"].values()) == 6
    assert found["by_meta"]["trap;3"]["served_negatives"] == 0.0
    assert found["by_meta"]["trap;3"]["served_positives"] is None


def test_the_plain_cosine_is_fooled(run: Run, pairs: Path) -> None:
    """The plain rule at the same cosine serves the turned question too; guards alone serve whatever is far apart."""
    plain = run("evaluate", pairs, "--policy", "cosine:0.6", "--json").json
    assert plain["served_negatives"] > 0
    assert plain["auc"] < 1
    guards = run("evaluate", pairs, "--policy", "guards-only", "--json").json
    assert guards["by_meta"]["far;5"]["served_negatives"] == 1.0
    assert guards["by_meta"]["trap;4"]["served_negatives"] == 0.0


@pytest.mark.parametrize("policy", ["verified", "conservative", "cosine"])
def test_page_and_json_tell_the_same(run: Run, pairs: Path, policy: str) -> None:
    """The page for people has the same shares, every group and the frontier."""
    data = run("evaluate", pairs, "--policy", policy, "--json").json
    page = run("evaluate", pairs, "--policy", policy)
    assert page.code == 0
    assert f"{100 * data['served_positives']:.2f} %" in page.out
    assert f"{data['auc']:.4f}" in page.out
    assert all(name in page.out for name in ("shop;1", "trap;4", "0.5 %", "5 %", "6 pairs: 3 positive, 3 negative"))


def test_forms_and_limit(run: Run, place: Path) -> None:
    """CSV gives what TSV gives; --limit measures so many."""
    tsv = run("evaluate", write(place / "p.tsv", PAIRS), "--policy", "guards:0.6", "--json").json
    comma = run("evaluate", write(place / "p.csv", PAIRS), "--policy", "guards:0.6", "--json").json
    for name in KEYS - {"file", "ms_per_pair", "ms_per_text"}:
        assert tsv[name] == comma[name], name
    assert run("evaluate", place / "p.tsv", "--limit", "2", "--json").json["pairs"] == 2


def test_what_is_refused_is_not_served(run: Run, place: Path) -> None:
    """A question in a script the embedder does not know, or too long for the settings, is refused, not served."""
    write(
        place / "p.tsv",
        [("多少钱", "多少钱", 1, ""), ("word " * 200, "word " * 200, 1, ""), ("a house", "A house", 1, "")],
    )
    found = run("evaluate", "p.tsv", "--policy", "cosine:0.5", "--json").json
    assert found["refused"] == 2
    assert found["served_positives"] == pytest.approx(1 / 3)
    assert (found["auc"], found["frontier"], found["by_meta"]) == (None, None, {})
    assert run("evaluate", "p.tsv", "--policy", "cosine:0.5").code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere.tsv"], "nowhere.tsv"),
        (["pairs.tsv", "--policy", "cosin:0.8"], "cosin:0.8"),
        (["pairs.tsv", "--policy", "cosine:8"], "cosine:8"),
        (["pairs.tsv", "--policy", "calibrated:nowhere.json"], "nowhere.json"),
        (["pairs.tsv", "--max-wrong", "2"], "--max-wrong"),
        (["pairs.tsv", "--limit", "0"], "--limit"),
        (["pairs.tsv", "--embedder", "minilm-9"], "minilm-9"),
        (["bad.tsv"], "line 3"),
        (["pairs.txt"], "pairs.txt"),
        ([], "FILE"),
    ],
)
def test_mistakes_are_one_line(run: Run, pairs: Path, words: list[str], says: str) -> None:
    """A wrong file, policy or number is one line that names it, with code 2, before any model is loaded."""
    Path("bad.tsv").write_text("text_a\ttext_b\tlabel\na\tb\t1\na\tb\tmaybe\n")
    Path("pairs.txt").write_text("a b 1")
    ran = run("evaluate", *words)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert says in ran.err


def test_a_bad_line_is_found_before_anything_is_embedded(run: Run, place: Path) -> None:
    """A file that is wrong at its end is refused without work."""
    rows = "".join(f"question number {n}\tasked number {n}\t1\n" for n in range(20_000))
    (place / "p.tsv").write_text(f"text_a\ttext_b\tlabel\n{rows}broken\n")
    ran = run("evaluate", "p.tsv")
    assert (ran.code, "line 20002" in ran.err) == (2, True)


def test_the_settings_name_the_embedder(run: Run, pairs: Path, place: Path) -> None:
    """Without --embedder the one of the settings is measured."""
    (place / "askonce.toml").write_text("[semantic]\nembedder = 'onnx:nowhere'\n")
    ran = run("evaluate", pairs)
    assert ran.code in (1, 2)
    assert "nowhere" in ran.err
    assert run("evaluate", pairs, "--embedder", "default").code == 0


def test_no_plots_and_no_training_library_at_runtime(run: Run, pairs: Path) -> None:
    """Measuring needs numpy and nothing of scikit-learn, scipy or torch."""
    import subprocess

    code = (
        "import sys; from askonce.cache.cli import main; assert main(['evaluate', sys.argv[1], '--json']) == 0;"
        "print(sorted({'sklearn', 'scipy', 'torch', 'pandas', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, pairs], capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
