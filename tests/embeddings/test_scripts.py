"""The writing systems of a text, checked against Unicode's own names of its characters."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce.embeddings import SCRIPTS, EmbeddingService, OnnxEmbedder, default_embedder, scripts_of
from askonce.embeddings.scripts import OTHER

# First word of a character's Unicode name, where it is not the script in lower case.
NAMES = {
    "CJK": "han",
    "HIRAGANA": "kana",
    "KATAKANA": "kana",
    "HENTAIGANA": "kana",
    "ORIYA": "odia",
}


@pytest.mark.parametrize(
    ("text", "scripts"),
    [
        ("How do I reset my password?", "latin"),
        ("naïve café, Ærøskøbing, Łódź, Straße, IJsselmeer", "latin"),
        ("Şifremi nasıl sıfırlarım? İstanbul", "latin"),
        ("Tôi muốn đặt lại mật khẩu", "latin"),
        ("Ｆｕｌｌ ｗｉｄｔｈ", "latin"),
        ("如何重置我的密码？", "han"),
        ("東京タワーの高さは？", "han kana"),
        ("ﾊﾝｶｸ", "kana"),
        ("비밀번호를 어떻게 재설정합니까?", "hangul"),
        ("Как сбросить пароль?", "cyrillic"),
        ("Πώς αλλάζω τον κωδικό;", "greek"),
        ("איך מאפסים סיסמה?", "hebrew"),
        ("كيف أعيد تعيين كلمة المرور؟", "arabic"),
        ("पासवर्ड कैसे बदलें?", "devanagari"),
        ("ฉันจะรีเซ็ตรหัสผ่านได้อย่างไร", "thai"),
        ("እንዴት", "ethiopic"),
        ("Wie heißt 東京 auf Русский?", "latin han cyrillic"),
        ("42 + 7 = ?", ""),
        ("٤٢ १२३ ４２ ½ Ⅻ", ""),
        ("😀 👩‍👩‍👧 🇩🇪 1️⃣ ❤️", ""),
        ("", ""),
        (" \t\n…—“”。！？", ""),
        ("𓀀", "other"),
        ("𝓗𝓮𝓵𝓵𝓸", "other"),
        ("\ud800", ""),
    ],
)
def test_by_example(text: str, scripts: str) -> None:
    """Letters name their script; digits, punctuation, emoji and marks name none."""
    assert scripts_of(text) == frozenset(scripts.split())


def test_agrees_with_the_names_of_all_letters() -> None:
    """For every letter of Unicode: a script named here is the one in the letter's Unicode name, and a letter
    whose name begins with a script named here is never called another one's or nobody's."""
    expected = {name.upper(): name for name in SCRIPTS - {OTHER, "han", "kana", "odia"}} | NAMES
    common_blocks = range(0x2100, 0x2150)  # ℂ is "double-struck capital C", ℵ "alef symbol"
    wrong = []
    for code in range(0x110000):
        char = chr(code)
        if not char.isalpha() or code in common_blocks:
            continue
        first = unicodedata.name(char, "").split(" ")[0]
        found = scripts_of(char)
        if first in expected and "LETTER SMALL CAPITAL" not in unicodedata.name(char):
            mathematical = found == {OTHER}  # blocks added to a script later, which no tokenizer knows either
            phonetic = 0x1D00 <= code <= 0x1DBF or 0xAB30 <= code <= 0xAB6F  # written in Latin context
            superscript = (not found and unicodedata.category(char) == "Lm") or 0x2070 <= code <= 0x209F
            if found != {expected[first]} and not (mathematical or phonetic or superscript):
                wrong.append((hex(code), unicodedata.name(char), set(found)))
    assert wrong == []


def test_equal_texts_have_equal_scripts() -> None:
    """A character and its canonical forms (NFC, NFD) have the same scripts, for every character of Unicode."""
    wrong = [
        hex(code)
        for code in range(0x110000)
        if not 0xD800 <= code < 0xE000
        for form in ("NFC", "NFD")
        if (other := unicodedata.normalize(form, char := chr(code))) != char  # type: ignore[arg-type]
        and scripts_of(other) != scripts_of(char)
    ]
    assert wrong == []


@given(st.text(), st.text())
def test_a_text_has_the_scripts_of_its_parts(one: str, other: str) -> None:
    """The scripts of two texts joined are the scripts of both, in any order, and all have known names."""
    assert scripts_of(one + other) == scripts_of(one) | scripts_of(other) == scripts_of(other + one)
    assert scripts_of(one) <= SCRIPTS


@given(st.text(st.characters(max_codepoint=0x7F)))
def test_ascii_is_latin_or_nothing(text: str) -> None:
    """The short cut for ASCII agrees with the rule: Latin if there is a letter."""
    assert scripts_of(text) == (frozenset({"latin"}) if any(c.isalpha() for c in text) else frozenset())


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("How do I reset my password?", True),
        ("café naïve 42 😀", True),
        ("如何重置我的密码？", False),
        ("What does 密码 mean?", False),
        ("Как сбросить пароль?", False),
        ("What does 𝓗𝓮𝓵𝓵𝓸 say?", False),
    ],
)
def test_the_default_embedder_knows_latin_only(text: str, known: bool) -> None:
    """Over the default embedder a question with one letter of another script stays out of the semantic tier."""
    with EmbeddingService(OnnxEmbedder()) as service:
        assert service.supports(text) is known
    assert default_embedder().scripts == {"latin"}
