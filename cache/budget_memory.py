"""What a budget holds in mind: its own evidence and the others', and what follows from both.

Everything that is derived (curve, cuts, room) is refreshed now and then, not at every candidate. Nothing here
locks: the budget does.
"""

from __future__ import annotations

import math

import msgspec

from ..clock import Clock
from . import budget_state as kept
from .bounds import Detector, gamma_quantile
from .budget_curve import Belief, Curve, cut_at
from .budget_doubt import PRAISED, REPORTED, Doubt, note
from .budget_state import Calibration, Evidence

REFRESH_EVERY = 64  # candidates, or hits; labels count for more, a wrong one at once
FADE_STEP = 0.002  # of a half-life: how often evidence is faded
HORIZON = 100.0  # the account remembers the hits in which this many wrong answers may be
SEEN_WORTH = 200.0  # candidates the calibration's distribution of risks is worth
SEEN_MOST = 4_000.0
CEILING = 0.1
POOLED_MOST = 100.0

_NOTHING = [0.0, 0.0]


class Memory:
    """Evidence and what follows from it.

    Args:
        max_wrong, confidence, half_life, clock, calibration: Those of the budget.

    Attributes:
        own: This process's evidence.
        heard: That of the others, or None.
        curve: Corrected risks.
        last, cut: The last cell that may be served, and its risk; -1 for none.
        lean_cut: The risk that may be served while there is no room.
        prior_last: The last cell that the calibration alone would serve.
        room: What may still be charged, in wrong answers; below 0 when overdrawn.
        audits: Of all, recently.
        trip, complaints, recovery: Detectors of too many wrong audits, too many reports, and of few enough again.
        hidden: Wrong answers the calibration foretold among audited candidates, of which none was seen yet.
    """

    def __init__(
        self,
        max_wrong: float,
        confidence: float,
        half_life: float | None,
        clock: Clock,
        calibration: Calibration,
    ) -> None:
        self.max_wrong = max_wrong
        self.confidence = confidence
        self.half_life = half_life
        self.ceiling = max(max_wrong, min(10 * max_wrong, CEILING))
        self.window = HORIZON / max_wrong
        self.scope_doubt = Doubt(0.001, min(0.9, max(0.15, 1.5 * self.ceiling)))
        self.entry_doubt = Doubt(0.05, min(0.95, max(0.5, 2 * self.ceiling)))
        self.trip = Detector(max_wrong, _above(max_wrong, 2, 4, 10, 50))
        self.complaints = Detector(max_wrong, _above(max_wrong, 2, 10))
        self.recovery = Detector(max_wrong, (0.0, max_wrong / 3))
        self._clock = clock
        self._calibration = calibration
        self._belief = Belief(calibration, max_wrong, confidence)
        self._target = self.limit(self.window) / self.window
        self.strictness = 1.0  # share of the target that is served up to; see ErrorBudget.tighten
        self._pending = 0
        self._fade_at = -math.inf
        self.hidden = 0.0
        self.own = self.blank()
        self.heard: Evidence | None = None
        self.refresh()

    # -- derived ---------------------------------------------------------------------------------------

    def tick(self, updates: int = 1) -> None:
        """To be called before anything is read: refreshes when enough has happened, or enough time has passed."""
        self._pending += updates
        if self._pending >= REFRESH_EVERY or self._clock.now() >= self._fade_at:
            self.refresh()

    def stale(self) -> None:
        """Other evidence was put in: fade it to now, and derive everything anew."""
        self._fade_at = -math.inf
        self.refresh()

    def refresh(self) -> None:
        """Derive everything anew."""
        now, own = self._clock.now(), self.own
        if now >= self._fade_at:
            own.fade_to(now, self.half_life)
            if self.heard is not None:
                self.heard.fade_to(now, self.half_life)
            self._fade_at = math.inf if self.half_life is None else now + FADE_STEP * self.half_life
        if sum(own.seen) > SEEN_MOST:
            own.seen = [count / 2 for count in own.seen]
        self._their_scopes = self.heard.scopes if self.heard else {}
        self._their_entries = self.heard.entries if self.heard else {}
        self._scoped = sum(row[1] for table in (own.scopes, self._their_scopes) for row in table.values())
        self._pending = 0
        total = self.total()
        self.audits = total.audits
        self.curve: Curve = self._belief.curve(total)
        curve, prior = self.curve, self._belief.prior
        target = self._target * self.strictness
        self.last = cut_at(curve.risks, total.seen, target / curve.margin, self.ceiling)
        self.cut = curve.risks[self.last] if self.last >= 0 else -1.0
        # While overdrawn, or too young to have room, half of the target is served: that betters the share.
        lean = cut_at(curve.risks, total.seen, target / 2 / curve.margin, self.ceiling)
        self.lean_cut = curve.risks[lean] if lean >= 0 else -1.0
        self.prior_last = cut_at(prior.risks, total.seen, self._target / prior.margin, self.ceiling)
        self.room = self.limit(total.served + 1) - total.charged * curve.factor * curve.margin

    def total(self) -> Evidence:
        """Own and heard evidence together; of scopes and entries, the own only."""
        if self.heard is None:
            return self.own
        total = kept.copy(self.own)
        total.absorb(msgspec.structs.replace(self.heard, scopes={}, entries={}), self.half_life)
        return total

    def limit(self, hits: float) -> float:
        """The expected number of wrong answers at which more than ``max_wrong`` of ``hits`` have the probability
        1 - confidence (they are Poisson, nearly; its quantiles are those of a Gamma)."""
        return gamma_quantile(1 - self.confidence, math.floor(self.max_wrong * hits + 1e-9) + 1)

    def doubted(self, risk: float, scope: bytes, key: bytes) -> float:
        """A cell's risk, raised by what is known of scope and entry; 1.0 when the entry was reported."""
        risk = self.scope_doubt.corrected(risk, self._scope_ratio(scope))
        row, theirs = self.own.entries.get(key, _NOTHING), self._their_entries.get(key, _NOTHING)
        if row[1] + theirs[1] >= REPORTED:
            return 1.0
        return self.entry_doubt.corrected(risk, row[0] + theirs[0])

    def reported(self, key: bytes) -> bool:
        """Whether an entry is stopped by a report."""
        row, theirs = self.own.entries.get(key, _NOTHING), self._their_entries.get(key, _NOTHING)
        return row[1] + theirs[1] >= REPORTED

    def _scope_ratio(self, scope: bytes) -> float:
        row, theirs = self.own.scopes.get(scope, _NOTHING), self._their_scopes.get(scope, _NOTHING)
        ratio = row[0] + theirs[0]
        if ratio <= 0:
            return ratio
        # A scope that most labels are about is not an exception to the rest: curve and detector speak of it.
        return ratio * min(1.0, 2 - 2 * (row[1] + theirs[1]) / max(1.0, self._scoped))

    # -- taking in -------------------------------------------------------------------------------------

    def charge(self, risk: float) -> None:
        """A hit of this corrected risk was served."""
        own, keep = self.own, 1 - 1 / self.window
        own.served = own.served * keep + 1
        own.charged = own.charged * keep + risk / self.curve.factor
        self.room -= risk * self.curve.margin

    def count(self, right: bool | None, risk: float, cell: int, scope: bytes, key: bytes, chosen: bool = False) -> None:
        """A label of a candidate of this risk; to be called before :meth:`suspect`.

        A pair that somebody has ``chosen`` says nothing of those that chance draws.

        Where a comparison could not tell (``right`` is None), the worst that the calibration allows is assumed:
        whatever it foretold and nobody saw is among such labels. Wrong answers are oftener unclear than right ones,
        and the clear ones alone would make every risk look smaller than it is.
        """
        # A label out of a trap says little about ordinary scopes; by what was known *before* it, lest wrong labels
        # count less than right ones.
        own, number = self.own, kept.risk_bin(risk)
        entry = own.entries.get(key, _NOTHING)[0] + self._their_entries.get(key, _NOTHING)[0]
        trap = self.scope_doubt.probability(self._scope_ratio(scope)), self.entry_doubt.probability(entry)
        ordinary = max(0.25, (1 - trap[0]) * (1 - trap[1]))
        hidden = self.hidden + self._belief.prior.risks[cell]
        share = min(1.0, hidden) if right is None else float(not right)
        if not chosen:
            self.hidden = max(0.0, hidden - share)
        own.labels[number] += ordinary
        own.wrong[number] += ordinary * share
        own.pooled_expected += ordinary * self._belief.prior.risks[cell]
        own.pooled_wrong += ordinary * share
        if own.labels[number] > 10 * self._belief.strength:  # more does not make it surer, only slower to change
            own.labels[number] *= 0.9
            own.wrong[number] *= 0.9
        if own.pooled_expected + own.pooled_wrong > POOLED_MOST:
            own.pooled_expected *= 0.9
            own.pooled_wrong *= 0.9

    def suspect(self, right: bool, risk: float, scope: bytes, key: bytes, report: bool = False) -> None:
        """A label of, or a report about, a scope and an entry."""
        own = self.own
        worth = 0.5 if report else 1.0  # reports come from those who noticed: half of an audit's word against a scope
        change, labels = self.scope_doubt.weigh(right, risk) * worth, own.scopes.get(scope, _NOTHING)[1]
        note(own.scopes, scope, change, labels + worth, kept.MAX_SCOPES)
        self._scoped += worth
        change, reported = self.entry_doubt.weigh(right, risk), own.entries.get(key, _NOTHING)[1]
        reported = reported + 1 if report else reported * (PRAISED if right else 1)
        note(own.entries, key, change, reported, kept.MAX_ENTRIES)

    def fall(self, reason: str) -> None:
        """Trip."""
        self.own.reason = reason
        self.own.tripped_at = max(self._clock.now(), 1.0)
        self.own.recovery = self.recovery.fresh()

    def next_era(self) -> None:
        """Overcome a trip: believe the calibration again."""
        eras = [self.own.era, self.heard.era if self.heard else 0.0]
        self.own.new_era(max(self._clock.now(), *(era + 1e-3 for era in eras)))
        self.hidden = 0.0
        self.refresh()

    # -- others ----------------------------------------------------------------------------------------

    def blank(self) -> Evidence:
        """No evidence; the traffic is thought to be as the calibration's."""
        seen = [0.0] * kept.CELLS
        counts = [n for n, _ in self._calibration.bins]
        share = SEEN_WORTH / (sum(counts) or 1.0)
        seen[0] = share * counts[0]
        for cell in range(1, kept.CELLS):
            seen[cell] = share * counts[(cell - 1) // kept.FINE + 1] / kept.FINE
        return Evidence(
            at=self._clock.now(),
            trip=self.trip.fresh(),
            complaints=self.complaints.fresh(),
            recovery=self.recovery.fresh(),
            seen=seen,
        )

    def read(self, data: bytes) -> Evidence | None:
        """Evidence that a budget encoded, or None."""
        evidence = kept.decode(data)
        for name in ("trip", "complaints", "recovery"):
            if evidence is not None and len(getattr(evidence, name)) != len(getattr(self.own, name)):
                return None
        return evidence

    def restart(self) -> None:
        """Drop the own evidence, which is somebody else's now; trip and era stay."""
        fresh = self.blank()
        fresh.seen = [0.0] * kept.CELLS
        fresh.era, fresh.tripped_at, fresh.reason = self.own.era, self.own.tripped_at, self.own.reason
        self.own = fresh

    def hear(self, others: list[Evidence], orphans: list[Evidence]) -> None:
        """Take the others' evidence in place of what was heard before, and orphans' as one's own."""
        heard = others[0] if others else None
        for evidence in others[1:]:
            others[0].absorb(evidence, self.half_life)
        for evidence in orphans:
            self.own.absorb(evidence, self.half_life)
        self.heard, own = heard, self.own
        if heard is not None:
            if heard.era > own.era:
                own.new_era(heard.era)
            if heard.era == own.era and heard.tripped_at and not own.tripped_at:
                own.tripped_at, own.reason = heard.tripped_at, heard.reason
                own.recovery = self.recovery.fresh()
        self.stale()

    def forked(self) -> None:
        """In a child process: the evidence so far is the parent's, heard like any other."""
        before = self.own
        if self.heard is not None:
            before.absorb(self.heard, self.half_life)
        self.restart()
        self.heard = before
        self.stale()


def _above(share: float, *times: float) -> tuple[float, ...]:
    return tuple(min(factor * share, (1 + share) / 2) for factor in times)
