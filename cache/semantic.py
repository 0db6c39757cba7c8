"""The semantic tier: embed the question, look for neighbours in its scope, and decide whether to serve.

The decision is a seam: anything with ``decide(candidate) -> Verdict``.
:class:`Threshold` is the plain rule of the field made careful by guards; :class:`Conservative` also compares
the words; the default, :class:`.verified.Verified`, adds a verifier and an error budget.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from ..backends.contract import Index
from ..embeddings.contract import Embedder
from ..errors import ConfigError
from .guards import CONSERVATIVE, Guard
from .wording import same_words

SECOND_OPINIONS = 3
"""Slow second opinions a lookup may ask for, one after the other: often the second nearest serves and not the nearest.
Milliseconds each, and only a lookup that would else go upstream asks for more than one."""


class Candidate(NamedTuple):
    """One stored question that may serve the question asked.

    Attributes:
        asked, cached: The two questions.
        similarity: Cosine of their vectors.
        margin: Similarity lost to the next best candidate (1.0 when there is none).
        scope: Digest of everything else, which is equal for both.
        key: Exact key of the stored answer.
    """

    asked: str
    cached: str
    similarity: float
    margin: float = 1.0
    scope: bytes = b""
    key: bytes = b""


class Verdict(NamedTuple):
    """What a decision says of one candidate.

    Attributes:
        serve: Whether the stored answer may be served.
        why: In words.
        risk: Estimated probability that it would be a wrong answer; None when nobody estimates it.
        unsure: Not served yet: the decision's ``settle(candidate)``, which takes milliseconds, is to be asked.
    """

    serve: bool
    why: str
    risk: float | None = None
    unsure: bool = False


class Decision(Protocol):
    """Decides whether the answer to one question may serve another. Must not raise; a decision that
    does is treated as *no*.

    A decision that has a slow second opinion also has ``settle(candidate) -> Verdict``. It is asked off the
    event loop, about the first :data:`SECOND_OPINIONS` candidates of a lookup of which ``decide`` is unsure, until
    one may be served.

    Attributes:
        floor: Similarity below which a candidate is not even looked at.
    """

    floor: float

    def decide(self, candidate: Candidate) -> Verdict:
        """Costs microseconds: it is called wherever the caller is."""


def _cosine(value: float, name: str) -> float:
    if not -1 <= value <= 1:
        raise ConfigError(f"{name} is {value!r}; it is a cosine similarity from -1 to 1 (not a distance)", setting=name)
    return value


class Threshold:
    """Serve when the cosine reaches ``threshold`` and no guard objects.

    Args:
        threshold: Cosine, -1..1.
        guards: Vetoes; ``()`` gives the plain cosine rule.
    """

    def __init__(self, threshold: float = 0.9, guards: Sequence[Guard] = CONSERVATIVE) -> None:
        self.threshold = self.floor = _cosine(threshold, "threshold")
        self.guards = tuple(guards)

    def decide(self, candidate: Candidate) -> Verdict:
        asked, cached, similarity = candidate[:3]
        if similarity < self.threshold:
            return Verdict(False, f"similarity {similarity:.3f} is below {self.threshold:g}")
        reason = veto(self.guards, asked, cached)
        return Verdict(not reason, reason or f"similarity {similarity:.3f}, no guard objects")


def veto(guards: Sequence[Guard], asked: str, cached: str) -> str:
    """Why one of ``guards`` objects, or an empty string."""
    for guard in guards:
        reason = guard(asked, cached)
        if reason:
            return reason
    return ""


class Conservative:
    """Serve when the questions say the same in the same words, or when the cosine is high; a guard can veto both.

    Args:
        threshold: Cosine from which other words will do. It depends on the embedder; see :data:`THRESHOLDS`.
        same_words: Cosine from which the same content words in the same order will do.
        guards: Vetoes.
    """

    def __init__(
        self, threshold: float, same_words: float | None = None, guards: Sequence[Guard] = CONSERVATIVE
    ) -> None:
        self.threshold = _cosine(threshold, "threshold")
        self.same_words = threshold if same_words is None else _cosine(same_words, "same_words")
        self.floor = min(self.threshold, self.same_words)
        self.guards = tuple(guards)

    @classmethod
    def for_embedder(cls, fingerprint: str, threshold: float | None = None) -> Conservative:
        """The rule with the thresholds measured for an embedder, or strict ones for an unknown embedder."""
        known = next((pair for name, pair in THRESHOLDS.items() if fingerprint.startswith(name)), UNKNOWN_EMBEDDER)
        return cls(known[0], known[1]) if threshold is None else cls(threshold, min(threshold, known[1]))

    def decide(self, candidate: Candidate) -> Verdict:
        asked, cached, similarity = candidate[:3]
        alike = similarity >= self.same_words and same_words(asked, cached)
        if not alike and similarity < self.threshold:
            return Verdict(False, f"similarity {similarity:.3f} is below {self.threshold:g} and the words differ")
        reason = veto(self.guards, asked, cached)
        if reason:
            return Verdict(False, reason)
        return Verdict(True, f"similarity {similarity:.3f}, {'the same words, ' if alike else ''}no guard objects")


THRESHOLDS = {
    "all-MiniLM-L6-v2": (0.88, 0.75),
    "multilingual-e5-small": (0.97, 0.93),
}
"""By embedder (the beginning of its fingerprint): cosine from which other words, and the same words, will do.

Chosen on QQP and LCQMC pairs and on Bitext traffic: cosines of different models are not comparable, and a
threshold that is strict for one serves nearly everything with another.
"""
UNKNOWN_EMBEDDER = (0.97, 0.93)
"""For embedders nobody measured: as strict as the strictest above."""


class SemanticTier:
    """Settings and parts of the semantic tier.

    Args:
        embedder: None for the shipped all-MiniLM-L6-v2 (int8 ONNX, English).
        decision: When to serve; None for :class:`Verified`: guards, verifier and error budget.
        max_wrong: Share of the served semantic hits that may be wrong; the error budget's target. For a
            decision of one's own it has no meaning.
        index: None for a FAISS index in process.
        candidates: How many neighbours are looked at before it is a miss.
        deadline_ms: Milliseconds for embedding and search together on a lookup; beyond it, a miss.
        max_chars: Longer questions match exactly only: past the embedder's window it would compare beginnings.
        max_vectors: Bound of the index, oldest out first.
        shadow: Decide and serve nothing: the call goes upstream, and its answer is compared with the one that
            would have been served; see :meth:`Cache.shadow_report`.
        alert: Called with one line when the error budget trips and when it recovers, in whatever thread learnt of
            it; None logs a warning to the logger ``askonce``. It must return soon, and not close the cache. A decision
            of one's own has its own.
    """

    def __init__(
        self,
        embedder: Embedder | None = None,
        *,
        decision: Decision | None = None,
        max_wrong: float = 0.01,
        index: Index | None = None,
        candidates: int = 5,
        deadline_ms: float = 250.0,
        max_chars: int = 800,
        max_vectors: int = 1_000_000,
        shadow: bool = False,
        alert: Callable[[str], None] | None = None,
    ) -> None:
        for name, value in (("candidates", candidates), ("deadline_ms", deadline_ms), ("max_chars", max_chars)):
            if not value > 0:
                raise ConfigError(f"{name} is {value!r}; it must be greater than zero", setting=name)
        if not 0 < max_wrong <= 0.5:
            raise ConfigError(
                f"max_wrong is {max_wrong!r}; it is a share above 0 and at most 0.5 (for none, use semantic=False)",
                setting="max_wrong",
            )
        self._embedder = embedder
        self._lock = threading.Lock()
        self._decision = decision
        self.max_wrong = max_wrong
        self.index = index
        self.candidates = candidates
        self.deadline_s = deadline_ms / 1000
        self.max_chars = max_chars
        self.max_vectors = max_vectors
        self.shadow = shadow
        self._alert = alert

    @property
    def embedder(self) -> Embedder:
        """The embedder; the shipped one is loaded when first needed."""
        with self._lock:
            if self._embedder is None:
                from ..embeddings import default_embedder

                self._embedder = default_embedder()
            return self._embedder

    @property
    def decision(self) -> Decision:
        """When to serve."""
        if self._decision is None:
            from .verified import Verified

            self._decision = Verified(self.embedder.fingerprint, max_wrong=self.max_wrong, alert=self._alert)
        return self._decision
