"""Why the answer to one question would or would not serve another: every voice that has a say, one by one."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from ..embeddings.contract import Embedder
from .evaluation import vectors_of
from .guards import CONSERVATIVE, Guard
from .semantic import Candidate, Decision, Verdict


class GuardSaid(msgspec.Struct):
    """A guard and why it vetoes; an empty reason lets the candidate pass."""

    name: str
    reason: str


class PairExplanation(msgspec.Struct, kw_only=True):
    """What each stage says of two questions.

    Attributes:
        cached, asked: The stored question and the one asked.
        serve: Whether the stored answer would be served.
        why: In words.
        similarity: Cosine; None when the embedder refuses one of the two.
        floor: Cosine below which the decision does not even look.
        guards: Every guard, also those after the first veto.
        risk: Estimated probability that it would be a wrong answer; None when nobody estimates it.
        cut: Risk up to which the error budget serves; None when the decision has none.
        second: Whether the slow second opinion was asked.
        details: What the decision tells of itself (``explain(candidate)``), for example the verifier's features.
    """

    cached: str
    asked: str
    serve: bool
    why: str
    similarity: float | None = None
    floor: float | None = None
    guards: list[GuardSaid] = []
    risk: float | None = None
    cut: float | None = None
    second: bool = False
    details: dict[str, Any] = {}

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        made: dict[str, Any] = msgspec.to_builtins(self)
        return made


def explain_pair(
    decision: Decision, embedder: Embedder, cached: str, asked: str, *, max_chars: int | None = None
) -> PairExplanation:
    """What would happen if ``asked`` came while the answer to ``cached`` is the nearest that is stored.

    Args:
        decision: When to serve.
        embedder: Text to vector.
        cached: The stored question.
        asked: The question asked.
        max_chars: Longer texts match exactly only.

    Raises:
        EmbedderError: The embedder failed.
    """
    guards = getattr(decision, "guards", CONSERVATIVE)
    made = PairExplanation(cached=cached, asked=asked, serve=False, why="", floor=decision.floor)
    made.guards = [GuardSaid(_name(guard), guard(asked, cached)) for guard in guards]
    rows = vectors_of(embedder, [cached, asked], max_chars=max_chars)
    if asked == cached:
        made.serve, made.why, made.similarity, made.risk = True, "the very same question: an exact hit", 1.0, 0.0
        return made
    if len(rows) < 2:
        text = asked if asked not in rows else cached
        made.why = f"the embedder refuses {text[:40]!r}: too long, blank, or in a script it does not know"
        return made
    made.similarity = float(np.dot(rows[cached], rows[asked]))
    candidate = Candidate(asked, cached, made.similarity)
    verdict = _verdict(made, decision, candidate)
    made.serve, made.why, made.risk = verdict.serve, verdict.why, verdict.risk
    if made.similarity < decision.floor:
        made.serve = False
        made.why = f"similarity {made.similarity:.3f} is below the floor {decision.floor:g}: not even looked at"
    tell = getattr(decision, "explain", None)
    if tell is not None:
        made.details = msgspec.to_builtins(tell(candidate), enc_hook=_plain)
    made.cut = _cut(decision, made.details)
    return made


def _verdict(made: PairExplanation, decision: Decision, candidate: Candidate) -> Verdict:
    try:
        verdict = decision.decide(candidate)
        settle = getattr(decision, "settle", None)
        if verdict.unsure and settle is not None:
            made.second = True
            verdict = settle(candidate)
    except Exception as error:
        return Verdict(False, f"the decision failed ({type(error).__name__}: {error}), so it is a no")
    return verdict


def _cut(decision: Decision, details: dict[str, Any]) -> float | None:
    """The cut a decision tells of, or its error budget's."""
    state = getattr(getattr(decision, "budget", None), "state", None)
    found = details.get("cut") if state is None else state().get("cut")
    return float(found) if isinstance(found, int | float) else None


def _name(guard: Guard) -> str:
    return getattr(guard, "__name__", type(guard).__name__).strip("_").replace("_", " ")


def _plain(value: Any) -> Any:
    """Numbers and arrays of numpy as plain ones."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return str(value)
