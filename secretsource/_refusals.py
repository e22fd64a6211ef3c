"""Documents whose values were refused: when each may be asked for again because of that, and who waits how long.

A rotation changes a key at two places, one after the other. Who is refused in between asks too early, and must be able
to ask again soon; a key that stays wrong must not cost its backend a call for each refusal.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from secretsource._chain import Looked
from secretsource._fork import reset_in_child
from secretsource._secret import Document
from secretsource.errors import SecretSourceError

if TYPE_CHECKING:
    from secretsource._entries import Entry
    from secretsource._flight import Flight
    from secretsource._keys import DocumentKey

__all__ = ["RENEWAL_PAUSE", "Refusals"]

RENEWAL_PAUSE: Final = 5.0  # seconds at most between two refreshes of a document whose value stays refused
_FIRST_PAUSE: Final = 0.125  # seconds; doubled each time that the same has come back
_ROW: Final = 60.0  # seconds after which refusals begin to count anew
_ENDED: Final = -1  # the number of no answer
_MANY: Final = 16  # rows; with fewer there is no need to forget any


class _Row:
    """The refusals of one document's answer, which its refreshes have brought again and again.

    Attributes:
        began: When the first one was.
        number: Which answer the row goes on with: the one that was refused, then the same again from the last refresh.
        asked_at: When the document was asked for last because of a refusal.
        flight: That fetch, while it is under way.
        pause: Seconds from there in which it is not asked for again.
    """

    __slots__ = ("asked_at", "began", "flight", "number", "pause")

    def __init__(self, now: float, number: int) -> None:
        self.began = now
        self.number = number
        self.asked_at = float("-inf")
        self.flight: Flight[Looked] | None = None
        self.pause = _FIRST_PAUSE

    @property
    def is_stray(self) -> bool:
        return self.flight is not None and self.flight.is_stray

    def begin_anew(self, now: float, number: int) -> None:
        self.began, self.number, self.pause = now, number, _FIRST_PAUSE


class Refusals:
    """The documents of one store whose values were refused lately."""

    def __init__(self) -> None:
        """Know of none."""
        self._renew()
        reset_in_child(self._renew)

    def _renew(self) -> None:
        self._rows: dict[DocumentKey, _Row] = {}
        self._lock = threading.RLock()

    def ask(
        self,
        key: DocumentKey,
        number: int,
        now: float,
        join: Callable[[], Flight[Looked] | Looked],
        *,
        refused: Entry | None,
    ) -> Flight[Looked] | Looked | None:
        """Ask for a document together with everybody whose value of it was refused.

        Args:
            key: Which document.
            number: That of the answer which was refused.
            now: The store's time.
            join: Begins the fetch.
            refused: The answer that is kept. If it is lent, each fetch has the backend make something new.

        Returns:
            The fetch to wait for, or what has come of it; `None` if one has ended a short time ago.
        """
        with self._lock:
            row = self._rows.setdefault(key, _Row(now, number))
            if now - row.began >= _ROW or (row.flight is None and row.number != number):
                row.begin_anew(now, number)
            pause = row.pause if refused is None or refused.lease is None else RENEWAL_PAUSE
            if now - row.asked_at < pause and not row.is_stray:
                return row.flight
            self._forget_old(now)
            joined = join()
            self._rows[key] = row
            if isinstance(joined, Looked):
                return joined
            row.asked_at, row.flight = now, joined
            joined.wake_with(partial(self._landed, key, joined, refused))
        return joined

    def _landed(self, key: DocumentKey, flight: Flight[Looked], refused: Entry | None) -> None:
        """Keep the moment and the number, and not what the flight has brought."""
        with self._lock:
            row = self._rows.get(key)
            if row is None or row.flight is not flight:
                return
            row.flight = None
            looked = flight.answer
            if looked is None or isinstance(looked.answer, SecretSourceError):
                row.pause = RENEWAL_PAUSE  # an outage has readers' attempts of its own
            elif looked.entry is None or refused is None or not _are_same(looked.entry, refused):
                row.number = _ENDED
            else:
                row.number = looked.entry.number
                row.pause = min(RENEWAL_PAUSE, row.pause * 2)

    def note(self, key: DocumentKey, now: float) -> None:
        """Take note of a refused value whose resolver is asked each time, as it is local."""
        with self._lock:
            row = self._rows.setdefault(key, _Row(now, 0))
            if now - row.began >= _ROW:
                row.begin_anew(now, 0)
            self._forget_old(now)

    def came_back(self, key: DocumentKey, number: int, now: float) -> None:
        """Take note of a refused value that a fetch has brought again which the refusal did not cause.

        Args:
            key: Which document.
            number: That of the answer.
            now: The store's time.
        """
        with self._lock:
            row = self._rows.setdefault(key, _Row(now, number))
            if row.flight is not None:
                return
            if now - row.began >= _ROW or row.number == _ENDED:
                row.begin_anew(now, number)
            row.number, row.asked_at = number, now
            self._forget_old(now)

    def left(self, key: DocumentKey, wait: float, now: float) -> float:
        """Return the seconds that are left of *wait*, counted from the first refusal of what is refused still."""
        row = self._rows.get(key)
        return 0.0 if row is None else row.began + wait - now

    def _forget_old(self, now: float) -> None:
        if len(self._rows) <= _MANY:
            return
        for key, row in list(self._rows.items()):
            if row.flight is None and now - max(row.began, row.asked_at) >= RENEWAL_PAUSE:
                del self._rows[key]

    def forget(self, key: DocumentKey | None = None) -> None:
        """Forget the refusals of a document, or all."""
        if key is None:
            self._rows.clear()
        else:
            self._rows.pop(key, None)

    def __len__(self) -> int:
        """Return of how many documents refusals are known."""
        return len(self._rows)


def _are_same(one: Entry, other: Entry) -> bool:
    """Whether two answers are the same document of the same version."""
    mine, yours = one.answer, other.answer
    if not isinstance(mine, Document) or not isinstance(yours, Document):
        return False
    return (mine.version, mine.value, mine.fields) == (yours.version, yours.value, yours.fields)
