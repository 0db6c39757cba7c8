"""Invalidation in O(1): tags, and the sequence number at which each was last invalidated.

An entry remembers the sequence number known when its upstream call *began*; it is valid while none of
its tags was invalidated after that. Every entry also carries implicit tags (everything, its scope,
model, key and text), so all ways to invalidate are one mechanism. Sequence numbers instead of clocks:
two machines need not agree on the time, and an answer that was already on its way when its source
changed is dropped too.

The ledger of the last shared store (Redis before disk) is the authority. While it is out of reach, an
invalidation holds here at once and is handed in later; until then nothing that carries the tag is
served by this process.

What an audit finds outdated is retired under marks of its own (``drift:`` before the tag). So the answer that
found it, whose call began before, can be told from what an invalidation means: the first may be kept, the
second never.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Sequence
from hashlib import blake2b

from ..backends.contract import Epochs
from ..clock import Clock
from ..entry import Entry
from ..errors import ConfigError, StoreError
from ..forks import renew_after_fork

RETRY_S = 1.0
EVERYTHING = "*"
BEFORE = "before:"
DRIFT = "drift:"


def reserved(tag: str) -> bool:
    """Whether ``tag`` has a meaning of its own in the ledger, so that it cannot be a user's tag."""
    return tag == EVERYTHING or tag.startswith(BEFORE)


def _floor(tag: str) -> float:
    """The time a ``before:`` tag speaks of; one that is no time (another program wrote it) says nothing."""
    try:
        floor = float(tag.removeprefix(BEFORE))
    except ValueError:
        return -math.inf
    return floor if math.isfinite(floor) else -math.inf


def text_tag(query: str) -> str:
    """Implicit tag of a question's text (a digest: the text itself stays out of the ledger)."""
    return "text:" + blake2b(query.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def tags_for(
    tag: str | None,
    model: str | None,
    scope: str | None,
    key: str | None,
    text: str | None,
    older_than: float | None,
    everything: bool,
    now: float,
) -> list[str]:
    """The tags that say what :meth:`Cache.invalidate` was told; raises ConfigError when that is nothing or wrong."""
    for name, value in (("scope", scope), ("key", key)):
        if value is not None and (len(value) != 64 or set(value.lower()) - set("0123456789abcdef")):
            raise ConfigError(f"{name} is {value!r}; it is a digest of 64 hexadecimal digits", setting=name)
    if older_than is not None and not older_than >= 0:
        raise ConfigError(f"older_than is {older_than!r}; it is a number of seconds", setting="older_than")
    if tag is not None and (not isinstance(tag, str) or reserved(tag)):
        raise ConfigError(
            f"tag is {tag!r}; it is a text other than {EVERYTHING!r} and {BEFORE!r}..., which are everything and "
            "older_than",
            setting="tag",
        )
    tags = [f"{kind}:{value.lower()}" for kind, value in (("scope", scope), ("key", key)) if value]
    if model is not None:
        tags.append(f"model:{model}")
    if tag is not None:
        tags.append(tag)
    if text is not None:
        tags.append(text_tag(text))
    if older_than is not None:
        tags.append(f"before:{now - older_than!r}")
    if everything:
        tags.append("*")
    if not tags:
        raise ConfigError("say what to invalidate: tag, model, scope, key, text, older_than or everything")
    return tags


class Ledger:
    """One process's view of what has been invalidated.

    Args:
        authority: The ledger that other processes share, or the memory store's own.
        mirror: A second, local ledger that remembers the authority's state across a restart.
        clock: Paces retries while the authority is away.
    """

    def __init__(self, authority: Epochs, mirror: Epochs | None, clock: Clock) -> None:
        self._authority = authority
        self._mirror = mirror
        self._clock = clock
        self.renew()
        renew_after_fork(self)
        self._table: dict[str, int] = {}
        self._kinds: frozenset[str] = frozenset()
        self._pending: dict[str, None] = {}
        self._before = float("-inf")
        self._retry_at = float("-inf")
        self.seq = 0
        self.last_bump = 0
        self.fault = ""
        if mirror is not None:
            try:
                self._take(*mirror.snapshot())
            except StoreError as error:
                self.fault = str(error)
        self.refresh()

    def renew(self) -> None:
        """In the child of a fork, and at the start. What another thread was learning is learnt again."""
        self._lock = threading.Lock()
        self._version = -1

    def news(self) -> bool:
        """Whether :meth:`refresh` has something to do; costs about a microsecond and no round trip."""
        if self._authority.version() == self._version and not self._pending:
            return False
        return self._clock.monotonic() >= self._retry_at

    def refresh(self) -> None:
        """Fetch the authority's state and hand in what is pending. May take a round trip. Never raises."""
        with self._lock:
            now = self._clock.monotonic()
            try:
                version = self._authority.version()
                if version == self._version and not self._pending:
                    return  # another caller has just done it
                if self._pending:
                    self._authority.bump(list(self._pending))
                self._take(*self._authority.snapshot())
                self._pending = {}  # only now: until the numbers are known, what is pending is not valid
                self._version = version
                self.fault = ""
                self._retry_at = float("-inf")
            except StoreError as error:
                self.fault = str(error)
                self._retry_at = now + RETRY_S
                return
            self._remember()

    def _take(self, seq: int, table: dict[str, int]) -> None:
        for tag, at in table.items():
            if at > self._table.get(tag, 0):
                self._table[tag] = at
        self.seq = max(self.seq, seq)
        self._index()

    def _index(self) -> None:
        tags = (*self._table, *self._pending)
        self.last_bump = max(self._table.values(), default=0)
        self._kinds = frozenset(tag.partition(":")[0] for tag in tags)
        self._before = max((_floor(tag) for tag in tags if tag.startswith(BEFORE)), default=-math.inf)

    def _remember(self) -> None:
        """Copy the authority's state beside the local entries; losing this copy costs only safety margin."""
        adopt = getattr(self._mirror, "adopt", None)
        if adopt is None:
            return
        try:
            adopt(self.seq, dict(self._table))
        except StoreError as error:
            self.fault = str(error)

    def bump(self, tags: Sequence[str]) -> bool:
        """Invalidate ``tags``. Returns whether the authority has it (else it is handed in later)."""
        with self._lock:
            try:
                self._authority.bump(tags)
                version = self._authority.version()  # first: what is told after the snapshot must look new
                self._take(*self._authority.snapshot())
                self._version = version
                confirmed = True
            except StoreError as error:
                self.fault = str(error)
                self._pending.update(dict.fromkeys(tags))
                self._retry_at = self._clock.monotonic() + RETRY_S
                self._index()
                confirmed = False
            self._remember()
        return confirmed

    def retire(self, marks: Sequence[str]) -> bool:
        """As :meth:`bump`, of what drift has outdated: tags, ``scope:`` and ``key:`` with digests."""
        return self.bump([DRIFT + mark for mark in marks])

    def at(self, tag: str) -> int:
        """The sequence number at which ``tag`` was last bumped, 0 when it was not; ``sys.maxsize`` while that has not
        reached the authority."""
        return sys.maxsize if tag in self._pending else self._table.get(tag, 0)

    def valid(self, entry: Entry) -> bool:
        """Whether nothing the entry carries was invalidated, or retired, since its upstream call began."""
        if not self._pending and (not self._table or entry.seq >= self.last_bump):
            return entry.created >= self._before or not self._table
        return self._standing(entry) and not ("drift" in self._kinds and self._drifted(entry))

    def past_drift(self, entry: Entry) -> int:
        """The sequence number with which an answer that has itself shown the drift may stay: the latest, when it is
        retired by drift alone; its own, when it is not retired or is invalidated too."""
        seq = self.seq  # first: what is bumped after this is above it
        return seq if not self._pending and self._standing(entry) and self._drifted(entry) else entry.seq

    def _drifted(self, entry: Entry) -> bool:
        marks = (*entry.tags, "scope:" + entry.scope.hex(), "key:" + entry.key.hex())
        return any(self.at(DRIFT + mark) > entry.seq for mark in marks)

    def _standing(self, entry: Entry) -> bool:
        """Whether the entry is valid, drift aside."""
        if entry.created < self._before:
            return False
        table, pending, seq, kinds = self._table, self._pending, entry.seq, self._kinds
        for tag in entry.tags:
            if table.get(tag, 0) > seq or tag in pending:
                return False
        for kind, tag in (
            ("*", "*"),
            ("model", "model:" + entry.model if "model" in kinds else ""),
            ("scope", "scope:" + entry.scope.hex() if "scope" in kinds else ""),
            ("key", "key:" + entry.key.hex() if "key" in kinds else ""),
            ("text", text_tag(entry.query) if "text" in kinds and entry.query is not None else ""),
        ):
            if kind in kinds and (table.get(tag, 0) > seq or tag in pending):
                return False
        return True
