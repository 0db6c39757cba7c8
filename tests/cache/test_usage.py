"""What a decorated function says its call cost, and what later hits say they saved."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from askonce import Cache, ConfigError, MemoryStore, last_receipt, record_usage


def test_recorded_usage_is_what_a_hit_saves(cache: Cache) -> None:
    """The tokens and money that a function records are spent by the miss and saved by each hit."""

    @cache.cached(model="gpt-4o-mini")
    def answer(question: str) -> str:
        record_usage(1000, 500, model="gpt-4o-mini")
        record_usage(100, 50, cost_usd=0.25)
        return "yes"

    answer("is it")
    answer("is it")
    receipt = last_receipt()
    assert receipt is not None
    assert (receipt.status, receipt.tokens_saved, receipt.model) == ("hit", 1650, "gpt-4o-mini")
    price = cache.prices["gpt-4o-mini"]
    expected = 0.25 + (1000 * price[0] + 500 * price[1]) / 1e6
    assert receipt.money_saved == pytest.approx(expected)
    stats = cache.stats()
    assert (stats.tokens_spent, stats.tokens_saved) == (1650, 1650)
    assert stats.money_spent == pytest.approx(expected)


def test_each_task_has_a_bill_of_its_own() -> None:
    """Concurrent coroutine functions do not pay for each other; tasks that a function starts pay for it."""

    async def main() -> dict[str, int]:
        async with Cache([MemoryStore()], semantic=False) as cache:

            @cache.cached()
            async def answer(question: str) -> str:
                async def part() -> None:
                    await asyncio.sleep(0)
                    record_usage(len(question), 0)

                await asyncio.gather(part(), part())
                return question

            await asyncio.gather(*(answer("x" * n) for n in range(1, 6)))
            saved = {}
            for n in range(1, 6):
                await answer("x" * n)
                receipt = last_receipt()
                assert receipt is not None
                saved["x" * n] = receipt.tokens_saved
            return saved

    assert asyncio.run(main()) == {"x" * n: 2 * n for n in range(1, 6)}


def test_nothing_recorded_is_nothing_saved(cache: Cache) -> None:
    """Without a record a hit saves time only; an unknown model costs nothing; outside of a call it is no error."""
    record_usage(5, 5)

    @cache.cached()
    def silent(question: str) -> str:
        return question

    @cache.cached()
    def unknown(question: str) -> str:
        record_usage(5, 6, model="nobody's model")
        return question

    for function, tokens in ((silent, 0), (unknown, 11)):
        function("q")
        function("q")
        receipt = last_receipt()
        assert receipt is not None
        assert (receipt.tokens_saved, receipt.money_saved) == (tokens, 0.0)


@pytest.mark.parametrize("bad", [{"prompt_tokens": -1}, {"completion_tokens": -1}, {"cost_usd": -0.1}])
def test_a_negative_bill_is_refused(bad: dict[str, Any]) -> None:
    """A negative number is a clear error that names it."""
    with pytest.raises(ConfigError, match=next(iter(bad))):
        record_usage(**{"prompt_tokens": 1, "completion_tokens": 1, **bad})
