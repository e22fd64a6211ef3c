"""The certificate that is shown to a server, with its key: checked when a resolver is built, followed as it changes."""

from __future__ import annotations

import os
import secrets
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from secretsource._deadline import Deadline
from secretsource.errors import ConfigError, Reason, ResolverError
from secretsource.resolvers._address import parse_address
from secretsource.resolvers._authority import Authority, authority_of
from secretsource.resolvers._client_certificate import client_certificate_of
from secretsource.resolvers._http import Connections, Request
from secretsource.resolvers._reply import Reply
from tests.servers.faulty import FaultyServer

ASK = Request(method="GET", path="/", headers={}, limit=100)


class Files:
    """A certificate and its key, in two files and in one; and what the server's are signed with."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.cert, self.key, self.both, self.ca = (
            folder / name for name in ("cert.pem", "key.pem", "both.pem", "ca.pem")
        )
        self.authority.cert_pem.write_to_path(str(self.ca))
        self.issue(self.authority)

    def issue(self, authority: trustme.CA, not_after: datetime | None = None) -> None:
        """Write a new certificate and key."""
        issued = authority.issue_cert("client.example", not_after=not_after)
        issued.cert_chain_pems[0].write_to_path(str(self.cert))
        issued.private_key_pem.write_to_path(str(self.key))
        issued.private_key_and_cert_chain_pem.write_to_path(str(self.both))

    def trusted(self, **paths: Path) -> Authority:
        """Return the authority with the client certificate, as a resolver builds it."""
        client = client_certificate_of("client_cert", **{name: str(path) for name, path in paths.items()})
        return authority_of("ca_file", file=self.ca, client=client)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def wanted() -> trustme.CA:
    """Who must vouch for clients from now on."""
    return trustme.CA()


def _server(files: Files, *clients: trustme.CA) -> FaultyServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    files.authority.issue_cert("127.0.0.1").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    # Later versions refuse a client after the handshake, when it may be writing and not listen.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    for client in clients:
        client.configure_trust(context)
    server = FaultyServer(context)
    server.answer(body="yes")
    return server


@pytest.fixture
def server(files: Files) -> Iterator[FaultyServer]:
    with _server(files, files.authority) as server:
        yield server


def _to(server: FaultyServer, authority: Authority) -> Connections:
    return Connections(parse_address(server.url, "address"), authority)


def _ask(connections: Connections) -> str | ResolverError:
    outcome = connections.exchange(ASK, Deadline(5))
    return outcome.body.decode() if isinstance(outcome, Reply) else outcome


def test_a_server_that_asks_is_shown_the_certificate(server: FaultyServer, files: Files) -> None:
    assert "yes" == _ask(_to(server, files.trusted(cert=files.cert, key=files.key)))


def test_certificate_and_key_may_stand_in_one_file(server: FaultyServer, files: Files) -> None:
    assert "yes" == _ask(_to(server, files.trusted(cert=files.both)))


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("none", "the server"),
        ("expired", "the client certificate has expired"),
        ("unknown", "the client certificate's authority is not known to the server"),
    ],
)
def test_a_server_that_does_not_accept_it_says_why(
    files: Files, wanted: trustme.CA, trouble: str, words: str
) -> None:
    past = datetime.now(UTC) - timedelta(days=1) if trouble == "expired" else None
    files.issue(files.authority, not_after=past)
    with _server(files, wanted if trouble == "unknown" else files.authority) as server:
        trusted = (
            authority_of("ca_file", file=files.ca) if trouble == "none" else files.trusted(cert=files.both)
        )
        failure = _ask(_to(server, trusted))
    assert isinstance(failure, ResolverError)
    assert Reason.TLS is failure.reason
    assert words in failure.detail


def test_it_vouches_for_us_and_not_for_the_server(files: Files, wanted: trustme.CA) -> None:
    with _server(files, wanted) as server:
        files.issue(wanted)
        wanted.cert_pem.write_to_path(str(files.ca))
        failure = _ask(_to(server, files.trusted(cert=files.cert, key=files.key)))
    assert isinstance(failure, ResolverError)
    assert failure.reason is Reason.TLS


# Changes


def test_a_renewed_certificate_is_shown_on_new_connections(files: Files, wanted: trustme.CA) -> None:
    with _server(files, files.authority, wanted) as server:
        connections = _to(server, files.trusted(cert=files.cert, key=files.key))
        assert ["yes", "yes", 1] == [_ask(connections), _ask(connections), server.connections]
        files.issue(wanted)
        assert ["yes", "yes", 2] == [_ask(connections), _ask(connections), server.connections]


def test_a_certificate_that_the_server_did_not_accept_is_replaced_by_the_next(
    files: Files, wanted: trustme.CA
) -> None:
    with _server(files, wanted) as server:
        connections = _to(server, files.trusted(cert=files.both))
        assert isinstance(_ask(connections), ResolverError)
        files.issue(wanted)
        assert "yes" == _ask(connections)


def test_the_old_one_is_used_while_the_new_one_is_being_written(
    server: FaultyServer, files: Files, wanted: trustme.CA
) -> None:
    connections = _to(server, files.trusted(cert=files.cert, key=files.key))
    assert "yes" == _ask(connections)
    files.cert.write_bytes(wanted.issue_cert("client.example").cert_chain_pems[0].bytes())
    assert ["yes", "yes", 1] == [_ask(connections), _ask(connections), server.connections]
    files.issue(files.authority)
    assert ["yes", 2] == [_ask(connections), server.connections]


def test_files_that_vanish_leave_the_old_ones_in_use(server: FaultyServer, files: Files) -> None:
    connections = _to(server, files.trusted(cert=files.both))
    files.both.unlink()
    assert "yes" == _ask(connections)


def test_another_authority_counts_from_the_next_request_on(
    server: FaultyServer, files: Files, wanted: trustme.CA
) -> None:
    connections = _to(server, files.trusted(cert=files.both))
    assert "yes" == _ask(connections)
    wanted.cert_pem.write_to_path(str(files.ca))
    failure = _ask(connections)
    assert isinstance(failure, ResolverError)
    assert failure.reason is Reason.TLS


# Settings that are wrong


def test_files_that_are_missing_are_named(files: Files) -> None:
    files.key.unlink()
    with pytest.raises(ConfigError, match=r"^client_cert: '.*cert.pem' and '.*key.pem' cannot be read$"):
        files.trusted(cert=files.cert, key=files.key)


def test_a_key_of_another_certificate_is_told(files: Files, wanted: trustme.CA) -> None:
    wanted.issue_cert("client.example").private_key_pem.write_to_path(str(files.key))
    with pytest.raises(ConfigError, match="do not belong together"):
        files.trusted(cert=files.cert, key=files.key)


def test_a_file_without_a_key_is_told(files: Files) -> None:
    with pytest.raises(ConfigError, match="hold no certificate and private key in PEM form"):
        files.trusted(cert=files.cert)


def test_a_key_with_a_passphrase_asks_nobody_for_it(files: Files) -> None:
    key = load_pem_private_key(files.key.read_bytes(), None)
    secret = BestAvailableEncryption(secrets.token_bytes(8))
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))
    with pytest.raises(ConfigError, match="need a passphrase, and none can be given"):
        files.trusted(cert=files.cert, key=files.key)


def test_a_key_that_everybody_may_write_is_refused(files: Files) -> None:
    files.key.chmod(0o666)
    with pytest.raises(ConfigError, match=r"client_cert: .* is writable by everybody"):
        files.trusted(cert=files.cert, key=files.key)


def test_a_key_as_kubernetes_mounts_it_is_used(server: FaultyServer, files: Files) -> None:
    files.key.chmod(0o644)
    assert "yes" == _ask(_to(server, files.trusted(cert=files.cert, key=files.key)))


def test_a_path_may_start_at_home(monkeypatch: pytest.MonkeyPatch, files: Files) -> None:
    monkeypatch.setenv("HOME", str(files.cert.parent))
    found = client_certificate_of("client_cert", cert="~/cert.pem", key="~/key.pem")
    assert (os.fspath(files.cert), os.fspath(files.key)) == (found.cert, found.key)
