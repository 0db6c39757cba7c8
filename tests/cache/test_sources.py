"""Versions of sources, end to end: no answer is served across them, on any way a call can take."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce import (
    Cache,
    ConfigError,
    ManualClock,
    MemoryStore,
    NotCached,
    Policy,
    Receipt,
    RedisStore,
    controls,
    last_receipt,
)
from askonce.cache.controls import from_headers
from askonce.cache.drift_policy import DriftPolicy
from askonce.cache.policy import Answer
from askonce.cache.versions import versioned

from ..redis_server import RedisServer
from .openai_tools import Scripted, ask, client_of
from .test_audit_openai import upstream
from .threads import wait_for
from .vouching import ANIMALS, Vouching, question, world

DOC = "doc:42"


class Library:
    """A document in versions, and a function that answers from the current one; counts its calls."""

    def __init__(self, cache: Cache, name: str = "library") -> None:
        self.version = "v1"
        self.asked: list[str] = []
        self.cache = cache

        @cache.cached(name=name, semantic=False)
        def answer(question: str) -> str:
            self.asked.append(question)
            return f"{question}: {self.version}"

        self.answer = answer

    def __call__(self, question: str = "q", version: str | None = None, **more: Any) -> str:
        """Ask, declaring the version of the document."""
        self.version = version or self.version
        with controls(tags={DOC: self.version}, **more):
            said: str = self.answer(question)
        return said


def receipt() -> Receipt:
    found = last_receipt()
    assert found is not None
    return found


@pytest.fixture(params=[False, True], ids=["plain", "with a drift policy"])
def library(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[Library]:
    drift = DriftPolicy(clock=clock) if request.param else None
    with Cache([MemoryStore(clock=clock)], semantic=False, clock=clock, drift=drift) as cache:
        yield Library(cache)


# -- one cache -------------------------------------------------------------------------------------------------


def test_a_new_version_retires_what_was_made_from_the_old(library: Library) -> None:
    """Answers are kept while their document stays, asked anew once it changes, and so are those of callers who do not
    say which version they want; answers of other documents stay. A cache needs no drift policy for it."""
    assert [library("a"), library("b"), library("a")] == ["a: v1", "b: v1", "a: v1"]
    with controls(tags={"doc:7": "v1"}):
        library.answer("other")
    assert library("a", "v2") == "a: v2"
    assert library.answer("b") == "b: v2"
    assert library.answer("other") == "other: v1"
    assert library.asked == ["a", "b", "other", "a", "b"]
    assert library("a", "v2") == "a: v2"
    assert receipt().tier == "memory"


def test_an_older_version_is_neither_served_nor_stored(library: Library) -> None:
    """A caller that still has the replaced version is asked upstream past the cache, with or without refresh, and
    what it gets is served to nobody; only_if_cached refuses it."""
    library("a", "v1")
    library("a", "v2")
    for more in ({}, {"refresh": True}):
        assert library("a", "v1", **more) == "a: v1"
        assert (receipt().status, receipt().stored) == ("bypass", False)
        assert "v1" in receipt().reason
        assert "replaced" in receipt().reason
    with pytest.raises(NotCached, match="replaced"):
        library("a", "v1", only_if_cached=True)
    before = len(library.asked)
    assert library("a", "v2") == "a: v2"
    assert len(library.asked) == before


def test_a_restored_version_counts_again_after_a_while(library: Library) -> None:
    """When the successor has not been met for a quarter of an hour, the old version is current again; neither it nor
    its successor brings an answer of before back."""
    clock: Any = library.cache.clock
    library("a", "v1")
    library("a", "v2")
    clock.advance(901)
    assert library("a", "v1") == "a: v1"
    assert (receipt().status, receipt().stored) == ("miss", True)
    library("a", "v1")
    assert receipt().hit
    assert library("a", "v2") == "a: v2"
    assert receipt().status == "bypass"


def test_refresh_declares_too(library: Library) -> None:
    """A refreshing call that brings a new version retires the old answers as any other."""
    library("a", "v1")
    library("b", "v1")
    assert library("a", "v2", refresh=True) == "a: v2"
    assert library("b") == "b: v2"


def test_explain_knows_versions_and_changes_nothing(library: Library) -> None:
    """It says miss for a version whose answer is not there, and declares nothing."""
    library("a", "v1")
    with controls(tags={DOC: "v2"}):
        assert library.answer.explain("a").outcome == "miss"  # type: ignore[attr-defined]
    with controls(tags={DOC: "v1"}):
        assert library.answer.explain("a").outcome == "hit"  # type: ignore[attr-defined]
    assert library.cache.ledger.seq == 0
    library("a", "v1")
    assert receipt().hit


def test_a_call_of_ones_own_may_declare(cache: Cache) -> None:
    """``Cache.call(tags={...})`` is the same for callers without a decorator."""
    made = [cache.call([], "q", tags={DOC: version}) for version in ("v1", "v1", "v2")]
    assert made[0].tags == versioned({DOC: "v1"})
    told = [cache.run(call, None, lambda: Answer(kind="json", body=b"1"))[1].status for call in made]
    assert told == ["miss", "hit", "miss"]
    with pytest.raises(ConfigError, match="doc:42"):
        cache.call([], "q", tags={DOC: 3})  # type: ignore[dict-item]


def test_static_versions_of_functions(cache: Cache) -> None:
    """``cached(tags={...})``: redefined with a new version, the function asks anew, by the shortcut too; the old
    definition, still held somewhere, is not served the new one's answers."""

    def define(version: str) -> Any:
        @cache.cached(name="handbook", tags={"handbook": version}, semantic=False)
        def answer(question: str) -> str:
            return f"{question}: {version}"

        return answer

    old = define("v1")
    assert [old("a"), old("a"), old("b")] == ["a: v1", "a: v1", "b: v1"]
    new = define("v2")
    assert [new("a"), new("a")] == ["a: v2", "a: v2"]
    assert receipt().tier == "memory"
    assert old("a") == "a: v1"
    assert receipt().status == "bypass"
    assert new("a") == "a: v2"
    assert receipt().tier == "memory"


def test_a_function_is_not_served_another_version_by_the_shortcut(cache: Cache) -> None:
    """What lies in memory under the function's key in another version than its own goes the full way, whoever put it
    there and though nobody has declared the function's version since."""

    @cache.cached(name="handbook", tags={"handbook": "v1"}, semantic=False)
    def answer(question: str) -> str:
        return f"{question}: v1"

    answer("a")
    call = cache.call([], "a", key=answer.call_for("a").key, tags={"handbook": "v2"})  # type: ignore[attr-defined]
    cache.run(call, None, lambda: Answer(kind="value", body=b'"a: v2"'))
    assert answer("a") == "a: v1"
    assert receipt().status == "bypass"


def test_callers_of_different_versions_share_no_call(cache: Cache) -> None:
    """Identical calls in flight are one, unless they declare different versions of a source."""
    begun, go = threading.Barrier(3), threading.Event()
    made: list[str] = []

    def ask_for(version: str) -> None:
        def upstream() -> Answer:
            made.append(version)
            begun.wait(10)
            go.wait(10)
            return Answer(kind="json", body=version.encode())

        outcome, _ = cache.run(cache.call([], "q", tags={DOC: version}), None, upstream)
        assert outcome.answer is not None
        assert outcome.answer.body == version.encode()

    threads = [threading.Thread(target=ask_for, args=(version,)) for version in ("v1", "v2")]
    for thread in threads:
        thread.start()
    begun.wait(10)  # both are upstream at once
    go.set()
    for thread in threads:
        thread.join()
    assert sorted(made) == ["v1", "v2"]
    served = cache.run(cache.call([], "q", tags={DOC: "v2"}), None, lambda: Answer(kind="json", body=b"again"))[0]
    assert (served.found.entry.body if served.found is not None else b"again") in (b"v2", b"again")


def test_versions_on_an_event_loop(cache: Cache) -> None:
    """A coroutine function is served by the same law."""

    async def go() -> list[str]:
        @cache.cached(name="later", semantic=False)
        async def answer(question: str) -> str:
            return f"{question}: {version}"

        said = []
        for version in ("v1", "v1", "v2", "v1"):
            with controls(tags={DOC: version}):
                said.append((await answer.reply("a")).receipt.status)
        return said

    assert asyncio.run(go()) == ["miss", "hit", "miss", "bypass"]


def test_versions_of_streams(cache: Cache) -> None:
    """A generator's stream of an old version is not replayed for a new one, nor the other way round."""

    @cache.cached(name="words", semantic=False)
    def words(question: str) -> Iterator[str]:
        yield from (question, version)

    said = []
    for version in ("v1", "v1", "v2", "v1", "v2"):
        with controls(tags={DOC: version}):
            said.append((" ".join(words("a")), receipt().status))
    assert said == [("a v1", "miss"), ("a v1", "hit"), ("a v2", "miss"), ("a v1", "bypass"), ("a v2", "hit")]


def test_versions_hold_for_similar_questions() -> None:
    """The answer to a similar question made from another version is no candidate."""
    with world(False, Vouching()) as cache:
        made: list[str] = []

        @cache.cached(name="zoo")
        def answer(question: str) -> str:
            made.append(question)
            return "an answer"

        first, second, third = (question(ANIMALS[0], filler) for filler in ("please", "now", "kindly"))
        for text, version, tier in ((first, "v1", None), (second, "v1", "semantic"), (third, "v2", None)):
            with controls(tags={DOC: version}):
                answer(text)
            assert receipt().tier == tier
        assert made == [first, third]


def test_headers_of_the_transport_declare(cache: Cache) -> None:
    """``x-askonce-versions`` says it per request, whole or streamed."""
    for stream in (False, True):
        model = Scripted(upstream)
        client: Any = client_of(cache, model)
        for version, calls in (("v1", 1), ("v1", 1), ("v2", 2), ("v1", 3)):
            headers = {"x-askonce-versions": f"doc:{stream}={version}"}
            text = question(ANIMALS[stream], "please")
            made = client.chat.completions.create(**ask(text, stream=stream), extra_headers=headers)
            assert not stream or list(made)
            assert len(model.seen) == calls


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("doc:42=v3", versioned({"doc:42": "v3"})),
        (" doc:42 = v3 , doc:7=a=b ,, =v1", versioned({"doc:42": "v3", "doc:7": "a=b"})),
        ("doc:42, doc:7=", ("doc:42", "doc:7")),
        ("*=v1", ()),
    ],
)
def test_the_header_reads(text: str, tags: tuple[str, ...]) -> None:
    """Names and versions by the first equals sign; without a version a plain tag; nothing raises."""
    found = from_headers({"x-askonce-versions": text}, None)
    assert found is not None
    assert found.tags == tags


@given(st.text())
def test_no_header_is_an_error(text: str) -> None:
    """Whatever a client writes there, the request is not refused for it."""
    from_headers({"x-askonce-versions": text}, None)


def test_a_drift_policy_belongs_to_one_open_cache(clock: ManualClock) -> None:
    """Its versions are numbers of one ledger: a second open cache is refused; after closing it may go on elsewhere."""
    drift = DriftPolicy(clock=clock)
    with Cache([MemoryStore(clock=clock)], semantic=False, drift=drift), pytest.raises(ConfigError, match="its own"):
        Cache([MemoryStore(clock=clock)], semantic=False, drift=drift)
    with Cache([MemoryStore(clock=clock)], semantic=False, drift=drift) as cache:
        assert Library(cache)("a") == "a: v1"


def test_unchanging_versions_leave_no_trace(cache: Cache) -> None:
    """A thousand documents that stay as they are cost the ledger nothing."""
    library = Library(cache)
    for number in range(1000):
        with controls(tags={f"doc:{number}": "v1"}):
            library.answer("a" if number else "b")
    assert cache.ledger.seq == 0


# -- several caches --------------------------------------------------------------------------------------------


def test_a_change_reaches_a_cache_that_shares_the_directory(tmp_path: Path, clock: ManualClock) -> None:
    """Two processes' caches on one directory: the change that one meets holds for the other, which had the old answer
    in its own memory; lagging, it is told so."""
    options: dict[str, Any] = {"directory": tmp_path, "semantic": False, "clock": clock, "policy": Policy(jitter=0)}
    with Cache(**options) as one, Cache(**options) as other:
        here, there = Library(one), Library(other)
        assert (here("a"), there("a"), there("b")) == ("a: v1", "a: v1", "b: v1")
        assert (here.asked, there.asked) == (["a"], ["b"])
        assert here("a", "v2") == "a: v2"
        wait_for(other.ledger.news)
        assert there("a") == "a: v1"
        assert receipt().status == "bypass"
        assert there.answer("b") == "b: v1"  # asked again: it is the library's answer now, whatever was stored
        assert there.asked == ["b", "a", "b"]
        assert there("a", "v2") == "a: v2"
        assert receipt().hit
    with Cache(**options) as later:
        third = Library(later)
        assert third("a", "v2") == "a: v2"
        assert receipt().tier == "disk"


def test_a_restart_after_the_change_tells_those_who_lag(tmp_path: Path, clock: ManualClock) -> None:
    """A process that starts with the new version and reads an answer of the old retires that version for the others,
    also for questions it was never asked; the answer it gets itself is kept."""
    options: dict[str, Any] = {"directory": tmp_path, "semantic": False, "clock": clock, "policy": Policy(jitter=0)}
    with Cache(**options) as other:
        silent = Library(other)
        silent("a")
        silent("b")
        clock.advance(60)
        with Cache(**options) as one:
            here = Library(one)
            assert [here("a", "v2"), here("a", "v2")] == ["a: v2", "a: v2"]
            assert here.asked == ["a"]
        wait_for(other.ledger.news)
        silent.version = "v2"
        assert silent.answer("b") == "b: v2"


@pytest.mark.parametrize("told_by", ["a call", "a decorated function"])
def test_what_is_known_holds_for_who_does_not_ask(tmp_path: Path, clock: ManualClock, told_by: str) -> None:
    """Once a process has met the new version, by a call or by defining a function that uses it, an answer of the old
    is not served from its memory or disk either, to a caller who declares nothing."""
    options: dict[str, Any] = {"directory": tmp_path, "semantic": False, "clock": clock, "policy": Policy(jitter=0)}
    with Cache(**options) as before:
        Library(before)("a")
    clock.advance(60)
    with Cache(**options) as cache:
        library = Library(cache)
        library.version = "v2"
        assert [library.answer("a"), library.answer("a")] == ["a: v1", "a: v1"]  # nobody has said anything yet
        assert receipt().tier == "memory"
        if told_by == "a call":
            library("b", "v2")
        else:

            @cache.cached(name="other", tags={DOC: "v2"}, semantic=False)
            def other(question: str) -> str:
                return "never asked"

        assert library.answer("a") == "a: v2"


def test_a_change_reaches_a_cache_through_redis(clock: ManualClock) -> None:
    """The same through a real Redis, with memory tiers in front; the lagging writer's answer is served to nobody."""
    with RedisServer() as server:

        def build() -> Cache:
            stores: list[Any] = [MemoryStore(clock=clock), RedisStore(server.url, clock=clock)]
            return Cache(stores, semantic=False, clock=clock, deadline_ms=5000)

        with build() as one, build() as other:
            here, there = Library(one), Library(other)
            here("a")
            assert there("a") == "a: v1"
            assert (receipt().tier, there.asked) == ("redis", [])
            there("a")
            assert receipt().tier == "memory"
            assert here("a", "v2") == "a: v2"
            wait_for(other.ledger.news)
            assert there("a") == "a: v1"
            assert receipt().status == "bypass"
            assert here("a", "v2") == "a: v2"
            assert receipt().hit
            assert there("a", "v2") == "a: v2"
            assert receipt().tier == "redis"
