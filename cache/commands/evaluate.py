"""``askonce evaluate``: how well a policy tells same questions from different ones, on labelled pairs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from .output import Output, plural
from .shared import DEFAULTS, Shared

if TYPE_CHECKING:
    from ...embeddings.contract import Embedder
    from ..config import Config

_MOST_GROUPS = 40


def evaluate(
    file: Annotated[Path, Parameter(help="Labelled pairs: .tsv, .csv or .jsonl, maybe with .gz.")],
    /,
    *,
    policy: Annotated[
        str, Parameter(help="verified, verifier, conservative, guards:0.8, guards-only, cosine:0.8 or cosine.")
    ] = "verified",
    embedder: Annotated[str | None, Parameter(help="As in the settings: default, multilingual, ...")] = None,
    max_wrong: Annotated[float | None, Parameter(help="Share of served hits that may be wrong.")] = None,
    limit: Annotated[int | None, Parameter(help="At most so many pairs, drawn evenly with a fixed seed.")] = None,
    shared: Shared = DEFAULTS,
) -> int:
    """Measure a policy on pairs of questions that are labelled 1 (one answer serves both) or 0.

    The file has columns text_a (the question that is stored), text_b (the question that is asked), label and maybe
    meta, by which the figures are also split. Everything is computed here; nothing is stored or sent.
    """
    out, config = shared.output(), shared.settings()
    from ..evaluation import evaluate as measure
    from ..evaluation import steps_of
    from ..pair_files import read_pairs
    from ..policy_names import MAX_WRONG, check_max_wrong, check_name, has_budget, policy_of

    check_name(policy)
    if max_wrong is not None:
        check_max_wrong(max_wrong)
    pairs = read_pairs(file, limit)
    model = embedder_of(config, embedder)
    named = policy_of(policy, model.fingerprint, MAX_WRONG if max_wrong is None else max_wrong)
    for note in (named.note, _not_used(policy, max_wrong) if not has_budget(policy) else ""):
        if note:
            out.note(f"askonce: {note}")
    with out.progress("embedding and deciding", steps_of(pairs)) as step:
        result = measure(named.decision, model, pairs, max_chars=config.semantic.max_chars, progress=step)
    result.policy, result.max_wrong = named.name, named.max_wrong
    data = {"file": str(file), **result.as_dict()}
    out.result(data, lambda: _page(out, data))
    return 0


def embedder_of(config: Config, name: str | None) -> Embedder:
    """The embedder of this name, or of the settings.

    Raises:
        ConfigError: The name means nothing.
        MissingExtra: Its library is not installed.
    """
    from ...embeddings import embedder_from_name

    return embedder_from_name(config.semantic.embedder if name is None else name)


def _not_used(policy: str, max_wrong: float | None) -> str:
    return "" if max_wrong is None else f"{policy} has no error budget, so --max-wrong changes nothing"


def share_text(share: float | None, interval: Any) -> str:
    """``12.3 % (11.0 to 13.7)``, or a dash."""
    if share is None:
        return "–"
    said = f"{100 * share:.2f} %"
    return f"{said} ({100 * interval[0]:.2f} to {100 * interval[1]:.2f})" if interval else said


def _page(out: Output, data: dict[str, Any]) -> None:
    within = data["intervals"]
    budget = f", max_wrong {data['max_wrong']:g}" if data["max_wrong"] is not None else ""
    out.say(f"{data['policy']}{budget}, {data['embedder'].partition('/')[0]}")
    out.say(f"{plural(data['pairs'], 'pair')}: {data['positives']:,} positive, {data['negatives']:,} negative")
    out.say()
    rows = [
        ("served positives", share_text(data["served_positives"], within["served_positives"])),
        ("served negatives", share_text(data["served_negatives"], within["served_negatives"])),
        ("wrong of the served", share_text(data["wrong_share"], within["wrong_share"])),
    ]
    if data["auc"] is not None:
        low, high = within["auc"]
        rows.append(("AUC", f"{data['auc']:.4f} ({low:.4f} to {high:.4f})"))
    rows += [
        ("second opinion", f"{100 * data['asked_second']:.1f} % of the pairs"),
        ("refused by the embedder", plural(data["refused"], "pair")),
        ("time", f"{data['ms_per_pair']:.3f} ms a decision, {data['ms_per_text']:.2f} ms a text embedded"),
    ]
    if data["failed"]:
        rows.append(("decision failed", plural(data["failed"], "pair")))
    out.table(("", "value (95 % interval)"), rows)
    if data["frontier"]:
        out.say()
        out.table(
            ("negatives served", "positives served at most"),
            [(f"{share} %", share_text(value, within["frontier"][share])) for share, value in data["frontier"].items()],
            right=(0,),
        )
    if data["by_meta"]:
        out.say()
        largest = sorted(data["by_meta"].items(), key=lambda item: -item[1]["n"])
        out.table(
            ("meta", "pairs", "served positives", "served negatives"),
            [
                (
                    name or "(none)",
                    f"{group['n']:,}",
                    share_text(group["served_positives"], group["intervals"]["served_positives"]),
                    share_text(group["served_negatives"], group["intervals"]["served_negatives"]),
                )
                for name, group in largest[:_MOST_GROUPS]
            ],
            right=(1,),
            flexible=0,
        )
        if len(largest) > _MOST_GROUPS:
            out.say(f"... and {len(largest) - _MOST_GROUPS:,} more; --json has them all")
