"""The threads on which backends are asked: few, and none of them lost to the others when one backend hangs."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable

from secretsource._fork import reset_in_child

__all__ = ["Workers"]

_IDLE_SECONDS = 10.0


class Workers:
    """At most *limit* daemon threads; idle ones end by themselves.

    Each task has a lane. The tasks of a lane run in the order they came, and a lane never takes the last threads: a
    share is left for each of the others, so that a backend that hangs does not keep the others from being asked.
    """

    def __init__(self, limit: int, lanes: Iterable[str] = ()) -> None:
        """Start nothing yet.

        Args:
            limit: The most threads at once, at least 1.
            lanes: Those that are known already; others are added with their first task.
        """
        self._limit = limit
        self._lanes = tuple(dict.fromkeys(lanes))
        self._reset()
        reset_in_child(self._reset)

    def _reset(self) -> None:
        self._waiting: dict[str, deque[Callable[[], None]]] = {lane: deque() for lane in self._lanes}
        self._running: dict[str, int] = dict.fromkeys(self._lanes, 0)
        self._ready: deque[tuple[str, Callable[[], None]]] = deque()
        self._changed = threading.Condition()  # re-entrant, as a signal handler may read too
        self._threads = 0
        self._idle = 0

    def submit(self, task: Callable[[], None], lane: str) -> bool:
        """Run *task*, which must not raise, on a thread as soon as its lane may take one.

        Returns:
            Whether it will run. It will not where none can be started and none is there, because the system has no
            more, or none is free, because the interpreter is shutting down: busy ones are not worth waiting for then.
        """
        with self._changed:
            self._running.setdefault(lane, 0)
            waiting = self._waiting.setdefault(lane, deque())
            if waiting or not self._may_take(lane):
                waiting.append(task)
                return True
            self._running[lane] += 1
            self._ready.append((lane, task))
            if self._idle >= len(self._ready) or self._threads >= self._limit:
                self._changed.notify()
                return True
            if self._start_thread() or (self._threads and threading.main_thread().is_alive()):
                return True
            self._ready.pop()
            self._running[lane] -= 1
            return False

    def _may_take(self, lane: str) -> bool:
        """Whether *lane* may take a thread more and leave the others their shares; with the lock held."""
        share = self._limit // (2 * len(self._running)) or int(self._limit >= len(self._running))
        kept = sum(max(0, share - running) for other, running in self._running.items() if other != lane)
        return sum(self._running.values()) + kept < self._limit

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
        lane: str | None = None
        while (ready := self._next_task(lane)) is not None:
            lane, task = ready
            task()
            del ready, task  # an idle thread keeps nothing alive

    def _next_task(self, done: str | None) -> tuple[str, Callable[[], None]] | None:
        with self._changed:
            if done is not None:
                self._running[done] -= 1
                self._promote(done)
            self._idle += 1
            self._changed.wait_for(lambda: self._ready, timeout=_IDLE_SECONDS)
            self._idle -= 1
            if self._ready:
                return self._ready.popleft()
            self._threads -= 1
            return None

    def _promote(self, last: str) -> None:
        """Let tasks that waited for their lane go on, that of another lane first; with the lock held."""
        for lane in sorted(self._waiting, key=lambda each: (each == last, self._running[each])):
            while self._waiting[lane] and self._may_take(lane):
                self._running[lane] += 1
                self._ready.append((lane, self._waiting[lane].popleft()))
                self._changed.notify()
