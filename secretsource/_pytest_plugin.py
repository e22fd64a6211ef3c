"""The pytest plugin: the fixture ``secrets``, for tests of code that reads secrets.

Every pytest run of a project that has this package loads it, so it imports nothing of ours until a test wants it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from secretsource.testing import Overrides

__all__ = ["pytest_assertrepr_compare", "secrets"]


@pytest.fixture
def secrets() -> Iterator[Overrides]:
    """Answer secrets from memory for the time of a test, and let no backend be asked.

    Call it with values, ``secrets({"pepipost/api_key": "x"})``, or use its methods: ``secrets.deny("stripe_key")``.
    """
    from secretsource.testing import override  # noqa: PLC0415

    with override() as overrides:
        yield overrides


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Keep pytest from explaining a failed comparison by printing a masked value character by character."""
    values = sys.modules.get("secretsource._secret")
    if values is None or not any(isinstance(side, values.Value) for side in (left, right)):
        return None
    return [f"{left!r} {op} {right!r}", "the values differ; a masked one is not shown"]
