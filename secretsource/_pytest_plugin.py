"""The pytest plugin: the fixture ``secrets``, for tests of code that reads secrets.

Every pytest run of a project that has this package loads it, so it imports nothing of ours until a test wants it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from secretsource.testing import Overrides

__all__ = ["secrets"]


@pytest.fixture
def secrets() -> Iterator[Overrides]:
    """Answer secrets from memory for the time of a test, and let no backend be asked.

    Call it with values, ``secrets({"pepipost/api_key": "x"})``, or use its methods: ``secrets.deny("stripe_key")``.
    """
    from secretsource.testing import override  # noqa: PLC0415

    with override() as overrides:
        yield overrides
