"""Tools for tests: of applications that read secrets, and of resolvers.

Applications put values in place of the backends with `override`, or with the fixture ``secrets`` of the pytest plugin:

    def test_mail(secrets):
        secrets({"pepipost/api_key": "test"})

Code that builds its own `Store` is given a `MemoryResolver`, which can be told to deny, to fail, to be slow and to
answer nonsense. Authors of resolvers prove theirs with `ResolverContract`.
"""

from __future__ import annotations

from secretsource.testing._contract import ResolverContract
from secretsource.testing._gate import Gate
from secretsource.testing._memory import MemoryResolver
from secretsource.testing._override import Overrides, override

__all__ = ["Gate", "MemoryResolver", "Overrides", "ResolverContract", "override"]
