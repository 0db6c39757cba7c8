"""Guards on who does what to whom: the same names the other way round a word of direction."""

from __future__ import annotations

import re
from functools import lru_cache

from ..wording import content_words
from .reading import KEPT, read

_DIRECTED = frozenset("to into from than over before after by".split())
_MARK = {"into": "to"}
_SMALL = frozenset(
    "a an the my your his her its their our is are was were be been being do does did i you we they it".split()
)
_FROM_TO = re.compile(r"\bfrom ((?:[\w'.$€£-]+ ){1,4}?)(?:to|into|until|till) ([\w'.$€£-]+)")
_HAN_FROM_TO = re.compile(r"(?:从|由|自)(\w{1,10}?)(?:到|至|去|飞|转到|转)(\w{1,10})")
_HAN_THAN = re.compile(r"(\w{1,8})比(?!较|如|例|赛|特|分|价|重|方|喻|基|利|亚|起)(\w{1,8})")
_HAN_INTO = re.compile(r"(\w{1,8}?)(?:换成|换算成|转换成|转换为|转成|转为|变成|兑换成?|兑|翻译成|译成)(\w{1,8})")


@lru_cache(maxsize=KEPT)
def _pairs(text: str) -> frozenset[tuple[str, str, str]]:
    """(word before, direction, word behind) for each word of direction."""
    seen = read(text)
    found: set[tuple[str, str, str]] = set()
    if not seen.bag.isdisjoint(_DIRECTED):
        words = [word for word in seen.words if word not in _SMALL]
        for at, word in enumerate(words[1:-1], start=1):
            if word in _DIRECTED:
                found.add((words[at - 1], _MARK.get(word, word), words[at + 1]))
                if word == "than" and at > 1:  # tea better than coffee
                    found.add((words[at - 2], "than", words[at + 1]))
        for match in _FROM_TO.finditer(seen.low):
            one, two = match[1].split(), match[2].split()
            found.add((one[-1], "to", two[0]))
            found.add((one[0], "to", two[0]))
    if seen.han:
        for rule, name in ((_HAN_FROM_TO, "to"), (_HAN_THAN, "than"), (_HAN_INTO, "into")):
            found.update((match[1], name, match[2]) for match in rule.finditer(seen.low))
    return frozenset(found)


def directions_agree(asked: str, cached: str) -> str:
    """Veto when what stands before a word of direction in one question stands behind it in the other:
    "km to miles" and "miles to km", "A better than B" and "B better than A", 从北京到上海 and 从上海到北京."""
    here, there = _pairs(asked), _pairs(cached)
    if not here or not there or here == there:
        return ""
    for one, mark, two in here:
        for three, other, four in there:
            if mark == other and one != two and _meets(one, four) and _meets(two, three):
                return f"the other way round: {one!r} {mark} {two!r} asked, {three!r} {mark} {four!r} cached"
    return ""


def _meets(one: str, two: str) -> bool:
    if one == two:
        return True
    if one.isascii() or two.isascii():
        return False
    return len(one) > 1 and len(two) > 1 and (one[:2] == two[:2] or one[-2:] == two[-2:] or one in two or two in one)


def disorder(asked: str, cached: str) -> float:
    """Share of the pairs of common content words that stand in another order, 0..1."""
    here, there = content_words(asked), content_words(cached)
    if here == there:
        return 0.0
    place = {word: at for at, word in enumerate(there[:64])}
    places = [place[word] for word in dict.fromkeys(here[:64]) if word in place]
    pairs = len(places) * (len(places) - 1) // 2
    if not pairs:
        return 0.0
    turned = sum(1 for at, one in enumerate(places) for two in places[at + 1 :] if two < one)
    return turned / pairs
