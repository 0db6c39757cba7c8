"""Chinese pairs by rules: every rule does what its name says and keeps away from what it is not sure of."""

from __future__ import annotations

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.generate_zh import LONGEST, RULES, apply, generate
from training.rewordings_zh import _FULL, _SIMPLE

RULE = {rule.kind: rule for rule in RULES}

QUESTIONS = (
    "怎么修改登录密码",
    "为什么我的账户不能登录",
    "从杭州到南京的高铁多少钱",
    "杭州到南京怎么坐车",
    "今天下午会下雨吗",
    "孕妇可以吃螃蟹吗？",
    "iPhone 15 和小米14哪个好",
    "信用卡年费怎么取消",
    "什么时候可以提现",
    "请问这种花叫什么名字，谢谢",
    "一年级下册语文有多少课",
    "在哪里买火车票最便宜",
    "男朋友生气了怎么办",
    "什么是负利率",
    "番茄炒蛋要放糖吗",
    "pdf怎么转换成word",
    "能不能分三个月还",
    "推荐几本好书",
)

# kind, question, what the rule may make of it
FIRES = (
    ("number", "小米14怎么截图", {"小米13怎么截图", "小米15怎么截图", "小米16怎么截图"}),
    ("numeral", "分三期要付利息吗", {"分四期要付利息吗", "分五期要付利息吗"}),
    ("time", "明年暑假放多少天", {"今年暑假放多少天", "去年暑假放多少天", "明年寒假放多少天"}),
    ("scope", "国内手机卡怎么用", {"国外手机卡怎么用"}),
    ("scope", "饭后多久可以跑步", {"饭前多久可以跑步"}),
    ("negation", "什么情况下可以退货", {"什么情况下不可以退货"}),
    ("negation", "为什么不能退货", {"为什么能退货"}),
    ("antonym", "怎么打开飞行模式", {"怎么关闭飞行模式"}),
    ("direction", "杭州到南京怎么坐车", {"南京到杭州怎么坐车"}),
    ("direction", "pdf怎么转换成word", {"word怎么转换成pdf"}),
    ("direction", "美元兑换日元是多少", {"日元兑换美元是多少"}),
    ("direction", "一公里等于多少英里", {"一英里等于多少公里"}),
    ("entity", "大连有什么好玩的", None),
    ("type", "什么时候报名", {"在哪里报名", "为什么报名"}),
    ("subject", "孕妇可以吃螃蟹吗", None),
    ("polite", "怎么退货", None),
    ("how", "怎么修改密码", {f"{how}修改密码" for how in ("怎样", "如何", "咋", "该怎么")}),
    ("why", "为什么天是蓝的", {"为啥天是蓝的", "为何天是蓝的"}),
    ("when", "什么时候发货", {"啥时候发货", "何时发货", "几时发货"}),
    ("where", "护照在哪里办", {"护照在哪儿办", "护照在哪办", "护照在什么地方办"}),
    ("price", "这款相机多少钱", {f"这款相机{price}" for price in ("价格是多少", "什么价格", "什么价钱", "价格多少")}),
    ("ability", "学生可以打折吗", {"学生可不可以打折", "学生能不能打折", "学生能打折吗"}),
    ("ability", "有没有学生票", {"有学生票吗"}),
    ("particle", "需要预约吗", {"需要预约么", "需要预约嘛"}),
    ("synonym", "减肥的方法", {"瘦身的方法", "减肥的办法"}),
    ("punctuation", "怎么退货？", None),
    ("traditional", "请问这个怎么选", {"請問這個怎麼選"}),
    ("typo", "额度是多大", {"额渡是多大"}),
    ("order", "怎么修改密码", {"密码怎么修改", "密码如何修改"}),
    ("order", "绿茶和红茶有什么区别", {"红茶和绿茶有什么区别"}),
    ("shorten", "请问怎么修改密码", {"怎么修改密码"}),
)  # fmt: skip

# What must stay alone: the change would not make what the label says.
SILENT = (
    ("negation", "可以退货吗"),  # 不可以退货吗 asks the same
    ("negation", "这个功能怎么用"),
    ("negation", "怎么才能快速入睡"),
    ("time", "昨天下单怎么还没发货"),  # no matter which day
    ("antonym", "男人和女人有什么不同"),  # symmetric
    ("antonym", "最近有什么新闻"),
    ("numeral", "十分感谢怎么回复"),
    ("number", "订单12345678怎么查"),
    ("how", "怎么还没有到账"),  # asks why
    ("how", "我的快递怎么被退了"),
    ("price", "押金要退多少钱"),
    ("price", "我欠了多少钱"),
    ("order", "女朋友生气了怎么办"),
    ("order", "冰融化之后是什么"),
    ("synonym", "这部电影好看吗"),
    ("shorten", "谢谢用冰岛语怎么说"),
    ("polite", "推荐一部电影"),
)


@pytest.mark.parametrize(("kind", "question", "wanted"), FIRES)
def test_rule_fires(kind: str, question: str, wanted: set[str] | None) -> None:
    """Each rule changes its example, only into what is right, and reaches all of that."""
    made = {apply(RULE[kind], question, random.Random(seed)) for seed in range(120)}
    assert None not in made
    assert question not in made
    assert len(made) > 1 or (wanted is not None and len(wanted) == 1)
    if wanted is not None:
        assert made == wanted


def test_every_rule_has_an_example() -> None:
    """No rule is without an example of its own."""
    assert {kind for kind, _, _ in FIRES} == set(RULE)


@pytest.mark.parametrize(("kind", "question"), SILENT)
def test_rule_keeps_away(kind: str, question: str) -> None:
    """Where the label would be wrong the rule makes nothing, whatever the draw."""
    assert {apply(RULE[kind], question, random.Random(seed)) for seed in range(40)} == {None}


@given(st.lists(st.sampled_from(QUESTIONS), max_size=12), st.integers(0, 2**32), st.integers(1, 5))
def test_laws_of_pairs(questions: list[str], seed: int, per_question: int) -> None:
    """a is a given question, b differs, kind and label belong together, no more per question than asked for."""
    pairs = list(generate(questions, random.Random(seed), per_question))
    assert len(pairs) <= per_question * len(questions)
    for a, b, label, kind in pairs:
        assert a in questions
        assert b.strip()
        assert a != b
        assert RULE[kind].label == label


@given(st.integers(0, 2**32))
def test_deterministic(seed: int) -> None:
    """The same questions and seed give the same pairs."""
    once, again = (list(generate(QUESTIONS, random.Random(seed), 3)) for _ in range(2))
    assert once == again


@given(
    st.text(st.sampled_from("怎么不能可以还款多少钱从到比男女朋友3十五吗了没有什么时候？ ABab"), max_size=40),
    st.integers(0, 999),
)
def test_any_text_is_taken(text: str, seed: int) -> None:
    """No text makes a rule fail; a near miss differs in more than width and case, and is of a short text."""
    for rule in RULES:
        made = apply(rule, text, random.Random(seed))
        assert made != text
        if made is not None and not rule.label:
            assert len(text) <= LONGEST
            plain = [unicodedata.normalize("NFKC", one).lower().replace(" ", "") for one in (text, made)]
            assert plain[0] != plain[1]


def test_both_labels_and_many_kinds() -> None:
    """Over everyday questions neither label is rare, and no kind is more than a quarter."""
    pairs = list(generate(QUESTIONS * 20, random.Random(1)))
    kinds = [kind for *_, kind in pairs]
    assert 0.3 < sum(label for _, _, label, _ in pairs) / len(pairs) < 0.7
    assert max(map(kinds.count, kinds)) < len(kinds) / 4
    assert len(set(kinds)) >= 18


def test_only_the_rules_asked_for() -> None:
    """With a list of rules only those are used."""
    pairs = list(generate(QUESTIONS, random.Random(1), rules=[RULE["why"], RULE["direction"]]))
    assert {kind for *_, kind in pairs} == {"why", "direction"}


def test_traditional_characters_pair_up() -> None:
    """Each simplified character has one traditional form: that is in Big 5, not in GB 2312, and no two are alike."""
    assert len(_SIMPLE) == len(_FULL) == len(set(_SIMPLE)) == len(set(_FULL))
    for simple, full in zip(_SIMPLE, _FULL, strict=True):
        assert simple.encode("gb2312")
        assert full.encode("big5")
        with pytest.raises(UnicodeEncodeError):
            full.encode("gb2312")
