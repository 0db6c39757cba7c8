"""The statistics of drift: the same as the reference implementation's where there is one, and the laws of the paper."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from river.drift import ADWIN
from river.drift import PageHinkley as RiverPageHinkley

from askonce import ConfigError
from askonce.cache.drift import Adwin, PageHinkley, Stability, psi

RATES = st.floats(0.0, 1.0)


def stream(seed: int, *parts: tuple[float, int], bits: bool = True) -> list[float]:
    """Values of mean p, n of them, for each (p, n): zeros and ones, or clipped normal ones."""
    rng = random.Random(seed)
    if bits:
        return [float(rng.random() < p) for p, n in parts for _ in range(n)]
    return [min(1.0, max(0.0, rng.gauss(p, 0.1))) for p, n in parts for _ in range(n)]


@given(st.integers(0, 10_000), RATES, RATES, st.booleans(), st.sampled_from([(32, 10), (8, 20), (1, 10)]))
def test_adwin_alarms_when_river_does(seed: int, before: float, after: float, bits: bool, how: tuple[int, int]) -> None:
    """On any stream with a change the alarms are those of ``river``, which starts over after each."""
    every, least = how
    ours = Adwin(every=every, least=least, shortest=1)
    theirs = ADWIN(clock=every, grace_period=least, min_window_length=1)
    for at, value in enumerate(stream(seed, (before, 150), (after, 250), bits=bits)):
        theirs.update(value)
        alarm = ours.update(value)
        assert alarm == theirs.drift_detected, at
        if alarm:
            ours.reset()
        else:
            assert ours.mean == pytest.approx(theirs.estimation, abs=1e-9)


@given(st.integers(0, 10_000), RATES, RATES, st.floats(0.001, 0.2), st.floats(0.5, 10.0), st.booleans())
def test_page_hinkley_alarms_when_river_does(
    seed: int, before: float, after: float, delta: float, threshold: float, bits: bool
) -> None:
    """With the stream's own mean the alarms are those of ``river`` (upwards, nothing forgotten)."""
    ours = PageHinkley(delta, threshold, least=10)
    theirs = RiverPageHinkley(min_instances=10, delta=delta, threshold=threshold, alpha=1.0, mode="up")
    near = False
    for value in stream(seed, (before, 100), (after, 200), bits=bits):
        theirs.update(value)
        near = near or abs(ours.sum - threshold) < 1e-6
        alarm = ours.update(value)
        if near:
            return  # rounding may part them on the very threshold
        assert alarm == theirs.drift_detected


def test_a_known_mean_makes_a_bad_start_an_alarm() -> None:
    """A stream that is bad from its first value is an alarm against a reference, and none against itself."""
    assert [PageHinkley(0.05, 1.5, 1, reference=0.02).update(1.0) for _ in range(2)] == [False, False]
    known, own = PageHinkley(0.05, 1.5, 1, reference=0.02), PageHinkley(0.05, 1.5, 1)
    assert [known.update(1.0) for _ in range(4)] == [False, True, False, True]
    assert not any(own.update(1.0) for _ in range(100))


@given(st.lists(st.floats(0.0, 1.0), max_size=600))
def test_the_window_adds_up_and_stays_small(values: list[float]) -> None:
    """Without a cut the window is the whole stream: its count, mean and variance are exact, its memory logarithmic."""
    made = Adwin()
    cuts = sum(made.update(value) for value in values)
    if cuts:
        assert made.count < len(values)
        return
    assert made.count == len(values)
    if values:
        mean = sum(values) / len(values)
        assert made.mean == pytest.approx(mean)
        assert made.variance == pytest.approx(sum((v - mean) ** 2 for v in values) / len(values), abs=1e-9)
        assert sum(map(len, made._rows)) <= 6 * (math.log2(len(values)) + 1)


def test_adwin_forgets_what_was_before_a_change() -> None:
    """After a change the mean becomes the new one, and ``rose`` says which way it went; without one, no cut comes."""
    for before, after in ((0.02, 0.5), (0.9, 0.3)):
        made, rose = Adwin(), []
        for value in stream(3, (before, 1000), (after, 1000)):
            if made.update(value):
                rose.append(made.rose)
        assert made.mean == pytest.approx(after, abs=0.06)
        assert rose[0] == (after > before)
    calm = [Adwin() for _ in range(20)]
    assert sum(made.update(value) for seed, made in enumerate(calm) for value in stream(seed, (0.05, 2000))) <= 1


def test_the_index_tells_another_stream_from_the_same() -> None:
    """Values like the reference keep the index low; others raise it beyond what is read as a large shift."""
    rng = random.Random(5)
    made = Stability(window=400)
    made.reference(rng.gauss(0.7, 0.1) for _ in range(2000))
    same = max(made.update(rng.gauss(0.7, 0.1)) for _ in range(3000))
    moved = [made.update(rng.gauss(0.6, 0.1)) for _ in range(400)][-1]
    assert 0.0 <= same < 0.1
    assert moved > 0.25
    back = [made.update(rng.gauss(0.7, 0.1)) for _ in range(400)][-1]
    assert back < 0.1


def test_the_index_learns_its_reference() -> None:
    """Without a reference the first values are one; until then, and until the window is full, the index is 0."""
    made = Stability(window=50, learn=100)
    assert [made.update(0.5) for _ in range(149)] == [0.0] * 149
    assert not made.ready
    made.update(0.5)
    assert made.ready
    assert made.index == pytest.approx(0.0, abs=0.01)
    assert made.update(math.nan) == made.index


@given(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=8), st.randoms())
def test_psi_is_symmetric_and_positive(parts: list[float], rng: random.Random) -> None:
    """The index of two shares is the same both ways, zero for equal ones, never below."""
    then = [part / sum(parts) for part in parts]
    now = then[:]
    rng.shuffle(now)
    assert psi(now, then) == pytest.approx(psi(then, now))
    assert psi(now, then) >= -1e-12
    assert psi(then, then) == 0.0


@pytest.mark.parametrize(
    "make",
    [
        lambda: PageHinkley(delta=-1),
        lambda: PageHinkley(least=0),
        lambda: Adwin(delta=1.0),
        lambda: Adwin(every=0),
        lambda: Stability(window=1),
        lambda: Stability().reference([0.5]),
        lambda: Stability().reference([math.nan] * 20),
    ],
)
def test_settings_are_checked(make: object) -> None:
    """A setting that makes no sense is refused by name."""
    with pytest.raises(ConfigError):
        make()  # type: ignore[operator]
