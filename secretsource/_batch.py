"""The fetches of one call that can travel together, where a resolver can ask for several documents at once."""

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
            depart: Called with the flights to one resolver.
        """
        self._parts: dict[str, list[_Part]] = {}
        self._depart = depart

    def take(self, ask: Ask, lifetime: Lifetime, flight: Flight[Looked]) -> bool:
        """Take a flight along, if its resolver can be asked for several documents at once."""
        if not isinstance(ask.link.resolver, SupportsFetchMany):
            return False
        self._parts.setdefault(ask.link.name, []).append((ask, lifetime, flight))
        return True

    def depart(self) -> None:
        """Ask for what has been collected."""
        while self._parts:
            self._depart(self._parts.popitem()[1])
