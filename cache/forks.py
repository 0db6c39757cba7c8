"""What the child of a fork must make anew: locks that another thread may have held, threads and calls in flight,
all of which stayed behind in the parent."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Renewable(Protocol):
    """Something with locks or threads of its own."""

    def renew(self) -> None:
        """In the child, which has one thread: make new locks, forget the other threads."""


_known: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renew_after_fork(thing: Renewable) -> None:
    """Have ``thing`` renewed in every child of a fork; it is only weakly referred to."""
    _known.add(thing)


def _in_child() -> None:
    for thing in list(_known):
        thing.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
