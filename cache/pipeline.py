"""The way of one call, written once, without I/O.

Each step is a generator: it yields a small command and is resumed with the command's result. A driver
(:mod:`.drivers`) carries the commands out, synchronously or on an event loop. Results of stages are
values, never exceptions: a stage that fails gives a :class:`Fault`, which is a miss. Only :class:`Ask`
and :class:`Join` raise into the generator, because their failures belong to the caller. Whatever else
goes wrong on the way (a user's TTL function, an index of one's own) costs the hit or the storing, never
the answer.
"""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from ..backends.contract import Match
from ..clock import Clock
from ..entry import Entry
from ..errors import NotCached
from .call import Call
from .controls import DEFAULT, Controls
from .drift_policy import DriftPolicy, carry_out
from .flight import Alone, Flight, Flights, HandOver
from .ledger import Ledger
from .policy import Answer, Policy
from .semantic import Candidate, Verdict
from .tiers import Tier
from .way import Ask, Compute, Delete, Fault, Forget, Found, Get, Join, Outcome, Put, Spawn, Trace, Wait, Way

if TYPE_CHECKING:
    from .semantic_index import SemanticIndex


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
        drift: When entries must go before their time, or None.
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

    # -- reading ---------------------------------------------------------------------------------

    def judge(self, entry: Entry, key: bytes, asked: Controls, now: float) -> str:
        """``fresh``, ``revalidate``, ``error`` or ``dead``, as :meth:`Policy.age`, after invalidations."""
        if entry.key != key or not self.ledger.valid(entry):
            return "dead"
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

    def exact(self, key: bytes, asked: Controls, trace: Trace, promote: bool = True) -> Way:
        """Look for ``key`` down the tiers; promote what is found. Gives ``(found, certain)``: the
        freshest Found or None, and whether a None means that no tier holds it."""
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
            verdict = self.judge(entry, key, asked, self.clock.now())
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
        settled = False
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
                settled = True
            if self.drift is not None and not trace.candidates:
                self.drift.on_candidate(match.similarity, verdict.risk)
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

    def _settle(self, candidate: Candidate, started: float, deadline: float, settled: bool, trace: Trace) -> Way:
        """The slow second opinion on one candidate, once per lookup. Gives a Verdict."""
        semantic = self.semantic
        assert semantic is not None
        if settled:
            return Verdict(False, "uncertain, and the second opinion was spent on a nearer question")
        left = max(0.001, deadline - (self.clock.monotonic() - started))
        verdict = yield Compute(lambda: semantic.settle(candidate), True, "verifier", left)
        if isinstance(verdict, Fault):
            trace.faults.append(str(verdict))
            return Verdict(False, "uncertain, and the verifier did not answer in time")
        return verdict

    def lookup(self, call: Call, asked: Controls, trace: Trace) -> Way:
        """All tiers, then the semantic one. Gives Found (fresh or stale) or None."""
        yield from self.learn()
        found, _ = yield from self.exact(call.key, asked, trace)
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

    # -- writing ---------------------------------------------------------------------------------

    def entry_for(self, call: Call, answer: Answer, seq: int, asked: Controls, trace: Trace) -> Entry | str:
        """The entry to store, or why none may be."""
        refused = self.policy.refuses(call, answer)
        if refused:
            return refused
        tags = tuple(dict.fromkeys((*call.tags, *asked.tags)))
        life = self.policy.lifetime(call, answer, tags, asked, self.rng)
        if self.drift is not None:
            tags = tuple(dict.fromkeys((*tags, *self.drift.answer_tags(call.model, answer.model))))
            life = self.drift.lifetime(call.query, tags, call.scope, life)
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
            entry = semantic.stamp(entry, trace.vector)
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
            vector = yield Wait(functools.partial(semantic.embed, call.query), semantic.deadline_s, "embedder")
            if not isinstance(vector, Fault):
                trace.vector = vector
        if self.drift is not None and answer.complete:
            retired = self.drift.on_answer(call.model, answer.model)
            if retired.marks:  # before the writing: this answer was on its way when its model changed
                yield Compute(lambda: carry_out(retired, self.ledger.bump), True, "ledger")
        entry = self.entry_for(call, answer, seq, asked, trace)
        if isinstance(entry, str):
            return entry
        kept = False
        for tier in self.tiers:
            if not tier.ready():
                tier.owes(entry)
            elif tier.write_behind:
                tier.owes(entry)
                yield Spawn(functools.partial(_put_behind, tier, entry))
                kept = True
            else:
                result = yield Put(tier, _for_tier(entry, tier))
                if isinstance(result, Fault):
                    tier.owes(entry)
                    trace.faults.append(str(result))
                else:
                    tier.settled(entry.key)
                    kept = True
        if not kept:
            return "no tier could take it"
        if entry.vector and semantic is not None and trace.vector is not None:
            semantic.add(entry.scope, entry.key, trace.vector)
        return ""

    # -- the whole way ---------------------------------------------------------------------------

    def resolve(self, call: Call, asked: Controls | None, trace: Trace, patience_s: float | None = None) -> Way:
        """From question to Outcome. Raises what the upstream call raises, NotCached, and Impatient when another
        caller's call takes longer than ``patience_s``."""
        asked = asked or DEFAULT
        if asked.no_store:
            return Outcome("bypass", answer=(yield Ask(None)), reason="no_store was asked")
        start = yield from self.start(call, asked, trace, lambda: self.revalidate(call, asked))
        if isinstance(start, Outcome):
            return start
        stale: Found | None = start
        while True:
            flight, leading = self.flights.join(call.key)
            if leading:
                return (yield from self.lead(flight, call, asked, trace, stale))
            try:
                answer = yield Join(flight, patience_s)
            except HandOver:
                continue
            except Alone:
                return Outcome("miss", answer=(yield Ask(None)), reason=ALONE)
            except Exception as error:
                if stale is None or not can_mend(error):
                    raise
                return Outcome("stale", stale, reason=failed(type(error).__name__))
            if stale is not None and answer.failed:
                return Outcome("stale", stale, reason=failed(answer.why_not))
            if not answer.shareable:
                return Outcome("miss", answer=(yield Ask(None)), reason=answer.why_not)
            return Outcome("joined", answer=answer)

    def start(self, call: Call, asked: Controls, trace: Trace, again: Callable[[], Way]) -> Way:
        """The way up to the upstream call: an Outcome when there is no need for one; else the stale Found
        that may stand in if it fails, or None. ``again`` is the way that replaces a stale answer behind
        the caller's back. Raises NotCached."""
        found: Found | None = None
        if asked.refresh:
            yield from self.learn()
        else:
            found = yield from self.lookup(call, asked, trace)
            if found is not None and found.age == "fresh":
                return Outcome("hit", found)
            if found is not None and found.age == "revalidate":
                if not asked.only_if_cached:
                    yield Spawn(again)
                return Outcome("stale", found, reason="past its TTL; a fresh answer is being fetched")
        if asked.only_if_cached:
            raise NotCached(
                "only_if_cached was asked and no servable answer is stored; call again without it to ask upstream",
                key=call.key.hex(),
            )
        return found

    def late(self, flight: Flight, call: Call, asked: Controls) -> Way:
        """What an earlier leader stored between this one's lookup and its taking off: Found or None. The
        followers get it too."""
        if asked.refresh:
            return None
        found, _ = yield from self.exact(call.key, asked, Trace())
        if found is None or found.age != "fresh":
            return None
        entry = found.entry
        self.flights.answer(
            flight,
            Answer(
                kind=entry.kind,
                body=entry.body,
                model=entry.model,
                usage=entry.usage,
                cost_usd=entry.cost_usd,
                took_ms=entry.cost_ms,
            ),
        )
        self.flights.close(flight)
        return found

    def lead(self, flight: Flight, call: Call, asked: Controls, trace: Trace, stale: Found | None) -> Way:
        """Make the upstream call for everyone who waits on ``flight``."""
        try:
            late = yield from self.late(flight, call, asked)
            if late is not None:
                return Outcome("hit", late)
            seq = self.ledger.seq
            answer = yield Ask(flight)
        except Exception as error:
            give_up(self.flights, flight, error)
            if stale is not None and can_mend(error):
                return Outcome("stale", stale, reason=failed(type(error).__name__))
            raise
        except BaseException as error:
            give_up(self.flights, flight, error)
            raise
        self.flights.answer(flight, answer)
        if stale is not None and answer.failed:
            self.flights.close(flight)
            return Outcome("stale", stale, reason=failed(answer.why_not))
        why_not = yield from self.keep(flight, call, answer, seq, asked, trace)
        return Outcome("miss", answer=answer, stored=not why_not, reason=why_not or trace.reason)

    def keep(self, flight: Flight, call: Call, answer: Answer, seq: int, asked: Controls, trace: Trace) -> Way:
        """Store the answer of ``flight``, then close it. Gives why it was not stored, or an empty string;
        whatever fails here, the caller has its answer."""
        try:
            return (yield from self.store(call, answer, seq, asked, trace))
        except Exception as error:
            fault = str(Fault("store", error))
            trace.faults.append(fault)
            return f"it could not be stored: {fault}"
        finally:
            self.flights.close(flight)

    def revalidate(self, call: Call, asked: Controls) -> Way:
        """Fetch a fresh answer behind a stale one; at most one such call is in the air."""
        flight, leading = self.flights.join(call.key)
        if not leading:
            return None
        return (
            yield from self.lead(flight, call, Controls(refresh=True, ttl=asked.ttl, tags=asked.tags), Trace(), None)
        )


ALONE = "asked alone: waiting for the identical call in flight would have meant waiting for itself"


def give_up(flights: Flights, flight: Flight, error: BaseException) -> None:
    """End ``flight`` for its followers: they get the error; or, when it concerns the leader alone (an interrupt, a
    cancellation, an error with ``leader_only = True``, such as its own time-out), one of them takes over."""
    if isinstance(error, Exception) and not getattr(error, "leader_only", False):
        flights.fail(flight, error)
    else:
        flights.hand_over(flight)


def can_mend(error: Exception) -> bool:
    """Whether asking later may help, so that a stale answer may stand in. An error that knows better (a
    response with status 400, say) has ``can_mend = False``."""
    return getattr(error, "can_mend", True) is not False


def failed(why: str) -> str:
    """The reason of a stale answer that stands in for a failed call."""
    return f"upstream failed ({why}); stale_if_error"


def _promote(tier: Tier, entry: Entry) -> Way:
    if tier.inline:
        held = yield Get(tier, entry.key)
        if isinstance(held, Entry) and held.created > entry.created:
            return  # another caller has just stored a newer answer
    result = yield Put(tier, _for_tier(entry, tier))
    if not isinstance(result, Fault):
        tier.settled(entry.key)


def _put_behind(tier: Tier, entry: Entry) -> Way:
    if tier.owed(entry):  # otherwise a newer answer is on its way to this tier
        result = yield Put(tier, entry)
        if not isinstance(result, Fault) and tier.owed(entry):
            tier.settled(entry.key)


def _for_tier(entry: Entry, tier: Tier) -> Entry:
    """Tiers that cannot rebuild an index (memory) need no copy of the vector."""
    if entry.vector and tier.inline and not tier.store.shared:
        return msgspec.structs.replace(entry, vector=b"")
    return entry
