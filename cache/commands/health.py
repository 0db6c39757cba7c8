"""``askonce doctor``: what is in order, what is not, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from ...backends.contract import Store
from ...errors import AskonceError, ConfigError, StoreError
from .. import doctor as checks
from ..config import DEFAULT_FILE, Config
from ..doctor import Check
from .output import Output, plural
from .shared import DEFAULTS, Shared, directory_of, flag, has_cache, open_store, reason

_SIGNS = {"ok": "✓", "note": "!", "wrong": "✗"}


def doctor(
    *,
    fix: Annotated[
        bool,
        flag("Mend what can be mended: unreadable rows, the index snapshot, permissions."),
    ] = False,
    quick: Annotated[bool, flag("Do not read every row; the index is then not compared either.")] = False,
    shared: Shared = DEFAULTS,
) -> int:
    """Check the settings, each tier, its rows, the index, the embedder, Redis, the directory and the disk.

    Tiers are probed with an entry that is written, read and deleted again. Exit code 1 when something is
    wrong; a note (!) is worth reading but needs nothing.
    """
    out = shared.output()
    found: list[Check] = []
    for check in _examine(out, shared, fix, quick):
        found.append(check)
        if not out.as_json:
            _show(out, check)
    bad = [check for check in found if check.state == "wrong" and not check.fixed]
    fixed = sum(check.fixed for check in found)
    data = {"ok": not bad, "wrong": len(bad), "fixed": fixed, "checks": msgspec.to_builtins(found)}

    notes = sum(check.state == "note" and not check.fixed for check in found)

    def page() -> None:
        said = [f"{len(bad)} wrong"] if bad else ["nothing is wrong" if notes else "all in order"]
        said += [plural(notes, "note")] if notes else []
        said += [f"{fixed} mended"] if fixed else []
        out.say()
        out.say(", ".join(said))

    out.result(data, page)
    return 1 if bad else 0


def _show(out: Output, check: Check) -> None:
    sign = "✓" if check.fixed else _SIGNS[check.state]
    out.say(f"{sign} {check.name}: {check.text}{' (mended)' if check.fixed else ''}")
    if check.mend and not check.fixed:
        out.say(f"    → {check.mend}")


def _examine(out: Output, shared: Shared, fix: bool, quick: bool) -> Iterator[Check]:
    yield checks.python()
    yield from checks.packages()
    try:
        config = shared.settings()
        config.build_policy()
    except ConfigError as error:
        yield checks.wrong("settings", str(error), "correct the setting and run doctor again")
        return
    source = str(shared.config) if shared.config else f"{DEFAULT_FILE} here, or defaults"
    yield checks.ok("settings", f"{source}; tiers {', '.join(config.cache.tiers)}")
    yield from _stores(out, config, fix, quick)


def _stores(out: Output, config: Config, fix: bool, quick: bool) -> Iterator[Check]:
    stores: list[Store] = []
    rows: list[checks.Rows] = []
    whole = True
    try:
        for name in config.cache.tiers:
            if name == "disk" and not has_cache(directory_of(config)):
                yield _unborn(config)
                continue
            try:
                store = open_store(config, name)
            except (AskonceError, OSError) as error:
                whole = False
                yield checks.wrong(f"{name} tier", reason(error), "mend this; until then there is no such tier")
                continue
            stores.append(store)
            check = checks.probe(store)
            yield check
            if name == "redis" and check.state != "wrong":
                yield from checks.redis(store)
            if check.state == "wrong" or not store.shared or quick:
                whole = whole and check.state != "wrong"
                continue
            try:
                with out.progress(f"reading {name}", max(0, store.stats().entries)) as step:
                    read = checks.read_rows(store, step)
                rows.append(read)
                yield from checks.check_rows(store, read, fix)
            except StoreError as error:
                whole = False
                yield checks.wrong(f"{name} rows", reason(error), "mend the tier")
        shared = [store for store in stores if store.shared]
        yield from _semantic(config, shared, None if quick else rows, whole, fix)
        if "disk" in config.cache.tiers and has_cache(directory_of(config)):
            yield from checks.directory(directory_of(config), fix)
            yield checks.disk_space(directory_of(config), config)
    finally:
        for store in stores:
            store.close()


def _unborn(config: Config) -> Check:
    """The directory of a cache that was never used: can it be made?"""
    import os

    directory = directory_of(config).absolute()
    if directory.exists() and not directory.is_dir():
        return checks.wrong("disk tier", f"{directory} is a file", "name a directory with [cache] directory")
    parent = next(place for place in (directory, *directory.parents) if place.exists())
    if not os.access(parent, os.W_OK | os.X_OK):
        return checks.wrong("disk tier", f"{parent} cannot be written", "name another with [cache] directory")
    return checks.ok("disk tier", f"nothing in {directory} yet; the first use makes it")


def _semantic(
    config: Config, stores: list[Store], rows: list[checks.Rows] | None, whole: bool, fix: bool
) -> Iterator[Check]:
    if not config.semantic.enabled:
        yield checks.ok("embedder", "not needed: [semantic] enabled is false")
        return
    try:
        tier: Any = config.semantic_tier()
        embedder = tier.embedder
    except AskonceError as error:
        yield checks.wrong("embedder", reason(error), "install what it needs, or name another")
        return
    check = checks.embedder(embedder)
    yield check
    directory = directory_of(config)
    if "disk" not in config.cache.tiers or not has_cache(directory) or rows is None:
        return
    if not whole or check.state == "wrong":
        yield checks.note("index", "not compared with the stores, because of what is wrong above")
        return
    yield checks.index(directory, embedder, stores, rows, config.semantic.max_vectors, fix)
