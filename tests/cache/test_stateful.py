"""The law of the whole cache, against a model: a hit is always the last answer stored for that very call, not expired,
not invalidated; whatever is asked, whatever fails, in whatever order."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from askonce import Cache, Entry, ManualClock, MemoryStore, NotCached, Policy, StoreError, controls
from askonce.backends.epochs import MemoryEpochs

TTL, REVALIDATE, ERROR = 20.0, 5.0, 30.0
QUESTIONS = ["q1", "q2", "q3"]
TAGS = ["a", "b"]


class Remote(MemoryStore):
    """A second tier, shared, that can be out of reach."""

    __slots__ = ("down",)

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock=clock)
        self.name = "remote"
        self.shared = True
        self.down = False

    def _check(self) -> None:
        if self.down:
            raise StoreError("out of reach")

    def get(self, key: bytes) -> Entry | None:
        self._check()
        return super().get(key)

    def put(self, entry: Entry) -> None:
        self._check()
        super().put(entry)

    def delete(self, key: bytes) -> bool:
        self._check()
        return super().delete(key)


class Last:
    """What the model knows of a question: the last stored answer."""

    def __init__(self, value: int, made: float, ttl: float, tags: set[str]) -> None:
        self.value, self.made, self.ttl, self.tags = value, made, ttl, tags
        self.gone = False


class Failed(Exception):
    pass


class WholeCache(RuleBasedStateMachine):
    """One cached function, in both colours, over memory and a remote tier."""

    @initialize(behind=st.booleans())
    def begin(self, behind: bool) -> None:
        self.clock = ManualClock()
        self.memory = MemoryStore(clock=self.clock)
        self.remote = Remote(self.clock)
        policy = Policy(ttl=TTL, jitter=0, stale_while_revalidate=REVALIDATE, stale_if_error=ERROR)
        self.cache = Cache(
            [self.memory, self.remote],
            semantic=False,
            clock=self.clock,
            policy=policy,
            write_behind=["remote"] if behind else [],
        )
        self.calls = 0
        self.fail = False
        self.last: dict[str, Last] = {}

        def ask(question: str) -> int:
            self.calls += 1
            if self.fail:
                raise Failed
            return self.calls

        async def aask(question: str) -> int:
            await asyncio.sleep(0)
            return ask(question)

        self.sync = self.cache.cached(name="f", tags=["all"])(ask)
        self.asyn = self.cache.cached(name="f", tags=["all"])(aask)

    def reply(self, question: str, colour: str) -> Any:
        if colour == "sync":
            made = self.sync.reply(question)
            self.settle()
            return made

        async def main() -> Any:
            reply = await self.asyn.reply(question)
            await self.cache.workers.drain()
            return reply

        return asyncio.run(main())

    def settle(self) -> None:
        """Let background work finish, so that the model need not guess when it does."""
        pool = self.cache.workers._pool
        if pool is not None:
            pool.shutdown(wait=True)
            self.cache.workers._pool = None

    def servable(self, question: str, max_age: float | None = None) -> Last | None:
        last = self.last.get(question)
        now = self.clock.now()
        if last is None or last.gone or (max_age is not None and now - last.made > max_age):
            return None
        return last

    @rule(
        question=st.sampled_from(QUESTIONS),
        colour=st.sampled_from(["sync", "async"]),
        how=st.sampled_from(["plain", "plain", "plain", "refresh", "no_store", "only_if_cached"]),
        ttl=st.none() | st.sampled_from([0.0, 5.0, 100.0]),
        max_age=st.none() | st.sampled_from([0.0, 10.0]),
        tags=st.lists(st.sampled_from(TAGS), max_size=2, unique=True),
    )
    def ask(
        self, question: str, colour: str, how: str, ttl: float | None, max_age: float | None, tags: list[str]
    ) -> None:
        before, now = self.calls, self.clock.now()
        last = self.servable(question, max_age)
        wanted = {} if how == "plain" else {how: True}
        try:
            with controls(ttl=ttl, max_age=max_age, tags=tags, **wanted):  # type: ignore[arg-type]
                reply = self.reply(question, colour)
        except NotCached:
            assert how == "only_if_cached"
            assert self.calls == before
            return
        except Failed:
            assert self.fail
            assert self.calls == before + 1
            return
        status, value = reply.receipt.status, reply.value
        if status in ("hit", "stale"):
            assert last is not None, f"{status} of something that was never stored, or is gone"
            assert value == last.value, "not the last answer"
            age = now - last.made
            assert how in ("plain", "only_if_cached")
            if status == "hit":
                assert age < last.ttl
                assert self.calls == before
            elif age < last.ttl + REVALIDATE:
                assert self.calls == before + (how != "only_if_cached")
                if self.calls > before and not self.fail:
                    self.last[question] = Last(self.calls, now, TTL if ttl is None else ttl, {"all", *tags})
                    if ttl == 0:
                        self.last[question] = last
            else:
                assert self.fail
                assert age < last.ttl + ERROR
        else:
            assert status == ("bypass" if how == "no_store" else "miss")
            assert (self.calls, value) == (before + 1, before + 1)
            assert reply.receipt.stored is (how != "no_store" and ttl != 0)
            if reply.receipt.stored:
                self.last[question] = Last(value, now, TTL if ttl is None else ttl, {"all", *tags})

    @rule(question=st.sampled_from(QUESTIONS))
    def explain(self, question: str) -> None:
        """It says what a call would get, asks nobody and changes nothing."""
        before = (self.calls, {key: self.memory.get(key) for key in self.memory.keys()})  # noqa: SIM118
        made = self.sync.explain(question)
        assert (self.calls, {key: self.memory.get(key) for key in self.memory.keys()}) == before  # noqa: SIM118
        last = self.servable(question)
        if made.outcome == "hit":
            assert last is not None
            assert self.clock.now() - last.made < last.ttl

    @rule(seconds=st.sampled_from([0.5, 3.0, 20.0, 40.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(
        what=st.sampled_from(
            [{"tag": "a"}, {"tag": "b"}, {"tag": "all"}, {"text": "q1"}, {"everything": True}, {"older_than": 5.0}]
        )
    )
    def invalidate(self, what: dict[str, Any]) -> None:
        self.clock.advance(0.25)
        assert self.cache.invalidate(**what)
        for question, last in self.last.items():
            last.gone = last.gone or (
                what.get("tag") in last.tags
                or what.get("text") == question
                or "everything" in what
                or ("older_than" in what and self.clock.now() - last.made > 5.0)
            )

    @rule(question=st.sampled_from(QUESTIONS))
    def invalidate_key(self, question: str) -> None:
        assert self.cache.invalidate(key=self.sync.call_for(question).key.hex())
        if question in self.last:
            self.last[question].gone = True

    @rule(question=st.sampled_from(QUESTIONS))
    def evict(self, question: str) -> None:
        """Memory makes room; what was stored may come back from the remote tier."""
        self.memory.delete(self.sync.call_for(question).key)

    @rule()
    def sweep(self) -> None:
        if not self.remote.down:
            self.cache.sweep()

    @rule(down=st.booleans())
    def lose_the_remote_tier(self, down: bool) -> None:
        self.remote.down = down

    @rule(fail=st.booleans())
    def break_upstream(self, fail: bool) -> None:
        self.fail = fail

    @invariant()
    def nothing_is_in_the_air(self) -> None:
        if hasattr(self, "cache"):
            assert len(self.cache.flights) == 0
            assert self.cache.workers.failures == 0 or self.fail or self.calls

    @invariant()
    def every_stored_entry_is_whole(self) -> None:
        if hasattr(self, "memory"):
            for key in self.memory.keys():  # noqa: SIM118
                held = self.memory.get(key)
                assert held is not None
                assert held.key == key

    def teardown(self) -> None:
        if hasattr(self, "cache"):
            self.remote.down = False
            self.cache.close()


TestWholeCache = WholeCache.TestCase
TestWholeCache.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


class Freshness(RuleBasedStateMachine):
    """With nothing failing, an answer that may be served is served: careful is not the same as forgetful."""

    @initialize()
    def begin(self) -> None:
        self.clock = ManualClock()
        self.stores = [MemoryStore(clock=self.clock), Remote(self.clock)]
        self.cache = Cache(self.stores, semantic=False, clock=self.clock, policy=Policy(ttl=TTL, jitter=0))
        self.made: dict[str, float] = {}
        self.answer = self.cache.cached(name="f", tags=["t"])(lambda question: question + "!")

    @rule(question=st.sampled_from(QUESTIONS))
    def ask(self, question: str) -> None:
        reply = self.answer.reply(question)
        assert reply.value == question + "!"
        fresh = question in self.made and self.clock.now() - self.made[question] < TTL
        assert reply.receipt.status == ("hit" if fresh else "miss")
        if not fresh:
            self.made[question] = self.clock.now()

    @rule(question=st.sampled_from(QUESTIONS), tier=st.integers(0, 1))
    def lose_one_copy(self, question: str, tier: int) -> None:
        """One tier forgets; the other still knows, and gives it back by promotion."""
        key = self.answer.call_for(question).key
        if all(store.get(key) is not None for store in self.stores):
            self.stores[tier].delete(key)

    @rule()
    def invalidate(self) -> None:
        self.clock.advance(0.25)
        self.cache.invalidate(tag="t")
        self.made.clear()

    @rule()
    def invalidate_something_else(self) -> None:
        self.cache.invalidate(tag="other")
        self.cache.invalidate(text="q9")

    @rule(seconds=st.sampled_from([1.0, 19.0, 21.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def sweep(self) -> None:
        self.cache.sweep()

    def teardown(self) -> None:
        if hasattr(self, "cache"):
            self.cache.close()


TestFreshness = Freshness.TestCase
TestFreshness.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_an_overwritten_answer_never_comes_back() -> None:
    """An answer that was replaced while its tier was out of reach is not served when that tier returns."""
    clock = ManualClock()
    memory, remote = MemoryStore(clock=clock), Remote(clock)
    with Cache([memory, remote], semantic=False, clock=clock) as cache:
        calls = 0

        @cache.cached()
        def answer(question: str) -> int:
            nonlocal calls
            calls += 1
            return calls

        assert answer("q") == 1
        remote.down = True
        with controls(refresh=True):
            assert answer("q") == 2
        assert answer("q") == 2
        remote.down = False
        memory.clear()
        clock.advance(60)
        assert answer.explain("q").checked == [("memory", "absent"), ("remote", "behind")]
        assert answer("q") == 3
        memory.clear()
        assert answer.reply("q").receipt.tier == "remote"


def test_a_slow_write_behind_does_not_undo_a_newer_one() -> None:
    """Of two answers on their way to a tier, the older one, if it is late, is dropped."""
    clock = ManualClock()
    memory, remote = MemoryStore(clock=clock), Remote(clock)
    cache = Cache([memory, remote], semantic=False, clock=clock, write_behind=["remote"])
    waiting: list[Any] = []
    cache.workers.spawn = waiting.append  # type: ignore[method-assign]
    calls = 0

    @cache.cached()
    def answer(question: str) -> int:
        nonlocal calls
        calls += 1
        return calls

    answer("q")
    with controls(refresh=True):
        answer("q")
    for work in reversed(waiting):
        work()
    memory.clear()
    assert answer.reply("q").value == 2
    cache.close()


def test_a_promotion_does_not_undo_a_newer_answer() -> None:
    """An older answer found below is not put above a newer one that was stored meanwhile."""
    clock = ManualClock()
    memory = MemoryStore(clock=clock)

    class Racing(Remote):
        """While it is read, another caller stores a newer answer in memory."""

        __slots__ = ("newer",)

        def get(self, key: bytes) -> Entry | None:
            found = super().get(key)
            if self.newer is not None:
                memory.put(self.newer)
                self.newer = None
            return found

    remote = Racing(clock)
    remote.newer = None
    with Cache([memory, remote], semantic=False, clock=clock) as cache:
        calls = 0

        @cache.cached()
        def answer(question: str) -> int:
            nonlocal calls
            calls += 1
            return calls

        assert answer("q") == 1
        key = answer.call_for("q").key
        old = remote.get(key)
        clock.advance(1)
        with controls(refresh=True):
            answer("q")
        newer = memory.get(key)
        assert old is not None
        memory.clear()
        remote.put(old)
        remote.newer = newer
        assert answer("q") == 1  # what it had found when the newer one came
        assert answer("q") == 2


def test_memory_epochs_are_the_ledger_of_a_cache_without_shared_tiers(cache: Cache) -> None:
    """Invalidation needs no shared store."""
    assert isinstance(cache.tiers[0].store.epochs, MemoryEpochs)
