"""The server that goes wrong, which authors of resolvers use too."""

from __future__ import annotations

from secretsource.testing import FaultyServer
from secretsource.testing._faulty import Received

__all__ = ["FaultyServer", "Received"]
