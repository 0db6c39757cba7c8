"""The command line in process and as a process, and a cache on disk to point it at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from askonce import Cache
from askonce.cache.cli import main
from askonce.cache.tiers import Tier
from askonce.entry import Entry


class Ran(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on stdout."""
        return json.loads(self.out)


Run = Callable[..., Ran]
COMMANDS = (
    "demo",
    "stats",
    "inspect",
    "invalidate",
    "warm",
    "export",
    "import",
    "evaluate",
    "replay",
    "explain",
    "calibrate",
    "doctor",
)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test runs in a folder of its own, without settings from outside."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in list(os.environ):
        if name.startswith("ASKONCE_"):
            monkeypatch.delenv(name)
    return folder


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process."""

    def go(*words: object) -> Ran:
        capfd.readouterr()
        code = main([str(word) for word in words])
        return Ran(code, *capfd.readouterr())

    return go


@pytest.fixture
def shell() -> Run:
    """Run a command in a process of its own."""

    def go(*words: object, **options: Any) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "askonce.cache.cli", *map(str, words)],
            capture_output=True, text=True, timeout=60, check=False, **options,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)

    return go


class Filled(NamedTuple):
    """A directory with a small cache in it, as an application leaves it."""

    directory: Path
    entries: dict[str, Entry]


QUESTIONS = {
    "How do I reset my password?": ("doc:1", "gpt-a"),
    "Where is my order?": ("doc:2", "gpt-a"),
    "How long does a refund take?": ("doc:2", "gpt-b"),
    "Which payment methods do you accept?": ("", "gpt-b"),
}


def fill(directory: Path) -> dict[str, Entry]:
    """Four answers of two functions, as an application stores them."""
    with Cache(directory=directory, semantic=False) as cache:
        for question, (tag, model) in QUESTIONS.items():

            @cache.cached(name=f"shop.{model}", model=model, tags=[tag] if tag else [])
            def answer(question: str) -> str:
                return f"The answer to: {question}"

            answer(question)
        return {entry.query or "": entry for entry in entries_of(cache.tiers[-1])}


def entries_of(tier: Tier) -> Iterator[Entry]:
    """Every entry of a tier."""
    for key in tier.store.keys():  # noqa: SIM118 - a store is not a mapping
        entry = tier.store.get(key)
        assert entry is not None
        yield entry


@pytest.fixture
def filled(place: Path) -> Filled:
    """``.askonce`` in the test's folder: the default directory."""
    return Filled(place / ".askonce", fill(place / ".askonce"))
