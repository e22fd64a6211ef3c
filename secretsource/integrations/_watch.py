"""Telling a pool that its login was rotated."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from secretsource import SecretSourceError

if TYPE_CHECKING:
    from secretsource import Secret, Store
    from secretsource.integrations._login import Login

__all__ = ["LoopWatch", "Watch"]


class Watch:
    """Lets the store look after a login while a pool lives, and counts its rotations.

    It begins with the first connection and not before, as nothing may be read or started when a module is imported. It
    follows the process-wide store: another one in its place counts as a rotation, as the login of the one before may be
    given back when that is closed.

    Args:
        login: What is watched.
        pool: Who is told. It is not kept alive, and when it is gone the watch ends.
        tell: Called with the pool after each rotation, on a thread of the store's.

    Attributes:
        rotations: How many there have been.
    """

    def __init__(self, login: Login, pool: object, tell: Callable[[Any], object] = bool) -> None:
        self._login = login
        self._tell = tell
        self._ended = False
        # Appended to and taken from by any thread. A lock could be held by another one at a fork.
        self._watched: deque[tuple[weakref.ref[Store], Callable[[], None]]] = deque()
        self._pool = weakref.ref(pool)
        weakref.finalize(pool, self.stop).atexit = False
        self._newest: Secret | None = None
        self.rotations = 0

    def begun(self) -> int:
        """Begin, if the store of the login is not watched yet, and return how many rotations there have been.

        A connection that logs in after this call is older than the login if the number is another one later.
        """
        self._watch(self._login.store)
        return self.rotations

    def follow(self) -> None:
        """Go over to the process-wide store of now, if another one is watched: where a connection is used again."""
        if self._watched:
            with contextlib.suppress(SecretSourceError):  # the next login tells of it
                self._watch(self._login.store)

    def is_over(self, begun: int, password: Secret) -> bool:
        """Whether there was a rotation since, and to something else than what a connection logged in with.

        Args:
            begun: What `begun` returned before the login.
            password: What it logged in with. A refused login has found the newer one by itself, and is told of later.
        """
        if begun == self.rotations:
            return False
        newest = self._newest
        return newest is None or (newest.version, newest.value_bytes) != (
            password.version,
            password.value_bytes,
        )

    def stop(self) -> None:
        """End it for good."""
        self._ended = True
        self._stop_all_but(0)

    def _watch(self, store: Store) -> None:
        # More than once where two threads have ended the watches of each other.
        while not self._ended and ((last := self._last()) is None or last() is not store):
            self._watched.append((weakref.ref(store), store.on_rotation(self._login.password, self._rotated)))
            self._stop_all_but(1)
            if last is not None:
                self._count(None)
            if self._ended:
                self._stop_all_but(0)

    def _last(self) -> weakref.ref[Store] | None:
        with contextlib.suppress(IndexError):
            return self._watched[-1][0]
        return None

    def _stop_all_but(self, kept: int) -> None:
        with contextlib.suppress(IndexError):
            while len(self._watched) > kept:
                self._watched.popleft()[1]()

    def _rotated(self, old: Secret, new: Secret) -> None:  # noqa: ARG002
        self._count(new)

    def _count(self, newest: Secret | None) -> None:
        self._newest = newest
        self.rotations += 1
        if (pool := self._pool()) is not None:
            self._tell(pool)


class LoopWatch(Watch):
    """A watch for a pool that belongs to an event loop: what is called returns a coroutine, which is run there."""

    def __init__(
        self, login: Login, pool: object, tell: Callable[[Any], Coroutine[Any, Any, object]]
    ) -> None:
        super().__init__(login, pool, self._hand_over)
        self._run = tell
        self._loop: asyncio.AbstractEventLoop | None = None

    def begun(self) -> int:
        """Begin, take the running loop for the pool's, and return how many rotations there have been."""
        self._loop = asyncio.get_running_loop()
        return super().begun()

    def _hand_over(self, pool: Any) -> None:
        if self._loop is not None and not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(self._run(pool), self._loop)
