"""The savings benchmark: its accounting, on a short day, with the real SDK."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from askonce.upstream import estimate_chat, estimate_tokens
from benchmarks import savings
from benchmarks.report import Report, quantile
from benchmarks.traffic import Request, answer_for, make_traffic
from benchmarks.virtual_time import run_virtual

POLICY = {policy.name: policy for policy in savings.POLICIES}


def play(name: str, traffic: list[Request], directory: Path) -> savings.Outcome:
    return run_virtual(lambda loop: savings.replay(loop, POLICY[name], traffic, directory))


def test_the_policies_are_the_published_ones() -> None:
    """The names other programs read are exactly these, ``none`` first."""
    assert list(POLICY) == ["none", "exact", "cosine:0.8", "cosine:0.9", "askonce"]


def test_without_a_cache_everything_is_paid(tmp_path: Path) -> None:
    """Policy ``none`` sends every question, saves nothing, and pays what the answers are worth."""
    traffic = make_traffic(60, seed=1)
    outcome = play("none", traffic, tmp_path)
    worth = sum(estimate_chat(savings.messages_for(r.text)) + estimate_tokens(answer_for(r.label)) for r in traffic)
    assert outcome.tokens == outcome.worth_tokens == worth
    assert outcome.money == pytest.approx(outcome.worth_money)
    figures = outcome.figures(outcome)
    assert figures == dict.fromkeys(figures, 0.0)
    assert sum(outcome.hourly_tokens) == outcome.tokens


def test_exact_tiers_pay_once_a_text(tmp_path: Path) -> None:
    """Policy ``exact`` pays each different text once; its hits are never wrong."""
    base = make_traffic(80, seed=1)
    traffic = [Request(i * 60.0, r.text, r.label, r.one_off) for i, r in enumerate(base + base)]
    outcome = play("exact", traffic, tmp_path)
    different = len({r.text for r in traffic})
    assert outcome.hits == len(traffic) - different
    assert outcome.wrong == Counter()
    assert outcome.figures(play("none", traffic, tmp_path))["tokens_saved"] == pytest.approx(0.5, abs=0.1)


def test_a_wrong_answer_is_counted_as_wrong(tmp_path: Path) -> None:
    """A hit whose text belongs to another label is a wrong hit, with both questions kept as an example."""
    traffic = [
        Request(0.0, "how do i cancel my order", "one", False),
        Request(60.0, "how do i cancel my order?", "two", False),
    ]
    outcome = play("cosine:0.8", traffic, tmp_path)
    assert outcome.wrong == Counter({"semantic": 1})
    assert outcome.figures(outcome)["wrong_hit_rate"] == 1.0
    assert outcome.examples[0][:2] == ("how do i cancel my order?", "how do i cancel my order")


def test_a_burst_waits_and_fails(tmp_path: Path) -> None:
    """More than the limits allow at once: some requests wait for a 429 to pass, some fail, none is lost."""
    traffic = [Request(i * 0.2, r.text, r.label, r.one_off) for i, r in enumerate(make_traffic(100, seed=1))]
    outcome = play("none", traffic, tmp_path)
    assert outcome.answered + outcome.failed.total() == len(traffic)
    assert set(outcome.failed) <= {"RateLimitError"}
    assert outcome.failed.total() > 0
    assert outcome.waited > 0
    assert outcome.rejected > 0


def test_the_command_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command ends in one JSON line with the published keys, and leaves a JSON file and a picture."""
    arguments = ["--requests", "40", "--policies", "exact", "--seed", "3", "--out", str(tmp_path), "--json"]
    assert savings.main(arguments) == 0
    result = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert list(result) == ["none", "exact"]
    keys = ["tokens_saved", "money_saved", "latency_saved", "hit_rate", "wrong_hit_rate", "waited", "failed"]
    assert list(result["exact"]) == keys
    assert json.loads((tmp_path / "savings.json").read_text())["result"] == result
    assert (tmp_path / "savings.png").read_bytes().startswith(b"\x89PNG")


def test_an_unknown_policy_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt policy stops the command with the names there are."""
    with pytest.raises(SystemExit):
        savings.main(["--policies", "exakt"])
    assert "cosine:0.8" in capsys.readouterr().err


def test_quantiles() -> None:
    """Quantiles are values that occurred; of nothing they are 0."""
    assert quantile([], 0.5) == 0.0
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([3.0, 1.0, 2.0], 1.0) == 3.0


def test_a_report_makes_its_folder(tmp_path: Path) -> None:
    """Results go to a folder that need not exist yet."""
    path = Report("x", tmp_path / "a" / "b").save({"p": {"hit_rate": 0.5}})
    assert json.loads(path.read_text())["result"]["p"]["hit_rate"] == 0.5
