"""Which documents could not be refreshed, when the next attempt is due, and what the log says of an outage.

Readers who have a value do not wait for a backend that is down; one attempt at a time, further and further apart, finds
out when it is back. An outage belongs to a link: it begins with the first document that could not be refreshed, and is
over when every such document was, or is read no more.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from secretsource._deadline import Deadline
from secretsource._fork import reset_in_child
from secretsource._jitter import spread
from secretsource._keys import DocumentKey, resolver_of
from secretsource._reentry import is_held_here
from secretsource.errors import BackendUnavailable, InvalidResponse, Reason, SecretSourceError

if TYPE_CHECKING:
    from logging import Logger

__all__ = ["LONGEST_PAUSE", "SHORTEST_PAUSE", "Outages", "may_serve_stale", "pause_after"]

SHORTEST_PAUSE: Final = 1.0  # seconds
LONGEST_PAUSE: Final = 60.0
_SHARE: Final = 0.2  # of a pause, before and after it
_MOST_FAILING: Final = 4096  # documents of one link; names may come from untrusted places
# Seconds after which a document that nobody tried again holds up the end no more.
_UNREAD_AFTER: Final = 120.0


def pause_after(attempts: int, *, jitter: float) -> float:
    """Return the seconds to wait after so many failed attempts in a row: 1, 2, 4 … 60, a fifth more or less.

    Args:
        attempts: At least 1.
        jitter: From -1 to 1.
    """
    pause = min(SHORTEST_PAUSE * 2.0 ** min(attempts - 1, 10), LONGEST_PAUSE) * (1 + _SHARE * jitter)
    return min(max(pause, SHORTEST_PAUSE), LONGEST_PAUSE)


class _Pause:
    """The attempts that failed in a row, and when the next one is due."""

    __slots__ = ("attempts", "retry_at")

    def __init__(self) -> None:
        self.attempts = 0
        self.retry_at = float("-inf")

    def failed(self, error: SecretSourceError, number: int, now: float) -> None:
        if now < self.retry_at:
            return  # several failures of one moment are one
        self.attempts += 1
        pause = pause_after(self.attempts, jitter=spread(number))
        if isinstance(error, BackendUnavailable) and error.retry_after is not None:
            pause = min(max(pause, error.retry_after), LONGEST_PAUSE)
        self.retry_at = now + pause


class _Failing(_Pause):
    """One document whose last fetch failed."""

    __slots__ = ("error",)

    def __init__(self) -> None:
        super().__init__()
        self.error: SecretSourceError = BackendUnavailable()


class _Outage(_Pause):
    """What one link cannot do at present."""

    __slots__ = ("answers", "attempt", "failing", "is_news", "last", "next", "told_at")

    def __init__(self) -> None:
        super().__init__()
        self.failing: dict[DocumentKey, _Failing] = {}
        self.attempt: tuple[DocumentKey, Deadline] | None = None
        self.last: DocumentKey | None = None  # that had an attempt
        self.next: DocumentKey | None = None  # of those that were refused one
        self.answers = False  # for other documents, meanwhile
        self.is_news = True
        self.told_at: float | None = None

    def fails(self, key: DocumentKey) -> None:
        """Note that a document fails; where others have answered meanwhile, it is the link that is down now."""
        if key not in self.failing and self.answers:
            self.answers, self.is_news = False, True

    def answers_for(self, key: DocumentKey) -> None:
        """Note that the link has answered for a document."""
        self.attempts, self.retry_at = 0, float("-inf")
        self.answers, self.is_news = True, self.told_at is None
        self.forget(key)

    def is_to_tell(self, now: float) -> bool:
        """Whether the log has no line of this yet; a link that answers now and then has one a minute at most."""
        is_due = self.told_at is None or now - self.told_at >= LONGEST_PAUSE
        if self.is_news and is_due:
            self.told_at, self.is_news = now, False
            return True
        return False

    @property
    def is_trying(self) -> bool:
        """Whether an attempt is under way."""
        return self.attempt is not None and not self.attempt[1].expired

    def begin_attempt(self, key: DocumentKey, now: float, seconds: float) -> bool:
        """Let *key* have the next attempt if one is due, unless it had the last one and another waits for its turn."""
        if now < self.retry_at or self.is_trying:
            self.next = key if self.next is None and key != self.last else self.next
            return False
        if self.next not in {None, key} and key == self.last and now < self.retry_at + LONGEST_PAUSE:
            return False
        self.attempt, self.last, self.next = (key, Deadline(seconds)), key, None
        return True

    def end_attempt(self, key: DocumentKey) -> None:
        if self.attempt is not None and self.attempt[0] == key:
            self.attempt = None

    def forget(self, key: DocumentKey) -> None:
        self.failing.pop(key, None)
        self.end_attempt(key)
        self.next = None if self.next == key else self.next


class Outages:
    """The outages of all links of a store. Times are on the store's clock."""

    def __init__(self) -> None:
        """Start with all links well."""
        self._links: dict[str, _Outage] = {}
        self._renew_lock()
        reset_in_child(self._in_child)

    def _renew_lock(self) -> None:
        self._lock = threading.RLock()  # re-entrant, as a signal handler may read too

    def _in_child(self) -> None:
        self._renew_lock()
        for outage in list(self._links.values()):
            outage.attempt = None  # it is the parent's

    def is_held_here(self) -> bool:
        """Whether this thread is in the middle of a change."""
        return is_held_here(self._lock)

    def failure(self, key: DocumentKey, now: float) -> SecretSourceError | None:
        """Return why the last fetch of a document failed; `None` if it did not, or a next attempt is long overdue.

        Nobody has read it since, so what is known is too old: the next reader finds out.
        """
        outage = self._links.get(resolver_of(key))
        failing = None if outage is None else outage.failing.get(key)
        if outage is None or failing is None:
            return None
        is_overdue = now >= max(outage.retry_at, failing.retry_at) + LONGEST_PAUSE
        return None if is_overdue and not outage.is_trying else failing.error

    def may_try(self, key: DocumentKey, now: float, seconds: float) -> bool:
        """Whether it is time for an attempt in the background, and this reader's turn to start it.

        Args:
            key: The document.
            now: The moment.
            seconds: How long the attempt may take; until it ends, no other one is started at this link while it is
                down.
        """
        with self._lock:
            outage = self._links.get(resolver_of(key))
            if outage is None or not outage.failing:
                return True
            failing = outage.failing.get(key)
            if failing is None and outage.answers:
                return True  # it is not the link that is down, but single documents
            if failing is not None and now < failing.retry_at:
                return False
            return outage.begin_attempt(key, now, seconds)

    def failed(
        self, key: DocumentKey, error: SecretSourceError, number: int, now: float, *, tell: bool = True
    ) -> None:
        """Note that a document could not be read.

        Args:
            key: The document.
            error: Why.
            number: The flight that failed.
            now: The moment.
            tell: Let the log know, if it does not already: an old answer is used in its place.
        """
        with self._lock:
            outage = self._links.setdefault(resolver_of(key), _Outage())
            if key not in outage.failing and len(outage.failing) >= _MOST_FAILING:
                outage.failing.pop(next(iter(outage.failing)), None)
            outage.fails(key)
            failing = outage.failing.setdefault(key, _Failing())
            for pause in (outage, failing):
                pause.failed(error, number, now)
            failing.error = error
            outage.end_attempt(key)
            tell = tell and outage.is_to_tell(now)
        if tell:
            used = "as max_stale allows" if may_serve_stale(error) else "until their ttl only"
            link = resolver_of(key)
            _log().warning("%s: %s; until it is back, cached values are used %s", link, error, used)

    def answered(self, key: DocumentKey, now: float) -> None:
        """Note that the backend has answered for a document; tell when the outage is over."""
        if not self._links:
            return
        with self._lock:
            outage = self._links.get(resolver_of(key))
            if outage is None:
                return
            outage.answers_for(key)
            for other, failing in list(outage.failing.items()):
                if now > failing.retry_at + _UNREAD_AFTER:
                    outage.failing.pop(other, None)
            if outage.failing:
                return
            self._links.pop(resolver_of(key), None)
        if outage.told_at is not None:
            _log().info("%s: answers again", resolver_of(key))

    def forget(self, key: DocumentKey | None = None) -> None:
        """Note that the cache has no answer for a document, or for any, any more."""
        with self._lock:
            for outage in list(self._links.values()):
                for each in [key] if key is not None else list(outage.failing):
                    outage.forget(each)
                if key is None:
                    outage.attempt = outage.next = None

    def end_attempt(self, key: DocumentKey) -> None:
        """Note that an attempt for a document has ended, whatever came of it."""
        with self._lock:
            if (outage := self._links.get(resolver_of(key))) is not None:
                outage.end_attempt(key)


def may_serve_stale(answer: object) -> bool:
    """Whether an old answer may stand in for *answer*, which is none."""
    return isinstance(answer, BackendUnavailable | InvalidResponse) and answer.reason is not Reason.TLS


def _log() -> Logger:
    import logging  # noqa: PLC0415 - slow to import, and not needed while all is well

    return logging.getLogger("secretsource")
