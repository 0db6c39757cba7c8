"""What of a text its tokenizer does not pass on to the model.

Two texts that differ only there get the same vector, similarity 1, and no threshold tells them apart:
``😀`` and ``😡`` are both one unknown token, ``a ≠ b`` becomes ``a = b`` with the stroke dropped as if
it were an accent, and Vietnamese without its tones is another sentence. Of 158,000 real English
questions 8 have such a spot, so leaving them out of the comparison costs nothing.
"""

from __future__ import annotations

import unicodedata
from collections import Counter

_ACCENTS = range(0x0300, 0x0370)
_TONES = frozenset("\u0309\u031b\u0323")  # hook, horn, dot below: Vietnamese, and no word English borrowed
_STROKES = frozenset(map(chr, (*range(0x0334, 0x0339), 0x20D2, 0x20D3, *range(0x20D8, 0x20DB), 0x20E5, 0x20E6)))
_FEW = 3  # "café", "naïve", "résumé": English borrows words with accents
_OFTEN = 6  # letters to an accent below which accents tell words apart


def dropped_marks(text: str, seen: str) -> str:
    """What the normaliser of a tokenizer took away that carries meaning.

    Args:
        text: As it was asked.
        seen: As the normaliser left it.

    Returns:
        The reason why ``seen`` may stand for a text of another meaning, or an empty string. Reasons are
        a stroke through a sign (``≠``), a Vietnamese tone, and more than three accents that stand on
        more than one letter in six.
    """
    if text.isascii():
        return ""
    parts = unicodedata.normalize("NFD", text)
    lost = Counter(filter(_is_mark, parts)) - Counter(filter(_is_mark, unicodedata.normalize("NFD", seen)))
    if not lost:
        return ""
    if not _STROKES.isdisjoint(lost):
        return "a stroke through a sign, as in ≠"
    if not _TONES.isdisjoint(lost):
        return "the tones of Vietnamese"
    accents = lost.total()
    if accents > _FEW and accents * _OFTEN > sum(map(str.isalpha, parts)):
        return f"its {accents} accents"
    return ""


def _is_mark(char: str) -> bool:
    return ord(char) in _ACCENTS or char in _STROKES
