"""Telling the application that a secret has changed: once per change, in order, on a thread of its own.

A name that is watched has a reader of its own, so that a change is noticed also where the application reads seldom.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

from secretsource._cache import DocumentKey, Entry
from secretsource._chain import Ask
from secretsource._clock import Clock
from secretsource._documents import key_of
from secretsource._fork import reset_in_child
from secretsource._resolved import are_same, secret_from
from secretsource._secret import Document, Secret

__all__ = ["Callback", "Rotations"]

Callback = Callable[[Secret, Secret], object]

_LOOK_EVERY: Final = 1.0  # seconds; a cached read costs nothing
_LONGEST_PAUSE: Final = 60.0  # seconds, after reads that failed
_numbers = itertools.count()


class _Thread(threading.Thread):
    """The thread of one store's rotations."""


class _Watch:
    """One name that is watched."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.callbacks: dict[int, Callback] = {}
        self.ask: Ask | None = None
        self.secret: Secret | None = None
        self.key: DocumentKey | None = None
        self.document_number = -1
        self.number = -1
        self.failures = 0
        self.due = 0.0


class Rotations:
    """The names of one store that are watched, and the thread that looks after them."""

    def __init__(self, look_at: Callable[[str], bool], clock: Clock) -> None:
        """Watch nothing yet, and start no thread.

        Args:
            look_at: Lets a name be read, waits for nothing, and tells whether it is there already. It must not keep
                the store alive; when that is gone, it raises ReferenceError.
            clock: The store's.
        """
        self._look_at = look_at
        self._clock = clock
        self._watches: dict[str, _Watch] = {}
        self._changes: deque[tuple[_Watch, Secret, Secret]] = deque()
        self._reset()
        reset_in_child(self._reset)

    def _reset(self) -> None:
        self._changed = threading.Condition()  # re-entrant, as a callback may watch another name
        self._thread: threading.Thread | None = None

    def watch(self, name: str, callback: Callback) -> Callable[[], None]:
        """Call *callback* with the old and the new secret after each change of *name*.

        Returns:
            A function that ends it.
        """
        with self._changed:
            watch = self._watches.setdefault(name, _Watch(name))
            number = next(_numbers)
            watch.callbacks = {**watch.callbacks, number: callback}
            self._start()
            self._changed.notify()
        return partial(self._unwatch, watch, number)

    def _unwatch(self, watch: _Watch, number: int) -> None:
        with self._changed:
            watch.callbacks = {each: told for each, told in watch.callbacks.items() if each != number}
            if not watch.callbacks and self._watches.get(watch.name) is watch:
                del self._watches[watch.name]
            self._changed.notify()

    def saw(self, ask: Ask, secret: Secret, entry: Entry, number: int) -> None:
        """Take note of what a reader got.

        Args:
            ask: The link that had it.
            secret: What it had.
            entry: The document it is from.
            number: The newest flight that the reader's walk rests on.
        """
        if (watch := self._watches.get(secret.name)) is not None:
            self._note(watch, ask, secret, entry, number)

    def wake(self) -> None:
        """Start the thread again where there is none: in a child, or after the store was closed."""
        if self._watches and self._thread is None and not isinstance(threading.current_thread(), _Thread):
            with self._changed:
                self._start()

    def landed(self, entry: Entry) -> None:
        """Take note of a new answer, before any newer one can come."""
        for watch in list(self._watches.values()) if self._watches else ():
            ask, document = watch.ask, entry.answer
            if ask is None or key_of(ask) != entry.key:
                continue
            if isinstance(document, Document) and document.pick(ask.location.field) is not None:
                secret = secret_from(watch.name, ask, entry, stale=False, clock=self._clock)
                self._note(watch, ask, secret, entry, entry.number)

    def pause(self) -> None:
        """End the thread; the next read starts another one."""
        with self._changed:
            self._thread = None
            self._changed.notify_all()

    def _note(self, watch: _Watch, ask: Ask, secret: Secret, entry: Entry, number: int) -> None:
        with self._changed:
            # Within a document its own number tells the newer answer; between two, that of the whole walk does.
            newer = entry.number > watch.document_number if watch.key == entry.key else number > watch.number
            watch.number = max(number, watch.number)
            if not newer:
                return
            known, watch.secret, watch.ask = watch.secret, secret, ask
            watch.key, watch.document_number = entry.key, entry.number
            if known is not None and not are_same(known, secret):
                self._changes.append((watch, known, secret))
                self._changed.notify()

    # The thread

    def _start(self) -> None:
        """Start the thread if there is none; with the lock held."""
        if self._thread is not None:
            return
        thread = _Thread(target=self._run, name="secretsource-rotation", daemon=True)
        with contextlib.suppress(RuntimeError):  # the interpreter is shutting down, or the system has no more
            self._thread = thread
            thread.start()
            return
        self._thread = None

    def _run(self) -> None:
        me = threading.current_thread()
        while True:
            with self._changed:
                if self._thread is not me:
                    return
                if not self._watches and not self._changes:
                    self._thread = None
                    return
                due = self._due()
                if not self._changes and not due:
                    self._changed.wait(_LOOK_EVERY)
                    continue
                change = self._changes.popleft() if self._changes else None
            if change is not None:
                _tell(*change)
            else:
                for watch in due:
                    self._look(watch)

    def _due(self) -> list[_Watch]:
        now = time.monotonic()
        return [watch for watch in self._watches.values() if watch.due <= now]

    def _look(self, watch: _Watch) -> None:
        """Read the name as any reader does, but wait for nothing; that a change is noticed follows from it."""
        try:
            there = self._look_at(watch.name)
        except ReferenceError:  # nobody has the store any more
            with self._changed:
                self._watches.clear()
            return
        except Exception:  # noqa: BLE001 - its readers are told
            there = False
        watch.failures = 0 if there else watch.failures + 1
        pause = _LOOK_EVERY * 2.0 ** min(max(watch.failures - 1, 0), 10)
        watch.due = time.monotonic() + min(pause, _LONGEST_PAUSE)


def _tell(watch: _Watch, old: Secret, new: Secret) -> None:
    for callback in watch.callbacks.values():
        try:
            callback(old, new)
        except BaseException as error:  # noqa: BLE001 - whatever it raises hurts nobody else
            _report(watch.name, callback, error)


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
