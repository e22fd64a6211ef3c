"""A stand-in with one variable that alice may read."""

import secrets
from collections.abc import Iterator

import pytest

from . import ConjurServer
from .client import VARIABLE, Client, connected


@pytest.fixture
def value() -> bytes:
    return secrets.token_hex(8).encode()


@pytest.fixture
def server(value: bytes) -> Iterator[ConjurServer]:
    with ConjurServer() as server:
        server.add_variable(VARIABLE, value=value, readers=("alice",))
        yield server
    assert [] == server.problems


@pytest.fixture
def alice(server: ConjurServer) -> Iterator[Client]:
    with connected(server) as client:
        yield client
