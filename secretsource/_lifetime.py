"""How long an answer is kept: the settings of the store, of the link and of the name, put together."""

from __future__ import annotations

from typing import Final

from secretsource._cache import Entry
from secretsource._chain import Link, has
from secretsource._secret import Document
from secretsource.resolvers import Location, is_local

__all__ = ["LOCAL_TTL", "Lifetime"]

LOCAL_TTL: Final = 1.0  # seconds; local resolvers are cheap to ask, and an edit should be seen at once


class Lifetime:
    """Three times, all in seconds and 0 or more."""

    __slots__ = ("max_stale", "negative_ttl", "ttl")

    def __init__(self, *, ttl: float, max_stale: float, negative_ttl: float) -> None:
        """Set the times.

        Args:
            ttl: How long a value is kept.
            max_stale: How much longer it is served while its backend is down.
            negative_ttl: How long "not there" is kept.
        """
        self.ttl = ttl
        self.max_stale = max_stale
        self.negative_ttl = negative_ttl

    def of(self, link: Link, name_ttl: float | None) -> Lifetime:
        """Return the times for answers of *link*, where these are the store's.

        Args:
            link: Its own settings go before the store's. A local resolver without any is asked every second.
            name_ttl: The setting of the name, which goes before both; `None` if there is none.
        """
        ttl = link.ttl if name_ttl is None else name_ttl
        most = LOCAL_TTL if is_local(link.resolver) and link.ttl is None else float("inf")
        return Lifetime(
            ttl=min(self.ttl if ttl is None else ttl, most),
            max_stale=self.max_stale if link.max_stale is None else link.max_stale,
            negative_ttl=min(self.negative_ttl, most),
        )

    def fresh_until(self, entry: Entry, location: Location) -> float:
        """Return the moment until which *entry* is fresh for what is asked at *location*.

        That a document lacks the field is "not there" too, and believed no longer than any other.
        """
        there = isinstance(entry.answer, Document) and has(entry.answer, location)
        return entry.fresh_until(self.ttl if there else self.negative_ttl)

    def served_until(self, entry: Entry) -> float:
        """Return the moment until which *entry* is served while its backend is down."""
        return entry.fresh_until(self.ttl + self.max_stale)
