"""demo: it runs on nothing but what is installed, its figures are those of the server, and its picture is one."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from askonce import Cache
from askonce.cache import demo
from askonce.cache.commands.demo_questions import INTENTS, answer_to, intents_by_text, mark_of, traffic
from askonce.embeddings import default_embedder
from askonce.upstream.local_model import LocalModel

from .conftest import Run, fill

PNG = b"\x89PNG\r\n\x1a\n"


def test_the_questions() -> None:
    """No text belongs to two intents, answers tell intents apart, traffic is the same each time, and the
    set has traps: pairs of different intents that the embedder can hardly tell apart."""
    texts = list(itertools.chain(*INTENTS.values()))
    assert len(set(texts)) == len(texts)
    intents = intents_by_text()
    answers = {intent: answer_to(intent) for intent in intents.values()}
    assert all(answer.startswith(mark_of(intent)) for intent, answer in answers.items())
    assert len({mark_of(intent) for intent in answers}) == len(answers)
    assert traffic(50) == traffic(50)
    assert all(intents[question.text] == question.intent for question in traffic(200))
    vectors = default_embedder().embed(texts)
    near = np.argwhere(np.triu(vectors @ vectors.T, 1) > 0.9)
    assert sum(intents[texts[one]] != intents[texts[other]] for one, other in near.tolist()) >= 5


def test_run_and_run_again(run: Run, place: Path) -> None:
    """The first run saves tokens and serves nothing wrong; the second is answered from disk, without the
    model. Each saves a picture, and --json prints one object."""
    first = run("demo", "--calls", 36, "--json")
    assert first.code == 0, first.err
    data = first.json
    assert data["without"]["answered_by"] == {"model": 96}
    assert data["askonce"]["calls"] == data["without"]["calls"] == 96
    assert data["askonce"]["wrong_hits"] == 0
    assert data["askonce"]["tokens"] < data["without"]["tokens"]
    assert data["saved"]["tokens"] == pytest.approx(1 - data["askonce"]["tokens"] / data["without"]["tokens"])
    assert data["earlier_answers"] == 0
    for total in ("calls", "hits", "tokens"):
        assert sum(part[total] for part in data["surfaces"].values()) == data["askonce"][total]
    assert (place / "askonce-demo.png").read_bytes().startswith(PNG)

    page = run("demo", "--calls", 36, "--out", "again.png")
    assert page.code == 0
    assert "Picture: again.png" in page.out
    assert (place / "again.png").read_bytes().startswith(PNG)
    earlier = data["askonce"]["answered_by"]["model"]
    assert f"This was not the first run: {earlier} answers" in page.out
    rows = {cells[1].strip(): cells for line in page.out.splitlines() if len(cells := line.split("│")) > 3}
    assert int(rows["from disk"][3]) > 0
    assert int(rows["by the model"][3]) <= 1  # one may miss a deadline on a busy machine
    assert rows["wrong answers"][3].split()[0] == "0"


def test_the_figures_are_the_servers(place: Path) -> None:
    """Tokens counted at the surfaces are exactly those the model billed, with and without the cache."""
    models: list[LocalModel] = []
    serving = demo._serving

    @contextmanager
    def watched(calls: int) -> Iterator[Any]:
        with serving(calls) as made:
            models.append(made[0])
            yield made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "_serving", watched)
        questions = demo.traffic(12)
        without = demo.without_cache(questions)
        cached = demo.with_cache(questions, lambda: Cache(directory=place / "cache", audits=False))
    assert [model.tokens for model in models] == [without.tokens, cached.tokens]
    assert [model.answered for model in models] == [without.where["model"], cached.where["model"]]


def test_no_matplotlib_no_picture(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without matplotlib the demo still runs, and says which extra draws."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    ran = run("demo", "--calls", 4, "--json")
    assert (ran.code, ran.json["picture"]) == (0, None)
    assert "askonce[plots]" in ran.err


@pytest.mark.parametrize("package", ["openai", "uvicorn"])
def test_without_its_parts_one_line_names_the_extra(place: Path, package: str) -> None:
    """Where the SDK or the server is not installed the demo says which extra brings them."""
    code = f"import sys; sys.modules['{package}'] = None; from askonce.cache.cli import main; sys.exit(main(['demo']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert package in done.stderr
    assert "askonce[demo]" in done.stderr


def test_fresh_touches_nothing_else(run: Run, place: Path) -> None:
    """--fresh empties the demo's own store; a stranger's file beside it stays."""
    (place / "kept").mkdir()
    (place / "kept" / "diary.txt").write_text("dear diary")
    fill(place / "kept")
    ran = run("demo", "--calls", 3, "--directory", "kept", "--fresh", "--json")
    assert ran.json["earlier_answers"] == 0
    assert (place / "kept" / "diary.txt").read_text() == "dear diary"
    entries = run("stats", "--directory", "kept", "--json").json
    assert entries["models"] == [["gpt-4o", entries["entries"]]]  # nothing of what was there before
