"""Do two questions say the same thing in the same words?

A cosine cannot tell "from Rome to Oslo" from "from Oslo to Rome", and it marks "I'd like to cancel order 7,
please" down against "cancel order 7". Comparing the words that carry content does both: what is left of a
question when politeness, articles and inflections are taken off is compared in order. English is what the
lists know; in other languages nothing is taken off, so that the comparison only becomes stricter. Slips of
the keyboard are not forgiven: "nitrate" and "nitrite" would be one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_I = r"(?:i|we)"
_NOT_KNOWING = (
    rf"{_I} (?:do not|don[' ]?t|can not|cannot|can[' ]?t|did not|didn[' ]?t) "
    r"(?:really |even )?(?:know|understand|remember|figure out|find out|see|get) (?:how|what|where)"
)
_PHRASES = re.compile(
    r"(?<!\S)(?:"
    + "|".join(
        (
            r"hi|hello|hey|dear|good (?:morning|afternoon|evening)|many thanks|thanks|thank you|please|pls|plz|kindly",
            r"(?:can|could|would|will) (?:you|u|anyone|somebody|someone)(?: please| pls| kindly| possibly| maybe)*"
            r"(?: (?:help|assist|tell|show|explain|teach|guide|inform|advise|let)(?: me| us)?"
            r"(?: to| with| in| know| about| through)*)?",
            rf"{_NOT_KNOWING}(?: to| i| we| can| could| have| need| should| must| do| shall| would)*",
            rf"{_I} (?:just |really |also |only |now |do |still )*"
            r"(?:need|want|wanna|wish|would like|d like|have got|ve got|have|ve|got|gotta|am trying|m trying|try|"
            r"am looking|m looking|am calling|m calling|call|am writing|m writing)(?: to| for)*"
            r"(?: know| find out| learn| understand| ask)?(?: how| what| about| if| whether)*(?: to)?",
            r"(?:need |want |get |some )?(?:help|assistance|support|assist)(?: me| us)?"
            r"(?: to| with| in| on| for| about)*",
            r"is it possible(?: to| for)*|would it be possible(?: to)?",
            r"is there (?:a|any) (?:way|possibility)(?: to| of)?",
            r"what (?:do|should|must|can|would) (?:i|we) (?:have to |need to )?do(?: to)?",
            r"(?:tell|show) me|let me know|how to",
            r"how (?:can|could|do|should|would|may|might) (?:i|we|one|you)(?: do it)?",
        )
    )
    + r")(?!\S)"
)
_FILLER = frozenset(
    "a an the i me my mine we us am is are was were be been being do does did doing done have has had having "
    "will would can could may might to of for at that this these it its and then so just really actually now "
    "what how get getting got gotten want wanna need needs like some any im ive id there "
    "damn goddamn bloody fucking fuckin".split()
)
_LOOKING = frozenset("see check view list show display find locate".split())
_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_ENDINGS = ("ing", "ies", "ed", "es", "s", "y", "e")


def _stem(word: str) -> str:
    """Inflection off, roughly: enough that "cancelling", "cancels" and "cancel" meet. Verbs of looking are one."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    word = word[:-1] if len(word) > 4 and word[-1] == word[-2] and word[-1] != "s" else word
    return "see" if word in _LOOKING else word


@lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """Lower case, words only, one space between them; an apostrophe parts words."""
    low = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("n't", "nt")
    return " ".join(_WORD.findall(low))


IGNORANCE = re.compile(rf"\b{_NOT_KNOWING}\b")
"""Matches "I don't know how" in lower case: a negation that negates nothing of what is asked."""


@lru_cache(maxsize=8192)
def content_words(text: str) -> tuple[str, ...]:
    """The words of ``text`` that carry content, in order, without inflection."""
    low = _PHRASES.sub(" ", plain(text))
    return tuple(_stem(word) for word in low.split() if word not in _FILLER)


def same_words(asked: str, cached: str) -> bool:
    """Whether both questions have the same content words in the same order (and have any)."""
    here = content_words(asked)
    return bool(here) and here == content_words(cached)


def words_in_place(asked: str, cached: str) -> str:
    """Guard: veto when the two questions have the same words in another order (from A to B, from B to A)."""
    if plain(asked) == plain(cached):  # often: only case and punctuation differ
        return ""
    here, there = content_words(asked), content_words(cached)
    if here != there and sorted(here) == sorted(there):
        return "the same words in another order"
    return ""
