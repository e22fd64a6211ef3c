"""TLS: verified always, a failure is loud and tried once."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from secretsource._deadline import Deadline
from secretsource.errors import BackendUnavailable, Reason
from secretsource.resolvers.conjur import ConjurResolver
from tests.resolvers.conjur.conftest import context_of
from tests.resolvers.conjur.support import read, resolver_at, resolver_for, value
from tests.servers.conjur import ConjurServer
from tests.servers.faulty import FaultyServer

NAME = "pepipost/api_key"
PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def test_a_private_authority_is_trusted(tls_server: ConjurServer, ca_file: Path, canary: str) -> None:
    resolver = resolver_for(tls_server, ca_file=ca_file)

    assert [canary] * 50 == [value(resolver, NAME) for _ in range(50)]
    assert (1, 1) == (tls_server.connections, tls_server.count("authenticate"))


@pytest.mark.parametrize(
    ("context", "why"),
    [
        (lambda _: context_of(trustme.CA(), "127.0.0.1"), "authority is not known here"),
        (lambda authority: context_of(authority, "other.example.com"), "is for another address"),
        (
            lambda authority: context_of(
                authority, "127.0.0.1", not_before=PAST, not_after=PAST.replace(year=2021)
            ),
            "has expired",
        ),
    ],
    ids=["untrusted", "wrong-host", "expired"],
)
def test_a_certificate_that_does_not_verify_is_told_why_and_is_not_tried_again(
    context: Callable[[trustme.CA], ssl.SSLContext], why: str, authority: trustme.CA, ca_file: Path
) -> None:
    with FaultyServer(context(authority)) as server:
        with pytest.raises(BackendUnavailable, match=server.url.removeprefix("https://")) as caught:
            read(resolver_at(server.url, ca_file=ca_file), NAME)

        assert Reason.TLS is caught.value.reason
        assert caught.value.detail.endswith(why)
        assert (1, []) == (server.connections, server.requests)


AUTHS: dict[str, dict[str, str]] = {
    "api_key": {"login": "alice", "api_key": "x"},
    "ldap": {"service_id": "corp", "login": "alice", "password": "x"},
    "jwt": {"service_id": "ci", "jwt": "x"},
    "oidc": {"service_id": "okta", "jwt": "x"},
    "azure": {"service_id": "prod", "login": "host/x", "jwt": "x"},
    "gcp": {"login": "host/x", "jwt": "x"},
}


@pytest.mark.parametrize("method", sorted(AUTHS))
def test_no_login_is_sent_to_a_server_that_does_not_verify(method: str, ca_file: Path) -> None:
    with FaultyServer(context_of(trustme.CA(), "127.0.0.1")) as server:
        auth = {"method": method, **AUTHS[method]}
        with pytest.raises(BackendUnavailable) as caught:
            read(resolver_at(server.url, ca_file=ca_file, auth=auth), NAME)

        assert (Reason.TLS, 1, []) == (caught.value.reason, server.connections, server.requests)


def test_a_tls_failure_after_the_login_is_loud_too(
    server_context: ssl.SSLContext, ca_file: Path, tls_server: ConjurServer, tmp_path: Path
) -> None:
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(ca_file.read_bytes())
    resolver = resolver_for(tls_server, ca_file=trusted)
    value(resolver, NAME)
    trustme.CA().cert_pem.write_to_path(str(trusted))

    with pytest.raises(BackendUnavailable) as caught:
        read(resolver, NAME)
    assert Reason.TLS is caught.value.reason


def test_a_write_is_not_sent_to_a_server_that_does_not_verify(ca_file: Path) -> None:
    with FaultyServer(context_of(trustme.CA(), "127.0.0.1")) as server:
        resolver = resolver_at(server.url, ca_file=ca_file)
        with pytest.raises(BackendUnavailable) as caught:
            resolver.put(resolver.locate(NAME), "x", Deadline(5))

        assert (Reason.TLS, []) == (caught.value.reason, server.requests)


def test_plain_http_on_the_tls_port_is_a_tls_failure_without_a_retry(faulty: FaultyServer) -> None:
    with pytest.raises(BackendUnavailable) as caught:
        read(resolver_at(faulty.url.replace("http:", "https:")), NAME)

    assert (Reason.TLS, 1) == (caught.value.reason, faulty.connections)
    assert caught.value.detail.endswith("the server does not speak TLS on this port")


def test_a_private_authority_replaces_the_system_store(
    tls_server: ConjurServer, ca_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The system's store trusts the server, the private authority does not.
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))

    value(resolver_for(tls_server), NAME)
    with pytest.raises(BackendUnavailable) as caught:
        read(resolver_for(tls_server, ca_file=other), NAME)
    assert Reason.TLS is caught.value.reason


def test_a_tls_failure_does_not_move_on_to_the_next_address(
    server: ConjurServer, server_context: ssl.SSLContext
) -> None:
    with FaultyServer(server_context) as untrusted:
        resolver = resolver_for(server, url=[untrusted.url, server.url])
        with pytest.raises(BackendUnavailable) as caught:
            read(resolver, NAME)

    assert (Reason.TLS, []) == (caught.value.reason, server.requests)


def test_https_goes_through_the_proxy_that_the_environment_names(
    faulty: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", faulty.url.replace("//", "//user:pass@"))
    faulty.answer(403)

    with pytest.raises(BackendUnavailable, match=r"conjur\.example\.com:443 through the proxy 127\.0\.0\.1"):
        read(resolver_at("https://conjur.example.com"), NAME)
    assert ("CONNECT", "conjur.example.com:443") == faulty.requests[0][:2]
    assert "Basic dXNlcjpwYXNz" == faulty.requests[0].headers["proxy-authorization"]
    assert "authorization" not in faulty.requests[0].headers


def test_a_host_in_no_proxy_is_asked_directly(
    tls_server: ConjurServer,
    faulty: FaultyServer,
    ca_file: Path,
    canary: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", faulty.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    assert canary == value(resolver_for(tls_server, ca_file=ca_file), NAME)
    assert 0 == faulty.connections


def test_the_connection_is_not_kept_after_a_failed_verification(
    tls_server: ConjurServer, canary: str, ca_file: Path
) -> None:
    distrusting = resolver_for(tls_server)
    with pytest.raises(BackendUnavailable):
        read(distrusting, NAME)

    assert canary == value(resolver_for(tls_server, ca_file=ca_file), NAME)
    assert isinstance(distrusting, ConjurResolver)
