"""Files of labelled questions: every way of writing them reads the same, and a wrong line is named."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce import ConfigError
from askonce.cache.pair_files import Pair, groups_of, metas_of, read_pairs, read_questions, read_traffic

TEXT = st.text(st.characters(blacklist_characters="\t\n\r", blacklist_categories=("Cs",)), max_size=20)
PAIRS = [
    Pair('Where is "my" parcel?', "Where, then, is my parcel?", 1, "shop"),
    Pair('An odd " mark', "wie geht’s\u2028?", 0, "shop;x"),
    Pair("多少钱？", "它要多少钱", 1, ""),
]


def write(path: Path, pairs: list[Pair]) -> Path:
    """The pairs in the way the name says."""
    name = path.name.removesuffix(".gz")
    with (
        gzip.open(path, "wt", encoding="utf-8", newline="")
        if path.suffix == ".gz"
        else path.open("w", encoding="utf-8", newline="") as stream
    ):
        if name.endswith(".jsonl"):
            for cached, asked, label, meta in pairs:
                stream.write(json.dumps({"text_a": cached, "text_b": asked, "label": label, "meta": meta}) + "\n")
            return path
        rows = [("text_a", "text_b", "label", "meta"), *pairs]
        if name.endswith(".csv"):
            csv.writer(stream).writerows(rows)
        else:
            stream.writelines("\t".join(map(str, row)) + "\n" for row in rows)
    return path


@pytest.mark.parametrize("name", ["p.tsv", "p.tsv.gz", "p.csv", "p.csv.gz", "p.jsonl", "p.jsonl.gz"])
def test_every_form_reads_the_same(tmp_path: Path, name: str) -> None:
    """Quotation marks, commas, odd line separators and Chinese come through each form unchanged."""
    assert read_pairs(write(tmp_path / name, PAIRS)) == PAIRS
    assert read_questions(tmp_path / name) == [pair[:2] for pair in PAIRS]


@given(st.lists(st.tuples(TEXT, TEXT, st.integers(0, 1), TEXT), min_size=1, max_size=5))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, int, str]]
) -> None:
    """Any texts without tabs and line ends survive each form."""
    folder = tmp_path_factory.mktemp("pairs")
    pairs = [Pair(*row) for row in rows]
    for name in ("p.tsv", "p.csv", "p.jsonl"):
        assert read_pairs(write(folder / name, pairs)) == pairs


def test_columns_in_any_order_and_others_ignored(tmp_path: Path) -> None:
    """The header says which column is which; a byte order mark, CRLF and blank lines do no harm."""
    path = tmp_path / "p.tsv"
    path.write_bytes("\ufefflabel\tsplit\ttext_b\ttext_a\r\n1\tdev\tb\ta\r\n\r\n0.0\tdev\td\tc\r\n".encode())
    assert read_pairs(path) == [Pair("a", "b", 1), Pair("c", "d", 0)]


def test_a_csv_field_may_span_lines(tmp_path: Path) -> None:
    """RFC 4180: a quoted field holds line ends; errors name the line the record begins on."""
    path = tmp_path / "p.csv"
    path.write_text('text_a,text_b,label\n"a\nb","c, d",1\ne,f,2\n')
    with pytest.raises(ConfigError, match="line 4: label is '2'"):
        read_pairs(path)
    path.write_text('text_a,text_b,label\n"a\nb","c, d",1\n')
    assert read_pairs(path) == [Pair("a\nb", "c, d", 1)]


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("p.tsv", b"", "empty"),
        ("p.tsv", b"text_a\ttext_b\tlabel\n", "no pairs"),
        ("p.tsv", b"text_a\ttext_b\n", "line 1: no column label"),
        ("p.tsv", b"text_a\ttext_b\tlabel\tlabel\n", "line 1: a column is named twice"),
        ("p.tsv", b"text_a\ttext_b\tlabel\na\tb\t1\na\tb\n", "line 3: 2 fields where the header names 3"),
        ("p.tsv", b"text_a\ttext_b\tlabel\na\tb\tc\t1\n", "line 2: 4 fields"),
        ("p.tsv", b"text_a\ttext_b\tlabel\na\tb\tyes\n", "line 2: label is 'yes'"),
        ("p.tsv", b"text_a\ttext_b\tlabel\na\tb\t1\na\xff\tb\t1\n", "line 3: not UTF-8"),
        ("p.csv", b'text_a,text_b,label\na,"b"x,1\n', "line 2"),
        ("p.csv", b'text_a,text_b,label\na,"b,1\n', "line 2"),
        ("p.jsonl", b'{"text_a": "a", "text_b": "b", "label": 1}\n{"text_a": "a"}\n', "line 2: no text_b, label"),
        ("p.jsonl", b'{"text_a": "a", "text_b": 5, "label": 1}\n', "line 1: text_b is 5"),
        ("p.jsonl", b'{"text_a": "a", "text_b": "b", "label": null}\n', "line 1: label is None"),
        ("p.jsonl", b"[1]\n", "line 1: not a JSON object"),
        ("p.jsonl", b"\n{oops\n", "line 2: not a JSON object"),
        ("p.jsonl", b"[" * 100_000, "line 1: not a JSON object"),
        ("p.tsv.gz", b"text_a\ttext_b\tlabel\na\tb\t1\n", "cut or damaged"),
        ("p.tsv.gz", gzip.compress(b"text_a\ttext_b\tlabel\n" + b"a\tb\t1\n" * 9999)[:-30], "cut or damaged"),
        ("p.txt", b"text_a\ttext_b\tlabel\na\tb\t1\n", "must end in .tsv"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    """What is wrong is told in one line, with the file and the line it stands on."""
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        read_pairs(path)
    assert says in str(caught.value)
    assert name in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    """A file that is not there, or is a folder, is a mistake and no traceback."""
    (tmp_path / "folder.tsv").mkdir()
    for name in ("nowhere.tsv", "nowhere.jsonl.gz", "folder.tsv"):
        with pytest.raises(ConfigError, match=name):
            read_pairs(tmp_path / name)


def test_a_limit_draws_evenly_and_the_same_each_time(tmp_path: Path) -> None:
    """So many pairs, in the file's order, from all over it, the same for the same seed."""
    path = write(tmp_path / "p.tsv", [Pair(f"a{n:03}", f"b{n}", n % 2) for n in range(300)])
    drawn = read_pairs(path, 50)
    assert drawn == read_pairs(path, 50) != read_pairs(path, 50, seed=1)
    assert len(drawn) == 50
    assert [pair.cached for pair in drawn] == sorted(pair.cached for pair in drawn)
    assert drawn[0].cached < "a050" < "a250" < drawn[-1].cached
    assert len(read_pairs(path, 1000)) == 300
    with pytest.raises(ConfigError, match="limit"):
        read_pairs(path, 0)


def test_many_metas_are_cut_at_the_first_semicolon() -> None:
    """Up to 40 distinct metas are kept as they are; more of them are cut, so that groups have some size."""
    few = [Pair("a", "b", 1, f"dev;{n}") for n in range(40)]
    assert metas_of(few) == [f"dev;{n}" for n in range(40)]
    assert set(metas_of([*few, Pair("a", "b", 1, "train; last")])) == {"dev", "train"}


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=12), st.randoms())
def test_groups_are_the_connected_parts(links: list[tuple[str, str]], random: object) -> None:
    """Two questions share a group exactly when links lead from one to the other, whatever the links' order."""
    groups = groups_of(links)
    reach = {text: {text} for link in links for text in link}
    for _ in reach:
        for one, other in links:
            joined = reach[one] | reach[other]
            for text in joined:
                reach[text] = reach[text] | joined
    assert groups == {text: min(found) for text, found in reach.items()}
    assert groups == groups_of(list(reversed(links)))


# -- traffic ---------------------------------------------------------------------------------------------------


def test_a_log_is_put_in_order_of_its_times(tmp_path: Path) -> None:
    """Seconds and ISO 8601 mean the same; one call without a time keeps the file's order."""
    path = tmp_path / "log.jsonl"
    rows = [
        {"text": "c", "answer": "x", "time": "2026-01-01T00:00:02Z"},
        {"text": "a", "answer": "y", "time": 1767225600, "tokens": 7, "scope": {"model": "m"}},
        {"text": "b", "time": "2026-01-01T00:00:01"},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    traffic = read_traffic(path)
    assert [call.text for call in traffic.calls] == ["a", "b", "c"]
    assert (traffic.by, traffic.calls[0].tokens, traffic.calls[0].scope) == ("answer", 7, '{"model":"m"}')
    assert traffic.calls[1].truth is None
    path.write_text("\n".join(map(json.dumps, [*rows, {"text": "d"}])))
    assert [call.text for call in read_traffic(path).calls] == ["c", "a", "b", "d"]
    assert [call.text for call in read_traffic(path, 2).calls] == ["c", "a"]


def test_intents_are_drawn_and_pairs_come_stored_first(tmp_path: Path) -> None:
    """An intent file is not read intent by intent; of a pair the stored question comes first, with the label both
    ways."""
    intents = tmp_path / "i.tsv"
    intents.write_text("text\tintent\n" + "".join(f"q{n}\ti{n // 50}\n" for n in range(100)))
    calls = read_traffic(intents).calls
    assert sorted(call.text for call in calls) == sorted(f"q{n}" for n in range(100))
    assert {call.truth for call in calls[:20]} == {"i0", "i1"}
    assert read_traffic(intents).calls == calls
    pairs = read_traffic(write(tmp_path / "p.tsv", [Pair("a", "b", 0)]))
    assert ([call.text for call in pairs.calls], pairs.by) == (["a", "b"], "pairs")
    assert pairs.alike == {("a", "b"): 0, ("b", "a"): 0}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ('{"question": "a"}', "line 2: no text"),
        ('{"text": null}', "line 2: text is None"),
        ('{"text": "a", "tokens": -1}', "line 2: tokens is -1"),
        ('{"text": "a", "tokens": "many"}', "line 2: tokens is 'many'"),
        ('{"text": "a", "time": "noon"}', "line 2: time is 'noon'"),
        ('{"text": "a", "time": NaN}', "line 2: not a JSON object"),
        ('{"text": "a", "time": "nan"}', "line 2: time is 'nan'"),
        ('{"text_a": "a", "text_b": "b", "label": 1}', "line 2: has pairs where the lines before have label"),
        ('{"text": "a", "answer": "x"}', "line 2: has answer where the lines before have label"),
    ],
)
def test_a_wrong_line_of_a_log_is_named(tmp_path: Path, row: str, says: str) -> None:
    """What is wrong with a log is told with its line."""
    path = tmp_path / "log.jsonl"
    path.write_text('{"text": "a", "label": "x"}\n' + row + "\n")
    with pytest.raises(ConfigError) as caught:
        read_traffic(path)
    assert says in str(caught.value)
