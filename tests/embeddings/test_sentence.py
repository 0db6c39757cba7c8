"""sentence-transformers models loaded from disk, without a hub."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer

from askonce import ConfigError, EmbedderError
from askonce.embeddings import SentenceTransformerEmbedder

from .pairs import cosines, own_pairs
from .tiny import write_sentence_transformer


def test_the_vectors_are_the_librarys(tiny: Path) -> None:
    """The vectors are what the library itself gives, scaled to length 1."""
    texts = ["one", "two words", "and three more"]
    raw = SentenceTransformer(str(tiny), device="cpu").encode(texts)
    unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    assert SentenceTransformerEmbedder(tiny).embed(texts) == pytest.approx(unit, abs=1e-5)


def test_the_official_weights_give_the_recorded_values(official: Path) -> None:
    """The official all-MiniLM-L6-v2 loads by path and gives the recorded cosines to 1e-3."""
    pairs = own_pairs("en")
    found = cosines(SentenceTransformerEmbedder(official), pairs)
    assert found == pytest.approx(np.array([pair.official for pair in pairs]), abs=1e-3)


def test_the_prompt_is_put_before_the_text(tiny: Path) -> None:
    """With a prompt the vector is that of prompt plus text, and the fingerprint is another."""
    plain, prompted = SentenceTransformerEmbedder(tiny), SentenceTransformerEmbedder(tiny, prompt="query: ")
    assert prompted.embed(["x"]) == pytest.approx(plain.embed(["query: x"]), abs=1e-5)
    assert prompted.fingerprint != plain.fingerprint


def test_the_models_own_default_prompt_is_not_added(tmp_path: Path, tiny: Path) -> None:
    """A default prompt in the model's settings, which the fingerprint would not show, is not used."""
    loaded = SentenceTransformer(str(tiny), device="cpu", prompts={"q": "some prompt: "}, default_prompt_name="q")
    loaded.save(str(tmp_path / "prompted"))
    texts = ["x", "y z"]
    assert float(np.abs(loaded.encode(texts) - loaded.encode(texts, prompt="")).max()) > 1e-3
    found = SentenceTransformerEmbedder(tmp_path / "prompted").embed(texts)
    assert found == pytest.approx(SentenceTransformerEmbedder(tiny).embed(texts), abs=1e-5)


def test_the_fingerprint_is_the_contents(tmp_path: Path, tiny: Path) -> None:
    """A copied folder keeps its fingerprint whatever its README says; other weights or settings change it."""
    copy = Path(shutil.copytree(tiny, tmp_path / tiny.name))
    known = SentenceTransformerEmbedder(tiny).fingerprint
    (copy / "README.md").write_text("other words")
    assert SentenceTransformerEmbedder(copy).fingerprint == known
    settings = copy / "sentence_bert_config.json"
    settings.write_text(settings.read_text() + "\n")
    assert SentenceTransformerEmbedder(copy).fingerprint != known
    other = write_sentence_transformer(tmp_path / "elsewhere" / tiny.name, seed=6)
    assert SentenceTransformerEmbedder(other).fingerprint != known


def test_too_long_a_text_is_refused_or_cut(tmp_path: Path) -> None:
    """A text that just fits the window is taken, one more letter refused; with ``overflow_ok`` it is cut."""
    folder = write_sentence_transformer(tmp_path / "short", window=16)
    made = SentenceTransformerEmbedder(folder)
    assert made.embed(["a" * 14]).shape == (1, 24)
    with pytest.raises(EmbedderError, match="takes 16") as caught:
        made.embed(["a" * 15])
    assert caught.value.data["refused"]
    cut = SentenceTransformerEmbedder(folder, overflow_ok=True)
    assert cut.embed(["a" * 15]) == pytest.approx(made.embed(["a" * 14]), abs=1e-5)


def test_weights_that_are_pickles_are_not_loaded(tmp_path: Path, tiny: Path) -> None:
    """A folder whose weights are only there as a pickle, sound or not, is refused and the pickle is not read."""
    sound, evil = (Path(shutil.copytree(tiny, tmp_path / name)) for name in ("sound", "evil"))
    for folder in (sound, evil):
        (folder / "model.safetensors").unlink()
    torch.save(load_file(tiny / "model.safetensors"), sound / "pytorch_model.bin")
    ran = tmp_path / "ran"
    (evil / "pytorch_model.bin").write_text(f"cposix\nsystem\n(S'touch {ran}'\ntR.")  # makes the file when loaded
    for folder in (sound, evil):
        with pytest.raises(ConfigError, match=r"no file named model\.safetensors"):
            SentenceTransformerEmbedder(folder)
    assert not ran.exists()


def test_batch_size_is_checked(tiny: Path) -> None:
    """A batch size below 1 is a ConfigError."""
    with pytest.raises(ConfigError, match="batch_size"):
        SentenceTransformerEmbedder(tiny, batch_size=0)
