"""Laws of all guards and signals, over any two texts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askonce.cache.guards import CONSERVATIVE, SIGNALS, STRICT, signal_row, signals

WORDS = (
    "not no never is isn't the from to than Rome Oslo US 3 pm 3:00 5/3/2020 May 二 十二 百 万 点 半 月 不 没 "
    "是 不是 吗 比 从 到 "
    "$ % kg lb 1/2 and half a hundred first twice on off turn enable disable who when how many ? . , - 第 分之 "
    "百分之 周一 "
    "at least more covid-19 v1.2.3 bob@x.com C++ × ½ ① ٣ ﷺ 𝟛 ß İ ’ — 😀 unless unhappy happy"
).split()
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join),
    st.lists(st.sampled_from(WORDS), max_size=14).map("".join),
)


@settings(max_examples=400)
@given(TEXTS, TEXTS)
def test_guards_are_symmetric_and_never_fail(one: str, two: str) -> None:
    """For any two texts every guard answers, objects both ways or not at all, and never to a text against itself."""
    for guard in STRICT:
        assert bool(guard(one, two)) == bool(guard(two, one)), guard
        assert guard(one, one) == "", guard


@pytest.mark.parametrize(
    "piece", ["1", "一", "百", "million ", "亿", "3万", "三分之一", "1/", "twenty-", "?", "from a ", "no ", "1,000,"]
)
def test_long_repetitions_are_read_too(piece: str) -> None:
    """Thousands of digits or scales in a row are compared, not refused: Python limits how long an integer it reads."""
    text = piece * (9000 // len(piece))
    for guard in STRICT:
        assert guard(text, text) == ""
        assert bool(guard(text, text + "9")) == bool(guard(text + "9", text))


@settings(max_examples=400)
@given(TEXTS, TEXTS)
def test_signals_are_shares(one: str, two: str) -> None:
    """Every signal lies between 0 and 1; a row has as many as there are names."""
    row = signal_row(one, two)
    assert len(row) == len(SIGNALS)
    assert all(0.0 <= value <= 1.0 for value in row)


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    """Of a text against itself the signals of sameness are 1, and all others that compare are 0."""
    same = {"names_shared", "words_shared", "signs_shared", "same_start", "length_ratio"}
    for name, value in signals(text, text).items():
        if name != "asks_unknown":
            assert value == float(name in same), name


def test_the_row_is_pinned() -> None:
    """A model is trained on the rows: names keep their order and new ones go to the end."""
    assert SIGNALS == (
        "numbers_conflict", "numbers_missing_asked", "numbers_missing_cached", "numbers_weak", "units_apart",
        "days_apart", "negation_parity", "negation_count", "opposed", "ceasing", "known_conflict", "known_missing",
        "names_conflict", "names_missing_asked", "names_missing_cached", "names_shared", "asks_apart", "asks_unknown",
        "bounds", "scope_every", "scope_only", "scope_most", "scope_few", "scope_some", "scope_top", "scope_bottom",
        "scope_more", "scope_before", "scope_after", "scope_same", "scope_other", "persons", "possessives",
        "words_only_asked", "words_only_cached", "words_shared", "one_word_apart", "signs_shared", "disorder",
        "same_start", "length_ratio",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "one", "two"),
    [
        ("numbers_missing_cached", "hotels under 80", "hotels"),
        ("numbers_missing_asked", "hotels", "hotels under 80"),
        ("numbers_weak", "the first time", "the time"),
        ("names_missing_cached", "songs of Dylan", "songs"),
        ("ceasing", "how to stop smoking", "how to enjoy smoking"),
        ("ceasing", "取消订单", "下订单"),
        ("scope_only", "only on weekdays", "on weekdays"),
        ("scope_every", "所有用户", "用户"),
        ("scope_top", "the best phone", "a phone"),
        ("possessives", "what is my name", "what is your name"),
        ("persons", "我的名字", "你的名字"),
        ("asks_apart", "how do I pay", "when do I pay"),
        ("one_word_apart", "the price of apples", "the price of pears"),
        ("disorder", "dogs chase cats", "cats chase dogs"),
    ],
)
def test_a_signal_tells(name: str, one: str, two: str) -> None:
    """Each signal rises on what it is there for, and is silent on a text against itself."""
    assert signals(one, two)[name] > 0
    assert signals(one, one)[name] == 0


def test_tuples_of_guards() -> None:
    """STRICT holds every guard of CONSERVATIVE, first and in the same order, and no guard twice."""
    assert STRICT[: len(CONSERVATIVE)] == CONSERVATIVE
    assert len(set(STRICT)) == len(STRICT)
