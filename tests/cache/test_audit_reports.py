"""Reports: a user says that an answer was wrong, or right, and the cache learns it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from askonce import Cache, ConfigError, DiskStore, ManualClock, MemoryStore, Receipt

from .vouching import Source, question, receipt, truth, world


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_reported_wrong_once_never_again(kind: str, tmp_path: Path) -> None:
    """A reported semantic hit is not served again, in either direction, also after a restart when there is a
    directory; the budget has learned; taking it back allows it again."""
    clock = ManualClock()

    def build() -> Cache:
        stores: list[Any] = [MemoryStore(clock=clock)]
        return world(False, clock=clock, stores=stores + ([DiskStore(tmp_path, clock=clock)] if kind == "disk" else []))

    cats, dogs = question("cats", "please"), question("dogs", "please")
    cache = build()
    source = Source(cache)
    assert source(cats, dogs)[1] == truth(cats)
    wrong = receipt()
    assert (wrong.tier, wrong.matched_query, len(wrong.matched_key), len(wrong.scope)) == ("semantic", cats, 64, 64)
    assert cache.report_wrong(wrong)
    stats = cache.stats()
    assert (stats.reported_wrong, stats.negatives) == (1, 1)
    assert stats.budget is not None
    assert round(stats.budget["reports"], 3) == 1
    if kind == "disk":
        cache.close()
        cache = build()
        source = Source(cache)
        assert cache.stats().negatives == 1
    explained = source.call.explain(dogs)
    assert "different questions" in explained.candidates[0]["why"]
    cache.report_right(wrong)
    assert cache.stats().negatives == 0
    cache.close()


def test_reporting_an_exact_hit_retires_the_answer() -> None:
    """An exact hit reported as wrong is gone, and the next call asks again; also from a coroutine."""
    with world(False) as cache:
        source = Source(cache)
        text = question("cats", "please")
        source(text, text)
        assert receipt().tier == "memory"
        assert cache.report_wrong(receipt())
        source(text)
        assert (receipt().status, len(source.asked)) == ("miss", 2)
        source(text)
        asyncio.run(cache.areport_wrong(receipt()))
        source(text)
        assert len(source.asked) == 3


def test_retire_takes_the_stored_answer_too() -> None:
    """``retire=True`` says that the stored answer is wrong for its own question as well."""
    with world(False) as cache:
        source = Source(cache)
        cats, dogs = question("cats", "please"), question("dogs", "please")
        source(cats, dogs)
        cache.report_wrong(receipt(), retire=True)
        source(cats)
        assert source.asked == [cats, cats]


def test_only_hits_can_be_reported() -> None:
    """A receipt of a miss, and what is no receipt, is refused with a line that says what to give; nothing changes."""
    with world(False) as cache:
        source = Source(cache)
        source(question("cats", "please"))
        for report in (cache.report_wrong, cache.report_right):
            with pytest.raises(ConfigError, match="not of a hit"):
                report(receipt())
            with pytest.raises(ConfigError, match="receipt_of"):
                report("wrong!")  # type: ignore[arg-type]
            with pytest.raises(ConfigError, match="which stored answer"):
                report(Receipt(status="hit", tier="semantic", key="00" * 32, query="q"))
        assert cache.stats().reported_wrong == 0


def test_a_report_of_one_tenant_says_nothing_of_anothers() -> None:
    """The pair is negative in its own scope; another tenant's questions are their own."""
    with world(False) as cache:
        one, two = (Source(cache.tenant(name)) for name in ("one", "two"))
        cats, dogs = question("cats", "please"), question("dogs", "please")
        one(cats, dogs)
        cache.report_wrong(receipt())
        assert one(dogs) == [truth(dogs)]
        assert two(cats, dogs)[1] == truth(cats)
