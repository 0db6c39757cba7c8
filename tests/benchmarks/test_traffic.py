"""The replayed traffic: reproducible, labelled without contradiction, shaped as described."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import wordings
from benchmarks.traffic import DAY_S, answer_for, make_traffic

# The columns of the real files, with a few rows made here.
BITEXT = [
    ("cancel it", "cancel"),
    ("Cancel  it", "cancel"),
    ("where is it", "track"),
    ("help me", "track"),
    ("help me", "human"),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with gzip.open(tmp_path / "bitext_customer_support_27k.tsv.gz", "wt", encoding="utf-8") as f:
        f.write("text\tintent\tcategory\n" + "".join(f"{t}\t{i}\tX\n" for t, i in BITEXT))
    with gzip.open(tmp_path / "msmarco_dev_queries.csv.gz", "wt", encoding="utf-8") as f:
        f.write("source,qid,query\n" + "".join(f'dev,{i},"query, {i}"\n' for i in range(50)) + "dev,99,Cancel it\n")
    with gzip.open(tmp_path / "azure_llm_2023_conv.csv.gz", "wt", encoding="utf-8") as f:
        f.write("TIMESTAMP,ContextTokens,GeneratedTokens\n")
        f.write("".join(f"2023-11-16 18:{m:02}:46.6805900,374,44\n" for m in range(60)))
    return tmp_path


def test_the_same_seed_gives_the_same_day() -> None:
    """Traffic is a function of its arguments; another seed is another day."""
    assert make_traffic(300, seed=5) == make_traffic(300, seed=5)
    assert make_traffic(300, seed=5) != make_traffic(300, seed=6)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_text_has_one_label(seed: int) -> None:
    """No text occurs under two labels, whatever its case: the ground truth does not contradict itself."""
    labels: dict[str, set[str]] = {}
    for request in make_traffic(3000, seed=seed, one_off=0.3):
        labels.setdefault(request.text.lower(), set()).add(request.label)
    assert max(map(len, labels.values())) == 1


def test_intents_follow_zipf() -> None:
    """With exponent 1 the first intent is asked about twice as often as the second and five times the fifth."""
    traffic = make_traffic(20_000, seed=3, one_off=0.0)
    counts = [n for _, n in Counter(r.label for r in traffic).most_common()]
    assert len(counts) == len(wordings.INTENTS)
    assert counts[0] / counts[1] == pytest.approx(2, rel=0.15)
    assert counts[0] / counts[4] == pytest.approx(5, rel=0.2)


def test_one_offs_are_asked_once() -> None:
    """The share of one-offs is the one asked for; each has a label and a text of its own."""
    traffic = make_traffic(5000, seed=1, one_off=0.2)
    single = [r for r in traffic if r.one_off]
    assert len(single) / len(traffic) == pytest.approx(0.2, abs=0.02)
    assert len({r.label for r in single}) == len({r.text for r in single}) == len(single)
    assert not {r.label for r in single} & {r.label for r in traffic if not r.one_off}


def test_arrivals_fill_one_day_in_order() -> None:
    """Arrivals are sorted, within the day, with quiet nights and a busy late morning."""
    times = [r.arrival_s for r in make_traffic(5000, seed=1)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] < DAY_S
    hours = Counter(int(t // 3600) for t in times)
    assert hours[11] > 3 * hours[3]


def test_every_intent_has_many_wordings() -> None:
    """At least 27 intents with at least 30 wordings each, none shared between intents."""
    made = wordings.wordings(0)
    assert len(made) >= 27
    assert min(len(set(texts)) for texts in made.values()) >= 30
    every = [text.lower() for texts in made.values() for text in texts]
    assert len(every) == len(set(every))


def test_answers_are_told_apart() -> None:
    """Each label has its own answer, always the same, of realistic length."""
    labels = [*wordings.INTENTS, *(f"one-off-{i}" for i in range(500))]
    answers = [answer_for(label) for label in labels]
    assert len(set(answers)) == len(labels)
    assert answers == [answer_for(label) for label in labels]
    assert all(500 < len(answer) < 1200 for answer in answers)


def test_real_data_is_read(data: Path) -> None:
    """Bitext texts keep their intents, ambiguous ones stay out, one-offs are queries no intent knows."""
    traffic = make_traffic(120, seed=2, one_off=0.3, data=data)
    assert {(r.text, r.label) for r in traffic if not r.one_off} == {("cancel it", "cancel"), ("where is it", "track")}
    assert all(r.text.startswith("query, ") for r in traffic if r.one_off)
    assert len({r.arrival_s for r in traffic}) > 60
    assert all(0 <= r.arrival_s < DAY_S for r in traffic)


def test_what_is_missing_is_named(data: Path) -> None:
    """A missing file is named; too many one-offs and impossible numbers are refused."""
    with pytest.raises(ValueError, match="50 different queries"):
        make_traffic(500, one_off=0.9, data=data)
    (data / "azure_llm_2023_conv.csv.gz").unlink()
    with pytest.raises(FileNotFoundError, match=r"azure_llm_2023_conv\.csv\.gz is missing"):
        make_traffic(10, data=data)
    for wrong in ({"requests": 0}, {"requests": 1, "one_off": 1.5}, {"requests": 1, "zipf": -1.0}):
        with pytest.raises(ValueError, match="must be"):
            make_traffic(**wrong)  # type: ignore[arg-type]
