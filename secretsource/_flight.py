"""One fetch at a time for one document: the flights that callers share.

A fetch runs on a daemon thread and wakes whoever waits for it: threads, each with its own deadline, and coroutines. So
one flight serves both, a caller is released at its deadline even if a client library hangs, and a hung call never
delays the interpreter's exit.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from typing import Generic, TypeVar

from secretsource._deadline import Deadline
from secretsource._fork import reset_in_child
from secretsource._reentry import is_held_here
from secretsource._workers import Workers

__all__ = ["Flight", "Flights"]

_LOST_AFTER = 1.0  # seconds past its deadline, which every resolver should keep
_STRAY_AFTER = 0.5  # seconds after which one that did not depart never will: its caller was interrupted

R = TypeVar("R")


def _nothing() -> None:
    return None


class Flight(Generic[R]):
    """One fetch under way, with everybody who waits for it.

    Attributes:
        key: What it is for.
        number: Flights are numbered in the order in which they were asked for.
        deadline: The latest of those who wait for it.
        hasty: Whether it was given less time than is usual, so that its being late says nothing of the backend.
        lane: The lane that it took; `None` until it has departed.
        owner: The thread that booked it, and the call, where that one books several.
        fresh: Whether somebody who waits for it wants what the backend says now, whatever it said a moment ago.
        started: Whether a worker has begun.
        answer: What it has brought; `None` before.
    """

    __slots__ = (
        "_booked_at",
        "_longest",
        "_wakes",
        "answer",
        "deadline",
        "fresh",
        "hasty",
        "key",
        "lane",
        "number",
        "owner",
        "started",
    )

    def __init__(
        self,
        key: Hashable,
        number: int,
        deadline: Deadline,
        *,
        fresh: bool = False,
        hasty: bool = False,
        call: object = None,
    ) -> None:
        """Let it be asked for now."""
        self.key = key
        self.number = number
        self.deadline = Deadline(deadline.remaining)
        self.fresh = fresh
        self.hasty = hasty
        self.lane: str | None = None
        self.owner = threading.get_ident(), call
        self.started = False
        self.answer: R | None = None
        self._longest = deadline.remaining
        self._booked_at = Deadline(0)
        self._wakes: dict[object, Callable[[], object]] = {}

    @property
    def seconds(self) -> float:
        """How long it has been under way."""
        return -self._booked_at.left

    @property
    def is_lost(self) -> bool:
        """Whether nobody should wait for it any more.

        Either it should have ended long ago, and its resolver does not keep deadlines: what counts is the most time
        that a single caller gave it, and not how long new ones go on coming. Or it never departed.
        """
        return self.is_stray or self.seconds > self._longest + _LOST_AFTER

    @property
    def stray_in(self) -> float:
        """Seconds after which it is a stray, if it does not depart till then; infinite if it has, or has an answer."""
        return (
            float("inf") if self.lane is not None or self.answer is not None else _STRAY_AFTER - self.seconds
        )

    @property
    def is_stray(self) -> bool:
        """Whether it will never depart, since its caller was interrupted."""
        return self.stray_in <= 0

    def is_interrupted_by(self, call: object) -> bool:
        """Whether *call* is made by a signal handler that came before this flight could depart.

        It would wait in vain. The reads of one round are one call: they depart together.
        """
        ident, owner = self.owner
        return self.lane is None and ident == threading.get_ident() and (call is None or call is not owner)

    def join(self, deadline: Deadline) -> None:
        """Let it live until *deadline* too."""
        self.deadline.extend(deadline)
        self._longest = max(self._longest, deadline.remaining)

    def wake_with(self, wake: Callable[[], object]) -> Callable[[], object]:
        """Call *wake*, once or twice, when the answer is there, or now if it is. It may be called in another thread.

        Nothing here takes a lock: a lock that is left by Ctrl-C in the wrong moment is left for ever.

        Returns:
            A function that ends it.
        """
        token = object()
        self._wakes[token] = wake
        if self.answer is not None:
            wake()
        return partial(self._wakes.pop, token, None)

    def land(self, answer: R) -> None:
        """Bring *answer*; nobody is woken yet."""
        self.answer = answer

    def wake(self) -> None:
        """Wake everybody who waits for it."""
        while self._wakes:
            with contextlib.suppress(KeyError, RuntimeError):  # gone meanwhile; an event loop that was closed
                self._wakes.popitem()[1]()


class Flights(Generic[R]):
    """The fetches under way, by key.

    The number of a flight tells an older answer from a newer one.
    """

    def __init__(self, workers: Workers, failed: Callable[[str], R]) -> None:
        """Start nothing yet.

        Args:
            workers: Shared among all keys.
            failed: Makes the answer of a flight that cannot take off, or crashes, from words that say why.
        """
        self._workers = workers
        self._failed = failed
        self._numbers = itertools.count(1)
        self._reset()
        reset_in_child(self._reset)

    def _reset(self) -> None:
        self._flying: dict[Hashable, Flight[R]] = {}
        self._lock = threading.RLock()  # re-entrant, as a signal handler may read too

    def is_held_here(self) -> bool:
        """Whether this thread is in the middle of a change."""
        return is_held_here(self._lock) or self._workers.is_held_here()

    def next_number(self) -> int:
        """Return a number that is higher than that of every flight before, and lower than that of every later one."""
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
            return self._flying.pop(key, None) if self._flying.get(key) is flight else None

    def book(
        self,
        key: Hashable,
        deadline: Deadline,
        *,
        fresh: bool = False,
        hasty: bool = False,
        call: object = None,
        landed: Callable[[], R | None] = _nothing,
    ) -> tuple[Flight[R] | R, bool]:
        """Return the flight for *key*, and whether it is new: then it must `depart`, or `call_off` must be called.

        Args:
            key: What is fetched.
            deadline: When this caller wants the answer.
            fresh: Do not join a flight that has begun already.
            hasty: This caller has less time than is usual.
            call: Identifies a call that books several flights, which depart together; `None` for one of its own.
            landed: Returns the answer of a flight that has landed since the caller looked, if there was one; that is
                returned then.
        """
        with self._lock:
            flight = self._flying.get(key)
            if flight is not None and not (
                (fresh and flight.started) or flight.is_lost or flight.is_interrupted_by(call)
            ):
                flight.join(deadline)
                flight.fresh |= fresh
                if flight.lane is not None and not flight.started:
                    self._workers.nudge(flight.lane)
                return flight, False
            if (answer := landed()) is not None:
                return answer, False
            flight = Flight[R](key, next(self._numbers), deadline, fresh=fresh, hasty=hasty, call=call)
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
                brings.
        """
        with self._lock:
            shared = flights[0].deadline
            for flight in flights[1:]:
                shared.extend(flight.deadline)
                flight.deadline = shared
        will_run = self._workers.submit(partial(self._fly, flights, fetch), lane)
        for flight in flights:
            flight.lane = lane
        if not will_run:
            self.call_off(flights, "no thread can be started to ask")

    def call_off(self, flights: Sequence[Flight[R]], why: str) -> None:
        """Let *flights* bring nothing but the words why."""
        self._land(flights, [self._failed(why) for _ in flights])

    def disown(self, keys: Iterable[Hashable] | None = None) -> None:
        """Let the flights for *keys*, or all, end for those who wait already; nobody joins them any more."""
        with self._lock:
            for key in list(self._flying) if keys is None else keys:
                self._flying.pop(key, None)

    def _fly(
        self, flights: Sequence[Flight[R]], fetch: Callable[[Deadline, Sequence[int]], Sequence[R]]
    ) -> None:
        if all(flight.answer is not None for flight in flights):
            return  # they were called off
        for flight in flights:
            flight.started = True
        try:
            answers = fetch(flights[0].deadline, [flight.number for flight in flights])
        except BaseException as error:  # noqa: BLE001 - those who wait must be told, whatever it is
            why = f"asking raised {type(error).__name__}"
        else:
            self._land(flights, answers)
            return
        self.call_off(flights, why)

    def _land(self, flights: Sequence[Flight[R]], answers: Sequence[R]) -> None:
        with self._lock:
            for flight, answer in zip(flights, answers, strict=True):
                flight.land(answer)  # all of them before anybody is woken, so that they go on together
                if self._flying.get(flight.key) is flight:
                    self._flying.pop(flight.key, None)
        for flight in flights:
            flight.wake()
