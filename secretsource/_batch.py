"""The fetches of one call, which travel together where a resolver can ask for several documents at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from secretsource._chain import Ask, Looked
from secretsource._flight import Flight
from secretsource._lifetime import Lifetime
from secretsource.resolvers import SupportsFetchMany

__all__ = ["Batch"]

_Part = tuple[Ask, Lifetime, Flight[Looked]]


class Batch:
    """Collects flights that are booked, and lets them depart together."""

    def __init__(self, depart: Callable[[Sequence[_Part]], None]) -> None:
        """Start empty.

        Args:
            depart: Called with flights to one resolver: all of them if it has ``fetch_many``, else each by itself.
        """
        self._parts: dict[str, list[_Part]] = {}
        self._depart = depart

    def take(self, ask: Ask, lifetime: Lifetime, flight: Flight[Looked]) -> None:
        """Take a flight along; it departs with the others."""
        self._parts.setdefault(ask.link.name, []).append((ask, lifetime, flight))

    def depart(self) -> None:
        """Ask for what has been collected."""
        while self._parts:
            link, parts = next(iter(self._parts.items()))
            if isinstance(parts[0][0].link.resolver, SupportsFetchMany):
                self._depart(parts)
            else:
                for part in parts:
                    self._depart([part])
            self._parts.pop(
                link, None
            )  # not before: what an interruption leaves here departs with the next call
