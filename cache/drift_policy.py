"""What is done when answers, versions or traffic drift.

The detectors are in :mod:`.drift`, versions in :mod:`.versions`, ageing questions in :mod:`.volatile`; here is
what they mean for a cache. No I/O: a hook returns :class:`Actions`, and the caller carries them out
(:func:`carry_out`). All hooks may be called from any thread and cost microseconds.

- *Answer drift.* An audit that disagrees retires that entry. Disagreements of one tag that come faster than
  the baseline allows retire the tag, those of a scope the scope, and the life of what is stored under it next is cut;
  it grows back with every audit that agrees.
- *Which hits to audit.* With hits at rate h and an audit every T seconds, a change goes unnoticed for T/2 and h*T/2
  answers; for a given number of audits the sum over all entries is least when audits go as sqrt(h). A hit is
  therefore due when *hits since the last confirmation x seconds since then* passes a bound, and the bound moves so that
  ``audit_rate`` of all hits are due. An entry under suspicion is due sooner.
- *Traffic drift.* When similarities or risks of the nearest candidates no longer look like those the budget was
  calibrated on, it is asked to be stricter until it is calibrated anew or the traffic is back.
- *Version drift.* See :mod:`.versions`: sources declared by calls, snapshots told by answers.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeVar

import msgspec

from ..clock import SYSTEM_CLOCK, Clock
from ..errors import ConfigError
from ..forks import renew_after_fork
from .drift import Adwin, PageHinkley, Stability
from .versions import MARK, SNAPSHOT, SYSTEM, Declared, Versions, answer_tags, version_tag
from .volatile import LEVELS, LIFETIMES, Level, volatility

K = TypeVar("K")
V = TypeVar("V")

LONGEST_S = 30 * 86400.0
"""The life that is shortened where the policy sets none, seconds."""


class Actions(NamedTuple):
    """What a hook asks for.

    Attributes:
        retire_tags: Tags to invalidate.
        retire_scopes: Scopes to invalidate (digests, 32 bytes).
        retire_keys: Exact keys to invalidate (digests, 32 bytes).
        why: In words; empty when nothing is asked.
    """

    retire_tags: tuple[str, ...] = ()
    retire_scopes: tuple[bytes, ...] = ()
    retire_keys: tuple[bytes, ...] = ()
    why: str = ""

    @property
    def marks(self) -> list[str]:
        """The tags to bump in the ledger, all in one bump."""
        return [
            *self.retire_tags,
            *(f"scope:{scope.hex()}" for scope in self.retire_scopes),
            *(f"key:{key.hex()}" for key in self.retire_keys),
        ]


NO_ACTIONS = Actions()


def carry_out(actions: Actions, bump: Callable[[Sequence[str]], bool]) -> bool:
    """Do what ``actions`` asks, by the ledger's ``bump`` or ``retire``: one round trip where it is shared. Returns
    whether the shared ledger has it; True when there was nothing to do."""
    return bump(marks) if (marks := actions.marks) else True


class DriftSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of :class:`DriftPolicy`.

    Attributes:
        lifetimes: Longest life by volatility level, seconds; None is unbounded, 0 not stored.
        audit_rate: Share of hits that are due for an audit, 0..1.
        suspicion: How many times sooner an entry is due when its tag or scope is about to be an alarm.
        baseline: Share of audits expected to disagree while nothing changes; learned from then on.
        tolerance: Rise of that share that is no drift.
        tag_alarm: Disagreements above the baseline, in a row of few agreements, that retire a tag.
        scope_alarm: The same for a scope.
        shrink: What an alarm multiplies the life of new entries by.
        grow: What an audit that agrees multiplies it by, up to the configured TTL again.
        shortest_ttl: Seconds below which an alarm does not cut a life.
        on_snapshot: ``"retire"`` answers of a model's old snapshot when its name answers from a new one, or ``"keep"``.
        on_fingerprint: The same for the system fingerprint, which changes often and for little; wrapped clients tell.
        traffic_psi: Stability index that is traffic drift.
        traffic_window: Candidates looked at.
        tighten: What traffic drift multiplies the error budget by, 0.1..1.
        most: Tags, scopes and keys remembered, each; the longest unused go first.
    """

    lifetimes: Mapping[Level, float | None] = LIFETIMES
    audit_rate: float = 0.03
    suspicion: float = 20.0
    baseline: float = 0.02
    tolerance: float = 0.05
    tag_alarm: float = 1.5
    scope_alarm: float = 3.0
    shrink: float = 0.25
    grow: float = 1.1
    shortest_ttl: float = 600.0
    on_snapshot: Literal["retire", "keep"] = "retire"
    on_fingerprint: Literal["retire", "keep"] = "keep"
    traffic_psi: float = 0.25
    traffic_window: int = 500
    tighten: float = 0.5
    most: int = 20_000

    def __post_init__(self) -> None:
        for name, low, high in (
            ("audit_rate", 0.0, 1.0),
            ("baseline", 0.0, 1.0),
            ("tolerance", 0.0, 1.0),
            ("shrink", 0.01, 1.0),
            ("grow", 1.0, math.inf),
            ("suspicion", 1.0, math.inf),
            ("tag_alarm", 0.0, math.inf),
            ("scope_alarm", 0.0, math.inf),
            ("shortest_ttl", 0.0, math.inf),
            ("traffic_psi", 0.0, math.inf),
            ("traffic_window", 2, math.inf),
            ("tighten", 0.1, 1.0),  # with less than that, one wrong label leaves nothing to be served
            ("most", 1, math.inf),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{name} is {value!r}; it must be from {low:g} to {high:g}", setting=name)
        for level, life in self.lifetimes.items():
            if level not in LEVELS or not (life is None or life >= 0):
                raise ConfigError(
                    f"lifetimes has {level!r}: {life!r}; levels are {', '.join(LEVELS)}, a life is seconds or None",
                    setting="lifetimes",
                )
        for name in ("on_snapshot", "on_fingerprint"):
            if getattr(self, name) not in ("retire", "keep"):
                raise ConfigError(f"{name} is {getattr(self, name)!r}; it is 'retire' or 'keep'", setting=name)


class _Watch:
    """What audits said of one tag or scope."""

    __slots__ = ("adwin", "alarms", "audits", "disagreed", "factor", "test")

    def __init__(self, tolerance: float, alarm: float, windowed: bool) -> None:
        self.test = PageHinkley(tolerance, alarm, least=1, reference=0.0)
        self.adwin = Adwin() if windowed else None
        self.factor = 1.0
        self.audits = self.disagreed = self.alarms = 0

    def update(self, disagreed: bool, baseline: float, shrink: float, grow: float) -> bool:
        self.audits += 1
        self.disagreed += disagreed
        self.test.reference = baseline
        alarm = self.test.update(float(disagreed))
        if self.adwin is not None and self.adwin.update(float(disagreed)) and self.adwin.rose:
            alarm = True
        if alarm:
            self.alarms += 1
            self.test.reset()
            self.factor *= shrink
        elif not disagreed:
            self.factor = min(1.0, self.factor * grow)
        return alarm

    @property
    def suspicion(self) -> float:
        return min(1.0, self.test.sum / self.test.threshold) if self.test.threshold else 1.0


class _Exposure:
    """Hits on one entry since it was last confirmed."""

    __slots__ = ("hits", "since")

    def __init__(self, since: float) -> None:
        self.hits = 0
        self.since = since


def _kept(table: OrderedDict[K, V], name: K, most: int, make: Callable[[], V]) -> V:
    """What ``table`` holds under ``name``, made if need be; the longest unused of more than ``most`` goes."""
    held = table.get(name)
    if held is None:
        held = table[name] = make()
        if len(table) > most:
            table.popitem(last=False)
    else:
        table.move_to_end(name)
    return held


class DriftPolicy:
    """Watches for drift, and says what to do. One per open cache; alarms reach other processes through the ledger.

    Args:
        settings: See :class:`DriftSettings`.
        clock: Time.
    """

    def __init__(self, settings: DriftSettings | None = None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.settings = settings or DriftSettings()
        self.versions = Versions(None, clock)
        self._clock = clock
        self._tags: OrderedDict[str, _Watch] = OrderedDict()
        self._scopes: OrderedDict[bytes, _Watch] = OrderedDict()
        self._exposed: OrderedDict[bytes, _Exposure] = OrderedDict()
        self._baseline = self.settings.baseline
        self._bound = math.log(4 * 3600.0)  # log of hits x seconds; moves to where audit_rate of hits are due
        self._similarity = Stability(self.settings.traffic_window)
        self._risk = Stability(self.settings.traffic_window)
        self._drifted = ""
        self.audits = self.alarms = self.due_hits = self.hits = 0
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """In the child of a fork: a lock of its own."""
        self._lock = threading.Lock()

    # -- lifetimes -------------------------------------------------------------------------------------

    def lifetime(self, query: str | None, tags: Sequence[str], scope: bytes, base_ttl: float) -> float:
        """Seconds an answer to ``query`` may live: at most ``base_ttl`` (``inf`` for ever), less what alarms of its
        tags and scope have cut, and no more than the volatility of the question allows (0: do not store)."""
        life = base_ttl
        with self._lock:
            factors = [watch.factor for tag in tags if (watch := self._tags.get(tag)) is not None]
            if (watch := self._scopes.get(scope)) is not None:
                factors.append(watch.factor)
        factor = min(factors, default=1.0)
        if factor < 1.0:
            life = max(min(life, self.settings.shortest_ttl), min(life, LONGEST_S) * factor)
        if query is not None:
            cap = self.settings.lifetimes.get(volatility(query, self._year()).level)
            life = life if cap is None else min(life, cap)
        return life

    def across_words(self, query: str) -> str:
        """Why an answer to ``query`` may not serve it in other words, or an empty text."""
        found = volatility(query, self._year())
        return "" if found.across_words else f"the question is live ({found.why}): exact match only"

    def _year(self) -> int:
        return time.gmtime(self._clock.now()).tm_year

    # -- answer drift --------------------------------------------------------------------------------------

    def due(self, scope: bytes, tags: Sequence[str], key: bytes, created: float, now: float | None = None) -> bool:
        """Note a hit on the entry of ``key``, made at ``created`` (Unix seconds); True when it is due for an audit.
        Due hits are no random sample: they find drift, and say nothing unweighted of the share of wrong hits."""
        now = self._clock.now() if now is None else now
        rate = self.settings.audit_rate
        with self._lock:
            self.hits += 1
            if not rate:
                return False
            exposure = _kept(self._exposed, key, self.settings.most, lambda: _Exposure(created))
            if created > exposure.since:
                exposure.hits, exposure.since = 0, created
            exposure.hits += 1
            doubt = max(
                (w.suspicion for w in (*map(self._tags.get, tags), self._scopes.get(scope)) if w is not None),
                default=0.0,
            )
            weight = 1.0 + (self.settings.suspicion - 1.0) * doubt
            exposed = exposure.hits * max(1.0, now - exposure.since) * weight
            is_due = math.log(exposed) > self._bound
            self._bound += (_STEP + 1 / (1 + self.due_hits)) * (float(is_due) - rate)  # Robbins-Monro; large at first
            if is_due:
                self.due_hits += 1
                exposure.hits, exposure.since = 0, now  # not asked again while the audit is on its way
            return is_due

    def on_audit(
        self, scope: bytes, tags: Sequence[str], agreed: bool, now: float | None = None, *, key: bytes = b""
    ) -> Actions:
        """Take note of an audit: the stored answer and a fresh one agree, or not.

        Args:
            scope: Of the entry.
            tags: Of the entry.
            agreed: Whether one could serve for the other.
            now: Unix seconds of the audit; the clock's when None.
            key: Exact key of the entry, when it is to be retired if they disagree: not if the fresh answer has
                already taken its place.
        """
        now = self._clock.now() if now is None else now
        s = self.settings
        alarmed: list[str] = []
        scopes: tuple[bytes, ...] = ()
        with self._lock:
            self.audits += 1
            if key:
                exposure = _kept(self._exposed, key, s.most, lambda: _Exposure(now))
                exposure.hits, exposure.since = 0, now
            for tag in tags:
                # A version is retired by its successor, and everything that carries it carries its source too.
                if MARK in tag and tag.rpartition(MARK)[0] in tags:
                    continue
                watch = _kept(self._tags, tag, s.most, lambda: _Watch(s.tolerance, s.tag_alarm, windowed=False))
                if watch.update(not agreed, self._baseline, s.shrink, s.grow):
                    alarmed.append(tag)
            watch = _kept(self._scopes, scope, s.most, lambda: _Watch(s.tolerance, s.scope_alarm, windowed=True))
            if watch.update(not agreed, self._baseline, s.shrink, s.grow):
                scopes = (scope,)
            self._baseline += (float(not agreed) - self._baseline) / _MEMORY
            self._baseline = min(max(self._baseline, 0.002), 0.3)
            self.alarms += len(alarmed) + len(scopes)
        if agreed:
            return NO_ACTIONS
        why = ["the audit disagrees"]
        if alarmed:
            why.append(f"disagreements pile up under {', '.join(alarmed)}")
        if scopes:
            why.append("disagreements pile up in the scope")
        return Actions(tuple(alarmed), scopes, (key,) if key else (), "; ".join(why))

    # -- version drift -------------------------------------------------------------------------------------

    def declare(self, tags: Sequence[str]) -> Declared:
        """See :meth:`.versions.Versions.declare`; before a call with versions in its tags looks for an answer."""
        return self.versions.declare(tags)

    def outdated(self, tags: Sequence[str]) -> str:
        """Why an entry with these tags may not be served, or an empty text."""
        return self.versions.outdated(tags)

    def answer_tags(self, requested_model: str, model: str, system_fingerprint: str = "") -> tuple[str, ...]:
        """Tags an entry gets beside its own, so that the snapshot that made it can be retired."""
        s = self.settings
        return answer_tags(
            requested_model,
            model if s.on_snapshot == "retire" else "",
            system_fingerprint if s.on_fingerprint == "retire" else "",
        )

    def on_answer(self, requested_model: str, model: str, system_fingerprint: str = "") -> Actions:
        """Take note of which snapshot answered for a model's name."""
        retire: list[str] = []
        s = self.settings
        if s.on_snapshot == "retire" and requested_model and model and model != requested_model:
            name = SNAPSHOT + requested_model
            retire += self.versions.observe(name, _encoded(model), _SNAPSHOT_ROW)
        if s.on_fingerprint == "retire" and requested_model and system_fingerprint:
            name = SYSTEM + requested_model
            retire += self.versions.observe(name, _encoded(system_fingerprint), _FINGERPRINT_ROW)
        if not retire:
            return NO_ACTIONS
        return Actions(tuple(retire), why=f"{requested_model} now answers from {model} {system_fingerprint}".rstrip())

    # -- traffic drift -------------------------------------------------------------------------------------

    def calibrated(self, similarities: Iterable[float], risks: Iterable[float] = ()) -> None:
        """Take what the budget has just been calibrated on for normal. Too few values leave that side to learn
        its reference from the traffic itself."""
        with self._lock:
            self._drifted = ""
            for watch, values in ((self._similarity, list(similarities)), (self._risk, list(risks))):
                if len(values) >= watch.bins:
                    watch.reference(values)
                else:
                    watch.forget()

    def on_candidate(self, similarity: float, risk: float | None = None) -> Actions:
        """Take note of the nearest candidate of a lookup. ``why`` says so when traffic drift begins or ends."""
        with self._lock:
            index = self._similarity.update(similarity)
            index = max(index, self._risk.update(risk) if risk is not None else self._risk.index)
            bound = self.settings.traffic_psi
            if not self._drifted and index > bound:
                self._drifted = f"questions are not those the budget was calibrated on (stability index {index:.2f})"
                return Actions(why=self._drifted)
            if self._drifted and index < bound / 2:
                self._drifted = ""
                return Actions(why="the traffic looks as it did when the budget was calibrated")
        return NO_ACTIONS

    @property
    def strictness(self) -> float:
        """What the error budget is to be multiplied by now: 1.0, or less under traffic drift."""
        return self.settings.tighten if self._drifted else 1.0

    # -- looking in ----------------------------------------------------------------------------------------

    def state(self) -> dict[str, object]:
        """What is known now, as plain data: audits, alarms, shortened lives, traffic, versions."""
        with self._lock:
            return {
                "hits": self.hits,
                "due": self.due_hits,
                "audits": self.audits,
                "alarms": self.alarms,
                "baseline": round(self._baseline, 4),
                "tags": {tag: _told(watch) for tag, watch in self._tags.items() if watch.disagreed},
                "scopes": {scope.hex(): _told(watch) for scope, watch in self._scopes.items()},
                "traffic": {
                    "similarity_psi": round(self._similarity.index, 4),
                    "risk_psi": round(self._risk.index, 4),
                    "drift": self._drifted,
                    "strictness": self.strictness,
                },
                "versions": self.versions.state(),
            }


_STEP = 0.05  # of the logarithm of the bound, per hit
_MEMORY = 500  # audits the baseline looks back on
_SNAPSHOT_ROW = 5
_FINGERPRINT_ROW = 20


def _encoded(version: str) -> str:
    return version_tag("x", version)[2:]


def _told(watch: _Watch) -> dict[str, object]:
    told: dict[str, object] = {
        "audits": watch.audits,
        "disagreed": watch.disagreed,
        "alarms": watch.alarms,
        "ttl_factor": round(watch.factor, 4),
        "suspicion": round(watch.suspicion, 4),
    }
    if watch.adwin is not None:
        told["disagreement_now"] = round(watch.adwin.mean, 4)
    return told
