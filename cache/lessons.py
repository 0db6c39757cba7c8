"""What is learned from comparing a served answer with a fresh one, and whom it is told.

The lesson comes from an audit, from the shadow mode, from a miss or from a user's report; it goes to the error
budget (if the decision has one), to the memory of negative pairs, and to the drift policy (if there is one),
whose retirements go into the ledger. Nothing here raises: a lesson lost is a lesson lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import msgspec

from ..clock import Clock
from ..entry import Entry
from .agreement import Agreement, Judge, Similarity, Unreadable, as_text, compare, content, exactly
from .call import Call
from .drift_policy import DriftPolicy, carry_out
from .ledger import Ledger
from .negatives import Negatives
from .policy import Answer
from .stats import Counters
from .way import Found


class Budget(Protocol):
    """What is used here of an error budget (:mod:`askonce.cache.budget`)."""

    def served(self, risk: float, scope: bytes = b"", key: bytes = b"") -> None:
        """A semantic hit of estimated ``risk`` was served."""

    def audit_plan(self, risk: float, scope: bytes = b"", key: bytes = b"", *, shadow: bool = False) -> Any:
        """``rate`` and ``weight`` of the audits of such a hit, or of such a candidate that was not served."""

    def learn(
        self,
        right: bool | None,
        risk: float,
        scope: bytes = b"",
        key: bytes = b"",
        *,
        source: str = "audit",
        weight: float = 1.0,
    ) -> None:
        """What a hit of estimated ``risk`` turned out to be; None: it could not be told."""

    def state(self) -> Any:
        """The meter: plain data, or a Struct."""


class Case(NamedTuple):
    """One stored answer and the question it served, or would have.

    Attributes:
        asked: The question asked; None when it has no text.
        cached: The question the answer was made for.
        scope: Digest of everything else.
        key: Exact key of the stored answer.
        risk: Estimated probability that it is wrong for ``asked``; None when nobody estimated it.
        semantic: Whether the two questions are different ones.
        tags: What the stored answer carries.
    """

    asked: str | None
    cached: str | None
    scope: bytes
    key: bytes
    risk: float | None = None
    semantic: bool = True
    tags: tuple[str, ...] = ()


def case_of(call: Call, found: Found) -> Case:
    """The case of a stored answer that was found for a call."""
    entry = found.entry
    return Case(call.query, entry.query, entry.scope, entry.key, found.risk, found.tier == "semantic", entry.tags)


class Comparer:
    """Compares two answers by the rules a user chose; may take milliseconds, or as long as a user's judge does.

    Args:
        similarity: How alike two texts are; None compares words.
        how: ``"exact"``, or a function ``(served, fresh) -> bool | None`` of the answers' contents (text or
            plain data), in place of :func:`~askonce.cache.agreement.compare`.
        judge: Asked about every two answers that are not equal; its word is final, None is *cannot tell*.
    """

    def __init__(
        self,
        similarity: Similarity | None = None,
        how: str | Callable[[Any, Any], bool | None] | None = None,
        judge: Judge | None = None,
    ) -> None:
        self._similarity = similarity
        self._how = how
        self._judge = judge

    def __call__(self, question: str | None, entry: Entry, answer: Answer) -> Agreement:
        """Whether ``answer``, just made for ``question``, says what ``entry`` says. Never raises."""
        try:
            old, new = content(entry.kind, entry.body), content(answer.kind, answer.body)
            if callable(self._how):
                return _said(self._how(old, new), "the user's comparison")
            if self._how == "exact":
                return exactly(old, new)
            if self._judge is not None and old != new:
                return _said(self._judge(question or "", as_text(old), as_text(new)), "the judge")
            return compare(old, new, self._similarity)
        except Unreadable as error:
            return Agreement(None, str(error))
        except Exception as error:
            return Agreement(None, f"the comparison failed ({type(error).__name__})")


def _said(found: Any, who: str) -> Agreement:
    """What a user's function meant; anything but True and False is *cannot tell*."""
    agreed = found if isinstance(found, bool) else None
    word = {True: "the same", False: "different", None: "cannot tell"}[agreed]
    return Agreement(agreed, f"{who} says: {word}")


class Lessons:
    """Tells everyone concerned what a comparison gave.

    Args:
        negatives: Pairs never to be served again.
        budget: The decision's error budget, or None.
        drift: The drift policy, or None.
        ledger: Takes what is to be retired.
        counters: Count faults.
        clock: Time.
    """

    def __init__(
        self,
        negatives: Negatives,
        budget: Budget | None,
        drift: DriftPolicy | None,
        ledger: Ledger,
        counters: Counters,
        clock: Clock,
    ) -> None:
        self.negatives = negatives
        self.budget = budget
        self.drift = drift
        self.noted: Callable[[], None] = _nothing  # told that the budget has taken note of something
        self._ledger = ledger
        self._counters = counters
        self._clock = clock

    def served(self, case: Case) -> None:
        """A semantic hit went out. Costs microseconds."""
        if self.budget is None or case.risk is None:
            return
        try:
            self.budget.served(case.risk, case.scope, case.key)
            self.noted()
        except Exception:
            self._counters.audited("faults")

    def plan(self, case: Case, shadow: bool = False) -> tuple[float, float] | None:
        """How often the budget wants such a case audited, and what one audit then counts; None when there is no
        budget that could tell. ``shadow``: it was not served."""
        if self.budget is None or case.risk is None:
            return None
        try:
            found = self.budget.audit_plan(case.risk, case.scope, case.key, shadow=shadow)
            return float(found.rate), float(found.weight)
        except Exception:
            self._counters.audited("faults")
            return None

    def meter(self) -> dict[str, Any] | None:
        """The error budget's state as plain data; None without a budget, or when it cannot tell."""
        if self.budget is None:
            return None
        try:
            state = self.budget.state()
            return dict(state) if isinstance(state, Mapping) else msgspec.to_builtins(state)
        except Exception:
            return None

    def teach(self, case: Case, right: bool | None, source: str, weight: float = 1.0) -> bool:
        """One lesson. May write to a disk and ask a shared ledger: not for an event loop's thread. Says whether it
        retired anything.

        Args:
            case: What it is about.
            right: Whether the stored answer was right for the question; None: it could not be told, which only the
                budget is told.
            source: ``"audit"``, ``"shadow"``, ``"miss"`` or ``"report"``.
            weight: What it counts, as the budget's plan says.
        """
        steps: list[Callable[[], bool | None]] = []
        if case.semantic:
            steps = [lambda: self._pair(case, right, source), lambda: self._bill(case, right, source, weight)]
        if source == "audit":
            steps.append(lambda: self._drifted(case, right))
        retired = False
        for step in steps:
            try:
                retired = step() or retired
            except Exception:  # a user's or a store's fault; the other lessons still count
                self._counters.audited("faults")
        return retired

    def _pair(self, case: Case, right: bool | None, source: str) -> None:
        if right is None or case.asked is None or case.cached is None:
            return
        if not right:
            self.negatives.add(case.asked, case.cached, case.scope)
        elif source == "report":
            self.negatives.remove(case.asked, case.cached, case.scope)

    def _bill(self, case: Case, right: bool | None, source: str, weight: float) -> None:
        if self.budget is None:
            return
        risk = math.nan if case.risk is None else case.risk
        # To the budget, a candidate that was not served is the same in shadow mode and without it.
        told = "shadow" if source == "miss" else source
        self.budget.learn(right, risk, case.scope, case.key, source=told, weight=weight)
        self.noted()

    def _drifted(self, case: Case, right: bool | None) -> bool:
        if right is None or self.drift is None:
            return False
        # A semantic hit that is wrong may be so for its own question or not: only exact hits name the entry.
        key = b"" if case.semantic else case.key
        actions = self.drift.on_audit(case.scope, case.tags, right, self._clock.now(), key=key)
        if actions.marks:
            carry_out(actions, self._ledger.retire)
            self._counters.audited("retired", len(actions.marks))
        return bool(actions.marks)


def _nothing() -> None:
    pass
