"""stats and inspect: what is counted is what is there, and what is shown is what was stored."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import BaseModel

from askonce import Cache
from askonce.backends.disk import DiskStore
from askonce.entry import Entry, Usage
from tests.redis_server import RedisServer

from .conftest import Filled, Run


class Offer(BaseModel):
    name: str
    price: float


@dataclass
class Point:
    x: int
    y: int


def entry_of(number: int, *, age: float = 0.0, life: float | None = 3600.0, **more: object) -> Entry:
    """An entry made ``age`` seconds ago that lives ``life`` seconds."""
    now = time.time()
    expires = None if life is None else now - age + life
    made = {"query": f"question {number}", "usage": Usage(10, 5), "cost_usd": 0.01, "model": "m", **more}
    return Entry(number.to_bytes(32, "big"), bytes(32), "value", b"\xa1x", now - age, expires, expires, **made)  # type: ignore[arg-type]


def put(directory: Path, *entries: Entry) -> None:
    store = DiskStore(directory)
    for entry in entries:
        store.put(entry)
    store.close()


def test_stats_counts_what_is_there(run: Run, place: Path) -> None:
    """Entries are counted once by state; models, tags, tokens and money are those of the servable ones."""
    put(
        place / ".askonce",
        *(entry_of(i, model="a", tags=("t",)) for i in range(3)),
        entry_of(3, model="b", age=7200, life=None),
        entry_of(4, age=100, life=50),
        entry_of(5, tags=("gone",)),
    )
    with Cache(directory=".askonce", semantic=False) as cache:
        cache.invalidate(tag="gone")
    data = run("stats", "--json").json
    assert data["states"] == {"fresh": 4, "expired": 1, "invalidated": 1}
    assert data["entries"] == data["tiers"][0]["entries"] == 6
    assert (data["models"], data["tags"]) == ([["a", 3], ["b", 1]], [["t", 3]])
    assert (data["tokens"], data["scopes"]) == (60, 1)
    assert data["money_usd"] == pytest.approx(0.04)
    assert data["ages"] == {"under 1 h": 3, "under 1 d": 1}
    page = run("stats").out
    assert "60 tokens" in page
    assert "cache.stats()" in page  # what cannot be known from here is said


def test_stats_quick_reads_no_entry(run: Run, filled: Filled) -> None:
    """--quick gives what the tiers count themselves, and nothing that needs reading."""
    data = run("stats", "--quick", "--json").json
    assert data["tiers"] == [{"name": "disk", "entries": 4, "bytes": data["tiers"][0]["bytes"], "fault": ""}]
    assert "models" not in data


def test_looking_changes_nothing(run: Run, filled: Filled) -> None:
    """stats, inspect, export and doctor leave every entry as it was."""
    for words in (["stats"], ["inspect"], ["export", "x.jsonl"], ["doctor"]):
        assert run(*words).code == 0
    store = DiskStore(filled.directory)
    assert {key: store.get(key) for key in store.keys()} == {  # noqa: SIM118
        entry.key: entry for entry in filled.entries.values()
    }
    store.close()


def test_looking_at_a_larger_cache_throws_nothing_away(run: Run, place: Path) -> None:
    """A directory that holds more than the default bound here keeps all of it: its owner's bound counts."""
    (place / "askonce.toml").write_text("[disk]\nmax_bytes = '1 MiB'")
    put(place / ".askonce", *(entry_of(i, vector=bytes(20_000)) for i in range(100)))
    for words in (["stats"], ["inspect"], ["doctor"], ["invalidate", "--tag", "none"]):
        run(*words)
    store = DiskStore(".askonce")
    assert store.stats().entries == 100
    store.close()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--text", "Where is my order?"], {"Where is my order?"}),
        (["--text", "where is my order"], set()),
        (["--contains", "MY"], {"How do I reset my password?", "Where is my order?"}),
        (["--tag", "doc:2"], {"Where is my order?", "How long does a refund take?"}),
        (["--model", "gpt-b"], {"How long does a refund take?", "Which payment methods do you accept?"}),
        (["--tag", "doc:2", "--model", "gpt-b"], {"How long does a refund take?"}),
        ([], None),
    ],
)
def test_inspect_finds_what_meets_all_conditions(
    run: Run, filled: Filled, words: list[str], found: set[str] | None
) -> None:
    """The listed entries are exactly those that meet every condition; none is exit code 1."""
    wanted = set(filled.entries) if found is None else found
    ran = run("inspect", "--json", *words)
    assert {entry["query"] for entry in ran.json["entries"]} == wanted
    assert ran.code == (0 if wanted else 1)
    page = run("inspect", *words).out
    assert all((question in page) == (question in wanted) for question in filled.entries)


def test_inspect_by_key_and_scope_prefix(run: Run, filled: Filled) -> None:
    """The beginning of a key or scope is enough, and --key shows the answer."""
    entry = filled.entries["Where is my order?"]
    ran = run("inspect", "--json", "--key", entry.key.hex()[:16])
    assert [row["answer"] for row in ran.json["entries"]] == ["The answer to: Where is my order?"]
    assert run("inspect", "--key", entry.key.hex().upper()).out.endswith("The answer to: Where is my order?\n")
    scoped = run("inspect", "--json", "--scope", entry.scope.hex()[:12]).json
    assert {row["query"] for row in scoped["entries"]} == {
        question for question, other in filled.entries.items() if other.scope == entry.scope
    }


def test_inspect_lists_the_newest(run: Run, place: Path) -> None:
    """--limit keeps the newest, in order; 0 lists all; how many matched is said either way."""
    put(place / ".askonce", *(entry_of(i, age=i * 10) for i in range(30)))
    ran = run("inspect", "--json", "--limit", 3).json
    assert ([row["query"] for row in ran["entries"]], ran["matched"]) == ([f"question {i}" for i in range(3)], 30)
    assert len(run("inspect", "--json", "--limit", 0).json["entries"]) == 30
    assert "27 more" in run("inspect", "--limit", 3).err


def test_inspect_shows_every_kind_of_answer(run: Run, place: Path) -> None:
    """The answer is shown as what the function returned or the model said."""

    with Cache(directory=".askonce", semantic=False) as cache:

        @cache.cached(name="text")
        def text(question: str) -> str:
            return "plain"

        @cache.cached(name="point")
        def point(question: str) -> Point:
            return Point(1, 2)

        @cache.cached(name="offer")
        def offer(question: str) -> Offer:
            return Offer(name="kettle", price=9.5)

        @cache.cached(name="parts")
        def parts(question: str) -> Iterator[str]:
            yield from ("a", "b")

        answers = [text("q1"), point("q2"), offer("q3"), list(parts("q4"))]
        body = {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "said"}}]}
        now = time.time()
        cache.tiers[-1].store.put(
            Entry(b"k" * 32, bytes(32), "openai.chat", json.dumps(body).encode(), now, None, None, query="q5")
        )
    shown = {}
    for row in run("inspect", "--json").json["entries"]:
        found = run("inspect", "--json", "--key", row["key"]).json["entries"]
        shown[row["query"]] = found[0]["answer"]
    assert shown == {
        "q1": "plain",
        "q2": {"x": 1, "y": 2},
        "q3": {"name": "kettle", "price": 9.5},
        "q4": ["a", "b"],
        "q5": "said",
    }
    assert len(answers) == 4


def test_what_is_stored_cannot_steer_the_terminal(run: Run, place: Path) -> None:
    """Control characters of stored text are written out, and markup is shown as it is."""
    evil = "\x1b]0;owned\x07 [bold]red[/bold] \x9b31m \u202e"
    body = b"\xd9" + bytes([len(evil.encode())]) + evil.encode()
    put(place / ".askonce", _with(body, evil))
    for words in (["inspect"], ["inspect", "--key", "0000"], ["stats"], ["inspect", "--contains", "\x1bnothing"]):
        ran = run(*words)
        shown = ran.out + ran.err
        assert not {char for char in shown if ord(char) < 32 and char != "\n"} | ({"\x9b", "\u202e"} & set(shown))
    assert "[bold]red[/bold]" in run("inspect").out


def _with(body: bytes, text: str) -> Entry:
    now = time.time()
    return Entry(bytes(32), bytes(32), "value", body, now, None, None, query=text, tags=(text,), model=text)


def test_an_entry_in_two_tiers_is_one_entry(run: Run, place: Path) -> None:
    """Entries are counted by key over disk and Redis, the newest copy is shown, and each tier is listed."""
    from askonce.backends.redis import RedisStore

    with RedisServer() as server:
        (place / "askonce.toml").write_text(
            f"[cache]\ntiers = ['memory', 'disk', 'redis']\n[redis]\nurl = '{server.url}'"
        )
        put(place / ".askonce", entry_of(1, age=60, model="old"), entry_of(2))
        remote = RedisStore(server.url)
        remote.put(entry_of(1, model="new"))
        remote.put(entry_of(3))
        data = run("stats", "--json").json
        assert (data["entries"], [tier["entries"] for tier in data["tiers"]]) == (3, [2, 2])
        rows = {row["query"]: row for row in run("inspect", "--json").json["entries"]}
        assert (rows["question 1"]["tiers"], rows["question 1"]["model"]) == (["disk", "redis"], "new")
        assert (rows["question 2"]["tiers"], rows["question 3"]["tiers"]) == (["disk"], ["redis"])
        remote.close()
        server.stop()
        gone = run("stats", "--json")
        assert gone.code == 1
        assert [bool(tier["fault"]) for tier in gone.json["tiers"]] == [False, True]
        assert gone.json["entries"] == 2  # what the disk has is still shown
        assert len(gone.err.splitlines()) == 1
        assert run("inspect").code == 1


def test_policy_of_the_settings_decides_what_is_stale(run: Run, place: Path) -> None:
    """An entry past its TTL but within the stale window of the settings counts as stale, else as expired."""
    put(place / ".askonce", entry_of(1, age=100, life=50))
    assert run("stats", "--json").json["states"] == {"expired": 1}
    (place / "askonce.toml").write_text("[policy]\nstale_if_error = '1h'")
    assert run("stats", "--json").json["states"] == {"stale": 1}
