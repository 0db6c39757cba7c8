"""What an error budget knows: the calibration it starts from, and the evidence it has gathered.

Evidence is counts and sums that fade exponentially with time. Two budgets' evidence, brought to the same moment, adds
up: merging is commutative and associative, so processes may exchange theirs in any order. It takes a few kilobytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import NamedTuple, Protocol

import msgspec

from ..errors import ConfigError

PER_DECADE = 5
DECADES = 4
BINS = PER_DECADE * DECADES + 1
"""Bins of risk: everything up to 1e-4, then five per factor of ten up to 1."""
FINE = 4
CELLS = (BINS - 1) * FINE + 1
"""Cells of the histogram of traffic: each bin in four, and one for everything up to 1e-4."""

MAX_SCOPES = 256
MAX_ENTRIES = 1024
KEPT_SCOPES = 32  # in the encoded state, the most telling ones
KEPT_ENTRIES = 128
ID_BYTES = 16
FORGOTTEN = 1e-3  # an entry's or scope's evidence below this is dropped

_MAGIC = b"askonce-budget-1\n"
_LOWEST = 10.0**-DECADES


def place(risk: float) -> float:
    """Position of a risk (0..1) on the grid: 0 at 1e-4 or less, ``BINS - 1`` at 1; one step is one bin."""
    return PER_DECADE * math.log10(risk / _LOWEST) if risk > _LOWEST else 0.0


def risk_bin(risk: float) -> int:
    """The bin of a risk (0..1), 0..``BINS - 1``."""
    return math.ceil(place(risk) - 1e-9)


def bin_risk(number: int) -> float:
    """The risk in the (geometric) middle of a bin."""
    return _LOWEST * 10 ** ((number - 0.5) / PER_DECADE) if number else _LOWEST / 2


class BinCount(NamedTuple):
    """Held-out pairs whose risk fell into one bin: how many, and how many of them would have been wrong."""

    n: float
    wrong: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """How often a verifier's risks came true on held-out pairs: what a budget believes before it has seen anything.

    Attributes:
        bins: One count per bin, ``BINS`` of them.
        worth: How many wrong answers of live evidence all of it together is worth. Small learns fast and leaves
            a wide safety margin at first; great trusts the calibration.
    """

    bins: tuple[BinCount, ...] = (BinCount(0.0, 0.0),) * BINS
    worth: float = 4.0

    def __post_init__(self) -> None:
        if len(self.bins) != BINS or not all(0 <= wrong <= n < math.inf for n, wrong in self.bins):
            raise ConfigError(
                f"a calibration has {BINS} bins with 0 <= wrong <= n; make it with Calibration.measure", setting="prior"
            )
        if not 1 <= self.worth < math.inf:
            raise ConfigError(f"worth is {self.worth!r}; it is a number of wrong answers, 1 or more", setting="worth")

    @classmethod
    def measure(cls, pairs: Iterable[tuple[float, bool]], worth: float = 4.0) -> Calibration:
        """Count held-out pairs, each (risk 0..1, whether serving would have been wrong)."""
        counts = [[0, 0] for _ in range(BINS)]
        for risk, wrong in pairs:
            if not 0 <= risk <= 1:
                raise ConfigError(f"a risk is {risk!r}; it is a probability from 0 to 1", setting="prior")
            count = counts[risk_bin(risk)]
            count[0] += 1
            count[1] += bool(wrong)
        return cls(bins=tuple(BinCount(n, wrong) for n, wrong in counts), worth=worth)


class Evidence(msgspec.Struct, kw_only=True):
    """What was seen, as of the moment ``at``; every count fades with the half-life.

    Attributes:
        at: Seconds since the epoch.
        era: When a trip was last overcome or reset; of two, the evidence about risks of the later era counts.
        tripped_at: When it tripped in this era, or 0.
        reason: Of the trip.
        labels, wrong: Per bin, labelled candidates and those that were wrong.
        pooled_wrong, pooled_expected: Wrong labels in all bins, and how many the calibration foretold.
        audits, audits_wrong: Audited hits, each weighing 1 or less so that together they stand for all hits.
        trip, complaints, recovery: Log wealths of the detectors: audits, reports, shadow audits after a trip.
        served, charged: Recent served hits, and the sum of their risks before the common correction.
        reports: Entries reported wrong.
        seen: Candidates per cell of risk.
        scopes: Per id, the log likelihood ratio of "a trap" against "ordinary", and the labels it rests on.
        entries: Per id, the same ratio, and reports of wrong answers.
    """

    at: float
    era: float = 0.0
    tripped_at: float = 0.0
    reason: str = ""
    labels: list[float] = msgspec.field(default_factory=lambda: [0.0] * BINS)
    wrong: list[float] = msgspec.field(default_factory=lambda: [0.0] * BINS)
    pooled_wrong: float = 0.0
    pooled_expected: float = 0.0
    audits: float = 0.0
    audits_wrong: float = 0.0
    trip: list[float]
    complaints: list[float]
    recovery: list[float]
    served: float = 0.0
    charged: float = 0.0
    reports: float = 0.0
    seen: list[float] = msgspec.field(default_factory=lambda: [0.0] * CELLS)
    scopes: dict[bytes, list[float]] = {}
    entries: dict[bytes, list[float]] = {}

    def fade(self, factor: float) -> None:
        """Multiply everything that was counted by ``factor`` (0..1)."""
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) * factor)
        for name in _LISTS:
            setattr(self, name, [value * factor for value in getattr(self, name)])
        for name in _TABLES:
            faded = ((key, [value * factor for value in row]) for key, row in getattr(self, name).items())
            setattr(self, name, {key: row for key, row in faded if max(map(abs, row)) > FORGOTTEN})

    def fade_to(self, now: float, half_life: float | None) -> None:
        """Bring it to the moment ``now``. A clock set back fades nothing."""
        if now > self.at:
            if half_life is not None:
                self.fade(0.5 ** ((now - self.at) / half_life))
            self.at = now

    def absorb(self, other: Evidence, half_life: float | None) -> None:
        """Add another's evidence (which is left as it is)."""
        other = copy(other)
        moment = max(self.at, other.at)
        self.fade_to(moment, half_life)
        other.fade_to(moment, half_life)
        for name in _ALWAYS:
            _add(self, other, name)
        for name in _TABLES:
            table = getattr(self, name)
            for key, row in getattr(other, name).items():
                mine = table.get(key)
                table[key] = row if mine is None else [a + b for a, b in zip(mine, row, strict=True)]
        if other.era < self.era:
            return
        if other.era > self.era:
            self.new_era(other.era)
            for name in _WEALTHS:
                setattr(self, name, getattr(other, name))
        for name in _OF_ERA:
            _add(self, other, name)
        for name in _WEALTHS:  # the same change seen by both is one change: wealths are compared, not added
            setattr(self, name, list(map(max, getattr(self, name), getattr(other, name))))
        self.tripped_at, self.reason = max((self.tripped_at, self.reason), (other.tripped_at, other.reason))

    def new_era(self, era: float) -> None:
        """Forget what was learnt about risks, and the trip; what is known of scopes and entries stays."""
        self.era, self.tripped_at, self.reason = era, 0.0, ""
        for name in (*_OF_ERA, *_WEALTHS):
            value = getattr(self, name)
            setattr(self, name, [0.0] * len(value) if isinstance(value, list) else 0.0)


_OF_ERA = ("labels", "wrong", "pooled_wrong", "pooled_expected", "audits", "audits_wrong")
_WEALTHS = ("trip", "complaints", "recovery")
_ALWAYS = ("served", "charged", "reports", "seen")
_TABLES = ("scopes", "entries")
_SUMMED = (*_OF_ERA, *_WEALTHS, *_ALWAYS)
_LISTS = ("labels", "wrong", "seen", *_WEALTHS)
_NUMBERS = tuple(name for name in _SUMMED if name not in _LISTS)


def copy(evidence: Evidence) -> Evidence:
    """One that shares nothing with it."""
    fresh = msgspec.structs.replace(evidence)
    for name in _LISTS:
        setattr(fresh, name, list(getattr(evidence, name)))
    for name in _TABLES:
        setattr(fresh, name, {key: list(row) for key, row in getattr(evidence, name).items()})
    return fresh


def encode(evidence: Evidence) -> bytes:
    """Bytes, at most about 12 KB: the counts whole, and the scopes and entries that say most."""
    trimmed = copy(evidence)
    trimmed.scopes = _most_telling(evidence.scopes, KEPT_SCOPES, lambda row: abs(row[0]) + row[1])
    trimmed.entries = _most_telling(evidence.entries, KEPT_ENTRIES, lambda row: max(row))
    body = msgspec.msgpack.encode(trimmed)
    return _MAGIC + blake2b(body, digest_size=8).digest() + body


def decode(data: bytes) -> Evidence | None:
    """What :func:`encode` wrote, or None for anything else: damaged, of another version, or with senseless numbers."""
    if not data.startswith(_MAGIC):
        return None
    check, body = data[len(_MAGIC) : len(_MAGIC) + 8], data[len(_MAGIC) + 8 :]
    if blake2b(body, digest_size=8).digest() != check:
        return None
    try:
        evidence = msgspec.msgpack.decode(body, type=Evidence)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return evidence if _sensible(evidence) else None


def _sensible(evidence: Evidence) -> bool:
    if len(evidence.labels) != BINS or len(evidence.wrong) != BINS or len(evidence.seen) != CELLS:
        return False
    rows = [row for name in _TABLES for row in getattr(evidence, name).values()]
    if any(len(row) != 2 for row in rows):
        return False
    signed = [*_each(evidence, _WEALTHS), *(row[0] for row in rows)]
    counts = [*_each(evidence, (*_OF_ERA, *_ALWAYS, "at", "era", "tripped_at")), *(row[1] for row in rows)]
    return all(map(math.isfinite, signed)) and all(0 <= value < math.inf for value in counts)


def _each(evidence: Evidence, names: Iterable[str]) -> Iterator[float]:
    for name in names:
        value = getattr(evidence, name)
        if isinstance(value, list):
            yield from value
        else:
            yield value


def _add(into: Evidence, other: Evidence, name: str) -> None:
    mine, theirs = getattr(into, name), getattr(other, name)
    if isinstance(mine, list):
        setattr(into, name, [a + b for a, b in zip(mine, theirs, strict=True)])
    else:
        setattr(into, name, mine + theirs)


class _Telling(Protocol):
    def __call__(self, row: list[float], /) -> float: ...


def _most_telling(table: dict[bytes, list[float]], most: int, telling: _Telling) -> dict[bytes, list[float]]:
    chosen = sorted(table, key=lambda key: telling(table[key]), reverse=True)[:most]
    wanted = {key for key in chosen if telling(table[key]) > FORGOTTEN}
    return {key: row for key, row in table.items() if key in wanted}  # in the order they were used


class Exchange(Protocol):
    """What a shared place gave for one's own state.

    Attributes:
        others: States of the others that share it, as they last gave them.
        orphans: States nobody renews any more; taken out of the shared place, they are the caller's now.
        orphaned: One's own last state was taken for an orphan and is counted by somebody else now; the new one
            was not left.
    """

    @property
    def others(self) -> list[bytes]: ...
    @property
    def orphans(self) -> list[bytes]: ...
    @property
    def orphaned(self) -> bool: ...


class SharedStates(Protocol):
    """A place where the budgets of several processes meet, such as
    :class:`~askonce.backends.redis_states.RedisStates`."""

    def exchange(self, member: str, state: bytes) -> Exchange:
        """Replace the state of ``member``, and get the others'. May take a round trip.

        Raises:
            StoreError: The place did not answer.
        """
