"""Runs of pytest inside a test: projects of their own, in this process, with no plugin but ours."""

from __future__ import annotations

from importlib import import_module

import pytest

__all__ = ["OURS", "passes"]

OURS = ("-p", "secretsource._pytest_plugin", "-p", "no:cacheprovider")
_IMPORTS = """
import pytest
from secretsource import BackendUnavailable, SecretNotFound, Store, configure, default_store, get_secret
from secretsource.testing import IsolationError, override, real_secrets
"""

# An inner run forgets the modules that it was the first to import, and another one would have classes of its own.
for _module in ("_build", "_check", "resolvers._http", "resolvers.aws._agent", "resolvers.env", "testing"):
    import_module(f"secretsource.{_module}")


def passes(project: pytest.Pytester, source: str, *arguments: str, passed: int = 1) -> None:
    """Run tests, all of which pass."""
    project.makepyfile(test_it=_IMPORTS + source)
    project.runpytest_inprocess(*OURS, *arguments).assert_outcomes(passed=passed)
