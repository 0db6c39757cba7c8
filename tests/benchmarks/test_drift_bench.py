"""The drift benchmark: its accounting, and what each strategy must achieve on a small month."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import drift

MONTH = drift.make_month(6_000, 80, seed=1)
STRATEGY = {strategy.name: strategy for strategy in drift.strategies(0.04)}


def play(name: str) -> drift.Outcome:
    return drift.replay(STRATEGY[name], MONTH, 1, 30_000)


def test_a_fifth_of_the_facts_changes_half_way() -> None:
    """As many topics as said change, at the time said, one by one when asked to."""
    assert len(MONTH.changed) == 16
    assert set(MONTH.changed.values()) == {MONTH.half}
    spread = drift.make_month(100, 80, seed=1, spread=10)
    assert all(spread.half <= at <= spread.half + 10 * drift.DAY_S for at in spread.changed.values())
    assert len(set(spread.changed.values())) == 16
    together = drift.make_month(100, 80, seed=1, together=True)
    assert len({drift.document(topic, 80) for topic in together.changed}) == 2
    assert len(together.changed) == 20


def test_without_care_every_changed_topic_stays_unsafe() -> None:
    """Kept for ever, each topic is asked upstream once, and all later answers about changed ones are unsafe."""
    outcome = play("none")
    seen, unsafe = set(), 0
    for second, topic in MONTH.asked:
        unsafe += topic in seen and second >= MONTH.half and topic in MONTH.changed and topic not in LATE
        seen.add(topic)
    assert outcome.upstream == len(seen)
    assert sum(outcome.unsafe) == unsafe
    assert sum(outcome.unsafe[:15]) == 0
    assert sum(outcome.served) + outcome.upstream == len(MONTH.asked)


LATE = {
    topic
    for topic in MONTH.changed
    if min((second for second, asked in MONTH.asked if asked == topic), default=0.0) >= MONTH.half
}
"""Changed topics first asked about after the change: their answers were never old."""


def test_told_of_versions_nothing_unsafe_is_served() -> None:
    """With the version of the source in the call not one answer is served across it, and no audit is needed."""
    outcome = play("source tags")
    assert sum(outcome.unsafe) == 0
    assert outcome.audits == 0


def test_the_drift_policy_beats_a_ttl_alone() -> None:
    """Untold, it serves far fewer unsafe answers than the same TTL, at about its hit rate, within its audits."""
    ttl, policy = play("ttl 7 d").figures(), play("drift policy").figures()
    assert policy["unsafe"] < 0.015 < ttl["unsafe"]
    assert policy["hit_rate"] > ttl["hit_rate"] - 0.03
    assert 0 < policy["audits_share"] < 0.06


def test_the_tokens_of_a_day_bound_the_audits() -> None:
    """No day has more audits than its tokens pay for."""
    outcome = drift.replay(STRATEGY["drift policy"], MONTH, 1, 2 * drift.USAGE.total)
    assert outcome.audits <= 2 * drift.DAYS
    assert outcome.over > 0


def test_the_command_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command ends in one JSON line with the published keys, and leaves a JSON file and a picture."""
    arguments = ["--calls", "300", "--topics", "20", "--spread", "5", "--together", "--out", str(tmp_path), "--json"]
    assert drift.main(arguments) == 0
    result = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert list(result) == list(STRATEGY)
    keys = ["unsafe", "hit_rate", "upstream", "audits", "audits_share", "alarms", "false_alarms", "longest_days"]
    assert list(result["none"]) == keys
    assert json.loads((tmp_path / "drift.json").read_text())["result"] == result
    assert (tmp_path / "drift.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("wrong", [["--audits", "2"], ["--spread", "-1"], ["--calls", "0"]])
def test_a_wrong_option_is_refused(wrong: list[str]) -> None:
    """Options out of range stop the command."""
    with pytest.raises(SystemExit):
        drift.main(wrong)
