"""What the way of a call is made of: the commands it yields, and what they come back as.

The way itself is :mod:`.pipeline`; :mod:`.drivers` carries the commands out.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from ..backends.contract import Vector
from ..entry import Entry
from .flight import Flight
from .policy import Answer
from .tiers import Tier

if TYPE_CHECKING:
    from .semantic_index import SemanticIndex


class Get(NamedTuple):
    """Read ``key`` from ``tier``: Entry, None or Fault."""

    tier: Tier
    key: bytes


class Put(NamedTuple):
    """Write ``entry`` to ``tier``: None or Fault."""

    tier: Tier
    entry: Entry


class Delete(NamedTuple):
    """Remove ``key`` from ``tier``: bool or Fault."""

    tier: Tier
    key: bytes


class Wait(NamedTuple):
    """Wait for the future that ``begin(here)`` gives for at most ``deadline_s``: its result or Fault. ``here`` says
    whether this thread may do the work itself. ``name`` is the stage."""

    begin: Callable[[bool], Future[Any]]
    deadline_s: float
    name: str


class Compute(NamedTuple):
    """Run ``work`` off the event loop's thread when ``heavy``, there for at most ``deadline_s``: its result
    or Fault."""

    work: Callable[[], Any]
    heavy: bool
    name: str
    deadline_s: float | None = None


class Forget(NamedTuple):
    """Drop ``key`` from the index: None or Fault."""

    semantic: SemanticIndex
    key: bytes


class Ask(NamedTuple):
    """Make the upstream call, as leader of ``flight``: an Answer. Raises what the call raises."""

    flight: Flight | None


class Join(NamedTuple):
    """Wait for another caller's upstream call, for at most ``patience_s``: an Answer. Raises the leader's error,
    HandOver, Alone or Impatient."""

    flight: Flight
    patience_s: float | None = None


class Spawn(NamedTuple):
    """Run another way in the background; its failures are counted, not raised."""

    work: Callable[[], Generator[Any, Any, Any]]


Command: TypeAlias = Get | Put | Delete | Wait | Compute | Forget | Ask | Join | Spawn
Way: TypeAlias = Generator[Command, Any, Any]


class Fault(NamedTuple):
    """A stage did not answer."""

    stage: str
    error: BaseException

    def __str__(self) -> str:
        return f"{self.stage}: {str(self.error) or type(self.error).__name__}"


class Found(NamedTuple):
    """A servable entry and where it was. ``age`` is Policy.age's word."""

    entry: Entry
    tier: str
    age: str = "fresh"
    similarity: float | None = None
    risk: float | None = 0.0


class Outcome(NamedTuple):
    """The end of the way: a found entry, or an answer made now (by this call or a joined one)."""

    status: str
    found: Found | None = None
    answer: Answer | None = None
    stored: bool = False
    reason: str = ""


class Trace:
    """What a call met on its way; makes the receipt and ``explain``."""

    __slots__ = ("candidates", "checked", "faults", "passed", "reason", "vector", "withheld")

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.checked: list[tuple[str, str]] = []
        self.candidates: list[dict[str, Any]] = []
        self.reason = ""
        self.vector: Vector | None = None
        self.withheld: Found | None = None  # what the semantic tier would have served, were it not in shadow mode
        self.passed: Found | None = None  # the nearest stored answer that was not good enough
