"""An event loop on which waiting is free and computing is not.

A day of traffic is mostly waiting. :class:`VirtualTimeLoop` is the ordinary selector loop with a clock of
its own, ``time() = real monotonic time + what was skipped``: when nothing can run, it jumps to the next
timer instead of sleeping. Work that takes real time (encoding, hashing, embedding) moves the clock by just
that time, so latencies measured on it are honest, to the speed of the machine.

It never jumps while a job is out in another thread, because the job's real time has to count:

- ``run_in_executor`` (and so ``asyncio.to_thread``) is held automatically;
- for anything else that answers from outside the loop, a thread of one's own or a socket, take
  ``with loop.hold():`` around the wait, or hand the ``concurrent.futures.Future`` to ``hold_future``.

Unlike looptime and similar test helpers it does not stop the clock while code runs.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


class StuckLoop(RuntimeError):
    """Nothing is runnable, nothing is scheduled, nobody is expected to answer."""


class _SkippingSelector(selectors.DefaultSelector):  # type: ignore[valid-type,misc]
    """Asks its loop before it blocks."""

    loop: VirtualTimeLoop | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        loop = self.loop
        if loop is None or timeout == 0:
            return super().select(timeout)  # type: ignore[no-any-return]
        ready = super().select(0)
        if ready:
            return ready  # type: ignore[no-any-return]
        if loop.held:
            return super().select(timeout)  # type: ignore[no-any-return]
        if timeout is None:
            ready = super().select(loop.patience_s)
            if not ready:
                raise StuckLoop(
                    f"nothing to run, nothing scheduled, no answer from outside for {loop.patience_s} s: "
                    "a future is never completed"
                )
            return ready  # type: ignore[no-any-return]
        loop.skipped += timeout
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """See the module. Use :func:`run_virtual`, or as ``asyncio.Runner(loop_factory=VirtualTimeLoop)``.

    Attributes:
        skipped: Seconds jumped over so far.
        held: Jobs out in other threads; no jump while it is above 0.
        patience_s: Real seconds to wait for an outside event when nothing at all is scheduled.
    """

    def __init__(self, patience_s: float = 60.0) -> None:
        self.skipped = 0.0
        self.held = 0
        self.patience_s = patience_s
        selector = _SkippingSelector()
        super().__init__(selector)
        selector.loop = self

    def time(self) -> float:
        """Seconds, never going back: real ones and skipped ones together. Any thread may ask."""
        return time.monotonic() + self.skipped

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """As in asyncio; time is not skipped until the job's result has been delivered."""
        if executor is None:
            executor = self._default_executor  # type: ignore[has-type]
            if executor is None:
                executor = ThreadPoolExecutor(thread_name_prefix="virtual-time")
                self.set_default_executor(executor)
        job = executor.submit(func, *args)
        # Delivery is queued before the release, because callbacks run in the order they were added.
        delivered = asyncio.wrap_future(job, loop=self)
        self.hold_future(job)
        return delivered

    def hold_future(self, future: Future[Any]) -> None:
        """Do not skip before ``future`` is done. To be called on the loop's thread."""
        self.held += 1
        future.add_done_callback(lambda _: self._release_soon())

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Do not skip inside. To be entered and left on the loop's thread."""
        self.held += 1
        try:
            yield
        finally:
            self.held -= 1

    def hold_calls(self, submit: Callable[..., Future[T]]) -> Callable[..., Future[T]]:
        """``submit`` made safe for this loop: no time is skipped before the futures it returns are answered,
        and whoever waits for them has been told."""

        def held(*args: Any, **kwargs: Any) -> Future[T]:
            future = submit(*args, **kwargs)
            if future.done():
                return future
            self.held += 1
            # A future of its own: its result is set, and so every waiter's wake-up queued, before the release.
            own: Future[T] = Future()

            def deliver(done: Future[T]) -> None:
                if not own.set_running_or_notify_cancel():
                    pass
                elif done.cancelled():
                    own.set_exception(CancelledError())
                elif (error := done.exception()) is not None:
                    own.set_exception(error)
                else:
                    own.set_result(done.result())
                self._release_soon()

            future.add_done_callback(deliver)
            return own

        return held

    def _release_soon(self) -> None:
        try:
            self.call_soon_threadsafe(self._release)
        except RuntimeError:  # the loop is closed: there is nobody left to skip
            self.held -= 1

    def _release(self) -> None:
        self.held -= 1


class VirtualClock:
    """The clock of a virtual loop, as askonce takes it.

    Args:
        loop: The loop.
        start: What ``now()`` says at the moment of construction, Unix seconds.
    """

    def __init__(self, loop: VirtualTimeLoop, start: float = 1_700_006_400.0) -> None:
        self._loop = loop
        self._offset = start - loop.time()

    def now(self) -> float:
        """Unix seconds, real and skipped time together."""
        return self._offset + self._loop.time()

    def monotonic(self) -> float:
        """The loop's time, seconds."""
        return self._loop.time()


def run_virtual(main: Callable[[VirtualTimeLoop], Coroutine[Any, Any, T]]) -> T:
    """Run ``main(loop)`` on a fresh virtual loop and return its result."""
    loop = VirtualTimeLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main(loop))


async def sleep_until(loop: asyncio.AbstractEventLoop, when: float) -> None:
    """Sleep until the loop's time is ``when``; returns at once when it has passed."""
    left = when - loop.time()
    if left > 0:
        await asyncio.sleep(left)


async def at(loop: asyncio.AbstractEventLoop, when: float, work: Callable[[], Awaitable[T]]) -> T:
    """Do ``work`` when the loop's time is ``when``."""
    await sleep_until(loop, when)
    return await work()
