"""How well a decision tells questions that one answer serves from questions it does not.

The laws of measuring are pure functions over scores and labels; :func:`evaluate` runs a decision over labelled
pairs and reports them. A score is higher the surer a decision is that the answer serves; minus infinity means
that it is never served, whatever the setting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..embeddings.contract import Embedder
from ..embeddings.service import EmbeddingService, Vector
from ..errors import ConfigError, EmbedderError
from .bounds import wilson
from .pair_files import Pair, metas_of
from .semantic import Candidate, Decision, Verdict

Z95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""
SHARES = (0.5, 1.0, 2.0, 3.0, 5.0)
"""Of the frontier: per cent of the negatives served."""
BATCH = 32
NEVER = -math.inf

Interval = tuple[float, float]
Floats = NDArray[np.float64]


# -- laws ------------------------------------------------------------------------------------------------------


def share_interval(count: float, of: int) -> Interval | None:
    """Wilson's 95 % interval of a share, ``(low, high)`` within 0..1; None when ``of`` is 0."""
    if of <= 0:
        return None
    made = wilson(count, of)
    return made.low, made.high


def _split(scores: ArrayLike, labels: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    marks = np.asarray(scores, dtype=np.float64)
    truth = np.asarray(labels) == 1
    if marks.ndim != 1 or marks.shape != truth.shape:
        raise ConfigError(f"scores of shape {marks.shape} and labels of shape {truth.shape}: one of each a pair")
    if np.isnan(marks).any():
        raise ConfigError("a score is NaN; what is never served scores minus infinity")
    return marks, truth


def _midranks(values: Floats) -> Floats:
    """Ranks from 1; equal values share the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(count) - (count - 1) / 2)[place]
    return ranks


def auc(scores: ArrayLike, labels: ArrayLike) -> float | None:
    """The chance that a positive scores above a negative, ties counting half; None without both."""
    marks, truth = _split(scores, labels)
    ones, zeros = int(truth.sum()), int((~truth).sum())
    if not ones or not zeros:
        return None
    ranks = _midranks(marks)
    return float((ranks[truth].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def auc_interval(scores: ArrayLike, labels: ArrayLike) -> Interval | None:
    """DeLong's 95 % interval of the AUC (DeLong et al. 1988, by midranks: Sun and Xu 2014), on the logit scale.

    Where DeLong's variance is nought (all pairs in order, or too few) it is Wilson's interval for as many draws as
    the rarer class has pairs. None without both classes.
    """
    marks, truth = _split(scores, labels)
    area = auc(marks, truth)
    if area is None:
        return None
    ones, zeros = int(truth.sum()), int((~truth).sum())
    ranks = _midranks(marks)
    above = (ranks[truth] - _midranks(marks[truth])) / zeros  # share of negatives below each positive
    below = 1 - (ranks[~truth] - _midranks(marks[~truth])) / ones  # share of positives above each negative
    variance = 0.0
    if ones > 1 and zeros > 1:
        variance = float(above.var(ddof=1) / ones + below.var(ddof=1) / zeros)
    if variance <= 0 or not 0 < area < 1:
        few = min(ones, zeros)
        return share_interval(area * few, few)
    logit = math.log(area / (1 - area))
    half = Z95 * math.sqrt(variance) / (area * (1 - area))
    return _logistic(logit - half), _logistic(logit + half)


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


def _steps(marks: Floats, truth: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positives and negatives at each distinct score, best first; what is never served is left out."""
    kept = marks > NEVER
    levels, place = np.unique(-marks[kept], return_inverse=True)
    ones = np.bincount(place[truth[kept]], minlength=len(levels))
    zeros = np.bincount(place[~truth[kept]], minlength=len(levels))
    return ones.astype(np.int64), zeros.astype(np.int64)


def _best(ones: NDArray[Any], zeros: NDArray[Any], positives: int, allowed: Sequence[float]) -> Floats:
    """Largest share of positives served with at most ``allowed`` negatives, steps along the last axis."""
    served, wrong = np.cumsum(ones, axis=-1), np.cumsum(zeros, axis=-1)
    found = [np.where(wrong <= most + 1e-9, served, 0).max(axis=-1, initial=0) / positives for most in allowed]
    return np.asarray(found, dtype=np.float64)


def frontier(scores: ArrayLike, labels: ArrayLike, shares: Sequence[float] = SHARES) -> dict[str, float] | None:
    """The largest share of positives that can be served while at most so many per cent of the negatives are.

    A threshold serves all pairs of equal score or none of them, and nothing is interpolated.

    Args:
        scores: One a pair; minus infinity is never served.
        labels: 1 or 0 a pair.
        shares: Per cent of the negatives.

    Returns:
        ``{"0.5": share, "1": ...}``, or None without both classes.
    """
    marks, truth = _split(scores, labels)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return None
    ones, zeros = _steps(marks, truth)
    best = _best(ones, zeros, positives, [share / 100 * negatives for share in shares])
    return {f"{share:g}": float(value) for share, value in zip(shares, best, strict=True)}


def frontier_intervals(
    scores: ArrayLike,
    labels: ArrayLike,
    shares: Sequence[float] = SHARES,
    *,
    rng: np.random.Generator | None = None,
    times: int = 1000,
) -> dict[str, Interval] | None:
    """95 % intervals of :func:`frontier` by the bootstrap: pairs are drawn again, each class for itself.

    The threshold is chosen anew in each draw, so that what it owes to chance is part of the interval.

    Args:
        rng: Randomness; by default from a fixed seed.
        times: Draws; fewer are taken of very large sets.
    """
    marks, truth = _split(scores, labels)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return None
    rng = np.random.default_rng(0) if rng is None else rng
    times = max(100, min(times, 20_000_000 // len(marks)))
    levels = np.unique(marks)[::-1]
    place = len(levels) - 1 - np.searchsorted(levels[::-1], marks)
    served_levels = int((levels > NEVER).sum())
    allowed = [share / 100 * negatives for share in shares]
    found = np.empty((times, len(shares)))
    for number in range(times):
        ones, zeros = (
            np.bincount(mine[rng.integers(0, len(mine), len(mine))], minlength=len(levels))[:served_levels]
            for mine in (place[truth], place[~truth])
        )
        found[number] = _best(ones, zeros, positives, allowed)
    low, high = np.quantile(found, (0.025, 0.975), axis=0)
    return {f"{share:g}": (float(low[at]), float(high[at])) for at, share in enumerate(shares)}


# -- results ---------------------------------------------------------------------------------------------------


class Group(msgspec.Struct, kw_only=True, omit_defaults=False):
    """Pairs of one meta.

    Attributes:
        n, positives, negatives: Counts.
        served_positives, served_negatives: Shares of them that are served; None where there are none.
        intervals: 95 % intervals by field.
    """

    n: int
    positives: int
    negatives: int
    served_positives: float | None
    served_negatives: float | None
    intervals: dict[str, Interval | None]


class Result(msgspec.Struct, kw_only=True):
    """What a decision does with labelled pairs. Shares are 0..1.

    Attributes:
        policy, embedder: What was measured.
        max_wrong: The error budget it ran with; None for a rule that has none.
        pairs, positives, negatives: Counts.
        served_positives, served_negatives: Shares of the positives and of the negatives that are served.
        wrong_share: Share of the served pairs that are negatives. It depends on how many negatives the file holds.
        auc: The chance that a positive scores above a negative; pairs that were refused unread are read for it.
        frontier: Largest share of positives served while 0.5, 1, 2, 3, 5 % of the negatives are.
        by_meta: The same shares per meta.
        intervals: 95 % intervals by field.
        asked_second: Share of the pairs that the slow second opinion settled.
        refused: Pairs with a text the embedder refuses; they are never served.
        failed: Pairs at which the decision failed, which is a no.
        ms_per_pair: Mean milliseconds of the decision, second opinion included, embedding aside.
        ms_per_text: Mean milliseconds to embed one text, in batches.
    """

    pairs: int
    positives: int
    negatives: int
    served_positives: float | None
    served_negatives: float | None
    wrong_share: float | None
    auc: float | None
    frontier: dict[str, float] | None
    by_meta: dict[str, Group]
    intervals: dict[str, Any]
    policy: str = ""
    embedder: str = ""
    max_wrong: float | None = None
    asked_second: float = 0.0
    refused: int = 0
    failed: int = 0
    ms_per_pair: float = 0.0
    ms_per_text: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        made: dict[str, Any] = msgspec.to_builtins(self)
        return made


def _share(count: int, of: int) -> float | None:
    return count / of if of else None


def _group(served: NDArray[np.bool_], truth: NDArray[np.bool_]) -> Group:
    positives, negatives = int(truth.sum()), int((~truth).sum())
    right, wrong = int((served & truth).sum()), int((served & ~truth).sum())
    return Group(
        n=len(truth),
        positives=positives,
        negatives=negatives,
        served_positives=_share(right, positives),
        served_negatives=_share(wrong, negatives),
        intervals={
            "served_positives": share_interval(right, positives),
            "served_negatives": share_interval(wrong, negatives),
        },
    )


def evaluate_scores(
    scores: ArrayLike,
    labels: ArrayLike,
    served: ArrayLike,
    metas: Sequence[str] = (),
    *,
    rng: np.random.Generator | None = None,
) -> Result:
    """All figures of a scored set.

    Args:
        scores: One a pair, higher is surer; minus infinity is never served.
        labels: 1 or 0 a pair.
        served: Whether the decision serves the pair as it is set.
        metas: Group of each pair; empty for none.
        rng: Randomness of the bootstrap.

    Raises:
        ConfigError: The lengths differ, or a score is NaN.
    """
    marks, truth = _split(scores, labels)
    chosen = np.asarray(served, dtype=bool)
    if chosen.shape != truth.shape or (len(metas) and len(metas) != len(truth)):
        raise ConfigError(f"{len(truth)} labels, but {len(chosen)} verdicts and {len(metas)} metas")
    whole = _group(chosen, truth)
    right, wrong = int((chosen & truth).sum()), int((chosen & ~truth).sum())
    groups: dict[str, Group] = {}
    if any(metas):
        names = np.asarray(metas, dtype=object)
        for name in sorted(set(metas)):
            mine = names == name
            groups[name] = _group(chosen[mine], truth[mine])
    return Result(
        pairs=len(truth),
        positives=whole.positives,
        negatives=whole.negatives,
        served_positives=whole.served_positives,
        served_negatives=whole.served_negatives,
        wrong_share=_share(wrong, right + wrong),
        auc=auc(marks, truth),
        frontier=frontier(marks, truth),
        by_meta=groups,
        intervals={
            **whole.intervals,
            "wrong_share": share_interval(wrong, right + wrong),
            "auc": auc_interval(marks, truth),
            "frontier": frontier_intervals(marks, truth, rng=rng),
        },
    )


# -- running a decision ----------------------------------------------------------------------------------------


class Judged(NamedTuple):
    """What became of one pair: its score, whether it is served, whether the slow opinion was asked, and whether
    the decision failed."""

    score: float
    served: bool
    second: bool = False
    failed: bool = False


def judge(decision: Decision, candidate: Candidate) -> Judged:
    """A decision's verdict on one candidate, as the cache would take it: below ``floor``, not served; unsure,
    ``settle`` is asked; a failure is a no; what is served is charged to the error budget. A decision without risks may
    have ``score(candidate)``."""
    second = False
    try:
        verdict = decision.decide(candidate)
        settle = getattr(decision, "settle", None)
        if verdict.unsure and settle is not None:
            second = True
            verdict = settle(candidate)
        score = _score(decision, candidate, verdict)
    except Exception:
        return Judged(NEVER, False, second, True)
    served = verdict.serve and candidate.similarity >= decision.floor
    if served:
        charge(decision, candidate, verdict)
    return Judged(score, served, second)


def _reread(decision: Decision, candidate: Candidate, judged: Judged) -> float:
    """The score, by the second opinion where a pair was refused unread: ``auc`` and ``frontier`` ask what other budgets
    would serve, and theirs may let read more."""
    reread: Callable[[Candidate], float] | None = getattr(decision, "reread", None)
    if reread is None or judged.served or judged.second or judged.score == NEVER:
        return judged.score
    try:
        risk = reread(candidate)
    except Exception:
        return judged.score
    return 1 - risk if risk < 1 else judged.score


def charge(decision: Decision, candidate: Candidate, verdict: Verdict) -> None:
    """Tell a decision's error budget, if it has one, that a hit was served."""
    budget = getattr(decision, "budget", None)
    if budget is not None and verdict.risk is not None:
        budget.served(verdict.risk, candidate.scope, candidate.key)


def _score(decision: Decision, candidate: Candidate, verdict: Verdict) -> float:
    """1 - risk; for a rule without risks the cosine, unless a guard vetoes."""
    if verdict.risk is not None:
        return NEVER if verdict.risk >= 1 and not verdict.serve else 1 - verdict.risk
    guards = getattr(decision, "guards", ())
    if any(guard(candidate.asked, candidate.cached) for guard in guards):
        return NEVER
    score = getattr(decision, "score", None)
    return float(candidate.similarity if score is None else score(candidate))


def vectors_of(
    embedder: Embedder,
    texts: Sequence[str],
    *,
    max_chars: int | None = None,
    progress: Callable[[int], None] = lambda steps: None,
) -> dict[str, Vector]:
    """Unit vectors of distinct texts, each embedded once, in batches of 32; what is refused is left out.

    Refused are blank texts, those longer than ``max_chars`` or in a script the embedder does not know, and those
    it refuses itself.

    Args:
        progress: Called with how many texts were done.

    Raises:
        EmbedderError: The embedder failed at something other than a text.
    """
    # Texts of one length together: a batch is as slow as its longest text.
    left = sorted(dict.fromkeys(texts), key=len)
    found: dict[str, Vector] = {}
    with EmbeddingService(embedder, cache_size=0, max_batch=BATCH) as service:
        for batch in _batches(left):
            fit = [
                text
                for text in batch
                if text.strip() and (max_chars is None or len(text) <= max_chars) and service.supports(text)
            ]
            for text, row in zip(fit, service.embed_each(fit) if fit else [], strict=True):
                if not isinstance(row, EmbedderError):
                    found[text] = row
                elif not row.data.get("refused"):
                    raise row
            progress(len(batch))
    return found


def _batches(texts: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(texts), BATCH):
        yield texts[start : start + BATCH]


def steps_of(pairs: Sequence[Pair]) -> int:
    """How far ``progress`` of :func:`evaluate` counts: distinct texts and pairs."""
    return len({text for pair in pairs for text in pair[:2]}) + len(pairs)


def evaluate(
    decision: Decision,
    embedder: Embedder,
    pairs: Sequence[Pair],
    *,
    max_chars: int | None = None,
    progress: Callable[[int], None] = lambda steps: None,
    rng: np.random.Generator | None = None,
) -> Result:
    """Run a decision over labelled pairs. Each stands alone: its margin to a next best candidate is 1.0.

    Args:
        decision: When to serve. Nothing is learned from the labels.
        embedder: Text to vector.
        pairs: Labelled pairs; see :mod:`askonce.cache.pair_files`.
        max_chars: Longer texts are never served, as :class:`SemanticTier` has it.
        progress: Called with the steps done since the last call; :func:`steps_of` says how many there are.
        rng: Randomness of the bootstrap.

    Raises:
        EmbedderError: The embedder failed.
    """
    started = perf_counter()
    texts = [text for pair in pairs for text in pair[:2]]
    rows = vectors_of(embedder, texts, max_chars=max_chars, progress=progress)
    embedding_s = perf_counter() - started
    judged: list[Judged] = []
    refused = 0
    deciding_s = 0.0
    for pair in pairs:
        one, other = rows.get(pair.cached), rows.get(pair.asked)
        if one is None or other is None:
            refused += 1
            judged.append(Judged(NEVER, False))
        else:
            candidate = Candidate(pair.asked, pair.cached, float(np.dot(one, other)))
            started = perf_counter()
            one_pair = judge(decision, candidate)
            deciding_s += perf_counter() - started
            judged.append(one_pair._replace(score=_reread(decision, candidate, one_pair)))
        progress(1)
    result = evaluate_scores(
        [one.score for one in judged],
        [pair.label for pair in pairs],
        [one.served for one in judged],
        metas_of(pairs),
        rng=rng,
    )
    result.embedder = embedder.fingerprint
    result.refused = refused
    result.failed = sum(one.failed for one in judged)
    result.asked_second = sum(one.second for one in judged) / max(1, len(pairs))
    result.ms_per_pair = 1000 * deciding_s / max(1, len(pairs) - refused)
    result.ms_per_text = 1000 * embedding_s / max(1, len(rows))
    return result
