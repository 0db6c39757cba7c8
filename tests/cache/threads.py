"""Tools for tests with threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from askonce import Cache


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.001)


def followers(cache: Cache) -> int:
    return sum(flight.followers for flight in list(cache.flights._open.values()))


def in_threads(*work: Callable[[], Any]) -> list[Any]:
    """What each returned or raised, run at the same time."""
    results: list[Any] = [None] * len(work)

    def run(place: int) -> None:
        try:
            results[place] = work[place]()
        except BaseException as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=(place,), daemon=True) for place in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive(), "a call waits for ever"
    return results
