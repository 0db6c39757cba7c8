"""Guards on what is spelt, not said: signs of currency, mathematics and code; addresses, paths, identifiers."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from .reading import KEPT
from .units import units_in

_SIGN = re.compile(r"[^\w\s.,;:!?'\"()\[\]{}/\\]")
_MASKED = re.compile(r"\*{2,}|(?<![\w*)])\*|\*(?![\w*(])|&(?=\s)|~+(?!\d)|[<>]{3,}|\^_?\^|-{2,}(?![>=])(?!\w)")
_MONEY = {"$": "dollar", "€": "euro", "£": "sterling", "₹": "rupee", "₩": "won", "₽": "rouble"}
_SPELT = re.compile(r"[\d@_/\\]|[.:]\S|\b[A-Za-z]\+\+|#")
_CODE = re.compile(r"[^\s,;!?\"'()\[\]{}<>\u3000-\u9fff’′]+")
_MEASURED = re.compile(
    r"\d+(?:[.,:/-]\d+)*(?:st|nd|rd|th|am|pm|k|m|kg|g|mg|km|cm|mm|ft|in|lb|lbs|oz|ml|l|mi|h|hr|hrs|min|mins|s|"
    r"sec|ms|mph|w|kw|"
    r"gb|mb|kb|tb|px|rs|yr|yrs|x|bn|mn|usd|eur|rmb|inr|%|°|°c|°f|c|f|year|years|day|days|week|weeks|month|months)"
    r"|(?:rs|usd|us|inr|eur|gbp|rmb)\.?\d+(?:[.,]\d+)*[km]?|\d+(?:-[a-z]+)+|\d+(?:[.:/,-]\d+)+"
)
_HYPHENATED = re.compile(r"[a-z]{3,}-\d+")
_NOT_LETTERS = re.compile(r"[\W_]+")


@lru_cache(maxsize=KEPT)
def signs_in(text: str) -> Counter[str]:
    """Signs in ``text`` that change what is asked: currency, mathematics, arrows, and operators of code."""
    found: Counter[str] = Counter()
    if not _SIGN.search(text):
        return found
    plain = _MASKED.sub(" ", unicodedata.normalize("NFKC", text))
    for at, sign in enumerate(plain):
        if sign.isalnum() or sign.isspace() or sign in ".,'?!":
            continue
        before, after = plain[at - 1 : at], plain[at + 1 : at + 2]
        if unicodedata.category(sign) in ("Sc", "Sm") or sign in "%*^&":
            found[sign] += 1
        elif sign == "-" and ((after.isdigit() and not before.isalnum()) or (after in "=>-" and after)):
            found[sign] += 1  # a minus, not a hyphen
        elif sign == "#" and before.isalpha():
            found[sign] += 1  # C#, not #12
    return found


@lru_cache(maxsize=KEPT)
def _worded(text: str) -> frozenset[str]:
    low = text.lower()
    said = {sign for sign, unit in _MONEY.items() if unit in units_in(text)}
    if "¥" in low or units_in(text) & {"yen", "yuan"}:
        said.add("¥")
    if "percent" in low or "per cent" in low or "百分之" in low or "pct" in low:
        said.add("%")
    if " and " in low:
        said.add("&")
    if "plus" in low:
        said.add("+")
    return frozenset(said)


def signs_agree(asked: str, cached: str) -> str:
    """Veto when the two questions do not hold the same signs ($ and €, < and >, += and -=, 5 and -5).

    A sign may be said in words instead: "5 dollars" holds a $, "20 percent" a %.
    """
    here, there = signs_in(asked), signs_in(cached)
    if here == there:
        return ""
    only_here = {sign for sign in here if here[sign] > there[sign] and not (sign in _SAID and sign in _worded(cached))}
    only_there = {sign for sign in there if there[sign] > here[sign] and not (sign in _SAID and sign in _worded(asked))}
    only_here = {sign for sign in only_here if sign not in _SAID or not there[sign]}
    only_there = {sign for sign in only_there if sign not in _SAID or not here[sign]}
    if not only_here and not only_there:
        return ""
    return f"signs differ: {_list(only_here)} asked, {_list(only_there)} cached"


_SAID = frozenset({*_MONEY, "¥", "%", "&"})


@lru_cache(maxsize=KEPT)
def codes_in(text: str) -> Counter[str]:
    """Names that are spelt, not said: addresses, paths, identifiers, versions, letters mixed with digits.

    A number with its unit ("5kg", "10th", "3pm") and a date are none.
    """
    found: Counter[str] = Counter()
    if text.isascii() and not _SPELT.search(text):
        return found
    for word in _CODE.findall(unicodedata.normalize("NFKC", text).lower()):
        word = word.strip(".:-#*…/\\~、")
        if not word or _MEASURED.fullmatch(word):
            continue
        mixed = any(map(str.isdigit, word)) and any(map(str.isalpha, word))
        if mixed or any(mark in word[1:] for mark in "@_\\:") or _path(word):
            found[word] += 1
    return found


_ENDINGS = frozenset(
    "com org net io gov edu co uk de fr cn in ai dev app info py js ts jsx tsx java cpp hpp cs go rs rb php sh "
    "bat md txt "
    "csv json xml yml yaml toml ini cfg pdf exe dll zip tar gz html htm css sql jpg jpeg png gif svg mp3 mp4 "
    "doc docx xls "
    "xlsx ppt pptx ipynb".split()
)


def _path(word: str) -> bool:
    """Whether dots and slashes join a name: src/a.py, example.com; not "and/or", "e.g", "end.Next"."""
    if "/" in word:
        return word.count("/") > 1 or any("." in part for part in word.split("/"))
    stem, dot, ending = word.rpartition(".")
    return bool(stem and dot) and ending in _ENDINGS


def codes_agree(asked: str, cached: str) -> str:
    """Veto when the two questions do not name the same addresses, paths, identifiers and versions.

    Hyphens and spaces do not count: "covid 19" and "covid-19", "iPhone7" and "iPhone 7" are one.
    """
    here, there = codes_in(asked), codes_in(cached)
    if here.keys() == there.keys():
        return ""
    squashed_here, squashed_there = _squashed(asked), _squashed(cached)
    only_here = {word for word in here if word not in there and not _held(word, squashed_there)}
    only_there = {word for word in there if word not in here and not _held(word, squashed_here)}
    if not only_here and not only_there:
        return ""
    if not (only_here and only_there) and all(map(_HYPHENATED.fullmatch, only_here or only_there)):
        return ""  # "covid-19" and "corona": the other text uses another name, or none
    return f"names differ: {_list(only_here)} asked, {_list(only_there)} cached"


def _held(word: str, squashed: str) -> bool:
    return not any(mark in word for mark in "@_\\:") and _NOT_LETTERS.sub("", word) in squashed


@lru_cache(maxsize=KEPT)
def _squashed(text: str) -> str:
    return _NOT_LETTERS.sub("", unicodedata.normalize("NFKC", text).lower())


def _list(found: set[str]) -> str:
    return ", ".join(sorted(found)) or "none"
