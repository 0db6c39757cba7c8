"""Rules on streams through a filling cache: how often they hit, how often wrongly, and what their certainty costs.

The part of ``python -m benchmarks.quality`` that runs with ``--streams``. Every rule sees the same streams, one a
seed. The static threshold it is compared with is an oracle: the best one for these very streams, which nobody
can know beforehand.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from askonce.cache.guards import STRICT
from askonce.cache.semantic import Conservative, Threshold
from askonce.cache.verifier import Verifier
from training.sets import FILES, load_set

from .intervals import Interval, ratio, shown
from .ours import ours_on_streams
from .policies import Explorer, Judge, Judged, Policy, Static
from .report import COLOURS, Report
from .rivals import VCache, gptcache, redisvl
from .streams import Pool, Tally, by_label, draw, only_asked, pool_of_pairs, support_pool, turning, walk
from .vectors import Neighbours, embedder, neighbours, vectors

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FLOOR = gptcache().threshold
"""Cosine below which no rule looks: that of the most generous of them."""
THRESHOLDS = (0.995, 0.99, 0.98, 0.97, 0.96, 0.95, 0.94, 0.93, 0.92, *(0.915 - 0.005 * i for i in range(24)))
"""Where the best static threshold is looked for, from strict to generous."""
ASKED_AT_MOST = 4
"""Requests for each question of a pool."""
MORE_COLOURS = ("#000000", "#884400", "#117733", "#AA4499", "#332288")
Maker = Callable[[int], Policy]
"""A seed to a fresh policy."""


class Settings(NamedTuple):
    """What the streams are like.

    Attributes:
        requests: In a stream; fewer where a pool is small.
        seeds: Streams.
        max_wrong: Share of served hits that may be wrong.
        one_off: Share of questions asked once.
        zipf: How unevenly classes are asked.
        shuffle: After half of each stream most right answers turn wrong.
        seed: The first of the seeds.
    """

    requests: int = 30_000
    seeds: int = 20
    max_wrong: float = 0.01
    one_off: float = 0.3
    zipf: float = 1.0
    shuffle: bool = False
    seed: int = 0


def pools(data: Path | None, seed: int) -> dict[str, Pool]:
    """The pools there are: customer support, and Quora's questions (the test part only) when the folder has them."""
    made: dict[str, Pool] = {}
    if data is not None and (data / FILES["qqp"]).exists():
        made["qqp"] = pool_of_pairs((p.text_a, p.text_b, p.label) for p in load_set("qqp", data, "test"))
    made["support"] = support_pool(data, seed)
    return made


def makers(pool: Pool, fingerprint: str, settings: Settings, verifier: Verifier | None = None) -> dict[str, Maker]:
    """Every rule but the static thresholds that are looked for, by name; ``verifier``: None for what ships.

    vCache comes twice: behind an exact tier like all others, where it meets few questions often enough to learn,
    and alone, as it is published; there identical questions are among its semantic hits, and never wrong.
    """
    guards = Judge(Threshold(FLOOR, STRICT), pool.texts)
    words = Judge(Conservative.for_embedder(fingerprint), pool.texts)
    bound = settings.max_wrong

    def vcache(seed: int, grid: Literal["published", "fine"], exact_tier: bool) -> Policy:
        rule = VCache(bound, rng=random.Random(f"vcache/{seed}"), grid=grid)
        return Explorer(rule, FLOOR, exact_tier=exact_tier)

    return {
        "exact only": lambda seed: Static(2.0),
        "gptcache": lambda seed: Static(gptcache().threshold),
        "redisvl": lambda seed: Static(redisvl().threshold),
        "vcache": lambda seed: vcache(seed, "published", True),
        "vcache, fine grid": lambda seed: vcache(seed, "fine", True),
        "vcache alone": lambda seed: vcache(seed, "published", False),
        "vcache alone, fine grid": lambda seed: vcache(seed, "fine", False),
        "guards": lambda seed: Judged(guards),
        "conservative": lambda seed: Judged(words),
        "askonce": ours_on_streams(fingerprint, pool.texts, bound, verifier),
    }


class Played:
    """A pool with its streams, and every walk through them that was asked for."""

    def __init__(self, pool: Pool, streams: Mapping[int, Sequence[int]], near: Neighbours, settings: Settings) -> None:
        self.pool = pool
        self.streams = streams
        self.near = near
        self.settings = settings
        self.swept: dict[float, list[Tally]] = {}

    def play(self, make: Maker, tick: Callable[[], None] = lambda: None) -> list[Tally]:
        """One tally a seed."""
        tallies = []
        for seed, stream in self.streams.items():
            truth = turning(self.pool, len(stream) // 2, seed) if self.settings.shuffle else by_label(self.pool)
            tallies.append(walk(self.pool, self.near, stream, make(seed), truth))
            tick()
        return tallies

    def static(self, threshold: float) -> list[Tally]:
        """As :meth:`play` of a threshold, each played once."""
        if threshold not in self.swept:
            self.swept[threshold] = self.play(lambda seed: Static(threshold))
        return self.swept[threshold]

    def best_static(self, most_wrong: float) -> float | None:
        """The threshold with the most hits of those that keep to ``most_wrong`` over all seeds, or None."""
        best: tuple[int, float] | None = None
        for threshold in THRESHOLDS:
            tallies = self.static(threshold)
            hits, wrong = sum(t.hits for t in tallies), sum(t.wrongs for t in tallies)
            if wrong <= most_wrong * hits and hits and (best is None or hits > best[0]):
                best = (hits, threshold)
            if threshold < 0.9 and wrong > 3 * most_wrong * hits:
                break  # it only gets worse from here
        return None if best is None else best[1]


class Figures(NamedTuple):
    """What a rule did, over all seeds, with intervals.

    Attributes:
        saved: Calls saved, of all requests: hits of both tiers, less audits.
        hit_rate: Semantic hits, of all requests.
        exact_rate: Hits of the exact tier, of all requests; a rule that serves stores less, and has fewer.
        wrong: Of the semantic hits.
        second: Lookups that asked the second opinion, of lookups with a neighbour.
        audited: Served and also asked upstream, of all requests.
        labels: Stored answers compared with fresh ones, of all requests.
        within: Share of seeds in which ``wrong`` kept to the bound.
        running: Wrong of the hits so far, at 100 places along the stream.
        after: Hits and wrong hits in the second half.
        tripped: Share of the seeds that stopped serving; and, in the middle of those, how many requests after half
            time, and wrong hits by then as a multiple of what the bound allows for the hits of the whole stream.
        examples: A few wrong hits.
    """

    saved: Interval
    hit_rate: Interval
    exact_rate: Interval
    wrong: Interval
    second: Interval
    audited: Interval
    labels: Interval
    within: float
    running: list[float]
    after: tuple[float, float]
    tripped: tuple[float, float, float]
    examples: list[tuple[int, int, float]]


def figures(tallies: Sequence[Tally], max_wrong: float) -> Figures:
    """The figures of one rule."""
    requests = [t.requests for t in tallies]
    hits, wrong = [t.hits for t in tallies], [t.wrongs for t in tallies]
    late = [sum(at >= t.requests // 2 for at in t.when) for t in tallies]
    late_wrong = [sum(w for at, w in zip(t.when, t.wrong, strict=True) if at >= t.requests // 2) for t in tallies]
    stopped = [t.tripped - t.requests // 2 for t in tallies if t.tripped is not None]
    spent = [t.until_tripped[1] / (max_wrong * t.hits) for t in tallies if t.tripped is not None and t.hits]
    return Figures(
        ratio([t.hits + t.exact - t.audited for t in tallies], requests),
        ratio(hits, requests),
        ratio([t.exact for t in tallies], requests),
        ratio(wrong, hits),
        ratio([t.second for t in tallies], [t.lookups for t in tallies]),
        ratio([t.audited for t in tallies], requests),
        ratio([t.labels for t in tallies], requests),
        float(np.mean([w <= max_wrong * h for w, h in zip(wrong, hits, strict=True)])),
        _running(tallies),
        (float(np.mean(late)), float(np.mean(late_wrong))),
        (
            len(stopped) / len(tallies),
            float(np.median(stopped)) if stopped else math.nan,
            float(np.median(spent)) if spent else math.nan,
        ),
        tallies[0].examples,
    )


def _running(tallies: Sequence[Tally], places: int = 100) -> list[float]:
    hits, wrong = np.zeros(places), np.zeros(places)
    for t in tallies:
        bins = np.asarray(t.when, dtype=np.int64) * places // max(1, t.requests)
        hits += np.bincount(bins, minlength=places)
        wrong += np.bincount(bins, weights=np.asarray(t.wrong, dtype=float), minlength=places)
    below = np.cumsum(hits)
    return [float(w / h) if h else math.nan for w, h in zip(np.cumsum(wrong), below, strict=True)]


class Result(NamedTuple):
    """What was measured on one pool.

    Attributes:
        pool: What was asked.
        requests: In a stream.
        rules: By name.
        curve: By static threshold: hit rate and wrong per hit.
    """

    pool: Pool
    requests: int
    rules: dict[str, Figures]
    curve: dict[float, tuple[float, float]]


def run(
    data: Path | None,
    settings: Settings,
    report: Report,
    only: Sequence[str] = (),
    verify: Callable[[str], Verifier | None] = lambda fingerprint: None,
) -> dict[str, Result]:
    """Play every rule on every pool; ``only`` names the pools wanted, ``verify`` makes a verifier for an embedder."""
    model = embedder()
    results: dict[str, Result] = {}
    for name, whole in pools(data, settings.seed).items():
        if only and name not in only:
            continue
        requests = min(settings.requests, ASKED_AT_MOST * len(whole.texts))  # beyond, the exact tier has it all
        drawn = {
            seed: draw(whole, requests, seed, one_off=settings.one_off, zipf=settings.zipf)
            for seed in range(settings.seed, settings.seed + settings.seeds)
        }
        pool, streams = only_asked(whole, drawn)
        near = neighbours(vectors(pool.texts, model, report), FLOOR)
        played = Played(pool, streams, near, settings)
        rules: dict[str, Figures] = {}
        with report.progress() as progress:
            for rule, make in makers(pool, model.fingerprint, settings, verify(model.fingerprint)).items():
                task = progress.add_task(f"{name}: {rule}", total=settings.seeds)
                tallies = played.play(make, lambda task=task: progress.advance(task))  # type: ignore[misc]
                rules[rule] = figures(tallies, settings.max_wrong)
                progress.remove_task(task)
        for title, most in ((f"within {settings.max_wrong:.1%}", settings.max_wrong), ("as askonce", None)):
            if settings.shuffle:
                break  # no threshold helps when the truth turns
            wanted = rules["askonce"].wrong[0] if most is None else most
            best = None if math.isnan(wanted) else played.best_static(wanted)
            if best is not None:
                rules[f"cosine {best:g} ({title})"] = figures(played.static(best), settings.max_wrong)
        curve = {}
        for threshold, tallies in played.swept.items():
            of_one = figures(tallies, settings.max_wrong)
            curve[threshold] = (of_one.hit_rate[0], of_one.wrong[0])
        results[name] = Result(pool, requests, rules, curve)
    return results


# --- the report ----------------------------------------------------------------------------------------

COLUMNS = (
    "rule", "calls saved", "semantic hits", "exact hits", "wrong of hits", "2nd opinions", "audits", "labels",
    "seeds in bound",
)  # fmt: skip
TURNED = (
    "rule", "calls saved", "wrong of hits", "hits after the turn", "of them wrong", "seeds stopped", "after requests",
    "budget spent then",
)  # fmt: skip
"""Columns when the truth turns."""


def rows(result: Result) -> list[list[str]]:
    """The table of one pool."""
    return [
        [
            rule,
            shown(f.saved),
            shown(f.hit_rate),
            f"{f.exact_rate[0]:.1%}",
            shown(f.wrong, "{:.2%}"),
            *(f"{share:.1%}" if share > 0 else "-" for share in (f.second[0], f.audited[0], f.labels[0])),
            f"{f.within:.0%}",
        ]
        for rule, f in result.rules.items()
    ]


def turned_rows(result: Result) -> list[list[str]]:
    """The table of one pool whose truth turned half-way."""
    made = []
    for rule, f in result.rules.items():
        (hits, wrong), (stopped, after, spent) = f.after, f.tripped
        made.append(
            [
                rule,
                shown(f.saved),
                shown(f.wrong, "{:.2%}"),
                f"{hits:,.0f}",
                f"{wrong:,.0f}",
                f"{stopped:.0%}",
                "-" if math.isnan(after) else f"{after:,.0f}",
                "-" if math.isnan(spent) else f"{spent:.1f} x",
            ]
        )
    return made


def published(results: Mapping[str, Result]) -> dict[str, Any]:
    """The published figures: by pool and rule."""
    return {
        pool: {
            rule: {
                "calls_saved": _rounded(f.saved),
                "hit_rate": _rounded(f.hit_rate),
                "exact_rate": _rounded(f.exact_rate),
                "wrong": _rounded(f.wrong),
                "second": _rounded(f.second),
                "audits": _rounded(f.audited),
                "labels": _rounded(f.labels),
                "within_bound": f.within,
                "late_hits_and_wrong": f.after,
                "stopped": [None if math.isnan(value) else value for value in f.tripped],
            }
            for rule, f in result.rules.items()
        }
        for pool, result in results.items()
    }


def _rounded(interval: Interval) -> list[float | None]:
    return [None if math.isnan(value) else round(value, 6) for value in interval]


def draw_figure(figure: Figure, results: Mapping[str, Result], settings: Settings) -> None:
    """For each pool: hits against errors, errors along the stream, and calls saved."""
    grid = figure.subplots(len(results), 3, squeeze=False, width_ratios=[1.4, 1.4, 1])
    for line, (name, result) in zip(grid, results.items(), strict=True):
        colours = dict(zip(result.rules, (*COLOURS, *MORE_COLOURS), strict=False))
        _hits_and_errors(line[0], name, result, colours, settings.max_wrong)
        _along(line[1], name, result, colours, settings.max_wrong)
        saved = {rule: f.saved[0] for rule, f in result.rules.items()}
        bars = line[2].barh(list(saved), list(saved.values()), color=[colours[rule] for rule in saved])
        line[2].bar_label(bars, labels=[f"{value:.1%}" for value in saved.values()], fontsize=7, padding=2)
        line[2].invert_yaxis()
        line[2].set_title(f"{name}: calls saved, of requests", fontsize=9)
        line[2].tick_params(labelsize=7)
        line[2].xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        line[2].margins(x=0.15)
        for axes in line:
            axes.spines[["top", "right"]].set_visible(False)


_LEAST = 2e-4


def _hits_and_errors(axes: Axes, name: str, result: Result, colours: Mapping[str, str], bound: float) -> None:
    curve = sorted(result.curve.values())
    axes.plot(
        [max(wrong, _LEAST) for _, wrong in curve], [hits for hits, _ in curve], color="#999999", linewidth=1,
        label="cosine, any threshold",
    )  # fmt: skip
    for rule, f in result.rules.items():
        if math.isnan(f.wrong[0]):
            continue
        x = max(f.wrong[0], _LEAST)
        axes.errorbar(
            [x], [f.hit_rate[0]], xerr=[[x - max(f.wrong[1], _LEAST)], [max(f.wrong[2], _LEAST) - x]],
            yerr=[[f.hit_rate[0] - f.hit_rate[1]], [f.hit_rate[2] - f.hit_rate[0]]],
            fmt="o", markersize=5, color=colours[rule], label=rule,
        )  # fmt: skip
    axes.axvline(bound, color="black", linestyle=":", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.2%}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_title(f"{name}: semantic hits, against wrong of hits (dotted: the bound)", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=7, frameon=False)


def _along(axes: Axes, name: str, result: Result, colours: Mapping[str, str], bound: float) -> None:
    for rule, f in result.rules.items():
        axes.plot(range(1, len(f.running) + 1), f.running, color=colours[rule], linewidth=1.2)
    axes.axhline(bound, color="black", linestyle=":", linewidth=1)
    axes.set_yscale("log")
    axes.set_xlabel("per cent of the stream", fontsize=8)
    axes.set_title(f"{name}: wrong of the hits so far", fontsize=9)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.2%}")
    axes.tick_params(labelsize=8)


def present(
    results: Mapping[str, Result], settings: Settings, report: Report, files: Mapping[str, str] | None = None
) -> None:
    """Print the tables, write the files; ``files``: what was measured in place of what ships."""
    for name, result in results.items():
        title = f"{name}: {settings.seeds} streams of {result.requests:,} requests, {settings.one_off:.0%} one-offs"
        report.table(
            title + (", most right answers turn wrong half-way" if settings.shuffle else ""),
            TURNED if settings.shuffle else COLUMNS,
            turned_rows(result) if settings.shuffle else rows(result),
            "calls saved: hits of both tiers, less audits. 2nd opinions: of lookups with a neighbour. labels: stored "
            "answers compared with fresh ones. All but wrong and 2nd opinions: of requests.",
        )
    result_json = published(results)
    report.save(
        result_json,
        settings={**settings._asdict(), **(files or {})},
        curves={name: {str(at): pair for at, pair in result.curve.items()} for name, result in results.items()},
        wrong_examples={
            name: {
                rule: [(result.pool.texts[a], result.pool.texts[b], round(c, 3)) for a, b, c in f.examples]
                for rule, f in result.rules.items()
            }
            for name, result in results.items()
        },
    )
    report.picture(lambda figure: draw_figure(figure, results, settings), 15.0, 4.5 * len(results))
    report.finish(result_json)
