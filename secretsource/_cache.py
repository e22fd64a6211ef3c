"""What is kept: documents, how old they are, and which goes first when there are too many.

Documents are kept by resolver, address, version and stage. A name in use has a direct entry, a `Hit`, so that reading
it is one dictionary look-up and one comparison of clocks, without a lock. Nothing is ever written to disk.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import cachetools

from secretsource._fork import reset_in_child
from secretsource._reentry import is_held_here
from secretsource._secret import Document, MaskedStr, NotThere, Secret, Value

__all__ = ["Cache", "DocumentKey", "Entry", "Hit"]


class DocumentKey(NamedTuple):
    """Everything that changes the answer of a backend is part of the key."""

    resolver: str
    address: str
    version: str | None
    stage: str | None


class Entry:
    """One answer of a backend: a document, or that it is not there."""

    __slots__ = ("_names", "answer", "distrusted", "fetched_at", "key", "number", "used")

    def __init__(
        self, key: DocumentKey, answer: Document | NotThere, *, fetched_at: float, number: int
    ) -> None:
        """Keep an answer.

        Args:
            key: What was asked.
            answer: What the backend said.
            fetched_at: When it was asked, on the store's clock: ages count from there, not from when it answered.
            number: The flight that brought it; a higher one is newer.
        """
        self.key = key
        self.answer = answer
        self.fetched_at = fetched_at
        self.number = number
        self.distrusted = False  # a TLS verification has failed since: it is not served past its ttl
        self.used = False  # set by hits without a lock, looked at by eviction
        self._names: str | tuple[str, ...] = ()  # most documents are read by one name: no tuple for that

    @property
    def names(self) -> tuple[str, ...]:
        """The names whose direct entries rest on this answer."""
        return (self._names,) if isinstance(self._names, str) else self._names

    def add_name(self, name: str) -> None:
        """Note that the direct entry of *name* rests on this answer."""
        if name not in self.names:
            self._names = (*self.names, name) if self._names else name

    def drop_names(self) -> None:
        """Note that no direct entry rests on this answer any more."""
        self._names = ()

    @property
    def lease(self) -> float | None:
        """Seconds for which the backend lets us use the answer, from the question on; `None` without limit."""
        return self.answer.lease if isinstance(self.answer, Document) else None


class Hit:
    """The direct entry of a name in use."""

    __slots__ = ("entry", "secret", "text", "until")

    def __init__(self, value: Value, entry: Entry, until: float, *, secret: Secret | None = None) -> None:
        """Point a name at its value.

        Args:
            value: The value of the name.
            entry: The document it is from.
            until: The moment, on the store's clock, from which readers take the longer way.
            secret: What a reader of the store gets; made when there is one.
        """
        self.text = value if isinstance(value, MaskedStr) else None
        self.secret = secret
        self.entry = entry
        self.until = until


class _Documents(cachetools.Cache[DocumentKey, Entry]):
    """The oldest goes first, except that one that was used since the last look is spared and counts as new.

    That is least recently used but for the order among those that were: a hit leaves a mark and takes no lock.
    """

    def popitem(self) -> tuple[DocumentKey, Entry]:
        while True:
            key = next(iter(self))  # in the order in which they came
            entry = self[key]
            del self[key]
            if not entry.used:
                return key, entry
            entry.used = False
            self[key] = entry


class Cache:
    """At most *max_entries* documents, and the direct entries of the names that were read from them.

    `hits` is read without a lock; everything else goes through the methods. A signal handler that reads or forgets may
    interrupt any of them, so each step bears that what it has just seen is gone.
    """

    def __init__(self, max_entries: int) -> None:
        """Start empty.

        Args:
            max_entries: How many documents are kept, at least 1.
        """
        self.hits: dict[str, Hit] = {}
        self._documents = _Documents(max_entries)
        self._max_entries = max_entries
        self._forgotten = 0
        self._gone: dict[DocumentKey, int] = {}
        self._lock = threading.RLock()  # re-entrant, as a signal handler may read too
        reset_in_child(self._reset)

    def _reset(self) -> None:
        if not self._lock.acquire(blocking=False):
            self._put_in_order()  # another thread of the parent was in the middle of a change
        self._lock = threading.RLock()
        self._unlink_all()  # until when a direct entry holds is another moment in each process

    def _put_in_order(self) -> None:
        kept = self._all()
        self._documents = _Documents(self._max_entries)
        for entry in kept[-self._max_entries :]:
            self._documents[entry.key] = entry
        self._gone = {}

    def is_held_here(self) -> bool:
        """Whether this thread is in the middle of a change."""
        return is_held_here(self._lock)

    def get(self, key: DocumentKey) -> Entry | None:
        """Return the last answer for *key*, however old it is."""
        with self._lock:
            entry: Entry | None = self._documents.get(key)
            if entry is not None:
                entry.used = True
            return entry

    def put(self, entry: Entry, then: Callable[[], None] | None = None) -> bool:
        """Keep an answer, unless a newer one is there or everything that was asked before has been forgotten.

        Args:
            entry: The answer.
            then: Called if it is kept, before any newer answer can be; must be quick.

        Returns:
            Whether it is kept.
        """
        with self._lock:
            known = self._documents.get(entry.key)
            gone = max(self._forgotten, self._gone.get(entry.key, 0))
            if entry.number <= gone or (known is not None and known.number > entry.number):
                return False
            if known is not None:
                self._unlink(known)
                entry.used = known.used
            elif len(self._documents) >= self._max_entries:
                self._evict()
            self._documents[entry.key] = entry
            if then is not None:
                then()
            return True

    def drop(self, key: DocumentKey, number: int) -> None:
        """Forget the answer for *key*, and every one that a flight up to *number* still brings, but no newer one."""
        with self._lock:
            self._gone[key] = max(number, self._gone.get(key, 0))
            if len(self._gone) > self._max_entries:
                # One floor for all, which only costs fetches that are under way.
                self._forgotten = max(self._forgotten, *self._gone.values())
                self._gone.clear()
            self._pop(key, number)

    def replace_by_nothing(self, key: DocumentKey, number: int) -> None:
        """Forget the answer for *key*, unless it is newer than the flight *number*."""
        with self._lock:
            self._pop(key, number)

    def unlink(self, key: DocumentKey) -> None:
        """Let the next readers of the names that rest on the answer for *key* take the longer way."""
        with self._lock:
            if (known := self._documents.get(key)) is not None:
                self._unlink(known)

    def link(self, name: str, hit: Hit, rests_on: Sequence[Entry]) -> None:
        """Make *hit* the direct entry of *name*, while every answer it rests on is kept and none was replaced.

        A stale one must not rest on what is distrusted meanwhile.
        """
        with self._lock:
            if any(self._documents.get(entry.key) is not entry for entry in rests_on):
                return
            if hit.secret is not None and hit.secret.stale and any(entry.distrusted for entry in rests_on):
                return
            if len(self.hits) >= 4 * self._max_entries:  # many spellings of few documents
                self._unlink_all()
            for entry in rests_on:
                entry.add_name(name)
            self.hits[name] = hit

    def sweep(self, is_over: Callable[[Entry], bool]) -> None:
        """Forget every answer that *is_over*."""
        with self._lock:
            for entry in self._all():
                if is_over(entry):
                    self._pop(entry.key, entry.number)

    def clear(self, number: int) -> None:
        """Forget everything, and every answer that a flight up to *number* still brings."""
        with self._lock:
            self._forgotten = max(self._forgotten, number)
            self._unlink_all()
            self._documents = _Documents(self._max_entries)
            self._gone.clear()

    def __len__(self) -> int:
        """Return how many documents are kept."""
        return len(self._documents)

    def __repr__(self) -> str:
        """Return how many documents are kept, and none of them."""
        return f"Cache({len(self)} of {self._max_entries} documents)"

    def _pop(self, key: DocumentKey, number: int) -> None:
        known = self._documents.get(key)
        if known is not None and known.number <= number:
            self._unlink(known)
            with contextlib.suppress(KeyError):
                del self._documents[key]

    def _evict(self) -> None:
        with contextlib.suppress(KeyError, StopIteration):
            evicted = self._documents.popitem()[1]
            self._unlink(evicted)
            self._forgotten = max(self._forgotten, evicted.number)  # nothing older comes back in its place

    def _all(self) -> list[Entry]:
        entries = [self._documents.get(key) for key in list(self._documents)]
        return [entry for entry in entries if entry is not None]

    def _unlink(self, entry: Entry) -> None:
        for name in entry.names:
            self.hits.pop(name, None)
        entry.drop_names()

    def _unlink_all(self) -> None:
        self.hits.clear()
        for entry in self._all():
            entry.drop_names()
