"""Every test starts without a store, without the variables of a person who runs the tests, and leaves none behind."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from secretsource._default import replace_default_store
from tests import timed
from tests.servers.environment import NO_METADATA, forget_settings

forget_settings()  # once and for all, before any fixture starts a server with what is there


def pytest_addoption(parser: pytest.Parser) -> None:
    timed.add_option(parser)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    timed.mark(config, items)


_PREFIXES = ("SECRETSOURCE_", "AWS_", "VAULT_", "BAO_", "CONJUR_")


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Clear the process-wide store and the variables that configure anything."""
    for variable in [each for each in os.environ if each.startswith(_PREFIXES)]:
        if variable != NO_METADATA:
            monkeypatch.delenv(variable)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    replace_default_store(None)
    yield
    replaced = replace_default_store(None)
    if replaced is not None:
        replaced.close()
