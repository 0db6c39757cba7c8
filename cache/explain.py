"""``explain``: why a call would hit or miss, stage by stage, without asking upstream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from .call import Call
from .controls import DEFAULT, Controls
from .drivers import run_sync
from .way import Delete, Forget, Put, Spawn, Trace, Way

if TYPE_CHECKING:
    from .core import Cache


class Explanation(msgspec.Struct, kw_only=True):
    """What would happen to a call.

    Attributes:
        outcome: ``"hit"``, ``"stale"``, ``"miss"`` or ``"bypass"``.
        tier: Where the hit would come from.
        why: In words.
        key, scope: Hexadecimal digests.
        query: The question.
        checked: Per exact tier: ``absent``, ``fresh``, ``revalidate``, ``error``, ``expired``, ``dead`` or
            ``behind`` (a newer answer could not be written there yet).
        candidates: Similar questions looked at: ``query``, ``similarity``, ``serve``, ``why``, ``risk``.
        faults: Stages that failed or were skipped.
    """

    outcome: str
    why: str
    key: str
    scope: str
    tier: str | None = None
    query: str | None = None
    checked: list[tuple[str, str]] = []
    candidates: list[dict[str, Any]] = []
    faults: list[str] = []

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        made: dict[str, Any] = msgspec.to_builtins(self)
        return made

    def __str__(self) -> str:
        lines = [f"{self.outcome}{f' from {self.tier}' if self.tier else ''}: {self.why}"]
        lines += [f"  {tier}: {what}" for tier, what in self.checked]
        for found in self.candidates:
            mark = "serve" if found["serve"] else "no"
            lines.append(f"  {found['similarity']:.3f} {mark}: {found['query']!r} ({found['why']})")
        lines += [f"  fault: {fault}" for fault in self.faults]
        return "\n".join(lines)


def _read_only(way: Way) -> Way:
    """The same way with every change left out."""
    result: Any = None
    try:
        while True:
            command = way.send(result)
            result = None if isinstance(command, Put | Delete | Forget | Spawn) else (yield command)
    except StopIteration as stop:
        return stop.value


def explain(cache: Cache, call: Call, asked: Controls | None) -> Explanation:
    """See :meth:`Cache.explain`."""

    def never() -> NoReturn:
        raise AssertionError("explain never asks upstream")

    trace = Trace()
    asked = asked or DEFAULT
    found = None
    if not asked.no_store and not asked.refresh:
        found = run_sync(_read_only(cache.pipeline.lookup(call, asked, trace)), never, cache.workers)
    made = Explanation(
        outcome="miss",
        why=trace.reason or "no tier holds an answer to this question",
        key=call.key.hex(),
        scope=call.scope.hex(),
        query=call.query,
        checked=trace.checked,
        candidates=trace.candidates,
        faults=trace.faults,
    )
    if asked.no_store:
        made.outcome, made.why = "bypass", "no_store was asked"
    elif asked.refresh:
        made.why = "refresh was asked"
    elif found is not None and found.age == "error":
        made.why = f"{found.tier} holds an answer past its TTL; it serves only if the call fails (stale_if_error)"
    elif found is not None:
        made.outcome = "hit" if found.age == "fresh" else "stale"
        made.tier = found.tier
        made.why = "the same question" if found.tier != "semantic" else f"a similar question: {found.entry.query!r}"
    return made
