"""A caller that would only wait may do the work on its own thread, when the embedder allows it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest

from askonce.embeddings import EmbeddingService, Matrix, default_embedder
from askonce.errors import EmbedderError


class Embedder:
    """One-hot by length; notes the threads that asked. ``inline`` is what the test says."""

    fingerprint = "lengths/1"
    dim = 8
    scripts = None

    def __init__(self, inline: bool) -> None:
        self.inline = inline
        self.threads: list[int] = []
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def embed(self, texts: Sequence[str]) -> Matrix:
        self.threads.append(threading.get_ident())
        self.entered.set()
        assert self.go_on.wait(30)
        if "bad" in texts:
            raise EmbedderError("a bad text", refused=True)
        if "interrupt" in texts:
            raise KeyboardInterrupt
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(out, texts, strict=True):
            row[len(text) % self.dim] = 1
        return out


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize("here", [True, False])
def test_the_caller_works_only_when_both_agree(inline: bool, here: bool) -> None:
    """The caller's thread computes when it offers to and the embedder is inline; the vector is the same anyway."""
    embedder = Embedder(inline)
    with EmbeddingService(embedder) as service:
        vector = service.submit("four", here).result(30)
        assert vector[4] == 1
        assert (embedder.threads == [threading.get_ident()]) == (inline and here)
        assert service.submit("four", here).result(30) is vector  # remembered
        assert len(embedder.threads) == 1


def test_others_join_what_a_caller_computes() -> None:
    """A text that a caller is computing is not computed again for another; both get one vector."""
    embedder = Embedder(True)
    embedder.go_on.clear()
    with EmbeddingService(embedder) as service:
        first: list[object] = []
        thread = threading.Thread(target=lambda: first.append(service.submit("four", True).result(30)))
        thread.start()
        assert embedder.entered.wait(30)
        second = service.submit("four", True)
        assert not second.done()
        embedder.go_on.set()
        thread.join(30)
        assert second.result(30) is first[0]
        assert len(embedder.threads) == 1


def test_a_refused_text_fails_alone() -> None:
    """What the embedder refuses is this caller's EmbedderError, and the next text is served."""
    with EmbeddingService(Embedder(True)) as service:
        with pytest.raises(EmbedderError, match="a bad text"):
            service.submit("bad", True).result(0)
        assert service.submit("good", True).result(0)[4] == 1


def test_an_interrupt_reaches_the_caller_and_leaves_nobody_waiting() -> None:
    """KeyboardInterrupt in the computation is raised to the caller; the text can be asked again."""
    embedder = Embedder(True)
    with EmbeddingService(embedder) as service:
        with pytest.raises(KeyboardInterrupt):
            service.submit("interrupt", True)
        assert not service._waiting
        assert service.submit("four", True).result(0)[4] == 1


def test_the_shipped_model_is_inline_once_loaded() -> None:
    """Loading takes longer than a caller should compute for; afterwards a short text is milliseconds."""
    embedder = default_embedder()
    embedder.load()
    assert embedder.inline
