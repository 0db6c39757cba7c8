"""Which writing systems a text uses.

An embedder knows the scripts it was trained on and maps everything else to noise that looks alike, so
a question in a script it does not know must stay out of the semantic tier.

Only letters count: digits, punctuation, emoji and combining marks belong to every script. The ranges
are the Unicode 16 blocks (https://www.unicode.org/Public/16.0.0/ucd/Blocks.txt), coarsened: one name
per script, Japanese split into ``kana`` and ``han`` as its letters are. A script is not a language:
French, Turkish and Vietnamese are ``latin``.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache

_COMMON = ""
OTHER = "other"

# (first, last, script), sorted. Letters in no range are "other": known to exist, known to no model.
_RANGES: tuple[tuple[int, int, str], ...] = (
    (0x0041, 0x024F, "latin"),
    (0x0250, 0x02AF, "latin"),  # IPA
    (0x02B0, 0x036F, _COMMON),  # modifier letters, among them the apostrophe U+02BC
    (0x0370, 0x0373, "greek"),
    (0x0374, 0x0374, _COMMON),  # the numeral sign, equal to the modifier letter U+02B9
    (0x0376, 0x03E1, "greek"),
    (0x03F0, 0x03FF, "greek"),  # what lies between is Coptic
    (0x0400, 0x052F, "cyrillic"),
    (0x0530, 0x058F, "armenian"),
    (0x0590, 0x05FF, "hebrew"),
    (0x0600, 0x06FF, "arabic"),
    (0x0700, 0x074F, "syriac"),
    (0x0750, 0x077F, "arabic"),
    (0x0780, 0x07BF, "thaana"),
    (0x07C0, 0x07FF, "nko"),
    (0x0860, 0x086F, "syriac"),
    (0x0870, 0x08FF, "arabic"),
    (0x0900, 0x097F, "devanagari"),
    (0x0980, 0x09FF, "bengali"),
    (0x0A00, 0x0A7F, "gurmukhi"),
    (0x0A80, 0x0AFF, "gujarati"),
    (0x0B00, 0x0B7F, "odia"),
    (0x0B80, 0x0BFF, "tamil"),
    (0x0C00, 0x0C7F, "telugu"),
    (0x0C80, 0x0CFF, "kannada"),
    (0x0D00, 0x0D7F, "malayalam"),
    (0x0D80, 0x0DFF, "sinhala"),
    (0x0E00, 0x0E7F, "thai"),
    (0x0E80, 0x0EFF, "lao"),
    (0x0F00, 0x0FFF, "tibetan"),
    (0x1000, 0x109F, "myanmar"),
    (0x10A0, 0x10FF, "georgian"),
    (0x1100, 0x11FF, "hangul"),
    (0x1200, 0x139F, "ethiopic"),
    (0x13A0, 0x13FF, "cherokee"),
    (0x1400, 0x167F, "canadian"),
    (0x1780, 0x17FF, "khmer"),
    (0x1800, 0x18AF, "mongolian"),
    (0x18B0, 0x18FF, "canadian"),
    (0x1C80, 0x1C8F, "cyrillic"),
    (0x1C90, 0x1CBF, "georgian"),
    (0x1D00, 0x1DBF, "latin"),
    (0x1E00, 0x1EFF, "latin"),
    (0x1F00, 0x1FFF, "greek"),
    (0x2070, 0x209F, _COMMON),  # super- and subscripts
    (0x2100, 0x2125, _COMMON),  # letter-like symbols
    (0x2126, 0x2126, "greek"),  # ohm, equal to omega
    (0x2127, 0x2129, _COMMON),
    (0x212A, 0x212B, "latin"),  # kelvin and angstrom, equal to K and Å
    (0x212C, 0x214F, _COMMON),
    (0x2C60, 0x2C7F, "latin"),
    (0x2D00, 0x2D2F, "georgian"),
    (0x2D80, 0x2DDF, "ethiopic"),
    (0x2DE0, 0x2DFF, "cyrillic"),
    (0x2E80, 0x2FDF, "han"),
    (0x3005, 0x3007, "han"),
    (0x3021, 0x3029, "han"),
    (0x3031, 0x3035, "kana"),
    (0x3038, 0x303C, "han"),
    (0x3040, 0x30FF, "kana"),
    (0x3100, 0x312F, "bopomofo"),
    (0x3130, 0x318F, "hangul"),
    (0x31A0, 0x31BF, "bopomofo"),
    (0x31F0, 0x31FF, "kana"),
    (0x3400, 0x9FFF, "han"),
    (0xA640, 0xA69F, "cyrillic"),
    (0xA720, 0xA7FF, "latin"),
    (0xA8E0, 0xA8FF, "devanagari"),
    (0xA960, 0xA97F, "hangul"),
    (0xA9E0, 0xA9FF, "myanmar"),
    (0xAA60, 0xAA7F, "myanmar"),
    (0xAB00, 0xAB2F, "ethiopic"),
    (0xAB30, 0xAB6F, "latin"),
    (0xAB70, 0xABBF, "cherokee"),
    (0xAC00, 0xD7FF, "hangul"),
    (0xF900, 0xFAFF, "han"),
    (0xFB00, 0xFB06, "latin"),
    (0xFB13, 0xFB17, "armenian"),
    (0xFB1D, 0xFB4F, "hebrew"),
    (0xFB50, 0xFDFF, "arabic"),
    (0xFE70, 0xFEFF, "arabic"),
    (0xFF21, 0xFF5A, "latin"),  # full width
    (0xFF66, 0xFF9F, "kana"),  # half width
    (0xFFA0, 0xFFDC, "hangul"),
    (0x1AFF0, 0x1B16F, "kana"),
    (0x20000, 0x323AF, "han"),
)
_FIRST = tuple(first for first, _, _ in _RANGES)
_LATIN = frozenset({"latin"})
_NONE: frozenset[str] = frozenset()

SCRIPTS: frozenset[str] = frozenset(name for _, _, name in _RANGES if name) | {OTHER}
"""Every name :func:`scripts_of` can give."""


@lru_cache(maxsize=8192)
def _script_of(char: str) -> str:
    if not char.isalpha():
        return _COMMON
    code = ord(char)
    at = bisect_right(_FIRST, code) - 1
    if at < 0 or code > _RANGES[at][1]:
        return OTHER
    return _RANGES[at][2]


def scripts_of(text: str) -> frozenset[str]:
    """The scripts of the letters in ``text``, by name (``"latin"``, ``"han"``, ``"kana"``, ...).

    Empty for a text without letters. ``"other"`` stands for letters of any script not named here
    (and for mathematical look-alike letters, which tokenizers do not know either). Plain ASCII takes
    about a microsecond.

    >>> sorted(scripts_of("東京タワーの高さ in metres?"))
    ['han', 'kana', 'latin']
    """
    if text.isascii():
        return _LATIN if any(map(str.isalpha, text)) else _NONE
    return frozenset(filter(None, map(_script_of, set(text))))
