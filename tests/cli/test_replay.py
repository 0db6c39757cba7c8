"""replay, explain and calibrate on the command line."""

from __future__ import annotations

import io
import json
import random
import sys
from pathlib import Path

import pytest

from .conftest import Run

LOG = [
    {"text": "How do I cancel my order?", "answer": "Under Orders, press Cancel."},
    {"text": "cancel my order", "answer": "under orders, press cancel"},
    {"text": "How do I cancel my order?", "answer": "Under Orders, press Cancel."},
    {"text": "A flight from Rome to Oslo", "answer": "Daily at nine."},
    {"text": "A flight from Oslo to Rome", "answer": "There is none."},
    {"text": "Where can I see a rainbow?"},
]


@pytest.fixture
def log(place: Path) -> Path:
    path = place / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in LOG))
    return path


# -- replay ----------------------------------------------------------------------------------------------------


def test_replay_tells_what_would_have_been_served(run: Run, log: Path) -> None:
    """The careful rule serves the reworded question; the plain one the turned flight too, which is a wrong hit."""
    ran = run("replay", log, "--policy", "conservative", "--policy", "cosine:0.85", "--json")
    assert ran.code == 0
    found = ran.json
    assert (found["calls"], found["truth"], found["recommended"]["policy"]) == (6, "answer", None)
    careful, plain = found["policies"]
    assert (careful["exact"], careful["semantic"], careful["right"], careful["wrong"]) == (1, 1, 1, 0)
    assert (plain["exact"], plain["semantic"], plain["right"], plain["wrong"]) == (1, 2, 1, 1)
    assert plain["wrong_share"] == 0.5
    assert 0 < careful["tokens_saved"] < plain["tokens_saved"] < plain["tokens"]
    assert not (log.parent / ".askonce").exists()


def test_replay_page_plot_and_recommendation(run: Run, place: Path) -> None:
    """With evidence enough something is recommended, the page says why, and the picture is a PNG."""
    rows = [
        {"text": f"{start} order number {n}", "label": n} for n in range(450) for start in ("cancel", "Please cancel")
    ]
    (place / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = run("replay", "log.jsonl", "--policy", "conservative", "--plot", "out.png", "--embedder", "default")
    assert ran.code == 0
    assert "Recommended: conservative; 0 wrong of 450" in ran.out
    assert (place / "out.png").read_bytes().startswith(b"\x89PNG")


def test_replay_takes_intents_and_pairs(run: Run, place: Path) -> None:
    """An intent file and a pair file are logs, too; --limit takes the first calls."""
    (place / "i.tsv").write_text("text\tintent\nstop my plan\tstop\nplease stop my plan\tstop\nbuy bread\tbuy\n")
    (place / "p.tsv").write_text("text_a\ttext_b\tlabel\nstop my plan\tplease stop my plan\t1\n")
    intents = run("replay", "i.tsv", "--policy", "cosine:0.8", "--json").json
    assert (intents["truth"], intents["policies"][0]["right"], intents["policies"][0]["tokens"]) == ("label", 1, None)
    pairs = run("replay", "p.tsv", "--policy", "cosine:0.8", "--json").json
    assert (pairs["truth"], pairs["calls"], pairs["policies"][0]["right"]) == ("pairs", 2, 1)
    assert run("replay", "p.tsv", "--limit", "1", "--json").json["calls"] == 1


def test_replay_keeps_to_the_lifetime_of_the_settings(run: Run, log: Path, place: Path) -> None:
    """Answers older than the ttl of the settings are asked for again."""
    rows = [{"text": "cancel my order", "label": "x", "time": n * 100} for n in range(3)]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (place / "askonce.toml").write_text("[policy]\nttl = 150\n")
    assert run("replay", log, "--policy", "cosine", "--json").json["policies"][0]["exact"] == 1
    (place / "askonce.toml").write_text("[policy]\nttl = 'never'\n")
    assert run("replay", log, "--policy", "cosine", "--json").json["policies"][0]["exact"] == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere.jsonl"], "nowhere.jsonl"),
        (["bad.jsonl"], "line 2"),
        (["log.jsonl", "--policy", "nope"], "nope"),
        (["log.jsonl", "--max-wrong", "0"], "--max-wrong"),
        (["log.jsonl", "--target", "1"], "--target"),
        (["log.jsonl", "--plot", "nowhere/x.png"], "nowhere"),
        (["log.jsonl", "--limit", "-1"], "--limit"),
    ],
)
def test_replay_mistakes_are_one_line(run: Run, log: Path, words: list[str], says: str) -> None:
    """Wrong usage is one line that names it, with code 2."""
    Path("bad.jsonl").write_text('{"text": "a"}\n{"txet": "a"}\n')
    ran = run("replay", *words)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert says in ran.err


# -- explain ---------------------------------------------------------------------------------------------------


def test_explain_names_the_guard(run: Run) -> None:
    """The verdict, the similarity and every guard's word, for people and as JSON."""
    words = ("explain", "A flight from Rome to Oslo", "A flight from Oslo to Rome", "--policy", "conservative")
    found = run(*words, "--json").json
    assert found["serve"] is False
    assert found["similarity"] > 0.9
    assert next(guard["reason"] for guard in found["guards"] if guard["reason"]) == found["why"]
    page = run(*words)
    assert page.code == 0
    assert page.out.startswith(f"✗ not served: {found['why']}")
    assert all(guard["name"] in page.out for guard in found["guards"])
    served = run("explain", "How do I cancel my order?", "cancel my order", "--policy", "conservative", "--json").json
    assert served["serve"] is True


def test_explain_tells_what_needs_no_decision(run: Run) -> None:
    """The very same question is an exact hit; one the embedder refuses is no hit; far ones are not looked at."""
    words = ("--policy", "conservative", "--json")
    assert run("explain", "Why?", "Why?", *words).json["why"].startswith("the very same question")
    refused = run("explain", "Why?", "为什么", *words).json
    assert (refused["serve"], refused["similarity"]) == (False, None)
    far = run("explain", "How do I bake bread?", "Who won the election?", *words).json
    assert (far["serve"], "floor" in far["why"]) == (False, True)


def test_explain_reads_stdin_and_files(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lines of stdin, one question of stdin, or every pair of a file, labelled or not."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("cancel my order\nHow do I cancel my order?\n"))
    assert run("explain", "--policy", "guards:0.5", "--json").json["cached"] == "cancel my order"
    monkeypatch.setattr(sys, "stdin", io.StringIO("cancel my order\n"))
    assert run("explain", "cancel order", "--policy", "guards:0.5", "--json").json["asked"] == "cancel my order"
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert "blank" in run("explain", "one question").err
    (place / "p.tsv").write_text("text_a\ttext_b\nstop it\tplease stop it\na red car\ta blue car\n")
    found = run("explain", "--file", "p.tsv", "--policy", "guards:0.5", "--json").json["pairs"]
    assert [one["asked"] for one in found] == ["please stop it", "a blue car"]
    assert run("explain", "--file", "p.tsv").out.count("stored") == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "stdin has 1 lines"),
        ([" ", "a"], "blank"),
        (["a", "b", "--file", "p.tsv"], "--file"),
        (["--file", "nowhere.tsv"], "nowhere.tsv"),
        (["a", "b", "--policy", "x"], "x"),
        (["a", "b", "--max-wrong", "7"], "--max-wrong"),
    ],
)
def test_explain_mistakes_are_one_line(run: Run, words: list[str], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong usage is one line that names it, with code 2."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("only one line\n"))
    ran = run("explain", *words)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert says in ran.err


# -- calibrate -------------------------------------------------------------------------------------------------


def pairs_of(count: int) -> str:
    """Questions in two wordings (1), and with another thing in its place (0)."""
    rng = random.Random(6)
    verbs = "cancel open close move copy print sell rent paint clean".split()
    things = "account door window lamp book ticket car garden room letter".split()
    rows = []
    for number in range(count):
        verb, thing, other = rng.choice(verbs), *rng.sample(things, 2)
        asked = f"can I {verb} the {thing} of mine {number}" if number % 2 else f"{verb} my {other} {number}"
        rows.append(f"How do I {verb} my {thing} {number}?\t{asked}\t{number % 2}\n")
    return "text_a\ttext_b\tlabel\n" + "".join(rows)


def test_calibrate_writes_what_evaluate_reads(run: Run, place: Path) -> None:
    """The file is made for the embedder, reports both frontiers, and serves as a policy; it is not replaced unasked,
    and no other embedder takes it."""
    (place / "pairs.tsv").write_text(pairs_of(360))
    made = run("calibrate", "pairs.tsv", "--out", "c.json", "--json")
    assert (made.code, made.err) == (0, "")
    found = made.json["languages"]["latin"]
    assert found["auc_after"] >= found["auc_before"] - 0.05
    assert set(found["frontier_after"]) == {"0.5", "1", "2", "3", "5"}
    (saved,) = json.loads((place / "c.json").read_text())
    assert saved["embedder"] == made.json["embedder"]
    measured = run("evaluate", "pairs.tsv", "--policy", "calibrated:c.json", "--max-wrong", "0.2", "--json").json
    assert (measured["policy"], measured["max_wrong"]) == ("calibrated:c.json", 0.2)
    assert measured["wrong_share"] is None or measured["wrong_share"] <= 0.2
    explained = run("explain", "open my door", "close my door", "--policy", "calibrated:c.json", "--json").json
    assert "similarity" in explained["details"]
    other = run("evaluate", "pairs.tsv", "--policy", "calibrated:c.json", "--embedder", "multilingual")
    assert (other.code, "was made for all-MiniLM" in other.err) == (2, True)
    again = run("calibrate", "pairs.tsv", "-o", "c.json")
    assert (again.code, "--force" in again.err) == (2, True)
    page = run("calibrate", "pairs.tsv", "-o", "c.json", "--force")
    assert (page.code, "Written to c.json" in page.out) == (0, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["pairs.tsv"], "--out"),
        (["nowhere.tsv", "-o", "c.json"], "nowhere.tsv"),
        (["pairs.tsv", "-o", "nowhere/c.json"], "nowhere"),
        (["pairs.tsv", "-o", "c.json"], "30 of each"),
    ],
)
def test_calibrate_mistakes_are_one_line(run: Run, place: Path, words: list[str], says: str) -> None:
    """Wrong usage, and too few pairs, are one line with code 2, and nothing is written."""
    (place / "pairs.tsv").write_text(pairs_of(20))
    ran = run("calibrate", *words)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err
    assert not (place / "c.json").exists()


@pytest.mark.parametrize("command", ["evaluate", "replay", "explain", "calibrate"])
def test_help_has_examples(run: Run, command: str) -> None:
    """--help explains the command, with examples and the shared options."""
    ran = run(command, "--help")
    assert ran.code == 0
    assert f"askonce {command}" in ran.out.partition("Examples:")[2]
    assert all(option in ran.out for option in ("--config", "--directory", "--json"))
