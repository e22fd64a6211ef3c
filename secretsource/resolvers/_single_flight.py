"""One login or look-up at a time: who comes while it runs waits for it and shares what it brought."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

from secretsource._deadline import Deadline
from secretsource.errors import Reason, ResolverError, resolver_error

__all__ = ["SingleFlight"]

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs one piece of work per key at a time."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, Future[T]] = {}

    def busy(self, key: Hashable) -> bool:
        """Whether work for *key* is under way."""
        return key in self._flights

    def run(self, key: Hashable, work: Callable[[], T], deadline: Deadline) -> T:
        """Return what *work* returns, or what it returns to a thread that is already at it.

        Args:
            key: What the work is for.
            work: Run in the thread that comes first.
            deadline: How long the others wait.
        """
        ours: Future[T] = Future()
        # Ctrl-C may come between any two steps; a flight that stayed behind would be waited for ever after.
        try:
            flight = self._flights.setdefault(key, ours)  # one step: it needs no lock that could stay taken
            if flight is ours:
                result = work()
                del self._flights[key]
                ours.set_result(result)
                return result
        except BaseException as error:
            if self._flights.get(key) is ours:
                del self._flights[key]
            if not ours.done():
                ours.set_exception(error)
            raise
        return _follow(flight, deadline)


def _follow(flight: Future[T], deadline: Deadline) -> T:
    try:
        failure = flight.exception(deadline.remaining)
    except TimeoutError:
        failure = resolver_error(Reason.TIMEOUT, "waiting for the login or look-up of another thread")
    if failure is None:
        return flight.result()
    # Each thread raises an error of its own: a traceback belongs to one of them.
    if isinstance(failure, ResolverError):
        raise failure.copy()
    if isinstance(failure, Exception):
        raise failure
    raise resolver_error(Reason.TIMEOUT, "the login or look-up of another thread was interrupted")
