"""What a child process must not inherit: locks, calls in flight, connections."""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from collections.abc import Callable
from types import MethodType
from typing import Generic, TypeVar

__all__ = ["PerProcess", "reset_in_child"]

T = TypeVar("T")

# Numbered, so that adding and removing are one step each and need no lock that a fork could leave taken.
_resets: dict[int, tuple[weakref.ref[object], Callable[[object], None]]] = {}
_numbers = itertools.count()
_inherited: list[object] = []


def reset_in_child(method: Callable[[], None]) -> None:
    """Call the bound *method* in every child process right after a fork, as long as its object lives."""
    assert isinstance(method, MethodType)  # noqa: S101
    number = next(_numbers)
    owner = weakref.ref(method.__self__, lambda _: _resets.pop(number, None))
    _resets[number] = (owner, method.__func__)


def _run_resets() -> None:
    for owner, reset in list(_resets.values()):
        if (known := owner()) is not None:
            reset(known)


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_run_resets)


class PerProcess(Generic[T]):
    """An object, such as a backend's client, that is built once per process, at its first use.

    A connection that parent and child share gives one the other's answers. So a child builds its own, and what it
    inherited is kept, unused and unclosed: closing it would speak on the parent's connection.
    """

    def __init__(self, build: Callable[[], T]) -> None:
        """Remember how to build it.

        Args:
            build: Called without arguments, under a lock; what it raises is raised by `get`.
        """
        self._build = build
        self._built: list[T] = []
        self._lock = threading.Lock()
        reset_in_child(self._reset)

    def get(self) -> T:
        """Return the object of this process."""
        for built in self._built:
            return built
        with self._lock:
            if not self._built:
                self._built.append(self._build())
            return self._built[0]

    def pop(self) -> T | None:
        """Forget the object and return it, or `None`; the next `get` builds a new one."""
        with self._lock:
            return self._built.pop() if self._built else None

    def _reset(self) -> None:
        _inherited.extend(self._built)
        self._built = []
        self._lock = threading.Lock()
