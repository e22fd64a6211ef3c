"""Servers and resolvers for the tests of the Conjur resolver."""

from __future__ import annotations

import os
import secrets
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from secretsource import _clock
from secretsource.resolvers._address import Address
from secretsource.resolvers.conjur import ConjurResolver, _metadata
from tests.resolvers.conjur.support import resolver_for
from tests.servers.conjur import ConjurServer
from tests.servers.faulty import FaultyServer


class SteppingClock:
    """The clock of the package, with a push forward."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._now = _clock.now

    def __call__(self) -> float:
        return self._now() + self.ahead


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No variable of Conjur's is set, the home directory is empty, and no metadata service of a cloud is asked."""
    monkeypatch.setattr(_metadata, "_SERVICE", Address(scheme="http", host="127.0.0.1", port=9))
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    for name in os.environ:
        if name.startswith("CONJUR_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SteppingClock:
    stepping = SteppingClock()
    monkeypatch.setattr(_clock, "now", stepping)
    return stepping


@pytest.fixture
def canary() -> str:
    return "canary-" + secrets.token_hex(16)


@pytest.fixture
def server(canary: str) -> Iterator[ConjurServer]:
    with ConjurServer() as running:
        running.set("pepipost/api_key", canary.encode())
        yield running
        assert [] == running.problems


@pytest.fixture
def resolver(server: ConjurServer) -> Iterator[ConjurResolver]:
    made = resolver_for(server)
    yield made
    made.close()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("conjur") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="session")
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    return context_of(authority, "127.0.0.1")


@pytest.fixture
def tls_server(server_context: ssl.SSLContext, canary: str) -> Iterator[ConjurServer]:
    with ConjurServer(ssl_context=server_context) as running:
        running.set("pepipost/api_key", canary.encode())
        yield running


@pytest.fixture
def faulty() -> Iterator[FaultyServer]:
    with FaultyServer() as running:
        yield running


def context_of(authority: trustme.CA, *names: str, **details: object) -> ssl.SSLContext:
    """Return a server's context with a certificate for *names*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, **details).configure_cert(context)
    return context
