"""Requests over kept connections: bounded in time, size and number, whichever backend they go to."""

from __future__ import annotations

import secrets
import ssl
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from secretsource._deadline import Deadline
from secretsource._secret import MaskedStr
from secretsource.errors import ConfigError, Reason, ResolverError
from secretsource.resolvers import _http
from secretsource.resolvers._address import parse_address
from secretsource.resolvers._authority import SYSTEM, authority_of
from secretsource.resolvers._http import Connections, Request
from secretsource.resolvers._reply import MAX_BODY_OVERHEAD, Reply, answered
from tests.servers.faulty import FaultyServer


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as server:
        server.answer(body=b"good", path="/good")
        yield server


@pytest.fixture
def connections(server: FaultyServer) -> Iterator[Connections]:
    connections = Connections(parse_address(server.url, "url"), SYSTEM)
    yield connections
    connections.close()


def ask(
    connections: Connections, path: str = "/good", *, seconds: float = 5, limit: int = 100
) -> Reply | ResolverError:
    return connections.exchange(Request(method="GET", path=path, headers={}, limit=limit), Deadline(seconds))


def body(outcome: Reply | ResolverError) -> bytes:
    return answered(outcome).body.reveal()


def failure(outcome: Reply | ResolverError) -> ResolverError:
    assert isinstance(outcome, ResolverError)
    return outcome


def test_an_answer_comes_whole(server: FaultyServer, connections: Connections) -> None:
    reply = answered(ask(connections))

    assert (200, b"good", f"HTTP 200 from 127.0.0.1:{server.port}") == (
        reply.status,
        reply.body.reveal(),
        reply.said,
    )


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 412, 429, 473, 500, 503])
def test_a_connection_is_kept_after_an_answer_that_was_read(
    server: FaultyServer, connections: Connections, status: int
) -> None:
    server.answer(status, body=b"whole", path="/x")

    assert [b"whole"] * 3 == [body(ask(connections, "/x")) for _ in range(3)]
    assert 1 == server.connections


@pytest.mark.parametrize("status", [101, 103, 199, 201, 204, 206, 301, 304, 307])
def test_a_connection_is_not_used_again_after_a_status_that_brings_nothing(
    server: FaultyServer, connections: Connections, status: int
) -> None:
    server.answer(status, body=b"the next answer", path="/x")

    assert b"" == body(ask(connections, "/x"))
    assert b"good" == body(ask(connections))
    assert 2 == server.connections


def test_an_answer_of_the_largest_size_is_read_and_a_larger_one_is_refused(
    server: FaultyServer, connections: Connections
) -> None:
    server.answer(body=b"x" * 5000, path="/x")

    assert b"x" * 5000 == body(ask(connections, "/x", limit=5000))
    refused = failure(ask(connections, "/x", limit=99))
    assert (Reason.BROKEN, f"127.0.0.1:{server.port}: more than 99 bytes") == (refused.reason, refused.detail)
    assert b"good" == body(ask(connections))
    assert 2 == server.connections


@pytest.mark.parametrize(
    "headers", [{"Content-Length": None, "Connection": "close"}, {"Transfer-Encoding": "chunked"}]
)
def test_so_it_is_where_the_size_is_not_told(
    server: FaultyServer, connections: Connections, headers: dict[str, str | None]
) -> None:
    server.answer(headers=headers, body=b"x" * 100, path="/x")

    assert b"x" * 100 == body(ask(connections, "/x", limit=100))
    assert Reason.BROKEN is failure(ask(connections, "/x", limit=99)).reason


def test_of_a_failure_the_status_is_enough_where_the_page_is_long(
    server: FaultyServer, connections: Connections
) -> None:
    server.answer(503, body=b"x" * (MAX_BODY_OVERHEAD + 1))

    assert (503, b"") == (answered(ask(connections, "/x")).status, body(ask(connections, "/x")))


def test_a_cut_answer_is_broken(server: FaultyServer, connections: Connections) -> None:
    server.answer(body=b"x" * 50, truncate_to=20, path="/x")

    assert Reason.BROKEN is failure(ask(connections, "/x")).reason


def test_a_place_is_waited_for_and_the_wait_counts(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_http, "POOL_SIZE", 1)
    connections = Connections(parse_address(server.url, "url"), SYSTEM)
    server.answer(body=b"late", delay=0.6, path="/late")
    slow = threading.Thread(target=lambda: ask(connections, "/late"))
    slow.start()
    time.sleep(0.1)
    started = time.monotonic()

    refused = failure(ask(connections, seconds=0.2))
    assert (Reason.TIMEOUT, f"all 1 connections to 127.0.0.1:{server.port} are in use") == (
        refused.reason,
        refused.detail,
    )
    # 0.3 s of waiting leave 0.4 s for an answer that takes 0.6 s.
    assert Reason.TIMEOUT is failure(ask(connections, "/late", seconds=0.7)).reason
    assert time.monotonic() - started < 1.2
    slow.join()
    connections.close()


def test_nothing_is_sent_after_the_deadline(server: FaultyServer, connections: Connections) -> None:
    refused = failure(ask(connections, seconds=0))

    assert (Reason.TIMEOUT, f"no time was left to ask 127.0.0.1:{server.port}") == (
        refused.reason,
        refused.detail,
    )
    assert 0 == server.connections


def test_places_are_given_back_after_failures(server: FaultyServer, connections: Connections) -> None:
    server.answer(close=True, path="/x")
    for _ in range(_http.POOL_SIZE + 1):
        assert Reason.REFUSED is failure(ask(connections, "/x")).reason

    assert b"good" == body(ask(connections, seconds=1))


def test_a_close_ends_the_kept_connections(server: FaultyServer, connections: Connections) -> None:
    ask(connections)
    connections.close()

    assert b"good" == body(ask(connections))
    assert 2 == server.connections


def test_a_request_under_way_survives_a_close(server: FaultyServer, connections: Connections) -> None:
    server.answer(body=b"late", delay=0.3, path="/late")
    outcomes: list[Reply | ResolverError] = []
    slow = threading.Thread(target=lambda: outcomes.append(ask(connections, "/late")))
    slow.start()
    time.sleep(0.1)
    connections.close()
    slow.join()

    assert b"late" == body(outcomes[0])
    assert b"good" == body(ask(connections))


def test_the_path_of_the_address_stands_before_every_path(server: FaultyServer) -> None:
    connections = Connections(parse_address(f"{server.url}/api/", "url"), SYSTEM)
    server.answer(body=b"below", path="/api/x?y=1")

    assert b"below" == body(ask(connections, "/x?y=1"))
    connections.close()


def test_the_host_is_sent_as_the_address_has_it(server: FaultyServer, connections: Connections) -> None:
    ask(connections)

    assert f"127.0.0.1:{server.port}" == server.requests[0].headers["host"]


def test_nothing_that_shows_a_failure_shows_what_was_sent_or_answered(
    server: FaultyServer, connections: Connections
) -> None:
    canary = MaskedStr(secrets.token_hex(16))
    server.answer(body=canary * 9, headers={"X-Canary": canary}, path="/x")
    request = Request(method="POST", path="/x", headers={"X-Token": canary}, body=canary.encode(), limit=20)

    with pytest.raises(ResolverError) as caught:
        answered(connections.exchange(request, Deadline(5)))
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    reply = answered(
        connections.exchange(Request(method="GET", path="/x", headers={}, limit=999), Deadline(5))
    )
    assert canary not in shown + repr(request) + repr(reply) + repr(connections)
    assert caught.value.__context__ is None


# Proxies


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_https_goes_through_the_proxy_which_is_named_without_its_login(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, variable: str, scheme: str
) -> None:
    server.answer(407)
    monkeypatch.setenv(variable, f"{scheme}user:p%40ss@127.0.0.1:{server.port}")
    connections = Connections(parse_address("https://host.invalid:8200", "url"), SYSTEM)

    refused = failure(ask(connections))
    assert ("CONNECT", "host.invalid:8200") == server.requests[0][:2]
    assert "Basic dXNlcjpwQHNz" == server.requests[0].headers["proxy-authorization"]
    assert f"host.invalid:8200 through the proxy 127.0.0.1:{server.port}" == refused.detail


@pytest.mark.parametrize("bypass", ["127.0.0.1", "127.0.0.1:{port}", "*"])
def test_a_host_in_no_proxy_is_asked_directly(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bypass: str
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with FaultyServer(context) as target:
        target.answer(body=b"direct")
        monkeypatch.setenv("HTTPS_PROXY", server.url)
        monkeypatch.setenv("NO_PROXY", bypass.format(port=target.port))
        trusted = authority_of("ca_file", file=tmp_path / "ca.pem")
        connections = Connections(parse_address(target.url, "url"), trusted)
        assert b"direct" == body(ask(connections))
        connections.close()
    assert 0 == server.connections


def test_plain_http_knows_no_proxy(
    server: FaultyServer, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert b"good" == body(ask(Connections(parse_address(server.url, "url"), SYSTEM)))


@pytest.mark.parametrize("proxy", ["socks5://{}@127.0.0.1:1", "ftp://{}@127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used_is_a_wrong_configuration(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    password = secrets.token_hex(8)
    monkeypatch.setenv("HTTPS_PROXY", proxy.format(f"user:{password}"))

    with pytest.raises(
        ConfigError, match=r"the proxy in HTTPS_PROXY cannot be used for host\.invalid:443"
    ) as caught:
        Connections(parse_address("https://host.invalid", "url"), SYSTEM)
    assert password not in str(caught.value)
