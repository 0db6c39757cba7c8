"""The first tier is read once per call, whether it answers at once or the full way has to go on."""

from __future__ import annotations

from askonce import Cache, Entry, ManualClock, MemoryStore, StoreError, last_receipt


class Counting:
    """A store that is not this process's memory as far as the cache can tell; counts its reads, fails on demand."""

    name, inline, shared, epochs = "counting", False, False, None

    def __init__(self, clock: ManualClock) -> None:
        self._inner = MemoryStore(clock=clock)
        self.put, self.delete, self.keys = self._inner.put, self._inner.delete, self._inner.keys
        self.clear, self.stats, self.close = self._inner.clear, self._inner.stats, self._inner.close
        self.reads = 0
        self.broken = False

    def get(self, key: bytes) -> Entry | None:
        self.reads += 1
        if self.broken:
            raise StoreError("out of order")
        return self._inner.get(key)


def test_one_read_of_the_first_tier_per_lookup(clock: ManualClock) -> None:
    """A hit reads the first tier once. A miss reads it once for the lookup and once more after taking off, since an
    earlier leader may have stored the answer meanwhile; a fault is asked no more than once."""
    store, second = Counting(clock), MemoryStore(clock=clock)
    with Cache([store, second], semantic=False, clock=clock, ttl=10) as cache:
        calls = 0

        @cache.cached()
        def answer(question: str) -> str:
            nonlocal calls
            calls += 1
            return f"{question} {calls}"

        assert answer("q") == "q 1"
        assert (store.reads, calls) == (2, 1)
        assert answer("q") == "q 1"
        assert (store.reads, calls) == (3, 1)
        store.delete(answer.call_for("q").key)  # type: ignore[attr-defined]
        assert answer("q") == "q 1"
        receipt = last_receipt()
        assert receipt is not None
        assert (receipt.tier, store.reads, calls) == (second.name, 4, 1)
        assert answer("q") == "q 1"  # promoted
        assert store.reads == 5
        clock.advance(11)
        assert answer("q") == "q 2"  # stale answers are not served at once either
        store.broken = True
        before = store.reads
        assert answer("q") == "q 2"
        receipt = last_receipt()
        assert receipt is not None
        assert (receipt.tier, store.reads - before) == (second.name, 1)
        assert any("out of order" in fault for fault in receipt.faults)
