"""``askonce export``, ``import`` and ``warm``: entries out of the stores, and into them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from ...errors import AskonceError, ConfigError, MissingExtra
from ..config import Config
from ..core import SNAPSHOT_NAME, Cache
from ..transfer import export as export_entries
from ..transfer import load
from .output import Output, plural, size_text
from .shared import DEFAULTS, Shared, directory_of, duration, flag, open_stores, opened, reason

LISTED = 20  # bad lines named one by one


def export(
    file: Annotated[Path, Parameter(help="The file to write: .jsonl, or .jsonl.gz to compress.")],
    /,
    *,
    force: Annotated[bool, flag("Overwrite the file if it exists.")] = False,
    shared: Shared = DEFAULTS,
) -> int:
    """Write every servable entry of the disk and Redis tiers to a file, vectors included.

    The file appears whole or not at all. It holds questions and answers in clear, readable by you only.
    """
    out, config = shared.output(), shared.settings()
    if file.exists() and not force:
        raise ConfigError(f"{file} exists; add --force to overwrite it")
    if file.is_dir() or not file.absolute().parent.is_dir():
        raise ConfigError(f"{file} cannot be written: name a file in a directory that exists")
    with opened(config) as cache, out.progress("exporting", _count(cache)) as step:
        report = export_entries(cache, file, step)
    data = {"file": str(file), **msgspec.to_builtins(report)}

    def page() -> None:
        out.say(f"wrote {plural(report.written, 'entry', 'entries')} to {file} ({size_text(report.bytes)})")
        left = [f"{count:,} {name}" for name, count in data.items() if name in _LEFT_OUT and count]
        if left:
            out.say(f"left out: {', '.join(left)}")

    out.result(data, page)
    return 0


_LEFT_OUT = ("expired", "invalidated", "damaged")


def _count(cache: Cache) -> int | None:
    counts = [tier.store.stats().entries for tier in cache.tiers]
    return max(counts, default=0) if min(counts, default=0) >= 0 else None


def import_(
    file: Annotated[Path, Parameter(help="A file that export wrote.")],
    /,
    *,
    replace: Annotated[bool, flag("Also overwrite answers that are newer here.")] = False,
    revive: Annotated[bool, flag("Also take entries that were invalidated here since they were made.")] = False,
    shared: Shared = DEFAULTS,
) -> int:
    """Read an export into the disk and Redis tiers and the index.

    Each line is checked; bad ones are reported and left out. Times stay what they were: an entry that has
    expired meanwhile is skipped. Running processes serve imported answers to the same question at once,
    to differently worded ones from their next start.
    """
    out, config = shared.output(), shared.settings()
    _readable(file)
    with opened(config, create=True) as cache, out.progress("importing", _unpacked_size(file)) as step:
        report = load(cache, file, replace=replace, revive=revive, step=step)
    data: dict[str, Any] = {"file": str(file), **msgspec.to_builtins(report)}
    data["index"] = update_index(config, out) if report.imported else None
    if not report.complete and not report.bad:
        out.note(f"askonce: {file} has no end line: it was cut, and entries may be missing")
    _name_bad(out, file, report.bad)

    def page() -> None:
        out.say(f"imported {plural(report.imported, 'entry', 'entries')} from {file}")
        for count, what in (
            (report.same, "already here"),
            (report.newer, "left alone: a newer answer is here (--replace overwrites it)"),
            (report.expired, "expired meanwhile"),
            (report.invalidated, "invalidated here (--revive takes them)"),
            (len(report.bad), "bad"),
        ):
            if count:
                out.say(f"  {count:,} {what}")
        if data["index"]:
            out.say(f"index: {plural(data['index']['vectors'], 'vector')}, {data['index']['added']:,} added")

    out.result(data, page)
    return 0 if report.complete and not report.bad else 1


def warm(
    faq: Annotated[Path, Parameter(help="One JSON object a line: question and answer, and what else is below.")],
    /,
    *,
    function: Annotated[
        str | None,
        Parameter(help="package.module:function, your decorated function; answers go to its own cache."),
    ] = None,
    base_url: Annotated[
        str, Parameter(help="Base URL of the OpenAI client.", env_var="OPENAI_BASE_URL")
    ] = "https://api.openai.com/v1",
    model: Annotated[str | None, Parameter(help="Model your calls ask for, for lines that name none.")] = None,
    system: Annotated[str | None, Parameter(help="System prompt your calls have, to the letter.")] = None,
    body: Annotated[
        str | None, Parameter(help='Further fields of your calls as JSON, to the letter: {"temperature": 0}.')
    ] = None,
    tenant: Annotated[str | None, Parameter(help="Tenant the answers are for.")] = None,
    tag: Annotated[list[str] | None, Parameter(help="A tag for every answer; may be repeated.")] = None,
    ttl: Annotated[str | None, Parameter(help="How long an answer lives: 1h, 7d; by default the policy's.")] = None,
    dry_run: Annotated[bool, flag("Check every line, store nothing.")] = False,
    shared: Shared = DEFAULTS,
) -> int:
    """Fill the cache from a FAQ before the first user asks.

    A line is {"question": ..., "answer": ...} with optional "tags", "ttl" and "model"; for a function also
    "args" (its other arguments by name), for a client "request" (a whole chat completions body) in place of
    "question". Everything but the question must be what your calls send: only then is it the same call.

    Bad lines are reported by number and left out. An answer that differs from the one stored replaces it
    everywhere. Running processes serve warmed answers to the same question at once, to differently worded
    ones from their next start.
    """
    from .warming import Target
    from .warming import warm as fill

    out = shared.output()
    _readable(faq)
    life = duration(ttl, "--ttl")
    with ExitStack() as stack:
        target: Target
        if function is not None:
            given = {
                "--model": model, "--system": system, "--body": body, "--tenant": tenant,
                "--config": shared.config, "--directory": shared.directory,
            }  # fmt: skip
            if wrong := [name for name, value in given.items() if value is not None]:
                raise ConfigError(f"{wrong[0]} and --function exclude each other: the function and its cache decide")
            target = _function(function, dry_run)
            stack.callback(target.cache.close)
        else:
            target = _client(stack, out, shared, dry_run, base_url, model, system, body, tenant)
        step = stack.enter_context(out.progress("warming", _unpacked_size(faq)))
        report = fill(target, faq, tags=tag or (), ttl=life, dry_run=dry_run, step=step)
        has_index = target.cache.semantic is not None
    if target.cache.workers.failures:
        report.faults.append(f"{plural(target.cache.workers.failures, 'write')} behind the caller's back failed")
    data = {"file": str(faq), "dry_run": dry_run, **msgspec.to_builtins(report)}
    _name_bad(out, faq, report.bad)
    for fault in report.faults:
        out.note(f"askonce: {fault}")

    def page() -> None:
        verb = "would store" if dry_run else "stored"
        out.say(f"{verb} {plural(report.stored, 'answer')} from {faq}")
        for count, what in (
            (report.renewed, "were there and live anew"),
            (report.replaced, "replaced another answer"),
            (report.without_vector if has_index else 0, "can be found by the very same words only"),
            (len(report.bad), "bad lines" if len(report.bad) != 1 else "bad line"),
        ):
            if count:
                out.say(f"  {count:,} {what}")

    out.result(data, page)
    return 1 if report.bad or report.faults else 0


def _function(name: str, dry_run: bool) -> Any:
    from .warming import FunctionTarget

    target = FunctionTarget(name)
    if not dry_run and not any(tier.store.shared for tier in target.cache.tiers):
        target.cache.close()
        raise ConfigError(
            f"the cache of {name} has only a memory tier, which ends with this process: give it a directory or Redis"
        )
    return target


def _client(
    stack: ExitStack,
    out: Output,
    shared: Shared,
    dry_run: bool,
    base_url: str,
    model: str | None,
    system: str | None,
    body: str | None,
    tenant: str | None,
) -> Any:
    from .warming import ClientTarget

    fields: Any = {}
    if body is not None:
        try:
            fields = msgspec.json.decode(body)
        except msgspec.DecodeError as error:
            raise ConfigError(f"--body is not JSON: {error}", setting="body") from error
        if not isinstance(fields, dict):
            raise ConfigError('--body must be a JSON object, as {"temperature": 0}', setting="body")
    target = ClientTarget(base_url, model or "", system, fields)
    config = shared.settings()
    if dry_run:
        cache = Cache(semantic=False, policy=config.build_policy())
    else:
        cache = config.build(tiers=open_stores(config, create=True), write_behind=())
    stack.callback(cache.close)
    target.cache = cache if tenant is None else cache.tenant(tenant)
    return target


# -- common ----------------------------------------------------------------------------------------------


def _readable(file: Path) -> None:
    if file.is_dir():
        raise ConfigError(f"{file} is a directory; name a file")
    if not file.exists():
        raise ConfigError(f"there is no file {file}")
    file.open("rb").close()


def _unpacked_size(file: Path) -> int | None:
    return None if file.name.endswith(".gz") else file.stat().st_size


def _name_bad(out: Output, file: Path, bad: list[tuple[int, str]]) -> None:
    for number, why in bad[:LISTED]:
        out.note(f"{file}:{number}: {why}")
    if len(bad) > LISTED:
        out.note(f"askonce: {len(bad) - LISTED:,} more bad lines")


def update_index(config: Config, out: Output) -> dict[str, int] | None:
    """Make the index snapshot agree with the stores; None when there is no snapshot to keep.

    Vectors come from the entries; only those another embedder made are computed again.
    """
    if "disk" not in config.cache.tiers:
        return None
    try:
        tier = config.semantic_tier()
    except (MissingExtra, ConfigError) as error:
        out.note(f"askonce: the index was not updated: {reason(error)}")
        return None
    if tier is None:
        return None
    from ..semantic_index import SemanticIndex

    stores = open_stores(config, create=False)
    try:
        index = SemanticIndex(tier, directory_of(config) / SNAPSHOT_NAME)
        try:
            with out.progress("indexing", None) as step:
                added, dropped, unusable = index.reconcile(stores, lambda done, total: step(1))
            vectors = len(index.index)
        finally:
            index.close()
        if index.note:
            out.note(f"askonce: {index.note}")
    except AskonceError as error:
        out.note(f"askonce: the index was not updated, the next start will do it: {reason(error)}")
        return None
    finally:
        for store in stores:
            store.close()
    return {"vectors": vectors, "added": added, "dropped": dropped, "unusable": unusable}
