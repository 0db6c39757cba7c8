"""What an entry is worth keeping, in one number, so that every bounded tier evicts by the same rule."""

from __future__ import annotations

from ..entry import Entry

SECONDS_PER_USD = 100.0
"""Exchange rate between the two costs of an answer: one US cent weighs as much as one second of waiting."""

FLOOR_S = 0.05
"""An answer of unknown cost is taken to have cost this many seconds."""


def worth(entry: Entry) -> float:
    """What losing ``entry`` would cost, in seconds per byte it takes up (always above zero).

    Cost over size is the weight of GreedyDual-Size (Cao and Irani, "Cost-Aware WWW Proxy Caching
    Algorithms", USENIX 1997).
    """
    cost = entry.cost_ms / 1000.0 + entry.cost_usd * SECONDS_PER_USD
    # "not (>)" and not "<=": a NaN cost must not poison comparisons later.
    if not cost > FLOOR_S:
        cost = FLOOR_S
    return min(cost, 1e9) / entry.size
