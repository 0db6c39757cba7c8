"""A simulated cache with a verifier whose errors are known."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from askonce import ManualClock
from askonce.cache.budget import ErrorBudget
from askonce.cache.budget_state import Calibration


def draw(rng: random.Random) -> float:
    """A risk, as a verifier meets them: mostly easy, a third spread over everything."""
    return rng.random() ** 1.5 if rng.random() < 0.3 else 10 ** rng.uniform(-4.5, -1)


def calibration(pairs: int = 4_000) -> Calibration:
    """Held-out pairs on which the risks come true."""
    rng = random.Random(1)
    risks = [draw(rng) for _ in range(pairs)]
    return Calibration.measure((risk, rng.random() < risk) for risk in risks)


PRIOR = calibration()


class Run(NamedTuple):
    """What came of a run.

    Attributes:
        served, wrong: Hits; of those, wrong ones.
        late: The same two in the second half of the run.
        tripped_at: Hits before it tripped, or None.
        budget: As it was at the end.
        in_traps: Hits in the scopes that are traps, and wrong ones.
    """

    served: int
    wrong: int
    late: tuple[int, int]
    tripped_at: int | None
    budget: ErrorBudget
    in_traps: tuple[int, int]

    @property
    def share(self) -> float:
        return self.wrong / max(1, self.served)


def simulate(
    seed: int,
    hits: int,
    wrong_when: Callable[[float, int], float] = lambda risk, served: risk,
    *,
    prior: Calibration | None = PRIOR,
    rate: float | None = None,
    scopes: int = 1,
    traps: int = 0,
    told: Callable[[bool, random.Random], bool | None] = lambda bad, rng: not bad,
) -> Run:
    """Candidates until ``hits`` were served or the budget has tripped.

    Args:
        wrong_when: From a candidate's risk and the hits so far to the probability that it is wrong.
        rate: Of audits; None for the budget's own plan.
        traps: Of the scopes, so many have 40 % wrong whatever the verifier says.
        told: From whether an audited hit is wrong to what the audit says.
    """
    rng = random.Random(seed)
    clock = ManualClock()
    budget = ErrorBudget(clock=clock, prior=prior)
    served = wrong = 0
    late, trapped = [0, 0], [0, 0]
    for _ in range(20 * hits):
        if served >= hits or budget.tripped:
            break
        clock.advance(1)
        number = rng.randrange(scopes)
        risk, scope, key = draw(rng), b"scope %d" % number, b"key %d" % rng.randrange(5_000)
        bad = rng.random() < (0.4 if number < traps else min(1.0, wrong_when(risk, served)))
        if not budget.allow(risk, scope, key).serve:
            continue
        budget.served(risk, scope, key)
        served += 1
        wrong += bad
        for counts, counted in ((late, served > hits / 2), (trapped, number < traps)):
            counts[0] += counted
            counts[1] += counted and bad
        plan = budget.audit_plan(risk, scope, key)
        if rng.random() < (plan.rate if rate is None else rate):
            budget.learn(told(bad, rng), risk, scope, key, weight=plan.weight if rate is None else 1.0)
    return Run(served, wrong, (late[0], late[1]), served if budget.tripped else None, budget, (trapped[0], trapped[1]))
