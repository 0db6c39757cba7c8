"""What every benchmark shares: its options, its table, its files and its picture.

A benchmark prints a table, writes ``benchmarks/results/NAME.json`` and ``NAME.png``, and with ``--json``
prints one JSON object as the last line of its output. Progress goes to the error stream.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RESULTS = Path(__file__).parent / "results"

#: One colour a policy or library, the same in every picture; safe for the common colour blindnesses
#: (Okabe and Ito, https://jfly.uni-koeln.de/color/).
COLOURS = ("#999999", "#56B4E9", "#E69F00", "#D55E00", "#009E73", "#0072B2", "#CC79A7", "#F0E442")


def options(name: str, about: str) -> argparse.ArgumentParser:
    """The options all benchmarks have: ``--json``, ``--data``, ``--seed``, ``--out``."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=about)
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    parser.add_argument(
        "--data",
        type=existing_folder,
        default=os.environ.get("ASKONCE_DATA") or None,
        metavar="DIR",
        help="folder with real data (default: $ASKONCE_DATA; without it everything is made in code)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seeds everything random (default: 0)")
    parser.add_argument(
        "--out", type=Path, default=RESULTS, metavar="DIR", help="where the files go (default: benchmarks/results)"
    )
    return parser


def existing_folder(text: str) -> Path:
    """An argument that names a folder that is there."""
    path = Path(text).expanduser()
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is not a folder; leave --data out to use generated data")
    return path


def count(text: str) -> int:
    """An argument that is a whole number of at least 1."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return value


class Report:
    """The output of one benchmark.

    Args:
        name: Names the files.
        out: Folder for them; made when missing.
        as_json: Print the JSON object last.
    """

    def __init__(self, name: str, out: Path = RESULTS, *, as_json: bool = False) -> None:
        self.name = name
        self.out = out
        self.as_json = as_json
        # Not a terminal (a log, a pipe): a table cut to 80 columns would lose its figures.
        self.console = Console(width=None if sys.stdout.isatty() else 160)
        self.aside = Console(stderr=True)

    def progress(self) -> Progress:
        """A progress display on the error stream; use it as a context manager."""
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self.aside,
            transient=True,
        )

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], note: str | None = None) -> None:
        """Print a table; the first column is text, the others are figures."""
        table = Table(title=title, caption=note, caption_justify="left", title_justify="left")
        for i, column in enumerate(columns):
            table.add_column(column, justify="left" if i == 0 else "right", no_wrap=i == 0)
        for row in rows:
            table.add_row(*row)
        self.console.print(table)

    def save(self, result: Mapping[str, Any], **details: Any) -> Path:
        """Write the results with the machine they were made on; returns the path."""
        path = self._path("json")
        whole = {"benchmark": self.name, "machine": machine(), "result": result, **details}
        path.write_text(json.dumps(whole, indent=2, sort_keys=False) + "\n", encoding="utf-8")
        self.aside.print(f"wrote {path}")
        return path

    def picture(self, draw: Callable[[Figure], None], width: float = 10.0, height: float = 4.5) -> Path:
        """Let ``draw`` fill a figure (inches) and save it as a PNG; needs no display."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        path = self._path("png")
        figure.savefig(path, dpi=120)
        self.aside.print(f"wrote {path}")
        return path

    def finish(self, result: Mapping[str, Any]) -> None:
        """The last thing a benchmark does: with ``--json``, the object on one line of its own."""
        if self.as_json:
            sys.stdout.flush()
            print(json.dumps(result), flush=True)

    def _path(self, ending: str) -> Path:
        self.out.mkdir(parents=True, exist_ok=True)
        return self.out / f"{self.name}.{ending}"


def bars(
    axes: Axes,
    title: str,
    values: Mapping[str, float],
    form: str = "{:.0%}",
    *,
    colours: Sequence[str] = COLOURS,
) -> None:
    """One bar a name, its figure on top, in ``form``."""
    drawn = axes.bar(list(values), list(values.values()), color=list(colours[: len(values)]))
    axes.bar_label(drawn, labels=[form.format(v) for v in values.values()], padding=2, fontsize=8)
    axes.set_title(title, fontsize=10)
    axes.tick_params(axis="x", labelrotation=30, labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(y=0.15)
    axes.yaxis.set_major_formatter(lambda value, _: form.format(value))


def quantile(values: Sequence[float], q: float) -> float:
    """The ``q`` quantile of sorted or unsorted ``values`` (nearest rank); 0.0 when there are none."""
    if not values:
        return 0.0
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, int(q * len(ranked))))]


def machine() -> dict[str, Any]:
    """What the figures depend on: Python, processor count, versions of the libraries measured."""
    versions: dict[str, str] = {}
    for package in ("askonce", "openai", "httpx2", "numpy", "faiss-cpu", "onnxruntime", "diskcache", "redis"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "versions": versions,
    }
