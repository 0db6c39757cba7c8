"""What has locks and threads and must live on in the child of a fork.

A fork copies every lock as it is, but only the forking thread: a lock another thread held just then would stay
held in the child for ever. So all locks are taken before the fork, by the forking thread, and made anew in the child.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol


class Forkable(Protocol):
    """Holds its locks for moments only, and asks for no other Forkable's lock meanwhile."""

    def hold(self) -> None:
        """Before the fork: wait for whoever is inside, and let nobody in."""

    def release(self) -> None:
        """After it, in the parent."""

    def renew(self) -> None:
        """After it, in the child, which has one thread: make new locks, forget the other threads."""


_known: weakref.WeakSet[Forkable] = weakref.WeakSet()
_lock = threading.Lock()
_held: list[Forkable] = []


def survive_fork(thing: Forkable) -> None:
    """Have ``thing`` held over every fork from now on; it is only weakly referred to."""
    with _lock:
        _known.add(thing)


def _before() -> None:
    _lock.acquire()
    for thing in list(_known):
        thing.hold()
        _held.append(thing)


def _in_parent() -> None:
    while _held:
        _held.pop().release()
    _lock.release()


def _in_child() -> None:
    global _lock
    # A server that embeds Python may fork without announcing it: then nothing is held, and all is made anew.
    for thing in _held or list(_known):
        thing.renew()
    _held.clear()
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
