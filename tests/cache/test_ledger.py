"""The invalidation law: what was invalidated is not served, whoever invalidated it and whatever is out of reach."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from askonce import Cache, ConfigError, Entry, ManualClock, MemoryStore, StoreError
from askonce.backends.epochs import MemoryEpochs
from askonce.cache.ledger import Ledger, text_tag

TAGS = ["a", "b", "doc:42", "model:x"]
MODELS = ["m1", "m2"]
QUERIES = [None, "q1", "q2"]


class Shared:
    """One authority seen by several processes: it can be out of reach, before or after it has done its work."""

    def __init__(self) -> None:
        self.epochs = MemoryEpochs()
        self.down: set[str] = set()
        self.silent = False
        self._told = 0

    def _check(self, name: str) -> None:
        if name in self.down:
            raise StoreError(f"{name}: out of reach")

    def snapshot(self) -> tuple[int, dict[str, int]]:
        self._check("snapshot")
        return self.epochs.snapshot()

    def bump(self, tags: Sequence[str]) -> int:
        self._check("bump")
        seq = self.epochs.bump(tags)
        self._check("reply")  # it was done, and the answer was lost on the way
        return seq

    def version(self) -> int:
        if not self.silent:
            self._told = self.epochs.version()
        return self._told


def entry(
    seq: int, *, key: bytes = b"k" * 32, scope: bytes = b"s" * 32, tags: tuple[str, ...] = (), **more: Any
) -> Entry:
    return Entry(key=key, scope=scope, kind="json", body=b"1", seq=seq, tags=tags, **{"created": 0.0, **more})


def matches(tags: Sequence[str], held: Entry) -> bool:
    """What an invalidation of ``tags`` means for an entry, said plainly."""
    implicit = {
        "*",
        f"model:{held.model}",
        f"scope:{held.scope.hex()}",
        f"key:{held.key.hex()}",
        *([text_tag(held.query)] if held.query is not None else []),
    }
    before = [float(tag[7:]) for tag in tags if tag.startswith("before:")]
    return bool((implicit | set(held.tags)) & set(tags)) or any(held.created < floor for floor in before)


class InvalidationLaw(RuleBasedStateMachine):
    """Two processes and one authority that comes and goes. The model remembers for every entry whether an
    invalidation that concerns it was asked for, anywhere, after its call began."""

    entries = Bundle("entries")

    @initialize()
    def begin(self) -> None:
        self.clock = ManualClock()
        self.shared = Shared()
        self.mirror = MemoryEpochs()
        self.ledgers = [Ledger(self.shared, self.mirror, self.clock), Ledger(self.shared, None, self.clock)]
        self.here: list[dict[int, bool]] = [{}, {}]  # id(entry) -> invalidated by this process, or learnt
        self.asked: dict[int, tuple[Entry, bool]] = {}
        self.unsaid: list[list[str]] = [[], []]  # bumps that the authority has not confirmed, per process

    @rule(
        target=entries,
        process=st.integers(0, 1),
        tags=st.lists(st.sampled_from(TAGS), max_size=2, unique=True),
        model=st.sampled_from(MODELS),
        query=st.sampled_from(QUERIES),
        key=st.sampled_from([b"k" * 32, b"l" * 32]),
    )
    def make(self, process: int, tags: list[str], model: str, query: str | None, key: bytes) -> Entry:
        self.clock.advance(1)
        self.look()  # as the way of a call does before it begins: an old number would be dropped early
        made = entry(
            self.ledgers[process].seq,
            key=key,
            tags=tuple(tags),
            model=model,
            query=query,
            created=self.clock.now(),
        )
        self.asked[id(made)] = (made, False)
        return made

    @rule(
        process=st.integers(0, 1),
        what=st.sampled_from(
            [*TAGS, "*", "model:m1", "key:" + (b"k" * 32).hex(), "scope:" + (b"s" * 32).hex(), "text"]
        ),
    )
    def invalidate(self, process: int, what: str) -> None:
        tags = [text_tag("q1") if what == "text" else what]
        confirmed = self.ledgers[process].bump(tags)
        assert confirmed is not bool(self.shared.down & {"bump", "reply", "snapshot"})
        for key, (held, gone) in self.asked.items():
            hit = matches(tags, held)
            self.asked[key] = (held, gone or (hit and confirmed))
            if hit:
                self.here[process][key] = True
        if not confirmed:
            self.unsaid[process] += tags

    @rule(process=st.integers(0, 1), age=st.integers(0, 5))
    def invalidate_older(self, process: int, age: int) -> None:
        self.clock.advance(0.5)
        self.invalidate(process, f"before:{self.clock.now() - age!r}")

    @rule(what=st.sampled_from(["bump", "snapshot", "reply"]))
    def lose(self, what: str) -> None:
        self.shared.down.add(what)

    @rule()
    def restore(self) -> None:
        self.shared.down.clear()

    @rule()
    def retry(self) -> None:
        """Time passes, so that both may try again; what is handed in now holds everywhere."""
        self.clock.advance(2)
        self.look()

    def look(self) -> None:
        """Both processes look for news. What one hands in concerns the entries there are, and none made later."""
        for process, ledger in enumerate(self.ledgers):
            if ledger.news():
                ledger.refresh()
            if not ledger.fault:
                for key, (held, gone) in self.asked.items():
                    self.asked[key] = (held, gone or matches(self.unsaid[process], held))
                self.unsaid[process] = []
        for ledger in self.ledgers:  # again: what the last one handed in is news for the first
            if ledger.news():
                ledger.refresh()

    @rule()
    def restart(self) -> None:
        """The first process starts again; what it knew beside its entries it knows still."""
        if not self.unsaid[0]:
            self.ledgers[0] = Ledger(self.shared, self.mirror, self.clock)

    @invariant()
    def nothing_invalidated_is_valid(self) -> None:
        """In the process that invalidated: at once. In another: as soon as it has been able to look."""
        if not hasattr(self, "ledgers"):
            return
        self.look()
        for process, ledger in enumerate(self.ledgers):
            for key, (held, gone) in self.asked.items():
                if self.here[process].get(key) or (gone and not self.shared.down and not ledger.fault):
                    assert not ledger.valid(held), (process, held)

    @invariant()
    def what_was_never_named_is_valid(self) -> None:
        """An entry that nothing asked for concerns is served; being careful does not mean retiring everything."""
        if not hasattr(self, "ledgers"):
            return
        for key, (held, gone) in self.asked.items():
            named = gone or any(seen.get(key) for seen in self.here)
            pending = any(matches(tags, held) for tags in self.unsaid)
            if not named and not pending:
                assert all(ledger.valid(held) for ledger in self.ledgers), held


TestInvalidationLaw = InvalidationLaw.TestCase
TestInvalidationLaw.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_an_entry_begun_after_the_invalidation_is_valid() -> None:
    """The number an entry carries is of the time its call began; what was invalidated before does not concern it."""
    ledger = Ledger(MemoryEpochs(), None, ManualClock())
    old = entry(ledger.seq, tags=("t",))
    ledger.bump(["t"])
    assert not ledger.valid(old)
    assert ledger.valid(entry(ledger.seq, tags=("t",)))


def test_at_tells_the_number_of_a_tag_and_takes_what_is_pending_for_the_latest() -> None:
    """0 for what was never invalidated, the number once it was, and above every number until that is known."""
    clock, shared = ManualClock(), Shared()
    ledger = Ledger(shared, None, clock)
    ledger.bump(["t"])
    assert (ledger.at("t"), ledger.at("u")) == (1, 0)
    shared.down = {"bump"}
    ledger.bump(["u"])
    assert ledger.at("u") == sys.maxsize
    shared.down.clear()
    clock.advance(2)
    ledger.refresh()
    assert ledger.at("u") == 2


MARKS = ["a", "b", "other", "*", f"scope:{(b's' * 32).hex()}", f"key:{(b'k' * 32).hex()}", "key:00", "model:m"]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(MARKS)), max_size=6), st.booleans())
def test_only_drift_can_be_outlasted(deeds: list[tuple[bool, str]], away: bool) -> None:
    """What drift retires is as invalid as what is invalidated; the answer that showed it may stay exactly when drift
    alone has retired it, and then with a number that a later invalidation, or drift, is above. While the authority is
    away, nothing may."""
    shared = Shared()
    ledger = Ledger(shared, None, ManualClock())
    ledger.bump(["a", "unrelated"])
    held = entry(ledger.seq, tags=("a", "b"), model="m")
    drifted = invalidated = False
    for drift, mark in deeds:
        (ledger.retire if drift else ledger.bump)([mark])
        meant = mark in ("a", "b", *MARKS[4:6]) or (not drift and mark in ("*", "model:m"))
        drifted, invalidated = drifted or (drift and meant), invalidated or (not drift and meant)
    assert ledger.valid(held) == (not drifted and not invalidated)
    if away:
        shared.down = {"bump"}
        ledger.bump(["elsewhere"])
    later = ledger.past_drift(held)
    assert (later > held.seq) == (drifted and not invalidated and not away)
    if later > held.seq:
        renewed = entry(later, tags=("a", "b"), model="m")
        assert ledger.valid(renewed)
        ledger.retire(["b"])
        assert not ledger.valid(renewed)


def test_a_pending_invalidation_is_handed_in_once_the_authority_is_back() -> None:
    """Until then nothing with the tag is served here, new answers neither; then it holds everywhere, and those are."""
    clock, shared = ManualClock(), Shared()
    here, there = Ledger(shared, None, clock), Ledger(shared, None, clock)
    shared.down = {"bump"}
    assert here.bump(["t"]) is False
    assert not here.valid(entry(here.seq, tags=("t",)))
    assert here.valid(entry(here.seq, tags=("u",)))
    assert there.valid(entry(0, tags=("t",)))
    assert not here.news()
    shared.down.clear()
    clock.advance(2)
    assert here.news()
    here.refresh()
    there.refresh()
    assert not there.valid(entry(0, tags=("t",)))
    assert not here.valid(entry(0, tags=("t",)))
    assert here.valid(entry(here.seq, tags=("t",)))


def test_an_invalidation_stays_in_force_while_its_confirmation_is_lost() -> None:
    """The authority took it but could not be read afterwards: it is still pending here, so still in force."""
    clock, shared = ManualClock(), Shared()
    ledger = Ledger(shared, None, clock)
    shared.down = {"bump"}
    ledger.bump(["t"])
    shared.down = {"snapshot"}
    clock.advance(2)
    ledger.refresh()
    assert not ledger.valid(entry(0, tags=("t",)))
    shared.down.clear()
    clock.advance(2)
    ledger.refresh()
    assert not ledger.valid(entry(0, tags=("t",)))
    assert ledger.valid(entry(ledger.seq, tags=("t",)))


def test_a_mirror_remembers_over_a_restart_without_the_authority() -> None:
    """With the authority away at the start, what was known beside the local entries is in force."""
    clock, shared, mirror = ManualClock(), Shared(), MemoryEpochs()
    Ledger(shared, mirror, clock).bump(["t"])
    shared.down = {"snapshot", "bump"}
    again = Ledger(shared, mirror, clock)
    assert again.fault
    assert not again.valid(entry(0, tags=("t",)))


def test_many_callers_that_see_the_news_fetch_it_once() -> None:
    """News is fetched by one caller; the others find it done."""

    class Counting(Shared):
        reads = 0

        def snapshot(self) -> tuple[int, dict[str, int]]:
            self.reads += 1
            return super().snapshot()

    shared = Counting()
    ledger = Ledger(shared, None, ManualClock())
    shared.reads = 0
    shared.epochs.bump(["t"])
    threads = [threading.Thread(target=ledger.refresh) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shared.reads == 1


@pytest.mark.parametrize("tag", ["before:", "before:soon", "before:nan", "before:inf", "before:-inf"])
def test_a_malformed_floor_from_elsewhere_is_harmless(tag: str) -> None:
    """A ``before:`` tag that is no time retires nothing and breaks nothing, now or at the next start."""
    epochs = MemoryEpochs()
    ledger = Ledger(epochs, None, ManualClock())
    epochs.bump([tag])
    ledger.refresh()
    assert ledger.valid(entry(0, created=5.0))
    assert ledger.bump(["t"])
    assert Ledger(epochs, None, ManualClock()).valid(entry(0, created=5.0))


@pytest.mark.parametrize("tag", ["*", "before:0", "before:soon", "before:inf", 42, b"t"])
def test_reserved_and_odd_tags_are_refused(cache: Cache, tag: Any) -> None:
    """A tag that has a meaning of its own in the ledger, or is no text, is a clear error and changes nothing."""

    @cache.cached()
    def answer(question: str) -> str:
        return "x"

    answer("q")
    with pytest.raises(ConfigError, match="tag"):
        cache.invalidate(tag=tag)
    assert answer.reply("q").receipt.status == "hit"


def test_digests_may_be_written_in_capitals(cache: Cache) -> None:
    """A key or scope is the same digest in either case."""

    @cache.cached()
    def answer(question: str) -> str:
        return "x"

    for name in ("key", "scope"):
        answer("q")
        cache.invalidate(**{name: getattr(answer.call_for("q"), name).hex().upper()})  # type: ignore[arg-type]
        assert answer.reply("q").receipt.status == "miss"


def test_text_tags_hide_the_text() -> None:
    """The ledger holds a digest of a question, never the question, surrogates included."""
    assert "secret" not in text_tag("secret")
    assert text_tag("a") != text_tag("b")
    assert text_tag("\ud800")


def test_an_invalidation_reaches_another_cache_on_the_same_store() -> None:
    """Two caches over one shared store: what one invalidates, the other does not serve."""

    class SharedStore(MemoryStore):
        __slots__ = ()

    store = SharedStore()
    store.shared = True
    store.name = "shared"
    with (
        Cache([MemoryStore(), store], semantic=False) as one,
        Cache([MemoryStore(), store], semantic=False) as two,
    ):

        def ask(question: str) -> str:
            return "x"

        a, b = (c.cached(name="f", tags=["t"])(ask) for c in (one, two))
        a("q")
        assert b.reply("q").receipt.tier == "shared"
        assert b.reply("q").receipt.tier == "memory"
        one.invalidate(tag="t")
        assert b.reply("q").receipt.status == "miss"
