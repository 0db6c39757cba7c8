"""Entries out of the stores and into others: survey, export, import.

An export is a JSONL file, gzipped when its name ends in ``.gz``: a header line, one line an entry, an end
line with the count. Digests are hexadecimal, ``body`` and ``vector`` base64 (RFC 4648), ``check`` is the
checksum the entry is stored with, so that a line that was edited or damaged is noticed.
"""

from __future__ import annotations

import contextlib
import gzip
import math
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from ..entry import Entry, Usage, decode_entry, encode_entry
from ..errors import AskonceError, CorruptEntry, StoreError, UnsafeRow
from .core import Cache
from .tiers import Tier

FORMAT = 1
BATCH = 256
LONGEST_LINE = 1 << 28  # bytes; a line beyond it is not an entry of ours
Progress = Callable[[int], None]


class Held(NamedTuple):
    """An entry, the tiers that hold it, and its state: ``fresh``, ``stale`` (past its TTL, kept for the
    stale windows), ``expired`` or ``invalidated``."""

    entry: Entry
    tiers: tuple[str, ...]
    state: str


class Damaged(NamedTuple):
    """A row that cannot be read: its tier, its key, and why. ``unsafe`` when it is no raw bytes at all."""

    tier: str
    key: bytes
    why: str
    unsafe: bool


def read(tier: Tier, key: bytes) -> Entry | Damaged | None:
    """One row of a tier. Raises StoreError when the tier itself fails."""
    try:
        entry = tier.store.get(key)
    except (CorruptEntry, UnsafeRow) as error:
        return Damaged(tier.name, key, str(error), isinstance(error, UnsafeRow))
    if entry is not None and entry.key != key:
        return Damaged(tier.name, key, "the row holds an entry of another key", False)
    return entry


def read_many(tier: Tier, keys: Sequence[bytes]) -> dict[bytes, Entry | Damaged | None]:
    """As :func:`read`, in few round trips where the store can."""
    several = getattr(tier.store, "get_many", None)
    if several is None or len(keys) < 2:
        return {key: read(tier, key) for key in keys}
    rows = several(keys)
    # What is None there may be absent or damaged: looking once more tells.
    return {key: row if row is not None else read(tier, key) for key, row in zip(keys, rows, strict=True)}


def state_of(cache: Cache, entry: Entry, now: float) -> str:
    """See :class:`Held`."""
    if not cache.ledger.valid(entry):
        return "invalidated"
    age = cache.policy.age(entry, now)
    if age == "dead" and entry.keep_until is not None and now < entry.keep_until:
        return "stale"  # kept for the windows of whoever stored it
    return {"fresh": "fresh", "dead": "expired"}.get(age, "stale")


def survey(
    cache: Cache, step: Progress = lambda steps: None, tiers: Sequence[Tier] | None = None
) -> Iterator[Held | Damaged]:
    """Every entry of the cache's tiers once, by key, the newest copy of each; and every unreadable row.

    Args:
        cache: Its ledger and policy give each entry's state.
        step: Called with 1 for each key.
        tiers: Only these.

    Raises:
        StoreError: A tier cannot be read.
    """
    chain = cache.tiers if tiers is None else tiers
    now = cache.clock.now()
    for batch in _batches(chain):
        rows = [
            read_many(tier, [key for key, holders in batch if holders >> number & 1])
            for number, tier in enumerate(chain)
        ]
        for key, _ in batch:
            step(1)
            newest: Entry | None = None
            names: list[str] = []
            for number, tier in enumerate(chain):
                row = rows[number].get(key)
                if isinstance(row, Damaged):
                    yield row
                elif row is not None:
                    names.append(tier.name)
                    if newest is None or row.created > newest.created:
                        newest = row
            if newest is not None:
                yield Held(newest, tuple(names), state_of(cache, newest, now))


def _batches(chain: Sequence[Tier]) -> Iterator[list[tuple[bytes, int]]]:
    """All keys in order, each with the tiers that hold it (bit n: tier n), some at a time."""
    where: dict[bytes, int] = {}
    for number, tier in enumerate(chain):
        for key in tier.store.keys():  # noqa: SIM118 - a store is not a mapping
            where[key] = where.get(key, 0) | 1 << number
    keys = sorted(where)
    for start in range(0, len(keys), BATCH):
        yield [(key, where[key]) for key in keys[start : start + BATCH]]


# -- one line ------------------------------------------------------------------------------------------


class Line(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An entry as a line of an export; fields as in :class:`askonce.Entry`."""

    key: str
    scope: str
    kind: str
    query: str | None
    model: str
    tags: tuple[str, ...]
    created: float
    expires: float | None
    keep_until: float | None
    seq: int
    usage: tuple[int, int]
    cost_usd: float
    cost_ms: float
    embedder: str
    body: bytes
    vector: bytes
    check: str


_lines = msgspec.json.Decoder(Line)
_encode = msgspec.json.Encoder().encode


def to_line(entry: Entry) -> bytes:
    """``entry`` as JSON, without the line's end.

    Raises:
        CorruptEntry: A number in it is not finite, which JSON cannot carry.
    """
    entry = decode_entry(encode_entry(entry))
    numbers = (entry.created, entry.expires or 0.0, entry.keep_until or 0.0, entry.cost_usd, entry.cost_ms)
    if not all(map(math.isfinite, numbers)):
        raise CorruptEntry("a number of the entry is not finite")
    return _encode(
        Line(
            key=entry.key.hex(),
            scope=entry.scope.hex(),
            kind=entry.kind,
            query=entry.query,
            model=entry.model,
            tags=entry.tags,
            created=entry.created,
            expires=entry.expires,
            keep_until=entry.keep_until,
            seq=entry.seq,
            usage=(entry.usage.prompt_tokens, entry.usage.completion_tokens),
            cost_usd=entry.cost_usd,
            cost_ms=entry.cost_ms,
            embedder=entry.embedder,
            body=entry.body,
            vector=entry.vector,
            check=_check(entry),
        )
    )


def from_line(data: bytes) -> Entry:
    """Read what :func:`to_line` wrote.

    Raises:
        CorruptEntry: It is not such a line, its checksum does not match, or its shape is wrong.
    """
    try:
        line = _lines.decode(data)
        key, scope = bytes.fromhex(line.key), bytes.fromhex(line.scope)
    except (msgspec.MsgspecError, ValueError) as error:
        raise CorruptEntry(f"not an entry ({error})") from error
    entry = Entry(
        key=key,
        scope=scope,
        kind=line.kind,
        body=line.body,
        created=line.created,
        expires=line.expires,
        keep_until=line.keep_until,
        seq=line.seq,
        query=line.query,
        tags=line.tags,
        model=line.model,
        usage=Usage(*line.usage),
        cost_usd=line.cost_usd,
        cost_ms=line.cost_ms,
        embedder=line.embedder,
        vector=line.vector,
    )
    if _check(entry) != line.check:
        raise CorruptEntry("its checksum does not match: it was edited or damaged")
    _check_shape(entry)
    return entry


def _check(entry: Entry) -> str:
    return encode_entry(entry)[3:11].hex()


def _check_shape(entry: Entry) -> None:
    if len(entry.key) != 32 or len(entry.scope) != 32:
        raise CorruptEntry("key and scope must be digests of 32 bytes")
    if not entry.kind or entry.seq < 0:
        raise CorruptEntry("it has no kind or a negative seq")
    if bool(entry.vector) != bool(entry.embedder) or len(entry.vector) % 4:
        raise CorruptEntry("vector and embedder do not belong together")
    if entry.vector:
        import numpy as np

        length = float(np.linalg.norm(np.frombuffer(entry.vector, dtype="<f4").astype(np.float64)))
        if not abs(length - 1.0) <= 1e-3:  # also not a number
            raise CorruptEntry(f"its vector has length {length:.4g}, not 1")


# -- out -------------------------------------------------------------------------------------------------


class Exported(msgspec.Struct):
    """What an export did: entries ``written``, and those left out because they can never be served again
    (``expired``, ``invalidated``) or could not be read (``damaged``)."""

    written: int = 0
    expired: int = 0
    invalidated: int = 0
    damaged: int = 0
    bytes: int = 0


def export(cache: Cache, path: Path, step: Progress = lambda steps: None) -> Exported:
    """Write every servable entry of the cache's tiers to ``path``; the file appears whole or not at all.

    Raises:
        StoreError: A tier cannot be read.
        OSError: The file cannot be written.
    """
    report = Exported()
    with _replacing(path) as out:
        made = {"askonce_export": FORMAT, "made": cache.clock.now(), "seq": cache.ledger.seq}
        out.write(_encode(made) + b"\n")
        for held in survey(cache, step):
            if isinstance(held, Damaged):
                report.damaged += 1
            elif held.state == "expired":
                report.expired += 1
            elif held.state == "invalidated":
                report.invalidated += 1
            else:
                try:
                    out.write(to_line(held.entry) + b"\n")
                    report.written += 1
                except CorruptEntry:
                    report.damaged += 1
        out.write(_encode({"end": report.written}) + b"\n")
    report.bytes = path.stat().st_size
    return report


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A new file that takes the place of ``path`` when the block ends well. Readable by its owner only:
    it holds questions and answers."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as raw:
            if path.name.endswith(".gz"):
                # No name and no time in the header: the same entries make the same file.
                with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:
                    yield packed  # type: ignore[misc]
            else:
                yield raw
            raw.flush()
            os.fsync(raw.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


# -- in --------------------------------------------------------------------------------------------------


class Imported(msgspec.Struct):
    """What an import did.

    Attributes:
        imported: Entries written to at least one tier.
        same: Already there.
        newer: Left alone because a tier holds a newer answer.
        expired: Past their time.
        invalidated: Left out because they were invalidated here.
        bad: Lines that are not entries: ``[line number, why]``.
        complete: Whether the end line was there and counts right.
    """

    imported: int = 0
    same: int = 0
    newer: int = 0
    expired: int = 0
    invalidated: int = 0
    bad: list[tuple[int, str]] = []
    complete: bool = False


def load(
    cache: Cache,
    path: Path,
    *,
    replace: bool = False,
    revive: bool = False,
    step: Progress = lambda steps: None,
) -> Imported:
    """Read an export into every tier of ``cache``. Times stay what they were: importing gives no new life.

    Sequence numbers belong to the ledger they came from. An entry never gets a higher one than the ledger
    here has, so that every later invalidation reaches it, and what was invalidated here stays so.

    Args:
        cache: Where to.
        path: The file.
        replace: Also overwrite newer answers.
        revive: Also take entries that the ledger here calls invalidated (not those by age).
        step: Called with the number of bytes read so far since the last call.

    Raises:
        AskonceError: The file is not an export or is of a newer format, or is damaged as a whole.
        StoreError: A tier failed; what was imported until then stays.
        OSError: The file cannot be read.
    """
    report = Imported()
    count, first = 0, True
    for number, data in read_lines(path, step):
        if first:
            first = False
            _check_header(path, data)
            continue
        if report.complete:
            report.bad.append((number, "there is something after the end line"))
            continue
        if data.startswith(b'{"end":'):
            report.complete = _end_of(data) == count
            if not report.complete:
                report.bad.append((number, f"the end line does not count {count} entries: some are missing"))
            continue
        count += 1
        try:
            entry = from_line(data)
        except CorruptEntry as error:
            report.bad.append((number, str(error)))
            continue
        try:
            _take_in(cache, entry, report, replace, revive)
        except StoreError as error:
            raise StoreError(
                f"stopped at line {number} of {path}, {report.imported} entries imported: {error}", line=number
            ) from error
    if first:
        raise AskonceError(f"{path} is empty: it is not an askonce export")
    return report


def _take_in(cache: Cache, entry: Entry, report: Imported, replace: bool, revive: bool) -> None:
    now = cache.clock.now()
    end = entry.keep_until if entry.keep_until is not None else entry.expires
    if end is not None and now >= end:
        report.expired += 1
        return
    ledger = cache.ledger
    here = msgspec.structs.replace(entry, seq=min(entry.seq, ledger.seq))
    if not ledger.valid(here) and revive:
        here = msgspec.structs.replace(entry, seq=ledger.seq)
    if not ledger.valid(here):
        report.invalidated += 1
        return
    wrote = newer = False
    for tier in cache.tiers:
        old = read(tier, here.key)
        if isinstance(old, Entry) and ledger.valid(old):
            if _answer(old) == _answer(here):
                continue
            if old.created > here.created and not replace:
                newer = True
                continue
        tier.store.put(here)
        wrote = True
    report.imported += wrote
    report.newer += newer and not wrote
    report.same += not newer and not wrote


def _answer(entry: Entry) -> Entry:
    """The entry without what depends on the ledger it lives beside."""
    return msgspec.structs.replace(entry, seq=0)


def _check_header(path: Path, data: bytes) -> None:
    header: Any = None
    with contextlib.suppress(msgspec.DecodeError):
        header = msgspec.json.decode(data)
    found = header.get("askonce_export") if isinstance(header, dict) else None
    if not isinstance(found, int):
        raise AskonceError(f"{path} is not an askonce export: its first line is not the header")
    if found > FORMAT:
        raise AskonceError(f"{path} has format {found}, this version reads up to {FORMAT}: upgrade askonce")


def _end_of(data: bytes) -> int:
    try:
        return msgspec.json.decode(data, type=dict[str, int])["end"]
    except msgspec.MsgspecError:
        return -1


def open_lines(path: Path) -> IO[bytes]:
    """``path`` for reading, unpacked when it is gzipped (told by its content, not its name)."""
    raw = path.open("rb")
    if raw.peek(2)[:2] != b"\x1f\x8b":
        return raw
    raw.close()
    return gzip.open(path, "rb")  # type: ignore[return-value]


def read_lines(path: Path, step: Progress = lambda steps: None) -> Iterator[tuple[int, bytes]]:
    """The numbered lines of a file that are not blank.

    Raises:
        AskonceError: The gzip data is cut or damaged, or a line is longer than any entry.
    """
    number = 0
    with open_lines(path) as lines:
        while True:
            try:
                data = lines.readline(LONGEST_LINE)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise AskonceError(f"{path} is cut or damaged after line {number}: {error}", line=number) from error
            if not data:
                return
            number += 1
            step(len(data))
            if len(data) >= LONGEST_LINE:
                raise AskonceError(f"line {number} of {path} is longer than any entry", line=number)
            if data.strip():
                yield number, data.strip()
