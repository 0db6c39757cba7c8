"""The chain of exact tiers, and the health of each: a dead or slow tier is skipped and probed later."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..backends.contract import AsyncStore, Store
from ..clock import Clock
from ..entry import Entry
from ..errors import ConfigError

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
MOST_BEHIND = 4096


class Tier:
    """A store in the chain.

    Args:
        store: The store.
        deadline_s: Seconds one operation may take on an event loop; a store used synchronously keeps its
            own time-out, which it is built with.
        clock: Times the pauses.
        write_behind: Write to this tier off the caller's path.
    """

    __slots__ = (
        "_clock",
        "_down_until",
        "_pause",
        "behind",
        "deadline_s",
        "faults",
        "hits",
        "inline",
        "is_async",
        "last_fault",
        "name",
        "skipped",
        "store",
        "write_behind",
    )

    def __init__(self, store: Store, deadline_s: float, clock: Clock, write_behind: bool = False) -> None:
        self.store = store
        self.name = store.name
        self.inline = store.inline
        self.is_async = isinstance(store, AsyncStore)
        self.deadline_s = deadline_s
        self.write_behind = write_behind
        self.hits = 0
        self.faults = 0
        self.skipped = 0
        self.last_fault = ""
        self.behind: dict[bytes, int] = {}
        self._clock = clock
        self._pause = 0.0
        self._down_until = float("-inf")

    def ready(self) -> bool:
        """Whether to try this tier now; after faults it is left alone for a doubling pause."""
        if not self._pause or self._clock.monotonic() >= self._down_until:
            return True
        self.skipped += 1
        return False

    def failed(self, error: BaseException) -> None:
        """Note a fault and pause the tier."""
        self.faults += 1
        self.last_fault = f"{type(error).__name__}: {error}"
        self._pause = min(self._pause * 2 or FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._down_until = self._clock.monotonic() + self._pause

    def damaged(self, error: BaseException) -> None:
        """Note one unreadable row; the tier itself works."""
        self.faults += 1
        self.last_fault = f"{type(error).__name__}: {error}"

    def worked(self) -> None:
        """Note a success."""
        if self._pause:
            self._pause = 0.0

    def owes(self, entry: Entry) -> None:
        """Note that the store does not hold ``entry`` yet, or could not take it: what it holds under that key
        meanwhile is not the last answer, and is not served. Remembered for the last few thousand keys."""
        self.behind[entry.key] = id(entry)
        if len(self.behind) > MOST_BEHIND:
            with suppress(KeyError, RuntimeError):  # another thread was here at the same time
                del self.behind[next(iter(self.behind))]

    def owed(self, entry: Entry) -> bool:
        """Whether ``entry`` is still the last one that the store should hold."""
        return self.behind.get(entry.key) == id(entry)

    def settled(self, key: bytes) -> None:
        """Note that the store holds the last answer under ``key``."""
        if self.behind:
            self.behind.pop(key, None)


def chain(stores: Sequence[Store | Tier], deadline_s: float, clock: Clock) -> tuple[Tier, ...]:
    """Tiers in order of search, names made unique.

    Raises:
        ConfigError: Something in the list is not a store, or the same store appears twice.
    """
    made: list[Tier] = []
    seen: set[int] = set()
    for store in stores:
        tier = store if isinstance(store, Tier) else None
        inner = store.store if isinstance(store, Tier) else store
        if not isinstance(inner, Store):
            raise ConfigError(
                f"{inner!r} is not a store: pass MemoryStore(), DiskStore(directory), RedisStore(url) or your own "
                "with get, put, delete, keys, clear, stats, close",
                setting="tiers",
            )
        if id(inner) in seen:
            raise ConfigError(f"the same store ({inner.name}) is given twice", setting="tiers")
        seen.add(id(inner))
        tier = tier or Tier(inner, deadline_s, clock)
        taken = {t.name for t in made}
        number = 2
        while tier.name in taken:
            tier.name = f"{inner.name}{number}"
            number += 1
        made.append(tier)
    return tuple(made)


def default_stores(directory: str | Path | None, redis_url: str | None, clock: Clock) -> list[Store]:
    """Memory, then disk when there is a directory, then Redis when there is a URL."""
    from ..backends.memory import MemoryStore

    stores: list[Store] = [MemoryStore(clock=clock)]
    if directory is not None:
        from ..backends.disk import DiskStore

        stores.append(DiskStore(directory, clock=clock))
    if redis_url is not None:
        from ..backends.redis import RedisStore

        stores.append(RedisStore(redis_url, clock=clock))
    return stores
