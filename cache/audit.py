"""Audits: a sampled share of the hits is asked upstream again, off the caller's path, and the answers compared.

The served answer has long been returned when an audit begins. What it finds teaches the error budget (was a
semantic hit right?) and the drift policy (is an old answer still right?), and the fresh answer is stored for the
question that was asked. An audit is the only thing that sees the wrong hits nobody complains about.

Audits cost calls, so they are bounded: a share, how many at a time, tokens per day, and a hook that says whether
there is capacity to spare. What goes wrong in one is counted and otherwise without effect.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any

from ..clock import Clock
from ..entry import Entry
from ..errors import ConfigError
from ..forks import renew_after_fork
from .agreement import Agreement, Judge, Similarity
from .call import Call
from .controls import Controls, controls
from .drivers import Workers, run_async, run_sync
from .lessons import Comparer, Lessons, case_of
from .pipeline import Pipeline
from .policy import Answer
from .stats import Counters
from .way import Ask, Compute, Fault, Found, Outcome, Trace, Wait, Way

RATE = 0.02
"""Share of the semantic hits that is audited where no budget says otherwise."""

LOST_S = 600.0
"""Seconds after which an audit that has not ended (its event loop stopped, say) no longer holds its place."""

DAY_S = 86400.0
MOST_DUE = 1024
_UNREPEATABLE = frozenset({"openai.embeddings"})


class Audits:
    """Settings of the audits.

    Without this, a cache whose decision has an error budget audits with the defaults, and any other does not
    audit. Audits need a surface that can ask again: decorated functions (they are *called* again: give
    ``controls(audit=False)`` to calls with side effects), wrapped clients and the transport can.

    Args:
        rate: Share of the semantic hits that is audited (0..1). None leaves it to the error budget, which audits more
            while it knows little and where it is risky; without one it is 0.02.
        exact_rate: Share of the exact hits at least ``exact_after`` seconds old: what has changed meanwhile? With a
            drift policy, that policy says which are due, and zero is still none.
        exact_after: Seconds. Younger exact hits are not audited.
        max_concurrent: Audits under way at a time; a hit beyond it is not audited.
        tokens_per_day: Tokens that audits may be billed per UTC day, as far as they can be told beforehand from
            what the stored answer took; None is no bound.
        compare: ``"exact"``, or a function ``(served, fresh) -> bool | None`` of the answers (text or plain
            data); None compares by :func:`askonce.cache.agreement.compare`.
        judge: ``(question, served, fresh) -> bool | None``, asked off the caller's path about answers that are
            not equal; :func:`askonce.cache.agreement.model_judge` makes one of a model.
        similarity: ``(text, text) -> 0..1 or None`` for free text; None takes the cache's embedder.
        miss_rate: Share of the misses with a rejected candidate whose fresh answer is compared with the
            candidate's: labels that cost no call. None leaves it to the error budget; without one it is 0.
        spare: Says whether there is capacity for one more call now; None is always.
        deadline_s: Seconds a comparison (a judge's answer included) may take.
        always: False: only when the decision has an error budget.

    Raises:
        ConfigError: A setting is out of its range.
    """

    def __init__(
        self,
        rate: float | None = None,
        *,
        exact_rate: float = 0.002,
        exact_after: float = DAY_S,
        max_concurrent: int = 1,
        tokens_per_day: int | None = 200_000,
        compare: str | Callable[[Any, Any], bool | None] | None = None,
        judge: Judge | None = None,
        similarity: Similarity | None = None,
        miss_rate: float | None = None,
        spare: Callable[[], bool] | None = None,
        deadline_s: float = 60.0,
        always: bool = True,
    ) -> None:
        for name, share in (("rate", rate), ("exact_rate", exact_rate), ("miss_rate", miss_rate)):
            if share is not None and not 0 <= share <= 1:
                raise ConfigError(f"audits: {name} is {share!r}; it is a share from 0 to 1", setting=f"audits.{name}")
        for name, value in (("exact_after", exact_after), ("tokens_per_day", tokens_per_day or 0)):
            if not value >= 0:
                raise ConfigError(f"audits: {name} is {value!r}; it must be zero or more", setting=f"audits.{name}")
        for name, value in (("max_concurrent", max_concurrent), ("deadline_s", deadline_s)):
            if not value > 0:
                raise ConfigError(
                    f"audits: {name} is {value!r}; it must be greater than zero", setting=f"audits.{name}"
                )
        if compare is not None and compare != "exact" and not callable(compare):
            raise ConfigError(
                f"audits: compare is {compare!r}; it is 'exact', a function of two answers, or None",
                setting="audits.compare",
            )
        self.rate = rate
        self.exact_rate = exact_rate
        self.exact_after = exact_after
        self.max_concurrent = max_concurrent
        self.tokens_per_day = tokens_per_day
        self.compare = compare
        self.judge = judge
        self.similarity = similarity
        self.miss_rate = miss_rate
        self.spare = spare
        self.deadline_s = deadline_s
        self.always = always


class Job:
    """One audit: what was asked and what was served. It holds a place until it is released."""

    __slots__ = ("asked", "auditor", "call", "found", "reserved", "trace", "weight")

    def __init__(
        self, auditor: Auditor, call: Call, found: Found, asked: Controls, trace: Trace, weight: float, reserved: int
    ) -> None:
        self.auditor = auditor
        self.call = call
        self.found = found
        self.asked = Controls(refresh=True, ttl=asked.ttl, tags=asked.tags)
        self.trace = Trace()
        self.trace.vector = trace.vector
        self.weight = weight
        self.reserved = reserved

    def start(self, ask: Callable[[], Answer]) -> None:
        """Audit on a thread of its own, asking with ``ask``."""
        self.auditor.start(self, ask)

    def astart(self, ask: Callable[[], Awaitable[Answer]]) -> None:
        """Audit as a task of the running event loop."""
        self.auditor.astart(self, ask)


class Auditor:
    """Chooses hits to audit and carries the audits out.

    Args:
        settings: How much.
        comparer: Compares two answers.
        lessons: Is told the outcome.
        pipeline: Stores the fresh answers.
        workers: Of the cache; carries out what the way yields.
        counters: Of the cache.
        clock: Time.
        rng: Chooses.
    """

    def __init__(
        self,
        settings: Audits,
        comparer: Comparer,
        lessons: Lessons,
        pipeline: Pipeline,
        workers: Workers,
        counters: Counters,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self.settings = settings
        self._compare = comparer
        self._lessons = lessons
        self._pipeline = pipeline
        self._workers = workers
        self._counters = counters
        self._clock = clock
        self._rng = rng
        self._day = 0.0
        self._tokens = 0
        self.closed = False
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """In the child of a fork, and at the start: the parent's audits are not here."""
        self._idle = threading.Condition()
        self._busy: dict[Job, float] = {}
        self._due: set[bytes] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    # -- choosing --------------------------------------------------------------------------------------

    def due(self, entry: Entry) -> bool:
        """Whether this exact hit, about to be served by a shortcut that cannot ask again, should take the full
        way instead, where it is audited. Costs a comparison for young entries."""
        if self.closed:
            return False
        if entry.key in self._due:
            return True  # told so by another shortcut on the way of the same call
        if not self._wanted(entry) or not self._room():
            return False
        if len(self._due) >= MOST_DUE:
            self._due.clear()
        self._due.add(entry.key)
        return True

    def choose(self, call: Call, outcome: Outcome, asked: Controls, trace: Trace) -> Job | None:
        """The audit of this hit when it is to be audited; it is to be started."""
        found = outcome.found
        if found is None or outcome.status != "hit" or self.closed or not asked.audit or asked.only_if_cached:
            return None
        entry = found.entry
        if entry.kind in _UNREPEATABLE:
            return None
        weight = 1.0
        if found.tier == "semantic":
            rate, weight = self._plan(call, found)
            if self._rng.random() >= rate:
                return None
        elif entry.key in self._due:
            self._due.discard(entry.key)
        elif not self._wanted(entry):
            return None
        return self._take(call, found, asked, trace, weight)

    def _plan(self, call: Call, found: Found) -> tuple[float, float]:
        """Share of such semantic hits to audit, and what one audit counts."""
        if self.settings.rate is not None:
            return self.settings.rate, 1.0
        return self._lessons.plan(case_of(call, found)) or (RATE, 1.0)

    def _wanted(self, entry: Entry) -> bool:
        """Whether this exact hit is to be audited, room permitting."""
        settings, drift = self.settings, self._lessons.drift
        if not settings.exact_rate or entry.kind in _UNREPEATABLE:
            return False
        if drift is not None:
            return drift.due(entry.scope, entry.tags, entry.key, entry.created, self._clock.now())
        if self._clock.now() - entry.created < settings.exact_after:
            return False
        return self._rng.random() < settings.exact_rate

    def _room(self) -> bool:
        lost = self._clock.monotonic() - LOST_S
        return sum(since > lost for since in list(self._busy.values())) < self.settings.max_concurrent

    def _take(self, call: Call, found: Found, asked: Controls, trace: Trace, weight: float) -> Job | None:
        """A place for one more audit, if there is one."""
        settings = self.settings
        try:
            if settings.spare is not None and not settings.spare():
                self._counters.audited("skipped")
                return None
        except Exception:
            self._counters.audited("faults")
            return None
        expected = found.entry.usage.total
        with self._idle:
            day = self._clock.now() // DAY_S
            if day != self._day:
                self._day, self._tokens = day, 0
            over = settings.tokens_per_day is not None and self._tokens + expected > settings.tokens_per_day
            same = any(job.call.key == call.key for job in self._busy)
            if over or same or not self._room():
                self._counters.audited("skipped")
                return None
            self._tokens += expected
            job = Job(self, call, found, asked, trace, weight, expected)
            self._busy[job] = self._clock.monotonic()
            return job

    def _release(self, job: Job) -> None:
        with self._idle:
            self._busy.pop(job, None)
            self._idle.notify_all()

    # -- the way of one audit --------------------------------------------------------------------------

    def way(self, job: Job) -> Way:
        """Ask again, store, compare, teach."""
        pipeline, entry = self._pipeline, job.found.entry
        yield from pipeline.learn()
        seq = pipeline.ledger.seq
        answer: Answer = yield Ask(None)
        self._settle(job, answer)
        if self.closed:
            return
        if not answer.complete:
            self._counters.audited("failed")
            return
        # First, so that the call was not made for nothing whatever the comparison does.
        yield from pipeline.store(job.call, answer, seq, job.asked, job.trace)
        compare = _aside(lambda: self._compare(job.call.query, entry, answer))
        agreement = yield Wait(compare, self.settings.deadline_s, "audit")
        if isinstance(agreement, Fault):
            agreement = Agreement(None, str(agreement))
        self._counters.audited({True: "agreed", False: "disagreed", None: "unclear"}[agreement.agreed])
        case, right, weight = case_of(job.call, job.found), agreement.agreed, job.weight
        retired = yield Compute(lambda: self._lessons.teach(case, right, "audit", weight), True, "audit")
        if retired is True:  # not a Fault; what was retired does not include the answer that showed it
            yield from pipeline.outlast(job.call, answer, seq, job.asked, job.trace)

    def _settle(self, job: Job, answer: Answer) -> None:
        """Put what the call was billed in the place of what was expected."""
        self._counters.audited("tokens", answer.usage.total)
        with self._idle:
            self._tokens += answer.usage.total - job.reserved

    # -- carrying out ------------------------------------------------------------------------------------

    def start(self, job: Job, ask: Callable[[], Answer]) -> None:
        """Run the audit on a thread of its own, which nobody waits for."""
        context = contextvars.copy_context()

        def run() -> None:
            try:
                # Caches inside what is asked would give the answer that is in doubt.
                with controls(refresh=True):
                    run_sync(self.way(job), ask, self._workers)
            except BaseException:
                self._failed()
            finally:
                self._release(job)

        try:
            threading.Thread(target=context.run, args=(run,), name="askonce-audit", daemon=True).start()
        except RuntimeError:  # no more threads, or the interpreter is going down
            self._failed()
            self._release(job)

    def astart(self, job: Job, ask: Callable[[], Awaitable[Answer]]) -> None:
        """Run the audit as a task of the running event loop."""

        async def run() -> None:
            try:
                with controls(refresh=True):
                    await run_async(self.way(job), ask, self._workers)
            except Exception:
                self._failed()
            finally:
                self._release(job)

        task = asyncio.get_running_loop().create_task(run())
        task.add_done_callback(lambda done: self._ended(done, job))
        self._tasks.add(task)

    def _ended(self, task: asyncio.Task[Any], job: Job) -> None:
        self._tasks.discard(task)
        self._release(job)  # again: a task that is cancelled before its first step runs no ``finally``

    def _failed(self) -> None:
        if not self.closed:
            self._counters.audited("failed")

    # -- ending ------------------------------------------------------------------------------------------

    def wait(self, timeout_s: float = 10.0) -> bool:
        """Wait until no audit is under way; False when that takes longer. Not from an event loop's thread."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._busy, timeout_s)

    async def await_idle(self, timeout_s: float = 10.0) -> bool:
        """As :meth:`wait`, for the audits of the running event loop."""
        mine = self._mine()
        return not mine or not (await asyncio.wait(mine, timeout=timeout_s))[1]

    def close(self) -> None:
        """Begin no more; what is under way is left to end without effect."""
        self.closed = True

    async def aclose(self) -> None:
        """As :meth:`close`; the audits of this event loop are called off."""
        self.closed = True
        mine = self._mine()
        for task in mine:
            task.cancel()
        if mine:
            await asyncio.wait(mine, timeout=1.0)

    def _mine(self) -> list[asyncio.Task[Any]]:
        loop = asyncio.get_running_loop()
        return [task for task in list(self._tasks) if task.get_loop() is loop and not task.done()]


def _aside(work: Callable[[], Agreement]) -> Callable[[bool], Future[Agreement]]:
    """``work`` as a command's beginning: here, or on a daemon thread that closing does not wait for."""

    def begin(here: bool) -> Future[Agreement]:
        future: Future[Agreement] = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        if here:
            run()
        else:
            context = contextvars.copy_context()
            threading.Thread(target=context.run, args=(run,), name="askonce-compare", daemon=True).start()
        return future

    return begin
