"""A budget's evidence: it adds up in any order, survives being written down, and damage starts from the calibration."""

from __future__ import annotations

import json
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askonce import ManualClock
from askonce.cache.budget import ErrorBudget
from askonce.cache.budget_state import Calibration, Evidence, copy, decode, encode

from .budget_tools import PRIOR, draw

HALF_LIFE = 1_000.0


def lived(seed: int, steps: int = 40) -> Evidence:
    """Evidence of a budget that has seen something; seeds differ in time and in eras."""
    rng = random.Random(seed)
    clock = ManualClock(1_000_000 + 500 * (seed % 7))
    budget = ErrorBudget(prior=PRIOR, clock=clock, half_life=HALF_LIFE)
    for _ in range(steps):
        clock.advance(rng.random())
        risk, scope, key = draw(rng) / 10, b"s%d" % rng.randrange(5), b"k%d" % rng.randrange(20)
        if budget.allow(risk, scope, key).serve:
            budget.served(risk, scope, key)
        budget.learn(rng.random() > 0.1, risk, scope, key, source=rng.choice(("audit", "label", "report")))
        if rng.random() < 0.01:
            budget.reset()
    evidence = decode(budget.encode())
    assert evidence is not None
    return evidence


def added(*parts: Evidence) -> Evidence:
    total = copy(parts[0])
    for part in parts[1:]:
        total.absorb(part, HALF_LIFE)
    return total


def same(one: Evidence, other: Evidence) -> bool:
    left, right = (msgspec.to_builtins(copy(evidence)) for evidence in (one, other))
    for table in ("scopes", "entries"):
        assert left[table].keys() == right[table].keys()
        for key, row in left[table].items():
            assert row == pytest.approx(right[table][key], rel=1e-9, abs=1e-9)
    assert (left.pop("reason"), left.pop("scopes") and 0, left.pop("entries") and 0) == (
        right.pop("reason"), right.pop("scopes") and 0, right.pop("entries") and 0,
    )  # fmt: skip
    for name, value in left.items():
        assert value == pytest.approx(right[name], rel=1e-9, abs=1e-9), name
    return True


seeds = st.integers(0, 10_000)


class TestMerging:
    @given(seeds, seeds)
    @settings(max_examples=30, deadline=None)
    def test_commutative(self, one: int, other: int) -> None:
        """Who adds whose evidence makes no difference, whenever each was gathered."""
        a, b = lived(one), lived(other)
        assert same(added(a, b), added(b, a))

    @given(seeds, seeds, seeds)
    @settings(max_examples=30, deadline=None)
    def test_associative(self, one: int, two: int, three: int) -> None:
        """Nor does the order in which several come together."""
        a, b, c = lived(one), lived(two), lived(three)
        assert same(added(added(a, b), c), added(a, added(b, c)))

    def test_counts_add(self) -> None:
        """Two budgets' labels are one budget's that saw both; their doubts about an entry add up."""
        clock = ManualClock()
        parts = [ErrorBudget(prior=PRIOR, clock=clock) for _ in range(2)]
        whole = ErrorBudget(prior=PRIOR, clock=clock)
        for number in range(200):
            for budget in (parts[number % 2], whole):
                budget.learn(number % 10 != 0, 0.01, b"s%d" % (number % 9), b"k%d" % number, source="label")
        assert parts[0].merge(parts[1].encode())
        one, other = parts[0].state(), whole.state()
        assert one["labels"] == pytest.approx(other["labels"], rel=0.1)
        assert one["correction"] == pytest.approx(other["correction"], rel=0.1)
        assert parts[0].allow(0.01).risk == pytest.approx(whole.allow(0.01).risk, rel=0.1)

    def test_a_later_era_wins(self) -> None:
        """What was learnt before a trip was overcome is not brought back by those who have not heard of it."""
        clock = ManualClock()
        old, new = (ErrorBudget(prior=PRIOR, clock=clock) for _ in range(2))
        for number in range(20):
            old.learn(False, 0.001, b"s%d" % number, b"k%d" % number)
        assert old.tripped
        stale = old.encode()
        assert new.merge(stale)
        assert new.tripped
        clock.advance(1)
        new.reset()
        assert new.merge(stale)
        assert not new.tripped
        assert new.state()["labels"] == 0
        assert old.merge(new.encode())
        assert not old.tripped


class TestWrittenDown:
    def test_round_trip(self) -> None:
        """A budget that goes on from its bytes decides as the one that wrote them, and writes the same."""
        clock = ManualClock()
        budget, again = (ErrorBudget(prior=PRIOR, clock=clock) for _ in range(2))
        rng = random.Random(3)
        for number in range(300):
            risk = draw(rng) / 20
            budget.allow(risk)
            budget.served(risk)
            budget.learn(rng.random() > risk, risk, b"s%d" % (number % 4), b"k%d" % number)
        budget.learn(False, 0.001, b"s1", b"k9", source="report")
        data = budget.encode()
        assert again.decode(data)
        assert again.encode() == data
        assert again.state() == budget.state()
        for risk in (0.0001, 0.005, 0.02, 0.3):
            for key in (b"k9", b"k10"):
                assert again.allow(risk, b"s1", key) == budget.allow(risk, b"s1", key)

    def test_it_stays_small(self) -> None:
        """Whatever was labelled, the bytes are at most 12 KB, and every reported entry that fits is in them."""
        budget = ErrorBudget(prior=PRIOR, clock=ManualClock())
        reported = [b"%032d" % number for number in range(0, 3_000, 40)]
        for number in range(3_000):
            budget.learn(number % 3 != 0, 0.01, b"scope %026d" % number, b"%032d" % number, source="label")
        for key in reported:
            budget.learn(False, 0.01, b"s", key, source="report")
        data = budget.encode()
        assert len(data) < 12_000
        fresh = ErrorBudget(prior=PRIOR, clock=ManualClock())
        assert fresh.decode(data)
        assert not any(fresh.allow(0.0001, b"", key).serve for key in reported)

    def test_people_can_read_it(self) -> None:
        """The state is JSON, some twenty lines of it."""
        budget = ErrorBudget(prior=PRIOR, clock=ManualClock())
        budget.learn(False, 0.001, b"scope", b"key", source="report")
        state = json.loads(json.dumps(budget.state(), allow_nan=False))
        assert state["doubted_entries"][0] == {
            "id": b"key".hex(), "trap": pytest.approx(0.9, abs=0.1), "reported": True,
        }  # fmt: skip
        assert len(json.dumps(state)) < 2_000

    @given(st.binary(max_size=200), st.integers(0, 5_000), st.integers(1, 255))
    @settings(max_examples=100, deadline=None)
    def test_damage_starts_from_the_calibration(self, noise: bytes, place: int, change: int) -> None:
        """Bytes with noise, a flipped bit or a missing end are no evidence: decode starts anew, merge does nothing."""
        data = _SOME
        flipped = bytearray(data)
        flipped[place % len(data)] ^= change
        fresh = ErrorBudget(prior=PRIOR, clock=ManualClock()).encode()
        for damaged in (noise, bytes(flipped), data[: place % len(data)], data + b"x"):
            budget = ErrorBudget(prior=PRIOR, clock=ManualClock())
            assert not budget.merge(damaged)
            assert budget.encode() == fresh
            budget.learn(True, 0.001)
            assert not budget.decode(damaged)
            assert budget.encode() == fresh

    @pytest.mark.parametrize(
        "change",
        [
            {"labels": [1.0]}, {"served": -1.0}, {"charged": float("nan")}, {"at": float("inf")}, {"trip": [0.0]},
            {"entries": {b"k": [1.0]}}, {"scopes": {b"s": [float("inf"), 0.0]}}, {"seen": []}, {"recovery": []},
        ],
    )  # fmt: skip
    def test_senseless_numbers_are_refused(self, change: dict[str, object]) -> None:
        """Well-formed bytes with numbers that no budget writes are damage, too."""
        evidence = decode(_SOME)
        assert evidence is not None
        budget = ErrorBudget(prior=PRIOR, clock=ManualClock())
        assert not budget.decode(encode(msgspec.structs.replace(evidence, **change)))
        assert budget.allow(0.0001).serve

    def test_a_calibration_can_be_shipped(self) -> None:
        """As JSON and back, nothing is lost."""
        assert msgspec.json.decode(msgspec.json.encode(PRIOR), type=Calibration) == PRIOR


_SOME = encode(lived(5))
