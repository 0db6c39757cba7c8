"""Guard on negation: one question is negated and the other is not."""

from __future__ import annotations

import re
from functools import lru_cache

from ..wording import IGNORANCE, content_words, plain
from .reading import KEPT, read

_AUXILIARIES = (
    "ai are ca could did do does had has have is might must need ought sha should was were wo would dare may"
).split()
_CONTRACTED = frozenset(
    {f"{verb}n't" for verb in _AUXILIARIES}
    | {f"{verb}nt" for verb in _AUXILIARIES if verb not in ("wo", "ca", "sha", "may")}
    | {"cant", "wont", "shant", "cannot"}
)
_NEGATIONS = _CONTRACTED | frozenset(
    "not no never without none nothing nobody nowhere neither nor unable except excluding unless hardly barely "
    "scarcely "
    "rarely seldom lack lacks lacking lacked fail fails failed failing failure refuse refuses refused refusing minus "
    "w/o nope absent absence sans".split()
)
_HARMLESS = re.compile(
    r"\bno (?:doubt|problem|worries|matter|wonder|need to (?:say|mention))\b|\bno\. ?\d+|\bno ?\d+\b"
    r"|\b(?:why )?(?:or|and|if|but) (?:why )?not\b(?=[\s,]*(?:[?.!]|$|why\b|how\b|what\b))|\bif not\b[^?.!]*"
    r"|\bor (?:is|are|was|were|do|does|did|can|could|should|would|will|has|have|wo|ca)(?:n't| not)\b[^?.!,]*"
    r"|\bwhether or not\b|\bor not\b|\bnot (?:only|just|merely|to mention|the least)\b|\blast but not least\b"
    r"|\bmore often than not\b|\bnothing but\b|\bcan(?:'?t|not) (?:help|wait)\b|\bno sooner\b"
    r"|\b(?:is|are|do|does|did|was|were|has|have|wo|ca|should|would|could)n't (?:it|they|he|she|you|we|i|"
    r"that)\b\s*[?]?$"
    r"|\bwhy (?:do|would|should|could|must|ca|wo)n't (?:we|you|i) (?:just |simply )?(?:try|use|consider)\b"
    # a slip of the tongue taken back: "... no sorry, ...", "or no, I meant"
    r"|\b(?:um+|uh+|er+|oh|or|oops|well|hm+)?[ ,]{0,3}\bno(?:[ ,.-]+(?:no|sorry|wait|rather|actually|instead|"
    r"make that|make it|scratch that|"
    r"i mean(?:t)?|i meant to say|excuse me|pardon|what i meant|hang on|hold on))+\b|\b(?:that's|that is|"
    r"this is) not (?:right|it|what i meant?)\b"
    r"|\b(?:or|um+|uh+|er+|oh|oops) no\b|\bno (?:what|who|when|where|why|how|which|in what|is|are|did|does|do|"
    r"was|were) "
    r"|\bno not that\b|\bwait no\b"
)
_IGNORANCE = re.compile(r"\b(?:i|we) (?:do not|don'?t) (?:really |even |exactly )?know\b")
_LEADING = re.compile(
    r"(?:^|[?.!] ?)(?:but |and |so |then )?(?:is|are|was|were|do|does|did|has|have|had|could|should|"
    r"would)n'?t (?=[^?.!]*[?])"
)
"""A yes-no question asked from its negative side ("isn't it dangerous") asks the same."""

_HAN_HARMLESS = re.compile(
    "不好意思|不过|不同|不仅|不但|不只|不光|不止|不断|不管(?!用)|不论|无论|不如|不错|不少|不久|不由|不客气|"
    "不妨|不愧|不禁|不一会|不得了|"
    "了不起|对不起|差不多|只不过|舍不得|恨不得|巴不得|说不定|要不然|不然|(?<!为)何不|不一样|"
    "不知道|不晓得|不清楚|不是(?=[^，。,?？!！]*吗)|不(?:知|晓得|清楚|懂|明白|会|太懂|太会)(?:怎么|如何|怎样)|"
    "无聊|无线|无敌|无限|无锡|无人机|无所谓|无极|无双|无名|无间|无忧|无比|无语|无数|无意中|非常|非洲|非得|除非|"
    "非要|莫非|无非|是非|非诚勿扰|"
    "未来|未婚妻|未婚夫|未央|未必|别人|特别|别墅|区别|分别|性别|级别|类别|识别|告别|离别|个别|鉴别|别的|别名|"
    "别克|别针|送别|辨别|差别|别致|"
    "尿不湿|(?:先)?(?:不要|不用|别)(?:着急|担心)|不着急|别急|没关系|没事|没错|淹没|沉没|没收|埋没|出没|没落|"
    "没准|没想到|莫名|不锈钢|不倒翁|不夜城|不思议|不见不散|不动产|不二|不老|不朽|"
    "有没有?|有木有|是否|能否|可否|会否|与否|有无|吃不吃|失败是成功"
)
_A_NOT_A = re.compile(r"([\u4e00-\u9fff])[不没]\1|([\u4e00-\u9fff])([\u4e00-\u9fff])[不没]\2\3")
_FINAL = re.compile(r"(?:没有|[不没])(?:呢|啊|呀|哦|的)?(?=[\s?？。,，!！、.~]*$|[?？])")
"""不 or 没 at the end of a question only asks: 好了没, 能用不."""
_HAN_NEGATIONS = re.compile(
    "不得不|没有?不|无法|没有|没|不|無|无|勿|未|别(?=[\u4e00-\u9fff])|(?<![并莫])非(?=[\u4e00-\u9fff])|失败|"
    "拒绝|缺少|缺乏|禁止|除了"
)
_DOUBLE = ("不得不", "没不", "没有不")


@lru_cache(maxsize=KEPT)
def negations_in(text: str) -> int:
    """How many negating words ``text`` has."""
    seen = read(text)
    count = 0
    if not seen.bag.isdisjoint(_NEGATIONS):
        low = _LEADING.sub(" ", _HARMLESS.sub(" ", _IGNORANCE.sub(" ", IGNORANCE.sub(" ", seen.low))))
        count = sum(word in _NEGATIONS for word in read(low).words)
    if seen.han and _HAN_NEGATIONS.search(seen.low):
        low = _FINAL.sub("", _A_NOT_A.sub("", _HAN_HARMLESS.sub(" ", seen.low)))
        count += sum(2 if said in _DOUBLE else 1 for said in _HAN_NEGATIONS.findall(low))
    return count


_INABILITY = re.compile(
    r"(?:^|[.,;!] ?)(?:(?:hi|hello|hey|please|sorry|but|and|so) )*(?:i|we) "
    r"(?:can'?t|cannot|can not|could not|couldn'?t|am not able to|am unable to|was unable to) (?:seem to )?"
)
_REQUEST = re.compile(
    r"\b(?:how|help\w*|assist\w*|want\w*|need\w*|try\w*|would like|i'd like|i have (?:got )?to|i have a problem|where|"
    r"(?:can|could) (?:i|we|you)|show me|tell me)\b"
)


@lru_cache(maxsize=KEPT)
def _complains(text: str) -> bool:
    return bool(_INABILITY.search(read(text).low))


@lru_cache(maxsize=KEPT)
def _requests(text: str) -> bool:
    return bool(_REQUEST.search(read(text).low))


def negation_agrees(asked: str, cached: str) -> str:
    """Veto when one question is negated and the other is not.

    Two negations affirm. "Isn't it ...", "why or why not", "I don't know how", 能不能 and 好了没 negate nothing;
    neither does "I can't find my bill" against a request for it ("help me find my bill").
    """
    if plain(asked) == plain(cached):
        return ""
    here, there = negations_in(asked), negations_in(cached)
    if here % 2 == there % 2:
        return ""
    for one, other in ((asked, cached), (cached, asked)):
        if _complains(one) and not _complains(other) and _requests(other):
            return ""
    return f"negation differs: {here} negating words asked, {there} cached"


_CEASING = frozenset(
    "stop quit avoid prevent cease remove delete cancel block undo revert revoke refrain eliminate ignore skip "
    "rid".split()
)
_CEASING_STEMS = frozenset(stem for word in _CEASING for stem in content_words(word))


def ceasing_agrees(asked: str, cached: str) -> str:
    """Veto when all that one question has more is a word of ceasing ("stop smoking" and "smoking")."""
    here, there = frozenset(content_words(asked)), frozenset(content_words(cached))
    more = here ^ there
    if not more or not (here < there or there < here) or not more <= _CEASING_STEMS or not here or not there:
        return ""
    return f"one question is about ending it: {', '.join(sorted(more))} only {'asked' if here > there else 'cached'}"
