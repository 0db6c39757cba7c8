"""The demo's picture: tokens sent as the calls come in, and how long an answer takes from each place."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from ...errors import MissingExtra
from ..demo import UPSTREAM, Leg

_INK, _FAINT, _GREY = "#1f2933", "#9aa5b1", "#c3cbd3"
_OURS, _THEIRS = "#0b7285", "#c92a2a"
_COLOURS = {
    "memory": "#0b7285",
    "disk": "#2f9e44",
    "redis": "#e8590c",
    "semantic": "#6741d9",
    "joined": "#f08c00",
    UPSTREAM: "#495057",
}
_NAMES = {
    "memory": "memory",
    "disk": "disk",
    "redis": "Redis",
    "semantic": "semantic\n(other words)",
    "joined": "joined a call\nin flight",
    UPSTREAM: "the model\n(a miss)",
}


def draw(path: Path, without: Leg, cached: Leg, title: str) -> None:
    """Write the picture as PNG.

    Raises:
        MissingExtra: matplotlib is not installed.
        OSError: The file cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("matplotlib", "plots", "the picture") from error

    figure = Figure(figsize=(12.5, 5.4), dpi=130, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.012, ha="left", fontsize=14, fontweight="bold", color=_INK)
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
    _tokens(left, without, cached)
    _latency(right, without, cached)
    for axes in (left, right):
        axes.tick_params(colors=_INK, labelsize=10)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(_GREY)
    figure.savefig(path, format="png")


def _tokens(axes: Any, without: Leg, cached: Leg) -> None:
    """Cumulative tokens sent to the model, against the number of calls answered."""
    plain, ours = _cumulated(without), _cumulated(cached)
    calls = list(range(1, len(plain) + 1))
    axes.fill_between(calls, ours, plain, color=_OURS, alpha=0.10, linewidth=0)
    axes.plot(calls, plain, color=_THEIRS, linewidth=2.2)
    axes.plot(calls, ours, color=_OURS, linewidth=2.6)
    last = calls[-1]
    axes.annotate(
        f"without a cache\n{plain[-1]:,}", (last, plain[-1]), xytext=(8, 0), textcoords="offset points",
        va="center", color=_THEIRS, fontsize=10.5, fontweight="bold",
    )  # fmt: skip
    axes.annotate(
        f"askonce\n{ours[-1]:,}", (last, ours[-1]), xytext=(8, 8), textcoords="offset points",
        va="center", color=_OURS, fontsize=10.5, fontweight="bold",
    )  # fmt: skip
    saved = 1 - ours[-1] / plain[-1] if plain[-1] else 0.0
    at = int(last * 0.80)
    middle = (plain[at] + ours[at]) / 2
    axes.text(at, middle, f"{saved:.0%}\nsaved", ha="center", va="center", fontsize=17, color=_OURS, fontweight="bold")
    if cached.restarted_after:
        axes.axvline(cached.restarted_after, color=_FAINT, linewidth=1, linestyle=(0, (4, 3)))
        said = "service restarts:\nmemory empty,\ndisk and index stay"
        axes.text(
            cached.restarted_after - last * 0.012, plain[-1] * 0.99, said,
            fontsize=9, color="#616e7c", va="top", ha="right",
        )  # fmt: skip
    axes.set_xlim(0, last * 1.24)
    axes.set_xticks([tick for tick in axes.get_xticks() if 0 <= tick <= last])
    axes.set_ylim(0, plain[-1] * 1.06 or 1)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value / 1000:g}k" if value else "0")
    axes.grid(axis="y", color="#edf0f3", linewidth=1)
    axes.set_axisbelow(True)
    axes.set_xlabel("customers' questions answered", color=_INK, fontsize=10.5)
    axes.set_title("Tokens sent to the model, added up", loc="left", fontsize=11.5, color=_INK, pad=10)


def _latency(axes: Any, without: Leg, cached: Leg) -> None:
    """One dot an answer, by where it came from, on a logarithmic scale; the bar is the median."""
    rows = [(_NAMES.get(name, name), _COLOURS.get(name, _FAINT), times) for name, times in _by_place(cached)]
    rows.append(("without a cache", _THEIRS, [one.ms for one in without.served]))
    rng = random.Random(0)
    for row, (_, colour, times) in enumerate(rows):
        heights = [row + rng.uniform(-0.26, 0.26) for _ in times]
        axes.scatter(times, heights, s=13, color=colour, alpha=0.38, linewidths=0)
        median = sorted(times)[len(times) // 2]
        axes.plot([median, median], [row - 0.36, row + 0.36], color=colour, linewidth=3, solid_capstyle="round")
        axes.annotate(
            _time(median), (median, row - 0.36), xytext=(0, 3), textcoords="offset points",
            ha="center", va="bottom", fontsize=9.5, color=colour, fontweight="bold",
        )  # fmt: skip
    waited = [one.ms for one in without.served if one.ms > 500]
    if without.refused and waited:
        axes.text(
            max(waited) * 1.5, len(rows) - 1.33, "refused (429),\nwaited",
            ha="right", va="bottom", fontsize=9, color="#616e7c",
        )  # fmt: skip
    axes.set_xscale("log")
    low = min(one.ms for one in (*cached.served, *without.served))
    high = max(one.ms for one in (*cached.served, *without.served))
    axes.set_xlim(low / 2, high * 2)
    axes.set_ylim(len(rows) - 0.45, -0.75)
    axes.set_yticks(range(len(rows)), [f"{name}\n{len(times):,} answers" for name, _, times in rows])
    axes.xaxis.set_major_formatter(lambda value, _: _time(value))
    axes.grid(axis="x", color="#edf0f3", linewidth=1)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("time to the answer (log scale)", color=_INK, fontsize=10.5)
    axes.set_title("How long an answer takes, by where it came from", loc="left", fontsize=11.5, color=_INK, pad=10)


def _cumulated(leg: Leg) -> list[int]:
    made, total = [], 0
    for one in leg.served:
        total += one.usage.total
        made.append(total)
    return made


def _by_place(leg: Leg) -> list[tuple[str, list[float]]]:
    """Latencies by place, in the order in which places are asked."""
    order = (*_NAMES, *sorted(set(leg.where) - set(_NAMES)))
    return [(name, [one.ms for one in leg.served if one.where == name]) for name in order if leg.where[name]]


def _time(ms: float) -> str:
    if ms < 1:
        return f"{ms * 1000:.0f} µs"
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.0f} s"
