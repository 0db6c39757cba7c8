"""What a command writes: one JSON object or a page for people on stdout, everything else on stderr."""

from __future__ import annotations

import re
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

WIDE = 200  # columns when the output is a pipe or a file, so that a row stays a line
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

Advance = Callable[[int], None]


class Output:
    """Where a command writes.

    Args:
        as_json: True = the result is one JSON object on stdout and nothing else is written there.
    """

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json

    def result(self, data: Any, page: Callable[[], None]) -> None:
        """The command's result: ``data`` as JSON, or whatever ``page`` prints for people."""
        if self.as_json:
            print(msgspec.json.encode(data).decode(), flush=True)
        else:
            page()
            sys.stdout.flush()

    def say(self, text: str = "") -> None:
        """A line for people on stdout."""
        print(plain(text))

    def note(self, text: str) -> None:
        """A line on stderr."""
        print(plain(text), file=sys.stderr)

    def table(
        self, heads: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = (), flexible: int = -1
    ) -> None:
        """A table for people, one line a row.

        Args:
            heads: Names of the columns.
            rows: Their cells.
            right: Which columns hold numbers.
            flexible: The column that is cut when a terminal is too narrow.
        """
        cells = [list(heads), *([plain(cell) for cell in row] for row in rows)]
        widths = [max(_width(row[column]) for row in cells) for column in range(len(heads))]
        if flexible >= 0 and sys.stdout.isatty():
            spare = shutil.get_terminal_size().columns - sum(widths) - 2 * (len(widths) - 1)
            widths[flexible] = max(12, widths[flexible] + min(0, spare))
            for row in cells:
                row[flexible] = _cut(row[flexible], widths[flexible])
        for number, row in enumerate(cells):
            padded = [
                " " * (width - _width(cell)) + cell if column in right else cell + " " * (width - _width(cell))
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            print("  ".join(padded).rstrip())
            if number == 0:
                print("─" * (sum(widths) + 2 * (len(widths) - 1)))

    def console(self) -> Any:
        """A rich console on stdout, wide when nobody watches."""
        from rich.console import Console

        return Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDE, highlight=False, emoji=False)

    @contextmanager
    def progress(self, what: str, total: int | None) -> Iterator[Advance]:
        """A bar on stderr while the block runs; it shows only on a terminal, and only for longer work."""
        if not sys.stderr.isatty():
            yield lambda steps: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(what, total=total)
            yield lambda steps: progress.update(task, advance=steps)


def plain(text: str) -> str:
    """``text`` with control characters written out: a stored answer must not steer a terminal."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}" if ord(found[0]) < 256 else "\ufffd", text)


def short(text: str, width: int) -> str:
    """One line of at most ``width`` columns."""
    return _cut(" ".join(text.split()), width)


def _width(text: str) -> int:
    """Columns a terminal needs: two for wide characters, none for combining ones (Unicode TR 11)."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _cut(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    kept = text[: width - 1]
    while _width(kept) > width - 1:
        kept = kept[:-1]
    return kept + "…"


def size_text(count: float) -> str:
    """Bytes for people: ``512 B``, ``1.4 KiB``, ``2.0 GiB``; ``?`` for an unknown (negative) count."""
    if count < 0:
        return "?"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError("unreachable")


def span_text(seconds: float | None) -> str:
    """A duration for people: ``12 s``, ``5 min``, ``3 h``, ``2 d``; ``never`` for None (no end)."""
    if seconds is None:
        return "never"
    sign, left = ("-" if seconds < 0 else ""), abs(seconds)
    for limit, unit, length in ((90.0, "s", 1), (5400.0, "min", 60), (172_800.0, "h", 3600)):
        if left < limit:
            return f"{sign}{left / length:.0f} {unit}"
    return f"{sign}{left / 86400:.0f} d"


def money_text(dollars: float) -> str:
    """US dollars, with as many decimals as say something."""
    return f"${dollars:,.2f}" if dollars >= 100 or dollars == 0 else f"${dollars:.4f}"


def plural(count: int, one: str, many: str = "") -> str:
    """``1 entry``, ``2 entries``, ``1,234 vectors``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
