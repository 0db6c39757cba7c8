"""Guard on language: an answer in one language must not serve a question in another."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

from .reading import KEPT

_SCRIPTS = (
    ("kana", re.compile(r"[\u3040-\u30ff]")),
    ("hangul", re.compile(r"[\uac00-\ud7af\u1100-\u11ff]")),
    ("han", re.compile(r"[\u3400-\u9fff]")),
    ("cyrillic", re.compile(r"[\u0400-\u052f]")),
    ("greek", re.compile(r"[\u0370-\u03ff]")),
    ("arabic", re.compile(r"[\u0600-\u06ff\u0750-\u077f]")),
    ("hebrew", re.compile(r"[\u0590-\u05ff]")),
    ("devanagari", re.compile(r"[\u0900-\u097f]")),
    ("bengali", re.compile(r"[\u0980-\u09ff]")),
    ("tamil", re.compile(r"[\u0b80-\u0bff]")),
    ("thai", re.compile(r"[\u0e00-\u0e7f]")),
)
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = {
    "English": (
        "the is are was what how why when where who which do does did can could should would i you my your of to "
        "and for with in it there"
    ),
    "French": (
        "le la les des est sont que qui quoi comment pourquoi quand où je tu vous nous mon ma votre et pour avec "
        "dans une du au peut faire quel quelle"
    ),
    "German": (
        "der die das den dem ist sind wie warum wann wo wer welche welcher ich du sie wir mein meine ihr und für "
        "mit nicht ein eine kann auf zu von"
    ),
    "Spanish": (
        "el los las es son qué que cómo como por cuándo cuando dónde donde quién yo mi su tu y para con una del al "
        "puedo hacer cuál cuántos se"
    ),
    "Portuguese": (
        "o os as é são que como por quando onde quem eu meu minha seu sua e para com uma do da no na posso fazer "
        "qual quantos não você"
    ),
    "Italian": (
        "il lo gli è sono che come perché quando dove chi io mio mia suo e per con una del della di posso fare "
        "quale quanti non"
    ),
    "Dutch": "de het een is zijn wat hoe waarom wanneer waar wie ik je mijn jouw en voor met van niet kan op aan",
    "Vietnamese": "là của và có không được cho trong những các người một đã khi nào gì ai đâu bao nhiêu thế",
    "Turkish": "ve bir bu ne nasıl neden zaman nerede kim için ile mi mı değil var kaç hangi",
    "Polish": "i w na jest są co jak dlaczego kiedy gdzie kto czy nie się do z za o jaki",
}
_SPOKEN: dict[str, list[str]] = {}
for _language, _small in _LATIN.items():
    for _word in _small.split():
        _SPOKEN.setdefault(_word, []).append(_language)


@lru_cache(maxsize=KEPT)
def language_of(text: str) -> str:
    """The language of ``text`` as far as it can be told: a script ("han", "cyrillic"), or for Latin letters a
    language by its small words ("English", "French"), "latin" when they do not tell, "" without letters.

    A few foreign words do not change a language: "怎么用 iPhone" is "han".
    """
    if not text.isascii():
        counts = {name: len(rule.findall(text)) for name, rule in _SCRIPTS}
        most = max(counts, key=lambda name: counts[name])
        latin = len(
            re.findall(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]+", text)
        )  # words, not letters: a Han sign says more
        small = sum("English" in _SPOKEN.get(word, ()) for word in _WORD.findall(text.lower()))
        if counts[most] and counts[most] >= latin and (small < 2 or counts[most] > 3 * latin):
            return "kana" if counts["kana"] and most == "han" else most
    words = _WORD.findall(text.lower())
    if not words:
        return ""
    scores = Counter(language for word in words for language in _SPOKEN.get(word, ()))
    (best, most_words), (_, rest) = [*scores.most_common(2), ("latin", 0), ("latin", 0)][:2]
    return best if most_words >= 2 and most_words >= rest + 2 else "latin"


def language_agrees(asked: str, cached: str) -> str:
    """Veto when the questions are written in different languages; when that cannot be told, pass."""
    here, there = language_of(asked), language_of(cached)
    if here == there or not here or not there:
        return ""
    if "latin" in (here, there) and {here, there} <= _LATIN.keys() | {"latin"}:
        return ""
    return f"languages differ: {here} asked, {there} cached"
