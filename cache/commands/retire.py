"""``askonce invalidate``: retire stored answers."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from ...entry import Entry
from ...errors import AskonceError, ConfigError
from ..core import Cache
from ..ledger import text_tag
from ..transfer import Damaged, survey
from .output import plural
from .shared import DEFAULTS, Shared, duration, flag, hexadecimal, opened


def invalidate(
    *,
    tag: Annotated[str | None, Parameter(help="Answers carrying this tag.")] = None,
    model: Annotated[str | None, Parameter(help="Answers of this model.")] = None,
    scope: Annotated[str | None, Parameter(help="Answers of this scope (digest or its beginning).")] = None,
    key: Annotated[str | None, Parameter(help="The answer of this exact key (or its beginning).")] = None,
    text: Annotated[str | None, Parameter(help="Answers to this very question, in any scope.")] = None,
    older_than: Annotated[str | None, Parameter(help="Answers made longer ago than this: 90s, 5m, 1h, 7d.")] = None,
    everything: Annotated[bool, flag("All answers.")] = False,
    yes: Annotated[bool, flag("Do not ask first, as is done for everything and for several conditions.")] = False,
    dry_run: Annotated[bool, flag("Only say how many answers it would retire.")] = False,
    sweep: Annotated[bool, flag("Also delete what can never be served again, at once.")] = False,
    shared: Shared = DEFAULTS,
) -> int:
    """Retire stored answers at once, in every process that shares the stores.

    Several conditions retire what meets any of them, not all, and are asked about first. Answers on their
    way from upstream when this runs are retired too. Space comes back as entries are looked up or expire,
    or at once with --sweep.
    """
    out, config = shared.output(), shared.settings()
    age = duration(older_than, "--older-than")
    key, scope = hexadecimal(key, "--key"), hexadecimal(scope, "--scope")
    if not any((tag, model, scope, key, text)) and age is None and not everything:
        raise ConfigError("say what to invalidate: --tag, --model, --scope, --key, --text, --older-than, --everything")
    with opened(config) as cache:
        keys, scopes, count = _matching(cache, tag, model, scope, key, text, age, everything)
        key, scope = _one(keys, key, "--key"), _one(scopes, scope, "--scope")
        several = sum(bool(given) for given in (tag, model, scope, key, text, older_than)) > 1
        if (everything or several) and not yes and not dry_run:
            _confirm("--everything" if everything else "what meets any (not all) of these conditions", count)
        confirmed = True
        if not dry_run:
            confirmed = cache.invalidate(
                tag=tag, model=model, scope=scope, key=key, text=text, older_than=age, everything=everything
            )
        swept = cache.sweep() if sweep and not dry_run else 0
        fault = cache.ledger.fault
    if not confirmed:
        raise AskonceError(
            f"not invalidated, the shared ledger is out of reach ({fault}); run it again when it is back"
        )
    data = {"retired": count, "dry_run": dry_run, "swept": swept}

    def page() -> None:
        verb = "would retire" if dry_run else "retired"
        out.say(f"{verb} {plural(count, 'answer')}" + (f", deleted {plural(swept, 'row')}" if swept else ""))

    out.result(data, page)
    return 0


def _matching(
    cache: Cache,
    tag: str | None,
    model: str | None,
    scope: str | None,
    key: str | None,
    text: str | None,
    age: float | None,
    everything: bool,
) -> tuple[set[str], set[str], int]:
    """Keys and scopes that begin as asked, and how many valid entries meet any condition."""
    floor = None if age is None else cache.clock.now() - age
    keys: set[str] = set()
    scopes: set[str] = set()
    count = 0

    def meets(entry: Entry) -> bool:
        hit = everything or (floor is not None and entry.created < floor)
        if key is not None and entry.key.hex().startswith(key):
            keys.add(entry.key.hex())
            hit = True
        if scope is not None and entry.scope.hex().startswith(scope):
            scopes.add(entry.scope.hex())
            hit = True
        return (
            hit
            or (tag is not None and tag in _tags(entry))
            or (model is not None and entry.model == model)
            or (text is not None and entry.query == text)
        )

    for held in survey(cache):
        if not isinstance(held, Damaged) and meets(held.entry) and held.state != "invalidated":
            count += 1
    return keys, scopes, count


def _tags(entry: Entry) -> set[str]:
    """The entry's tags and the implicit ones, which a tag may name too."""
    made = {*entry.tags, f"model:{entry.model}", f"scope:{entry.scope.hex()}", f"key:{entry.key.hex()}"}
    return made if entry.query is None else made | {text_tag(entry.query)}


def _one(found: set[str], asked: str | None, option: str) -> str | None:
    """The full digest for the beginning of one; a full digest stays, stored or not."""
    if asked is None or len(asked) == 64:
        return asked
    if len(found) == 1:
        return next(iter(found))
    if not found:
        raise AskonceError(f"no stored answer has a {option.strip('-')} that begins with {asked}")
    raise ConfigError(f"{option} {asked} begins {len(found)} digests; give more digits", setting=option)


def _confirm(why: str, count: int) -> None:
    if not sys.stdin or not sys.stdin.isatty():
        raise ConfigError(f"{why} would retire {plural(count, 'answer')}; nobody is here to ask: add --yes")
    print(f"{why} would retire {plural(count, 'answer')}. Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise AskonceError("nothing was retired")
