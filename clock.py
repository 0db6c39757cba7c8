"""Time as something that is handed in, so that tests and simulations own it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What the cache needs to know of time."""

    def now(self) -> float:
        """Wall-clock time, seconds since the Unix epoch (UTC). Used for created/expires."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin, never going back. Used for durations."""


class SystemClock:
    """The machine's clocks."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.perf_counter)


class ManualClock:
    """A clock that moves only when told to.

    Args:
        start: What ``now()`` says at first, in seconds since the Unix epoch.
    """

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move forward by ``seconds`` (negative moves the wall clock back, as NTP may)."""
        self._now += seconds


SYSTEM_CLOCK = SystemClock()
