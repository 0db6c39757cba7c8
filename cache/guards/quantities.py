"""Guards on numbers, dates and times."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from .numerals import NUMBER_WORDS, numbers, numbers_written
from .reading import KEPT, read
from .times import dated


class Numbers(NamedTuple):
    """The numbers of one text.

    Attributes:
        sure: Numbers, times, months and weekdays, with how often each occurs.
        weak: Those that may be no number ("one", "first", "a couple", 一), or part of a name ("covid-19").
        either: Numeric dates of unknown order.
    """

    sure: Counter[str]
    weak: frozenset[str]
    either: tuple[tuple[int, int], ...]


_NOTHING = Numbers(Counter(), frozenset(), ())
_HAN_NUMERALS = frozenset("零〇一二两三四五六七八九十百千万亿周星礼")


@lru_cache(maxsize=KEPT)
def read_numbers(text: str) -> Numbers:
    """Numbers of ``text``, normalised: "two dozen" is "24", 下午三点 is "15:00", "half" is "0.5"."""
    seen = read(text)
    low = seen.low
    plain = not any(map(str.isdigit, low))
    if plain and seen.bag.isdisjoint(_TRIGGERS) and (not seen.han or _HAN_NUMERALS.isdisjoint(low)):
        return _NOTHING
    when = dated(low)
    sure = Counter(when.keys)
    weak: set[str] = set()
    for one in numbers(when.rest):
        if one.weak or one.attached:
            weak.add(one.key)
        else:
            sure[one.key] += 1
    return Numbers(sure, frozenset(weak), when.either)


_TRIGGERS = NUMBER_WORDS | frozenset(
    "monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays "
    "sundays january february march april may june july august september october november december noon midday "
    "midnight clock o'clock".split()
)


def numbers_in(text: str) -> Counter[str]:
    """Numbers, times, months and weekdays of ``text``, normalised, with how often each occurs; weak ones once."""
    found = read_numbers(text)
    return found.sure + Counter(found.weak - found.sure.keys())


def numbers_alike(asked: str, cached: str) -> str:
    """``asked`` with the numbers that both have written as ``cached`` writes them: "five" as "5", 三百 as "300".

    For whoever reads both together and knows more of words than of numbers. Where nothing is to be changed it is the
    text as it was, else in lower case and normalised (NFKC). What often is no number ("one", 一) stays.
    """
    if read_numbers(asked).sure.keys().isdisjoint(read_numbers(cached).sure):
        return asked
    low, other = read(asked).low, read(cached).low
    written: dict[str, list[str]] = {}
    for one, start, end in numbers_written(other):
        if not (one.weak or one.attached):
            written.setdefault(one.key, []).append(other[start:end])
    made = low
    for one, start, end in reversed(numbers_written(low)):
        ways = written.get(one.key, [])
        if ways and not (one.weak or one.attached or low[start:end] in ways):
            made = made[:start] + ways[0] + made[end:]
    # What stands beside a number may make another of it: "five twelve" and "a dozen" would give "five a dozen".
    return made if made != low and read_numbers(made).sure == read_numbers(asked).sure else asked


class Apart(NamedTuple):
    """How the numbers of two texts differ: what only one of them has; ``weak`` when that may be no number."""

    asked: frozenset[str]
    cached: frozenset[str]
    weak: bool


def numbers_apart(asked: str, cached: str) -> Apart:
    """Numbers that only one of the texts has."""
    here, there = read_numbers(asked), read_numbers(cached)
    if here == there:
        return Apart(frozenset(), frozenset(), False)
    here, there = _ordered(here, there), _ordered(there, here)
    only_here = {key for key in here.sure if key not in there.sure and key not in there.weak}
    only_there = {key for key in there.sure if key not in here.sure and key not in here.weak}
    if not only_here and not only_there:  # the same numbers, one more often here and another more often there
        more, fewer = here.sure - there.sure, there.sure - here.sure
        if more and fewer and not here.weak and not there.weak:
            return Apart(frozenset(more), frozenset(fewer), False)
    weak_here = here.weak - there.weak - there.sure.keys()
    weak_there = there.weak - here.weak - here.sure.keys()
    if not only_here and not only_there and not (weak_here and weak_there):
        return Apart(frozenset(weak_here), frozenset(weak_there), True)
    if only_there or weak_there:
        only_here |= weak_here
    if only_here:
        only_there |= weak_there
    return Apart(frozenset(only_here), frozenset(only_there), False)


def _ordered(here: Numbers, there: Numbers) -> Numbers:
    """Give numeric dates the order that the other text shows."""
    if not here.either:
        return here
    sure = here.sure.copy()
    for one, two in here.either:
        if (one, two) in there.either:
            sure[f"{one}/{two}"] += 1
        elif f"month {two}" in there.sure and str(one) in there.sure:
            sure.update((f"month {two}", str(one)))
        else:
            sure.update((f"month {one}", str(two)))
    return Numbers(sure, here.weak, ())


def numbers_agree(asked: str, cached: str) -> str:
    """Veto when the two questions do not name the same numbers, times, months and weekdays.

    "one", "first", "a couple" and numbers in names are held against a question only when the other has
    another number in their place.
    """
    apart = numbers_apart(asked, cached)
    if not (apart.asked or apart.cached) or apart.weak:
        return ""
    return f"numbers differ: {_list(apart.asked)} asked, {_list(apart.cached)} cached"


def numbers_clash(asked: str, cached: str) -> str:
    """Veto when each question has a number that the other lacks; milder than :func:`numbers_agree`, which also
    vetoes when only one of them has a number."""
    apart = numbers_apart(asked, cached)
    if not (apart.asked and apart.cached):
        return ""
    return f"numbers differ: {_list(apart.asked)} asked, {_list(apart.cached)} cached"


def _list(keys: frozenset[str]) -> str:
    return ", ".join(map(_said, sorted(keys))) or "none"


_MONTH = "January February March April May June July August September October November December".split()
_DAY = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


def _said(key: str) -> str:
    kind, _, number = key.partition(" ")
    return _MONTH[int(number) - 1] if kind == "month" else _DAY[int(number) - 1] if kind == "weekday" else key
