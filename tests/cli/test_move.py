"""export and import: what comes back is what went out, and nothing else gets in."""

from __future__ import annotations

import base64
import gzip
import json
import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from askonce import Cache, ManualClock, MemoryStore
from askonce.backends.disk import DiskStore
from askonce.cache.transfer import export, from_line, load, to_line
from askonce.embeddings import default_embedder
from askonce.entry import Entry, Usage
from askonce.errors import AskonceError, CorruptEntry

from .conftest import Filled, Run, entries_of

NOW = 1_700_000_000.0


def unit(seed: int, dim: int = 8) -> bytes:
    row = np.random.default_rng(seed).standard_normal(dim)
    return (row / np.linalg.norm(row)).astype("<f4").tobytes()


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
finite = st.floats(0, 1e12, allow_nan=False)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """Any entry a store may hold, alive at NOW."""
    vector = draw(st.booleans())
    expires = draw(st.none() | st.floats(NOW + 1, NOW + 1e9))
    return Entry(
        key=draw(st.binary(min_size=32, max_size=32)),
        scope=draw(st.binary(min_size=32, max_size=32)),
        kind=draw(st.sampled_from(["value", "items", "openai.chat"])),
        body=draw(st.binary(max_size=200)),
        created=draw(st.floats(0, NOW)),
        expires=expires,
        keep_until=None if expires is None else expires + draw(st.floats(0, 1e6)),
        query=draw(st.none() | texts),
        tags=tuple(draw(st.lists(texts, max_size=3))),
        model=draw(texts),
        usage=Usage(draw(st.integers(0, 2**40)), draw(st.integers(0, 2**40))),
        cost_usd=draw(finite),
        cost_ms=draw(finite),
        embedder="e/1" if vector else "",
        vector=unit(draw(st.integers(0, 2**32))) if vector else b"",
    )


def memory(*held: Entry) -> Cache:
    """A cache on a shelf: one memory tier, time standing still."""
    clock = ManualClock(NOW)
    cache = Cache([MemoryStore(clock=clock)], semantic=False, clock=clock)
    for entry in held:
        cache.tiers[0].store.put(entry)
    return cache


def held(cache: Cache) -> dict[bytes, Entry]:
    return {entry.key: entry for entry in entries_of(cache.tiers[0])}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=st.lists(entries(), max_size=8), packed=st.booleans())
def test_round_trip(tmp_path: Path, made: list[Entry], packed: bool) -> None:
    """Every entry comes back equal to the last bit; importing once more changes nothing; and the file of
    the same entries is the same file."""
    path = tmp_path / f"out.jsonl{'.gz' if packed else ''}"
    source, target = memory(*made), memory()
    assert export(source, path).written == len(held(source))
    report = load(target, path)
    assert (report.imported, report.bad, report.complete) == (len(held(source)), [], True)
    assert held(target) == held(source)
    again = load(target, path)
    assert (again.imported, again.same) == (0, len(held(source)))
    first = path.read_bytes()
    export(target, path)
    assert path.read_bytes() == first


@settings(max_examples=150, deadline=None)
@given(entry=entries(), data=st.data())
def test_a_changed_line_is_noticed(entry: Entry, data: st.DataObject) -> None:
    """A line with any byte changed is refused, or means the very same entry (JSON can be spaced)."""
    line = to_line(entry)
    at = data.draw(st.integers(0, len(line) - 1))
    changed = bytes([*line[:at], data.draw(st.integers(0, 255)), *line[at + 1 :]])
    try:
        assert from_line(changed) == entry
    except CorruptEntry:
        assert changed != line


def forged(**fields: Any) -> bytes:
    """A line whose checksum is right although its content is not."""
    good: dict[str, Any] = {
        "key": bytes(32), "scope": bytes(32), "kind": "value", "body": b"\xa1x", "created": NOW,
    }  # fmt: skip
    return to_line(Entry(**{**good, **fields}))


@pytest.mark.parametrize(
    "line",
    [
        forged(key=b"short"),
        forged(scope=bytes(33)),
        forged(kind=""),
        forged(seq=-1),
        forged(vector=unit(1)),
        forged(embedder="e/1"),
        forged(embedder="e/1", vector=b"abc"),
        forged(embedder="e/1", vector=np.full(8, np.nan, "<f4").tobytes()),
        forged(embedder="e/1", vector=np.ones(8, "<f4").tobytes()),
        forged()[:-2] + b',"more":1}',
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{" * 100_000,
    ],
)
def test_a_line_of_the_wrong_shape_is_refused(line: bytes) -> None:
    """What could not have come from a store is no entry, also with a right checksum."""
    with pytest.raises(CorruptEntry):
        from_line(line)


def test_a_number_json_cannot_carry_is_left_out(tmp_path: Path) -> None:
    """An entry with an endless number is counted as damaged and spoils nothing."""
    cache = memory(
        Entry(bytes(32), bytes(32), "value", b"", NOW, math.inf), Entry(b"k" * 32, bytes(32), "value", b"", NOW)
    )
    report = export(cache, tmp_path / "x")
    assert (report.written, report.damaged) == (1, 1)
    assert load(memory(), tmp_path / "x").complete


def test_through_the_commands(run: Run, place: Path, filled: Filled) -> None:
    """The default directory, exported and imported elsewhere, answers there."""
    out = run("export", "backup.jsonl.gz")
    assert "wrote 4 entries" in out.out
    ran = run("import", "backup.jsonl.gz", "--directory", "elsewhere", "--json")
    assert (ran.code, ran.json["imported"]) == (0, 4)
    with Cache(directory="elsewhere", semantic=False) as cache:

        @cache.cached(name="shop.gpt-a", model="gpt-a")
        def answer(question: str) -> str:
            raise AssertionError("asked upstream")

        assert answer("Where is my order?") == "The answer to: Where is my order?"
    assert run("import", "backup.jsonl.gz", "--directory", "elsewhere", "--json").json["same"] == 4


def test_the_file_is_private_and_not_overwritten(run: Run, place: Path, filled: Filled) -> None:
    """The file is readable by its owner only; an existing one stays unless --force says otherwise."""
    assert run("export", "backup.jsonl").code == 0
    path = place / "backup.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("mine")
    assert run("export", "backup.jsonl").code == 2
    assert path.read_text() == "mine"
    assert run("export", "backup.jsonl", "--force").code == 0
    assert path.read_text() != "mine"


def test_a_failed_export_leaves_the_old_file(tmp_path: Path) -> None:
    """A tier that fails half way costs neither the earlier export nor leaves a part of a new one."""

    class Failing(MemoryStore):
        def get(self, key: bytes) -> Entry | None:
            from askonce.errors import StoreError

            raise StoreError("gone")

    store = Failing()
    store.put(Entry(bytes(32), bytes(32), "value", b"", NOW))
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "out").write_text("old")
    with pytest.raises(AskonceError):
        export(Cache([store], semantic=False), folder / "out")
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("out", "old")]


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_bad_lines_are_named_and_the_rest_kept(run: Run, place: Path, filled: Filled) -> None:
    """Each bad line is told by number; the good ones are imported; the exit code is 1."""
    run("export", "x.jsonl")
    lines = lines_of(place / "x.jsonl")
    lines[2] = b"{not json}\n"
    lines[3] = lines[3].replace(b'"created":', b'"created":1')
    (place / "x.jsonl").write_bytes(b"".join(lines))
    ran = run("import", "x.jsonl", "--directory", "new")
    assert ran.code == 1
    assert [line.split(":")[:2] for line in ran.err.splitlines()] == [["x.jsonl", "3"], ["x.jsonl", "4"]]
    assert "imported 2 entries" in ran.out
    assert run("stats", "--directory", "new", "--json").json["entries"] == 2


@pytest.mark.parametrize("packed", [False, True])
def test_a_cut_file_is_noticed(run: Run, place: Path, filled: Filled, packed: bool) -> None:
    """A file that ends early is told, wherever it was cut; what was whole is imported."""
    name = "x.jsonl.gz" if packed else "x.jsonl"
    run("export", name)
    whole = (place / name).read_bytes()
    plain = lines_of(place / name)
    cuts = (
        [whole[: len(whole) // 2], whole[:-1]]
        if packed
        else [b"".join(plain[:-1]), b"".join(plain[:-2]) + plain[-2][:99]]
    )
    for number, cut in enumerate(cuts):
        (place / name).write_bytes(cut)
        ran = run("import", name, "--directory", f"new{number}")
        assert ran.code == 1
        assert name in ran.err
        assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"hello\n", b'{"question": 1}\n', b'{"askonce_export": 99}\n', b"\x1f\x8bnot gzip", b"\x00" * 1000],
)
def test_what_is_no_export_is_refused(run: Run, place: Path, content: bytes) -> None:
    """Another file, a newer format or nothing at all is one line and code 1."""
    (place / "x").write_bytes(content)
    ran = run("import", "x")
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (1, "", 1)


def test_newer_answers_stay(tmp_path: Path) -> None:
    """An import never puts an older answer over a newer one, unless told to."""
    old = Entry(bytes(32), bytes(32), "value", b"old", NOW - 100)
    new = Entry(bytes(32), bytes(32), "value", b"new", NOW - 50)
    export(memory(old), tmp_path / "x")
    target = memory(new)
    assert load(target, tmp_path / "x").newer == 1
    assert held(target)[bytes(32)].body == b"new"
    assert load(target, tmp_path / "x", replace=True).imported == 1
    assert held(target)[bytes(32)].body == b"old"
    export(memory(new), tmp_path / "x")
    assert load(target, tmp_path / "x").imported == 1
    assert held(target)[bytes(32)].body == b"new"


def test_time_goes_on_while_it_is_in_a_file(tmp_path: Path) -> None:
    """An entry keeps its moment of expiry; one that has passed it meanwhile is not imported."""
    short, long = (
        Entry(bytes([n]) * 32, bytes(32), "value", b"", NOW, NOW + life, NOW + life) for n, life in ((1, 10), (2, 1000))
    )
    export(memory(short, long), tmp_path / "x")
    target = memory()
    assert isinstance(target.clock, ManualClock)
    target.clock.advance(500)
    report = load(target, tmp_path / "x")
    assert (report.imported, report.expired) == (1, 1)
    assert held(target) == {long.key: long}


def test_what_was_invalidated_stays_so(tmp_path: Path) -> None:
    """A retired answer is not exported; one retired after the export comes back only by --revive; and
    whatever is imported can be retired again."""
    kept, gone = (Entry(bytes([n]) * 32, bytes(32), "value", b"", NOW, tags=(f"t{n}",)) for n in (1, 2))
    cache = memory(kept, gone)
    export(cache, tmp_path / "both")
    cache.invalidate(tag="t2")
    assert export(cache, tmp_path / "one").invalidated == 1
    report = load(cache, tmp_path / "both")
    assert (report.same, report.invalidated) == (1, 1)
    assert not cache.ledger.valid(held(cache)[gone.key])
    assert load(cache, tmp_path / "both", revive=True).imported == 1
    assert cache.ledger.valid(held(cache)[gone.key])
    cache.invalidate(tag="t2")
    assert not cache.ledger.valid(held(cache)[gone.key])


def test_sequence_numbers_of_elsewhere_do_not_outrank_the_ledger(tmp_path: Path) -> None:
    """An entry whose number comes from a busier ledger is reached by the next invalidation here."""
    export(memory(Entry(bytes(32), bytes(32), "value", b"", NOW, seq=10**15, tags=("t",))), tmp_path / "x")
    target = memory()
    load(target, tmp_path / "x")
    target.invalidate(tag="t")
    assert not target.ledger.valid(held(target)[bytes(32)])


def test_a_planted_row_is_left_out(run: Run, place: Path, filled: Filled) -> None:
    """A row that cannot be read is counted and left out of the export, the others are in it."""
    import sqlite3

    with sqlite3.connect(filled.directory / "cache.db") as database:
        database.execute("UPDATE Cache SET value = x'80' WHERE rowid = (SELECT min(rowid) FROM Cache)")
    ran = run("export", "x.jsonl", "--json")
    assert (ran.code, ran.json["written"], ran.json["damaged"]) == (0, 3, 1)


def test_vectors_travel(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Imported entries are found by meaning at the next start, and no question is embedded again for it."""
    with Cache(directory=".askonce") as cache:

        @cache.cached(name="f")
        def answer(question: str) -> str:
            return f"to {question}"

        answer("How do I reset my password?")
        answer("Where is my order?")
    run("export", "x.jsonl")
    asked: list[str] = []
    embedder = type(default_embedder())
    real = embedder.embed
    monkeypatch.setattr(embedder, "embed", lambda self, texts: (asked.extend(texts), real(self, texts))[1])
    ran = run("import", "x.jsonl", "--directory", "new", "--json")
    assert ran.json["index"] == {"vectors": 2, "added": 2, "dropped": 0, "unusable": 0}
    with Cache(directory="new") as cache:

        @cache.cached(name="f")
        def other(question: str) -> str:
            raise AssertionError("asked upstream")

        reply = other.reply("how do i reset my password")
        assert (reply.receipt.tier, reply.value) == ("semantic", "to How do I reset my password?")
    assert asked == ["how do i reset my password"]


def test_import_stops_in_order_when_a_tier_fails(tmp_path: Path) -> None:
    """A tier that fails ends the import with the line it came to; what was written before stays."""
    made = [Entry(bytes([n]) * 32, bytes(32), "value", b"", NOW) for n in range(3)]
    export(memory(*made), tmp_path / "x")

    class Full(MemoryStore):
        def put(self, entry: Entry) -> None:
            from askonce.errors import StoreError

            if len(list(self.keys())) == 2:
                raise StoreError("full")
            super().put(entry)

    target = Cache([Full(clock=ManualClock(NOW))], semantic=False, clock=ManualClock(NOW))
    with pytest.raises(AskonceError, match=r"line 4 .* 2 entries imported: full"):
        load(target, tmp_path / "x")
    assert len(held(target)) == 2


def test_the_format_is_what_it_is(tmp_path: Path) -> None:
    """The written form, pinned: a change of it is a new format number."""
    entry = Entry(
        b"k" * 32, b"s" * 32, "value", b"\xa1x", 1.5, 2.5, 3.0, 0, "q?", ("t",), "m", Usage(1, 2), 0.25, 4.0, "", b""
    )
    line = json.loads(to_line(entry))
    assert line == {
        "key": "6b" * 32, "scope": "73" * 32, "kind": "value", "query": "q?", "model": "m", "tags": ["t"],
        "created": 1.5, "expires": 2.5, "keep_until": 3.0, "seq": 0, "usage": [1, 2], "cost_usd": 0.25,
        "cost_ms": 4.0, "embedder": "", "body": base64.b64encode(b"\xa1x").decode(), "vector": "",
        "check": line["check"],
    }  # fmt: skip
    cache = memory(Entry(b"k" * 32, bytes(32), "value", b"", NOW))
    export(cache, tmp_path / "x.gz")
    head, *_, end = gzip.decompress((tmp_path / "x.gz").read_bytes()).splitlines()
    assert json.loads(head) == {"askonce_export": 1, "made": NOW, "seq": 0}
    assert json.loads(end) == {"end": 1}


def test_large_and_many(run: Run, place: Path) -> None:
    """Two thousand entries go out and come back; the store on disk holds them all."""
    store = DiskStore(".askonce")
    now = time.time()
    for n in range(2000):
        store.put(Entry(os.urandom(32), bytes(32), "value", b"\xa1x", now, query=f"question {n}"))
    store.close()
    assert run("export", "x.jsonl.gz").code == 0
    ran = run("import", "x.jsonl.gz", "--directory", "new", "--json")
    assert (ran.code, ran.json["imported"]) == (0, 2000)
    assert run("stats", "--directory", "new", "--quick", "--json").json["tiers"][0]["entries"] == 2000
