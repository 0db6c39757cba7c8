"""What is asked for: a person, a time, a place, an amount, a reason, a way. Guard and signal."""

from __future__ import annotations

import re
from functools import lru_cache

from .reading import KEPT, read

_RULES = (
    (
        "time",
        r"(?:at |on |in |by |since |until |from )?(?:what|which) (?:is the |was the |are the )?(?:exact |best |"
        r"right |first |last )?"
        r"(?:time|year|date|day|month|century|decade|hours?)s?\b"
        r"(?! (?:of (?:work|the week)|complexity|zone|series|travel|machine|management|limit|frame|value|"
        r"period|constant|signature))|when\b",
    ),
    (
        "place",
        r"(?:in |at |to |from )?(?:what|which) (?:is the |are the |was the )?(?:exact |best )?"
        r"(?:place|location|venue|address|whereabouts)s?\b|where\b",
    ),
    (
        "person",
        r"(?:who|whom|whose)\b(?!'s there)|(?:what|which) (?:person|man|woman|people|guy|actor|actress|president)\b",
    ),
    (
        "reason",
        r"why\b|how come\b|(?:what|which) (?:is|are|was|were|could be|can be|might be)? ?(?:the )?(?:main |"
        r"possible |real |actual )?"
        r"(?:reason|cause|purpose)s?\b|what (?:causes|caused|makes|made)\b|for what reason|what for\b",
    ),
    ("count", r"how many\b|(?:what|which) (?:is|was|are) the (?:total |exact |average )?(?:number|count|quantity)\b"),
    (
        "amount",
        r"how (?:much|big|large|tall|high|heavy|deep|wide|fast|far|hot|cold|expensive)\b|"
        r"what (?:is|was|are|'s)? ?the (?:total |exact |average |current |monthly )?(?:amount|price|cost|"
        r"salary|fee|size|height|weight|length|speed|distance|temperature|value)s?\b",
    ),
    (
        "duration",
        r"how (?:long|soon|old|often|frequently)\b|(?:what|which) (?:is|was) the (?:age|duration|frequency)\b",
    ),
    (
        "way",
        r"(?:what|which) (?:is|are|was|were|would be|should be)? ?(?:the |some |your |a )?(?:best |easiest |"
        r"fastest |quickest |most \w+ |good |simplest |correct |right |proper |different )*"
        r"(?:way|method|process|procedure|step|tip|trick|technique)s?\b|how (?:do|does|did|to|can|could|should|"
        r"would|will|might|is|are|was|were|has|have)\b|how\b|in what way",
    ),
    ("choice", r"which\b"),
    ("thing", r"what\b|what's\b|whats\b"),
    (
        "yes",
        r"(?:is|are|am|was|were|do|does|did|can|could|should|would|will|has|have|had|may|might|must|isn't|"
        r"aren't|don't|doesn't|"
        r"can't|won't|shouldn't|wouldn't|couldn't|didn't)\b",
    ),
)
_STARTS = [(kind, re.compile(rule)) for kind, rule in _RULES]
_LEAD = re.compile(
    r"(?:(?:hi|hello|hey|please|so|and|but|ok|okay|well|also|then|can you|could you|can anyone|could anyone|"
    r"would you|tell me|let me know|"
    r"do you know|does anyone know|i want to know|i'd like to know|i would like to know|i wonder|exactly|just|"
    r"in your opinion|"
    r"explain|say|about|to|according to [\w ]{1,20},|on|at|from|with|by|for|in)[ ,]+)+"
)
_CLAUSE = re.compile(
    r"[.?!:;]\s+|,\s+(?=(?:what|which|who|whom|whose|when|where|why|how|is|are|do|does|did|can|could|should|"
    r"will|would)\b)"
)
_WH = re.compile(r"\b(?:what|which|who|whom|whose|why|how|where|when)\b")

_HAN_RULES = (
    ("time", "什么时候|什么时间|何时|几点|几号|几月|哪年|哪天|哪一年|哪一天|啥时候|啥时|多会儿|几时"),
    ("duration", "多久|多长时间|多少天|几天|多少年|几年|多少个?小时|几个?小时|多大年纪|几岁|多少岁"),
    ("place", "哪里|哪儿|什么地方|何处|在哪|去哪|到哪|啥地方|哪个地方|哪有"),
    ("person", "谁|哪位|什么人|何人|啥人"),
    ("price", "多少钱|什么价|价格是?多少|几块钱|几元|多钱"),
    ("count", "多少|几[个只条张本次位人]"),
    ("reason", "为什么|为何|为啥|什么原因|怎么回事|咋回事|什么情况|原因是什么|什么缘故"),
    ("way", "怎么|如何|怎样|咋|怎麼|什么办法|什么方法"),
    ("choice", "哪个|哪些|哪种|哪一个|哪款|那个好|哪家|哪部"),
    ("thing", "什么|啥|甚么"),
    ("yes", r"[吗嘛么]|是否|能否|可否|是不是|能不能|会不会|有没有|可不可以|要不要|好不好"),
)
_HAN_STARTS = [(kind, re.compile(rule)) for kind, rule in _HAN_RULES]

_NEAR = frozenset(
    frozenset(pair.split())
    for pair in (
        "time duration|amount price|amount count|amount duration|count price|choice thing|choice person|"
        "choice place|choice way|"
        "thing way|thing reason|thing amount|thing person|thing place|thing time|way reason|way yes|thing yes|"
        "reason yes|choice yes|"
        "choice time|count thing|count duration|way amount|way choice|time yes|place yes|amount yes|"
        "duration yes|count yes|"
        "person yes|price yes|price thing|price way|duration thing|duration way|way place|way person|reason choice"
    ).split("|")
)
"""Kinds that two wordings of one question often have: "what time" and "how long", "what do I do" and "how"."""


@lru_cache(maxsize=KEPT)
def asks_for(text: str) -> str:
    """What the (last) question of ``text`` asks for: time, place, person, reason, count, amount, duration, price,
    way, choice, thing, yes; "" when it is no question that can be told."""
    seen = read(text)
    if seen.han:
        for kind, rule in _HAN_STARTS:
            if rule.search(seen.low):
                return kind
        return ""
    kind = ""
    for clause in _CLAUSE.split(seen.low):
        clause = _LEAD.sub("", clause.strip(" \"'"), count=1) if clause else ""
        for name, rule in _STARTS:
            if rule.match(clause):
                kind = name
                break
    if not kind:
        inside = _WH.search(seen.low)
        if inside and inside.group() not in ("when", "where", "which", "who"):
            rest = seen.low[inside.start() :]
            kind = next((name for name, rule in _STARTS if rule.match(rest)), "")
    return kind


def asks_apart(asked: str, cached: str) -> float:
    """0 when both ask for the same kind of thing or nothing can be told, 0.5 for near kinds, 1 for others."""
    here, there = asks_for(asked), asks_for(cached)
    if here == there or not here or not there:
        return 0.0
    return 0.5 if frozenset((here, there)) in _NEAR else 1.0


_HARD = ("time", "place", "person", "amount", "price")
_FAR = frozenset({frozenset(("duration", "place")), frozenset(("duration", "person")), frozenset(("reason", "time")),
                  frozenset(("reason", "place")), frozenset(("reason", "amount"))})  # fmt: skip


@lru_cache(maxsize=KEPT)
def _one_question(text: str) -> bool:
    """Whether ``text`` has one question word only: "when and how" asks for two things."""
    seen = read(text)
    if seen.han:
        low, asked = seen.low, 0
        for _, rule in _HAN_STARTS[:-1]:  # 什么时候 holds 什么: what one rule has found is not looked at by the next
            low, times = rule.subn(" ", low)
            asked += times > 0
        return asked <= 1
    return len(set(_WH.findall(seen.low))) <= 1


def question_agrees(asked: str, cached: str) -> str:
    """Veto when the questions ask for things that cannot be one: who and when, where and how many, 谁 and 多少钱."""
    here, there = asks_for(asked), asks_for(cached)
    if here == there or not here or not there:
        return ""
    if not read(asked).han and not read(cached).han:
        here, there = ("amount" if kind == "count" else kind for kind in (here, there))
    pair = frozenset((here, there))
    far = (here in _HARD and there in _HARD and here != there and pair != {"amount", "price"}) or pair in _FAR
    if not far or not (_one_question(asked) and _one_question(cached)):
        return ""
    return f"asks for another thing: {here} asked, {there} cached"
