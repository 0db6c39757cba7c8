"""Guards on numbers, units, dates and times: what is one in whatever way it is written, and what is not."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce.cache.guards import (
    codes_agree,
    days_agree,
    numbers_agree,
    numbers_alike,
    numbers_clash,
    signs_agree,
    units_agree,
)
from askonce.cache.guards.numerals import canonical, han_value, numbers
from askonce.cache.guards.quantities import read_numbers

SAME_NUMBERS = [
    ("two hundred and five seats", "205 seats"),
    ("一百零五个座位", "105个座位"),
    ("一千五百块的手机", "1500块的手机"),
    ("十二个月", "12个月"),
    ("两百个字", "200个字"),
    ("150万人口", "1.5 million people"),
    ("a dozen eggs", "12 eggs"),
    ("half a million users", "500,000 users"),
    ("twenty percent of them", "20% of them"),
    ("百分之二十的人", "20%的人"),
    ("one fifth of it", "1/5 of it"),
    ("two and a half cups", "2 1/2 cups"),
    ("the twenty-first century", "the 21st century"),
    ("第十二章讲什么", "第12章讲什么"),
    ("twice as many", "2 times as many"),
    ("in nineteen eighty four", "in 1984"),
    ("二〇一九年的冠军", "2019年的冠军"),
    ("wake me at 3 pm", "wake me at 15:00"),
    ("wake me at 3:00 p.m.", "wake me at 3pm"),
    ("open until noon", "open until 12 pm"),
    ("下午三点开会", "15:00开会"),
    ("晚上八点半", "20:30"),
    ("at half past three pm", "at 15:30"),
    ("at quarter to 9", "at 8:45"),
    ("born on May 3", "born on 3rd of May"),
    ("born on 5/3/2020", "born on May 3, 2020"),
    ("born on 2020-05-03", "born on 3 May 2020"),
    ("5月3号放假", "五月三日放假"),
    ("星期一营业吗", "周一营业吗"),
    ("1 hour away", "an hour away"),
    ("the one I want", "which I want"),
    ("怎么用一下", "怎么用"),
    ("扫二维码", "扫码"),
    ("the top 10 songs", "the best songs"),
    ("what is covid-19", "what is corona"),
]
OTHER_NUMBERS = [
    ("ship 3 boxes", "ship 4 boxes"),
    ("ship three boxes", "ship 4 boxes"),
    ("one day", "two days"),
    ("三个苹果", "四个苹果"),
    ("十二个月", "二十个月"),
    ("一千五", "一万五"),
    ("20% off", "25% off"),
    ("wake me at 3 pm", "wake me at 3 am"),
    ("上午九点", "下午九点"),
    ("born on May 3", "born on June 3"),
    ("born on 5/3/2020", "born on 3/5/2020"),
    ("周一营业吗", "周二营业吗"),
    ("open on Monday", "open on Friday"),
    ("the first floor", "the third floor"),
    ("Python 3.11 news", "Python 3.12 news"),
    ("Python 3.1 news", "Python 3.10 news"),
    ("buy an iPhone 6", "buy an iPhone 7"),
    ("2 red, 3 blue and 3 green", "3 red, 2 blue and 2 green"),
    ("第二季什么时候出", "第三季什么时候出"),
    ("from 5 to 10 people", "from 5 to 20 people"),
    ("a ticket for 12345678901234567890", "a ticket for 12345678901234567891"),
]


@pytest.mark.parametrize(("one", "two"), SAME_NUMBERS)
def test_one_number_in_two_spellings(one: str, two: str) -> None:
    """Words, digits, Chinese numerals, clock and calendar name the same number; fillers name none."""
    assert not numbers_agree(one, two)
    assert not numbers_agree(two, one)


@pytest.mark.parametrize(("one", "two"), OTHER_NUMBERS)
def test_another_number(one: str, two: str) -> None:
    """Another number, time, month, weekday or version is a veto, both ways, and says so."""
    for guard in (numbers_agree, numbers_clash):
        assert guard(one, two).startswith("numbers differ")
        assert guard(two, one)


def test_a_number_on_one_side_only() -> None:
    """numbers_agree objects to a number that the other question lacks, numbers_clash does not."""
    assert numbers_agree("hotels in Rome under 80", "hotels in Rome")
    assert not numbers_clash("hotels in Rome under 80", "hotels in Rome")


@given(st.integers(0, 10**8 - 1))
def test_chinese_numerals_are_read_back(value: int) -> None:
    """A number written out in Chinese numerals, by the school rule, has its value."""
    assert han_value(_han(value)) == value


def _han(value: int) -> str:
    digits = "零一二三四五六七八九"
    if value >= 10**4:
        high, low = divmod(value, 10**4)
        gap = "零" if 0 < low < 1000 else ""
        return _han(high) + "万" + gap + (_han(low) if low else "")
    said, rest, zero = "", value, False
    for rank, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, rest = divmod(rest, rank)
        if digit:
            said += ("零" if zero and said else "") + digits[digit] + name
            zero = False
        else:
            zero = True
    return said or "零"


@given(st.integers(0, 999_999_999))
def test_english_number_words_are_read_back(value: int) -> None:
    """A number written out in English is found as that number; 1 alone is weak."""
    found = numbers(f"about {_english(value)} of")
    assert [one.key for one in found] == ([str(value)] if value != 1 else [])


def _english(value: int) -> str:
    small = (
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen"
    ).split()
    tens = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
    for scale, name in ((10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if value >= scale:
            high, low = divmod(value, scale)
            return f"{_english(high)} {name}" + (f" {'and ' * (low < 100)}{_english(low)}" if low else "")
    if value < 20:
        return small[value]
    return tens[value // 10] + (f"-{small[value % 10]}" if value % 10 else "")


@given(st.fractions())
def test_a_value_has_one_spelling(value: Fraction) -> None:
    """The canonical spelling loses nothing: different values have different spellings."""
    assert Fraction(canonical(value)) == value


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("how heavy is 5 kg", "how heavy is 5 lb"),
        ("5公里有多远", "5英里有多远"),
        ("how far is 5 km", "how far is 5 miles"),
        ("oven at 200 Celsius", "oven at 200 Fahrenheit"),
        ("200摄氏度", "200华氏度"),
        ("convert 5 dollars", "convert 5 euros"),
        ("convert $5", "convert 5 euros"),
        ("100美元是多少", "100欧元是多少"),
        ("a file of 5 MB", "a file of 5 GB"),
        ("it takes 5 days", "it takes 5 weeks"),
    ],
)
def test_another_unit(one: str, two: str) -> None:
    """A unit of the same kind in its place is a veto, both ways."""
    assert units_agree(one, two)
    assert units_agree(two, one)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("5 kg of rice", "5 kilograms of rice"),
        ("5kg of rice", "5 公斤 of rice"),
        ("I have $5", "I have 5 dollars"),
        ("$5", "USD 5"),
        ("¥500", "500 yen"),
        ("¥500", "500元"),
        ("20 percent", "20%"),
        ("three apples a day", "three apples per day"),
        ("pay monthly", "pay per month"),
    ],
)
def test_one_unit_in_two_spellings(one: str, two: str) -> None:
    """Symbols, words and abbreviations of a unit are one, for every guard that looks at them."""
    for guard in (units_agree, signs_agree, numbers_agree, codes_agree):
        assert not guard(one, two), guard(one, two)
        assert not guard(two, one), guard(two, one)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("weather today", "weather tomorrow"),
        ("who won last year", "who won this year"),
        ("plans for next week", "plans for this week"),
        ("今天天气", "明天天气"),
        ("去年的冠军", "今年的冠军"),
        ("上周的账单", "下周的账单"),
        ("上个月的账单", "这个月的账单"),
    ],
)
def test_another_day(one: str, two: str) -> None:
    """Days told from now differ; "now" alone is what every question means."""
    assert days_agree(one, two)
    assert days_agree(two, one)
    assert not days_agree(one, one)
    assert not days_agree("weather now", "weather")


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("covid 19 rules", "covid-19 rules", True),
        ("iPhone7 case", "iPhone 7 case", True),
        ("the 10th of 5kg at 3pm", "the of at", True),
        ("ask me.Then go", "ask me. Then go", True),
        ("part AB12", "part AB123", False),
        ("mail bob@example.com", "mail tom@example.com", False),
        ("open src/a.py", "open src/b.py", False),
        ("visit example.com", "visit example.org", False),
        ("call get_name", "call get_age", False),
    ],
)
def test_names_that_are_spelt(one: str, two: str, same: bool) -> None:
    """Addresses, paths and identifiers must be the same; hyphens and spaces in them do not count."""
    assert (codes_agree(one, two) == "") is same
    assert (codes_agree(two, one) == "") is same


# -- numbers written alike ---------------------------------------------------------------------------------

_worded = st.lists(
    st.sampled_from(
        "five 5 twelve 12 1,000 1000 1,000,000 a-dozen twenty% 20% half 0.5 三百 300 一万二 12000 百分之二十 3pm 15:00 "
        "one may 3rd days euros 块 的 个 covid-19 v1.2.3 2016/17 １２".split()
    ),
    max_size=7,
).map(" ".join)


@pytest.mark.parametrize(
    ("asked", "cached", "made"),
    [
        ("How long do five days last?", "5 days, how long", "how long do 5 days last?"),
        ("can I carry 1,000 dollars", "may I bring $1000", "can i carry 1000 dollars"),
        ("三百块能买什么", "300块可以买啥", "300块能买什么"),
        ("How does one do it?", "1 way", "How does one do it?"),
        ("Pay 1,000 Euros", "1,000 euros", "Pay 1,000 Euros"),
        ("five of 20", "five of 30", "five of 20"),
        ("seven of 20", "7 of 30", "7 of 20"),
        ("二十多岁", "20岁", "二十多岁"),
    ],
)
def test_numbers_that_both_have_are_written_alike(asked: str, cached: str, made: str) -> None:
    """As the cached question writes them; what only one has, and what may be no number, stays as it is."""
    assert numbers_alike(asked, cached) == made


@given(_worded | st.text(max_size=30), _worded | st.text(max_size=30))
def test_writing_numbers_alike_changes_no_number(asked: str, cached: str) -> None:
    """The text keeps its numbers, a second time changes nothing, and a text against itself stays to the letter."""
    made = numbers_alike(asked, cached)
    assert numbers_alike(made, cached) == made
    assert numbers_alike(asked, asked) == asked
    assert read_numbers(made).sure == read_numbers(asked).sure
