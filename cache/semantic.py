"""The semantic tier: embed the question, look for neighbours in its scope, and decide whether to serve.

The decision is a seam: anything with ``decide(asked, cached, similarity, margin) -> Verdict``. The one
here, a conservative threshold with guards, is the plain rule of the field made careful.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ..backends.contract import Index
from ..embeddings.contract import Embedder
from ..errors import ConfigError
from .guards import CONSERVATIVE, Guard


class Verdict(NamedTuple):
    """``serve`` or not, ``why`` in words, and the estimated ``risk`` (probability of a wrong answer)."""

    serve: bool
    why: str
    risk: float | None = None


class Decision(Protocol):
    """Decides whether the answer to one question may serve another. Must not raise; a decision that
    does is treated as *no*.

    Attributes:
        floor: Similarity below which a candidate is not even looked at.
    """

    floor: float

    def decide(self, asked: str, cached: str, similarity: float, margin: float) -> Verdict:
        """``margin`` is the similarity lost to the next best candidate (1.0 when there is none)."""


class Threshold:
    """Serve when the cosine reaches ``threshold`` and no guard objects.

    Args:
        threshold: Cosine, -1..1. The default suits all-MiniLM-L6-v2.
        guards: Vetoes; ``()`` gives the plain cosine rule.
    """

    def __init__(self, threshold: float = 0.9, guards: Sequence[Guard] = CONSERVATIVE) -> None:
        if not -1 <= threshold <= 1:
            raise ConfigError(
                f"threshold is {threshold!r}; it is a cosine similarity from -1 to 1 (not a distance)",
                setting="threshold",
            )
        self.threshold = self.floor = threshold
        self.guards = tuple(guards)

    def decide(self, asked: str, cached: str, similarity: float, margin: float) -> Verdict:
        if similarity < self.threshold:
            return Verdict(False, f"similarity {similarity:.3f} is below {self.threshold:g}")
        for guard in self.guards:
            reason = guard(asked, cached)
            if reason:
                return Verdict(False, reason)
        return Verdict(True, f"similarity {similarity:.3f}, no guard objects")


class SemanticTier:
    """Settings and parts of the semantic tier.

    Args:
        embedder: None for the shipped all-MiniLM-L6-v2 (int8 ONNX, English).
        decision: When to serve; None for :class:`Threshold` with the conservative guards.
        index: None for a FAISS index in process.
        candidates: How many neighbours are looked at before it is a miss.
        deadline_ms: Milliseconds for embedding and search together on a lookup; beyond it, a miss.
        max_chars: Longer questions match exactly only: past the embedder's window it would compare beginnings.
        max_vectors: Bound of the index, oldest out first.
    """

    def __init__(
        self,
        embedder: Embedder | None = None,
        *,
        decision: Decision | None = None,
        index: Index | None = None,
        candidates: int = 5,
        deadline_ms: float = 250.0,
        max_chars: int = 800,
        max_vectors: int = 1_000_000,
    ) -> None:
        for name, value in (("candidates", candidates), ("deadline_ms", deadline_ms), ("max_chars", max_chars)):
            if not value > 0:
                raise ConfigError(f"{name} is {value!r}; it must be greater than zero", setting=name)
        self._embedder = embedder
        self._lock = threading.Lock()
        self.decision: Decision = decision if decision is not None else Threshold()
        self.index = index
        self.candidates = candidates
        self.deadline_s = deadline_ms / 1000
        self.max_chars = max_chars
        self.max_vectors = max_vectors

    @property
    def embedder(self) -> Embedder:
        """The embedder; the shipped one is loaded when first needed."""
        with self._lock:
            if self._embedder is None:
                from ..embeddings import default_embedder

                self._embedder = default_embedder()
            return self._embedder
