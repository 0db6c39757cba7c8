"""Guards: cheap rules over two questions, each of which can veto serving one's answer to the other.

A guard is a function ``(asked, cached) -> reason``; an empty reason lets the candidate pass.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import lru_cache

from .wording import IGNORANCE, plain, words_in_place

Guard = Callable[[str, str], str]

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
)
_WORDS = {
    word: str(value)
    for value, word in enumerate(_SMALL.split())
    if word != "one"  # "the one I want": too often not a number
} | {
    "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90",
    "hundred": "100", "thousand": "1000", "million": "1000000", "billion": "1000000000",
    "first": "1st", "second": "2nd", "third": "3rd", "half": "1/2", "twice": "2x", "double": "2x", "triple": "3x",
    "monday": "mon", "tuesday": "tue", "wednesday": "wed", "thursday": "thu", "friday": "fri",
    "saturday": "sat", "sunday": "sun", "january": "jan", "february": "feb", "march": "mar", "april": "apr",
    "june": "jun", "july": "jul", "august": "aug", "september": "sep", "october": "oct", "november": "nov",
    "december": "dec",
}  # fmt: skip
_HAN = str.maketrans("零〇一二两三四五六七八九", "001223456789")
_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_HAN_NUMBER = re.compile(r"[零〇一二两三四五六七八九十百千万亿]+")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?", re.UNICODE)
_DIGIT = re.compile(r"\d")
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


@lru_cache(maxsize=8192)
def numbers_in(text: str) -> Counter[str]:
    """Numbers, ordinals, weekdays and months in ``text``, normalised, with how often each occurs."""
    if text.isascii() and not _DIGIT.search(text):
        return Counter(_WORDS[word] for word in _WORD.findall(text.lower()) if word in _WORDS)
    text = _GROUPED.sub("", unicodedata.normalize("NFKC", text).lower())
    found = Counter(_NUMBER.findall(text))
    for word in _WORD.findall(text):
        if word in _WORDS:
            found[_WORDS[word]] += 1
    for run in _HAN_NUMBER.findall(text):
        found[run.translate(_HAN)] += 1
    return found


def numbers_agree(asked: str, cached: str) -> str:
    """Veto when the two questions do not name the same numbers."""
    return _differ("numbers", numbers_in(asked), numbers_in(cached))


_NEGATIONS = frozenset(
    [
        "not",
        "no",
        "never",
        "without",
        "none",
        "nothing",
        "neither",
        "nor",
        "cannot",
        "cant",
        "dont",
        "doesnt",
        "didnt",
        "wont",
        "isnt",
        "arent",
        "wasnt",
        "werent",
        "shouldnt",
        "wouldnt",
        "couldnt",
        "havent",
        "hasnt",
        "hadnt",
        "unable",
        "except",
        "excluding",
        "unless",
        "stop",
        "avoid",
        "prevent",
        "refuse",
        "disable",
        "deny",
        "block",
        "remove",
        "undo",
        "revert",
        "hardly",
        "barely",
        "non",
        "un",
    ]
)
_HAN_NEGATIONS = ("不", "没", "無", "无", "别", "勿", "非", "未", "禁止", "停止", "取消")
_FILLERS = frozenset(["何不", "不过", "不好意思", "不同", "非常", "无论", "特别", "别人", "差不多", "未来"])


@lru_cache(maxsize=8192)
def negations_in(text: str) -> int:
    """How many negating words ``text`` has."""
    low = IGNORANCE.sub(" ", " ".join(unicodedata.normalize("NFKC", text).lower().replace("’", "'").split()))
    count = 0
    for word in _WORD.findall(low):
        count += word.replace("'", "") in _NEGATIONS or word.endswith("n't")
    if not text.isascii():
        for filler in _FILLERS:
            low = low.replace(filler, "")
        count += sum(low.count(mark) for mark in _HAN_NEGATIONS)
    return count


def negation_agrees(asked: str, cached: str) -> str:
    """Veto when one question is negated and the other is not."""
    if plain(asked) == plain(cached):
        return ""
    here, there = negations_in(asked), negations_in(cached)
    if here % 2 == there % 2:
        return ""
    return f"negation differs: {here} negating words asked, {there} cached"


_SIGN = re.compile(r"[^\w\s.,;:!?'\"()\[\]{}/\\]")
_SPELT = re.compile(r"[\d@_/\\]|[.:]\S")
_CODE = re.compile(r"[^\s,;!?\"'()\[\]{}<>]+")


@lru_cache(maxsize=8192)
def signs_in(text: str) -> Counter[str]:
    """Signs in ``text`` that change what is asked: currency, mathematics, arrows, and operators of code."""
    found: Counter[str] = Counter()
    if not _SIGN.search(text):
        return found
    plain = unicodedata.normalize("NFKC", text)
    for at, sign in enumerate(plain):
        if sign.isalnum() or sign.isspace():
            continue
        before, after = plain[at - 1 : at], plain[at + 1 : at + 2]
        if unicodedata.category(sign) in ("Sc", "Sm", "So") or sign in "%*^&":
            found[sign] += 1
        elif sign == "-" and ((after.isdigit() and not before.isalnum()) or (after in "=>-" and after)):
            found[sign] += 1  # a minus, not a hyphen
        elif sign == "#" and before.isalpha():
            found[sign] += 1  # C#, not #12
    return found


def signs_agree(asked: str, cached: str) -> str:
    """Veto when the two questions do not hold the same signs ($ and €, < and >, += and -=, 5 and -5)."""
    return _differ("signs", signs_in(asked), signs_in(cached))


@lru_cache(maxsize=8192)
def codes_in(text: str) -> Counter[str]:
    """Names that are spelt, not said: addresses, paths, identifiers, letters mixed with digits."""
    found: Counter[str] = Counter()
    if text.isascii() and not _SPELT.search(text):
        return found
    for word in _CODE.findall(unicodedata.normalize("NFKC", text).lower()):
        word = word.strip(".:-#*")
        mixed = any(map(str.isdigit, word)) and any(map(str.isalpha, word))
        if mixed or any(mark in word[1:] for mark in "@_/\\.:"):
            found[word] += 1
    return found


def codes_agree(asked: str, cached: str) -> str:
    """Veto when the two questions do not name the same addresses, paths, identifiers and versions."""
    return _differ("names", codes_in(asked), codes_in(cached))


_PAIRS = """
enable disable|on off|open close|start stop|add remove|add delete|create delete|create cancel|increase decrease
raise lower|buy sell|before after|from to|import export|upload download|lock unlock|show hide|max min
maximum minimum|more less|more fewer|most least|login logout|subscribe unsubscribe|install uninstall|follow unfollow
block unblock|mute unmute|connect disconnect|accept reject|accept decline|allow deny|allow block|upgrade downgrade
send receive|lend borrow|push pull|win lose|always never|all none|all some|any none|first last|old new
taller shorter|bigger smaller|larger smaller|longer shorter|faster slower|higher lower|older younger|heavier lighter
stronger weaker|better worse|cheaper dearer|earlier later|sooner later|nearer farther|fewer more|least greatest
male female|free paid|business personal|personal corporate|private business
men women|boy girl|husband wife|mother father|son daughter|left right|north south|east west|hot cold|high low
big small|large small|long short|early late|earliest latest|best worst|cheap expensive|cheapest expensive
include exclude|with without
pre post|above below|over under|up down|in out|credit debit|deposit withdraw|deposit withdrawal|pass fail
safe dangerous|safe unsafe|legal illegal|possible impossible|good bad|pros cons|advantages disadvantages
benefits drawbacks|benefits risks|like dislike|love hate|positive negative|public private|online offline
inbound outbound|input output|encode decode|encrypt decrypt|compress decompress|merge split|commit revert
activate deactivate|freeze unfreeze|pause resume|join leave|hire fire|arrive depart|arrival departure
change cancel|edit delete|change create|place cancel|check change|track cancel|recover create|recover delete
"""
_OPPOSITES: dict[str, set[str]] = {}
for _pair in _PAIRS.replace("\n", "|").split("|"):
    if _pair.strip():
        _one, _two = _pair.split()
        _OPPOSITES.setdefault(_one, set()).add(_two)
        _OPPOSITES.setdefault(_two, set()).add(_one)


def opposites_agree(asked: str, cached: str) -> str:
    """Veto when a word of one question stands against its opposite in the other (enable / disable)."""
    if plain(asked) == plain(cached):
        return ""
    here = set(_WORD.findall(asked.lower()))
    there = set(_WORD.findall(cached.lower()))
    for word in here - there:
        for other in _OPPOSITES.get(word, ()):
            if other in there and other not in here:
                return f"opposites: {word!r} asked, {other!r} cached"
    return ""


def _differ(what: str, here: Counter[str], there: Counter[str]) -> str:
    if here == there:
        return ""
    return f"{what} differ: {_list(here - there)} asked, {_list(there - here)} cached"


def _list(found: Counter[str]) -> str:
    return ", ".join(sorted(found)) or "none"


CONSERVATIVE: tuple[Guard, ...] = (
    numbers_agree,
    signs_agree,
    codes_agree,
    negation_agrees,
    opposites_agree,
    words_in_place,
)
