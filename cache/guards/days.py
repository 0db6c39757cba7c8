"""Guard on days told from now: today, tomorrow, last year, 去年, 下周."""

from __future__ import annotations

import re
from functools import lru_cache

from .reading import KEPT, names_of, read

_ENGLISH = re.compile(
    r"\b(?:(?P<day>today|tonight|tomorrow|yesterday|nowadays|currently|right now)"
    r"|(?:the )?(?P<which>last|this|next|past|previous|coming|following|current) "
    r"(?P<unit>day|night|week|weekend|month|quarter|semester|season|year|decade|century|morning|afternoon|evening|"
    r"spring|summer|autumn|fall|winter|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b(?!s))"
)
_WHICH = {"past": "last", "previous": "last", "current": "this", "coming": "next", "following": "next"}
_DAYS = {"today": "today", "tonight": "today", "tomorrow": "tomorrow", "yesterday": "yesterday", "nowadays": "now",
         "currently": "now", "right now": "now"}  # fmt: skip
_HAN = (
    ("yesterday", "昨[天日晚夜]"),
    ("today", "今[天日晚夜](?!后)"),
    ("tomorrow", "明[天日晚早](?!星)"),
    ("day before yesterday", "前天"),
    ("day after tomorrow", "后天(?!性)"),
    ("last year", "去年"),
    ("year before last", "前年"),
    ("this year", "今年|本年"),
    ("next year", "明年|来年"),
    ("last month", "上个?月"),
    ("this month", "这个月|本月|当月"),
    ("next month", "下个?月"),
    ("last week", "上个?(?:周|星期|礼拜)"),
    ("this week", "这个?(?:周|星期|礼拜)|本周"),
    ("next week", "下个?(?:周|星期|礼拜)"),
    ("now", "现在|目前|如今|当前|眼下"),
)
_HAN_RULES = tuple((name, re.compile(rule)) for name, rule in _HAN)
_WEAK = frozenset({"now", "today", "this year"})
"""A question is asked now: the other may leave these out."""


@lru_cache(maxsize=KEPT)
def days_in(text: str) -> frozenset[str]:
    """Days and spans told from now, by one name: 去年 is "last year"."""
    seen = read(text)
    found: set[str] = set()
    for match in _ENGLISH.finditer(seen.low):
        if match["day"]:
            found.add(_DAYS[match["day"]])
        else:
            which, unit = _WHICH.get(match["which"], match["which"]), match["unit"]
            found.add(
                "today" if which == "this" and unit in ("day", "morning", "evening", "afternoon") else f"{which} {unit}"
            )
    if seen.han:
        found.update(name for name, rule in _HAN_RULES if rule.search(seen.low))
    return frozenset(found)


def days_apart(asked: str, cached: str) -> tuple[frozenset[str], frozenset[str]]:
    """Days told from now that only the first, and only the second text names; "now" alone is none."""
    here, there = days_in(asked), days_in(cached)
    if here == there:
        return frozenset(), frozenset()
    here, there = here - there, there - here
    return here - _WEAK if not there else here, there - _WEAK if not here else there


def days_agree(asked: str, cached: str) -> str:
    """Veto when the questions speak of different days (today and tomorrow, last year and this year, 上周 and 下周)."""
    here, there = days_apart(asked, cached)
    if not here or not there:
        return ""
    return f"days differ: {names_of(here)} asked, {names_of(there)} cached"
