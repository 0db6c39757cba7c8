"""Single flight: identical concurrent calls share one upstream call, across threads and tasks.

A flight is opened by its *leader*; whoever asks the same meanwhile is a *follower*. The leader's answer
or error reaches every follower once; a leader that is cancelled hands over, so that exactly one follower
takes its place. Built on :class:`concurrent.futures.Future`, which threads can wait for and event loops
can await.

Waiting must never be worse than asking: a follower that would wait for itself (a cached function that
calls itself, two that call each other) or for the very event loop it blocks gets :class:`Alone` instead.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from ..errors import DeadlineExceeded
from ..forks import renew_after_fork


class HandOver(Exception):
    """The leader went away without an answer; the follower that sees this may lead."""


class Alone(Exception):
    """Waiting for the leader would never end; ask without it."""


class Impatient(DeadlineExceeded):
    """The follower's own time is up; the leader goes on."""


class Flight:
    """One upstream call in the air.

    Attributes:
        done: Resolves to the Answer; or to the leader's error; or to :class:`HandOver`.
        opened: Resolves once it is known what followers of a stream can join: the leader's
            broadcast (see :mod:`.broadcast`), or None when they must wait for ``done``.
        followers: How many have joined.
        loop: The event loop the leader runs on, or None.
        waits_for: Flights that this one's leader waits for.
        trace: Where the leader's error was raised.
    """

    __slots__ = ("done", "followers", "key", "loop", "opened", "trace", "waits_for")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.done: Future[Any] = Future()
        self.opened: Future[Any] = Future()
        self.followers = 0
        self.loop = asyncio._get_running_loop()
        self.waits_for: list[Flight] = []
        self.trace: TracebackType | None = None

    def result(self) -> Any:
        """The answer of a flight that is done; raises its error, with the leader's traceback only: every
        raise adds to the traceback of the one exception object that all followers share."""
        error = self.done.exception()
        if error is None:
            return self.done.result()
        raise error.with_traceback(self.trace)

    def stranded(self) -> bool:
        """Whether the leader can make no progress: the event loop it runs on has stopped."""
        return self.loop is not None and not self.loop.is_running()


_leading: ContextVar[tuple[Flight, ...]] = ContextVar("askonce_leading", default=())


@contextmanager
def leading(flight: Flight | None) -> Iterator[None]:
    """Marks the block (and tasks and threads that inherit its context) as the leader of ``flight``."""
    if flight is None:
        yield
        return
    token = _leading.set((*_leading.get(), flight))
    try:
        yield
    finally:
        with suppress(ValueError):  # closed from another context, where there is nothing to reset
            _leading.reset(token)


class _Waits:
    """Guards who waits for whom, in all caches."""

    def __init__(self) -> None:
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        self.lock = threading.Lock()


_waits = _Waits()


@contextmanager
def waiting(flight: Flight) -> Iterator[None]:
    """The time a follower waits for ``flight``.

    Raises:
        Alone: The flight is led by this context, or waits, maybe through others, for one that is.
    """
    mine = _leading.get()
    if not mine:
        yield
        return
    with _waits.lock:
        if _reaches(flight, mine):
            raise Alone
        for own in mine:
            own.waits_for.append(flight)
    try:
        yield
    finally:
        with _waits.lock:
            for own in mine:
                own.waits_for.remove(flight)


class Flights:
    """All flights of one cache."""

    def __init__(self) -> None:
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """In the child of a fork: the parent's leaders are not here, so nothing is in flight."""
        # Re-entrant: a reader that is collected while a flight is opened here closes its own flight.
        self._lock = threading.RLock()
        self._open: dict[bytes, Flight] = {}

    def join(self, key: bytes) -> tuple[Flight, bool]:
        """``(flight, True)`` when the caller leads, ``(flight, False)`` when it follows."""
        with self._lock:
            flight = self._open.get(key)
            if flight is not None:
                flight.followers += 1
                return flight, False
            flight = self._open[key] = Flight(key)
            return flight, True

    def answer(self, flight: Flight, answer: Any) -> None:
        """Hand the answer to the followers; the flight stays open until :meth:`close`."""
        _resolve(flight.done, answer)
        _resolve(flight.opened, None)

    def fail(self, flight: Flight, error: BaseException) -> None:
        """Hand the error to the followers and close the flight."""
        self.close(flight)
        if not flight.done.done():
            flight.trace = error.__traceback__
        with suppress(InvalidStateError):
            flight.done.set_exception(error)
        _resolve(flight.opened, None)

    def hand_over(self, flight: Flight) -> None:
        """The leader goes away: close the flight and let the followers race for the next."""
        self.fail(flight, HandOver())

    def close(self, flight: Flight) -> None:
        """No more followers; the next identical call looks in the tiers first."""
        with self._lock:
            if self._open.get(flight.key) is flight:
                del self._open[flight.key]

    def __len__(self) -> int:
        return len(self._open)


def _resolve(future: Future[Any], value: Any) -> None:
    with suppress(InvalidStateError):  # resolved already
        future.set_result(value)


def _reaches(flight: Flight, targets: tuple[Flight, ...]) -> bool:
    seen: set[int] = set()
    todo = [flight]
    while todo:
        at = todo.pop()
        if any(at is target for target in targets):
            return True
        if id(at) not in seen:
            seen.add(id(at))
            todo += at.waits_for
    return False
