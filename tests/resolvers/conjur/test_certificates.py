"""Logins by a client certificate: shown in the handshake, followed when it is renewed, never replaced by a key."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from secretsource.errors import AccessDenied, BackendUnavailable, ConfigError, Reason
from secretsource.resolvers.conjur import ConjurResolver
from tests.resolvers.conjur.conftest import context_of
from tests.resolvers.conjur.support import read, resolver_at, token_body, value
from tests.servers.faulty import FaultyServer

PATH = "/authn-cert/vm/demo/host%2Fapp%2Fweb/authenticate"


class Files:
    """The certificate of a client, with its key in a file of its own."""

    def __init__(self, folder: Path, authority: trustme.CA) -> None:
        self.cert, self.key = folder / "cert.pem", folder / "key.pem"
        self.issue(authority)

    def issue(self, authority: trustme.CA) -> None:
        issued = authority.issue_cert("web.example")
        issued.cert_chain_pems[0].write_to_path(str(self.cert))
        issued.private_key_pem.write_to_path(str(self.key))

    @property
    def settings(self) -> dict[str, str]:
        return {"client_cert": str(self.cert), "client_key": str(self.key)}


@pytest.fixture
def files(tmp_path: Path, authority: trustme.CA) -> Files:
    return Files(tmp_path, authority)


@pytest.fixture
def clients() -> trustme.CA:
    """Who vouches for clients of a server that does not trust ours."""
    return trustme.CA()


def serving(authority: trustme.CA, *clients: trustme.CA) -> FaultyServer:
    """Return a server that wants a certificate from one of *clients*, and then gives a token and a value."""
    context = context_of(authority, "127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    for client in clients:
        client.configure_trust(context)
    server = FaultyServer(context)
    server.answer(body="found")
    server.answer(body=token_body(), path=PATH)
    return server


@pytest.fixture
def mutual(authority: trustme.CA) -> Iterator[FaultyServer]:
    with serving(authority, authority) as server:
        yield server


def resolver(server: FaultyServer, ca_file: Path, files: Files, **settings: Any) -> ConjurResolver:
    auth = {"method": "cert", "service_id": "vm", "login": "host/app/web"}
    given = {"url": server.url, "ca_file": ca_file, "auth": auth, **files.settings, **settings}
    return resolver_at(**given)


def test_a_certificate_is_the_whole_login(mutual: FaultyServer, ca_file: Path, files: Files) -> None:
    assert "found" == value(resolver(mutual, ca_file, files), "x")
    login = mutual.requests[0]
    assert ("POST", PATH, b"") == (login.method, login.path, login.body)
    assert "authorization" not in login.headers


def test_without_a_login_the_certificate_names_the_host(
    mutual: FaultyServer, ca_file: Path, files: Files
) -> None:
    mutual.answer(body=token_body(), path="/authn-cert/vm/demo/authenticate")
    auth = {"method": "cert", "service_id": "vm"}

    assert "found" == value(resolver(mutual, ca_file, files, auth=auth), "x")


def test_the_files_can_come_from_conjurs_own_variables(
    mutual: FaultyServer, ca_file: Path, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONJUR_AUTHN_CERT_FILE", str(files.cert))
    monkeypatch.setenv("CONJUR_AUTHN_CERT_KEY_FILE", str(files.key))

    assert "found" == value(resolver(mutual, ca_file, files, client_cert=None, client_key=None), "x")


def test_a_renewed_certificate_logs_in_where_the_old_one_does_not(
    authority: trustme.CA, clients: trustme.CA, ca_file: Path, files: Files
) -> None:
    with serving(authority, clients) as server:
        found = resolver(server, ca_file, files)
        with pytest.raises(BackendUnavailable):
            read(found, "x")
        files.issue(clients)

        assert "found" == value(found, "x")


def test_a_certificate_that_the_server_does_not_trust_is_no_login(
    authority: trustme.CA, clients: trustme.CA, ca_file: Path, files: Files
) -> None:
    with serving(authority, clients) as server:
        with pytest.raises(BackendUnavailable) as caught:
            read(resolver(server, ca_file, files), "x")

        # A server may also close before its reason is read.
        assert caught.value.reason in {Reason.TLS, Reason.REFUSED}
        assert [] == server.requests


def test_a_refused_login_says_what_may_be_wrong(mutual: FaultyServer, ca_file: Path, files: Files) -> None:
    mutual.answer(401, path=PATH)

    with pytest.raises(AccessDenied, match=r"a client certificate that ran out, .* to 'host/app/web'"):
        read(resolver(mutual, ca_file, files), "x")


def test_a_certificate_can_be_shown_beside_any_other_login(
    mutual: FaultyServer, ca_file: Path, files: Files
) -> None:
    mutual.answer(body=token_body(), path="/authn/demo/alice/authenticate")
    auth = {"method": "api_key", "login": "alice", "api_key": "x"}

    assert "found" == value(resolver(mutual, ca_file, files, auth=auth), "x")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"client_cert": None, "client_key": None}, "'cert' needs a certificate: set client_cert"),
        ({"client_cert": None}, "client_key is of no use alone"),
        ({"client_key": None}, "Conjur's client_cert: .* hold no certificate and private key"),
        ({"client_cert": "/nonexistent"}, "cannot be read"),
        ({"url": "http://127.0.0.1:1"}, "'cert' needs a certificate"),
    ],
)
def test_what_cannot_work_is_told_when_the_resolver_is_built(
    mutual: FaultyServer, ca_file: Path, files: Files, wrong: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        resolver(mutual, ca_file, files, **wrong)
