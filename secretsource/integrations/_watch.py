"""Telling a pool that its login was rotated."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from secretsource import Secret, Store
    from secretsource.integrations._login import Login

__all__ = ["LoopWatch", "Watch"]


class Watch:
    """Lets the store look after a login while a pool lives, and counts its rotations.

    It begins with the first connection and not before, as nothing may be read or started when a module is imported. It
    follows the process-wide store where that is replaced.

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
        self.rotations = 0

    def begun(self) -> int:
        """Begin, if the store of the login is not watched yet, and return how many rotations there have been.

        A connection that logs in after this call is older than the login if the number is another one later.
        """
        store = self._login.store
        if not self._ended and not (self._watched and self._watched[-1][0]() is store):
            self._watched.append((weakref.ref(store), store.on_rotation(self._login.password, self._rotated)))
            self._stop_all_but(1)
            if self._ended:
                self._stop_all_but(0)
        return self.rotations

    def stop(self) -> None:
        """End it for good."""
        self._ended = True
        self._stop_all_but(0)

    def _stop_all_but(self, kept: int) -> None:
        with contextlib.suppress(IndexError):
            while len(self._watched) > kept:
                self._watched.popleft()[1]()

    def _rotated(self, old: Secret, new: Secret) -> None:  # noqa: ARG002
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
