"""The embedder's contract as tests, for the embedders here and for a user's own.

::

    from askonce.embeddings.embedder_suite import EmbedderSuite

    class TestMine(EmbedderSuite):
        def make(self):
            return MyEmbedder()

pytest then runs every law below. Nothing here needs pytest itself.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import numpy as np

from ..errors import EmbedderError
from .contract import Embedder, Matrix
from .scripts import SCRIPTS
from .service import EmbeddingService

TEXTS = (
    "How do I reset my password?",
    "hi",
    "What is the capital of France?",
    "Why was I charged $1,299.00 twice on 3 March, and when is the second payment refunded?",
    "Explain the difference between TCP and UDP to a child of ten, in three sentences without technical words.",
    "order 48213 has not arrived",
)
ODD_TEXTS = {
    "empty": "",
    "blank": " \t\n ",
    "emoji": "😀👩‍👩‍👧‍👦🏳️‍🌈",
    "lone surrogate": "half a character \ud83d here",
    "NUL": "before\0after",
    "control characters": "\x01\x1b[31m\x7f\u200b\u202e\ufeff",
    "combining marks": "a" + "\u0301" * 200,
    "one endless word": "x" * 5_000,
    "very long": "word " * 40_000,
    "right to left": "שלום עולם",
    "no script in common": "𓀀𓁹 ᚠᚢᚦ ᜀᜁ",
    "special tokens": "[CLS] [SEP] [MASK] [UNK] <s> </s> <|endoftext|>",
}


class EmbedderSuite:
    """Subclass it and say how the embedder is made."""

    _made: ClassVar[dict[type, Embedder]] = {}

    def make(self) -> Embedder:
        """A new embedder, the same each time."""
        raise NotImplementedError

    @property
    def embedder(self) -> Embedder:
        """One embedder for all laws of a class: loading a model is slow."""
        kind = type(self)
        if kind not in self._made:
            self._made[kind] = self.make()
        return self._made[kind]

    def test_one_unit_vector_per_text(self) -> None:
        """n texts give float32 of shape (n, dim), each row of length 1 to 1e-3."""
        vectors = self.embedder.embed(list(TEXTS))
        assert isinstance(vectors, np.ndarray), f"embed returned {type(vectors).__name__}, not an array"
        assert vectors.dtype == np.float32, f"dtype {vectors.dtype}"
        assert vectors.shape == (len(TEXTS), self.embedder.dim), f"shape {vectors.shape}"
        _assert_unit(vectors)

    def test_no_texts(self) -> None:
        """No texts give shape (0, dim)."""
        assert self.embedder.embed([]).shape == (0, self.embedder.dim)

    def test_company_changes_nothing(self) -> None:
        """A text has the same vector, to 1e-3 in each part, alone, in a batch, in reverse order and repeated."""
        alone = np.concatenate([self.embedder.embed([text]) for text in TEXTS])
        _assert_same(self.embedder.embed(list(TEXTS)), alone)
        _assert_same(self.embedder.embed(list(reversed(TEXTS)))[::-1], alone)
        _assert_same(self.embedder.embed([TEXTS[0]] * 5), np.repeat(alone[:1], 5, axis=0))

    def test_different_texts_differ(self) -> None:
        """Texts that have nothing in common do not get the same vector."""
        vectors = self.embedder.embed(list(TEXTS))
        likeness = vectors @ vectors.T - np.eye(len(TEXTS), dtype=np.float32)
        assert float(likeness.max()) < 0.999, "two different texts have the same vector"

    def test_threads(self) -> None:
        """Threads that embed at once get what each gets alone."""
        alone = self.embedder.embed(list(TEXTS))

        def one(at: int) -> Matrix:
            return self.embedder.embed([TEXTS[at % len(TEXTS)]])

        with ThreadPoolExecutor(4) as pool:
            for at, vector in enumerate(pool.map(one, range(4 * len(TEXTS)))):
                _assert_same(vector, alone[at % len(TEXTS) :][:1])

    def test_the_result_is_the_callers_own(self) -> None:
        """What a caller does to its vectors is not seen in the next ones."""
        first = self.embedder.embed([TEXTS[0]])
        kept = first.copy()
        if first.flags.writeable:
            first[:] = 0
        _assert_same(self.embedder.embed([TEXTS[0]]), kept)

    def test_fingerprint_is_stable(self) -> None:
        """Two embedders made alike have the same fingerprint and dimension; embedding changes neither."""
        before = (self.embedder.fingerprint, self.embedder.dim)
        self.embedder.embed([TEXTS[0]])
        other = self.make()
        assert (self.embedder.fingerprint, self.embedder.dim) == before == (other.fingerprint, other.dim)
        assert before[0], "the fingerprint is empty"
        assert before[0].isprintable(), "the fingerprint has control characters"
        _assert_same(other.embed([TEXTS[0]]), self.embedder.embed([TEXTS[0]]))

    def test_scripts_have_known_names(self) -> None:
        """``scripts`` is None or names that ``scripts_of`` can give."""
        scripts = self.embedder.scripts
        assert scripts is None or scripts <= SCRIPTS, f"unknown scripts {set(scripts or ()) - SCRIPTS}"

    def test_odd_texts(self) -> None:
        """An odd text gives a unit vector or an EmbedderError, never another error, and does no lasting harm."""
        before = self.embedder.embed([TEXTS[0]])
        for what, text in ODD_TEXTS.items():
            said = None
            try:
                vectors = self.embedder.embed([text])
            except EmbedderError as error:
                said = str(error)
            if said is not None:
                assert said, f"{what}: the error says nothing"
                assert "\n" not in said, f"{what}: the error is not one line"
                continue
            assert vectors.shape == (1, self.embedder.dim), f"{what}: shape {vectors.shape}"
            _assert_unit(vectors)
        _assert_same(self.embedder.embed([TEXTS[0]]), before)

    def test_odd_texts_do_not_hurt_others(self) -> None:
        """In the cache's service a text that is refused fails alone; the texts beside it get their vectors."""
        mixed = [text for pair in zip(TEXTS, ODD_TEXTS.values(), strict=False) for text in pair]
        with EmbeddingService(self.embedder) as service:
            futures = [service.submit(text) for text in mixed]
            alone = self.embedder.embed(list(TEXTS))
            for at, future in enumerate(futures):
                if at % 2 == 0:
                    _assert_same(future.result(60)[None, :], alone[at // 2 :][:1])
                else:
                    assert future.exception(60) is None or isinstance(future.exception(), EmbedderError)


def _assert_unit(vectors: Matrix) -> None:
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    assert bool((np.abs(lengths - 1) <= 1e-3).all()), f"lengths {lengths}"


def _assert_same(these: Matrix, those: Matrix) -> None:
    assert these.shape == those.shape, f"shapes {these.shape} and {those.shape}"
    apart = float(np.abs(these - those).max())
    assert apart <= 1e-3, f"vectors differ by {apart}"
