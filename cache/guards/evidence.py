"""Signals: what is only evidence, as numbers, for a verifier to weigh.

A veto says no by itself; a signal does not. Names and order are fixed: a model trained on the rows depends on
them. New signals go to the end.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ..wording import content_words
from .asking import asks_apart, asks_for
from .days import days_apart
from .entities import entities_apart, entities_in, known_apart
from .opposites import opposed
from .order import disorder
from .polarity import negations_in
from .quantities import numbers_apart
from .reading import KEPT, read
from .scope import SCOPES, scope_of
from .units import units_apart

_CEASING = frozenset(
    "stop quit avoid prevent cease remove delete cancel block undo revert revoke refrain overcome eliminate "
    "ignore skip "
    "reduce fight rid without instead".split()
)
_HAN_CEASING = re.compile("停止|取消|关闭|关掉|删除|删掉|避免|防止|不要|别再|解除|撤销|去除|去掉|戒|退出|注销|预防")

SIGNALS: tuple[str, ...] = (
    "numbers_conflict",
    "numbers_missing_asked",
    "numbers_missing_cached",
    "numbers_weak",
    "units_apart",
    "days_apart",
    "negation_parity",
    "negation_count",
    "opposed",
    "ceasing",
    "known_conflict",
    "known_missing",
    "names_conflict",
    "names_missing_asked",
    "names_missing_cached",
    "names_shared",
    "asks_apart",
    "asks_unknown",
    "bounds",
    *(f"scope_{name}" for name in SCOPES),
    "persons",
    "possessives",
    "words_only_asked",
    "words_only_cached",
    "words_shared",
    "one_word_apart",
    "signs_shared",
    "disorder",
    "same_start",
    "length_ratio",
)
"""Names of what :func:`signal_row` gives, in its order. All lie between 0 and 1; 0 is "no difference seen",
except for the shares ``names_shared``, ``words_shared``, ``signs_shared``, ``same_start`` and ``length_ratio``,
of which 1 is "the same"."""


@lru_cache(maxsize=KEPT)
def _ceasing(text: str) -> bool:
    seen = read(text)
    return not seen.bag.isdisjoint(_CEASING) or (seen.han and bool(_HAN_CEASING.search(seen.low)))


@lru_cache(maxsize=KEPT)
def _words(text: str) -> frozenset[str]:
    return frozenset(content_words(text))


@lru_cache(maxsize=KEPT)
def _bigrams(text: str) -> frozenset[str]:
    low = "".join(content_words(text))
    return frozenset(low[at : at + 2] for at in range(len(low) - 1))


def _some(count: int) -> float:
    """A count squeezed into 0..1: 0, 0.5, 0.67, 0.75, ..."""
    return count / (count + 1)


def _share(here: frozenset[str], there: frozenset[str]) -> float:
    both = len(here | there)
    return len(here & there) / both if both else 1.0


def signal_row(asked: str, cached: str) -> list[float]:
    """The signals of a pair, in the order of :data:`SIGNALS`; each 0..1. Never raises."""
    numbers = numbers_apart(asked, cached)
    units_here, units_there = units_apart(asked, cached)
    days_here, days_there = days_apart(asked, cached)
    negations_here, negations_there = negations_in(asked), negations_in(cached)
    known_here, known_there = known_apart(asked, cached)
    names_here, names_there = entities_apart(asked, cached)
    named = entities_in(asked), entities_in(cached)
    scope_here, scope_there = scope_of(asked), scope_of(cached)
    words_here, words_there = _words(asked), _words(cached)
    only_here, only_there = words_here - words_there, words_there - words_here
    conflict = bool(numbers.asked and numbers.cached)
    length = len(asked), len(cached)
    start_here, start_there = content_words(asked)[:1], content_words(cached)[:1]
    reach = scope_here.reach ^ scope_there.reach
    return [
        float(conflict),
        0.0 if conflict or numbers.weak else _some(len(numbers.cached)),
        0.0 if conflict or numbers.weak else _some(len(numbers.asked)),
        float(numbers.weak and bool(numbers.asked or numbers.cached)),
        1.0 if units_here and units_there else 0.5 * bool(units_here or units_there),
        1.0 if days_here and days_there else 0.5 * bool(days_here or days_there),
        float(negations_here % 2 != negations_there % 2),
        _some(abs(negations_here - negations_there)),
        float(opposed(asked, cached) is not None),
        float(_ceasing(asked) != _ceasing(cached)),
        float(bool(known_here and known_there)),
        float(bool(known_here) != bool(known_there)),
        float(bool(names_here and names_there)),
        _some(len(names_there)),
        _some(len(names_here)),
        _share(
            frozenset(named[0].capital) | named[0].known,
            frozenset(named[1].capital) | named[1].known,
        ),
        asks_apart(asked, cached),
        float(not asks_for(asked) or not asks_for(cached)),
        float(scope_here.bounds != scope_there.bounds),
        *(float(name in reach) for name in SCOPES),
        float(scope_here.persons != scope_there.persons),
        float(scope_here.possessives != scope_there.possessives),
        len(only_here) / len(words_here) if words_here else 0.0,
        len(only_there) / len(words_there) if words_there else 0.0,
        _share(words_here, words_there),
        float(len(only_here) <= 1 and len(only_there) <= 1 and len(only_here) + len(only_there) > 0),
        _share(_bigrams(asked), _bigrams(cached)),
        disorder(asked, cached),
        float(start_here == start_there),
        min(length) / max(length) if max(length) else 1.0,
    ]


def signals(asked: str, cached: str) -> dict[str, float]:
    """The signals of a pair by name."""
    return dict(zip(SIGNALS, signal_row(asked, cached), strict=True))
