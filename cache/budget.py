"""The error budget: from a verifier's risk and ``max_wrong`` to serve or don't serve, learning from audits.

What is promised is the share of wrong answers among *served* semantic hits. Four things keep it:

* the **curve** corrects risks by what was counted (:mod:`.budget_curve`), and by doubts about the very scope and entry
  (:mod:`.budget_doubt`);
* the **cut** serves the least risky candidates of this cache's recent traffic as far as their mean risk, bounded
  above, stays within the target. Because a mean could buy traps with easy repeats, no hit may be over the
  ceiling of ten times ``max_wrong`` (and 10 %);
* the **account** holds what was really served against what may be: the recent sum of risks, bounded above, must
  make more than ``max_wrong`` wrong answers improbable. So traffic that turns risky is noticed as it is served,
  and what is learnt later is charged to what was served before; while overdrawn, only hits go out that pay back;
* the **detector** looks at audited hits alone and believes no risk: when their wrong share is above ``max_wrong``
  beyond doubt, the budget *trips* and nothing is served by meaning until shadow audits refute that.

Both bounds are one-sided at ``confidence``, and multiply: a calibrated verifier stays well within.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from ..clock import SYSTEM_CLOCK, Clock
from ..errors import ConfigError
from ..forks import survive_fork
from .bounds import clopper_pearson
from .budget_doubt import REPORTED, identity
from .budget_memory import REFRESH_EVERY, Memory
from .budget_state import FINE, ID_BYTES, Calibration, SharedStates, encode, place

DAY_S = 86_400.0
FALSE_ALARM = 50.0  # see Detector: a budget exactly at its limit trips falsely once in 1,000 audits at 0.95
TILT = 4.0  # how much oftener the riskiest hits are audited
SOURCES = ("audit", "shadow", "label", "report")


class Allowance(NamedTuple):
    """What the budget says of one candidate.

    Attributes:
        serve: Whether it may be served.
        why: In words.
        risk: Probability that serving would be wrong, corrected by what was learnt; 1.0 when unknown.
        shadow: It is not served, and a label would teach: where the caller asks upstream anyway, compare the
            answers and call ``learn(..., source="shadow")``. This is how a tripped budget recovers.
    """

    serve: bool
    why: str
    risk: float
    shadow: bool = False


class AuditPlan(NamedTuple):
    """How a hit is to be audited.

    Attributes:
        rate: Probability to audit it with, 0..1.
        weight: To be handed to ``learn``: what one such audit counts, so that risky hits, audited oftener,
            do not count oftener.
    """

    rate: float
    weight: float


class ErrorBudget:
    """Decides by ``max_wrong``, and learns. Methods may be called from any thread; none raises on odd risks.

    Args:
        max_wrong: Share of served semantic hits that may be wrong, above 0 and at most 0.5.
        confidence: Of that, 0.5..1.
        half_life: Seconds in which evidence loses half its weight; None never forgets.
        clock: Time for forgetting.
        prior: The calibration shipped with the verifier; None takes risks at face value, with little trust.
        alert: Called with one line when the budget trips and when it recovers. What it raises is ignored.
        audits: Lowest and highest rate of audits for a hit of ordinary risk.
        member: Name among those that share evidence; unique per process and budget. None makes one.

    Raises:
        ConfigError: A setting is out of its range.
    """

    def __init__(
        self,
        max_wrong: float = 0.01,
        *,
        confidence: float = 0.95,
        half_life: float | None = 14 * DAY_S,
        clock: Clock = SYSTEM_CLOCK,
        prior: Calibration | None = None,
        alert: Callable[[str], None] | None = None,
        audits: tuple[float, float] = (0.03, 0.2),
        member: str | None = None,
    ) -> None:
        if not 0 < max_wrong <= 0.5:
            raise ConfigError(
                f"max_wrong is {max_wrong!r}; it is a share above 0 and at most 0.5 (for none, use semantic=False)",
                setting="max_wrong",
            )
        if not 0.5 < confidence < 1:
            raise ConfigError(f"confidence is {confidence!r}; it is between 0.5 and 1", setting="confidence")
        if half_life is not None and not half_life > 0:
            raise ConfigError(f"half_life is {half_life!r}; it is seconds above zero, or None", setting="half_life")
        if not 0 < audits[0] <= audits[1] <= 1:
            raise ConfigError(f"audits is {audits!r}; it is (lowest, highest) rate, 0 to 1", setting="audits")
        self.max_wrong = max_wrong
        self.confidence = confidence
        self._memory = Memory(max_wrong, confidence, half_life, clock, prior or Calibration())
        self._alert = alert
        self._audits = audits
        self._silence = [math.log1p(-bet * max_wrong) for bet in self._memory.complaints.bets]
        self._alarm = math.log(FALSE_ALARM / (1 - confidence))
        self._member = member or os.urandom(8).hex()
        self._lock = threading.Lock()
        survive_fork(self)

    # -- deciding --------------------------------------------------------------------------------------

    def allow(self, risk: float, scope: bytes = b"", key: bytes = b"") -> Allowance:
        """Whether a candidate may be served. Costs microseconds.

        Args:
            risk: The verifier's probability that serving would be wrong; anything but 0..1 is a no.
            scope: Digest of the scope.
            key: Digest of the stored answer's call.
        """
        risk = _probability(risk)
        if risk != risk:
            return Allowance(False, "the risk is unknown", 1.0)
        cell = int(FINE * place(risk))
        memory = self._memory
        with self._lock:
            memory.tick()
            plain = memory.curve.risks[cell]
            corrected = memory.doubted(plain, scope[:ID_BYTES], key[:ID_BYTES])
            usual = corrected <= 2 * plain
            if usual:
                memory.own.seen[cell] += 1
            if memory.own.tripped_at:
                near = usual and cell <= memory.prior_last
                return Allowance(False, f"the error budget has tripped: {memory.own.reason}", corrected, near)
            if corrected > memory.cut:
                near = usual and cell <= max(memory.last, memory.prior_last) + 2 * FINE
                return Allowance(False, self._refusal(corrected, key), corrected, near or not usual)
            if corrected > memory.lean_cut and corrected * memory.curve.margin > memory.room:
                return Allowance(False, f"risk {corrected:.4f}, and the error budget is spent", corrected, True)
            return Allowance(True, f"risk {corrected:.4f}, within the error budget", corrected)

    def _refusal(self, corrected: float, key: bytes) -> str:
        memory = self._memory
        if memory.reported(key[:ID_BYTES]):
            return "the stored answer was reported wrong"
        if corrected > memory.ceiling:
            return f"risk {corrected:.4f} is over the ceiling {memory.ceiling:g}"
        return f"risk {corrected:.4f} is over the error budget's cut {max(0.0, memory.cut):.4f}"

    def served(self, risk: float, scope: bytes = b"", key: bytes = b"") -> None:
        """Charge the account for a candidate that was served; ``risk`` as given to :meth:`allow`."""
        cell = _cell(risk)
        memory = self._memory
        with self._lock:
            memory.tick()
            memory.charge(memory.doubted(memory.curve.risks[cell], scope[:ID_BYTES], key[:ID_BYTES]))
            own = memory.own
            own.complaints = [max(0.0, log) + step for log, step in zip(own.complaints, self._silence, strict=True)]

    def audit_plan(self, risk: float, scope: bytes = b"", key: bytes = b"", *, shadow: bool = False) -> AuditPlan:
        """How often to audit such a hit: more while evidence is thin or bad, and more where it is risky.

        Args:
            risk, scope, key: As given to :meth:`allow`.
            shadow: It was not served (:attr:`Allowance.shadow`).
        """
        low, high = self._audits
        cell = _cell(risk)
        memory = self._memory
        with self._lock:
            memory.tick()
            if memory.own.tripped_at:
                return AuditPlan(1.0, 1.0)
            # 3 / max_wrong right audits are needed to show a share at all (the rule of three); twice that is plenty.
            rate = high - (high - low) * min(1.0, memory.audits * self.max_wrong / 6)
            if memory.trip.log_wealth(memory.own.trip) > 0:
                rate = high
            rate = min(high, rate * max(1.0, memory.curve.factor) ** 2)
            if shadow:
                return AuditPlan(rate, 1.0)
            corrected = memory.doubted(memory.curve.risks[cell], scope[:ID_BYTES], key[:ID_BYTES])
        tilted = min(1.0, rate * min(TILT, max(1.0, math.sqrt(corrected / self.max_wrong))))
        return AuditPlan(tilted, rate / tilted)

    def audit_rate(self, risk: float, scope: bytes = b"", key: bytes = b"", *, shadow: bool = False) -> float:
        """The rate of :meth:`audit_plan`."""
        return self.audit_plan(risk, scope, key, shadow=shadow).rate

    # -- learning --------------------------------------------------------------------------------------

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
        """Take in one label.

        Args:
            right: Whether the stored answer was, or would have been, right; None when comparing could not tell: then
                risks are held to be what the calibration says, and nothing else is learned.
            risk, scope, key: As given to :meth:`allow`. With an unknown risk only scope and entry learn.
            source: ``"audit"``: a served hit, drawn by chance. ``"shadow"``: a candidate that was not served.
                ``"label"``: somebody's judgement of a pair they chose: counts for its risk, not for the share of
                hits. ``"report"``: a complaint: stops its entry at once, casts doubt on the scope, and tells
                that *at least* so many hits were wrong; the rates of risks learn nothing from it, because hits
                nobody complains about are not thereby right. A report of a right answer teaches nothing.
            weight: :attr:`AuditPlan.weight`, above 0 and at most 1.

        Raises:
            ConfigError: ``source`` is none of these, or scope or key is not bytes.
        """
        if source not in SOURCES:
            raise ConfigError(f"source is {source!r}; it is one of {', '.join(SOURCES)}", setting="source")
        scope, key = identity(scope, ID_BYTES), identity(key, ID_BYTES)
        risk, weight = _probability(risk), _probability(weight)
        memory = self._memory
        cell = _cell(memory.ceiling if risk != risk else risk)
        news = ""
        with self._lock:
            memory.tick(REFRESH_EVERY if right is False else 4)
            plain = memory.curve.risks[cell]
            if right is None:
                if source != "report" and risk == risk:
                    memory.count(None, risk, cell, scope, key, chosen=source == "label")
            elif source == "report":
                if not right:
                    news = self._report(plain, scope, key)
            else:
                usual = memory.doubted(plain, scope, key) <= 2 * plain
                if risk == risk:
                    memory.count(right, risk, cell, scope, key, chosen=source == "label")
                memory.suspect(right, plain, scope, key)
                if memory.own.tripped_at:
                    if source in ("audit", "shadow") and usual and cell <= memory.prior_last:
                        news = self._shadowed(right)
                elif source == "audit":
                    news = self._audited(right, weight if weight > 0 else 1.0)
                if not right and not memory.own.tripped_at:
                    memory.refresh()
                    if memory.lean_cut < 0:
                        news = self._fall("after what was learnt, no candidates are safe enough")
        self._tell(news)

    def _report(self, risk: float, scope: bytes, key: bytes) -> str:
        memory, own = self._memory, self._memory.own
        again = memory.reported(key)
        memory.suspect(False, risk, scope, key, report=True)
        if again or own.tripped_at:  # whoever reports one entry again and again says nothing new
            return ""
        own.reports += 1
        for number, bet in enumerate(memory.complaints.bets):  # one of the hits counted as silent was not
            own.complaints[number] = max(0.0, own.complaints[number] - self._silence[number]) + math.log1p(
                bet * (1 - self.max_wrong)
            )
        if memory.complaints.log_wealth(own.complaints) < self._alarm:
            return ""
        return self._fall(f"{own.reports:.0f} answers were reported wrong in about {own.served:.0f} hits")

    def _audited(self, right: bool, weight: float) -> str:
        memory, own = self._memory, self._memory.own
        own.audits += weight
        own.audits_wrong += 0.0 if right else weight
        memory.trip.feed(own.trip, not right, weight)
        if memory.trip.log_wealth(own.trip) < self._alarm:
            return ""
        return self._fall(f"of about {own.audits:.0f} audited hits {own.audits_wrong:.1f} were wrong, lately more")

    def _fall(self, reason: str) -> str:
        self._memory.fall(f"{reason}; max_wrong is {self.max_wrong:g}")
        return f"error budget tripped, only exact hits are served: {self._memory.own.reason}"

    def _shadowed(self, right: bool) -> str:
        # Of candidates that the calibration alone would serve. While their wrong share is max_wrong or more,
        # each stretch of labels gets here with a probability of at most 1 - confidence.
        memory = self._memory
        memory.recovery.feed(memory.own.recovery, not right)
        if memory.recovery.log_wealth(memory.own.recovery) < -math.log1p(-self.confidence):
            return ""
        memory.next_era()
        return f"error budget recovered: shadow audits show less than {self.max_wrong:g} wrong again"

    def _tell(self, news: str) -> None:
        if news and self._alert is not None:
            with contextlib.suppress(Exception):
                self._alert(news)

    # -- state -----------------------------------------------------------------------------------------

    @property
    def tripped(self) -> bool:
        """Whether nothing is served by meaning now."""
        return self._memory.own.tripped_at > 0

    @property
    def reason(self) -> str:
        """Why it tripped; empty when it has not."""
        return self._memory.own.reason

    def tighten(self, factor: float) -> None:
        """Serve as if the target were ``factor`` (above 0, at most 1) of what it is, until told otherwise: the traffic
        is not what the risks were calibrated on. What is promised, and what trips, stays."""
        with self._lock:
            if factor != self._memory.strictness:
                self._memory.strictness = factor
                self._memory.refresh()

    def reset(self, *, everything: bool = False) -> None:
        """Serve again, believing the calibration.

        Args:
            everything: Also forget what is known of scopes, entries (reported ones too) and traffic. What other
                processes know of them comes back with the next :meth:`sync`.
        """
        memory = self._memory
        with self._lock:
            memory.next_era()
            if everything:
                fresh = memory.blank()
                fresh.era = memory.own.era
                memory.own, memory.heard = fresh, None
                memory.refresh()

    def state(self) -> dict[str, Any]:
        """What it knows, for people: JSON-able, some twenty values and the five most doubted scopes and entries."""
        memory = self._memory
        with self._lock:
            memory.refresh()
            own, curve, total = memory.own, memory.curve, memory.total()
            share = clopper_pearson(min(own.audits_wrong, own.audits), own.audits, self.confidence)
            return {
                "max_wrong": self.max_wrong,
                "confidence": self.confidence,
                "half_life": memory.half_life,
                "tripped": self.tripped,
                "reason": self.reason,
                "cut": max(0.0, memory.cut),
                "ceiling": memory.ceiling,
                "strictness": memory.strictness,
                "correction": curve.factor,
                "correction_at_most": curve.factor * curve.margin,
                "served": total.served,
                "expected_wrong": total.charged * curve.factor,
                "allowed_wrong": memory.limit(total.served),
                "overdrawn": memory.room < 0,
                "labels": sum(total.labels),
                "reports": total.reports,
                "audits": own.audits,
                "audits_wrong": own.audits_wrong,
                "wrong_share": share.share if own.audits else None,
                "wrong_share_between": [share.low, share.high],
                "alarm": max(0.0, memory.trip.log_wealth(own.trip)) / self._alarm,
                "shared": memory.heard is not None,
                "doubted_scopes": [
                    {"id": name.hex(), "trap": memory.scope_doubt.probability(ratio), "labels": labels}
                    for name, (ratio, labels) in _worst(own.scopes)
                    if ratio > 0
                ],
                "doubted_entries": [
                    {"id": name.hex(), "trap": memory.entry_doubt.probability(ratio), "reported": reported >= REPORTED}
                    for name, (ratio, reported) in _worst(own.entries)
                    if ratio > 0
                ],
            }

    def encode(self) -> bytes:
        """This process's evidence, at most about 12 KB, for :meth:`decode` and :meth:`merge`."""
        with self._lock:
            self._memory.tick()
            return encode(self._memory.own)

    def decode(self, data: bytes) -> bool:
        """Go on from what :meth:`encode` gave. Damaged or foreign bytes start from the calibration, and are False."""
        memory = self._memory
        with self._lock:
            evidence = memory.read(data)
            memory.own = evidence or memory.blank()
            memory.stale()
        return evidence is not None

    def merge(self, data: bytes) -> bool:
        """Add evidence that another budget encoded. Damaged or foreign bytes change nothing, and are False."""
        memory = self._memory
        with self._lock:
            evidence = memory.read(data)
            if evidence is not None:
                memory.own.absorb(evidence, memory.half_life)
                memory.stale()
        return evidence is not None

    def sync(self, store: SharedStates) -> bool:
        """Give this process's evidence to a shared place and take in that of the others; takes a round trip.

        To be called in the background now and then. When the place does not answer it returns False, and local
        evidence and what was heard last have to do.
        """
        try:
            found = store.exchange(self._member, self.encode())
        except Exception:  # a fault of a stage is never the caller's
            return False
        memory = self._memory
        with self._lock:
            before = self.tripped
            if found.orphaned:
                memory.restart()
            others, orphans = (
                [evidence for data in states if (evidence := memory.read(data)) is not None]
                for states in (found.others, found.orphans)
            )
            memory.hear(others, orphans)
            after = self.tripped
        if after and not before:
            self._tell(f"error budget tripped elsewhere, only exact hits are served: {self.reason}")
        elif before and not after:
            self._tell("error budget recovered elsewhere")
        return True

    # -- forks -----------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Before a fork: nobody is to be changing this."""
        self._lock.acquire()

    def release(self) -> None:
        """After it, in the parent."""
        self._lock.release()

    def renew(self) -> None:
        """In the child: another member, whose evidence begins now."""
        self._lock = threading.Lock()
        self._member = os.urandom(8).hex()
        self._memory.forked()


def _worst(table: dict[bytes, list[float]]) -> list[tuple[bytes, list[float]]]:
    return sorted(table.items(), key=lambda item: -item[1][0])[:5]


def _probability(value: object) -> float:
    """A number from 0 to 1, or nan."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if 0 <= number <= 1 else math.nan


def _cell(risk: object) -> int:
    number = _probability(risk)
    return int(FINE * place(1.0 if number != number else number))
