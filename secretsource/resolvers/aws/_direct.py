"""The service itself: reads, batches, writes and the question who we are, over the clients of its regions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from secretsource._deadline import Deadline
from secretsource.errors import ResolverError
from secretsource.resolvers import Answer, Health, Location
from secretsource.resolvers._aws._health import health_of
from secretsource.resolvers.aws._reads import Reads
from secretsource.resolvers.aws._region import Region
from secretsource.resolvers.aws._regions import Regions
from secretsource.resolvers.aws._settings import Settings
from secretsource.resolvers.aws._writes import Writes

__all__ = ["Direct"]


class Direct:
    """Asks Secrets Manager, for one resolver.

    Args:
        name: The configured name of the resolver.
        settings: What the configuration says.
        max_bytes: The most bytes that a value may have.

    Attributes:
        regions: The regions that are asked.
        put: Writes a value; see `SupportsPut`.
    """

    def __init__(self, name: str, settings: Settings, max_bytes: int) -> None:
        self.regions = Regions(name, [Region(each) for each in settings.clients])
        self._name = name
        self._max_bytes = max_bytes
        self._reads = Reads(name, self.regions, max_bytes=max_bytes)
        # The method itself: a frame of ours between would show the value that is written.
        self.put = Writes(name, self.regions.first, self._reads).put

    def fetch(self, location: Location, deadline: Deadline) -> Answer:
        """Read the secret at *location*."""
        return self._reads.fetch(location, deadline)

    def batches(self) -> Callable[[Sequence[Location], Deadline], list[Answer | ResolverError]]:
        """Return what reads several secrets at once."""
        from secretsource.resolvers.aws._batches import Batches

        return Batches(self._name, self.regions, self.fetch, max_bytes=self._max_bytes).fetch_many

    def check(self, deadline: Deadline) -> Health:
        """Ask the first region who we are."""
        return health_of(self._name, self.regions.first.clients, deadline)

    def close(self) -> None:
        """Close all connections."""
        self.regions.close()
