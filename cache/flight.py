"""Single flight: identical concurrent calls share one upstream call, across threads and tasks.

A flight is opened by its *leader*; whoever asks the same meanwhile is a *follower*. The leader's answer
or error reaches every follower once; a leader that is cancelled hands over, so that exactly one follower
takes its place. Built on :class:`concurrent.futures.Future`, which threads can wait for and event loops
can await.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any


class HandOver(Exception):
    """The leader went away without an answer; the follower that sees this may lead."""


class Flight:
    """One upstream call in the air.

    Attributes:
        done: Resolves to the Answer; or to the leader's error; or to :class:`HandOver`.
        opened: Resolves once it is known what followers of a stream can join: the leader's
            broadcast (see :mod:`.broadcast`), or None when they must wait for ``done``.
        followers: How many have joined.
    """

    __slots__ = ("done", "followers", "key", "opened")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.done: Future[Any] = Future()
        self.opened: Future[Any] = Future()
        self.followers = 0


class Flights:
    """All flights of one cache."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
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
        if not flight.done.done():
            flight.done.set_result(answer)
        if not flight.opened.done():
            flight.opened.set_result(None)

    def fail(self, flight: Flight, error: BaseException) -> None:
        """Hand the error to the followers and close the flight."""
        self.close(flight)
        if not flight.done.done():
            flight.done.set_exception(error)
            flight.done.exception()
        if not flight.opened.done():
            flight.opened.set_result(None)

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
