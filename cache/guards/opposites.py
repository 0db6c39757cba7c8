"""Guard on opposites: a word of one question stands against a word of the other."""

from __future__ import annotations

import re
from functools import lru_cache

from ..wording import plain
from .antonyms import AGAINST, BASE, HAN_PAIRS, NOT_PREFIXED, PHRASAL, PREFIXES
from .reading import KEPT, read

_HAN_WORD = re.compile("|".join(sorted(HAN_PAIRS, key=len, reverse=True)))
_PARTICLES: dict[str, list[tuple[str, frozenset[str]]]] = {}
for _one, _two, _verbs in PHRASAL:
    _moving = frozenset(_verbs.split())
    _PARTICLES.setdefault(_one, []).append((_two, _moving))
    _PARTICLES.setdefault(_two, []).append((_one, _moving))
_ENDINGS = ("ning", "ting", "ping", "ging", "ing", "ned", "ped", "ed", "es", "s", "d")
_PREFIXED = re.compile(rf"(?:{'|'.join(PREFIXES)})[a-z]{{3,}}")


@lru_cache(maxsize=KEPT)
def _bases(text: str) -> frozenset[str]:
    return frozenset(BASE[word] for word in read(text).bag if word in BASE)


@lru_cache(maxsize=KEPT)
def _particles(text: str) -> frozenset[tuple[str, str]]:
    """(verb, particle) of the phrasal verbs of ``text``; up to two words may stand between them."""
    seen = read(text)
    found: set[tuple[str, str]] = set()
    if seen.bag.isdisjoint(_PARTICLES):
        return frozenset()
    for at, word in enumerate(seen.words):
        if word in _PARTICLES:
            for verb in seen.words[max(0, at - 6) : at]:
                for other, bases in _PARTICLES[word]:
                    base = _verb(verb, bases)
                    if base:
                        found.add((word, other))
    return frozenset(found)


def _verb(word: str, bases: frozenset[str]) -> str:
    if word in bases:
        return word
    for ending in _ENDINGS:
        if word.endswith(ending) and word[: -len(ending)] in bases:
            return word[: -len(ending)]
    return {"took": "take", "taking": "take", "went": "go", "putting": "put", "got": "get"}.get(word, "")


@lru_cache(maxsize=KEPT)
def _prefixed(text: str) -> frozenset[tuple[str, str]]:
    """(word, what it denies) for words with a negating prefix, and for "-less" words."""
    found: set[tuple[str, str]] = set()
    for word in read(text).bag:
        if word in NOT_PREFIXED or len(word) < 5:
            continue
        if _PREFIXED.match(word):
            found.update(
                (word, word[len(head) :]) for head in PREFIXES if word.startswith(head) and len(word) > len(head) + 2
            )
        if word.endswith("less"):
            found.add((word, word[:-4] + "ful"))
    return frozenset(found)


@lru_cache(maxsize=KEPT)
def _han_words(text: str) -> frozenset[str]:
    return frozenset(_HAN_WORD.findall(text))


_LONG = 25
"""Words from which opposites must stand in the same place: long texts have many words that are not compared."""


def _same_place(asked: str, word: str, cached: str, other: str) -> bool:
    here, there = read(asked).words, read(cached).words
    if min(len(here), len(there)) < _LONG:
        return True
    return bool(_around(here, word) & _around(there, other))


def _around(words: tuple[str, ...], base: str) -> set[tuple[int, str]]:
    found: set[tuple[int, str]] = set()
    for at, word in enumerate(words):
        if BASE.get(word) == base:
            found.update(
                (step, words[at + step])
                for step in (-1, 1)
                if 0 <= at + step < len(words) and len(words[at + step]) > 3
            )
    return found


def _undone(asked: str, cached: str) -> bool:
    """Whether one text undoes by a word of its own (取消绑定 is 解绑, 关了重新开通 speaks of both)."""
    return bool(_UNDOING.search(asked)) != bool(_UNDOING.search(cached))


_UNDOING = re.compile("取消|解除|重新|被|恢复|关了")


def opposed(asked: str, cached: str) -> tuple[str, str] | None:
    """The first pair of opposites that stand against each other, or None."""
    here, there = _bases(asked), _bases(cached)
    if here and there:
        for word in sorted(here - there):
            against = AGAINST[word]
            if here.isdisjoint(against):  # "bigger or smaller" names both
                for other in sorted(against & there):
                    if there.isdisjoint(AGAINST[other]) and _same_place(asked, word, cached, other):
                        return word, other
    for one, two in ((asked, cached), (cached, asked)):
        bag = read(two).bag
        own = read(one).bag
        for word, base in _prefixed(one):
            if base in bag and word not in bag and base not in own:
                return (word, base) if one is asked else (base, word)
    here_on, there_on = _particles(asked), _particles(cached)
    for word, other in here_on:
        if (other, word) in there_on and (other, word) not in here_on and (word, other) not in there_on:
            return word, other
    if read(asked).han and read(cached).han:
        one_side, other_side = _han_words(asked), _han_words(cached)
        for word in sorted(one_side - other_side):
            for other in sorted(HAN_PAIRS[word]):
                if other in other_side and other not in asked and word not in cached and not _undone(asked, cached):
                    return word, other
    return None


def opposites_agree(asked: str, cached: str) -> str:
    """Veto when a word of one question stands against its opposite in the other (enable / disable, 上涨 / 下跌)."""
    if plain(asked) == plain(cached):
        return ""
    pair = opposed(asked, cached)
    return f"opposites: {pair[0]!r} asked, {pair[1]!r} cached" if pair else ""
