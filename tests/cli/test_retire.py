"""invalidate: what it says it retires is what is no longer served, everywhere, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from askonce import Cache
from tests.redis_server import RedisServer

from .conftest import QUESTIONS, Filled, Run, entries_of


def served(cache: Cache) -> set[str]:
    """The questions whose stored answer would be served now."""
    cache.ledger.refresh()
    return {
        entry.query or ""
        for entry in entries_of(cache.tiers[-1])
        if cache.pipeline.judge(entry, entry.key, _plain(), time.time()) == "fresh"
    }


def _plain() -> Any:
    from askonce import Controls

    return Controls()


WAYS: dict[str, tuple[Callable[[Filled], list[str]], set[str]]] = {
    "tag": (lambda filled: ["--tag", "doc:2"], {"Where is my order?", "How long does a refund take?"}),
    "model": (lambda filled: ["--model", "gpt-a"], {"How do I reset my password?", "Where is my order?"}),
    "text": (lambda filled: ["--text", "Where is my order?"], {"Where is my order?"}),
    "other text": (lambda filled: ["--text", "Where is my order"], set()),
    "key": (lambda filled: ["--key", filled.entries["Where is my order?"].key.hex()], {"Where is my order?"}),
    "key prefix": (
        lambda filled: ["--key", filled.entries["Where is my order?"].key.hex()[:16]],
        {"Where is my order?"},
    ),
    "scope prefix": (
        lambda filled: ["--scope", filled.entries["Where is my order?"].scope.hex()[:10]],
        {"How do I reset my password?", "Where is my order?"},
    ),
    "age, none that old": (lambda filled: ["--older-than", "1h"], set()),
    "age": (lambda filled: ["--older-than", "0s"], set(QUESTIONS)),
    "everything": (lambda filled: ["--everything", "--yes"], set(QUESTIONS)),
    "two at once": (
        lambda filled: ["--tag", "doc:1", "--text", "Where is my order?", "--yes"],
        {"How do I reset my password?", "Where is my order?"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_what_is_said_is_what_goes(run: Run, filled: Filled, way: str) -> None:
    """The number told, dry or not, is the number of answers no longer served, also by a process that has
    the cache open; a dry run changes nothing."""
    words, gone = WAYS[way][0](filled), WAYS[way][1]
    with Cache(directory=filled.directory, semantic=False) as running:
        assert served(running) == set(QUESTIONS)
        dry = run("invalidate", *words, "--dry-run", "--json")
        assert (dry.code, dry.json["retired"]) == (0, len(gone))
        assert served(running) == set(QUESTIONS)
        ran = run("invalidate", *words, "--json")
        assert (ran.code, ran.json["retired"]) == (0, len(gone))
        assert served(running) == set(QUESTIONS) - gone
    assert run("invalidate", *words, "--dry-run", "--json").json.get("retired", 0) == 0


def test_several_conditions_need_a_yes(run: Run, filled: Filled) -> None:
    """What meets any of several conditions is retired only when somebody agrees; nobody there to ask is a no."""
    ran = run("invalidate", "--tag", "doc:1", "--text", "Where is my order?")
    assert ran.code == 2
    assert "any (not all)" in ran.err
    assert "--yes" in ran.err
    with Cache(directory=filled.directory, semantic=False) as running:
        assert served(running) == set(QUESTIONS)


def test_sweep_gives_the_space_back(run: Run, filled: Filled) -> None:
    """--sweep deletes what was retired and leaves what was not."""
    ran = run("invalidate", "--tag", "doc:2", "--sweep", "--json")
    assert ran.json["swept"] == 2
    assert run("stats", "--json").json["tiers"][0]["entries"] == 2


def test_everything_needs_a_yes(run: Run, filled: Filled) -> None:
    """Without a terminal to ask on, --everything without --yes retires nothing and says how to."""
    ran = run("invalidate", "--everything")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert run("stats", "--json").json["states"] == {"fresh": 4}


@pytest.mark.parametrize(("said", "left"), [("y\n", 0), ("yes\n", 0), ("n\n", 4), ("\n", 4), ("", 4)])
def test_a_person_is_asked(run: Run, filled: Filled, monkeypatch: pytest.MonkeyPatch, said: str, left: int) -> None:
    """On a terminal --everything asks, and only a yes is a yes."""
    import io
    import sys

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(said))
    ran = run("invalidate", "--everything")
    assert ran.code == (1 if left else 0)
    assert "4 answers" in ran.err
    assert run("stats", "--json").json["states"].get("fresh", 0) == left


def test_an_unclear_beginning_is_refused(run: Run, place: Path) -> None:
    """The beginning of several digests retires none of them; one that begins none is told."""
    from askonce.backends.disk import DiskStore
    from askonce.entry import Entry

    store = DiskStore(".askonce")
    for number in (1, 2):
        store.put(Entry(b"\xab\xcd" + bytes(29) + bytes([number]), bytes(32), "value", b"\xa1x", time.time()))
    store.close()
    assert run("invalidate", "--key", "abcd").code == 2
    assert run("invalidate", "--key", "abce").code == 1
    assert run("stats", "--json").json["states"] == {"fresh": 2}


def test_when_redis_is_away_it_says_so(run: Run, place: Path) -> None:
    """An invalidation that other processes cannot see is a failure, never a quiet success."""
    with RedisServer() as server:
        (place / "askonce.toml").write_text(f"[cache]\ntiers = ['redis']\n[redis]\nurl = '{server.url}'")
        with Cache.from_config(semantic=False) as cache:

            @cache.cached(tags=["t"])
            def answer(question: str) -> str:
                return "x"

            answer("q")
        assert run("invalidate", "--tag", "t", "--dry-run", "--json").json["retired"] == 1
        server.stop()
        ran = run("invalidate", "--tag", "t")
        assert ran.code == 1
        assert len(ran.err.splitlines()) == 1
        assert "Redis" in ran.err
