"""Writers to be killed.

Run as a program it is a small server that forks one writer per line of its input, so that a killed writer
costs milliseconds and not an import. A writer opens a cache, asks it one new question after another, and
says so after each; now and then it retires an earlier answer; told to, it closes its cache in the end.

Input: ``directory first last close``. Output, one event per line: ``pid N``, then what the writer
completed (``put N``, ``gone N``, ``closing``, ``closed``), then ``end STATUS``.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path

import numpy as np

from askonce import Cache, SemanticTier, Threshold, controls
from askonce.embeddings import FunctionEmbedder

FIXED = ["where", "is", "item"]
DIGITS = 4
RETIRE_EVERY = 15


def digits(number: int) -> list[str]:
    """``number`` as words, each of which also tells its place: two numbers never make the same words."""
    return [f"{place}{(number >> 4 * at) & 15}" for at, place in enumerate("abcd")]


def question(number: int) -> str:
    return f"where is item {' '.join(digits(number))}"


def other_wording(number: int) -> str:
    """The same words in another order: another exact key, the very same vector."""
    return f"item {' '.join(reversed(digits(number)))} is where"


def answer_to(text: str) -> str:
    """The one right answer to a question, in either wording."""
    return "at " + " ".join(sorted(set(text.split()) - set(FIXED)))


def bag_of_words(texts: list[str]) -> np.ndarray:
    """One dimension per word. Questions that differ in a single word have cosine 6/7."""
    rows = np.zeros((len(texts), len(FIXED) + 16 * DIGITS))
    for row, text in zip(rows, texts, strict=True):
        for word in text.split():
            place = FIXED.index(word) if word in FIXED else len(FIXED) + 16 * "abcd".index(word[0]) + int(word[1:])
            row[place] += 1
    return rows


def open_cache(directory: Path) -> Cache:
    """A cache that serves the same words in any order, and nothing else: no guard would hide a mix-up."""
    embedder = FunctionEmbedder(bag_of_words, len(FIXED) + 16 * DIGITS, "bag-of-words")
    tier = SemanticTier(embedder, decision=Threshold(0.99, guards=()), deadline_ms=60_000)
    return Cache(directory=directory, semantic=tier, ttl=None)


def ask_function(cache: Cache):  # type: ignore[no-untyped-def]
    """The decorated function; it answers rightly when it is asked."""

    @cache.cached(name="answer")
    def answer(text: str) -> str:
        return answer_to(text)

    return answer


def write(directory: Path, first: int, last: int, close: bool) -> None:
    """Write the answers to questions ``first`` to ``last`` and tell of each."""
    cache = open_cache(directory)
    answer = ask_function(cache)
    for number in range(first, last + 1):
        with controls(tags=[f"number:{number}"]):
            reply = answer.reply(question(number))
        if not reply.receipt.stored:
            raise AssertionError(f"{number} was not stored: {reply.receipt}")
        tell(f"put {number}")
        if number % RETIRE_EVERY == 0 and number - 3 >= first:
            if not cache.invalidate(tag=f"number:{number - 3}"):
                raise AssertionError(f"{number - 3} was not retired")
            tell(f"gone {number - 3}")
    if close:
        tell("closing")
        cache.close()
        tell("closed")


def tell(event: str) -> None:
    os.write(1, f"{event}\n".encode())


def main() -> None:
    for line in sys.stdin:
        directory, first, last, close = line.rstrip("\n").rsplit(" ", 3)
        pid = os.fork()
        if pid == 0:
            signal.alarm(100)  # no writer outlives its test for long
            try:
                write(Path(directory), int(first), int(last), close == "True")
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        tell(f"pid {pid}")
        tell(f"end {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}")


if __name__ == "__main__":
    main()
