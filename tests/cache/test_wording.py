"""Comparing words: what same_words lets pass, what it must never let pass, and what the guards veto."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce import (
    Candidate,
    Conservative,
    codes_agree,
    negation_agrees,
    numbers_agree,
    opposites_agree,
    signs_agree,
    words_in_place,
)
from askonce.cache.guards import CONSERVATIVE
from askonce.cache.semantic import THRESHOLDS, UNKNOWN_EMBEDDER
from askonce.cache.wording import content_words, same_words

SAME = [
    ("cancel my order", "Could you please help me cancel the order?"),
    ("I'd like to cancel order 7, please", "cancel order 7"),
    ("I don't know how to cancel my order", "how can I cancel the order"),
    ("cancelling orders", "cancel order"),
    ("see my invoice", "I want to find my invoice"),
    ("what do I have to do to download bill 12", "downloading bill 12"),
    ("请问怎么取消订单呢", "如何取消订单"),
    ("为啥不能退款", "请问为什么不能退款?"),
    ("你们什么时候发货", "你们何时发货啊"),
]
DIFFERENT = [
    ("how do I enable dark mode", "how do I disable dark mode"),
    ("what is your name", "what is my name"),
    ("when is my parcel coming", "where is my parcel coming"),
    ("flights from Rome to Oslo", "flights from Oslo to Rome"),
    ("cancel order 7", "cancel order 8"),
    ("do you sell books", "how do I sell books"),
    ("should I take aspirin", "can I take aspirin"),
    ("install the package", "uninstall the package"),
    ("turn the lamp on", "turn the lamp off"),
    ("problems registering", "register"),
    ("is it safe without a helmet", "is it safe with a helmet"),
    ("change account 12345", "change account 12346"),
    ("is nitrate in it", "is nitrite in it"),
    ("为什么退款", "怎么退款"),
    ("从北京到上海", "从上海到北京"),
    ("", ""),
    ("please help me", "how to"),
]


@pytest.mark.parametrize(("one", "two"), SAME)
def test_the_same_words_are_recognised(one: str, two: str) -> None:
    """Politeness, articles and inflections do not make another question."""
    assert same_words(one, two)
    assert not any(guard(one, two) for guard in CONSERVATIVE)


@pytest.mark.parametrize(("one", "two"), DIFFERENT)
def test_other_words_are_not_the_same(one: str, two: str) -> None:
    """Whatever changes the answer keeps two questions apart, and so do questions without content."""
    assert not same_words(one, two)


@given(st.text(), st.text())
def test_comparing_words_never_fails_and_is_symmetric(one: str, two: str) -> None:
    """Any two texts can be compared, either way round with one result; a text with content equals itself."""
    assert same_words(one, two) == same_words(two, one)
    assert same_words(one, one) == bool(content_words(one))
    assert bool(words_in_place(one, two)) == bool(words_in_place(two, one))


@pytest.mark.parametrize(
    ("guard", "one", "two"),
    [
        (numbers_agree, "ship 3 boxes", "ship 4 boxes"),
        (numbers_agree, "the first floor", "the third floor"),
        (numbers_agree, "open on Monday", "open on Friday"),
        (numbers_agree, "三个苹果多少钱", "四个苹果多少钱"),
        (negation_agrees, "can I pay by card", "can I not pay by card"),
        (negation_agrees, "I can log in", "I can't log in"),
        (negation_agrees, "可以退款吗", "不可以退款吗"),
        (opposites_agree, "increase the limit", "decrease the limit"),
        (opposites_agree, "is it open before noon", "is it open after noon"),
        (opposites_agree, "who is taller", "who is shorter"),
        (signs_agree, "what is 5 $ in yen", "what is 5 € in yen"),
        (signs_agree, "is a < b", "is a > b"),
        (signs_agree, "what does x += 1 do", "what does x -= 1 do"),
        (signs_agree, "the root of -5", "the root of 5"),
        (signs_agree, "learn C#", "learn C"),
        (signs_agree, "learn C++", "learn C"),
        (codes_agree, "mail bob@example.com", "mail tom@example.com"),
        (codes_agree, "open src/a.py", "open src/b.py"),
        (codes_agree, "what is part AB12", "what is part XY12"),
        (codes_agree, "call get_name", "call get_age"),
        (words_in_place, "flights from Rome to Oslo", "flights from Oslo to Rome"),
    ],
)
def test_a_guard_vetoes(guard: object, one: str, two: str) -> None:
    """Each guard objects to what it is there for, in words, either way round, and not to equal texts."""
    assert callable(guard)
    assert guard(one, two)
    assert guard(two, one)
    assert not guard(one, one)


@pytest.mark.parametrize(
    "text", ["I don't know how to pay", "we do not understand how we can pay", "I cant find out how"]
)
def test_not_knowing_how_negates_nothing(text: str) -> None:
    """ "I don't know how to pay" asks how to pay."""
    assert not negation_agrees(text, "how to pay")


@given(st.floats(-1, 1), st.sampled_from(SAME + DIFFERENT))
def test_the_conservative_rule(similarity: float, pair: tuple[str, str]) -> None:
    """It serves at the threshold, or between the two cosines on the same words; never against a guard."""
    rule = Conservative(0.9, 0.7)
    one, two = pair
    verdict = rule.decide(Candidate(one, two, similarity))
    vetoed = any(guard(one, two) for guard in CONSERVATIVE)
    enough = similarity >= 0.9 or (similarity >= 0.7 and same_words(one, two))
    assert verdict.serve == (enough and not vetoed)
    assert verdict.why


def test_thresholds_belong_to_an_embedder() -> None:
    """A known embedder has its own thresholds, an unknown one the strictest; a given one replaces them."""
    assert Conservative.for_embedder("all-MiniLM-L6-v2-int8/mean/256/x").threshold == THRESHOLDS["all-MiniLM-L6-v2"][0]
    assert Conservative.for_embedder("somebody's/model").threshold == UNKNOWN_EMBEDDER[0]
    assert max(pair[0] for pair in THRESHOLDS.values()) <= UNKNOWN_EMBEDDER[0]
    assert Conservative.for_embedder("all-MiniLM-L6-v2-int8/x", 0.5).floor == 0.5
