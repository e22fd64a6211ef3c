"""AWS over a fork."""

from __future__ import annotations

from tests.process import backends
from tests.process.fork_cases import ForkCases


class TestAws(ForkCases):
    modules = ("botocore.client", "urllib3")
    start = staticmethod(backends.aws)
