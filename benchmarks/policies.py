"""Rules at work on a stream: what each does with a lookup, and what it learns from it."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from askonce.cache.budget import ErrorBudget
from askonce.cache.semantic import SECOND_OPINIONS, Candidate, Decision, Verdict
from askonce.cache.verifier import REMEMBERED

from .rivals import VCache

CANDIDATES = 5
"""Stored questions a rule may look at in one lookup, as in the semantic tier."""


class Choice(NamedTuple):
    """What a policy does with one lookup.

    Attributes:
        served: Place of the stored question whose answer is served; -1 for none.
        second: The slow second opinion read a pair that it does not remember.
        explored: Place of a stored question that is not served and whose answer is compared with the fresh one;
            -1 for none.
        audited: The served answer is also asked upstream, off the way.
        risk: The rule's own estimate that what it serves, or compares, is wrong.
        weight: Of the audit, for the error budget.
    """

    served: int = -1
    second: bool = False
    explored: int = -1
    audited: bool = False
    risk: float | None = None
    weight: float = 1.0


MISS = Choice()


class Policy(Protocol):
    """A rule at work on one stream. ``choose`` gets the nearest stored questions, nearest first.

    Attributes:
        floor: Cosine below which it does not look.
        candidates: How many stored questions it looks at.
        exact_tier: Stands behind an exact tier; otherwise it meets identical questions, too.
        indexes_known: A question asked upstream can be found by later ones even if a stored answer turned out
            right for it; vCache keeps one entry an answer.
    """

    floor: float
    candidates: int
    exact_tier: bool
    indexes_known: bool

    def choose(self, asked: int, ids: Sequence[int], cosines: Sequence[float]) -> Choice: ...

    def learn(self, asked: int, choice: Choice, cosine: float, right: bool) -> None:
        """The truth about an explored or audited answer."""


class Static:
    """One threshold on one cosine."""

    candidates = 1
    exact_tier = True
    indexes_known = True

    def __init__(self, threshold: float) -> None:
        self.floor = threshold

    def choose(self, asked: int, ids: Sequence[int], cosines: Sequence[float]) -> Choice:
        return Choice(ids[0]) if ids and cosines[0] >= self.floor else MISS

    def learn(self, asked: int, choice: Choice, cosine: float, right: bool) -> None:
        pass


class Explorer:
    """vCache: the nearest stored question is explored or served.

    Args:
        rule: Fresh.
        floor: Cosine below which a stored question counts as none.
        exact_tier: False for vCache as it is published, which explores identical questions, too.
    """

    candidates = 1
    indexes_known = False

    def __init__(self, rule: VCache, floor: float, *, exact_tier: bool = True) -> None:
        self.rule = rule
        self.exact_tier = exact_tier
        self.floor = floor

    def choose(self, asked: int, ids: Sequence[int], cosines: Sequence[float]) -> Choice:
        if not ids:
            return MISS
        if self.rule.explores(ids[0], cosines[0]):
            return Choice(explored=ids[0])
        return Choice(ids[0])

    def learn(self, asked: int, choice: Choice, cosine: float, right: bool) -> None:
        self.rule.learn(choice.explored, cosine, right)


class Judge:
    """A decision's verdicts on pairs of a pool, each computed once, whichever stream asks.

    Only for decisions that say the same of a pair at any time.
    """

    def __init__(self, decision: Decision, texts: Sequence[str]) -> None:
        self.decision = decision
        self.floor = decision.floor
        self._texts = texts
        self._quick: dict[tuple[int, int], Verdict] = {}
        self._slow: dict[tuple[int, int], Verdict] = {}

    def _candidate(self, asked: int, cached: int, cosine: float) -> Candidate:
        return Candidate(self._texts[asked], self._texts[cached], cosine)

    def quick(self, asked: int, cached: int, cosine: float) -> Verdict:
        verdict = self._quick.get((asked, cached))
        if verdict is None:
            verdict = self.decision.decide(self._candidate(asked, cached, cosine))
            self._quick[asked, cached] = verdict
        return verdict

    def slow(self, asked: int, cached: int, cosine: float) -> Verdict:
        verdict = self._slow.get((asked, cached))
        if verdict is None:
            settle: Callable[[Candidate], Verdict] | None = getattr(self.decision, "settle", None)
            verdict = Verdict(False, "") if settle is None else settle(self._candidate(asked, cached, cosine))
            self._slow[asked, cached] = verdict
        return verdict


class Reader:
    """Asks a judge as the pipeline asks a decision: a lookup has a few second opinions on pairs that are new, and any
    number on pairs read lately, which a verifier remembers. One per stream."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._pairs: OrderedDict[tuple[int, int], None] = OrderedDict()

    def verdict(self, asked: int, cached: int, cosine: float, second: int) -> tuple[Verdict | None, int]:
        """The verdict on a pair, or None where it may not be had, and how many new pairs were read by then.

        Args:
            second: So many were read in this lookup already.
        """
        quick = self._judge.quick(asked, cached, cosine)
        if not quick.unsure:
            return quick, second
        known = (asked, cached) in self._pairs
        if second >= SECOND_OPINIONS and not known:
            return None, second
        self._pairs[asked, cached] = None
        self._pairs.move_to_end((asked, cached))
        if len(self._pairs) > REMEMBERED:
            self._pairs.popitem(last=False)
        return self._judge.slow(asked, cached, cosine), second + (not known)


class Judged:
    """A decision that is the same for a pair at any time, asked as the pipeline asks it."""

    candidates = CANDIDATES
    exact_tier = True
    indexes_known = True

    def __init__(self, judge: Judge) -> None:
        self.floor = judge.floor
        self._reader = Reader(judge)

    def choose(self, asked: int, ids: Sequence[int], cosines: Sequence[float]) -> Choice:
        second = 0
        for cached, cosine in zip(ids, cosines, strict=True):
            verdict, second = self._reader.verdict(asked, cached, cosine, second)
            if verdict is not None and verdict.serve:
                return Choice(cached, second > 0, risk=verdict.risk)
        return Choice(second=second > 0)

    def learn(self, asked: int, choice: Choice, cosine: float, right: bool) -> None:
        pass


class Budgeted:
    """Risks spent by an error budget that learns from audits and from comparisons on the way.

    A served hit is audited by the budget's plan: it is asked upstream once more, the fresh answer is stored, and a
    wrong pair is never served again. Where the budget wants to know of a candidate it did not serve, the answer that
    was asked for anyway is compared.

    Args:
        judge: Gives the risks; what it would not serve whatever the budget, it does not serve.
        budget: Fresh.
        rng: Draws the audits.
    """

    candidates = CANDIDATES
    exact_tier = True
    indexes_known = True

    def __init__(self, judge: Judge, budget: ErrorBudget, rng: random.Random) -> None:
        self.budget = budget
        self.floor = judge.floor
        self._reader = Reader(judge)
        self._rng = rng
        self._different: set[tuple[int, int]] = set()

    @property
    def tripped(self) -> bool:
        return self.budget.tripped

    def choose(self, asked: int, ids: Sequence[int], cosines: Sequence[float]) -> Choice:
        second = 0
        passed: Choice | None = None
        for cached, cosine in zip(ids, cosines, strict=True):
            if (min(asked, cached), max(asked, cached)) in self._different:
                continue
            verdict, second = self._reader.verdict(asked, cached, cosine, second)
            if verdict is None or not verdict.serve or verdict.risk is None:
                continue
            key = cached.to_bytes(16, "big")
            allowance = self.budget.allow(verdict.risk, b"", key)
            if allowance.serve:
                self.budget.served(verdict.risk, b"", key)
                plan = self.budget.audit_plan(verdict.risk, b"", key)
                audited = self._rng.random() < plan.rate
                return Choice(cached, second > 0, audited=audited, risk=verdict.risk, weight=plan.weight)
            if allowance.shadow and passed is None:
                plan = self.budget.audit_plan(verdict.risk, b"", key, shadow=True)
                if self._rng.random() < plan.rate:
                    passed = Choice(explored=cached, risk=verdict.risk)
        return (MISS if passed is None else passed)._replace(second=second > 0)

    def learn(self, asked: int, choice: Choice, cosine: float, right: bool) -> None:
        cached = choice.served if choice.audited else choice.explored
        source = "audit" if choice.audited else "shadow"
        if not right:
            self._different.add((min(asked, cached), max(asked, cached)))
        assert choice.risk is not None
        self.budget.learn(right, choice.risk, b"", cached.to_bytes(16, "big"), source=source, weight=choice.weight)
