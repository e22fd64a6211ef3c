"""Time, connections, proxies, paths and TLS of the Vault resolver."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme

from secretsource.errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    DeadlineExceeded,
    Reason,
)
from secretsource.resolvers import Location, _http
from secretsource.resolvers.vault import VaultResolver
from secretsource.resolvers.vault._paths import is_exactly
from tests.resolvers.vault.support import (
    APPROLE,
    GOOD,
    JSON,
    KV2,
    LOGIN,
    LOOK_UP,
    READ,
    asked,
    no_environment,
    play_vault,
    quick_retries,
    read,
    resolver_of,
    server,
    together,
    vault,
)
from tests.servers._process import free_port
from tests.servers.faulty import FaultyServer

__all__ = ["no_environment", "quick_retries", "server", "vault"]

pytestmark = pytest.mark.timed


# Time


def test_a_hang_ends_at_the_deadline(server: FaultyServer, vault: VaultResolver) -> None:
    server.answer(delay=30, path=READ)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        read(vault, "app/key", timeout=0.5)
    assert 0.4 <= time.monotonic() - started <= 1.0


def test_a_dripping_body_ends_at_the_deadline(server: FaultyServer, vault: VaultResolver) -> None:
    server.answer(body=GOOD, drip=0.2, path=READ)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        read(vault, "app/key", timeout=0.5)
    assert time.monotonic() - started <= 1.0


def test_a_body_that_hangs_ends_at_the_deadline(server: FaultyServer, vault: VaultResolver) -> None:
    server.answer(body=GOOD, delay=0.4, drip=30, path=READ)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        read(vault, "app/key", timeout=0.6)
    assert time.monotonic() - started <= 1.1


def test_a_hanging_login_ends_at_the_deadline_for_all_who_wait(server: FaultyServer) -> None:
    server.answer(delay=30, path=LOGIN)
    vault = resolver_of(server, auth=APPROLE)

    def seconds() -> float:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            read(vault, "app/key", timeout=0.5)
        return time.monotonic() - started

    assert max(together(seconds)) <= 1.0


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_retry_after_that_fits_is_kept(server: FaultyServer, vault: VaultResolver, form: str) -> None:
    # A date has whole seconds only, so 2 of them are at least 1.
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    server.answer(429, {"Retry-After": "1" if form == "seconds" else date}, times=1, path=READ)
    started = time.monotonic()
    assert "good" == read(vault, "app/key", timeout=8)
    assert 0.9 <= time.monotonic() - started <= 3


def test_a_retry_after_that_does_not_fit_ends_at_once(server: FaultyServer, vault: VaultResolver) -> None:
    server.answer(429, {"Retry-After": "3600"}, path=READ)
    started = time.monotonic()
    with pytest.raises(BackendUnavailable) as caught:
        read(vault, "app/key", timeout=5)
    assert time.monotonic() - started < 1
    assert (3600, Reason.THROTTLED) == (caught.value.retry_after, caught.value.reason)


@pytest.mark.parametrize("header", ["soon", "-1", "", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_a_retry_after_that_is_none_counts_as_not_sent(
    server: FaultyServer, vault: VaultResolver, header: str
) -> None:
    server.answer(429, {"Retry-After": header}, times=2, path=READ)
    assert "good" == read(vault, "app/key", timeout=5)


# Connections


def test_a_refused_connection_names_host_and_port() -> None:
    port = free_port()
    vault = VaultResolver(address=f"http://127.0.0.1:{port}", auth={"method": "token", "token": "x"})
    with pytest.raises(BackendUnavailable, match=f"127.0.0.1:{port}") as caught:
        read(vault, "app/key", timeout=3)
    assert Reason.REFUSED == caught.value.reason


def test_an_unknown_host_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: object, **_more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    vault = VaultResolver(address="https://vault.invalid:8200", auth={"method": "token", "token": "x"})
    with pytest.raises(BackendUnavailable, match="host name not found") as caught:
        read(vault, "app/key", timeout=3)
    assert Reason.DNS == caught.value.reason


def test_a_connection_closed_without_an_answer_is_unavailable(
    server: FaultyServer, vault: VaultResolver
) -> None:
    server.answer(close=True, path=READ)
    with pytest.raises(BackendUnavailable) as caught:
        read(vault, "app/key")
    assert (Reason.REFUSED, 3) == (caught.value.reason, asked(server, READ))


def test_a_connection_that_the_server_dropped_is_replaced(server: FaultyServer, vault: VaultResolver) -> None:
    assert "good" == read(vault, "app/key")
    server.drop_connections()
    assert "good" == read(vault, "app/key")
    assert 2 == server.connections


def test_a_read_may_have_no_deadline(server: FaultyServer) -> None:
    assert "good" == read(resolver_of(server, auth=APPROLE), "app/key", timeout=float("inf"))


def test_reads_share_one_connection(server: FaultyServer, vault: VaultResolver) -> None:
    for _ in range(5):
        read(vault, "app/key")
    assert 1 == server.connections


def test_a_pool_in_use_is_waited_for_until_the_deadline(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_http, "POOL_SIZE", 1)
    vault = resolver_of(server)
    read(vault, "app/key")
    server.answer(body=GOOD, delay=3, times=1, path=READ)
    slow = threading.Thread(target=lambda: read(vault, "app/key"))
    slow.start()
    time.sleep(0.1)
    with pytest.raises(DeadlineExceeded, match="in use"):
        read(vault, "app/key", timeout=0.3)
    slow.join()
    assert "good" == read(vault, "app/key")


def test_a_login_endpoint_that_is_down_leaves_a_good_token_in_use(server: FaultyServer) -> None:
    server.answer(
        200, JSON, json.dumps({"auth": {"client_token": "s.short", "lease_duration": 3}}), path=LOGIN
    )
    vault = resolver_of(server, auth=APPROLE)
    read(vault, "app/key")
    server.answer(503, path=LOGIN)
    time.sleep(2.1)
    assert ["good"] * 3 == [read(vault, "app/key") for _ in range(3)]
    time.sleep(1)
    with pytest.raises(BackendUnavailable, match="on login"):
        read(vault, "app/key")


def test_a_failing_login_is_shared_by_the_threads_that_wait(server: FaultyServer) -> None:
    server.answer(403, delay=0.3, path=LOGIN)
    vault = resolver_of(server, auth=APPROLE)

    def denied() -> str:
        with pytest.raises(AccessDenied) as caught:
            read(vault, "app/key")
        return caught.value.detail

    started = time.monotonic()
    assert 1 == len(set(together(denied)))
    assert (1, True) == (asked(server, LOGIN), time.monotonic() - started < 1.5)


# Headers and paths


def test_a_read_sends_token_and_namespace_and_nothing_of_netrc(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password word\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    read(resolver_of(server, namespace="team/a"), "app/key")
    for request in server.requests:
        assert ("s.given", "team/a", "true") == tuple(
            request.headers[f"x-vault-{name}"] for name in ("token", "namespace", "request")
        )
        assert "authorization" not in request.headers


def test_a_login_sends_no_token(server: FaultyServer) -> None:
    read(resolver_of(server, auth=APPROLE), "app/key")
    login = server.requests[0]
    assert ("POST", LOGIN) == login[:2]
    assert "x-vault-token" not in login.headers
    assert {"role_id": "role", "secret_id": "secret"} == json.loads(login.body)
    assert "s.token" == server.requests[-1].headers["x-vault-token"]


def test_a_path_before_v1_is_kept(server: FaultyServer) -> None:
    server.answer(200, JSON, KV2, path=f"/proxy/vault{LOOK_UP}")
    server.answer(200, JSON, GOOD, path=f"/proxy/vault{READ}?version=7")
    vault = resolver_of(server, address=f"{server.url}/proxy/vault/")
    assert "good" == read(vault, "vault://secret/app?version=7#key")


def test_plain_http_never_goes_through_a_proxy(
    server: FaultyServer, vault: VaultResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert "good" == read(vault, "app/key")


@pytest.mark.parametrize("password", ["", "user:word@"])
def test_https_goes_through_the_proxy_of_the_environment(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    server.answer(502)
    monkeypatch.setenv("https_proxy", f"http://{password}127.0.0.1:{server.port}")
    vault = VaultResolver(address="https://vault.invalid:8200", auth={"method": "token", "token": "s.given"})
    with pytest.raises(BackendUnavailable) as caught:
        read(vault, "app/key", timeout=1)
    assert ("CONNECT", "vault.invalid:8200") == server.requests[0][:2]
    assert bool(password) is ("proxy-authorization" in server.requests[0].headers)
    assert "x-vault-token" not in server.requests[0].headers
    assert "word" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "/v1/secret/data/../x",
        "/v1/secret/data/%2e%2e/x",
        "/v1/secret/data//app",
        "/v1/secret/data/app/",
        "/v1/secret/data/app?x",
        "/v1/secret/data/app#x",
        "/v1/secret/data/ap",
        "/v1/secret/app",
        "",
    ],
)
def test_a_url_that_means_another_path_is_not_sent(url: str) -> None:
    assert is_exactly("/v1/secret/data/app", READ)
    assert not is_exactly(url, READ)


@pytest.mark.parametrize(
    "address", ["secret/../sys/mounts", "secret/./x", "secret//x", "sys/mounts", "secret/a\nb"]
)
def test_a_location_made_by_others_is_checked_before_it_is_asked_for(
    server: FaultyServer, vault: VaultResolver, address: str
) -> None:
    from secretsource._deadline import Deadline
    from secretsource.errors import InvalidReference

    with pytest.raises(InvalidReference):
        vault.fetch(Location(address=address), Deadline(1))
    assert [] == server.requests


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def _tls(authority: trustme.CA, host: str = "127.0.0.1", **more: object) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host, **more).configure_cert(context)
    return context


def _ca_file(authority: trustme.CA, folder: Path) -> str:
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return str(folder / "ca.pem")


def test_a_private_authority_is_trusted_where_it_is_set(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _ca_file(authority, tmp_path)
    with FaultyServer(_tls(authority)) as server:
        play_vault(server)
        assert "good" == read(resolver_of(server, ca_file=file), "app/key")
        monkeypatch.setenv("VAULT_CACERT", file)
        assert "good" == read(resolver_of(server), "app/key")


@pytest.mark.parametrize("trouble", ["untrusted", "expired", "wrong host", "other authority"])
def test_a_tls_failure_ends_at_once_and_sends_nothing(
    authority: trustme.CA, tmp_path: Path, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_SKIP_VERIFY", "true")
    context = _tls(
        authority,
        "vault.example" if trouble == "wrong host" else "127.0.0.1",
        not_after=datetime.now(UTC) - timedelta(days=1) if trouble == "expired" else None,
    )
    trusted = trustme.CA() if trouble == "other authority" else authority
    file = None if trouble == "untrusted" else _ca_file(trusted, tmp_path)
    with FaultyServer(context) as server:
        with pytest.raises(BackendUnavailable) as caught:
            read(resolver_of(server, ca_file=file, auth=APPROLE), "app/key")
        assert (Reason.TLS, 1, []) == (caught.value.reason, server.connections, server.requests)


def test_a_ca_file_that_vanished_is_a_wrong_configuration(authority: trustme.CA, tmp_path: Path) -> None:
    file = _ca_file(authority, tmp_path)
    vault = VaultResolver(address="https://127.0.0.1:1", ca_file=file, auth={"method": "token", "token": "x"})
    Path(file).unlink()
    with pytest.raises(ConfigError, match="ca_file"):
        read(vault, "app/key")


def test_a_proxy_that_cannot_be_used_is_a_wrong_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1")
    vault = VaultResolver(address="https://vault.invalid", auth={"method": "token", "token": "x"})
    with pytest.raises(ConfigError, match="HTTPS_PROXY"):
        read(vault, "app/key")


def test_https_to_a_plain_port_is_a_tls_failure(server: FaultyServer) -> None:
    with pytest.raises(BackendUnavailable) as caught:
        read(resolver_of(server, address=server.url.replace("http:", "https:")), "app/key")
    assert (Reason.TLS, []) == (caught.value.reason, server.requests)
