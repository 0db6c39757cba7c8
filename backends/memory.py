"""The memory tier: a bounded dictionary whose reads take no lock.

Eviction is sampled, as Redis does it (https://redis.io/docs/latest/develop/reference/eviction/): a few
entries are drawn at random, joined with the worst of earlier draws, and the one with the lowest score
goes. The score is *aged hits × cost ÷ size*: hits are halved again and again as new entries come, so
old fame fades; a scan of one-time entries (no hits) only evicts its own kind; and of two entries that
are equally used the one that was dear to make stays.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator

from ..clock import SYSTEM_CLOCK, Clock
from ..entry import Entry
from ..errors import ConfigError, StoreClosed
from ..forks import survive_fork
from .contract import StoreStats
from .epochs import MemoryEpochs
from .worth import worth

SAMPLE = 12
"""Entries drawn per eviction."""

POOL = 8
"""Worst candidates of earlier draws that are looked at again."""

AGE_AFTER = 10
"""Hit counts are halved once per this many times the number of entries held, counted in writes."""

_log = logging.getLogger("askonce")


class _Slot:
    """An entry and what eviction knows of it. ``hits`` is written without a lock: a lost count is harmless."""

    __slots__ = ("age", "born", "entry", "hits", "place", "size", "worth")

    def __init__(self, entry: Entry, size: int, age: int, born: int, place: int) -> None:
        self.entry = entry
        self.size = size
        self.hits = 0
        self.age = age
        self.born = born
        self.place = place
        self.worth = worth(entry)


class _Closed(dict[bytes, _Slot]):
    """Takes the place of the table after ``close()``, so that a read need not check anything."""

    def get(self, key: bytes, default: object = None) -> _Slot:
        raise StoreClosed("the memory tier was used after close(): open a new MemoryStore")


class MemoryStore:
    """Entries in this process's memory.

    Args:
        max_bytes: Bound on the sum of ``entry.size``, bytes. A larger single entry is not stored.
        max_entries: Bound on the number of entries.
        clock: Tells which entries are past ``keep_until`` when room is needed.
        rng: Draws the samples; hand one in to make eviction repeatable.
        on_evict: Called with the key of each entry that made room for another (not on delete or clear),
            after the store is consistent again, on the thread that wrote. It may use the store.

    Raises:
        ConfigError: A bound is not a positive number.
    """

    __slots__ = (
        "__weakref__",
        "_age",
        "_bytes",
        "_clock",
        "_epochs",
        "_lock",
        "_order",
        "_pool",
        "_rng",
        "_slots",
        "_ticks",
        "_until_aged",
        "inline",
        "max_bytes",
        "max_entries",
        "name",
        "on_evict",
        "shared",
    )

    def __init__(
        self,
        max_bytes: int = 256 * 1024 * 1024,
        max_entries: int = 100_000,
        *,
        clock: Clock = SYSTEM_CLOCK,
        rng: random.Random | None = None,
        on_evict: Callable[[bytes], object] | None = None,
    ) -> None:
        for setting, value in (("max_bytes", max_bytes), ("max_entries", max_entries)):
            if value < 1:
                raise ConfigError(f"memory {setting} must be at least 1, got {value!r}", setting=f"memory.{setting}")
        self.name = "memory"
        self.inline = True
        self.shared = False
        self.max_bytes = max_bytes
        self.max_entries = max_entries
        self._clock = clock
        self._rng = rng or random.Random()
        self.on_evict = on_evict
        self._lock = threading.Lock()
        self._slots: dict[bytes, _Slot] = {}
        self._order: list[bytes] = []  # the keys again, so that a random one is found in O(1)
        self._pool: list[bytes] = []
        self._bytes = 0
        self._age = 0
        self._ticks = 0
        self._until_aged = AGE_AFTER
        self._epochs = MemoryEpochs()
        survive_fork(self)

    def hold(self) -> None:
        self._lock.acquire()

    def release(self) -> None:
        self._lock.release()

    def renew(self) -> None:
        self._lock = threading.Lock()
        self._epochs.renew()

    def get(self, key: bytes) -> Entry | None:
        slot = self._slots.get(key)
        if slot is None:
            return None
        slot.hits += 1
        return slot.entry

    def put(self, entry: Entry) -> None:
        key, size = entry.key, entry.size
        evicted: list[bytes] = []
        with self._lock:
            self._open()
            old = self._slots.get(key)
            if size > self.max_bytes:
                # Too large to keep; what was there before is no longer what was last put, so it goes.
                if old is not None:
                    self._remove(key, old)
                return
            self._tick()
            if old is not None:
                slot = _Slot(entry, size, old.age, self._ticks, old.place)
                slot.hits = old.hits
                self._bytes += size - old.size
            else:
                while len(self._slots) >= self.max_entries:
                    evicted.append(self._evict(keep=key))
                slot = _Slot(entry, size, self._age, self._ticks, len(self._order))
                self._order.append(key)
                self._bytes += size
            self._slots[key] = slot
            while self._bytes > self.max_bytes:
                evicted.append(self._evict(keep=key))
        if evicted and self.on_evict is not None:
            self._tell(evicted)

    def delete(self, key: bytes) -> bool:
        with self._lock:
            self._open()
            slot = self._slots.get(key)
            if slot is None:
                return False
            self._remove(key, slot)
            return True

    def keys(self) -> Iterator[bytes]:
        with self._lock:
            self._open()
            return iter(list(self._slots))

    def clear(self) -> None:
        with self._lock:
            self._open()
            self._wipe({})

    def stats(self) -> StoreStats:
        with self._lock:
            self._open()
            return StoreStats(len(self._slots), self._bytes)

    def close(self) -> None:
        with self._lock:
            self._wipe(_Closed())

    @property
    def epochs(self) -> MemoryEpochs:
        return self._epochs

    def __repr__(self) -> str:
        return f"MemoryStore(max_bytes={self.max_bytes}, max_entries={self.max_entries})"

    def _open(self) -> None:
        if type(self._slots) is _Closed:
            raise StoreClosed("the memory tier was used after close(): open a new MemoryStore")

    def _wipe(self, slots: dict[bytes, _Slot]) -> None:
        self._slots = slots
        self._order = []
        self._pool = []
        self._bytes = 0

    def _tick(self) -> None:
        self._ticks += 1
        self._until_aged -= 1
        if self._until_aged <= 0:
            self._age += 1
            self._until_aged = AGE_AFTER * max(len(self._order), 1)

    def _remove(self, key: bytes, slot: _Slot) -> None:
        del self._slots[key]
        self._bytes -= slot.size
        last = self._order.pop()
        if last != key:
            self._order[slot.place] = last
            self._slots[last].place = slot.place

    def _evict(self, keep: bytes) -> bytes:
        """Remove the least valuable of a sample other than ``keep``; returns its key."""
        order, slots = self._order, self._slots
        now = self._clock.now()
        count = len(order)
        drawn = order if count <= SAMPLE else [order[int(self._rng.random() * count)] for _ in range(SAMPLE)]
        candidates = {key for key in (*self._pool, *drawn) if key != keep and key in slots}
        if not candidates:  # every draw was the entry to keep
            candidates = {key for key in order if key != keep}
        ranked = sorted(candidates, key=lambda key: self._score(slots[key], now))
        victim = ranked[0]
        self._pool = ranked[1 : POOL + 1]
        self._remove(victim, slots[victim])
        return victim

    def _score(self, slot: _Slot, now: float) -> tuple[float, int]:
        keep_until = slot.entry.keep_until
        if keep_until is not None and keep_until < now:
            return -1.0, slot.born
        if slot.age != self._age:
            slot.hits >>= min(self._age - slot.age, 63)
            slot.age = self._age
        return (0.05 + slot.hits) * slot.worth, slot.born

    def _tell(self, evicted: list[bytes]) -> None:
        for key in evicted:
            try:
                assert self.on_evict is not None
                self.on_evict(key)
            except Exception:
                _log.exception("on_evict failed; the entry is evicted all the same")
