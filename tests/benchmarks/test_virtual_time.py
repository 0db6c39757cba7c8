"""The virtual-time loop: waiting is free, computing counts."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from benchmarks.virtual_time import StuckLoop, VirtualClock, VirtualTimeLoop, run_virtual, sleep_until

DAY = 86_400.0


def test_a_day_of_sleep_takes_no_time() -> None:
    """Sleeping a day moves the loop's clock by a day and the machine's by (next to) nothing."""

    async def main(loop: VirtualTimeLoop) -> float:
        start = loop.time()
        for _ in range(24):
            await asyncio.sleep(3600)
        return loop.time() - start

    real = time.monotonic()
    passed = run_virtual(main)
    assert passed >= DAY
    assert passed - DAY < time.monotonic() - real + 1e-6
    assert time.monotonic() - real < 60


def test_timers_fire_in_order() -> None:
    """Sleepers wake in the order of their times, whatever order they began in."""

    async def main(loop: VirtualTimeLoop) -> list[int]:
        woken: list[int] = []

        async def sleeper(seconds: int) -> None:
            await asyncio.sleep(seconds)
            woken.append(seconds)

        await asyncio.gather(*(sleeper(s) for s in (500, 3, 86_000, 40, 1)))
        return woken

    assert run_virtual(main) == [1, 3, 40, 500, 86_000]


def test_computing_counts() -> None:
    """Real time spent computing on the loop's thread moves its clock by exactly that."""

    async def main(loop: VirtualTimeLoop) -> tuple[float, float]:
        virtual, real = loop.time(), time.monotonic()
        end = time.monotonic() + 0.05
        while time.monotonic() < end:
            pass
        return loop.time() - virtual, time.monotonic() - real

    virtual, real = run_virtual(main)
    assert virtual == pytest.approx(real, abs=0.02)
    assert virtual >= 0.05


def test_no_skip_while_a_job_is_out() -> None:
    """A timer an hour away does not overtake a job in a thread: the job's result comes first."""

    async def main(loop: VirtualTimeLoop) -> tuple[list[str], float]:
        order: list[str] = []
        start = loop.time()

        async def timer() -> None:
            await asyncio.sleep(3600)
            order.append("timer")

        async def job() -> None:
            await asyncio.to_thread(time.sleep, 0.05)
            order.append(f"job {loop.time() - start < 1800}")

        await asyncio.gather(timer(), job())
        return order, loop.held

    assert run_virtual(main) == (["job True", "timer"], 0)


def test_a_deadline_does_not_beat_a_faster_job() -> None:
    """``asyncio.timeout`` over a job that is quicker than it never fires, however often it is tried."""

    async def main(loop: VirtualTimeLoop) -> int:
        done = 0
        with ThreadPoolExecutor(2) as pool:
            for i in range(200):
                async with asyncio.timeout(5.0):
                    done += await loop.run_in_executor(pool, lambda i=i: (time.sleep(0.0002 * (i % 3)), 1)[1])
        return done

    assert run_virtual(main) == 200


def test_a_deadline_does_beat_a_slower_job() -> None:
    """A job slower in real time than its deadline is timed out; its thread is still waited for."""

    async def main(loop: VirtualTimeLoop) -> bool:
        release = threading.Event()
        try:
            async with asyncio.timeout(0.05):
                await loop.run_in_executor(None, release.wait, 30)
        except TimeoutError:
            held_meanwhile = loop.held
            release.set()
            return held_meanwhile == 1
        return False

    assert run_virtual(main)


def test_a_failing_job_releases_its_hold() -> None:
    """A job that raises gives the error to its caller and no longer stops the clock from skipping."""

    async def main(loop: VirtualTimeLoop) -> float:
        def bad() -> None:
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            await loop.run_in_executor(None, bad)
        start = loop.time()
        await asyncio.sleep(DAY)
        return loop.time() - start

    assert run_virtual(main) >= DAY


def test_futures_of_other_threads_can_be_held() -> None:
    """A future completed by a thread of one's own is waited for in real time once it is held."""

    async def main(loop: VirtualTimeLoop) -> str:
        def submit(answer: str) -> Future[str]:
            made: Future[str] = Future()
            threading.Timer(0.05, made.set_result, (answer,)).start()
            return made

        held = loop.hold_calls(submit)
        async with asyncio.timeout(20.0):
            return await asyncio.wrap_future(held("here"))

    assert run_virtual(main) == "here"


def test_a_held_call_reaches_its_waiter_before_time_is_skipped() -> None:
    """However slowly a finished future tells those who wait for it, no deadline of theirs is skipped to first."""

    class Slow(Future[int]):
        def set_result(self, result: int) -> None:
            self._done_callbacks.insert(1, lambda _: time.sleep(0.05))  # between the hold's and the waiter's
            super().set_result(result)

    def submit() -> Future[int]:
        future = Slow()
        threading.Timer(0.02, future.set_result, (7,)).start()
        return future

    async def main(loop: VirtualTimeLoop) -> int:
        held = loop.hold_calls(submit)
        async with asyncio.timeout(1000):
            return await asyncio.wrap_future(held())

    assert run_virtual(main) == 7


def test_without_a_hold_the_loop_skips_past_a_thread() -> None:
    """The hold is what does it: the same wait without one is overtaken by its deadline."""

    async def main(loop: VirtualTimeLoop) -> bool:
        made: Future[str] = Future()
        timer = threading.Timer(0.5, made.set_result, ("late",))
        timer.start()
        try:
            async with asyncio.timeout(20.0):
                await asyncio.wrap_future(made)
        except TimeoutError:
            return True
        finally:
            timer.cancel()
        return False

    assert run_virtual(main)


def test_hold_as_a_context_manager() -> None:
    """Inside ``hold()`` a sleep takes real time; after it, none."""

    async def main(loop: VirtualTimeLoop) -> tuple[float, float]:
        real = time.monotonic()
        with loop.hold():
            await asyncio.sleep(0.05)
        slept = time.monotonic() - real
        await asyncio.sleep(DAY)
        return slept, loop.skipped

    slept, skipped = run_virtual(main)
    assert slept >= 0.05
    assert skipped >= DAY - 1


def test_the_clock_reads_the_loop() -> None:
    """The clock starts at its epoch and moves with the loop, wall time and monotonic alike."""

    async def main(loop: VirtualTimeLoop) -> tuple[float, float]:
        clock = VirtualClock(loop, start=1000.0)
        wall, mono = clock.now(), clock.monotonic()
        await sleep_until(loop, loop.time() + 500)
        return clock.now() - wall, clock.monotonic() - mono

    wall, mono = run_virtual(main)
    assert 500 <= wall < 560
    assert wall == pytest.approx(mono, abs=0.1)


def test_a_stuck_loop_says_so() -> None:
    """When nothing can ever happen again the loop raises instead of hanging."""

    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    loop = VirtualTimeLoop(patience_s=0.05)
    try:
        with pytest.raises(StuckLoop, match="never completed"):
            loop.run_until_complete(main())
    finally:
        loop.close()
