"""The picture of ``askonce replay``: semantic hits against wrong ones, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import MissingExtra
from ..replay import Replayed

_INK, _GREY, _TARGET = "#1f2933", "#c3cbd3", "#c92a2a"
_COLOURS = ("#0b7285", "#e8590c", "#6741d9", "#2f9e44", "#f08c00", "#495057")


def ready() -> None:
    """Fail before the work when there is nothing to draw with.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingExtra("matplotlib", "plots", "the picture") from error


def draw(path: Path, tallies: Sequence[Replayed], target: float, name: str) -> None:
    """Write the picture as PNG.

    Args:
        path: Where.
        tallies: One a policy and error budget.
        target: Share of semantic hits that may be wrong.
        name: Of the log.

    Raises:
        OSError: The file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 5.4), dpi=130, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.axvspan(0, 100 * target, color="#2f9e44", alpha=0.07, linewidth=0)
    axes.axvline(100 * target, color=_TARGET, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.annotate(
        f"target {target:.2%}", (100 * target, 0.02), xycoords=("data", "axes fraction"), xytext=(-4, 0),
        textcoords="offset points", ha="right", color=_TARGET, fontsize=9,
    )  # fmt: skip
    right = 100 * target
    for number, policy in enumerate(dict.fromkeys(one.policy for one in tallies)):
        colour = _COLOURS[number % len(_COLOURS)]
        known = [one for one in tallies if one.policy == policy and one.wrong_share is not None]
        points = [(100 * (one.wrong_share or 0.0), 100 * one.semantic / max(1, one.calls)) for one in known]
        if not points:
            continue
        axes.plot(*zip(*points, strict=True), color=colour, linewidth=1.6, marker="o", markersize=6, label=policy)
        for one, (wrong, hits) in zip(known, points, strict=True):
            low, high = one.intervals["wrong_share"] or (0.0, 1.0)
            axes.plot([100 * low, 100 * high], [hits, hits], color=colour, linewidth=1, alpha=0.55)
            right = max(right, wrong, min(100 * high, 4 * wrong + 200 * target))
            if one.max_wrong is not None:
                axes.annotate(
                    f"{one.max_wrong:g}", (wrong, hits), xytext=(6, 5), textcoords="offset points",
                    color=colour, fontsize=9,
                )  # fmt: skip
    axes.set_xlim(0, 1.06 * right)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("wrong of the semantic hits, per cent (line: 95 % interval)", color=_INK)
    axes.set_ylabel("semantic hits, per cent of the calls", color=_INK)
    axes.set_title(f"{name}: {tallies[0].calls:,} calls in shadow", loc="left", color=_INK, fontweight="bold")
    axes.grid(color="#edf0f3", linewidth=1)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_GREY)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.savefig(path, format="png")
