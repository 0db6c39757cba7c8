"""The cache: its parts, their life, and what is common to every surface."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import random
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from ..backends.contract import Store
from ..backends.epochs import MemoryEpochs
from ..backends.memory import MemoryStore
from ..clock import SYSTEM_CLOCK, Clock
from ..entry import Entry
from ..errors import AskonceError, ConfigError, NotCached, StoreError
from ..upstream.tokens import PRICES, Prices
from .audit import Audits
from .call import Call, canonical
from .controls import DEFAULT, Controls, Tags, check_tags, current
from .drivers import Given, Workers, run_async, run_sync, step
from .flight import Flights
from .learning import Learning, check, directory_of
from .ledger import Ledger, tags_for
from .pipeline import Pipeline
from .policy import Answer, Policy
from .receipt import Receipt, describe, set_last
from .semantic import SemanticTier
from .shadow import ShadowReport
from .stats import Counters, Snapshot, take
from .tiers import Tier, chain, default_stores
from .way import Outcome, Trace

if TYPE_CHECKING:
    from .drift_policy import DriftPolicy
    from .explain import Explanation
    from .keeping import Meeting
    from .semantic_index import SemanticIndex

C = TypeVar("C")
SNAPSHOT_NAME = "index.snapshot"


class Cache:
    """A cache in front of LLM calls.

    ::

        cache = Cache(directory=".askonce")

        @cache.cached()
        def answer(question: str) -> str: ...

    Args:
        tiers: Exact stores, fastest first. None: memory, plus disk when ``directory`` is given, plus Redis
            when ``redis_url`` is given.
        directory: Where the disk tier and the index snapshot live.
        redis_url: ``redis://``, ``rediss://`` or ``redis+cluster://`` URL of the Redis tier.
        semantic: True for the shipped embedder and the default decision, a :class:`SemanticTier`, or
            None/False for exact matches only.
        policy: Lifetimes and admission; None for :class:`Policy`'s defaults.
        ttl: Short for ``policy=Policy(ttl=...)``.
        deadline_ms: Milliseconds a tier may take per operation on an event loop before it is skipped.
        audits: Which hits are asked upstream again behind the caller: an :class:`Audits`, True for its defaults,
            False for none. None audits with the defaults when the decision of the semantic tier has an error
            budget, which needs the evidence, and not at all otherwise.
        drift: When entries must go before their time: a :class:`DriftPolicy`, or None.
        states: Where the error budgets of several processes exchange what they have learned, as
            ``askonce.backends.redis_states.RedisStates``; given ``redis_url``, one there.
        write_behind: Names of tiers written off the caller's path (``("redis",)``).
        prices: US dollars per million tokens, ``{model: (input, output)}``, on top of the built-in list.
        clock: Time; tests and simulations hand in their own.
        rng: Randomness (TTL jitter, which hits are audited).

    Raises:
        ConfigError: A setting is wrong, before anything is opened or written.
        StoreError: A store cannot be opened; says how to mend it.
    """

    def __init__(
        self,
        tiers: Sequence[Store | Tier] | None = None,
        *,
        directory: str | Path | None = None,
        redis_url: str | None = None,
        semantic: SemanticTier | bool | None = True,
        policy: Policy | None = None,
        ttl: float | Any | None = ...,
        audits: Audits | bool | None = None,
        drift: DriftPolicy | None = None,
        states: Meeting | None = None,
        deadline_ms: float = 100.0,
        write_behind: Sequence[str] = (),
        prices: dict[str, tuple[float, float]] | None = None,
        clock: Clock = SYSTEM_CLOCK,
        rng: random.Random | None = None,
    ) -> None:
        if not deadline_ms > 0:
            raise ConfigError(f"deadline_ms is {deadline_ms!r}; it must be greater than zero", setting="deadline_ms")
        if policy is not None and ttl is not ...:
            raise ConfigError("give either ttl or policy=Policy(ttl=...), not both", setting="ttl")
        if tiers is not None and (directory is not None or redis_url is not None):
            raise ConfigError("give either tiers or directory/redis_url, not both", setting="tiers")
        check(audits)
        if drift is not None and drift.versions.attached:
            raise ConfigError("this DriftPolicy is an open cache's; give each cache its own", setting="drift")
        self.policy = policy or (Policy() if ttl is ... else Policy(ttl=ttl))
        self.clock = clock
        self.prices: Prices = {**PRICES, **(prices or {})}
        self.tenant_name = ""
        self.tiers = chain(
            tiers if tiers is not None else default_stores(directory, redis_url, clock), deadline_ms / 1000, clock
        )
        known = {tier.name for tier in self.tiers}
        for name in write_behind:
            if name not in known:
                raise ConfigError(f"write_behind names {name!r}; the tiers are {sorted(known)}", setting="write_behind")
        for tier in self.tiers:
            tier.write_behind = tier.write_behind or tier.name in write_behind
        self.flights = Flights()
        self.workers = Workers()
        self.counters = Counters()
        self._lock = threading.Lock()
        self._closed = [False]
        self._on_close: list[Callable[[], None]] = []
        self.ledger = self._open_ledger()
        rng = rng or random.Random()
        self.semantic = self._open_semantic(semantic)
        self.pipeline = Pipeline(self.tiers, self.semantic, self.ledger, self.policy, self.flights, clock, rng, drift)
        self.learning = Learning(self, audits, drift, states or redis_url, rng)
        self._watch = self.learning.watch
        self._memory = self.tiers[0].store if self.tiers and isinstance(self.tiers[0].store, MemoryStore) else None

    # -- opening and closing -------------------------------------------------------------------------

    def _open_ledger(self) -> Ledger:
        shared = [t.store.epochs for t in self.tiers if t.store.shared and t.store.epochs is not None]
        if shared:
            return Ledger(shared[-1], shared[0] if len(shared) > 1 else None, self.clock)
        own = [t.store.epochs for t in self.tiers if t.store.epochs is not None]
        return Ledger(own[-1] if own else MemoryEpochs(), None, self.clock)

    def _open_semantic(self, semantic: SemanticTier | bool | None) -> SemanticIndex | None:
        if semantic is None or semantic is False or not self.tiers:
            return None
        tier = SemanticTier() if semantic is True else semantic
        if not isinstance(tier, SemanticTier):
            raise ConfigError(f"semantic is {tier!r}; pass True, False or a SemanticTier", setting="semantic")
        directory = directory_of(self.tiers)
        from .semantic_index import SemanticIndex

        made = SemanticIndex(tier, directory / SNAPSHOT_NAME if directory is not None else None)
        made.follow([tier_.store for tier_ in self.tiers], self.workers.spawn)
        return made

    @classmethod
    def from_config(cls, path: str | Path | None = None, **overrides: Any) -> Cache:
        """Build a cache from a TOML file, with environment overrides; see :mod:`askonce.cache.config`."""
        from .config import load_config

        return load_config(path).build(**overrides)

    def close(self) -> None:
        """Finish background work, save the index, release the stores. Closing twice is harmless."""
        with self._lock:
            if self._closed[0]:
                return
            self._closed[0] = True
        for callback in self._on_close:
            callback()
        self.learning.close()
        self.workers.close()
        if self.semantic is not None:
            self.semantic.close()
        self.learning.release()
        self.pipeline.versions.detach()
        for tier in self.tiers:
            with contextlib.suppress(AskonceError):
                tier.store.close()

    async def aclose(self) -> None:
        """As :meth:`close`, on an event loop."""
        await self.learning.aclose()
        await self.workers.drain()
        for tier in self.tiers:
            closer = getattr(tier.store, "aclose", None)
            if closer is not None:
                with contextlib.suppress(AskonceError):
                    await closer()
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()

    def tenant(self, name: str) -> Self:
        """A view of this cache whose answers no other tenant can be served: the name is part of every scope."""
        if not name:
            raise ConfigError("a tenant needs a name; use the cache itself for calls without one", setting="tenant")
        view = copy.copy(self)
        view.tenant_name = name
        return view

    # -- one call --------------------------------------------------------------------------------------

    def call(self, parts: Any, query: str | None, *, semantic: bool = True, tags: Tags = (), **info: Any) -> Call:
        """A call of this cache's tenant: ``parts`` (plain data) must match exactly, ``tags`` are as in ``controls``."""
        return Call(canonical([self.tenant_name, parts]), query, semantic=semantic, tags=check_tags(tags), **info)

    def openai_call(
        self, payload: Mapping[str, Any], *, endpoint: str = "chat", base_url: str = "https://api.openai.com/v1"
    ) -> Call:
        """The call an OpenAI request makes: ``cache.explain(cache.openai_call({"model": ..., "messages": ...}))``.

        Args:
            payload: Body of the request: what is given to ``create(...)``.
            endpoint: ``"chat"``, ``"responses"``, ``"completions"`` or ``"embeddings"``.
            base_url: Of the client; part of the key.

        Raises:
            ConfigError: There is no such endpoint.
            UncacheableCall: Such a request is never cached; the message says why.
        """
        from .openai_call import openai_call

        return openai_call(self, payload, endpoint, base_url)

    def look_first(self, call: Call, started: float) -> Given | tuple[Entry, Receipt] | None:
        """Ask the first tier before anything else: a fresh answer there, counted, needs no way at all. Else what it
        said, for :meth:`run`."""
        first = self.pipeline.first(call.key)
        if first is None:
            return None
        entry = step(first)
        if (
            type(entry) is Entry
            and self.pipeline.judge(entry, call.key, DEFAULT, self.clock.now(), call.tags) == "fresh"
            and (self._watch is None or not self._watch.due(entry))
        ):
            return entry, self.hit_receipt(entry, first.tier.name, started)
        return Given(first, entry)

    def run(
        self,
        call: Call,
        asked: Controls | None,
        ask: Callable[[], Answer],
        patience_s: float | None = None,
        given: Given | None = None,
    ) -> tuple[Outcome, Receipt]:
        """Answer ``call``, asking upstream with ``ask`` when there is no servable answer. Waits for another
        caller's identical call for at most ``patience_s``. ``given`` is what :meth:`look_first` found."""
        started = self.clock.monotonic()
        trace = Trace()
        counted = self._counted(ask)
        try:
            way = self.pipeline.resolve(call, asked, trace, patience_s)
            outcome = run_sync(way, counted, self.workers, given)
        except Exception as error:
            if not isinstance(error, NotCached):
                self.counters.failed()
            raise
        audit = self.learning.after(call, outcome, asked, trace)
        receipt = self.receipt(call, outcome, trace, started, audit is not None)
        if audit is not None:
            audit.start(counted)
        return outcome, receipt

    async def arun(
        self, call: Call, asked: Controls | None, ask: Callable[[], Awaitable[Answer]], patience_s: float | None = None
    ) -> tuple[Outcome, Receipt]:
        """As :meth:`run`, on an event loop."""
        started = self.clock.monotonic()
        trace = Trace()

        async def counted() -> Answer:
            answer = await ask()
            self.counters.spent(answer.usage.total, answer.cost_usd)
            return answer

        try:
            way = self.pipeline.resolve(call, asked, trace, patience_s)
            outcome = await run_async(way, counted, self.workers)
        except Exception as error:
            if not isinstance(error, NotCached):
                self.counters.failed()
            raise
        audit = self.learning.after(call, outcome, asked, trace)
        receipt = self.receipt(call, outcome, trace, started, audit is not None)
        if audit is not None:
            audit.astart(counted)
        return outcome, receipt

    def _counted(self, ask: Callable[[], Answer]) -> Callable[[], Answer]:
        def counted() -> Answer:
            answer = ask()
            self.counters.spent(answer.usage.total, answer.cost_usd)
            return answer

        return counted

    @property
    def has_memory(self) -> bool:
        """Whether the first tier is this process's memory, so that :meth:`peek` can find anything."""
        return self._memory is not None

    def peek(self, key: bytes) -> Entry | None:
        """The fresh entry in the memory tier, or None. Costs about a microsecond."""
        memory = self._memory
        if memory is None or self.ledger.news():
            return None
        try:
            entry = memory.get(key)
        except StoreError:
            return None
        if entry is None or (entry.expires is not None and self.clock.now() >= entry.expires):
            return None
        if entry.key != key or not self.ledger.valid(entry):
            return None
        if entry.tags and self.pipeline.versions.outdated(entry.tags, entry.created):
            return None
        if self._watch is not None and self._watch.due(entry):
            return None  # the full way can ask again
        return entry

    def memory_receipt(self, entry: Entry, started: float) -> Receipt:
        """Count and describe a hit in the memory tier."""
        return self.hit_receipt(entry, self.tiers[0].name, started)

    def hit_receipt(self, entry: Entry, tier: str, started: float) -> Receipt:
        """Count and describe an exact hit."""
        elapsed = (self.clock.monotonic() - started) * 1000
        receipt = Receipt(
            status="hit",
            tier=tier,
            key=entry.key.hex(),
            age_s=max(0.0, self.clock.now() - entry.created),
            query=entry.query,
            tokens_saved=entry.usage.prompt_tokens + entry.usage.completion_tokens,
            money_saved=entry.cost_usd,
            time_saved_ms=entry.cost_ms - elapsed if entry.cost_ms > elapsed else 0.0,
            elapsed_ms=elapsed,
            model=entry.model,
        )
        self.counters.note(receipt)
        set_last(receipt)
        return receipt

    def receipt(self, call: Call, outcome: Outcome, trace: Trace, started: float, audited: bool = False) -> Receipt:
        """Count and describe how a call ended."""
        elapsed = (self.clock.monotonic() - started) * 1000
        made = describe(call, outcome, trace, elapsed, self.clock.now(), audited)
        self.counters.note(made)
        set_last(made)
        return made

    # -- learning ------------------------------------------------------------------------------------------

    def report_wrong(self, receipt: Receipt, *, retire: bool = False) -> bool:
        """Tell the cache that an answer it served was wrong, so that it is not served so again.

        After a semantic hit the two questions are never served for each other again, and the error budget
        learns. After an exact hit the answer itself is wrong, and is retired.

        Args:
            receipt: Of the reply: ``reply.receipt``, ``receipt_of(answer)`` or ``last_receipt()``.
            retire: After a semantic hit, retire the stored answer too: it is wrong for its own question.

        Returns:
            As :meth:`invalidate` when something was retired; True otherwise.

        Raises:
            ConfigError: The receipt is not of a hit, or does not say which answer was served.
        """
        key = self.learning.wrong(receipt, retire)
        return self.invalidate(key=key) if key else True

    async def areport_wrong(self, receipt: Receipt, *, retire: bool = False) -> bool:
        """As :meth:`report_wrong`, without blocking the event loop."""
        return await asyncio.to_thread(self.report_wrong, receipt, retire=retire)

    def report_right(self, receipt: Receipt) -> None:
        """Tell the cache that a semantic hit was right: the error budget learns, and an earlier report that the
        two questions differ is taken back. Of an exact hit there is nothing to learn.

        Raises:
            ConfigError: As :meth:`report_wrong`.
        """
        self.learning.right(receipt)

    async def areport_right(self, receipt: Receipt) -> None:
        """As :meth:`report_right`, without blocking the event loop."""
        await asyncio.to_thread(self.report_right, receipt)

    def shadow_report(self) -> ShadowReport:
        """What the semantic tier would have saved, and how often wrongly, in the calls it was in shadow mode for
        (``SemanticTier(shadow=True)`` or ``controls(shadow=True)``)."""
        return self.learning.report()

    # -- invalidation ------------------------------------------------------------------------------------

    def invalidate(
        self,
        *,
        tag: str | None = None,
        model: str | None = None,
        scope: str | None = None,
        key: str | None = None,
        text: str | None = None,
        older_than: float | None = None,
        everything: bool = False,
    ) -> bool:
        """Retire stored answers at once, in O(1), in every process that shares the stores.

        Several conditions retire what meets any of them, not all.

        Args:
            tag: Entries carrying this tag.
            model: Entries made by this model.
            scope: Entries of this scope (hexadecimal digest, as in ``inspect``).
            key: The entry of this exact key (hexadecimal, as in a receipt).
            text: Entries made for this very question, in any scope.
            older_than: Entries made more than this many seconds ago.
            everything: All.

        Returns:
            True when all sharing processes will see it; False when the shared ledger is out of reach: it
            holds here at once and is handed in when the ledger is back.
        """
        tags = tags_for(tag, model, scope, key, text, older_than, everything, self.clock.now())
        done = self.ledger.bump(tags)
        if key is not None:
            for tier in self.tiers:
                with contextlib.suppress(StoreError):
                    tier.store.delete(bytes.fromhex(key))
            if self.semantic is not None:
                self.semantic.forget(bytes.fromhex(key))
        return done

    async def ainvalidate(self, **what: Any) -> bool:
        """As :meth:`invalidate`, without blocking the event loop."""
        return await asyncio.to_thread(self.invalidate, **what)

    def sweep(self) -> int:
        """Delete what can never be served again (invalidated, or past every grace) from all tiers and the
        index. Returns how many entries went. Not needed for correctness; it gives the space back."""
        self.ledger.refresh()
        gone = 0
        for tier in self.tiers:
            for key in list(tier.store.keys()):
                try:
                    entry = tier.store.get(key)
                    if entry is None or self.pipeline.judge(entry, key, DEFAULT, self.clock.now()) != "dead":
                        continue
                    gone += bool(tier.store.delete(key))
                except StoreError:
                    continue
                if self.semantic is not None:
                    self.semantic.forget(key)
        return gone

    # -- looking in ----------------------------------------------------------------------------------------

    def stats(self) -> Snapshot:
        """Counts since the cache was opened, and what each tier holds."""
        return take(self)

    def explain(self, call: Call) -> Explanation:
        """What would happen to ``call`` now, stage by stage, without asking upstream or changing anything."""
        from .explain import explain

        return explain(self, call, current())

    # -- surfaces ------------------------------------------------------------------------------------------

    def cached(self, query: str | Any | None = ..., **options: Any) -> Callable[[Callable[..., Any]], Any]:
        """Decorate a function that calls an LLM; see :func:`askonce.cache.decorator.cached`."""
        from .decorator import cached

        return cached(self, query, **options)

    def wrap(self, client: C) -> C:
        """A client of the same type whose calls are answered from this cache; see :mod:`askonce.cache.wrap`."""
        from .wrap import wrap

        return wrap(self, client)
