"""The receipt: what happened to one call."""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from .call import Call
    from .way import Outcome, Trace

T = TypeVar("T")


class Receipt(msgspec.Struct, kw_only=True, gc=False):
    """What happened to one call.

    Attributes:
        status: ``"hit"``, ``"miss"`` (asked upstream), ``"stale"`` (served past its TTL by policy),
            ``"joined"`` (shared another caller's upstream call) or ``"bypass"`` (cache not involved).
        tier: Where a hit came from: a tier's name, or ``"semantic"``.
        key: Exact key, hexadecimal.
        age_s: Seconds since the served answer was made.
        query: The question asked.
        matched_query: The question the served answer was made for, when it differs.
        similarity: Cosine between the two questions, semantic hits only.
        matched_key: Exact key of the entry that served a semantic hit, hexadecimal; empty when it is ``key``.
        scope: Digest of all that had to be equal, hexadecimal; semantic hits only.
        audited: Whether this hit is being asked upstream again, to see whether it was right.
        risk: Estimated probability that the served answer is wrong; 0 for exact hits, None when unknown.
        tokens_saved: Tokens not billed because of this hit.
        money_saved: US dollars not spent because of this hit.
        time_saved_ms: What the original call took, less what this one took.
        elapsed_ms: Time this call took inside the cache (a miss includes the upstream call).
        model: Model that made the answer.
        reason: Why it was a miss, a bypass or stale, in words.
        stored: Whether a fresh answer was stored; ``reason`` says why when not.
        faults: Stages that failed or were skipped, as ``"redis: timed out"``.
    """

    status: str
    tier: str | None = None
    key: str = ""
    age_s: float = 0.0
    query: str | None = None
    matched_query: str | None = None
    similarity: float | None = None
    matched_key: str = ""
    scope: str = ""
    audited: bool = False
    risk: float | None = 0.0
    tokens_saved: int = 0
    money_saved: float = 0.0
    time_saved_ms: float = 0.0
    elapsed_ms: float = 0.0
    model: str = ""
    reason: str = ""
    stored: bool = False
    faults: tuple[str, ...] = ()

    @property
    def hit(self) -> bool:
        """True when no upstream call was made for this answer."""
        return self.status in ("hit", "stale", "joined")

    def headers(self) -> dict[str, str]:
        """The receipt as HTTP response headers (``Cache-Status`` as in RFC 9211, ``Age`` as in RFC 9111)."""
        tier = re.sub(r"[^A-Za-z0-9_.-]", "-", self.tier or "")  # a store may have any name, a header not
        if self.status in ("hit", "stale"):
            mark = "hit" if self.status == "hit" else "hit; fwd=stale"
            status = f'askonce; {mark}; key="{self.key[:16]}"; detail={tier}'
        elif self.status == "joined":
            status = f'askonce; fwd=uri-miss; collapsed; key="{self.key[:16]}"'
        else:
            status = f"askonce; fwd={'bypass' if self.status == 'bypass' else 'uri-miss'}"
            if self.stored:
                status += "; stored"
        made = {"cache-status": status, "x-askonce-status": self.status}
        if tier:
            made["x-askonce-tier"] = tier
        if self.status in ("hit", "stale"):
            made["age"] = str(int(self.age_s))
        if self.similarity is not None:
            made["x-askonce-similarity"] = f"{self.similarity:.4f}"
        return made


def describe(call: Call, outcome: Outcome, trace: Trace, elapsed: float, now: float, audited: bool = False) -> Receipt:
    """The receipt of a call that ended in ``outcome`` after ``elapsed`` milliseconds, at Unix time ``now``."""
    made = Receipt(
        status=outcome.status,
        key=call.key.hex(),
        query=call.query,
        elapsed_ms=elapsed,
        reason=outcome.reason,
        stored=outcome.stored,
        faults=tuple(trace.faults),
        model=call.model,
    )
    found = outcome.found
    if found is not None:
        entry = found.entry
        made.tier = found.tier
        made.age_s = max(0.0, now - entry.created)
        made.model = entry.model
        made.similarity = found.similarity
        made.risk = found.risk
        made.audited = audited
        made.tokens_saved = entry.usage.total
        made.money_saved = entry.cost_usd
        made.time_saved_ms = max(0.0, entry.cost_ms - elapsed)
        if entry.query != call.query:
            made.matched_query = entry.query
        if found.tier == "semantic":
            made.matched_key, made.scope = entry.key.hex(), entry.scope.hex()
    elif outcome.answer is not None:
        made.model = outcome.answer.model or call.model
        if outcome.status == "joined":
            made.tokens_saved = outcome.answer.usage.total
            made.money_saved = outcome.answer.cost_usd
    return made


class Reply(msgspec.Struct, Generic[T], frozen=True):
    """An answer with its receipt."""

    value: T
    receipt: Receipt


_last: ContextVar[Receipt | None] = ContextVar("askonce_receipt", default=None)
set_last = _last.set


def last_receipt() -> Receipt | None:
    """The receipt of the latest cached call made in this thread or task, or None."""
    return _last.get()


ATTRIBUTE = "_askonce_receipt"


def attach(answer: Any, receipt: Receipt) -> None:
    """Hang ``receipt`` on an SDK object, out of sight of its fields; plain values are left alone."""
    try:
        object.__setattr__(answer, ATTRIBUTE, receipt)
    except (AttributeError, TypeError):
        return


def receipt_of(answer: Any) -> Receipt | None:
    """The receipt of an answer: of an OpenAI SDK object, stream, raw or HTTP response, or of a
    :class:`Reply`. None when the object carries none (for plain values use :func:`last_receipt`).
    """
    if isinstance(answer, Reply):
        return answer.receipt
    found = getattr(answer, "__dict__", {}).get(ATTRIBUTE)
    if isinstance(found, Receipt):
        return found
    for name in ("http_response", "response", "_response"):
        inner = getattr(answer, name, None)
        if inner is not None and hasattr(inner, "extensions"):
            answer = inner
            break
    extensions = getattr(answer, "extensions", None)
    made = extensions.get("askonce") if isinstance(extensions, dict) else None
    return made if isinstance(made, Receipt) else None
