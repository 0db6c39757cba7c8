"""The quality benchmark: its counting, its intervals, and the command on a small folder of pairs."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from askonce.cache.semantic import Candidate, Verdict
from askonce.cache.verifier import RISKS, load_risks
from askonce.embeddings import OnnxEmbedder
from askonce.embeddings.minilm import MODELS
from askonce.embeddings.pair_model import PAIR_MODELS
from benchmarks import pairs as pair_sets
from benchmarks import quality
from benchmarks.intervals import area, ratio, share, shown
from benchmarks.report import Report
from benchmarks.vectors import vectors
from training.sets import Pair, load_set

judged = st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 5).map(lambda n: n / 5)), min_size=2)


def columns(rows: list[tuple[bool, bool, float]]) -> tuple[Any, Any, Any]:
    served, labels, scores = zip(*rows, strict=True)
    return np.asarray(served), np.asarray(scores), np.asarray(labels)


@given(judged)
def test_shares_are_counted(rows: list[tuple[bool, bool, float]]) -> None:
    """Served positives, served negatives and wrong among served are what counting by hand gives."""
    found = quality.measure(*columns(rows))
    counts = {
        (served, label): sum(1 for s, y, _ in rows if (s, y) == (served, label))
        for served in (True, False)
        for label in (True, False)
    }
    for interval, part, rest in (
        (found.positives, counts[True, True], counts[False, True]),
        (found.negatives, counts[True, False], counts[False, False]),
        (found.wrong, counts[True, False], counts[True, True]),
    ):
        if part + rest:
            assert interval[0] == pytest.approx(part / (part + rest))
            assert interval[1] <= interval[0] <= interval[2]
        else:
            assert math.isnan(interval[0])


@given(judged)
def test_the_frontier_is_every_threshold(rows: list[tuple[bool, bool, float]]) -> None:
    """The frontier has exactly the points that a threshold at each score gives, and the origin; it ends at (1, 1)."""
    _, scores, labels = columns(rows)
    ones, zeros = max(1, labels.sum()), max(1, (~labels).sum())
    points = {(0.0, 0.0)}
    for cut in set(scores.tolist()):
        points.add((float((~labels & (scores >= cut)).sum() / zeros), float((labels & (scores >= cut)).sum() / ones)))
    xs, ys = quality.frontier(scores, labels)
    assert set(zip(xs, ys, strict=True)) == points
    assert xs == sorted(xs)
    assert ys == sorted(ys)


@given(judged)
def test_auc_is_the_area_under_the_frontier(rows: list[tuple[bool, bool, float]]) -> None:
    """With both kinds of pairs the AUC is the area under the frontier."""
    _, scores, labels = columns(rows)
    found = quality.measure(*columns(rows))
    if labels.all() or not labels.any():
        assert math.isnan(found.auc[0])
    else:
        xs, ys = quality.frontier(scores, labels)
        assert found.auc[0] == pytest.approx(float(np.trapezoid(ys, xs)))


@given(st.integers(0, 400), st.integers(1, 400))
def test_a_share_lies_in_its_interval(part: int, rest: int) -> None:
    """A Wilson interval holds its share, stays within 0..1, and narrows as the same share is counted ten times over."""
    once, often = share(part, part + rest), share(10 * part, 10 * (part + rest))
    assert 0 <= once[1] <= once[0] <= once[2] <= 1
    assert often[2] - often[1] < once[2] - once[1]


def test_known_intervals() -> None:
    """Wilson's interval of 0 of 10 ends at 27.8 %, and nothing of nothing has none."""
    assert share(0, 10) == pytest.approx((0.0, 0.0, 0.2775), abs=1e-4)
    assert shown(share(0, 0)) == "-"
    assert shown((0.5, 0.25, 0.75)) == "50.0% (25.0-75.0)"


def test_an_area_without_both_kinds_is_unknown() -> None:
    """Positives alone have no AUC; a perfect one has no width."""
    assert math.isnan(area(1.0, 5, 0)[0])
    assert area(1.0, 50, 50) == (1.0, 1.0, 1.0)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 50)), min_size=1, max_size=20))
def test_a_ratio_over_seeds_lies_in_its_interval(seeds: list[tuple[int, int]]) -> None:
    """The pooled ratio is that of the sums, its interval lies between the least and the largest of the seeds."""
    parts, wholes = zip(*seeds, strict=True)
    figure, low, high = ratio(parts, wholes, draws=200)
    each = [part / whole for part, whole in seeds]
    assert figure == pytest.approx(sum(parts) / sum(wholes))
    assert min(each) - 1e-9 <= low <= high <= max(each) + 1e-9


class Unsure:
    """Unsure of everything; the second opinion serves what has the same first word."""

    floor = 0.5

    def decide(self, candidate: Candidate) -> Verdict:
        return Verdict(False, "", unsure=True)

    def settle(self, candidate: Candidate) -> Verdict:
        same = candidate.asked.split()[0] == candidate.cached.split()[0]
        return Verdict(same, "", 0.25 if same else 0.75)


def test_an_unsure_rule_is_asked_a_second_time() -> None:
    """The second opinion decides, its risk is the score, and below the floor nothing is served."""
    rule = quality.Rule("unsure", Unsure(), quality._certainty, "unsure")
    pairs = [Pair("red car", "red bike", 1), Pair("red car", "blue car", 0), Pair("red car", "red sky", 0)]
    served, scores = quality.judge(rule, pairs, [0.9, 0.9, 0.4])
    assert served.tolist() == [True, False, False]
    assert scores.tolist() == [0.75, 0.25, 0.75]


def test_rules_have_names_of_their_own() -> None:
    """Every rule of the benchmark has a name of its own."""
    names = [rule.name for rule in quality.rules_for("all-MiniLM-L6-v2/x")]
    assert len(names) == len(set(names))
    assert {"gptcache", "redisvl", "guards", "askonce"} <= set(names)


def write_pairs(folder: Path, name: str, rows: list[tuple[str, str, int]]) -> None:
    with gzip.open(folder / name, "wt", encoding="utf-8", newline="") as out:
        out.write("text_a\ttext_b\tlabel\n")
        out.writelines(f"{a}\t{b}\t{label}\n" for a, b, label in rows)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with one public set, made up."""
    folder = tmp_path / "data"
    folder.mkdir()
    things = "invoice parcel refund account password newsletter voucher subscription address receipt".split()
    rows = []
    for number in range(15):
        for place, thing in enumerate(things):
            rows.append((f"how do I find my {thing} number {number}?", f"where is my {thing} number {number}", 1))
            other = things[(place + 1) % len(things)]
            rows.append((f"can I cancel my {thing} {number}?", f"can I cancel my {other} {number}?", 0))
    write_pairs(folder, "qqp_gptcache_train.tsv.gz", rows)
    return folder


def test_only_the_test_part_is_measured(data: Path) -> None:
    """The pairs measured are those of the set's test part, all of them or as many as asked for."""
    test = load_set("qqp", data, "test")
    assert 0 < len(test) < len(load_set("qqp", data, "all"))
    assert pair_sets.gather(data, ["qqp"], None, 0) == {"qqp": (test, False)}
    few, _ = pair_sets.gather(data, ["qqp"], 7, 0)["qqp"]
    assert len(few) == 7
    assert set(few) <= set(test)


def test_traps_are_parted_by_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Traps in Latin script and others are two sets, each with the embedder for it."""
    path = tmp_path / "traps.tsv"
    rows = ("text_a\ttext_b\tlabel\tmeta", "turn it on\tturn it off\t0\topposite", "怎么开\t怎么关\t0\tzh")
    path.write_text("\n".join(rows) + "\n", "utf-8")
    monkeypatch.setattr(pair_sets, "TRAPS", path)
    found = pair_sets.gather(None, ["traps"], None, 0)
    assert {name: (len(pairs), chinese) for name, (pairs, chinese) in found.items()} == {
        "traps": (1, False),
        "traps (not English)": (1, True),
    }


def test_vectors_are_computed_once(tmp_path: Path) -> None:
    """The second time the vectors come from disk, the same; a damaged file is made again."""
    report, model = Report("quality", tmp_path), OnnxEmbedder()
    texts = ["how do I pay", "where is my parcel"]
    first = vectors(texts, model, report)
    (path,) = (tmp_path / "vectors").iterdir()
    stamp = path.stat().st_mtime_ns
    assert np.array_equal(vectors(texts, model, report), first)
    assert path.stat().st_mtime_ns == stamp
    path.write_bytes(b"damaged")
    assert np.array_equal(vectors(texts, model, report), first)


def last_line(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])


def test_the_command_on_pairs(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command ends in one JSON line by set and rule, and leaves a JSON file and a picture."""
    out = tmp_path / "out"
    assert quality.main(["--data", str(data), "--sets", "qqp", "--out", str(out), "--json"]) == 0
    result = last_line(capsys)
    assert list(result) == ["qqp"]
    assert set(result["qqp"]) == {rule.name for rule in quality.rules_for("all-MiniLM-L6-v2/x")}
    generous, strict = result["qqp"]["gptcache"], result["qqp"]["redisvl"]
    assert generous["positives"][0] >= strict["positives"][0]
    assert generous["auc"] == strict["auc"]
    assert json.loads((out / "quality.json").read_text())["result"] == result
    assert (out / "quality.png").stat().st_size > 10_000


def test_other_files_are_measured_in_place_of_what_ships(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--risks and --pair-model take the verifier's files: those that ship give what they give unasked, others give
    something else. What is not there is one line, before anything is measured."""
    arguments = ["--data", str(data), "--sets", "qqp", "--most", "40", "--out", str(tmp_path), "--json"]
    assert quality.main(arguments) == 0
    usual = last_line(capsys)
    files = ["--risks", str(RISKS), "--pair-model", str(MODELS / PAIR_MODELS["latin"])]
    assert quality.main([*arguments, *files]) == 0
    assert last_line(capsys) == usual
    never = tuple(replace(one, second=replace(one.second, starts=(0.0,), risks=(1.0,))) for one in load_risks())
    (tmp_path / "never.json").write_bytes(msgspec.json.encode(never))
    assert quality.main([*arguments, "--risks", str(tmp_path / "never.json")]) == 0
    found = last_line(capsys)["qqp"]
    assert found.pop("askonce") != usual["qqp"].pop("askonce")
    assert found.pop("no guards") != usual["qqp"].pop("no guards")
    assert found == usual["qqp"]
    for wrong in (["--risks", str(tmp_path / "none.json")], ["--pair-model", str(tmp_path / "none")]):
        with pytest.raises(SystemExit):
            quality.main([*arguments, *wrong])
        assert "none" in capsys.readouterr().err.splitlines()[-1]


def test_the_command_on_streams(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --streams and no data the pool made in code is played; the same seeds give the same figures."""
    arguments = ["--streams", "--pools", "support", "--requests", "300", "--seeds", "2", "--json"]
    results = []
    for name in ("one", "two"):
        assert quality.main([*arguments, "--out", str(tmp_path)]) == 0
        results.append(last_line(capsys))
        assert (tmp_path / "quality_streams.png").exists(), name
    assert results[0] == results[1]
    rules = results[0]["support"]
    assert rules["exact only"]["hit_rate"][0] == 0
    assert rules["gptcache"]["hit_rate"][0] >= rules["redisvl"]["hit_rate"][0]
    assert all(rule["calls_saved"][0] <= 1 for rule in rules.values())


def test_unknown_sets_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A set nobody knows ends the command with a line that names those there are."""
    with pytest.raises(SystemExit):
        quality.main(["--sets", "qpq"])
    assert "there are traps, qqp" in capsys.readouterr().err
