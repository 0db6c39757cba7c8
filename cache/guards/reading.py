"""One text, read once: what all guards look at."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

KEPT = 4096
"""How many texts each extractor remembers; a cached question is compared again and again."""

_LETTERS = re.compile(r"[^\W\d_\u3040-\u30ff\u3400-\u9fff]+(?:'[^\W\d_\u3040-\u30ff\u3400-\u9fff]+)*")
_HAN = re.compile(r"[\u3400-\u9fff]")
_PREFIX = re.compile(r"\b(non|un|dis|re|pre|anti)-(?=[a-z]{3})")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "–": "-", "—": "-", "−": "-"})


class Reading(NamedTuple):
    """A text as the guards see it.

    Attributes:
        text: NFKC, straight quotes and hyphens, one space between words; case as written.
        low: The same in lower case, prefixes joined to their words ("non-fiction" is "nonfiction").
        words: Words of ``low`` made of letters ("don't" is one); Han and kana are not split and not here.
        bag: The same words as a set.
        han: Whether the text has Chinese characters.
    """

    text: str
    low: str
    words: tuple[str, ...]
    bag: frozenset[str]
    han: bool


@lru_cache(maxsize=KEPT)
def read(text: str) -> Reading:
    """Read ``text``; the result is remembered."""
    text = text if text.isascii() else unicodedata.normalize("NFKC", text)
    text = " ".join(text.translate(_QUOTES).split())
    low = _PREFIX.sub(r"\1", text.lower())
    words = tuple(_LETTERS.findall(low))
    return Reading(text, low, words, frozenset(words), not text.isascii() and bool(_HAN.search(text)))


def names_of(found: set[str] | frozenset[str]) -> str:
    """Names for a reason: "a, b", or "none"."""
    return ", ".join(sorted(found)) or "none"


_DOUBLED = frozenset("bdgmnprt")


def forms(word: str) -> set[str]:
    """Regular English inflections of ``word``, as verb, noun and adjective; some of them no word has."""
    made = {word}
    if len(word) < 3:
        return made
    if word.endswith("e"):
        made |= {word + "s", word + "d", word[:-1] + "ing", word + "r", word + "st", word[:-1] + "ed"}
    elif word.endswith("y") and word[-2] not in "aeiou":
        made |= {word[:-1] + ending for ending in ("ies", "ied", "ier", "iest")} | {word + "ing"}
    else:
        made |= {word + ending for ending in ("s", "ed", "ing", "er", "est")}
        if word.endswith(("s", "x", "ch", "sh", "z")):
            made.add(word + "es")
        if word[-1] in _DOUBLED and word[-2] in "aeiou" and word[-3] not in "aeiou":
            made |= {word + word[-1] + ending for ending in ("ed", "ing", "er", "est")}
        if word.endswith("l"):
            made |= {word + "led", word + "ling"}
    return made
