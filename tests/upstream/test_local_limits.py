"""The local service's limits, as arithmetic on time."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce.errors import ConfigError
from askonce.upstream.local_limits import DAY, Bucket, Limits, Meter, go_duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.02, "20ms"),
        (0.0201, "21ms"),
        (1, "1s"),
        (8.64, "8.64s"),
        (59.9999, "1m0s"),
        (86.4, "1m26.4s"),
        (360, "6m0s"),
        (3603.2, "1h0m3.2s"),
        (86_400, "24h0m0s"),
    ],
)
def test_durations_read_as_go_prints_them(seconds: float, text: str) -> None:
    """Durations are Go's format, rounded up to the millisecond so that waiting them is enough."""
    assert go_duration(seconds) == text


@given(
    st.integers(1, 200),
    st.lists(st.tuples(st.floats(0, 30), st.integers(1, 50)), max_size=60),
)
def test_a_bucket_never_gives_more_than_its_rate(capacity: int, steps: list[tuple[float, int]]) -> None:
    """Over any span a bucket gives at most its capacity plus what was refilled meanwhile."""
    bucket, now, given_away = Bucket(capacity), 0.0, 0.0
    for pause, units in steps:
        now += pause
        if bucket.wait(units, now) == 0:
            bucket.take(units, now)
            given_away += units
    assert given_away <= capacity + now * capacity / 60 + 1e-3


@given(st.integers(1, 1000), st.integers(1, 1000), st.floats(0, 100))
def test_waiting_as_long_as_told_is_enough(capacity: int, units: int, start: float) -> None:
    """After the wait the bucket names, the units are there; more than it holds never are."""
    bucket = Bucket(capacity)
    bucket.take(capacity, start)
    wait = bucket.wait(units, start)
    if units > capacity:
        assert math.isinf(wait)
    else:
        assert bucket.wait(units, start + wait) == 0


def test_a_clock_set_back_changes_nothing() -> None:
    """When the wall clock goes back, a bucket neither refills nor loses."""
    bucket = Bucket(60)
    bucket.take(60, 1000.0)
    assert bucket.level(400.0) == 0
    assert bucket.level(1001.0) == pytest.approx(1)


def test_requests_per_minute() -> None:
    """The 61st call of an instant is refused with a wait of one second; a second later one goes through."""
    meter = Meter(Limits(requests_per_minute=60))
    assert all(meter.admit("m", 1, 0.0) is None for _ in range(60))
    refusal = meter.admit("m", 1, 0.0)
    assert refusal is not None
    assert refusal.retry_after_s == pytest.approx(1.0)
    assert refusal.body["error"]["type"] == "requests"
    assert refusal.body["error"]["code"] == "rate_limit_exceeded"
    assert meter.admit("m", 1, 1.0) is None


def test_tokens_per_minute() -> None:
    """Tokens are refused when the minute's are used up, with the time until enough are back."""
    meter = Meter(Limits(tokens_per_minute=6000))
    assert meter.admit("m", 5000, 0.0) is None
    refusal = meter.admit("m", 2000, 0.0)
    assert refusal is not None
    assert refusal.retry_after_s == pytest.approx(10.0)
    assert "tokens per min (TPM): Limit 6000, Used 5000, Requested 2000" in refusal.body["error"]["message"]
    assert meter.admit("m", 2000, 10.0) is None


def test_more_tokens_than_the_limit_never_fit() -> None:
    """A call larger than the limit itself is refused without a time to come back."""
    refusal = Meter(Limits(tokens_per_minute=100)).admit("m", 101, 0.0)
    assert refusal is not None
    assert refusal.retry_after_s is None
    assert "Request too large" in refusal.body["error"]["message"]


def test_tokens_per_day_begin_again_at_midnight_utc() -> None:
    """The day's tokens are refused until 00:00 UTC, then there are all of them again."""
    meter, noon = Meter(Limits(tokens_per_day=1000)), 20 * DAY + DAY / 2
    assert meter.admit("m", 900, noon) is None
    refusal = meter.admit("m", 200, noon)
    assert refusal is not None
    assert refusal.retry_after_s == pytest.approx(DAY / 2)
    assert meter.admit("m", 1000, 21 * DAY) is None


def test_the_day_is_settled_to_real_use() -> None:
    """Of the tokens held for a call only the used ones stay counted; across midnight nothing goes negative."""
    meter = Meter(Limits(tokens_per_day=1000))
    assert meter.admit("m", 900, 0.0) is None
    meter.settle(900, 100, 1.0)
    assert meter.used_today(1.0) == 100
    assert meter.admit("m", 900, 2.0) is None
    meter.settle(900, 100, DAY + 1)
    assert meter.used_today(DAY + 1) == 0


def test_concurrency() -> None:
    """At most so many calls are in flight; one that leaves makes room for one."""
    meter = Meter(Limits(concurrent=2))
    assert meter.admit("m", 1, 0.0) is None
    assert meter.admit("m", 1, 0.0) is None
    assert meter.admit("m", 1, 0.0) is not None
    meter.leave()
    assert meter.admit("m", 1, 0.0) is None
    assert meter.peak_in_flight == 2


def test_no_quota_is_its_own_error() -> None:
    """An account without credit gets ``insufficient_quota`` and no time to come back."""
    refusal = Meter(Limits(insufficient_quota=True)).admit("m", 1, 0.0)
    assert refusal is not None
    assert refusal.body["error"]["code"] == "insufficient_quota"
    assert refusal.retry_after_s is None


@pytest.mark.parametrize("name", ["requests_per_minute", "tokens_per_minute", "tokens_per_day", "concurrent"])
def test_a_limit_of_nothing_is_refused(name: str) -> None:
    """A limit below 1 is a setting error that names the setting."""
    with pytest.raises(ConfigError, match=name):
        Limits(**{name: 0})
