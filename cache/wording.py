"""Do two questions say the same thing in the same words?

A cosine cannot tell "from Rome to Oslo" from "from Oslo to Rome", and it marks "I'd like to cancel order 7,
please" down against "cancel order 7". Comparing the words that carry content does both: what is left of a
question when politeness, articles and inflections are taken off is compared in order. The lists know English
and Chinese (sign by sign, 如何 and 怎么 being one); in other languages nothing is taken off, so that the
comparison only becomes stricter. Slips of the keyboard are not forgiven: "nitrate" and "nitrite" would be one.
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


_HAN = re.compile(r"[\u3400-\u9fff]")
_HAN_POLITE = re.compile(
    "你好|您好|请问|谢谢|多谢|麻烦|拜托|求助|求教|求问|请教|请|劳驾|各位|大家|亲们|"
    "(?:我|俺)?(?:想|要)?(?:问问|问一下|问下|咨询一下|咨询下|咨询|了解一下|知道)|(?:能|可以)?告诉(?:我|一下)|帮我|帮忙|一下|"
    "(?<![什怎这那要])[么](?!么)|[吗呢啊呀吧嘛哦哈噢哟的]"
)
_HAN_ALIKE = (
    (re.compile("怎么样才能|怎么才能|怎样才能|如何才能|如何|怎样|怎么样(?=.)|咋样|咋|怎麼"), "怎么"),
    (re.compile("为何|为啥|为毛"), "为什么"),
    (re.compile("啥时候|啥时|何时|几时|什么时间"), "什么时候"),
    (re.compile("啥|神马|甚么|什麼"), "什么"),
    (re.compile("哪儿|何处|什么地方|啥地方"), "哪里"),
    (re.compile("是不是|是否"), "是"),
    (re.compile("能不能|能否|可不可以|可否|可以"), "能"),
)


def _han_words(low: str) -> list[str]:
    """Chinese sign by sign, politeness and particles off, question words of one meaning made one."""
    for alike, one in _HAN_ALIKE:
        low = alike.sub(one, low)
    words: list[str] = []
    for word in _HAN_POLITE.sub(" ", low).split():
        if _HAN.search(word):
            words.extend(re.findall(r"[\u3400-\u9fff]|[^\u3400-\u9fff]+", word))
        else:
            words.append(word)
    return words


@lru_cache(maxsize=8192)
def content_words(text: str) -> tuple[str, ...]:
    """The words of ``text`` that carry content, in order, without inflection; Chinese sign by sign."""
    low = _PHRASES.sub(" ", plain(text))
    if not low.isascii() and _HAN.search(low):
        return tuple(_stem(word) for word in _han_words(low) if word not in _FILLER)
    return tuple(_stem(word) for word in low.split() if word not in _FILLER)


def same_words(asked: str, cached: str) -> bool:
    """Whether both questions have the same content words in the same order (and have any)."""
    here = content_words(asked)
    return bool(here) and here == content_words(cached)


_HEADS = frozenset(
    "in on at for from to into with by of during after before since until while when if as about without through via "
    "using than over under between against because although though where who whom whose which why".split()
)
_FLOATING = frozenset("already also still ever then now today often never always soon online again too".split())
_JOINTS = frozenset("and or vs versus nor but plus what how".split())


@lru_cache(maxsize=8192)
def _phrases(text: str) -> tuple[tuple[str, ...], ...]:
    """Content words in phrases, each led by its preposition; in sorted order. A whole phrase may move."""
    phrases: list[list[str]] = [[""]]
    words = _PHRASES.sub(" and ", plain(text.replace(",", " and "))).split()
    for at in range(1, len(words) - 1):
        if words[at] in ("and", "or") and words[at + 1] < words[at - 1]:
            words[at - 1], words[at + 1] = words[at + 1], words[at - 1]
    for word in words:
        if (word.endswith("ly") and len(word) > 4) or word in _FLOATING:
            phrases.insert(0, ["", word])
        elif word in _HEADS or word in _JOINTS:
            phrases.append([word if word in _HEADS else ""])
        elif word not in _FILLER:
            phrases[-1].append(_stem(word))
    return tuple(sorted(tuple(phrase) for phrase in phrases if len(phrase) > 1))


def words_in_place(asked: str, cached: str) -> str:
    """Guard: veto when the two questions have the same words in another order (from A to B, from B to A).

    A whole phrase may move ("in Java, how ..." and "how ... in Java"), and what "and" or "or" joins may change
    places. In Chinese the order is freer, and signs are no words: there it does not object.
    """
    if plain(asked) == plain(cached):  # often: only case and punctuation differ
        return ""
    here, there = content_words(asked), content_words(cached)
    if (
        here != there
        and sorted(here) == sorted(there)
        and not _HAN.search(asked)
        and _phrases(asked) != _phrases(cached)
    ):
        return "the same words in another order"
    return ""
