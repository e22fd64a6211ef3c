"""What a typed user of the tools for tests writes. Never run."""

from __future__ import annotations

from typing import assert_type
from unittest import IsolatedAsyncioTestCase, TestCase

import pytest

from secretsource import SecretSourceError, get_secret
from secretsource.testing import IsolationError, Overrides, override, real_secrets

with override({"pepipost/api_key": "test", "db/primary": {"user": "u", "password": b"p"}}) as overrides:
    assert_type(overrides, Overrides)
    assert_type(overrides.rotate("pepipost/api_key", "new", after=1), None)
    assert_type(overrides.rotate("db/primary", {"user": "u", "password": "q"}), None)
    overrides({"a": "x"})
    overrides.deny("a")


@override({"pepipost/api_key": "test"})
def read(more: int) -> str:
    return get_secret("pepipost/api_key") * more


@override()
async def aread() -> bytes:
    return b""


async def coroutine() -> None:
    assert_type(read(2), str)
    assert_type(await aread(), bytes)


@override({"pepipost/api_key": "test"})
class Tests(TestCase):
    number = 3

    @override({"a": "x"})
    def test_it(self) -> None: ...


@override()
class AsyncTests(IsolatedAsyncioTestCase):
    async def test_it(self) -> None: ...


assert_type(Tests.number, int)
assert_type(Tests("test_it"), Tests)


@real_secrets()
def fixture() -> str:
    with real_secrets():
        return ""


assert_type(fixture(), str)


@pytest.mark.real_secrets
@pytest.mark.secrets({"a": "x"})
def test_with_the_fixture(secrets: Overrides) -> None:
    secrets({"b": "y"})


error: SecretSourceError = IsolationError("words")
