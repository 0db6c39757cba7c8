"""What was learned outlives the process: in a directory's file, or among processes through Redis."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from askonce import Cache, DiskStore, ManualClock, MemoryStore
from askonce.backends.redis_states import RedisStates
from askonce.cache.audit import Audits
from askonce.cache.config import load_config
from askonce.cache.keeping import EVERY_S, FILE, learned

from ..redis_server import RedisServer
from .vouching import Source, question, world

ALWAYS = Audits(1.0, exact_rate=0.0, tokens_per_day=None)
CATS, MORE_CATS, DOGS = question("cats", "please"), question("cats", "now"), question("dogs", "please")


def build(directory: Path, clock: ManualClock) -> Cache:
    stores: list[Any] = [MemoryStore(clock=clock), DiskStore(directory, clock=clock)]
    return world(ALWAYS, clock=clock, stores=stores)


def meter(cache: Cache) -> dict[str, Any]:
    found = cache.stats().budget
    assert found is not None
    return found


def test_the_evidence_outlives_the_process(tmp_path: Path) -> None:
    """Closing writes what the budget has learned, opening goes on from it; who only looked writes nothing."""
    clock = ManualClock()
    with build(tmp_path, clock) as cache:
        Source(cache)(CATS, MORE_CATS, DOGS)
        before = meter(cache)
        assert (before["audits"], before["audits_wrong"]) == (pytest.approx(2, abs=1e-3), pytest.approx(1, abs=1e-3))
    kept = (tmp_path / FILE).read_bytes()
    with build(tmp_path, clock) as cache:
        assert meter(cache)["audits"] == pytest.approx(before["audits"], abs=1e-3)
        assert cache.stats().negatives == 1
    assert (tmp_path / FILE).read_bytes() == kept
    assert learned(tmp_path)["budget"]["audits"] == pytest.approx(2, abs=1e-3)
    assert learned(tmp_path)["negatives"] == 1


def test_it_is_written_now_and_then_for_who_is_killed(tmp_path: Path) -> None:
    """What was learned up to about half a minute ago is on the disk without closing."""
    clock = ManualClock()
    with build(tmp_path, clock) as cache:
        source = Source(cache)
        source(CATS, MORE_CATS)
        assert not (tmp_path / FILE).exists()
        clock.advance(EVERY_S + 1)
        source(question("cats", "today"))
        cache.workers.close()
        assert learned(tmp_path)["budget"]["audits"] > 0.99


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"\x00" * 5000])
def test_a_damaged_file_is_no_evidence_and_no_error(tmp_path: Path, damage: bytes) -> None:
    """A damaged file starts the budget from its calibration, and is replaced."""
    (tmp_path / FILE).write_bytes(damage)
    clock = ManualClock()
    with build(tmp_path, clock) as cache:
        assert cache.learning.keeping is not None
        assert "damaged" in cache.learning.keeping.fault
        Source(cache)(CATS, MORE_CATS)
    assert learned(tmp_path)["budget"]["audits"] == pytest.approx(1, abs=1e-3)


def test_processes_share_through_redis() -> None:
    """Two caches that meet in Redis know of each other's audits after an exchange, and a cache that comes later too; a
    dead Redis is a fault and nothing else."""
    with RedisServer() as server:
        states = [RedisStates(server.url, timeout_s=10) for _ in range(2)]
        clock = ManualClock()
        one, two = (world(ALWAYS, clock=clock, states=state) for state in states)
        Source(one)(CATS, MORE_CATS)
        for cache in (one, two):
            assert cache.learning.keeping is not None
            cache.learning.keeping.keep()
            assert cache.learning.keeping.fault == ""
        assert meter(two)["served"] == pytest.approx(meter(one)["served"], abs=1e-3)
        assert meter(two)["labels"] > 0
        server.kill()
        assert two.learning.keeping is not None
        two.learning.keeping.keep()
        assert two.learning.keeping.fault
        for cache in (one, two):
            cache.close()


def test_settings_come_from_the_file_and_the_environment(tmp_path: Path) -> None:
    """[audits] and [semantic] shadow reach the cache; ``enabled`` left out leaves it to the budget."""
    path = tmp_path / "a.toml"
    path.write_text('[audits]\nrate = 0.5\nexact_after = "2h"\ntokens_per_day = 0\n[semantic]\nshadow = true\n')
    config = load_config(path, {})
    made = config.build_audits()
    assert isinstance(made, Audits)
    assert (made.rate, made.exact_after, made.tokens_per_day, made.always) == (0.5, 7200, None, False)
    tier = config.semantic_tier()
    assert tier is not None
    assert tier.shadow
    on = load_config(path, {"ASKONCE_AUDITS_ENABLED": "yes"}).build_audits()
    assert isinstance(on, Audits)
    assert on.always
    assert load_config(path, {"ASKONCE_AUDITS_ENABLED": "off"}).build_audits() is False


def test_askonce_stats_shows_the_meter(tmp_path: Path) -> None:
    """The command line shows the budget's meter and the pairs kept in the directory, for people and as JSON."""
    with build(tmp_path, ManualClock()) as cache:
        Source(cache)(CATS, MORE_CATS, DOGS)
    command = [sys.executable, "-m", "askonce", "stats", "--directory", str(tmp_path)]
    page = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    assert "2 hits audited, 1 wrong" in page
    assert "1 pair of questions" in page
    data = json.loads(subprocess.run([*command, "--json"], capture_output=True, check=True, cwd=tmp_path).stdout)
    assert (data["negatives"], round(data["budget"]["audits"], 3)) == (1, 2)
