"""How right a hit is: rules compared on labelled pairs of questions, and on streams through a filling cache.

    python -m benchmarks.quality --data DIR --json
    python -m benchmarks.quality --data DIR --streams [--shuffle]

Each pair is two texts and whether the answer to one serves the other. A rule should serve the pairs of which
that is true (positives) and none of the others (negatives). Only pairs that no part of askonce was made with
are used: the test parts of the public sets (``training/sets.py``), and the trap corpus in ``benchmarks/traps``.
Rules that learn as they go, and how errors add up in use, show on the streams (``benchmarks/quality_streams.py``).
"""

from __future__ import annotations

import math
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from askonce.cache.guards import STRICT
from askonce.cache.semantic import Candidate, Conservative, Decision, Threshold, Verdict
from askonce.cache.verifier import Verifier
from askonce.embeddings import Embedder
from askonce.embeddings.measure import auc
from askonce.errors import ConfigError, EmbedderError
from training.sets import Pair

from .intervals import Interval, area, share, shown
from .ours import ours, trained
from .pairs import SETS, gather
from .report import COLOURS, Report, count, options
from .rivals import gptcache, redisvl
from .vectors import embedder, vectors

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# --- what is compared ----------------------------------------------------------------------------------


class Rule(NamedTuple):
    """A rule and how sure it is.

    Attributes:
        name: As in the results.
        decision: Says what it serves.
        score: ``(cosine, verdict)`` to a figure that is higher where the rule would rather serve.
        curve: Name of its frontier; rules that differ in their threshold only share one.
    """

    name: str
    decision: Decision
    score: Callable[[float, Verdict], float]
    curve: str


def _cosine(cosine: float, verdict: Verdict) -> float:
    return cosine


def _unless_vetoed(cosine: float, verdict: Verdict) -> float:
    return cosine if verdict.serve else -1.0


def _certainty(cosine: float, verdict: Verdict) -> float:
    """By the estimated risk; for a rule that estimates none, by the cosine, what it serves before what it does not."""
    return 1 - verdict.risk if verdict.risk is not None else cosine + (2.0 if verdict.serve else 0.0)


def rules_for(fingerprint: str, max_wrong: float = 0.01, verifier: Verifier | None = None) -> list[Rule]:
    """All rules that decide about a pair by itself, for an embedder; ``verifier``: None for what ships."""
    words = Conservative.for_embedder(fingerprint)
    return [
        Rule("gptcache", gptcache(), _cosine, "cosine"),
        Rule("redisvl", redisvl(), _cosine, "cosine"),
        Rule("guards", Threshold(-1.0, STRICT), _unless_vetoed, "guards"),
        Rule("conservative", words, _certainty, "conservative"),
        Rule("no guards", ours(fingerprint, max_wrong, guards=(), verifier=verifier), _certainty, "no guards"),
        Rule("askonce", ours(fingerprint, max_wrong, verifier=verifier), _certainty, "askonce"),
    ]


def judge(rule: Rule, pairs: Sequence[Pair], cosines: Sequence[float]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """What a rule serves, and how sure it is, pair by pair; a rule that is unsure is asked a second time."""
    settle: Callable[[Candidate], Verdict] | None = getattr(rule.decision, "settle", None)
    reread: Callable[[Candidate], float] | None = getattr(rule.decision, "reread", None)
    served: NDArray[np.bool_] = np.zeros(len(pairs), dtype=bool)
    scores: NDArray[np.float64] = np.zeros(len(pairs))
    for at, (pair, cosine) in enumerate(zip(pairs, cosines, strict=True)):
        candidate = Candidate(pair.text_a, pair.text_b, cosine)
        verdict = rule.decision.decide(candidate)
        if verdict.unsure and settle is not None:
            verdict = settle(candidate)
        served[at] = verdict.serve and cosine >= rule.decision.floor
        if reread is not None and not verdict.serve and verdict.risk is not None and verdict.risk < 1:
            # How sure it is tells what other budgets would serve, and theirs may have read the pair.
            risk = reread(candidate)
            verdict = verdict._replace(risk=risk) if risk < 1 else verdict
        scores[at] = rule.score(cosine, verdict)
    return served, scores


# --- one set -------------------------------------------------------------------------------------------


class Outcome(NamedTuple):
    """What one rule did with one set.

    Attributes:
        positives, negatives: Share of them that is served, with its interval.
        wrong: Share of what is served that is wrong. It depends on how many negatives a set has.
        auc: Of the rule's score.
        at_1_percent: Share of positives served where the score serves 1 % of the negatives.
        frontier: Shares of negatives and of positives served, point by point.
        curve: Names the frontier.
    """

    positives: Interval
    negatives: Interval
    wrong: Interval
    auc: Interval
    at_1_percent: float
    frontier: tuple[list[float], list[float]]
    curve: str


def measure(
    served: NDArray[np.bool_], scores: NDArray[np.float64], labels: NDArray[np.bool_], curve: str = ""
) -> Outcome:
    """The figures of one rule on one set."""
    ones, zeros = int(labels.sum()), int((~labels).sum())
    right, wrong = int((served & labels).sum()), int((served & ~labels).sum())
    xs, ys = frontier(scores, labels)
    at = max((y for x, y in zip(xs, ys, strict=True) if x <= 0.01), default=math.nan) if ones and zeros else math.nan
    return Outcome(
        share(right, ones),
        share(wrong, zeros),
        share(wrong, right + wrong),
        area(auc(labels.astype(int).tolist(), scores), ones, zeros),
        at,
        (xs, ys),
        curve,
    )


def frontier(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> tuple[list[float], list[float]]:
    """Shares of negatives and of positives served, from the surest pair on; equal scores are served together."""
    order = np.argsort(-scores, kind="stable")
    ranked, truth = scores[order], labels[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    right, wrong = np.cumsum(truth)[ends], np.cumsum(~truth)[ends]
    ones, zeros = max(1, int(labels.sum())), max(1, int((~labels).sum()))
    return [0.0, *(wrong / zeros).tolist()], [0.0, *(right / ones).tolist()]


def cosines_of(pairs: Sequence[Pair], model: Embedder, report: Report) -> list[float]:
    """The cosine of each pair."""
    places: dict[str, int] = {}
    for pair in pairs:
        places.setdefault(pair.text_a, len(places))
        places.setdefault(pair.text_b, len(places))
    rows = vectors(list(places), model, report)
    left = rows[[places[pair.text_a] for pair in pairs]]
    right = rows[[places[pair.text_b] for pair in pairs]]
    return [float(cosine) for cosine in (left * right).sum(axis=1)]


Results = dict[str, dict[str, Outcome]]
"""By set and rule."""


def run(
    sets: Mapping[str, tuple[list[Pair], bool]],
    max_wrong: float,
    report: Report,
    verify: Callable[[str], Verifier | None] = lambda fingerprint: None,
) -> Results:
    """Ask every rule about every pair; ``verify`` makes a verifier for an embedder."""
    models = {chinese: embedder(chinese) for chinese in {chinese for _, chinese in sets.values()}}
    results: Results = {}
    for name, (pairs, chinese) in sets.items():
        model = models[chinese]
        cosines = cosines_of(pairs, model, report)
        labels = np.asarray([pair.label == 1 for pair in pairs])
        rules = rules_for(model.fingerprint, max_wrong, verify(model.fingerprint))
        results[name] = {}
        with report.progress() as progress:
            task = progress.add_task(name, total=len(rules))
            for rule in rules:
                results[name][rule.name] = measure(*judge(rule, pairs, cosines), labels, rule.curve)
                progress.advance(task)
    return results


# --- the report ----------------------------------------------------------------------------------------

COLUMNS = ("set", "rule", "positives served", "negatives served", "wrong of served", "AUC", "positives at 1% negatives")


def rows(results: Results, sizes: Mapping[str, tuple[int, int]]) -> list[list[str]]:
    """The table: one row a set and rule."""
    made = []
    for name, outcomes in results.items():
        for place, (rule, o) in enumerate(outcomes.items()):
            ones, zeros = sizes[name]
            head = f"{name} ({ones:,} + {zeros:,})" if not place else ""
            at = "-" if math.isnan(o.at_1_percent) else f"{o.at_1_percent:.1%}"
            made.append(
                [head, rule, shown(o.positives), shown(o.negatives), shown(o.wrong), shown(o.auc, "{:.3f}"), at]
            )
    return made


def figures(results: Results) -> dict[str, Any]:
    """The published figures: by set and rule."""
    return {name: {rule: _figures(o) for rule, o in outcomes.items()} for name, outcomes in results.items()}


def _figures(o: Outcome) -> dict[str, Any]:
    made: dict[str, Any] = {
        key: [None if math.isnan(value) else round(value, 5) for value in interval]
        for key, interval in (
            ("positives", o.positives), ("negatives", o.negatives), ("wrong", o.wrong), ("auc", o.auc),
        )
    }  # fmt: skip
    made["at_1_percent"] = None if math.isnan(o.at_1_percent) else round(o.at_1_percent, 5)
    return made


_LEAST = 1e-3


def draw(figure: Figure, results: Results) -> None:
    """A frontier a set, and below them what each rule serves on average over the sets."""
    across = min(5, len(results))
    down = math.ceil(len(results) / across)
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=[down * 2.4, 2.6])
    above, below = parts[0, 0], parts[1, 0]
    rules = [rule for rule in next(iter(results.values())) if all(rule in outcomes for outcomes in results.values())]
    colours = dict(zip(rules, COLOURS, strict=False))
    grid = above.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= len(results):
            axes.set_visible(False)
            continue
        name = list(results)[place]
        _frontiers(axes, name, results[name], rules, colours)
    for axes in grid[:, 0]:
        axes.set_ylabel("positives served", fontsize=8)
    for axes in grid[-1, :]:
        axes.set_xlabel("negatives served", fontsize=8)
    handles, names = grid[0, 0].get_legend_handles_labels()
    above.legend(handles, names, loc="outside upper center", ncols=len(names), fontsize=8, frameon=False)
    left, right = below.subplots(1, 2)
    for axes, what in ((left, "positives"), (right, "negatives")):
        means = {
            rule: float(np.nanmean([getattr(outcomes[rule], what)[0] for outcomes in results.values()]))
            for rule in rules
        }
        bars = axes.bar(list(means), list(means.values()), color=[colours[name] for name in means])
        axes.bar_label(bars, labels=[f"{value:.1%}" for value in means.values()], padding=2, fontsize=8)
        axes.set_title(f"{what} served, mean of the sets", fontsize=9)
        axes.tick_params(labelsize=8)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(y=0.15)


def _frontiers(
    axes: Axes, name: str, outcomes: Mapping[str, Outcome], rules: Sequence[str], colours: Mapping[str, str]
) -> None:
    drawn: set[str] = set()
    for rule in rules:
        outcome = outcomes[rule]
        xs, ys = outcome.frontier
        if outcome.curve not in drawn:
            drawn.add(outcome.curve)
            axes.plot(
                [max(x, _LEAST) for x in xs], ys, color=colours[rule], linewidth=1.5, label=f"{outcome.curve}, any"
            )
        if not math.isnan(outcome.positives[0]):
            at = max(outcome.negatives[0], _LEAST) if not math.isnan(outcome.negatives[0]) else _LEAST
            axes.plot(
                [at], [outcome.positives[0]], "o", color=colours[rule], markersize=5, markeredgecolor="black",
                markeredgewidth=0.5, label=rule,
            )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlim(_LEAST * 0.8, 1.1)
    axes.set_ylim(-0.03, 1.03)
    axes.set_title(name, fontsize=9)
    axes.tick_params(labelsize=7)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}" if value > _LEAST else f"<{_LEAST:g}")
    axes.spines[["top", "right"]].set_visible(False)


def _files(asked: Namespace) -> dict[str, str]:
    """What was measured in place of what ships."""
    return {name: str(told) for name in ("risks", "pair_model") if (told := getattr(asked, name)) is not None}


def _streams(asked: Namespace, verify: Callable[[str], Verifier | None]) -> int:
    from . import quality_streams

    settings = quality_streams.Settings(
        asked.requests, asked.seeds, asked.max_wrong, asked.one_off, shuffle=asked.shuffle, seed=asked.seed
    )
    name = "quality_streams_turned" if asked.shuffle else "quality_streams"
    report = Report(name, asked.out, as_json=asked.json)
    only = [pool for pool in asked.pools.split(",") if pool]
    results = quality_streams.run(asked.data, settings, report, only, verify)
    quality_streams.present(results, settings, report, _files(asked))
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = options("quality", "How right a hit is: on labelled pairs, or on streams through a filling cache.")
    parser.add_argument(
        "--sets", default="", metavar="A,B", help=f"only these: traps, {', '.join(SETS)} (default: all)"
    )
    parser.add_argument("--most", type=count, help="at most so many pairs of a set (default: all)")
    parser.add_argument("--max-wrong", type=float, default=0.01, help="share of served hits that may be wrong")
    parser.add_argument("--risks", type=Path, metavar="FILE", help="of training.fit_risk, instead of what ships")
    parser.add_argument(
        "--pair-model", type=Path, metavar="DIR", help="of training.export_pair, instead of what ships for its language"
    )
    parser.add_argument("--streams", action="store_true", help="streams through a filling cache, instead of pairs")
    parser.add_argument("--pools", default="", metavar="A,B", help="streams: qqp, support (default: both)")
    parser.add_argument("--requests", type=count, default=30_000, help="streams: requests in each (default: 30000)")
    parser.add_argument("--seeds", type=count, default=20, help="streams: how many (default: 20)")
    parser.add_argument("--one-off", type=float, default=0.3, help="streams: share of questions asked once")
    parser.add_argument("--shuffle", action="store_true", help="streams: most right answers turn wrong half-way")
    asked = parser.parse_args(arguments)
    verify = cache(lambda name: trained(name, asked.risks, asked.pair_model))
    try:
        verify("")
    except (ConfigError, EmbedderError) as error:
        parser.error(str(error))
    if asked.streams:
        return _streams(asked, verify)
    names = [name for name in asked.sets.split(",") if name]
    if unknown := set(names) - {*SETS, "traps"}:
        parser.error(f"unknown sets {sorted(unknown)}; there are traps, {', '.join(SETS)}")
    sets = gather(asked.data, names or (*SETS, "traps"), asked.most, asked.seed)
    if not sets:
        parser.error("no set is there; name the folder with the public sets by --data")
    report = Report("quality", asked.out, as_json=asked.json)
    results = run(sets, asked.max_wrong, report, verify)
    sizes = {name: (sum(p.label for p in pairs), sum(not p.label for p in pairs)) for name, (pairs, _) in sets.items()}
    report.table(
        "Labelled pairs no rule was made with, (positives + negatives); in brackets 95 % intervals",
        COLUMNS,
        rows(results, sizes),
        "AUC: the chance that a positive scores above a negative. wrong of served depends on how many are negative.",
    )
    result = figures(results)
    report.save(
        result,
        settings={
            "most": asked.most,
            "seed": asked.seed,
            "max_wrong": asked.max_wrong,
            "sizes": sizes,
            **_files(asked),
        },
    )
    height = 2.4 * math.ceil(len(results) / 5) + 2.6
    report.picture(lambda figure: draw(figure, results), 13.0, height)
    report.finish(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
