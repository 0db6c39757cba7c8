"""``askonce calibrate``: teach the cache what the cosines of another embedder are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from ...errors import ConfigError
from .evaluate import embedder_of, share_text
from .output import Output, plural
from .shared import DEFAULTS, Shared, flag


def calibrate(
    pairs: Annotated[Path, Parameter(help="Labelled pairs: .tsv, .csv or .jsonl, maybe with .gz.")],
    /,
    *,
    out: Annotated[Path, Parameter(name=("--out", "-o"), help="The file to write.")],
    embedder: Annotated[str | None, Parameter(help="As in the settings: default, multilingual, ...")] = None,
    limit: Annotated[int | None, Parameter(help="At most so many pairs, drawn evenly with a fixed seed.")] = None,
    force: Annotated[bool, flag("Replace the file if it is there.")] = False,
    shared: Shared = DEFAULTS,
) -> int:
    """Fit the verifier's risks for an embedder on labelled pairs, and write them as one JSON file.

    About 30 % of the questions are held out; no question is on both sides. On them the report compares risk with the
    bare cosine, both behind the guards. A few thousand pairs take some minutes.
    """
    output, config = shared.output(), shared.settings()
    if out.exists() and not force:
        raise ConfigError(f"{out} is there already; --force replaces it", setting="out")
    if not out.absolute().parent.is_dir():
        raise ConfigError(f"{out} cannot be written: there is no directory {out.absolute().parent}", setting="out")
    from ..calibrate import calibrate as fit
    from ..evaluation import steps_of
    from ..pair_files import read_pairs

    labelled = read_pairs(pairs, limit)
    model = embedder_of(config, embedder)
    with output.progress("embedding and reading pairs", steps_of(labelled)) as step:
        made = fit(model, labelled, max_chars=config.semantic.max_chars, progress=step)
    made.save(out)
    data = {
        "file": str(out),
        "embedder": model.fingerprint,
        "pairs": len(labelled),
        "left_out": made.left_out,
        "languages": msgspec.to_builtins(made.reports),
    }
    output.result(data, lambda: _page(output, data))
    return 0


def _page(out: Output, data: dict[str, Any]) -> None:
    left = f", {data['left_out']:,} of them left out" if data["left_out"] else ""
    out.say(f"{data['embedder'].partition('/')[0]}, {plural(data['pairs'], 'pair')}{left}")
    for language, report in data["languages"].items():
        within = report["intervals"]
        out.say()
        out.say(f"{language}: {report['fitted']:,} pairs fitted, {report['held_out']:,} held out, of which guards veto")
        out.say(f"{report['vetoed']:.1%}; the second opinion is asked on {report['asked_second']:.1%} of the others")
        rows = [("AUC", *(_auc(report[name], within[name]) for name in ("auc_before", "auc_after")))]
        for share in report["frontier_before"] or ():
            cells = [
                share_text(report[name][share], within[name][share]) for name in ("frontier_before", "frontier_after")
            ]
            rows.append((f"positives at {share} % of negatives", cells[0], cells[1]))
        out.table(("held out", "cosine", "risk"), rows)
        out.say(f"risk and the share of wrong answers differ by {report['error']:.1%} on average")
    out.say()
    out.say(f"Written to {data['file']}")


def _auc(area: float | None, interval: Any) -> str:
    return "–" if area is None else f"{area:.4f} ({interval[0]:.4f} to {interval[1]:.4f})"
