"""The limits of the local service, enforced as a real provider enforces them.

Requests and tokens per minute are token buckets that hold one minute's worth and refill evenly; tokens per
day are counted per UTC day; concurrency is a plain count. All of it is arithmetic on a ``now`` that is
handed in. Header names and 429 bodies are OpenAI's:
https://platform.openai.com/docs/guides/rate-limits and https://platform.openai.com/docs/guides/error-codes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import ConfigError

DAY = 86_400.0


@dataclass(frozen=True)
class Limits:
    """What one project may use; ``None`` = unlimited.

    Attributes:
        requests_per_minute: Calls, failed ones included.
        tokens_per_minute: Tokens, charged before the call as prompt estimate + n * max_tokens.
        tokens_per_day: Tokens per UTC day, settled to what was really used.
        concurrent: Calls in flight.
        insufficient_quota: True makes every call fail as an account without credit does.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None
    concurrent: int | None = None
    insufficient_quota: bool = False

    def __post_init__(self) -> None:
        for name in ("requests_per_minute", "tokens_per_minute", "tokens_per_day", "concurrent"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name} must be at least 1, or None for no limit; got {value!r}", setting=name)


class Bucket:
    """A token bucket: ``capacity`` units, refilled evenly over ``period_s`` seconds.

    Time that goes back (a wall clock that was set) refills nothing and takes nothing away.
    """

    def __init__(self, capacity: float, period_s: float = 60.0) -> None:
        self.capacity = float(capacity)
        self.rate = capacity / period_s
        self._level = self.capacity
        self._at: float | None = None

    def level(self, now: float) -> float:
        """Units available at ``now`` (seconds)."""
        if self._at is not None and now > self._at:
            self._level = min(self.capacity, self._level + (now - self._at) * self.rate)
        if self._at is None or now > self._at:
            self._at = now
        return self._level

    def wait(self, units: float, now: float) -> float:
        """Seconds until ``units`` are there; ``inf`` when they never will be."""
        if units > self.capacity:
            return math.inf
        # A hair of tolerance, so that who waits exactly as long as told is not refused by rounding.
        short = units - self.level(now)
        return short / self.rate if short > 1e-6 else 0.0

    def take(self, units: float, now: float) -> None:
        """Take ``units`` away; ask :meth:`wait` first."""
        self._level = max(0.0, self.level(now) - units)

    def full_in(self, now: float) -> float:
        """Seconds until the bucket is full again."""
        return (self.capacity - self.level(now)) / self.rate


class Refusal(NamedTuple):
    """Why a call is refused: the 429's JSON body, and when to come back (seconds; None = do not)."""

    body: dict[str, Any]
    retry_after_s: float | None


class Meter:
    """The state of one project's limits. Not locked: its owner serialises the calls."""

    def __init__(self, limits: Limits, organization: str = "org-local") -> None:
        self.limits = limits
        self.organization = organization
        self.in_flight = 0
        self.peak_in_flight = 0
        self._requests = Bucket(limits.requests_per_minute) if limits.requests_per_minute else None
        self._tokens = Bucket(limits.tokens_per_minute) if limits.tokens_per_minute else None
        self._day = -1
        self._used_today = 0

    def used_today(self, now: float) -> int:
        """Tokens counted against the UTC day of ``now``."""
        day = int(now // DAY)
        if day != self._day:
            self._day, self._used_today = day, 0
        return self._used_today

    def admit(self, model: str, tokens: int, now: float) -> Refusal | None:
        """Take one call of ``tokens`` in, or say why not.

        A call refused for its tokens still counts as a request, as at OpenAI. An admitted call holds
        ``tokens`` of the day until :meth:`settle`, and one place in flight until :meth:`leave`.
        """
        limits = self.limits
        if limits.insufficient_quota:
            return Refusal(_QUOTA, None)
        if self._requests is not None:
            if (wait := self._requests.wait(1, now)) > 0:
                used = round(self._requests.capacity - self._requests.level(now))
                return self._refuse(model, "requests", "requests per min (RPM)", self._requests.capacity, used, 1, wait)
            self._requests.take(1, now)
        if limits.concurrent is not None and self.in_flight >= limits.concurrent:
            return self._refuse(model, "requests", "concurrent requests", limits.concurrent, self.in_flight, 1, 1.0)
        if self._tokens is not None and (wait := self._tokens.wait(tokens, now)) > 0:
            used = round(self._tokens.capacity - self._tokens.level(now))
            return self._refuse(model, "tokens", "tokens per min (TPM)", self._tokens.capacity, used, tokens, wait)
        used_today = self.used_today(now)
        if limits.tokens_per_day is not None and used_today + tokens > limits.tokens_per_day:
            wait = math.inf if tokens > limits.tokens_per_day else DAY - now % DAY
            return self._refuse(
                model, "tokens", "tokens per day (TPD)", limits.tokens_per_day, used_today, tokens, wait
            )
        if self._tokens is not None:
            self._tokens.take(tokens, now)
        self._used_today += tokens
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        return None

    def settle(self, held: int, used: int, now: float) -> None:
        """Replace the ``held`` tokens of the day by the ``used`` ones."""
        self.used_today(now)
        self._used_today = max(0, self._used_today + used - held)

    def leave(self) -> None:
        """One call is over."""
        self.in_flight -= 1

    def headers(self, now: float) -> dict[str, str]:
        """``x-ratelimit-*`` as of ``now``, for the limits that are set."""
        made: dict[str, str] = {}
        for name, bucket in (("requests", self._requests), ("tokens", self._tokens)):
            if bucket is not None:
                made[f"x-ratelimit-limit-{name}"] = str(int(bucket.capacity))
                made[f"x-ratelimit-remaining-{name}"] = str(int(bucket.level(now)))
                made[f"x-ratelimit-reset-{name}"] = go_duration(bucket.full_in(now))
        return made

    def _refuse(self, model: str, kind: str, what: str, limit: float, used: int, asked: int, wait: float) -> Refusal:
        head = f"for {model} in organization {self.organization} on {what}: Limit {int(limit)}"
        if math.isinf(wait):
            message = (
                f"Request too large {head}, Requested {asked}. The input or output tokens must be reduced "
                "in order to run successfully."
            )
        else:
            message = (
                f"Rate limit reached {head}, Used {used}, Requested {asked}. Please try again in {go_duration(wait)}."
            )
        body = {"message": message, "type": kind, "param": None, "code": "rate_limit_exceeded"}
        return Refusal({"error": body}, None if math.isinf(wait) else wait)


_QUOTA = {
    "error": {
        "message": "You exceeded your current quota, please check your plan and billing details.",
        "type": "insufficient_quota",
        "param": None,
        "code": "insufficient_quota",
    }
}


def go_duration(seconds: float) -> str:
    """Seconds as Go prints a duration, to the millisecond: ``20ms``, ``1.5s``, ``6m0s``, ``1h0m3.2s``.

    Source: https://pkg.go.dev/time#Duration.String
    """
    millis = max(0, math.ceil(seconds * 1000 - 1e-6))
    if millis < 1000:
        return f"{millis}ms" if millis else "0s"
    minutes, millis = divmod(millis, 60_000)
    second = f"{millis / 1000:.3f}".rstrip("0").rstrip(".")
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{second}s"
    return f"{minutes}m{second}s" if minutes else f"{second}s"
