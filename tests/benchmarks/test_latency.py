"""The latency benchmark: it runs, every subject is measured, and what is printed can be read by a program."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import latency


def test_the_command_prints_and_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command ends in one JSON line with every subject's two quantiles, and leaves a JSON file and a picture."""
    monkeypatch.setattr(sys, "argv", ["latency", "--rounds", "1", "--entries", "600", "--out", str(tmp_path), "--json"])
    latency.main()
    result = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert list(result) == list(latency.ABOUT)
    assert set(latency.OURS) <= set(result)
    assert all(0 <= figures["p50_us"] <= figures["p99_us"] for figures in result.values())
    assert json.loads((tmp_path / "latency.json").read_text())["result"] == result
    assert (tmp_path / "latency.png").read_bytes().startswith(b"\x89PNG")
