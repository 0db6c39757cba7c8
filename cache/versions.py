"""Versions: what an answer was made from, and what happens when that changes.

A *source* is anything an answer depends on and that has versions: a document (``tags={"doc:42": "v3"}``), or the
snapshot behind a model's name. An entry made from it carries two tags, ``doc:42`` and ``doc:42@v3``, so that
``invalidate(tag="doc:42")`` works as ever. Versions are opaque: which is newer is told by the order in which
they are met, and no answer is served across versions whichever that is.

A change is one bump of the ledger, of the source and of the version it replaces, whatever the number of entries:

- entries of the source made before the bump are retired, in every process that shares the ledger;
- ``doc:42@v2`` in the ledger says that v2 was replaced. A process that still declares it is neither served nor
  stored (it would spread old answers), and one that took it for current forgets that;
- when the replacing version has not been met for ``settle_s``, v2 may come back (a document restored): one
  more bump, of ``doc:42@v2@again``.

The ledger hears of changes only, never of first sights, so a million unchanging documents cost it nothing. What
follows: a change is noticed by a process that met the old version, or that reads an entry made from it; a
process that starts after the change and asks other questions cannot know of it. Whoever publishes a document
can always say ``invalidate(tag="doc:42")``.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from ..clock import SYSTEM_CLOCK, Clock
from ..errors import ConfigError
from ..forks import renew_after_fork
from .ledger import reserved

MARK = "@"
AGAIN = "@again"
SNAPSHOT = "snapshot:"
SYSTEM = "system:"


class Marks(Protocol):
    """What is asked of a ledger."""

    @property
    def seq(self) -> int:
        """The last sequence number known."""

    def at(self, tag: str) -> int:
        """The sequence number at which ``tag`` was last bumped, 0 when it was not; a bump that has not reached
        the shared ledger yet counts as the latest of all."""


class NoMarks:
    """A ledger in which nothing is ever bumped: versions of this process alone."""

    seq = 0

    def at(self, tag: str) -> int:
        return 0


def version_tag(name: str, version: str) -> str:
    """The tag an entry made from ``version`` of ``name`` carries."""
    return f"{name}{MARK}{version.replace('%', '%25').replace(MARK, '%40')}"


def versioned(tags: Mapping[str, str]) -> tuple[str, ...]:
    """``{"doc:42": "v3"}`` as an entry's tags: each source plain, and with its version.

    Raises:
        ConfigError: A name or version is not a text, or is empty, or the name means something to the ledger.
    """
    made: list[str] = []
    for name, version in tags.items():
        if not (isinstance(name, str) and isinstance(version, str) and name and version) or reserved(name):
            raise ConfigError(
                f'tags has {name!r}: {version!r}; write names and versions as texts, as tags={{"doc:42": "v3"}}',
                setting="tags",
            )
        made += (name, version_tag(name, version))
    return tuple(made)


def versions_in(tags: Sequence[str]) -> dict[str, str]:
    """Versions (encoded, as in the tag) by source; only where both tags of :func:`versioned` are there, so that
    a plain tag with an ``@`` in it, an address say, is nothing but itself."""
    found: dict[str, str] = {}
    for tag in tags:
        name, mark, version = tag.rpartition(MARK)
        if mark and name and name in tags:
            found[name] = version
    return found


def conflict(declared: Mapping[str, str], tags: Sequence[str]) -> bool:
    """Whether an entry with these tags was made from another version of a source than ``declared`` (as
    :func:`versions_in` gives it) says. One that tells no version of it was not."""
    held = versions_in(tags)
    return any(held.get(name, version) != version for name, version in declared.items())


class Declared(NamedTuple):
    """What follows from the versions a call declares.

    Attributes:
        retire: Tags to bump in the ledger before the call looks for an answer.
        replaced: Why the call may neither be served nor stored, or an empty text.
    """

    retire: tuple[str, ...] = ()
    replaced: str = ""


NOTHING = Declared()


class _Source(msgspec.Struct):
    """What this process knows of one source: the current version, since when, and a challenger's row."""

    version: str
    seq: int
    seen: float
    since: float
    rival: str = ""
    row: int = 0


class Versions:
    """The current version of every source, as this process knows it. Thread-safe; no I/O: what is to be bumped is
    returned, and the caller bumps it.

    Args:
        marks: The ledger; None until :meth:`attach`.
        clock: Time.
        settle_s: Seconds without sight of a version after which the one it replaced may come back.
        most: Sources remembered; the longest unused go first, which is always safe (what was noticed is bumped).
    """

    def __init__(
        self, marks: Marks | None = None, clock: Clock = SYSTEM_CLOCK, *, settle_s: float = 900.0, most: int = 50_000
    ) -> None:
        if not settle_s >= 0:
            raise ConfigError(f"settle_s is {settle_s!r}; it is a number of seconds", setting="settle_s")
        self.marks: Marks = marks if marks is not None else NoMarks()
        self._clock = clock
        self._settle = settle_s
        self._most = most
        self._sources: OrderedDict[str, _Source] = OrderedDict()
        self._met: dict[str, str] = {}
        self.changes = 0
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """In the child of a fork: a lock of its own."""
        self._lock = threading.Lock()

    @property
    def attached(self) -> bool:
        """Whether there is a ledger."""
        return not isinstance(self.marks, NoMarks)

    def attach(self, marks: Marks) -> None:
        """Go by this ledger from now on."""
        self.marks = marks

    def detach(self) -> None:
        """Leave the ledger, whose numbers mean nothing to the next, and forget what was known by it."""
        with self._lock:
            self.marks = NoMarks()
            self._sources.clear()
            self._met = {}

    def declare(self, tags: Sequence[str]) -> Declared:
        """Take note of the versions among a call's ``tags``; to be done before it looks for an answer."""
        versions = versions_in(tags)
        if not versions:
            return NOTHING
        retire: list[str] = []
        replaced = ""
        now = self._clock.monotonic()
        with self._lock:
            for name, version in versions.items():
                known = self._known(name)
                if known is not None and known.version == version:
                    known.seen = now
                    continue
                if self._replaced(name, version):
                    if known is None or now - known.seen < self._settle:
                        replaced = f"made from {version_tag(name, '')}{version}, which was replaced"
                        if known is None:
                            # Whatever replaced it was met elsewhere; wait for it as if it were seen now.
                            self._adopt(name, "", now)
                        continue
                    retire.append(f"{name}{MARK}{version}{AGAIN}")
                retire += self._change(name, known, version, now)
        return Declared(tuple(dict.fromkeys(retire)), replaced)

    def observe(self, name: str, version: str, row: int = 5) -> tuple[str, ...]:
        """Take note of a version that answers tell of (nobody declares it), and give the tags to bump. A new one
        counts once it came ``row`` times running: a provider that mixes two for a while changes nothing."""
        with self._lock:
            now = self._clock.monotonic()
            known = self._known(name)
            if known is None:
                self._adopt(name, version, now)
                return ()
            if known.version == version:
                known.seen, known.rival, known.row = now, "", 0
                return ()
            known.row = known.row + 1 if known.rival == version else 1
            known.rival = version
            if known.row < row:
                return ()
            again = [f"{name}{MARK}{version}{AGAIN}"] if self._replaced(name, version) else []
            # The old version alone: every answer of a snapshot carries it, and those of the new one may stay.
            return (*again, *self._change(name, known, version, now)[1:])

    def outdated(self, tags: Sequence[str], created: float = math.inf) -> str:
        """Why an entry with these tags may not be served, or an empty text. Costs about a microsecond, less
        without versions. One ``created`` (Unix seconds) before its successor was first met shows a change: see
        :meth:`noticed`."""
        for tag in tags:
            if MARK not in tag:
                continue
            name, _, version = tag.rpartition(MARK)
            if not name or name not in tags:
                continue
            known = self._sources.get(name)
            # Both reads are of whole objects, so no lock; a change in between is as if it came just after.
            if known is not None and known.version not in ("", version) and not self._replaced(name, known.version):
                if created < known.since and not name.startswith((SNAPSHOT, SYSTEM)):  # those come and go for a while
                    self._met[name] = version
                return f"made from {tag}, and the current version is {known.version}"
            if self._replaced(name, version) and not (known is not None and known.version == version):
                return f"made from {tag}, which was replaced"
        return ""

    @property
    def news(self) -> bool:
        """Whether :meth:`noticed` has something to give."""
        return bool(self._met)

    def noticed(self) -> tuple[str, ...]:
        """Tags to bump for the changes that entries made from old versions have shown since the last look: this
        process began after the change, and the others may not know of it yet."""
        retire: list[str] = []
        with self._lock:
            met, self._met = self._met, {}
            for name, version in met.items():
                known = self._known(name)
                if known is not None and known.version not in ("", version) and not self._replaced(name, version):
                    self.changes += 1
                    retire.append(f"{name}{MARK}{version}")
        return tuple(retire)

    def current(self, name: str) -> str | None:
        """The current version of ``name`` (encoded, as in the tag), None when it is not known here."""
        with self._lock:
            known = self._known(name)
            return known.version or None if known is not None else None

    def state(self) -> dict[str, object]:
        """How many sources are known, and how many changes this process noticed."""
        with self._lock:
            return {"sources": len(self._sources), "changes": self.changes}

    def _known(self, name: str) -> _Source | None:
        known = self._sources.get(name)
        if known is None:
            return None
        self._sources.move_to_end(name)
        if known.version and self.marks.at(f"{name}{MARK}{known.version}") > max(
            known.seq, self.marks.at(f"{name}{MARK}{known.version}{AGAIN}")
        ):
            known.version = ""  # another process met its successor
            known.seen = self._clock.monotonic()
        return known

    def _replaced(self, name: str, version: str) -> bool:
        at = self.marks.at(f"{name}{MARK}{version}")
        return at > 0 and at > self.marks.at(f"{name}{MARK}{version}{AGAIN}")

    def _adopt(self, name: str, version: str, now: float) -> None:
        self._sources[name] = _Source(version, self.marks.seq, now, self._clock.now())
        while len(self._sources) > self._most:
            self._sources.popitem(last=False)

    def _change(self, name: str, known: _Source | None, version: str, now: float) -> tuple[str, ...]:
        old = known.version if known is not None else ""
        self._adopt(name, version, now)
        if not old:
            return ()  # a first sight, or another process has bumped already
        self.changes += 1
        return name, f"{name}{MARK}{old}"


def answer_tags(requested: str, model: str, system: str = "") -> tuple[str, ...]:
    """Tags that say which snapshot, and which system fingerprint, answered for the model name ``requested``;
    none where the name is the snapshot, and none for an empty fingerprint."""
    tags: dict[str, str] = {}
    if requested and model and requested != model:
        tags[SNAPSHOT + requested] = model
    if requested and system:
        tags[SYSTEM + requested] = system
    return versioned(tags)
