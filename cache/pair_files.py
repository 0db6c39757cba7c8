"""Files of labelled questions: pairs, intents, and logs of traffic.

A pair file has ``text_a`` (the question that is stored), ``text_b`` (the question that is asked), ``label``
(1: one answer serves both, 0: it would be wrong) and maybe ``meta``. An intent file has ``text`` and ``intent``.
The name says how it is written: ``.tsv`` (tabs, no quoting: a quotation mark is a quotation mark), ``.csv``
(RFC 4180) or ``.jsonl`` (one object a line), each also with ``.gz``. Tables begin with a header; columns in any
order, others are ignored.
"""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
import numpy as np

from ..errors import ConfigError

KINDS = (".tsv", ".csv", ".jsonl")
MOST_METAS = 40
_LABELS = {"1": 1, "0": 0, "1.0": 1, "0.0": 0, "true": 1, "false": 0}


class Pair(NamedTuple):
    """Two questions, and whether the answer to the first serves the second.

    Attributes:
        cached: The question that is stored.
        asked: The question that is asked.
        label: 1 when one answer serves both, else 0.
        meta: Where it comes from, or an empty string.
    """

    cached: str
    asked: str
    label: int
    meta: str = ""


class Asked(NamedTuple):
    """One call of a log.

    Attributes:
        text: The question.
        truth: What tells whether two answers are the same: a label or the answer itself; None when unknown.
        time: Seconds, from any origin; None when unknown.
        tokens: What the call cost; None when unknown.
        scope: Everything else that must be equal for a hit.
    """

    text: str
    truth: str | None = None
    time: float | None = None
    tokens: int | None = None
    scope: str = ""


class Traffic(NamedTuple):
    """A log, in the order in which the questions came.

    Attributes:
        calls: The calls.
        by: What the truth is compared by: ``"label"``, ``"answer"``, ``"pairs"`` or ``"nothing"``.
        alike: For ``"pairs"``: ``{(asked, cached): label}``, both ways.
    """

    calls: list[Asked]
    by: str
    alike: Mapping[tuple[str, str], int] = MappingProxyType({})


class Row(NamedTuple):
    """One record of a file: the line it stands on, and its fields by name."""

    line: int
    fields: dict[str, Any]


def read_pairs(path: str | Path, limit: int | None = None, seed: int = 0) -> list[Pair]:
    """The pairs of a file.

    Args:
        path: The file.
        limit: At most so many, drawn evenly and in the file's order; None takes all.
        seed: Of the draw.

    Raises:
        ConfigError: The file is missing, empty or not of this form; the message names the line.
    """
    path = Path(path)
    if limit is not None and limit < 1:
        raise ConfigError(f"--limit is {limit}; give 1 or more", setting="limit")
    pairs = [_pair(path, row) for row in rows_of(path, ("text_a", "text_b", "label"))]
    if not pairs:
        raise ConfigError(f"{path} has no pairs", setting="file")
    if limit is not None and limit < len(pairs):
        drawn = np.random.default_rng(seed).permutation(len(pairs))[:limit]
        pairs = [pairs[at] for at in sorted(drawn.tolist())]
    return pairs


def read_questions(path: str | Path) -> list[tuple[str, str]]:
    """``(cached, asked)`` of a pair file, labelled or not.

    Raises:
        ConfigError: As :func:`read_pairs`.
    """
    path = Path(path)
    made = [(_text(path, row, "text_a"), _text(path, row, "text_b")) for row in rows_of(path, ("text_a", "text_b"))]
    if not made:
        raise ConfigError(f"{path} has no pairs", setting="file")
    return made


def read_traffic(path: str | Path, limit: int | None = None) -> Traffic:
    """A log of calls, an intent file or a pair file, told apart by the names of the fields.

    Calls that all have a time are put in its order. Intent files stand in the order of their intents, as no traffic
    does, so their rows are drawn with a fixed seed.

    Args:
        path: ``.jsonl`` with ``text`` and maybe ``answer`` or ``label``, ``time`` (seconds or ISO 8601), ``tokens``,
            ``scope``; or a table with ``text`` and ``intent`` (or ``label``); or pairs, of which ``text_a`` is asked
            first.
        limit: The first so many calls; None takes all.

    Raises:
        ConfigError: The file is missing, empty or not of this form; the message names the line.
    """
    path = Path(path)
    if limit is not None and limit < 1:
        raise ConfigError(f"--limit is {limit}; give 1 or more", setting="limit")
    calls: list[Asked] = []
    alike: dict[tuple[str, str], int] = {}
    by, ordered = "", True
    for row in rows_of(path, ()):
        kind = _kind(path, row)
        ordered = ordered and "intent" not in row.fields
        if by not in ("", kind) and "nothing" not in (by, kind):
            raise ConfigError(f"{path}, line {row.line}: has {kind} where the lines before have {by}", line=row.line)
        by = kind if by in ("", "nothing") else by
        if kind == "pairs":
            pair = _pair(path, row)
            calls += [Asked(pair.cached, ""), Asked(pair.asked, "")]
            alike[pair.cached, pair.asked] = alike[pair.asked, pair.cached] = pair.label
        else:
            calls.append(_call(path, row, kind))
    if not calls:
        raise ConfigError(f"{path} has no questions", setting="file")
    if all(call.time is not None for call in calls):
        calls.sort(key=lambda call: call.time or 0.0)  # stable: the same second keeps the file's order
    elif not ordered:
        calls = [calls[at] for at in np.random.default_rng(0).permutation(len(calls)).tolist()]
    return Traffic(calls[:limit], by, alike)


def metas_of(pairs: Sequence[Pair]) -> list[str]:
    """The group of each pair: its meta, cut at the first ``;`` when there are more than 40 distinct ones."""
    metas = [pair.meta for pair in pairs]
    if len(set(metas)) > MOST_METAS:
        metas = [meta.partition(";")[0].strip() for meta in metas]
    return metas


def groups_of(links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Which questions hang together through ``links`` (union-find): each with a member that stands for its group."""
    root: dict[str, str] = {}

    def find(text: str) -> str:
        root.setdefault(text, text)
        while root[text] != text:
            root[text] = root[root[text]]
            text = root[text]
        return text

    for one, other in links:
        here, there = find(one), find(other)
        if here != there:
            root[max(here, there)] = min(here, there)  # whatever the order of the file, the same member stands for it
    return {text: find(text) for text in root}


# -- records ---------------------------------------------------------------------------------------------------


def rows_of(path: Path, needed: Sequence[str]) -> Iterator[Row]:
    """The records of a table or of a file with one JSON object a line.

    Args:
        path: The file; its name says how it is written.
        needed: Fields every record must have.

    Raises:
        ConfigError: The file cannot be read, or a line is not a record with these fields.
    """
    kind = next((end for end in KINDS if path.name.lower().removesuffix(".gz").endswith(end)), None)
    if kind is None:
        raise ConfigError(f"{path}: the name must end in .tsv, .csv or .jsonl, or in one of these and .gz")
    lines = _lines(path)
    if kind == ".jsonl":
        yield from _objects(path, lines, needed)
        return
    try:
        yield from _table(path, _tabs(lines) if kind == ".tsv" else _commas(lines), needed)
    except csv.Error as error:
        raise ConfigError(f"{path} is not CSV: {error}") from error


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines, without the byte order mark and the line's end."""
    number = 0
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as stream:
            for number, data in enumerate(stream, 1):
                yield number, data.decode("utf-8-sig" if number == 1 else "utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}, line {number}: not UTF-8", line=number) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ConfigError(f"{path}: cut or damaged after line {number} ({error})", line=number) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}", setting="file") from error


def _tabs(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    for number, line in lines:
        if line.strip():
            yield number, line.split("\t")


def _commas(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader((line + "\n" for _, line in lines), strict=True)
    while True:
        first = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise csv.Error(f"line {first}: {error}") from error
        if fields:
            yield first, fields


def _table(path: Path, rows: Iterator[tuple[int, list[str]]], needed: Sequence[str]) -> Iterator[Row]:
    header = [name.strip() for name in next(rows, (0, []))[1]]
    if not header:
        raise ConfigError(f"{path} is empty", setting="file")
    missing = [name for name in needed if name not in header]
    if missing:
        raise ConfigError(
            f"{path}, line 1: no column {', '.join(missing)}; the header has {', '.join(header[:8])}", line=1
        )
    if len(set(header)) != len(header):
        raise ConfigError(f"{path}, line 1: a column is named twice", line=1)
    for number, fields in rows:
        if len(fields) != len(header):
            raise ConfigError(
                f"{path}, line {number}: {len(fields)} fields where the header names {len(header)}", line=number
            )
        yield Row(number, dict(zip(header, fields, strict=True)))


def _objects(path: Path, lines: Iterator[tuple[int, str]], needed: Sequence[str]) -> Iterator[Row]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    for number, line in lines:
        if not line.strip():
            continue
        try:
            fields = decoder.decode(line)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ConfigError(f"{path}, line {number}: not a JSON object ({error})", line=number) from error
        missing = [name for name in needed if name not in fields]
        if missing:
            raise ConfigError(f"{path}, line {number}: no {', '.join(missing)}", line=number)
        yield Row(number, fields)


def _text(path: Path, row: Row, name: str) -> str:
    value = row.fields.get(name)
    if not isinstance(value, str):
        raise ConfigError(f"{path}, line {row.line}: {name} is {value!r}, not text", line=row.line)
    return value


def _pair(path: Path, row: Row) -> Pair:
    for name in ("text_a", "text_b", "label"):
        if name not in row.fields:
            raise ConfigError(f"{path}, line {row.line}: no {name}", line=row.line)
    said = row.fields["label"]
    label = _LABELS.get(str(said).strip().lower())
    if label is None:
        raise ConfigError(f"{path}, line {row.line}: label is {said!r}; write 1 or 0", line=row.line)
    meta = row.fields.get("meta")
    return Pair(_text(path, row, "text_a"), _text(path, row, "text_b"), label, "" if meta is None else str(meta))


def _kind(path: Path, row: Row) -> str:
    fields = row.fields
    if "text_a" in fields:
        return "pairs"
    if "text" not in fields:
        raise ConfigError(f"{path}, line {row.line}: no text, and no text_a and text_b either", line=row.line)
    if _truth(fields, "label") is not None:
        return "label"
    return "answer" if _truth(fields, "answer") is not None else "nothing"


def _truth(fields: dict[str, Any], kind: str) -> str | None:
    if kind == "label":
        found = fields["intent"] if fields.get("intent") not in (None, "") else fields.get("label")
    else:
        found = fields.get("answer")
    if found is None or found == "":
        return None
    return found if isinstance(found, str) else msgspec.json.encode(found).decode()


def _call(path: Path, row: Row, kind: str) -> Asked:
    fields, line = row.fields, row.line
    tokens, scope = fields.get("tokens"), fields.get("scope")
    if tokens in (None, ""):
        count = None
    else:
        try:
            count = int(tokens)
        except (TypeError, ValueError, OverflowError):
            count = -1
        if count < 0:
            raise ConfigError(f"{path}, line {line}: tokens is {tokens!r}; write a whole number", line=line)
    elsewhere = "" if scope is None else scope if isinstance(scope, str) else msgspec.json.encode(scope).decode()
    return Asked(_text(path, row, "text"), _truth(fields, kind), _time(path, row), count, elsewhere)


def _time(path: Path, row: Row) -> float | None:
    said = row.fields.get("time")
    if said in (None, ""):
        return None
    try:
        moment = float(said)
    except (TypeError, ValueError):
        try:
            read = datetime.fromisoformat(str(said))
            moment = (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            moment = math.nan
    if not math.isfinite(moment):
        raise ConfigError(
            f"{path}, line {row.line}: time is {said!r}; write seconds or ISO 8601 (2026-01-31T12:00:00Z)",
            line=row.line,
        )
    return moment
