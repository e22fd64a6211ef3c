"""What is kept: documents, how old they are, and which goes first when there are too many.

Documents are kept by resolver, address, version and stage. A name in use has a direct entry, a `Hit`, so that reading
it is one dictionary look-up and one comparison of clocks, without a lock. Nothing is ever written to disk.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

import cachetools

from secretsource._fork import reset_in_child
from secretsource._secret import Document, MaskedStr, NotThere, Secret

__all__ = ["Cache", "DocumentKey", "Entry", "Hit"]


class DocumentKey(NamedTuple):
    """Everything that changes the answer of a backend is part of the key."""

    resolver: str
    address: str
    version: str | None
    stage: str | None


class Entry:
    """One answer of a backend: a document, or that it is not there."""

    __slots__ = ("answer", "distrusted", "fetched_at", "key", "names", "number", "used")

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
        self.distrusted = False  # a TLS verification has failed since
        self.used = False  # set by hits without a lock, looked at by eviction
        self.names: tuple[str, ...] = ()  # the names whose direct entries rest on this answer

    def fresh_until(self, ttl: float) -> float:
        """Return the moment at which this answer is *ttl* old, or its lease is over."""
        lease = self.answer.lease if isinstance(self.answer, Document) else None
        return self.fetched_at + (ttl if lease is None else min(ttl, lease))


class Hit:
    """The direct entry of a name in use."""

    __slots__ = ("entry", "fresh_until", "secret", "text")

    def __init__(self, secret: Secret, entry: Entry, fresh_until: float) -> None:
        """Point a name at its value.

        Args:
            secret: What a reader gets.
            entry: The document it is from.
            fresh_until: The moment, on the store's clock, from which readers take the longer way.
        """
        self.secret = secret
        self.text = secret.masked_value if isinstance(secret.masked_value, MaskedStr) else None
        self.entry = entry
        self.fresh_until = fresh_until


class _Documents(cachetools.LRUCache[DocumentKey, Entry]):
    """Least recently used first, where a hit is a mark on the entry: marked ones get a second chance."""

    def popitem(self) -> tuple[DocumentKey, Entry]:
        key, entry = super().popitem()
        while entry.used:
            entry.used = False
            self[key] = entry
            key, entry = super().popitem()
        return key, entry


class Cache:
    """At most *max_entries* documents, and the direct entries of the names that were read from them.

    `hits` is read without a lock; everything else goes through the methods.
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
        self._lock = threading.Lock()
        reset_in_child(self._reset)

    def _reset(self) -> None:
        if self._lock.locked():  # another thread of the parent was in the middle of a change
            self._put_in_order()
        self._lock = threading.Lock()

    def _put_in_order(self) -> None:
        kept = [self._documents[key] for key in self._documents]
        self._documents = _Documents(self._max_entries)
        for entry in kept[-self._max_entries :]:
            self._documents[entry.key] = entry
        self._gone = {}
        for name, hit in list(self.hits.items()):
            if self._documents.get(hit.entry.key) is not hit.entry:
                del self.hits[name]

    def get(self, key: DocumentKey) -> Entry | None:
        """Return the last answer for *key*, however old it is."""
        with self._lock:
            entry: Entry | None = self._documents.get(key)
            return entry

    def put(self, entry: Entry) -> None:
        """Keep an answer, unless a newer one is there or everything that was asked before has been forgotten."""
        with self._lock:
            known = self._documents.get(entry.key)
            gone = max(self._forgotten, self._gone.get(entry.key, 0))
            if entry.number <= gone or (known is not None and known.number > entry.number):
                return
            self._unlink(known)
            if known is None and len(self._documents) >= self._max_entries:
                evicted = self._documents.popitem()[1]
                self._unlink(evicted)
                self._forgotten = max(
                    self._forgotten, evicted.number
                )  # nothing older comes back in its place
            self._documents[entry.key] = entry

    def drop(self, key: DocumentKey, number: int) -> None:
        """Forget the answer for *key*, and every one that a flight up to *number* still brings, but no newer one."""
        with self._lock:
            self._gone[key] = max(number, self._gone.get(key, 0))
            if (
                len(self._gone) > self._max_entries
            ):  # one floor for all, which only costs fetches that are under way
                self._forgotten = max(self._forgotten, *self._gone.values())
                self._gone.clear()
            known = self._documents.get(key)
            if known is not None and known.number <= number:
                self._unlink(self._documents.pop(key))

    def distrust(self, key: DocumentKey) -> None:
        """Note that the backend's TLS verification failed: this answer is not served once it is past its ttl."""
        with self._lock:
            if (known := self._documents.get(key)) is not None:
                known.distrusted = True

    def link(self, name: str, hit: Hit, rests_on: Sequence[Entry]) -> None:
        """Make *hit* the direct entry of *name*, while every answer it rests on is kept and none was replaced."""
        with self._lock:
            if any(self._documents.get(entry.key) is not entry for entry in rests_on):
                return
            if len(self.hits) >= 4 * self._max_entries:  # many spellings of few documents
                self._unlink_all()
            for entry in rests_on:
                if name not in entry.names:
                    entry.names += (name,)
            self.hits[name] = hit

    def clear(self, number: int) -> None:
        """Forget everything, and every answer that a flight up to *number* still brings."""
        with self._lock:
            self._forgotten = max(self._forgotten, number)
            self._unlink_all()
            self._documents.clear()
            self._gone.clear()

    def __len__(self) -> int:
        """Return how many documents are kept."""
        return len(self._documents)

    def __repr__(self) -> str:
        """Return how many documents are kept, and none of them."""
        return f"Cache({len(self)} of {self._max_entries} documents)"

    def _unlink(self, entry: Entry | None) -> None:
        for name in () if entry is None else entry.names:
            self.hits.pop(name, None)

    def _unlink_all(self) -> None:
        self.hits.clear()
        for entry in self._documents.values():
            entry.names = ()
