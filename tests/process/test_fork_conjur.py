"""Conjur over a fork."""

from __future__ import annotations

from tests.process import backends
from tests.process.fork_cases import ForkCases


class TestConjur(ForkCases):
    modules = ("urllib3.poolmanager", "secretsource.resolvers.conjur._session")
    start = staticmethod(backends.conjur)
