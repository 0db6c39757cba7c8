"""Guards on meaning: negation, opposites, direction, names, what is asked for, bounds, language."""

from __future__ import annotations

import pytest

from askonce.cache.guards import (
    bounds_agree,
    ceasing_agrees,
    directions_agree,
    entities_agree,
    language_agrees,
    names_agree,
    negation_agrees,
    opposites_agree,
    question_agrees,
    siblings_agree,
    words_in_place,
)
from askonce.cache.guards.language import language_of

VETOED = [
    (negation_agrees, "can I pay by card", "can I not pay by card"),
    (negation_agrees, "why do people vote", "why don't people vote"),
    (negation_agrees, "food with nuts", "food without nuts"),
    (negation_agrees, "the job ran", "the job failed to run"),
    (negation_agrees, "is it ever open", "is it never open"),
    (negation_agrees, "可以退款吗", "不可以退款吗"),
    (negation_agrees, "为什么能登录", "为什么不能登录"),
    (negation_agrees, "我有驾照", "我没有驾照"),
    (negation_agrees, "已成年", "未成年"),
    (negation_agrees, "可以打开", "无法打开"),
    (opposites_agree, "how to enable dark mode", "how to disable dark mode"),
    (opposites_agree, "the price increased", "the price decreased"),
    (opposites_agree, "they were buying shares", "they were selling shares"),
    (opposites_agree, "turn the lamp in my room on", "turn the lamp in my room off"),
    (opposites_agree, "how to log in", "how to log out"),
    (opposites_agree, "is it legal", "is it illegal"),
    (opposites_agree, "a reliable source", "an unreliable source"),
    (opposites_agree, "is it harmful", "is it harmless"),
    (opposites_agree, "who is the best", "who is the worst"),
    (opposites_agree, "怎么打开定位", "怎么关闭定位"),
    (opposites_agree, "股票为什么上涨", "股票为什么下跌"),
    (opposites_agree, "怎么存钱", "怎么取钱"),
    (opposites_agree, "怎么借钱", "怎么还钱"),
    (opposites_agree, "什么时候买入", "什么时候卖出"),
    (directions_agree, "flights from Rome to Oslo", "cheap flights from Oslo to Rome"),
    (directions_agree, "convert km to miles", "how to convert miles to km"),
    (directions_agree, "is tea better than coffee", "is coffee better than tea"),
    (directions_agree, "从北京到上海的火车", "从上海到北京的高铁"),
    (directions_agree, "苹果比香蕉好吗", "香蕉比苹果好吗"),
    (words_in_place, "did Rome attack Carthage", "did Carthage attack Rome"),
    (words_in_place, "does a dog chase the cat", "does the cat chase a dog"),
    (entities_agree, "capital of france", "capital of germany"),
    (entities_agree, "Python tutorial", "Java tutorial"),
    (entities_agree, "法国的首都", "德国的首都"),
    (entities_agree, "支付宝怎么提现", "微信怎么提现"),
    (names_agree, "how old is Marie Curie", "how old is Rosalind Franklin"),
    (names_agree, "films by Fellini please", "films by Hitchcock please"),
    (ceasing_agrees, "how to stop the service", "how to get the service"),
    (siblings_agree, "does tea keep me awake", "does coffee keep me awake"),
    (siblings_agree, "how long do dogs live", "how long do cats live"),
    (siblings_agree, "what can the basic plan do", "what can the premium plan do"),
    (siblings_agree, "狗能吃巧克力吗", "兔子能吃巧克力吗"),
    (question_agrees, "who built the wall", "when was the wall built"),
    (question_agrees, "where is the office", "how many people are in the office"),
    (question_agrees, "谁发明了电话", "什么时候发明了电话"),
    (question_agrees, "这本书在哪里买", "这本书多少钱"),
    (bounds_agree, "at least 5 people", "at most 5 people"),
    (bounds_agree, "more than 5 people", "fewer than 5 people"),
    (bounds_agree, "至少五个人", "最多五个人"),
    (language_agrees, "怎么退款", "how do I get a refund"),
    (language_agrees, "how do I get my money back", "comment est-ce que je peux avoir mon argent"),
    (language_agrees, "как вернуть деньги", "how do I get a refund"),
    (language_agrees, "返金はどうすればいいですか", "怎么退款"),
]
PASSED = [
    (negation_agrees, "isn't it dangerous to swim?", "is it dangerous to swim?"),
    (negation_agrees, "is it good? why or why not?", "is it good? why?"),
    (negation_agrees, "it is not true that nobody came", "it is true that somebody came"),
    (negation_agrees, "no. 5 of the list", "number 5 of the list"),
    (negation_agrees, "I don't know how to pay", "how to pay"),
    (negation_agrees, "can't log in", "unable to log in"),
    (negation_agrees, "without sugar", "with no sugar"),
    (negation_agrees, "你能不能帮我退款", "你可以帮我退款吗"),
    (negation_agrees, "是不是骗子", "是骗子吗"),
    (negation_agrees, "有没有优惠", "有优惠吗"),
    (negation_agrees, "不好意思,怎么退款", "怎么退款"),
    (negation_agrees, "到货了没", "到货了吗"),
    (negation_agrees, "特别非常好看", "很好看"),
    (negation_agrees, "不得不交税", "要交税"),
    (negation_agrees, "我不知道怎么退款", "怎么退款"),
    (opposites_agree, "is Mars bigger or smaller than Earth", "is Mars larger than Earth"),
    (opposites_agree, "enable or disable it", "disable or enable it"),
    (opposites_agree, "important information", "formation of important rock"),
    (opposites_agree, "unless I discover it", "less cover"),
    (opposites_agree, "怎么解绑手机", "怎么取消手机绑定"),
    (directions_agree, "from Rome to Oslo by train", "by train from Rome to Oslo"),
    (words_in_place, "in Java how do I sort a list", "how do I sort a list in Java"),
    (words_in_place, "difference between tea and coffee", "difference between coffee and tea"),
    (entities_agree, "laws of the USA", "laws of the United States"),
    (entities_agree, "tell us about france", "about France"),
    (entities_agree, "美国总统", "president of America"),
    (names_agree, "films by Spielberg please", "films by Speilberg please"),
    (names_agree, "is Barack Obama tall", "is Obama tall"),
    (names_agree, "members of the World Health Organization", "members of the WHO"),
    (ceasing_agrees, "how to quit smoking", "how to stop smoking"),
    (siblings_agree, "tea or coffee", "coffee or tea"),
    (siblings_agree, "how old do dogs get", "how old does a dog get"),
    (negation_agrees, "I can't find my bill", "help me find my bill"),
    (question_agrees, "what is the way to cook rice", "how to cook rice"),
    (question_agrees, "what time does it open", "when does it open"),
    (question_agrees, "what causes rain", "why does it rain"),
    (question_agrees, "what should I do when it rains", "how do I act when it rains"),
    (question_agrees, "什么原因导致下雨", "为什么下雨"),
    (bounds_agree, "at least 5 people", "5 people or more"),
    (language_agrees, "怎么用 iPhone", "苹果手机怎么用"),
    (language_agrees, "pizza Napoli", "what is the best pizza in Napoli"),
    (language_agrees, "what does 好 mean", "what is the meaning of 好"),
]


@pytest.mark.parametrize(("guard", "one", "two"), VETOED)
def test_another_meaning_is_vetoed(guard: object, one: str, two: str) -> None:
    """Each guard objects, in words, to what it is there for: both ways, and never to a text against itself."""
    assert callable(guard)
    assert guard(one, two)
    assert guard(two, one)
    assert not guard(one, one)
    assert not guard(two, two)


@pytest.mark.parametrize(("guard", "one", "two"), PASSED)
def test_another_wording_is_not(guard: object, one: str, two: str) -> None:
    """A guard does not object to another wording of the same question."""
    assert callable(guard)
    assert not guard(one, two)
    assert not guard(two, one)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("what is the best way to cook rice", "English"),
        ("wie koche ich am besten den Reis für die Kinder", "German"),
        ("怎么煮米饭", "han"),
        ("怎么用 iPhone 拍照", "han"),
        ("как приготовить рис", "cyrillic"),
        ("ご飯の炊き方", "kana"),
        ("밥 짓는 법", "hangul"),
        ("42 + 7", ""),
        ("pizza", "latin"),
    ],
)
def test_the_language_of_a_text(text: str, language: str) -> None:
    """Scripts tell languages apart, small words tell those of Latin letters; what cannot be told says so."""
    assert language_of(text) == language
