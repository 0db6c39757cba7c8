"""A log of real traffic through several policies in shadow: what each would have served, and how much of it wrong.

The cache fills as the log goes on, for each policy for itself: a hit stores nothing, a miss stores its answer.
Nothing is served and nobody is asked.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from ..backends.contract import Match
from ..backends.faiss_index import FaissIndex
from ..embeddings.contract import Embedder
from ..embeddings.service import Vector
from ..upstream.tokens import estimate_tokens
from .evaluation import Interval, charge, share_interval, vectors_of
from .pair_files import Asked, Traffic, groups_of
from .policy_names import Named
from .semantic import SECOND_OPINIONS, Candidate, Verdict

_FIRST_LOOK = 32  # neighbours looked up at once; more when a policy holds few of them


class Replayed(msgspec.Struct, kw_only=True):
    """What one policy would have done. Shares are 0..1.

    Attributes:
        policy, max_wrong: Which policy; ``max_wrong`` is None for a rule without an error budget.
        calls: Calls of the log.
        exact, semantic: Hits by the very same question, and by a similar one.
        right, wrong, unknown: Semantic hits by what the log knows of them.
        exact_wrong: Exact hits whose answer had changed; no policy for similar questions can help them.
        wrong_share: Wrong of the semantic hits whose truth is known; None when there are none.
        wrong_at_most: Upper end of its 95 % interval.
        tokens, tokens_saved: Of all calls, and of the hits; None when the log tells neither tokens nor answers.
        second: Calls that asked the slow second opinion.
        failed: Calls at which the decision failed, which is a miss.
        intervals: 95 % intervals (Wilson) of ``hit_share``, ``exact_share``, ``semantic_share``, ``wrong_share``.
    """

    policy: str
    max_wrong: float | None
    calls: int = 0
    exact: int = 0
    semantic: int = 0
    right: int = 0
    wrong: int = 0
    unknown: int = 0
    exact_wrong: int = 0
    tokens: int | None = None
    tokens_saved: int | None = None
    second: int = 0
    failed: int = 0

    @property
    def wrong_share(self) -> float | None:
        known = self.right + self.wrong
        return self.wrong / known if known else None

    @property
    def wrong_at_most(self) -> float:
        interval = share_interval(self.wrong, self.right + self.wrong)
        return 1.0 if interval is None else interval[1]

    @property
    def intervals(self) -> dict[str, Interval | None]:
        return {
            "hit_share": share_interval(self.exact + self.semantic, self.calls),
            "exact_share": share_interval(self.exact, self.calls),
            "semantic_share": share_interval(self.semantic, self.calls),
            "wrong_share": share_interval(self.wrong, self.right + self.wrong),
        }

    def as_dict(self) -> dict[str, Any]:
        """Plain data, with the shares."""
        made: dict[str, Any] = msgspec.to_builtins(self)
        of = max(1, self.calls)
        return {
            **made,
            "hit_share": (self.exact + self.semantic) / of,
            "exact_share": self.exact / of,
            "semantic_share": self.semantic / of,
            "wrong_share": self.wrong_share,
            "wrong_at_most": self.wrong_at_most,
            "intervals": self.intervals,
        }


class Recommendation(NamedTuple):
    """The setting to choose, or None, and why."""

    policy: str | None
    max_wrong: float | None
    why: str


class _Held(NamedTuple):
    call: Asked
    since: float | None


class _Run:
    """One policy at work: what it holds, and its tally."""

    def __init__(self, named: Named) -> None:
        self.decision = named.decision
        self.held: dict[bytes, _Held] = {}
        self.tally = Replayed(policy=named.name, max_wrong=named.max_wrong)


def same_answer(one: str, other: str) -> bool:
    """Whether two answers are the same text, case, width, spacing and the marks at the end aside."""

    def bare(text: str) -> str:
        return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).rstrip(".!? ")

    return bare(one) == bare(other)


def truth_of(traffic: Traffic) -> Callable[[Asked, Asked], bool | None]:
    """What tells whether the answer to a stored call serves the one asked; it gives None where nobody knows."""
    if traffic.by == "pairs":
        groups = groups_of(pair for pair, label in traffic.alike.items() if label)

        def by_pairs(asked: Asked, cached: Asked) -> bool | None:
            said = traffic.alike.get((asked.text, cached.text))
            if said is not None:
                return bool(said)
            group = groups.get(asked.text)
            if asked.text == cached.text or (group is not None and group == groups.get(cached.text)):
                return True
            return None

        return by_pairs

    def by_truth(asked: Asked, cached: Asked) -> bool | None:
        if asked.truth is None or cached.truth is None:
            return None
        if traffic.by == "answer":
            return same_answer(asked.truth, cached.truth)
        return asked.truth == cached.truth

    return by_truth


def cost_of(call: Asked, by: str) -> int | None:
    """Tokens of a call: as logged, or estimated from question and answer; None when there is neither."""
    if call.tokens is not None:
        return call.tokens
    if by == "answer" and call.truth is not None:
        return estimate_tokens(call.text) + estimate_tokens(call.truth)
    return None


def steps_of(traffic: Traffic) -> int:
    """How far ``progress`` of :func:`replay` counts: distinct questions and calls."""
    return len({call.text for call in traffic.calls}) + len(traffic.calls)


def replay(
    traffic: Traffic,
    embedder: Embedder,
    policies: Sequence[Named],
    *,
    candidates: int = 5,
    max_chars: int | None = None,
    ttl: float | None = None,
    progress: Callable[[int], None] = lambda steps: None,
) -> list[Replayed]:
    """Run a log through policies, each with a cache of its own that is empty at first.

    Args:
        traffic: The log.
        embedder: Text to vector.
        policies: What to compare.
        candidates: Neighbours looked at before it is a miss.
        max_chars: Longer questions match exactly only.
        ttl: Seconds an answer lives; counts only where the log has times.
        progress: Called with the steps done since the last call.

    Returns:
        One tally a policy, in their order.

    Raises:
        EmbedderError: The embedder failed.
    """
    rows = vectors_of(embedder, [call.text for call in traffic.calls], max_chars=max_chars, progress=progress)
    index = FaissIndex(embedder.dim, embedder.fingerprint)
    runs = [_Run(named) for named in policies]
    same = truth_of(traffic)
    try:
        for call in traffic.calls:
            scope = blake2b(call.scope.encode("utf-8", "surrogatepass"), digest_size=16).digest()
            key = blake2b(call.text.encode("utf-8", "surrogatepass"), digest_size=24, key=scope).digest()
            vector = rows.get(call.text)
            near = _Neighbours(index, scope, vector)
            for run in runs:
                _ask(run, call, scope, key, near, same, candidates, ttl, cost_of(call, traffic.by))
            if vector is not None and key not in index:
                index.add(scope, key, vector)
            progress(1)
    finally:
        index.close()
    return [run.tally for run in runs]


class _Neighbours:
    """The neighbours of one question, looked up when first needed and as far as needed."""

    def __init__(self, index: FaissIndex, scope: bytes, vector: Vector | None) -> None:
        self._index, self._scope, self._vector = index, scope, vector
        self._found: list[Match] = []
        self._asked = 0

    def held(self, run: _Run, most: int, alive: Callable[[_Held], bool]) -> list[tuple[Match, _Held]]:
        """The nearest ``most`` that a policy holds."""
        if self._vector is None:
            return []
        while True:
            mine = [
                (match, found)
                for match in self._found
                if (found := run.held.get(match.key)) is not None and alive(found)
            ]
            all_seen = self._asked and len(self._found) < self._asked
            too_far = bool(self._found) and self._found[-1].similarity < run.decision.floor
            if len(mine) >= most or all_seen or too_far:
                return mine[:most]
            self._asked = max(_FIRST_LOOK, 4 * self._asked)
            self._found = self._index.search(self._scope, self._vector, self._asked)


def _ask(
    run: _Run,
    call: Asked,
    scope: bytes,
    key: bytes,
    near: _Neighbours,
    same: Callable[[Asked, Asked], bool | None],
    candidates: int,
    ttl: float | None,
    cost: int | None,
) -> None:
    """One call at one policy: exact, then similar, then a miss that is stored."""

    def alive(held: _Held) -> bool:
        return ttl is None or call.time is None or held.since is None or call.time - held.since < ttl

    tally = run.tally
    tally.calls += 1
    if cost is not None:
        tally.tokens = (tally.tokens or 0) + cost
        tally.tokens_saved = tally.tokens_saved or 0
    exact = run.held.get(key)
    if exact is not None and alive(exact):
        tally.exact += 1
        tally.exact_wrong += same(call, exact.call) is False
    else:
        found = _similar(run, call, scope, near.held(run, candidates, alive))
        if found is None:
            run.held[key] = _Held(call, call.time)
            return
        tally.semantic += 1
        right = same(call, found)
        tally.right += right is True
        tally.wrong += right is False
        tally.unknown += right is None
    if cost is not None:
        tally.tokens_saved = (tally.tokens_saved or 0) + cost


def _similar(run: _Run, call: Asked, scope: bytes, matches: list[tuple[Match, _Held]]) -> Asked | None:
    """The stored call that would be served, as the cache chooses it: the nearest that may be, a few second opinions."""
    settled = 0
    for place, (match, held) in enumerate(matches):
        if match.similarity < run.decision.floor:
            break
        after = matches[place + 1][0].similarity if place + 1 < len(matches) else match.similarity - 1.0
        candidate = Candidate(call.text, held.call.text, match.similarity, match.similarity - after, scope, match.key)
        try:
            verdict = run.decision.decide(candidate)
            settle = getattr(run.decision, "settle", None)
            if verdict.unsure:
                run.tally.second += not settled and settle is not None
                verdict = Verdict(False, "") if settled >= SECOND_OPINIONS or settle is None else settle(candidate)
                settled += 1
        except Exception:
            run.tally.failed += 1
            continue
        if verdict.serve:
            charge(run.decision, candidate, verdict)
            return held.call
    return None


def recommend(tallies: Sequence[Replayed], target: float) -> Recommendation:
    """The largest ``max_wrong`` tested whose wrong share is surely under the target: the upper end of its 95 %
    interval must be. Rules without an error budget count only when nothing else was tested; then the one with the
    most semantic hits.

    Args:
        tallies: What :func:`replay` gave.
        target: Share of semantic hits that may be wrong.
    """
    if not any(one.right + one.wrong for one in tallies):
        why = "no semantic hit whose truth the log knows: give labels or answers, or a longer log"
        return Recommendation(None, None, why)
    budgets = [one for one in tallies if one.max_wrong is not None]
    within = [one for one in budgets or tallies if one.wrong_at_most <= target and one.right + one.wrong]
    if within:
        best = max(within, key=lambda one: (one.max_wrong or 0.0, one.semantic))
        said = (
            f"{best.wrong} wrong of {best.right + best.wrong:,} known semantic hits: at most "
            f"{best.wrong_at_most:.2%} with 95 % confidence, under the target of {target:.2%}"
        )
        return Recommendation(best.policy, best.max_wrong, said)
    best = min(budgets or tallies, key=lambda one: (one.wrong_at_most, -one.semantic))
    enough = next(count for count in _counts() if (share_interval(0, count) or (0, 1.0))[1] <= target)
    return Recommendation(
        None,
        None,
        f"nothing tested is surely under {target:.2%}: the best, {best.policy}"
        + (f" at {best.max_wrong:g}" if best.max_wrong is not None else "")
        + f", had {best.wrong} wrong of {best.right + best.wrong:,} known semantic hits (at most "
        f"{best.wrong_at_most:.2%}); even without one wrong it takes {enough:,} of them",
    )


def _counts() -> Any:
    """1, 2, 3, ... in steps of about one per cent: quick, and close enough for advice."""
    count = 1
    while True:
        yield count
        count += max(1, count // 100)
