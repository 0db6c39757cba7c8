"""Decisions by name, for the tools that compare them.

======================  =====================================================================================
``verified``            guards, verifier and error budget: what the cache does by default
``verifier``            the same without guards
``calibrated:FILE``     as ``verified``, with the risks that ``askonce calibrate`` fitted
``conservative``        guards; the same words, or a high cosine
``guards:0.8``          guards, and a cosine of at least 0.8
``guards-only``         guards, whatever the cosine
``cosine:0.8``          a cosine of at least 0.8: the plain rule of the field
``cosine``              the same at the cosine measured for the embedder
======================  =====================================================================================
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ..clock import ManualClock
from ..errors import ConfigError
from .guards import CONSERVATIVE, SURE, Guard
from .semantic import THRESHOLDS, UNKNOWN_EMBEDDER, Candidate, Conservative, Decision, Threshold, Verdict
from .verified import Verified
from .verifier import RISKS, Verifier, load_risks

DEFAULT_POLICY = "verified"
NAMES = ("verified", "verifier", "calibrated:FILE", "conservative", "guards:0.8", "guards-only", "cosine:0.8", "cosine")
MAX_WRONG = 0.01


class GuardsOnly:
    """Serve whatever no guard objects to, however far apart: what guards alone are worth."""

    floor = -1.0

    def __init__(self, guards: tuple[Guard, ...] = CONSERVATIVE) -> None:
        self.guards = guards

    def decide(self, candidate: Candidate) -> Verdict:
        for guard in self.guards:
            reason = guard(candidate.asked, candidate.cached)
            if reason:
                return Verdict(False, reason)
        return Verdict(True, "no guard objects")

    def score(self, candidate: Candidate) -> float:
        """The cosine says nothing here: all that passes is alike."""
        return 0.0


class Named(NamedTuple):
    """A decision and how it was made.

    Attributes:
        name: As given, or what took its place.
        decision: The decision.
        max_wrong: Its error budget; None for a rule that has none.
        note: What the user should know, or an empty string.
    """

    name: str
    decision: Decision
    max_wrong: float | None = None
    note: str = ""


def has_budget(name: str) -> bool:
    """Whether a policy of this name has an error budget to set."""
    return name.startswith("calibrated:") or (name in ("verified", "verifier") and _verifier_is_here())


def check_name(name: str) -> None:
    """Refuse a name nobody knows before anything is loaded.

    Raises:
        ConfigError: There is no such policy, or its cosine is not one.
    """
    kind, colon, rest = name.partition(":")
    if kind in ("cosine", "guards") and colon:
        try:
            cosine = float(rest)
        except ValueError:
            cosine = math.nan
        if not -1 <= cosine <= 1:
            raise ConfigError(f"--policy is {name!r}; write {kind}: and a cosine from -1 to 1", setting="policy")
    elif kind == "calibrated" and rest:
        if not Path(rest).is_file():
            raise ConfigError(f"there is no file {rest} to take the calibration from", setting="policy")
    elif name not in NAMES or name == "calibrated:FILE":
        raise ConfigError(f"there is no policy {name!r}; known are {', '.join(NAMES)}", setting="policy")


def check_max_wrong(value: float) -> float:
    """Refuse what is not a share.

    Raises:
        ConfigError: It is not above 0 and at most 0.5.
    """
    if not 0 < value <= 0.5:
        raise ConfigError(
            f"--max-wrong is {value!r}; it is a share up to 0.5, as 0.01 for 1 in 100", setting="max_wrong"
        )
    return value


def policy_of(name: str, fingerprint: str, max_wrong: float = MAX_WRONG) -> Named:
    """The decision of this name.

    Args:
        name: See the module.
        fingerprint: Of the embedder: cosines of different models are not comparable.
        max_wrong: Error budget, for the policies that have one.

    Raises:
        ConfigError: There is no such policy.
    """
    check_name(name)
    check_max_wrong(max_wrong)
    kind, colon, rest = name.partition(":")
    if kind in ("verified", "verifier"):
        return _verified(name, fingerprint, max_wrong)
    if kind == "calibrated":
        return _calibrated(name, rest, fingerprint, max_wrong)
    if name == "conservative":
        return Named(name, Conservative.for_embedder(fingerprint))
    if name == "guards-only":
        return Named(name, GuardsOnly())
    guards = CONSERVATIVE if kind == "guards" else ()
    return Named(name, Threshold(float(rest) if colon else _known(fingerprint), guards))


def _known(fingerprint: str) -> float:
    return next((pair[0] for model, pair in THRESHOLDS.items() if fingerprint.startswith(model)), UNKNOWN_EMBEDDER[0])


def _verifier_is_here() -> bool:
    return RISKS.is_file()


@lru_cache(maxsize=4)
def _verifier(fingerprint: str, file: str = "") -> Verifier:
    """One verifier for all error budgets that are compared: it remembers what its pair model said."""
    return Verifier(fingerprint, risks=load_risks(Path(file)) if file else None)


def _verified(name: str, fingerprint: str, max_wrong: float) -> Named:
    if not _verifier_is_here():
        if name == "verifier":
            raise ConfigError("this installation has no verifier", setting="policy")
        return Named(
            "conservative",
            Conservative.for_embedder(fingerprint),
            note="this installation has no verifier: conservative was measured in its place",
        )
    guards = () if name == "verifier" else SURE
    # Time stands still: nothing that a budget learns here fades while the rest is measured.
    decision = Verified(
        fingerprint, max_wrong=max_wrong, guards=guards, verifier=_verifier(fingerprint), clock=ManualClock()
    )
    return Named(name, decision, max_wrong)


def _calibrated(name: str, file: str, fingerprint: str, max_wrong: float) -> Named:
    learned = load_risks(Path(file))
    if not any(one.embedder and fingerprint.startswith(one.embedder) for one in learned):
        made_for = ", ".join(sorted({one.embedder for one in learned})) or "nothing"
        raise ConfigError(
            f"{file} was made for {made_for}, not for the embedder {fingerprint}; run askonce calibrate",
            setting="policy",
        )
    verifier = _verifier(fingerprint, str(Path(file).resolve()))
    return Named(name, Verified(fingerprint, max_wrong=max_wrong, verifier=verifier, clock=ManualClock()), max_wrong)
