"""A package that is missing is told when the resolver is built, with the extra that brings it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import pytest

from secretsource.errors import MissingDependency
from secretsource.resolvers import Resolver
from secretsource.resolvers._installed import check_installed
from secretsource.resolvers.aws import AwsResolver
from secretsource.resolvers.conjur import ConjurResolver
from secretsource.resolvers.vault import VaultResolver


@pytest.mark.parametrize(
    ("build", "missing", "message"),
    [
        (AwsResolver, "botocore", "the resolver 'eu' needs boto3: pip install 'secretsource[aws]'"),
        (VaultResolver, "hvac", "the resolver 'eu' needs hvac: pip install 'secretsource[vault]'"),
        (VaultResolver, "urllib3", "the resolver 'eu' needs hvac: pip install 'secretsource[vault]'"),
        (ConjurResolver, "urllib3", "the resolver 'eu' needs urllib3: pip install 'secretsource[conjur]'"),
    ],
)
def test_the_extra_that_brings_a_missing_package_is_named(
    build: Callable[[str], Resolver], missing: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else real(name))

    with pytest.raises(MissingDependency) as caught:
        build("eu")
    assert message == str(caught.value)


def test_what_is_installed_is_let_through() -> None:
    check_installed("eu", "pytest", modules=("pytest",), extra="x")
