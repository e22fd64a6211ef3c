"""What a child process must not inherit: locks, calls in flight, connections."""

from __future__ import annotations

import contextlib
import functools
import importlib
import itertools
import os
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from types import MethodType
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = ["PerProcess", "reset_in_child", "whole_import"]

T = TypeVar("T")

_LONGEST_IMPORT = 10.0  # seconds for which a fork waits

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


class _Importing:
    """Keeps forks and imports of client libraries apart."""

    def __init__(self) -> None:
        self._is_first = False
        self._renew()

    def _renew(self) -> None:
        self.lock = threading.RLock()
        self._held: list[bool] = []

    def register(self) -> None:
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self.before_fork,
                after_in_parent=self.after_in_parent,
                after_in_child=self.after_in_child,
            )

    def come_first(self) -> None:
        """Wait for imports before any other module takes a lock for a fork: the imports may need that lock.

        What was registered last is called first.
        """
        with self.lock:
            if not self._is_first:
                import logging  # noqa: F401, PLC0415 - takes its own lock for a fork

                self._is_first = True
                self.register()

    def before_fork(self) -> None:
        self._held.append(self.lock.acquire(timeout=_LONGEST_IMPORT))

    def after_in_parent(self) -> None:
        if self._held.pop():
            self.lock.release()

    def after_in_child(self) -> None:
        self._renew()


_importing = _Importing()


def whole_import() -> AbstractContextManager[object]:
    """Return a block for the imports of a client library, during which this process is not forked.

    A child of a thread that forks while another one imports would inherit a module that is half there, and a lock on it
    that nobody holds any more: it could never import it. So the fork waits, and the block is for imports, and for what
    a client sets up without asking anybody.
    """
    return _importing.lock  # the lock itself: what Ctrl-C interrupts in it leaves it released


_importing.register()
if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_run_resets)


@functools.cache
def _set_openssl_up() -> None:
    """Begin a handshake with nobody: the first one sets OpenSSL up, under locks that no child could release."""
    import ssl  # noqa: PLC0415 - loaded already

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost").do_handshake()


class PerProcess(Generic[T]):
    """An object, such as a backend's client, that is built once per process, at its first use.

    A connection that parent and child share gives one the other's answers. So a child builds its own, and what it
    inherited is kept, unused and unclosed: closing it would speak on the parent's connection.
    """

    def __init__(self, build: Callable[[], T], *, modules: Sequence[str] = ()) -> None:
        """Remember how to build it.

        Args:
            build: Called without arguments, under a lock, with no fork meanwhile: it must ask nobody over a network.
                What it raises is raised by `get`.
            modules: Imported before, with no fork in between: all that the object imports when it is used.
        """
        self._build = build
        self._modules = modules
        self._built: list[T] = []
        self._lock = threading.Lock()
        reset_in_child(self._reset)

    def get(self) -> T:
        """Return the object of this process."""
        for built in self._built:
            return built
        with self._lock:
            if not self._built:
                self._set_up()
            return self._built[0]

    def _set_up(self) -> None:
        if self._modules:
            _importing.come_first()
        with whole_import():
            for module in self._modules:
                importlib.import_module(module)
            if "ssl" in sys.modules:
                _set_openssl_up()
            self._built.append(self._build())  # loading certificates takes locks of OpenSSL's too

    def pop(self) -> T | None:
        """Forget the object and return it, or `None`; the next `get` builds a new one."""
        with self._lock:
            return self._built.pop() if self._built else None

    def _reset(self) -> None:
        _inherited.extend(self._built)
        self._built = []
        self._lock = threading.Lock()
