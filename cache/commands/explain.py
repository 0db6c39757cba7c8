"""``askonce explain``: why one question's answer would or would not serve another's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from ...errors import ConfigError
from .evaluate import embedder_of
from .output import Output
from .shared import DEFAULTS, Shared

_LONGEST = 1 << 20


def explain(
    stored: Annotated[str | None, Parameter(help="The question that is stored.")] = None,
    asked: Annotated[str | None, Parameter(help="The question that is asked; left out, stdin.")] = None,
    /,
    *,
    file: Annotated[
        Path | None, Parameter(help="Explain every pair of a file with text_a (stored) and text_b (asked).")
    ] = None,
    policy: Annotated[str, Parameter(help="As evaluate has them.")] = "verified",
    embedder: Annotated[str | None, Parameter(help="As in the settings: default, multilingual, ...")] = None,
    max_wrong: Annotated[float | None, Parameter(help="Share of served hits that may be wrong.")] = None,
    shared: Shared = DEFAULTS,
) -> int:
    """Show why the answer to one question would or would not serve another: similarity, guards, risk, verdict.

    With one question the one asked is read from stdin; with none, two lines are: the stored question and the one
    asked. It needs no cache; what a cache holds is shown by inspect.
    """
    out, config = shared.output(), shared.settings()
    from ..explain_pair import explain_pair
    from ..policy_names import MAX_WRONG, check_max_wrong, check_name, policy_of

    check_name(policy)
    if max_wrong is not None:
        check_max_wrong(max_wrong)
    pairs = _pairs(stored, asked, file)
    model = embedder_of(config, embedder)
    named = policy_of(policy, model.fingerprint, MAX_WRONG if max_wrong is None else max_wrong)
    if named.note:
        out.note(f"askonce: {named.note}")
    found = []
    with out.progress("explaining", len(pairs)) as step:
        for one, other in pairs:
            made = explain_pair(named.decision, model, one, other, max_chars=config.semantic.max_chars)
            found.append({"policy": named.name, "max_wrong": named.max_wrong, **made.as_dict()})
            step(1)
    out.result(found[0] if file is None else {"pairs": found}, lambda: _pages(out, found))
    return 0


def _pairs(stored: str | None, asked: str | None, file: Path | None) -> list[tuple[str, str]]:
    if file is not None:
        if stored is not None or asked is not None:
            raise ConfigError("give two questions or --file, not both", setting="file")
        from ..pair_files import read_questions

        return read_questions(file)
    if stored is None:
        lines = [line for line in _stdin().split("\n") if line.strip()]
        if len(lines) != 2:
            raise ConfigError(f"stdin has {len(lines)} lines; give two: the stored question, and the one asked")
        return [(lines[0].rstrip("\r"), lines[1].rstrip("\r"))]
    one, other = stored, _stdin().strip() if asked is None else asked
    for text in (one, other):
        if not text.strip():
            raise ConfigError("a question is blank")
    return [(one, other)]


def _stdin() -> str:
    if sys.stdin is None or sys.stdin.isatty():
        raise ConfigError("give two questions: the one that is stored, and the one that is asked", setting="asked")
    try:
        return sys.stdin.read(_LONGEST)
    except UnicodeDecodeError as error:
        raise ConfigError("stdin is not UTF-8") from error


def _pages(out: Output, found: list[dict[str, Any]]) -> None:
    for number, one in enumerate(found):
        if number:
            out.say()
        _page(out, one)


def _page(out: Output, one: dict[str, Any]) -> None:
    out.say(f"{'✓ served' if one['serve'] else '✗ not served'}: {one['why']}")
    out.say(f"  stored      {one['cached']}")
    out.say(f"  asked       {one['asked']}")
    budget = f", max_wrong {one['max_wrong']:g}" if one["max_wrong"] is not None else ""
    out.say(f"  policy      {one['policy']}{budget}")
    if one["similarity"] is not None:
        out.say(f"  similarity  {one['similarity']:.4f} (looked at from {one['floor']:g})")
    for guard in one["guards"]:
        out.say(
            f"  {'✗' if guard['reason'] else '✓'} {guard['name']}{': ' if guard['reason'] else ''}{guard['reason']}"
        )
    if one["risk"] is not None:
        asked = ", by the second opinion" if one["second"] else ""
        cut = f"; served up to {one['cut']:.4f}" if one["cut"] is not None else ""
        out.say(f"  risk        {one['risk']:.4f}{asked}{cut}")
    for name, value in one["details"].items():
        if isinstance(value, dict):
            for inner, said in value.items():
                out.say(f"    {inner:<24}{_short(said)}")
        elif name not in ("cut", "risk", "similarity") and value != 0:  # most signals are silent
            out.say(f"    {name:<24}{_short(value)}")


def _short(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
