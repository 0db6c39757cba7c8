"""What two questions show without a model: how they overlap, in numbers the verifier learns from.

Content words are those of :mod:`.wording`; a text in a script without spaces is taken as characters.
Every extractor of one text is cached, for a stored question is compared again and again.
"""

from __future__ import annotations

import math
from functools import lru_cache

from .guards import (
    SIGNALS,
    codes_agree,
    names_agree,
    negation_agrees,
    numbers_agree,
    signal_row,
)
from .wording import content_words, plain, words_in_place

SURFACE = (
    "overlap",
    "asked_alone",
    "cached_alone",
    "same_words",
    "one_replaced",
    "only_added",
    "moved",
    "trigrams",
    "length",
    "shorter",
)
_WEIGHED = (numbers_agree, codes_agree, negation_agrees, words_in_place, names_agree)
EVIDENCE: tuple[str, ...] = (*SURFACE, *(f"guard_{guard.__name__}" for guard in _WEIGHED), *SIGNALS)
"""Names of the numbers :func:`evidence` gives, in order.

``overlap``: shared content words, Jaccard. ``asked_alone``, ``cached_alone``: share of each question's content
words the other lacks. ``same_words``: 1 when they are the same in the same order. ``one_replaced``: 1 when one
content word of each has no counterpart and the rest agree. ``only_added``: 1 when one question has all the
words of the other and more. ``moved``: share of shared words in another order. ``trigrams``: Jaccard of
character trigrams. ``length``: ratio of the shorter length to the longer. ``shorter``: log of the content words
in the shorter question. ``guard_...``: 1 where a guard objects that is not sure enough for a veto. The rest are
the signals of :mod:`.guards`.
"""


@lru_cache(maxsize=8192)
def _words(text: str) -> tuple[str, ...]:
    words = content_words(text)
    if text.isascii():
        return words
    out: list[str] = []
    for word in words:
        out += word if any("\u3400" <= letter <= "\u9fff" for letter in word) else [word]
    return tuple(out)


@lru_cache(maxsize=8192)
def _trigrams(text: str) -> frozenset[str]:
    bare = f" {plain(text)} "
    size = 2 if any("\u3400" <= letter <= "\u9fff" for letter in bare) else 3
    return frozenset(bare[at : at + size] for at in range(len(bare) - size + 1))


def _close(one: str, two: str) -> bool:
    """Whether two words differ by one slip of the keyboard (a letter more, less, another, or two turned round)."""
    if abs(len(one) - len(two)) > 1 or min(len(one), len(two)) < 5 or one[0] != two[0]:
        return False
    at = 0
    while at < min(len(one), len(two)) and one[at] == two[at]:
        at += 1
    rest, other = one[at:], two[at:]
    return (
        rest[1:] == other[1:]
        or rest[1:] == other
        or rest == other[1:]
        or (rest[:2] == other[:2][::-1] and rest[2:] == other[2:])
    )


def _paired(alone: list[str], others: list[str]) -> None:
    """Take words that differ by a slip only out of both lists."""
    for word in list(alone):
        twin = next((other for other in others if _close(word, other)), None)
        if twin is not None:
            alone.remove(word)
            others.remove(twin)


def surface(asked: str, cached: str) -> list[float]:
    """The numbers of :data:`SURFACE`."""
    here, there = _words(asked), _words(cached)
    left, right = list(here), list(there)
    for word in here:
        if word in right:
            left.remove(word)
            right.remove(word)
    _paired(left, right)
    shared = len(here) - len(left)
    total = shared + len(left) + len(right)
    first = [word for word in here if word in there]
    second = [word for word in there if word in here]
    moved = 0.0
    if len(first) == len(second) and first != second:
        moved = sum(a != b for a, b in zip(first, second, strict=True)) / len(first)
    grams, other = _trigrams(asked), _trigrams(cached)
    union = len(grams | other)
    short, long = sorted((len(asked), len(cached)))
    return [
        shared / total if total else 1.0,
        len(left) / max(1, len(here)),
        len(right) / max(1, len(there)),
        float(bool(here) and here == there),
        float(len(left) == 1 and len(right) == 1 and shared > 0),
        float((not left) != (not right) and shared > 0),
        moved,
        len(grams & other) / union if union else 1.0,
        short / long if long else 1.0,
        math.log1p(min(len(here), len(there))),
    ]


def evidence(asked: str, cached: str) -> list[float]:
    """The numbers of :data:`EVIDENCE`; about a tenth of a millisecond the first time, less when a text is known."""
    weighed = [float(bool(guard(asked, cached))) for guard in _WEIGHED]
    return [*surface(asked, cached), *weighed, *signal_row(asked, cached)]
