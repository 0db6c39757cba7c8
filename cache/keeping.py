"""The evidence of an error budget over restarts and processes: a file in the cache's directory, or a shared place.

With a shared place (:class:`~askonce.backends.redis_states.RedisStates`) the processes exchange what they know now
and then, off the callers' path, and whoever starts inherits from who is gone. Without one, the evidence goes into a
file, which the next process that opens the directory goes on from; of several at once the last to write is kept.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ..clock import Clock
from ..errors import AskonceError
from ..forks import renew_after_fork
from .budget import ErrorBudget
from .negatives import DATABASE, Negatives

FILE = "budget.state"
EVERY_S = 30.0
MOST_BYTES = 1 << 20


class Evidence(Protocol):
    """What is used here of an error budget."""

    def encode(self) -> bytes:
        """The evidence as bytes."""

    def decode(self, data: bytes) -> bool:
        """Go on from such bytes; False when they are damaged."""

    def sync(self, store: Any) -> bool:
        """Exchange evidence with the others; False when the place did not answer."""


class Meeting(Protocol):
    """A place where the budgets of several processes meet."""

    def exchange(self, member: str, state: bytes) -> Any:
        """Leave one's state, get the others'. May take a round trip; raises StoreError when it is out of reach."""


class Keeping:
    """Keeps one budget's evidence.

    Args:
        budget: The budget.
        path: The file, or None.
        states: The shared place, the URL of a Redis for one there, or None; goes before the file.
        spawn: Runs work in the background.
        clock: Paces.

    Attributes:
        fault: What last went wrong; empty when nothing has.
    """

    def __init__(
        self,
        budget: Evidence,
        path: Path | None,
        states: Meeting | str | None,
        spawn: Callable[[Callable[[], Any]], None],
        clock: Clock,
    ) -> None:
        self._budget = budget
        self._path = path if states is None else None
        self._states: Meeting | None = _in_redis(states) if isinstance(states, str) else states
        self._spawn = spawn
        self._clock = clock
        self.fault = ""
        self.renew()
        renew_after_fork(self)
        self._changed = False  # whoever only looked must not write over what another process has learned
        self._load()
        self._next = clock.monotonic() + (0.0 if states is not None else EVERY_S)

    def renew(self) -> None:
        """In the child of a fork, and at the start."""
        self._turn = threading.Lock()

    def _load(self) -> None:
        if self._path is None:
            return
        try:
            with open(self._path, "rb") as file:
                data = file.read(MOST_BYTES)
        except FileNotFoundError:
            return
        except OSError as error:
            self.fault = str(error)
            return
        if not self._budget.decode(data):
            self.fault = f"{self._path} is damaged or of another version; the budget starts from its calibration"

    def note(self) -> None:
        """Something happened that the budget took note of. Costs a comparison, and now and then a thread's start."""
        self._changed = True
        if self._clock.monotonic() >= self._next and (self._path is not None or self._states is not None):
            self._next = self._clock.monotonic() + EVERY_S
            self._spawn(self.keep)

    def keep(self) -> None:
        """Exchange or write now. Never raises; may take a round trip."""
        with self._turn:  # of two at once, the one that looked first must not write last
            try:
                if self._states is not None:
                    self.fault = "" if self._budget.sync(self._states) else "the shared place did not answer"
                elif self._path is not None:
                    self._write(self._path, self._budget.encode())
            except (AskonceError, OSError) as error:
                self.fault = str(error)

    def _write(self, path: Path, data: bytes) -> None:
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(handle, "wb") as file:
                file.write(data)
            os.replace(beside, path)  # whole or not at all
            self.fault = ""
        except OSError:
            with contextlib.suppress(OSError):
                beside.unlink()
            raise

    def close(self) -> None:
        """Keep what was learned, last."""
        if self._changed:
            self.keep()
        close = getattr(self._states, "close", None)
        if close is not None:
            with contextlib.suppress(AskonceError):
                close()


def _in_redis(url: str) -> Meeting:
    from ..backends.redis_states import RedisStates

    return RedisStates(url)


def learned(directory: Path, max_wrong: float = 0.01) -> dict[str, Any]:
    """What a cache directory holds of what was learned, for looking at while others use it; nothing is changed.

    Returns:
        ``negatives``: how many pairs are never to be served for each other; ``budget``: the state of an error
        budget of ``max_wrong`` with the evidence kept there, None when there is none.
    """
    found: dict[str, Any] = {"negatives": 0, "budget": None}
    if (directory / DATABASE).is_file():
        pairs = Negatives(directory / DATABASE)
        found["negatives"] = len(pairs)
        pairs.close()
    with contextlib.suppress(OSError):
        data = (directory / FILE).read_bytes()
        budget = ErrorBudget(max_wrong)
        if len(data) <= MOST_BYTES and budget.decode(data):
            found["budget"] = budget.state()
    return found
