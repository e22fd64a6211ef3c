"""How long an answer is kept: the settings of the store, of the link and of the name, put together."""

from __future__ import annotations

from typing import Final

from secretsource._chain import Link, has
from secretsource._entries import Entry
from secretsource._jitter import spread
from secretsource.resolvers import Location, is_local

__all__ = ["LOCAL_TTL", "Lifetime", "refresh_after"]

LOCAL_TTL: Final = 1.0  # seconds; local resolvers are cheap to ask, and an edit should be seen at once
_REFRESH_AT: Final = 0.8  # of the ttl
_REFRESH_LEASE_AT: Final = 2 / 3  # of the lease
_JITTER: Final = 0.1  # of the moment of a refresh, before and after it


class Lifetime:
    """Three times, all in seconds and 0 or more."""

    __slots__ = ("ahead", "max_stale", "negative_ttl", "ttl")

    def __init__(self, *, ttl: float, max_stale: float, negative_ttl: float, ahead: bool = True) -> None:
        """Set the times.

        Args:
            ttl: How long a value is kept.
            max_stale: How much longer it is served while its backend is down.
            negative_ttl: How long "not there" is kept.
            ahead: Whether an answer is refreshed before it is over. What a reader asks itself is not.
        """
        self.ttl = ttl
        self.max_stale = max_stale
        self.negative_ttl = negative_ttl
        self.ahead = ahead

    def of(self, link: Link, name_ttl: float | None) -> Lifetime:
        """Return the times for answers of *link*, where these are the store's.

        Args:
            link: Its own settings go before the store's. A local resolver without any is asked every second.
            name_ttl: The setting of the name, which goes before both; `None` if there is none.
        """
        ttl, local = (link.ttl if name_ttl is None else name_ttl), is_local(link.resolver)
        most = LOCAL_TTL if local and link.ttl is None else float("inf")
        return Lifetime(
            ttl=min(self.ttl if ttl is None else ttl, most),
            max_stale=self.max_stale if link.max_stale is None else link.max_stale,
            negative_ttl=min(self.negative_ttl, most),
            ahead=not local,
        )

    def fresh_until(self, entry: Entry, location: Location) -> float:
        """Return the moment until which *entry* is fresh for what is asked at *location*.

        That a document lacks the field is "not there" too, and believed no longer than any other.
        """
        return entry.fetched_at + _capped(self._ttl(entry, location), entry.lease)

    def refresh_at(self, entry: Entry, location: Location) -> float:
        """Return the moment from which *entry* is refreshed behind its readers' backs; never after it is over."""
        ttl = self._ttl(entry, location)
        if not self.ahead:
            return entry.fetched_at + _capped(ttl, entry.lease)
        return entry.fetched_at + refresh_after(ttl, entry.lease, jitter=spread(entry.number))

    def served_until(self, entry: Entry, location: Location) -> float:
        """Return the moment until which *entry* is served while its backend is down."""
        return entry.fetched_at + _capped(self._ttl(entry, location) + self.max_stale, entry.lease)

    def longest(self, entry: Entry) -> float:
        """Return the moment from which *entry* is of no use to anybody who reads with these times."""
        ttl = self.ttl if entry.is_there else self.negative_ttl
        return entry.fetched_at + _capped(ttl + self.max_stale, entry.lease)

    def _ttl(self, entry: Entry, location: Location) -> float:
        return self.ttl if has(entry, location) else self.negative_ttl


def refresh_after(ttl: float, lease: float | None = None, *, jitter: float) -> float:
    """Return the seconds after which a value is refreshed: 0.8 of its ttl or 2/3 of its lease, a tenth more or less.

    Args:
        ttl: Seconds, 0 or more.
        lease: Seconds; `None` without limit.
        jitter: From -1 to 1.
    """
    after = _REFRESH_AT * ttl if lease is None else min(_REFRESH_AT * ttl, _REFRESH_LEASE_AT * lease)
    return after * (1 + _JITTER * jitter)


def _capped(seconds: float, lease: float | None) -> float:
    return seconds if lease is None else min(seconds, lease)
