"""The way of one call, written once, without I/O.

Each step is a generator: it yields a small command and is resumed with the command's result. A driver
(:mod:`.drivers`) carries the commands out, synchronously or on an event loop. Results of stages are
values, never exceptions: a stage that fails gives a :class:`Fault`, which is a miss. Only :class:`Ask`
and :class:`Join` raise into the generator, because their failures belong to the caller.
"""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec
import numpy as np

from ..backends.contract import Match, Vector
from ..clock import Clock
from ..entry import Entry
from ..errors import NotCached
from .call import Call
from .controls import DEFAULT, Controls
from .flight import Flight, Flights, HandOver
from .ledger import Ledger
from .policy import Answer, Policy
from .tiers import Tier

if TYPE_CHECKING:
    from .semantic_index import SemanticIndex


class Get(NamedTuple):
    """Read ``key`` from ``tier``: Entry, None or Fault."""

    tier: Tier
    key: bytes


class Put(NamedTuple):
    """Write ``entry`` to ``tier``: None or Fault."""

    tier: Tier
    entry: Entry


class Delete(NamedTuple):
    """Remove ``key`` from ``tier``: bool or Fault."""

    tier: Tier
    key: bytes


class Wait(NamedTuple):
    """Wait for a future for at most ``deadline_s``: its result or Fault. ``name`` is the stage."""

    future: Future[Any]
    deadline_s: float
    name: str


class Compute(NamedTuple):
    """Run ``work`` off the event loop's thread when ``heavy``: its result or Fault."""

    work: Callable[[], Any]
    heavy: bool
    name: str


class Ask(NamedTuple):
    """Make the upstream call: an Answer. Raises what the call raises."""


class Join(NamedTuple):
    """Wait for another caller's upstream call: an Answer. Raises the leader's error, or HandOver."""

    flight: Flight


class Spawn(NamedTuple):
    """Run another way in the background; its failures are counted, not raised."""

    work: Callable[[], Generator[Any, Any, Any]]


Command: TypeAlias = Get | Put | Delete | Wait | Compute | Ask | Join | Spawn
Way: TypeAlias = Generator[Command, Any, Any]


class Fault(NamedTuple):
    """A stage did not answer."""

    stage: str
    error: BaseException

    def __str__(self) -> str:
        return f"{self.stage}: {self.error}" if str(self.error) else f"{self.stage}: {type(self.error).__name__}"


class Found(NamedTuple):
    """A servable entry and where it was. ``age`` is Policy.age's word."""

    entry: Entry
    tier: str
    age: str = "fresh"
    similarity: float | None = None
    risk: float | None = 0.0


class Outcome(NamedTuple):
    """The end of the way: a found entry, or an answer made now (by this call or a joined one)."""

    status: str
    found: Found | None = None
    answer: Answer | None = None
    stored: bool = False
    reason: str = ""


class Trace:
    """What a call met on its way; makes the receipt and ``explain``."""

    __slots__ = ("candidates", "checked", "faults", "reason", "vector")

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.checked: list[tuple[str, str]] = []
        self.candidates: list[dict[str, Any]] = []
        self.reason = ""
        self.vector: Vector | None = None


class Pipeline:
    """The parts the way runs through.

    Args:
        tiers: Exact tiers, fastest first.
        semantic: The semantic tier's working side, or None.
        ledger: What has been invalidated.
        policy: Lifetimes and admission.
        flights: Calls in the air.
        clock: Time.
        rng: Randomness (TTL jitter).
    """

    def __init__(
        self,
        tiers: Sequence[Tier],
        semantic: SemanticIndex | None,
        ledger: Ledger,
        policy: Policy,
        flights: Flights,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self.tiers = tuple(tiers)
        self.semantic = semantic
        self.ledger = ledger
        self.policy = policy
        self.flights = flights
        self.clock = clock
        self.rng = rng

    # -- reading ---------------------------------------------------------------------------------

    def judge(self, entry: Entry, key: bytes, asked: Controls, now: float) -> str:
        """``fresh``, ``revalidate``, ``error`` or ``dead``, as :meth:`Policy.age`, after invalidations."""
        if entry.key != key or not self.ledger.valid(entry):
            return "dead"
        age = self.policy.age(entry, now)
        if asked.max_age is not None and now - entry.created > asked.max_age:
            return "expired" if age != "dead" else age
        return age

    def exact(self, key: bytes, asked: Controls, trace: Trace, promote: bool = True) -> Way:
        """Look for ``key`` down the tiers; promote what is found. Gives ``(found, certain)``: the
        freshest Found or None, and whether every tier could be asked."""
        stale: Found | None = None
        certain = True
        for depth, tier in enumerate(self.tiers):
            if not tier.ready():
                trace.faults.append(f"{tier.name}: skipped after {tier.last_fault}")
                certain = False
                continue
            entry = yield Get(tier, key)
            if isinstance(entry, Fault):
                trace.faults.append(str(entry))
                certain = False
                continue
            if entry is None:
                trace.checked.append((tier.name, "absent"))
                continue
            verdict = self.judge(entry, key, asked, self.clock.now())
            trace.checked.append((tier.name, verdict))
            if verdict == "dead":
                yield Delete(tier, key)
            elif verdict == "fresh":
                if promote:
                    for upper in self.tiers[:depth]:
                        if upper.ready():
                            yield Put(upper, _for_tier(entry, upper))
                return Found(entry, tier.name), certain
            elif verdict != "expired" and (stale is None or entry.created > stale.entry.created):
                stale = Found(entry, tier.name, verdict)
        return stale, certain

    def similar(self, call: Call, asked: Controls, trace: Trace) -> Way:
        """Look for an answer to the same question in other words. Gives Found or None."""
        semantic = self.semantic
        if semantic is None or not call.semantic or not asked.semantic or call.query is None:
            return None
        why_not = semantic.refuses(call.query)
        if why_not:
            trace.reason = why_not
            return None
        deadline = semantic.deadline_s
        started = self.clock.monotonic()
        vector = semantic.known(call.query)
        if vector is None:
            vector = yield Wait(semantic.embed(call.query), deadline, "embedder")
            if isinstance(vector, Fault):
                trace.faults.append(str(vector))
                trace.reason = "the embedder did not answer"
                semantic.faults += 1
                return None
        trace.vector = vector
        scope = call.scope
        matches = yield Compute(lambda: semantic.search(scope, vector), semantic.heavy(scope), "index")
        if isinstance(matches, Fault):
            trace.faults.append(str(matches))
            trace.reason = "the index did not answer"
            semantic.faults += 1
            return None
        return (yield from self._choose(call, asked, matches, started, deadline, trace))

    def _choose(
        self, call: Call, asked: Controls, matches: list[Match], started: float, deadline: float, trace: Trace
    ) -> Way:
        semantic, query = self.semantic, call.query
        assert semantic is not None
        assert query is not None
        trace.reason = "no question in this scope is similar"
        for place, match in enumerate(matches):
            if match.similarity < semantic.floor:
                if place == 0:
                    trace.reason = f"the nearest question has similarity {match.similarity:.3f}"
                break
            if self.clock.monotonic() - started > deadline:
                trace.reason = "the semantic tier ran out of time"
                trace.faults.append("semantic: deadline")
                return None
            found, certain = yield from self.exact(match.key, asked, Trace(), promote=False)
            if found is None:
                if certain:
                    semantic.forget(match.key)
                continue
            entry = found.entry
            if found.age != "fresh" or entry.scope != call.scope or entry.query is None:
                continue
            after = matches[place + 1].similarity if place + 1 < len(matches) else match.similarity - 1.0
            verdict = semantic.decide(query, entry.query, match.similarity, match.similarity - after)
            trace.candidates.append(
                {
                    "query": entry.query,
                    "similarity": match.similarity,
                    "serve": verdict.serve,
                    "why": verdict.why,
                    "risk": verdict.risk,
                }
            )
            if verdict.serve:
                return Found(entry, "semantic", "fresh", match.similarity, verdict.risk)
            trace.reason = f"a similar question was vetoed: {verdict.why}"
        return None

    def lookup(self, call: Call, asked: Controls, trace: Trace) -> Way:
        """All tiers, then the semantic one. Gives Found (fresh or stale) or None."""
        if self.ledger.news():
            yield Compute(self.ledger.refresh, True, "ledger")
        found, _ = yield from self.exact(call.key, asked, trace)
        if found is not None and found.age == "fresh":
            return found
        similar = yield from self.similar(call, asked, trace)
        return similar or found

    # -- writing ---------------------------------------------------------------------------------

    def entry_for(self, call: Call, answer: Answer, seq: int, asked: Controls, trace: Trace) -> Entry | str:
        """The entry to store, or why none may be."""
        refused = self.policy.refuses(call, answer)
        if refused:
            return refused
        tags = tuple(dict.fromkeys((*call.tags, *asked.tags)))
        life = self.policy.lifetime(call, answer, tags, asked, self.rng)
        if life <= 0:
            return "its TTL is zero"
        now = self.clock.now()
        expires = None if math.isinf(life) else now + life
        entry = Entry(
            key=call.key,
            scope=call.scope,
            kind=answer.kind,
            body=answer.body,
            created=now,
            expires=expires,
            keep_until=None if expires is None else expires + self.policy.grace,
            seq=seq,
            query=call.query,
            tags=tags,
            model=answer.model or call.model,
            usage=answer.usage,
            cost_usd=answer.cost_usd,
            cost_ms=answer.took_ms,
        )
        semantic = self.semantic
        if semantic is not None and trace.vector is not None and not answer.exact_only:
            entry = _with_vector(entry, trace.vector, semantic.fingerprint)
        return entry

    def store(self, call: Call, answer: Answer, seq: int, asked: Controls, trace: Trace) -> Way:
        """Write to the tiers, then to the index. Gives why it was not stored, or an empty string."""
        semantic = self.semantic
        wanted = (
            semantic is not None
            and trace.vector is None
            and call.semantic
            and call.query is not None
            and not answer.exact_only
            and answer.complete
            and not semantic.refuses(call.query)
        )
        if wanted and semantic is not None and call.query is not None:
            vector = yield Wait(semantic.embed(call.query), semantic.deadline_s, "embedder")
            if not isinstance(vector, Fault):
                trace.vector = vector
        entry = self.entry_for(call, answer, seq, asked, trace)
        if isinstance(entry, str):
            return entry
        kept = False
        for tier in self.tiers:
            if not tier.ready():
                continue
            if tier.write_behind:
                yield Spawn(functools.partial(_put_behind, tier, entry))
                kept = True
                continue
            result = yield Put(tier, _for_tier(entry, tier))
            if isinstance(result, Fault):
                trace.faults.append(str(result))
            else:
                kept = True
        if not kept:
            return "no tier could take it"
        if entry.vector and semantic is not None and trace.vector is not None:
            semantic.add(entry.scope, entry.key, trace.vector)
        return ""

    # -- the whole way ---------------------------------------------------------------------------

    def resolve(self, call: Call, asked: Controls | None, trace: Trace) -> Way:
        """From question to Outcome. Raises what the upstream call raises, and NotCached."""
        asked = asked or DEFAULT
        if asked.no_store:
            return Outcome("bypass", answer=(yield Ask()), reason="no_store was asked")
        found: Found | None = None
        if not asked.refresh:
            found = yield from self.lookup(call, asked, trace)
            if found is not None and found.age == "fresh":
                return Outcome("hit", found)
            if found is not None and found.age == "revalidate":
                yield Spawn(lambda: self.revalidate(call, asked))
                return Outcome("stale", found, reason="past its TTL; a fresh answer is being fetched")
        if asked.only_if_cached:
            raise NotCached(
                "only_if_cached was asked and no servable answer is stored; call again without it to ask upstream",
                key=call.key.hex(),
            )
        while True:
            flight, leading = self.flights.join(call.key)
            if leading:
                return (yield from self.lead(flight, call, asked, trace, found))
            try:
                answer = yield Join(flight)
            except HandOver:
                continue
            return Outcome("joined", answer=answer)

    def lead(self, flight: Flight, call: Call, asked: Controls, trace: Trace, stale: Found | None) -> Way:
        """Make the upstream call for everyone who waits on ``flight``."""
        seq = self.ledger.seq
        try:
            if not asked.refresh:
                # An earlier leader may have finished between our lookup and our taking off.
                late, _ = yield from self.exact(call.key, asked, Trace())
                if late is not None and late.age == "fresh":
                    self.flights.hand_over(flight)
                    return Outcome("hit", late)
            answer = yield Ask()
        except GeneratorExit:
            self.flights.hand_over(flight)
            raise
        except Exception as error:
            self.flights.fail(flight, error)
            if stale is not None and stale.age in ("error", "revalidate"):
                return Outcome("stale", stale, reason=f"upstream failed ({type(error).__name__}); stale_if_error")
            raise
        except BaseException:
            self.flights.hand_over(flight)
            raise
        if stale is not None and answer.failed and stale.age in ("error", "revalidate"):
            self.flights.answer(flight, answer)
            self.flights.close(flight)
            return Outcome("stale", stale, reason=f"upstream failed ({answer.why_not}); stale_if_error")
        self.flights.answer(flight, answer)
        try:
            why_not = yield from self.store(call, answer, seq, asked, trace)
        finally:
            self.flights.close(flight)
        return Outcome("miss", answer=answer, stored=not why_not, reason=why_not or trace.reason)

    def revalidate(self, call: Call, asked: Controls) -> Way:
        """Fetch a fresh answer behind a stale one; at most one such call is in the air."""
        flight, leading = self.flights.join(call.key)
        if not leading:
            return None
        return (
            yield from self.lead(flight, call, Controls(refresh=True, ttl=asked.ttl, tags=asked.tags), Trace(), None)
        )


def _put_behind(tier: Tier, entry: Entry) -> Way:
    yield Put(tier, entry)


def _with_vector(entry: Entry, vector: Vector, fingerprint: str) -> Entry:
    raw = np.ascontiguousarray(vector, dtype="<f4").tobytes()
    return msgspec.structs.replace(entry, vector=raw, embedder=fingerprint)


def _for_tier(entry: Entry, tier: Tier) -> Entry:
    """Tiers that cannot rebuild an index (memory) need no copy of the vector."""
    if entry.vector and tier.inline and not tier.store.shared:
        return msgspec.structs.replace(entry, vector=b"")
    return entry
