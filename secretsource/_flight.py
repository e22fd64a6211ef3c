"""One fetch at a time for one document: worker threads, and the flights that callers share.

A fetch runs on a daemon thread and fulfils a `concurrent.futures.Future`. Threads wait on it with their own deadline
and coroutines await it, so one flight serves both, a caller is released at its deadline even if a client library hangs,
and a hung call never delays the interpreter's exit.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from secretsource._deadline import Deadline
from secretsource._fork import reset_in_child

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["Flights", "Workers"]

_IDLE_SECONDS = 10.0

R = TypeVar("R")


class Workers:
    """At most *limit* daemon threads that run tasks in the order they came; idle threads end by themselves."""

    def __init__(self, limit: int) -> None:
        """Start nothing yet.

        Args:
            limit: The most threads at once, at least 1.
        """
        self._limit = limit
        self._reset()
        reset_in_child(self._reset)

    def _reset(self) -> None:
        self._tasks: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()  # re-entrant, as a signal handler may read too
        self._threads = 0
        self._idle = 0

    def submit(self, task: Callable[[], None]) -> bool:
        """Run *task*, which must not raise, on a thread as soon as one is free.

        Returns:
            Whether it will run. It will not where none can be started and none is there, because the system has no
            more, or none is free, because the interpreter is shutting down: busy ones are not worth waiting for then.
        """
        with self._changed:
            self._tasks.append(task)
            if self._idle >= len(self._tasks) or self._threads >= self._limit:
                self._changed.notify()
                return True
            if self._start_thread() or (self._threads and threading.main_thread().is_alive()):
                return True
            self._tasks.pop()
            return False

    def _start_thread(self) -> bool:
        """Start a thread, with the lock held: so nobody counts on one that cannot be started."""
        self._threads += 1
        try:
            threading.Thread(target=self._work, name="secretsource-fetch", daemon=True).start()
        except Exception:  # noqa: BLE001 - RuntimeError or MemoryError; Ctrl-C comes when the thread runs already
            self._threads -= 1
            return False
        return True

    def _work(self) -> None:
        while (task := self._next_task()) is not None:
            task()
            del task  # an idle thread keeps nothing alive

    def _next_task(self) -> Callable[[], None] | None:
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._tasks, timeout=_IDLE_SECONDS)
            self._idle -= 1
            if self._tasks:
                return self._tasks.popleft()
            self._threads -= 1
            return None


class _Flight(Generic[R]):
    """One fetch under way, with everybody who waits for it."""

    __slots__ = ("deadline", "future", "number", "started")

    def __init__(self, number: int, deadline: Deadline) -> None:
        from concurrent.futures import Future  # noqa: PLC0415 - not needed where only local resolvers are asked

        self.number = number
        self.deadline = Deadline(deadline.remaining)
        self.started = False
        self.future: Future[R] = Future()
        self.future.set_running_or_notify_cancel()  # from here on, a waiter that is cancelled cancels nobody else


class Flights(Generic[R]):
    """The fetches under way, by key.

    Flights are numbered in the order in which they were asked for: the number tells an older answer from a newer one.
    """

    def __init__(self, workers: Workers, grounded: R) -> None:
        """Start nothing yet.

        Args:
            workers: Shared among all keys.
            grounded: The answer of a flight that cannot take off, since no thread can be started.
        """
        self._workers = workers
        self._grounded = grounded
        self._numbers = itertools.count(1)
        self._reset()
        reset_in_child(self._reset)

    def _reset(self) -> None:
        self._flying: dict[Hashable, _Flight[R]] = {}
        self._lock = threading.Lock()

    def next_number(self) -> int:
        """Return the number of a fetch that starts now; for fetches that need no thread."""
        return next(self._numbers)

    def join(
        self, key: Hashable, fetch: Callable[[Deadline, int], R], deadline: Deadline, *, fresh: bool = False
    ) -> Future[R]:
        """Return the future of the flight for *key*; start one if there is none.

        Args:
            key: What is fetched.
            fetch: Called on a worker thread with the flight's deadline and number; must not raise.
            deadline: When this caller wants the answer; the flight lives as long as the most patient one.
            fresh: Do not join a flight that has begun already.
        """
        with self._lock:
            flight = self._flying.get(key)
            if flight is not None and not (fresh and flight.started):
                flight.deadline.extend(deadline)
                return flight.future
            flight = _Flight(next(self._numbers), deadline)
            self._flying[key] = flight
        if not self._workers.submit(partial(self._fly, key, flight, fetch)):
            self._land(key, flight, self._grounded)
        return flight.future

    def disown(self, keys: Iterable[Hashable] | None = None) -> None:
        """Let the flights for *keys*, or all, end for those who wait already; nobody joins them any more."""
        with self._lock:
            for key in list(self._flying) if keys is None else keys:
                self._flying.pop(key, None)

    def _fly(self, key: Hashable, flight: _Flight[R], fetch: Callable[[Deadline, int], R]) -> None:
        flight.started = True
        self._land(key, flight, fetch(flight.deadline, flight.number))

    def _land(self, key: Hashable, flight: _Flight[R], answer: R) -> None:
        with self._lock:
            if self._flying.get(key) is flight:
                del self._flying[key]
        flight.future.set_result(answer)
