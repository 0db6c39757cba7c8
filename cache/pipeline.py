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
from collections.abc import Callable, Sequence
from hashlib import blake2b

import msgspec

from ..entry import Entry
from ..errors import NotCached
from .call import Call
from .controls import DEFAULT, Controls
from .drift_policy import carry_out
from .flight import Alone, Flight, Flights, HandOver
from .policy import Answer
from .reading import Reading, for_tier, tags_of
from .tiers import Tier
from .versions import versions_in
from .way import Ask, Compute, Fault, Found, Join, Outcome, Put, Spawn, Trace, Wait, Way


class Pipeline(Reading):
    """The whole way of a call: :class:`Reading`, and from there upstream and back."""

    # -- versions --------------------------------------------------------------------------------

    def declare(self, tags: Sequence[str]) -> Way:
        """Take note of the versions among a call's tags, and retire what they replace. Gives why the call may neither
        be served nor stored, or an empty text."""
        if not versions_in(tags):
            return ""
        yield from self.learn()
        declared = self.versions.declare(tags)
        yield from self._bump(declared.retire)
        return declared.replaced

    def _bump(self, tags: Sequence[str]) -> Way:
        """Invalidate ``tags``, off the event loop: it may take a round trip."""
        if tags:
            yield Compute(lambda: self.ledger.bump(tags), True, "ledger")

    # -- writing ---------------------------------------------------------------------------------

    def entry_for(self, call: Call, answer: Answer, seq: int, asked: Controls, trace: Trace) -> Entry | str:
        """The entry to store, or why none may be."""
        refused = self.policy.refuses(call, answer)
        if refused:
            return refused
        tags = tuple(dict.fromkeys(tags_of(call, asked)))
        life = self.policy.lifetime(call, answer, tags, asked, self.rng)
        if self.drift is not None:
            told = self.drift.answer_tags(call.model, answer.model, answer.system_fingerprint)
            tags = tuple(dict.fromkeys((*tags, *told)))
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
            retired = self.drift.on_answer(call.model, answer.model, answer.system_fingerprint)
            if retired.marks:  # before the writing: this answer was on its way when its model changed
                yield Compute(lambda: carry_out(retired, self.ledger.bump), True, "ledger")
        entry = self.entry_for(call, answer, seq, asked, trace)
        return entry if isinstance(entry, str) else (yield from self._write(entry, trace))

    def outlast(self, call: Call, answer: Answer, seq: int, asked: Controls, trace: Trace) -> Way:
        """Store an answer again that has itself shown what was then retired, unless it was invalidated too."""
        entry = self.entry_for(call, answer, seq, asked, trace)
        if isinstance(entry, str):
            return entry
        later = self.ledger.past_drift(entry)
        return "" if later == seq else (yield from self._write(msgspec.structs.replace(entry, seq=later), trace))

    def _write(self, entry: Entry, trace: Trace) -> Way:
        """Write to the tiers, then to the index. Gives why it was not stored, or an empty string."""
        semantic, kept = self.semantic, False
        for tier in self.tiers:
            if not tier.ready():
                tier.owes(entry)
            elif tier.write_behind:
                tier.owes(entry)
                yield Spawn(functools.partial(_put_behind, tier, entry))
                kept = True
            else:
                result = yield Put(tier, for_tier(entry, tier))
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
            return start if start.found is not None else start._replace(answer=(yield Ask(None)))
        stale: Found | None = start
        while True:
            flight, leading = self.board(call, asked)
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
        """The way up to the upstream call: an Outcome when there is no need for one, or when it has to be made past
        the cache (a bypass, without an answer yet); else the stale Found that may stand in if it fails, or
        None. ``again`` is the way that replaces a stale answer behind the caller's back. Raises NotCached."""
        found: Found | None = None
        if call.tags or asked.tags:
            replaced = yield from self.declare(tags_of(call, asked))
            if replaced and asked.only_if_cached:
                raise NotCached(f"only_if_cached was asked and the call is {replaced}", key=call.key.hex())
            if replaced:
                return Outcome("bypass", reason=replaced)
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
            if self.versions.news:
                yield from self._bump(self.versions.noticed())
        if asked.only_if_cached:
            raise NotCached(
                "only_if_cached was asked and no servable answer is stored; call again without it to ask upstream",
                key=call.key.hex(),
            )
        return found

    def board(self, call: Call, asked: Controls) -> tuple[Flight, bool]:
        """The flight of a call, and whether this caller leads it. Callers that declare different versions share none:
        one's answer is not the other's."""
        versions = versions_in(tags_of(call, asked)) if call.tags or asked.tags else None
        return self.flights.join(_flight_key(call.key, versions) if versions else call.key)

    def late(self, flight: Flight, call: Call, asked: Controls) -> Way:
        """What an earlier leader stored between this one's lookup and its taking off: Found or None. The
        followers get it too."""
        if asked.refresh:
            return None
        found, _ = yield from self.exact(call.key, asked, Trace(), tags=tags_of(call, asked))
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
        flight, leading = self.board(call, asked)
        if not leading:
            return None
        return (
            yield from self.lead(flight, call, Controls(refresh=True, ttl=asked.ttl, tags=asked.tags), Trace(), None)
        )


ALONE = "asked alone: waiting for the identical call in flight would have meant waiting for itself"


def _flight_key(key: bytes, versions: dict[str, str]) -> bytes:
    return blake2b(repr(sorted(versions.items())).encode("utf-8", "surrogatepass"), key=key, digest_size=32).digest()


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


def _put_behind(tier: Tier, entry: Entry) -> Way:
    if tier.owed(entry):  # otherwise a newer answer is on its way to this tier
        result = yield Put(tier, entry)
        if not isinstance(result, Fault) and tier.owed(entry):
            tier.settled(entry.key)
