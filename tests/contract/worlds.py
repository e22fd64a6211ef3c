"""A store on a clock that stands still, with what tests need to see of it."""

from __future__ import annotations

import gc
from secrets import token_hex

from secretsource import Secret, Store
from secretsource._chain import Link
from secretsource.errors import BackendUnavailable, Reason
from secretsource.resolvers import Document
from tests.fakes import FakeClock, FakeResolver, eventually

TTL, MAX_STALE, NEGATIVE_TTL = 100.0, 900.0, 5.0
WINDOW = 89.0  # an age past every refresh point and before the ttl


class World:
    """One clock, one backend, one store that asks it."""

    def __init__(
        self,
        *chain: FakeResolver | Link,
        stale_wait: float = 1.0,
        timeout: float = 10.0,
        max_entries: int = 1024,
        ttl: float = TTL,
        max_concurrency: int = 16,
    ) -> None:
        self.clock = FakeClock()
        self.backend = FakeResolver()
        self.store = Store(
            chain or [self.backend],
            ttl=ttl,
            max_stale=MAX_STALE,
            negative_ttl=NEGATIVE_TTL,
            stale_wait=stale_wait,
            timeout=timeout,
            max_entries=max_entries,
            max_concurrency=max_concurrency,
            clock=self.clock,
        )

    @property
    def calls(self) -> int:
        return len(self.backend.calls)

    def rotate(self, name: str, version: str, *, lease: float | None = None) -> str:
        """Let the backend have a new version; return its value."""
        value = f"{version}-{token_hex(8)}"
        self.backend.says[name] = Document(value=value, version=version, lease=lease)
        return value

    def change(self, name: str, version: str) -> Secret:
        """Let the backend have a new version; return what a reader gets who asks for it."""
        self.rotate(name, version)
        return self.store.get(name, refresh=True)

    def version(self, name: str = "a") -> str | None:
        return self.store.get(name).version

    def settled(self) -> None:
        """Wait until nothing is being fetched."""
        flights = self.store._documents._flights
        assert eventually(lambda: not flights._flying), "a fetch did not end"


def down(reason: Reason = Reason.REFUSED) -> BackendUnavailable:
    return BackendUnavailable(reason=reason)


def versions_alive(prefix: str) -> list[str]:
    """Return the versions of all documents in memory that begin with *prefix*."""
    gc.collect()
    alive = [
        getattr(each, "version", None) or "" for each in gc.get_objects() if issubclass(type(each), Document)
    ]
    return [version for version in alive if version.startswith(prefix)]
