"""Doubt about one scope or one entry: is it a trap, where far more goes wrong than the verifier thinks?

Each label is weighed for *trap* (a fixed high share of wrong answers) against *ordinary* (the corrected risk): the log
likelihood ratio adds up, and with a prior share of traps gives the probability of a trap. Few surprises are enough
to raise it and some right answers to lower it again, where a mean would need many of both; and a wrong answer
that was risky anyway raises it little.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ..errors import ConfigError

LOWEST = 1e-3  # no single wrong label is more surprising than at this risk
MOST, LEAST = 10.0, -5.0  # of the log likelihood ratio, so that either past can be overturned
REPORTED = 0.5  # from this on, an entry is stopped: one report does so for a half-life
PRAISED = 0.8  # what a right label leaves of a report


class Doubt(NamedTuple):
    """How traps are thought to be.

    Attributes:
        prior: Share of traps, 0..1.
        rate: Share of wrong answers in a trap, 0..1.
    """

    prior: float
    rate: float

    def corrected(self, risk: float, ratio: float) -> float:
        """The risk after a log likelihood ratio. No evidence, and evidence for *ordinary*, leave it as it is: the
        risk counts the traps nobody knows already."""
        if ratio <= 0:
            return risk
        odds = self.prior / (1 - self.prior) * math.exp(min(ratio, 50.0))
        trap = (odds / (1 + odds) - self.prior) / (1 - self.prior)
        return risk + trap * max(0.0, self.rate - risk)

    def probability(self, ratio: float) -> float:
        """That it is a trap, beyond what any is thought to be; 0..1."""
        return self.corrected(0.0, ratio) / self.rate

    def weigh(self, right: bool, risk: float) -> float:
        """What one label adds to the ratio: never less than 0 when wrong, never more when right."""
        risk = min(max(risk, LOWEST), 0.999)
        trap = max(self.rate, risk)
        return math.log((1 - trap) / (1 - risk)) if right else math.log(trap / risk)


def note(table: dict[bytes, list[float]], name: bytes, change: float, second: float, most: int) -> None:
    """Change (or begin) the row of ``name``: add ``change`` to its ratio, set its second value.

    The table keeps ``most`` rows. The one to go is the least doubted of the longest unused, so that a flood of
    labels does not wash a reported entry out.
    """
    row = table.pop(name, None) or [0.0, 0.0]
    table[name] = [min(MOST, max(LEAST, row[0] + change)), second]
    while len(table) > most:
        oldest = [key for key, _ in zip(table, range(32), strict=False)]
        del table[min(oldest, key=lambda key: (table[key][0] + 100 * table[key][1], key))]


def identity(name: object, size: int) -> bytes:
    """The name a scope or entry is kept under."""
    if not isinstance(name, bytes):
        raise ConfigError(f"a scope or key is {type(name).__name__}; it is bytes, a digest", setting="key")
    return name[:size]
