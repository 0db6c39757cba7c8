"""The side of a cache that learns: its audits, its shadow mode, its users' reports, and who is told of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from .audit import Auditor, Audits, Job
from .call import Call
from .controls import DEFAULT, Controls
from .keeping import FILE, Keeping, Meeting
from .lessons import Case, Comparer, Lessons, case_of
from .negatives import DATABASE, Negatives
from .policy import Answer
from .receipt import Receipt
from .shadow import Shadow, ShadowReport
from .tiers import Tier
from .way import Outcome, Trace

if TYPE_CHECKING:
    from .core import Cache
    from .drift_policy import DriftPolicy


class Learning:
    """Built by :class:`~askonce.cache.core.Cache`.

    Args:
        cache: Open but for this: its pipeline, workers, counters and clock are used.
        audits, drift: As the cache's arguments.
        states: Where the budgets of several processes meet, the URL of a Redis, or None.
        rng: Chooses what is audited.
    """

    def __init__(
        self,
        cache: Cache,
        audits: Audits | bool | None,
        drift: DriftPolicy | None,
        states: Meeting | str | None,
        rng: random.Random,
    ) -> None:
        pipeline, workers, counters, clock = cache.pipeline, cache.workers, cache.counters, cache.clock
        semantic, directory = pipeline.semantic, directory_of(cache.tiers)
        budget = getattr(semantic.decision, "budget", None) if semantic is not None else None
        negatives = semantic.negatives if semantic is not None else Negatives(clock=clock)
        if semantic is not None and directory is not None:
            negatives.attach(directory / DATABASE)
        self.counters = counters
        self.lessons = Lessons(negatives, budget, drift, pipeline.ledger, counters, clock)
        if budget is not None and hasattr(budget, "tighten"):
            pipeline.tighten = budget.tighten
        self.keeping: Keeping | None = None
        if budget is not None and hasattr(budget, "encode"):
            self.keeping = Keeping(
                budget, directory / FILE if directory is not None else None, states, workers.spawn, clock
            )
            self.lessons.noted = self.keeping.note
        settings = audits if isinstance(audits, Audits) else Audits()
        likeness = semantic.likeness if semantic is not None else None
        comparer = Comparer(settings.similarity or likeness, settings.compare, settings.judge)
        self.shadow: Shadow | None = None
        if semantic is not None:
            self.shadow = Shadow(comparer, self.lessons, counters, 0.0 if audits is False else settings.miss_rate, rng)
        self.auditor: Auditor | None = None
        wanted = budget is not None or (audits is not None and settings.always)
        if pipeline.tiers and wanted and audits is not False:
            self.auditor = Auditor(settings, comparer, self.lessons, pipeline, workers, counters, clock, rng)
        # What a hit in memory looks at: None unless exact hits are audited.
        self.watch = self.auditor if settings.exact_rate > 0 else None

    def after(self, call: Call, outcome: Outcome, asked: Controls | None, trace: Trace) -> Job | None:
        """What a call's end teaches. A hit gives its audit, when it was chosen for one: the caller's way to ask
        again is to be handed to it. A miss is compared with the stored answer that was passed by."""
        found = outcome.found
        if found is not None:
            if found.tier == "semantic" and outcome.status == "hit":
                self.lessons.served(case_of(call, found))
            return self.auditor.choose(call, outcome, asked or DEFAULT, trace) if self.auditor is not None else None
        if outcome.answer is not None and outcome.status == "miss":
            self.compare(call, outcome.answer, trace)
        return None

    def compare(self, call: Call, answer: Answer, trace: Trace) -> None:
        """Have a fresh answer compared with the stored one that was withheld or rejected, if there was one."""
        if self.shadow is not None and (trace.withheld is not None or trace.passed is not None):
            self.shadow.after_miss(call, answer, trace)

    # -- reports ---------------------------------------------------------------------------------------

    def wrong(self, receipt: Receipt, retire: bool) -> str:
        """Learn that the answer of a receipt was wrong. Gives the key of the entry to retire, or an empty text."""
        case = _reported(receipt)
        self.counters.audited("reported_wrong")
        if not case.semantic:
            return case.key.hex()
        self.lessons.teach(case, False, "report")
        return case.key.hex() if retire else ""

    def right(self, receipt: Receipt) -> None:
        """Learn that the answer of a receipt was right."""
        case = _reported(receipt)
        self.counters.audited("reported_right")
        if case.semantic:
            self.lessons.teach(case, True, "report")

    def report(self) -> ShadowReport:
        """What the shadow mode saw."""
        return self.shadow.report() if self.shadow is not None else ShadowReport()

    # -- looking in, ending ------------------------------------------------------------------------------

    def figures(self) -> dict[str, Any]:
        """The fields of a Snapshot that are about learning."""
        counts, shadow = dict(self.counters.audits), self.report()
        made: dict[str, Any] = {f"audits_{n}": counts.get(n, 0) for n in (*_ENDINGS, "failed", "skipped")}
        made["audits"] = sum(counts.get(name, 0) for name in _ENDINGS)
        made |= {f"audit_{name}": counts.get(name, 0) for name in ("tokens", "faults")}
        made |= {name: counts.get(name, 0) for name in ("retired", "reported_wrong", "reported_right")}
        made["negatives"] = len(self.lessons.negatives)
        made["budget"] = self.lessons.meter()
        made["shadow"] = shadow.as_dict() if shadow.would_have_served else None
        return made

    def wait(self, timeout_s: float = 10.0) -> bool:
        """Wait until nothing is being audited or compared; False when that takes longer. For the ends of scripts
        and tests; not from an event loop's thread, whose audits it would keep from ending."""
        audited = self.auditor is None or self.auditor.wait(timeout_s)
        return (self.shadow is None or self.shadow.wait(timeout_s)) and audited

    def close(self) -> None:
        """Begin nothing more; wait for nothing."""
        if self.auditor is not None:
            self.auditor.close()
        if self.shadow is not None:
            self.shadow.close()

    async def aclose(self) -> None:
        """As :meth:`close`; the audits of the running event loop are called off."""
        if self.auditor is not None:
            await self.auditor.aclose()
        self.close()

    def release(self) -> None:
        """Keep what is known and let go of the files, last."""
        if self.keeping is not None:
            self.keeping.close()
        self.lessons.negatives.close()


_ENDINGS = ("agreed", "disagreed", "unclear")


def directory_of(tiers: Sequence[Tier]) -> Path | None:
    """Where the disk tier keeps its files, when there is one."""
    found = next((getattr(tier.store, "directory", None) for tier in tiers if tier.name == "disk"), None)
    return Path(found) if found is not None else None


def check(audits: Any) -> None:
    """Raises ConfigError when the cache's argument is none that it takes."""
    if not isinstance(audits, Audits | bool | None):
        raise ConfigError(f"audits is {audits!r}; pass an Audits, True, False or None", setting="audits")


def _reported(receipt: Any) -> Case:
    """The case a receipt tells of. Raises ConfigError when it tells of none."""
    if not isinstance(receipt, Receipt):
        raise ConfigError(
            f"a report needs a Receipt, not a {type(receipt).__name__}: take receipt_of(answer), reply.receipt or "
            "last_receipt()",
            setting="receipt",
        )
    if receipt.status not in ("hit", "stale"):
        raise ConfigError(
            f"this receipt is of a {receipt.status}, not of a hit: the answer did not come from the cache; give it the "
            "receipt of the reply whose answer was served",
            setting="receipt",
        )
    try:
        if receipt.tier != "semantic":
            return Case(receipt.query, None, b"", bytes.fromhex(receipt.key), 0.0, semantic=False)
        key, scope = bytes.fromhex(receipt.matched_key), bytes.fromhex(receipt.scope)
    except ValueError:
        key = scope = b""
    if not key or not scope or receipt.query is None:
        raise ConfigError("this receipt does not say which stored answer was served", setting="receipt")
    # Questions that are equal need no ``matched_query``; the pair is then of the question with itself.
    matched = receipt.query if receipt.matched_query is None else receipt.matched_query
    return Case(receipt.query, matched, scope, key, receipt.risk)
