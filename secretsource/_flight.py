"""One fetch at a time for one document: worker threads, and the flights that callers share.

A fetch runs on a daemon thread and fulfils a `concurrent.futures.Future`. Threads wait on it with their own deadline
and coroutines await it, so one flight serves both, a caller is released at its deadline even if a client library hangs,
and a hung call never delays the interpreter's exit.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Hashable
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
        self._changed = threading.Condition(threading.Lock())
        self._threads = 0
        self._idle = 0

    def submit(self, task: Callable[[], None]) -> None:
        """Run *task*, which must not raise, on a thread as soon as one is free.

        Raises:
            RuntimeError: No thread can be started, because the interpreter is shutting down.
        """
        with self._changed:
            self._tasks.append(task)
            if self._idle >= len(self._tasks) or self._threads >= self._limit:
                self._changed.notify()
                return
            self._threads += 1
        self._start_thread(task)

    def _start_thread(self, task: Callable[[], None]) -> None:
        thread = threading.Thread(target=self._work, name="secretsource-fetch", daemon=True)
        started = False
        try:
            thread.start()
            started = True
        finally:
            if not started:
                with self._changed:
                    self._threads -= 1
                    self._tasks.remove(task)

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

    def __init__(self, workers: Workers) -> None:
        """Share *workers* among all keys."""
        self._workers = workers
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
        self._take_off(key, flight, fetch)
        return flight.future

    def disown(self, key: Hashable) -> None:
        """Let the flight for *key* end for those who wait for it already; nobody joins it any more."""
        with self._lock:
            self._flying.pop(key, None)

    def _take_off(self, key: Hashable, flight: _Flight[R], fetch: Callable[[Deadline, int], R]) -> None:
        submitted = False
        try:
            self._workers.submit(lambda: self._fly(key, flight, fetch))
            submitted = True
        finally:
            if not submitted:
                self._land(key, flight)
                flight.future.set_exception(RuntimeError("no thread can be started"))

    def _fly(self, key: Hashable, flight: _Flight[R], fetch: Callable[[Deadline, int], R]) -> None:
        flight.started = True
        answer = fetch(flight.deadline, flight.number)
        self._land(key, flight)
        flight.future.set_result(answer)

    def _land(self, key: Hashable, flight: _Flight[R]) -> None:
        with self._lock:
            if self._flying.get(key) is flight:
                del self._flying[key]
