"""How far a question reaches: all, any, only, at least; mine or yours; best or worst. Guard on bounds, and signals."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from .reading import KEPT, read

_BOUND_RULES = (
    (
        "at least",
        r"\bat least\b|\bno (?:less|fewer) than\b|\bor (?:more|above|older|over)\b|\bminimum of\b|>=|至少|最少|"
        r"不少于|不低于|以上",
    ),
    (
        "at most",
        r"\bat (?:the )?most\b|\bno more than\b|\bup to\b|\bor (?:less|fewer|under|below|younger)\b|"
        r"\bmaximum of\b|<=|至多|最多|不超过|不多于|以内|以下",
    ),
    (
        "more than",
        r"\b(?:more|greater|larger|bigger|higher|older|longer) than\b(?<!no more than)|\bover \$?\d|"
        r"\babove \$?\d|\bexceed(?:s|ing)?\b|超过|大于|多于|高于",
    ),
    (
        "less than",
        r"\b(?:less|fewer|smaller|lower|younger|shorter) than\b(?<!no less than)(?<!no fewer than)|"
        r"\bunder \$?\d|\bbelow \$?\d|小于|少于|低于|不到|不足",
    ),
    (
        "exactly",
        r"\bexactly \d|\bprecisely \d|正好|恰好",
    ),
)
_BOUNDS = tuple((name, re.compile(rule)) for name, rule in _BOUND_RULES)
_AGAINST = frozenset(
    frozenset(pair.split("/"))
    for pair in ("at least/at most", "more than/less than", "at least/less than", "more than/at most")
)
_SETS = {
    "every": frozenset("all every each always everyone everybody everything entire whole everywhere".split()),
    "only": frozenset("only solely exclusively merely just alone".split()),
    "most": frozenset("most mostly majority usually generally often".split()),
    "few": frozenset("few fewer least rarely seldom minority".split()),
    "some": frozenset("some any anyone anybody anything several sometimes someone".split()),
    "top": frozenset("best top greatest most highest largest biggest fastest cheapest easiest finest ideal".split()),
    "bottom": frozenset("worst least lowest smallest slowest hardest".split()),
    "more": frozenset("more better larger bigger faster higher longer cheaper easier extra additional another".split()),
    "before": frozenset("before prior earlier previously ago previous".split()),
    "after": frozenset("after following later afterwards since".split()),
    "same": frozenset("same equal identical similar".split()),
    "other": frozenset("other another different else besides".split()),
}
_HAN_SETS = {
    "every": re.compile("所有|全部|每[个天次年人]|任何|都有哪|全都|整个|一切"),
    "only": re.compile("只[有能要是]|仅|唯一|光是"),
    "most": re.compile("大多|大部分|多数|一般|通常|经常"),
    "few": re.compile("少数|很少|极少|偶尔"),
    "some": re.compile("一些|有些|某[个些]|几个"),
    "top": re.compile("最(?!近|后|终|初|差|低|少|小|慢|坏)|第一名|首位"),
    "bottom": re.compile("最(?:差|低|少|小|慢|坏)"),
    "more": re.compile("更|比较|再多|另外"),
    "before": re.compile("之前|以前"),
    "after": re.compile("之后|以后"),
    "same": re.compile("相同|一样|同样"),
    "other": re.compile("其他|其它|别的|另"),
}
_OWNERS = {
    "my": "i me my mine myself we us our ours ourselves".split(),
    "your": "you your yours yourself".split(),
    "his": "he him his himself".split(),
    "her": "she her hers herself".split(),
    "their": "they them their theirs themselves".split(),
}
_OWNER = {word: owner for owner, words in _OWNERS.items() for word in words}
_POSSESSIVE = {"our": "my", "mine": "my", "ours": "my", "yours": "your", "hers": "her", "theirs": "their"}
_POSSESSIVE |= {owner: owner for owner in _OWNERS}
_HAN_OWNERS = (("my", "我"), ("your", "你"), ("your", "您"), ("his", "他"), ("her", "她"))
SCOPES: tuple[str, ...] = tuple(_SETS)


_REACH: dict[str, list[str]] = {}
for _name, _words in _SETS.items():
    for _word in _words:
        _REACH.setdefault(_word, []).append(_name)
_BOUND_WORDS = frozenset(
    "least most less fewer more than minimum maximum up over above under below older younger exceed exceeds exceeding "
    "exactly precisely".split()
)


class Scope(NamedTuple):
    """Bounds, quantifiers, persons and possessives of a text."""

    bounds: frozenset[str]
    reach: frozenset[str]
    persons: frozenset[str]
    possessives: frozenset[str]


@lru_cache(maxsize=KEPT)
def scope_of(text: str) -> Scope:
    """How far ``text`` reaches."""
    seen = read(text)
    bounds: set[str] = set()
    if seen.han or "=" in seen.low or not seen.bag.isdisjoint(_BOUND_WORDS):
        bounds = {name for name, rule in _BOUNDS if rule.search(seen.low)}
    if "at least" in bounds:
        bounds.discard("less than")
    reach = {name for word in seen.bag if word in _REACH for name in _REACH[word]}
    persons = {_OWNER[word] for word in seen.bag if word in _OWNER}
    possessives = {_POSSESSIVE[word] for word in seen.bag if word in _POSSESSIVE}
    if seen.han:
        reach |= {name for name, rule in _HAN_SETS.items() if rule.search(seen.low)}
        persons |= {owner for owner, sign in _HAN_OWNERS if sign in seen.low}
    return Scope(frozenset(bounds), frozenset(reach), frozenset(persons), frozenset(possessives))


def bounds_agree(asked: str, cached: str) -> str:
    """Veto when one question says "at least" where the other says "at most", or more than / less than."""
    here, there = scope_of(asked).bounds, scope_of(cached).bounds
    if here == there:
        return ""
    for one in here - there:
        for two in there - here:
            if frozenset((one, two)) in _AGAINST:
                return f"bounds differ: {one!r} asked, {two!r} cached"
    return ""
