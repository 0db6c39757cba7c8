"""Versions of sources: no answer is served across them, whoever notices first and whoever lags behind."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from askonce import ConfigError, Entry, ManualClock
from askonce.backends.epochs import MemoryEpochs
from askonce.cache.ledger import Ledger, reserved
from askonce.cache.versions import Versions, answer_tags, conflict, version_tag, versioned, versions_in

NAMES = ["doc:1", "doc:2", "a@b.example"]
VERSIONS = ["v1", "v2", "v3", "x@y%z"]


class Process:
    """One process: its view of the shared ledger, and its versions."""

    def __init__(self, shared: MemoryEpochs, clock: ManualClock) -> None:
        self.clock = clock
        self.ledger = Ledger(shared, None, clock)
        self.versions = Versions(self.ledger, clock, settle_s=900)

    def call(self, tags: tuple[str, ...]) -> str:
        """What a call does first; why it may neither be served nor stored."""
        self.ledger.refresh()
        declared = self.versions.declare(tags)
        if declared.retire:
            self.ledger.bump(declared.retire)
        return declared.replaced

    def made(self, tags: tuple[str, ...]) -> Entry:
        return Entry(key=b"k", scope=b"s", kind="json", body=b"1", created=0.0, seq=self.ledger.seq, tags=tags)

    def serves(self, entry: Entry) -> bool:
        self.ledger.refresh()
        return self.ledger.valid(entry) and not self.versions.outdated(entry.tags)


@pytest.fixture
def shared() -> MemoryEpochs:
    return MemoryEpochs()


names = st.text(min_size=1).filter(lambda name: not reserved(name))


@given(st.dictionaries(names, st.text(min_size=1), max_size=4))
def test_tags_carry_versions(tags: dict[str, str]) -> None:
    """A mapping becomes plain and versioned tags, from which exactly the mapping is read back."""
    kept = versioned(tags)
    assert set(tags) <= set(kept)
    assert {name: version_tag("", version)[1:] for name, version in tags.items()}.items() <= versions_in(kept).items()
    assert len(kept) == 2 * len(tags)


def test_a_plain_tag_with_an_at_is_itself() -> None:
    """An address as a tag is no version of anything."""
    assert versions_in(("mail:bob@example.com",)) == {}
    assert versions_in(versioned({"mail:bob": "3"})) == {"mail:bob": "3"}


def test_versions_are_texts() -> None:
    """A version that is no text, and a name that is an invalidation of something else, is refused with the way to
    write it."""
    for tags in ({"doc:1": 3}, {"": "v1"}, {"doc:1": ""}, {"*": "v1"}, {"before:1e9": "v1"}):
        with pytest.raises(ConfigError, match="doc:42"):
            versioned(tags)  # type: ignore[arg-type]


def test_a_new_version_retires_the_old_everywhere(shared: MemoryEpochs, clock: ManualClock) -> None:
    """One process meets v2: answers of v1, and those that do not say, go in all; answers of v2 stay."""
    here, there, fresh = (Process(shared, clock) for _ in range(3))
    v1, v2 = versioned({"doc:1": "v1"}), versioned({"doc:1": "v2"})
    for process in (here, there):
        assert process.call(v1) == ""
    old, silent, other = here.made(v1), here.made(("doc:1",)), here.made(versioned({"doc:2": "v1"}))
    assert all(process.serves(entry) for process in (here, there, fresh) for entry in (old, silent, other))
    assert here.call(v2) == ""
    new = here.made(v2)
    for process in (here, there, fresh):
        assert [process.serves(entry) for entry in (old, silent, other, new)] == [False, False, True, True]
    assert there.call(v2) == ""  # it knew v1 too, and bumps nothing: the new answer lives on
    assert there.serves(new)
    assert here.serves(new)


def test_a_lagging_process_neither_reads_nor_writes(shared: MemoryEpochs, clock: ManualClock) -> None:
    """Who still declares the old version is told so; what it would store nobody would be served."""
    here, lagging = Process(shared, clock), Process(shared, clock)
    v1, v2 = versioned({"doc:1": "v1"}), versioned({"doc:1": "v2"})
    lagging.call(v1)
    here.call(v1)
    here.call(v2)
    assert "v1" in lagging.call(v1)
    assert not here.serves(lagging.made(v1))
    assert not lagging.serves(lagging.made(v1))
    assert lagging.call(v2) == ""
    assert lagging.serves(here.made(v2))


def test_an_old_answer_tells_who_began_after_the_change(shared: MemoryEpochs, clock: ManualClock) -> None:
    """A process that never met v1 and reads an answer made from it, older than its own sight of v2, retires v1 for
    all: who declares it is told, and what names no version is left alone. An answer of v1 made since tells nothing
    of which is newer."""
    before, after, silent = (Process(shared, clock) for _ in range(3))
    v1, v2 = versioned({"doc:1": "v1"}), versioned({"doc:1": "v2"})
    before.call(v1)
    old, plain = before.made(v1), before.made(("doc:1",))
    clock.advance(10)
    after.call(v2)
    made = after.made(v2)
    assert silent.serves(old)
    assert after.versions.outdated(old.tags, created=clock.now() + 1)
    assert not after.versions.news
    assert after.versions.outdated(old.tags, created=clock.now() - 10)
    assert after.versions.news
    after.ledger.bump(after.versions.noticed())
    assert not after.versions.news
    assert not silent.serves(old)
    assert silent.serves(plain)
    assert silent.serves(made)
    assert before.call(v1) != ""
    assert before.call(v2) == ""


def test_a_mixed_snapshot_is_no_change(shared: MemoryEpochs, clock: ManualClock) -> None:
    """An old answer of another snapshot is not served, and tells nothing: providers mix them for a while."""
    here = Process(shared, clock)
    clock.advance(10)
    here.versions.observe("snapshot:chat", "chat-11")
    assert here.versions.outdated(answer_tags("chat", "chat-05"), created=clock.now() - 5)
    assert not here.versions.news


def test_another_ledger_begins_anew(shared: MemoryEpochs, clock: ManualClock) -> None:
    """Numbers of one ledger mean nothing in the next: what was known by the first is forgotten."""
    here = Process(shared, clock)
    here.call(versioned({"doc:1": "v1"}))
    assert here.versions.attached
    here.versions.detach()
    assert not here.versions.attached
    assert here.versions.state() == {"sources": 0, "changes": 0}
    here.versions.attach(Ledger(MemoryEpochs(), None, clock))
    assert here.call(versioned({"doc:1": "v2"})) == ""


@given(
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VERSIONS)),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VERSIONS)),
)
def test_a_conflict_is_one_source_in_two_versions(declared: dict[str, str], held: dict[str, str]) -> None:
    """A call and an entry are in conflict exactly when both tell the version of a source and not the same."""
    found = conflict(versions_in(versioned(declared)), ("plain", *versioned(held)))
    assert found == any(name in held and held[name] != version for name, version in declared.items())


def test_a_version_may_come_back(shared: MemoryEpochs, clock: ManualClock) -> None:
    """A restored document counts again once its successor has not been met for a while; then the successor is old."""
    here = Process(shared, clock)
    v1, v2 = versioned({"doc:1": "v1"}), versioned({"doc:1": "v2"})
    here.call(v1)
    first = here.made(v1)
    here.call(v2)
    second = here.made(v2)
    assert here.call(v1) != ""
    clock.advance(901)
    assert here.call(v1) == ""
    third = here.made(v1)
    assert [here.serves(entry) for entry in (first, second, third)] == [False, False, True]
    assert here.call(v2) != ""
    assert Process(shared, clock).serves(third)
    assert not Process(shared, clock).serves(here.made(v2))


def test_a_restart_that_meets_an_old_answer_does_not_serve_it(shared: MemoryEpochs, clock: ManualClock) -> None:
    """A process that begins with v2 does not serve what an earlier one made from v1, though nobody saw the change."""
    before, after = Process(shared, clock), Process(shared, clock)
    v1, v2 = versioned({"doc:1": "v1"}), versioned({"doc:1": "v2"})
    before.call(v1)
    old = before.made(v1)
    assert after.serves(old)
    after.call(v2)
    assert not after.serves(old)


def test_first_sights_cost_the_ledger_nothing(shared: MemoryEpochs, clock: ManualClock) -> None:
    """Documents that do not change leave no trace in the ledger, and the memory of them is bounded."""
    here = Process(shared, clock)
    here.versions = Versions(here.ledger, clock, most=10)
    for number in range(100):
        here.call(versioned({f"doc:{number}": "v1"}))
    assert shared.snapshot() == (0, {})
    assert here.versions.state() == {"sources": 10, "changes": 0}


def test_a_snapshot_counts_once_it_stays(shared: MemoryEpochs, clock: ManualClock) -> None:
    """A model's name that answers from two snapshots in turn changes nothing; from a new one only, it does."""
    here = Process(shared, clock)
    old, new = (answer_tags("chat", snapshot) for snapshot in ("chat-05", "chat-11"))
    held = here.made(old)
    for snapshot in ["chat-05", "chat-11"] * 10 + ["chat-11"] * 3:
        assert here.versions.observe("snapshot:chat", snapshot) == ()
    assert here.serves(held)
    retire = here.versions.observe("snapshot:chat", "chat-11")
    assert retire == ("snapshot:chat@chat-05",)
    made = here.made(new)
    here.ledger.bump(retire)
    assert not here.serves(held)
    assert here.serves(made)
    assert here.serves(here.made(new))
    assert here.versions.current("snapshot:chat") == "chat-11"


def test_answer_tags_name_what_answered() -> None:
    """A name that is the snapshot needs no tag; a fingerprint gets its own."""
    assert answer_tags("chat", "chat") == answer_tags("", "chat") == ()
    assert versions_in(answer_tags("chat", "chat-05", "fp_1")) == {"snapshot:chat": "chat-05", "system:chat": "fp_1"}


class NeverAcross(RuleBasedStateMachine):
    """Processes that declare versions in any order: a call that is let through is never served an answer made
    from another version of its source, by itself or by anyone; and an answer just made by it is served to it."""

    @initialize()
    def begin(self) -> None:
        self.clock = ManualClock()
        shared = MemoryEpochs()
        self.processes = [Process(shared, self.clock) for _ in range(3)]
        self.entries: list[Entry] = []

    @rule(which=st.integers(0, 2), name=st.sampled_from(NAMES), version=st.sampled_from(VERSIONS))
    def call(self, which: int, name: str, version: str) -> None:
        process, tags = self.processes[which], versioned({name: version})
        if process.call(tags):
            return
        for entry in self.entries:
            if name in entry.tags and process.serves(entry):
                assert version_tag(name, version) in entry.tags
        made = process.made(tags)
        assert process.serves(made)
        self.entries.append(made)

    @rule(seconds=st.sampled_from([1.0, 1000.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)


TestNeverAcross = NeverAcross.TestCase
TestNeverAcross.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_the_time_to_settle_is_checked() -> None:
    """A negative time is refused."""
    with pytest.raises(ConfigError):
        Versions(settle_s=-1)
