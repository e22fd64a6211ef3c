"""Vault over a fork."""

from __future__ import annotations

from tests.process import backends
from tests.process.fork_cases import ForkCases


class TestVault(ForkCases):
    modules = ("hvac.adapters", "urllib3.poolmanager")
    start = staticmethod(backends.vault)
