"""Budgets of several processes share what they learn through a real Redis, and do without it when it is away."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from askonce import ManualClock
from askonce.backends.redis_states import RedisStates
from askonce.cache.budget import ErrorBudget
from askonce.errors import ConfigError, CorruptEntry, StoreError

from ..redis_server import RedisServer
from .budget_tools import PRIOR


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture
def states(server: RedisServer) -> Iterator[RedisStates]:
    with server.client() as client:
        client.flushall()
    made = RedisStates(server.url, timeout_s=5.0)
    yield made
    made.close()


@pytest.fixture
def pair(clock: ManualClock) -> tuple[ErrorBudget, ErrorBudget]:
    return ErrorBudget(prior=PRIOR, clock=clock), ErrorBudget(prior=PRIOR, clock=clock)


class TestSharing:
    def test_what_one_learns_both_know(self, states: RedisStates, pair: tuple[ErrorBudget, ErrorBudget]) -> None:
        """After both have synced, a report to one stops the entry at the other, and labels and hits add up."""
        one, other = pair
        one.learn(False, 0.001, b"s", b"k", source="report")
        for number in range(100):
            one.learn(True, 0.01, b"s%d" % (number % 9), b"a%d" % number)
            other.learn(True, 0.01, b"s%d" % (number % 9), b"b%d" % number)
            one.served(0.001)
        assert other.allow(0.0001, b"s", b"k").serve
        assert one.sync(states)
        assert other.sync(states)
        assert not other.allow(0.0001, b"s", b"k").serve
        assert other.state()["labels"] == pytest.approx(200)
        assert other.state()["served"] == pytest.approx(100, rel=0.01)
        assert other.state()["shared"]

    def test_syncing_often_adds_nothing_twice(self, states: RedisStates, pair: tuple[ErrorBudget, ErrorBudget]) -> None:
        """Evidence is replaced, not added: a hundred syncs know what one knew."""
        one, other = pair
        one.learn(True, 0.01)
        for _ in range(100):
            assert one.sync(states)
            assert other.sync(states)
        assert one.state()["labels"] == other.state()["labels"] == 1

    def test_a_trip_and_its_end_are_shared(
        self, states: RedisStates, clock: ManualClock, pair: tuple[ErrorBudget, ErrorBudget]
    ) -> None:
        """One process's trip stops all; one's reset lets all go on, and is told."""
        one, _ = pair
        told: list[str] = []
        other = ErrorBudget(prior=PRIOR, clock=clock, alert=told.append)
        for number in range(20):
            one.learn(False, 0.001, b"s%d" % number, b"k%d" % number)
        assert one.sync(states)
        assert other.sync(states)
        assert other.tripped
        clock.advance(10)
        other.reset()
        assert other.sync(states)
        assert not other.tripped
        assert one.sync(states)
        assert not one.tripped
        assert one.allow(0.0001).serve
        assert ["elsewhere" in line for line in told] == [True]

    def test_evidence_outlives_its_process(
        self, server: RedisServer, clock: ManualClock, pair: tuple[ErrorBudget, ErrorBudget]
    ) -> None:
        """A silent member's evidence is inherited once; when it was only away, it starts anew and nothing doubles."""
        one, other = pair
        hasty = RedisStates(server.url, name="hasty", stale_s=1, timeout_s=5.0)
        third = ErrorBudget(prior=PRIOR, clock=clock)
        one.learn(True, 0.01)
        assert one.sync(hasty)
        until = time.monotonic() + 20
        while other.state()["shared"] or other.state()["labels"] < 1:
            assert other.sync(hasty)
            assert time.monotonic() < until
            time.sleep(0.1)
        assert other.sync(hasty)
        assert third.sync(hasty)
        assert third.state()["labels"] == 1
        assert one.sync(hasty)  # learns that it was inherited
        assert one.sync(hasty)
        assert other.sync(hasty)
        assert [budget.state()["labels"] for budget in (one, other)] == [1, 1]
        hasty.close()

    def test_names_keep_apart(self, server: RedisServer, pair: tuple[ErrorBudget, ErrorBudget]) -> None:
        """Budgets under different names or namespaces do not hear each other."""
        places = [RedisStates(server.url, name="a", timeout_s=5.0), RedisStates(server.url, name="b", timeout_s=5.0)]
        pair[0].learn(True, 0.01)
        for budget, place in zip(pair, places, strict=True):
            assert budget.sync(place)
            place.close()
        assert pair[1].state()["labels"] == 0


class TestFaults:
    def test_without_redis_local_evidence_does(self, clock: ManualClock) -> None:
        """A Redis that is away is a sync that says False; deciding and learning go on, and what was heard stays."""
        one, other = ErrorBudget(prior=PRIOR, clock=clock), ErrorBudget(prior=PRIOR, clock=clock)
        with RedisServer() as server:
            states = RedisStates(server.url, timeout_s=5.0)
            one.learn(False, 0.001, b"s", b"k", source="report")
            assert one.sync(states)
            assert other.sync(states)
        assert not other.sync(states)
        assert not other.allow(0.0001, b"s", b"k").serve
        assert other.allow(0.0001, b"s", b"l").serve
        other.learn(False, 0.001, b"s", b"l", source="report")
        assert not other.allow(0.0001, b"s", b"l").serve
        with pytest.raises(StoreError, match="cannot be reached"):
            states.exchange("me", b"state")

    def test_rubbish_in_redis_is_no_evidence(
        self, server: RedisServer, states: RedisStates, pair: tuple[ErrorBudget, ErrorBudget]
    ) -> None:
        """Another's damaged state is passed over, the others' are used; another kind of value is a fault."""
        one, other = pair
        one.learn(True, 0.01)
        assert one.sync(states)
        with server.client() as client:
            now = client.time()[0]
            for number, rubbish in enumerate((b"", b"x", b"not a number at all", b"%010d" % now + b"rubbish")):
                client.hset("askonce:states:budget", f"m{number}", rubbish)
            assert other.sync(states)
            assert other.state()["labels"] == 1
            client.set("askonce:states:other", "a string")
        wrong = RedisStates(server.url, name="other", timeout_s=5.0)
        with pytest.raises(CorruptEntry):
            wrong.exchange("me", b"state")
        assert not one.sync(wrong)
        wrong.close()

    @pytest.mark.parametrize(
        "settings", [{"name": "a b"}, {"namespace": ""}, {"stale_s": 0}, {"timeout_s": float("nan")}]
    )
    def test_senseless_settings_are_refused(self, settings: dict[str, object]) -> None:
        """A setting out of range is a ConfigError that names it."""
        with pytest.raises(ConfigError) as caught:
            RedisStates("redis://127.0.0.1:1/0", **settings)  # type: ignore[arg-type]
        assert caught.value.data["setting"] in settings

    def test_a_state_has_a_size(self, states: RedisStates) -> None:
        """Nothing, and more than a state can be, is refused before it is sent."""
        for state in (b"", bytes(100_000)):
            with pytest.raises(ConfigError):
                states.exchange("me", state)
