"""``askonce replay``: your own traffic through several policies, in shadow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ...errors import ConfigError
from .evaluate import embedder_of, share_text
from .output import Output, plural
from .shared import DEFAULTS, Shared

if TYPE_CHECKING:
    from ..policy_names import Named

_MAX_WRONG = (0.002, 0.005, 0.01, 0.02, 0.05)


def replay(
    log: Annotated[Path, Parameter(help="Questions in the order they came: .jsonl, .tsv or .csv, maybe with .gz.")],
    /,
    *,
    policy: Annotated[
        list[str] | None, Parameter(help="Policy to test, as evaluate has them; may be repeated.")
    ] = None,
    max_wrong: Annotated[list[float] | None, Parameter(help="Error budget to test; may be repeated.")] = None,
    target: Annotated[
        float, Parameter(help="Share of semantic hits that may be wrong, for the recommendation.")
    ] = 0.01,
    embedder: Annotated[str | None, Parameter(help="As in the settings: default, multilingual, ...")] = None,
    limit: Annotated[int | None, Parameter(help="Only the first so many calls.")] = None,
    plot: Annotated[Path | None, Parameter(help="Draw hits against wrong hits into this PNG.")] = None,
    shared: Shared = DEFAULTS,
) -> int:
    """Show what policies would have served of your own traffic, and how much of it wrong; nothing is served.

    Each line has text and, to tell right from wrong, a label (or intent) or the answer; time, tokens and scope may
    follow. Pair files work too. The cache is empty at first and fills as the log goes on; answers live as long as the
    settings say, if the log has times.
    """
    out, config = shared.output(), shared.settings()
    from ..pair_files import read_traffic
    from ..policy_names import DEFAULT_POLICY, check_max_wrong, check_name
    from ..replay import recommend, steps_of
    from ..replay import replay as run

    names = list(dict.fromkeys(policy or [DEFAULT_POLICY]))
    for name in names:
        check_name(name)
    budgets = sorted({check_max_wrong(value) for value in max_wrong or _MAX_WRONG})
    if not 0 < target < 1:
        raise ConfigError(f"--target is {target!r}; it is a share, as 0.01 for 1 in 100", setting="target")
    if plot is not None and not plot.absolute().parent.is_dir():
        raise ConfigError(f"{plot} cannot be written: there is no directory {plot.absolute().parent}", setting="plot")
    life = config.build_policy().ttl  # from settings it is never a function
    traffic = read_traffic(log, limit)
    if plot is not None:
        from .replay_picture import ready

        ready()
    model = embedder_of(config, embedder)
    tested = _policies(out, names, budgets, model.fingerprint)
    with out.progress("replaying", steps_of(traffic)) as step:
        tallies = run(
            traffic, model, tested, candidates=config.semantic.candidates, max_chars=config.semantic.max_chars,
            ttl=None if callable(life) else life, progress=step,
        )  # fmt: skip
    advice = recommend(tallies, target)
    if plot is not None:
        from .replay_picture import draw

        draw(plot, tallies, target, log.name)
    data: dict[str, Any] = {
        "file": str(log),
        "calls": len(traffic.calls),
        "truth": traffic.by,
        "embedder": model.fingerprint,
        "target": target,
        "policies": [one.as_dict() for one in tallies],
        "recommended": advice._asdict(),
        "picture": None if plot is None else str(plot),
    }
    out.result(data, lambda: _page(out, data))
    return 0


def _policies(out: Output, names: list[str], budgets: list[float], fingerprint: str) -> list[Named]:
    """Every policy to test: those with an error budget once for each of its sizes."""
    from ..policy_names import has_budget, policy_of

    made: dict[tuple[str, float | None], Named] = {}
    for name in names:
        for budget in budgets if has_budget(name) else budgets[:1]:
            named = policy_of(name, fingerprint, budget)
            if named.note:
                out.note(f"askonce: {named.note}")
            made.setdefault((named.name, named.max_wrong), named)
    return list(made.values())


def _page(out: Output, data: dict[str, Any]) -> None:
    known = {"nothing": "no truth in the log", "label": "by label", "answer": "by answer", "pairs": "by pair"}
    out.say(f"{plural(data['calls'], 'call')}, {data['embedder'].partition('/')[0]}, wrong {known[data['truth']]}")
    out.say()
    rows = []
    for one in data["policies"]:
        saved = "–" if not one["tokens"] else f"{one['tokens_saved'] / one['tokens']:.1%}"
        rows.append(
            (
                one["policy"],
                "–" if one["max_wrong"] is None else f"{one['max_wrong']:g}",
                f"{one['exact_share']:.1%}",
                f"{one['semantic_share']:.1%}",
                f"{one['wrong']:,}",
                f"{one['unknown']:,}",
                share_text(one["wrong_share"], one["intervals"]["wrong_share"]),
                saved,
            )
        )
    heads = ("policy", "max_wrong", "exact", "semantic", "wrong", "unknown", "wrong of known hits", "tokens saved")
    out.table(heads, rows, right=(1, 2, 3, 4, 5, 7))
    out.say()
    advice = data["recommended"]
    if advice["policy"] is None:
        out.say(f"Recommended: nothing; {advice['why']}.")
    else:
        budget = f" with max_wrong {advice['max_wrong']:g}" if advice["max_wrong"] is not None else ""
        out.say(f"Recommended: {advice['policy']}{budget}; {advice['why']}.")
    if data["picture"]:
        out.say(f"Picture: {data['picture']}")
