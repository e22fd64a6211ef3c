"""What is kept: documents, how old they are, and which goes first when there are too many.

Documents are kept by resolver, address, version and stage: their key. A name in use has a direct entry, a `Hit`, so
that reading it is one dictionary look-up and one comparison of clocks, without a lock. Nothing is ever written to disk.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence

import cachetools

from secretsource._entries import Entry, Hit, distrusted
from secretsource._fork import reset_in_child
from secretsource._keys import DocumentKey
from secretsource._reentry import is_held_here
from secretsource._secret import Secret, Value

__all__ = ["Cache"]


class _Documents(cachetools.Cache[DocumentKey, Entry]):
    """The oldest goes first, except that one that was used since the last look is spared and counts as new.

    That is least recently used but for the order among those that were: a hit leaves a mark and takes no lock.
    """

    def __init__(self, max_entries: int, hits: Mapping[str, Hit]) -> None:
        super().__init__(max_entries)
        self._hits = hits

    def first_to_go(self) -> tuple[DocumentKey, Entry]:
        """Return what `popitem` would take out."""
        while True:
            key = next(iter(self))  # in the order in which they came
            entry = self[key]
            if not self._was_used(entry):
                return key, entry
            del self[key]
            self[key] = entry

    def popitem(self) -> tuple[DocumentKey, Entry]:
        key, entry = self.first_to_go()
        del self[key]
        return key, entry

    def _was_used(self, entry: Entry) -> bool:
        """Whether a hit has marked *entry*, or a direct entry that is from it; nothing is marked afterwards."""
        was_used, entry.used = entry.used, False
        for name in entry.names:
            hit = self._hits.get(name)
            if hit is not None and hit.number == entry.number and hit.used:
                was_used, hit.used = True, False
        return was_used


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
        self._max_entries = max_entries
        self._documents = _Documents(max_entries, self.hits)
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
        self._documents = _Documents(self._max_entries, self.hits)
        for key, entry in kept[-self._max_entries :]:
            self._documents[key] = entry
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

    def peek(self, key: DocumentKey) -> Entry | None:
        """Return what `get` does, without a lock and without counting as a use."""
        with contextlib.suppress(KeyError):  # gone between two steps
            return self._documents.get(key)
        return None

    def put(self, key: DocumentKey, entry: Entry, then: Callable[[], None] | None = None) -> bool:
        """Keep an answer, unless a newer one is there or everything that was asked before has been forgotten.

        Args:
            key: What was asked.
            entry: The answer.
            then: Called if it is kept, before any newer answer can be; must be quick.

        Returns:
            Whether it is kept.
        """
        with self._lock:
            known = self._documents.get(key)
            gone = max(self._forgotten, self._gone.get(key, 0))
            if entry.number <= gone or (known is not None and known.number > entry.number):
                return False
            if known is not None:
                self._unlink(known)
                entry.used = known.used
            elif len(self._documents) >= self._max_entries:
                self._evict()
            self._documents[key] = entry
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

    def distrust(self, key: DocumentKey, number: int) -> None:
        """Note that a TLS verification has failed in the flight *number*, and let readers take the longer way."""
        with self._lock:
            known = self._documents.get(key)
            if known is not None and known.number < number:
                self._unlink(known)
                self._documents[key] = distrusted(known)

    def link(
        self,
        name: str,
        entry: Entry,
        value: Value,
        until: float,
        *,
        secret: Secret | None = None,
        rests_on: Sequence[tuple[DocumentKey, Entry]],
    ) -> None:
        """Give *name* a direct entry, if every answer it rests on is kept and none was replaced.

        Args:
            name: The name.
            entry: The answer that it is from, one of those that it rests on.
            value: What the answer holds for it.
            until: The moment, on the store's clock, from which readers take the longer way.
            secret: What a reader of the store gets, where *entry* alone does not tell that.
            rests_on: Every answer that led there.
        """
        with self._lock:
            if self._is_any_gone(rests_on):
                return
            if len(self.hits) >= 4 * self._max_entries:  # many spellings of few documents
                self._unlink_all()
            for _, each in rests_on:
                each.add_name(name)
            self.hits[name] = entry.hit_for(name, value, until, secret)
            if self._is_any_gone(rests_on):  # a signal handler was here
                self.hits.pop(name, None)

    def _is_any_gone(self, kept: Sequence[tuple[DocumentKey, Entry]]) -> bool:
        return any(self._documents.get(key) is not entry for key, entry in kept)

    def sweep(self, is_over: Callable[[DocumentKey, Entry], bool]) -> None:
        """Forget every answer that *is_over*."""
        with self._lock:
            for key, entry in self._all():
                if is_over(key, entry):
                    self._pop(key, entry.number)

    def clear(self, number: int) -> None:
        """Forget everything, and every answer that a flight up to *number* still brings."""
        with self._lock:
            self._forgotten = max(self._forgotten, number)
            self._unlink_all()
            self._documents = _Documents(self._max_entries, self.hits)
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
            key, evicted = self._documents.first_to_go()
            self._unlink(evicted)  # first: nobody is answered from what is not kept
            self._forgotten = max(self._forgotten, evicted.number)  # nothing older comes back in its place
            del self._documents[key]

    def _all(self) -> list[tuple[DocumentKey, Entry]]:
        entries = [(key, self._documents.get(key)) for key in list(self._documents)]
        return [(key, entry) for key, entry in entries if entry is not None]

    def _unlink(self, entry: Entry) -> None:
        for name in entry.names:
            hit = self.hits.pop(name, None)
            if hit is not None and hit.number == entry.number:
                entry.used = entry.used or hit.used
        entry.drop_names()

    def _unlink_all(self) -> None:
        for _, entry in self._all():
            self._unlink(entry)
        self.hits.clear()
