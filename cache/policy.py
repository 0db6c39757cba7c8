"""Policies: how long an answer lives, when a stale one may be served, and which may enter at all."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping

import msgspec

from ..entry import Entry, Usage
from ..errors import ConfigError
from .call import Call
from .controls import Controls


class Answer(msgspec.Struct, kw_only=True):
    """What an upstream call gave, before anything decides whether to keep it.

    Attributes:
        kind: How ``body`` is decoded.
        body: The answer, encoded.
        complete: True when it is whole and successful (2xx, natural finish).
        why_not: Why it is not complete, for the receipt.
        failed: True when the call failed in a way that asking later may mend (then a stale answer may
            stand in under ``stale_if_error``).
        exact_only: The answer may serve this very question only (it repeats the question's details,
            as a tool call does).
        shareable: False when the value cannot be handed to followers (it could not be encoded, and one
            object must not serve two callers); each asks for itself then.
        model: The model that answered.
        system_fingerprint: What it says of the system behind it; empty when it says nothing.
        usage: Tokens billed.
        cost_usd: Money, US dollars.
        took_ms: Time the call took, milliseconds.
        value: What the surface hands to its caller (decoded object or response); not stored.
    """

    kind: str
    body: bytes
    complete: bool = True
    why_not: str = ""
    failed: bool = False
    exact_only: bool = False
    shareable: bool = True
    model: str = ""
    system_fingerprint: str = ""
    usage: Usage = Usage()
    cost_usd: float = 0.0
    took_ms: float = 0.0
    value: object = None


TTL = float | None | Callable[[Call, Answer], float | None]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """When an entry may enter, be served, or must go.

    Attributes:
        ttl: Seconds an answer is fresh, None for ever, or a callable on (call, answer) giving either.
            Absolute: hits do not extend it.
        tag_ttl: Per tag, an upper bound on the TTL of the entries that carry it. ``"volatile:*"``-like
            patterns are not supported; a tag is matched whole.
        jitter: Share of the TTL taken off at random (0..1), so that entries made together do not
            expire together.
        stale_while_revalidate: Seconds past the TTL during which the old answer is served at once
            while a new one is fetched in the background (RFC 5861 section 3).
        stale_if_error: Seconds past the TTL during which the old answer is served when the upstream
            call fails (RFC 5861 section 4).
        max_bytes: Largest answer stored.
        admit: Last word on storing an answer; a predicate that raises counts as no.
    """

    ttl: TTL = 7 * 86400.0
    tag_ttl: Mapping[str, float] = {}
    jitter: float = 0.05
    stale_while_revalidate: float = 0.0
    stale_if_error: float = 0.0
    max_bytes: int = 1 << 20
    admit: Callable[[Call, Answer], bool] | None = None

    def __post_init__(self) -> None:
        for name in ("stale_while_revalidate", "stale_if_error", "max_bytes"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} is {getattr(self, name)!r}; it must be zero or more", setting=name)
        if not 0 <= self.jitter < 1:
            raise ConfigError(
                f"jitter is {self.jitter!r}; it is a share from 0 up to, not including, 1", setting="jitter"
            )
        for tag, ttl in self.tag_ttl.items():
            _check_ttl(ttl, f"tag_ttl[{tag!r}]")
        if not callable(self.ttl):
            _check_ttl(self.ttl, "ttl")

    def lifetime(self, call: Call, answer: Answer, tags: tuple[str, ...], asked: Controls, rng: random.Random) -> float:
        """Seconds the answer will be fresh, ``inf`` for ever; jitter applied."""
        ttl = asked.ttl
        if ttl is None:
            ttl = self.ttl(call, answer) if callable(self.ttl) else self.ttl
            _check_ttl(ttl, "ttl")
        life = math.inf if ttl is None else float(ttl)
        for tag in tags:
            bound = self.tag_ttl.get(tag)
            life = life if bound is None else min(life, bound)
        if life and not math.isinf(life) and self.jitter:
            life *= 1 - self.jitter * rng.random()
        return life

    def refuses(self, call: Call, answer: Answer) -> str:
        """Why the answer may not be stored, or an empty string."""
        if not answer.complete:
            return answer.why_not or "the answer is not complete"
        if len(answer.body) > self.max_bytes:
            return f"the answer has {len(answer.body)} bytes, over max_bytes={self.max_bytes}"
        if self.admit is not None:
            try:
                if not self.admit(call, answer):
                    return "the admission predicate said no"
            except Exception as error:
                return f"the admission predicate failed: {type(error).__name__}"
        return ""

    def age(self, entry: Entry, now: float) -> str:
        """``"fresh"``, ``"revalidate"`` (serve stale, refresh behind), ``"error"`` (only if upstream
        fails) or ``"dead"``. A clock set back makes an entry younger, never negative-aged."""
        if entry.expires is None or now < entry.expires:
            return "fresh"
        over = now - entry.expires
        if over < self.stale_while_revalidate:
            return "revalidate"
        return "error" if over < self.stale_if_error else "dead"

    @property
    def grace(self) -> float:
        """Seconds a store keeps an entry past its TTL."""
        return max(self.stale_while_revalidate, self.stale_if_error)


def _check_ttl(ttl: object, name: str) -> None:
    if ttl is not None and not (isinstance(ttl, int | float) and not isinstance(ttl, bool) and ttl >= 0):
        raise ConfigError(
            f"{name} is {ttl!r}; it is a number of seconds (zero or more), or None for ever", setting=name
        )
