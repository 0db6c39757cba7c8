"""doctor: what is sound is said to be sound, what is not is found, named and mended."""

from __future__ import annotations

import os
import pickle
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from askonce import Cache
from askonce.backends.disk import DiskStore
from askonce.cache.core import SNAPSHOT_NAME
from askonce.embeddings import default_embedder
from tests.redis_server import RedisServer

from .conftest import Filled, Ran, Run


class Bomb:
    """Unpickling it leaves a trace."""

    def __reduce__(self) -> Any:
        return (exec, ("import os; os.environ['TEST_BOMB'] = 'went off'",))


def checks(ran: Ran) -> dict[str, list[dict[str, Any]]]:
    """The checks by name."""
    made: dict[str, list[dict[str, Any]]] = {}
    for check in ran.json["checks"]:
        made.setdefault(check["name"], []).append(check)
    return made


def state(ran: Ran, name: str) -> set[str]:
    return {check["state"] for check in checks(ran)[name]}


def database(directory: Path, *statements: tuple[str, tuple[Any, ...]]) -> None:
    """Somebody else writes into the database."""
    with sqlite3.connect(directory / "cache.db") as connection:
        for sql, values in statements:
            connection.execute(sql, values)
    connection.close()


@pytest.fixture
def embedded(place: Path) -> Path:
    """A cache with two answers and their vectors, closed in order."""
    default_embedder().embed(["loaded"])  # loading may take longer than a question may wait
    with Cache(directory=".askonce") as cache:

        @cache.cached(name="f")
        def answer(question: str) -> str:
            return f"to {question}"

        answer("How do I reset my password?")
        answer("Where is my order?")
    return place / ".askonce"


def test_all_in_order(run: Run, embedded: Path) -> None:
    """A sound cache has nothing wrong, each part is named, and the exit code is 0."""
    ran = run("doctor", "--json")
    assert (ran.code, ran.json["ok"], ran.json["wrong"]) == (0, True, 0)
    assert set(checks(ran)) >= {
        "python", "packages", "settings", "disk tier", "disk rows", "embedder", "index", "directory", "disk space",
    }  # fmt: skip
    assert "2 vectors" in checks(ran)["index"][0]["text"]
    assert "384 dimensions" in checks(ran)["embedder"][0]["text"]
    page = run("doctor").out
    assert "all in order" in page
    assert "✗" not in page


def test_before_the_first_use(run: Run, place: Path) -> None:
    """Where no cache was made yet nothing is wrong, and the doctor makes none."""
    ran = run("doctor", "--json")
    assert ran.code == 0
    assert "nothing in" in checks(ran)["disk tier"][0]["text"]
    assert not (place / ".askonce").exists()
    (place / ".askonce").write_text("a file")
    assert state(run("doctor", "--json"), "disk tier") == {"wrong"}


@pytest.mark.parametrize(
    "plant",
    [
        ("INSERT INTO Cache (key, raw, mode, value) VALUES (?, 1, 4, ?)", bytes(32)),
        ("INSERT INTO Cache (key, raw, mode, value) VALUES (?, 0, 4, ?)", pickle.dumps(("k",))),
        ("INSERT INTO Cache (key, raw, mode, filename, value) VALUES (?, 1, 4, 'x.val', ?)", bytes(32)),
    ],
    ids=["value", "key", "file"],
)
def test_a_planted_pickle_is_found_and_removed_unread(run: Run, filled: Filled, plant: tuple[str, bytes]) -> None:
    """A pickle in the database is reported, never loaded, and --fix deletes it and nothing else."""
    sql, key = plant
    database(filled.directory, (sql, (key, pickle.dumps(Bomb()))))
    ran = run("doctor", "--json")
    assert ran.code == 1
    assert state(ran, "disk rows") == {"wrong"}
    assert "pickle" in checks(ran)["disk rows"][0]["text"]
    assert run("doctor").out.count("✗") == 1
    fixed = run("doctor", "--fix", "--json")
    assert (fixed.code, fixed.json["fixed"]) == (0, 1)
    after = run("doctor", "--json")
    assert (after.code, checks(after)["disk rows"][0]["text"]) == (0, "all 4 entries can be read")
    assert "TEST_BOMB" not in os.environ


def test_damaged_rows_are_counted_and_removed(run: Run, filled: Filled) -> None:
    """Rows whose checksum is wrong, or that hold the entry of another key, are damaged; --fix deletes them."""
    keys = [entry.key for entry in filled.entries.values()]
    database(
        filled.directory,
        ("UPDATE Cache SET value = substr(value, 1, 50) WHERE key = ?", (keys[0],)),
        ("UPDATE Cache SET value = (SELECT value FROM Cache WHERE key = ?) WHERE key = ?", (keys[2], keys[1])),
    )
    ran = run("doctor", "--json")
    assert ran.code == 1
    assert "2 damaged" in checks(ran)["disk rows"][0]["text"]
    assert run("doctor", "--fix").code == 0
    assert "all 2 entries" in checks(run("doctor", "--json"))["disk rows"][0]["text"]


def test_a_damaged_database_is_set_aside(run: Run, filled: Filled) -> None:
    """A database that is no database is replaced on opening; the doctor says where the old one is."""
    (filled.directory / "cache.db").write_bytes(b"this was a database once" * 100)
    ran = run("doctor", "--json")
    assert any("cache.db.damaged-1" in check["text"] for check in checks(ran)["directory"])


@pytest.mark.parametrize("what", ["missing", "orphan", "no snapshot", "torn snapshot", "other embedder"])
def test_an_index_that_disagrees(run: Run, embedded: Path, what: str) -> None:
    """Each way in which the snapshot can disagree with the store is named; --fix makes them agree, and a
    later start serves by meaning again."""
    store = DiskStore(embedded)
    keys = list(store.keys())
    snapshot = embedded / SNAPSHOT_NAME
    said = what
    if what == "missing":
        kept = snapshot.read_bytes()
        with Cache(directory=embedded) as cache:

            @cache.cached(name="f")
            def answer(question: str) -> str:
                return f"to {question}"

            answer("Which payment methods do you accept?")
        snapshot.write_bytes(kept)
        said = "1 vectors missing"
    elif what == "orphan":
        store.delete(keys[0])
        said = "1 without an entry"
    elif what == "no snapshot":
        snapshot.unlink()
    elif what == "torn snapshot":
        snapshot.write_bytes(snapshot.read_bytes()[:-20])
        said = "snapshot not usable"
    else:
        entry = store.get(keys[0])
        assert entry is not None
        import msgspec

        store.put(msgspec.structs.replace(entry, embedder="other/1"))
        said = "1 entries embedded by another model"
    store.close()
    ran = run("doctor", "--json")
    assert said in checks(ran)["index"][0]["text"]
    assert (ran.code, state(ran, "index")) == (0, {"note"})  # the next start mends it by itself
    fixed = run("doctor", "--fix", "--json")
    assert checks(fixed)["index"][0]["fixed"]
    after = checks(run("doctor", "--json"))["index"][0]
    assert what == "other embedder" or after["state"] == "ok"
    with Cache(directory=embedded) as cache:

        @cache.cached(name="f")
        def again(question: str) -> str:
            return "asked upstream"

        left = {"How do I reset my password?": "how do i reset my password", "Where is my order?": "where is my order"}
        tiers = {question: again.reply(other).receipt.tier for question, other in left.items()}
    gone = 1 if what == "orphan" else 0
    assert list(tiers.values()).count("semantic") == 2 - gone


def test_others_may_not_read_or_write(run: Run, filled: Filled) -> None:
    """A directory that others can write to is wrong, one they can read is worth a note; --fix closes both."""
    filled.directory.chmod(0o755)
    (filled.directory / "cache.db").chmod(0o644)
    ran = run("doctor", "--json")
    assert (ran.code, state(ran, "directory")) == (0, {"note"})
    filled.directory.chmod(0o777)
    ran = run("doctor", "--json")
    assert ran.code == 1
    assert "plant" in checks(ran)["directory"][0]["text"]
    assert "chmod 700" in checks(ran)["directory"][0]["mend"]
    assert run("doctor", "--fix").code == 0
    assert (filled.directory.stat().st_mode & 0o777, (filled.directory / "cache.db").stat().st_mode & 0o777) == (
        0o700, 0o600,
    )  # fmt: skip
    assert state(run("doctor", "--json"), "directory") == {"ok"}


def test_a_running_cache_is_not_disturbed(run: Run, embedded: Path) -> None:
    """While an application has the directory open, the doctor, with and without --fix, costs it nothing."""
    with Cache(directory=embedded, audits=False) as running:

        @running.cached(name="f")
        def answer(question: str) -> str:
            return f"to {question}"

        answer("Which payment methods do you accept?")
        for words in (["doctor"], ["doctor", "--fix"]):
            assert run(*words).code == 0
        for question in ("How do I reset my password?", "which payment methods do you accept"):
            assert answer.reply(question).receipt.hit
        answer("How long does delivery take?")
    with Cache(directory=embedded) as later:
        assert later.semantic is not None
        assert len(later.semantic.index) == 4


def test_redis(run: Run, place: Path) -> None:
    """Version and eviction policy are told: no bound is a note, a bound that stops writing is wrong, one
    that makes room is in order; a Redis that is away is wrong, and its password is never shown."""
    with RedisServer(password="hush-hush") as server:
        (place / "askonce.toml").write_text(f"[cache]\ntiers = ['redis']\n[redis]\nurl = '{server.url}'")
        ran = run("doctor", "--json")
        assert (ran.code, state(ran, "redis")) == (0, {"ok", "note"})
        assert state(ran, "redis tier") == {"ok"}
        with server.client() as client:
            client.config_set("maxmemory", "100mb")
            ran = run("doctor", "--json")
            assert ran.code == 1
            assert "noeviction" in checks(ran)["redis"][1]["text"]
            client.config_set("maxmemory-policy", "allkeys-lfu")
            ran = run("doctor", "--json")
            assert (ran.code, state(ran, "redis")) == (0, {"ok"})
            assert client.dbsize() <= 1  # the probe left nothing but, perhaps, the ledger
        server.stop()
        ran = run("doctor")
        assert ran.code == 1
        assert "✗ redis tier" in ran.out
        assert "hush-hush" not in ran.out + ran.err


def test_a_damaged_row_in_redis(run: Run, place: Path) -> None:
    """What is no entry in Redis is counted there too, and --fix deletes it."""
    with RedisServer() as server:
        (place / "askonce.toml").write_text(f"[cache]\ntiers = ['redis']\n[redis]\nurl = '{server.url}'")
        with server.client() as client:
            client.set(b"askonce:e:" + b"ab" * 32, b"not an entry")
            client.rpush(b"askonce:e:" + b"cd" * 32, b"a list")
            ran = run("doctor", "--json")
            assert ran.code == 1
            assert "2 damaged" in checks(ran)["redis rows"][0]["text"]
            assert run("doctor", "--fix").code == 0
            assert run("doctor").code == 0


def test_settings_that_are_wrong(run: Run, place: Path) -> None:
    """A wrong setting is the doctor's finding, with the nearest right one."""
    (place / "askonce.toml").write_text("[disc]\nmax_bytes = 1")
    ran = run("doctor", "--json")
    assert ran.code == 1
    assert "disk" in checks(ran)["settings"][0]["text"]


def test_an_embedder_that_does_not_load(run: Run, place: Path) -> None:
    """An embedder that is not there, fails, or gives no unit vectors is wrong; the rest is still checked."""
    (place / "askonce.toml").write_text("[semantic]\nembedder = 'onnx:nowhere'")
    ran = run("doctor", "--json")
    assert (ran.code, state(ran, "embedder")) == (1, {"wrong"})
    (place / "askonce.toml").write_text("")

    from askonce.cache import doctor

    class Long:
        fingerprint, dim, scripts = "long/1", 2, None

        def embed(self, texts: list[str]) -> Any:
            return np.full((len(texts), 2), 2.0, dtype=np.float32)

    check = doctor.embedder(Long())
    assert check.state == "wrong"
    (place / "askonce.toml").write_text("[semantic]\nenabled = false")
    assert state(run("doctor", "--json"), "embedder") == {"ok"}


def test_old_and_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A required package that is missing or too old is wrong, an optional one too old is a note."""
    import importlib.metadata

    from askonce.cache import doctor

    real = importlib.metadata.version
    fake = {"numpy": "1.2", "redis": "3.0"}

    def version(name: str) -> str:
        if name == "msgspec":
            raise importlib.metadata.PackageNotFoundError(name)
        return fake.get(name) or real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    found = {check.text.split()[0]: check.state for check in doctor.packages() if check.state != "ok"}
    assert found == {"msgspec": "wrong", "numpy": "wrong", "redis": "note"}
