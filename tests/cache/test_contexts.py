"""What belongs to whom: receipts, controls and context variables, over tasks and threads."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

from askonce import Cache, ManualClock, MemoryStore, Policy, controls, last_receipt

from .threads import in_threads

USER: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")


def test_background_work_runs_in_the_callers_context() -> None:
    """What is asked behind a stale answer sees the context variables (credentials, traces) of who asked."""
    clock = ManualClock()
    policy = Policy(ttl=10, jitter=0, stale_while_revalidate=100)
    cache = Cache([MemoryStore(clock=clock)], semantic=False, clock=clock, policy=policy)
    users: list[str] = []

    @cache.cached()
    def answer(question: str) -> str:
        users.append(USER.get())
        return "x"

    token = USER.set("ann")
    answer("q")
    clock.advance(50)
    answer("q")
    USER.reset(token)
    cache.close()
    assert users == ["ann", "ann"]


def test_receipts_belong_to_their_task_and_thread(cache: Cache) -> None:
    """Each task and each thread sees the receipt of its own latest call."""

    @cache.cached()
    async def answer(question: str) -> str:
        await asyncio.sleep(0.001)
        return question

    async def one(question: str) -> Any:
        await answer(question)
        await asyncio.sleep(0.005)
        receipt = last_receipt()
        assert receipt is not None
        return receipt.query, receipt.status

    async def main() -> None:
        names = [f"q{n}" for n in range(5)]
        assert await asyncio.gather(*map(one, names)) == [(name, "miss") for name in names]
        assert await asyncio.gather(*map(one, names)) == [(name, "hit") for name in names]
        assert last_receipt() is None

    contextvars.Context().run(asyncio.run, main())

    def threaded() -> Any:
        assert last_receipt() is None
        asyncio.run(one("t"))
        return last_receipt()

    assert in_threads(threaded, threaded) == [None, None]


def test_controls_belong_to_their_task(cache: Cache) -> None:
    """Controls set in one task do not reach another; they nest, and end with their block."""
    calls = 0

    @cache.cached()
    async def answer(question: str) -> int:
        nonlocal calls
        calls += 1
        return calls

    async def fresh() -> int:
        with controls(refresh=True):
            await asyncio.sleep(0.005)
            return await answer("q")

    async def plain() -> int:
        await asyncio.sleep(0.001)
        return await answer("q")

    async def main() -> None:
        assert await answer("q") == 1
        assert await asyncio.gather(fresh(), plain()) == [2, 1]
        with controls(no_store=True):
            with controls(tags=["t"]) as inner:
                assert inner.no_store
            assert await answer("q") == 3
        assert await answer("q") == 2

    asyncio.run(main())
