"""What askonce decides by, for the benchmarks: its decision on pairs, and with an error budget on streams."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

from askonce import ManualClock
from askonce.cache.budget import Allowance, ErrorBudget
from askonce.cache.guards import SURE, Guard
from askonce.cache.semantic import Conservative, Decision
from askonce.cache.verified import Verified
from askonce.cache.verifier import RISKS, Verifier, load_risks
from askonce.embeddings.pair_model import PairModel
from askonce.errors import ConfigError

from .policies import Budgeted, Judge, Judged, Policy


def shipped() -> bool:
    """Whether the verifier's models are there; without them the conservative rule stands in for it."""
    return RISKS.exists()


def trained(fingerprint: str, risks: Path | None, pair_model: Path | None) -> Verifier | None:
    """A verifier of other files than those that ship, as ``training`` makes them; None when none are named.

    Args:
        fingerprint: Of the embedder.
        risks: A file of ``training.fit_risk``.
        pair_model: A folder of ``training.export_pair``, for the language it was trained on.

    Raises:
        ConfigError: A file or folder is not there or not readable, or the risks are of other languages.
        EmbedderError: A model is damaged.
    """
    if risks is None and pair_model is None:
        return None
    learned = load_risks(RISKS if risks is None else risks)
    own: dict[str, str | Path] = {}
    if pair_model is not None:
        script = "han" if "han" in PairModel(pair_model).facts.scripts else "latin"
        if script not in {one.script for one in learned}:
            raise ConfigError(f"{risks or RISKS} has no risks for the language of {pair_model}", setting="risks")
        own[script] = pair_model
    made = Verifier(fingerprint, risks=learned, pair_models=own)
    made.load()
    return made


def ours(
    fingerprint: str,
    max_wrong: float = 0.01,
    *,
    guards: Sequence[Guard] = SURE,
    budget: ErrorBudget | None = None,
    verifier: Verifier | None = None,
) -> Decision:
    """The decision askonce ships for an embedder.

    Args:
        fingerprint: Of the embedder.
        max_wrong: Share of served hits that may be wrong.
        guards: Vetoes.
        budget: None for a fresh one.
        verifier: None for what ships.
    """
    if verifier is None and not shipped():
        words = Conservative.for_embedder(fingerprint)
        return Conservative(words.threshold, words.same_words, guards)
    return Verified(fingerprint, max_wrong=max_wrong, guards=guards, budget=budget, verifier=verifier)


class Unlimited(ErrorBudget):
    """Lets everything pass, so that a decision's verdict on a pair is its risk, whatever was served before."""

    def allow(self, risk: float, scope: bytes = b"", key: bytes = b"") -> Allowance:
        return Allowance(True, "no budget", risk)


def ours_on_streams(
    fingerprint: str, texts: Sequence[str], max_wrong: float, verifier: Verifier | None = None
) -> Callable[[int], Policy]:
    """What :func:`ours` decides, with its pairs judged once for all streams and a fresh budget for each seed."""
    unlimited = Unlimited(max_wrong, clock=ManualClock())
    decision = ours(fingerprint, max_wrong, budget=unlimited, verifier=verifier)
    judge = Judge(decision, texts)
    if not isinstance(decision, Verified):
        return lambda seed: Judged(judge)
    prior = decision.verifier.calibration()
    return lambda seed: Budgeted(
        judge,
        ErrorBudget(max_wrong, prior=prior, clock=ManualClock(), member=f"stream-{seed}"),
        random.Random(f"audits/{seed}"),
    )
