"""A builder: a thread that exists only while there is something to build."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, Generic, TypeVar

faiss: Any = import_module("faiss")

Thing = TypeVar("Thing")


class Builder(Generic[Thing]):
    """Tends things one after another, each waiting at most once, off the caller's thread.

    The thread starts with the first thing and ends with the last, so an index that is dropped without being
    closed leaves nothing running, and the child of a fork simply starts its own. What it computes in FAISS it
    computes on one core.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()  # taken last: never while holding it is another lock asked for
        self._changed = threading.Condition(self.lock)
        self._waiting: dict[Thing, None] = {}
        self._thread: threading.Thread | None = None
        self._stopping = False
        self.fault = ""

    @property
    def stopping(self) -> bool:
        """Long work should look at this and give up."""
        return self._stopping

    def submit(self, thing: Thing, tend: Callable[[Thing], None]) -> None:
        """Have ``tend(thing)`` called soon; ``tend`` is the same for all things."""
        with self.lock:
            if self._stopping or thing in self._waiting:
                return
            self._waiting[thing] = None
            if self._thread is None:
                thread = threading.Thread(target=self._run, args=(tend,), name="askonce-index", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # the interpreter is shutting down, or no threads are left
                    self._waiting.clear()
                    self.fault = f"no thread to build the index in ({error}); searches stay exact and slow"
                else:
                    self._thread = thread

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is waiting or being tended; False when that took too long."""
        with self._changed:
            return self._changed.wait_for(lambda: self._thread is None, timeout)

    def stop(self, timeout: float | None = 30.0) -> None:
        """Take no more work, and wait for what is being done to give up."""
        with self.lock:
            self._stopping = True
            self._waiting.clear()
            if self._thread is threading.current_thread():  # the last owner let go in the builder's own thread
                return
        self.wait(timeout)

    def reset_in_child(self) -> None:
        """After a fork: the thread stayed in the parent; what waited must be submitted again."""
        self.lock = threading.Lock()
        self._changed = threading.Condition(self.lock)
        self._waiting.clear()
        self._thread = None

    def _run(self, tend: Callable[[Thing], None]) -> None:
        faiss.omp_set_num_threads(1)  # of this thread only: OpenMP keeps the number per thread
        while True:
            with self._changed:
                thing = next(iter(self._waiting), None)
                if thing is None:
                    self._thread = None
                    self._changed.notify_all()
                    return
                del self._waiting[thing]
            try:
                tend(thing)
            except Exception as error:
                # Whatever failed (most likely memory), searches are exact without it.
                self.fault = f"{type(error).__name__} while building the index ({error}); searches stay exact and slow"
