"""Guards on named things: people, places, products. Known names in any spelling, others by their capital letter."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from .places import KIND, LONGER, THING
from .reading import KEPT, names_of, read

_HAN_NAME = re.compile("|".join(sorted((name for name in THING if not name.isascii()), key=len, reverse=True)))
_TOKEN = re.compile(r"[^\W_]+(?:[.'&+#-][^\W_]+)*[+#]{0,2}|[.!?:;\"(\n]")
_COMMON = frozenset(
    "i i'm i'd i'll i've id mr mrs ms dr sir god ok faq diy asap fyi btw am pm ad bc tv pc it us a an the of "
    "and in on to for "
    "with is are was do does did what which who whom whose when where why how can could should would will if "
    "or no not my "
    "your best top good new year day english monday tuesday wednesday thursday friday saturday sunday january february "
    "march april may june july august september october november december".split()
)
_JOINT = re.compile(r"[.'&-]")
_ACRONYM = re.compile(r"[A-Z][A-Z&.]+s?$")


class Entities(NamedTuple):
    """Named things of one text: ``known`` from the lists, ``capital`` words (lower case) by their capital letter."""

    known: frozenset[str]
    capital: tuple[str, ...]


@lru_cache(maxsize=KEPT)
def entities_in(text: str) -> Entities:
    """The named things ``text`` speaks of."""
    seen = read(text)
    tokens = _TOKEN.findall(seen.text)
    low = [token.lower() for token in tokens]
    known: set[str] = set()
    covered: set[int] = set()
    for at, name in enumerate(low):
        thing = THING.get(name) or (THING.get(name[:-2]) if name.endswith("'s") else None)
        if thing and (name != "us" or tokens[at] == "US"):
            known.add(thing)
            covered.add(at)
        for longer in LONGER.get(name, ()):
            words = longer.split()
            if low[at : at + len(words)] == words:
                known.add(THING[longer])
                covered.update(range(at, at + len(words)))
    if seen.han:
        known.update(THING[name] for name in _HAN_NAME.findall(seen.low))
    capital: list[str] = []
    letters = [token for token in tokens if token[0].isalpha() and token[0].isascii()]
    titled = sum(token[0].isupper() for token in letters)
    shouting = sum(token.isupper() for token in letters) > 0.5 * len(letters)
    if titled and titled <= 0.6 * len(letters) + 1 and not shouting:
        begins = True
        for at, token in enumerate(tokens):
            if not token[0].isalnum():
                begins = True
                continue
            if (
                token[0].isupper()
                and at not in covered
                and low[at] not in _COMMON
                and (not begins or _ACRONYM.match(token))
            ):
                capital.append(low[at][:-2] if low[at].endswith("'s") else low[at])
            begins = False
    return Entities(frozenset(known), tuple(capital))


def _near(one: str, two: str) -> bool:
    """Whether two words may be one, mistyped or inflected."""
    if one == two:
        return True
    if abs(len(one) - len(two)) > 2 and not (one.startswith(two) or two.startswith(one)):
        return False
    shared = 0
    for left, right in zip(one, two, strict=False):
        if left != right:
            break
        shared += 1
    if shared >= 4 and shared >= 0.6 * max(len(one), len(two)):
        return True
    if shared >= 3 and shared == min(len(one), len(two)):
        return True
    return min(len(one), len(two)) >= 5 and _distance_is_small(one, two)


def _distance_is_small(one: str, two: str) -> bool:
    """Whether one letter dropped, added or changed, or two neighbours swapped, makes the words equal."""
    if one[0] != two[0]:
        return False
    if len(one) > len(two):
        one, two = two, one
    at = next((i for i, letter in enumerate(one) if letter != two[i]), len(one))
    if len(two) - len(one) > 1:
        return False
    if len(one) < len(two):
        return one[at:] == two[at + 1 :]
    return one[at + 1 :] == two[at + 1 :] or (
        one[at : at + 2] == two[at : at + 2][::-1] and one[at + 2 :] == two[at + 2 :]
    )


@lru_cache(maxsize=KEPT)
def _all_words(text: str) -> tuple[frozenset[str], str]:
    """Every word in lower case, hyphenated ones in parts too; and the initials, for acronyms."""
    tokens = [token.lower() for token in _TOKEN.findall(read(text).text) if token[0].isalnum()]
    words = set(tokens)
    for token in tokens:
        if not token.isalnum():
            words.update(_JOINT.split(token))
            words.add(_JOINT.sub("", token))
    return frozenset(words), "".join(token[0] for token in tokens)


def _missing(mine: tuple[str, ...], other: str) -> set[str]:
    if not mine:
        return set()
    words, initials = _all_words(other)
    missing = set()
    for name in mine:
        bare = _JOINT.sub("", name)
        if name in words or bare in words or (len(bare) < 6 and bare.rstrip("s") in initials and len(bare) > 1):
            continue
        if all(part in words for part in _JOINT.split(name)) or any(
            _near(bare, word) for word in words if word[:1] == bare[:1]
        ):
            continue
        missing.add(name)
    return missing


def _spelt_out(missing: set[str], text: str, other: str) -> set[str]:
    """``missing`` less the words whose initials are an acronym of the other text."""
    if not missing:
        return missing
    acronyms = {name for name in entities_in(other).capital if 2 <= len(name) <= 6}
    if not acronyms:
        return missing
    initials = _all_words(text)[1]
    return set() if any(name.replace(".", "") in initials for name in acronyms) else missing


def entities_apart(asked: str, cached: str) -> tuple[frozenset[str], frozenset[str]]:
    """Names by capital letter that only the first, and only the second text has; typing errors, inflections and
    acronyms forgiven."""
    here, there = entities_in(asked).capital, entities_in(cached).capital
    only_here, only_there = _missing(here, cached), _missing(there, asked)
    return frozenset(_spelt_out(only_here, asked, cached)), frozenset(_spelt_out(only_there, cached, asked))


def known_apart(asked: str, cached: str) -> tuple[frozenset[str], frozenset[str]]:
    """Known names that only the first, and only the second text has."""
    here, there = entities_in(asked).known, entities_in(cached).known
    return here - there, there - here


def entities_agree(asked: str, cached: str) -> str:
    """Veto when one question names a country, city, language, product or maker, and the other another one."""
    here, there = known_apart(asked, cached)
    for one in here:
        for two in there:
            if KIND[one] == KIND[two]:
                return f"names differ: {one} asked, {two} cached"
    return ""


def names_agree(asked: str, cached: str) -> str:
    """Veto when each question has a capitalised name that the other lacks, in the same place of the sentence."""
    here, there = entities_apart(asked, cached)
    if not here or not there:
        return ""
    left, right = _around(asked, here), _around(cached, there)
    if left & right:
        return f"names differ: {names_of(here)} asked, {names_of(there)} cached"
    return ""


def _around(text: str, names: frozenset[str]) -> set[tuple[str, str]]:
    """What stands next to the names: ("<", word before) and (">", word behind)."""
    low = [token.lower() for token in _TOKEN.findall(read(text).text)]
    found = set()
    for at, word in enumerate(low):
        bare = word[:-2] if word.endswith("'s") else word
        if bare in names:
            found.add(("<", low[at - 1] if at else ""))
            found.add((">", low[at + 1] if at + 1 < len(low) and low[at + 1][0].isalnum() else ""))
    return found - {(">", ""), ("<", "")}
