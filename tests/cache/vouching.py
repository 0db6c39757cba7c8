"""A small world for tests of audits: questions whose true answers are known, and a decision with a real budget."""

from __future__ import annotations

import asyncio
import random
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import numpy as np

from askonce import Cache, Candidate, ManualClock, MemoryStore, Policy, Receipt, SemanticTier, Verdict, last_receipt
from askonce.cache.audit import Audits
from askonce.cache.budget import ErrorBudget
from askonce.cache.negatives import Negatives
from askonce.embeddings import FunctionEmbedder

DIM = 64
ANIMALS = ("cats", "dogs", "owls", "eels")


def bag_of_words(texts: Sequence[str]) -> np.ndarray[Any, Any]:
    """Unit vectors in which shared words make texts close."""
    rows = np.zeros((len(texts), DIM), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in text.lower().replace("?", " ").split():
            row[zlib.crc32(word.encode()) % DIM] += 1.0
        row[0] += 1e-3
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def truth(question: str) -> str:
    """The true answer: which animal is asked about is all that matters."""
    animal = next(word for word in question.split() if word in ANIMALS)
    return (
        f"A group of {animal} has {len(animal) + ANIMALS.index(animal)} members, as everybody who keeps {animal} knows."
    )


class Vouching:
    """Serves what is similar enough and what its budget allows; the risk of every candidate is the same."""

    def __init__(self, floor: float = 0.6, risk: float = 0.001, budget: ErrorBudget | None = None) -> None:
        self.floor = floor
        self.risk = risk
        self.budget = budget if budget is not None else ErrorBudget(0.01)
        self.negatives: Negatives | None = None

    def decide(self, candidate: Candidate) -> Verdict:
        allowed = self.budget.allow(self.risk, candidate.scope, candidate.key)
        return Verdict(allowed.serve, allowed.why, self.risk)


def world(
    audits: Audits | bool | None = None,
    decision: Any = None,
    *,
    clock: ManualClock | None = None,
    stores: list[Any] | None = None,
    shadow: bool = False,
    **options: Any,
) -> Cache:
    """A cache whose semantic tier goes by shared words."""
    clock = clock or ManualClock()
    embedder = FunctionEmbedder(bag_of_words, dim=DIM, name="words")
    tier = SemanticTier(embedder, decision=decision or Vouching(), deadline_ms=5000, shadow=shadow)
    return Cache(
        stores or [MemoryStore(clock=clock)],
        semantic=tier,
        audits=audits,
        clock=clock,
        policy=options.pop("policy", None) or Policy(ttl=1e6, jitter=0),
        rng=random.Random(7),
        **options,
    )


FILLERS = ("please", "now", "kindly", "today")


def question(animal: str, filler: str) -> str:
    return f"how many members has a group of {animal} {filler}"


def receipt() -> Receipt:
    found = last_receipt()
    assert found is not None
    return found


class Source:
    """A function's upstream, in four colours; counts its calls."""

    def __init__(self, cache: Cache, colour: str = "sync") -> None:
        self.asked: list[str] = []
        self.answers = truth
        self.colour = colour
        decorate = cache.cached(name="source")
        self.cache = cache

        def sync(question: str) -> str:
            return self.answer(question)

        async def later(question: str) -> str:
            await asyncio.sleep(0)
            return self.answer(question)

        def words(question: str) -> Iterator[str]:
            yield from self.answer(question).split(" ")

        async def awords(question: str) -> AsyncIterator[str]:
            for word in self.answer(question).split(" "):
                yield word

        self.call = decorate({"sync": sync, "async": later, "stream": words, "astream": awords}[colour])

    def answer(self, question: str) -> str:
        self.asked.append(question)
        return self.answers(question)

    def __call__(self, *questions: str) -> list[str]:
        """The answers, and all audits ended."""
        if self.colour in ("sync", "stream"):
            made = []
            for text in questions:
                said = self.call(text)
                made.append(said if self.colour == "sync" else " ".join(said))
                assert self.cache.learning.wait()
            return made

        async def ask() -> list[str]:
            made = []
            for text in questions:
                if self.colour == "async":
                    made.append(await self.call(text))
                else:
                    made.append(" ".join([word async for word in self.call(text)]))
                auditor = self.cache.learning.auditor
                assert auditor is None or await auditor.await_idle()
            return made

        return asyncio.run(ask())
