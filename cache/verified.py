"""The default decision: guards, then the verifier, then the error budget.

What a candidate meets, in order: pairs once found wrong (never again), guards (each can veto), the first
opinion (cheap), the second (the pair model, off the event loop, only in doubt), and the budget, which turns
the risk into yes or no for ``max_wrong``. Where no verifier knows the language, the conservative rule
decides and is charged a fixed risk.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from ..clock import SYSTEM_CLOCK, Clock
from ..errors import EmbedderError
from .budget import ErrorBudget
from .guards import SURE, Guard
from .negatives import Negatives
from .semantic import Candidate, Conservative, Verdict, veto
from .verifier import Verifier
from .wording import plain, same_words

USUAL = 0.01
"""Up to this ``max_wrong``, what the first opinion calls hopeless is refused unread: hardly any would be served."""
SAME_TEXT = 0.0005
"""Risk of a question that differs in case, spaces and punctuation only."""
SAME_WORDS = 0.003
"""Risk of a question with the same content words in the same order, to which no guard objects."""
UNVERIFIED = 0.008
"""Risk the conservative rule is charged with where no verifier knows the language."""


class Verified:
    """Serve what can be vouched for: at most ``max_wrong`` of the served hits wrong.

    Args:
        embedder: Fingerprint of the embedder whose similarities are judged.
        max_wrong: Share of served semantic hits that may be wrong; see :class:`ErrorBudget`.
        guards: Vetoes.
        verifier: None for what ships.
        budget: None for one that starts from the verifier's calibration; then ``max_wrong`` is its target.
        negatives: Memory of pairs found wrong; None for one in this process only.
        clock: Of the budget.
        alert: Called with one line when the budget trips and when it recovers; None logs a warning to the logger
            ``askonce``. A budget of one's own has its own.

    Raises:
        ConfigError: A setting is out of range, or a model is missing.
    """

    def __init__(
        self,
        embedder: str,
        *,
        max_wrong: float = 0.01,
        guards: Sequence[Guard] = SURE,
        verifier: Verifier | None = None,
        budget: ErrorBudget | None = None,
        negatives: Negatives | None = None,
        clock: Clock = SYSTEM_CLOCK,
        alert: Callable[[str], None] | None = None,
    ) -> None:
        self.verifier = verifier or Verifier(embedder)
        self.guards = tuple(guards)
        self.budget = budget or ErrorBudget(
            max_wrong,
            prior=self.verifier.calibration(),
            clock=clock,
            alert=alert or logging.getLogger("askonce").warning,
        )
        self.negatives = Negatives(clock=clock) if negatives is None else negatives
        self.fallback = Conservative.for_embedder(embedder)
        self.floor = min(self.fallback.floor, FLOORS.get(embedder.partition("/")[0], UNKNOWN_FLOOR))

    def load(self) -> None:
        """Load what is loaded lazily, before the first question. Raises EmbedderError."""
        self.verifier.load()

    def decide(self, candidate: Candidate) -> Verdict:
        """The verdict, or ``unsure`` when the second opinion is worth asking."""
        asked, cached = candidate.asked, candidate.cached
        if self.negatives.contains(asked, cached, candidate.scope):
            return Verdict(False, "this pair was once found wrong", 1.0)
        reason = veto(self.guards, asked, cached)
        if reason:
            return Verdict(False, reason, 1.0)
        if plain(asked) == plain(cached) and plain(asked):
            return self._allowed(candidate, SAME_TEXT, "the same text")
        learned = self.verifier.learned_for(asked, cached)
        if learned is None:
            verdict = self.fallback.decide(candidate)
            return self._allowed(candidate, UNVERIFIED, verdict.why) if verdict.serve else verdict
        if candidate.similarity >= self.fallback.same_words and same_words(asked, cached):
            return self._allowed(candidate, SAME_WORDS, "the same words")
        risk = self.verifier.first(candidate, learned)
        if learned.first is not None and risk >= learned.hopeless and self.budget.max_wrong <= USUAL:
            return Verdict(False, f"similarity {candidate.similarity:.3f}, and too little else speaks for it", risk)
        if learned.first is not None and risk <= learned.certain:
            return self._allowed(candidate, risk, f"similarity {candidate.similarity:.3f} and the wording agree")
        if self.verifier.remembers(asked, cached):
            return self.settle(candidate)
        return Verdict(False, "worth a second opinion", risk, unsure=True)

    def settle(self, candidate: Candidate) -> Verdict:
        """The second opinion, a few milliseconds."""
        learned = self.verifier.learned_for(candidate.asked, candidate.cached)
        if learned is None:
            return Verdict(False, "no verifier for this language", 1.0)
        try:
            risk = self.verifier.second(candidate, learned)
        except EmbedderError as error:
            return Verdict(False, f"the verifier cannot tell: {error}", 1.0)
        return self._allowed(candidate, risk, "read together")

    def reread(self, candidate: Candidate) -> float:
        """The second opinion's risk for what the first calls hopeless: what a budget that lets more pass would go by.
        The budget is not asked and learns nothing. 1.0 where it is not hopeless, or there is no second opinion."""
        learned = self.verifier.learned_for(candidate.asked, candidate.cached)
        if learned is None or learned.first is None or self.verifier.first(candidate, learned) < learned.hopeless:
            return 1.0
        try:
            return self.verifier.second(candidate, learned)
        except EmbedderError:
            return 1.0

    def explain(self, candidate: Candidate) -> dict[str, Any]:
        """Every number that goes into the verdict, by name."""
        return dict(self.verifier.explain(candidate))

    def _allowed(self, candidate: Candidate, risk: float, why: str) -> Verdict:
        allowance = self.budget.allow(risk, candidate.scope, candidate.key)
        return Verdict(allowance.serve, f"{why}; {allowance.why}", risk)


FLOORS = {"all-MiniLM-L6-v2-int8": 0.6, "multilingual-e5-small": 0.88}
"""Similarity below which hardly a candidate is right, by embedder."""
UNKNOWN_FLOOR = 0.6
"""For any other embedder: low, since the pair model decides."""
