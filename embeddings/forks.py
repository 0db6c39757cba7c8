"""What must be made anew in a forked child.

A lock may have been held by a thread the child does not have, a connection is shared with the parent,
and an engine's thread pool is gone: each would hang the child, or mix up its answers.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """Something with state that does not survive a fork."""

    def _after_fork(self) -> None:
        """Called in the child, on its only thread, before any other code runs. Must be quick."""


_watched: weakref.WeakSet[Forkable] = weakref.WeakSet()


def mend_after_fork(owner: Forkable) -> None:
    """Call ``owner._after_fork()`` in every child forked while ``owner`` lives."""
    _watched.add(owner)


def _mend() -> None:
    for owner in list(_watched):
        owner._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_mend)
