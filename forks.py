"""What has locks, threads or connections and must live on in the child of a fork.

A fork copies every lock as it is, but only the forking thread: a lock another thread held just then would stay
held in the child for ever, a connection is shared with the parent, and a thread pool is gone. So what guards data
that must be whole is held over the fork by the forking thread (:func:`survive_fork`), and everything else is made
anew in the child (:func:`renew_after_fork`).
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol


class Renewable(Protocol):
    """Something with locks, threads or connections of its own."""

    def renew(self) -> None:
        """In the child, on its only thread, before any other code: make new locks, forget the other threads. Quick."""


class Forkable(Renewable, Protocol):
    """Holds its locks for moments only, and asks for no other Forkable's lock meanwhile."""

    def hold(self) -> None:
        """Before the fork: wait for whoever is inside, and let nobody in."""

    def release(self) -> None:
        """After it, in the parent."""


_renewed: weakref.WeakSet[Renewable] = weakref.WeakSet()
_surviving: weakref.WeakSet[Forkable] = weakref.WeakSet()
_lock = threading.Lock()
_held: list[Forkable] = []


def renew_after_fork(thing: Renewable) -> None:
    """Have ``thing`` renewed in every child of a fork; it is only weakly referred to."""
    with _lock:
        _renewed.add(thing)


def survive_fork(thing: Forkable) -> None:
    """Have ``thing`` held over every fork from now on; it is only weakly referred to."""
    with _lock:
        _surviving.add(thing)


def _before() -> None:
    _lock.acquire()
    for thing in list(_surviving):
        thing.hold()
        _held.append(thing)


def _in_parent() -> None:
    while _held:
        _held.pop().release()
    _lock.release()


def _in_child() -> None:
    global _lock
    # A server that embeds Python may fork without announcing it: then nothing is held, and all is made anew.
    for thing in [*(_held or _surviving), *_renewed]:
        thing.renew()
    _held.clear()
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
