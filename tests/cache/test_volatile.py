"""Questions whose answer ages are told from those that only sound like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce.cache.volatile import LEVELS, LIFETIMES, volatility

INSTANT = [
    "What time is it in Lisbon right now?",
    "live score of the India Australia match",
    "What is the bitcoin price right now?",
    "what's today's date",
    "现在几点了",
    "苹果现在的股价是多少",
    "湖人队的实时比分",
    "今天星期几",
]
FAST = [
    "What's the weather like in Bergen?",
    "will it rain tomorrow",
    "latest news about the harbour strike",
    "usd to eur",
    "Can you tell me the weather in Oslo?",
    "What is on at the museum this weekend?",
    "明天杭州天气怎么样",
    "今天有什么新闻",
    "人民币兑美元汇率",
]
SLOW = [
    "Who is the president of Chile?",
    "who's the CEO of the company",
    "What is the latest version of Python?",
    "current population of Norway",
    "How old is the king of Sweden?",
    "who has won the most grand slams",
    "when does the next season start",
    "谁是法国总统",
    "最新的手机型号有哪些",
    "现在什么专业最好就业",
    "去上海的高铁票价是多少",
]
TIMELESS = [
    "What is an electric current?",
    "How does an alternating current flow through a coil?",
    "How do I now change my password?",
    "what should I do now to reset my router",
    "I want to change my current address",
    "help me track order 81",
    "who sang the song about tonight",
    "What does 'today' mean in German?",
    "who was president in 1994",
    "weather in Bergen on 4 May 2009",
    "Why does the weather change with the seasons?",
    "what is the present tense of run",
    "A pen cost $3 in May. Today it costs $4. How much is the increase of the price?",
    "how to reset a password",
    "现在完成时怎么用",
    "我现在怎么修改密码",
    "形容天气的成语",
    "2019年谁获得了冠军",
    "最近的地铁站怎么走",
    "",
]


@pytest.mark.parametrize(
    ("level", "text"),
    [
        *(("instant", text) for text in INSTANT),
        *(("fast", text) for text in FAST),
        *(("slow", text) for text in SLOW),
        *(("timeless", text) for text in TIMELESS),
    ],
)
def test_the_level_of(level: str, text: str) -> None:
    """Each of these questions has the level a person would give it."""
    found = volatility(text)
    assert found.level == level, found.why
    assert found.across_words == (level != "instant")


def test_a_year_settles_a_question_only_when_it_is_over() -> None:
    """Past years settle; the present year and those to come do not."""
    text = "who won the world cup in 2022"
    assert volatility(text).level == "timeless"
    assert volatility(text, 2023).level == "timeless"
    assert volatility(text, 2022).level == "slow"


@given(st.text(max_size=300))
def test_any_text_has_a_level(text: str) -> None:
    """Nothing makes it fail; capitals and blanks around change nothing; a level above timeless names its words."""
    found = volatility(text)
    assert found.level in LEVELS
    assert found.level == "timeless" or found.why
    assert volatility(f"  {text} ") == found


def test_a_long_text_costs_no_more_than_its_ends() -> None:
    """Of a very long text beginning and end are read: the question there still counts."""
    assert volatility("blah " * 100_000 + "what is the weather in Oslo today").level == "fast"


def test_lives_grow_shorter_with_the_level() -> None:
    """The default lives fall from level to level, and what is live is not stored."""
    lives = [LIFETIMES[level] for level in LEVELS]
    assert lives[0] is None
    numbers = [life for life in lives[1:] if life is not None]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[-1] == 0
