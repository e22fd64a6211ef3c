"""Several requests of one round at the same time, each answered or failed by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from secretsource._deadline import Deadline
from secretsource.errors import DeadlineExceeded, ResolverError

__all__ = ["AT_ONCE", "at_once"]

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 8  # half of the connections that a resolver keeps, so that other reads find one
_GRACE = 0.2  # seconds for requests that end with the deadline to say why


def at_once(work: Callable[[T], R], items: Sequence[T], deadline: Deadline) -> list[R | ResolverError]:
    """Return what *work* returns for each item, in their order; a `ResolverError` that it raises is returned too.

    `AT_ONCE` of them run at a time, on threads that the end of the interpreter does not wait for. What hangs past the
    deadline is left behind, and the others keep their answers.

    Args:
        work: Makes one request, inside the deadline.
        items: What to make it for.
        deadline: When the answers are wanted.

    Raises:
        Exception: *work* raised something else, such as a `ConfigError`.
    """
    together = _Together(work, items)
    if len(items) < 2 or not together.start():  # one request needs no thread
        together.run()
    else:
        together.wait(deadline)
    return [together.outcome(at) for at in range(len(items))]


class _Together(Generic[T, R]):
    """The items of one round, what came of them, and the threads that work on them."""

    def __init__(self, work: Callable[[T], R], items: Sequence[T]) -> None:
        self._work = work
        self._items = items
        self._outcomes: dict[int, R | BaseException] = {}
        self._next = iter(range(len(items)))
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def start(self) -> bool:
        """Start the threads; say whether there are any: none can be had while the interpreter ends."""
        started = False
        for _ in range(min(AT_ONCE, len(self._items))):
            try:
                threading.Thread(target=self.run, name="secretsource-batch", daemon=True).start()
            except RuntimeError:
                break
            started = True
        return started

    def run(self) -> None:
        """Work until no item is left, or nobody waits any more."""
        while (at := self._taken()) is not None:
            try:
                outcome: R | BaseException = self._work(self._items[at])
            except ResolverError as error:
                outcome = error.copy()  # without the frames of the request
            except BaseException as error:  # noqa: BLE001 - raised where the round is waited for
                outcome = error.with_traceback(None)
            self._keep(at, outcome)

    def wait(self, deadline: Deadline) -> None:
        """Wait until all is done, a little longer than the deadline at most, which may move meanwhile."""
        while not self._ended.wait(deadline.remaining + _GRACE):
            if deadline.expired:
                break
        with self._lock:
            self._next = iter(())

    def outcome(self, at: int) -> R | ResolverError:
        """Return what came of one item."""
        with self._lock:
            if at not in self._outcomes:
                return DeadlineExceeded("no answer within the time of the round")
            said = self._outcomes[at]
        if isinstance(said, BaseException) and not isinstance(said, ResolverError):
            raise said
        return said

    def _taken(self) -> int | None:
        with self._lock:
            return next(self._next, None)

    def _keep(self, at: int, outcome: R | BaseException) -> None:
        with self._lock:
            self._outcomes[at] = outcome
            if len(self._outcomes) == len(self._items):
                self._ended.set()
