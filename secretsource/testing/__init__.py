"""Tools for tests: of applications that read secrets, and of resolvers.

Applications put values in place of the backends with `override`, or with the fixture ``secrets`` of the pytest plugin:

    def test_mail(secrets):
        secrets({"pepipost/api_key": "test"})

In a pytest run no real backend is asked, unless the test is marked with ``real_secrets`` or the code stands in a block
of `real_secrets`; else the read is an `IsolationError`.

Code that builds its own `Store` is given a `MemoryResolver`, which can be told to deny, to fail, to be slow and to
answer nonsense. Authors of resolvers prove theirs with `ResolverContract`, those that speak HTTP also against a
`FaultyServer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsource.testing._contract import ResolverContract
from secretsource.testing._gate import Gate
from secretsource.testing._isolation import IsolationError, real_secrets
from secretsource.testing._memory import MemoryResolver
from secretsource.testing._override import Overrides, override

if TYPE_CHECKING:
    from secretsource.testing._faulty import FaultyServer

__all__ = [
    "FaultyServer",
    "Gate",
    "IsolationError",
    "MemoryResolver",
    "Overrides",
    "ResolverContract",
    "override",
    "real_secrets",
]


def __getattr__(name: str) -> object:
    """Load the server when it is first used: with TLS, it takes longer than all the rest."""
    if name != "FaultyServer":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from secretsource.testing._faulty import FaultyServer  # noqa: PLC0415

    globals()[name] = FaultyServer
    return FaultyServer
