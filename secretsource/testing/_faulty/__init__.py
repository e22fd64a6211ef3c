"""A server for tests that answers exactly what it is told to, right or wrong."""

from __future__ import annotations

from secretsource.testing._faulty.script import Received
from secretsource.testing._faulty.server import FaultyServer

__all__ = ["FaultyServer", "Received"]
