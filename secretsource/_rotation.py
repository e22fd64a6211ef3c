"""Telling the application that a secret has changed: once per change, in order, on a thread of its own.

A name that is watched has a reader of its own, so that a change is noticed also where the application reads seldom.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, TypeAlias

from secretsource._chain import Ask
from secretsource._clock import Clock
from secretsource._entries import Entry
from secretsource._fork import reset_in_child
from secretsource._keys import DocumentKey
from secretsource._reentry import is_held_here
from secretsource._resolved import are_same, secret_from
from secretsource._secret import Secret

if TYPE_CHECKING:
    from secretsource._chain import Looked
    from secretsource._pending import Pending

__all__ = ["Callback", "Rotations", "check_callback"]

Read: TypeAlias = Generator["Pending", "Looked", Secret]

Callback = Callable[[Secret, Secret], object]

_LOOK_EVERY: Final = 1.0  # seconds; a cached read costs nothing
_LOOKS_IN_A_LEASE: Final = 16  # at least, so that the end of a short one is not missed
_SHORTEST_LOOK: Final = 0.05  # seconds
_LONGEST_PAUSE: Final = 60.0  # seconds, after reads that failed
_numbers = itertools.count()


class _Watch:
    """One name that is watched."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.callbacks: dict[int, Callback] = {}
        self.ask: Ask | None = None
        self.secret: Secret | None = None
        self.key: DocumentKey | None = None
        self.document_number = -1
        self.numbers: dict[DocumentKey, int] = {}
        self.every = _LOOK_EVERY
        self.failures = 0
        self.due = 0.0
        self.read: Read | None = None
        self.pending: Pending | None = None

    def is_due(self, now: float) -> bool:
        return self.due <= now or (self.pending is not None and self.pending.is_over)

    def forget(self) -> None:
        self.ask = self.secret = self.key = self.read = self.pending = None
        self.document_number, self.numbers = -1, {}
        self.failures, self.due = 0, 0.0


class _Change:
    """One change of a name, for those who watched it then."""

    def __init__(self, watch: _Watch, old: Secret, new: Secret) -> None:
        self.watch = watch
        self.callbacks = watch.callbacks
        self.old = old
        self.new = new

    def tell(self) -> None:
        """Call every callback that has not been ended meanwhile."""
        for number, callback in self.callbacks.items():
            if number not in self.watch.callbacks:
                continue
            try:
                callback(self.old, self.new)
            except BaseException as error:  # noqa: BLE001 - whatever it raises hurts nobody else
                with contextlib.suppress(Exception):  # a handler of the log that fails too
                    _report(self.watch.name, callback, error)


class Rotations:
    """The names of one store that are watched, and the thread that looks after them."""

    def __init__(self, read: Callable[[str], Read], clock: Clock) -> None:
        """Watch nothing yet, and start no thread.

        Args:
            read: Begins to read a name. It must not keep the store alive; when that is gone, it raises ReferenceError.
            clock: The store's.
        """
        self._read = read
        self._clock = clock
        self._watches: dict[str, _Watch] = {}
        self._changes: deque[_Change] = deque()
        self._reset()
        reset_in_child(self._reset)

    def _reset(self) -> None:
        # A lock and a queue that are written in C: what Ctrl-C interrupts in them is left in order.
        self._lock = threading.RLock()
        self._telling = threading.RLock()  # a thread that is not wanted any more may be in a callback still
        self._changed: SimpleQueue[None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._ours: set[int] = set()
        for watch in list(self._watches.values()):
            watch.read = watch.pending = None

    def is_held_here(self) -> bool:
        """Whether this thread is in the middle of a change."""
        return is_held_here(self._lock)

    def watch(self, name: str, callback: Callback) -> Callable[[], None]:
        """Call *callback* with the old and the new secret after each change of *name*.

        Returns:
            A function that ends it.
        """
        with self._lock:
            watch = self._watches.setdefault(name, _Watch(name))
            number = next(_numbers)
            watch.callbacks = {**watch.callbacks, number: callback}
            self._start()
            self._changed.put(None)
        return partial(self._unwatch, watch, number)

    def _unwatch(self, watch: _Watch, number: int) -> None:
        with self._lock:
            watch.callbacks = {each: told for each, told in watch.callbacks.items() if each != number}
            if not watch.callbacks and self._watches.get(watch.name) is watch:
                del self._watches[watch.name]
            self._changed.put(None)

    def saw(self, ask: Ask, secret: Secret, entry: Entry, numbers: Mapping[DocumentKey, int]) -> None:
        """Take note of what a reader got.

        Args:
            ask: The link that had it.
            secret: What it had.
            entry: The document it is from.
            numbers: The flights that the reader's walk rests on, by document, in the order of the chain.
        """
        if (watch := self._watches.get(secret.name)) is not None:
            self._note(watch, ask, secret, entry, numbers)

    def wake(self) -> None:
        """Start the thread again where there is none: in a child, or after the store was closed."""
        if self._watches and threading.get_ident() not in self._ours:
            with self._lock:
                self._start()

    def landed(self, key: DocumentKey, entry: Entry) -> None:
        """Take note of a new answer for *key*, before any newer one can come."""
        for watch in list(self._watches.values()) if self._watches else ():
            ask = watch.ask
            if ask is not None and ask.key == key and entry.pick(ask.location.field) is not None:
                secret = secret_from(watch.name, ask, entry, stale=False, clock=self._clock)
                self._note(watch, ask, secret, entry, {key: entry.number})

    def pause(self) -> None:
        """End the thread and forget every value; the next read starts another one, and what it gets is the new base."""
        with self._lock:
            self._thread = None
            self._changes.clear()
            for watch in list(self._watches.values()):
                watch.forget()
        self._changed.put(None)

    def _note(
        self, watch: _Watch, ask: Ask, secret: Secret, entry: Entry, numbers: Mapping[DocumentKey, int]
    ) -> None:
        with self._lock:
            # Within a document its own number tells the newer answer; between two, the whole walks do.
            if watch.key == ask.key:
                is_newer = entry.number > watch.document_number
            else:
                is_newer = _is_newer(numbers, watch.numbers)
            watch.numbers |= {key: max(number, watch.numbers.get(key, -1)) for key, number in numbers.items()}
            if not is_newer:
                return
            known, watch.secret, watch.ask = watch.secret, secret, ask
            watch.key, watch.document_number = ask.key, entry.number
            watch.every = _looks_every(entry.lease)
            if known is not None and not are_same(known, secret):
                self._changes.append(_Change(watch, known, secret))
                self._changed.put(None)

    # The thread

    def _start(self) -> None:
        """Start the thread if there is none; with the lock held."""
        if self._thread is not None and self._thread.is_alive():
            return
        thread = threading.Thread(target=self._run, name="secretsource-rotation", daemon=True)
        self._thread = thread
        with contextlib.suppress(RuntimeError):  # the interpreter is shutting down, or the system has no more
            thread.start()

    def _run(self) -> None:
        me, ours = threading.current_thread(), self._ours
        ours.add(threading.get_ident())
        try:
            while self._is_wanted(me):
                self._turn()
        finally:
            ours.discard(threading.get_ident())

    def _is_wanted(self, thread: threading.Thread) -> bool:
        with self._lock:
            if self._thread is thread and not self._watches and not self._changes:
                self._thread = None
            return self._thread is thread

    def _turn(self) -> None:
        """Tell of one change, or look at what is due, or wait for either."""
        with self._lock:
            change = self._changes.popleft() if self._changes else None
            now = time.monotonic()
            watches = list(
                self._watches.values()
            )  # a finalizer may end one at any moment, on this thread too
            due = [watch for watch in watches if watch.is_due(now)]
            until_next = min([_LOOK_EVERY, *(watch.due - now for watch in watches)])
        if change is not None:
            with self._telling:
                change.tell()
        elif due:
            for watch in due:
                self._look(watch)
        else:
            with contextlib.suppress(Empty):
                self._changed.get(timeout=max(0.0, until_next))

    def _look(self, watch: _Watch) -> None:
        """Read the name as any reader does, but wait for nothing; that a change is noticed follows from it."""
        try:
            if self._went_on(watch):
                watch.failures = 0
        except ReferenceError:  # nobody has the store any more
            with self._lock:
                self._watches.clear()
            return
        except Exception:  # noqa: BLE001 - its readers are told
            watch.read = watch.pending = None
            watch.failures += 1
        pause = watch.every
        if watch.failures:
            pause = min(_LOOK_EVERY * 2.0 ** min(watch.failures - 1, 10), _LONGEST_PAUSE)
        watch.due = time.monotonic() + pause

    def _went_on(self, watch: _Watch) -> bool:
        """Let the read of a name go on as far as it can without waiting, and return whether it has ended."""
        try:
            if watch.read is None:
                watch.read = self._read(watch.name)
                self._wait_for(watch, next(watch.read))
            while watch.pending is not None and watch.pending.is_over:
                self._wait_for(watch, watch.read.send(watch.pending.looked()))
        except StopIteration:
            watch.read = watch.pending = None
            return True
        return False

    def _wait_for(self, watch: _Watch, pending: Pending) -> None:
        watch.pending = pending
        pending.flight.wake_with(partial(self._changed.put, None))


def _looks_every(lease: float | None) -> float:
    """Return the seconds between two looks at a value with that *lease*."""
    return _LOOK_EVERY if lease is None else max(_SHORTEST_LOOK, min(_LOOK_EVERY, lease / _LOOKS_IN_A_LEASE))


def check_callback(callback: object) -> None:
    """Refuse what could never be told of a change: it would be noticed at the first one, months later.

    Raises:
        TypeError: *callback* cannot be called, or is a coroutine function.
    """
    import inspect  # noqa: PLC0415 - slow to import

    if not callable(callback):
        raise TypeError(
            f"callback must be a function of the old and the new secret, not {type(callback).__name__}"
        )
    if inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(type(callback).__call__):
        raise TypeError(
            "callback must be a plain function: it may hand the work to loop.call_soon_threadsafe"
        )


def _is_newer(numbers: Mapping[DocumentKey, int], known: Mapping[DocumentKey, int]) -> bool:
    """Whether one walk is newer than others: the first link of the chain that both have seen differently decides."""
    for key, number in numbers.items():
        if key in known and number != known[key]:
            return number > known[key]
    return max(numbers.values(), default=-1) > max(known.values(), default=-1)


def _report(name: str, callback: Callback, error: BaseException) -> None:
    """Log where a callback failed, without the words of its exception: they may hold the value."""
    import logging  # noqa: PLC0415 - slow to import, and not needed while all is well
    import traceback  # noqa: PLC0415

    frames = traceback.extract_tb(error.__traceback__)
    where = ", ".join(f"{frame.filename}:{frame.lineno}" for frame in frames[1:]) or "its call"
    logging.getLogger("secretsource").error(
        "the callback %s for changes of %r raised %s (%s)",
        getattr(callback, "__qualname__", type(callback).__qualname__),
        name,
        type(error).__name__,
        where,
    )
