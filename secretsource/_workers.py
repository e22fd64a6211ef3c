"""The threads on which backends are asked: few, and none of them lost to the others when one backend hangs."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import Final

from secretsource._deadline import Deadline
from secretsource._fork import reset_in_child
from secretsource._reentry import is_held_here

__all__ = ["Workers"]

_IDLE_SECONDS = 10.0
_START_SECONDS = 1.0
_END: Final = object()


class _Task:
    __slots__ = ("lane", "run")

    def __init__(self, lane: str, run: Callable[[], None]) -> None:
        self.lane = lane
        self.run = run


class Workers:
    """At most *limit* daemon threads; idle ones end by themselves after 10 s.

    Each task has a lane. The tasks of a lane run in the order they came. Where there are as many threads as lanes at
    least, none takes the last ones: a share is left for each of the others, so that a backend that hangs does not keep
    the others from being asked.

    A caller may be interrupted by Ctrl-C, or by a signal handler that reads, at any moment. So it hands a task over in
    one step, to a queue that is written in C, and everything else is the threads' own book-keeping.
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
        self._inbox: SimpleQueue[object] = SimpleQueue()  # tasks; `None` only wakes, and `_END` ends
        self._waiting: dict[str, deque[_Task]] = {lane: deque() for lane in self._lanes}
        self._running: dict[str, int] = dict.fromkeys(self._lanes, 0)
        # Only threads themselves say that they are there: `is_alive` lies when Ctrl-C interrupts it.
        self._threads: set[threading.Thread] = set()
        self._starting: dict[object, Deadline] = {}
        self._idle = 0
        self._lock = threading.RLock()

    def submit(self, task: Callable[[], None], lane: str) -> bool:
        """Run *task*, which must not raise, on a thread as soon as its lane may take one.

        Returns:
            Whether it will run for sure. It may not where no thread can be started and none is there, because the
            system has no more, or none is free, because the interpreter is shutting down: busy ones are not worth
            waiting for then.
        """
        self._inbox.put(_Task(lane, task))
        return self.nudge(lane)

    def nudge(self, lane: str) -> bool:
        """See to it that a thread is there for what was submitted; harmless where one is.

        Returns:
            What `submit` does.
        """
        with self._lock:
            self._running.setdefault(lane, 0)
            there = self._count()
            if self._inbox.qsize() <= self._idle or there >= self._limit:
                return True
            if there and not self._may_take(lane):
                return True
            return self._start_thread() or bool(there and (self._idle or threading.main_thread().is_alive()))

    def is_held_here(self) -> bool:
        """Whether this thread is in the middle of a change."""
        return is_held_here(self._lock)

    def release(self) -> None:
        """Let idle threads end now. Takes no lock: garbage collection may call it anywhere."""
        for _ in range(self._idle):
            self._inbox.put(_END)

    def _may_take(self, lane: str) -> bool:
        """Whether *lane* may take a thread more and leave the others their shares; with the lock held."""
        share = self._limit // (2 * len(self._running)) or int(self._limit >= len(self._running))
        kept = sum(max(0, share - running) for other, running in self._running.items() if other != lane)
        return sum(self._running.values()) + kept < self._limit

    def _count(self) -> int:
        """Return how many threads are there or about to be; with the lock held."""
        for token, deadline in list(self._starting.items()):
            if deadline.expired:  # its start was interrupted
                self._starting.pop(token, None)
        return len(self._threads) + len(self._starting)

    def _start_thread(self) -> bool:
        """Start a thread, with the lock held: so nobody counts on one that cannot be started."""
        token = object()
        self._starting[token] = Deadline(_START_SECONDS)
        thread = threading.Thread(target=self._work, args=(token,), name="secretsource-fetch", daemon=True)
        try:
            thread.start()
        except Exception:  # noqa: BLE001 - RuntimeError or MemoryError: the system has no more, or none is wanted now
            self._starting.pop(token, None)
            return False
        return True

    # On the threads

    def _work(self, token: object) -> None:
        me = threading.current_thread()
        with self._lock:
            self._starting.pop(token, None)
            self._threads.add(me)
        try:
            while (task := self._next_task()) is not None:
                try:
                    task.run()
                finally:
                    with self._lock:
                        self._running[task.lane] -= 1
                del task  # an idle thread keeps nothing alive
        finally:
            with self._lock:
                self._threads.discard(me)

    def _next_task(self) -> _Task | None:
        """Return what this thread does next; `None` if there has been nothing for a while."""
        with self._lock:
            if (task := self._choose()) is not None:
                self._call_another()
                return task
            self._idle += 1
        while True:
            goes_on = self._wait()
            with self._lock:
                task = self._choose()
                if task is None and goes_on:
                    continue  # for a lane that may take no thread now, or another thread was faster
                self._idle -= 1
                if task is None:
                    self._threads.discard(threading.current_thread())  # nobody counts on this one any more
                else:
                    self._call_another()
                return task

    def _wait(self) -> bool:
        """Wait for a task, and return whether to go on waiting if there is none."""
        try:
            came = self._inbox.get(timeout=_IDLE_SECONDS)
        except Empty:
            return False
        with self._lock:
            self._sort_in(came)
        return came is not _END

    def _call_another(self) -> None:
        """See to it that tasks which may run too do not wait for this one to end; with the lock held."""
        if any(tasks and self._may_take(lane) for lane, tasks in self._waiting.items()):
            if self._idle:
                self._inbox.put(None)
            elif self._count() < self._limit and not self._starting:  # one that starts calls the next itself
                self._start_thread()

    def _sort_in(self, came: object) -> None:
        if isinstance(came, _Task):
            self._running.setdefault(came.lane, 0)
            self._waiting.setdefault(came.lane, deque()).append(came)

    def _choose(self) -> _Task | None:
        """Take the next task whose lane may take a thread, of the lane with the fewest first; with the lock held."""
        ends = 0
        with contextlib.suppress(Empty):
            while True:
                came = self._inbox.get_nowait()
                ends += came is _END
                self._sort_in(came)
        for _ in range(min(ends, self._idle)):
            self._inbox.put(_END)  # it is for another thread
        for lane in sorted(self._waiting, key=self._running.__getitem__):
            if self._waiting[lane] and self._may_take(lane):
                self._running[lane] += 1
                return self._waiting[lane].popleft()
        return None
