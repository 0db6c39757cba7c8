"""Is everything in order? Each check says what it saw, and how to mend what is wrong.

``wrong`` is what makes the cache give less than it should or a danger; ``note`` is what works but is worth
knowing, as an index that the next start brings up to date by itself.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import sqlite3
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from ..backends.contract import Store
from ..backends.epochs import DATABASE
from ..entry import Entry
from ..errors import AskonceError, CorruptEntry, StoreError, UnsafeRow
from .config import Config, size
from .core import SNAPSHOT_NAME

PYTHON = (3, 11)
LEAST_FREE = 64 << 20  # bytes free on the disk below which writing is about to fail
OPTIONAL = ("redis", "openai", "cli", "plots", "local", "sentence-transformers", "multilingual")
Step = Callable[[int], None]


class Check(msgspec.Struct):
    """One finding.

    Attributes:
        name: What was looked at.
        state: ``"ok"``, ``"note"`` or ``"wrong"``.
        text: What was seen.
        mend: What to do about it.
        fixed: Whether ``--fix`` has done it.
    """

    name: str
    state: str
    text: str
    mend: str = ""
    fixed: bool = False


def ok(name: str, text: str) -> Check:
    return Check(name, "ok", text)


def note(name: str, text: str, mend: str = "") -> Check:
    return Check(name, "note", text, mend)


def wrong(name: str, text: str, mend: str) -> Check:
    return Check(name, "wrong", text, mend)


# -- this Python ---------------------------------------------------------------------------------------


def python() -> Check:
    """The interpreter."""
    here = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON:
        return wrong("python", here, f"askonce needs Python {PYTHON[0]}.{PYTHON[1]} or newer")
    return ok("python", f"{here}, SQLite {sqlite3.sqlite_version}")


def packages() -> Iterator[Check]:
    """Dependencies and their versions; optional ones only where something is amiss."""
    try:
        asked = importlib.metadata.requires("askonce") or []
        here = importlib.metadata.version("askonce")
    except importlib.metadata.PackageNotFoundError:
        yield wrong("packages", "askonce is not installed, only imported", "pip install -e . in its folder")
        return
    found: list[str] = [f"askonce {here}"]
    absent: dict[str, list[str]] = {}
    for line in asked:
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*(?:>=\s*([0-9.]+))?", line)
        extra = re.search(r"extra == ['\"]([^'\"]+)", line)
        if match is None or match[1] == "askonce" or (extra and extra[1] not in OPTIONAL):
            continue
        name, least = match[1], match[2] or "0"
        try:
            have = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            if extra is None:
                yield wrong("packages", f"{name} is missing", f"pip install '{name}>={least}'")
            else:
                absent.setdefault(extra[1], []).append(name)
            continue
        found.append(f"{name} {have}")
        if _numbers(have) < _numbers(least):
            made = note if extra else wrong
            yield made("packages", f"{name} {have} is older than {least}", f"pip install --upgrade '{name}>={least}'")
    yield ok("packages", ", ".join(found))
    if absent:
        extras = ", ".join(f"{extra} ({', '.join(names)})" for extra, names in absent.items())
        yield ok("packages", f"extras that are not installed: {extras}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:4])


# -- a tier --------------------------------------------------------------------------------------------


def probe(store: Store) -> Check:
    """Write, read and delete an entry that nobody will ever look for."""
    name = f"{store.name} tier"
    now = time.time()
    entry = Entry(os.urandom(32), bytes(32), "value", b"\xa5probe", now, now + 60, now + 60)
    times = []
    try:
        for work in (
            lambda: store.put(entry),
            lambda: store.get(entry.key),
            lambda: store.delete(entry.key),
            lambda: store.get(entry.key),
        ):
            started = time.perf_counter()
            times.append((work(), (time.perf_counter() - started) * 1000))
        held = store.stats()
    except StoreError as error:
        return wrong(name, str(error), "mend this first; until then the cache goes on without the tier")
    (_, put_ms), (back, get_ms), (deleted, delete_ms), (after, _) = times
    if back != entry or not deleted or after is not None:
        return wrong(name, "it did not give back what was written", "empty it and look at what else uses it")
    count = f"{held.entries:,} entries, " if held.entries >= 0 else ""
    return ok(name, f"{count}write {put_ms:.2f} ms, read {get_ms:.2f} ms, delete {delete_ms:.2f} ms")


class Rows(msgspec.Struct):
    """What the rows of a store are: ``vectors`` maps the key of each entry with a vector to its embedder."""

    entries: int = 0
    vectors: dict[bytes, str] = {}
    keys: set[bytes] = set()
    corrupt: list[bytes] = []
    unsafe: list[bytes] = []


def read_rows(store: Store, step: Step) -> Rows:
    """Read every row. Raises StoreError when the store itself fails."""
    rows = Rows()
    for key in store.keys():  # noqa: SIM118 - a store is not a mapping
        step(1)
        try:
            entry = store.get(key)
        except UnsafeRow:
            rows.unsafe.append(key)
            continue
        except CorruptEntry:
            rows.corrupt.append(key)
            continue
        if entry is None:
            continue
        if entry.key != key:
            rows.corrupt.append(key)
            continue
        rows.entries += 1
        rows.keys.add(key)
        if entry.vector:
            rows.vectors[key] = entry.embedder
    return rows


def check_rows(store: Store, rows: Rows, fix: bool) -> Iterator[Check]:
    """Rows that are no raw bytes were planted or come from another program; damaged ones are lost."""
    name = f"{store.name} rows"
    counted = getattr(store, "unsafe_rows", None)
    unsafe = counted() if counted is not None else len(rows.unsafe)
    if unsafe:
        check = wrong(
            name,
            f"{unsafe:,} not raw bytes, as a pickle that someone planted; refused, never loaded",
            "askonce doctor --fix deletes them; find out who can write to the directory",
        )
        if fix:
            remove = getattr(store, "remove_unsafe_rows", None)
            gone = remove() if remove is not None else sum(store.delete(key) for key in rows.unsafe)
            check.fixed, check.text = gone >= unsafe, f"{check.text}; {gone:,} deleted"
        yield check
    if rows.corrupt:
        check = wrong(
            name,
            f"{len(rows.corrupt):,} damaged; each is a miss",
            "askonce doctor --fix deletes them; check the disk or memory if they come back",
        )
        if fix:
            gone = sum(store.delete(key) for key in rows.corrupt)
            check.fixed, check.text = gone == len(rows.corrupt), f"{check.text}; {gone:,} deleted"
        yield check
    if not unsafe and not rows.corrupt:
        yield ok(name, f"all {rows.entries:,} entries can be read")


# -- the directory -----------------------------------------------------------------------------------------


def directory(path: Path, fix: bool) -> Iterator[Check]:
    """Who may read and write it, and what was set aside there."""
    if os.name == "posix":
        for place, best in ((path, 0o700), (path / DATABASE, 0o600)):
            try:
                mode = stat.S_IMODE(place.stat().st_mode)
            except FileNotFoundError:
                continue
            if not mode & 0o077:
                yield ok("directory", f"{place} is yours alone ({mode:04o})")
                continue
            mend = f"chmod {best:o} {place}"
            if mode & 0o022:
                check = wrong(
                    "directory", f"{place} can be written by others ({mode:04o}), who could plant answers", mend
                )
            else:
                check = note("directory", f"{place} can be read by others ({mode:04o}): questions and answers", mend)
            if fix:
                place.chmod(best)
                check.fixed = True
            yield check
    aside = sorted(found.name for found in path.glob(f"{DATABASE}.damaged-*") if found.name[-1].isdigit())
    if aside:
        yield note("directory", f"damaged databases were set aside: {', '.join(aside)}", f"delete them from {path}")


def disk_space(path: Path, config: Config) -> Check:
    """Whether the disk tier has the room it was promised."""
    free = shutil.disk_usage(path).free
    bound = size(config.disk.max_bytes, "disk.max_bytes")
    used = sum(found.stat().st_size for found in path.glob(f"{DATABASE}*"))
    text = f"{_bytes(free)} free where {path} is; it has {_bytes(used)} of {_bytes(bound)}"
    if free < LEAST_FREE:
        return wrong("disk space", text, "make room; writes that fail are skipped")
    if free < bound - used:
        return note("disk space", text, "lower [disk] max_bytes or make room before the disk is full")
    return ok("disk space", text)


def _bytes(count: float) -> str:
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{count / (1 << 20):.1f} MiB"


# -- embedder and index ------------------------------------------------------------------------------------


def embedder(made: Any) -> Check:
    """Load it and embed a question."""
    from ..embeddings.service import check_rows as check_vectors

    text = "How do I reset my password?"
    try:
        started = time.perf_counter()
        row = check_vectors(made.embed([text]), 1, made.dim)[0]
        first = (time.perf_counter() - started) * 1000
        if isinstance(row, AskonceError):
            raise row
        times = []
        for number in range(5):
            started = time.perf_counter()
            made.embed([f"{text} {number}"])
            times.append((time.perf_counter() - started) * 1000)
    except Exception as error:
        why = str(error) if isinstance(error, AskonceError) else f"{type(error).__name__}: {error}"
        return wrong("embedder", why, "install it again, or name another with [semantic] embedder")
    scripts = "all scripts" if made.scripts is None else f"scripts: {', '.join(sorted(made.scripts)) or 'none'}"
    return ok(
        "embedder",
        f"{made.fingerprint}, {made.dim} dimensions, {sorted(times)[2]:.1f} ms a question "
        f"(first {first:.0f} ms), {scripts}",
    )


def index(path: Path, made: Any, stores: list[Store], rows: list[Rows], max_vectors: int, fix: bool) -> Check:
    """Whether the snapshot agrees with the stores. It is derived: the next start mends what is amiss here."""
    from ..backends.faiss_index import FaissIndex

    keys = set().union(*(one.keys for one in rows)) if rows else set()
    vectors: dict[bytes, str] = {}
    for one in rows:
        vectors |= one.vectors
    wanted = {key for key, fingerprint in vectors.items() if fingerprint == made.fingerprint}
    other = len(vectors) - len(wanted)
    snapshot = path / SNAPSHOT_NAME
    amiss: list[str] = []
    if not snapshot.exists():
        if not vectors:
            return ok("index", "no vectors yet")
        amiss.append(f"no snapshot yet, {len(wanted):,} vectors in the stores")
    else:
        try:
            loaded = FaissIndex.load(snapshot, dim=made.dim, embedder=made.fingerprint, max_vectors=max_vectors)
        except (AskonceError, OSError) as error:
            amiss.append(f"snapshot not usable ({error})")
        else:
            held = set(loaded.keys())
            loaded.close()
            missing, orphans = len(wanted - held), len(held - keys)
            amiss += [f"{missing:,} vectors missing"] if missing else []
            amiss += [f"{orphans:,} without an entry"] if orphans else []
    if other:
        amiss.append(f"{other:,} entries embedded by another model")
    if not amiss:
        return ok("index", f"agrees with the stores: {len(wanted):,} vectors")
    check = note("index", "; ".join(amiss), "the next start mends it; askonce doctor --fix does it now")
    if fix:
        from .semantic import SemanticTier
        from .semantic_index import SemanticIndex

        rebuilt = SemanticIndex(SemanticTier(made, max_vectors=max_vectors), snapshot)
        try:
            added, dropped, unusable = rebuilt.reconcile(stores)
        finally:
            rebuilt.close()
        check.fixed = not unusable
        check.text += f"; {added:,} added, {dropped:,} dropped" + (f", {unusable:,} unusable" if unusable else "")
    return check


# -- Redis -------------------------------------------------------------------------------------------------


def redis(store: Store) -> Iterator[Check]:
    """Version, and what happens when its memory is full."""
    link = getattr(store, "_link", None)
    if link is None:
        return
    try:
        server = _info(link.call("INFO", "server"))
        memory = _info(link.call("INFO", "memory"))
    except StoreError as error:
        yield note("redis", f"INFO is not answered ({error})", "allow the command to see version and eviction policy")
        return
    version = server.get("redis_version", "unknown")
    if _numbers(version) < (6, 2):
        yield wrong("redis", f"version {version}", "use Redis 6.2 or newer (8 for the shared index)")
    else:
        yield ok("redis", f"version {version}")
    policy, bound = memory.get("maxmemory_policy", "unknown"), int(memory.get("maxmemory", "0") or 0)
    if bound == 0:
        yield note(
            "redis",
            "maxmemory is not set: the server takes memory until the machine has none",
            "CONFIG SET maxmemory 2gb and maxmemory-policy allkeys-lfu (or volatile-lfu if others keep data there)",
        )
    elif policy == "noeviction":
        yield wrong(
            "redis",
            f"maxmemory {_bytes(bound)} with policy noeviction: when it is full, nothing new is stored",
            "CONFIG SET maxmemory-policy allkeys-lfu (or volatile-lfu if others keep data there)",
        )
    else:
        yield ok("redis", f"maxmemory {_bytes(bound)}, policy {policy}")


def _info(raw: Any) -> dict[str, str]:
    """The lines of INFO: ``name:value``."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line and not line.startswith("#"))
