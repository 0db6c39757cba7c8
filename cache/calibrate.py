"""Risk for an embedder nobody calibrated: from its cosines, the wording and the pair model to a probability.

Cosines of different models are not comparable, so what is learned for one says nothing for another. From labelled
pairs this fits, in minutes, both opinions of :mod:`.verifier`: a logistic model (ridge, by Newton's method), and over
it a monotone step function (isotonic regression by pooling neighbours that violate the order; Ayer et al. 1955), so
that what is called a risk of 3 % is about 3 % of the pairs. A part of the questions is kept out of the fit; on it risk
and labels are counted, which is what an error budget starts from.

Only numpy is needed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..embeddings.contract import Embedder
from ..errors import ConfigError, EmbedderError
from .bounds import clopper_pearson
from .budget_state import Calibration, risk_bin
from .evaluation import NEVER, Floats, Interval, auc, auc_interval, frontier, frontier_intervals, vectors_of
from .evidence import EVIDENCE, evidence
from .guards import SURE, Guard
from .pair_files import Pair, groups_of
from .verifier import Learned, Opinion, Verifier, script_of

HELD_OUT = 0.3
FEWEST = 30
"""Pairs of each class, past the guards, below which nothing is fitted."""
FREE = 5.0
"""Least penalty; see :func:`ridges`."""
LOWEST_RISK = 2e-4
CLEARLY_RIGHT = 0.01
LOST = 0.02
PASSABLE = 0.05
"""Second risk above which a hit is hardly ever served."""


# -- fitting ---------------------------------------------------------------------------------------------------


class Logistic(NamedTuple):
    """``logit = bias + weights * (row - mean) / scale``, the logit of being wrong."""

    mean: list[float]
    scale: list[float]
    weights: list[float]
    bias: float

    def logits(self, rows: ArrayLike) -> Floats:
        """Of each row; float64 ``(n,)``."""
        table = (np.asarray(rows, dtype=np.float64) - np.asarray(self.mean)) / np.asarray(self.scale)
        made: Floats = table @ np.asarray(self.weights) + self.bias
        return made


def fit_logistic(rows: ArrayLike, wrong: ArrayLike, ridge: ArrayLike = 1.0, rounds: int = 50) -> Logistic:
    """Logistic regression by Newton's method.

    Args:
        rows: Signals, ``(n, k)``.
        wrong: 1 where serving is wrong, else 0; ``(n,)``.
        ridge: Penalty on the weights of the standardised signals, one for all or one for each; keeps separable data
            finite.
        rounds: Most steps.

    Raises:
        ConfigError: The shapes do not fit, or a number is not finite.
    """
    table, marks = np.asarray(rows, dtype=np.float64), np.asarray(wrong, dtype=np.float64)
    if table.ndim != 2 or marks.shape != table.shape[:1] or not len(marks):
        raise ConfigError(f"signals of shape {table.shape} and labels of shape {marks.shape} do not belong together")
    if not np.isfinite(table).all():
        raise ConfigError("a signal is not a finite number")
    mean, scale = table.mean(axis=0), table.std(axis=0)
    scale[scale < 1e-9] = 1.0
    ones = np.column_stack([(table - mean) / scale, np.ones(len(marks))])
    penalty = np.full(ones.shape[1], 1e-6)
    penalty[:-1] = np.asarray(ridge, dtype=np.float64)
    weights = np.zeros(ones.shape[1])
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-np.clip(ones @ weights, -30, 30)))
        slope = ones.T @ (chance - marks) + penalty * weights
        curve = (ones * (chance * (1 - chance))[:, None]).T @ ones + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        weights -= step * min(1.0, 5.0 / max(1e-12, float(np.abs(step).max())))
        if float(np.abs(step).max()) < 1e-8:
            break
    return Logistic(mean.tolist(), scale.tolist(), weights[:-1].tolist(), float(weights[-1]))


class Steps(NamedTuple):
    """A rising step function: the value of the last of ``starts`` that is not above the argument."""

    starts: list[float]
    values: list[float]

    def __call__(self, at: ArrayLike) -> Floats:
        place = np.searchsorted(np.asarray(self.starts), np.asarray(at, dtype=np.float64), side="right") - 1
        made: Floats = np.asarray(self.values)[np.maximum(place, 0)]
        return made


def fit_isotonic(at: ArrayLike, wrong: ArrayLike, least: int = 20) -> Steps:
    """Rising step function nearest to ``wrong`` in squares; equal arguments share a step.

    Args:
        at: Arguments, ``(n,)``.
        wrong: 1 or 0 for each.
        least: Fewest arguments under a step, so that none rests on a handful. A step's value is
            ``(wrong + 1/2) / (count + 1)``: never quite 0 or 1.

    Raises:
        ConfigError: There is nothing to fit, or the lengths differ.
    """
    x, y = np.asarray(at, dtype=np.float64), np.asarray(wrong, dtype=np.float64)
    if not len(x) or x.shape != y.shape:
        raise ConfigError(f"{x.shape} arguments and {y.shape} labels do not make a step function")
    levels, place = np.unique(x, return_inverse=True)
    counts = np.bincount(place).astype(np.float64)
    sums = np.bincount(place, weights=y)
    exact: list[_Block] = []
    for start, bad, count in zip(levels.tolist(), sums.tolist(), counts.tolist(), strict=True):
        exact.append(_Block(start, bad, count))
        _pool(exact, lambda block: block.wrong / block.of)
    blocks: list[_Block] = []
    for block in exact:
        if blocks and blocks[-1].of < least:
            block = blocks.pop().joined(block)
        blocks.append(block)
        _pool(blocks, _smooth)
    if len(blocks) > 1 and blocks[-1].of < least:
        last = blocks.pop()
        blocks.append(blocks.pop().joined(last))
        _pool(blocks, _smooth)
    return Steps([block.start for block in blocks], [_smooth(block) for block in blocks])


class _Block(NamedTuple):
    """Neighbouring arguments of one step: the first, how many are wrong, and how many there are."""

    start: float
    wrong: float
    of: float

    def joined(self, after: _Block) -> _Block:
        return _Block(self.start, self.wrong + after.wrong, self.of + after.of)


def _smooth(block: _Block) -> float:
    return (block.wrong + 0.5) / (block.of + 1)


def _pool(blocks: list[_Block], value: Callable[[_Block], float]) -> None:
    """Join the last blocks while they do not rise."""
    while len(blocks) > 1 and value(blocks[-2]) >= value(blocks[-1]):
        last = blocks.pop()
        blocks.append(blocks.pop().joined(last))


def sides_of(pairs: Sequence[Pair], share: float = HELD_OUT, salt: str = "") -> NDArray[np.int8]:
    """Part pairs into those to fit and those held out, so that no question is on both sides.

    Questions that hang together through pairs go to one side, which a digest of their group decides: the same pairs
    always part in the same way. A group with more than half of all pairs is parted question by question, and its
    pairs that reach across are dropped.

    Args:
        pairs: The pairs.
        share: About which share is held out.
        salt: Another one parts in another way.

    Returns:
        For each pair 0 (fit), 1 (held out) or -1 (dropped).
    """
    groups = groups_of((pair.cached, pair.asked) for pair in pairs)
    sizes = Counter(groups[pair.cached] for pair in pairs)
    giant = next((root for root, size in sizes.most_common(1) if 2 * size > len(pairs)), None)
    # Of a group parted by questions, both questions of a pair must fall on the side: about the share of what is left.
    alone = math.sqrt(share) / (math.sqrt(share) + math.sqrt(1 - share))

    def side(text: str) -> int:
        root = groups[text]
        name, bar = (text, alone) if root == giant else (root, share)
        mark = blake2b(f"{salt}\0{name}".encode("utf-8", "surrogatepass"), digest_size=4).digest()
        return int(int.from_bytes(mark) < bar * 2**32)

    both = [(side(pair.cached), side(pair.asked)) for pair in pairs]
    return np.asarray([one if one == other else -1 for one, other in both], dtype=np.int8)


# -- the whole -------------------------------------------------------------------------------------------------


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How much better risk parts the held-out pairs of one language than the cosine does, both behind the guards.

    Attributes:
        fitted, held_out: Pairs on each side.
        vetoed: Share of the held-out pairs a guard vetoes.
        asked_second: Share of the others of which the first opinion is unsure.
        auc_before, auc_after: Of the cosine and of the risk.
        frontier_before, frontier_after: See :func:`askonce.cache.evaluation.frontier`.
        intervals: 95 % intervals by field.
        error: Mean difference between risk and share of wrong answers over the bins (expected calibration error).
    """

    fitted: int
    held_out: int
    vetoed: float
    asked_second: float
    auc_before: float | None
    auc_after: float | None
    frontier_before: dict[str, float] | None
    frontier_after: dict[str, float] | None
    intervals: dict[str, dict[str, Interval] | Interval | None]
    error: float


class Fit(NamedTuple):
    """What :func:`calibrate` gives.

    Attributes:
        learned: For :class:`askonce.cache.verifier.Verifier`, one a language.
        reports: By language (``"latin"``, ``"han"``).
        left_out: Pairs that were not used: refused by the embedder or the pair model, or in another language.
    """

    learned: tuple[Learned, ...]
    reports: dict[str, Report]
    left_out: int

    def save(self, path: str | Path) -> None:
        """Write the JSON that :func:`askonce.cache.verifier.load_risks` reads; numbers, no text.

        Raises:
            OSError: The file cannot be written.
        """
        Path(path).write_bytes(msgspec.json.format(msgspec.json.encode(self.learned), indent=1) + b"\n")


class _Seen(NamedTuple):
    """Pairs of one language: cosines ``(n,)``, pair log-odds ``(n,)``, evidence ``(n, k)``, and by pair whether it is
    wrong, vetoed, and on which side of the split."""

    cosine: Floats
    odds: Floats
    evidence: Floats
    wrong: NDArray[np.bool_]
    vetoed: NDArray[np.bool_]
    sides: NDArray[np.int8]


def calibrate(
    embedder: Embedder,
    pairs: Sequence[Pair],
    *,
    log_odds: Callable[[str, str, str], float] | None = None,
    guards: Sequence[Guard] = SURE,
    max_chars: int | None = None,
    share: float = HELD_OUT,
    progress: Callable[[int], None] = lambda steps: None,
) -> Fit:
    """Fit both opinions of the verifier for an embedder.

    The pairs should be as those a cache meets, near neighbours: the share of wrong ones among them is what risk is
    measured by.

    Args:
        embedder: Text to vector.
        pairs: Labelled pairs.
        log_odds: What the pair model says, of ``(asked, cached, script)``; None for the models that ship.
        guards: Vetoes that will stand before the risk; vetoed pairs are not fitted.
        max_chars: Pairs with longer texts are left out.
        share: About which share is held out.
        progress: As :func:`askonce.cache.evaluation.evaluate` has it.

    Raises:
        ConfigError: In no language are there enough pairs of each label on each side, or a pair model.
        EmbedderError: The embedder failed.
    """
    ask = log_odds or Verifier(embedder.fingerprint).pair_log_odds
    rows = vectors_of(embedder, [t for pair in pairs for t in pair[:2]], max_chars=max_chars, progress=progress)
    by_script: dict[str, list[tuple[Pair, float, float]]] = {}
    for pair in pairs:
        progress(1)
        script = script_of(pair.asked, pair.cached)
        if pair.cached not in rows or pair.asked not in rows or not script:
            continue
        try:
            odds = ask(pair.asked, pair.cached, script)
        except (EmbedderError, KeyError):
            continue
        cosine = float(np.dot(rows[pair.cached], rows[pair.asked]))
        by_script.setdefault(script, []).append((pair, cosine, odds))
    learned, reports, why_not = [], {}, ["no pair is in a language a pair model knows"]
    for script, found in sorted(by_script.items()):
        seen = _seen(found, guards, share)
        few = _fewest(seen)
        if few < FEWEST:
            why_not.append(f"only {few} {script} pairs of a label are left on a side; it takes {FEWEST} of each")
            continue
        made, report = _learn(script, embedder.fingerprint, seen)
        learned.append(made)
        reports[script] = report
    if not learned:
        raise ConfigError(f"nothing to fit: {why_not[-1]} (refused and vetoed ones aside)", setting="pairs")
    return Fit(tuple(learned), reports, len(pairs) - sum(map(len, by_script.values())))


def _seen(found: Sequence[tuple[Pair, float, float]], guards: Sequence[Guard], share: float) -> _Seen:
    pairs = [pair for pair, _, _ in found]
    return _Seen(
        np.asarray([cosine for _, cosine, _ in found]),
        np.asarray([odds for _, _, odds in found]),
        np.asarray([evidence(pair.asked, pair.cached) for pair in pairs], dtype=np.float64),
        np.asarray([pair.label == 0 for pair in pairs], dtype=bool),
        np.asarray([any(guard(pair.asked, pair.cached) for guard in guards) for pair in pairs], dtype=bool),
        sides_of(pairs, share),
    )


def _fewest(seen: _Seen) -> int:
    kept = [(seen.sides == side) & ~seen.vetoed for side in (0, 1)]
    return min(int((label & side).sum()) for side in kept for label in (seen.wrong, ~seen.wrong))


def ridges(names: Sequence[str], pairs: int) -> list[float]:
    """Penalty for each signal of an opinion: little for similarity and the pair model's log-odds, much for the wording.

    What wording says of one kind of question it does not say of another. With whole sets left out, heavily penalised
    evidence parted right from wrong better than the two numbers alone, and freely fitted evidence parted them worse.
    """
    return [FREE if name in ("odds", "similarity") else max(FREE, pairs / 2) for name in names]


def _opinion(names: Sequence[str], rows: Floats, wrong: NDArray[np.bool_]) -> Opinion:
    """Fit one opinion; numbers far out are clipped, as the verifier clips them."""
    mean, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 0.02)
    clipped = np.clip((rows - mean) / scale, -4, 4)
    fitted = fit_logistic(clipped, wrong, ridge=ridges(names, len(wrong)))
    weights = np.asarray(fitted.weights) / np.asarray(fitted.scale)
    bias = fitted.bias - float(weights @ np.asarray(fitted.mean))
    odds = clipped @ weights + bias
    steps = fit_isotonic(odds, wrong)
    # The verifier goes in straight lines from one step to the next: each step's risk is true in its middle.
    place = np.searchsorted(np.asarray(steps.starts), odds, side="right") - 1
    middles = np.bincount(place, weights=odds) / np.bincount(place)
    return Opinion(
        names=tuple(names),
        mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()),
        weights=tuple(weights.tolist()),
        bias=bias,
        starts=tuple(middles.tolist()),
        risks=tuple(max(value, LOWEST_RISK) for value in steps.values),
    )


def _learn(script: str, fingerprint: str, seen: _Seen) -> tuple[Learned, Report]:
    mine, kept = (seen.sides == 0) & ~seen.vetoed, (seen.sides == 1) & ~seen.vetoed
    cheap = np.column_stack([seen.cosine, seen.evidence])
    dear = np.column_stack([seen.odds, seen.cosine, seen.evidence])
    first = _opinion(["similarity", *EVIDENCE], cheap[mine], seen.wrong[mine])
    second = _opinion(["odds", "similarity", *EVIDENCE], dear[mine], seen.wrong[mine])
    early = np.asarray([first.risk(row) for row in cheap.tolist()])
    late = np.asarray([second.risk(row) for row in dear.tolist()])
    certain, hopeless = doubts(early[mine], seen.wrong[mine], late[mine])
    asked = (early > certain) & (early < hopeless)
    risks = np.where(asked, late, early)
    read = np.where(early > certain, late, early)  # by a budget that calls nothing hopeless
    prior = Calibration.measure(zip(read[kept].tolist(), seen.wrong[kept].tolist(), strict=True))
    counts = tuple((count.n, count.wrong) for count in prior.bins)
    made = Learned(script, fingerprint, second, first, certain, hopeless, counts)
    return made, _report(seen, risks, asked)


def doubts(risks: ArrayLike, wrong: ArrayLike, late: ArrayLike | None = None) -> tuple[float, float]:
    """Between which first risks the second opinion is asked.

    Args:
        risks: First risks, ``(n,)``.
        wrong: Whether each pair is wrong.
        late: Second risks; None where they are not known.

    Returns:
        ``(certain, hopeless)``: up to the first surely at most :data:`CLEARLY_RIGHT` are wrong (0.0 when there are too
        few to be sure), and above the second lies at most the share :data:`LOST` of the right ones that the second
        opinion would let pass (:data:`PASSABLE`); of a risk of 1, none.
    """
    early, bad = np.asarray(risks, dtype=np.float64), np.asarray(wrong, dtype=bool)
    certain = 0.0
    for level in np.unique(early).tolist():
        below = early <= level
        if clopper_pearson(int(bad[below].sum()), int(below.sum()), 0.9).high > CLEARLY_RIGHT:
            break
        certain = level
    passed = np.ones(len(early), dtype=bool) if late is None else np.asarray(late, dtype=np.float64) <= PASSABLE
    right = np.sort(early[~bad & passed])
    hopeless = float(right[min(len(right) - 1, int((1 - LOST) * len(right)))]) if len(right) else 1.0
    return certain, min(1.0, max(hopeless, certain) + 1e-9)


def _report(seen: _Seen, risks: Floats, asked: NDArray[np.bool_]) -> Report:
    apart = seen.sides == 1
    kept = apart & ~seen.vetoed
    labels = (~seen.wrong[apart]).astype(int)
    before, after = (np.where(seen.vetoed, NEVER, scores)[apart] for scores in (seen.cosine, 1 - risks))
    place = np.asarray([risk_bin(risk) for risk in risks[kept].tolist()])
    gaps = [
        (place == number).sum()
        * abs(float(risks[kept][place == number].mean() - seen.wrong[kept][place == number].mean()))
        for number in np.unique(place)
    ]
    return Report(
        fitted=int((seen.sides == 0).sum()),
        held_out=int(apart.sum()),
        vetoed=float(seen.vetoed[apart].mean()),
        asked_second=float(asked[kept].mean()),
        auc_before=auc(before, labels),
        auc_after=auc(after, labels),
        frontier_before=frontier(before, labels),
        frontier_after=frontier(after, labels),
        intervals={
            "auc_before": auc_interval(before, labels),
            "auc_after": auc_interval(after, labels),
            "frontier_before": frontier_intervals(before, labels),
            "frontier_after": frontier_intervals(after, labels),
        },
        error=float(sum(gaps) / max(1, int(kept.sum()))),
    )
