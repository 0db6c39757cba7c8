"""The two drivers of the way: one synchronous, one on an event loop. They carry out commands and nothing else."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from concurrent.futures import wait as wait_for
from typing import Any

from ..errors import CorruptEntry, DeadlineExceeded, StoreClosed, UnsafeRow
from ..forks import renew_after_fork
from .flight import Alone, Flight, Impatient, leading, waiting
from .policy import Answer
from .tiers import Tier
from .way import Ask, Compute, Delete, Fault, Forget, Get, Join, Put, Spawn, Wait, Way

LOOK_AGAIN_S = 1.0  # how often a follower makes sure that its leader can still finish


def _tier_fault(tier: Tier, error: BaseException) -> Fault:
    if isinstance(error, CorruptEntry | UnsafeRow):
        tier.damaged(error)
    else:
        tier.failed(error)
    return Fault(tier.name, error)


class Workers:
    """Background threads of one cache, started when first needed."""

    def __init__(self, threads: int = 4) -> None:
        self._threads = threads
        self.failures = 0
        self.closed = False
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """In the child of a fork: the threads and loops of the parent are not here."""
        self._pool: ThreadPoolExecutor | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def pool(self) -> ThreadPoolExecutor:
        if self.closed:
            raise StoreClosed("the cache is closed")
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="askonce")
        return self._pool

    def spawn(self, work: Callable[[], Any]) -> None:
        """Run ``work`` on a worker, in a copy of the caller's context; what it raises is counted."""

        def run() -> None:
            try:
                work()
            except Exception:
                self.failures += 1

        try:
            self.pool.submit(contextvars.copy_context().run, run)
        except (StoreClosed, RuntimeError):  # closed, or closing at this moment
            self.failures += 1

    def spawn_task(self, work: Awaitable[Any]) -> None:
        """Run ``work`` on the current event loop; what it raises is counted."""

        async def run() -> None:
            try:
                await work
            except Exception:
                self.failures += 1

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Finish what was begun, start nothing more."""
        self.closed = True
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None

    async def drain(self) -> None:
        """Wait for background tasks of this loop."""
        loop = asyncio.get_running_loop()
        mine = [t for t in self._tasks if t.get_loop() is loop and not t.done()]
        if mine:
            await asyncio.gather(*mine, return_exceptions=True)


class Given:
    """A read that was carried out before the way began, and its result."""

    __slots__ = ("command", "result")

    def __init__(self, command: Get, result: Any) -> None:
        self.command = command
        self.result = result


def run_sync(way: Way, ask: Callable[[], Answer], workers: Workers, given: Given | None = None) -> Any:
    """Drive ``way`` in this thread; ``ask`` makes the upstream call. ``given`` answers the first read, if it is
    that one."""
    result: Any = None
    error: BaseException | None = None
    try:
        while True:
            try:
                command = way.send(result) if error is None else way.throw(error)
            except StopIteration as stop:
                return stop.value
            except RuntimeError as wrapped:
                if isinstance(error, StopIteration) and wrapped.__cause__ is error:
                    raise error from None  # what ``ask`` raised; no generator lets it through (PEP 479)
                raise
            error = None
            if isinstance(command, Ask | Join):
                try:
                    if isinstance(command, Ask):
                        with leading(command.flight):
                            result = ask()
                    else:
                        result = join(command.flight, command.patience_s)
                except BaseException as raised:
                    error = raised
            elif type(command) is Get:
                result = given.result if given is not None and given.command == command else step(command)
                given = None
            else:
                result = _step(command, ask, workers)
    finally:
        way.close()


def join(flight: Flight, patience_s: float | None) -> Any:
    """Wait in this thread for the answer of ``flight``; raises its error, HandOver, Impatient, or Alone when
    waiting here would never end."""
    wait_opened(flight, patience_s)
    return wait_landed(flight, patience_s)


def wait_opened(flight: Flight, patience_s: float | None) -> Any:
    """The broadcast of ``flight`` when it is a stream; None when it is not, and then it has landed."""
    with waiting(flight):
        here = asyncio._get_running_loop()
        if here is not None and here is flight.loop and not flight.opened.done():
            raise Alone  # the leader runs on the event loop that this thread would block
        _wait(flight.opened, flight, patience_s)
        return flight.opened.result()


def wait_landed(flight: Flight, patience_s: float | None) -> Any:
    """The answer of a flight that is open; a stream that its readers leave half read is read for them."""
    with waiting(flight):
        broadcast = flight.opened.result()
        if broadcast is not None:
            broadcast.finish()
        _wait(flight.done, flight, patience_s)
        return flight.result()


def _wait(future: Future[Any], flight: Flight, patience_s: float | None) -> None:
    for seconds in _looks(patience_s):
        if wait_for((future,), seconds).done:
            return
        if flight.stranded():
            raise Alone
    raise Impatient(f"the identical call in flight gave no answer within {patience_s:g} s")


def _looks(patience_s: float | None) -> Iterator[float]:
    """How long to wait until the next look, until patience ends."""
    if patience_s is None:
        yield from itertools.repeat(LOOK_AGAIN_S)
        return
    while patience_s > 0:
        yield min(LOOK_AGAIN_S, patience_s)
        patience_s -= LOOK_AGAIN_S


def step(command: Get | Put | Delete) -> Any:
    """Carry out one command on a tier, in this thread: its result or Fault."""
    tier = command.tier
    try:
        if isinstance(command, Get):
            result: Any = tier.store.get(command.key)
        elif isinstance(command, Put):
            tier.store.put(command.entry)
            result = None
        else:
            result = tier.store.delete(command.key)
        tier.worked()
        return result
    except Exception as error:
        return _tier_fault(tier, error)


def _step(command: Any, ask: Callable[[], Answer], workers: Workers) -> Any:
    kind = type(command)
    if kind is Put or kind is Get or kind is Delete:
        return step(command)
    if kind is Wait:
        try:
            return command.begin(True).result(command.deadline_s)
        except FutureTimeout:
            return Fault(command.name, DeadlineExceeded(f"no answer within {command.deadline_s * 1000:.0f} ms"))
        except Exception as error:
            return Fault(command.name, error)
    if kind is Compute:
        try:
            return command.work()
        except Exception as error:
            return Fault(command.name, error)
    if kind is Forget:
        return _forget(command)
    assert kind is Spawn
    workers.spawn(lambda: run_sync(command.work(), ask, workers))
    return None


def _forget(command: Forget) -> Fault | None:
    try:
        command.semantic.forget(command.key)
    except Exception as error:
        return Fault("index", error)
    return None


async def run_async(way: Way, ask: Callable[[], Awaitable[Answer]], workers: Workers) -> Any:
    """Drive ``way`` on the running loop; ``ask`` makes the upstream call. Never blocks the loop."""
    result: Any = None
    error: BaseException | None = None
    try:
        while True:
            try:
                command = way.send(result) if error is None else way.throw(error)
            except StopIteration as stop:
                return stop.value
            error = None
            if isinstance(command, Ask | Join):
                try:
                    if isinstance(command, Ask):
                        with leading(command.flight):
                            result = await ask()
                    else:
                        result = await ajoin(command.flight, command.patience_s)
                except BaseException as raised:
                    error = raised
            else:
                try:
                    result = await _astep(command, ask, workers)
                except asyncio.CancelledError as raised:
                    error = raised
    finally:
        way.close()


async def ajoin(flight: Flight, patience_s: float | None) -> Any:
    """As :func:`join`, on the running event loop."""
    await await_opened(flight, patience_s)
    return await await_landed(flight, patience_s)


async def await_opened(flight: Flight, patience_s: float | None) -> Any:
    """As :func:`wait_opened`."""
    with waiting(flight):
        await _await(flight.opened, flight, patience_s)
        return flight.opened.result()


async def await_landed(flight: Flight, patience_s: float | None) -> Any:
    """As :func:`wait_landed`."""
    with waiting(flight):
        broadcast = flight.opened.result()
        if broadcast is not None:
            await broadcast.afinish()
        await _await(flight.done, flight, patience_s)
        return flight.result()


async def _await(future: Future[Any], flight: Flight, patience_s: float | None) -> None:
    # The future's own outcome is not passed on: a StopIteration in it would never arrive.
    own: Future[None] = Future()
    future.add_done_callback(lambda _: own.set_result(None) if own.set_running_or_notify_cancel() else None)
    done = asyncio.wrap_future(own)
    try:
        for seconds in _looks(patience_s):
            if (await asyncio.wait((done,), timeout=seconds))[0]:
                return
            if flight.stranded():
                raise Alone
    finally:
        done.cancel()
    raise Impatient(f"the identical call in flight gave no answer within {patience_s:g} s")


def detached(future: Future[Any]) -> Future[Any]:
    """A future that follows ``future``, so that cancelling one follower cancels nobody else."""
    own: Future[Any] = Future()

    def copy(done: Future[Any]) -> None:
        if own.set_running_or_notify_cancel():
            error = done.exception()
            if error is not None:
                own.set_exception(error)
            else:
                own.set_result(done.result())

    future.add_done_callback(copy)
    return own


async def _astep(command: Any, ask: Callable[[], Awaitable[Answer]], workers: Workers) -> Any:
    kind = type(command)
    if kind is Get or kind is Put or kind is Delete:
        return await _atier(command, workers)
    if kind is Wait:
        try:
            async with asyncio.timeout(command.deadline_s):
                return await asyncio.wrap_future(detached(command.begin(False)))
        except TimeoutError:
            return Fault(command.name, DeadlineExceeded(f"no answer within {command.deadline_s * 1000:.0f} ms"))
        except Exception as error:
            return Fault(command.name, error)
    if kind is Compute:
        try:
            if command.heavy:
                async with asyncio.timeout(command.deadline_s):
                    return await asyncio.get_running_loop().run_in_executor(workers.pool, command.work)
            return command.work()
        except Exception as error:
            return Fault(command.name, error)
    if kind is Forget:
        return _forget(command)
    assert kind is Spawn
    workers.spawn_task(run_async(command.work(), ask, workers))
    return None


async def _atier(command: Any, workers: Workers) -> Any:
    tier: Tier = command.tier
    kind = type(command)
    store: Any = tier.store
    try:
        if tier.inline:
            result = (
                store.get(command.key)
                if kind is Get
                else store.put(command.entry)
                if kind is Put
                else store.delete(command.key)
            )
        else:
            async with asyncio.timeout(tier.deadline_s):
                argument = command.entry if kind is Put else command.key
                if tier.is_async:
                    method = store.aget if kind is Get else store.aput if kind is Put else store.adelete
                    result = await method(argument)
                else:
                    work = store.get if kind is Get else store.put if kind is Put else store.delete
                    result = await asyncio.get_running_loop().run_in_executor(workers.pool, work, argument)
        tier.worked()
        return result
    except TimeoutError:
        return _tier_fault(tier, DeadlineExceeded(f"no answer within {tier.deadline_s * 1000:.0f} ms"))
    except Exception as error:
        return _tier_fault(tier, error)
