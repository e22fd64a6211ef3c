"""One fetch at a time for one document: the flights that callers share.

A fetch runs on a daemon thread and fulfils a `concurrent.futures.Future`. Threads wait on it with their own deadline
and coroutines await it, so one flight serves both, a caller is released at its deadline even if a client library hangs,
and a hung call never delays the interpreter's exit.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from secretsource._deadline import Deadline
from secretsource._fork import reset_in_child
from secretsource._workers import Workers

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["Flight", "Flights"]

_LOST_AFTER = 1.0  # seconds past its deadline, which every resolver should keep

R = TypeVar("R")


def _nothing() -> None:
    return None


class Flight(Generic[R]):
    """One fetch under way, with everybody who waits for it.

    Attributes:
        number: Flights are numbered in the order in which they were asked for.
        deadline: The latest of those who wait for it.
        answer: What it has brought; `None` before.
        future: The same, to wait on; it is there a moment later.
        started: Whether a worker has begun.
    """

    __slots__ = ("_booked_at", "_longest", "answer", "deadline", "future", "key", "number", "started")

    def __init__(self, key: Hashable, number: int, deadline: Deadline) -> None:
        """Let it be asked for now."""
        from concurrent.futures import Future  # noqa: PLC0415 - not needed where only local resolvers are asked

        self.key = key
        self.answer: R | None = None
        self.number = number
        self.deadline = Deadline(deadline.remaining)
        self.started = False
        self._longest = deadline.remaining
        self._booked_at = Deadline(0)
        self.future: Future[R] = Future()
        self.future.set_running_or_notify_cancel()  # from here on, a waiter that is cancelled cancels nobody else

    @property
    def seconds(self) -> float:
        """How long it has been under way."""
        return -self._booked_at.left

    @property
    def is_lost(self) -> bool:
        """Whether it should have ended long ago: its resolver does not keep deadlines.

        What counts is the most time that a single caller gave it, and not how long new ones go on coming.
        """
        return self.seconds > self._longest + _LOST_AFTER

    def join(self, deadline: Deadline) -> None:
        """Let it live until *deadline* too."""
        self.deadline.extend(deadline)
        self._longest = max(self._longest, deadline.remaining)


class Flights(Generic[R]):
    """The fetches under way, by key.

    The number of a flight tells an older answer from a newer one.
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
        self._flying: dict[Hashable, Flight[R]] = {}
        self._lock = threading.RLock()  # re-entrant, as a signal handler may read too

    def next_number(self) -> int:
        """Return the number of a fetch that starts now; for fetches that need no thread."""
        return next(self._numbers)

    def flying(self, key: Hashable) -> Flight[R] | None:
        """Return the flight for *key*, if there is one."""
        return self._flying.get(key)

    def lost(self, key: Hashable) -> Flight[R] | None:
        """Return the flight for *key* if it is lost; nobody joins it any more."""
        flight = self._flying.get(key)
        if flight is None or not flight.is_lost:
            return None
        with self._lock:
            return self._flying.pop(key) if self._flying.get(key) is flight else None

    def book(
        self,
        key: Hashable,
        deadline: Deadline,
        *,
        fresh: bool = False,
        landed: Callable[[], R | None] = _nothing,
    ) -> tuple[Flight[R] | R, bool]:
        """Return the flight for *key*, and whether it is new: then it must `depart`, whatever happens.

        Args:
            key: What is fetched.
            deadline: When this caller wants the answer.
            fresh: Do not join a flight that has begun already.
            landed: Returns the answer of a flight that has landed since the caller looked, if there was one; that is
                returned then.
        """
        with self._lock:
            flight = self._flying.get(key)
            if flight is not None and not (fresh and flight.started) and not flight.is_lost:
                flight.join(deadline)
                return flight, False
            if (answer := landed()) is not None:
                return answer, False
            flight = Flight[R](key, next(self._numbers), deadline)
            self._flying[key] = flight
            return flight, True

    def depart(
        self,
        flights: Sequence[Flight[R]],
        lane: str,
        fetch: Callable[[Deadline, Sequence[int]], Sequence[R]],
    ) -> None:
        """Fetch what *flights* are for, in one go.

        Args:
            flights: New ones; they have one deadline from now on.
            lane: The lane of the workers that they take.
            fetch: Called on a worker thread with the deadline and the numbers of the flights; returns what each one
                brings, and must not raise.
        """
        with self._lock:
            shared = flights[0].deadline
            for flight in flights[1:]:
                shared.extend(flight.deadline)
                flight.deadline = shared
        if not self._workers.submit(partial(self._fly, flights, fetch), lane):
            self._land(flights, [self._grounded] * len(flights))

    def disown(self, keys: Iterable[Hashable] | None = None) -> None:
        """Let the flights for *keys*, or all, end for those who wait already; nobody joins them any more."""
        with self._lock:
            for key in list(self._flying) if keys is None else keys:
                self._flying.pop(key, None)

    def _fly(
        self, flights: Sequence[Flight[R]], fetch: Callable[[Deadline, Sequence[int]], Sequence[R]]
    ) -> None:
        for flight in flights:
            flight.started = True
        self._land(flights, fetch(flights[0].deadline, [flight.number for flight in flights]))

    def _land(self, flights: Sequence[Flight[R]], answers: Sequence[R]) -> None:
        with self._lock:
            for flight, answer in zip(flights, answers, strict=True):
                flight.answer = answer  # all of them before anybody is woken, so that they go on together
                if self._flying.get(flight.key) is flight:
                    del self._flying[flight.key]
        for flight, answer in zip(flights, answers, strict=True):
            flight.future.set_result(answer)
