"""What the tokenizer does not pass on is not compared: such texts are refused, not given another text's vector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce import EmbedderError
from askonce.embeddings import OnnxEmbedder, SentenceTransformerEmbedder, default_embedder
from askonce.embeddings.blind_spots import dropped_marks

COLLIDING = [
    ("emoji", "What does 😀 mean?", "What does 😡 mean?"),
    ("only emoji", "👍", "👎"),
    ("negated relation", "Is 2 + 2 = 5?", "Is 2 + 2 ≠ 5?"),
    ("negated set relation", "Is x ∈ A?", "Is x ∉ A?"),
    ("endless word", "What is the hash " + "ab" * 60, "What is the hash " + "cd" * 60),
    ("full width", "Ｙｅｓ", "Ｎｏ"),
    ("Vietnamese", "Tôi muốn bán bạn", "Tôi muốn ban bàn"),
    ("one Vietnamese word", "What does bạn mean?", "What does ban mean?"),
    ("other digits", "١ + ٢", "٣ + ٤"),
]


@pytest.mark.parametrize(("what", "one", "other"), COLLIDING)
def test_texts_that_look_alike_to_the_model_are_refused(what: str, one: str, other: str) -> None:
    """Two different texts that the model cannot tell apart: the default refuses at least one of them."""
    blind = OnnxEmbedder(unknown="ignore").embed([one, other])
    assert float(blind[0] @ blind[1]) > 0.9999, "the model does tell them apart, so this test shows nothing"
    refused = 0
    for text in (one, other):
        try:
            default_embedder().embed([text])
        except EmbedderError as error:
            refused += bool(error.data["refused"])
    assert refused >= 1


@pytest.mark.parametrize(
    "text",
    [
        "How do I write a résumé?",
        "Is the café naïve?",
        "café",
        "À la carte?",
        "Señor Müller's façade, São Paulo and Zürich",
        "Où est ma commande ?",
        "Warum wurde mir zweimal ein Betrag für die Überführung berechnet?",
        "¿Cuándo llegará mi pedido?",
        "5 ≤ x, y → ∞, π ≈ 3.14159, x² ± ½, 20 °C",
        "“Quotes” – dashes — and … dots • bullets",
        "Does it cost €5, £5 or ¥5?",
        "x = y",
    ],
)
def test_ordinary_texts_are_not_refused(text: str) -> None:
    """English with borrowed accents, other Latin languages, common signs and money are embedded."""
    assert default_embedder().embed([text]).shape == (1, 384)


def test_the_official_model_has_the_same_spots(official: Path) -> None:
    """sentence-transformers models are asked the same question of their tokenizer; ``unknown_ok`` turns it off."""
    strict = SentenceTransformerEmbedder(official)
    for text in ("What does 😀 mean?", "Is 2 + 2 ≠ 5?"):
        with pytest.raises(EmbedderError, match="does not see all"):
            strict.embed([text])
    assert strict.embed(["Is the café naïve?"]).shape == (1, 384)
    assert SentenceTransformerEmbedder(official, unknown_ok=True).embed(["What does 😀 mean?"]).shape == (1, 384)


@given(st.text(st.characters(max_codepoint=0x7F)), st.text())
def test_ascii_has_no_marks(text: str, seen: str) -> None:
    """ASCII has nothing a normaliser could take away unseen."""
    assert dropped_marks(text, seen) == ""


@given(st.text())
def test_what_is_kept_is_not_dropped(text: str) -> None:
    """A normaliser that leaves a text as it is dropped nothing from it."""
    assert dropped_marks(text, text) == ""


@given(st.text(st.sampled_from("abc ")), st.sampled_from("≠∉≮↛⊄"), st.text(st.sampled_from("abc ")))
def test_a_dropped_stroke_is_always_noticed(before: str, sign: str, after: str) -> None:
    """However long the text around it, a sign that lost its stroke is noticed."""
    import unicodedata

    bare = unicodedata.normalize("NFD", sign).replace("\u0338", "")
    assert dropped_marks(before + sign + after, before + bare + after)


@given(st.text(st.characters(codec="ascii", categories=["Ll", "Zs"]), max_size=60))
def test_an_embedded_text_is_told_from_its_unknown_twin(text: str) -> None:
    """Adding a sign the model does not know never yields the vector of the text without being refused."""
    with pytest.raises(EmbedderError):
        default_embedder().embed([text + " 🦤"])
    assert np.isfinite(default_embedder().embed([text])).all()
