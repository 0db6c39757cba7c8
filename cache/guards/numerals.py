"""Numbers written in words, digits or Chinese numerals, as exact values.

"two hundred and five", "205" and "两百零五" are one number; so are "a dozen" and "12", "20%" and "one fifth",
"1.5 million" and "150万". What often is no number ("one", "first", 一) is told apart as *weak*.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

_SMALL = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
} | {"fourty": 40}
_SCALES = {
    "dozen": 12, "dozens": 12, "hundred": 100, "hundreds": 100, "thousand": 1000, "thousands": 1000,
    "lakh": 10**5, "lakhs": 10**5,
    "million": 10**6, "millions": 10**6, "crore": 10**7, "crores": 10**7, "billion": 10**9, "billions": 10**9,
    "trillion": 10**12, "trillions": 10**12, "bn": 10**9, "mn": 10**6,
}  # fmt: skip
_ORDINALS = {
    word: value
    for value, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
        "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth".split(),
        start=1,
    )
} | {"thirtieth": 30, "fiftieth": 50, "hundredth": 100}
_PARTS = {
    "half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4,
    "fifth": 5, "fifths": 5, "sixth": 6, "sixths": 6, "seventh": 7, "sevenths": 7, "eighth": 8, "eighths": 8,
    "tenth": 10, "tenths": 10,
}  # fmt: skip
_TIMES = {"twice": 2, "double": 2, "doubled": 2, "doubles": 2, "doubling": 2, "thrice": 3, "triple": 3, "tripled": 3,
          "triples": 3, "quadruple": 4}  # fmt: skip
_WEAK = {"once": 1, "single": 1, "couple": 2, "pair": 2, "pairs": 2, "both": 2}
NUMBER_WORDS = frozenset({*_SMALL, *_TENS, *_SCALES, *_ORDINALS, *_PARTS, *_TIMES, *_WEAK})
"""English words of which a number may be made."""

_HAN_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2, "仨": 3}
_HAN_TENS = {"十": 10, "百": 100, "千": 1000}
_HAN_SCALES = {"万": 10**4, "亿": 10**8}
_HAN_CHARS = "零〇一二两俩仨三四五六七八九十百千万亿"
_MEASURES = (
    "个只条张本天年月日号周点分秒次岁元块毛角米斤克吨度人位名家台部集季章层楼级届期代版页寸倍折件辆匹双对套种句首篇"
    "课路瓶杯碗盒箱包袋支枝把颗棵升里门场局关款间座平亩寸项步"
)
_HAN_MEASURES = ("小时", "星期", "公里", "公斤", "分钟", "厘米", "毫米", "毫升", "英里", "英尺", "英寸", "美元", "欧元")
_NOT_NUMBERS = re.compile(
    "一[样下起直些定般种点切会边共旦向律致生半面方次块时]|[唯统万专之第]一|[某每哪这那同另任]一|不一|百[度科合姓货叶家]|千[万米瓦里]|"
    "万[能科达圣岁全里事]|三[国星亚峡]|四[川季]|六安|九[江寨]|十[分足]|五官|七[夕喜]|八[卦哥]|亿万|老[大二三四五]|小[三二]|两者|双十一|"
    "四大名著|五一|十一黄金|乱七八糟|三心二意|一心一意|三生三世|丢三落四|千千万万|十二[生星]|二[维手]|二次元"
)

_ABOUT = re.compile("一两|两三|三四|三五|四五|五六|六七|七八|八九")
_TOKEN = re.compile(
    r"(?P<ordinal>\d+(?:st|nd|rd|th)\b)|(?P<digits>\d+(?:\.\d+)*)|(?P<word>[a-z]+)|(?P<han>[" + _HAN_CHARS + r"]+)|"
    r"(?P<sign>[%/+-])|(?P<space>\s+)|(?P<other>.)",
    re.DOTALL,
)
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_AN = frozenset(
    "hour day week month year minute second mile cup pound dollar gallon km kg litre liter meter metre decade century "
    "night evening morning person piece time lakh thousand million hundred".split()
)
_RANKED = frozenset("top best greatest worst biggest largest coolest favorite favourite".split())
_PART = re.compile(r"\d{1,9}(?:\.\d{1,9})?|[" + _HAN_CHARS + "]{1,9}")
_HIGHEST = 10**30
_LONGEST = 30
"""Digits beyond which a number is compared as written."""
_NOT_ONE = frozenset("no any some every which each another the this that only or".split())


class Found(NamedTuple):
    """One number found.

    Attributes:
        key: Canonical spelling of the value ("205", "0.2", "1/3"), or as written where that matters ("1.2.3").
        weak: Often not meant as a number; alone it parts no questions.
        start, end: Where it stands in the text scanned.
        attached: Part of a name ("covid-19", "i7"), which the other text may leave out.
    """

    key: str
    weak: bool
    start: int
    end: int
    attached: bool = False


def canonical(value: Fraction) -> str:
    """A value's one spelling: integer, finite decimal, or fraction."""
    if value.denominator == 1:
        return str(value.numerator)
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    places = 0
    while value.denominator != 1:
        value, places = value * 10, places + 1
    digits = str(value.numerator).zfill(places + 1)
    return f"{digits[:-places]}.{digits[-places:]}"


def han_value(run: str) -> int | None:
    """Value of a run of Chinese numerals: 一百零五 is 105, 一千五 1500, 二〇一九 2019; None when it is none."""
    if not run or any(sign not in _HAN_CHARS for sign in run):
        return None
    if not any(sign in _HAN_TENS or sign in _HAN_SCALES for sign in run):
        return int("".join(str(_HAN_DIGITS[sign]) for sign in run))
    total = section = digit = 0
    last = 1  # the rank a trailing bare digit is one below of: 两百五 is 250
    zero = False
    seen = False
    for sign in run:
        if sign in _HAN_SCALES:
            section += digit
            total = (total + section) * _HAN_SCALES[sign] if sign == "亿" else total + section * _HAN_SCALES[sign]
            if not seen:
                return None
            section = digit = 0
            last, zero = _HAN_SCALES[sign], False
        elif sign in _HAN_TENS:
            section += (digit if seen and digit else 1) * _HAN_TENS[sign]
            digit, last, zero, seen = 0, _HAN_TENS[sign], False, True
        elif sign in "零〇":
            zero = True
        else:
            digit, seen = _HAN_DIGITS[sign], True
    if digit and not zero and last > 10:
        digit *= last // 10
    return total + section + digit


def numbers(low: str) -> list[Found]:
    """All numbers of a text in lower case (NFKC), in order."""
    low = _GROUPED.sub("", low)
    tokens = [match for match in _TOKEN.finditer(low) if match.lastgroup != "space"]
    hidden = [match.span() for match in _NOT_NUMBERS.finditer(low)] if not low.isascii() else []
    found: list[Found] = []
    at = 0
    while at < len(tokens):
        kind = tokens[at].lastgroup
        if kind == "han":
            one, at = _han(low, tokens, at, hidden)
        elif kind in ("digits", "ordinal") or (kind == "word" and tokens[at].group() in NUMBER_WORDS):
            one, at = _western(low, tokens, at)
        else:
            one, at = None, at + 1
        if one is not None:
            found.append(one)
    return found


def numbers_written(low: str) -> list[tuple[Found, int, int]]:
    """As :func:`numbers`, each with where it stands in ``low`` itself, thousands separators and all."""
    kept = [at for at in range(len(low)) if not _GROUPED.match(low, at)]
    return [(one, kept[one.start], kept[one.end - 1] + 1) for one in numbers(low)]


def _natural(said: str) -> bool:
    return said.isdigit() and len(said) <= _LONGEST and int(said) > 0


def _part(said: str) -> bool:
    return _natural(said) and int(said) <= 100  # 2016/17 and 500/1000 are two numbers


def _word(tokens: list[re.Match[str]], at: int) -> str:
    return tokens[at].group() if 0 <= at < len(tokens) else ""


def _han(low: str, tokens: list[re.Match[str]], at: int, hidden: list[tuple[int, int]]) -> tuple[Found | None, int]:
    match = tokens[at]
    start, end = match.span()
    run = match.group()
    if any(first < end and start < last for first, last in hidden) or low[start - 1 : start] in ("几", "数"):
        return None, at + 1
    if len(run) > _LONGEST:
        return Found(run, False, start, end), at + 1
    if _ABOUT.fullmatch(run):
        return None, at + 1
    if low.startswith("分之", end) and at + 3 < len(tokens):  # 三分之一, 百分之二十
        below = 100 if run == "百" else han_value(run)
        after = _PART.match(low, end + 2)
        above: Fraction | int | None = None
        if after and len(run) < 9:
            above = Fraction(after.group()) if after.group()[0].isdigit() else han_value(after.group())
        if after and above is not None and below:
            while at < len(tokens) and tokens[at].start() < after.end():
                at += 1
            return Found(canonical(Fraction(above) / below), False, start, after.end()), at
    value = han_value(run)
    if value is None:
        return None, at + 1
    measured = low[end : end + 1] in _MEASURES if low[end : end + 1] else False
    measured = measured or low.startswith(_HAN_MEASURES, end)
    ordinal = low[start - 1 : start] == "第"
    weak = value <= 1 or not (measured or ordinal or len(run) > 1) or low[end : end + 1] in ("多", "来", "几")
    return Found(str(value), weak, start, end), at + 1


def _western(low: str, tokens: list[re.Match[str]], at: int) -> tuple[Found | None, int]:
    first = at
    start = tokens[at].start()
    total = Fraction(0)
    current: Fraction | None = None
    word = False
    raw = ""
    while at < len(tokens):
        kind, said = tokens[at].lastgroup, tokens[at].group()
        if kind == "digits":
            if current is not None or total:
                break
            raw = said
            if said.count(".") > 1 or len(said) > _LONGEST or (said[0] == "0" and said.isdigit() and len(said) > 1):
                end = tokens[at].end()
                return Found(said, False, start, end, _attached(low, start)), at + 1
            current = Fraction(said)
        elif kind == "ordinal":
            if current is None and not total:
                return Found(said[:-2].lstrip("0") or "0", False, start, tokens[at].end()), at + 1
            break
        elif kind == "sign":
            following = _word(tokens, at + 1)
            joined = said == "-" and tokens[at].start() == tokens[at - 1].end()
            if not joined or not (
                (word and following in _SMALL) or following in _SCALES or _twenty(current, following)
            ):
                break
        elif (
            kind == "han" and said[0] in "百千万亿" and len(said) < 4 and current is not None and not word
        ):  # 3万, 1.5亿
            for sign in said:
                current *= _HAN_TENS.get(sign) or _HAN_SCALES.get(sign) or 1
            return Found(canonical(current), False, start, tokens[at].end()), at + 1
        elif kind != "word":
            break
        elif said in _SMALL:
            small = _SMALL[said]
            if current is None:
                current = Fraction(small)
            elif word and (
                (current % 100 == 0 and current >= 100) or (current % 10 == 0 and current >= 20 and 0 < small < 10)
            ):
                current += small
            else:
                break
            word = True
        elif said in _TENS:
            tens = _TENS[said]
            if current is None:
                current = Fraction(tens)
            elif word and current >= 100 and current % 100 == 0:
                current += tens
            elif word and 10 < current < 21:  # nineteen eighty
                current = current * 100 + tens
            else:
                break
            word = True
        elif said in _SCALES:
            if total + (current or 0) > _HIGHEST:
                break
            if current is None and total:
                total *= _SCALES[said]
            elif current is None and said.endswith("s"):
                return None, at + 1  # "hundreds of": no number
            elif said in ("hundred", "hundreds"):
                current = (Fraction(1) if current is None else current) * 100
            else:
                total, current = total + (Fraction(1) if current is None else current) * _SCALES[said], None
            word = True
        elif said == "and" and (total or (current or 0) >= 100) and _word(tokens, at + 1) in {*_SMALL, *_TENS}:
            pass
        else:
            break
        at += 1
    if current is None and not total:
        return _said(low, tokens, first)
    return _rest(low, tokens, (first, at), total + (current or 0), "" if word else raw)


def _rest(
    low: str, tokens: list[re.Match[str]], span: tuple[int, int], value: Fraction, raw: str
) -> tuple[Found, int] | tuple[None, int]:
    """What follows a number and changes it: a fraction, a percent sign; ``raw`` is empty for number words."""
    first, at = span
    start, end = tokens[first].start(), tokens[at - 1].end()
    following = _word(tokens, at)
    word, weak = not raw, False
    attached = not word and _attached(low, start)
    touching = at < len(tokens) and tokens[at].start() == end
    if following == "/" and touching and value <= 100 and _part(_word(tokens, at + 1)):
        below = Fraction(_word(tokens, at + 1))
        return Found(canonical(value / below), False, start, tokens[at + 1].end()), at + 2
    if not word and value.denominator == 1 and _word(tokens, at + 1) == "/" and _natural(following) and value < 1000:
        below_word = _word(tokens, at + 2)  # 1 1/2
        if _natural(below_word) and int(following) < int(below_word):
            value += Fraction(int(following), int(below_word))
            return Found(canonical(value), False, start, tokens[at + 2].end()), at + 3
    if following == "-" and _word(tokens, at + 1) in _PARTS and value < 20:
        at, following = at + 1, _word(tokens, at + 1)
    if following in _PARTS and (following.endswith("s") or value == 1) and following != "seconds" and value < 20:
        return Found(canonical(value / _PARTS[following]), False, start, tokens[at].end()), at + 1
    if following in _ORDINALS and word and value >= 20 and value % 10 == 0:
        return Found(canonical(value + _ORDINALS[following]), False, start, tokens[at].end()), at + 1
    if following == "and" and _word(tokens, at + 1) in ("a", "half"):
        part = _word(tokens, at + 2) if _word(tokens, at + 1) == "a" else "half"
        if part in ("half", "quarter", "third"):
            at += 3 if _word(tokens, at + 1) == "a" else 2
            return Found(canonical(value + Fraction(1, _PARTS[part])), False, start, tokens[at - 1].end()), at
    if following == "%" or following in ("percent", "pct") or (following == "per" and _word(tokens, at + 1) == "cent"):
        step = 2 if following == "per" else 1
        return Found(canonical(value / 100), False, start, tokens[at + step - 1].end()), at + step
    if following == "k" and touching and not word:
        return Found(canonical(value * 1000), False, start, tokens[at].end()), at + 1
    if word and value == 1:  # one
        before = _word(tokens, first - 1)
        if before in _NOT_ONE or following in ("of", "another", "'") or not following:
            return None, at
        weak = True
    if raw.endswith("0") and "." in raw and not (low[start - 1 : start] in "$€£¥₹" and start):
        return Found(raw, False, start, end, attached), at  # version 3.10 is not version 3.1
    if (value == 1 and following in _AN) or _listed(tokens, first, following):
        weak = True  # "1 hour" is "an hour"; "the top 10 ..." are the best
    return Found(canonical(value), weak, start, end, attached), at


def _listed(tokens: list[re.Match[str]], first: int, following: str) -> bool:
    return following in _RANKED or _word(tokens, first - 1) in _RANKED


def _twenty(current: Fraction | None, following: str) -> bool:
    return current is not None and current >= 20 and following in _ORDINALS


def _said(low: str, tokens: list[re.Match[str]], at: int) -> tuple[Found | None, int]:
    """A number that is one word: an ordinal, a part, a multiple."""
    said = tokens[at].group()
    start, end = tokens[at].span()
    before, following = _word(tokens, at - 1), _word(tokens, at + 1)
    if said in ("half", "quarter") or (before in ("a", "an", "one") and said in _PARTS and following == "of"):
        if said == "half" and following == "a" and _word(tokens, at + 2) in _SCALES:
            value = Fraction(_SCALES[_word(tokens, at + 2)], 2)
            return Found(canonical(value), False, start, tokens[at + 2].end()), at + 3
        return Found(canonical(Fraction(1, _PARTS[said])), said == "quarter", start, end), at + 1
    if said in _ORDINALS:
        unit = said == "second" and before in ("a", "per", "each", "every")
        return (None if unit else Found(str(_ORDINALS[said]), said in ("first", "second"), start, end)), at + 1
    if said in _TIMES:
        return Found(str(_TIMES[said]), False, start, end), at + 1
    if said in _WEAK:
        return Found(str(_WEAK[said]), True, start, end), at + 1
    return None, at + 1


def _attached(low: str, start: int) -> bool:
    before = low[max(0, start - 2) : start]
    if not before.isascii():
        before = before[-1:]
    return before[-1:].isascii() and (before[-1:].isalpha() or (before[:1].isalpha() and before[1:] in ("-", "_")))
