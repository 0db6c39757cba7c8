"""The way down the tiers: exact matches, then similar questions.

See :mod:`.pipeline`, which goes on from here.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from ..backends.contract import Match
from ..clock import Clock
from ..entry import Entry
from .call import Call
from .controls import Controls
from .drift_policy import DriftPolicy
from .flight import Flights
from .ledger import Ledger
from .policy import Policy
from .semantic import SECOND_OPINIONS, Candidate, Verdict
from .tiers import Tier
from .versions import Versions, conflict, versions_in
from .way import Compute, Delete, Fault, Forget, Found, Get, Put, Trace, Wait, Way

if TYPE_CHECKING:
    from .semantic_index import SemanticIndex


class Reading:
    """The parts the way runs through, and the way down to an answer that is there.

    Args:
        tiers: Exact tiers, fastest first.
        semantic: The semantic tier's working side, or None.
        ledger: What has been invalidated.
        policy: Lifetimes and admission.
        flights: Calls in the air.
        clock: Time.
        rng: Randomness (TTL jitter).
        drift: When entries must go before their time, or None.

    Attributes:
        versions: Of the sources that calls declare; the drift policy's, when there is one.
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
        drift: DriftPolicy | None = None,
    ) -> None:
        self.tiers = tuple(tiers)
        self.semantic = semantic
        self.ledger = ledger
        self.policy = policy
        self.flights = flights
        self.clock = clock
        self.rng = rng
        self.drift = drift
        self.versions = drift.versions if drift is not None else Versions(None, clock)
        self.versions.attach(ledger)
        self.tighten: Callable[[float], None] = _nobody  # told how strict to be when the traffic changes

    # -- reading ---------------------------------------------------------------------------------

    def judge(self, entry: Entry, key: bytes, asked: Controls, now: float, tags: Sequence[str] = ()) -> str:
        """``fresh``, ``revalidate``, ``error`` or ``dead``, as :meth:`Policy.age`, after invalidations; or ``expired``:
        too old for this caller, or not of the versions its ``tags`` declare."""
        if entry.key != key or not self.ledger.valid(entry):
            return "dead"
        if entry.tags:
            if self.versions.outdated(entry.tags, entry.created):
                return "dead"
            if tags and conflict(versions_in(tags), entry.tags):
                return "expired"
        age = self.policy.age(entry, now)
        if asked.max_age is not None and now - entry.created > asked.max_age:
            return "expired" if age != "dead" else age
        return age

    def first(self, key: bytes) -> Get | None:
        """The read that :meth:`exact` begins with, when nothing has to happen before it. A driver may carry it
        out beforehand: a fresh answer there needs no way at all, and any other result can be given to it."""
        if not self.tiers or self.ledger.news():
            return None
        tier = self.tiers[0]
        return Get(tier, key) if tier.ready() and key not in tier.behind else None

    def exact(self, key: bytes, asked: Controls, trace: Trace, promote: bool = True, tags: Sequence[str] = ()) -> Way:
        """Look for ``key`` down the tiers; promote what is found. Gives ``(found, certain)``: the
        freshest Found or None, and whether a None means that no tier holds it. ``tags`` are the call's."""
        stale: Found | None = None
        certain = True
        for depth, tier in enumerate(self.tiers):
            if not tier.ready():
                trace.faults.append(f"{tier.name}: skipped after {tier.last_fault}")
                certain = False
                continue
            if key in tier.behind:
                trace.checked.append((tier.name, "behind"))
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
            verdict = self.judge(entry, key, asked, self.clock.now(), tags)
            trace.checked.append((tier.name, verdict))
            if verdict == "dead":
                yield Delete(tier, key)
            elif verdict == "fresh":
                if promote:
                    for upper in self.tiers[:depth]:
                        if upper.ready():
                            yield from _promote(upper, entry)
                return Found(entry, tier.name), certain
            elif verdict == "expired":
                certain = False  # too old for this caller, but there
            elif stale is None or entry.created > stale.entry.created:
                stale = Found(entry, tier.name, verdict)
        return stale, certain

    def similar(self, call: Call, asked: Controls, trace: Trace) -> Way:
        """Look for an answer to the same question in other words. Gives Found or None."""
        semantic = self.semantic
        if semantic is None or not call.semantic or not asked.semantic or call.query is None:
            return None
        why_not = semantic.refuses(call.query) or (self.drift.across_words(call.query) if self.drift else "")
        if why_not:
            trace.reason = why_not
            return None
        deadline = semantic.deadline_s
        started = self.clock.monotonic()
        vector = semantic.known(call.query)
        if vector is None:
            vector = yield Wait(functools.partial(semantic.embed, call.query), deadline, "embedder")
            if isinstance(vector, Fault):
                trace.reason = str(vector)
                if not getattr(vector.error, "data", {}).get("refused"):  # the text's own fault is nobody's
                    trace.faults.append(str(vector))
                    semantic.faults += 1
                return None
        trace.vector = vector
        scope = call.scope
        left = max(0.001, deadline - (self.clock.monotonic() - started))
        matches = yield Compute(lambda: semantic.search(scope, vector), semantic.heavy(scope), "index", left)
        if isinstance(matches, Fault):
            trace.faults.append(str(matches))
            trace.reason = "the index did not answer"
            semantic.faults += 1
            return None
        found = yield from self._choose(call, asked, matches, started, deadline, trace)
        if found is not None and (semantic.shadow if asked.shadow is None else asked.shadow):
            trace.withheld = found
            trace.reason = "shadow mode: a similar question would have been served"
            return None
        return found

    def _choose(
        self, call: Call, asked: Controls, matches: list[Match], started: float, deadline: float, trace: Trace
    ) -> Way:
        semantic, query = self.semantic, call.query
        assert semantic is not None
        assert query is not None
        trace.reason = "no question in this scope is similar"
        settled, tags = 0, tags_of(call, asked)
        for place, match in enumerate(matches):
            if match.similarity < semantic.floor:
                if place == 0:
                    trace.reason = f"the nearest question has similarity {match.similarity:.3f}"
                break
            if self.clock.monotonic() - started > deadline:
                trace.reason = "the semantic tier ran out of time"
                trace.faults.append("semantic: deadline")
                return None
            found, certain = yield from self.exact(match.key, asked, Trace(), promote=False, tags=tags)
            if found is None:
                if certain:
                    yield Forget(semantic, match.key)
                continue
            entry = found.entry
            if found.age != "fresh" or entry.scope != call.scope or entry.query is None or not entry.embedder:
                continue  # without an embedder it answers its own question only, whatever answered that before
            after = matches[place + 1].similarity if place + 1 < len(matches) else match.similarity - 1.0
            candidate = Candidate(query, entry.query, match.similarity, match.similarity - after, call.scope, entry.key)
            if semantic.negatives.contains(query, entry.query, call.scope):
                verdict = Verdict(False, "these two were found to be different questions", 1.0)
            else:
                verdict = semantic.decide(candidate)
            if verdict.unsure:
                verdict = yield from self._settle(candidate, started, deadline, settled, trace)
                settled += 1
            drift = self.drift if not trace.candidates else None
            if drift is not None and drift.on_candidate(match.similarity, verdict.risk).why:
                self.tighten(drift.strictness)
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
            if trace.passed is None:
                trace.passed = Found(entry, "semantic", "fresh", match.similarity, verdict.risk)
        return None

    def _settle(self, candidate: Candidate, started: float, deadline: float, settled: int, trace: Trace) -> Way:
        """The slow second opinion on one candidate, a few times per lookup at most. Gives a Verdict."""
        semantic = self.semantic
        assert semantic is not None
        if settled >= SECOND_OPINIONS:
            return Verdict(False, "uncertain, and the second opinions were spent on nearer questions")
        left = max(0.001, deadline - (self.clock.monotonic() - started))
        verdict = yield Compute(lambda: semantic.settle(candidate), True, "verifier", left)
        if isinstance(verdict, Fault):
            trace.faults.append(str(verdict))
            return Verdict(False, "uncertain, and the verifier did not answer in time")
        return verdict

    def lookup(self, call: Call, asked: Controls, trace: Trace) -> Way:
        """All tiers, then the semantic one. Gives Found (fresh or stale) or None."""
        yield from self.learn()
        found, _ = yield from self.exact(call.key, asked, trace, tags=tags_of(call, asked))
        if found is not None and found.age == "fresh":
            return found
        try:
            similar = yield from self.similar(call, asked, trace)
        except Exception as error:
            trace.faults.append(str(Fault("semantic", error)))
            trace.reason = "the semantic tier failed"
            similar = None
        return similar or found

    def learn(self) -> Way:
        """Fetch what other processes have invalidated, when there is news; a round trip, off the event loop."""
        if self.ledger.news():
            yield Compute(self.ledger.refresh, True, "ledger")


def _nobody(strictness: float) -> None:
    pass


def tags_of(call: Call, asked: Controls) -> tuple[str, ...]:
    """All tags of a call: its own, and those of its controls."""
    return (*call.tags, *asked.tags) if call.tags else asked.tags


def _promote(tier: Tier, entry: Entry) -> Way:
    if tier.inline:
        held = yield Get(tier, entry.key)
        if isinstance(held, Entry) and held.created > entry.created:
            return  # another caller has just stored a newer answer
    result = yield Put(tier, for_tier(entry, tier))
    if not isinstance(result, Fault):
        tier.settled(entry.key)


def for_tier(entry: Entry, tier: Tier) -> Entry:
    """Tiers that cannot rebuild an index (memory) need no copy of the vector."""
    if entry.vector and tier.inline and not tier.store.shared:
        return msgspec.structs.replace(entry, vector=b"")
    return entry
