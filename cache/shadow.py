"""Labels that cost no call: a fresh answer beside the stored one that was not served.

In shadow mode the semantic tier decides and serves nothing: the call goes upstream, and what it brings is
compared with what would have been served. So a user sees what the tier would save and how often it would be
wrong before trusting it, and the error budget learns on the user's own traffic. The same is done for a share of
ordinary misses whose nearest candidate was rejected.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from ..forks import renew_after_fork
from .bounds import clopper_pearson
from .call import Call
from .lessons import Comparer, Lessons, case_of
from .policy import Answer
from .stats import Counters
from .way import Found, Trace

MOST_WAITING = 1000
RISKIEST = 0.5
"""Estimated risk above which a rejected candidate is not compared unless a rate was set."""


class ShadowReport(msgspec.Struct, kw_only=True, frozen=True):
    """What the semantic tier would have done since the cache was opened.

    Attributes:
        would_have_served: Calls that went upstream although the tier would have answered them.
        tokens, money, time_s: What that would have saved: tokens, US dollars, seconds.
        right, wrong, unclear: What comparing with the fresh answer said; unclear ones count as neither.
        waiting, dropped: Not compared yet; never compared (no whole answer came, or too many were waiting).
    """

    would_have_served: int = 0
    tokens: int = 0
    money: float = 0.0
    time_s: float = 0.0
    right: int = 0
    wrong: int = 0
    unclear: int = 0
    waiting: int = 0
    dropped: int = 0

    @property
    def wrong_share(self) -> float | None:
        """Share of the judged answers that would have been wrong; None when none was judged."""
        judged = self.right + self.wrong
        return self.wrong / judged if judged else None

    @property
    def wrong_at_most(self) -> float:
        """Upper end of the 95 % interval of that share (Clopper and Pearson 1934); 1 when none was judged."""
        judged = self.right + self.wrong
        return clopper_pearson(self.wrong, judged).high if judged else 1.0

    def as_dict(self) -> dict[str, Any]:
        """Plain data, with the two shares."""
        made: dict[str, Any] = msgspec.to_builtins(self)
        return made | {"wrong_share": self.wrong_share, "wrong_at_most": self.wrong_at_most}

    def __str__(self) -> str:
        if not self.would_have_served:
            return "shadow: the semantic tier would have served nothing yet"
        judged = self.right + self.wrong
        share = "none judged yet"
        if judged:
            share = (
                f"{self.wrong} of {judged} judged wrong ({self.wrong / judged:.1%}, at most {self.wrong_at_most:.1%})"
            )
        return (
            f"shadow: {self.would_have_served} calls would have been served, saving {self.tokens:,} tokens and "
            f"${self.money:.2f}; {share}, {self.unclear} unclear"
        )


class Shadow:
    """Compares, one after the other, on a daemon thread that starts when first needed.

    Args:
        comparer: Compares two answers.
        lessons: Is told the outcome.
        counters: Count faults.
        miss_rate: Share of the misses with a rejected candidate that is compared; None leaves it to the budget.
        rng: Chooses those.
    """

    def __init__(
        self, comparer: Comparer, lessons: Lessons, counters: Counters, miss_rate: float | None, rng: random.Random
    ) -> None:
        self._compare = comparer
        self._lessons = lessons
        self._counters = counters
        self._miss_rate = miss_rate
        self._rng = rng
        self._sums = {name: 0 for name in ShadowReport.__struct_fields__ if name not in ("money", "time_s", "waiting")}
        self._money = self._time_s = 0.0
        self.closed = False
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """In the child of a fork, and at the start: the thread is not here."""
        self._changed = threading.Condition()
        self._waiting: deque[Callable[[], None]] = deque()
        self._working = False

    def after_miss(self, call: Call, answer: Answer, trace: Trace) -> None:
        """A fresh answer has come. Costs microseconds; the comparison happens elsewhere."""
        withheld, passed = trace.withheld, trace.passed
        if withheld is not None:
            entry = withheld.entry
            with self._changed:
                self._sums["would_have_served"] += 1
                self._sums["tokens"] += entry.usage.total
                self._money += entry.cost_usd
                self._time_s += entry.cost_ms / 1000
            if answer.complete:
                self._put(lambda: self._judge(call, withheld, answer, "shadow"), "shadow")
            else:
                self._add("dropped")
        elif passed is not None and answer.complete and self._rng.random() < self._share(call, passed):
            self._put(lambda: self._judge(call, passed, answer, "miss"), "miss")

    def _share(self, call: Call, passed: Found) -> float:
        """How often a miss that passed by such a candidate is compared."""
        if self._miss_rate is not None:
            return self._miss_rate
        if passed.risk is None or passed.risk > RISKIEST:
            return 0.0  # a veto: nothing to learn for a budget that will never be asked about it
        plan = self._lessons.plan(case_of(call, passed), shadow=True)
        return plan[0] if plan is not None else 0.0

    def _judge(self, call: Call, found: Found, answer: Answer, source: str) -> None:
        agreed = self._compare(call.query, found.entry, answer).agreed
        if source == "shadow":
            self._add({True: "right", False: "wrong", None: "unclear"}[agreed])
        self._lessons.teach(case_of(call, found), agreed, source)

    def _add(self, name: str) -> None:
        with self._changed:
            self._sums[name] += 1

    def _put(self, work: Callable[[], None], source: str) -> None:
        with self._changed:
            if self.closed or len(self._waiting) >= MOST_WAITING:
                self._sums["dropped"] += source == "shadow"
                return
            self._waiting.append(work)
            if self._working:
                return
            self._working = True
        try:
            threading.Thread(target=self._run, name="askonce-shadow", daemon=True).start()
        except RuntimeError:
            with self._changed:
                self._working = False

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._waiting or self.closed:
                    self._working = False
                    self._changed.notify_all()
                    return
                work = self._waiting[0]
            try:
                work()
            except Exception:
                self._counters.audited("faults")
            with self._changed:
                self._waiting.popleft()

    def report(self) -> ShadowReport:
        """What was seen so far."""
        with self._changed:
            return ShadowReport(**self._sums, money=self._money, time_s=self._time_s, waiting=len(self._waiting))

    def wait(self, timeout_s: float = 10.0) -> bool:
        """Wait until everything is compared; False when that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._working, timeout_s)

    def close(self) -> None:
        """Compare no more."""
        self.closed = True
