"""Dates and times of day: "3 pm" is "15:00" is 下午三点, "May 3" is "3rd of May" is 5月3日."""

from __future__ import annotations

import re
from typing import NamedTuple

from .numerals import han_value

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul",
            "august aug", "september sept sep", "october oct", "november nov", "december dec",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_SURE_MONTHS = frozenset(name for name in _MONTHS if len(name) > 3 and name not in ("march",))
_WEEKDAYS = {
    form: number
    for number, name in enumerate("monday tuesday wednesday thursday friday saturday sunday".split(), start=1)
    for form in (name, name + "s")
}
_HAN_WEEKDAYS = {sign: number for number, sign in enumerate("一二三四五六日", start=1)} | {"天": 7}
_NUM = r"(?:\d{1,2}|[一二两三四五六七八九十]{1,3})"

_CLOCK = re.compile(
    r"(?<![\d.:])(?P<hour>\d{1,2})(?:[:.h](?P<minute>[0-5]\d))?(?::[0-5]\d)?\s?(?P<half>[ap])\.?\s?m\b\.?"
    r"|(?<![\d.:])(?<!ratio )(?<!ratio of )(?P<hour24>[01]?\d|2[0-4]):(?P<minute24>[0-5]\d)(?::[0-5]\d)?(?![\d:])"
    r"|(?P<said>\b(?:\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve))"
    r"\s?(?:o'?clock(?P<part>(?: in the (?:morning|afternoon|evening)| at night)?)|(?P<saidhalf>[ap])\.?m\b\.?)"
    r"|\b(?P<noon>noon|midday|midnight)\b"
)
_PAST = re.compile(
    r"\b(?P<part>half|(?:a )?quarter) (?P<side>past|after|to) "
    r"(?P<hour>\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b(?: ?(?P<half>[ap])\.?m\b\.?)?"
)
_HAN_CLOCK = re.compile(
    rf"(?P<part>上午|早上|早晨|凌晨|清晨|中午|下午|午后|傍晚|晚上|夜里|夜间|半夜|晚)?(?P<hour>{_NUM})[点點时](?!间|候|代|子|建|数|评|击|赞|东|儿)"
    rf"(?P<minute>半|一刻|三刻|{_NUM}分?)?(?P<sharp>钟|整)?"
)
_ISO = re.compile(r"(?<!\d)(?P<year>[12]\d{3})[-/.](?P<month>0?[1-9]|1[0-2])[-/.](?P<day>0?[1-9]|[12]\d|3[01])(?!\d)")
_SLASHED = re.compile(
    r"(?<![\d/.])(?P<one>\d{1,2})(?P<mark>[-/.])(?P<two>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})(?![\d/.])"
)
_MONTH_NAME = "|".join(sorted(_MONTHS, key=len, reverse=True))
_NAMED = re.compile(
    rf"\b(?P<month>{_MONTH_NAME})\b\.?(?=,? ?(?:the )?\d)|(?<=\d )(?P<after>{_MONTH_NAME})\b"
    rf"|(?<=\d(?:st|nd|rd|th) )(?P<ordinal>{_MONTH_NAME})\b|(?<=\d(?:st|nd|rd|th) of )(?P<of>{_MONTH_NAME})\b"
    rf"|\b(?:in|of|since|until|till|by|during|last|next|this|early|late|mid|from|to|and) (?P<in>{_MONTH_NAME})\b"
    r"(?! (?:i|we|you|be|not))"
)
_HAN_DATE = re.compile(
    rf"(?P<month>{_NUM})月(?!球|亮|饼)份?|(?:周(?!天)|星期|礼拜)(?P<weekday>[一二三四五六日天])(?!年|岁|期)"
)
_HAN_YEAR = re.compile(r"(?P<year>[零〇一二三四五六七八九]{4})年")
_MORNING, _EVENING = ("上午", "早上", "早晨", "凌晨", "清晨"), ("下午", "午后", "傍晚", "晚上", "夜里", "夜间", "晚")
_HINT = re.compile(
    r"\d|[点點时月周星礼]|o'?clock|noon|mid(?:day|night)|(?:half|quarter) (?:past|after|to)|\b[ap]\.?m\b"
)


class Dated(NamedTuple):
    """Times and dates of a text.

    Attributes:
        keys: "15:00", "month 5", "weekday 1"; days and years are left to the numbers.
        either: Numeric dates whose order nobody can know: (5, 3) for 5/3/2020.
        rest: The text without what was found (days and years stay in it).
    """

    keys: tuple[str, ...]
    either: tuple[tuple[int, int], ...]
    rest: str


def _number(said: str) -> int:
    if said.isdigit():
        return int(said)
    english = "one two three four five six seven eight nine ten eleven twelve".split()
    return english.index(said) + 1 if said in english else han_value(said) or 0


def _hour(hour: int, evening: bool | None) -> int:
    if evening is None:
        return hour % 24
    return hour % 12 + (12 if evening else 0) if hour <= 12 else hour % 24


def dated(low: str) -> Dated:
    """Find times and dates in a text in lower case (NFKC)."""
    keys: list[str] = []
    either: list[tuple[int, int]] = []
    for word in re.findall(r"[a-z]+day\w?", low):
        if word in _WEEKDAYS:
            keys.append(f"weekday {_WEEKDAYS[word]}")
    if (
        not _HINT.search(low)
        and not any(month in low for month in _SURE_MONTHS)
        and "mar" not in low
        and "may" not in low
    ):
        return Dated(tuple(keys), (), low)

    def clock(match: re.Match[str]) -> str:
        had = match.groupdict()
        if had["noon"]:
            keys.append("0:00" if had["noon"] == "midnight" else "12:00")
            return " "
        hour = _number(had["hour"] or had["hour24"] or had["said"])
        half = had["half"] or had["saidhalf"]
        if hour > 24 or (half and not 0 < hour < 13):
            return match.group()
        evening = half == "p" if half else None
        if had["part"]:
            evening = had["part"] not in (" in the morning",)
        keys.append(f"{_hour(hour, evening)}:{had['minute'] or had['minute24'] or '00'}")
        return " "

    def past(match: re.Match[str]) -> str:
        hour, half = _number(match["hour"]), match["half"]
        if not 0 < hour < 13 or (match["part"] == "half" and match["side"] == "to"):
            return match.group()
        hour = _hour(hour, half == "p" if half else None) - (match["side"] == "to")
        minute = 30 if match["part"] == "half" else 45 if match["side"] == "to" else 15
        keys.append(f"{hour % 24}:{minute}")
        return " "

    def han_clock(match: re.Match[str]) -> str:
        part, said, minute = match["part"], match["hour"], match["minute"]
        hour = _number(said)
        if hour > 24 or (said in ("一", "1") and not (part or minute or match["sharp"])):
            return match.group()  # 一点 is "a bit" too
        evening = None if not part else part not in _MORNING
        if part in ("中午", "半夜"):
            evening = (hour >= 11) == (part == "中午") if hour != 12 else part == "中午"
            evening = True if part == "中午" and hour < 4 else evening
        minutes = {"半": 30, "一刻": 15, "三刻": 45}.get(minute or "", -1)
        if minutes < 0:
            minutes = _number(minute.rstrip("分")) if minute else 0
        keys.append(f"{_hour(hour, evening)}:{minutes:02d}")
        return " "

    def slashed(match: re.Match[str]) -> str:
        one, two, year = int(match["one"]), int(match["two"]), match["year"]
        if not (0 < one <= 31 and 0 < two <= 31) or (one > 12 and two > 12) or (match["mark"] == "." and len(year) < 4):
            return match.group()
        if len(year) == 2:
            year = ("20" if int(year) < 50 else "19") + year
        if one > 12 or two > 12 or one == two:
            month, day = (two, one) if one > 12 else (one, two)
            keys.append(f"month {month}")
            return f" {year} {day} "
        either.append((one, two))
        return f" {year} "

    def iso(match: re.Match[str]) -> str:
        keys.append(f"month {int(match['month'])}")
        return f" {match['year']} {int(match['day'])} "

    def named(match: re.Match[str]) -> str:
        keys.append(f"month {_MONTHS[next(name for name in match.groups() if name)]}")
        return " " if match["in"] is None else match.group().rsplit(" ", 1)[0] + " "

    def han_date(match: re.Match[str]) -> str:
        if match["weekday"]:
            keys.append(f"weekday {_HAN_WEEKDAYS[match['weekday']]}")
            return " "
        if not 0 < _number(match["month"]) < 13:
            return match.group()
        keys.append(f"month {_number(match['month'])}")
        return " "

    low = _ISO.sub(iso, low)
    low = _SLASHED.sub(slashed, low)
    low = _PAST.sub(past, low)
    low = _CLOCK.sub(clock, low)
    if low.isascii():
        low = _NAMED.sub(named, low)
    else:
        low = _HAN_YEAR.sub(lambda match: f"{han_value(match['year'])}年", low)
        low = _HAN_DATE.sub(han_date, low)
        low = _HAN_CLOCK.sub(han_clock, low)
        low = _NAMED.sub(named, low)
    for word in re.findall(r"[a-z]+", low):
        if word in _SURE_MONTHS:
            keys.append(f"month {_MONTHS[word]}")
    return Dated(tuple(keys), tuple(either), low)
